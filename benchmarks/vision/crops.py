"""Crops of faces and views of templates: rank-1 and DIR at FPIR 1 % and 10 % on LFW.

    python -m benchmarks crops --photos ../shared/photos
    python -m benchmarks crops --half test --people 250 --strangers 600

Settings are chosen on one half of the people (`--half choose`, the default) and reported on the other (`--half test`).
All scores are cosines. Prints two tables and, last, one line of JSON.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.lib.facenet_crops import stretched_crops
from benchmarks.lib.photos import photo_parser, photos_found
from muster.composition.settings import LocalSettings
from muster.domain.faces import Faces
from muster.evaluation.metrics import STRANGER, Searches, dir_at, rank_1, search_outcome
from muster.packs.build import build_embedded
from muster.vision.align import StretchedBox, box_to_crop, warp
from muster.vision.augment import VIEWS, augmented_crops, blur, exposure, jpeg_compression, occlusion
from muster.vision.decode import decode
from muster.vision.detector import CenterFaceDetector
from muster.vision.embedder import FaceNetwork
from muster.vision.segmenter import grey_out_background, head_masks

Pixels = NDArray[np.uint8]
Rows = NDArray[np.float32]
Cut = Callable[[Pixels, Faces], Pixels]
SEEDS = 20
EACH = 3
"""Most pictures taken of one person."""


@dataclass(frozen=True, eq=False, slots=True)
class Pictures:
    """M pictures, each with its main face; people with two or more come first, `people` of them, the rest strangers."""

    pixels: list[Pixels]
    faces: list[Faces]
    owners: NDArray[np.intp]
    people: int

    def cut(self, cut: Cut) -> NDArray[np.uint8]:
        """Cut every face, uint8 (M, C, 160, 160, 3)."""
        return np.stack([cut(pixels, face) for pixels, face in zip(self.pixels, self.faces, strict=True)])


def rectangle(margin: float, *, mirrored: bool = False, level: bool = False, raised: float = 0.0) -> Cut:
    """Return a cut of the stretched box."""

    def cut(pixels: Pixels, face: Faces) -> Pixels:
        right, left = face.landmarks[0, :2]
        tilt = float(np.arctan2(left[1] - right[1], left[0] - right[0])) if level else 0.0
        crop = warp(pixels, box_to_crop(face.boxes[0], margin, (0.0, -raised), tilt))
        return np.stack([crop, crop[:, ::-1]] if mirrored else [crop])

    return cut


def square(margin: float) -> Cut:
    """Return a cut that keeps the face's proportions."""

    def cut(pixels: Pixels, face: Faces) -> Pixels:
        x, y, width, height = face.boxes[0]
        side = np.sqrt(width * height)
        box = np.array([x + (width - side) / 2, y + (height - side) / 2, side, side], np.float32)
        return warp(pixels, box_to_crop(box, margin))[None]

    return cut


def segmented(strength: float) -> Cut:
    """Return the shipped cut with its background faded to grey."""

    def cut(pixels: Pixels, face: Faces) -> Pixels:
        return grey_out_background(stretched_crops(pixels, face)[0], head_masks(pixels, face, 0.2), strength)

    return cut


def equalised(pixels: Pixels, face: Faces) -> Pixels:
    """Cut as shipped, with local contrast evened out (CLAHE)."""
    crop = stretched_crops(pixels, face)[0, 0]
    light = np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2YCrCb), np.uint8)
    light[..., 0] = cv2.createCLAHE(2, (4, 4)).apply(light[..., 0])
    return np.asarray(cv2.cvtColor(light, cv2.COLOR_YCrCb2RGB), np.uint8)[None]


def degrade(pixels: Pixels, face: Faces) -> Pixels:
    """Cut as shipped out of a classroom's worse picture: small, blurred, dark, compressed or half covered."""
    random = np.random.default_rng(int(pixels[::7, ::7].sum()))
    width = float(face.boxes[0, 2])
    kind = random.integers(5)
    scale = (random.uniform(24, 40) if kind == 0 else 56) / width
    if kind in (0, 3):
        small = np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        small = jpeg_compression(30)(small) if kind == 3 else small
        pixels = np.asarray(cv2.resize(small, pixels.shape[1::-1]), np.uint8)
    crop = warp(pixels, box_to_crop(face.boxes[0], 0.2, (random.normal(0, 0.03), random.normal(0, 0.03))))
    if kind == 1:
        crop = blur(random.uniform(3, 6))(crop)
    elif kind == 2:
        crop = exposure(random.uniform(1.8, 2.6))(crop)
    elif kind == 4:
        crop = np.where(np.arange(160)[:, None] < 0.7 * 160, crop, occlusion(105)(crop))
    return np.asarray(crop, np.uint8)[None]


CROPS: dict[str, Cut] = {
    "square +10 %": square(0.1),
    "square +30 %": square(0.3),
    "rectangle +12 %": rectangle(0.12),
    "rectangle +20 % (shipped)": rectangle(0.2),
    "rectangle +35 %": rectangle(0.35),
    "+20 % with its mirror": rectangle(0.2, mirrored=True),
    "+20 % eyes levelled": rectangle(0.2, level=True),
    "+20 % raised by 4 %": rectangle(0.2, raised=0.04),
    "+20 % contrast evened": equalised,
    "+20 % background grey": segmented(1.0),
    "+20 % background half grey": segmented(0.5),
    "+20 % and +35 % with mirrors": lambda pixels, face: stretched_crops(pixels, face, (0.2, 0.35))[0],
}


def best_view(probes: Rows, templates: Rows) -> Rows:
    """Score by the best view: probes (N, 512), templates (S, V, 512), to (N, S)."""
    return np.asarray(np.einsum("nd,svd->nsv", probes, templates, optimize=True).max(axis=2), np.float32)


def mean_of_views(probes: Rows, templates: Rows) -> Rows:
    """Score by the views' mean direction, to (N, S)."""
    mean = templates.mean(axis=1)
    return np.asarray(probes @ (mean / np.linalg.norm(mean, axis=1, keepdims=True)).T, np.float32)


def measured(
    pictures: Pictures, probes: Rows, templates: Rows, score: Callable[[Rows, Rows], Rows]
) -> tuple[float, ...]:
    """Register half of the people with one random picture; mean over the seeds of rank-1, DIR at 1 % and at 10 %.

    Args:
        probes: float32 (M, 512), of every picture.
        templates: float32 (M, V, 512); only those of the people's pictures are read.
        score: of probes against templates.
    """
    found = []
    for seed in range(SEEDS):
        random = np.random.default_rng(seed)
        students = random.permutation(pictures.people)[: max(1, round(0.4 * pictures.people))]
        registered = np.array([random.choice(np.flatnonzero(pictures.owners == student)) for student in students])
        searched = np.setdiff1d(np.arange(len(probes)), registered)
        column = np.full(pictures.owners.max() + 1, STRANGER, np.intp)
        column[students] = np.arange(len(students))
        scores = score(probes[searched], templates[registered]).astype(np.float64)
        result = search_outcome(Searches(scores, column[pictures.owners[searched]]))
        found.append((rank_1(result), dir_at(result, 0.01), dir_at(result, 0.1)))
    return tuple(round(float(value), 4) for value in np.mean(found, axis=0))


def chosen_pictures(folder: Path, half: str, people: int, strangers: int, detector: CenterFaceDetector) -> Pictures:
    """Read the pictures of one half of the people, split by a fixed draw, with the main face of each."""
    random = np.random.default_rng(7)
    named = [sorted(person.glob("*.jpg")) for person in sorted(folder.iterdir()) if person.is_dir()]
    several = [named[index] for index in random.permutation(len(named)) if len(named[index]) > 1]
    single = [named[index] for index in random.permutation(len(named)) if len(named[index]) == 1]
    part = slice(0, None, 2) if half == "choose" else slice(1, None, 2)
    # So few people have one picture only that the test half takes what the choice leaves over.
    alone = single[:80] if half == "choose" else single[80:]
    unknown = (alone + [several[part][index][:1] for index in range(people, len(several[part]))])[:strangers]
    paths, owners = [], []
    for owner, files in enumerate(several[part][:people] + unknown):
        for path in files[:EACH]:
            paths.append(path)
            owners.append(owner)
    pixels = [decode(path.read_bytes()).pixels for path in paths]
    faces = [_main_face(detector.detect(picture), picture) for picture in pixels]
    seen = [index for index, face in enumerate(faces) if len(face)]
    return Pictures(
        [pixels[index] for index in seen],
        [faces[index] for index in seen],
        np.array(owners, np.intp)[seen],
        min(people, len(several[part])),
    )


def _main_face(faces: Faces, pixels: Pixels) -> Faces:
    """Keep the large, central face, because LFW centres the person of a picture."""
    centres = faces.boxes[:, :2] + faces.boxes[:, 2:] / 2 - np.array(pixels.shape[1::-1]) / 2
    main = np.argsort(2 * (centres**2).sum(axis=1) - faces.boxes[:, 2:].prod(axis=1))[:1]
    return faces.take(main)


def with_mirrors(crops: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Put each crop, uint8 (V, side, side, 3), beside its mirror image."""
    return np.stack([crops, crops[:, :, ::-1]], axis=1)


def view_embeddings(pictures: Pictures, embedder: FaceNetwork) -> Rows:
    """Embed the shipped views of the people's pictures, float32 (M, V, 512); strangers' rows stay zero."""
    views = np.zeros((len(pictures.pixels), len(VIEWS), 512), np.float32)
    for index in np.flatnonzero(pictures.owners < pictures.people):
        views[index] = embedder.embed_faces(
            with_mirrors(
                augmented_crops(pictures.pixels[index], pictures.faces[index], StretchedBox(), len(VIEWS), seed=0)
            )
        )
    return views


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = photo_parser(__doc__)
    parser.add_argument("--half", choices=("choose", "test"), default="choose")
    parser.add_argument("--people", type=int, default=80, help="with two pictures or more")
    parser.add_argument("--strangers", type=int, default=240)
    options = parser.parse_args(arguments)
    if not photos_found(options.photos, "crops"):
        return
    pack = build_embedded(LocalSettings().home)
    embedder = FaceNetwork(pack.embedders[0], threads=2)
    pictures = chosen_pictures(
        options.photos / "lfw",
        options.half,
        options.people,
        options.strangers,
        CenterFaceDetector(pack.detector, threads=2),
    )
    report: dict[str, object] = {"pictures": len(pictures.pixels), "people": pictures.people, "half": options.half}
    print(f"{'crop, one view a template':40s} rank-1   1 %   10 %   ms a face")
    for name, cut in CROPS.items():
        crops = pictures.cut(cut)
        started = perf_counter()
        rows = embedder.embed_faces(crops)
        milliseconds = (perf_counter() - started) / len(rows) * 1000
        figures = measured(pictures, rows, rows[:, None], best_view)
        print(f"{name:40s} {figures[0]:.3f}  {figures[1]:.3f}  {figures[2]:.3f}  {milliseconds:6.1f}", flush=True)
        report[name] = figures
    clean = embedder.embed_faces(pictures.cut(lambda pixels, face: stretched_crops(pixels, face)[0]))
    worse = embedder.embed_faces(pictures.cut(degrade))
    views = view_embeddings(pictures, embedder)
    print(f"\n{'template':40s} probes unchanged       | degrade")
    for name, count, score in (
        ("one view", 1, best_view),
        (f"{len(VIEWS)} views, best", len(VIEWS), best_view),
        (f"{len(VIEWS)} views, mean", len(VIEWS), mean_of_views),
    ):
        rows_of = [measured(pictures, probes, views[:, :count], score) for probes in (clean, worse)]
        shown = " | ".join("  ".join(f"{value:.3f}" for value in figures) for figures in rows_of)
        print(f"{name:40s} {shown}", flush=True)
        report[name] = rows_of
    print(json.dumps(report))


if __name__ == "__main__":
    main()
