"""The changes of many registers over a period, in pages, on both stores."""

from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from muster.domain.attendance import FaceChange, MarkChange, MarkDetails, MarkStatus, RegisterChange
from muster.domain.errors import GroupNotFound, InvalidRequest, ReportTooLarge, StudentNotFound
from muster.domain.group import Group
from muster.domain.identifiers import GroupId, SessionId, StudentId
from muster.domain.period import Period
from muster.reports.changes import SessionChange, changes_listing
from muster.services.reporting import changes as module
from muster.services.reporting.changes import ChangeFilter, ChangeHistory
from muster.services.roster.groups import Groups
from tests.contract.examples import NOW, TEACHER, a_face_change, a_mark_change, a_session, mark, register
from tests.contract.places import Stores

ABSENT, LATE, EXCUSED = MarkStatus.ABSENT, MarkStatus.LATE, MarkStatus.EXCUSED
DAY = NOW.date()


@pytest.fixture
def history(stores: Stores) -> ChangeHistory:
    """Four days of 7b, one of them without changes, and one day of 8a."""
    register(stores, "a", "b")
    groups = Groups(stores.groups, stores.students, stores.sessions)
    for group in ("7b", "8a"):
        stores.groups.add(Group(GroupId(group), f"Class {group}"))
    for number, group in enumerate(("7b", "8a", "7b", "7b", "7b")):
        session = replace(
            a_session(f"{group}-{number}"), group_id=GroupId(group), started_at=NOW + timedelta(days=number)
        )
        stores.sessions.create(session, [StudentId("a"), StudentId("b")])
    reason = replace(
        a_mark_change("b", ABSENT, LATE), reason="The bus", details_after=MarkDetails("L", 12, "came by taxi")
    )
    amend = stores.sessions.amend
    amend(SessionId("7b-0"), 1, marks=[mark("a", LATE)], changes=[a_mark_change("a", ABSENT, LATE), reason])
    amend(SessionId("8a-1"), 1, changes=[a_mark_change("b", ABSENT, EXCUSED, minutes=3)])
    amend(SessionId("7b-2"), 1, changes=[a_face_change(None, "a")])
    amend(SessionId("7b-2"), 2, changes=[RegisterChange(NOW, TEACHER, closed=True)])
    amend(SessionId("7b-4"), 1, changes=[a_mark_change("b", ABSENT, LATE)])
    return ChangeHistory(stores.students, stores.sessions, groups, ZoneInfo("UTC"), lambda: NOW)


def said(found: SessionChange) -> tuple[str, str]:
    change = found.change
    if isinstance(change, MarkChange):
        return found.session.id, f"{change.student_id} {change.after}"
    return found.session.id, type(change).__name__


ALL = [
    ("7b-0", "a late"),
    ("7b-0", "b late"),
    ("8a-1", "b excused"),
    ("7b-2", "FaceChange"),
    ("7b-2", "RegisterChange"),
    ("7b-4", "b late"),
]


def paged(history: ChangeHistory, wanted: ChangeFilter, limit: int) -> list[list[tuple[str, str]]]:
    pages, after = [], None
    while True:
        found, after = history.page(wanted, limit, after)
        pages.append([said(each) for each in found.changes])
        if after is None:
            return pages


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_changes_of_a_period_are_listed_once_in_order_in_pages_of_any_size(history: ChangeHistory, limit: int) -> None:
    pages = paged(history, ChangeFilter(period=Period(DAY)), limit)
    assert [change for page in pages for change in page] == ALL
    assert {len(page) for page in pages[:-1]} <= {limit}


def test_a_page_reads_few_sessions_and_says_that_others_follow(
    history: ChangeHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_SESSIONS_PER_PAGE", 1)
    pages = paged(history, ChangeFilter(period=Period(DAY)), 100)
    assert pages == [ALL[:2], ALL[2:3], ALL[3:5], [], ALL[5:]]


def test_changes_are_limited_to_days_a_group_and_a_student(history: ChangeHistory) -> None:
    def found(since: int, until: int, group: str | None = None, student: str | None = None) -> list[tuple[str, str]]:
        period = Period(DAY + timedelta(days=since), DAY + timedelta(days=until))
        wanted = ChangeFilter(
            period=period,
            group_id=None if group is None else GroupId(group),
            student_id=None if student is None else StudentId(student),
        )
        (page,) = paged(history, wanted, 100)
        assert page == [said(each) for each in history.whole(wanted).changes]
        return page

    assert found(1, 2) == ALL[2:5]
    assert found(0, 9, "8a") == ALL[2:3]
    assert found(0, 9, student="a") == [ALL[0], ALL[3]]
    assert found(0, 9, "7b", "b") == [ALL[1], ALL[5]]
    for wanted, problem in (
        (ChangeFilter(period=Period(DAY), group_id=GroupId("9z")), GroupNotFound),
        (ChangeFilter(period=Period(DAY), student_id=StudentId("z")), StudentNotFound),
    ):
        with pytest.raises(problem):
            history.page(wanted, 100)
    with pytest.raises(InvalidRequest):
        history.page(ChangeFilter(period=Period(DAY)), 100, "yesterday")


def test_the_table_says_who_changed_what_and_an_erased_student_leaves_it(
    history: ChangeHistory, stores: Stores
) -> None:
    wanted = ChangeFilter(period=Period(DAY))
    table = changes_listing(history.whole(wanted), {TEACHER: "Ms Byron"}).tables[0]
    rows = [dict(zip((column.title for column in table.columns), row, strict=True)) for row in table.rows]
    assert len(rows) == len(ALL)
    assert (rows[1]["changed_by"], rows[1]["before"], rows[1]["reason"]) == ("Ms Byron", "absent", "The bus")
    assert rows[1]["after"] == "late (L), 12 min late: came by taxi"
    assert (rows[3]["subject_of_change"], rows[3]["before"], rows[3]["after"]) == (
        "face in a photo",
        "nobody",
        "a (present)",
    )
    assert (rows[4]["subject_of_change"], rows[4]["after"], rows[4]["student_id"]) == ("register", "closed", None)

    stores.students.erase(StudentId("b"))
    left = history.whole(wanted)
    assert StudentId("b") not in left.names
    assert "taxi" not in str(left)
    assert "bus" not in str(left)
    assert [said(each)[1] for each in left.changes if isinstance(each.change, MarkChange)] == [
        "a late",
        "None late",
        "None excused",
        "None late",
    ]
    with pytest.raises(StudentNotFound):
        history.page(replace(wanted, student_id=StudentId("b")), 100)
    assert any(isinstance(each.change, FaceChange) for each in left.changes)


def test_a_file_of_too_many_changes_is_refused(history: ChangeHistory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CHANGES", 5)
    with pytest.raises(ReportTooLarge):
        history.whole(ChangeFilter(period=Period(date(2000, 1, 1))))
