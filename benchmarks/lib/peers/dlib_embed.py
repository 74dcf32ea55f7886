"""Find and embed faces with the models of `face_recognition` (dlib), in an environment of their own.

    .venv-peers/bin/python benchmarks/lib/peers/dlib_embed.py pictures.json faces.npz

`pictures.json` is a list of P paths. The result holds, for M faces in all:

- `picture` int64 (M,), the index of each face's picture;
- `box` float32 (M, 4), x, y, width, height in pixels;
- `embedding` float32 (M, 128);
- `size` int64 (P, 2), width and height of each picture; `seconds`, the time in all.

The detector is the HOG one with one upsampling and a face is embedded once, which are that package's defaults.
It imports nothing of ours.
"""

import json
import sys
import time
from pathlib import Path

import dlib
import face_recognition_models  # type: ignore[import-not-found]
import numpy as np
from PIL import Image, ImageOps


def main(pictures: Path, target: Path) -> None:
    """Embed every face of the pictures, saying on stderr how far it got."""
    paths = json.loads(pictures.read_text(encoding="utf-8"))
    detector = dlib.get_frontal_face_detector()
    pose = dlib.shape_predictor(face_recognition_models.pose_predictor_five_point_model_location())
    network = dlib.face_recognition_model_v1(face_recognition_models.face_recognition_model_location())
    owners, boxes, embeddings, sizes = [], [], [], []
    started = time.perf_counter()
    for number, path in enumerate(paths):
        with Image.open(path) as image:
            pixels = np.array(ImageOps.exif_transpose(image).convert("RGB"))
        sizes.append((pixels.shape[1], pixels.shape[0]))
        for found in detector(pixels, 1):
            described = network.compute_face_descriptor(pixels, pose(pixels, found), 1)
            owners.append(number)
            boxes.append((found.left(), found.top(), found.width(), found.height()))
            embeddings.append(np.array(described, dtype=np.float32))
        if number % 100 == 99:
            spent = time.perf_counter() - started
            left = spent / (number + 1) * (len(paths) - number - 1)
            print(f"dlib: {number + 1} of {len(paths)} pictures, {left:.0f} s left", file=sys.stderr, flush=True)
    np.savez(
        target,
        picture=np.array(owners, dtype=np.int64),
        box=np.array(boxes, dtype=np.float32).reshape(-1, 4),
        embedding=np.array(embeddings, dtype=np.float32).reshape(-1, 128),
        size=np.array(sizes, dtype=np.int64),
        seconds=time.perf_counter() - started,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
