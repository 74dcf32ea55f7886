"""One round: the registered people's gallery, a head trained on it, and what both answer to every face."""

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
from muster.evaluation.metrics import STRANGER, Counts, Outcome, Searches, outcome, tally
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
    """What training on a round's templates came to: the head if it was promoted, and why or why not."""

    head: Head | None
    reason: str


TrainHead = Callable[[Sequence[Template]], TrainedHead]
"""Train on templates as production would: promotion gate included."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """How faces are recognised.

    Attributes:
        pack: the model pack that makes the embeddings.
        population: statistics of that pack.
        policy: as shipped.
        train: how heads are trained; None leaves stage 1 alone.
    """

    pack: PackId
    population: Population
    policy: Policy
    train: TrainHead | None


@dataclass(frozen=True, eq=False, slots=True)
class Answers:
    """What one method answered in one round, N labelled faces that were found.

    Attributes:
        outcome: of the scores.
        counts: of the decisions.
        best: intp (N,), the column of the best-scoring student, or -1 in an empty gallery.
        best_score: float64 (N,), its score.
        named: intp (N,), the column of the student named, -1 for unknown.
        present: bool (N,), True where that student is marked present, False where the teacher is asked.
        named_elsewhere: faces marked present in the same photos that no label lies on.
    """

    outcome: Outcome
    counts: Counts
    best: IndexArray
    best_score: NDArray[np.float64]
    named: IndexArray
    present: NDArray[np.bool_]
    named_elsewhere: int


@dataclass(frozen=True, eq=False, slots=True)
class RoundResult:
    """One round's answers.

    Attributes:
        registered: S students, the columns of the gallery.
        pictures: intp (S,), the picture that registered each.
        faces: intp (N,), the labelled faces that were found and searched for.
        mates: intp (N,), the column of each face's person, or `STRANGER`.
        searched: labelled faces in all, found or not.
        strangers: how many of them are nobody's in the gallery.
        found: how many of them were found.
        not_registered: people whose registration picture shows no face.
        trained: what training came to.
        facenet_alone: by the plain cosine with each student's unchanged registration photo.
        stage1, two_stage: the same where no head was promoted.
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
    facenet_alone: Outcome
    stage1: Answers
    two_stage: Answers


def locate(dataset: Dataset, pictures: Pictures, faces: IndexArray) -> IndexArray:
    """Find the detection of each labelled face.

    Args:
        faces: intp (N,), labelled faces.

    Returns:
        intp (N,), its index among the detections of its picture, or `NOT_FOUND`.
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


def play(dataset: Dataset, pictures: Pictures, one: Round, detections: IndexArray, how: Recognition) -> RoundResult:
    """Register, train and search for every face of a round.

    Args:
        detections: intp (F,), for each labelled face of the dataset, from `locate`.
    """
    templates = [
        Template(dataset.people[person], how.pack, read.embeddings, read.photo_digest)
        for person, picture in zip(one.registered, one.pictures, strict=True)
        if len((read := pictures.template(dataset.pictures[picture])).embeddings)
    ]
    gallery = Gallery.from_templates(templates, how.pack)
    column = {student: number for number, student in enumerate(gallery.student_ids)}
    # A person whose registration failed keeps a mate's place in the count, but no column: a miss, not a stranger.
    columns = np.array([column.get(dataset.people[person], _NOBODY_NAMED) for person in one.registered], dtype=np.intp)
    has_mate = one.mates != STRANGER
    mates = np.full(len(one.mates), STRANGER, dtype=np.intp)
    mates[has_mate] = columns[one.mates[has_mate]]
    lost = has_mate & (mates == STRANGER)

    found = (detections[one.faces] != NOT_FOUND) & ~lost
    searched = _Searched(dataset, pictures, one.faces[found], detections, mates[found])
    missed = int(np.count_nonzero(has_mate & ~found))
    unseen_strangers = int(np.count_nonzero(~has_mate & ~found))
    prepared = prepare(gallery, how.population)
    trained = _train(templates, how)
    stage1 = _answer(searched, prepared, how.policy, None, missed, unseen_strangers)
    two_stage = (
        stage1
        if trained.head is None
        else _answer(searched, prepared, how.policy, trained.head, missed, unseen_strangers)
    )
    kept = np.array([one.pictures[number] for number in np.argsort(columns) if columns[number] >= 0], dtype=np.intp)
    return RoundResult(
        registered=gallery.student_ids,
        pictures=kept,
        faces=searched.faces,
        mates=searched.mates,
        searched=len(one.faces),
        strangers=int(np.count_nonzero(~has_mate)),
        found=int(np.count_nonzero(detections[one.faces] != NOT_FOUND)),
        not_registered=tuple(
            dataset.people[person] for person, place in zip(one.registered, columns, strict=True) if place < 0
        ),
        trained=trained,
        facenet_alone=_facenet_alone(searched, how.population, gallery, missed),
        stage1=stage1,
        two_stage=two_stage,
    )


@dataclass(frozen=True, eq=False, slots=True)
class _Searched:
    """The labelled faces that were found: intp (N,), in order of their pictures, with their mates."""

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


def _train(templates: Sequence[Template], how: Recognition) -> TrainedHead:
    if how.train is None:
        return TrainedHead(None, "nothing was trained")
    if len(templates) < 2:
        return TrainedHead(None, "training needs two students or more")
    return how.train(templates)


def _answer(
    searched: _Searched,
    prepared: PreparedGallery,
    policy: Policy,
    head: Head | None,
    missed: int,
    unseen_strangers: int,
) -> Answers:
    ranking = _ranking(searched.embeddings(prepared.population.size), prepared, head).astype(np.float64)
    named, present, elsewhere = _decide(searched, prepared, policy, head)
    students = prepared.gallery.size
    return Answers(
        outcome=outcome(Searches(ranking, searched.mates, missed)),
        counts=tally(named, present, searched.mates, missed, unseen_strangers),
        best=ranking.argmax(axis=1) if students else np.full(len(ranking), _NOBODY_NAMED),
        best_score=ranking.max(axis=1, initial=-np.inf),
        named=named,
        present=present,
        named_elsewhere=elsewhere,
    )


def _facenet_alone(searched: _Searched, population: Population, gallery: Gallery, missed: int) -> Outcome:
    """Compare by the cosine of FaceNet, every pack's first network, with the unchanged registration photo."""
    size, first = len(population.networks[0].mean), np.flatnonzero(np.diff(gallery.owners, prepend=-1))
    probes, unchanged = searched.embeddings(population.size)[:, :size], gallery.embeddings[first, :size]
    # FaceNet's block of an embedding of several networks is shorter than 1.
    length = np.sqrt(len(population.networks))
    cosine = (probes * length) @ (unchanged * length).T
    return outcome(Searches(cosine.astype(np.float64), searched.mates, missed))


def _ranking(probes: FloatArray, prepared: PreparedGallery, head: Head | None) -> FloatArray:
    """Return scores, (N, S), whose best student is the one named and whose value is held against the bar of `present`.

    With a head, that is stage 1's score of the student whom the fused score ranks first: the head names, and stage 1
    rejects.
    """
    normalised = score(probes, prepared, same_photo=False).normalised
    if head is None:
        return normalised
    named = head.fuse(normalised, head.similarity(probes, prepared.gallery)).argmax(axis=1)[:, None]
    held = np.take_along_axis(normalised, named, axis=1)
    ranking = np.minimum(normalised, np.nextafter(held, np.float32(-np.inf)))
    np.put_along_axis(ranking, named, held, axis=1)
    return ranking


def _decide(
    searched: _Searched, prepared: PreparedGallery, policy: Policy, head: Head | None
) -> tuple[IndexArray, NDArray[np.bool_], int]:
    """Decide photo by photo as detection does, bystanders included, since a student is given to one face at most."""
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
        # A portrait is of its main face; whoever stands behind has no label to judge the answer by.
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
