"""Breakdowns, absences, days and blank sheets."""

from datetime import date, datetime

from pydantic import BaseModel, Field

from muster.api.schemas.reports import TallyDocument
from muster.domain.attendance import MarkStatus
from muster.domain.period import Period
from muster.reports.absences import Attendance
from muster.reports.attendance import Scope
from muster.reports.blank_sheet import BlankSheet
from muster.reports.breakdown import Breakdown, BreakdownLine, Dimension, StudentBreakdown
from muster.reports.day import DayReport, DayState, DayStudent, Register
from muster.reports.evacuation import Gathering, gatherings, not_known


class BreakdownLineDocument(BaseModel):
    """The sessions that share a subject, a teacher, a weekday or a period."""

    key: str | None = Field(
        description="Subject, teacher, weekday from 1 (Monday) to 7, or start of the lesson as `08:15`; null for "
        "sessions without a lesson.",
        examples=["Mathematics"],
    )
    label: str = Field(description="The key in English.", examples=["Mathematics"])
    sessions: int = Field(description="Number of sessions that are taken.")
    not_taken: int = Field(description="Number of the others, which count in no figure.")
    questions: int = Field(description="Open questions, also in sessions that are not taken.")
    totals: TallyDocument

    @classmethod
    def of(cls, line: BreakdownLine, dimension: Dimension) -> "BreakdownLineDocument":
        """Describe a line."""
        return cls(
            key=line.key,
            label=line.label(dimension),
            sessions=line.sessions,
            not_taken=line.not_taken,
            questions=line.questions,
            totals=TallyDocument.of(line.tally),
        )


class StudentBreakdownDocument(BaseModel):
    """One student's marks in each line."""

    student_id: str
    name: str
    on_roster: bool = Field(description="False for students who left the group but have marks in it.")
    totals: list[TallyDocument] = Field(description="One for each of `lines`, in their order.")

    @classmethod
    def of(cls, student: StudentBreakdown) -> "StudentBreakdownDocument":
        """Describe a student."""
        totals = [TallyDocument.of(tally) for tally in student.tallies]
        return cls(student_id=student.id, name=student.name, on_roster=student.on_roster, totals=totals)


class BreakdownDocument(BaseModel):
    """Attendance by subject, teacher, weekday or period of the day."""

    by: Dimension
    scope: Scope
    time_zone: str
    since: date | None
    until: date | None
    totals: TallyDocument = Field(description="The sum of the lines.")
    lines: list[BreakdownLineDocument]
    students: list[StudentBreakdownDocument] = Field(description="By id.")

    @classmethod
    def of(cls, found: Breakdown) -> "BreakdownDocument":
        """Describe a breakdown."""
        report = found.report
        return cls(
            by=found.dimension,
            scope=report.scope,
            time_zone=report.zone.key,
            since=report.period.since,
            until=report.period.until,
            totals=TallyDocument.of(report.tally),
            lines=[BreakdownLineDocument.of(line, found.dimension) for line in found.lines],
            students=[StudentBreakdownDocument.of(student) for student in found.students],
        )


class AttendanceDocument(BaseModel):
    """One student over the groups of the report."""

    student_id: str
    name: str
    groups: list[str]
    totals: TallyDocument
    sessions_missed: int = Field(description="Sessions missed in a row, up to the last one.")
    days_missed: int = Field(description="Days missed in a row: absent, and neither present nor late.")
    missing_since: date | None = Field(description="First day of the sessions missed in a row.")
    last_seen: date | None = Field(description="Last day on which the student was present or late.")
    questions: int = Field(description="Open questions since then: the student may have been present.")

    @classmethod
    def of(cls, line: Attendance) -> "AttendanceDocument":
        """Describe a student's attendance."""
        return cls(
            student_id=line.id,
            name=line.name,
            groups=list(line.groups),
            totals=TallyDocument.of(line.tally),
            sessions_missed=line.sessions_missed,
            days_missed=line.days_missed,
            missing_since=line.missing_since,
            last_seen=line.last_seen,
            questions=line.questions,
        )


class AttendancesDocument(BaseModel):
    """Students who missed their last days or sessions, or whose attendance is low."""

    since: date | None
    until: date | None
    students: list[AttendanceDocument]

    @classmethod
    def of(cls, found: list[Attendance], period: Period) -> "AttendancesDocument":
        """Describe students in the given order."""
        return cls(since=period.since, until=period.until, students=[AttendanceDocument.of(line) for line in found])


class RegisterDocument(BaseModel):
    """One session of a day."""

    session_id: str
    group_id: str
    started_at: datetime
    subject: str
    taken: bool = Field(description="False: nobody has been present yet, and nobody is absent.")
    present: int
    absent: int
    excused: int
    questions: int

    @classmethod
    def of(cls, register: Register) -> "RegisterDocument":
        """Describe a register."""
        return cls(
            session_id=register.session_id,
            group_id=register.group_id,
            started_at=register.started_at,
            subject=register.subject,
            taken=register.taken,
            present=register.present,
            absent=register.absent,
            excused=register.excused,
            questions=register.questions,
        )


class LastRegisterDocument(BaseModel):
    """The last session of a day with a mark of a student."""

    session_id: str
    group_id: str
    started_at: datetime
    status: MarkStatus


class DayStudentDocument(BaseModel):
    """One student's day."""

    student_id: str
    name: str
    groups: list[str]
    state: DayState = Field(
        description="`partly`: absent in one session, present in another. `review`: an open question; the student may "
        "be present. `unknown`: no register."
    )
    missed: int = Field(description="Sessions in which the student is absent.")
    counted: int = Field(description="Sessions in which the student is present, late or absent.")
    questions: int
    last: LastRegisterDocument | None
    remarks: list[str]

    @classmethod
    def of(cls, student: DayStudent) -> "DayStudentDocument":
        """Describe a student's day."""
        last = None
        if student.last is not None:
            register, status = student.last
            last = LastRegisterDocument(
                session_id=register.session_id,
                group_id=register.group_id,
                started_at=register.started_at,
                status=status,
            )
        return cls(
            student_id=student.id,
            name=student.name,
            groups=list(student.groups),
            state=student.state,
            missed=student.missed,
            counted=student.counted,
            questions=student.questions,
            last=last,
            remarks=list(student.remarks),
        )


class DayGroupDocument(BaseModel):
    """One group of a day."""

    group_id: str
    name: str


class DayDocument(BaseModel):
    """One day over several groups."""

    day: date
    time_zone: str
    made_at: datetime
    groups: list[DayGroupDocument]
    registers: list[RegisterDocument]
    without_register: list[str] = Field(description="Groups with students in which no session was taken on this day.")
    students: list[DayStudentDocument] = Field(description="By name; everybody on the rosters.")

    @classmethod
    def of(cls, found: DayReport) -> "DayDocument":
        """Describe a day."""
        return cls(
            day=found.day,
            time_zone=found.zone.key,
            made_at=found.at,
            groups=[DayGroupDocument(group_id=group, name=name) for group, name in sorted(found.groups.items())],
            registers=[RegisterDocument.of(register) for register in found.registers],
            without_register=list(found.without_register),
            students=[DayStudentDocument.of(student) for student in found.students],
        )


class GatheringDocument(BaseModel):
    """The students of one group who are in the building, by its last register."""

    group_id: str
    name: str
    last_register: RegisterDocument
    students: list[DayStudentDocument]
    guests: list[str] = Field(
        default_factory=list, description="Names of the guests of that register.", examples=[["Tom Reed"]]
    )

    @classmethod
    def of(cls, gathering: Gathering) -> "GatheringDocument":
        """Describe a group."""
        return cls(
            group_id=gathering.group_id,
            name=gathering.name,
            last_register=RegisterDocument.of(gathering.register),
            students=[DayStudentDocument.of(student) for student in gathering.students],
            guests=[guest.name for guest in gathering.guests],
        )


class EvacuationDocument(BaseModel):
    """Everyone in the building by today's registers."""

    day: date
    made_at: datetime
    groups: list[GatheringDocument]
    not_known: list[DayStudentDocument] = Field(description="Students that no register accounts for.")

    @classmethod
    def of(cls, found: DayReport) -> "EvacuationDocument":
        """Describe who is in the building."""
        return cls(
            day=found.day,
            made_at=found.at,
            groups=[GatheringDocument.of(gathering) for gathering in gatherings(found)],
            not_known=[DayStudentDocument.of(student) for student in not_known(found)],
        )


class SheetStudentDocument(BaseModel):
    """One line of a blank sheet."""

    student_id: str
    name: str


class BlankSheetDocument(BaseModel):
    """A roster with empty columns."""

    group_id: str
    name: str
    day: date | None
    columns: list[str]
    students: list[SheetStudentDocument]

    @classmethod
    def of(cls, sheet: BlankSheet) -> "BlankSheetDocument":
        """Describe a sheet."""
        return cls(
            group_id=sheet.group_id,
            name=sheet.group,
            day=sheet.day,
            columns=list(sheet.columns),
            students=[SheetStudentDocument(student_id=id, name=name) for id, name in sheet.students],
        )
