"""Reports over every store."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from muster.domain.attendance import Mark, MarkSource, Session
from muster.domain.errors import GroupNotFound, NotAllowed, ReportTooLarge, SessionNotFound, StudentNotFound
from muster.domain.group import Group
from muster.domain.identifiers import GroupId, SessionId, StudentId
from muster.domain.period import Period
from muster.domain.student import Student
from muster.reports.attendance import AttendanceReport, Tally
from muster.services.reporting.overviews import Overviews
from muster.services.reporting.reports import Reports
from muster.storage.aws.stores import open_aws
from tests.contract.places import AwsPlace, Stores
from tests.unit.reports import STATUS

BERLIN, NEW_YORK, KOLKATA = (ZoneInfo(name) for name in ("Europe/Berlin", "America/New_York", "Asia/Kolkata"))
ALWAYS = Period()


def reports(stores: Stores, zone: ZoneInfo = BERLIN) -> Reports:
    return Reports(stores.students, stores.sessions, stores.groups, zone)


def enrol(stores: Stores, **groups: str) -> None:
    """Enrol students, each into the groups that are separated by spaces."""
    for id, names in groups.items():
        own = frozenset(GroupId(name) for name in names.split())
        stores.students.enrol(Student(StudentId(id), f"Student {id}", own, consent=None, registered_at=None))


def hold(stores: Stores, id: str, started_at: datetime, marks: Mapping[str, str], group: str = "7b") -> None:
    """Hold a session; marks are letters of `STATUS`."""
    session = Session(SessionId(id), GroupId(group), started_at.astimezone(UTC))
    stores.sessions.create(session, [StudentId(student) for student in marks])
    given = [
        Mark(StudentId(student), STATUS[letter], MarkSource.MANUAL, session.started_at)
        for student, letter in marks.items()
    ]
    stores.sessions.amend(session.id, 1, marks=given)


def shown(report: AttendanceReport) -> dict[str, str]:
    """Return the marks of each student as letters, a space for none."""
    letters = {status: letter for letter, status in STATUS.items()}
    return {
        student.id: "".join(" " if status is None else letters[status] for status in student.marks)
        for student in report.students
    }


def day(number: int, hour: int = 8) -> datetime:
    return datetime(2026, 9, number, hour, 15, tzinfo=BERLIN)


def test_a_group_is_reported_with_everyone_who_has_marks_in_it(stores: Stores) -> None:
    stores.groups.add(Group(GroupId("7b"), "Class 7b"))
    enrol(stores, ada="7b", alan="7b", moved="7b", late="7b", other="8a")
    hold(stores, "monday", day(1), {"ada": "P", "alan": "L", "moved": "A"})
    hold(stores, "tuesday", day(2), {"ada": "E", "alan": "P", "late": "A"})
    hold(stores, "elsewhere", day(2), {"other": "P"}, group="8a")
    stores.students.update(
        Student(StudentId("moved"), "Student moved", frozenset({GroupId("8a")}), None, None, version=2)
    )

    report = reports(stores).of_group(GroupId("7b"), ALWAYS)

    assert [(group.id, group.name, group.sessions) for group in report.groups] == [("7b", "Class 7b", 2)]
    assert shown(report) == {"ada": "PE", "alan": "LP", "late": " A", "moved": "A "}
    assert [student.id for student in report.students if not student.on_roster] == ["moved"]
    assert report.tally == Tally(present=2, late=1, absent=2, excused=1)


def test_an_erased_student_stays_in_the_totals_of_the_group(stores: Stores) -> None:
    enrol(stores, ada="7b", alan="7b")
    hold(stores, "monday", day(1), {"ada": "P", "alan": "A"})
    hold(stores, "tuesday", day(2), {"ada": "P", "alan": "L"})
    before = reports(stores).of_group(GroupId("7b"), ALWAYS)
    stores.students.erase(StudentId("alan"))

    report = reports(stores).of_group(GroupId("7b"), ALWAYS)

    assert shown(report) == {"ada": "PP"}
    assert report.tally == before.tally
    assert report.erased == Tally(late=1, absent=1)
    assert [session.tally for session in report.sessions] == [session.tally for session in before.sessions]


def test_a_student_is_reported_across_the_groups_that_the_asker_may_see(stores: Stores) -> None:
    enrol(stores, ada="7b choir club", alan="7b")
    hold(stores, "lesson", day(1), {"ada": "P", "alan": "A"})
    hold(stores, "singing", day(1, 16), {"ada": "A"}, group="choir")
    hold(stores, "playing", day(2), {"ada": "L"}, group="club")
    hold(stores, "without", day(3), {"alan": "P"})

    everything = reports(stores).of_student(StudentId("ada"), ALWAYS)
    assert [session.id for session in everything.sessions] == ["lesson", "singing", "playing"]
    assert shown(everything) == {"ada": "PAL"}
    assert [(group.id, group.tally.marks) for group in everything.groups] == [("7b", 1), ("choir", 1), ("club", 1)]

    own = reports(stores).of_student(StudentId("ada"), ALWAYS, frozenset({GroupId("choir"), GroupId("8a")}))
    assert [group.id for group in own.groups] == ["choir"]
    assert shown(own) == {"ada": "A"}

    with pytest.raises(NotAllowed):
        reports(stores).of_student(StudentId("ada"), ALWAYS, frozenset({GroupId("8a")}))


def test_a_student_who_changes_group_keeps_what_was_recorded_before(stores: Stores) -> None:
    enrol(stores, moved="7b", other="7b")
    hold(stores, "one", day(1), {"moved": "A", "other": "P"})
    hold(stores, "two", day(2), {"moved": "A", "other": "P"})
    moved = Student(StudentId("moved"), "Student moved", frozenset({GroupId("8a")}), None, None, version=2)
    stores.students.update(moved)
    hold(stores, "three", day(3), {"moved": "P"}, group="8a")

    report = reports(stores).of_student(StudentId("moved"), ALWAYS)
    assert [(group.id, group.sessions) for group in report.groups] == [("7b", 2), ("8a", 1)]
    assert (shown(report), report.tally.rate) == ({"moved": "AAP"}, 1 / 3)
    # A teacher sees the sessions of the groups they teach.
    seen = reports(stores).of_student(StudentId("moved"), ALWAYS, frozenset({GroupId("8a")}))
    assert (shown(seen), [group.id for group in seen.groups]) == ({"moved": "P"}, ["8a"])


def test_a_session_is_reported_with_those_who_were_on_its_roster(stores: Stores) -> None:
    enrol(stores, ada="7b", alan="7b")
    hold(stores, "monday", day(1), {"ada": "P", "alan": "E"})
    enrol(stores, late="7b")

    report = reports(stores).of_session(SessionId("monday"))

    assert shown(report) == {"ada": "P", "alan": "E"}
    assert report.tally.rate == 1


@pytest.mark.parametrize(
    ("zone", "change"),
    [(BERLIN, date(2026, 3, 29)), (NEW_YORK, date(2026, 3, 8)), (KOLKATA, date(2026, 3, 29))],
    ids=lambda value: getattr(value, "key", str(value)),
)
def test_a_period_holds_its_days_from_the_first_minute_to_the_last(
    stores: Stores, zone: ZoneInfo, change: date
) -> None:
    enrol(stores, ada="7b")
    for number in range(change.day - 1, change.day + 2):
        for clock in ("00:00", "00:30", "23:59"):
            moment = datetime.fromisoformat(f"2026-03-{number:02}T{clock}").replace(tzinfo=zone)
            hold(stores, f"{number:02}-{clock.replace(':', '')}", moment, {"ada": "P"})

    def ids(since: date | None, until: date | None) -> list[str]:
        report = reports(stores, zone).of_group(GroupId("7b"), Period(since, until))
        return [session.id for session in report.sessions]

    today = [f"{change.day:02}-{clock}" for clock in ("0000", "0030", "2359")]
    assert ids(change, change) == today
    assert ids(change, None)[:3] == today
    assert ids(None, change)[-3:] == today
    assert len(ids(None, None)) == 9
    report = reports(stores, zone).of_group(GroupId("7b"), ALWAYS)
    assert [line.sessions for line in report.days] == [3, 3, 3]


def test_a_group_without_sessions_has_an_empty_report(stores: Stores) -> None:
    enrol(stores, ada="7b")
    report = reports(stores).of_group(GroupId("7b"), ALWAYS)
    assert (report.sessions, shown(report), report.tally.rate) == ((), {"ada": ""}, None)


def test_what_is_not_there_is_not_found(stores: Stores) -> None:
    with pytest.raises(GroupNotFound):
        reports(stores).of_group(GroupId("7b"), ALWAYS)
    with pytest.raises(StudentNotFound):
        reports(stores).of_student(StudentId("ada"), ALWAYS)
    with pytest.raises(SessionNotFound):
        reports(stores).of_session(SessionId("monday"))


def test_a_report_that_nobody_could_open_is_refused(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    enrol(stores, ada="7b")
    hold(stores, "monday", day(1), {"ada": "P"})
    hold(stores, "tuesday", day(2), {"ada": "P"})
    monkeypatch.setattr("muster.services.reporting.reports.MAX_MARKS", 1)
    with pytest.raises(ReportTooLarge, match="shorter period"):
        reports(stores).of_group(GroupId("7b"), ALWAYS)
    assert reports(stores).of_group(GroupId("7b"), Period(until=date(2026, 9, 1))).tally == Tally(present=1)


def test_in_the_cloud_a_report_takes_as_few_calls_for_a_term_as_for_a_week(aws: AwsPlace) -> None:
    dynamodb, s3 = aws.clients()
    stores = open_aws(dynamodb, s3, table=aws.table, photos=aws.photos, models=aws.models)
    stores.groups.add(Group(GroupId("7b"), "Class 7b"))
    enrol(stores, ada="7b")
    calls: list[str] = []
    dynamodb.meta.events.register("before-call.dynamodb", lambda model, **_: calls.append(model.name))
    for number in range(1, 13):
        hold(stores, f"s{number}", day(number), {"ada": "P"})
    calls.clear()

    report = reports(stores).of_group(GroupId("7b"), ALWAYS)

    assert report.tally == Tally(present=12)
    # The sessions' list, their records, the members, the group's record.
    assert sorted(calls) == ["BatchGetItem", "GetItem", "Query", "Query"]

    # Over two groups: the groups, their rosters, a query of sessions per group, and the sessions of both together.
    parts = (stores.students, stores.sessions, stores.groups, BERLIN)
    calls.clear()
    Overviews(*parts).low(90, ALWAYS, visible={GroupId("7b"), GroupId("8a")})
    assert sorted(set(calls)) == ["BatchGetItem", "Query"]
    assert len(calls) <= 7
