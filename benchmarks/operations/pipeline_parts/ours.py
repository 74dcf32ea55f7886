"""Photos through our ONNX pipelines, in a process of its own.

    python -m benchmarks.operations.pipeline_parts.ours once|unsegmented|cloud|shipped WEIGHTS photos.json result.json

`photos.json` maps paths to the boxes of their faces, x, y, width, height. `once` runs the networks of the cloud pack
just as often as the torch pipeline does, with FaceNet in int8, and `unsegmented` all but the segmentation. `cloud` runs
them as they ship, in float32: it looks at several scales and embeds each face with its mirror image. `shipped` is the
default pack. The boxes stand in for those that the detector of the first three finds with its random weights.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.lib.facenet_crops import stretched_crops
from muster.domain.faces import Faces
from muster.vision.align import CROP_MARGIN
from muster.vision.decode import decode
from muster.vision.embedder import FaceNetwork
from muster.vision.quality import assess
from muster.vision.segmenter import grey_out_background
from muster.vision.unet_segmenter import UnetSegmenter
from muster.vision.yolo import YoloFaceDetector
from muster.vision.yolo_outputs import frontal_landmarks

THREADS = 2

Read = Callable[[bytes, list[list[float]]], int]


def cloud(weights: Path, *, once: bool, segmented: bool) -> Read:
    """Return what reads one photo with the networks of the cloud pack and returns how many faces it embedded."""
    detector = YoloFaceDetector(weights / "yolo.onnx", THREADS, threshold=0.9)
    segmenter = UnetSegmenter(weights / "head.onnx", THREADS) if segmented else None
    embedder = FaceNetwork(weights / ("facenet_int8.onnx" if once else "facenet.onnx"), THREADS)

    def read(content: bytes, boxes: list[list[float]]) -> int:
        pixels = decode(content).pixels
        (detector.detect_whole if once else detector.detect)(pixels)
        if not boxes:
            return 0
        stacked = np.array(boxes, np.float32)
        faces = Faces(stacked, frontal_landmarks(stacked), np.ones(len(boxes), np.float32))
        crops = stretched_crops(pixels, faces, mirrored=not once)
        if segmenter is not None:
            masks = segmenter.head_masks(pixels, faces, CROP_MARGIN)
            views = [masks] if once else [masks, np.ascontiguousarray(masks[:, :, ::-1])]
            heads = [grey_out_background(crops[:, view], mask) for view, mask in enumerate(views)]
            crops = np.stack(heads, axis=1)
        if not once:
            assess(pixels, faces)
        return len(embedder.embed_faces(crops))

    return read


def shipped() -> Read:
    """Return what reads one photo with the pack that ships by default."""
    from muster.composition.settings import DEFAULT_PACK, LocalSettings
    from muster.composition.vision import open_models
    from muster.packs.load import load_pack

    pipeline = open_models(load_pack(DEFAULT_PACK, LocalSettings().home), THREADS)
    return lambda content, _: len(pipeline.probes(decode(content)).faces)


def main(mode: str, weights: Path, photos: Path, result: Path) -> None:
    """Read every photo and write how many faces there were and how long it took, loading apart."""
    cloud_read = {"once": (True, True), "unsegmented": (True, False), "cloud": (False, True)}
    if mode == "shipped":
        read = shipped()
    else:
        once, segmented = cloud_read[mode]
        read = cloud(weights, once=once, segmented=segmented)
    faces = 0
    started = time.perf_counter()
    for path, boxes in json.loads(photos.read_text()).items():
        faces += read(Path(path).read_bytes(), boxes)
    result.write_text(json.dumps({"faces": faces, "seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    main(sys.argv[1], *(Path(argument) for argument in sys.argv[2:5]))
