"""Consequences of a person's decision, without a store."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from muster.domain.attendance import (
    STATUSES_BY_HAND,
    Change,
    FaceChange,
    Mark,
    MarkChange,
    MarkSource,
    MarkStatus,
    PhotoChange,
    SessionPhoto,
)
from muster.domain.corrections import (
    Correction,
    MarkByHand,
    confirm_faces,
    last_decisions,
    name_face,
    remove_photo,
    set_marks,
    students_marked_by_people,
)
from muster.domain.errors import FaceNotFound, InvalidRequest, ProposalChanged
from muster.domain.faces import Candidate, Decision, IdentifiedFace
from muster.domain.identifiers import FaceId, PackId, PhotoId, SessionId, StudentId, UserId
from muster.domain.notices import notices_for
from muster.domain.precedence import keep_decisions, keep_marks, outranks
from muster.domain.student import Consent, Student
from muster.recognition.odds import probability
from muster.services.roll_call.questions import questions_of

NOW = datetime(2026, 9, 1, 6, 15, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
ADA, BOB, CY = StudentId("ada"), StudentId("bob"), StudentId("cy")
TEACHER = UserId("teacher")


def face(id: str, decision: Decision, student: StudentId | None = None, similarity: float = 0.7) -> IdentifiedFace:
    candidates = () if student is None else (Candidate(student, similarity),)
    return IdentifiedFace(FaceId(id), (1, 2, 30, 40), 0.9, 0.8, decision, student, similarity, 0.6, candidates)


def present(id: str, student: StudentId) -> IdentifiedFace:
    return face(id, Decision.PRESENT, student)


def review(id: str, student: StudentId, similarity: float = 0.4) -> IdentifiedFace:
    return face(id, Decision.REVIEW, student, similarity)


def photo(id: str, *faces: IdentifiedFace) -> SessionPhoto:
    return SessionPhoto(PhotoId(id), SessionId("monday"), "ab" * 32, 800, 600, faces, PackId("embedded"), None, NOW)


def mark(student: StudentId, status: MarkStatus, source: MarkSource = MarkSource.PHOTO) -> Mark:
    return Mark(student, status, source, NOW)


def named(
    shown: SessionPhoto,
    face_id: str,
    student: StudentId | None,
    marks: Sequence[Mark],
    others: Sequence[SessionPhoto] = (),
    decided: Mapping[FaceId, FaceChange] | None = None,
    learned: bool = False,
) -> Correction:
    return name_face(
        shown,
        FaceId(face_id),
        student,
        others=others,
        marks=marks,
        decided=decided or {},
        by=TEACHER,
        at=LATER,
        learned=learned,
    )


def confirmed(proposals: Mapping[str, StudentId], photos: Sequence[SessionPhoto], marks: Sequence[Mark]) -> Correction:
    faces = {FaceId(face_id): student for face_id, student in proposals.items()}
    return confirm_faces(faces, photos, marks, {}, by=TEACHER, at=LATER)


def by_hand(statuses: dict[StudentId, MarkStatus]) -> dict[StudentId, MarkByHand]:
    return {student: MarkByHand(status=status) for student, status in statuses.items()}


def statuses(correction: Correction) -> dict[StudentId, tuple[MarkStatus, MarkSource]]:
    return {mark.student_id: (mark.status, mark.source) for mark in correction.marks}


def test_confirming_a_face_makes_its_student_present() -> None:
    correction = named(photo("p", review("f", ADA)), "f", ADA, [mark(ADA, MarkStatus.ABSENT)])
    assert [(face.face_id, face.decision, face.student_id) for face in correction.faces] == [
        ("f", Decision.PRESENT, ADA)
    ]
    assert statuses(correction) == {ADA: (MarkStatus.PRESENT, MarkSource.PHOTO)}
    assert correction.changes == (
        FaceChange(LATER, TEACHER, FaceId("f"), (Decision.REVIEW, ADA), (Decision.PRESENT, ADA)),
        MarkChange(LATER, TEACHER, ADA, MarkStatus.ABSENT, MarkStatus.PRESENT),
    )
    assert correction.unlearn == ()


def test_removing_the_only_face_of_a_student_makes_them_absent() -> None:
    correction = named(photo("p", present("f", ADA)), "f", None, [mark(ADA, MarkStatus.PRESENT)])
    assert (correction.faces[0].decision, correction.faces[0].student_id) == (Decision.UNKNOWN, None)
    assert correction.faces[0].head_similarity is None
    assert statuses(correction) == {ADA: (MarkStatus.ABSENT, MarkSource.PHOTO)}
    assert correction.unlearn == ((ADA, "f"),)


def test_a_student_seen_in_another_photo_stays_present() -> None:
    other = photo("q", present("g", ADA))
    correction = named(photo("p", present("f", ADA)), "f", None, [mark(ADA, MarkStatus.PRESENT)], [other])
    assert correction.marks == ()
    doubtful = photo("q", review("g", ADA))
    correction = named(photo("p", present("f", ADA)), "f", None, [mark(ADA, MarkStatus.PRESENT)], [doubtful])
    assert statuses(correction)[ADA][0] is MarkStatus.REVIEW


def test_no_to_the_last_question_of_a_student_makes_them_absent() -> None:
    doubtful, marks = photo("q", review("g", ADA)), [mark(ADA, MarkStatus.REVIEW)]
    first = named(photo("p", review("f", ADA)), "f", None, marks, [doubtful])
    assert (first.marks, [type(change) for change in first.changes]) == ((), [FaceChange])
    last = named(doubtful, "g", None, marks, [photo("p", face("f", Decision.UNKNOWN))])
    assert statuses(last) == {ADA: (MarkStatus.ABSENT, MarkSource.PHOTO)}
    assert last.changes[1] == MarkChange(LATER, TEACHER, ADA, MarkStatus.REVIEW, MarkStatus.ABSENT)


def test_nobody_is_put_in_review_by_hand() -> None:
    with pytest.raises(InvalidRequest):
        set_marks({ADA: MarkByHand(status=MarkStatus.REVIEW)}, [], [], by=TEACHER, at=LATER)


def test_marks_follow_the_photos_that_are_left() -> None:
    removed = photo("p", present("f", ADA), present("g", BOB), review("h", CY), face("i", Decision.UNKNOWN))
    others = [photo("q", present("j", ADA), review("k", BOB))]
    marks = [mark(ADA, MarkStatus.PRESENT), mark(BOB, MarkStatus.PRESENT), mark(CY, MarkStatus.REVIEW)]
    correction = remove_photo(removed, others, marks, by=TEACHER, at=LATER)
    assert correction.photo_removed == "p"
    assert statuses(correction) == {
        BOB: (MarkStatus.REVIEW, MarkSource.PHOTO),
        CY: (MarkStatus.ABSENT, MarkSource.PHOTO),
    }
    assert correction.changes == (
        PhotoChange(LATER, TEACHER, PhotoId("p")),
        MarkChange(LATER, TEACHER, BOB, MarkStatus.PRESENT, MarkStatus.REVIEW),
        MarkChange(LATER, TEACHER, CY, MarkStatus.REVIEW, MarkStatus.ABSENT),
    )
    assert correction.unlearn == ((ADA, "f"), (BOB, "g"), (CY, "h"))
    by_hand = [mark(student, MarkStatus.LATE, MarkSource.MANUAL) for student in (ADA, BOB, CY)]
    assert remove_photo(removed, others, by_hand, by=TEACHER, at=LATER).marks == ()


def test_it_is_known_whose_mark_a_person_brought_about() -> None:
    shown = photo("p", review("f", ADA), present("g", BOB))
    marks = [mark(ADA, MarkStatus.REVIEW), mark(BOB, MarkStatus.PRESENT), mark(CY, MarkStatus.LATE, MarkSource.MANUAL)]
    correction = named(shown, "f", ADA, marks)
    after = [*correction.marks, *marks[1:]]
    assert students_marked_by_people(after, correction.changes) == {ADA, CY}
    # Bob's face was confirmed, and his mark was a photo's before.
    assert students_marked_by_people(after, named(shown, "g", BOB, marks).changes) == {CY}


def test_another_name_moves_presence_from_one_to_the_other() -> None:
    marks = [mark(ADA, MarkStatus.PRESENT), mark(BOB, MarkStatus.ABSENT)]
    correction = named(photo("p", present("f", ADA)), "f", BOB, marks)
    assert statuses(correction) == {
        ADA: (MarkStatus.ABSENT, MarkSource.PHOTO),
        BOB: (MarkStatus.PRESENT, MarkSource.PHOTO),
    }
    # What was measured was Ada's.
    assert (correction.faces[0].similarity, correction.faces[0].head_similarity) == (None, None)
    assert correction.unlearn == ((ADA, "f"),)


def test_who_joined_later_gets_a_mark_by_their_face() -> None:
    correction = named(photo("p", face("f", Decision.UNKNOWN)), "f", CY, [])
    assert correction.changes[1] == MarkChange(LATER, TEACHER, CY, None, MarkStatus.PRESENT)
    assert statuses(correction) == {CY: (MarkStatus.PRESENT, MarkSource.PHOTO)}


@pytest.mark.parametrize("status", STATUSES_BY_HAND)
def test_what_a_person_set_by_hand_no_face_changes(status: MarkStatus) -> None:
    by_hand = [mark(ADA, status, MarkSource.MANUAL)]
    assert named(photo("p", present("f", ADA)), "f", None, by_hand).marks == ()
    assert named(photo("p", review("f", ADA)), "f", ADA, by_hand).marks == ()


def test_a_second_face_of_one_photo_takes_the_name_from_the_first() -> None:
    shown = photo("p", present("f", ADA), present("g", BOB))
    marks = [mark(ADA, MarkStatus.PRESENT), mark(BOB, MarkStatus.PRESENT)]
    correction = named(shown, "g", ADA, marks)
    assert {face.face_id: face.student_id for face in correction.faces} == {"f": None, "g": ADA}
    assert statuses(correction) == {BOB: (MarkStatus.ABSENT, MarkSource.PHOTO)}
    assert set(correction.unlearn) == {(ADA, "f"), (BOB, "g")}
    assert [type(change) for change in correction.changes] == [FaceChange, FaceChange, MarkChange]


def test_the_same_said_twice_is_said_once() -> None:
    shown, marks = photo("p", present("f", ADA)), [mark(ADA, MarkStatus.PRESENT)]
    first = named(shown, "f", ADA, marks)
    # The machine said it; that a person agrees is news.
    assert len(first.changes) == len(first.faces) == 1
    decided = last_decisions(first.changes)
    assert named(shown, "f", ADA, marks, decided=decided) == Correction()
    learned_from = named(shown, "f", ADA, marks, decided=decided, learned=True)
    assert [change.learned for change in learned_from.changes if isinstance(change, FaceChange)] == [True]
    assert named(shown, "f", ADA, marks, decided=last_decisions(learned_from.changes)) == Correction()


def test_marks_by_hand_are_kept_as_such_even_where_they_say_the_same() -> None:
    marks = [mark(ADA, MarkStatus.ABSENT), mark(BOB, MarkStatus.LATE, MarkSource.MANUAL)]
    wanted = by_hand({ADA: MarkStatus.ABSENT, BOB: MarkStatus.LATE, CY: MarkStatus.EXCUSED})
    correction = set_marks(wanted, [], marks, by=TEACHER, at=LATER)
    assert statuses(correction) == {
        ADA: (MarkStatus.ABSENT, MarkSource.MANUAL),
        CY: (MarkStatus.EXCUSED, MarkSource.MANUAL),
    }
    assert correction.changes == (
        MarkChange(LATER, TEACHER, ADA, MarkStatus.ABSENT, MarkStatus.ABSENT),
        MarkChange(LATER, TEACHER, CY, None, MarkStatus.EXCUSED),
    )


def test_nothing_is_learned_from_faces_of_who_was_not_there() -> None:
    photos = [photo("p", present("f", ADA), present("g", BOB))]
    marks = [mark(ADA, MarkStatus.PRESENT), mark(BOB, MarkStatus.PRESENT)]
    wanted = by_hand({ADA: MarkStatus.ABSENT, BOB: MarkStatus.LATE})
    assert set_marks(wanted, photos, marks, by=TEACHER, at=LATER).unlearn == ((ADA, "f"),)


def test_a_photo_read_again_keeps_what_people_decided() -> None:
    before = photo("p", present("f", ADA), face("g", Decision.UNKNOWN), present("h", CY))
    correction = named(before, "g", ADA, [mark(ADA, MarkStatus.PRESENT)])
    changed = {face.face_id: face for face in correction.faces}
    stored = [changed.get(face.face_id, face) for face in before.faces]
    read = [present("f", ADA), face("g", Decision.UNKNOWN), review("h", BOB)]
    kept = keep_decisions(read, stored, correction.changes)
    assert [face.student_id for face in kept] == [None, ADA, BOB]
    # A face that nobody decided on may not take a name that a person gave to another.
    assert [face.student_id for face in keep_decisions([*read[:2], present("h", ADA)], stored, correction.changes)] == [
        None,
        ADA,
        None,
    ]


def test_marks_of_a_photo_read_again_follow_what_people_decided() -> None:
    read = [present("f", ADA), present("g", BOB)]
    stored = [replace(read[0], decision=Decision.UNKNOWN, student_id=None), read[1]]
    marks = [mark(ADA, MarkStatus.PRESENT), mark(BOB, MarkStatus.PRESENT)]
    assert [mark.student_id for mark in keep_marks(marks, read, stored)] == [BOB]
    assert keep_marks(marks, read, read) == marks


def test_each_student_is_asked_about_once_with_the_best_face_and_the_surest_first() -> None:
    photos = [
        photo("p", review("bob-1", BOB, 0.3), present("x", ADA), face("u", Decision.UNKNOWN)),
        photo("q", review("ada-2", ADA, 0.9), review("cy-2", CY, 0.5), review("bob-2", BOB, 0.4)),
    ]
    marks = [mark(ADA, MarkStatus.PRESENT), mark(BOB, MarkStatus.REVIEW), mark(CY, MarkStatus.REVIEW)]
    roster = {id: a_student(id) for id in (ADA, BOB, CY)}
    assert [question.face.face_id for question in questions_of(photos, marks, roster)] == ["cy-2", "bob-2"]
    by_hand = [mark(BOB, MarkStatus.ABSENT, MarkSource.MANUAL), mark(CY, MarkStatus.LATE, MarkSource.MANUAL)]
    assert questions_of(photos, [marks[0], *by_hand], roster) == []


def test_questions_are_ordered_by_how_likely_the_proposal_is() -> None:
    older = review("older", StudentId("eva"), 0.9)
    doubtful, likely = replace(review("f", ADA, 0.8), log_odds=-1.0), replace(review("g", BOB, 0.3), log_odds=4.0)
    another, less = replace(review("h", BOB, 0.9), log_odds=2.0), replace(review("i", CY, 0.1), log_odds=3.0)
    roster = {id: a_student(id) for id in (ADA, BOB, CY, StudentId("eva"))}
    asked = questions_of([photo("p", older, doubtful, another), photo("q", likely, less)], [], roster)
    assert [question.face.face_id for question in asked] == ["g", "i", "f", "older"]
    assert [question.likely for question in asked] == [True, True, False, True]
    assert [question.probability for question in asked] == [
        pytest.approx(0.982, abs=0.001),
        pytest.approx(0.953, abs=0.001),
        pytest.approx(0.269, abs=0.001),
        None,
    ]


@pytest.mark.parametrize("log_odds", [-800.0, -3.0, 0.0, 3.0, 800.0])
def test_log_odds_of_any_size_are_a_probability(log_odds: float) -> None:
    assert 0 <= probability(log_odds) <= 1
    assert probability(log_odds) + probability(-log_odds) == pytest.approx(1)


def test_a_proposal_without_a_picture_to_compare_is_asked_about_alone() -> None:
    asked, enrolled = photo("p", review("f", ADA)), replace(a_student(ADA), consent=None, registered_at=None)
    assert [question.likely for question in questions_of([asked], [], {ADA: enrolled})] == [False]
    # Ada left the group: the face may be Bob's, who was not proposed.
    doubtful = replace(review("f", ADA), candidates=(Candidate(ADA, 0.4), Candidate(BOB, 0.3)))
    assert [question.likely for question in questions_of([photo("p", doubtful)], [], {BOB: a_student(BOB)})] == [False]


def test_proposals_are_confirmed_together() -> None:
    photos = [
        photo("p", review("ada-1", ADA), review("bob-1", BOB), face("u", Decision.UNKNOWN)),
        photo("q", review("ada-2", ADA), review("cy-2", CY), face("v", Decision.UNKNOWN)),
    ]
    marks = [mark(student, MarkStatus.REVIEW) for student in (ADA, BOB, CY)]
    correction = confirmed({"cy-2": CY, "ada-1": ADA}, photos, marks)
    assert [(face.face_id, face.decision, face.student_id) for face in correction.faces] == [
        ("ada-1", Decision.PRESENT, ADA),
        ("cy-2", Decision.PRESENT, CY),
    ]
    assert statuses(correction) == dict.fromkeys((ADA, CY), (MarkStatus.PRESENT, MarkSource.PHOTO))
    assert correction.changes == (
        FaceChange(LATER, TEACHER, FaceId("ada-1"), (Decision.REVIEW, ADA), (Decision.PRESENT, ADA)),
        MarkChange(LATER, TEACHER, ADA, MarkStatus.REVIEW, MarkStatus.PRESENT),
        FaceChange(LATER, TEACHER, FaceId("cy-2"), (Decision.REVIEW, CY), (Decision.PRESENT, CY)),
        MarkChange(LATER, TEACHER, CY, MarkStatus.REVIEW, MarkStatus.PRESENT),
    )
    assert correction.unlearn == ()
    # The other face of Ada is not asked about, and Bob still is.
    after = {face.face_id: face for face in correction.faces}
    answered = [replace(photo, faces=tuple(after.get(face.face_id, face) for face in photo.faces)) for photo in photos]
    roster = {id: a_student(id) for id in (ADA, BOB, CY)}
    asked = questions_of(answered, [*correction.marks, marks[1]], roster)
    assert [question.face.face_id for question in asked] == ["bob-1"]


def test_a_confirmed_face_has_its_student_for_itself_in_its_photo() -> None:
    shown = photo("p", review("f", ADA), review("g", ADA))
    correction = confirmed({"g": ADA}, [shown], [mark(ADA, MarkStatus.REVIEW)])
    assert [(face.face_id, face.student_id) for face in correction.faces] == [("f", None), ("g", ADA)]


def test_a_mark_set_by_hand_stands_whatever_is_confirmed() -> None:
    by_hand = [mark(ADA, MarkStatus.EXCUSED, MarkSource.MANUAL)]
    correction = confirmed({"f": ADA}, [photo("p", review("f", ADA))], by_hand)
    assert (correction.marks, [type(change) for change in correction.changes]) == ((), [FaceChange])


def test_only_what_is_proposed_is_confirmed() -> None:
    shown = [photo("p", review("f", ADA), face("u", Decision.UNKNOWN))]
    for face_id, student in (("f", BOB), ("u", ADA)):
        with pytest.raises(ProposalChanged):
            confirmed({face_id: student}, shown, [])
    with pytest.raises(FaceNotFound):
        confirmed({"f": ADA, "elsewhere": BOB}, shown, [])


def test_yes_to_one_question_settles_the_student() -> None:
    photos = [photo("p", review("f", ADA, 0.5)), photo("q", review("g", ADA, 0.4))]
    marks = [mark(ADA, MarkStatus.REVIEW)]
    yes = named(photos[0], "f", ADA, marks, photos[1:])
    answered = [replace(photos[0], faces=yes.faces), photos[1]]
    assert questions_of(answered, yes.marks, {ADA: a_student(ADA)}) == []
    # Taken back, the other face is asked about again.
    no = named(answered[0], "f", None, yes.marks, photos[1:])
    assert statuses(no) == {ADA: (MarkStatus.REVIEW, MarkSource.PHOTO)}
    assert len(questions_of([replace(photos[0], faces=no.faces), photos[1]], no.marks, {ADA: a_student(ADA)})) == 1


@pytest.mark.parametrize(
    ("stored", "new", "replaced"),
    [
        (MarkStatus.ABSENT, MarkStatus.REVIEW, True),
        (MarkStatus.ABSENT, MarkStatus.PRESENT, True),
        (MarkStatus.REVIEW, MarkStatus.PRESENT, True),
        (MarkStatus.REVIEW, MarkStatus.ABSENT, False),
        (MarkStatus.PRESENT, MarkStatus.REVIEW, False),
        (MarkStatus.PRESENT, MarkStatus.ABSENT, False),
    ],
)
def test_a_photo_never_weakens_what_another_showed(stored: MarkStatus, new: MarkStatus, replaced: bool) -> None:
    assert outranks(mark(ADA, new), mark(ADA, stored)) is replaced
    assert not outranks(mark(ADA, new), mark(ADA, stored, MarkSource.MANUAL))
    assert outranks(mark(ADA, stored, MarkSource.MANUAL), mark(ADA, new))


def test_a_photo_that_shows_nobody_of_the_group_says_so() -> None:
    assert [notice.code for notice in notices_for(photo("p"))] == ["no_face_found"]
    strangers = photo("p", face("f", Decision.UNKNOWN), face("g", Decision.UNKNOWN))
    assert [notice.code for notice in notices_for(strangers)] == ["nobody_of_group"]
    assert notices_for(photo("p", face("f", Decision.UNKNOWN), review("g", ADA))) == ()


def test_nobody_of_another_group_is_suggested() -> None:
    asked = replace(review("f", ADA), candidates=(Candidate(ADA, 0.4), Candidate(BOB, 0.3), Candidate(CY, 0.2)))
    questions = questions_of([photo("p", asked)], [], {id: a_student(id) for id in (ADA, CY)})
    assert [(suggestion.student.id, suggestion.similarity) for suggestion in questions[0].suggestions] == [
        (ADA, 0.4),
        (CY, 0.2),
    ]


def test_the_last_word_on_a_face_counts() -> None:
    changes: list[Change] = [
        FaceChange(NOW, TEACHER, FaceId("f"), (Decision.UNKNOWN, None), (Decision.PRESENT, ADA)),
        MarkChange(NOW, TEACHER, ADA, None, MarkStatus.PRESENT),
        FaceChange(LATER, TEACHER, FaceId("f"), (Decision.PRESENT, ADA), (Decision.UNKNOWN, None)),
    ]
    assert last_decisions(changes) == {FaceId("f"): changes[2]}


def a_student(id: StudentId) -> Student:
    return Student(id, id.title(), frozenset(), Consent(NOW, "2026-1"), NOW)
