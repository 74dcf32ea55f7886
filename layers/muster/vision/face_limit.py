"""A limit on the faces of one photo: each costs processing time, and a collage may contain thousands."""

import logging
from typing import Final

import numpy as np

from muster.domain.faces import Faces

MAX_FACES: Final = 200
"""Twice a class of 100."""

_log = logging.getLogger(__name__)


def best_faces(faces: Faces, limit: int = MAX_FACES) -> Faces:
    """Return the faces with the highest scores, and log a warning if there were more."""
    if len(faces) <= limit:
        return faces
    _log.warning("a photo shows %d faces: the %d with the highest scores are read", len(faces), limit)
    return faces.take(np.argsort(-faces.scores, kind="stable")[:limit])
