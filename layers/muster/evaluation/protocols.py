"""Who registers with which picture in each round, and which faces are then searched for."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from muster.domain.errors import InvalidRequest
from muster.evaluation.datasets import NOBODY, Dataset
from muster.evaluation.metrics import STRANGER

IndexArray = NDArray[np.intp]

MAX_ROUNDS_IN_TURN = 10
"""Identity folders without a number of seeds: each image takes its turn, up to this many, to bound the time."""


@dataclass(frozen=True, eq=False, slots=True)
class Round:
    """One registration of a part of the people, and the faces that are searched for afterwards.

    Attributes:
        seed: the round's number; it seeds what is drawn.
        registered: intp (S,), the registered people, rising: the columns of the gallery.
        pictures: intp (S,), the picture that registers each of them.
        faces: intp (N,), the labelled faces that are searched for.
        mates: intp (N,), the column of each face's person, `STRANGER` for everyone not registered.
    """

    seed: int
    registered: IndexArray
    pictures: IndexArray
    faces: IndexArray
    mates: IndexArray


def plan(dataset: Dataset, unregistered: float, seeds: int | None) -> list[Round]:
    """Lay out the rounds of an evaluation; the same arguments always give the same rounds.

    Identity folders: without `seeds`, each image in turn registers its person (a person with fewer images begins
    again); with it, each seed draws one image a person. Photos of groups: the gallery picture registers, in one
    round without `seeds`.

    Args:
        unregistered: share of the people who could register but do not, 0 to below 1, drawn anew in each round;
            one person at least stays registered, and one at least is left out if it is above 0.
        seeds: number of rounds, 1 or more.

    Raises:
        InvalidRequest: `unregistered` or `seeds` is out of range.
    """
    if not 0 <= unregistered < 1:
        raise InvalidRequest("The share of unregistered students must be at least 0 and below 1, such as 0.5.")
    if seeds is not None and seeds < 1:
        raise InvalidRequest("The number of seeds must be 1 or more.")
    longest = max(len(pictures) for pictures in dataset.registrable)
    rounds = min(longest, MAX_ROUNDS_IN_TURN) if seeds is None else seeds
    return [_round(dataset, unregistered, number, drawn=seeds is not None) for number in range(rounds)]


def _round(dataset: Dataset, unregistered: float, number: int, *, drawn: bool) -> Round:
    random = np.random.default_rng(number)
    registered = _registered(dataset, unregistered, random)
    pictures = np.empty(len(registered), dtype=np.intp)
    for column, person in enumerate(registered):
        choices = dataset.registrable[person]
        pictures[column] = choices[int(random.integers(len(choices))) if drawn else number % len(choices)]
    faces = np.flatnonzero(~np.isin(dataset.face_pictures, pictures))
    columns = np.full(len(dataset.people), STRANGER, dtype=np.intp)
    columns[registered] = np.arange(len(registered))
    people = dataset.face_people[faces]
    mates = np.where(people == NOBODY, STRANGER, columns[people])
    return Round(number, registered, pictures, faces, mates)


def _registered(dataset: Dataset, unregistered: float, random: np.random.Generator) -> IndexArray:
    able = np.array([person for person, pictures in enumerate(dataset.registrable) if pictures], dtype=np.intp)
    if not unregistered:
        return able
    out = min(max(1, math.floor(unregistered * len(able) + 0.5)), len(able) - 1)
    return np.sort(random.permutation(able)[out:])
