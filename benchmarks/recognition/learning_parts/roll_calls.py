"""A class whose templates learn from its roll calls, simulated with pictures of public figures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from benchmarks.lib.pictures import Pictures
from muster.arrays import FloatArray, unit_rows
from muster.domain.faces import Decision
from muster.domain.identifiers import FaceId, GroupId, PackId, SessionId, StudentId, UserId
from muster.domain.learning import with_learned_face
from muster.domain.student import LearnedFace, Template
from muster.recognition.gallery import Gallery
from muster.recognition.matcher import Match, identify
from muster.recognition.plausibility import AUTOMATIC_RATIO, CONFIRMED_RATIO, are_plausible
from muster.recognition.policy import Policy
from muster.recognition.scoring import Population, PreparedGallery, prepare

PACK = PackId("embedded")
_FIRST_DAY = datetime(2026, 9, 1, 8, tzinfo=UTC)
_OUTSIDERS = 5
_PICTURES = 4
"""Pictures of a student: one registers, one is kept for the last photo, and the others are in the roll calls."""


@dataclass(frozen=True, slots=True)
class Way:
    """How templates learn.

    Attributes:
        bar: posterior log-odds in nats from which a face is learned automatically; None learns none.
        checked: whether such a face must be plausible by itself.
        confirmed: whether the teacher answers every question, and the answers are learned from.
    """

    bar: float | None
    checked: bool = True
    confirmed: bool = False


@dataclass(slots=True)
class Counts:
    """What a way of learning led to.

    Attributes:
        learned, wrong: faces learned, and those of another person than the student.
        outsiders, strangers: faces of the regular outsiders, and of others, that were shown.
        present, marked, mistaken: students shown in the last photos, those marked rightly, and wrong marks there.
        asked: questions in the last photos.
    """

    learned: int = 0
    wrong: int = 0
    outsiders: int = 0
    strangers: int = 0
    present: int = 0
    marked: int = 0
    mistaken: int = 0
    asked: int = 0
    photos: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class _Class:
    """Rows of the pictures: of each student, and of the outsiders who are in every photo."""

    students: list[NDArray[np.intp]]
    outsiders: list[NDArray[np.intp]]
    strangers: NDArray[np.intp]
    templates: list[Template] = field(default_factory=list)


def run_class(
    pictures: Pictures, population: Population, registered: int, sessions: int, way: Way, seed: int
) -> Counts:
    """Hold some roll calls of a class drawn from pictures, then count what a last photo of other pictures shows."""
    random = np.random.default_rng(seed)
    drawn = _draw(pictures, registered, random)
    templates = [
        Template(StudentId(f"s{at:03}"), PACK, unit_rows(pictures.embeddings[rows[:1]]), f"{at:064x}")
        for at, rows in enumerate(drawn.students)
    ]
    counts = Counts()
    for session in range(sessions):
        gallery = prepare(Gallery.from_templates(templates, PACK), population)
        faces, truth = _photo(pictures, drawn, [rows[2:] for rows in drawn.students], random)
        counts.outsiders += _OUTSIDERS
        counts.strangers += int((truth < 0).sum()) - _OUTSIDERS
        for at, face, automatic in _chosen(faces, truth, gallery, way):
            name = FaceId(f"{session}-{face}")
            learned = LearnedFace(
                name,
                SessionId(str(session)),
                GroupId("g"),
                _FIRST_DAY + timedelta(days=session),
                None if automatic else UserId("teacher"),
                automatic,
            )
            changed = with_learned_face(templates[at], learned, faces[face])
            counts.learned += changed is not templates[at]
            counts.wrong += changed is not templates[at] and truth[face] != at
            templates[at] = changed
    gallery = prepare(Gallery.from_templates(templates, PACK), population)
    faces, truth = _photo(pictures, drawn, [rows[1:2] for rows in drawn.students], random)
    for match, shown in zip(identify(faces, gallery, Policy()), truth, strict=True):
        right = match.student_id is not None and _number(match) == shown
        counts.present += int(shown >= 0)
        counts.marked += match.decision is Decision.PRESENT and right
        counts.mistaken += match.decision is Decision.PRESENT and not right
        counts.asked += match.decision is Decision.REVIEW
    counts.photos += 1
    return counts


def _draw(pictures: Pictures, registered: int, random: np.random.Generator) -> _Class:
    order = random.permutation(len(pictures.person))
    rows_of = {name: order[pictures.person[order] == name] for name in random.permutation(np.unique(pictures.person))}
    able = [name for name, rows in rows_of.items() if len(rows) >= _PICTURES]
    students = able[:registered]
    others = [name for name in rows_of if name not in set(students)]
    regular = sorted(others, key=lambda name: -min(len(rows_of[name]), _PICTURES))[:_OUTSIDERS]
    strangers = np.concatenate([rows_of[name] for name in others if name not in set(regular)])
    return _Class([rows_of[name] for name in students], [rows_of[name] for name in regular], strangers)


def _photo(
    pictures: Pictures, drawn: _Class, shown: Sequence[NDArray[np.intp]], random: np.random.Generator
) -> tuple[FloatArray, NDArray[np.intp]]:
    """Draw a photo: 85 to 95 % of the students, the regular outsiders, and none to three strangers."""
    count = len(drawn.students)
    present = random.permutation(count)[: round(count * random.uniform(0.85, 0.95))]
    rows = [int(random.choice(shown[student])) for student in present]
    rows += [int(random.choice(own)) for own in drawn.outsiders]
    rows += [int(row) for row in random.choice(drawn.strangers, random.integers(0, 4), replace=False)]
    truth = np.full(len(rows), -1)
    truth[: len(present)] = present
    return pictures.embeddings[rows], truth


def _chosen(
    faces: FloatArray, truth: NDArray[np.intp], gallery: PreparedGallery, way: Way
) -> Iterator[tuple[int, int, bool]]:
    """Yield which student learns from which face, and whether automatically."""
    matches = identify(faces, gallery, Policy())
    for face, match in enumerate(matches):
        if match.student_id is None or match.log_odds is None:
            continue
        at, row = _number(match), faces[face : face + 1]
        automatic = match.decision is Decision.PRESENT and way.bar is not None and match.log_odds >= way.bar
        confirmed = match.decision is Decision.REVIEW and way.confirmed and truth[face] == at
        ratio = AUTOMATIC_RATIO if automatic else CONFIRMED_RATIO
        if (automatic or confirmed) and (not way.checked or are_plausible(row, [match.student_id], gallery, ratio)[0]):
            yield at, face, automatic


def _number(match: Match) -> int:
    return int(str(match.student_id)[1:])
