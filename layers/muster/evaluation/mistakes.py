"""The faces that the shipped thresholds got wrong, worst first, as pictures."""

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
from muster.evaluation.rounds import Answers, RoundResult
from muster.evaluation.run import EvaluationReport
from muster.vision.decode import decode

_THUMBNAIL = 128
_MARGIN = 0.4


class Kind(StrEnum):
    """What went wrong, in the words of the counts."""

    WRONG = "wrong"
    ACCEPTED_STRANGER = "accepted_strangers"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Mistake:
    """One face that was answered wrongly in one round or more.

    Attributes:
        face: the labelled face.
        person: whose it is; None for nobody in the dataset.
        named: the student it was taken for, or the best-scoring one where it was missed; None in an empty gallery.
        registered_by: the picture that registered that student; None likewise.
        score: of that student; of the right one where the face was missed. The worst round's.
        rounds: how many rounds it went wrong in.
    """

    kind: Kind
    face: int
    person: StudentId | None
    named: StudentId | None
    registered_by: Path | None
    score: float
    rounds: int


def worst(report: EvaluationReport, method: str, most: int) -> list[Mistake]:
    """Return the worst mistakes of a method, at most `most` of each kind, each face once.

    Wrong names and accepted strangers are worse the higher they scored, missed faces the lower.
    """
    found: dict[tuple[Kind, int], Mistake] = {}
    for one, answers in zip(report.rounds, report.answers(method), strict=True):
        for mistake in _of_round(report, one, answers):
            key = (mistake.kind, mistake.face)
            known = found.get(key)
            rounds = 1 if known is None else known.rounds + 1
            worse = mistake if known is None or _badness(mistake) > _badness(known) else known
            found[key] = Mistake(
                worse.kind, worse.face, worse.person, worse.named, worse.registered_by, worse.score, rounds
            )
    ordered = sorted(found.values(), key=lambda mistake: (-_badness(mistake), mistake.face))
    return [mistake for kind in Kind for mistake in [one for one in ordered if one.kind is kind][:most]]


def probe_thumbnail(report: EvaluationReport, mistake: Mistake) -> str:
    """Return the mistaken face as a data URI."""
    path = report.dataset.pictures[report.dataset.face_pictures[mistake.face]]
    detection = int(report.detections[mistake.face])
    return _thumbnail(path, report.pictures.faces(path), detection)


def registration_thumbnail(report: EvaluationReport, path: Path) -> str:
    """Return the main face of a registration picture as a data URI."""
    seen = report.pictures.faces(path)
    return _thumbnail(path, seen, main_face(seen.boxes, seen.width, seen.height))


def _of_round(report: EvaluationReport, one: RoundResult, answers: Answers) -> list[Mistake]:
    known = one.mates != STRANGER
    genuine = np.full(len(one.faces), np.nan)
    genuine[known] = answers.outcome.genuine
    named, present = answers.named, answers.present
    masks: dict[Kind, NDArray[np.bool_]] = {
        Kind.WRONG: present & known & (named != one.mates),
        Kind.ACCEPTED_STRANGER: present & ~known,
        Kind.MISSED: known & (named < 0),
    }
    mistakes = []
    for kind, mask in masks.items():
        for row in np.flatnonzero(mask):
            column = int(answers.best[row] if kind is Kind.MISSED else named[row])
            person = int(report.dataset.face_people[one.faces[row]])
            mistakes.append(
                Mistake(
                    kind=kind,
                    face=int(one.faces[row]),
                    person=None if person == NOBODY else report.dataset.people[person],
                    named=one.registered[column] if column >= 0 else None,
                    registered_by=report.dataset.pictures[one.pictures[column]] if column >= 0 else None,
                    score=float(genuine[row] if kind is Kind.MISSED else answers.best_score[row]),
                    rounds=1,
                )
            )
    return mistakes


def _badness(mistake: Mistake) -> float:
    return -mistake.score if mistake.kind is Kind.MISSED else mistake.score


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
