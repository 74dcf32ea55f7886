"""The message of the office: all new notices of a run, and what an earlier message did not bring."""

import logging
from collections.abc import Collection
from datetime import date
from uuid import uuid4

from muster.domain.errors import NoticeNotSent, NoticeUnclear
from muster.services.notices.channels import Channels
from muster.services.notices.days import NoticeDays, OfficeLine
from muster.services.notices.texts import office_text

_log = logging.getLogger(__name__)


def tell_office(days: NoticeDays, channels: Channels, day: date, lines: Collection[OfficeLine]) -> None:
    """Send one message about a day to each address of the office, if there is anything to tell.

    Lines that an address did not get are kept for the next run about this day. They are taken before the message is
    sent, so two processes never send them twice.

    Args:
        lines: the new notices.

    Raises:
        VersionConflict: other processes changed the list of the day each time.
    """
    if channels.mail is None or not channels.office:
        return
    waiting = days.take(day)
    for address in channels.office:
        told = [*waiting.get(address, ()), *lines]
        if not told:
            continue
        subject, text = office_text(channels.language, day, [(line.name, line.kind, line.lessons) for line in told])
        try:
            channels.mail.send(address, subject, text, uuid4().hex)
        except NoticeUnclear as error:
            _log.error("the message of the office is unclear: %s", error)
        except NoticeNotSent as error:
            _log.error("the message of the office was not sent: %s", error)
            days.keep(day, address, told)
