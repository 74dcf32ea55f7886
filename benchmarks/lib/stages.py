"""Templates, real probes and strangers of some people, with the statistics of others."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.lib.pictures import Pictures, draw_round, gives_statistics
from benchmarks.lib.statistics import statistics_of
from muster.arrays import FloatArray, unit_rows
from muster.domain.identifiers import PackId, StudentId
from muster.domain.student import Template
from muster.recognition.scoring import Population
from muster.training.variation import VariationModel

PACK = PackId("embedded-2")


@dataclass(frozen=True, eq=False, slots=True)
class Stage:
    """Some people's templates and real probes, with statistics of other people.

    Attributes:
        templates: S students, one photo each.
        probes: float32 (N, 512), unit rows, other photos of them.
        owners: intp (N,), the student of each probe.
        strangers: float32 (M, 512), unit rows, photos of everybody else of that part.
    """

    population: Population
    variation: VariationModel
    templates: list[Template]
    probes: FloatArray
    owners: NDArray[np.intp]
    strangers: FloatArray


def stages(pictures: Pictures, seeds: int, registered: int) -> Iterator[Stage]:
    """Split those who give the pack's statistics: for each part and seed, some of its people, known by the other."""
    part = np.array([_part(person) for person in pictures.person])
    for number in (0, 1):
        known, others = pictures.of(part == number), pictures.of(part == 1 - number)
        names, people = np.unique(known.person, return_inverse=True)
        judging = np.array([hashlib.sha256(str(name).encode()).digest()[2] % 2 == 1 for name in names])
        population = statistics_of(known)
        variation = VariationModel.estimate(known.embeddings, people.astype(np.intp), judging)
        for seed in range(seeds):
            drawn = draw_round(others.person, registered, np.random.default_rng(seed))
            templates = [
                Template(StudentId(f"s{i:04d}"), PACK, unit_rows(others.embeddings[row : row + 1]), f"{i:064x}")
                for i, row in enumerate(drawn.templates)
            ]
            probes, strangers = others.embeddings[drawn.probes], others.embeddings[drawn.strangers]
            yield Stage(population, variation, templates, probes, drawn.mates, strangers)


def _part(person: str) -> int:
    """Return 0 or 1 for the two parts of those who give statistics, -1 for everybody else."""
    return hashlib.sha256(person.encode()).digest()[1] % 2 if gives_statistics(person) else -1
