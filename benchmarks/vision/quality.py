"""Portraits that the bounds of muster.vision.quality reject, unchanged, blurred, darkened, bleached or shrunk.

    python -m benchmarks quality --photos ../shared/photos

Prints a table and, last, one line of JSON.
"""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.lib.photos import photo_parser, photos_found
from muster.composition.settings import LocalSettings
from muster.domain.errors import MusterError
from muster.packs.build import build_embedded
from muster.vision.decode import decode
from muster.vision.detector import CenterFaceDetector
from muster.vision.quality import assess, require_fit, require_main_face

Pixels = NDArray[np.uint8]

# Sigma of the blur in pixels of a 250 x 250 picture, whose faces are about 130 pixels high.
CHANGES: dict[str, Callable[[Pixels], Pixels]] = {
    "blur 2": lambda pixels: np.asarray(cv2.GaussianBlur(pixels, (0, 0), 2), np.uint8),
    "blur 3": lambda pixels: np.asarray(cv2.GaussianBlur(pixels, (0, 0), 3), np.uint8),
    "blur 4": lambda pixels: np.asarray(cv2.GaussianBlur(pixels, (0, 0), 4), np.uint8),
    "light x 0.3": lambda pixels: (pixels * 0.3).astype(np.uint8),
    "light x 0.15": lambda pixels: (pixels * 0.15).astype(np.uint8),
    "light x 3": lambda pixels: np.clip(pixels * 3.0, 0, 255).astype(np.uint8),
    "size x 0.5": lambda pixels: _shrunken(pixels, 0.5),
    "size x 0.25": lambda pixels: _shrunken(pixels, 0.25),
}


def main() -> None:
    """Measure and print."""
    parser = photo_parser(__doc__)
    parser.add_argument("--model", type=Path, help="CenterFace; default: of the embedded pack")
    parser.add_argument("--people", type=int, default=600, help="how many LFW pictures to look at")
    chosen = parser.parse_args()
    if not photos_found(chosen.photos, "quality"):
        return
    model = chosen.model or build_embedded(LocalSettings().home).detector
    detector = CenterFaceDetector(model, threads=2)
    people = sorted((chosen.photos / "lfw").glob("*/*.jpg"))
    sample = [people[index] for index in np.random.default_rng(3).permutation(len(people))[: chosen.people]]
    pictures = [decode(path.read_bytes()).pixels for path in sample]
    gallery = [decode(path.read_bytes()).pixels for path in sorted((chosen.photos / "groups" / "gallery").iterdir())]
    report = {"lfw": refused(detector, pictures), "groups/gallery": refused(detector, gallery)}
    for name, change in CHANGES.items():
        report[name] = refused(detector, [change(pixels) for pixels in pictures[: len(pictures) // 5]])
    for name, row in report.items():
        print(
            f"{name:16s} {row['refused']:4d} of {row['photos']:4d} refused, score {row['score']:.2f}  {row['reasons']}"
        )
    print(json.dumps(report))


def refused(detector: CenterFaceDetector, pictures: list[Pixels]) -> dict[str, object]:
    """Count refusals by their code, and the mean score of the best face."""
    reasons: Counter[str] = Counter()
    scores = []
    for pixels in pictures:
        faces = detector.detect(pixels)
        scores.append(float(assess(pixels, faces).score.max(initial=0)))
        try:
            require_fit(pixels, faces.take(np.array([require_main_face(pixels, faces)])))
        except MusterError as error:
            reasons[error.code] += 1
    return {
        "photos": len(pictures),
        "refused": reasons.total(),
        "reasons": dict(reasons),
        "score": round(float(np.mean(scores)), 3),
    }


def _shrunken(pixels: Pixels, factor: float) -> Pixels:
    return np.asarray(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)


if __name__ == "__main__":
    main()
