"""Our pipeline compared with the torch libraries and with dlib: speed, start-up, memory, installed size.

    python -m benchmarks pipeline --photos ../shared/photos [--rounds 2]

The others need environments of their own: `make .venv-export/done` and `make peers` first; what is missing is left out
and said. Every pipeline reads the same photos from their files, in a process of its own, with 2 threads, in turns; the
best of the rounds counts. A start is a process from its beginning to its end over the smallest photo with a face. On a
busy machine the processor's seconds say more than the clock's. The torch pipeline and ours run the same networks
(`pipeline_parts/make_weights.py`) on the same faces, those that CenterFace finds; dlib and the embedded pack find their
own.
Prints a table and, last, one line of JSON.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lib.photos import photo_parser, photos_found
from benchmarks.operations.pipeline_parts.installed import installed
from muster.composition.settings import DEFAULT_PACK, LocalSettings
from muster.packs.build import build_embedded
from muster.packs.load import ModelPack
from muster.vision.decode import decode
from muster.vision.detector import CenterFaceDetector

THREADS = "2"
OURS = ["muster"]
TORCH = ["ultralytics", "opencv-python-headless", "segmentation-models-pytorch", "facenet-pytorch"]
DLIB = ["dlib-bin", "face-recognition-models", "numpy", "pillow"]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One way to read photos.

    Attributes:
        command: to which the photos' and the result's files are added.
        packages: that it needs, installed in `folders`.
        models: other files that it reads.
    """

    name: str
    command: list[str]
    packages: list[str]
    folders: list[str]
    models: list[Path]


@dataclass(frozen=True, slots=True)
class Run:
    """What one process did: its faces, seconds over the photos; and in all seconds, processor seconds and megabytes."""

    faces: int
    seconds: float
    whole: float
    processor: float
    megabytes: int


def main() -> None:
    """Measure and print."""
    parser = photo_parser(__doc__)
    parser.add_argument("--export", type=Path, default=Path(".venv-export"), help="environment of the torch libraries")
    parser.add_argument("--peers", type=Path, default=Path(".venv-peers"), help="environment of dlib")
    parser.add_argument("--rounds", type=int, default=2)
    chosen = parser.parse_args()
    if not photos_found(chosen.photos, "pipeline"):
        return
    pack = build_embedded(LocalSettings().home, name=DEFAULT_PACK)
    boxes = faces_of(photos_of(chosen.photos), pack)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pipelines = list(available(folder, pack, chosen.export, chosen.peers))
        rows = measured(pipelines, boxes, folder, chosen.rounds)
        exact = build_embedded(LocalSettings().home, name="embedded")
        share = run_part("capacity", facenet_of(exact))
        shapes = (
            run_part("shapes", folder / "yolo.onnx", folder / "yolo_square.onnx", folder / "photos.json")
            if (folder / "yolo.onnx").exists()
            else {}
        )
    count = sum(len(found) for found in boxes.values())
    print_table(rows, f"{len(boxes)} photos, {count} faces found by CenterFace, {THREADS} threads")
    print(
        f"FaceNet at batch 16: {share['operations_per_crop'] / 1e9:.2f} G operations and "
        f"{share['milliseconds_per_crop']} ms a crop are {share['gigaflops']} Gflop/s, "
        f"{share['share_of_peak']:.0%} of what a matrix product reaches"
    )
    for name, times in shapes.items():
        print(f"one look of YOLOv8n at a photo, sides {name}: {times['cpu_ms']} CPU ms")
    print(json.dumps({"photos": len(boxes), "faces": count, "rows": rows, "facenet": share, "detector": shapes}))


def photos_of(folder: Path) -> list[Path]:
    """Return the group photos and those of the detection set, the smallest file first."""
    found = [*(folder / "groups" / "photos").glob("*.jpg"), *(folder / "detection").glob("*.jpg")]
    if not found:
        sys.exit(f"there are no photos in {folder}: give their folder with --photos")
    return sorted(found, key=lambda path: path.stat().st_size)


def faces_of(photos: list[Path], pack: ModelPack) -> dict[str, list[list[float]]]:
    """Return the faces of each photo, as boxes x, y, width, height in pixels."""
    detector = CenterFaceDetector(pack.detector, int(THREADS))
    return {
        str(path.absolute()): detector.detect(decode(path.read_bytes()).pixels).boxes.astype(float).tolist()
        for path in photos
    }


def available(folder: Path, pack: ModelPack, export: Path, peers: Path) -> Iterator[Pipeline]:
    """Yield the pipelines whose environment is there."""
    ours = [sys.executable, "-m", "benchmarks.operations.pipeline_parts.ours"]
    yield Pipeline(
        "ours, as shipped", [*ours, "shipped", str(folder)], OURS, sys.path, [pack.detector, *pack.embedders]
    )
    if (export / "done").exists():
        samples = sorted(str(path) for path in Path("samples").glob("*/*.jpg"))
        make = [str(export / "bin" / "python"), "-m", "benchmarks.operations.pipeline_parts.make_weights"]
        make += [str(folder), *samples]
        subprocess.run(make, check=True, env=environment())
        # The network of the torch libraries, computed in int8 as the pack ships it.
        shutil.copyfile(facenet_of(pack), folder / "facenet_int8.onnx")
        exported = [folder / "yolo.onnx", folder / "head.onnx", folder / "facenet.onnx"]
        yield Pipeline("ours, cloud pack's networks", [*ours, "cloud", str(folder)], OURS, sys.path, exported)
        narrow = [folder / "yolo.onnx", folder / "head.onnx", folder / "facenet_int8.onnx"]
        yield Pipeline("ours, each network once", [*ours, "once", str(folder)], OURS, sys.path, narrow)
        unsegmented = [folder / "yolo.onnx", folder / "facenet_int8.onnx"]
        yield Pipeline("ours, once, no segmentation", [*ours, "unsegmented", str(folder)], OURS, sys.path, unsegmented)
        yield Pipeline(
            "torch libraries, face by face",
            [str(export / "bin" / "python"), "benchmarks/lib/peers/torch_pipeline.py", str(folder)],
            TORCH,
            folders_of(export),
            [folder / "yolo.pt", folder / "head.pt", folder / "facenet.pt"],
        )
    else:
        print(f"left out: the torch libraries, since {export} is not there (make .venv-export/done)")
    if (peers / "ready").exists():
        command = [str(peers / "bin" / "python"), "benchmarks/lib/peers/dlib_embed.py"]
        yield Pipeline("dlib, face_recognition's models", command, DLIB, folders_of(peers), [])
    else:
        print(f"left out: dlib, since {peers} is not there (make peers)")


def facenet_of(pack: ModelPack) -> Path:
    """Return the file of a pack's FaceNet."""
    kinds = [embedder.kind for embedder in pack.manifest.embedders]
    return pack.embedders[kinds.index("facenet")]


def folders_of(environment: Path) -> list[str]:
    """Return where an environment keeps its packages."""
    return [str(path) for path in environment.glob("lib/python*/site-packages")]


def measured(
    pipelines: list[Pipeline], boxes: dict[str, list[list[float]]], folder: Path, rounds: int
) -> list[dict[str, Any]]:
    """Run every pipeline over one photo and over all, in turns, and return a row of figures for each."""
    runs: dict[str, list[tuple[Run, Run]]] = {pipeline.name: [] for pipeline in pipelines}
    first = dict([next(pair for pair in boxes.items() if pair[1])])
    for number in range(rounds):
        for pipeline in pipelines:
            print(f"round {number + 1} of {rounds}: {pipeline.name}", file=sys.stderr, flush=True)
            runs[pipeline.name].append((run(pipeline, first, folder), run(pipeline, boxes, folder)))
    rows = []
    for pipeline in pipelines:
        best = min((whole for _, whole in runs[pipeline.name]), key=lambda one: one.seconds)
        started = min(short.processor for short, _ in runs[pipeline.name])
        worked = min(whole.processor for _, whole in runs[pipeline.name])
        models = sum(path.stat().st_size for path in pipeline.models)
        size, of_nvidia = installed(pipeline.folders, pipeline.packages)
        rows.append(
            {
                "pipeline": pipeline.name,
                "faces": best.faces,
                "faces_a_second": round(best.faces / best.seconds, 2),
                "faces_a_processor_second": round(best.faces / (worked - started), 2),
                "start_seconds": round(min(short.whole for short, _ in runs[pipeline.name]), 2),
                "start_processor_seconds": round(started, 2),
                "peak_megabytes": best.megabytes,
                "installed_megabytes": round((size + models) / 1e6),
                "of_nvidia_megabytes": round(of_nvidia / 1e6),
                "runs": [asdict(whole) for _, whole in runs[pipeline.name]],
            }
        )
    return rows


def run(pipeline: Pipeline, boxes: dict[str, list[list[float]]], folder: Path) -> Run:
    """Read photos in a process of its own; the whole time is from its start to its end."""
    dlib = pipeline.packages == DLIB
    photos, result = folder / "photos.json", folder / ("faces.npz" if dlib else "result.json")
    photos.write_text(json.dumps(list(boxes) if dlib else boxes))
    started = time.perf_counter()
    process = subprocess.Popen([*pipeline.command, str(photos), str(result)], env=environment())
    _, status, usage = os.wait4(process.pid, 0)
    whole = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{pipeline.name} failed: see its message above")
    if dlib:
        with np.load(result) as arrays:
            figures = {"faces": len(arrays["box"]), "seconds": float(arrays["seconds"])}
    else:
        figures = json.loads(result.read_text())
    processor = usage.ru_utime + usage.ru_stime
    return Run(int(figures["faces"]), figures["seconds"], whole, processor, round(usage.ru_maxrss / 1024))


def run_part(part: str, *files: Path) -> dict[str, Any]:
    """Return what a part of this benchmark prints, run in a process of its own."""
    command = [sys.executable, "-m", f"benchmarks.operations.pipeline_parts.{part}", *map(str, files)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=environment()).stdout
    return dict(json.loads(answer))


def environment() -> dict[str, str]:
    """Return the environment of a measured process: two threads, and numpy free to choose its kernels."""
    chosen = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
    limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), THREADS)
    return chosen | limits | {"YOLO_OFFLINE": "true"}


def print_table(rows: list[dict[str, Any]], title: str) -> None:
    """Print the figures."""
    print(title)
    columns = {
        "faces": "faces",
        "faces/s": "faces_a_second",
        "per CPU s": "faces_a_processor_second",
        "start s": "start_seconds",
        "CPU s": "start_processor_seconds",
        "peak MB": "peak_megabytes",
        "disk MB": "installed_megabytes",
        "NVIDIA MB": "of_nvidia_megabytes",
    }
    print(f"{'pipeline':34}" + "".join(f"{heading:>10}" for heading in columns))
    for row in rows:
        print(f"{row['pipeline']:34}" + "".join(f"{row[name]:>10}" for name in columns.values()))


if __name__ == "__main__":
    main()
