"""One school year of a class, against totals worked out by hand, on every store.

The class 7b has Maths on Mondays at 8:00 with Bo, and Art on Wednesdays at 10:00 with Cy, from February with Dee.

    Term 1, 7 September to 18 December, holidays from 19 to 30 October:
        Mondays      7 14 21 28 Sep, 5 12 Oct, 2 9 16 23 30 Nov, 7 14 Dec          13
        Wednesdays   9 16 23 30 Sep, 7 14 Oct, 4 11 18 25 Nov, 2 9 16 Dec          13, less 30 Sep, cancelled: 12
    Term 2, 11 January to 26 March:
        Mondays      11 18 25 Jan, 1 8 15 22 Feb, 1 8 15 22 Mar                    11
        Wednesdays   13 20 27 Jan, 3 10 17 24 Feb, 3 10 17 24 Mar                  11

    Nobody is seen on 14 December, and nobody opens the register of 17 March. Taken are therefore
        Maths  13 + 11 - 1 = 23    Art  12 + 11 - 1 = 22    together 45, of which 24 in term 1 and 21 in term 2.

Ada, Bea and Cem are in 7b all year, Dot until she is erased after term 1, and Eve from term 2, before that in 8a.

             sessions  present  late  absent  excused  review
    Ada            45       43                       2           planned absence from 9 to 13 November
    Bea            45       42             2                1    23 and 30 November; a question on 22 March
    Cem            45       41     1       3                     late on 14 September; 15, 22 and 24 March
    Dot            24       23             1                     16 September
    Eve            21       21                                   and absent once in 8a
    7b            180      170     1       6         2      1

    Maths: 23 * 3 + 12 (Dot) + 11 (Eve) = 92 marks. Late 1; absent Bea 2, Cem 2; excused 1; review 1; present 85.
    Art:   22 * 3 + 12 (Dot) + 10 (Eve) = 88 marks. Absent Cem 1, Dot 1; excused 1; present 85.

school_year_notices.py has the notices of the year.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from muster.domain.attendance import Mark, MarkChange, MarkSource, MarkStatus, RegisterChange
from muster.domain.corrections import MarkByHand
from muster.domain.errors import QuestionsOpen, RegisterClosed, RegisterNotTaken, SubstituteCodeNotValid
from muster.domain.group import Group
from muster.domain.identifiers import GroupId, SessionId, StudentId, UserId
from muster.domain.period import Period
from muster.domain.student import Student
from muster.domain.timetable import Lesson, LessonState, SchoolCalendar, Span
from muster.reports.attendance import Tally
from muster.reports.breakdown import Dimension, break_down
from muster.reports.day import DayState
from muster.services.exchange.substitutes import Substitutes
from muster.services.reporting.exports import Exports
from muster.services.reporting.overviews import Overviews
from muster.services.reporting.reports import Reports
from muster.services.roll_call.absences import AbsencePlan, PlannedAbsences
from muster.services.roll_call.corrections import Corrections
from muster.services.roll_call.registers import Registers
from muster.services.roll_call.sessions import Sessions
from muster.services.roster.groups import Groups
from muster.services.timetable.lesson_sessions import LessonSessions
from muster.services.timetable.timetables import Timetables
from tests.contract.places import Stores
from tests.contract.school_year_notices import YearNotices, year_notices
from tests.contract.test_reports import BERLIN

G7B, G8A = GroupId("7b"), GroupId("8a")
ADA, BEA, CEM, DOT, EVE = (StudentId(id) for id in ("ada", "bea", "cem", "dot", "eve"))
TEACHER, OFFICE = UserId("bo"), UserId("office")
MATHS = Lesson(id="maths", group_id=G7B, weekday=1, starts=time(8), ends=time(8, 45), subject="Maths", teacher="Bo")
ART = Lesson(
    id="art",
    group_id=G7B,
    weekday=3,
    starts=time(10),
    ends=time(10, 45),
    subject="Art",
    teacher="Cy",
    last_day=date(2027, 1, 31),
    cancelled=frozenset({date(2026, 9, 30)}),
)
ART_WITH_DEE = Lesson(
    id="art-2",
    group_id=G7B,
    weekday=3,
    starts=time(10),
    ends=time(10, 45),
    subject="Art",
    teacher="Dee",
    first_day=date(2027, 2, 1),
)
CALENDAR = SchoolCalendar(
    terms=(
        Span("Term 1", date(2026, 9, 7), date(2026, 12, 18)),
        Span("Term 2", date(2027, 1, 11), date(2027, 3, 26)),
    ),
    holidays=(Span("Autumn", date(2026, 10, 19), date(2026, 10, 30)),),
)
NOBODY_SEEN, FORGOTTEN, QUESTION = date(2026, 12, 14), date(2027, 3, 17), date(2027, 3, 22)
SUBSTITUTED = date(2026, 9, 21)
"""Bo is ill, and Jo keeps the register with a code for this day."""
EXCEPTIONS: dict[date, dict[StudentId, MarkStatus | MarkByHand]] = {
    date(2026, 9, 14): {CEM: MarkByHand(status=MarkStatus.LATE, minutes_late=7, remark="Bus")},
    date(2026, 9, 16): {DOT: MarkStatus.ABSENT},
    date(2026, 11, 23): {BEA: MarkStatus.ABSENT},
    date(2026, 11, 25): {BEA: MarkStatus.ABSENT},  # corrected below
    date(2026, 11, 30): {BEA: MarkStatus.ABSENT},
    date(2027, 3, 15): {CEM: MarkStatus.ABSENT},
    date(2027, 3, 22): {CEM: MarkStatus.ABSENT},
    date(2027, 3, 24): {CEM: MarkStatus.ABSENT},
}
CLOSING_MONTH = 11
JOURNEY = AbsencePlan(first_day=date(2026, 11, 9), last_day=date(2026, 11, 13), reason="School orchestra")


@dataclass
class School:
    """The services of a school on one store, at a time that the test sets.

    Attributes:
        after_day: called after the lessons of each day.
    """

    stores: Stores
    at: datetime = field(default=datetime(2026, 9, 1, 8, tzinfo=BERLIN))
    after_day: Callable[[date], None] = lambda day: None

    def __post_init__(self) -> None:
        stores = self.stores
        lessons = LessonSessions(stores.documents, stores.sessions, BERLIN, self.now)
        self.absences = PlannedAbsences(stores.documents, stores.students, stores.sessions, BERLIN, now=self.now)
        self.sessions = Sessions(
            stores.students,
            stores.sessions,
            stores.groups,
            self.now,
            new_session=lessons.new_session,
            planned=self.absences.marks,
        )
        self.timetables = Timetables(stores.documents, stores.groups, stores.sessions, self.sessions, BERLIN, self.now)
        self.corrections = Corrections(
            stores.students, stores.sessions, lambda: None, self.now, planned=self.absences.marks
        )
        self.registers = Registers(stores.sessions, self.corrections, self.now)
        groups = Groups(stores.groups, stores.students, stores.sessions)
        self.substitutes = Substitutes(stores.documents, groups, BERLIN, now=self.now)
        self.reports = Reports(stores.students, stores.sessions, stores.groups, BERLIN, self.now)
        self.overviews = Overviews(stores.students, stores.sessions, stores.groups, BERLIN, self.now)
        self.exports = Exports(stores.students, stores.sessions, stores.groups, BERLIN, now=self.now)

    def now(self) -> datetime:
        return self.at.astimezone(UTC)

    def enrol(self, id: StudentId, group: GroupId) -> None:
        self.stores.students.enrol(Student(id, id.capitalize(), frozenset({group}), None, None))

    def days(self, calendar_term: int) -> Iterator[date]:
        """Yield the Mondays and Wednesdays of a term, holidays included."""
        term = CALENDAR.terms[calendar_term]
        for offset in range((term.last_day - term.first_day).days + 1):
            day = term.first_day + timedelta(days=offset)
            if day.isoweekday() in (MATHS.weekday, ART.weekday):
                yield day

    def hold(self, day: date) -> list[SessionId]:
        """Hold the lessons of a day: open each at its start, mark the class, and in November close the register."""
        self.at = datetime.combine(day, time(7, 55), BERLIN)
        held = []
        for lesson in self.timetables.of_day(day):
            if day == FORGOTTEN:
                continue
            self.at = lesson.occurrence.starts_at - timedelta(minutes=2)
            opened = self.timetables.open(G7B, lesson.occurrence.lesson.id, day).session
            self._mark(opened.id, day, self._substitute() if day == SUBSTITUTED else TEACHER)
            if day.month == CLOSING_MONTH:
                self.registers.close(opened.id, TEACHER)
            if day == QUESTION:
                with pytest.raises(QuestionsOpen):
                    self.registers.close(opened.id, TEACHER)
            held.append(opened.id)
        self.after_day(day)
        return held

    def _substitute(self) -> UserId:
        """Make a code for today, use it, and keep it for the days after."""
        _, self.code = self.substitutes.add("Jo", [G7B], OFFICE)
        _, self.token = self.substitutes.sign_in(self.code)
        found = self.substitutes.check(self.token)
        assert found is not None
        assert found.groups == {G7B}
        return found.user_id

    def _mark(self, session_id: SessionId, day: date, by: UserId) -> None:
        self.at += timedelta(minutes=10)
        if day == NOBODY_SEEN:
            return
        marks = self.stores.sessions.marks(session_id)
        planned = {mark.student_id for mark in marks if mark.source is MarkSource.PLANNED}
        in_review = {BEA} if day == QUESTION else set()
        roster = [student.id for student in self.stores.students.find(G7B)]
        by_hand: dict[StudentId, MarkStatus | MarkByHand] = {}
        by_hand.update(dict.fromkeys(set(roster) - planned - in_review, MarkStatus.PRESENT))
        by_hand.update(EXCEPTIONS.get(day, {}))
        session = self.corrections.mark(session_id, by_hand, by)
        further = [Mark(id, MarkStatus.REVIEW, MarkSource.PHOTO, self.now()) for id in in_review]
        if further:
            self.stores.sessions.amend(session_id, session.version, marks=further)


def test_a_school_year_adds_up(stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    school = School(stores)
    with year_notices(stores, BERLIN, tmp_path, monkeypatch, school.now) as notices:
        school.after_day = notices.after_day
        live_a_year(school, notices)
        notices.check(BEA)
    check_the_year(school)
    check_students(school)
    check_the_last_days(school)


def live_a_year(school: School, notices: YearNotices) -> None:
    """Hold the lessons of two terms, with what happens between them."""
    stores = school.stores
    stores.groups.add(Group(G7B, "Class 7b", frozenset({TEACHER})))
    stores.groups.add(Group(G8A, "Class 8a"))
    for id in (ADA, BEA, CEM, DOT):
        school.enrol(id, G7B)
    notices.give_contacts([ADA, BEA, CEM, DOT])
    school.enrol(EVE, G8A)
    school.timetables.change_calendar(CALENDAR, 0)
    version = school.timetables.change_lessons(G7B, [MATHS, ART], 0).version

    school.absences.add(ADA, JOURNEY, OFFICE)
    school.absences.add(DOT, replace(JOURNEY, first_day=date(2027, 1, 11), last_day=date(2027, 1, 15)), OFFICE)

    first = [session for day in school.days(0) for session in school.hold(day)]
    assert len(first) == 13 + 12
    # The wall clock stays when clocks change: 8:00 is 6:00 UTC in September, and 7:00 UTC in November.
    starts = {stores.sessions.get(id).lesson.starts_at.hour for id in (first[0], first[-2])}  # type: ignore[union-attr]
    assert starts == {6, 7}

    check_the_substitute(school, first)
    correct_an_absence(school, first)
    notices.send()
    school.at = datetime(2026, 10, 5, 9, tzinfo=BERLIN)
    in_8a = school.sessions.open(G8A, SessionId("in-8a"), school.at).session
    school.corrections.mark(in_8a.id, {EVE: MarkStatus.ABSENT}, TEACHER)

    school.at = datetime(2027, 1, 4, 9, tzinfo=BERLIN)
    stores.students.erase(DOT)
    stores.students.update(Student(EVE, "Eve", frozenset({G7B}), None, None, version=2))
    school.timetables.change_lessons(G7B, [MATHS, ART, ART_WITH_DEE], version)
    second = [session for day in school.days(1) for session in school.hold(day)]
    assert len(second) == 11 + 10


def check_the_substitute(school: School, sessions: list[SessionId]) -> None:
    """Jo's code and token are worth nothing on another day; after a week only the audit names Jo."""
    assert school.substitutes.check(school.token) is None
    with pytest.raises(SubstituteCodeNotValid):
        school.substitutes.sign_in(school.code)
    assert school.substitutes.sweep() == 1
    assert school.substitutes.find() == []
    by_jo = [id for id in sessions if {change.by for change in school.stores.sessions.changes(id)} == {"substitute:Jo"}]
    assert [school.stores.sessions.get(id).started_at.date() for id in by_jo] == [SUBSTITUTED]


def correct_an_absence(school: School, sessions: list[SessionId]) -> None:
    """Bea was there on 25 November: the register is reopened, corrected with a reason, and closed again."""
    day = date(2026, 11, 25)
    (session_id,) = (id for id in sessions if school.stores.sessions.get(id).started_at.date() == day)
    school.at = datetime(2026, 11, 26, 9, tzinfo=BERLIN)
    with pytest.raises(RegisterClosed):
        school.corrections.mark(session_id, {BEA: MarkStatus.PRESENT}, OFFICE)
    school.registers.reopen(session_id, OFFICE, "Bea's mother called")
    school.corrections.mark(session_id, {BEA: MarkStatus.PRESENT}, OFFICE, reason="She was in the library")
    school.registers.close(session_id, OFFICE)

    changes = school.stores.sessions.changes(session_id)
    assert [(change.closed, change.by, change.reason) for change in changes if isinstance(change, RegisterChange)] == [
        (True, TEACHER, ""),
        (False, OFFICE, "Bea's mother called"),
        (True, OFFICE, ""),
    ]
    (correction,) = (change for change in changes if isinstance(change, MarkChange) and change.by == OFFICE)
    assert (correction.before, correction.after) == (MarkStatus.ABSENT, MarkStatus.PRESENT)
    assert correction.reason == "She was in the library"


def check_the_year(school: School) -> None:
    """The totals of the class, and the same by subject, teacher, weekday and period."""
    report = school.reports.of_group(G7B, Period())
    assert (len(report.sessions), len(report.taken), report.questions) == (46, 45, 1)
    assert report.tally == Tally(present=170, late=1, absent=6, excused=2, review=1)
    assert report.erased == Tally(present=23, absent=1)
    assert report.tally.rate == 171 / 177
    assert {student.id: student.tally for student in report.students} == {
        ADA: Tally(present=43, excused=2),
        BEA: Tally(present=42, absent=2, review=1),
        CEM: Tally(present=41, late=1, absent=3),
        EVE: Tally(present=21),
    }
    by_term = [school.reports.of_group(G7B, Period(term.first_day, term.last_day)) for term in CALENDAR.terms]
    assert [len(term.taken) for term in by_term] == [24, 21]

    lines = {by: break_down(report, by).lines for by in Dimension}
    taken = {by: {line.key: line.sessions for line in found} for by, found in lines.items()}
    assert taken == {
        Dimension.SUBJECT: {"Art": 22, "Maths": 23},
        Dimension.TEACHER: {"Bo": 23, "Cy": 15, "Dee": 7},
        Dimension.WEEKDAY: {"1": 23, "3": 22},
        Dimension.PERIOD: {"08:00": 23, "10:00": 22},
    }
    art, maths = lines[Dimension.SUBJECT]
    assert art.tally == Tally(present=85, absent=2, excused=1)
    assert maths.tally == Tally(present=85, late=1, absent=4, excused=1, review=1)
    assert (art.not_taken, maths.not_taken, maths.questions) == (0, 1, 1)


def check_students(school: School) -> None:
    """What Eve missed in 8a counts, and low attendance is found over all groups."""
    eve = school.reports.of_student(EVE, Period())
    assert [(group.id, group.current, group.sessions) for group in eve.groups] == [(G7B, True, 21), (G8A, False, 1)]
    assert eve.tally == Tally(present=21, absent=1)
    cem = school.reports.of_student(CEM, Period()).students[0]
    assert (cem.longest_absence, cem.current_absence, cem.tally.rate) == (3, 3, 42 / 45)
    bea = school.reports.of_student(BEA, Period()).students[0]
    assert (bea.longest_absence, bea.current_absence) == (1, 0)
    low = school.overviews.low(96, Period(), group_id=G7B)
    assert [(line.id, line.tally.rate) for line in low] == [(CEM, 42 / 45), (BEA, 42 / 44)]

    rows = school.exports.of_group(G7B, Period())
    # Dot's 24 marks are anonymous.
    assert len(rows) == 180 - 24
    (late,) = (row for row in rows if row.mark.status is MarkStatus.LATE)
    assert (late.student_id, late.mark.minutes_late, late.mark.remark) == (CEM, 7, "Bus")
    assert f"{late.starts_at:%Y-%m-%d %H:%M}" == "2026-09-14 08:00"


def check_the_last_days(school: School) -> None:
    """The office's morning after the last lesson: who is missing, and which register."""
    school.at = datetime(2027, 3, 24, 12, tzinfo=BERLIN)
    missing = school.timetables.missing(FORGOTTEN, time(12))
    assert [(lesson.occurrence.lesson.subject, lesson.state) for lesson in missing.lessons] == [
        ("Art", LessonState.NOT_TAKEN)
    ]
    (nobody_seen,) = school.timetables.of_day(NOBODY_SEEN)
    assert nobody_seen.state is LessonState.NOT_TAKEN
    with pytest.raises(RegisterNotTaken):
        school.registers.close(nobody_seen.occurrence.session_id, TEACHER)

    (line,) = school.overviews.missing(3, school.overviews.recent(), days=True)
    assert (line.id, line.days_missed, line.sessions_missed, line.missing_since) == (CEM, 3, 3, date(2027, 3, 15))
    today = school.overviews.of_day()
    assert {student.id: student.state for student in today.students} == {
        ADA: DayState.PRESENT,
        BEA: DayState.PRESENT,
        CEM: DayState.ABSENT,
        EVE: DayState.PRESENT,
    }
    monday = school.overviews.of_day(QUESTION)
    assert {student.id for student in monday.having(DayState.REVIEW)} == {BEA}
    assert school.stores.students.traces(DOT) == []
