"""Correcting sessions over every kind of store."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from muster.domain.attendance import FaceChange, Mark, MarkChange, MarkSource, MarkStatus, SessionPhoto
from muster.domain.corrections import MAX_CONFIRMED_FACES
from muster.domain.errors import (
    FaceNotFound,
    GroupNotFound,
    InvalidRequest,
    NotInGroup,
    NotRegistered,
    ProposalChanged,
    SessionExists,
    SessionNotFound,
    VersionConflict,
)
from muster.domain.faces import Decision, IdentifiedFace
from muster.domain.group import Group
from muster.domain.identifiers import FaceId, GroupId, SessionId, StudentId, UserId
from muster.services.roll_call.corrections import Corrections
from muster.services.roll_call.sessions import Sessions
from tests.contract.examples import NOW, a_face, a_session_photo, a_student, learn, mark, open_session, register
from tests.contract.places import Stores
from tests.contract.retraining import Asked

TEACHER = UserId("teacher")


@pytest.fixture
def corrections(stores: Stores, asked: Asked) -> Corrections:
    return Corrections(stores.students, stores.sessions, asked)


def marks(stores: Stores, session_id: SessionId) -> dict[str, tuple[str, str]]:
    return {mark.student_id: (mark.status.value, mark.source.value) for mark in stores.sessions.marks(session_id)}


def names(stores: Stores, session_id: SessionId) -> dict[str, str | None]:
    return {face.face_id: face.student_id for photo in stores.sessions.photos(session_id) for face in photo.faces}


def record(stores: Stores, photo: SessionPhoto, *shown: Mark) -> None:
    stores.sessions.record_photo(photo, b"original", shown)


def test_a_face_is_confirmed_renamed_and_unnamed_with_its_marks(stores: Stores, corrections: Corrections) -> None:
    register(stores, "ada", "bob")
    monday = open_session(stores, "ada", "bob")
    asked_about = replace(a_face("ada", candidates=["bob"]), decision=Decision.REVIEW)
    record(stores, a_session_photo(monday, asked_about))
    face = asked_about.face_id
    opened = stores.sessions.get(monday).version
    assert corrections.name(monday, face, StudentId("ada"), TEACHER).version == opened + 1
    assert marks(stores, monday) == {"ada": ("present", "photo"), "bob": ("absent", "photo")}
    corrections.name(monday, face, StudentId("bob"), TEACHER)
    assert marks(stores, monday) == {"ada": ("absent", "photo"), "bob": ("present", "photo")}
    assert names(stores, monday) == {face: "bob"}
    corrections.name(monday, face, None, TEACHER)
    assert set(marks(stores, monday).values()) == {("absent", "photo")}
    said = [change.after for change in stores.sessions.changes(monday) if isinstance(change, FaceChange)]
    assert said == [(Decision.PRESENT, "ada"), (Decision.PRESENT, "bob"), (Decision.UNKNOWN, None)]
    version = stores.sessions.get(monday).version
    assert corrections.name(monday, face, None, TEACHER).version == version


def in_review(student: str, number: int) -> IdentifiedFace:
    return replace(a_face(student, number=number), decision=Decision.REVIEW, log_odds=3.0)


def test_proposals_are_confirmed_in_one_step(stores: Stores, corrections: Corrections) -> None:
    register(stores, "ada", "bob", "cy")
    monday = open_session(stores, "ada", "bob", "cy")
    asked = [mark(student, MarkStatus.REVIEW) for student in ("ada", "bob", "cy")]
    record(stores, a_session_photo(monday, in_review("ada", 0), in_review("bob", 1)), *asked[:2])
    record(stores, a_session_photo(monday, in_review("cy", 2), in_review("ada", 3), id="p2"), asked[2])
    opened = stores.sessions.get(monday).version
    proposals = {FaceId("face-0"): StudentId("ada"), FaceId("face-2"): StudentId("cy")}
    assert corrections.confirm(monday, proposals, TEACHER, opened).version == opened + 1
    assert marks(stores, monday) == {
        "ada": ("present", "photo"),
        "bob": ("review", "photo"),
        "cy": ("present", "photo"),
    }
    changes = stores.sessions.changes(monday)
    assert [change.face_id for change in changes if isinstance(change, FaceChange)] == ["face-0", "face-2"]
    assert [change.student_id for change in changes if isinstance(change, MarkChange)] == ["ada", "cy"]
    questions = Sessions(stores.students, stores.sessions, stores.groups).questions(monday)
    assert [question.face.face_id for question in questions] == ["face-1"]
    # Sent again, it is done already.
    assert corrections.confirm(monday, proposals, TEACHER).version == opened + 1
    with pytest.raises(VersionConflict):
        corrections.confirm(monday, proposals, TEACHER, opened)


def test_one_proposal_that_does_not_hold_keeps_all_from_being_confirmed(
    stores: Stores, corrections: Corrections
) -> None:
    register(stores, "ada", "bob", "cy")
    register(stores, "dan", groups=["other"])
    monday = open_session(stores, "ada", "bob")
    faces = [in_review("ada", 0), in_review("bob", 1), in_review("dan", 2)]
    record(stores, a_session_photo(monday, *faces), mark("ada", MarkStatus.REVIEW), mark("bob", MarkStatus.REVIEW))
    before = stores.sessions.get(monday), marks(stores, monday), names(stores, monday)
    refused: list[tuple[dict[str, str], type[Exception]]] = [
        ({"face-0": "ada", "face-1": "cy"}, ProposalChanged),
        ({"face-0": "ada", "face-9": "bob"}, FaceNotFound),
        ({"face-0": "ada", "face-2": "dan"}, NotInGroup),
        ({"face-0": "ada", "face-1": "ada"}, InvalidRequest),
        ({}, InvalidRequest),
        ({f"face-{number}": f"s{number}" for number in range(MAX_CONFIRMED_FACES + 1)}, InvalidRequest),
    ]
    for proposals, error in refused:
        with pytest.raises(error):
            corrections.confirm(
                monday, {FaceId(face): StudentId(student) for face, student in proposals.items()}, TEACHER
            )
    assert (stores.sessions.get(monday), marks(stores, monday), names(stores, monday)) == before
    assert stores.sessions.changes(monday) == []


def test_as_many_faces_as_may_be_are_confirmed_though_each_is_in_a_photo_of_its_own(
    stores: Stores, corrections: Corrections
) -> None:
    students = [f"s{number}" for number in range(MAX_CONFIRMED_FACES)]
    register(stores, *students)
    monday = open_session(stores, *students)
    for number, student in enumerate(students):
        photo = a_session_photo(monday, in_review(student, number), id=f"p{number}")
        record(stores, photo, mark(student, MarkStatus.REVIEW))
    proposals = {FaceId(f"face-{number}"): StudentId(student) for number, student in enumerate(students)}
    corrections.confirm(monday, proposals, TEACHER)
    assert set(marks(stores, monday).values()) == {("present", "photo")}


def test_marks_by_hand_stand_whatever_a_photo_says(stores: Stores, corrections: Corrections) -> None:
    register(stores, "ada", "bob")
    stores.students.enrol(replace(a_student("cy"), consent=None, registered_at=None))
    monday = open_session(stores, "ada")
    wanted = {
        StudentId("ada"): MarkStatus.EXCUSED,
        StudentId("bob"): MarkStatus.LATE,
        StudentId("cy"): MarkStatus.PRESENT,
    }
    corrections.mark(monday, wanted, TEACHER)
    record(stores, a_session_photo(monday, a_face("ada")), mark("ada"))
    assert marks(stores, monday) == {
        "ada": ("excused", "manual"),
        "bob": ("late", "manual"),
        "cy": ("present", "manual"),
    }
    changes = [change for change in stores.sessions.changes(monday) if isinstance(change, MarkChange)]
    assert {(change.student_id, change.before, change.after) for change in changes} == {
        ("ada", MarkStatus.ABSENT, MarkStatus.EXCUSED),
        ("bob", None, MarkStatus.LATE),
        ("cy", None, MarkStatus.PRESENT),
    }
    version = stores.sessions.get(monday).version
    assert corrections.mark(monday, wanted, TEACHER).version == version


def test_a_cleared_mark_is_what_the_photo_shows_again(stores: Stores, corrections: Corrections) -> None:
    register(stores, "ada", "bob")
    monday = open_session(stores, "ada", "bob")
    opened = Sessions(stores.students, stores.sessions, stores.groups)
    record(stores, a_session_photo(monday, a_face("ada")), mark("ada"))
    both = [StudentId("ada"), StudentId("bob")]
    corrections.mark(monday, dict.fromkeys(both, MarkStatus.EXCUSED), TEACHER)
    corrections.clear(monday, both, TEACHER)
    assert marks(stores, monday) == {"ada": ("present", "photo"), "bob": ("absent", "photo")}
    assert opened.get(monday).by_people == frozenset(), "a cleared mark is nobody's decision"
    statuses = [(change.before, change.after) for change in opened.changes(monday) if isinstance(change, MarkChange)]
    assert sorted(statuses[-2:]) == [("excused", "absent"), ("excused", "present")]
    version = stores.sessions.get(monday).version
    assert corrections.clear(monday, both, TEACHER).version == version, "nothing is left to clear"


def test_clearing_all_marks_makes_a_register_not_taken_again(stores: Stores, corrections: Corrections) -> None:
    register(stores, "ada", "bob")
    monday = open_session(stores, "ada", "bob")
    opened = Sessions(stores.students, stores.sessions, stores.groups, now=lambda: NOW)
    corrections.mark(monday, {StudentId("ada"): MarkStatus.PRESENT, StudentId("bob"): MarkStatus.PRESENT}, TEACHER)
    assert opened.get(monday).taken
    corrections.clear(monday, [StudentId("ada"), StudentId("bob")], TEACHER)
    assert (opened.get(monday).taken, opened.get(monday).marks) == (False, ())


def test_one_stranger_among_many_marks_changes_nothing(stores: Stores, corrections: Corrections) -> None:
    register(stores, "ada")
    register(stores, "zoe", groups=["h"])
    monday = open_session(stores, "ada")
    before = stores.sessions.get(monday)
    for stranger in ("zoe", "nobody"):
        with pytest.raises(NotInGroup):
            corrections.mark(monday, {StudentId("ada"): MarkStatus.LATE, StudentId(stranger): MarkStatus.LATE}, TEACHER)
    assert (stores.sessions.get(monday), marks(stores, monday)) == (before, {"ada": ("absent", "photo")})


def test_who_left_the_group_can_still_be_corrected_where_they_were(stores: Stores, corrections: Corrections) -> None:
    register(stores, "ada")
    monday = open_session(stores, "ada")
    stores.students.update(replace(a_student("ada", groups=["h"]), version=2))
    corrections.mark(monday, {StudentId("ada"): MarkStatus.EXCUSED}, TEACHER)
    assert marks(stores, monday) == {"ada": ("excused", "manual")}


def test_no_face_is_kept_under_the_name_of_who_does_not_agree(stores: Stores, corrections: Corrections) -> None:
    register(stores, "ada")
    stores.students.enrol(replace(a_student("cy"), consent=None, registered_at=None))
    register(stores, "bob")
    stores.students.withdraw(StudentId("bob"), NOW)
    monday = open_session(stores, "ada", "bob", "cy")
    record(stores, a_session_photo(monday, a_face(None)))
    for student in ("bob", "cy"):
        with pytest.raises(NotRegistered):
            corrections.name(monday, a_face(None).face_id, StudentId(student), TEACHER)
    assert names(stores, monday) == {"face-0": None}


def test_a_stale_version_is_refused_and_without_one_nothing_is_lost(stores: Stores, corrections: Corrections) -> None:
    students = [f"s{number}" for number in range(8)]
    register(stores, *students)
    monday = open_session(stores, *students)
    read = stores.sessions.get(monday).version
    corrections.mark(monday, {StudentId("s0"): MarkStatus.LATE}, TEACHER, expected=read)
    with pytest.raises(VersionConflict):
        corrections.mark(monday, {StudentId("s1"): MarkStatus.LATE}, TEACHER, expected=read)
    with ThreadPoolExecutor(4) as pool:
        calls = [
            pool.submit(corrections.mark, monday, {StudentId(student): MarkStatus.EXCUSED}, TEACHER)
            for student in students
        ]
        for call in calls:
            call.result()
    assert set(marks(stores, monday).values()) == {("excused", "manual")}
    assert stores.sessions.get(monday).version == read + 9


@pytest.mark.parametrize("automatic", [False, True])
def test_what_was_learned_goes_with_the_name(
    stores: Stores, corrections: Corrections, asked: Asked, automatic: bool
) -> None:
    register(stores, "ada", "bob")
    monday = open_session(stores, "ada", "bob")
    faces = [a_face("ada", number=0), a_face(None, number=1)]
    record(stores, a_session_photo(monday, *faces), mark("ada"))
    ada = StudentId("ada")

    def learn_again() -> None:
        # An automatically learned face has no change of its own: the photo alone names it.
        corrections.name(monday, faces[0].face_id, ada, TEACHER, learned=not automatic)
        learn(stores, "ada", faces[0].face_id, automatic=automatic)
        assert stores.students.template(ada).learned_ids == (faces[0].face_id,)

    undone: list[Callable[[], object]] = [
        lambda: corrections.name(monday, faces[0].face_id, None, TEACHER),
        lambda: corrections.name(monday, faces[0].face_id, StudentId("bob"), TEACHER),
        # The name moves to the other face of the photo.
        lambda: corrections.name(monday, faces[1].face_id, ada, TEACHER),
        lambda: corrections.mark(monday, {ada: MarkStatus.ABSENT}, TEACHER),
        lambda: corrections.remove(monday),
    ]
    for times, undo in enumerate(undone, start=1):
        learn_again()
        undo()
        assert stores.students.template(ada).learned == ()
        assert asked.times == times


def test_a_photo_sent_again_brings_back_nothing_that_was_corrected(stores: Stores, corrections: Corrections) -> None:
    register(stores, "ada", "bob")
    monday = open_session(stores, "ada", "bob")
    photo = a_session_photo(monday, a_face("ada", number=0), a_face(None, number=1))
    record(stores, photo, mark("ada"))
    corrections.name(monday, FaceId("face-0"), None, TEACHER)
    corrections.name(monday, FaceId("face-1"), StudentId("bob"), TEACHER)
    record(stores, photo, mark("ada"))
    assert names(stores, monday) == {"face-0": None, "face-1": "bob"}
    assert marks(stores, monday) == {"ada": ("absent", "photo"), "bob": ("present", "photo")}
    # Another photo may well show Ada.
    record(stores, a_session_photo(monday, a_face("ada", number=5), id="p2"), mark("ada"))
    assert marks(stores, monday)["ada"] == ("present", "photo")


def test_a_session_is_opened_ahead_of_its_photos(stores: Stores) -> None:
    register(stores, "ada", "bob")
    sessions = Sessions(stores.students, stores.sessions, stores.groups)
    detail = sessions.open(GroupId("g"), SessionId("monday"), NOW)
    assert (detail.session.started_at, detail.photos) == (NOW, ())
    # Nobody was seen yet, and nobody is absent.
    assert (detail.taken, detail.marks) == (False, ())
    record(stores, a_session_photo(detail.session.id, a_face("ada")), mark("ada"))
    taken = sessions.get(detail.session.id)
    assert taken.taken
    assert [(mark.student_id, mark.status, mark.source) for mark in taken.marks] == [
        ("ada", MarkStatus.PRESENT, MarkSource.PHOTO),
        ("bob", MarkStatus.ABSENT, MarkSource.PHOTO),
    ]
    with pytest.raises(SessionExists):
        sessions.open(GroupId("g"), SessionId("monday"))
    with pytest.raises(InvalidRequest):
        sessions.open(GroupId("g"), None, NOW.replace(tzinfo=None))
    with pytest.raises(InvalidRequest):
        sessions.open(GroupId("g"), None, NOW.replace(year=1900))
    with pytest.raises(GroupNotFound):
        sessions.open(GroupId("nowhere"))
    stores.groups.add(Group(GroupId("empty"), "Empty"))
    assert sessions.open(GroupId("empty")).marks == ()
    assert [session.id for session in sessions.find([GroupId("g"), GroupId("nowhere")])] == ["monday"]


def test_what_is_not_there_cannot_be_corrected(stores: Stores, corrections: Corrections) -> None:
    register(stores, "ada")
    with pytest.raises(SessionNotFound):
        corrections.mark(SessionId("never"), {StudentId("ada"): MarkStatus.LATE}, TEACHER)
    with pytest.raises(SessionNotFound):
        corrections.remove(SessionId("never"))
    monday = open_session(stores, "ada")
    with pytest.raises(FaceNotFound):
        corrections.name(monday, FaceId("none"), StudentId("ada"), TEACHER)
