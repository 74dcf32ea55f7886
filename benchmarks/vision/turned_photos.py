"""Turned and tilted photos: which are turned back, which upright ones are read twice, and the gain of levelling.

    python -m benchmarks turned_photos [--photos ../shared/photos] [--people 120] [--tilted 40] [--side 1280]

Prints two tables and, last, one line of JSON. Portraits show development people of LFW (the even half by the SHA-256
of their names); cosines are to the embedding of the upright portrait. Photos are reduced to `--side` first.
"""

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.lib.facenet_crops import stretched_crops
from benchmarks.lib.photos import photo_parser, photos_found
from muster.composition.settings import LocalSettings
from muster.domain.faces import Faces
from muster.evaluation.matching import main_face
from muster.packs.build import build_embedded
from muster.vision.decode import decode
from muster.vision.detector import CenterFaceDetector
from muster.vision.embedder import FaceNetwork
from muster.vision.levelling import level
from muster.vision.orientation import QUARTER_TURNS, find_faces, find_portrait, turn

Pixels = NDArray[np.uint8]
ANGLES = (0, 10, 15, 20, 25, 30, 45, 60, 90)


class Counted:
    """A detector that counts the pictures that it is asked for, and reads each of them once."""

    def __init__(self, detector: CenterFaceDetector) -> None:
        self.pictures = 0
        self._detector = detector
        self._read: dict[bytes, Faces] = {}

    def detect(self, pixels: Pixels) -> Faces:
        """Find the faces of a picture."""
        self.pictures += 1
        digest = hashlib.sha256(np.ascontiguousarray(pixels).data).digest() + bytes(str(pixels.shape), "ascii")
        if digest not in self._read:
            self._read[digest] = self._detector.detect(pixels)
        return self._read[digest]


def main() -> None:
    """Measure and print."""
    parser = photo_parser(__doc__)
    parser.add_argument("--people", type=int, default=120, help="whose portraits are turned")
    parser.add_argument("--tilted", type=int, default=40, help="of them, whose portraits are tilted as well")
    parser.add_argument("--side", type=int, default=1280, help="longest side of a photo in pixels")
    chosen = parser.parse_args()
    if not photos_found(chosen.photos, "turned_photos"):
        return
    pack = build_embedded(LocalSettings().home)
    detector = CenterFaceDetector(pack.detector, threads=2)
    portraits = [_picture(path, chosen.side) for path in development(chosen.photos / "lfw", chosen.people)]
    folders = (chosen.photos / "groups", chosen.photos / "detection", Path("samples"))
    photos = [
        _picture(path, chosen.side) for folder in folders for path in sorted(folder.rglob("*")) if _is_photo(path)
    ]
    turned = {"photos": turns(detector, photos), "LFW": turns(detector, portraits)}
    tilted = tilts(detector, FaceNetwork(pack.embedders[0], threads=2), portraits[: chosen.tilted])
    for name, rows in turned.items():
        for degrees, row in rows.items():
            print(f"{name:7s} lying by {degrees:3d}: {row}")
    for degrees, cosines in tilted.items():
        print(f"tilted by {degrees:3d}: {cosines}")
    print(json.dumps({"turns": turned, "tilts": tilted}))


def turns(detector: CenterFaceDetector, pictures: list[Pixels]) -> dict[int, dict[str, int]]:
    """Turn pictures with faces: how many are read upright, as a group's photo and as a portrait, or looked at again."""
    columns = ("pictures", "right", "right as portraits", "looked at again")
    rows = {degrees: dict.fromkeys(columns, 0) for degrees in QUARTER_TURNS}
    for pixels in pictures:
        counted = Counted(detector)
        if not len(counted.detect(pixels)):
            continue
        for degrees, row in rows.items():
            lying = turn(pixels, -degrees % 360)
            counted.pictures = 0
            row["pictures"] += 1
            row["right"] += find_faces(lying, counted.detect)[0] == degrees
            row["looked at again"] += counted.pictures > 1
            row["right as portraits"] += find_portrait(lying, counted.detect)[0] == degrees
    return rows


def tilts(detector: CenterFaceDetector, embedder: FaceNetwork, portraits: list[Pixels]) -> dict[int, dict[str, float]]:
    """Tilt portraits: mean and tenth percentile of the cosine to the upright face, unchanged and levelled."""
    rows = {}
    main_faces = [(pixels, _main(detector, pixels)) for pixels in portraits]
    upright = [(pixels, _embedded(embedder, pixels, face)) for pixels, face in main_faces if face is not None]
    for degrees in ANGLES:
        plain, levelled = [], []
        for pixels, template in upright:
            tilted = _tilted(pixels, degrees)
            face = _main(detector, tilted)
            if face is None:
                continue
            plain.append(float(template @ _embedded(embedder, tilted, face)))
            levelled.append(float(template @ _embedded(embedder, *level(tilted, face, detector.detect))))
        rows[degrees] = {
            "found": len(plain),
            "cosine": round(float(np.mean(plain)), 3),
            "tenth": round(float(np.percentile(plain, 10)), 3),
            "levelled": round(float(np.mean(levelled)), 3),
            "levelled tenth": round(float(np.percentile(levelled, 10)), 3),
        }
    return rows


def development(folder: Path, count: int) -> list[Path]:
    """Draw one picture each of development people."""
    people = [person for person in sorted(folder.iterdir()) if person.is_dir()]
    even = [person for person in people if hashlib.sha256(person.name.encode()).digest()[0] % 2 == 0]
    return [min(even[index].iterdir()) for index in np.random.default_rng(3).permutation(len(even))[:count]]


def _is_photo(path: Path) -> bool:
    return path.suffix in {".jpg", ".png"}


def _picture(path: Path, side: int) -> Pixels:
    pixels = decode(path.read_bytes()).pixels
    scale = side / max(pixels.shape[:2])
    if scale < 1:
        pixels = np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    return pixels


def _main(detector: CenterFaceDetector, pixels: Pixels) -> Faces | None:
    faces = detector.detect(pixels)
    if not len(faces):
        return None
    return faces.take(np.array([main_face(faces.boxes, pixels.shape[1], pixels.shape[0])]))


def _embedded(embedder: FaceNetwork, pixels: Pixels, face: Faces) -> NDArray[np.float32]:
    return np.asarray(embedder.embed_faces(stretched_crops(pixels, face))[0], np.float32)


def _tilted(pixels: Pixels, degrees: float) -> Pixels:
    """Tilt a picture clockwise within a larger grey one."""
    height, width = pixels.shape[:2]
    side = int(np.hypot(height, width))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1)
    matrix[:, 2] += (side - width) / 2, (side - height) / 2
    return np.asarray(cv2.warpAffine(pixels, matrix, (side, side), borderValue=(127, 127, 127)), np.uint8)


if __name__ == "__main__":
    main()
