"""Planned absences: periods in which a student will be away, known before the register is taken."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from muster.domain.attendance import STATUSES_BY_HAND, Mark, MarkSource, MarkStatus, Session
from muster.domain.errors import InvalidRequest
from muster.domain.identifiers import StudentId, UserId
from muster.domain.period import Period

MAX_PLANNED: Final = 200
"""Most planned absences of one student: a document holds 300 kB, and a school year has some 190 days."""

MAX_REASON: Final = 300
"""Most characters of a reason."""

MAX_DAYS: Final = 400
"""Longest planned absence, more than a year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedAbsence:
    """One period in which a student will be away.

    Attributes:
        first_day, last_day: in the school's time zone, both included.
        starts, ends: of each day, in the school's time zone; a session whose lesson starts from `starts` and before
            `ends` is covered. None leaves that end open.
        lessons: ids of lessons in the timetable; if there are any, only their sessions are covered.
        status, code: the mark that covered sessions start with.
        by, at: the user who entered or last changed it, and when (UTC).
    """

    id: str
    student_id: StudentId
    first_day: date
    last_day: date
    starts: time | None = None
    ends: time | None = None
    lessons: tuple[str, ...] = ()
    status: MarkStatus = MarkStatus.EXCUSED
    code: str | None = None
    reason: str = ""
    by: UserId
    at: datetime

    def check(self) -> None:
        """Check that the fields fit together.

        Raises:
            InvalidRequest: they do not, or one is out of range.
        """
        if self.last_day < self.first_day:
            raise InvalidRequest("The planned absence ends before it starts: swap the days.")
        # Refuses days whose sessions could not be read.
        Period(self.first_day, self.last_day)
        if (self.last_day - self.first_day).days >= MAX_DAYS:
            raise InvalidRequest(f"A planned absence has at most {MAX_DAYS} days.")
        if self.starts is not None and self.ends is not None and self.ends <= self.starts:
            raise InvalidRequest("The planned absence ends before it starts: swap the times.")
        if self.status not in STATUSES_BY_HAND:
            raise InvalidRequest("Only photos can set the status review: use present, absent, late or excused.")
        if len(self.reason) > MAX_REASON:
            raise InvalidRequest(f"The reason may have at most {MAX_REASON} characters, not {len(self.reason)}.")

    def covers(self, session: Session, zone: ZoneInfo) -> bool:
        """Return whether a session falls into the period.

        Args:
            zone: of the school.
        """
        local = session.begins_at.astimezone(zone)
        if not self.first_day <= local.date() <= self.last_day:
            return False
        if self.lessons and (session.lesson is None or session.lesson.lesson_id not in self.lessons):
            return False
        moment = local.time()
        return (self.starts is None or self.starts <= moment) and (self.ends is None or moment < self.ends)

    def mark(self) -> Mark:
        """Return the mark of a covered session."""
        return Mark(self.student_id, self.status, MarkSource.PLANNED, self.at, code=self.code)

    def to_json(self) -> dict[str, Any]:
        """Return the stored form, without the student, whose id the document has."""
        return {
            "id": self.id,
            "first_day": self.first_day.isoformat(),
            "last_day": self.last_day.isoformat(),
            "starts": None if self.starts is None else self.starts.isoformat("minutes"),
            "ends": None if self.ends is None else self.ends.isoformat("minutes"),
            "lessons": list(self.lessons),
            "status": self.status.value,
            "code": self.code,
            "reason": self.reason,
            "by": self.by,
            "at": self.at.isoformat(),
        }

    @classmethod
    def of_json(cls, student_id: StudentId, stored: Mapping[str, Any]) -> "PlannedAbsence":
        """Read the stored form."""
        starts, ends = stored.get("starts"), stored.get("ends")
        return cls(
            id=stored["id"],
            student_id=student_id,
            first_day=date.fromisoformat(stored["first_day"]),
            last_day=date.fromisoformat(stored["last_day"]),
            starts=None if starts is None else time.fromisoformat(starts),
            ends=None if ends is None else time.fromisoformat(ends),
            lessons=tuple(stored.get("lessons", ())),
            status=MarkStatus(stored["status"]),
            code=stored.get("code"),
            reason=stored.get("reason", ""),
            by=UserId(stored["by"]),
            at=datetime.fromisoformat(stored["at"]),
        )


def planned_mark(absences: Iterable[PlannedAbsence], session: Session, zone: ZoneInfo) -> Mark | None:
    """Return the mark that a session starts with; the absence entered last decides where several cover it."""
    covering = [absence for absence in absences if absence.covers(session, zone)]
    return max(covering, key=lambda absence: (absence.at, absence.id)).mark() if covering else None
