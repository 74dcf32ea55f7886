"""Planned absences of students."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from muster.domain.absences import MAX_REASON, PlannedAbsence
from muster.domain.attendance import MarkStatus
from muster.domain.identifiers import StudentId, UserId
from muster.domain.student import Student
from muster.services.roll_call.absences import AbsencePlan


class AbsenceToPlan(BaseModel):
    """A period in which a student will be away."""

    model_config = ConfigDict(extra="forbid")

    first_day: date = Field(description="In the school's time zone.", examples=["2026-09-07"])
    last_day: date | None = Field(default=None, description="Included; by default the first day.")
    starts: time | None = Field(
        default=None,
        description="Of each day, local. Only sessions that start from then are covered; null: from the first.",
        examples=["10:30"],
    )
    ends: time | None = Field(default=None, description="Only sessions that start before are covered; null: all.")
    lessons: list[str] = Field(
        default_factory=list, max_length=50, description="Ids of lessons; if there are any, only these are covered."
    )
    status: Literal["present", "absent", "late", "excused"] | None = Field(
        default=None, description="By default that of the code, or excused without a code.", examples=["excused"]
    )
    code: str | None = Field(default=None, max_length=4, description="A code of the school's table with this status.")
    reason: str = Field(default="", max_length=MAX_REASON, examples=["Dentist"])

    def plan(self) -> AbsencePlan:
        """Return the plan as the service takes it."""
        return AbsencePlan(
            first_day=self.first_day,
            last_day=self.last_day or self.first_day,
            starts=_local(self.starts),
            ends=_local(self.ends),
            lessons=tuple(self.lessons),
            status=None if self.status is None else MarkStatus(self.status),
            code=self.code,
            reason=self.reason,
        )


def _local(moment: time | None) -> time | None:
    return None if moment is None else moment.replace(tzinfo=None, microsecond=0)


class AbsenceDocument(BaseModel):
    """One planned absence of a student."""

    absence_id: str
    student_id: str
    first_day: date
    last_day: date
    starts: str | None = Field(description="Local time of day, such as 10:30.")
    ends: str | None
    lessons: list[str]
    status: MarkStatus
    code: str | None
    reason: str
    by: str = Field(description="Id of the user who entered it or changed it last.")
    by_name: str | None = Field(description="Name of the user, if known.")
    at: datetime
    name: str | None = Field(default=None, description="Name of the student; only in the list of all students.")
    group_ids: list[str] = Field(
        default=[], description="Groups of the student; only in the list of all students.", examples=[["7b"]]
    )

    @classmethod
    def of(cls, absence: PlannedAbsence, users: Mapping[UserId, str] | None = None) -> "AbsenceDocument":
        """Describe a planned absence.

        Args:
            users: names of users.
        """
        return cls(
            absence_id=absence.id,
            student_id=absence.student_id,
            first_day=absence.first_day,
            last_day=absence.last_day,
            starts=None if absence.starts is None else absence.starts.isoformat("minutes"),
            ends=None if absence.ends is None else absence.ends.isoformat("minutes"),
            lessons=list(absence.lessons),
            status=absence.status,
            code=absence.code,
            reason=absence.reason,
            by=absence.by,
            by_name=(users or {}).get(absence.by),
            at=absence.at,
        )


class AbsencePage(BaseModel):
    """A page of planned absences of several students, ordered by first day."""

    items: list[AbsenceDocument]
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page; null at the end.")

    @classmethod
    def of(
        cls,
        absences: Iterable[PlannedAbsence],
        students: Mapping[StudentId, Student],
        users: Mapping[UserId, str],
        next_cursor: str | None,
    ) -> "AbsencePage":
        """Describe one page, with the names of students and users."""
        items = []
        for absence in absences:
            student = students[absence.student_id]
            document = AbsenceDocument.of(absence, users)
            items.append(document.model_copy(update={"name": student.name, "group_ids": sorted(student.groups)}))
        return cls(items=items, next_cursor=next_cursor)
