"""Class photos of a dataset: drawn from its faces, decided as in a roll call, and counted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muster.arrays import FloatArray
from muster.domain.student import Template
from muster.evaluation.class_draws import (
    NOT_REGISTERED,
    ClassPhoto,
    ClassPhotoSettings,
    Crowd,
    PhotoKind,
    class_sizes,
    draw_class_photo,
    real_class_photo,
)
from muster.evaluation.class_figures import PhotoDecisions, PhotoResult, count_photo, decisions_of, figures
from muster.evaluation.datasets import Dataset, Form
from muster.evaluation.embed import Pictures
from muster.evaluation.matching import NOT_FOUND
from muster.evaluation.protocols import Round
from muster.evaluation.rounds import Recognition
from muster.progress import OnProgress
from muster.recognition.gallery import Gallery
from muster.recognition.head import Head
from muster.recognition.matcher import identify
from muster.recognition.scoring import PreparedGallery, prepare

IndexArray = NDArray[np.intp]

UNCHANGED = "unchanged"
"""Label of the faces in their original size."""

_WIDTH_EDGES = (30, 50, 80)
"""Edges in pixels of the groups of measured face widths in real photos."""

Rounds = dict[int, list[PhotoResult]]
"""Photos of one kind, by the number of the round."""


@dataclass(frozen=True, eq=False, slots=True)
class ClassPhotoResults:
    """All class photos of an evaluation.

    Attributes:
        kinds: by the number of students in the class, then by kind of photo.
        widths: usual photos by the width of their faces.
    """

    kinds: dict[int, dict[PhotoKind, Rounds]] = field(default_factory=dict)
    widths: dict[str, Rounds] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the part `class_photos` of the JSON document; docs/method.md defines its terms."""
        return {
            "classes": [
                {"registered": size, **{kind.value: _figures(kinds.get(kind)) for kind in PhotoKind}}
                for size, kinds in sorted(self.kinds.items())
            ],
            "by_face_width": [{"face_width": label, **figures(_lists(rows))} for label, rows in self.widths.items()],
        }


@dataclass(frozen=True, eq=False, slots=True)
class Classroom:
    """The people, pictures and heads that class photos are made from.

    Attributes:
        detections: intp (F,), for each labelled face its detection in its picture, or `NOT_FOUND`.
        heads: the head of each round, or None.
    """

    dataset: Dataset
    pictures: Pictures
    rounds: Sequence[Round]
    heads: Sequence[Head | None]
    detections: IndexArray
    recognition: Recognition

    def crowd(self, number: int) -> Crowd:
        """Return the people of a round."""
        drawn = self.rounds[number]
        registering = np.full(len(self.dataset.people), NOT_REGISTERED, dtype=np.intp)
        registering[drawn.registered] = drawn.pictures
        return Crowd(drawn.faces, self.dataset.face_people[drawn.faces], registering)

    def gallery(self, photo: ClassPhoto) -> PreparedGallery:
        """Return the gallery of a photo's class; students whose registration picture shows no face are omitted."""
        read = [self.pictures.template(self.dataset.pictures[picture]) for picture in photo.registering]
        templates = [
            Template(self.dataset.people[person], self.recognition.pack, template.embeddings, template.photo_digest)
            for person, template in zip(photo.students, read, strict=True)
            if len(template.embeddings)
        ]
        return prepare(Gallery.from_templates(templates, self.recognition.pack), self.recognition.population)

    def decide(self, number: int, photo: ClassPhoto, probes: FloatArray, places: Sequence[int]) -> PhotoDecisions:
        """Decide all faces of a photo together.

        Args:
            number: the round, whose head is used.
            probes: float32 (M, D), unit rows, one for every face found in the photo.
            places: for each probe the index of its labelled face in `photo`, negative if it has none.
        """
        columns = {self.dataset.people[person]: column for column, person in enumerate(photo.students)}
        matches = identify(probes, self.gallery(photo), self.recognition.policy, self.heads[number])
        return decisions_of(matches, places, columns, len(photo.faces))


def run_class_photos(room: Classroom, settings: ClassPhotoSettings, progress: OnProgress) -> ClassPhotoResults:
    """Draw and decide the class photos of every round; the same arguments give the same results.

    Args:
        progress: called with a step in words and the fraction completed, 0 to 1.
    """
    if not settings.photos:
        return ClassPhotoResults()
    if room.dataset.form is Form.PHOTOS:
        return _real_photos(room, progress)
    results = ClassPhotoResults()
    sizes = class_sizes(room.crowd(0), settings.sizes)
    for number in range(len(room.rounds)):
        progress("class photos", _DRAWN_SHARE * number / len(room.rounds))
        crowd = room.crowd(number)
        for size in sizes:
            for kind in PhotoKind:
                rows = [
                    count_photo(photo, _portrait_decisions(room, number, photo, room.pictures.faces))
                    for photo in _drawn(crowd, kind, size, settings, room.rounds[number].seed)
                ]
                results.kinds.setdefault(size, {}).setdefault(kind, {})[number] = rows
    if sizes:
        _small_faces(room, sizes[0], settings, results, _part(progress, _DRAWN_SHARE))
    return results


_DRAWN_SHARE = 0.2
"""Fraction of the time for photos of unchanged faces; shrunk faces are embedded again."""


def _drawn(crowd: Crowd, kind: PhotoKind, size: int, settings: ClassPhotoSettings, seed: int) -> list[ClassPhoto]:
    random = np.random.default_rng([seed, size, list(PhotoKind).index(kind)])
    photos = [draw_class_photo(crowd, kind, size, settings, random) for _ in range(settings.photos)]
    return [photo for photo in photos if photo is not None]


def _portrait_decisions(room: Classroom, number: int, photo: ClassPhoto, read: Callable[..., Any]) -> PhotoDecisions:
    """Decide a drawn photo, each of whose faces is the main face of a separate picture."""
    found = np.flatnonzero(room.detections[photo.faces] != NOT_FOUND)
    seen = [read(room.dataset.pictures[room.dataset.face_pictures[face]]) for face in photo.faces[found]]
    rows = room.detections[photo.faces[found]]
    none = np.empty((0, room.recognition.population.size), dtype=np.float32)
    probes = np.concatenate([none, *(faces.embeddings[[row]] for faces, row in zip(seen, rows, strict=True))])
    return room.decide(number, photo, probes, found.tolist())


def _small_faces(
    room: Classroom, size: int, settings: ClassPhotoSettings, results: ClassPhotoResults, progress: OnProgress
) -> None:
    """Repeat the same usual photos with every face shrunk to each width."""
    photos = []
    for index in range(settings.small_photos):
        number = index % len(room.rounds)
        random = np.random.default_rng([room.rounds[number].seed, index])
        photo = draw_class_photo(room.crowd(number), PhotoKind.USUAL, size, settings, random)
        if photo is not None:
            photos.append((number, photo))
    done = 0
    for width in (*settings.face_widths, None):
        label = UNCHANGED if width is None else str(width)
        for number, photo in photos:
            progress("small faces", done / (len(photos) * (len(settings.face_widths) + 1)))
            done += 1
            read = room.pictures.faces if width is None else _shrunk(room.pictures, width)
            row = count_photo(photo, _portrait_decisions(room, number, photo, read))
            results.widths.setdefault(label, {}).setdefault(number, []).append(row)


def _shrunk(pictures: Pictures, width: int) -> Callable[..., Any]:
    return lambda path: pictures.shrunk_faces(path, width)


def _real_photos(room: Classroom, progress: OnProgress) -> ClassPhotoResults:
    """Use every photo of groups unchanged, including bystanders."""
    results = ClassPhotoResults()
    for number, drawn in enumerate(room.rounds):
        progress("class photos", number / len(room.rounds))
        random = np.random.default_rng(drawn.seed)
        registering = room.crowd(number).registering
        size = len(drawn.registered)
        pictures = room.dataset.face_pictures[drawn.faces]
        for picture in np.unique(pictures):
            faces = drawn.faces[pictures == picture]
            people = room.dataset.face_people[faces]
            for kind in PhotoKind:
                photo = real_class_photo(faces, people, registering, kind, random)
                if photo is None:
                    continue
                decisions = _real_decisions(room, number, photo, int(picture))
                kinds = results.kinds.setdefault(size, {})
                kinds.setdefault(kind, {}).setdefault(number, []).append(count_photo(photo, decisions))
                if kind is PhotoKind.USUAL:
                    _add_by_width(room, number, photo, decisions, results)
    return results


def _real_decisions(room: Classroom, number: int, photo: ClassPhoto, picture: int) -> PhotoDecisions:
    seen = room.pictures.faces(room.dataset.pictures[picture])
    label_of = {int(row): place for place, row in enumerate(room.detections[photo.faces]) if row != NOT_FOUND}
    places = [label_of.get(row, -1) for row in range(len(seen.boxes))]
    return room.decide(number, photo, seen.embeddings, places)


def _add_by_width(
    room: Classroom, number: int, photo: ClassPhoto, decisions: PhotoDecisions, results: ClassPhotoResults
) -> None:
    place = np.searchsorted(_WIDTH_EDGES, room.dataset.face_boxes[photo.faces, 2], side="right")
    for group, label in enumerate(_width_labels()):
        inside = place == group
        if inside.any():
            row = count_photo(photo, decisions, inside)
            results.widths.setdefault(label, {}).setdefault(number, []).append(row)


def _width_labels() -> list[str]:
    between = [f"{low} to {high - 1}" for low, high in pairwise(_WIDTH_EDGES)]
    return [f"under {_WIDTH_EDGES[0]}", *between, f"{_WIDTH_EDGES[-1]} and more"]


def _figures(rows: Rounds | None) -> dict[str, Any] | None:
    return figures(_lists(rows)) if rows and any(rows.values()) else None


def _lists(rows: Rounds) -> list[list[PhotoResult]]:
    return [rows[number] for number in sorted(rows)]


def _part(progress: OnProgress, start: float) -> OnProgress:
    return lambda step, share: progress(step, start + (1 - start) * share)
