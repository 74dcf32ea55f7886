"""Students, their consent, and the templates that they are recognised by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from muster.domain.identifiers import FaceId, GroupId, PackId, SessionId, StudentId, UserId

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_GROUPS = 40
"""Most groups of one student: a DynamoDB transaction has at most 100 actions, and each group takes two of them."""

CONSENT_WORDING = "2026-2"
"""Version of the consent text in docs/privacy.md."""

_WORDINGS_WITHOUT_LEARNING = frozenset({"2026-1"})
"""Versions of the consent text that cover one photo, but not learning from class photos."""

MAX_LEARNED = 5
"""Most faces that one template learns from; `muster.domain.learning` decides which one another face replaces."""


@dataclass(frozen=True, slots=True)
class Consent:
    """A student's consent to be recognised.

    Attributes:
        given_at: UTC.
        wording: version of the text that was agreed to.
        withdrawn_at: UTC, or None while consent holds.
        stated_by: the user who stated that consent was given; None in records older than this field.
        renewed_after: UTC, the withdrawal of the earlier consent that this one renews; None for a first consent.
    """

    given_at: datetime
    wording: str
    withdrawn_at: datetime | None = None
    stated_by: UserId | None = None
    renewed_after: datetime | None = None

    @property
    def holds(self) -> bool:
        """Whether the student may be recognised."""
        return self.withdrawn_at is None

    @property
    def allows_learning(self) -> bool:
        """Whether the template may learn from class photos without a teacher asking for it."""
        return self.holds and self.wording not in _WORDINGS_WITHOUT_LEARNING


class StudentState(StrEnum):
    """The state of a student: no photo yet, recognised, or consent withdrawn."""

    ENROLLED = "enrolled"
    REGISTERED = "registered"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class PhotoChange:
    """The replacement of a registration photo by another one.

    Attributes:
        at: UTC.
        by: the user who replaced it.
    """

    at: datetime
    by: UserId


@dataclass(frozen=True, slots=True)
class Student:
    """A person on a roster, registered once there is consent and a photo.

    Attributes:
        groups: the classes or courses the student belongs to, at least one.
        consent: None until it is recorded.
        registered_at: UTC; None while the student has no template: enrolled without a photo, or consent withdrawn.
        version: counts changes to this record, from 1.
        photo_change: the last replacement of the registration photo; None if it is the first one.
    """

    id: StudentId
    name: str
    groups: frozenset[GroupId]
    consent: Consent | None
    registered_at: datetime | None
    version: int = 1
    photo_change: PhotoChange | None = None

    @property
    def state(self) -> StudentState:
        """The state, derived from registration and consent."""
        if self.registered_at is not None:
            return StudentState.REGISTERED
        return StudentState.ENROLLED if self.consent is None else StudentState.WITHDRAWN


@dataclass(frozen=True, slots=True)
class LearnedFace:
    """A face that a template learned from, with its origin.

    This record outlives its session, so the face can still be found and removed.

    Attributes:
        session_id, group_id: the roll call that showed the face; None in records older than these fields.
        learned_at: UTC; None in records older than this field.
        by: the user who confirmed the face; None if it was learned automatically, or in older records.
        automatic: learned because the photo was certain, without anyone confirming it.
    """

    face_id: FaceId
    session_id: SessionId | None = None
    group_id: GroupId | None = None
    learned_at: datetime | None = None
    by: UserId | None = None
    automatic: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Template:
    """The embeddings of one student.

    Attributes:
        pack: the model pack that computed the views. Learned rows may come from another of the same embedding space
            (`muster.domain.packs`); embeddings of different spaces never mix.
        embeddings: float32 (V + L, D), unit rows: first one per augmented view, with the unchanged photo in
            row 0, then one per learned face, the oldest first.
        photo_digest: SHA-256 of the registration photo's bytes, lower-case hexadecimal.
        learned: the L faces, at most `MAX_LEARNED`, that the last rows were learned from.
    """

    student_id: StudentId
    pack: PackId
    embeddings: NDArray[np.float32]
    photo_digest: str
    learned: tuple[LearnedFace, ...] = ()

    @property
    def learned_ids(self) -> tuple[FaceId, ...]:
        """Ids of the faces learned from, in the order of their rows."""
        return tuple(face.face_id for face in self.learned)

    def row_weights(self) -> NDArray[np.float32]:
        """Return the weight of each row in the student's mean, float32 (V + L,).

        Every photo counts the same: the V views of the registration photo share the weight of one photo, and each of
        the L learned faces has the same weight. With one learned face DIR at FPIR 1 % is then 0.960; it is 0.942 if
        every row counts the same and 0.950 if the best photo decides (benchmarks/recognition/learned_faces.py).
        """
        import numpy as np

        learned = len(self.learned)
        views = len(self.embeddings) - learned
        return np.concatenate([np.full(views, 1 / max(views, 1)), np.ones(learned)]).astype(np.float32)

    def mean_view(self) -> MeanView:
        """Return the weighted mean of the rows."""
        weights = self.row_weights()[:, None]
        mean: NDArray[np.float32] = (self.embeddings * weights).sum(axis=0) / weights.sum()
        return MeanView(self.student_id, self.pack, mean)


@dataclass(frozen=True, eq=False, slots=True)
class MeanView:
    """The weighted mean of a template's rows, by which a registration is compared with a student.

    Attributes:
        embedding: float32 (D,), not of unit length.
    """

    student_id: StudentId
    pack: PackId
    embedding: NDArray[np.float32]
