"""Notices of absences, with a real SMTP server over TLS and a real HTTP receiver."""

import hashlib
import hmac
import json
import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from muster.api.schemas.notices import NoticeDocument
from muster.composition.local import LocalBackend
from muster.composition.notices import open_channels
from muster.composition.settings import LocalSettings
from muster.domain.absence_notices import ABANDONED_AFTER, Contact, NoticeKind, NoticeState, SentNotice
from muster.domain.attendance import Mark, MarkStatus, Session
from muster.domain.closing import close_register, reopen_register
from muster.domain.corrections import Correction
from muster.domain.documents import DocumentKind
from muster.domain.errors import InvalidSetting, NoticeNotSent, NoticesOff, NoticeUnclear
from muster.domain.identifiers import GroupId, SessionId, StudentId, UserId
from muster.services.notices.channels import WEBHOOK, Channels
from muster.services.notices.days import LISTED_DAYS
from muster.services.notices.mail import SmtpMail
from muster.services.notices.sending import Notices
from muster.services.notices.texts import trial_text
from muster.services.notices.timer import sending
from muster.services.notices.webhook import Webhook
from tests.tls_servers import EventReceiver, SmtpServer, running, write_certificate

MONDAY = datetime(2026, 9, 7, 8, tzinfo=UTC)
SECRET = "0123456789abcdef0123456789abcdef"
BY = UserId("ada")


@dataclass
class School:
    """A store with a class, and recorded channels; mail to `broken` addresses fails."""

    backend: LocalBackend
    mails: list[tuple[str, str, str]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    unclear: set[str] = field(default_factory=set)
    now: datetime = MONDAY + timedelta(hours=2)

    def send(self, address: str, subject: str, text: str, message_id: str) -> None:
        if address in self.broken:
            raise NoticeNotSent("no")
        if address in self.unclear:
            raise NoticeUnclear("perhaps")
        self.mails.append((address, subject, text))

    def post(self, event: Any, delivery_id: str) -> None:
        if WEBHOOK in self.broken:
            raise NoticeNotSent("no")
        self.events.append({**event, "delivery": delivery_id})

    @property
    def notices(self) -> Notices:
        channels = Channels(mail=self, office=("office@example.edu",), language="de", events=self)
        return replace(self.backend.records.notices, channels=channels, now=lambda: self.now)

    def told_office(self, student: str) -> NoticeState:
        """Return what the last notice about a student says of the office's message."""
        return self.notices.records.of_student(StudentId(student))[1][-1].office["office@example.edu"]

    def take(self, session_id: str, statuses: dict[str, MarkStatus], *, close: bool = True, enrolled: str = "") -> None:
        """Open a session of today, mark the students, and close its register.

        Args:
            enrolled: name under which the students are enrolled first.
        """
        for student in statuses if enrolled else ():
            self.backend.records.roster.enrol(StudentId(student), enrolled, [GroupId("7b")])
        session = Session(SessionId(session_id), GroupId("7b"), MONDAY)
        self.backend.stores.sessions.create(session, [StudentId(student) for student in statuses])
        self.mark(session_id, statuses)
        if close:
            self.close(session_id)

    def mark(self, session_id: str, statuses: dict[str, MarkStatus]) -> None:
        marks = {StudentId(student): status for student, status in statuses.items()}
        self.backend.records.corrections.mark(SessionId(session_id), marks, BY)

    def close(self, session_id: str) -> None:
        session, marks = self._read(session_id)
        self._amend(session, close_register(session, [], marks, by=BY, at=MONDAY))

    def reopen(self, session_id: str) -> None:
        session, _ = self._read(session_id)
        self._amend(session, reopen_register(session, by=BY, at=MONDAY, reason="wrong"))

    def _read(self, session_id: str) -> tuple[Session, list[Mark]]:
        sessions = self.backend.stores.sessions
        return sessions.get(SessionId(session_id)), sessions.marks(SessionId(session_id))

    def _amend(self, session: Session, correction: Correction) -> None:
        self.backend.stores.sessions.amend(session.id, session.version, changes=correction.changes)


@pytest.fixture
def school(tmp_path: Path) -> School:
    settings = LocalSettings(data=tmp_path, time_zone="Europe/Berlin")
    school = School(LocalBackend(tmp_path, settings))
    for student, name in (("s1", "Ada Lovelace"), ("s2", "Bob Björk")):
        school.backend.records.roster.enrol(StudentId(student), name, [GroupId("7b")])
    school.notices.records.set_contacts(
        StudentId("s1"), [Contact("Mother@example.org"), Contact("vater@example.org", "de")]
    )
    return school


ABSENT = {"s1": MarkStatus.ABSENT, "s2": MarkStatus.PRESENT}
PRESENT = {"s1": MarkStatus.PRESENT, "s2": MarkStatus.PRESENT}


def test_an_absence_is_sent_once_to_everyone_in_their_language(school: School) -> None:
    school.take("first", ABSENT)
    (due,) = school.notices.due()
    assert (due.student.id, due.lessons) == ("s1", "7b, 10:00")
    (sent,) = school.notices.send()
    assert (sent.state, sent.kind) == (NoticeState.SENT, NoticeKind.ABSENT)
    assert sent.done == {"mother@example.org", "vater@example.org", WEBHOOK}
    by_address = {address: (subject, text) for address, subject, text in school.mails}
    assert by_address["mother@example.org"][0] == "Absence on 07/09/2026"
    assert by_address["vater@example.org"][1].startswith("Ada Lovelace fehlte am 07.09.2026")
    assert "Ada Lovelace: abwesend" in by_address["office@example.edu"][1]
    assert "Ada" not in "".join(subject for _, subject, _ in school.mails)
    assert school.events[0] == {
        "id": sent.delivery_id,
        "delivery": sent.delivery_id,
        "type": "attendance.absent",
        "day": "2026-09-07",
        "student_id": "s1",
        "name": "Ada Lovelace",
        "group_ids": ["7b"],
        "session_ids": ["first"],
    }
    school.take("second", ABSENT)
    assert school.notices.send() == []
    assert len(school.mails) == 3


@pytest.mark.parametrize("status", [MarkStatus.PRESENT, MarkStatus.LATE, MarkStatus.EXCUSED])
def test_only_absences_are_sent(school: School, status: MarkStatus) -> None:
    school.take("first", {"s1": status, "s2": MarkStatus.PRESENT})
    assert school.notices.due() == []


def test_nothing_is_sent_while_the_register_is_open_and_a_correction_follows(school: School) -> None:
    school.take("first", ABSENT, close=False)
    assert school.notices.send() == []
    school.close("first")
    assert len(school.notices.send()) == 1
    school.reopen("first")
    school.mark("first", PRESENT)
    assert school.notices.send() == [], "the register is open"
    school.close("first")
    school.now += timedelta(days=3)
    (sent,) = school.notices.send()
    assert (sent.kind, sent.state) == (NoticeKind.CORRECTION, NoticeState.SENT)
    assert school.mails[-3][:2] == ("mother@example.org", "Correction: no absence on 07/09/2026")
    assert school.events[-1]["type"] == "attendance.correction"
    assert school.notices.send() == []
    school.now += timedelta(days=10)
    assert school.notices.due() == []


def test_yesterdays_absences_are_not_sent_today(school: School) -> None:
    school.take("first", ABSENT)
    school.now += timedelta(days=1)
    assert school.notices.due() == []


def test_what_failed_is_tried_again_without_repeating_the_rest(school: School) -> None:
    school.broken = {"vater@example.org", WEBHOOK}
    school.take("first", ABSENT)
    (failed,) = school.notices.send()
    assert (failed.state, set(failed.done)) == (NoticeState.FAILED, {"mother@example.org"})
    school.broken = set()
    (sent,) = school.notices.send()
    assert (sent.state, sent.delivery_id, sent.attempts) == (NoticeState.SENT, failed.delivery_id, 2)
    assert [address for address, *_ in school.mails] == [
        "mother@example.org",
        "office@example.edu",
        "vater@example.org",
    ]


def test_two_processes_send_once_and_a_killed_one_mails_nobody_twice(school: School) -> None:
    school.take("first", ABSENT)
    other = school.notices
    (due,) = other.due()
    original = school.send

    def killed(*arguments: str) -> None:
        original(*arguments)
        assert other._claim(due) is None, "the other process sees that it was begun"
        raise KeyboardInterrupt

    school.send = killed  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        school.notices.send()
    school.send = original  # type: ignore[method-assign]
    assert school.notices.send() == []
    (left,) = school.notices.records.find(MONDAY.date(), MONDAY.date())
    assert (left.state, len(school.mails)) == (NoticeState.SENDING, 1)

    school.now += ABANDONED_AFTER + timedelta(minutes=1)
    (again,) = school.notices.send()
    assert (again.state, set(again.done), again.delivery_id) == (NoticeState.UNCLEAR, {WEBHOOK}, left.delivery_id)
    assert again.unclear == {"mother@example.org", "vater@example.org"}
    assert "was ended" in again.reason
    assert [event["delivery"] for event in school.events] == [left.delivery_id]
    assert len(school.mails) == 1
    assert school.notices.send() == []


def test_what_fails_is_tried_five_times_over_two_hours(school: School) -> None:
    school.broken = {WEBHOOK}
    school.take("first", ABSENT)
    tried = []
    for minute in range(0, 300, 5):
        school.now = MONDAY + timedelta(hours=2, minutes=minute)
        tried += [minute for _ in school.notices.send()]
    assert tried == [0, 5, 15, 45, 135]
    assert len(school.mails) == 3


@pytest.mark.parametrize(
    "days", [("0001-01-01", "0001-01-02"), ("0001-01-01", "9999-12-31"), ("2026-09-07", "2026-09-01")]
)
def test_any_period_can_be_listed(school: School, days: tuple[str, str]) -> None:
    assert school.notices.records.find(*map(date.fromisoformat, days)) == []


def test_an_address_that_may_have_a_notice_is_not_written_to_again_but_corrected(school: School) -> None:
    school.unclear = {"mother@example.org"}
    school.take("first", ABSENT)
    (sent,) = school.notices.send()
    assert (sent.state, set(sent.unclear)) == (NoticeState.UNCLEAR, {"mother@example.org"})
    assert sent.done == {"vater@example.org", WEBHOOK}
    school.unclear = set()
    assert school.notices.send() == []
    contacts = [Contact("mother@example.org"), Contact("grandmother@example.org")]
    school.notices.records.set_contacts(StudentId("s1"), contacts)
    school.reopen("first")
    school.mark("first", PRESENT)
    school.close("first")
    (correction,) = school.notices.send()
    assert correction.done == {"mother@example.org", WEBHOOK}, "who was removed or added later gets no correction"


def test_the_office_gets_later_what_its_mail_server_refused(school: School) -> None:
    school.broken = {"office@example.edu"}
    school.take("first", {"s1": MarkStatus.ABSENT, "s2": MarkStatus.PRESENT})
    assert len(school.notices.send()) == 1
    assert school.told_office("s1") == NoticeState.FAILED
    school.take("second", {"s1": MarkStatus.PRESENT, "s2": MarkStatus.ABSENT})
    assert len(school.notices.send()) == 1
    school.broken = set()
    assert school.notices.send() == []
    (office,) = (mail for mail in school.mails if mail[0] == "office@example.edu")
    assert "Ada Lovelace: abwesend (7b, 10:00)" in office[2]
    assert "Bob Björk: abwesend" in office[2]
    assert {school.told_office(student) for student in ("s1", "s2")} == {NoticeState.SENT}
    school.notices.send()
    assert len(school.mails) == 3

    school.broken = {"office@example.edu"}
    school.take("third", {"s3": MarkStatus.ABSENT}, enrolled="Cem Kaya")
    school.notices.send()
    school.backend.records.roster.erase(StudentId("s3"))
    school.broken = set()
    school.notices.send()
    assert len(school.mails) == 3, "nobody reads about a student who was erased"


def test_an_office_that_may_have_its_message_is_not_told_again_and_the_list_says_so(school: School) -> None:
    school.unclear = {"office@example.edu"}
    school.take("first", ABSENT)
    school.notices.send()
    assert school.told_office("s1") == NoticeState.UNCLEAR
    document = NoticeDocument.of(school.notices.records.of_student(StudentId("s1"))[1][0])
    assert [(each.address, each.state) for each in document.office] == [("office@example.edu", NoticeState.UNCLEAR)]
    school.unclear = set()
    school.notices.send()
    assert not [mail for mail in school.mails if mail[0] == "office@example.edu"]
    assert school.told_office("s1") == NoticeState.UNCLEAR


def test_a_process_that_ends_before_the_office_is_told_leaves_its_message_unclear(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("muster.services.notices.sending.tell_office", end)
    school.take("first", ABSENT)
    with pytest.raises(KeyboardInterrupt):
        school.notices.send()
    assert school.told_office("s1") == NoticeState.SENDING


def test_a_run_that_is_ended_soon_begins_no_notice(school: School) -> None:
    school.take("first", {"s1": MarkStatus.ABSENT, "s2": MarkStatus.ABSENT})
    left = iter([120.0, 59.0])
    assert [sent.student_id for sent in school.notices.send(seconds_left=lambda: next(left))] == ["s1"]
    assert [sent.student_id for sent in school.notices.send(seconds_left=lambda: 600.0)] == ["s2"]


def test_a_student_who_is_erased_while_notices_are_sent_leaves_no_trace(school: School) -> None:
    school.take("first", ABSENT)
    notices = school.notices
    original = notices.records.days.add

    def list_erased(day: date, students: Any) -> None:
        school.backend.records.roster.erase(StudentId("s1"))
        original(day, students)

    notices.records.days.add = list_erased  # type: ignore[method-assign, assignment]
    assert notices.send() == []
    assert school.mails == []
    assert school.backend.records.roster.traces(StudentId("s1")) == []
    assert [document.body for document in school.backend.stores.documents.of_kind(DocumentKind.NOTICE_DAYS)] == [
        {"students": []}
    ]


def test_what_a_student_has_is_bounded_and_lists_of_days_end(school: School) -> None:
    records, documents = school.notices.records, school.backend.stores.documents
    long = frozenset(f"{'x' * 60}{number}@{'y' * 50}.example.org" for number in range(10))
    notice = SentNotice(
        student_id=StudentId("s1"),
        day=MONDAY.date(),
        kind=NoticeKind.ABSENT,
        state=NoticeState.SENT,
        delivery_id="d",
        at=MONDAY,
        done=long,
    )
    many = [replace(notice, delivery_id=str(number)) for number in range(600)]
    records.put(StudentId("s1"), 0, many)
    _, kept = records.of_student(StudentId("s1"))
    assert 100 < len(kept) < 500
    assert kept == many[-len(kept) :]
    records.days.add(MONDAY.date(), [StudentId("s1")])
    records.days.add(MONDAY.date() + timedelta(days=1), [StudentId("s1")])
    records.days.add(MONDAY.date() + timedelta(days=LISTED_DAYS + 30), [StudentId("s1")])
    assert len(documents.of_kind(DocumentKind.NOTICE_DAYS)) == 1
    assert records.find(date(2020, 1, 1), MONDAY.date()) == []


def test_names_and_lessons_with_odd_characters_stay_text(school: School) -> None:
    odd = "{name} {0} %s <b> Bcc: x@example.org"
    school.backend.records.roster.enrol(StudentId("s3"), odd, [GroupId("7b")])
    school.notices.records.set_contacts(StudentId("s3"), [Contact("odd@example.org", language) for language in ["ar"]])
    school.take("first", {"s3": MarkStatus.ABSENT})
    school.notices.send()
    (mail,) = (text for address, _, text in school.mails if address == "odd@example.org")
    assert odd in mail


def test_a_test_message_goes_to_one_address(school: School) -> None:
    school.notices.test("head@example.edu", "de")
    assert school.mails == [("head@example.edu", *trial_text("de"))]
    with pytest.raises(NoticesOff):
        replace(school.notices, channels=Channels(events=school)).test("head@example.edu", "de")


def test_an_erased_student_leaves_no_contact_and_no_notice(school: School) -> None:
    school.take("first", ABSENT)
    school.notices.send()
    data = school.backend.records.subject_access.of(StudentId("s1"))
    assert data.documents["contacts"]["contacts"][0]["address"] == "mother@example.org"
    assert data.documents["notices"]["notices"][0]["state"] == "sent"
    school.backend.records.roster.erase(StudentId("s1"))
    assert school.backend.records.roster.traces(StudentId("s1")) == []
    assert school.notices.records.find(MONDAY.date(), MONDAY.date()) == []
    assert school.notices.send() == []


def test_notices_are_off_until_switched_on(school: School) -> None:
    with pytest.raises(NoticesOff):
        school.backend.records.notices.send()
    with sending(school.backend.records.notices):
        assert not [thread for thread in threading.enumerate() if thread.name == "notices"]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"mail_server": "mail.example.org", "mail_from": "a@example.org"},
        {"mail_server": "smtps://mail.example.org"},
        {"webhook_url": "http://example.org/", "webhook_secret": SECRET},
        {"webhook_url": "https://example.org/", "webhook_secret": "short"},
        {"webhook_url": "http://169.254.169.254/latest/meta-data", "webhook_secret": SECRET},
        {"webhook_url": "https://example.org/a b", "webhook_secret": SECRET},
        {"webhook_url": "https://user:password@example.org/", "webhook_secret": SECRET},
        {"webhook_url": "file:///etc/passwd", "webhook_secret": SECRET},
    ],
)
def test_incomplete_settings_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(InvalidSetting):
        open_channels(LocalSettings(notices=True, **settings))


# --- the real channels


@pytest.mark.parametrize("tls_first", [True, False], ids=["tls", "starttls"])
def test_mail_goes_out_encrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tls_first: bool) -> None:
    certificate = write_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with running(SmtpServer(certificate, tls_first=tls_first)) as server:
        mail = SmtpMail(server.address, "school@example.edu")
        mail.send("parent@example.org", "Abwesenheit", "Zoë fehlte.\n", "abc.0")
    (message,) = server.messages()
    assert (message["To"], message["Subject"]) == ("parent@example.org", "Abwesenheit")
    assert message["Message-ID"] == "<abc.0@example.edu>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content().strip() == "Zoë fehlte."


def test_nothing_is_mailed_without_encryption(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = write_certificate(tmp_path)
    with running(SmtpServer(certificate, tls_first=False, offers_tls=False)) as server:
        mail = SmtpMail(server.address, "school@example.edu")
        with pytest.raises(NoticeNotSent):
            mail.send("parent@example.org", "s", "t", "abc.0")
    with running(SmtpServer(certificate, tls_first=True)) as server:
        # Nobody vouches for the certificate here.
        mail = SmtpMail(server.address, "school@example.edu")
        with pytest.raises(NoticeNotSent):
            mail.send("parent@example.org", "s", "t", "abc.0")
    assert server.received == []


@pytest.mark.parametrize(
    ("hangs_up", "raised"),
    [("before", NoticeUnclear), ("after", NoticeUnclear), ("quit", None), ("refuses", NoticeNotSent)],
)
def test_a_lost_answer_is_unclear_and_a_refusal_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hangs_up: str, raised: type[Exception] | None
) -> None:
    certificate = write_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with running(SmtpServer(certificate, tls_first=True)) as server:
        server.hangs_up = hangs_up
        mail = SmtpMail(server.address, "school@example.edu")
        if raised is None:
            mail.send("parent@example.org", "s", "t", "abc.0")
            return
        with pytest.raises(NoticeNotSent) as error:
            mail.send("parent@example.org", "s", "t", "abc.0")
    assert type(error.value) is raised
    assert "parent@example.org" not in str(error.value)


def test_events_of_a_stage_go_to_public_addresses_only() -> None:
    with running(EventReceiver()) as server:
        with pytest.raises(InvalidSetting):
            Webhook(server.url, SECRET, public_only=True)
        webhook = Webhook(server.url, SECRET)
        webhook._public_only = True  # as if the name of a public host resolved to this machine
        with pytest.raises(NoticeNotSent, match="no public address"):
            webhook.post({}, "abc")
    assert server.received == []


@pytest.mark.parametrize(
    ("answers", "accepted", "attempts"),
    [([204], True, 1), ([503, 500, 200], True, 3), ([500, 500, 500], False, 3), ([410], False, 1), ([302], False, 3)],
    ids=str,
)
def test_events_are_signed_and_repeated_with_one_delivery_id(answers: list[int], accepted: bool, attempts: int) -> None:
    waits: list[float] = []
    with running(EventReceiver()) as server:
        server.answers = [answers[min(number, len(answers) - 1)] for number in range(attempts)]
        webhook = Webhook(f"{server.url}?a=b", SECRET, waits.append)
        if accepted:
            webhook.post({"name": "Zoë"}, "abc")
        else:
            with pytest.raises(NoticeNotSent):
                webhook.post({"name": "Zoë"}, "abc")
    assert len(server.received) == attempts == len(waits) + 1
    for headers, body in server.received:
        assert json.loads(body) == {"name": "Zoë"}
        assert headers["Muster-Delivery"] == "abc"
        signed = headers["Muster-Timestamp"].encode() + b"." + body
        assert headers["Muster-Signature"] == "v1=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
