"""Selection of the students that an incremental update trains on."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from muster.arrays import FloatArray, unit_rows
from muster.domain.identifiers import StudentId
from muster.domain.student import Template
from muster.recognition.head import Head

# Old students most similar to each new one, taken first; the rest of the replay is a random sample.
_NEIGHBOURS = 8


@dataclass(frozen=True, slots=True)
class TemplateChanges:
    """Changes to the templates since a head was trained.

    Attributes:
        new: students who are new to the head, or who have further rows.
        gone: students it was trained on who are no longer registered, have another photo, or have lost a learned face.
    """

    new: frozenset[StudentId]
    gone: frozenset[StudentId]


def fingerprints(templates: Sequence[Template]) -> dict[StudentId, str]:
    """Return each student's fingerprint, which changes with the template: photo, number of rows, learned faces."""
    return {t.student_id: ":".join([_photo(t), str(len(t.embeddings)), *_learned(t)]) for t in templates}


def find_changes(head: Head | None, templates: Sequence[Template]) -> TemplateChanges:
    """Compare the templates, one per student, with those that a head was trained on; without a head all are new."""
    seen = {} if head is None else head.students
    now = fingerprints(templates)
    return TemplateChanges(
        frozenset(s for s, mark in now.items() if seen.get(s) != mark),
        frozenset(s for s, mark in seen.items() if s not in now or not _photos(mark) <= _photos(now[s])),
    )


def _photos(fingerprint: str) -> set[str]:
    photo, _, *learned = fingerprint.split(":")
    return {photo, *learned}


def select_for_update(
    templates: Sequence[Template], new: frozenset[StudentId], replay: int, mean: FloatArray, seed: int
) -> list[Template]:
    """Return the new students, then at most `replay` old ones: those most similar to them, then a random sample.

    Args:
        templates: one per student.
        mean: float32 (D,), of people in general; similarity is the cosine about it.
    """
    added = [t for t in templates if t.student_id in new]
    old = [t for t in templates if t.student_id not in new]
    if len(old) <= replay:
        return added + old
    random = np.random.default_rng(seed)
    order = random.permutation(len(old))
    if added:
        likeness = (_centred(added, mean) @ _centred(old, mean).T).astype(np.float32)
        nearest = np.argsort(-likeness, axis=1, kind="stable")[:, :_NEIGHBOURS]
        close = list(dict.fromkeys(nearest.T.ravel().tolist()))[: replay // 2]
        taken = set(close)
        order = np.array(close + [i for i in order.tolist() if i not in taken])
    return added + [old[i] for i in order[:replay]]


def _photo(template: Template) -> str:
    # Half of a hash distinguishes two photos, and identifies no photo to anyone who does not have it.
    return hashlib.sha256(template.photo_digest.encode()).hexdigest()[:16]


def _learned(template: Template) -> list[str]:
    return [hashlib.sha256(face.encode()).hexdigest()[:16] for face in template.learned_ids]


def _centred(templates: Sequence[Template], mean: FloatArray) -> FloatArray:
    return unit_rows(np.stack([template.embeddings[0] for template in templates]) - mean)
