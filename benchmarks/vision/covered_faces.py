"""Train and measure the classifiers of `muster.vision.covering`: which faces are called covered.

    python -m benchmarks covered_faces [--photos ../shared/photos] [--write] [--bare FOLDER] [--masked FOLDER]

The classifiers and their thresholds come from development people of LFW alone (the even half by the SHA-256 of their
names): every picture of them bare, one of each covered on purpose. Thresholds are quantiles of the scores of people
that the classifier has not seen (five folds). The table shows people of the other half, in the same way.

The classifiers that ship were written by `--write` with the defaults. `--bare` and `--masked` name folders of your own
photos to measure on. `--cache` keeps the features of the faces, which take almost all the time, for the next run.
Prints a table and, last, one line of JSON.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.lib.photos import photo_parser, photos_found
from benchmarks.vision.covered_parts.covers import COVERS, HARMLESS, Cover
from muster.composition.settings import LocalSettings
from muster.domain.errors import MusterError
from muster.domain.faces import Faces
from muster.evaluation.matching import main_face
from muster.packs.build import build_embedded
from muster.vision.covering import WEIGHTS, Classifiers, Covering, covering_features, covering_scores
from muster.vision.decode import decode
from muster.vision.detector import CenterFaceDetector
from muster.vision.quality import MIN_SIZE

FALSE_ALARMS = 0.005
"""Share of development faces, bare or with a harmless cover, above the threshold of any classifier, at most."""

EARLIER_DRAW = 330
"""The others drawn first: an earlier choice of thresholds was made after a look at about 300 of them."""

KINDS = {
    Covering.MOUTH: [kind for kind in COVERS if kind.startswith("mask") or kind == "hand"],
    Covering.EYES: ["dark glasses", "bar"],
    Covering.SIDE: ["half", "at the edge"],
}
COMPONENTS = 200
"""Principal components of the features that the classifiers are fitted on."""

SHRINKAGE = 0.1
FOLDS = 5
BARE = "bare"

Rows = NDArray[np.float32]


def main() -> None:
    """Train, measure and print."""
    parser = photo_parser(__doc__)
    parser.add_argument("--people", type=int, default=400, help="development people")
    parser.add_argument("--others", type=int, default=250, help="people to measure on")
    parser.add_argument("--cache", type=Path, help="folder for the features of the faces")
    parser.add_argument("--bare", type=Path)
    parser.add_argument("--masked", type=Path)
    parser.add_argument("--write", action="store_true", help="replace the classifiers that ship")
    chosen = parser.parse_args()
    if not photos_found(chosen.photos, "covered_faces"):
        return
    detector = CenterFaceDetector(build_embedded(LocalSettings().home).detector, threads=1)
    development, others = people(chosen.photos / "lfw", chosen.people, chosen.others)
    names, kinds, features = cached(chosen.cache, "development", detector, development)
    classifiers = fit(names, kinds, features)
    if chosen.write:
        np.savez_compressed(
            WEIGHTS,
            mean=classifiers.mean,
            weights=classifiers.weights.astype(np.float16),
            thresholds=classifiers.thresholds,
        )
    _, kinds, features = cached(chosen.cache, "others", detector, others)
    report = {kind: share(features[kinds == kind], classifiers) for kind in [BARE, *HARMLESS, *COVERS]}
    folders = {"ORL": chosen.photos / "orl", "groups/gallery": chosen.photos / "groups" / "gallery"}
    for name, folder in {**folders, "--bare": chosen.bare, "--masked": chosen.masked}.items():
        if folder is not None:
            report[name] = share_of_photos(detector, folder, classifiers, tight=name == "ORL")
    print(f"{len(development)} development people, {len(others)} others")
    for name, row in report.items():
        print(f"{name:16s} {row['faces']:5d} faces, called covered: {row['covered']:6.1%}  {row['as']}")
    print(json.dumps(report))


def people(folder: Path, count: int, other_count: int) -> tuple[list[Path], list[Path]]:
    """Draw people of either half, as their folders: development people and others."""
    every = [person for person in sorted(folder.iterdir()) if person.is_dir()]
    drawn = [every[index] for index in np.random.default_rng(11).permutation(len(every))]
    even = [hashlib.sha256(person.name.encode()).digest()[0] % 2 == 0 for person in drawn]
    development, others = (
        [person for person, is_even in zip(drawn, even, strict=True) if is_even is half] for half in (True, False)
    )
    return development[:count], others[EARLIER_DRAW:][:other_count]


def cached(
    cache: Path | None, half: str, detector: CenterFaceDetector, drawn: list[Path]
) -> tuple[NDArray[np.str_], NDArray[np.str_], Rows]:
    """Return what `covered` returns, kept in a folder if one is given."""
    if cache is None:
        return covered(detector, drawn)
    path = cache / f"{half}-{len(drawn)}.npz"
    if not path.exists():
        names, kinds, features = covered(detector, drawn)
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(path, names=names, kinds=kinds, features=features)
    with np.load(path, allow_pickle=False) as arrays:
        return arrays["names"], arrays["kinds"], arrays["features"]


def covered(detector: CenterFaceDetector, drawn: list[Path]) -> tuple[NDArray[np.str_], NDArray[np.str_], Rows]:
    """Cover one portrait of each person in every way, and take all of them bare.

    Returns:
        Names and kinds of N faces, and their features, float32 (N, 2, F).
    """
    names, kinds, features = [], [], []
    ways: list[tuple[str, Cover | None]] = [(BARE, None), *HARMLESS.items(), *COVERS.items()]
    for number, person in enumerate(drawn):
        for portrait, path in enumerate(sorted(person.iterdir())):
            pixels = decode(path.read_bytes()).pixels
            face = main_face_of(detector, pixels)
            if face is None:
                continue
            for way, (kind, cover) in enumerate(ways if portrait == 0 else ways[:1]):
                random = np.random.default_rng((number, portrait, way))
                picture = pixels if cover is None else cover(pixels, face, random)
                # Portraits of LFW are larger than the smallest face that is registered.
                if random.random() < 0.5:
                    half = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
                    picture = np.asarray(half, np.uint8)
                if (seen := main_face_of(detector, picture)) is not None:
                    names.append(person.name)
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
    """Fit one classifier for each kind of covering, with a threshold from people that it has not seen."""
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
    scores = unseen[:, bare]
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
        (thresholds - offsets).astype(np.float32),
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
        if face is not None and face.boxes[0, 3] >= MIN_SIZE:
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
