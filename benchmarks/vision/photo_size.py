"""Effect of size and JPEG quality of a phone photo: faces found, names right and bytes.

    python -m benchmarks photo_size --photos ../shared/photos

Three kinds of photos: made classrooms of 4000 x 3000 with 30 registered pupils and 5 strangers, each pasted from
another picture than the one that registered them, in rows of faces 40 to 160 pixels high; the labelled group photos;
and one person's phone pictures of 12 megapixels and more. Each is made smaller as a browser does it, averaged and
written as JPEG with 4:2:0 colours, and read with the real models; stage 1 decides alone. Prints a table and, last, one
line of JSON.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.lib.photos import photo_parser, photos_found
from muster.arrays import iou
from muster.composition.settings import LocalSettings
from muster.composition.training import population_of
from muster.composition.vision import open_models
from muster.domain.errors import MusterError
from muster.domain.faces import Decision
from muster.domain.identifiers import StudentId
from muster.domain.student import Template
from muster.packs.build import build_embedded
from muster.packs.load import ModelPack
from muster.recognition.gallery import Gallery
from muster.recognition.matcher import identify
from muster.recognition.policy import Policy
from muster.recognition.scoring import PreparedGallery, prepare
from muster.vision.decode import decode
from muster.vision.pipeline import VisionPipeline

Pixels = NDArray[np.uint8]
Boxes = NDArray[np.float32]

SIDES: Final = (4096, 3072, 2560, 2048, 1600)
QUALITIES: Final = (92, 85, 75)
HEIGHTS: Final = (40, 56, 80, 112, 160)
"""Of faces, a row each: at 8 m a phone's camera (69 degrees across 4000 pixels) shows a face some 73 pixels high."""
REGISTERED_IN_ROW: Final = 6
AS_TAKEN: Final = 95
NOISE: Final = 3.0
"""Deviation of a sensor's noise in levels of 255, so that compression has something to lose."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A photo as taken, its longest side, who is in it, and the gallery that it is searched in."""

    kind: str
    photo: bytes
    side: int
    boxes: Boxes
    students: list[StudentId | None]
    heights: list[int]
    gallery: PreparedGallery


@dataclass(slots=True)
class Tally:
    """What became of the faces of one kind of photos at one size."""

    faces: int = 0
    found: int = 0
    registered: int = 0
    present: int = 0
    asked: int = 0
    wrong: int = 0
    strangers_named: int = 0
    bytes: list[int] = field(default_factory=list)
    cosines: list[float] = field(default_factory=list)
    present_by_height: dict[int, list[int]] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return it for JSON; `mb` is the mean of a photo, `cosine` the median with one's own template."""
        counts = {name: getattr(self, name) for name in ("faces", "found", "registered", "present", "asked", "wrong")}
        return {
            **counts,
            "strangers_named": self.strangers_named,
            "cosine": round(float(np.median(self.cosines)), 4) if self.cosines else None,
            "mb": round(float(np.mean(self.bytes)) / 1e6, 3),
            "present_by_height": {height: f"{sum(one)}/{len(one)}" for height, one in self.present_by_height.items()},
        }


def main() -> None:
    """Measure and print."""
    parser = photo_parser(__doc__)
    parser.add_argument("--classrooms", type=int, default=4)
    chosen = parser.parse_args()
    if not photos_found(chosen.photos, "photo_size"):
        return
    settings = LocalSettings()
    pack = build_embedded(settings.home)
    vision = open_models(pack, settings.threads)
    scenes = [
        *classrooms(vision, pack, chosen.photos, chosen.classrooms),
        *groups(vision, pack, chosen.photos / "groups"),
    ]
    scenes += phone_pictures(vision, pack, chosen.photos / "detection")
    kinds = list(dict.fromkeys(scene.kind for scene in scenes))
    report: dict[str, dict[str, Any]] = {}
    print(f"{'sent':16}" + "".join(f"{kind + ': found present asked wrong':>40} cosine    MB" for kind in kinds))
    for side, quality in ((None, AS_TAKEN), *((side, quality) for side in SIDES for quality in QUALITIES)):
        tallies = {kind: Tally() for kind in kinds}
        for scene in scenes:
            read(vision, scene, sent(scene.photo, side, quality), tallies[scene.kind])
        name = "as taken" if side is None else f"{side} q{quality}"
        report[name] = {kind: tally.document() for kind, tally in tallies.items()}
        cells = [
            f"{row['found']:>19}/{row['faces']:<3} {row['present']:>4}/{row['registered']:<3}{row['asked']:>5}"
            f"{row['wrong'] + row['strangers_named']:>5} {row['cosine']:.3f} {row['mb']:6.2f}"
            for row in report[name].values()
        ]
        print(f"{name:16}" + "".join(cells), flush=True)
    print(json.dumps(report))


def sent(photo: bytes, side: int | None, quality: int) -> bytes:
    """Return a photo as a browser sends it: no side longer than `side` pixels, JPEG of a quality; None as it was."""
    if side is None:
        return photo
    pixels = decode(photo).pixels
    scale = min(1.0, side / max(pixels.shape[:2]))
    if scale < 1:
        pixels = np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    return as_jpeg(pixels, quality)


def as_jpeg(pixels: Pixels, quality: int) -> bytes:
    """Write a picture as JPEG, colours at half the resolution, as cameras and browsers do."""
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return file.getvalue()


def read(vision: VisionPipeline, scene: Scene, photo: bytes, tally: Tally) -> None:
    """Read a photo and add up what became of its faces."""
    picture = decode(photo)
    probes = vision.probes(picture)
    matches = identify(probes.embeddings, scene.gallery, Policy())
    scale = max(picture.pixels.shape[:2]) / scene.side
    overlap = iou(scene.boxes * np.float32(scale), probes.faces.boxes)
    similarity = scene.gallery.gallery.similarity(probes.embeddings)
    tally.bytes.append(len(photo))
    for face, (student, height) in enumerate(zip(scene.students, scene.heights, strict=True)):
        at = int(overlap[face].argmax()) if overlap.shape[1] else 0
        found = bool(overlap.shape[1]) and bool(overlap[face, at] >= 0.4)
        match = matches[at] if found else None
        marked = match is not None and match.decision is Decision.PRESENT
        tally.faces += 1
        tally.found += found
        if student is None:
            tally.strangers_named += marked
            continue
        own = match is not None and match.student_id == student
        tally.registered += 1
        tally.present += marked and own
        tally.wrong += marked and not own
        tally.asked += match is not None and match.decision is Decision.REVIEW and own
        tally.present_by_height.setdefault(height, []).append(int(marked and own))
        if found:
            tally.cosines.append(float(similarity[at, scene.gallery.gallery.student_ids.index(student)]))


def gallery_of(pack: ModelPack, registered: dict[StudentId, NDArray[np.float32]]) -> PreparedGallery:
    """Make the gallery of students by their views, float32 (V, 512)."""
    templates = [Template(student, pack.id, views, photo_digest="") for student, views in registered.items()]
    population = population_of(pack.statistics)
    return prepare(Gallery.from_templates(templates, pack.id), population)


def classrooms(vision: VisionPipeline, pack: ModelPack, photos: Path, count: int) -> Iterator[Scene]:
    """Make classrooms, each of other people."""
    background = decode((photos / "detection" / "017_0.jpg").read_bytes()).pixels
    people = pupils(vision, photos / "lfw")
    for seed in range(count):
        random = np.random.default_rng(seed)
        canvas = np.asarray(cv2.resize(background, (4000, 3000), interpolation=cv2.INTER_CUBIC), np.uint8).copy()
        registered: dict[StudentId, NDArray[np.float32]] = {}
        boxes, students, heights, top = [], [], [], 200
        for height in HEIGHTS:
            for column in range(REGISTERED_IN_ROW + 1):
                student, views, pixels, box = next(people)
                factor = height / float(box[3])
                how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
                small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=how)
                left = column * 560 + int(random.integers(560 - small.shape[1]))
                canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
                boxes.append([left + box[0] * factor, top + box[1] * factor, *(box[2:] * factor)])
                heights.append(height)
                students.append(student if column < REGISTERED_IN_ROW else None)
                if column < REGISTERED_IN_ROW:
                    registered[student] = views
            top += 6 * height
        noisy = np.clip(canvas + random.normal(0, NOISE, canvas.shape), 0, 255).astype(np.uint8)
        photo = as_jpeg(noisy, AS_TAKEN)
        gallery = gallery_of(pack, registered)
        yield Scene("classroom", photo, 4000, np.array(boxes, np.float32), students, heights, gallery)


def pupils(
    vision: VisionPipeline, folder: Path
) -> Iterator[tuple[StudentId, NDArray[np.float32], Pixels, NDArray[np.float32]]]:
    """Give people with two pictures, in a seeded order: their views, another picture, and the face's box in it."""
    several = [person for person in sorted(folder.iterdir()) if len(list(person.glob("*.jpg"))) > 1]
    for index in np.random.default_rng(0).permutation(len(several)):
        first, second = sorted(several[index].glob("*.jpg"))[:2]
        try:
            views = vision.registration_views(decode(first.read_bytes())).embeddings
        except MusterError:
            # Not fit to register, as it would be turned down in class.
            continue
        pixels = decode(second.read_bytes()).pixels
        faces = vision.detector.detect(pixels)
        if len(faces) == 1:
            yield StudentId(several[index].name), views, pixels, faces.boxes[0]


def groups(vision: VisionPipeline, pack: ModelPack, folder: Path) -> Iterator[Scene]:
    """Give the labelled group photos."""
    registered = {
        StudentId(path.stem): vision.registration_views(decode(path.read_bytes())).embeddings
        for path in sorted((folder / "gallery").iterdir())
    }
    gallery = gallery_of(pack, registered)
    for name, labels in json.loads((folder / "labels.json").read_text()).items():
        boxes = np.array([label["box"] for label in labels], np.float32)
        students = [None if label["student_id"] is None else StudentId(label["student_id"]) for label in labels]
        photo = (folder / "photos" / name).read_bytes()
        side = max(decode(photo).pixels.shape)
        yield Scene("groups", photo, side, boxes, students, [int(box[3]) for box in boxes], gallery)


def phone_pictures(vision: VisionPipeline, pack: ModelPack, folder: Path) -> Iterator[Scene]:
    """Give one person's large pictures, registered by the first of them that is fit."""
    first, *others = sorted(folder.glob("*_A.jpg"))
    person = StudentId("a")
    gallery = gallery_of(pack, {person: vision.registration_views(decode(first.read_bytes())).embeddings})
    for path in others:
        photo = path.read_bytes()
        pixels = decode(photo).pixels
        box = vision.detector.detect(pixels).boxes[:1]
        yield Scene("phone", photo, max(pixels.shape), box, [person], [int(box[0, 3])], gallery)


if __name__ == "__main__":
    main()
