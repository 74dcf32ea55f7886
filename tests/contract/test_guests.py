"""Guests of sessions over every kind of store."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from muster.domain.attendance import MarkStatus
from muster.domain.errors import GuestNotFound, InvalidRequest, RegisterClosed, SessionNotFound, StudentNotFound
from muster.domain.group import Group
from muster.domain.identifiers import GroupId, SessionId, StudentId, UserId
from muster.domain.student import Student
from muster.reports.evacuation import evacuation_listing, evacuation_page, gatherings, not_known
from muster.services.privacy.retention import Retention, RetentionLimits
from muster.services.privacy.subject_access import SubjectAccess
from muster.services.reporting.overviews import Overviews
from muster.services.roll_call.corrections import Corrections
from muster.services.roll_call.guests import Guests
from muster.services.roll_call.registers import Registers
from muster.services.roll_call.sessions import Sessions
from tests.contract.examples import register
from tests.contract.places import Stores
from tests.contract.retraining import Asked

ADA, BOB, MIA, TEACHER = StudentId("ada"), StudentId("bob"), StudentId("mia"), UserId("teacher")
OTHER, MONDAY = GroupId("other"), datetime(2026, 9, 7, 8, tzinfo=UTC)


class School:
    """A group with Ada and Bob, whose register of Monday is taken; Mia is in another group."""

    def __init__(self, stores: Stores, asked: Asked) -> None:
        stores.groups.add(Group(GroupId("g"), "g"))
        register(stores, ADA, BOB)
        self.stores = stores
        self.mia = Student(MIA, "Mia Berg", frozenset({OTHER}), None, None)
        stores.students.enrol(self.mia)
        self.guests = Guests(stores.documents, stores.students, stores.sessions)
        self.corrections = Corrections(stores.students, stores.sessions, asked, forget=self.guests.forget)
        self.registers = Registers(stores.sessions, self.corrections)
        sessions = Sessions(stores.students, stores.sessions, stores.groups)
        self.monday = sessions.open(GroupId("g"), SessionId("monday"), MONDAY).session.id
        self.corrections.mark(self.monday, {ADA: MarkStatus.PRESENT, BOB: MarkStatus.ABSENT}, TEACHER)

    def names(self) -> list[str]:
        """Return the names of the guests of Monday."""
        return [guest.name for guest in self.guests.of(self.monday).guests]


@pytest.fixture
def school(stores: Stores, asked: Asked) -> School:
    return School(stores, asked)


def test_guests_are_added_once_and_removed_with_a_trace_while_the_register_is_open(school: School) -> None:
    marks = school.stores.sessions.marks(school.monday)
    tom = school.guests.add(school.monday, "  Tom   Reed ", TEACHER)
    mia = school.guests.add(school.monday, "", TEACHER, school.mia)
    assert school.guests.add(school.monday, "Mia", TEACHER, school.mia) == mia
    assert school.names() == ["Tom Reed", "Mia Berg"]
    school.guests.remove(school.monday, tom.id, TEACHER)
    changes = school.guests.of(school.monday).changes
    assert [(c.guest.name, c.added) for c in changes] == [("Tom Reed", True), ("Mia Berg", True), ("Tom Reed", False)]
    assert school.stores.sessions.marks(school.monday) == marks, "guests have no mark, so no figure changes"
    with pytest.raises(GuestNotFound):
        school.guests.remove(school.monday, tom.id, TEACHER)
    for name, student in (("", None), ("x" * 201, None), ("Ada", school.stores.students.get(ADA))):
        with pytest.raises(InvalidRequest):
            school.guests.add(school.monday, name, TEACHER, student)
    school.registers.close(school.monday, TEACHER)
    with pytest.raises(RegisterClosed):
        school.guests.add(school.monday, "Tom", TEACHER)
    with pytest.raises(RegisterClosed):
        school.guests.remove(school.monday, mia.id, TEACHER)


def test_an_erased_student_is_no_guest_any_more_and_leaves_no_trace(school: School) -> None:
    school.guests.add(school.monday, "Tom", TEACHER)
    school.guests.add(school.monday, "", TEACHER, school.mia)
    access = SubjectAccess(
        school.stores.students, school.stores.sessions, school.stores.documents, visits=school.guests.visits
    )
    (visit,) = access.of(MIA).visits
    assert (visit.session_id, visit.guest is not None, len(visit.changes)) == (school.monday, True, 1)
    assert access.of(ADA).visits == ()
    assert school.stores.students.traces(MIA)
    school.stores.students.erase(MIA)
    assert school.stores.students.traces(MIA) == []
    book = school.guests.of(school.monday)
    assert [guest.name for guest in book.guests] == [change.guest.name for change in book.changes] == ["Tom"]
    with pytest.raises(StudentNotFound):
        school.guests.add(school.monday, "", TEACHER, school.mia)
    assert school.names() == ["Tom"]


def test_guests_go_with_their_session(school: School) -> None:
    school.guests.add(school.monday, "Tom", TEACHER)
    school.corrections.remove(school.monday)
    assert school.names() == []
    with pytest.raises(SessionNotFound):
        school.guests.add(school.monday, "Tom", TEACHER)
    stores = school.stores
    sessions = Sessions(stores.students, stores.sessions, stores.groups)
    school.monday = sessions.open(GroupId("g"), SessionId("monday"), MONDAY).session.id
    school.guests.add(school.monday, "Ann", TEACHER)
    limits = RetentionLimits(None, 1)
    later = datetime(2026, 12, 1, tzinfo=UTC)
    Retention(stores.groups, stores.sessions, limits, now=lambda: later, forget=school.guests.forget).run()
    assert school.names() == []


def test_the_evacuation_list_has_the_guests_of_the_last_register(school: School) -> None:
    stores = school.stores
    overviews = Overviews(
        stores.students,
        stores.sessions,
        stores.groups,
        ZoneInfo("UTC"),
        now=lambda: datetime(2026, 9, 7, 9, tzinfo=UTC),
        guests=school.guests.of_sessions,
    )
    assert MIA in [student.id for student in not_known(overviews.of_day())]
    school.guests.add(school.monday, "Tom <b>", TEACHER)
    school.guests.add(school.monday, "", TEACHER, school.mia)
    day = overviews.of_day()
    (gathering,) = gatherings(day)
    assert [guest.name for guest in gathering.guests] == ["Mia Berg", "Tom <b>"]
    assert [student.id for student in gathering.students] == [ADA]
    assert MIA not in [student.id for student in not_known(day)], "she is a guest of the other group"
    assert "Tom &lt;b&gt;" in evacuation_page(day)
    rows = evacuation_listing(day).tables[0].rows
    assert [(row[1], row[-1]) for row in rows if row[0] is None] == [
        ("Mia Berg", "in the building"),
        ("Tom <b>", "in the building"),
    ]
    assert day.registers[0].present == 1, "guests are not counted"
