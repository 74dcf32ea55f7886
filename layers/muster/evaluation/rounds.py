"""One round of an evaluation: register people, train a head on them and search for every other face."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from muster.arrays import FloatArray
from muster.domain.faces import Decision
from muster.domain.identifiers import PackId, StudentId
from muster.domain.student import Template
from muster.evaluation.datasets import Dataset, Form, group_photos
from muster.evaluation.embed import Pictures
from muster.evaluation.matching import NOT_FOUND, main_face, match_boxes
from muster.evaluation.metrics import STRANGER, Counts, Searches, SearchOutcome, search_outcome, tally
from muster.evaluation.protocols import Round
from muster.recognition.gallery import Gallery
from muster.recognition.head import Head
from muster.recognition.matcher import identify
from muster.recognition.policy import Policy
from muster.recognition.scoring import Population, PreparedGallery, prepare, score

IndexArray = NDArray[np.intp]

_NOBODY_NAMED = -1


@dataclass(frozen=True, slots=True)
class TrainedHead:
    """The result of training on a round's templates: the head, if it was promoted, and the reason for the verdict."""

    head: Head | None
    reason: str


TrainHead = Callable[[Sequence[Template]], TrainedHead]
"""Trains on templates as production does, including the promotion gate."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """How faces are recognised.

    Attributes:
        pack: the model pack that makes the embeddings.
        population: statistics of that pack.
        policy: thresholds of the decision.
        train: trains the head of stage 2; None uses stage 1 only.
    """

    pack: PackId
    population: Population
    policy: Policy
    train: TrainHead | None


@dataclass(frozen=True, eq=False, slots=True)
class MethodResult:
    """Result of one method in one round, for the N labelled faces that were found.

    Attributes:
        outcome: result of the searches, from the scores.
        counts: how many decisions were right and wrong.
        best: intp (N,), the column of the best-scoring student, or -1 in an empty gallery.
        best_score: float64 (N,), its score.
        named: intp (N,), the column of the student named, -1 for unknown.
        present: bool (N,), True if that student is marked present, False if the teacher is asked.
        named_elsewhere: faces in the same photos that are marked present but have no label.
    """

    outcome: SearchOutcome
    counts: Counts
    best: IndexArray
    best_score: NDArray[np.float64]
    named: IndexArray
    present: NDArray[np.bool_]
    named_elsewhere: int


@dataclass(frozen=True, eq=False, slots=True)
class RoundResult:
    """Results of one round.

    Attributes:
        registered: S students, the columns of the gallery.
        pictures: intp (S,), the picture that registered each.
        faces: intp (N,), the labelled faces that were found and searched for.
        mates: intp (N,), the column of each face's person, or `STRANGER`.
        searched: number of labelled faces, found or not.
        strangers: how many of them belong to nobody in the gallery.
        found: how many of them were found.
        not_registered: people whose registration picture shows no face.
        trained: result of training.
        facenet_alone: searches by the plain cosine with each student's unchanged registration photo.
        stage1, two_stage: equal if no head was promoted.
    """

    registered: tuple[StudentId, ...]
    pictures: IndexArray
    faces: IndexArray
    mates: IndexArray
    searched: int
    strangers: int
    found: int
    not_registered: tuple[StudentId, ...]
    trained: TrainedHead
    facenet_alone: SearchOutcome
    stage1: MethodResult
    two_stage: MethodResult


def locate(dataset: Dataset, pictures: Pictures, faces: IndexArray) -> IndexArray:
    """Find the detection of each labelled face.

    Args:
        faces: intp (N,), labelled faces.

    Returns:
        intp (N,), the index of each among the detections of its picture, or `NOT_FOUND`.
    """
    found = np.full(len(faces), NOT_FOUND, dtype=np.intp)
    for picture in np.unique(dataset.face_pictures[faces]):
        here = np.flatnonzero(dataset.face_pictures[faces] == picture)
        seen = pictures.faces(dataset.pictures[picture])
        if dataset.form is Form.IDENTITIES:
            found[here] = main_face(seen.boxes, seen.width, seen.height)
        else:
            found[here] = match_boxes(dataset.face_boxes[faces[here]], seen.boxes)
    return found


def run_round(
    dataset: Dataset, pictures: Pictures, round_: Round, detections: IndexArray, recognition: Recognition
) -> RoundResult:
    """Register, train and search for every face of a round.

    Args:
        detections: intp (F,), from `locate`, for each labelled face of the dataset.
    """
    templates = [
        Template(dataset.people[person], recognition.pack, read.embeddings, read.photo_digest)
        for person, picture in zip(round_.registered, round_.pictures, strict=True)
        if len((read := pictures.template(dataset.pictures[picture])).embeddings)
    ]
    gallery = Gallery.from_templates(templates, recognition.pack)
    column = {student: number for number, student in enumerate(gallery.student_ids)}
    # A person whose registration failed has no column, but still counts as registered: their faces are missed.
    columns = np.array(
        [column.get(dataset.people[person], _NOBODY_NAMED) for person in round_.registered], dtype=np.intp
    )
    has_mate = round_.mates != STRANGER
    mates = np.full(len(round_.mates), STRANGER, dtype=np.intp)
    mates[has_mate] = columns[round_.mates[has_mate]]
    lost = has_mate & (mates == STRANGER)

    found = (detections[round_.faces] != NOT_FOUND) & ~lost
    searched = _SearchedFaces(dataset, pictures, round_.faces[found], detections, mates[found])
    missed = int(np.count_nonzero(has_mate & ~found))
    unseen_strangers = int(np.count_nonzero(~has_mate & ~found))
    prepared = prepare(gallery, recognition.population)
    trained = _train(templates, recognition)
    stage1 = _evaluate(searched, prepared, recognition.policy, None, missed, unseen_strangers)
    two_stage = (
        stage1
        if trained.head is None
        else _evaluate(searched, prepared, recognition.policy, trained.head, missed, unseen_strangers)
    )
    kept = np.array([round_.pictures[number] for number in np.argsort(columns) if columns[number] >= 0], dtype=np.intp)
    return RoundResult(
        registered=gallery.student_ids,
        pictures=kept,
        faces=searched.faces,
        mates=searched.mates,
        searched=len(round_.faces),
        strangers=int(np.count_nonzero(~has_mate)),
        found=int(np.count_nonzero(detections[round_.faces] != NOT_FOUND)),
        not_registered=tuple(
            dataset.people[person] for person, place in zip(round_.registered, columns, strict=True) if place < 0
        ),
        trained=trained,
        facenet_alone=_facenet_alone(searched, recognition.population, gallery, missed),
        stage1=stage1,
        two_stage=two_stage,
    )


@dataclass(frozen=True, eq=False, slots=True)
class _SearchedFaces:
    """The labelled faces that were found, intp (N,), in the order of their pictures, with their mates."""

    dataset: Dataset
    pictures: Pictures
    faces: IndexArray
    detections: IndexArray
    mates: IndexArray

    def embeddings(self, size: int) -> FloatArray:
        """Return the faces' embeddings of `size` numbers, float32 (N, size)."""
        owners = (self.pictures.faces(self.dataset.pictures[self.dataset.face_pictures[face]]) for face in self.faces)
        rows = [seen.embeddings[self.detections[face]] for seen, face in zip(owners, self.faces, strict=True)]
        return np.stack(rows) if rows else np.empty((0, size), dtype=np.float32)


def _train(templates: Sequence[Template], recognition: Recognition) -> TrainedHead:
    if recognition.train is None:
        return TrainedHead(None, "nothing was trained")
    if len(templates) < 2:
        return TrainedHead(None, "training needs two students or more")
    return recognition.train(templates)


def _evaluate(
    searched: _SearchedFaces,
    prepared: PreparedGallery,
    policy: Policy,
    head: Head | None,
    missed: int,
    unseen_strangers: int,
) -> MethodResult:
    ranking = _ranking(searched.embeddings(prepared.population.size), prepared, head).astype(np.float64)
    named, present, elsewhere = _decide(searched, prepared, policy, head)
    students = prepared.gallery.size
    return MethodResult(
        outcome=search_outcome(Searches(ranking, searched.mates, missed)),
        counts=tally(named, present, searched.mates, missed, unseen_strangers),
        best=ranking.argmax(axis=1) if students else np.full(len(ranking), _NOBODY_NAMED),
        best_score=ranking.max(axis=1, initial=-np.inf),
        named=named,
        present=present,
        named_elsewhere=elsewhere,
    )


def _facenet_alone(searched: _SearchedFaces, population: Population, gallery: Gallery, missed: int) -> SearchOutcome:
    """Compare by the cosine of FaceNet, every pack's first network, with the unchanged registration photo."""
    size, first = len(population.networks[0].mean), np.flatnonzero(np.diff(gallery.owners, prepend=-1))
    probes, unchanged = searched.embeddings(population.size)[:, :size], gallery.embeddings[first, :size]
    # FaceNet's block of an embedding of several networks is shorter than 1.
    length = np.sqrt(len(population.networks))
    cosine = (probes * length) @ (unchanged * length).T
    return search_outcome(Searches(cosine.astype(np.float64), searched.mates, missed))


def _ranking(probes: FloatArray, prepared: PreparedGallery, head: Head | None) -> FloatArray:
    """Return scores, (N, S), that rank the named student first and that the threshold of `present` applies to.

    With a head, the named student is first by the fused score and keeps the score of stage 1: the head names, and
    stage 1 rejects.
    """
    normalised = score(probes, prepared, same_photo=False).normalised
    if head is None:
        return normalised
    named = head.fuse(normalised, head.similarity(probes, prepared.gallery)).argmax(axis=1)[:, None]
    kept = np.take_along_axis(normalised, named, axis=1)
    ranking = np.minimum(normalised, np.nextafter(kept, np.float32(-np.inf)))
    np.put_along_axis(ranking, named, kept, axis=1)
    return ranking


def _decide(
    searched: _SearchedFaces, prepared: PreparedGallery, policy: Policy, head: Head | None
) -> tuple[IndexArray, NDArray[np.bool_], int]:
    """Decide photo by photo as a roll call does, including bystanders: each student is assigned to at most one face."""
    column = {student: number for number, student in enumerate(prepared.gallery.student_ids)}
    named = np.full(len(searched.faces), _NOBODY_NAMED, dtype=np.intp)
    present = np.zeros(len(searched.faces), dtype=np.bool_)
    elsewhere = 0
    owners = searched.dataset.face_pictures[searched.faces]
    portraits = searched.dataset.form is Form.IDENTITIES
    for picture in np.unique(owners) if portraits else group_photos(searched.dataset):
        rows = np.flatnonzero(owners == picture)
        seen = searched.pictures.faces(searched.dataset.pictures[picture])
        labelled = searched.detections[searched.faces[rows]]
        # A portrait is labelled with its main face only, so decisions about other faces cannot be judged.
        shown = labelled if portraits else np.arange(len(seen.boxes))
        matches = identify(seen.embeddings[shown], prepared, policy, head)
        marked = {int(detection): match for detection, match in zip(shown, matches, strict=True)}
        for row, detection in zip(rows, labelled, strict=True):
            match = marked.pop(int(detection))
            if match.student_id is not None:
                named[row] = column[match.student_id]
                present[row] = match.decision is Decision.PRESENT
        elsewhere += sum(match.decision is Decision.PRESENT for match in marked.values())
    return named, present, elsewhere
