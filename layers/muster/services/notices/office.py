"""The message of the office: all new notices of a run, and what an earlier message did not bring."""

import logging
from collections.abc import Collection, Mapping
from datetime import date
from uuid import uuid4

from muster.domain.absence_notices import NoticeKind, NoticeState
from muster.domain.errors import NoticeNotSent, NoticeUnclear
from muster.domain.identifiers import StudentId
from muster.services.notices.channels import Channels, Mail
from muster.services.notices.days import OfficeLine
from muster.services.notices.records import NoticeRecords
from muster.services.notices.texts import office_text

_log = logging.getLogger(__name__)


def tell_office(records: NoticeRecords, channels: Channels, day: date, lines: Collection[OfficeLine]) -> None:
    """Send one message about a day to each address of the office, if there is anything to tell.

    Lines that an address did not get are kept for the next run about this day. They are taken before the message is
    sent, so two processes never send them twice. Each notice keeps what became of the message.

    Args:
        lines: the new notices.

    Raises:
        VersionConflict: other processes changed the list of the day, or the notices of a student, each time.
    """
    if channels.mail is None or not channels.office:
        return
    waiting = records.days.take(day)
    # If this process ends before it knows, the list must not say that these lines are tried again.
    _note(records, day, {address: (NoticeState.SENDING, kept) for address, kept in waiting.items()})
    results: dict[str, tuple[NoticeState, Collection[OfficeLine]]] = {}
    for address in channels.office:
        told = [*waiting.get(address, ()), *lines]
        if not told:
            continue
        state = _send(channels, channels.mail, address, day, told)
        if state is NoticeState.FAILED:
            records.days.keep(day, address, told)
        results[address] = state, told
    _note(records, day, results)


def _note(records: NoticeRecords, day: date, results: Mapping[str, tuple[NoticeState, Collection[OfficeLine]]]) -> None:
    """Store with the notices what became of the lines of each address."""
    told: dict[StudentId, dict[NoticeKind, dict[str, NoticeState]]] = {}
    for address, (state, lines) in results.items():
        for line in lines:
            told.setdefault(line.student_id, {}).setdefault(line.kind, {})[address] = state
    for student_id, kinds in told.items():
        records.note_office(student_id, day, kinds)


def _send(channels: Channels, mail: Mail, address: str, day: date, lines: Collection[OfficeLine]) -> NoticeState:
    """Send one message; return what became of it."""
    subject, text = office_text(channels.language, day, [(line.name, line.kind, line.lessons) for line in lines])
    try:
        mail.send(address, subject, text, uuid4().hex)
    except NoticeUnclear as error:
        _log.error("the message of the office is unclear: %s", error)
        return NoticeState.UNCLEAR
    except NoticeNotSent as error:
        _log.error("the message of the office was not sent: %s", error)
        return NoticeState.FAILED
    return NoticeState.SENT
