"""Our embedding over crops, in a process of its own.

    python -m benchmarks.operations.peers_parts.ours crops.npz embeddings.npy PACK THREADS once|shipped

`once` runs FaceNet once per face, which is the work of the torch library. `shipped` runs every network of the pack with
its mirrored crops. `crops.npz` holds one array per network, named by its kind, uint8 (N, side, side, 3).
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from benchmarks.lib.peers.turns import serve
from muster.composition.settings import LocalSettings
from muster.composition.vision import open_models
from muster.packs.load import load_pack


def main(crops: Path, embeddings: Path, name: str, threads: int, mode: str) -> None:
    """Load the pack and embed the crops in turns."""
    pack = load_pack(name, LocalSettings().home)
    pipeline = open_models(pack, threads)
    kinds = [embedder.kind for embedder in pack.manifest.embedders]
    with np.load(crops) as arrays:
        seen = [arrays[kind] for kind in kinds]
    facenet = kinds.index("facenet")

    def once() -> NDArray[np.float32]:
        return pipeline.embedders[facenet].network.embed(seen[facenet])

    def shipped() -> NDArray[np.float32]:
        return pipeline.embed(seen)

    mirrored = [embedder.kind for embedder in pack.manifest.embedders if embedder.mirrored]
    about = {"onnxruntime": onnxruntime.__version__, "pack": str(pack.id), "networks": kinds, "mirrored": mirrored}
    serve(once if mode == "once" else shipped, embeddings, about)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5])
