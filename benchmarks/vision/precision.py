"""FaceNet of the embedded pack in float32, float16 on the disk, and int8: accuracy, speed and size in one run.

    python -m benchmarks precision [--photos ../shared/photos] [--people 60] [--strangers 150] [--seeds 5]

int8 is static: weights of 7 bits by channel, activation ranges from faces of people who are not in the
accuracy's photos. Accuracy is that of `muster.evaluation` with stage 1, on people who contributed to no statistic;
every precision sees the same crops. Speed is the fastest of several runs, the precisions taking turns, since other work
on the machine only slows a run down. Prints a table and one line of JSON.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from importlib import resources
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

from benchmarks.lib.lfw import Protocol, lfw_subset
from benchmarks.lib.photos import photo_parser, photos_found
from benchmarks.lib.pictures import gives_statistics
from muster.composition.evaluation import shipped_recognition
from muster.composition.settings import LocalSettings
from muster.composition.vision import open_models
from muster.domain.faces import Faces
from muster.evaluation.embed import Pictures
from muster.evaluation.run import EvaluationSettings, evaluate_dataset
from muster.packs.build import build_embedded
from muster.packs.precision import shipped_ranges, with_float16_weights, with_int8
from muster.vision.align import StretchedBox, crop_faces
from muster.vision.decode import decode
from muster.vision.detector import CenterFaceDetector
from muster.vision.embedder import FaceNetwork
from muster.vision.pipeline import VisionPipeline

_RANGES = Path(str(resources.files("muster.packs").joinpath("data", "facenet_int8.ranges")))
_BATCHES = (1, 16)
_TURNS = 8
_KEPT = ("rank_1", "dir_at_fpir_0_1", "dir_at_fpir_1", "dir_at_fpir_10")


class Remembering:
    """A detector that finds the faces of a photo once, since every precision is asked about the same photos."""

    def __init__(self, detector: CenterFaceDetector) -> None:
        self._detector = detector
        self._found: dict[bytes, Faces] = {}

    def detect(self, pixels: NDArray[np.uint8]) -> Faces:
        """Return the faces of a photo."""
        key = sha256(pixels.tobytes()).digest()
        if key not in self._found:
            self._found[key] = self._detector.detect(pixels)
        return self._found[key]


class _Crops(CalibrationDataReader):  # type: ignore[misc]
    """Faces as the network is fed them, a few at a time."""

    def __init__(self, crops: NDArray[np.uint8]) -> None:
        faces = (crops.transpose(0, 3, 1, 2).astype(np.float32) - 127.5) / 128
        self._batches: Iterator[NDArray[np.float32]] = iter(np.array_split(faces, max(1, len(faces) // 8)))

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next faces, or None."""
        batch = next(self._batches, None)
        return None if batch is None else {"face": batch}


def main() -> None:
    """Measure and print."""
    parser = photo_parser(__doc__)
    parser.add_argument("--people", type=int, default=60)
    parser.add_argument("--strangers", type=int, default=150)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--views", type=int, default=8, help="augmented views of a registration")
    parser.add_argument("--calibrated-on", type=int, default=200, help="people whose faces calibrate int8")
    parser.add_argument("--write", action="store_true", help="calibrate again, and replace the ranges that ship")
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    if not photos_found(chosen.photos, "precision"):
        return
    settings = LocalSettings(threads=chosen.threads)
    pack = build_embedded(settings.home)
    detector = Remembering(CenterFaceDetector(pack.detector, chosen.threads))
    crops = calibration_crops(chosen.photos / "lfw", detector, chosen.calibrated_on)
    if chosen.write:
        _RANGES.write_bytes(calibrated(pack.embedders[0], crops))
    ranges = shipped_ranges("facenet")
    protocol = Protocol(chosen.people, chosen.people // 2, chosen.strangers, 3, chosen.seeds)
    dataset = lfw_subset(chosen.photos / "lfw", protocol)
    how = replace(shipped_recognition(pack, settings), train=None)
    asked = EvaluationSettings(how, 0.5, chosen.seeds)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        files = written(pack.embedders[0], ranges, Path(folder))
        embedders = {name: FaceNetwork(file, chosen.threads) for name, file in files.items()}
        speed = _speed(embedders, crops)
        exact = embedders["float32"].embed(crops)
        cosines = {name: (embedder.embed(crops) * exact).sum(axis=1) for name, embedder in embedders.items()}
        for name, cosine in cosines.items():
            print(f"{name}: {speed[name]} ms, cosine {cosine.min():.5f}, mean {cosine.mean():.5f}", file=sys.stderr)
        for name, embedder in embedders.items():
            print(f"reading pictures with {name}", file=sys.stderr)
            first, *others = open_models(pack, chosen.threads).embedders
            changed = (replace(first, network=embedder), *others)
            pictures = Pictures(VisionPipeline(detector, changed, views=chosen.views))
            report = evaluate_dataset(chosen.photos / "lfw", dataset, asked, pictures, lambda step, share: None)
            figures = report.document()["stage1"]
            rows.append(
                {
                    "precision": name,
                    "megabytes": round(files[name].stat().st_size / 1e6, 1),
                    **{f"ms_a_face_at_{size}": round(speed[name][size], 1) for size in _BATCHES},
                    "min_cosine": round(float(cosines[name].min()), 5),
                    **{key: figures[key] for key in (*_KEPT, "correct", "wrong", "accepted_strangers")},
                    "intervals_95": {key: figures["intervals_95"].get(key) for key in _KEPT},
                }
            )
    _show(rows)
    counted = {name: getattr(chosen, name) for name in ("people", "strangers", "seeds", "threads", "views")}
    print(json.dumps({"benchmark": "precision", "pack": pack.id, **counted, "rows": rows}))


def calibration_crops(folder: Path, detector: Remembering, people: int) -> NDArray[np.uint8]:
    """Cut one face of each of some people out, uint8 (N, 160, 160, 3); nobody of them is in the accuracy's photos."""
    crops = []
    for person in sorted(path for path in folder.iterdir() if gives_statistics(path.name))[:people]:
        photo = decode(min(person.glob("*.jpg")).read_bytes())
        faces = detector.detect(photo.pixels)
        if len(faces):
            crops.append(crop_faces(photo.pixels, faces.take(np.array([0])), StretchedBox())[0])
    return np.stack(crops)


def written(exact: Path, ranges: bytes, folder: Path) -> dict[str, Path]:
    """Write the network in each precision, as the pack's builder does; return the files by name."""
    model = onnx.load(exact)
    narrow = {"float16": with_float16_weights(model), "int8": with_int8(model, ranges)}
    files = {"float32": exact, **{name: folder / f"{name}.onnx" for name in narrow}}
    for name, network in narrow.items():
        files[name].write_bytes(network.SerializeToString(deterministic=True))
    return files


def calibrated(exact: Path, crops: NDArray[np.uint8]) -> bytes:
    """Run faces through the network and return the range of every activation, as `with_int8` takes it."""
    return measured_ranges(exact, _Crops(crops))


def measured_ranges(exact: Path, inputs: CalibrationDataReader) -> bytes:
    """Run inputs through a network and return the range of every activation, as `with_int8` takes it."""
    with tempfile.TemporaryDirectory() as folder:
        ranges = Path(folder) / "ranges.json"
        _quantize(exact, Path(folder) / "narrow.onnx", ranges, inputs)
        # In an order that does not change from run to run.
        return json.dumps(json.loads(ranges.read_text()), sort_keys=True).encode() + b"\n"


def wide_int8(exact: Path, ranges: bytes) -> bytes:
    """Return the network in int8 with weights of 8 bits, with which processors without VNNI clip sums."""
    with tempfile.TemporaryDirectory() as folder:
        narrow, kept = Path(folder) / "narrow.onnx", Path(folder) / "ranges.json"
        kept.write_bytes(ranges)
        _quantize(exact, narrow, kept)
        return narrow.read_bytes()


def _quantize(exact: Path, narrow: Path, ranges: Path, crops: CalibrationDataReader | None = None) -> None:
    quantize_static(
        exact,
        narrow,
        crops,
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
        calibration_cache_path=ranges,
    )


def _speed(embedders: dict[str, FaceNetwork], crops: NDArray[np.uint8]) -> dict[str, dict[int, float]]:
    """Return the milliseconds a face by precision and batch size."""
    taken: dict[str, dict[int, float]] = {name: dict.fromkeys(_BATCHES, float("inf")) for name in embedders}
    for _ in range(_TURNS):
        for name, embedder in embedders.items():
            for size in _BATCHES:
                seconds = _timed(embedder.embed, crops[:size])
                taken[name][size] = min(taken[name][size], 1000 * seconds / size)
    return taken


def _timed(work: Callable[[NDArray[np.uint8]], object], crops: NDArray[np.uint8]) -> float:
    started = perf_counter()
    work(crops)
    return perf_counter() - started


def _show(rows: list[dict[str, Any]]) -> None:
    print("precision           MB   ms a face: 1     16   least cosine   rank-1   DIR at 0.1 %    1 %   10 %")
    for row in rows:
        print(
            f"{row['precision']:15} {row['megabytes']:6}   {row['ms_a_face_at_1']:12}  {row['ms_a_face_at_16']:5}"
            f"   {row['min_cosine']:12.5f}   {row['rank_1']:.4f}   {row['dir_at_fpir_0_1']:12.4f}"
            f"  {row['dir_at_fpir_1']:.4f}  {row['dir_at_fpir_10']:.4f}"
        )


if __name__ == "__main__":
    main()
