"""Planned absences over every kind of store."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from muster.domain.attendance import LessonDetails, MarkChange, MarkStatus, RegisterChange, Session
from muster.domain.errors import AbsenceNotFound, CodeNotFound, InvalidRequest, StudentNotFound
from muster.domain.identifiers import GroupId, PhotoId, SessionId, StudentId, UserId
from muster.domain.period import Period
from muster.services.codes.tables import Codes
from muster.services.privacy.subject_access import SubjectAccess
from muster.services.roll_call.absences import REASON, AbsencePlan, PlannedAbsences
from muster.services.roll_call.corrections import Corrections
from muster.services.roll_call.sessions import Sessions
from tests.contract.examples import a_face, a_session_photo, mark, register
from tests.contract.places import Stores
from tests.contract.retraining import Asked

ADA, BOB, TEACHER = StudentId("ada"), StudentId("bob"), UserId("teacher")
BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 9, 7)
WEEK = AbsencePlan(first_day=MONDAY, last_day=date(2026, 9, 11), reason="Trip")


class School:
    """The services of a school in Berlin."""

    def __init__(self, stores: Stores, asked: Asked) -> None:
        register(stores, ADA, BOB)
        self.stores = stores
        self.now = datetime(2026, 9, 7, 5, tzinfo=UTC)
        self.absences = PlannedAbsences(
            stores.documents, stores.students, stores.sessions, BERLIN, now=lambda: self.now
        )
        self.sessions = Sessions(stores.students, stores.sessions, stores.groups, planned=self.absences.marks)
        self.corrections = Corrections(stores.students, stores.sessions, asked, planned=self.absences.marks)

    def open(self, id: str, started_at: datetime) -> SessionId:
        """Open a session."""
        return self.sessions.open(GroupId("g"), SessionId(id), started_at).session.id

    def marks(self, id: SessionId) -> dict[str, tuple[str, str]]:
        """Return status and source by student."""
        return {m.student_id: (m.status.value, m.source.value) for m in self.stores.sessions.marks(id)}

    def photo(self, id: SessionId, *shown: str) -> None:
        """Store a photo that shows students."""
        photo = a_session_photo(id, *(a_face(student) for student in shown), id=f"p-{id}")
        self.stores.sessions.record_photo(photo, b"original", [mark(student) for student in shown])


@pytest.fixture
def school(stores: Stores, asked: Asked) -> School:
    return School(stores, asked)


def test_a_session_starts_with_the_planned_absences_and_is_not_taken_by_them(school: School) -> None:
    school.absences.add(ADA, WEEK, TEACHER)
    monday = school.open("monday", datetime(2026, 9, 7, 6, tzinfo=UTC))
    assert school.marks(monday) == {"ada": ("excused", "planned"), "bob": ("absent", "photo")}
    detail = school.sessions.get(monday)
    assert (detail.taken, detail.by_people) == (False, frozenset())
    assert [m.student_id for m in detail.marks] == [ADA]
    school.corrections.mark(monday, {BOB: MarkStatus.ABSENT}, TEACHER)
    assert school.sessions.get(monday).taken, "everybody else is marked by hand"
    # Midnight in Berlin, not in UTC, ends the last day.
    late = school.open("late", datetime(2026, 9, 11, 22, 30, tzinfo=UTC))
    assert school.marks(late)["ada"] == ("absent", "photo")
    trip = AbsencePlan(first_day=date(2026, 10, 1), last_day=date(2026, 10, 1), status=MarkStatus.PRESENT, code="V")
    school.absences.add(ADA, trip, TEACHER)
    october = school.open("october", datetime(2026, 10, 1, 8, tzinfo=UTC))
    assert not school.sessions.get(october).taken, "a planned trip that counts as present takes no register"


def test_a_plan_from_the_first_lesson_covers_its_register_that_is_opened_early(school: School) -> None:
    school.absences.add(ADA, AbsencePlan(first_day=MONDAY, last_day=MONDAY, starts=time(8)), TEACHER)
    starts_at = datetime(2026, 9, 7, 6, tzinfo=UTC)
    session = Session(SessionId("early"), GroupId("g"), starts_at - timedelta(minutes=10))
    lesson = LessonDetails(lesson_id="maths", starts_at=starts_at, ends_at=starts_at + timedelta(minutes=45))
    assert list(school.absences.marks(replace(session, lesson=lesson), [ADA])) == [ADA]
    assert school.absences.marks(session, [ADA]) == {}, "without a lesson, the time of the roll call counts"


def test_a_photo_outranks_a_plan_and_a_person_outranks_both(school: School) -> None:
    school.absences.add(ADA, WEEK, TEACHER)
    monday = school.open("monday", datetime(2026, 9, 7, 6, tzinfo=UTC))
    school.photo(monday, ADA)
    assert school.marks(monday)["ada"] == ("present", "photo")
    school.corrections.name(monday, a_face(ADA).face_id, None, TEACHER)
    assert school.marks(monday)["ada"] == ("excused", "planned"), "no photo shows her any more"
    school.corrections.name(monday, a_face(ADA).face_id, ADA, TEACHER)
    assert school.marks(monday)["ada"] == ("present", "photo")
    school.corrections.confirm(monday, {a_face(ADA).face_id: ADA}, TEACHER)
    assert school.marks(monday)["ada"] == ("present", "photo")
    school.corrections.name(monday, a_face(ADA).face_id, BOB, TEACHER)
    assert school.marks(monday) == {"ada": ("excused", "planned"), "bob": ("present", "photo")}
    school.corrections.name(monday, a_face(ADA).face_id, ADA, TEACHER)
    school.corrections.remove_photo(monday, PhotoId(f"p-{monday}"), TEACHER)
    assert school.marks(monday)["ada"] == ("excused", "planned"), "the photo that showed her is gone"
    school.corrections.mark(monday, {ADA: MarkStatus.LATE}, TEACHER)
    school.corrections.clear(monday, [ADA], TEACHER)
    assert school.marks(monday)["ada"] == ("excused", "planned"), "undone"


def test_a_changed_plan_changes_open_registers_that_nobody_touched(school: School) -> None:
    ids = [school.open(f"s{day}", datetime(2026, 9, day, 6, tzinfo=UTC)) for day in (7, 8, 9, 10, 14)]
    untouched, touched, photographed, closed, _ = ids
    school.corrections.mark(touched, {ADA: MarkStatus.ABSENT}, TEACHER)
    school.photo(photographed, ADA)
    school.corrections.mark(closed, {BOB: MarkStatus.PRESENT}, TEACHER)
    version = school.stores.sessions.get(closed).version
    closing = RegisterChange(datetime(2026, 9, 10, 7, tzinfo=UTC), TEACHER, closed=True)
    school.stores.sessions.amend(closed, version, changes=[closing])

    def adas() -> list[tuple[str, str]]:
        return [school.marks(id)["ada"] for id in ids]

    others = [("absent", "manual"), ("present", "photo"), ("absent", "photo"), ("absent", "photo")]
    planned = school.absences.add(ADA, WEEK, TEACHER)
    assert adas() == [("excused", "planned"), *others]
    change = next(c for c in school.sessions.changes(untouched) if isinstance(c, MarkChange))
    assert (change.by, change.reason) == (TEACHER, REASON)
    afternoon = AbsencePlan(first_day=MONDAY, last_day=MONDAY, starts=time(12), status=MarkStatus.ABSENT)
    school.absences.replace(ADA, planned.id, afternoon, TEACHER)
    assert adas() == [("absent", "photo"), *others]
    school.absences.replace(ADA, planned.id, AbsencePlan(first_day=MONDAY, last_day=MONDAY, ends=time(9)), TEACHER)
    assert adas() == [("excused", "planned"), *others]
    school.absences.remove(ADA, planned.id, TEACHER)
    assert adas() == [("absent", "photo"), *others]
    with pytest.raises(AbsenceNotFound):
        school.absences.remove(ADA, planned.id, TEACHER)


def test_days_before_today_keep_the_marks_of_a_plan_that_is_changed_or_removed(school: School) -> None:
    ids = [school.open(f"s{day}", datetime(2026, 9, day, 6, tzinfo=UTC)) for day in (7, 8, 9)]

    def adas() -> list[str]:
        return [school.marks(id)["ada"][0] for id in ids]

    # 8 September in Berlin, but not in UTC.
    school.now = datetime(2026, 9, 7, 22, 30, tzinfo=UTC)
    planned = school.absences.add(ADA, WEEK, TEACHER)
    assert adas() == ["excused"] * 3, "an absence entered afterwards counts for the days before too"
    shorter = AbsencePlan(first_day=MONDAY, last_day=date(2026, 9, 8), status=MarkStatus.ABSENT)
    school.absences.replace(ADA, planned.id, shorter, TEACHER)
    assert adas() == ["excused", "absent", "absent"]
    assert school.marks(ids[1])["ada"][1] == "planned"
    school.absences.remove(ADA, planned.id, TEACHER)
    assert adas() == ["excused", "absent", "absent"]
    assert school.marks(ids[1])["ada"][1] == "photo"
    over = school.absences.add(ADA, AbsencePlan(first_day=MONDAY, last_day=MONDAY), TEACHER)
    school.absences.remove(ADA, over.id, TEACHER)
    assert adas()[0] == "excused"


def test_the_plans_of_a_student_are_shown_to_them_erased_with_them_and_expire(school: School) -> None:
    school.absences.add(ADA, WEEK, TEACHER)
    later = school.absences.add(ADA, AbsencePlan(first_day=date(2027, 1, 4), last_day=date(2027, 1, 4)), TEACHER)
    access = SubjectAccess(
        school.stores.students, school.stores.sessions, school.stores.documents, school.absences.find
    )
    assert [absence.reason for absence in access.of(ADA).absences] == ["Trip", ""]
    assert school.absences.expire(datetime(2026, 12, 1, tzinfo=UTC)) == 1
    assert school.absences.find(ADA) == [later]
    school.stores.students.erase(ADA)
    assert school.absences.find(ADA) == []
    with pytest.raises(StudentNotFound):
        school.absences.add(ADA, WEEK, TEACHER)


def test_a_plan_has_a_code_of_the_table_which_cannot_count_as_something_else_afterwards(school: School) -> None:
    codes = Codes(school.stores.documents, BERLIN)
    codes.switch("england-2024", 0)
    stores = school.stores
    absences = PlannedAbsences(
        stores.documents, stores.students, stores.sessions, BERLIN, codes=codes, now=lambda: school.now
    )
    planned = absences.add(ADA, AbsencePlan(first_day=MONDAY, last_day=MONDAY, code="M"), TEACHER)
    assert (planned.status, planned.code) == (MarkStatus.ABSENT, "M")
    assert "M" in codes.table()[0].used
    monday = school.open("monday", datetime(2026, 9, 7, 6, tzinfo=UTC))
    absences.replace(ADA, planned.id, AbsencePlan(first_day=MONDAY, last_day=MONDAY, code="I", reason="Flu"), TEACHER)
    absences.remove(ADA, planned.id, TEACHER)
    details = [
        (change.details_before.code, change.details_after.code)
        for change in school.sessions.changes(monday)
        if isinstance(change, MarkChange)
    ]
    assert details == [("M", "I"), ("I", None)], "the audit has the codes"
    with pytest.raises(CodeNotFound):
        absences.add(ADA, AbsencePlan(first_day=MONDAY, last_day=MONDAY, code="??"), TEACHER)


@pytest.mark.parametrize(
    "plan",
    [
        AbsencePlan(first_day=MONDAY, last_day=date(2026, 9, 6)),
        AbsencePlan(first_day=MONDAY, last_day=date(2027, 12, 6)),
        AbsencePlan(first_day=MONDAY, last_day=MONDAY, starts=time(10), ends=time(9)),
        AbsencePlan(first_day=MONDAY, last_day=MONDAY, status=MarkStatus.REVIEW),
        AbsencePlan(first_day=MONDAY, last_day=MONDAY, reason="x" * 301),
        AbsencePlan(first_day=date(9999, 12, 31), last_day=date(9999, 12, 31)),
    ],
    ids=["backwards", "too long", "times backwards", "review", "long reason", "far away"],
)
def test_a_malformed_plan_is_refused(school: School, plan: AbsencePlan) -> None:
    with pytest.raises(InvalidRequest):
        school.absences.add(ADA, plan, TEACHER)
    assert school.absences.find(ADA) == []


def test_the_absences_of_all_students_are_listed_by_period(school: School) -> None:
    school.absences.add(BOB, WEEK, TEACHER)
    school.absences.add(ADA, replace(WEEK, first_day=MONDAY + timedelta(days=4), last_day=date(2026, 9, 30)), TEACHER)

    def listed(since: date | None, until: date | None, *students: StudentId) -> list[StudentId]:
        found = school.absences.of_all(Period(since, until), students or None)
        return [absence.student_id for absence in found]

    assert listed(None, None) == listed(date(2026, 9, 11), date(2026, 9, 11)) == [BOB, ADA]
    assert listed(date(2026, 9, 12), None) == [ADA]
    assert listed(None, date(2026, 9, 10)) == [BOB]
    assert listed(date(2026, 10, 1), None) == []
    assert listed(None, None, ADA) == [ADA]
    school.stores.students.erase(BOB)
    assert listed(None, None) == [ADA]
