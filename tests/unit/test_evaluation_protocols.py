"""Choice of registered people and strangers, and matching of detections to labels."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.domain.errors import InvalidRequest
from muster.domain.identifiers import StudentId
from muster.evaluation.datasets import NOBODY, Dataset, Form
from muster.evaluation.matching import NOT_FOUND, main_face, match_boxes
from muster.evaluation.metrics import STRANGER
from muster.evaluation.protocols import MAX_ROUNDS_IN_TURN, plan_rounds


def _identities(*images: int) -> Dataset:
    """People with so many images each; picture and face numbers agree."""
    owners = np.repeat(np.arange(len(images)), images)
    return Dataset(
        form=Form.IDENTITIES,
        people=tuple(StudentId(f"s{number:03}") for number in range(len(images))),
        pictures=tuple(Path(f"{number}.jpg") for number in range(len(owners))),
        registrable=tuple(
            tuple(np.flatnonzero(owners == person).tolist()) if count > 1 else () for person, count in enumerate(images)
        ),
        face_pictures=np.arange(len(owners)),
        face_boxes=np.full((len(owners), 4), np.nan, dtype=np.float32),
        face_people=owners,
    )


def _photos() -> Dataset:
    """Gallery pictures 0 and 1 of two people; picture 2 shows both and a stranger, picture 3 the first alone."""
    return Dataset(
        form=Form.PHOTOS,
        people=(StudentId("a"), StudentId("b")),
        pictures=tuple(Path(f"{number}.jpg") for number in range(4)),
        registrable=((0,), (1,)),
        face_pictures=np.array([2, 2, 2, 3]),
        face_boxes=np.array([[0, 0, 10, 10], [20, 0, 10, 10], [40, 0, 10, 10], [0, 0, 10, 10]], dtype=np.float32),
        face_people=np.array([1, NOBODY, 0, 0]),
    )


def test_each_image_in_turn_registers_and_the_others_are_searched() -> None:
    rounds = plan_rounds(_identities(2, 3, 1), unregistered=0.0, seeds=None)
    assert [planned.pictures.tolist() for planned in rounds] == [[0, 2], [1, 3], [0, 4]]
    assert rounds[0].registered.tolist() == [0, 1]
    assert rounds[0].faces.tolist() == [1, 3, 4, 5]
    # The person with one image is nobody's mate.
    assert rounds[0].mates.tolist() == [0, 1, 1, STRANGER]


def test_turns_are_bounded() -> None:
    assert len(plan_rounds(_identities(500, 2), unregistered=0.0, seeds=None)) == MAX_ROUNDS_IN_TURN


def test_photos_of_groups_register_the_gallery_and_search_every_labelled_face() -> None:
    (only,) = plan_rounds(_photos(), unregistered=0.0, seeds=None)
    assert only.pictures.tolist() == [0, 1]
    assert only.faces.tolist() == [0, 1, 2, 3]
    assert only.mates.tolist() == [1, STRANGER, 0, 0]


def test_a_student_left_out_becomes_a_stranger() -> None:
    rounds = plan_rounds(_photos(), unregistered=0.5, seeds=8)
    assert {planned.registered.tolist()[0] for planned in rounds} == {0, 1}
    for planned in rounds:
        (person,) = planned.registered
        assert planned.mates.tolist() == [0 if owner == person else STRANGER for owner in (1, NOBODY, 0, 0)]


@pytest.mark.parametrize(("share", "registered"), [(0.0, 20), (0.01, 19), (0.5, 10), (0.6, 8), (0.99, 1)])
def test_the_share_of_unregistered_is_kept(share: float, registered: int) -> None:
    rounds = plan_rounds(_identities(*[2] * 20, 1, 1), unregistered=share, seeds=3)
    assert [len(planned.registered) for planned in rounds] == [registered] * 3


def test_rounds_repeat_exactly_and_differ_from_one_another() -> None:
    first, again = (plan_rounds(_identities(*[4] * 30), unregistered=0.5, seeds=3) for _ in range(2))
    for planned, other in zip(first, again, strict=True):
        assert planned.registered.tolist() == other.registered.tolist()
        assert planned.pictures.tolist() == other.pictures.tolist()
    assert first[0].registered.tolist() != first[1].registered.tolist()
    assert first[0].pictures.tolist() != first[1].pictures.tolist()


@given(
    st.lists(st.integers(1, 5), min_size=2, max_size=12).filter(lambda counts: max(counts) > 1),
    st.floats(0, 0.99),
    st.one_of(st.none(), st.integers(1, 4)),
)
def test_no_registration_picture_is_searched_and_everyone_else_is(
    counts: list[int], unregistered: float, seeds: int | None
) -> None:
    dataset = _identities(*counts)
    for planned in plan_rounds(dataset, unregistered, seeds):
        searched = set(dataset.face_pictures[planned.faces].tolist())
        assert searched | set(planned.pictures.tolist()) == set(range(len(dataset.pictures)))
        assert not searched & set(planned.pictures.tolist())
        assert (dataset.face_people[planned.pictures] == planned.registered).all()
        for face, mate in zip(planned.faces, planned.mates, strict=True):
            person = dataset.face_people[face]
            assert (person in planned.registered) == (mate != STRANGER)
            assert mate == STRANGER or planned.registered[mate] == person


@pytest.mark.parametrize(("unregistered", "seeds"), [(1.0, None), (-0.1, None), (float("nan"), None), (0.5, 0)])
def test_shares_and_seeds_out_of_range_are_refused(unregistered: float, seeds: int | None) -> None:
    with pytest.raises(InvalidRequest):
        plan_rounds(_photos(), unregistered, seeds)


def _boxes(*boxes: tuple[float, float, float, float]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.array(boxes, dtype=np.float32).reshape(-1, 4)


def test_labels_find_the_detection_in_their_place() -> None:
    labelled = _boxes((0, 0, 100, 100), (200, 0, 100, 100), (500, 500, 10, 10))
    detected = _boxes((205, 5, 95, 90), (400, 0, 50, 50), (5, 0, 100, 110))
    assert match_boxes(labelled, detected).tolist() == [2, 0, NOT_FOUND]


def test_a_box_of_the_whole_head_still_is_the_face_within_but_the_whole_body_is_not() -> None:
    face = _boxes((40, 40, 40, 40))
    assert match_boxes(_boxes((20, 10, 90, 90)), face).tolist() == [0]
    assert match_boxes(_boxes((0, 0, 200, 400)), face).tolist() == [NOT_FOUND]


def test_neighbours_are_not_swapped_and_one_detection_serves_one_label() -> None:
    labelled = _boxes((0, 0, 100, 100), (60, 0, 100, 100))
    assert match_boxes(labelled, _boxes((55, 0, 100, 100))).tolist() == [NOT_FOUND, 0]
    assert match_boxes(labelled, _boxes((58, 0, 100, 100), (2, 0, 100, 100))).tolist() == [1, 0]


def test_nothing_matches_nothing() -> None:
    assert match_boxes(_boxes(), _boxes((0, 0, 1, 1))).tolist() == []
    assert match_boxes(_boxes((0, 0, 1, 1)), _boxes()).tolist() == [NOT_FOUND]


def test_the_main_face_is_large_and_near_the_middle() -> None:
    assert main_face(_boxes((0, 0, 60, 60), (90, 90, 70, 70)), 250, 250) == 1
    assert main_face(_boxes((0, 0, 75, 75), (90, 90, 70, 70)), 250, 250) == 1
    assert main_face(_boxes((95, 95, 20, 20), (20, 60, 160, 160)), 250, 250) == 1
    assert main_face(_boxes(), 250, 250) == NOT_FOUND
