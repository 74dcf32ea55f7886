"""FaceNet of facenet-pytorch over crops, in the environment of the torch libraries.

    .venv-export/bin/python -m benchmarks.lib.peers.torch_embed crops.npz facenet.pt embeddings.npy THREADS 0|BATCH

A batch of 0 stands for the fastest. `crops.npz` holds `stretched`, uint8 (N, 160, 160, 3). The network is in
evaluation mode and no gradients are recorded, as the library's page shows.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from facenet_pytorch import InceptionResnetV1
from numpy.typing import NDArray

from benchmarks.lib.peers.turns import Work, fastest, serve


def main(crops: Path, weights: Path, embeddings: Path, threads: int, batch: int) -> None:
    """Load the network and embed the crops in turns."""
    torch.set_num_threads(threads)
    network = InceptionResnetV1(pretrained=None).eval()
    network.load_state_dict(torch.load(weights, weights_only=True))
    with np.load(crops) as arrays:
        faces: NDArray[np.uint8] = arrays["stretched"]

    def make(size: int) -> Work:
        def work() -> NDArray[np.float32]:
            with torch.no_grad():
                parts = [
                    network((torch.from_numpy(part.transpose(0, 3, 1, 2).astype(np.float32)) - 127.5) / 128).numpy()
                    for part in np.split(faces, range(size, len(faces), size))
                ]
            return np.concatenate(parts)

        return work

    chosen = batch or fastest(make)
    serve(make(chosen), embeddings, {"batch": chosen, "torch": torch.__version__, "threads": torch.get_num_threads()})


if __name__ == "__main__":
    files = [Path(name) for name in sys.argv[1:4]]
    main(files[0], files[1], files[2], int(sys.argv[4]), int(sys.argv[5]))
