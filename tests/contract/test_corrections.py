"""People's later changes to a session are stored whole, by version, and kept apart from results of photos."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest

from muster.domain.anonymisation import students_in
from muster.domain.attendance import FaceChange, MarkChange, MarkSource, MarkStatus
from muster.domain.errors import FaceNotFound, PhotoNotFound, SessionNotFound, VersionConflict
from muster.domain.faces import Decision
from muster.domain.identifiers import FaceId, PhotoId, SessionId, StudentId
from muster.storage.documents import faces_text, read_faces
from tests.contract.examples import (
    NOW,
    TEACHER,
    a_face,
    a_face_change,
    a_mark_change,
    a_session,
    a_session_photo,
    enrol,
    mark,
    open_session,
    register,
)
from tests.contract.places import Place, Stores

ABSENT, PRESENT, LATE, EXCUSED = MarkStatus.ABSENT, MarkStatus.PRESENT, MarkStatus.LATE, MarkStatus.EXCUSED
P1 = PhotoId("p1")


def roll_call(stores: Stores) -> SessionId:
    """A session of a, b and c in whose photo face 0 is a's and face 1 nobody's; version 2."""
    register(stores, "a", "b", "c")
    session = open_session(stores, "a", "b", "c")
    photo = a_session_photo(session, a_face("a", number=0), a_face(None, candidates=["b"], number=1))
    stores.sessions.record_photo(photo, b"original", [mark("a")])
    assert stores.sessions.get(session).version == 2
    return session


def everything(stores: Stores, session: SessionId) -> tuple[object, ...]:
    sessions = stores.sessions
    return sessions.get(session), sessions.marks(session), sessions.photos(session), sessions.changes(session)


def test_a_session_nobody_changed_has_no_changes(stores: Stores) -> None:
    session = roll_call(stores)
    assert stores.sessions.changes(session) == []


def test_marks_are_set_as_a_person_says_and_may_go_back_to_what_the_photo_said(stores: Stores) -> None:
    session = roll_call(stores)
    late = mark("a", LATE, MarkSource.MANUAL, minutes=2)
    excused = mark("b", EXCUSED, MarkSource.MANUAL, minutes=2)
    amended = stores.sessions.amend(session, 2, marks=[late, excused])
    assert amended == replace(a_session(), version=3) == stores.sessions.get(session)
    assert stores.sessions.marks(session) == [late, excused, mark("c", ABSENT, minutes=0)]

    as_seen = mark("a", ABSENT, MarkSource.PHOTO, minutes=3)
    stores.sessions.amend(session, 3, marks=[as_seen])
    assert stores.sessions.marks(session) == [as_seen, excused, mark("c", ABSENT, minutes=0)]


def test_a_student_who_had_no_mark_gets_one(stores: Stores) -> None:
    session = roll_call(stores)
    register(stores, "joined-later")
    enrol(stores, "without-photo")
    new = [mark(id, PRESENT, MarkSource.MANUAL) for id in ("joined-later", "without-photo")]
    stores.sessions.amend(session, 2, marks=new)
    assert stores.sessions.marks(session)[-2:] == new


def test_faces_are_replaced_and_the_others_stay(stores: Stores) -> None:
    session = roll_call(stores)
    before = stores.sessions.photos(session)[0]
    named = replace(before.faces[1], decision=Decision.PRESENT, student_id=StudentId("b"))
    stores.sessions.amend(session, 2, faces=[named])
    assert stores.sessions.photos(session) == [replace(before, faces=(before.faces[0], named))]
    assert stores.sessions.original(session, P1) == b"original"


def test_faces_of_several_photos_are_replaced_at_once(stores: Stores) -> None:
    session = roll_call(stores)
    stores.sessions.record_photo(a_session_photo(session, a_face("c", number=7), id="p2"), b"o", [mark("c")])
    stores.sessions.amend(session, 3, faces=[a_face(None, number=0), a_face(None, number=7)])
    assert [face.student_id for photo in stores.sessions.photos(session) for face in photo.faces] == [None] * 3


def test_how_certain_a_name_was_is_kept(stores: Stores) -> None:
    session = roll_call(stores)
    sure = replace(a_face("c", number=7), log_odds=6.5)
    stores.sessions.record_photo(a_session_photo(session, sure, id="p2"), b"o", [mark("c")])
    assert [face.log_odds for photo in stores.sessions.photos(session) for face in photo.faces] == [5.25, None, 6.5]


def test_faces_stored_before_the_certainty_was_are_read_without_it() -> None:
    face = a_face("a", candidates=["b"])
    (stored,) = json.loads(faces_text([face]))
    del stored["log_odds"]
    assert read_faces(json.dumps([stored])) == (replace(face, log_odds=None),)


def test_changes_are_kept_in_the_order_made(place: Place, stores: Stores) -> None:
    session = roll_call(stores)
    first = [a_mark_change("b", ABSENT, LATE, minutes=5), a_mark_change("c", ABSENT, EXCUSED, minutes=5)]
    # Made later, by a clock that was set back.
    second: list[MarkChange | FaceChange] = [
        a_face_change(None, "b", number=1, minutes=4),
        replace(a_face_change("a", None, minutes=4), learned=True),
        a_mark_change("a", None, PRESENT, minutes=4),
        a_mark_change("a", PRESENT, None, minutes=4),
    ]
    stores.sessions.amend(session, 2, changes=first)
    stores.sessions.amend(session, 3, changes=second)
    assert stores.sessions.changes(session) == first + second
    assert place.open().sessions.changes(session) == first + second


def test_changes_belong_to_their_session(stores: Stores) -> None:
    session = roll_call(stores)
    other = open_session(stores, "a", id="tuesday")
    stores.sessions.amend(session, 2, changes=[a_mark_change("a", PRESENT, LATE)])
    stores.sessions.amend(other, 1, changes=[a_mark_change("a", ABSENT, LATE)])
    assert stores.sessions.changes(session) == [a_mark_change("a", PRESENT, LATE)]
    assert stores.sessions.changes(other) == [a_mark_change("a", ABSENT, LATE)]


@pytest.mark.parametrize("expected", [0, 1, 3])
def test_a_change_of_another_version_is_refused_and_nothing_changes(stores: Stores, expected: int) -> None:
    session = roll_call(stores)
    before = everything(stores, session)
    with pytest.raises(VersionConflict):
        stores.sessions.amend(
            session,
            expected,
            marks=[mark("b", PRESENT, MarkSource.MANUAL)],
            faces=[a_face("b", number=1)],
            changes=[a_mark_change("b", ABSENT, PRESENT)],
        )
    assert everything(stores, session) == before


def test_an_unknown_face_is_refused_and_nothing_changes(stores: Stores) -> None:
    session = roll_call(stores)
    before = everything(stores, session)
    with pytest.raises(FaceNotFound):
        stores.sessions.amend(
            session,
            2,
            marks=[mark("b", PRESENT, MarkSource.MANUAL)],
            faces=[a_face("b", number=1), a_face("c", number=9)],
            changes=[a_mark_change("b", ABSENT, PRESENT)],
        )
    assert everything(stores, session) == before


def test_an_unknown_session_cannot_be_changed(stores: Stores) -> None:
    with pytest.raises(SessionNotFound):
        stores.sessions.amend(SessionId("nowhere"), 1)
    with pytest.raises(SessionNotFound):
        stores.sessions.changes(SessionId("nowhere"))


def test_a_whole_class_is_corrected_at_once(stores: Stores) -> None:
    ids = [f"s{number:03}" for number in range(150)]
    enrol(stores, *ids)
    session = open_session(stores, *ids)
    marks = [mark(id, EXCUSED, MarkSource.MANUAL) for id in ids]
    changes = [a_mark_change(id, ABSENT, EXCUSED) for id in ids]
    stores.sessions.amend(session, 1, marks=marks, changes=changes)
    assert stores.sessions.marks(session) == marks
    assert stores.sessions.changes(session) == changes


def test_a_photo_does_not_overrule_what_a_person_said(stores: Stores) -> None:
    session = roll_call(stores)
    absent = mark("a", ABSENT, MarkSource.MANUAL, minutes=2)
    nobody = a_face(None, number=0)
    stores.sessions.amend(session, 2, marks=[absent], faces=[nobody], changes=[a_face_change("a", None)])
    again = a_session_photo(session, a_face("a", number=0), a_face("b", number=1))
    stored = stores.sessions.record_photo(again, b"original", [mark("a", minutes=3), mark("b", minutes=3)])
    assert stores.sessions.photos(session) == [stored]
    assert stored.faces == (nobody, a_face("b", number=1))
    assert stores.sessions.marks(session)[:2] == [absent, mark("b", minutes=3)]
    assert stores.sessions.changes(session) == [a_face_change("a", None)]


def test_a_photo_counts_the_version_on_and_the_same_photo_again_does_not(stores: Stores) -> None:
    session = roll_call(stores)
    photo = stores.sessions.photos(session)[0]
    stores.sessions.record_photo(photo, b"original", [mark("a", minutes=9)])
    assert stores.sessions.get(session).version == 2
    stores.sessions.record_photo(replace(photo, id=PhotoId("p2")), b"original", [mark("a")])
    assert stores.sessions.get(session).version == 3


def test_who_was_erased_meanwhile_is_left_out_of_a_correction(stores: Stores) -> None:
    session = roll_call(stores)
    stores.students.erase(StudentId("b"))
    expected = stores.sessions.get(session).version
    stores.sessions.amend(
        session,
        expected,
        marks=[mark("b", PRESENT, MarkSource.MANUAL), mark("c", LATE, MarkSource.MANUAL)],
        faces=[a_face("b", candidates=["a"], number=1)],
        changes=[a_mark_change("b", ABSENT, PRESENT), a_face_change("a", "b", number=1)],
    )
    assert {m.student_id: m.status for m in stores.sessions.marks(session)} == {"a": PRESENT, "c": LATE}
    face = stores.sessions.photos(session)[0].faces[1]
    assert (face.decision, face.student_id) == (Decision.UNKNOWN, None)
    assert students_in([face]) == {"a"}
    assert stores.sessions.changes(session) == [
        a_mark_change(None, ABSENT, PRESENT),
        FaceChange(
            NOW + timedelta(minutes=1),
            TEACHER,
            FaceId("face-1"),
            (Decision.PRESENT, StudentId("a")),
            (Decision.PRESENT, None),
        ),
    ]


def test_erasing_a_student_leaves_changes_anonymous_and_marks_counted(stores: Stores) -> None:
    session = roll_call(stores)
    stores.sessions.amend(
        session,
        2,
        marks=[mark("b", LATE, MarkSource.MANUAL)],
        changes=[a_mark_change("b", ABSENT, LATE), a_mark_change("c", ABSENT, ABSENT), a_face_change("a", "b")],
    )
    stores.students.erase(StudentId("b"))
    after_b = stores.sessions.get(session)
    assert after_b.erased == {LATE: 1}
    assert after_b.version > 3
    assert stores.sessions.changes(session) == [
        a_mark_change(None, ABSENT, LATE),
        a_mark_change("c", ABSENT, ABSENT),
        replace(a_face_change("a", "b"), after=(Decision.PRESENT, None)),
    ]
    stores.students.erase(StudentId("c"))
    stores.students.erase(StudentId("a"))
    assert stores.sessions.get(session).erased == {LATE: 1, ABSENT: 1, PRESENT: 1}
    assert stores.sessions.roll_calls(a_session().group_id)[0].session.erased == {LATE: 1, ABSENT: 1, PRESENT: 1}
    assert stores.sessions.marks(session) == []
    assert stores.sessions.changes(session)[2] == FaceChange(
        NOW + timedelta(minutes=1), TEACHER, FaceId("face-0"), (Decision.PRESENT, None), (Decision.PRESENT, None)
    )


def test_marks_of_one_status_are_counted_together(stores: Stores) -> None:
    register(stores, "a", "b", "c")
    session = open_session(stores, "a", "b", "c")
    for id in ("a", "b"):
        stores.students.erase(StudentId(id))
    assert stores.sessions.get(session).erased == {ABSENT: 2}
    assert [m.student_id for m in stores.sessions.marks(session)] == ["c"]


@pytest.mark.parametrize("end", ["erase", "withdraw"])
def test_a_photo_that_named_a_student_before_a_correction_loses_its_files_too(stores: Stores, end: str) -> None:
    session = roll_call(stores)
    stores.sessions.amend(session, 2, faces=[a_face("c", number=0)], changes=[a_face_change("a", "c")])
    stores.sessions.record_photo(a_session_photo(session, a_face("b", number=5), id="p2"), b"other", [])
    if end == "erase":
        stores.students.erase(StudentId("a"))
    else:
        stores.students.withdraw(StudentId("a"), NOW)
    with pytest.raises(PhotoNotFound):
        stores.sessions.original(session, P1)
    assert stores.sessions.original(session, PhotoId("p2")) == b"other"
    assert stores.sessions.photos(session)[0].faces[0] == a_face("c", number=0)


def test_of_several_corrections_at_once_one_wins(place: Place, stores: Stores) -> None:
    session = roll_call(stores)
    together = Barrier(5)
    statuses = [PRESENT, LATE, EXCUSED, ABSENT, LATE]

    def attempt(number: int) -> str:
        own = place.open().sessions
        together.wait(20)
        status = statuses[number]
        try:
            own.amend(
                session,
                2,
                marks=[mark("b", status, MarkSource.MANUAL, minutes=number)],
                changes=[a_mark_change("b", ABSENT, status, minutes=number)],
            )
        except VersionConflict:
            return "refused"
        return str(number)

    with ThreadPoolExecutor(5) as pool:
        outcomes = Counter(pool.map(attempt, range(5)))
    assert outcomes["refused"] == 4
    winner = next(int(outcome) for outcome in outcomes if outcome != "refused")
    assert stores.sessions.marks(session)[1] == mark("b", statuses[winner], MarkSource.MANUAL, minutes=winner)
    assert stores.sessions.changes(session) == [a_mark_change("b", ABSENT, statuses[winner], minutes=winner)]
    assert stores.sessions.get(session).version == 3


def test_corrections_and_photos_at_once_all_count(stores: Stores) -> None:
    ids = [f"s{number}" for number in range(4)]
    enrol(stores, *ids)
    register(stores, "seen")
    session = open_session(stores, *ids, "seen")

    def correct(id: str) -> None:
        while True:
            version = stores.sessions.get(session).version
            late = mark(id, LATE, MarkSource.MANUAL)
            try:
                stores.sessions.amend(session, version, marks=[late], changes=[a_mark_change(id, ABSENT, LATE)])
            except VersionConflict:
                continue
            return

    def record(number: int) -> None:
        photo = a_session_photo(session, a_face("seen", number=number), id=f"p{number}")
        stores.sessions.record_photo(photo, b"o", [mark("seen")])

    with ThreadPoolExecutor(6) as pool:
        under_way = [*(pool.submit(correct, id) for id in ids), *(pool.submit(record, number) for number in range(3))]
        for task in under_way:
            task.result()
    marks = {m.student_id: m.status for m in stores.sessions.marks(session)}
    assert marks == {**dict.fromkeys(ids, LATE), "seen": PRESENT}
    changed = [change.student_id for change in stores.sessions.changes(session) if isinstance(change, MarkChange)]
    assert sorted(map(str, changed)) == ids
    assert len(stores.sessions.photos(session)) == 3
    assert stores.sessions.get(session).version == 1 + len(ids) + 3
