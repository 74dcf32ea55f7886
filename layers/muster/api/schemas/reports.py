"""Attendance reports."""

from datetime import date, datetime

from pydantic import BaseModel, Field

from muster.domain.attendance import MarkStatus
from muster.reports.attendance import AttendanceReport, DayLine, GroupLine, Scope, SessionLine, StudentLine, Tally
from muster.reports.wording import RATE_MEANING


class TallyDocument(BaseModel):
    """The number of marks with each status, and the rate."""

    present: int = Field(examples=[27])
    late: int = Field(examples=[1])
    absent: int = Field(examples=[2])
    excused: int = Field(examples=[0])
    review: int = Field(description="To review; not part of the rate.", examples=[0])
    rate: float | None = Field(description=f"{RATE_MEANING} 0 to 1; null if there are none.", examples=[0.9333])

    @classmethod
    def of(cls, tally: Tally) -> "TallyDocument":
        """Describe a tally."""
        return cls(
            present=tally.present,
            late=tally.late,
            absent=tally.absent,
            excused=tally.excused,
            review=tally.review,
            rate=tally.rate,
        )


class GroupTotalsDocument(BaseModel):
    """One group of the report."""

    group_id: str
    name: str
    sessions: int = Field(description="Number of sessions that are taken.")
    current: bool = Field(description="False in a student's report for a group that the student has left.")
    totals: TallyDocument

    @classmethod
    def of(cls, line: GroupLine) -> "GroupTotalsDocument":
        """Describe a group."""
        return cls(
            group_id=line.id,
            name=line.name,
            sessions=line.sessions,
            current=line.current,
            totals=TallyDocument.of(line.tally),
        )


class DayTotalsDocument(BaseModel):
    """One day on which a session was taken."""

    day: date
    sessions: int = Field(description="Number of sessions that are taken.")
    totals: TallyDocument

    @classmethod
    def of(cls, line: DayLine) -> "DayTotalsDocument":
        """Describe a day."""
        return cls(day=line.day, sessions=line.sessions, totals=TallyDocument.of(line.tally))


class SessionTotalsDocument(BaseModel):
    """One session of the report."""

    session_id: str
    group_id: str
    started_at: datetime = Field(description="With the offset of the school's time zone.")
    day: date = Field(description="In the school's time zone.")
    taken: bool = Field(description="False: nobody has been present yet, and it is not counted.")
    questions: int = Field(description="Students of the report to review, also if it is not taken.", examples=[0])
    totals: TallyDocument

    @classmethod
    def of(cls, line: SessionLine) -> "SessionTotalsDocument":
        """Describe a session."""
        return cls(
            session_id=line.id,
            group_id=line.group_id,
            started_at=line.started_at,
            day=line.day,
            taken=line.taken,
            questions=line.questions,
            totals=TallyDocument.of(line.tally),
        )


class StudentTotalsDocument(BaseModel):
    """One student of the report."""

    student_id: str
    name: str
    on_roster: bool = Field(description="False for students who left the group but have marks in it.")
    totals: TallyDocument
    longest_absence: int = Field(
        description="Longest run of missed sessions; an excused one neither counts nor ends the run."
    )
    current_absence: int = Field(description="Sessions missed in a row up to the last one of the report.")
    marks: list[MarkStatus | None] = Field(
        description="One for each of `sessions`, in their order; null where the student was not on the roster. "
        "Of a session that is not taken only `review`."
    )
    codes: dict[str, int] = Field(description="Number of marks with each code of the school.", examples=[{"P": 18}])
    mark_codes: list[str | None] = Field(
        examples=[[None, "I"]],
        description="The school's code of each of `marks`, null without a mark and in review. Empty if all marks say "
        "no more than their status.",
    )

    @classmethod
    def of(cls, line: StudentLine, report: AttendanceReport) -> "StudentTotalsDocument":
        """Describe a student."""
        return cls(
            student_id=line.id,
            name=line.name,
            on_roster=line.on_roster,
            totals=TallyDocument.of(line.tally),
            longest_absence=line.longest_absence,
            current_absence=line.current_absence,
            marks=list(line.marks),
            codes=dict(report.code_counts(line)),
            mark_codes=_codes(line, report) if report.detailed else [],
        )


class ReportDocument(BaseModel):
    """Attendance over a period."""

    scope: Scope
    time_zone: str = Field(description="IANA name of the school's time zone.", examples=["Europe/Berlin"])
    since: date | None = Field(description="First day; null for the first session.")
    until: date | None = Field(description="Last day, included; null for the last session.")
    totals: TallyDocument = Field(description="Totals of the whole report, including erased students.")
    erased: TallyDocument = Field(description="The part of the totals that belongs to erased students.")
    questions: int = Field(description="Open questions, also in sessions that are not taken.", examples=[0])
    groups: list[GroupTotalsDocument]
    days: list[DayTotalsDocument]
    sessions: list[SessionTotalsDocument] = Field(description="Oldest first.")
    students: list[StudentTotalsDocument] = Field(description="By id.")

    @classmethod
    def of(cls, report: AttendanceReport) -> "ReportDocument":
        """Describe a report."""
        return cls(
            scope=report.scope,
            time_zone=report.zone.key,
            since=report.period.since,
            until=report.period.until,
            totals=TallyDocument.of(report.tally),
            erased=TallyDocument.of(report.erased),
            questions=report.questions,
            groups=[GroupTotalsDocument.of(line) for line in report.groups],
            days=[DayTotalsDocument.of(line) for line in report.days],
            sessions=[SessionTotalsDocument.of(line) for line in report.sessions],
            students=[StudentTotalsDocument.of(line, report) for line in report.students],
        )


def _codes(line: StudentLine, report: AttendanceReport) -> list[str | None]:
    found = [
        None if status is None else report.code_of(line.id, session, status)
        for session, status in zip(report.sessions, line.marks, strict=True)
    ]
    return [None if code is None else code.code for code in found]
