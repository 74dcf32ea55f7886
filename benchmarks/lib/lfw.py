"""The people of LFW that accuracy is reported on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.lib.pictures import gives_statistics
from muster.evaluation.datasets import Dataset, read_dataset, subset

PEOPLE_SEED = 2026
"""Draws the people of the LFW protocol from those with two pictures or more, and the strangers from the others."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """How much of LFW takes part.

    Attributes:
        people: with two pictures or more; each keeps `pictures_each`.
        registered: of them, in each seed.
        strangers: people with a single picture.
    """

    people: int
    registered: int
    strangers: int
    pictures_each: int
    seeds: int


def lfw_subset(folder: Path, protocol: Protocol) -> Dataset:
    """Draw the people of the protocol from those who contributed to no statistic and no setting.

    The same folder and protocol give the same people.
    """
    everyone = read_dataset(folder)
    random = np.random.default_rng(PEOPLE_SEED)
    able = np.array([len(pictures) > 1 for pictures in everyone.registrable])
    untouched = np.array([not gives_statistics(person) for person in everyone.people])
    several = random.permutation(np.flatnonzero(able & untouched))[: protocol.people]
    single = random.permutation(np.flatnonzero(~able & untouched))[: protocol.strangers]
    return subset(everyone, np.concatenate([several, single]), protocol.pictures_each)
