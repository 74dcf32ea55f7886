"""A photo is removed from its session over every kind of store, with its faces, files and what was learned from it."""

from dataclasses import replace

import pytest

from muster.domain.attendance import MarkChange, MarkSource, MarkStatus, PhotoChange
from muster.domain.errors import PhotoNotFound, SessionNotFound, VersionConflict
from muster.domain.faces import Decision
from muster.domain.identifiers import FaceId, GroupId, PhotoId, SessionId, StudentId
from muster.services.roll_call.corrections import Corrections
from tests.contract.examples import (
    NOW,
    TEACHER,
    a_face,
    a_session,
    a_session_photo,
    learn,
    mark,
    open_session,
    register,
)
from tests.contract.places import LocalPlace, Place, Stores

P1, P2 = PhotoId("p1"), PhotoId("p2")


def corrections(stores: Stores) -> Corrections:
    return Corrections(stores.students, stores.sessions, lambda: None, lambda: NOW)


def two_photos(stores: Stores) -> SessionId:
    """Photo 1 shows a and b; photo 2 shows a, and probably b."""
    register(stores, "a", "b", "c")
    session = open_session(stores, "a", "b", "c")
    doubtful = replace(a_face("b", number=3), decision=Decision.REVIEW)
    review = mark("b", MarkStatus.REVIEW)
    stores.sessions.record_photo(
        a_session_photo(session, a_face("a", number=2), doubtful, id="p2"), b"o2", [mark("a"), review]
    )
    first = a_session_photo(session, a_face("a", number=0), a_face("b", number=1), id="p1")
    stores.sessions.record_photo(first, b"o1", [mark("a"), mark("b")])
    return session


def statuses(stores: Stores, session: SessionId) -> dict[str, str]:
    return {mark.student_id: mark.status.value for mark in stores.sessions.marks(session)}


def test_marks_follow_the_photos_that_are_left(place: Place, stores: Stores) -> None:
    session = two_photos(stores)
    assert statuses(stores, session) == {"a": "present", "b": "present", "c": "absent"}
    version = stores.sessions.get(session).version
    assert corrections(stores).remove_photo(session, P1, TEACHER).version == version + 1
    assert statuses(stores, session) == {"a": "present", "b": "review", "c": "absent"}
    corrections(stores).remove_photo(session, P2, TEACHER)
    assert statuses(stores, session) == {"a": "absent", "b": "absent", "c": "absent"}

    after = place.open().sessions
    assert after.photos(session) == []
    for photo in (P1, P2):
        with pytest.raises(PhotoNotFound):
            after.original(session, photo)
    assert after.changes(session) == [
        PhotoChange(NOW, TEACHER, P1),
        MarkChange(NOW, TEACHER, StudentId("b"), MarkStatus.PRESENT, MarkStatus.REVIEW),
        PhotoChange(NOW, TEACHER, P2),
        MarkChange(NOW, TEACHER, StudentId("a"), MarkStatus.PRESENT, MarkStatus.ABSENT),
        MarkChange(NOW, TEACHER, StudentId("b"), MarkStatus.REVIEW, MarkStatus.ABSENT),
    ]
    if isinstance(place, LocalPlace):
        # What is left are the registration photos.
        assert len(list((place.directory / "files").iterdir())) == 3


def test_what_was_learned_from_its_faces_is_unlearned(stores: Stores) -> None:
    session = two_photos(stores)
    for number in (0, 2):
        learn(stores, "a", f"face-{number}")
    corrections(stores).remove_photo(session, P1, TEACHER)
    assert stores.students.template(StudentId("a")).learned_ids == ("face-2",)


def test_a_mark_by_hand_stays_when_its_photo_goes(stores: Stores) -> None:
    session = two_photos(stores)
    corrections(stores).mark(session, {StudentId("b"): MarkStatus.LATE}, TEACHER)
    corrections(stores).remove_photo(session, P1, TEACHER)
    (b,) = [mark for mark in stores.sessions.marks(session) if mark.student_id == "b"]
    assert (b.status, b.source) == (MarkStatus.LATE, MarkSource.MANUAL)


def test_a_photo_that_was_removed_can_be_sent_again(stores: Stores) -> None:
    session = two_photos(stores)
    (photo,) = [photo for photo in stores.sessions.photos(session) if photo.id == P1]
    corrections(stores).name(session, FaceId("face-1"), None, TEACHER)
    corrections(stores).remove_photo(session, P1, TEACHER)
    stores.sessions.record_photo(photo, b"o1", [mark("b")])
    # What a person said of its faces went with them.
    assert stores.sessions.original(session, P1) == b"o1"
    assert statuses(stores, session)["b"] == "present"


def test_nothing_is_removed_that_is_not_there_or_has_changed(stores: Stores) -> None:
    session = two_photos(stores)
    before = stores.sessions.photos(session), stores.sessions.marks(session), stores.sessions.get(session)
    version = before[2].version
    with pytest.raises(PhotoNotFound):
        corrections(stores).remove_photo(session, PhotoId("never"), TEACHER)
    with pytest.raises(PhotoNotFound):
        stores.sessions.amend(session, version, marks=[mark("c")], photo_removed=PhotoId("never"))
    with pytest.raises(VersionConflict):
        corrections(stores).remove_photo(session, P1, TEACHER, version - 1)
    with pytest.raises(SessionNotFound):
        corrections(stores).remove_photo(SessionId("never"), P1, TEACHER)
    assert (stores.sessions.photos(session), stores.sessions.marks(session), stores.sessions.get(session)) == before
    assert stores.sessions.changes(session) == []


def test_the_sessions_of_a_student_are_found_in_every_group(stores: Stores) -> None:
    register(stores, "a", "b", groups=("g", "h"))
    for id, group, minutes in (("late", "g", 20.0), ("early", "h", 10.0), ("other", "g", 15.0)):
        roster = ["b"] if id == "other" else ["a", "b"]
        stores.sessions.create(a_session(id, group, minutes), [StudentId(student) for student in roster])
    # A face that may be theirs is no mark.
    candidate = a_face(None, candidates=["a"])
    stores.sessions.record_photo(a_session_photo(SessionId("other"), candidate), b"o", [])
    calls = stores.sessions.roll_calls_of_student(StudentId("a"))
    assert [call.session.id for call in calls] == ["early", "late"]
    assert calls == [
        *stores.sessions.roll_calls(GroupId("h")),
        *(call for call in stores.sessions.roll_calls(GroupId("g")) if call.session.id == "late"),
    ]
    later = a_session("early", "h", 10.0).started_at
    assert [call.session.id for call in stores.sessions.roll_calls_of_student(StudentId("a"), until=later)] == []
    assert [call.session.id for call in stores.sessions.roll_calls_of_student(StudentId("a"), later, later)] == []
    assert len(stores.sessions.roll_calls_of_student(StudentId("a"), since=later)) == 2
    assert stores.sessions.roll_calls_of_student(StudentId("nobody")) == []


def test_an_erased_students_open_question_is_counted_nowhere(stores: Stores) -> None:
    session = two_photos(stores)
    corrections(stores).remove_photo(session, P1, TEACHER)
    stores.students.erase(StudentId("b"))
    assert stores.sessions.get(session).erased == {}
    stores.students.erase(StudentId("c"))
    assert stores.sessions.get(session).erased == {MarkStatus.ABSENT: 1}
