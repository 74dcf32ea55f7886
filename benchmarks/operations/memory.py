"""Memory of `muster serve` during two concurrent requests: usual photos, then several of 50 megapixels each.

`python -m benchmarks memory [PHOTOS]`. Fails with exit status 1 where a process takes more than 1.5 GB.
"""

import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from benchmarks.lib.photos import SAMPLES
from benchmarks.operations.decoding import encoded, photograph
from benchmarks.operations.hostile import family, usage
from benchmarks.operations.load_parts.photos import Photos
from benchmarks.operations.load_parts.server import Memory, kilobytes, serving
from muster.composition.local import LocalBackend

MAX_KB = 1_500_000
USUAL, LARGE = 12, 3


def send(url: str, session: str, photos: list[bytes]) -> None:
    """Send photos as one request."""
    form = {"group_id": "7b", "session_id": session, "use_anyway": "true"}
    files = [("images", photo) for photo in photos]
    httpx.post(f"{url}/mark/detect", data=form, files=files, timeout=600).raise_for_status()


def main() -> None:
    """Send and report."""
    large = int(sys.argv[1]) if len(sys.argv) > 1 else LARGE
    made = [Photos(sender) for sender in range(2)]
    image = photograph(50, 4)
    heavy = [[encoded(image, "JPEG", quality=85 + sender + 2 * number) for number in range(large)] for sender in (0, 1)]
    figures = {}
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(2) as pool:
        LocalBackend(Path(place) / "store").users.find()
        with serving(Path(place) / "store", Path(place) / "log") as (url, process), Memory(process) as memory:
            form = {"student_id": "s1", "name": "Ada", "group_id": "7b", "consent": "true"}
            portrait = (SAMPLES / "gallery" / "barack_obama.jpg").read_bytes()
            httpx.post(f"{url}/register/register-student", data=form, files={"image": portrait}, timeout=600)
            for name, requests in (
                ("usual", [(url, f"u{n}", [made[n % 2].group()]) for n in range(2 * USUAL)]),
                ("50 megapixels", [(url, f"h{n}", photos) for n, photos in enumerate(heavy)]),
            ):
                if not requests[0][2]:
                    continue
                started, before = time.monotonic(), usage(family(process))[0]
                list(pool.map(lambda request: send(*request), requests))
                figures[name] = {
                    "seconds": round(time.monotonic() - started, 1),
                    "processor_seconds": round(usage(family(process))[0] - before, 1),
                    "server_gb": round(kilobytes(process, "VmHWM") / 1e6, 2),
                    "with_decoders_gb": round(memory.total_kb / 1e6, 2),
                }
                print(name, figures[name], flush=True)
            peak = kilobytes(process, "VmHWM")
    print(json.dumps(figures))
    sys.exit(1 if peak > MAX_KB else 0)


if __name__ == "__main__":
    main()
