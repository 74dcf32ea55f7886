"""A photo that lies on its side or upside down is turned by its faces; an upright one is never looked at twice."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from muster.domain.faces import Faces
from muster.packs.load import ModelPack
from muster.vision.decode import decode
from muster.vision.detector import CenterFaceDetector
from muster.vision.orientation import QUARTER_TURNS, boxes_before_turn, find_faces, find_portrait, turn

Pixels = NDArray[np.uint8]
LANDMARKS = np.array([[0.35, 0.4], [0.65, 0.4], [0.5, 0.58], [0.38, 0.73], [0.62, 0.73]], np.float32)


class MarkedCorner:
    """A detector that finds one face of a given score in pictures whose upper left pixel is white; counts pictures."""

    def __init__(self, score: float = 0.9, roll: float = 0.0) -> None:
        self.pictures = 0
        self._score = score
        angle = np.radians(roll)
        self._tilt = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]], np.float32)

    def __call__(self, pixels: Pixels) -> Faces:
        self.pictures += 1
        count = int(pixels[0, 0, 0] > 200)
        landmarks = 50 + 60 * (LANDMARKS - 0.5) @ self._tilt
        return Faces(
            np.repeat(np.array([[20, 20, 60, 60]], np.float32), count, 0),
            np.repeat(landmarks[None], count, 0),
            np.full(count, self._score, np.float32),
        )


def marked(degrees: int) -> Pixels:
    """A picture whose marked corner is on top and left once it is turned by so many degrees."""
    picture = np.zeros((120, 160, 3), np.uint8)
    picture[:40, :40] = 255
    return turn(picture, -degrees % 360)


@pytest.mark.parametrize("degrees", QUARTER_TURNS)
def test_a_photo_is_turned_until_its_faces_are_upright(degrees: int) -> None:
    turned, faces = find_faces(marked(degrees), MarkedCorner())
    assert (turned, len(faces)) == (degrees, 1)


def test_a_photo_with_a_sure_upright_face_is_read_once() -> None:
    detector = MarkedCorner()
    assert find_faces(marked(0), detector)[0] == 0
    assert detector.pictures == 1


@pytest.mark.parametrize(("score", "roll"), [(0.7, 0.0), (0.9, 40.0)])
def test_unsure_or_tilted_faces_are_compared_with_the_other_turns_and_kept_if_none_is_better(
    score: float, roll: float
) -> None:
    detector = MarkedCorner(score, roll)
    turned, faces = find_faces(marked(0), detector)
    assert (turned, len(faces)) == (0, 1)
    assert detector.pictures == 4


def test_a_photo_without_a_face_stays_as_it_is() -> None:
    turned, faces = find_faces(np.zeros((90, 120, 3), np.uint8), MarkedCorner())
    assert (turned, len(faces)) == (0, 0)


@given(
    degrees=st.sampled_from(QUARTER_TURNS),
    left=st.integers(0, 20),
    top=st.integers(0, 10),
    width=st.integers(1, 20),
    height=st.integers(1, 10),
)
def test_a_box_of_the_turned_picture_is_found_again_in_the_picture_as_it_was(
    degrees: int, left: int, top: int, width: int, height: int
) -> None:
    picture = np.zeros((25, 45, 3), np.uint8)
    picture[top : top + height, left : left + width] = 255
    rows, columns = np.nonzero(turn(picture, degrees)[..., 0])
    box = np.array([[columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]], np.float32)
    before = boxes_before_turn(box, degrees, 45, 25)
    np.testing.assert_array_equal(before, np.array([[left, top, width, height]], np.float32))


@pytest.mark.parametrize("name", ["photos/group", "photos/dim", "gallery/barack_obama"])
def test_the_sample_photos_are_read_alike_in_every_turn(pack: ModelPack, samples: Path, name: str) -> None:
    detector = CenterFaceDetector(pack.detector, threads=1)
    read: dict[tuple[tuple[int, ...], bytes], Faces] = {}

    def detect(picture: NDArray[np.uint8]) -> Faces:
        """Read each picture once: the turns of a turned photo are those of the photo."""
        key = (picture.shape, picture.tobytes())
        if key not in read:
            read[key] = detector.detect(picture)
        return read[key]

    upright = decode((samples / f"{name}.jpg").read_bytes()).pixels
    found = detect(upright)
    for degrees in QUARTER_TURNS:
        for find in (find_faces, find_portrait):
            turned, faces = find(turn(upright, -degrees % 360), detect)
            assert turned == degrees
            np.testing.assert_array_equal(faces.boxes, found.boxes)
