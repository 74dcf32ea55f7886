"""Evidence from a session's earlier photos about the next one."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from muster.domain.attendance import FaceChange, SessionPhoto
from muster.domain.faces import Candidate, Decision, IdentifiedFace
from muster.domain.identifiers import FaceId, PackId, PhotoId, SessionId, StudentId, UserId
from muster.services.roll_call.earlier_photos import earlier_ratios, other_photos

STUDENTS = [StudentId("a"), StudentId("b"), StudentId("c")]
NOW = datetime(2026, 11, 26, tzinfo=UTC)


def face(number: int, *candidates: Candidate) -> IdentifiedFace:
    return IdentifiedFace(
        FaceId(f"p-{number}"), (0, 0, 9, 9), 0.9, 0.8, Decision.REVIEW, StudentId("a"), 0.5, None, candidates
    )


def photo(*faces: IdentifiedFace) -> SessionPhoto:
    return SessionPhoto(PhotoId("p"), SessionId("s"), "0" * 64, 99, 99, faces, PackId("embedded-1"), None, NOW)


def said(number: int, student: str | None) -> dict[FaceId, FaceChange]:
    after = (Decision.PRESENT, StudentId(student)) if student else (Decision.UNKNOWN, None)
    change = FaceChange(
        NOW, UserId("t"), FaceId(f"p-{number}"), (Decision.REVIEW, StudentId("a")), after, learned=False
    )
    return {change.face_id: change}


SEEN = face(0, Candidate(StudentId("a"), 0.5, 4.5), Candidate(StudentId("c"), 0.2, -3.0))


def test_ratios_kept_with_a_face_are_its_evidence_and_others_are_lowest() -> None:
    (ratios,) = earlier_ratios([photo(SEEN)], STUDENTS, {})
    assert ratios.tolist() == [[4.5, -5.0, -3.0]]


def test_a_face_that_a_person_named_is_that_students_beyond_doubt() -> None:
    (ratios,) = earlier_ratios([photo(SEEN)], STUDENTS, said(0, "b"))
    assert ratios.tolist() == [[-5.0, 14.0, -5.0]]


@pytest.mark.parametrize("student", [None, "gone"])
def test_a_face_of_nobody_here_is_no_evidence(student: str | None) -> None:
    assert earlier_ratios([photo(SEEN)], STUDENTS, said(0, student)) == []


def test_a_photo_from_before_ratios_were_kept_is_no_evidence() -> None:
    old = face(0, Candidate(StudentId("a"), 0.5))
    assert earlier_ratios([photo(old), photo(SEEN)], STUDENTS, {})[0].tolist() == [[4.5, -5.0, -3.0]]


def test_a_photo_that_is_sent_again_is_evidence_once() -> None:
    stored = [replace(photo(SEEN), id=PhotoId(name)) for name in ("p", "q")]
    read = replace(photo(), id=PhotoId("q"))
    assert other_photos(PhotoId("p"), [*stored, read]) == [read]
    assert other_photos(PhotoId("r"), [*stored, read]) == [stored[0], read]
