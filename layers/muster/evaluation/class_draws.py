"""Classes and class photos, drawn from faces whose people are known.

A drawn photo is a list of faces. Its kind determines who is registered, who is present and how many strangers it
shows, so that a simulated classroom has the proportions of a real one.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from muster.domain.errors import InvalidRequest
from muster.evaluation.metrics import STRANGER

IndexArray = NDArray[np.intp]

NOT_REGISTERED = -1
"""Value in `Crowd.registering` for a person who can only be a stranger."""


class PhotoKind(StrEnum):
    """Kinds of photos: of the class, of half the class among strangers, or of strangers only."""

    USUAL = "usual"
    HALF_EMPTY = "half_empty"
    WRONG_CLASS = "wrong_class"


@dataclass(frozen=True, slots=True)
class ClassPhotoSettings:
    """How classes and their photos are drawn.

    Attributes:
        sizes: students in a class; a class is smaller if the dataset has fewer.
        photos: photos of each kind for each size, in every round; 0 draws none.
        present: lowest and highest share of the class in a usual photo, 0 to 1.
        strangers: minimum and maximum of strangers in a usual photo.
        half_empty_strangers: strangers in a half-empty photo.
        wrong_class_strangers: strangers in a photo of the wrong class.
        small_photos: usual photos drawn for each of `face_widths`, over all rounds together.
        face_widths: widths in pixels to which faces are shrunk.
    """

    sizes: tuple[int, ...] = (30, 100)
    photos: int = 20
    present: tuple[float, float] = (0.85, 0.95)
    strangers: tuple[int, int] = (0, 3)
    half_empty_strangers: int = 10
    wrong_class_strangers: int = 30
    small_photos: int = 10
    face_widths: tuple[int, ...] = (20, 30, 40, 60)

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            InvalidRequest: a class has no student, or a number of photos is negative.
        """
        if not self.sizes or min(self.sizes) < 1:
            raise InvalidRequest("A class must have at least 1 student: give --class-size 1 or more.")
        if self.photos < 0:
            raise InvalidRequest("The number of class photos must be 0 or more.")


@dataclass(frozen=True, eq=False, slots=True)
class Crowd:
    """The people who can be drawn.

    Attributes:
        faces: intp (M,), the faces that photos are drawn from; none of them is in a registration picture.
        people: intp (M,), the person of each face.
        registering: intp (P,), the picture or face that registers each person, or `NOT_REGISTERED`.
    """

    faces: IndexArray
    people: IndexArray
    registering: IndexArray

    def students(self) -> IndexArray:
        """Return the people who can be registered and then found in a photo, ascending."""
        with_faces = np.unique(self.people[self.people >= 0])
        students: IndexArray = with_faces[self.registering[with_faces] != NOT_REGISTERED]
        return students


@dataclass(frozen=True, eq=False, slots=True)
class ClassPhoto:
    """One photo and the class that the roll call is for.

    Attributes:
        students: intp (S,), the registered people, ascending: the columns of the gallery.
        registering: intp (S,), the picture or face that registers each of them.
        faces: intp (N,), the faces in the photo.
        mates: intp (N,), the column of each face's person, or `STRANGER`.
    """

    kind: PhotoKind
    students: IndexArray
    registering: IndexArray
    faces: IndexArray
    mates: IndexArray


def class_sizes(crowd: Crowd, sizes: tuple[int, ...]) -> list[int]:
    """Return the distinct sizes that the crowd allows, ascending."""
    available = len(crowd.students())
    return sorted({min(size, available) for size in sizes} - {0})


def draw_class_photo(
    crowd: Crowd, kind: PhotoKind, size: int, settings: ClassPhotoSettings, random: np.random.Generator
) -> ClassPhoto | None:
    """Draw a class and one photo of it, each person with one face.

    Args:
        size: students in the class, at most as many as the crowd has.

    Returns:
        The photo, with fewer strangers if the crowd has too few; None if it would show nobody.
    """
    students = np.sort(random.permutation(crowd.students())[:size])
    present = random.permutation(students)[: _number_present(kind, len(students), settings, random)]
    outsiders = np.setdiff1d(crowd.people[crowd.people >= 0], students)
    strangers = random.permutation(outsiders)[: _number_of_strangers(kind, settings, random)]
    shown = np.concatenate([present, strangers])
    if not len(shown):
        return None
    faces = np.array([random.choice(crowd.faces[crowd.people == person]) for person in shown], dtype=np.intp)
    mates = np.full(len(shown), STRANGER, dtype=np.intp)
    mates[: len(present)] = np.searchsorted(students, present)
    return ClassPhoto(kind, students, crowd.registering[students], faces, mates)


def real_class_photo(
    faces: IndexArray, people: IndexArray, registering: IndexArray, kind: PhotoKind, random: np.random.Generator
) -> ClassPhoto | None:
    """Make a class photo from a real photo by choosing which people count as registered.

    A usual photo is used unchanged. For a half-empty photo, half of the students in it are removed from the class, so
    they become strangers. For the wrong class, all of them are.

    Args:
        faces: intp (N,), the labelled faces of the photo.
        people: intp (N,), the person of each, negative for a stranger.
        registering: intp (P,), the picture that registers each person, or `NOT_REGISTERED`.

    Returns:
        The photo; None if nobody would be left in the class, or if the photo cannot have that kind.
    """
    roll = np.flatnonzero(registering != NOT_REGISTERED)
    seen = np.intersect1d(people, roll)
    if kind is not PhotoKind.WRONG_CLASS and not len(seen):
        return None
    removed = {
        PhotoKind.USUAL: seen[:0],
        PhotoKind.HALF_EMPTY: random.permutation(seen)[: len(seen) // 2],
        PhotoKind.WRONG_CLASS: seen,
    }[kind]
    students = np.setdiff1d(roll, removed)
    if not len(students) or not len(faces) or (kind is PhotoKind.HALF_EMPTY and not len(removed)):
        return None
    columns = np.full(len(registering), STRANGER, dtype=np.intp)
    columns[students] = np.arange(len(students))
    mates = np.where(people >= 0, columns[people], STRANGER)
    return ClassPhoto(kind, students, registering[students], faces, mates)


def _number_present(kind: PhotoKind, size: int, settings: ClassPhotoSettings, random: np.random.Generator) -> int:
    if kind is PhotoKind.WRONG_CLASS:
        return 0
    if kind is PhotoKind.HALF_EMPTY:
        return (size + 1) // 2
    return round(size * random.uniform(*settings.present))


def _number_of_strangers(kind: PhotoKind, settings: ClassPhotoSettings, random: np.random.Generator) -> int:
    if kind is PhotoKind.WRONG_CLASS:
        return settings.wrong_class_strangers
    if kind is PhotoKind.HALF_EMPTY:
        return settings.half_empty_strangers
    low, high = settings.strangers
    return int(random.integers(low, high + 1))
