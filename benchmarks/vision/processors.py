"""Embeddings of the int8 embedder on emulated processors without this one's instructions.

    python -m benchmarks processors [--photos ../shared/photos] [--faces 3] [--emulate Haswell Nehalem]

Runs three networks natively and under `qemu-x86_64` (Debian package `qemu-user`): float32, int8 as it ships (weights of
7 bits), and int8 with weights of 8 bits, as it used to be. A processor without VNNI adds pairs of products in 16 bits
and clips the sum, which needs weights of 7 bits. Haswell has AVX2 without VNNI, Nehalem has SSE4.2. Faces come from the
samples, and as many from LFW if the photos are there. An emulated face takes about 5 s per network. Prints a table of
cosines with the float32 embedding of this processor, and one line of JSON.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.lib.photos import SAMPLES, photo_parser
from muster.vision.embedder import FaceNetwork

NATIVE = "this one"
NETWORKS = ("float32", "int8", "int8, 8-bit weights")


def main() -> None:
    """Measure and print."""
    parser = photo_parser(__doc__)
    parser.add_argument("--faces", type=int, default=3, help="of the samples, and of LFW")
    parser.add_argument("--emulate", nargs="*", default=["Haswell", "Nehalem"], help="processors that qemu knows")
    parser.add_argument("--embed", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.embed is not None:
        embed(chosen.embed)
        return
    emulator = shutil.which("qemu-x86_64")
    if emulator is None:
        print("There is no qemu-x86_64: install it with `apt-get install qemu-user`.")
        print(json.dumps({"benchmark": "processors", "skipped": "no emulator"}))
        return
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        faces = prepare(folder, chosen.photos / "lfw", chosen.faces)
        for processor in (NATIVE, *chosen.emulate):
            prefix = [] if processor == NATIVE else [emulator, "-cpu", processor]
            # The emulator warns once per thread of every feature that it lacks.
            subprocess.run(
                [*prefix, sys.executable, "-m", "benchmarks.vision.processors", "--embed", name],
                check=True,
                stderr=subprocess.DEVNULL,
            )
            found = {network: np.load(folder / f"{network}.npy") for network in NETWORKS}
            if processor == NATIVE:
                exact = found["float32"]
            for network, embeddings in found.items():
                cosines = (embeddings * exact).sum(axis=1)
                rows.append(
                    {
                        "processor": processor,
                        "network": network,
                        "min_cosine": round(float(cosines.min()), 5),
                        "mean_cosine": round(float(cosines.mean()), 5),
                    }
                )
    print("processor    network                least cosine     mean")
    for row in rows:
        print(f"{row['processor']:12} {row['network']:20} {row['min_cosine']:14.5f}  {row['mean_cosine']:.5f}")
    print(json.dumps({"benchmark": "processors", "faces": faces, "rows": rows}))


def prepare(folder: Path, people: Path, count: int) -> int:
    """Write the networks and the crops; return how many faces there are."""
    # The emulated run imports this module too, and needs none of these.
    from benchmarks.vision.precision import wide_int8
    from muster.composition.settings import LocalSettings
    from muster.packs.build import build_embedded
    from muster.packs.precision import shipped_ranges
    from muster.vision.detector import CenterFaceDetector

    home = LocalSettings().home
    pack, int8 = (build_embedded(home, name=name) for name in ("embedded", "embedded-int8"))
    files = (
        pack.embedders[0].read_bytes(),
        int8.embedders[0].read_bytes(),
        wide_int8(pack.embedders[0], shipped_ranges("facenet")),
    )
    for network, content in zip(NETWORKS, files, strict=True):
        (folder / f"{network}.onnx").write_bytes(content)
    photos = sorted(SAMPLES.glob("*/*.jpg"))
    detector = CenterFaceDetector(pack.detector, 1)
    crops = [crop for photo in photos for crop in first_faces(photo, detector, count)][:count]
    if people.is_dir():
        crops += [
            crop
            for person in sorted(people.iterdir())[:count]
            for crop in first_faces(min(person.glob("*.jpg")), detector, 1)
        ]
    np.save(folder / "crops.npy", np.stack(crops))
    return len(crops)


def first_faces(photo: Path, detector: Any, count: int) -> list[NDArray[np.uint8]]:
    """Cut the clearest faces out of a photo."""
    from muster.vision.align import StretchedBox, crop_faces
    from muster.vision.decode import decode

    pixels = decode(photo.read_bytes()).pixels
    faces = detector.detect(pixels)
    return list(crop_faces(pixels, faces, StretchedBox())[:count]) if len(faces) else []


def embed(folder: Path) -> None:
    """Embed the crops of a folder with each network, on the processor that this process has."""
    crops = np.load(folder / "crops.npy")
    for network in NETWORKS:
        np.save(folder / f"{network}.npy", FaceNetwork(folder / f"{network}.onnx", 1).embed(crops))


if __name__ == "__main__":
    main()
