"""Both stores keep codes, minutes and remarks of marks, the lesson of a session, and whether its register is closed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from muster.domain.attendance import (
    Closing,
    LessonDetails,
    MarkChange,
    MarkDetails,
    MarkSource,
    MarkStatus,
    RegisterChange,
    Session,
)
from muster.domain.errors import RegisterClosed, RemarksTooLarge, SessionNotFound
from muster.domain.group import Group
from muster.domain.identifiers import GroupId, PhotoId, SessionId, StudentId
from muster.services.privacy.retention import Retention, RetentionLimits
from muster.services.roll_call.corrections import Corrections
from muster.services.roll_call.registers import Registers
from tests.contract.examples import (
    NOW,
    TEACHER,
    a_face,
    a_mark_change,
    a_session,
    a_session_photo,
    enrol,
    mark,
    open_session,
    register,
)
from tests.contract.places import Place, Stores

A, B = StudentId("a"), StudentId("b")
LESSON = LessonDetails("maths-1", "Maths", "R 12", "Ms Kaya", NOW + timedelta(minutes=45))
LATE = replace(
    mark("a", MarkStatus.LATE, MarkSource.MANUAL), code="L", minutes_late=12, remark="Bus; “strike” \U0001f68c"
)


def closing(*, closed: bool, minutes: float = 5, reason: str = "") -> RegisterChange:
    return RegisterChange(NOW + timedelta(minutes=minutes), TEACHER, closed, reason)


def test_marks_keep_their_code_minutes_and_remark(place: Place, stores: Stores) -> None:
    register(stores, "a", "b")
    session = open_session(stores, "a", "b")
    before, after = MarkDetails(), LATE.details
    change = replace(
        a_mark_change("a", MarkStatus.ABSENT, MarkStatus.LATE),
        details_before=before,
        details_after=after,
        reason="Came with the second bus.",
    )
    stores.sessions.amend(session, 1, marks=[LATE], changes=[change])
    for opened in (stores, place.open()):
        assert opened.sessions.marks(session) == [LATE, mark("b", MarkStatus.ABSENT, minutes=0)]
        assert opened.sessions.roll_calls(GroupId("g"))[0].marks[0] == LATE
        assert opened.sessions.roll_calls_of_student(A)[0].marks[0] == LATE
        assert opened.sessions.changes(session) == [change]


def test_erasing_a_student_erases_what_people_wrote_about_them(stores: Stores) -> None:
    register(stores, "a", "b")
    session = open_session(stores, "a", "b")
    of_b = replace(LATE, student_id=B)
    changes = [
        replace(a_mark_change(id, None, MarkStatus.LATE), details_after=LATE.details, reason=f"about {id}")
        for id in ("a", "b")
    ]
    stores.sessions.amend(session, 1, marks=[LATE, of_b], changes=[*changes, closing(closed=True)])
    stores.sessions.amend(session, 2, changes=[closing(closed=False, reason="a was there")])
    stores.sessions.amend(session, 3, changes=[closing(closed=True)])
    open_session(stores, "b", id="other")
    unrelated = closing(closed=False, reason="The projector failed.")
    stores.sessions.amend(SessionId("other"), 1, changes=[closing(closed=True), unrelated])
    stores.students.erase(A)
    assert stores.sessions.marks(session) == [of_b]
    anonymous, kept, _, reopening, _ = stores.sessions.changes(session)
    assert anonymous == MarkChange(changes[0].at, TEACHER, None, None, MarkStatus.LATE)
    assert kept == changes[1]
    assert reopening == closing(closed=False), "why it was reopened may tell of the student"
    assert stores.sessions.changes(SessionId("other"))[-1] == unrelated
    assert stores.sessions.get(session).closed == Closing(NOW + timedelta(minutes=5), TEACHER)
    assert stores.students.traces(A) == []


def test_a_session_keeps_its_lesson_and_opens_with_the_marks_given(place: Place, stores: Stores) -> None:
    register(stores, "a", "b", "c")
    register(stores, "guest", groups=["h"])
    session = replace(a_session(), lesson=LESSON)
    planned = replace(mark("a", MarkStatus.EXCUSED, MarkSource.PLANNED), remark="Interview")
    guest = mark("guest", MarkStatus.PRESENT, MarkSource.MANUAL)
    gone = mark("erased", MarkStatus.EXCUSED, MarkSource.PLANNED)
    stores.sessions.create(session, [A, B], [planned, guest, gone])
    assert stores.sessions.marks(session.id) == [planned, mark("b", MarkStatus.ABSENT, minutes=0), guest]
    stores.sessions.record_photo(a_session_photo(session.id), b"o", [mark("b")])
    stores.sessions.amend(session.id, 2, changes=[closing(closed=True)])
    expected = replace(session, version=3, closed=Closing(NOW + timedelta(minutes=5), TEACHER))
    for opened in (stores, place.open()):
        sessions = opened.sessions
        assert sessions.get(session.id) == expected
        assert sessions.of_group(GroupId("g")) == [expected]
        assert sessions.with_photo("ab" * 32) == [expected]
        assert [call.session for call in sessions.roll_calls(GroupId("g"))] == [expected]
        assert [call.session for call in sessions.roll_calls_of_student(A)] == [expected]


def test_remarks_that_no_item_could_hold_are_refused_before_anything_is_written(stores: Stores) -> None:
    ids = [f"s{number:03}" for number in range(90)]
    enrol(stores, *ids)
    session = open_session(stores, *ids)
    longest = "\U0001f68c" * 300
    marks = [replace(LATE, student_id=StudentId(id), remark=longest) for id in ids]
    stores.sessions.amend(session, 1, marks=marks[:80], changes=[a_mark_change("s000", None, MarkStatus.LATE)])
    before = stores.sessions.marks(session)
    with pytest.raises(RemarksTooLarge, match="100 kB"):
        stores.sessions.amend(session, 2, marks=marks[80:], changes=[a_mark_change("s080", None, MarkStatus.LATE)])
    long = [replace(a_mark_change(id, None, MarkStatus.LATE), details_after=LATE.details, reason=longest) for id in ids]
    with pytest.raises(RemarksTooLarge, match="at once"):
        stores.sessions.amend(session, 2, changes=[replace(each, details_before=marks[0].details) for each in long * 2])
    with pytest.raises(RemarksTooLarge):
        stores.sessions.create(a_session("other"), [], marks)
    assert (stores.sessions.marks(session), stores.sessions.get(session).version) == (before, 2)
    stores.sessions.amend(session, 2, changes=long, marks=[replace(marks[0], remark="Bus")])
    assert stores.sessions.changes(session)[1:] == long


@pytest.mark.parametrize(
    ("status", "expected"),
    [(MarkStatus.PRESENT, "photo"), (MarkStatus.REVIEW, "photo"), (MarkStatus.ABSENT, "planned")],
)
def test_a_photo_that_shows_a_student_outranks_a_planned_absence(
    stores: Stores, status: MarkStatus, expected: str
) -> None:
    register(stores, "a")
    session = a_session()
    stores.sessions.create(session, [A], [mark("a", MarkStatus.EXCUSED, MarkSource.PLANNED, minutes=0)])
    stores.sessions.record_photo(a_session_photo(session.id), b"o", [mark("a", status)])
    assert [found.source.value for found in stores.sessions.marks(session.id)] == [expected]


def test_a_closed_register_refuses_everything_but_its_reopening(stores: Stores) -> None:
    register(stores, "a", "b")
    session = open_session(stores, "a", "b")
    first = a_session_photo(session, a_face("a"))
    stores.sessions.record_photo(first, b"first", [mark("a")])
    closed = stores.sessions.amend(session, 2, changes=[closing(closed=True)])
    assert closed == stores.sessions.get(session)
    before = stores.sessions.marks(session), stores.sessions.photos(session), stores.sessions.changes(session)

    with pytest.raises(RegisterClosed):
        stores.sessions.record_photo(a_session_photo(session, a_face("b"), id="p2"), b"second", [mark("b")])
    with pytest.raises(RegisterClosed):
        stores.sessions.amend(session, 3, marks=[LATE], changes=[a_mark_change("a", None, MarkStatus.LATE)])
    with pytest.raises(RegisterClosed):
        stores.sessions.amend(session, 3, photo_removed=PhotoId("p1"))
    # The event of a stored photo may come again after the register was closed.
    assert stores.sessions.record_photo(replace(first, faces=()), b"first", [mark("b")]) == first
    assert (stores.sessions.get(session), stores.sessions.original(session, PhotoId("p1"))) == (closed, b"first")
    assert (stores.sessions.marks(session), stores.sessions.photos(session), stores.sessions.changes(session)) == before

    reopening = closing(closed=False, minutes=9, reason="Ada came after all.")
    reopened = stores.sessions.amend(session, 3, changes=[reopening])
    assert reopened == replace(closed, version=4, closed=None) == stores.sessions.get(session)
    assert stores.sessions.changes(session) == [*before[2], reopening]
    stores.sessions.record_photo(a_session_photo(session, a_face("b"), id="p2"), b"second", [mark("b")])
    assert [found.status for found in stores.sessions.marks(session)] == [MarkStatus.PRESENT] * 2


def test_a_register_that_is_closed_while_it_is_removed_keeps_everything(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(stores, "a")
    session = open_session(stores, "a")
    amend = stores.sessions.amend
    forgotten: list[SessionId] = []

    def close_first(session_id: SessionId, expected: int, **arguments: Any) -> Session:
        monkeypatch.undo()
        amend(session_id, expected, changes=[closing(closed=True)])
        return amend(session_id, expected, **arguments)

    monkeypatch.setattr(stores.sessions, "amend", close_first)
    corrections = Corrections(stores.students, stores.sessions, lambda: None, forget=forgotten.append)
    with pytest.raises(RegisterClosed):
        corrections.remove(session)
    assert forgotten == []
    assert stores.sessions.get(session).closed == Closing(NOW + timedelta(minutes=5), TEACHER)


def test_a_session_that_is_being_removed_changes_no_more_and_a_repeated_removal_completes(stores: Stores) -> None:
    register(stores, "a")
    session = open_session(stores, "a")
    stores.sessions.record_photo(a_session_photo(session, a_face("a")), b"photo", [mark("a")])

    def end(_: SessionId) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Corrections(stores.students, stores.sessions, lambda: None, forget=end).remove(session)
    interrupted = stores.sessions.get(session)
    assert interrupted.closed is not None
    assert not interrupted.is_closed, "it is in no notice, and not taken because of it"
    corrections = Corrections(stores.students, stores.sessions, lambda: None)
    with pytest.raises(RegisterClosed):
        corrections.mark(session, {A: MarkStatus.LATE}, TEACHER)
    with pytest.raises(RegisterClosed):
        stores.sessions.record_photo(a_session_photo(session, a_face("a"), id="p2"), b"second", [mark("a")])
    Registers(stores.sessions, corrections).close(session, TEACHER)
    corrections.remove(session)
    with pytest.raises(SessionNotFound):
        stores.sessions.get(session)


def test_only_retention_removes_a_closed_register(stores: Stores) -> None:
    register(stores, "a")
    session = open_session(stores, "a")
    closed = stores.sessions.amend(session, 1, changes=[closing(closed=True)])
    stores.sessions.drop_files(session, NOW)
    with pytest.raises(RegisterClosed):
        stores.sessions.remove(session)
    with pytest.raises(RegisterClosed):
        Corrections(stores.students, stores.sessions, lambda: None).remove(session)
    assert stores.sessions.get(session) == closed
    stores.groups.add(Group(GroupId("g"), "G"))
    limits = RetentionLimits(session_photos=None, sessions=30)
    retention = Retention(stores.groups, stores.sessions, limits, now=lambda: NOW + timedelta(days=31))
    assert retention.run().sessions == 1
    assert stores.sessions.of_group(GroupId("g")) == []
    stores.sessions.create(a_session(), [])
    assert stores.sessions.get(SessionId("monday")).closed is None
