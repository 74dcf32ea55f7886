"""The face network of dlib over crops, in the environment of dlib.

    .venv-peers/bin/python -m benchmarks.lib.peers.dlib_chips crops.npz embeddings.npy

`crops.npz` holds `stretched`, uint8 (N, 160, 160, 3), here scaled to the 150 pixels of dlib's chips. A face is embedded
once, which is the default of `face_recognition`; the chips go in the batch that is fastest. dlib uses one thread.
"""

import sys
from pathlib import Path

import dlib
import face_recognition_models  # type: ignore[import-not-found]
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.lib.peers.turns import Work, fastest, serve

SIDE = 150


def main(crops: Path, embeddings: Path) -> None:
    """Load the network and embed the chips in turns."""
    network = dlib.face_recognition_model_v1(face_recognition_models.face_recognition_model_location())
    with np.load(crops) as arrays:
        chips = [np.array(Image.fromarray(face).resize((SIDE, SIDE))) for face in arrays["stretched"]]

    def make(size: int) -> Work:
        def work() -> NDArray[np.float32]:
            found = [
                np.array(described, np.float32)
                for start in range(0, len(chips), size)
                for described in network.compute_face_descriptor(chips[start : start + size])
            ]
            return np.stack(found)

        return work

    batch = fastest(make, rounds=1)
    version = {"dlib": dlib.__version__, "avx": bool(dlib.USE_AVX_INSTRUCTIONS)}
    serve(make(batch), embeddings, {"batch": batch, **version})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
