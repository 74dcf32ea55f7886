"""Roll calls of drawn classes, from embeddings alone."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.recognition.class_parts.faces import Portraits
from muster.arrays import FloatArray
from muster.domain.identifiers import StudentId
from muster.domain.student import Template
from muster.evaluation.class_draws import (
    NOT_REGISTERED,
    ClassPhoto,
    ClassPhotoSettings,
    Crowd,
    PhotoKind,
    class_sizes,
    draw_class_photo,
)
from muster.evaluation.class_figures import PhotoDecisions, PhotoResult, count_photo, decisions_of, figures
from muster.evaluation.datasets import Dataset
from muster.evaluation.metrics import FPIR_POINTS, Searches, dir_at, rank_1, search_outcome
from muster.evaluation.protocols import plan_rounds
from muster.evaluation.rounds import Recognition, TrainHead
from muster.recognition.gallery import Gallery
from muster.recognition.head import Head
from muster.recognition.matcher import identify
from muster.recognition.scoring import PreparedGallery, prepare, score

IndexArray = NDArray[np.intp]
Shrunk = Callable[[int, set[str]], dict[str, FloatArray]]
"""Embeddings of pictures whose faces are shrunk to a width in pixels, by picture."""

UNCHANGED = "unchanged"


@dataclass(frozen=True, eq=False, slots=True)
class RollCalls:
    """Classes drawn from portraits, with other registration photos in each of `seeds` rounds.

    Where `how` trains, each round's head is trained on everyone who could register, as a school would be.

    Attributes:
        registered: the same faces as another pack embeds them, if students were registered with it.
    """

    portraits: Portraits
    how: Recognition
    drawn: ClassPhotoSettings
    seeds: int
    heads: dict[int, Head | None] = field(default_factory=dict)
    registered: Portraits | None = None

    def classes(self) -> list[dict[str, Any]]:
        """Return the figures for each size of class, by kind of photo."""
        return self.joined([self])

    @classmethod
    def joined(cls, parts: "Sequence[RollCalls]") -> list[dict[str, Any]]:
        """Return the figures of several parts together; each seed of each part is a round."""
        sizes = sorted({size for part in parts for size in class_sizes(part._crowd(0), part.drawn.sizes)})
        return [
            {
                "registered": size,
                **{kind.value: _figures(part._rounds(size, kind) for part in parts) for kind in PhotoKind},
            }
            for size in sizes
        ]

    def small_faces(self, shrunk: Shrunk) -> list[dict[str, Any]]:
        """Return the figures of the same usual photos with faces of each width, and with unchanged faces."""
        size = class_sizes(self._crowd(0), self.drawn.sizes)[0]
        photos = []
        for index in range(max(self.drawn.small_photos, self.seeds)):
            seed = index % self.seeds
            random = np.random.default_rng([seed, index])
            photo = draw_class_photo(self._crowd(seed), PhotoKind.USUAL, size, self.drawn, random)
            if photo is not None:
                photos.append((seed, photo))
        used = {str(self.portraits.path[face]) for _, photo in photos for face in photo.faces}
        rows = []
        for width in (*self.drawn.face_widths, None):
            small = None if width is None else shrunk(width, used)
            rounds: dict[int, list[PhotoResult]] = {}
            for seed, photo in photos:
                rounds.setdefault(seed, []).append(self._judge(photo, small))
            rows.append({"face_width": UNCHANGED if width is None else str(width), **figures(list(rounds.values()))})
        return rows

    def _crowd(self, seed: int) -> Crowd:
        """Register everyone with several pictures by one of them."""
        random = np.random.default_rng(seed)
        _, people = np.unique(self.portraits.person, return_inverse=True)
        registering = np.full(int(people.max()) + 1, NOT_REGISTERED, dtype=np.intp)
        for person in np.flatnonzero(np.bincount(people) > 1):
            registering[person] = random.choice(np.flatnonzero(people == person))
        faces = np.setdiff1d(np.arange(len(people), dtype=np.intp), registering)
        return Crowd(faces, people[faces].astype(np.intp), registering)

    def photos(self, seed: int, size: int, kind: PhotoKind) -> Iterator[ClassPhoto]:
        """Draw the class photos of a round; the same people give the same photos with every pack."""
        random = np.random.default_rng([seed, size, list(PhotoKind).index(kind)])
        crowd = self._crowd(seed)
        for _ in range(self.drawn.photos):
            photo = draw_class_photo(crowd, kind, size, self.drawn, random)
            if photo is not None:
                yield photo

    def decide(
        self, photo: ClassPhoto, small: dict[str, FloatArray] | None = None, head: Head | None = None
    ) -> PhotoDecisions:
        """Decide all faces of a class photo.

        Args:
            small: embeddings of shrunk faces by picture, used in place of the portraits'.
        """
        rows = self.portraits.embeddings
        probes = rows[photo.faces]
        if small is not None:
            probes = np.stack([small[str(self.portraits.path[face])] for face in photo.faces])
        ids = [StudentId(f"s{column:03}") for column in range(len(photo.students))]
        prepared = gallery_of(self._registrations[photo.registering], ids, self.how)
        matches = identify(probes, prepared, self.how.policy, head)
        columns = {student: column for column, student in enumerate(ids)}
        return decisions_of(matches, range(len(matches)), columns, len(photo.faces))

    def _rounds(self, size: int, kind: PhotoKind) -> list[list[PhotoResult]]:
        rounds = []
        for seed in range(self.seeds):
            head = self.head(seed)
            rounds.append([self._judge(photo, None, head) for photo in self.photos(seed, size, kind)])
        return rounds

    def head(self, seed: int) -> Head | None:
        """Return the head of a round, trained when it is first asked for."""
        if self.how.train is None:
            return None
        if seed not in self.heads:
            self.heads[seed] = self._trained(self._crowd(seed), self.how.train)
        return self.heads[seed]

    @property
    def _registrations(self) -> FloatArray:
        return (self.registered or self.portraits).embeddings

    def _trained(self, crowd: Crowd, train: TrainHead) -> Head | None:
        students = crowd.students()
        rows = self._registrations[crowd.registering[students]]
        names = [StudentId(f"p{person:04}") for person in students]
        return train(templates_of(rows, names, self.how)).head

    def _judge(self, photo: ClassPhoto, small: dict[str, FloatArray] | None, head: Head | None = None) -> PhotoResult:
        return count_photo(photo, self.decide(photo, small, head))


def templates_of(rows: FloatArray, ids: Sequence[StudentId], how: Recognition) -> list[Template]:
    """Register students by one embedding each."""
    return [Template(student, how.pack, row[None], "0" * 64) for student, row in zip(ids, rows, strict=True)]


def gallery_of(rows: FloatArray, ids: Sequence[StudentId], how: Recognition) -> PreparedGallery:
    """Return the gallery of students who are registered by one embedding each."""
    return prepare(Gallery.from_templates(templates_of(rows, ids, how), how.pack), how.population)


def identification_rates(
    people: Portraits, folder: Path, dataset: Dataset, how: Recognition, share_left_out: float, seeds: int
) -> dict[str, float]:
    """Return rank-1 and DIR at FPIR 0.1, 1 and 10 % of the score alone, in the protocol of
    `benchmarks.recognition.accuracy`.

    Args:
        folder: of the pictures.
        dataset: people of the protocol, all of whose pictures are among the portraits.
        share_left_out: share of the people who are not registered.
    """
    row_of = {str(name): row for row, name in enumerate(people.path)}
    rows = np.array([row_of[str(path.relative_to(folder))] for path in dataset.pictures])
    found: dict[str, list[float]] = {}
    for drawn in plan_rounds(dataset, share_left_out, seeds):
        ids = [StudentId(f"s{column:03}") for column in range(len(drawn.registered))]
        prepared = gallery_of(people.embeddings[rows[drawn.pictures]], ids, how)
        probes = people.embeddings[rows[dataset.face_pictures[drawn.faces]]]
        scores = score(probes, prepared, same_photo=False).normalised
        searched = search_outcome(Searches(scores.astype(np.float64), drawn.mates))
        found.setdefault("rank_1", []).append(rank_1(searched))
        for name, fpir in FPIR_POINTS.items():
            found.setdefault(name, []).append(dir_at(searched, fpir))
    return {name: round(float(np.mean(values)), 4) for name, values in found.items()}


def _figures(parts: Iterable[list[list[PhotoResult]]]) -> dict[str, Any] | None:
    rounds = [results for part in parts for results in part if results]
    return figures(rounds) if rounds else None
