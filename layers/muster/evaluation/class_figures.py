"""Marks, questions and mistakes in class photos, as counts and as figures over rounds."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muster.domain.faces import Decision
from muster.domain.identifiers import StudentId
from muster.evaluation.calibration import Statements, reliability
from muster.evaluation.class_draws import ClassPhoto
from muster.evaluation.metrics import STRANGER, estimate
from muster.recognition.matcher import Match

IndexArray = NDArray[np.intp]

_HIGHEST = dict.fromkeys(("marked", "asked", "missed", "wrong"), 1.0)
"""Upper limits of intervals: a share is at most 1. The lower limit is 0 for all figures."""

UNNAMED = -1
"""Value in `named` for a face without a name."""


@dataclass(frozen=True, eq=False, slots=True)
class PhotoDecisions:
    """Decisions about one photo of N faces.

    Attributes:
        named: intp (N,), the column of the student named, or `UNNAMED`, also for a face that was not found.
        present: bool (N,), True if that student is marked present, False if the teacher is asked.
        log_odds: float64 (N,), the stated posterior log-odds in nats; NaN if none is stated.
        questions: students that the teacher is asked about.
    """

    named: IndexArray
    present: NDArray[np.bool_]
    log_odds: NDArray[np.float64]
    questions: int


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts over photos.

    Attributes:
        photos: number of photos.
        faces: faces in them.
        students: faces of registered students, who are present.
        strangers: the other faces.
        marked: students marked present by their own face.
        asked: students proposed, but not marked, for their own face.
        wrong: students whose face was marked with another student's name.
        strangers_marked: strangers' faces marked with a student's name.
        strangers_asked: strangers' faces that the teacher is asked about.
        questions: students that the teacher is asked about, over all photos.
    """

    photos: int = 0
    faces: int = 0
    students: int = 0
    strangers: int = 0
    marked: int = 0
    asked: int = 0
    wrong: int = 0
    strangers_marked: int = 0
    strangers_asked: int = 0
    questions: int = 0

    @property
    def missed(self) -> int:
        """Students who are present but neither marked, nor proposed, nor mistaken for another student."""
        return self.students - self.marked - self.asked - self.wrong


@dataclass(frozen=True, eq=False, slots=True)
class PhotoResult:
    """One photo's counts and stated probabilities."""

    tally: Tally
    statements: Statements


def decisions_of(
    matches: Sequence[Match], places: Sequence[int], columns: Mapping[StudentId, int], faces: int
) -> PhotoDecisions:
    """Reduce the matches of a whole photo to decisions about its labelled faces.

    Args:
        matches: of every face that was decided, including faces without a label.
        places: for each match the index of its labelled face, negative if it has none.
        columns: the column of each student.
        faces: number of labelled faces, N.
    """
    named = np.full(faces, UNNAMED, dtype=np.intp)
    present = np.zeros(faces, dtype=np.bool_)
    log_odds = np.full(faces, np.nan)
    marked = {match.student_id for match in matches if match.decision is Decision.PRESENT}
    asked = {match.student_id for match in matches if match.decision is Decision.REVIEW} - marked
    for place, match in zip(places, matches, strict=True):
        if place < 0 or match.student_id is None:
            continue
        named[place] = columns[match.student_id]
        present[place] = match.decision is Decision.PRESENT
        log_odds[place] = math.nan if match.log_odds is None else match.log_odds
    return PhotoDecisions(named, present, log_odds, len(asked))


def count_photo(photo: ClassPhoto, decisions: PhotoDecisions, chosen: NDArray[np.bool_] | None = None) -> PhotoResult:
    """Count what was right and wrong in a photo.

    Args:
        chosen: bool (N,), the faces to count; None counts all of them, and the photo's questions.
    """
    counted = np.ones(len(photo.faces), dtype=np.bool_) if chosen is None else chosen
    known = counted & (photo.mates != STRANGER)
    stranger = counted & (photo.mates == STRANGER)
    named = decisions.named != UNNAMED
    right = named & (decisions.named == photo.mates) & (photo.mates != STRANGER)
    # A student may be marked by a stranger's face and asked about at their own: that is a wrong mark, not a question.
    count = np.count_nonzero
    tally = Tally(
        photos=1,
        faces=int(count(counted)),
        students=int(count(known)),
        strangers=int(count(stranger)),
        marked=int(count(known & right & decisions.present)),
        asked=int(count(known & right & ~decisions.present)),
        wrong=int(count(known & named & ~right & decisions.present)),
        strangers_marked=int(count(stranger & named & decisions.present)),
        strangers_asked=int(count(stranger & named & ~decisions.present)),
        questions=decisions.questions if chosen is None else 0,
    )
    stated = counted & ~np.isnan(decisions.log_odds)
    return PhotoResult(tally, Statements(decisions.log_odds[stated], right[stated]))


def total(tallies: Iterable[Tally]) -> Tally:
    """Add up tallies."""
    rows = list(tallies)
    return Tally(**{name: sum(getattr(tally, name) for tally in rows) for name in Tally.__dataclass_fields__})


def rates(tally: Tally) -> dict[str, float]:
    """Return a tally as shares and as numbers per photo; NaN if the denominator is 0."""
    wrong_marks = tally.wrong + tally.strangers_marked
    return {
        "marked": _ratio(tally.marked, tally.students),
        "asked": _ratio(tally.asked, tally.students),
        "missed": _ratio(tally.missed, tally.students),
        "wrong": _ratio(tally.wrong, tally.students),
        "questions_per_photo": _ratio(tally.questions, tally.photos),
        "strangers_marked_per_photo": _ratio(tally.strangers_marked, tally.photos),
        "strangers_marked_per_10000_faces": _ratio(10_000 * tally.strangers_marked, tally.faces),
        "wrong_marks_per_10000_faces": _ratio(10_000 * wrong_marks, tally.faces),
    }


def figures(rounds: Sequence[Sequence[PhotoResult]]) -> dict[str, Any]:
    """Return the figures of one kind of photo: counts over all rounds, rates as means over rounds.

    Args:
        rounds: the photos of each round; at least one photo.
    """
    by_round = [total(result.tally for result in results) for results in rounds if results]
    everything = total(by_round)
    values = [rates(tally) for tally in by_round]
    estimates = {name: estimate(np.array([row[name] for row in values], dtype=np.float64)) for name in values[0]}
    statements = Statements.joined(result.statements for results in rounds for result in results)
    return {
        "photos": everything.photos,
        "faces": everything.faces,
        "students_present": everything.students,
        "strangers": everything.strangers,
        **{name: _rounded(found.mean) for name, found in estimates.items()},
        "wrong_count": everything.wrong,
        "strangers_marked_count": everything.strangers_marked,
        "strangers_asked_count": everything.strangers_asked,
        "calibration": reliability(statements),
        "intervals_95": {
            name: [_rounded(max(0.0, found.low)), _rounded(min(_HIGHEST.get(name, found.high), found.high))]
            for name, found in estimates.items()
            if found.low is not None and found.high is not None
        },
    }


def _ratio(part: float, whole: int) -> float:
    return part / whole if whole else math.nan


def _rounded(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(value, 4)
