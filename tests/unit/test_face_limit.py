"""A collage of thousands of faces costs no more than a large class."""

import logging

import numpy as np
import pytest

from muster.domain.faces import Faces
from muster.vision.face_limit import MAX_FACES, best_faces


def faces(count: int) -> Faces:
    scores = np.random.default_rng(0).permutation(np.linspace(0.5, 1, count)).astype(np.float32)
    return Faces(np.zeros((count, 4), np.float32), np.zeros((count, 5, 2), np.float32), scores)


def test_the_best_faces_of_too_many_are_read_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    many = faces(MAX_FACES + 50)
    with caplog.at_level(logging.WARNING):
        best = best_faces(many)
    assert len(best) == MAX_FACES
    np.testing.assert_array_equal(best.scores, np.sort(many.scores)[::-1][:MAX_FACES])
    assert f"{MAX_FACES + 50} faces" in caplog.text


def test_a_class_is_read_whole() -> None:
    assert best_faces(faces(MAX_FACES)).scores.tolist() == faces(MAX_FACES).scores.tolist()
