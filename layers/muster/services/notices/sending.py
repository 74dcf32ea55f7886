"""Sends the notices that are due, each at most once."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Protocol
from uuid import uuid4
from zoneinfo import ZoneInfo

from muster.domain.absence_notices import (
    Contact,
    NoticeKind,
    NoticeState,
    SentNotice,
    absent_in,
    due_kind,
    final_marks,
)
from muster.domain.attendance import RollCall
from muster.domain.errors import MusterError, NoticeNotSent, NoticesOff, StudentNotFound, VersionConflict
from muster.domain.identifiers import SessionId, StudentId
from muster.domain.period import Period
from muster.domain.student import Student
from muster.services.notices.records import NoticeRecords
from muster.services.notices.texts import notice_text, office_text
from muster.storage.ports import GroupStore, SessionStore, StudentStore

_log = logging.getLogger(__name__)

CORRECTED_WITHIN: Final = timedelta(days=7)
"""Absences that are corrected later than this send no correction."""

WEBHOOK: Final = "webhook"


class Mail(Protocol):
    """Sends e-mail."""

    def send(self, address: str, subject: str, text: str, message_id: str) -> None:
        """Send one message to one address.

        Raises:
            NoticeNotSent: it was not sent.
        """


class Events(Protocol):
    """Sends events to another system."""

    def post(self, event: Mapping[str, Any], delivery_id: str) -> None:
        """Deliver an event.

        Raises:
            NoticeNotSent: it was not accepted.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """Where notices go.

    Attributes:
        mail: None sends no e-mail.
        office: addresses of the school's office.
        language: of the office.
        events: None sends no events.
    """

    mail: Mail | None = None
    office: tuple[str, ...] = ()
    language: str = "en"
    events: Events | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DueNotice:
    """A notice that is due.

    Attributes:
        sessions: in which the student is absent, or was for a correction.
        lessons: the same in words.
        contacts: addresses of the student's contacts.
    """

    student: Student
    day: date
    kind: NoticeKind
    sessions: tuple[SessionId, ...]
    lessons: str
    contacts: tuple[Contact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notices:
    """The use case of notices.

    Each notice is stored as begun before it is sent, so another process does not send it too. If the process is killed
    before it knows the result, the notice stays begun and is not sent again: a second message would be worse than a
    line in the list.

    Attributes:
        channels: None while notices are switched off.
    """

    students: StudentStore
    sessions: SessionStore
    groups: GroupStore
    records: NoticeRecords
    zone: ZoneInfo
    channels: Channels | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def due(self) -> list[DueNotice]:
        """Return the notices about today, and corrections of the last days, that are due."""
        today = self.now().astimezone(self.zone).date()
        first = today - CORRECTED_WITHIN
        earlier: dict[tuple[StudentId, date], list[SentNotice]] = {}
        for notice in self.records.find(first, today):
            earlier.setdefault((notice.student_id, notice.day), []).append(notice)
        days = {today} | {day for _, day in earlier}
        return [notice for day in sorted(days) for notice in self._due_on(day, today, earlier)]

    def _due_on(
        self, day: date, today: date, earlier: Mapping[tuple[StudentId, date], list[SentNotice]]
    ) -> list[DueNotice]:
        roll_calls = self._roll_calls(day)
        marks = final_marks(roll_calls)
        affected = {student for student, noted in earlier if noted == day}
        if day == today:
            affected |= {student for statuses in marks.values() for student in statuses if absent_in(student, marks)}
        by_session = {roll_call.session.id: roll_call for roll_call in roll_calls}
        contacts = self.records.contacts_of(affected)
        found = []
        for student_id in sorted(affected):
            sent = earlier.get((student_id, day), [])
            kind = due_kind(student_id, marks, sent)
            if kind is None:
                continue
            try:
                student = self.students.get(student_id)
            except StudentNotFound:
                continue
            sessions = absent_in(student_id, marks) if kind is NoticeKind.ABSENT else sent[-1].sessions
            lessons = self._words([by_session[session] for session in sessions if session in by_session])
            notice = DueNotice(
                student=student,
                day=day,
                kind=kind,
                sessions=sessions,
                lessons=lessons,
                contacts=contacts.get(student_id, ()),
            )
            found.append(notice)
        return found

    def _roll_calls(self, day: date) -> list[RollCall]:
        since, until = Period(day, day).moments(self.zone)
        groups = [group.id for group in self.groups.find()]
        found = self.sessions.roll_calls_of_groups(groups, since, until)
        return sorted(found, key=lambda roll_call: (roll_call.session.started_at, roll_call.session.id))

    def _words(self, roll_calls: list[RollCall]) -> str:
        words = []
        for roll_call in roll_calls:
            session = roll_call.session
            lesson = session.lesson
            starts = session.started_at if lesson is None or lesson.starts_at is None else lesson.starts_at
            subject = lesson.subject if lesson is not None and lesson.subject else session.group_id
            words.append(f"{subject}, {starts.astimezone(self.zone):%H:%M}")
        return "; ".join(words)

    def send(self) -> list[SentNotice]:
        """Send what is due; return the notices as stored.

        Raises:
            NoticesOff: notices are switched off.
        """
        channels = self.channels
        if channels is None:
            raise NoticesOff("Notices are switched off: set MUSTER_NOTICES and a mail server or a webhook.")
        results = [(due, sent) for due in self.due() if (sent := self._send(due, channels)) is not None]
        self._tell_office(channels, [due for due, sent in results if sent.attempts == 1])
        return [sent for _, sent in results]

    def _send(self, due: DueNotice, channels: Channels) -> SentNotice | None:
        claimed = self._claim(due)
        if claimed is None:
            return None
        version, notices = claimed
        notice = notices[-1]
        done, failed = set(notice.done), False
        for target, deliver in self._deliveries(due, notice, channels):
            if target in done:
                continue
            try:
                deliver()
                done.add(target)
            except NoticeNotSent as error:
                failed = True
                _log.error("a notice was not sent: %s", error)
        state = NoticeState.FAILED if failed else NoticeState.SENT
        notices[-1] = replace(notice, state=state, done=frozenset(done))
        try:
            self.records.put(due.student.id, version, notices)
        except (StudentNotFound, VersionConflict):
            # Erased in the meantime.
            return None
        return notices[-1]

    def _claim(self, due: DueNotice) -> tuple[int, list[SentNotice]] | None:
        """Store a notice as begun; return None if another process did or the student was erased."""
        version, notices = self.records.of_student(due.student.id)
        of_day = [notice for notice in notices if notice.day == due.day]
        if of_day and of_day[-1].state is NoticeState.SENDING:
            return None
        repeated = next((notice for notice in of_day if notice.kind is due.kind), None)
        if repeated is not None and repeated.state is not NoticeState.FAILED:
            return None
        if repeated is not None:
            notices.remove(repeated)
            begun = replace(repeated, state=NoticeState.SENDING, attempts=repeated.attempts + 1)
        else:
            begun = SentNotice(
                student_id=due.student.id,
                day=due.day,
                kind=due.kind,
                state=NoticeState.SENDING,
                delivery_id=uuid4().hex,
                at=self.now(),
                sessions=due.sessions,
                attempts=1,
            )
        try:
            return self.records.put(due.student.id, version, [*notices, begun]), [*notices, begun]
        except (VersionConflict, StudentNotFound):
            return None

    def _deliveries(
        self, due: DueNotice, notice: SentNotice, channels: Channels
    ) -> list[tuple[str, Callable[[], None]]]:
        found: list[tuple[str, Callable[[], None]]] = []
        mail, events = channels.mail, channels.events
        if mail is not None:
            for contact in due.contacts:
                subject, text = notice_text(
                    due.kind, contact.language, name=due.student.name, day=due.day, lessons=due.lessons
                )
                message = f"{notice.delivery_id}.{len(found)}"
                found.append(
                    (contact.address, lambda to=contact.address, s=subject, t=text, m=message: mail.send(to, s, t, m))  # type: ignore[misc]
                )
        if events is not None:
            found.append((WEBHOOK, lambda: events.post(event_of(due, notice), notice.delivery_id)))
        return found

    def _tell_office(self, channels: Channels, sent: list[DueNotice]) -> None:
        if channels.mail is None or not channels.office:
            return
        for day in sorted({due.day for due in sent}):
            lines = [(due.student.name, due.kind, due.lessons) for due in sent if due.day == day]
            subject, text = office_text(channels.language, day, lines)
            for address in channels.office:
                try:
                    channels.mail.send(address, subject, text, uuid4().hex)
                except MusterError as error:
                    _log.error("the office was not told: %s", error)


def event_of(due: DueNotice, notice: SentNotice) -> dict[str, Any]:
    """Return the event that a webhook receives; docs/integration.md describes it."""
    return {
        "id": notice.delivery_id,
        "type": f"attendance.{due.kind.value}",
        "day": due.day.isoformat(),
        "student_id": due.student.id,
        "name": due.student.name,
        "group_ids": sorted(due.student.groups),
        "session_ids": list(due.sessions),
    }
