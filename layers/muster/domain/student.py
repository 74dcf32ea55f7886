"""Who is registered, and by what they are recognised."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from muster.domain.identifiers import GroupId, PackId, StudentId

EMBEDDING_SIZE = 512
"""Length of a FaceNet embedding (model card of 20180408-102900)."""


@dataclass(frozen=True, slots=True)
class Consent:
    """A student's consent to be recognised.

    Attributes:
        given_at: UTC.
        wording: version of the text that was agreed to.
        withdrawn_at: UTC, or None while it holds.
    """

    given_at: datetime
    wording: str
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Student:
    """A registered person.

    Attributes:
        groups: the classes or courses the student belongs to, at least one.
        registered_at: UTC.
        version: counts changes of this record, from 1.
    """

    id: StudentId
    name: str
    groups: frozenset[GroupId]
    consent: Consent
    registered_at: datetime
    version: int = 1


@dataclass(frozen=True, eq=False, slots=True)
class Template:
    """The embeddings of one student.

    Attributes:
        pack: the model pack that made them; embeddings of different packs never mix.
        embeddings: float32 (V, 512), unit rows, one per augmented view; row 0 is the unchanged photo.
        photo_digest: SHA-256 of the registration photo's bytes, lower-case hexadecimal.
    """

    student_id: StudentId
    pack: PackId
    embeddings: NDArray[np.float32]
    photo_digest: str
