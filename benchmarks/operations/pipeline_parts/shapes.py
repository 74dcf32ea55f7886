"""Gain of exporting the YOLO detector with free sides instead of squares, measured in a separate process.

    python -m benchmarks.operations.pipeline_parts.shapes free.onnx square.onnx photos.json

Prints one line of JSON: milliseconds and processor milliseconds that one look at a photo takes, photos read in turns,
the better of two looks at each.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

from muster.vision.decode import decode
from muster.vision.yolo import YoloFaceDetector

THREADS = 2


def main(free: Path, square: Path, photos: Path) -> None:
    """Measure and print."""
    detectors = {name: YoloFaceDetector(path, THREADS) for name, path in (("free", free), ("square", square))}
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in detectors}
    for path in json.loads(photos.read_text()):
        pixels = decode(Path(path).read_bytes()).pixels
        for name, detector in detectors.items():
            looks = []
            for _ in range(2):
                started, used = time.perf_counter(), time.process_time()
                detector.detect_whole(pixels)
                looks.append((time.perf_counter() - started, time.process_time() - used))
            spent[name].append(min(looks))
    means = {name: np.mean(times, axis=0) * 1000 for name, times in spent.items()}
    print(json.dumps({name: {"ms": round(of[0], 1), "cpu_ms": round(of[1], 1)} for name, of in means.items()}))


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
