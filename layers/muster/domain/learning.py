"""The rules by which a template learns faces, and forgets faces to make room for others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from muster.domain.identifiers import FaceId, PackId, StudentId
from muster.domain.student import MAX_LEARNED, LearnedFace, Template

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MIN_DUPLICATE_COSINE = 0.9
"""Cosine from which two faces of a student count as near duplicates. Of the pairs of pictures of one person that were
taken on different occasions, 1.5 % reach it (benchmarks/recognition/learned_faces.py)."""

AUTOMATIC_FACE_LIFETIME = timedelta(days=30)
"""Age from which a full template replaces an automatically learned face with a newer one. Templates follow a student's
looks over a school year without being rewritten at every roll call."""


class LearningMode(StrEnum):
    """The faces that templates learn from: certain and confirmed ones, only confirmed ones, or none."""

    AUTOMATIC = "automatic"
    CONFIRMED = "confirmed"
    OFF = "off"


@dataclass(frozen=True, eq=False, slots=True)
class NewFace:
    """A face for a template to learn from.

    Attributes:
        embedding: float32 (D,), unit length.
        pack: the model pack that computed it; a template of a pack that cannot be compared does not learn from it. None
            is not checked.
    """

    student_id: StudentId
    face: LearnedFace
    embedding: NDArray[np.float32]
    pack: PackId | None = None


def with_learned_face(template: Template, face: LearnedFace, embedding: NDArray[np.float32]) -> Template:
    """Return a template with one more learned row, or the unchanged template if the face adds nothing.

    A confirmed face is always learned and replaces near duplicates. An automatic face is not learned if the template
    already learned from its session or has a near duplicate.

    A full template replaces automatic faces first. An automatic face can replace only automatic faces that are older
    than `AUTOMATIC_FACE_LIFETIME`. Of the older half of the replaceable faces, the one most similar to the other
    learned faces is removed.

    Args:
        embedding: (D,), unit length.
    """
    if embedding.shape != template.embeddings.shape[1:]:
        # From another pack: the student was registered again while the photo was read.
        return template
    if face.automatic and not _adds_information(template, face, embedding):
        return template
    alike = set() if face.automatic else _near_duplicates(template, embedding)
    kept = template
    for face_id in {face.face_id, *alike}:
        kept = without_learned_face(kept, face_id)
    while len(kept.learned) >= MAX_LEARNED:
        replaceable = _find_replaceable(kept, face, embedding)
        if replaceable is None:
            return template
        kept = without_learned_face(kept, replaceable)
    import numpy as np

    return replace(
        kept,
        embeddings=np.concatenate([kept.embeddings, embedding[None]]).astype(np.float32),
        learned=(*kept.learned, face),
    )


def without_learned_face(template: Template, face_id: FaceId) -> Template:
    """Return a template without the row learned from a face; unchanged if there is none."""
    if face_id not in template.learned_ids:
        return template
    import numpy as np

    at = template.learned_ids.index(face_id)
    row = len(template.embeddings) - len(template.learned) + at
    return replace(
        template,
        embeddings=np.delete(template.embeddings, row, axis=0),
        learned=template.learned[:at] + template.learned[at + 1 :],
    )


def _adds_information(template: Template, face: LearnedFace, embedding: NDArray[np.float32]) -> bool:
    """Return whether an automatic face differs from the template's rows and comes from a new session."""
    if any(face.face_id == known.face_id or face.session_id == known.session_id for known in template.learned):
        return False
    return bool((template.embeddings @ embedding).max() < MIN_DUPLICATE_COSINE)


def _near_duplicates(template: Template, embedding: NDArray[np.float32]) -> set[FaceId]:
    rows = _learned_rows(template)
    return {
        known
        for known, cosine in zip(template.learned_ids, rows @ embedding, strict=True)
        if cosine >= MIN_DUPLICATE_COSINE
    }


def _find_replaceable(template: Template, face: LearnedFace, embedding: NDArray[np.float32]) -> FaceId | None:
    """Return the learned face that a new one replaces in a full template, or None if none may be replaced."""
    automatic = [at for at, known in enumerate(template.learned) if known.automatic]
    if face.automatic:
        candidates: Sequence[int] = [at for at in automatic if _is_old(template.learned[at], face)]
    else:
        candidates = automatic or range(len(template.learned))
    if not candidates:
        return None
    older = list(candidates)[: (len(candidates) + 1) // 2]
    import numpy as np

    rows = np.concatenate([_learned_rows(template), embedding[None]])
    similarity = (rows @ rows.T).sum(axis=1)
    return template.learned_ids[max(older, key=lambda at: similarity[at])]


def _is_old(known: LearnedFace, face: LearnedFace) -> bool:
    if known.learned_at is None or face.learned_at is None:
        return True
    return face.learned_at - known.learned_at >= AUTOMATIC_FACE_LIFETIME


def _learned_rows(template: Template) -> NDArray[np.float32]:
    return template.embeddings[len(template.embeddings) - len(template.learned) :]
