"""The timetable on both stores: changed with versions, and the registers of a day's lessons."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from muster.domain.attendance import MarkSource, MarkStatus
from muster.domain.errors import GroupNotFound, InvalidRequest, LessonNotFound, VersionConflict
from muster.domain.group import Group
from muster.domain.identifiers import GroupId, SessionId
from muster.domain.timetable import Lesson, SchoolCalendar, Span
from muster.services.roll_call.sessions import Sessions
from muster.services.timetable.lesson_sessions import LessonSessions
from muster.services.timetable.timetables import Timetables
from tests.contract.examples import a_session_photo, enrol, mark
from tests.contract.places import Stores

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 9, 7)
GROUP = GroupId("7b")
MATHS = Lesson(id="maths", group_id=GROUP, weekday=1, starts=time(8), ends=time(8, 45), subject="Mathematics")
ART = replace(MATHS, id="art", starts=time(8, 45), ends=time(9, 30), subject="Art")


@dataclass
class School:
    """A group with two students and two lessons on Monday, at a time that the test sets."""

    stores: Stores
    now: datetime = datetime(2026, 9, 7, 6, 10, tzinfo=UTC)

    def __post_init__(self) -> None:
        self.lesson_sessions = LessonSessions(self.stores.documents, self.stores.sessions, BERLIN)
        self.sessions = Sessions(
            self.stores.students,
            self.stores.sessions,
            self.stores.groups,
            now=lambda: self.now,
            new_session=self.lesson_sessions.new_session,
        )
        self.timetables = Timetables(
            self.stores.documents, self.stores.groups, self.stores.sessions, self.sessions, BERLIN, lambda: self.now
        )

    def states(self) -> list[tuple[str, str]]:
        return [(each.occurrence.lesson.id, each.state.value) for each in self.timetables.of_day(MONDAY)]

    def take(self, session_id: SessionId) -> None:
        version = self.stores.sessions.get(session_id).version
        self.stores.sessions.amend(session_id, version, marks=[mark("s1", MarkStatus.PRESENT, MarkSource.MANUAL)])


@pytest.fixture
def school(stores: Stores) -> School:
    school = School(stores)
    stores.groups.add(Group(GROUP, "Class 7b"))
    enrol(stores, "s1", "s2", groups=[GROUP])
    school.timetables.change_lessons(GROUP, [ART, MATHS], 0)
    return school


def test_no_other_class_takes_the_register_of_a_lesson(school: School) -> None:
    other = GroupId("8a")
    school.stores.groups.add(Group(other, "Class 8a"))
    maths, _ = (each.occurrence for each in school.timetables.of_day(MONDAY))
    for group, started_at in ((other, None), (GROUP, school.now + timedelta(days=14))):
        with pytest.raises(LessonNotFound):
            school.sessions.open(group, maths.session_id, started_at)
    opened = school.sessions.open(GROUP, maths.session_id, school.now).session
    assert (opened.lesson is not None and opened.lesson.lesson_id, opened.begins_at) == ("maths", maths.starts_at)
    # An id that only begins like that of a lesson is free.
    assert school.sessions.open(other, SessionId("lesson-8a")).session.lesson is None


def test_lessons_are_replaced_only_with_the_version_that_was_read(school: School) -> None:
    found = school.timetables.lessons(GROUP)
    assert (found.lessons, found.version) == ((MATHS, ART), 1)
    with pytest.raises(VersionConflict):
        school.timetables.change_lessons(GROUP, [], 0)
    with pytest.raises(InvalidRequest, match="Monday 08:00 Mathematics"):
        school.timetables.change_lessons(GROUP, [replace(MATHS, ends=time(7))], 1)
    with pytest.raises(InvalidRequest, match="maths"):
        school.timetables.change_lessons(GROUP, [MATHS, MATHS], 1)
    with pytest.raises(GroupNotFound):
        school.timetables.change_lessons(GroupId("none"), [], 0)
    assert school.timetables.change_lessons(GROUP, [], 1).version == 2


def test_terms_and_holidays_decide_which_days_have_lessons(school: School) -> None:
    holiday = SchoolCalendar(holidays=(Span("Inset day", MONDAY, MONDAY),))
    assert school.timetables.change_calendar(holiday, 0) == 1
    assert school.timetables.calendar() == (holiday, 1)
    assert school.states() == []
    overlapping = SchoolCalendar(terms=(Span("A", MONDAY, MONDAY), Span("B", MONDAY, MONDAY)))
    with pytest.raises(InvalidRequest, match="A and B overlap"):
        school.timetables.change_calendar(overlapping, 1)


def test_a_register_is_planned_then_open_or_not_taken(school: School) -> None:
    assert school.states() == [("maths", "planned"), ("art", "planned")]
    opened = school.timetables.open(GROUP, "maths", MONDAY)
    assert opened.session.started_at == datetime(2026, 9, 7, 6, tzinfo=UTC)
    details = opened.session.lesson
    assert details is not None
    assert (details.lesson_id, details.subject) == ("maths", "Mathematics")
    assert details.ends_at == datetime(2026, 9, 7, 6, 45, tzinfo=UTC)
    assert school.timetables.open(GROUP, "maths", MONDAY).session == opened.session
    assert school.states()[0] == ("maths", "planned")
    school.take(opened.session.id)
    assert school.states()[0] == ("maths", "open")
    school.now += timedelta(hours=4)
    assert school.states() == [("maths", "open"), ("art", "not_taken")]
    assert school.timetables.of_day(MONDAY, own=[GroupId("8a")]) == []


def test_a_lesson_of_another_day_cannot_be_opened(school: School) -> None:
    for lesson, day in (("none", MONDAY), ("maths", MONDAY + timedelta(days=1))):
        with pytest.raises(LessonNotFound):
            school.timetables.open(GROUP, lesson, day)


def test_photos_without_a_session_join_the_lesson_that_is_now(school: School) -> None:
    ids = {each.occurrence.lesson.id: each.occurrence.session_id for each in school.timetables.of_day(MONDAY)}
    join = school.lesson_sessions.join

    def at(hour: int, minute: int) -> datetime:
        return datetime(2026, 9, 7, hour, minute, tzinfo=BERLIN)

    assert join(GROUP, ["d1"], at(7, 40)) is None
    assert join(GROUP, ["d1"], at(7, 50)) == ids["maths"]
    assert join(GROUP, ["d1"], at(8, 40)) == ids["maths"]
    assert join(GROUP, ["d1"], at(8, 45)) == ids["art"]
    assert join(GROUP, ["d1"], at(9, 30)) is None
    assert join(GroupId("8a"), ["d1"], at(8, 0)) is None
    # The same photos again, when the next lesson has begun, stay with the first.
    session = school.timetables.open(GROUP, "maths", MONDAY).session
    photo = a_session_photo(session.id)
    school.stores.sessions.record_photo(photo, b"photo", [])
    assert join(GROUP, [photo.digest], at(8, 50)) == ids["maths"]
    assert (
        join(GROUP, [photo.digest], at(8, 50) + timedelta(days=7))
        == school.timetables.of_day(MONDAY + timedelta(days=7))[1].occurrence.session_id
    )


def test_a_session_opened_with_the_id_of_a_lesson_has_its_start(school: School) -> None:
    session_id = school.timetables.of_day(MONDAY)[0].occurrence.session_id
    opened = school.sessions.open(GROUP, session_id, school.now + timedelta(minutes=9))
    assert opened.session.started_at == datetime(2026, 9, 7, 6, tzinfo=UTC)
    assert school.sessions.open(GROUP).session.started_at == school.now


@pytest.mark.parametrize("day", [date(1, 1, 1), date(9999, 12, 31)], ids=["first", "last"])
def test_a_day_whose_moments_do_not_exist_is_refused(school: School, day: date) -> None:
    for read in (school.timetables.of_day, lambda day: school.timetables.missing(day, time(9, 30))):
        with pytest.raises(InvalidRequest, match="out of range"):
            read(day)


def test_registers_that_are_not_taken_by_a_time_are_reported(school: School) -> None:
    school.stores.groups.add(Group(GroupId("club"), "Chess club"))
    enrol(school.stores, "s3", groups=["club"])
    school.now = datetime(2026, 9, 7, 8, tzinfo=UTC)
    missing = school.timetables.missing(MONDAY, time(8, 30))
    assert [each.occurrence.lesson.id for each in missing.lessons] == ["maths"]
    assert ([group.id for group in missing.groups], missing.due) == (["club"], 2)
    assert [each.occurrence.lesson.id for each in school.timetables.missing(MONDAY, time(9, 30)).lessons] == [
        "maths",
        "art",
    ]
    school.take(school.timetables.open(GROUP, "maths", MONDAY).session.id)
    school.timetables.open(GROUP, "art", MONDAY)
    club = school.sessions.open(GroupId("club"), started_at=school.now).session
    version = school.stores.sessions.get(club.id).version
    school.stores.sessions.amend(club.id, version, marks=[mark("s3", MarkStatus.LATE, MarkSource.MANUAL)])
    missing = school.timetables.missing(MONDAY, time(9, 30))
    assert [each.occurrence.lesson.id for each in missing.lessons] == ["art"]
    assert (missing.groups, missing.due) == ((), 3)
    assert school.timetables.missing(MONDAY, time(9, 30), own=[GroupId("8a")]).due == 0
    # What has not begun is not missing, whatever the time asked for.
    school.now = datetime(2026, 9, 7, 6, 30, tzinfo=UTC)
    assert school.timetables.missing(MONDAY, time(9, 30)).due == 1
    assert school.timetables.missing(MONDAY + timedelta(days=7), time(9, 30)).due == 0


def test_lessons_of_a_removed_group_are_not_those_of_a_new_one(school: School) -> None:
    school.timetables.forget(GROUP)
    school.timetables.forget(GROUP)
    assert school.timetables.lessons(GROUP).lessons == ()
