"""One day over several groups: who is absent, and who is in the building."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from muster.domain.attendance import Mark, MarkSource, MarkStatus, RollCall
from muster.domain.codes import DEFAULT_TABLE, NOON, AttendanceCode, CodeTable
from muster.domain.guests import Guest
from muster.domain.identifiers import GroupId, SessionId, StudentId
from muster.domain.student import Student
from muster.domain.taken import is_taken


class DayState(StrEnum):
    """A student's attendance on one day so far.

    `PARTLY` is absent in one session and present in another. `REVIEW` is an open question since the student was last
    seen: they may be there. `UNKNOWN` is a student without a mark in a session that was taken.
    """

    ABSENT = "absent"
    PARTLY = "partly"
    REVIEW = "review"
    UNKNOWN = "unknown"
    EXCUSED = "excused"
    PRESENT = "present"


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One session of the day; one that is not taken has no counts except of questions."""

    session_id: SessionId
    group_id: GroupId
    started_at: datetime
    subject: str
    taken: bool
    present: int
    absent: int
    excused: int
    questions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayStudent:
    """One student's day.

    Attributes:
        missed: sessions in which the student is absent.
        counted: sessions in which the student is present, late or absent.
        questions: open questions.
        last: the last session with a mark of the student, and its status.
        code: the code of that mark with its meaning, if it is not the default of the status.
        in_building: whether that mark says that the student is in the building, by its code and not only by plan.
        planned: whether a planned absence gave that mark, such as a trip that counts as present.
        remarks: what people wrote beside the marks, in order.
    """

    id: StudentId
    name: str
    groups: tuple[GroupId, ...]
    state: DayState
    missed: int
    counted: int
    questions: int
    last: tuple[Register, MarkStatus] | None
    remarks: tuple[str, ...]
    code: str = ""
    in_building: bool = False
    planned: bool = False

    @property
    def not_known(self) -> bool:
        """Whether no register says where the student is: there is none today, or a question is open since they were
        last seen."""
        return self.state is DayState.UNKNOWN or (self.state is DayState.REVIEW and not self.in_building)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayReport:
    """One day of some groups.

    Attributes:
        at: when the report was made, in the school's zone.
        groups: names by id, of the groups with students or sessions.
        registers: by time, then by group.
        students: by name.
        without_register: groups with students, of which no session was taken on this day.
        guests: of the sessions; they count in no figure.
    """

    day: date
    zone: ZoneInfo
    at: datetime
    groups: Mapping[GroupId, str]
    registers: tuple[Register, ...]
    students: tuple[DayStudent, ...]
    guests: Mapping[SessionId, Sequence[Guest]] = field(default_factory=dict)

    @property
    def not_taken(self) -> tuple[Register, ...]:
        """The sessions that nobody has taken."""
        return tuple(register for register in self.registers if not register.taken)

    @property
    def without_register(self) -> tuple[GroupId, ...]:
        """Groups with students in which no session was taken on this day."""
        taken = {register.group_id for register in self.registers if register.taken}
        with_students = {group for student in self.students for group in student.groups}
        return tuple(sorted(group for group in self.groups if group in with_students - taken))

    def having(self, *states: DayState) -> tuple[DayStudent, ...]:
        """Return the students with one of the states."""
        return tuple(student for student in self.students if student.state in states)


_SEEN = frozenset({MarkStatus.PRESENT, MarkStatus.LATE})


@dataclass(frozen=True, slots=True)
class _Marked:
    """A mark with its register, its code and whether the student is in the building."""

    register: Register
    mark: Mark
    code: AttendanceCode | None
    in_building: bool


def day_report(
    day: date,
    roll_calls: Iterable[RollCall],
    students: Sequence[Student],
    names: Mapping[GroupId, str],
    zone: ZoneInfo,
    now: datetime,
    codes: CodeTable = DEFAULT_TABLE,
) -> DayReport:
    """Report on one day.

    Args:
        codes: the table, which says with which codes a student is in the building.
        roll_calls: sessions of the day and of the groups in `names`, in any order.
        students: on the rosters of these groups, each once.
    """
    marks: dict[StudentId, list[_Marked]] = {student.id: [] for student in students}
    registers = []
    for roll_call in sorted(roll_calls, key=lambda call: (call.session.started_at, call.session.group_id)):
        register = _register(roll_call, zone, now)
        registers.append(register)
        afternoon = roll_call.session.begins_at.astimezone(zone).hour >= NOON
        for mark in roll_call.marks:
            counts = register.taken or mark.status is MarkStatus.REVIEW
            if counts and mark.student_id in marks:
                code = None if mark.code is None else codes.find(mark.code)
                here = codes.is_in_building(mark, afternoon=afternoon)
                marks[mark.student_id].append(_Marked(register, mark, code, here))
    return DayReport(
        day=day,
        zone=zone,
        at=now.astimezone(zone),
        groups=names,
        registers=tuple(registers),
        students=tuple(
            _student(student, marks[student.id], names)
            for student in sorted(students, key=lambda student: (student.name.casefold(), student.id))
        ),
    )


def _register(roll_call: RollCall, zone: ZoneInfo, now: datetime) -> Register:
    session = roll_call.session
    taken = is_taken(session, roll_call.marks, now)
    statuses = [mark.status for mark in roll_call.marks]
    return Register(
        session_id=session.id,
        group_id=session.group_id,
        started_at=session.started_at.astimezone(zone),
        subject="" if session.lesson is None else session.lesson.subject,
        taken=taken,
        present=sum(status in _SEEN for status in statuses) if taken else 0,
        absent=statuses.count(MarkStatus.ABSENT) if taken else 0,
        excused=statuses.count(MarkStatus.EXCUSED) if taken else 0,
        questions=statuses.count(MarkStatus.REVIEW),
    )


def _student(student: Student, marks: Sequence[_Marked], names: Mapping[GroupId, str]) -> DayStudent:
    statuses = [each.mark.status for each in marks]
    last = marks[-1] if marks else None
    missed = statuses.count(MarkStatus.ABSENT)
    seen = sum(status in _SEEN for status in statuses)
    return DayStudent(
        id=student.id,
        name=student.name,
        groups=tuple(sorted(group for group in student.groups if group in names)),
        state=_state(statuses),
        missed=missed,
        counted=missed + seen,
        questions=statuses.count(MarkStatus.REVIEW),
        last=None if last is None else (last.register, last.mark.status),
        remarks=tuple(each.mark.remark for each in marks if each.mark.remark),
        code="" if last is None or last.code is None else f"{last.code.code} {last.code.meaning}",
        in_building=last is not None and last.in_building,
        planned=last is not None and last.mark.source is MarkSource.PLANNED,
    )


def _state(statuses: Sequence[MarkStatus]) -> DayState:
    if not statuses:
        return DayState.UNKNOWN
    last_seen = max((place for place, status in enumerate(statuses) if status in _SEEN), default=-1)
    if MarkStatus.REVIEW in statuses[last_seen + 1 :]:
        return DayState.REVIEW
    if MarkStatus.ABSENT in statuses:
        return DayState.ABSENT if last_seen < 0 else DayState.PARTLY
    return DayState.PRESENT if last_seen >= 0 else DayState.EXCUSED
