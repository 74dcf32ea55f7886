"""Cost of decoding in a separate process: `decode` and `DecoderPool.decode` in turns over the same photos.

`python -m benchmarks decoding [ROUNDS]`. Prints medians of wall-clock time, and the processor time of large
pictures. A HEIC is measured at 12 megapixels, since encoding one of 50 takes minutes.
"""

import io
import json
import statistics
import sys
import time

import numpy as np
import pillow_heif
from PIL import Image

from benchmarks.lib.photos import SAMPLES
from muster.vision.decode import decode
from muster.vision.decoder_pool import DecoderPool

GROUP = SAMPLES / "photos" / "group.jpg"
SIZES = {12: (4000, 3000), 50: (8192, 6144)}


def photograph(megapixels: int, grain: int) -> Image.Image:
    """Enlarge a sample and lay noise on it, up to `grain` levels, as a sensor does."""
    image = np.asarray(Image.open(GROUP).convert("RGB").resize(SIZES[megapixels]))
    noise = np.random.default_rng(0).integers(-grain, grain + 1, image.shape, np.int16)
    return Image.fromarray(np.clip(image + noise, 0, 255).astype(np.uint8))


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    """Encode a picture."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def overhead(pool: DecoderPool, name: str, data: bytes, rounds: int) -> float:
    """Print and return the milliseconds that the other process adds."""
    taken: dict[str, list[float]] = {"here": [], "there": []}
    for number in range(rounds):
        ways = {"here": decode, "there": pool.decode}
        for way in sorted(ways, reverse=number % 2 == 1):
            started = time.perf_counter()
            ways[way](data)
            taken[way].append((time.perf_counter() - started) * 1000)
    here, there = statistics.median(taken["here"]), statistics.median(taken["there"])
    fastest = min(taken["there"]) - min(taken["here"])
    print(
        f"{name:22} {len(data) / 1e6:6.1f} MB  here {here:7.0f} ms  there {there:7.0f} ms  "
        f"more {there - here:6.0f} ms (fastest of each: {fastest:.0f} ms)"
    )
    return there - here


def main() -> None:
    """Measure 12-megapixel JPEG in both ways, then the processor time of large pictures."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 25
    pillow_heif.register_heif_opener()
    pool = DecoderPool(1)
    usual = encoded(photograph(12, 6), "JPEG", quality=90)
    pool.decode(usual)
    more = overhead(pool, "JPEG, 12 megapixels", usual, rounds)
    seconds = {}
    for name, kind, megapixels, options in (
        ("JPEG", "JPEG", 50, {"quality": 92}),
        ("progressive JPEG", "JPEG", 50, {"quality": 90, "progressive": True}),
        ("HEIC", "HEIF", 12, {"quality": 60}),
    ):
        data = encoded(photograph(megapixels, 4), kind, **options)
        started = time.process_time()
        decode(data)
        seconds[f"{name}, {megapixels} megapixels"] = round(time.process_time() - started, 2)
    pool.close()
    print(json.dumps({"milliseconds_more": round(more, 1), "processor_seconds": seconds}))


if __name__ == "__main__":
    main()
