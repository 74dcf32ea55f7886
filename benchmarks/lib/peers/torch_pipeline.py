"""Photos through the torch libraries as their own pages show, face by face, in a process of its own.

    .venv-export/bin/python benchmarks/lib/peers/torch_pipeline.py WEIGHTS photos.json result.json

ultralytics finds the faces, the Unet of head-segmentation outlines each head, InceptionResnetV1 of facenet-pytorch
embeds it. `photos.json` maps paths to boxes, x, y, width, height, which stand in for those that the detector finds with
its random weights. It imports nothing of ours.
"""

import json
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import segmentation_models_pytorch
import torch
from facenet_pytorch import InceptionResnetV1
from numpy.typing import NDArray
from PIL import Image, ImageOps
from ultralytics import YOLO

THREADS = 2
MARGIN = 0.2
SIDE = 256
DEPTH = 5


def main(weights: Path, photos: Path, result: Path) -> None:
    """Read every photo and write how many faces there were and how long it took, loading apart."""
    torch.set_num_threads(THREADS)
    detector = YOLO(weights / "yolo.pt")
    unet = segmentation_models_pytorch.Unet(
        encoder_name="mobilenet_v2",
        encoder_depth=DEPTH,
        encoder_weights=None,
        decoder_channels=[SIDE // 2**level for level in range(DEPTH)],
        classes=2,
    ).eval()
    unet.load_state_dict(torch.load(weights / "head.pt", weights_only=True))
    embedder = InceptionResnetV1(pretrained=None).eval()
    embedder.load_state_dict(torch.load(weights / "facenet.pt", weights_only=True))
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    faces = 0
    started = time.perf_counter()
    for path, boxes in json.loads(photos.read_text()).items():
        with Image.open(path) as image:
            pixels = np.array(ImageOps.exif_transpose(image).convert("RGB"))
        detector.predict(pixels[..., ::-1].copy(), imgsz=640, conf=0.9, device="cpu", verbose=False)
        for x, y, width, height in boxes:
            left, top = int(x - width * MARGIN / 2), int(y - height * MARGIN / 2)
            face = pixels[
                max(0, top) : int(y + height * (1 + MARGIN / 2)), max(0, left) : int(x + width * (1 + MARGIN / 2))
            ]
            with torch.inference_mode():
                picture = _tensor(np.asarray(cv2.resize(face, (SIDE, SIDE)), np.uint8))
                head = unet((picture / 255 - mean) / deviation).softmax(dim=1)[0, 1].numpy()
                crop = cv2.resize(face, (160, 160))
                mask = cv2.resize(head, (160, 160))[..., None] > 0.5
                embedder((_tensor(np.where(mask, crop, 127).astype(np.uint8)) - 127.5) / 128).numpy()
            faces += 1
    result.write_text(json.dumps({"faces": faces, "seconds": time.perf_counter() - started}))


def _tensor(picture: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(picture.transpose(2, 0, 1)[None].astype(np.float32))


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
