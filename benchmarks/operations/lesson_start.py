"""Thirty teachers send a photo of their class to one `muster serve` at the same moment.

    python -m benchmarks lesson_start [--teachers 30] [--megapixels 12]

Each photo is the sample class, enlarged, as a JPEG of its own. The teachers start a twentieth of a second apart, so the
order in which they came is known; a place in the queue is taken once the whole photo has arrived. A teacher who is
refused waits as long as `Retry-After` says, like the phone. Fails with exit status 1 if a photo is lost or a student is
missed.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import httpx
from PIL import Image

from benchmarks.lib.photos import SAMPLES
from benchmarks.operations.hostile import family
from benchmarks.operations.load_parts.server import Memory, serving

CLASS = SAMPLES / "class"
SECONDS_APART = 0.05


@dataclass(frozen=True, slots=True)
class Sent:
    """One photo that was answered.

    Attributes:
        started, ended: of the request, on one clock.
        refusals: how often the server was too busy.
        found: students in the photo who were marked present or asked about.
        session: id of the roll call.
    """

    started: float
    ended: float
    refusals: int
    found: int
    session: str


def main() -> None:
    """Measure and print; end with exit status 1 on a failure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teachers", type=int, default=30)
    parser.add_argument("--megapixels", type=float, default=12.0)
    options = parser.parse_args()
    groups = [f"g{number}" for number in range(options.teachers)]
    with tempfile.TemporaryDirectory() as name, serving(Path(name) / "store", Path(name) / "log") as (url, process):
        register(url, groups)
        photos = [class_photo(options.megapixels, number) for number in range(options.teachers)]
        # The first photo also loads the models.
        send(url, groups[0], class_photo(1.0, 0), 0.0)
        with Memory(process) as memory, ThreadPoolExecutor(options.teachers) as pool:
            begin = time.monotonic() + 0.5
            used = processor_seconds(process)
            times = [begin + number * SECONDS_APART for number in range(options.teachers)]
            sent = list(pool.map(send, [url] * len(groups), groups, photos, times))
            used = processor_seconds(process) - used
        lost = [
            answer.session for answer in sent if httpx.get(f"{url}/v1/sessions/{answer.session}").json()["photos"] != 1
        ]
    document = figures(sent, memory.total_kb) | {"processor_s_per_photo": round(used / len(sent), 2)}
    print(json.dumps({"benchmark": "lesson_start", "megapixels": options.megapixels, **document}))
    missed = [answer.session for answer in sent if answer.found < len(labelled())]
    if lost or missed:
        print(f"failed: {len(lost)} photos lost, students missed in {len(missed)} photos", file=sys.stderr)
        sys.exit(1)


def register(url: str, groups: list[str]) -> None:
    """Register the sample class in every group."""
    for portrait in sorted((CLASS / "gallery").glob("*.jpg")):
        form = {"student_id": portrait.stem, "name": portrait.stem, "group_id": groups, "consent": "true"}
        answer = httpx.post(
            f"{url}/register/register-student", data=form, files={"image": portrait.read_bytes()}, timeout=300
        )
        answer.raise_for_status()


def processor_seconds(process: int) -> float:
    """Return the processor time of a process and its children so far."""
    stats = (Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split() for number in family(process))
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf("SC_CLK_TCK")


def labelled() -> set[str]:
    """Return the students in the photo."""
    faces = json.loads((CLASS / "labels.json").read_text())["class.jpg"]
    return {face["student_id"] for face in faces if face["student_id"]}


def class_photo(megapixels: float, number: int) -> bytes:
    """Return the photo of the sample class at this size; each number gives other bytes, as each teacher's photo has."""
    with Image.open(CLASS / "photos/class.jpg") as picture:
        scale = (megapixels * 1e6 / (picture.width * picture.height)) ** 0.5
        large = picture.convert("RGB").resize((round(picture.width * scale), round(picture.height * scale)))
    written = BytesIO()
    large.save(written, "JPEG", quality=85, comment=f"photo {number}".encode())
    return written.getvalue()


def send(url: str, group: str, photo: bytes, at: float) -> Sent:
    """Send a photo at a time, and again each time that the server is busy."""
    time.sleep(max(at - time.monotonic(), 0.0))
    started, refusals = time.monotonic(), 0
    while True:
        form = {"group_id": group, "use_anyway": "true"}
        answer = httpx.post(f"{url}/mark/detect", data=form, files={"images": photo}, timeout=1800)
        if answer.status_code != 429:
            break
        refusals += 1
        time.sleep(int(answer.headers["retry-after"]))
    answer.raise_for_status()
    document = answer.json()
    seen = {mark["student_id"] for mark in document["marks"] if mark["status"] != "absent"}
    return Sent(started, time.monotonic(), refusals, len(seen & labelled()), document["session_id"])


def figures(sent: list[Sent], memory_kb: int) -> dict[str, float]:
    """Summarise waits, order and memory. `sent` is in the order in which the teachers came."""
    waits = sorted(answer.ended - answer.started for answer in sent)
    overtaken = [sum(later.ended < answer.ended for later in sent[place + 1 :]) for place, answer in enumerate(sent)]
    total = max(answer.ended for answer in sent) - min(answer.started for answer in sent)
    return {
        "photos": len(sent),
        "photos_per_minute": round(60 * len(sent) / total, 1),
        "first_s": round(waits[0], 1),
        "p50_s": round(statistics.median(waits), 1),
        "p95_s": round(waits[min(round(0.95 * len(waits)), len(waits) - 1)], 1),
        "last_s": round(waits[-1], 1),
        "refusals": sum(answer.refusals for answer in sent),
        "most_overtaken": max(overtaken),
        "memory_mb": round(memory_kb / 1e3),
    }


if __name__ == "__main__":
    main()
