"""Detection of faces: labelled photos, simulated classrooms, pictures without faces, time and memory.

    python -m benchmarks detection --photos ../shared/photos

Prints a table for each and, last, one line of JSON.
"""

import json
import resource
from pathlib import Path
from time import perf_counter
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.lib.photos import photo_parser, photos_found
from muster.arrays import iou
from muster.composition.settings import LocalSettings
from muster.domain.faces import Faces
from muster.packs.build import build_embedded
from muster.vision.decode import decode
from muster.vision.detector import SCORE_THRESHOLD, CenterFaceDetector

Pixels = NDArray[np.uint8]
Portrait = tuple[Pixels, NDArray[np.float32]]
HEIGHTS = (24, 32, 40, 48, 64, 96, 128, 200)


def main() -> None:
    """Measure and print."""
    parser = photo_parser(__doc__)
    parser.add_argument("--model", type=Path, help="CenterFace; default: of the embedded pack")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--people", type=int, default=300, help="how many LFW pictures to look at")
    parser.add_argument("--classrooms", type=int, default=6)
    chosen = parser.parse_args()
    if not photos_found(chosen.photos, "detection"):
        return
    model = chosen.model or build_embedded(LocalSettings().home).detector
    # Candidates below the shipped threshold are looked at too: they show how wide the margin is.
    detector = CenterFaceDetector(model, chosen.threads, threshold=0.3)
    report: dict[str, Any] = {
        "noses": noses(detector, chosen.photos / "detection"),
        "groups": groups(detector, chosen.photos / "groups"),
        "lfw": central_faces(detector, chosen.photos / "lfw", chosen.people),
        "classroom": classrooms(detector, chosen.photos, chosen.classrooms),
        "no_face": without_faces(detector),
        "seconds": timings(CenterFaceDetector(model, chosen.threads), chosen.photos / "detection"),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "threshold": SCORE_THRESHOLD,
    }
    print(json.dumps(report))


def noses(detector: CenterFaceDetector, folder: Path) -> dict[str, Any]:
    """Every nose lies in its own box, and no box is without a nose."""
    right, min_true, best_false = 0, 1.0, 0.0
    labels: dict[str, list[list[int]]] = json.loads((folder / "noses.json").read_text())
    for name, points in labels.items():
        faces = detector.detect(decode((folder / name).read_bytes()).pixels)
        holds = np.array([_holds(faces, point) for point in points]).reshape(len(points), len(faces))
        true = holds.any(axis=0)
        kept = holds[:, faces.scores >= SCORE_THRESHOLD]
        right += bool((kept.sum(axis=0) == 1).all() and (kept.sum(axis=1) == 1).all())
        min_true = min([min_true, *faces.scores[true].tolist()])
        best_false = max([best_false, *faces.scores[~true].tolist()])
    print(f"noses      {right} of {len(labels)} photos right, least true {min_true:.2f}, best false {best_false:.2f}")
    return {"right": right, "photos": len(labels), "min_true": min_true, "best_false": best_false}


def _holds(faces: Faces, point: list[int]) -> NDArray[np.bool_]:
    low, high = faces.boxes[:, :2], faces.boxes[:, :2] + faces.boxes[:, 2:]
    return np.asarray(((low <= point) & (high >= point)).all(axis=1), np.bool_)


def groups(detector: CenterFaceDetector, folder: Path) -> dict[str, Any]:
    """Labelled boxes found, and boxes beyond the labels."""
    found, wanted, beyond = 0, 0, 0
    for name, labels in json.loads((folder / "labels.json").read_text()).items():
        faces = _sure(detector.detect(decode((folder / "photos" / name).read_bytes()).pixels))
        best = iou(np.array([label["box"] for label in labels], np.float32), faces.boxes)
        found += int((best.max(axis=1, initial=0) >= 0.4).sum())
        beyond += int((best.max(axis=0, initial=0) < 0.4).sum())
        wanted += len(labels)
    print(f"groups     {found} of {wanted} labelled faces found, {beyond} boxes beyond the labels")
    return {"found": found, "labelled": wanted, "beyond": beyond}


def central_faces(detector: CenterFaceDetector, folder: Path, people: int) -> dict[str, Any]:
    """LFW pictures whose centre is in no box."""
    pictures = sorted(folder.glob("*/*.jpg"))
    pictures = [pictures[index] for index in np.random.default_rng(0).permutation(len(pictures))[:people]]
    missed = 0
    for picture in pictures:
        pixels = decode(picture.read_bytes()).pixels
        faces = _sure(detector.detect(pixels))
        missed += not _holds(faces, [pixels.shape[1] // 2, pixels.shape[0] // 2]).any()
    print(f"lfw        {missed} of {len(pictures)} central faces missed")
    return {"pictures": len(pictures), "missed": missed}


def classrooms(detector: CenterFaceDetector, photos: Path, count: int) -> dict[str, Any]:
    """Recall by face height in made 12-megapixel photos, and boxes where no face was put."""
    seen: dict[int, list[bool]] = {height: [] for height in HEIGHTS}
    false = 0
    people = sorted((photos / "lfw").glob("*/*.jpg"))
    sources = [*sorted((photos / "groups" / "gallery").iterdir()), *sorted((photos / "detection").glob("*_[ABC].jpg"))]
    sources += [people[index] for index in np.random.default_rng(1).permutation(len(people))[:150]]
    pasted = portraits(detector, sources)
    for seed in range(count):
        pixels, boxes, heights = classroom(pasted, photos, seed)
        faces = _sure(detector.detect(pixels))
        best = iou(boxes, faces.boxes)
        for height, overlap in zip(heights, best.max(axis=1, initial=0), strict=True):
            seen[height].append(bool(overlap >= 0.4))
        false += int((best.max(axis=0, initial=0) < 0.1).sum())
    recall = {height: round(float(np.mean(found)), 3) for height, found in seen.items() if found}
    for height, value in recall.items():
        print(f"classroom  {height:4d} px high: {value:.3f} of {len(seen[height])} found")
    print(f"classroom  {false} boxes without a face in {count} photos")
    return {"recall": recall, "false": false, "photos": count}


def portraits(detector: CenterFaceDetector, sources: list[Path]) -> list[Portrait]:
    """Read the pictures that show one person, whole, so that a pasted face keeps its head and shoulders."""
    read = [decode(source.read_bytes()).pixels for source in sources]
    found = [(pixels, detector.detect(pixels)) for pixels in read]
    return [(pixels, faces.boxes[0]) for pixels, faces in found if len(faces) == 1]


def classroom(pasted: list[Portrait], photos: Path, seed: int) -> tuple[Pixels, NDArray[np.float32], list[int]]:
    """Set portraits in rows, each row's faces of one height, small ones at the back, on a real 4000 x 3000 scene."""
    random = np.random.default_rng(seed)
    scene = decode((photos / "detection" / "017_0.jpg").read_bytes()).pixels
    canvas = np.array(cv2.resize(scene, (4000, 3000), interpolation=cv2.INTER_CUBIC), np.uint8)
    boxes, heights = [], []
    top = int(random.integers(60))
    for height in HEIGHTS:
        left, below = int(random.integers(100)), top
        while left < 3700:
            pixels, box = pasted[random.integers(len(pasted))]
            factor = height / box[3]
            small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
            if left + small.shape[1] <= 4000 and top + small.shape[0] <= 3000 and small.shape[0] < 6 * height:
                canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
                boxes.append([left + box[0] * factor, top + box[1] * factor, *(box[2:] * factor)])
                heights.append(height)
                below = max(below, top + small.shape[0])
            left += small.shape[1] + 8
        top = below + 8
    return canvas, np.array(boxes, np.float32), heights


def without_faces(detector: CenterFaceDetector) -> dict[str, Any]:
    """Noise, text, stripes, blobs: pictures in which every box is wrong."""
    random = np.random.default_rng(0)
    page = np.full((2000, 1500, 3), 245, np.uint8)
    for line in range(40, 2000, 34):
        words = " ".join("".join(random.choice(list("abcdeomnOQ08"), random.integers(2, 9))) for _ in range(14))
        cv2.putText(page, words, (40, line), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (20, 20, 20), 2)
    blobs = cv2.GaussianBlur(random.integers(0, 256, (768, 1366, 3), np.uint8), (0, 0), 12)
    pictures = {
        "noise": random.integers(0, 256, (1200, 1600, 3), np.uint8),
        "text": page,
        "blobs": cv2.normalize(blobs, np.zeros_like(blobs), 0, 255, cv2.NORM_MINMAX),
        "stripes": np.tile(np.array([[[0]], [[255]]], np.uint8).repeat(16, 0), (40, 1600, 3)),
        "black": np.zeros((3000, 4000, 3), np.uint8),
        "pixel": np.zeros((1, 1, 3), np.uint8),
    }
    best = {name: round(float(detector.detect(picture).scores.max(initial=0)), 2) for name, picture in pictures.items()}
    print("no face   ", ", ".join(f"{name} {score:.2f}" for name, score in best.items()), "(best score, 0 below 0.3)")
    return best


def timings(detector: CenterFaceDetector, folder: Path) -> dict[str, float]:
    """Median warm seconds of decoding and detection."""
    large = (folder / "004_A.jpg").read_bytes()
    pictures = {"12 MP": decode(large).pixels}
    pictures["1366x768"] = np.asarray(cv2.resize(pictures["12 MP"], (1366, 768)), np.uint8)
    result = {"decode 12 MP": _median(lambda: decode(large))}
    for name, pixels in pictures.items():
        result[f"detect {name}"] = _median(lambda pixels=pixels: detector.detect(pixels))
    for name, seconds in result.items():
        print(f"time       {name}: {seconds:.3f} s")
    return result


def _median(work: Any) -> float:
    spent = []
    for _ in range(5):
        started = perf_counter()
        work()
        spent.append(perf_counter() - started)
    return round(float(np.median(spent)), 3)


def _sure(faces: Faces) -> Faces:
    return faces.take(faces.scores >= SCORE_THRESHOLD)


if __name__ == "__main__":
    main()
