"""Sends notices in the background while a server runs."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Final

from muster.domain.errors import MusterError
from muster.services.notices.sending import Notices

_log = logging.getLogger(__name__)

EVERY_SECONDS: Final = 300.0


@contextmanager
def sending(notices: Notices, every_seconds: float = EVERY_SECONDS) -> Iterator[None]:
    """Send what is due, at once and then every five minutes, until the block ends; nothing if switched off."""
    if notices.channels is None:
        yield
        return
    stopping = Event()

    def work() -> None:
        while True:
            try:
                notices.send()
            except MusterError as error:
                # The disk may be full now but not in five minutes.
                _log.error("notices were not sent: %s", error)
            except Exception:  # noqa: BLE001 - logged with its traceback
                # A fault in one run must not end the notices of the day in silence.
                _log.exception("notices were not sent")
            if stopping.wait(every_seconds):
                return

    thread = Thread(target=work, name="notices", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
