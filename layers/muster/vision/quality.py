"""How well a face can be recognised, and whether a photo is fit to register its student."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from muster.domain.errors import NoFace, SeveralFaces
from muster.domain.faces import Faces


@dataclass(frozen=True, eq=False, slots=True)
class Quality:
    """The quality of N faces, stacked."""

    score: NDArray[np.float32]


def assess(pixels: NDArray[np.uint8], faces: Faces) -> Quality:
    """Measure every face."""
    size = np.sqrt(faces.boxes[:, 2] * faces.boxes[:, 3])
    return Quality(np.clip(size / 100, 0, 1).astype(np.float32))


def require_registrable(pixels: NDArray[np.uint8], faces: Faces) -> int:
    """Return the index of the one main face."""
    if not len(faces):
        raise NoFace("No face was found: take the photo again with the face in the middle of the picture.")
    area = faces.boxes[:, 2:].prod(axis=1)
    main = int(area.argmax())
    if (np.delete(area, main) > area[main] / 2).any():
        raise SeveralFaces("Several faces were found: take the photo again with one person alone.")
    return main
