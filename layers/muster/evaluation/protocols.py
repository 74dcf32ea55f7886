"""Rounds of an evaluation: the students, their registration pictures and the faces to search."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from muster.domain.errors import InvalidRequest
from muster.evaluation.datasets import NOBODY, Dataset
from muster.evaluation.metrics import STRANGER

IndexArray = NDArray[np.intp]

MAX_ROUNDS_IN_TURN = 10
"""Most rounds for identity folders without `seeds`, in which each image registers its person in turn."""


@dataclass(frozen=True, eq=False, slots=True)
class Round:
    """A round: some people are registered, then the other faces are searched.

    Attributes:
        seed: the round's number, which seeds its random draws.
        registered: intp (S,), the registered people, ascending: the columns of the gallery.
        pictures: intp (S,), the picture that registers each of them.
        faces: intp (N,), the labelled faces to search.
        mates: intp (N,), the column of each face's person, `STRANGER` for everyone not registered.
    """

    seed: int
    registered: IndexArray
    pictures: IndexArray
    faces: IndexArray
    mates: IndexArray


def plan_rounds(dataset: Dataset, unregistered: float, seeds: int | None) -> list[Round]:
    """Plan the rounds of an evaluation; the same arguments always give the same rounds.

    Identity folders: without `seeds`, each image in turn registers its person (a person with fewer images starts
    again); with `seeds`, each round draws one image per person. Photos of groups: the gallery picture registers, in
    one round without `seeds`.

    Args:
        unregistered: share of the people who could register but do not, 0 to below 1, drawn again in each round. At
            least one person is registered and, if the share is above 0, at least one is not.
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
