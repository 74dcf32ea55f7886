"""The cost of each step of one photo, and of the whole roll call: `python -m benchmarks steps [--pack NAME]`.

The photo has 12 megapixels and 30 faces: three copies of the sample class, whose students are registered. Each step
runs once per round, in turns, after a round that is not counted. Figures are medians; processor time includes that of
the process that decodes.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.lib.photos import SAMPLES
from benchmarks.operations.hostile import family
from muster.composition.local import LocalBackend, LocalServices
from muster.composition.settings import DEFAULT_PACK, LocalSettings
from muster.domain.actor import OPERATOR
from muster.domain.identifiers import GroupId, SessionId, StudentId
from muster.domain.registration import RegistrationDetails
from muster.packs.build import build_embedded
from muster.recognition.matcher import identify
from muster.recognition.policy import Policy
from muster.vision.decode import Photo
from muster.vision.orientation import find_faces
from muster.vision.quality import assess

CLASS = SAMPLES / "class"
GROUP = GroupId("7b")
WIDTH, HEIGHT, COPIES = 4000, 3000, 3

Steps = dict[str, Callable[[], object]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", default=DEFAULT_PACK)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    settings = LocalSettings(pack=chosen.pack, threads=chosen.threads)
    build_embedded(settings.home, name=chosen.pack)
    image = class_photo()
    with ExitStack() as stack:
        store = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "store"
        services = LocalBackend(store, settings, decoders=1).services
        for portrait in sorted((CLASS / "gallery").glob("*.jpg")):
            student = StudentId(portrait.stem)
            details = RegistrationDetails(student, student, frozenset({GROUP}), consent=True)
            services.registration.register(details, portrait.read_bytes(), OPERATOR)
        photo = services.decode(image)
        faces, steps = steps_of(services, image, photo)
        figures = measured(steps, chosen.rounds)
    print(f"{chosen.pack}, {chosen.threads} threads, {photo.width} x {photo.height} pixels, {faces} faces")
    for step, (clock, processor) in figures.items():
        print(f"{step:36} {clock:8.0f} ms by the clock {processor:8.0f} processor ms")
    document = {step: {"ms": round(clock), "processor_ms": round(cost)} for step, (clock, cost) in figures.items()}
    print(json.dumps({"benchmark": "steps", "pack": chosen.pack, "faces": faces, "steps": document}))


def class_photo() -> bytes:
    """Return copies of the sample class below each other, as a JPEG of 12 megapixels."""
    canvas = Image.new("RGB", (WIDTH, HEIGHT), (128, 128, 128))
    with Image.open(CLASS / "photos/class.jpg") as opened:
        height = HEIGHT // COPIES
        picture = opened.convert("RGB").resize((round(opened.width * height / opened.height), height))
    for copy in range(COPIES):
        canvas.paste(picture, ((WIDTH - picture.width) * copy // (COPIES - 1), copy * height))
    written = BytesIO()
    canvas.save(written, "JPEG", quality=88)
    return written.getvalue()


def steps_of(services: LocalServices, image: bytes, photo: Photo) -> tuple[int, Steps]:
    """Return the number of faces in the photo, and the steps by name."""
    vision, pixels = services.detection.vision, photo.pixels
    _, faces = find_faces(pixels, vision.detector.detect)
    crops = [embedder.crops(pixels, faces) for embedder in vision.embedders]
    probes = vision.embed(crops)
    gallery = services.detection.galleries.of(GROUP)
    sessions = iter(range(1_000_000))

    def roll_call() -> None:
        services.detection.detect(GROUP, [image], SessionId(f"s{next(sessions)}"), use_anyway=True)

    steps: Steps = {
        "decode": lambda: services.decode(image),
        "detect": lambda: find_faces(pixels, vision.detector.detect),
        "quality": lambda: assess(pixels, faces),
        "crops of all networks": lambda: [embedder.crops(pixels, faces) for embedder in vision.embedders],
        "embed with all networks": lambda: vision.embed(crops),
    }
    for number, embedder in enumerate(vision.embedders):
        name = f"embed with network {number + 1} alone" + (", with mirror images" if embedder.mirrored else "")
        steps[name] = lambda embedder=embedder, seen=crops[number]: embedder.embed(seen)  # type: ignore[misc]
    steps["decide"] = lambda: identify(np.ascontiguousarray(probes), gallery, Policy())
    steps["whole roll call, stored"] = roll_call
    return len(faces), steps


def measured(steps: Steps, rounds: int) -> dict[str, tuple[float, float]]:
    """Return the median milliseconds of each step, by the clock and of the processor."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
    for number in range(rounds + 1):
        for name, step in steps.items():
            cost, clock = processor_seconds(), time.perf_counter()
            step()
            clock, cost = time.perf_counter() - clock, processor_seconds() - cost
            if number:
                found[name].append((clock, cost))
    return {
        name: (1e3 * statistics.median(clock for clock, _ in taken), 1e3 * statistics.median(cost for _, cost in taken))
        for name, taken in found.items()
    }


def processor_seconds() -> float:
    """Return the processor time of this process and its decoder, which has one thread, so far."""
    decoders = [process for process in family(os.getpid()) if process != os.getpid()]
    nanoseconds = [int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) for process in decoders]
    return time.process_time() + sum(nanoseconds) / 1e9


if __name__ == "__main__":
    main()
