"""Train and measure the classifiers of `muster.vision.covering`: which faces are called covered.

    python -m benchmarks.covered_faces --photos ../shared/photos [--write] [--bare FOLDER] [--masked FOLDER]

The classifiers and their thresholds come from development people of LFW (the even half by the SHA-256 of their names),
whose portraits are covered on purpose; the table shows the other half. Thresholds are taken from scores of people whom
the classifier has not seen (five folds). `--bare` and `--masked` name folders of photos of your own to measure on.
Prints a table and, last, one line of JSON; `--write` replaces the classifiers that ship.
"""

import argparse
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.covered_parts.covers import COVERS, HARMLESS
from muster.composition.settings import LocalSettings
from muster.domain.errors import MusterError
from muster.domain.faces import Faces
from muster.evaluation.matching import main_face
from muster.packs.build import build_embedded
from muster.vision.covering import WEIGHTS, Classifiers, Covering, covering_features, covering_scores
from muster.vision.decode import decode
from muster.vision.detector import CenterFaceDetector
from muster.vision.quality import LEAST_SIZE

FALSE_ALARMS = 0.005
"""Share of bare development faces above the threshold of any of the three classifiers, at most."""

KINDS = {
    Covering.MOUTH: [kind for kind in COVERS if kind.startswith("mask") or kind == "hand"],
    Covering.EYES: ["dark glasses", "bar"],
    Covering.SIDE: ["half", "at the edge"],
}
COMPONENTS = 200
"""Principal components of the features that the classifiers are fitted on."""

MARGIN = 2.5
"""Added to the thresholds, since a few hundred people show the rarest bare faces too seldom: without it 1.3 % of the
others were called covered wrongly, some for dark skin or a deep shadow."""

SHRINKAGE = 0.1
FOLDS = 5
BARE = "bare"

Rows = NDArray[np.float32]


def main() -> None:
    """Train, measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--photos", type=Path, default=Path("../shared/photos"))
    arguments.add_argument("--people", type=int, default=330, help="of each half, one picture each")
    arguments.add_argument("--bare", type=Path)
    arguments.add_argument("--masked", type=Path)
    arguments.add_argument("--write", action="store_true", help="replace the classifiers that ship")
    chosen = arguments.parse_args()
    detector = CenterFaceDetector(build_embedded(LocalSettings().home).detector, threads=1)
    development, others = people(chosen.photos / "lfw", chosen.people)
    names, kinds, features = covered(detector, development)
    classifiers = fit(names, kinds, features)
    if chosen.write:
        np.savez_compressed(
            WEIGHTS,
            mean=classifiers.mean,
            weights=classifiers.weights.astype(np.float16),
            thresholds=classifiers.thresholds,
        )
    _, kinds, features = covered(detector, others)
    report = {kind: share(features[kinds == kind], classifiers) for kind in [BARE, *HARMLESS, *COVERS]}
    folders = {"ORL": chosen.photos / "orl", "groups/gallery": chosen.photos / "groups" / "gallery"}
    for name, folder in {**folders, "--bare": chosen.bare, "--masked": chosen.masked}.items():
        if folder is not None:
            report[name] = share_of_photos(detector, folder, classifiers, tight=name == "ORL")
    for name, row in report.items():
        print(f"{name:16s} {row['faces']:5d} faces, called covered: {row['covered']:6.1%}  {row['as']}")
    print(json.dumps(report))


def people(folder: Path, count: int) -> tuple[list[Path], list[Path]]:
    """Draw people of either half, as one picture each: development people and others."""
    paths = [min(person.iterdir()) for person in sorted(folder.iterdir()) if person.is_dir()]
    drawn = [paths[index] for index in np.random.default_rng(11).permutation(len(paths))]
    even = [hashlib.sha256(path.parent.name.encode()).digest()[0] % 2 == 0 for path in drawn]
    halves = [[path for path, is_even in zip(drawn, even, strict=True) if is_even is half] for half in (True, False)]
    return halves[0][:count], halves[1][:count]


def covered(detector: CenterFaceDetector, paths: list[Path]) -> tuple[NDArray[np.str_], NDArray[np.str_], Rows]:
    """Cover every portrait in every way: names and kinds of N faces, and their features, float32 (N, 2, F)."""
    names, kinds, features = [], [], []
    for number, path in enumerate(paths):
        pixels = decode(path.read_bytes()).pixels
        face = main_face_of(detector, pixels)
        if face is None:
            continue
        for index, (kind, cover) in enumerate([(BARE, None), *HARMLESS.items(), *COVERS.items()]):
            random = np.random.default_rng((number, index))
            picture = pixels if cover is None else cover(pixels, face, random)
            # Portraits of LFW are larger than the smallest face that is registered.
            if random.random() < 0.5:
                picture = np.asarray(cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
            if (seen := main_face_of(detector, picture)) is not None:
                names.append(path.parent.name)
                kinds.append(kind)
                features.append(covering_features(picture, seen))
    return np.array(names), np.array(kinds), np.stack(features)


def main_face_of(detector: CenterFaceDetector, pixels: NDArray[np.uint8]) -> Faces | None:
    """Return the main face, of length 1, or None."""
    faces = detector.detect(pixels)
    if not len(faces):
        return None
    return faces.take(np.array([main_face(faces.boxes, pixels.shape[1], pixels.shape[0])]))


def fit(names: NDArray[np.str_], kinds: NDArray[np.str_], features: Rows) -> Classifiers:
    """Fit one classifier for each kind of covering, with a threshold from people whom it has not seen."""
    bare = np.isin(kinds, [BARE, *HARMLESS])
    mean = features.mean(axis=(0, 1))
    centred = features - mean
    _, _, directions = np.linalg.svd(centred.reshape(-1, centred.shape[-1]), full_matrices=False)
    basis = directions[:COMPONENTS].T
    fold = np.array([hashlib.sha256(name.encode()).digest()[2] % FOLDS for name in names])
    weights, unseen = [], np.empty((len(KINDS), len(names)), np.float32)
    for index, covers in enumerate(KINDS.values()):
        positive = np.isin(kinds, covers)
        for part in range(FOLDS):
            direction, offset = discriminant(centred @ basis, positive, bare, fold != part)
            unseen[index, fold == part] = (centred[fold == part] @ basis).mean(axis=1) @ direction + offset
        direction, offset = discriminant(centred @ basis, positive, bare, np.ones(len(names), bool))
        weights.append((basis @ direction, offset))
    scores = unseen[:, kinds == BARE]
    # One share for each classifier, lowered until the three together keep to the whole.
    share = FALSE_ALARMS
    while True:
        thresholds = np.quantile(scores, 1 - share, axis=1, method="higher")
        if (scores > thresholds[:, None]).any(axis=0).mean() <= FALSE_ALARMS or share < 1e-4:
            break
        share *= 0.9
    offsets = np.array([offset for _, offset in weights])
    return Classifiers(
        mean.astype(np.float32),
        np.stack([weight for weight, _ in weights]).astype(np.float16).astype(np.float32),
        (thresholds - offsets + MARGIN).astype(np.float32),
    )


def discriminant(
    rows: Rows, positive: NDArray[np.bool_], negative: NDArray[np.bool_], chosen: NDArray[np.bool_]
) -> tuple[Rows, float]:
    """Return Fisher's linear discriminant of covered and bare rows, (N, 2, D), with a shrunken covariance."""
    covered_rows, bare_rows = (rows[side & chosen].reshape(-1, rows.shape[-1]) for side in (positive, negative))
    spread = np.cov(np.concatenate([covered_rows - covered_rows.mean(axis=0), bare_rows - bare_rows.mean(axis=0)]).T)
    size = len(spread)
    spread = (1 - SHRINKAGE) * spread + SHRINKAGE * np.trace(spread) / size * np.eye(size)
    direction = np.linalg.solve(spread, covered_rows.mean(axis=0) - bare_rows.mean(axis=0))
    return direction, -float(direction @ (covered_rows.mean(axis=0) + bare_rows.mean(axis=0)) / 2)


def share(features: Rows, classifiers: Classifiers) -> dict[str, object]:
    """Say how many of N faces, by their features (N, 2, F), are called covered, and as what."""
    scores = ((features - classifiers.mean) @ classifiers.weights.T).mean(axis=1) - classifiers.thresholds
    return _share(scores)


def share_of_photos(
    detector: CenterFaceDetector, folder: Path, classifiers: Classifiers, *, tight: bool
) -> dict[str, object]:
    """Say the same of the main faces of a folder's photos; tight crops are enlarged and given a border."""
    scores = []
    for pixels in _photos(folder):
        if tight:
            larger = cv2.resize(pixels, None, fx=3, fy=3)
            pixels = np.asarray(cv2.copyMakeBorder(larger, 120, 120, 120, 120, cv2.BORDER_REPLICATE), np.uint8)  # noqa: PLW2901
        face = main_face_of(detector, pixels)
        if face is not None and face.boxes[0, 3] >= LEAST_SIZE:
            scores.append(covering_scores(pixels, face, classifiers))
    return _share(np.array(scores).reshape(-1, len(KINDS)))


def _photos(folder: Path) -> Iterator[NDArray[np.uint8]]:
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            yield decode(path.read_bytes()).pixels
        except MusterError:
            continue


def _share(scores: Rows) -> dict[str, object]:
    called: dict[str, int] = defaultdict(int)
    for row in scores[(scores > 0).any(axis=1)]:
        called[list(KINDS)[int(row.argmax())].value] += 1
    return {"faces": len(scores), "covered": sum(called.values()) / max(len(scores), 1), "as": dict(called)}


if __name__ == "__main__":
    main()
