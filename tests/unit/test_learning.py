"""The faces a template learns from, and the one a full template drops."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from muster.domain.identifiers import FaceId, GroupId, PackId, SessionId, StudentId, UserId
from muster.domain.learning import (
    AUTOMATIC_FACE_LIFETIME,
    MIN_DUPLICATE_COSINE,
    with_learned_face,
    without_learned_face,
)
from muster.domain.student import MAX_LEARNED, LearnedFace, Template

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)


def direction(*parts: float) -> NDArray[np.float32]:
    """A unit embedding with these first coordinates."""
    row = np.zeros(512, np.float32)
    row[: len(parts)] = parts
    return np.asarray(row / np.linalg.norm(row), np.float32)


def axis(number: int) -> NDArray[np.float32]:
    return direction(*[0.0] * number, 1.0)


def template(*faces: tuple[LearnedFace, NDArray[np.float32]]) -> Template:
    made = Template(StudentId("s"), PackId("p"), axis(0)[None].repeat(4, axis=0), "digest")
    for face, embedding in faces:
        made = with_learned_face(made, face, embedding)
    return made


def automatic(name: str, days: float = 0) -> LearnedFace:
    at = NOW + timedelta(days=days)
    return LearnedFace(FaceId(name), SessionId(f"session of {name}"), GroupId("g"), at, automatic=True)


def confirmed(name: str, days: float = 0) -> LearnedFace:
    at = NOW + timedelta(days=days)
    return LearnedFace(FaceId(name), SessionId(f"session of {name}"), GroupId("g"), at, by=UserId("teacher"))


def full_of_automatic() -> Template:
    return template(*((automatic(f"f{number}", number), axis(number + 1)) for number in range(MAX_LEARNED)))


def test_a_face_becomes_the_last_row_with_its_provenance() -> None:
    learned = template((automatic("f"), axis(1)), (confirmed("g"), axis(2)))
    assert learned.learned == (automatic("f"), confirmed("g"))
    np.testing.assert_array_equal(learned.embeddings[-2:], [axis(1), axis(2)])
    assert learned.embeddings.dtype == np.float32


def test_one_session_teaches_one_face_automatically_and_any_number_of_confirmed_ones() -> None:
    once = template((automatic("f"), axis(1)))
    other = LearnedFace(FaceId("g"), SessionId("session of f"), GroupId("g"), NOW, automatic=True)
    assert with_learned_face(once, other, axis(2)) is once
    by_hand = LearnedFace(FaceId("g"), SessionId("session of f"), GroupId("g"), NOW, UserId("teacher"))
    assert with_learned_face(once, by_hand, axis(2)).learned_ids == ("f", "g")


def test_an_automatic_face_that_the_template_knows_nearly_is_not_learned() -> None:
    once = template((automatic("f"), axis(1)))
    sine = (1 - MIN_DUPLICATE_COSINE**2) ** 0.5
    for known in (0, 1):
        near = MIN_DUPLICATE_COSINE * axis(known) + sine * axis(9)
        assert with_learned_face(once, automatic("g"), direction(*(near + 0.01 * axis(known)))) is once
        assert with_learned_face(once, automatic("g"), direction(*(near - 0.01 * axis(known)))) is not once


def test_a_confirmed_face_replaces_learned_ones_that_are_nearly_the_same() -> None:
    learned = template((automatic("f"), axis(1)), (automatic("g"), axis(2)))
    learned = with_learned_face(learned, confirmed("h"), direction(0, 0.05, 1))
    assert learned.learned_ids == ("f", "h")


def test_a_face_is_learned_once_and_a_confirmation_outlasts_what_was_automatic() -> None:
    once = template((confirmed("f"), axis(1)))
    assert with_learned_face(once, automatic("f", 90), axis(2)) is once
    again = with_learned_face(template((automatic("f"), axis(1))), confirmed("f", 1), axis(1))
    assert again.learned == (confirmed("f", 1),)


def test_a_full_template_is_rewritten_by_automatic_faces_only_after_a_while() -> None:
    full = full_of_automatic()
    last_moment = AUTOMATIC_FACE_LIFETIME.days + 0.999
    # Of the older faces the first alone is old enough.
    assert with_learned_face(full, automatic("new", AUTOMATIC_FACE_LIFETIME.days - 0.001), axis(20)) is full
    renewed = with_learned_face(full, automatic("new", last_moment), axis(20))
    assert renewed.learned_ids == ("f1", "f2", "f3", "f4", "new")
    assert len(renewed.embeddings) == 4 + MAX_LEARNED


def test_of_the_older_faces_the_one_most_like_the_others_goes() -> None:
    rows = [axis(1), axis(2), direction(0, 0, 0, 1, 0.5, 0.5), axis(4), axis(5)]
    full = template(*((automatic(f"f{number}", number), row) for number, row in enumerate(rows)))
    renewed = with_learned_face(full, automatic("new", 365), axis(20))
    assert renewed.learned_ids == ("f0", "f1", "f3", "f4", "new")
    # However much alike, the newer ones stay.
    rows = [axis(1), axis(2), axis(3), direction(0, 0, 0, 0, 1, 0.6), direction(0, 0, 0, 0, 0.6, 1)]
    full = template(*((automatic(f"f{number}", number), row) for number, row in enumerate(rows)))
    assert with_learned_face(full, automatic("new", 365), axis(20)).learned_ids == ("f1", "f2", "f3", "f4", "new")


def test_confirmed_faces_are_never_given_up_for_automatic_ones() -> None:
    full = template(*((confirmed(f"f{number}", number), axis(number + 1)) for number in range(MAX_LEARNED)))
    assert with_learned_face(full, automatic("new", 365), axis(20)) is full
    mixed = template(
        *((confirmed(f"f{number}", number), axis(number + 1)) for number in range(MAX_LEARNED - 1)),
        (automatic("a", 10), axis(10)),
    )
    # The automatic face goes although it is the newest.
    assert with_learned_face(mixed, confirmed("new", 11), axis(20)).learned_ids == ("f0", "f1", "f2", "f3", "new")
    assert with_learned_face(full, confirmed("new", 11), axis(20)).learned_ids == ("f1", "f2", "f3", "f4", "new")


def test_faces_of_older_records_without_a_time_count_as_old() -> None:
    full = full_of_automatic()
    undated = LearnedFace(FaceId("f0"), automatic=True)
    full = Template(full.student_id, full.pack, full.embeddings, "digest", (undated, *full.learned[1:]))
    assert with_learned_face(full, automatic("new", 5), axis(20)).learned_ids == ("f1", "f2", "f3", "f4", "new")


@pytest.mark.parametrize("gone", [0, 2, 4])
def test_unlearning_takes_the_row_of_that_face_and_no_other(gone: int) -> None:
    full = full_of_automatic()
    left = without_learned_face(full, FaceId(f"f{gone}"))
    assert left.learned == full.learned[:gone] + full.learned[gone + 1 :]
    np.testing.assert_array_equal(left.embeddings, np.delete(full.embeddings, 4 + gone, axis=0))
    assert without_learned_face(left, FaceId(f"f{gone}")) is left
