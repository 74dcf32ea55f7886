"""The detector in int8 beside float32: faces, boxes, landmarks, embeddings and time, photo by photo.

    python -m benchmarks detector_precision [--photos ../shared/photos] [--classrooms 6] [--write]

`--write` calibrates first: it measures the ranges of activations that ship, on made classrooms of people who are in
none of the photos that are compared, and on the samples. The photos that are compared are the labelled ones and made
classrooms. Prints a table and one line of JSON.
"""

import json
import tempfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnxruntime.quantization import CalibrationDataReader

from benchmarks.lib.photos import SAMPLES, photo_parser, photos_found
from benchmarks.lib.pictures import gives_statistics
from benchmarks.vision.detection import classroom, portraits
from benchmarks.vision.precision import measured_ranges
from muster.arrays import iou
from muster.composition.settings import LocalSettings
from muster.composition.vision import open_models
from muster.packs.build import build_embedded
from muster.packs.centerface_int8 import depthwise_inputs, equalized, in_convolutions, with_int8
from muster.packs.precision import shipped_ranges
from muster.vision.decode import Photo, decode
from muster.vision.detector import CenterFaceDetector, as_blocks, padded
from muster.vision.scan import reduce_picture
from muster.vision.tiles import choose_scales, cut_tiles

Pixels = NDArray[np.uint8]
_RANGES = Path(str(resources.files("muster.packs").joinpath("data", "centerface_int8.ranges")))
_CALIBRATION_SEEDS = (1000, 1001, 1002)
_CALIBRATION_SIDES = (704, 2560)
_PEOPLE = 150
_SAME_FACE = 0.5


class _Blocks(CalibrationDataReader):  # type: ignore[misc]
    """Pictures as the network in float32 is fed their blocks."""

    def __init__(self, pictures: Iterator[Pixels]) -> None:
        self._pictures = pictures

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next picture, or None."""
        picture = next(self._pictures, None)
        if picture is None:
            return None
        return {"picture": as_blocks(padded(picture)).transpose(0, 3, 1, 2).astype(np.float32)}


def main() -> None:
    """Measure and print."""
    parser = photo_parser(__doc__)
    parser.add_argument("--classrooms", type=int, default=6)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="calibrate again, and replace the ranges that ship")
    chosen = parser.parse_args()
    if not photos_found(chosen.photos, "detector_precision"):
        return
    home = LocalSettings().home
    pack = build_embedded(home, name="embedded")
    exact = CenterFaceDetector(pack.detector, chosen.threads)
    if chosen.write:
        _RANGES.write_bytes(calibrated(onnx.load(pack.detector), exact, chosen.photos))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "narrow.onnx"
        onnx.save(with_int8(onnx.load(pack.detector), shipped_ranges("centerface")), file)
        narrow = CenterFaceDetector(file, chosen.threads)
    embed = open_models(pack, chosen.threads).embed_faces
    report: dict[str, Any] = {"benchmark": "detector_precision"}
    for kind, pictures in photos(chosen.photos, exact, chosen.classrooms).items():
        counts = {"float32": 0, "int8": 0, "both": 0}
        values: dict[str, list[float]] = {"iou": [], "landmarks": [], "score": [], "cosine": []}
        spent = {"float32": 0.0, "int8": 0.0}
        for pixels in pictures:
            started = process_time()
            first = exact.detect(pixels)
            between = process_time()
            second = narrow.detect(pixels)
            spent["float32"] += between - started
            spent["int8"] += process_time() - between
            overlaps = iou(first.boxes, second.boxes)
            same = np.flatnonzero(overlaps.max(axis=1, initial=0) >= _SAME_FACE)
            counts["float32"] += len(first)
            counts["int8"] += len(second)
            counts["both"] += len(same)
            if not len(same):
                continue
            ours, theirs = first.take(same), second.take(overlaps[same].argmax(axis=1))
            values["iou"] += overlaps[same].max(axis=1).tolist()
            offsets = np.linalg.norm(ours.landmarks - theirs.landmarks, axis=2).max(axis=1)
            values["landmarks"] += (offsets / ours.boxes[:, 3]).tolist()
            values["score"] += (theirs.scores - ours.scores).tolist()
            photo = Photo(pixels, "")
            cosines = (embed(photo, ours).embeddings * embed(photo, theirs).embeddings).sum(axis=1)
            values["cosine"] += cosines.tolist()
        summary = {
            name: np.quantile(found, (0, 0.01, 0.5, 0.99, 1)).round(4).tolist() for name, found in values.items()
        }
        report[kind] = {"faces": counts, "seconds": spent, "quantiles": summary}
        print(f"{kind}: faces {counts}, {spent['int8'] / spent['float32']:.2f} of the processor time")
        for name, quantiles in summary.items():
            print(f"    {name:10s} least, 1 %, median, 99 %, greatest: {quantiles}")
    print(json.dumps(report))


def photos(folder: Path, detector: CenterFaceDetector, count: int) -> dict[str, list[Pixels]]:
    """Return the labelled photos, and made classrooms of people whose faces did not calibrate."""
    labelled = [*sorted((folder / "detection").glob("*.jpg")), *sorted((folder / "groups" / "photos").glob("*.jpg"))]
    pasted = portraits(detector, _people(folder, calibrating=False))
    return {
        "labelled": [decode(path.read_bytes()).pixels for path in labelled],
        "classrooms": [classroom(pasted, folder, seed)[0] for seed in range(count)],
    }


def calibrated(exact: onnx.ModelProto, detector: CenterFaceDetector, folder: Path) -> bytes:
    """Return the calibration of `with_int8` from made classrooms and the samples, as a photo is read."""
    pasted = portraits(detector, _people(folder, calibrating=True))
    pictures = [classroom(pasted, folder, seed)[0] for seed in _CALIBRATION_SEEDS]
    pictures += [decode(path.read_bytes()).pixels for path in sorted(SAMPLES.glob("*/*/*.jpg"))]
    read = list(_as_read(pictures))
    network = in_convolutions(exact)
    peaks = _peaks(network, read)
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "exact.onnx"
        onnx.save(equalized(network, peaks), file)
        ranges = json.loads(measured_ranges(file, _Blocks(iter(read))))
    return json.dumps({"peaks": peaks, "ranges": ranges}, sort_keys=True).encode() + b"\n"


def _peaks(network: onnx.ModelProto, pictures: list[Pixels]) -> dict[str, list[float]]:
    """Return the greatest value in each channel of the tensors that depthwise convolutions read."""
    wanted = depthwise_inputs(network)
    shown = onnx.ModelProto()
    shown.CopyFrom(network)
    shown.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in wanted)
    session = onnxruntime.InferenceSession(shown.SerializeToString(), providers=["CPUExecutionProvider"])
    peaks = [np.zeros(1, np.float32)] * len(wanted)
    for inputs in iter(_Blocks(iter(pictures)).get_next, None):
        values = session.run(wanted, inputs)
        peaks = [np.maximum(known, seen.max(axis=(0, 2, 3))) for known, seen in zip(peaks, values, strict=True)]
    return {name: np.round(peak, 4).tolist() for name, peak in zip(wanted, peaks, strict=True)}


def _people(folder: Path, *, calibrating: bool) -> list[Path]:
    people = [path for path in sorted((folder / "lfw").iterdir()) if gives_statistics(path.name) == calibrating]
    return [min(path.glob("*.jpg")) for path in people[:_PEOPLE]]


def _as_read(pictures: list[Pixels]) -> Iterator[Pixels]:
    for pixels in pictures:
        for scale in choose_scales(max(pixels.shape[:2]), _CALIBRATION_SIDES):
            reduced = reduce_picture(pixels, scale)
            for tile in cut_tiles(reduced.shape[1], reduced.shape[0]):
                yield reduced[tile.top : tile.bottom, tile.left : tile.right]


if __name__ == "__main__":
    main()
