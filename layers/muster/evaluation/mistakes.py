"""Faces that the shipped thresholds decided wrongly, worst first, with thumbnails."""

import base64
import io
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from muster.domain.identifiers import StudentId
from muster.evaluation.datasets import NOBODY
from muster.evaluation.embed import PictureFaces
from muster.evaluation.matching import NOT_FOUND, main_face
from muster.evaluation.metrics import STRANGER
from muster.evaluation.rounds import MethodResult, RoundResult
from muster.evaluation.run import EvaluationReport
from muster.vision.decode import decode

_THUMBNAIL = 128
_MARGIN = 0.4


class MistakeKind(StrEnum):
    """Kinds of mistakes, named as in `Counts`."""

    WRONG = "wrong"
    ACCEPTED_STRANGER = "accepted_strangers"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Mistake:
    """A face that was decided wrongly in at least one round.

    Attributes:
        face: index of the labelled face.
        person: the person it belongs to; None for a stranger.
        named: the student it was mistaken for, or for a missed face the best-scoring one; None in an empty gallery.
        registered_by: the picture that registered that student; None in an empty gallery.
        score: score of that student, or for a missed face of the right student, in the worst round.
        rounds: number of rounds with this mistake.
    """

    kind: MistakeKind
    face: int
    person: StudentId | None
    named: StudentId | None
    registered_by: Path | None
    score: float
    rounds: int


def worst_mistakes(report: EvaluationReport, method: str, max_per_kind: int) -> list[Mistake]:
    """Return the worst mistakes of a method, at most `max_per_kind` of each kind, each face once.

    Wrong names and accepted strangers are worse the higher they scored, missed faces the lower.
    """
    found: dict[tuple[MistakeKind, int], Mistake] = {}
    for round_result, method_result in zip(report.rounds, report.results(method), strict=True):
        for mistake in _mistakes_of_round(report, round_result, method_result):
            key = (mistake.kind, mistake.face)
            known = found.get(key)
            rounds = 1 if known is None else known.rounds + 1
            worse = mistake if known is None or _badness(mistake) > _badness(known) else known
            found[key] = Mistake(
                worse.kind, worse.face, worse.person, worse.named, worse.registered_by, worse.score, rounds
            )
    ordered = sorted(found.values(), key=lambda mistake: (-_badness(mistake), mistake.face))
    return [
        mistake
        for kind in MistakeKind
        for mistake in [candidate for candidate in ordered if candidate.kind is kind][:max_per_kind]
    ]


def probe_thumbnail(report: EvaluationReport, mistake: Mistake) -> str:
    """Return the mistaken face as a data URI."""
    path = report.dataset.pictures[report.dataset.face_pictures[mistake.face]]
    detection = int(report.detections[mistake.face])
    return _thumbnail(path, report.pictures.faces(path), detection)


def registration_thumbnail(report: EvaluationReport, path: Path) -> str:
    """Return the main face of a registration picture as a data URI."""
    seen = report.pictures.faces(path)
    return _thumbnail(path, seen, main_face(seen.boxes, seen.width, seen.height))


def _mistakes_of_round(
    report: EvaluationReport, round_result: RoundResult, method_result: MethodResult
) -> list[Mistake]:
    known = round_result.mates != STRANGER
    genuine = np.full(len(round_result.faces), np.nan)
    genuine[known] = method_result.outcome.genuine
    named, present = method_result.named, method_result.present
    masks: dict[MistakeKind, NDArray[np.bool_]] = {
        MistakeKind.WRONG: present & known & (named != round_result.mates),
        MistakeKind.ACCEPTED_STRANGER: present & ~known,
        MistakeKind.MISSED: known & (named < 0),
    }
    mistakes = []
    for kind, mask in masks.items():
        for row in np.flatnonzero(mask):
            column = int(method_result.best[row] if kind is MistakeKind.MISSED else named[row])
            person = int(report.dataset.face_people[round_result.faces[row]])
            mistakes.append(
                Mistake(
                    kind=kind,
                    face=int(round_result.faces[row]),
                    person=None if person == NOBODY else report.dataset.people[person],
                    named=round_result.registered[column] if column >= 0 else None,
                    registered_by=report.dataset.pictures[round_result.pictures[column]] if column >= 0 else None,
                    score=float(genuine[row] if kind is MistakeKind.MISSED else method_result.best_score[row]),
                    rounds=1,
                )
            )
    return mistakes


def _badness(mistake: Mistake) -> float:
    return -mistake.score if mistake.kind is MistakeKind.MISSED else mistake.score


def _thumbnail(path: Path, seen: PictureFaces, detection: int) -> str:
    image = Image.fromarray(decode(path.read_bytes()).pixels)
    if detection != NOT_FOUND:
        x, y, width, height = seen.boxes[detection].tolist()
        side = max(width, height) * (1 + _MARGIN)
        left, top = x + width / 2 - side / 2, y + height / 2 - side / 2
        image = image.crop((round(left), round(top), round(left + side), round(top + side)))
    image.thumbnail((_THUMBNAIL, _THUMBNAIL))
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
