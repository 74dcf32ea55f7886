"""Make the statistics of the embedded pack and the figures of `muster.recognition.thresholds`.

    python -m benchmarks.population_statistics [--photos ../shared/photos] [--embeddings FILE] [--write]

One picture of each of half the people of LFW gives the mean and the covariance, all their pictures how photos of one
person differ. The tail of strangers' scores comes
from the same half, split once more so that nobody is measured with statistics that have seen them, and from a
generalised Pareto fit beyond one in a thousand. The other half gives the comparison of scores.
"""

import argparse
import hashlib
import json
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import genpareto

from muster.composition.settings import LocalSettings
from muster.domain.identifiers import PackId, StudentId
from muster.packs.build import build_embedded
from muster.recognition.evidence import estimate_evidence
from muster.recognition.gallery import Gallery
from muster.recognition.population import estimate_population
from muster.recognition.scoring import Population, prepare, score
from muster.vision.decode import decode
from muster.vision.detector import CenterFaceDetector
from muster.vision.embedder import FaceNetEmbedder
from muster.vision.pipeline import VisionPipeline

FloatArray = NDArray[np.float32]

CHANCES = (0.5, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
_FIT_BEYOND = 1e-3
_TAIL_GALLERY = 100
_SEEDS = 10
_GALLERIES = (5, 30, 100, 300)
_MOST_PICTURES = 3


@dataclass(frozen=True, eq=False, slots=True)
class Pictures:
    """Embedded pictures of M faces: float32 (M, 512), unit rows, with the person's name beside each."""

    embeddings: FloatArray
    person: NDArray[np.str_]

    def of(self, chosen: NDArray[np.bool_]) -> "Pictures":
        """Return some of the pictures."""
        return Pictures(self.embeddings[chosen], self.person[chosen])


def main() -> None:
    """Compute, print and, if asked, write the statistics."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=Path("../shared/photos"))
    parser.add_argument("--embeddings", type=Path, help="npz where the pictures' embeddings are kept between runs")
    parser.add_argument("--write", action="store_true", help="replace the statistics that ship with the package")
    arguments = parser.parse_args()

    pictures = read_pictures(arguments.photos / "lfw", arguments.embeddings)
    known = np.array([gives_statistics(person) for person in pictures.person])
    population = statistics_of(pictures.of(known))
    others = pictures.of(~known)
    strangers = _strangers_scores(pictures.of(known))
    tail = _tail(strangers)
    print(f"people in the statistics: {len(set(pictures.person[known]))}, others: {len(set(others.person))}")
    print(f"strangers' scores: mean {strangers.mean():.3f}, deviation {strangers.std():.3f}; tail {tail}")
    own = _own_scores(others, population)
    quantiles = {share: round(float(np.quantile(own, share)), 2) for share in (0.01, 0.05, 0.1, 0.25, 0.5)}
    print(f"own scores, by share below: {quantiles}")
    rows = {size: _compared(others, population, size) for size in _GALLERIES if size < _repeated(others)}
    print("registered  score        rank-1   0.1 %     1 %    10 %   (DIR at FPIR)")
    for size, scores in rows.items():
        for name, values in scores.items():
            print(f"{size:10}  {name:10} " + "  ".join(f"{value:.4f}" for value in values))
    if arguments.write:
        target = Path(str(resources.files("muster.packs").joinpath("data", "embedded_statistics.npz")))
        evidence = population.evidence
        if evidence is None:
            raise SystemExit("Nobody has several pictures: nothing was written.")
        np.savez(
            target,
            mean=population.mean,
            factor=population.factor,
            directions=evidence.directions,
            reliability=evidence.reliability,
            standard=np.array([evidence.centre, evidence.deviation], np.float32),
        )
    print(json.dumps({"benchmark": "population_statistics", "tail": tail, "own": quantiles, "identification": rows}))


def read_pictures(folder: Path, kept: Path | None) -> Pictures:
    """Embed the central face of every picture of identity folders, as probes are; a picture without a face is left out.

    Args:
        kept: npz file that holds the embeddings from an earlier run, or is to hold them; None keeps nothing.
    """
    if kept is not None and kept.is_file():
        with np.load(kept, allow_pickle=False) as arrays:
            return Pictures(arrays["embeddings"], arrays["person"])
    pack = build_embedded(LocalSettings().home)
    vision = VisionPipeline(CenterFaceDetector(pack.detector, 2), FaceNetEmbedder(pack.embedder, 2))
    embeddings, people = [], []
    for path in sorted(folder.glob("*/*.jpg")):
        photo = decode(path.read_bytes())
        probes = vision.probes(photo)
        if not len(probes.faces):
            continue
        middle = probes.faces.boxes[:, :2] + probes.faces.boxes[:, 2:] / 2
        centre = np.array([photo.pixels.shape[1], photo.pixels.shape[0]]) / 2
        embeddings.append(probes.embeddings[np.linalg.norm(middle - centre, axis=1).argmin()])
        people.append(path.parent.name)
    pictures = Pictures(np.array(embeddings, np.float32), np.array(people))
    if kept is not None:
        np.savez(kept, embeddings=pictures.embeddings, person=pictures.person)
    return pictures


def gives_statistics(person: str) -> bool:
    """Split people, never pictures, the same way on every run and in every script."""
    return hashlib.sha256(person.encode()).digest()[0] % 2 == 0


def statistics_of(pictures: Pictures) -> Population:
    """Take one picture a person, so that a person with many does not count for more; all for what tells two apart."""
    _, first, people = np.unique(pictures.person, return_index=True, return_inverse=True)
    population = estimate_population(pictures.embeddings[first])
    if len(first) == len(people):
        return population
    return replace(population, evidence=estimate_evidence(pictures.embeddings, people, population.mean))


def _strangers_scores(pictures: Pictures) -> FloatArray:
    """Search galleries of one part of the people for everybody else of it, with statistics of the other part."""
    part = np.array([hashlib.sha256(person.encode()).digest()[1] % 2 for person in pictures.person])
    scores = []
    for number in (0, 1):
        population, here = statistics_of(pictures.of(part == number)), pictures.of(part != number)
        names = np.unique(here.person)
        for seed in range(_SEEDS):
            random = np.random.default_rng(seed)
            students = random.permutation(names)[:_TAIL_GALLERY]
            own = [random.permutation(np.flatnonzero(here.person == student)) for student in students]
            strangers = here.embeddings[~np.isin(here.person, students)]
            # One photo each, and up to four, as a student has whose faces were learned from: those fit more people.
            for photos in (1, 4):
                mean = np.stack([here.embeddings[rows[:photos]].mean(axis=0) for rows in own])
                scores.append(_scores(strangers, unit_rows(mean), population)[1].ravel())
    return np.concatenate(scores)


def _tail(scores: FloatArray) -> list[tuple[float, float]]:
    """Return for each of `CHANCES` the score that is exceeded as often."""
    start = float(np.quantile(scores, 1 - _FIT_BEYOND))
    shape, _, scale = genpareto.fit(scores[scores > start] - start, floc=0)
    return [
        (
            chance,
            round(
                float(np.quantile(scores, 1 - chance))
                if chance >= _FIT_BEYOND
                else start + float(genpareto.isf(chance / _FIT_BEYOND, shape, 0, scale)),
                2,
            ),
        )
        for chance in CHANCES
    ]


def _own_scores(pictures: Pictures, population: Population) -> FloatArray:
    """Return the scores of all pairs of pictures of one person."""
    normalised = _scores(pictures.embeddings, pictures.embeddings, population)[1]
    later = np.triu(np.ones(normalised.shape, dtype=bool), 1)
    own: FloatArray = normalised[later & (pictures.person[:, None] == pictures.person)]
    return own


def _scores(probes: FloatArray, templates: FloatArray, population: Population) -> tuple[FloatArray, FloatArray]:
    ids = tuple(StudentId(f"{index:05}") for index in range(len(templates)))
    gallery = Gallery(ids, PackId("embedded"), templates, np.arange(len(templates)))
    scores = score(probes, prepare(gallery, population))
    return scores.similarity, scores.normalised


def _repeated(pictures: Pictures) -> int:
    return int(np.count_nonzero(np.unique(pictures.person, return_counts=True)[1] > 1))


def _compared(pictures: Pictures, population: Population, registered: int) -> dict[str, list[float]]:
    """Register some people by one picture each, search their other pictures and everyone else's, several times."""
    scaled_only = replace(population, evidence=None)
    found: dict[str, list[list[float]]] = {"cosine": [], "scaled": [], "likelihood": []}
    for seed in range(_SEEDS):
        drawn = draw_round(pictures.person, registered, np.random.default_rng(seed))
        searched = np.concatenate([drawn.probes, drawn.strangers])
        rows = pictures.embeddings[searched], pictures.embeddings[drawn.templates]
        cosine, likelihood = _scores(*rows, population)
        scaled = _scores(*rows, scaled_only)[1]
        for name, scores in (("cosine", cosine), ("scaled", scaled), ("likelihood", likelihood)):
            found[name].append(identification(scores, drawn.mates))
    return {name: np.mean(rows, axis=0).round(4).tolist() for name, rows in found.items()}


@dataclass(frozen=True, eq=False, slots=True)
class DrawnRound:
    """Who is registered by which picture: intp arrays of picture numbers.

    Attributes:
        templates: (S,), the picture that registers each student.
        probes: (N,), other pictures of them, and
        mates: (N,), whom of them each shows.
        strangers: (M,), pictures of everybody else.
    """

    templates: NDArray[np.intp]
    probes: NDArray[np.intp]
    mates: NDArray[np.intp]
    strangers: NDArray[np.intp]


def draw_round(person: NDArray[np.str_], registered: int, random: np.random.Generator) -> DrawnRound:
    """Register some people by one picture each; everyone takes part with three pictures at most."""
    pictures_of: dict[str, list[int]] = {}
    for index in random.permutation(len(person)):
        pictures_of.setdefault(str(person[index]), []).append(int(index))
    limited = {name: indices[:_MOST_PICTURES] for name, indices in sorted(pictures_of.items())}
    repeated = [name for name, indices in limited.items() if len(indices) > 1]
    chosen = [str(name) for name in random.permutation(repeated)[:registered]]
    templates = [limited[name][0] for name in chosen]
    probes = [(index, mate) for mate, name in enumerate(chosen) for index in limited[name][1:]]
    strangers = [index for name, indices in limited.items() if name not in set(chosen) for index in indices]
    rows, mates = zip(*probes, strict=True)
    return DrawnRound(np.array(templates), np.array(rows), np.array(mates), np.array(strangers))


def identification(scores: FloatArray, mates: NDArray[np.intp]) -> list[float]:
    """Return rank-1 and DIR at FPIR 0.1, 1 and 10 %; the rows after the mates' are strangers."""
    rows = np.arange(len(mates))
    best = scores.max(axis=1)
    right = scores[rows, mates] == best[: len(mates)]
    bars = [np.quantile(best[len(mates) :], 1 - fpir, method="higher") for fpir in (0.001, 0.01, 0.1)]
    return [float(right.mean()), *(float((right & (best[: len(mates)] > bar)).mean()) for bar in bars)]


def unit_rows(rows: FloatArray) -> FloatArray:
    """Bring rows to unit length."""
    unit: FloatArray = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


if __name__ == "__main__":
    main()
