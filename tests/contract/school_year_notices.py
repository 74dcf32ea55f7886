"""Notices of absences during the school year, with a real SMTP server over TLS and a real receiver of events.

Registers are closed in November only, so notices are due then. The class's absences of that month:

    9 and 11 November    Ada, planned: nobody is notified
    23 November          Bea; the receiver of events fails three times, and has the event in the next run
    25 November          Bea; corrected on the next day
    30 November          Bea
    22 March             Cem; nobody is notified, because a question is open and the register cannot be closed
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from muster.domain.absence_notices import Contact, NoticeKind, NoticeState
from muster.domain.identifiers import StudentId
from muster.services.notices.channels import WEBHOOK, Channels
from muster.services.notices.mail import SmtpMail
from muster.services.notices.records import NoticeRecords
from muster.services.notices.sending import Notices
from muster.services.notices.webhook import Webhook
from tests.contract.places import Stores
from tests.tls_servers import EventReceiver, SmtpServer, running, write_certificate

SECRET = "0123456789abcdef0123456789abcdef"
FAILS = date(2026, 11, 23)
OFFICE = "office@example.edu"


@dataclass
class YearNotices:
    """Sends the notices of a school whose clock the test sets.

    Attributes:
        sent: day, kind and state of each notice that was sent or tried, in order.
    """

    notices: Notices
    smtp: SmtpServer
    receiver: EventReceiver
    sent: list[tuple[str, NoticeKind, NoticeState]] = field(default_factory=list)

    def give_contacts(self, students: list[StudentId]) -> None:
        """Give each student one contact, who reads German."""
        for student in students:
            self.notices.records.set_contacts(student, [Contact(f"parent.{student}@example.org", "de")])

    def after_day(self, day: date) -> None:
        """Send what is due after the lessons of a day, as the server does every five minutes."""
        self.receiver.answers = [503, 503, 503] if day == FAILS else []
        for _ in range(2):
            self.send()

    def send(self) -> None:
        """Send what is due now."""
        self.sent += [(f"{notice.day:%d.%m.}", notice.kind, notice.state) for notice in self.notices.send()]

    def check(self, bea: StudentId) -> None:
        """Check who was notified in the whole year."""
        absent, correction = NoticeKind.ABSENT, NoticeKind.CORRECTION
        assert self.sent == [
            ("23.11.", absent, NoticeState.FAILED),
            ("23.11.", absent, NoticeState.SENT),
            ("25.11.", absent, NoticeState.SENT),
            ("30.11.", absent, NoticeState.SENT),
            ("25.11.", correction, NoticeState.SENT),
        ]
        parent = f"parent.{bea}@example.org"
        assert [(message["To"], message["Subject"]) for message in self.smtp.messages()] == [
            (parent, "Abwesenheit am 23.11.2026"),
            (OFFICE, "Absences on 23/11/2026: 1"),
            (parent, "Abwesenheit am 25.11.2026"),
            (OFFICE, "Absences on 25/11/2026: 1"),
            (parent, "Abwesenheit am 30.11.2026"),
            (OFFICE, "Absences on 30/11/2026: 1"),
            (parent, "Berichtigung: keine Abwesenheit am 25.11.2026"),
            (OFFICE, "Absences on 25/11/2026: 1"),
        ]
        assert self.smtp.messages()[0].get_content().startswith("Bea fehlte am 23.11.2026: Maths, 08:00.")
        self._check_events()
        kept = self.notices.records.find(date(2026, 9, 1), date(2027, 3, 31))
        assert [(notice.student_id, set(notice.done)) for notice in kept] == [(bea, {parent, WEBHOOK})] * 4

    def _check_events(self) -> None:
        events = self.receiver.events()
        assert [(event["type"], event["day"]) for event in events] == [
            *[("attendance.absent", "2026-11-23")] * 4,
            ("attendance.absent", "2026-11-25"),
            ("attendance.absent", "2026-11-30"),
            ("attendance.correction", "2026-11-25"),
        ]
        assert len({event["id"] for event in events}) == 4, "a repeated event has the same id"
        for (headers, body), event in zip(self.receiver.received, events, strict=True):
            signed = headers["Muster-Timestamp"].encode() + b"." + body
            expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
            assert (headers["Muster-Signature"], headers["Muster-Delivery"]) == (f"v1={expected}", event["id"])


@contextmanager
def year_notices(
    stores: Stores, zone: ZoneInfo, folder: Path, patch: pytest.MonkeyPatch, now: Callable[[], datetime]
) -> Iterator[YearNotices]:
    """Run the servers, and open notices over a store."""
    certificate = write_certificate(folder)
    patch.setenv("SSL_CERT_FILE", str(certificate))
    with running(SmtpServer(certificate)) as smtp, running(EventReceiver()) as receiver:
        channels = Channels(
            mail=SmtpMail(smtp.address, "school@example.edu"),
            office=(OFFICE,),
            events=Webhook(receiver.url, SECRET, wait=lambda _: None),
        )
        notices = Notices(
            students=stores.students,
            sessions=stores.sessions,
            groups=stores.groups,
            records=NoticeRecords(stores.documents),
            zone=zone,
            channels=channels,
            now=now,
        )
        yield YearNotices(notices, smtp, receiver)
