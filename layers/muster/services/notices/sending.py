"""Sends the notices that are due, each at most once."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from math import inf
from typing import Final
from uuid import uuid4
from zoneinfo import ZoneInfo

from muster.domain.absence_notices import (
    MAX_REASON,
    NoticeKind,
    NoticeState,
    SentNotice,
    absent_in,
    due_kind,
    final_marks,
)
from muster.domain.attendance import RollCall
from muster.domain.errors import (
    NoticeNotSent,
    NoticesOff,
    NoticeUnclear,
    StudentNotFound,
    VersionConflict,
)
from muster.domain.identifiers import StudentId
from muster.domain.period import Period
from muster.services.notices.channels import WEBHOOK, Channels, DueNotice, event_of
from muster.services.notices.days import OfficeLine
from muster.services.notices.office import tell_office
from muster.services.notices.records import NoticeRecords
from muster.services.notices.texts import notice_text, trial_text
from muster.storage.ports import GroupStore, SessionStore, StudentStore

_log = logging.getLogger(__name__)

CORRECTED_WITHIN: Final = timedelta(days=7)
"""Absences that are corrected later than this send no correction."""

MIN_SECONDS_LEFT: Final = 60.0
"""No notice is begun with less time left: what is killed in the middle stays unclear."""

Earlier = Mapping[tuple[StudentId, date], list[SentNotice]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notices:
    """The use case of notices.

    Each notice is stored as begun before it is sent, so another process does not send it too. If the process is killed
    before it knows the result, no mail is sent again: a second message would be worse than a line in the list. Only the
    webhook gets it again, with the same id.

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

    def due(self, *, earlier_days: bool = True) -> list[DueNotice]:
        """Return the notices that are due.

        Args:
            earlier_days: also corrections of the last days, for which the sessions of these days are read.
        """
        today = self.now().astimezone(self.zone).date()
        first = today - CORRECTED_WITHIN if earlier_days else today
        earlier: dict[tuple[StudentId, date], list[SentNotice]] = {}
        for notice in self.records.find(first, today):
            earlier.setdefault((notice.student_id, notice.day), []).append(notice)
        days = {today} | {day for _, day in earlier}
        return [notice for day in sorted(days) for notice in self._due_on(day, today, earlier)]

    def _due_on(self, day: date, today: date, earlier: Earlier) -> list[DueNotice]:
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
            kind = due_kind(student_id, marks, sent, self.now())
            if kind is None:
                continue
            try:
                student = self.students.get(student_id)
            except StudentNotFound:
                continue
            known = contacts.get(student_id, ())
            sessions = absent_in(student_id, marks)
            if kind is NoticeKind.CORRECTION:
                sessions = sent[-1].sessions
                # Only those who may have read that the student is absent.
                if not any(each.state is NoticeState.SENDING for each in sent):
                    told = {address for each in sent for address in each.done | each.unclear}
                    known = tuple(contact for contact in known if contact.address in told)
            lessons = self._words([by_session[session] for session in sessions if session in by_session])
            notice = DueNotice(
                student=student,
                day=day,
                kind=kind,
                sessions=sessions,
                lessons=lessons,
                contacts=known,
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

    def send(self, *, earlier_days: bool = True, seconds_left: Callable[[], float] = lambda: inf) -> list[SentNotice]:
        """Send what is due; return the notices as stored.

        Args:
            earlier_days: as in `due`.
            seconds_left: until this process is ended. What does not fit is left for the next run.

        Raises:
            NoticesOff: notices are switched off.
        """
        channels = self.channels
        if channels is None:
            raise NoticesOff("Notices are switched off: set MUSTER_NOTICES and a mail server or a webhook.")
        due = self.due(earlier_days=earlier_days)
        for day in sorted({each.day for each in due}):
            self.records.days.add(day, {each.student.id for each in due if each.day == day})
        results = []
        for each in due:
            if seconds_left() < MIN_SECONDS_LEFT:
                _log.warning("notices are left for the next run")
                break
            sent = self._send(each, channels)
            if sent is not None:
                results.append((each, sent))
        told = [each for each, sent in results if sent.attempts == 1]
        for day in sorted({self.now().astimezone(self.zone).date()} | {each.day for each in told}):
            tell_office(self.records, channels, day, [_line(each) for each in told if each.day == day])
        return [sent for _, sent in results]

    def test(self, address: str, language: str) -> None:
        """Send a test message.

        Raises:
            NoticesOff: there is no e-mail.
            NoticeNotSent: it was not sent.
        """
        if self.channels is None or self.channels.mail is None:
            raise NoticesOff("E-mail is switched off: set MUSTER_NOTICES and a mail server.")
        subject, text = trial_text(language)
        self.channels.mail.send(address, subject, text, uuid4().hex)

    def _send(self, due: DueNotice, channels: Channels) -> SentNotice | None:
        claimed = self._claim(due)
        if claimed is None:
            return None
        version, notices = claimed
        notice = self._delivered(due, notices[-1], channels)
        try:
            self.records.put(due.student.id, version, [*notices[:-1], notice])
        except (StudentNotFound, VersionConflict):
            # Erased in the meantime.
            return None
        return notice

    def _delivered(self, due: DueNotice, notice: SentNotice, channels: Channels) -> SentNotice:
        """Deliver a notice to everyone who does not have it; return it with the result."""
        done, unclear, failed, reason = set(notice.done), set(notice.unclear), False, ""
        for target, deliver in self._deliveries(due, notice, channels):
            if target in done | unclear:
                continue
            try:
                deliver()
                done.add(target)
            except NoticeUnclear as error:
                unclear.add(target)
                reason = str(error)
            except NoticeNotSent as error:
                failed = True
                reason = str(error)
        if reason:
            _log.error("a notice was not sent: %s", reason)
        elif unclear:
            reason = notice.reason
        return replace(
            notice,
            state=NoticeState.FAILED if failed else NoticeState.UNCLEAR if unclear else NoticeState.SENT,
            done=frozenset(done),
            unclear=frozenset(unclear),
            reason=reason[:MAX_REASON],
        )

    def _claim(self, due: DueNotice) -> tuple[int, list[SentNotice]] | None:
        """Store a notice as begun; return None if another process did or the student was erased."""
        now = self.now()
        version, notices = self.records.of_student(due.student.id)
        of_day = [notice for notice in notices if notice.day == due.day]
        if of_day and of_day[-1].state is NoticeState.SENDING and not of_day[-1].abandoned(now):
            return None
        repeated = next((notice for notice in of_day if notice.kind is due.kind), None)
        if repeated is not None and repeated.state is not NoticeState.FAILED and not repeated.abandoned(now):
            return None
        if repeated is not None:
            notices.remove(repeated)
            begun = _begun_again(repeated, due)
        else:
            begun = SentNotice(
                student_id=due.student.id,
                day=due.day,
                kind=due.kind,
                state=NoticeState.SENDING,
                delivery_id=uuid4().hex,
                at=now,
                sessions=due.sessions,
                attempts=1,
                name=due.student.name,
                # Settled once the message of the office, which follows all notices of a run, has gone out.
                office=dict.fromkeys(self._office(), NoticeState.SENDING),
            )
        begun = replace(begun, tried_at=now)
        try:
            return self.records.put(due.student.id, version, [*notices, begun]), [*notices, begun]
        except VersionConflict:
            return None
        except StudentNotFound:
            self.records.days.remove(due.day, due.student.id)
            return None

    def _office(self) -> tuple[str, ...]:
        return () if self.channels is None or self.channels.mail is None else self.channels.office

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


def _begun_again(notice: SentNotice, due: DueNotice) -> SentNotice:
    unclear, reason = notice.unclear, notice.reason
    if notice.state is NoticeState.SENDING:
        # The process was killed somewhere between the first address and the last.
        unclear |= {contact.address for contact in due.contacts} - notice.done
        reason = "The process was ended before it knew who has the notice."
    return replace(notice, state=NoticeState.SENDING, attempts=notice.attempts + 1, unclear=unclear, reason=reason)


def _line(due: DueNotice) -> OfficeLine:
    return OfficeLine(student_id=due.student.id, name=due.student.name, kind=due.kind, lessons=due.lessons)
