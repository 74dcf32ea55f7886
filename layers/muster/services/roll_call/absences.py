"""Planned absences of students, and the marks that follow from them."""

import logging
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from muster.domain.absences import MAX_PLANNED, PlannedAbsence, planned_mark
from muster.domain.attendance import Mark, MarkSource, MarkStatus, Session
from muster.domain.corrections import mark_change, students_marked_by_people
from muster.domain.documents import DocumentKind
from muster.domain.errors import AbsenceNotFound, InvalidRequest, SessionNotFound, VersionConflict
from muster.domain.identifiers import StudentId, UserId
from muster.domain.period import Period
from muster.services.codes.tables import Codes, WantedMark
from muster.storage.ports import DocumentStore, SessionStore, StudentStore

_log = logging.getLogger(__name__)

_ATTEMPTS = 10
"""Attempts under conflict; few people change the plans of one student at once."""

PlannedMarks = Callable[[Session, Collection[StudentId]], Mapping[StudentId, Mark]]
"""Returns the marks of the students whose planned absences cover a session."""


def nothing_planned(_: Session, __: Collection[StudentId]) -> Mapping[StudentId, Mark]:
    """Return no marks, for systems without planned absences."""
    return {}


REASON = "planned absence"
"""The reason of changes that follow from a plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsencePlan:
    """What a person enters; see `PlannedAbsence`.

    Attributes:
        status: None takes the status of the code, or excused without a code.
    """

    first_day: date
    last_day: date
    starts: time | None = None
    ends: time | None = None
    lessons: tuple[str, ...] = ()
    status: MarkStatus | None = None
    code: str | None = None
    reason: str = ""


class PlannedAbsences:
    """Keeps the planned absences of students.

    A new session starts with their marks. An absence that is added also changes open sessions, and one that is changed
    or removed those of today and later, except marks that a person set and students in a photo: an absence that ends
    early, or that is removed when it is over, says nothing against the days before.

    Args:
        zone: of the school.
        codes: the table of codes; a code that an absence has counts as used.
    """

    def __init__(
        self,
        documents: DocumentStore,
        students: StudentStore,
        sessions: SessionStore,
        zone: ZoneInfo,
        *,
        codes: Codes | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._documents = documents
        self._students = students
        self._sessions = sessions
        self._zone = zone
        self._codes = codes
        self._now = now

    def find(self, student_id: StudentId) -> list[PlannedAbsence]:
        """Return the planned absences of a student, ordered by first day."""
        return self._read(student_id)[1]

    def of_all(self, period: Period, students: Collection[StudentId] | None = None) -> list[PlannedAbsence]:
        """Return the planned absences that share a day with a period, ordered by first day.

        Args:
            students: only theirs; None for everybody's.
        """
        if students is None:
            found = self._documents.of_kind(DocumentKind.ABSENCES)
        else:
            found = list(self._documents.get_many(DocumentKind.ABSENCES, students).values())
        absences = [absence for each in found for absence in _absences(StudentId(each.id), each.body)]
        within = [
            absence
            for absence in absences
            if (period.since is None or absence.last_day >= period.since)
            and (period.until is None or absence.first_day <= period.until)
        ]
        return sorted(within, key=lambda absence: (absence.first_day, absence.student_id, absence.id))

    def marks(self, session: Session, students: Collection[StudentId]) -> dict[StudentId, Mark]:
        """Return the marks of the students whose planned absences cover a session."""
        found = self._documents.get_many(DocumentKind.ABSENCES, students)
        marks = {
            student_id: planned_mark(_absences(student_id, document.body), session, self._zone)
            for student_id, document in ((StudentId(id), document) for id, document in found.items())
        }
        return {student_id: mark for student_id, mark in marks.items() if mark is not None}

    def add(self, student_id: StudentId, plan: AbsencePlan, by: UserId) -> PlannedAbsence:
        """Plan an absence, and mark the student in open sessions that it covers.

        Raises:
            StudentNotFound: no student has this id.
            InvalidRequest: the plan is malformed, or the student has too many.
            CodeNotFound: the school's table does not offer the code.
        """
        self._students.get(student_id)
        absence = self._absence(secrets.token_hex(6), student_id, plan, by)

        def added(absences: list[PlannedAbsence]) -> list[PlannedAbsence]:
            if len(absences) >= MAX_PLANNED:
                raise InvalidRequest(f"A student has at most {MAX_PLANNED} planned absences: remove old ones first.")
            return [*absences, absence]

        self._change(student_id, added, by, earlier_days=True)
        return absence

    def replace(self, student_id: StudentId, absence_id: str, plan: AbsencePlan, by: UserId) -> PlannedAbsence:
        """Change a planned absence, and the marks of open sessions of today and later with it.

        Raises:
            AbsenceNotFound: the student has no such planned absence.
            InvalidRequest: the plan is malformed.
        """
        absence = self._absence(absence_id, student_id, plan, by)

        def replaced(absences: list[PlannedAbsence]) -> list[PlannedAbsence]:
            _check_known(absences, absence_id)
            return [absence if known.id == absence_id else known for known in absences]

        self._change(student_id, replaced, by)
        return absence

    def remove(self, student_id: StudentId, absence_id: str, by: UserId) -> None:
        """Remove a planned absence, and its marks from open sessions of today and later.

        Raises:
            AbsenceNotFound: the student has no such planned absence.
        """

        def removed(absences: list[PlannedAbsence]) -> list[PlannedAbsence]:
            _check_known(absences, absence_id)
            return [known for known in absences if known.id != absence_id]

        self._change(student_id, removed, by)

    def expire(self, before: datetime) -> int:
        """Remove planned absences that ended before a time; return their number."""
        last_day, count = before.astimezone(self._zone).date(), 0
        for document in self._documents.of_kind(DocumentKind.ABSENCES):
            absences = _absences(StudentId(document.id), document.body)
            kept = [absence for absence in absences if absence.last_day >= last_day]
            if len(kept) == len(absences):
                continue
            try:
                self._write(document.id, document.version, kept)
            except VersionConflict:
                # Somebody is changing it; the next run removes the rest.
                continue
            count += len(absences) - len(kept)
        return count

    def _absence(self, id: str, student_id: StudentId, plan: AbsencePlan, by: UserId) -> PlannedAbsence:
        status, code = self._status_and_code(student_id, plan)
        absence = PlannedAbsence(
            id=id,
            student_id=student_id,
            first_day=plan.first_day,
            last_day=plan.last_day,
            starts=plan.starts,
            ends=plan.ends,
            lessons=plan.lessons,
            status=status,
            code=code,
            reason=plan.reason.strip(),
            by=by,
            at=self._now(),
        )
        absence.check()
        return absence

    def _status_and_code(self, student_id: StudentId, plan: AbsencePlan) -> tuple[MarkStatus, str | None]:
        if plan.code is None or self._codes is None:
            return plan.status or MarkStatus.EXCUSED, plan.code
        started_at = datetime.combine(plan.first_day, plan.starts or time(), self._zone)
        mark = self._codes.marks({student_id: WantedMark(status=plan.status, code=plan.code)}, started_at)[student_id]
        return mark.status, mark.code

    def _read(self, student_id: StudentId) -> tuple[int, list[PlannedAbsence]]:
        document = self._documents.get(DocumentKind.ABSENCES, student_id)
        return document.version, _absences(student_id, document.body)

    def _write(self, student_id: str, version: int, absences: list[PlannedAbsence]) -> None:
        if absences:
            body = {"absences": [absence.to_json() for absence in absences]}
            self._documents.put(DocumentKind.ABSENCES, student_id, version, body)
        else:
            self._documents.remove(DocumentKind.ABSENCES, student_id, version)

    def _change(
        self,
        student_id: StudentId,
        change: Callable[[list[PlannedAbsence]], list[PlannedAbsence]],
        by: UserId,
        *,
        earlier_days: bool = False,
    ) -> None:
        for _ in range(_ATTEMPTS):
            version, before = self._read(student_id)
            after = change(before)
            try:
                self._write(student_id, version, after)
            except VersionConflict:
                continue
            changed = [absence for absence in (*before, *after) if (absence in before) != (absence in after)]
            self._apply(student_id, changed, by, since=None if earlier_days else self._today())
            return
        raise VersionConflict("The planned absences of this student are being changed by several people. Try again.")

    def _today(self) -> date:
        return self._now().astimezone(self._zone).date()

    def _apply(self, student_id: StudentId, changed: list[PlannedAbsence], by: UserId, since: date | None) -> None:
        """Bring the marks of open sessions in line with the plans.

        Args:
            since: the first day that follows; None for all days.
        """
        if not changed:
            return
        first_day = min(absence.first_day for absence in changed)
        last_day = max(absence.last_day for absence in changed)
        if since is not None and since > first_day:
            first_day = since
        if last_day < first_day:
            return
        start, end = Period(first_day, last_day).moments(self._zone)
        for group_id in sorted(self._students.get(student_id).groups):
            for session in self._sessions.of_group(group_id, start, end):
                if session.closed is None and any(absence.covers(session, self._zone) for absence in changed):
                    self._apply_to(session, student_id, by)

    def _apply_to(self, session: Session, student_id: StudentId, by: UserId) -> None:
        for _ in range(_ATTEMPTS):
            try:
                session = self._sessions.get(session.id)
                if session.closed is not None:
                    return
                marks = self._sessions.marks(session.id)
                stored = next((mark for mark in marks if mark.student_id == student_id), None)
                wanted = self.marks(session, [student_id]).get(student_id)
                mark = _following(
                    session, stored, wanted, students_marked_by_people(marks, self._sessions.changes(session.id))
                )
                if mark is None:
                    return
                change = mark_change(stored, mark, by=by, at=self._now(), reason=REASON)
                self._sessions.amend(session.id, session.version, marks=[mark], changes=[change])
            except SessionNotFound:
                return
            except VersionConflict:
                continue
            else:
                return
        _log.warning("a planned absence was not applied to one session, which is being changed by several people")


def _following(
    session: Session, stored: Mark | None, wanted: Mark | None, by_people: Collection[StudentId]
) -> Mark | None:
    """Return the mark that a changed plan sets, or None if the stored one stays."""
    if stored is None:
        return wanted
    if stored.source is MarkSource.PLANNED:
        absent = Mark(stored.student_id, MarkStatus.ABSENT, MarkSource.PHOTO, session.started_at)
        new = wanted or absent
        return None if (new.status, new.source, new.code) == (stored.status, stored.source, stored.code) else new
    untouched = stored.source is MarkSource.PHOTO and stored.student_id not in by_people
    return wanted if untouched and stored.status is MarkStatus.ABSENT else None


def _absences(student_id: StudentId, body: Mapping[str, object]) -> list[PlannedAbsence]:
    stored = body.get("absences", [])
    absences = [PlannedAbsence.of_json(student_id, absence) for absence in stored] if isinstance(stored, list) else []
    return sorted(absences, key=lambda absence: (absence.first_day, absence.last_day, absence.id))


def _check_known(absences: Collection[PlannedAbsence], absence_id: str) -> None:
    if all(absence.id != absence_id for absence in absences):
        raise AbsenceNotFound("This planned absence no longer exists. Read the list again.")
