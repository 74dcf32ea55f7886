"""Our embedding compared with the torch library, with dlib and with immich's way, by the clock and the processor.

    python -m benchmarks peers --photos ../shared/photos [--rounds 9] [--threads 2]

Every engine embeds the same faces in a process of its own with the same number of threads. Engines take turns, in
another order each round; medians count. A ratio is the median of the ratios of each round, since what else the machine
does changes from round to round. On a busy machine take one thread: threads that wait for each other at a barrier spin,
and their processor seconds say nothing. Crops are cut before, and detection is not part of this (see `pipeline`). The
others need environments of their own: `make .venv-export/done` and `make peers` first; those that are missing are left
out, with a message.
Prints a table and, last, one line of JSON.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from benchmarks.lib.photos import ROOT, photo_parser, photos_found
from benchmarks.operations.pipeline import environment, photos_of
from muster.composition.settings import DEFAULT_PACK, LocalSettings
from muster.composition.vision import open_models
from muster.packs.build import build_embedded
from muster.vision.align import AlignedLandmarks, StretchedBox, crop_faces
from muster.vision.decode import decode

FACES = 32
"""A class."""
SAME_WORK = "ours, FaceNet once"
SHIPPED = "ours, as shipped"
TORCH = "torch, fastest batch"
TORCH_SINGLE = "torch, face by face"
IMMICH = "immich's way, its network's size"


@dataclass(frozen=True, slots=True)
class Engine:
    """One way to embed faces: the command of its process."""

    name: str
    command: list[str]


def main() -> None:
    """Measure and print."""
    parser = photo_parser(__doc__)
    parser.add_argument("--export", type=Path, default=Path(".venv-export"), help="environment of the torch library")
    parser.add_argument("--peers", type=Path, default=Path(".venv-peers"), help="environment of dlib")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    if not photos_found(chosen.photos, "peers"):
        return
    for name in (DEFAULT_PACK, "embedded"):
        build_embedded(LocalSettings().home, name=name)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "crops.npz", allow_pickle=False, **crops_of(chosen.photos))
        engines = list(available(folder, chosen.export, chosen.peers, chosen.threads))
        about, rounds = in_turns(engines, folder, chosen.rounds)
        cosine = agreement(folder, engines)
    rows = [row(engine.name, rounds) for engine in engines]
    print_table(rows, about, chosen.threads)
    ratios = {} if TORCH not in about else compared(rounds)
    for text, value in ratios.items():
        print(f"{text}: {value['clock']} by the clock, {value['processor']} per processor second")
    print(
        json.dumps(
            {
                "machine": machine(),
                "threads": chosen.threads,
                "rows": rows,
                "ratios": ratios,
                "about": about,
                "cosine": cosine,
            }
        )
    )


def crops_of(photos: Path) -> dict[str, NDArray[np.uint8]]:
    """Return crops of the same faces for each kind of network, by its name; `stretched` and `aligned` for the peers."""
    pack = build_embedded(LocalSettings().home, name=DEFAULT_PACK)
    pipeline = open_models(pack, 2)
    found: dict[str, list[NDArray[np.uint8]]] = {}
    for path in photos_of(photos):
        pixels = decode(path.read_bytes()).pixels
        faces = pipeline.detector.detect(pixels)
        for settings, embedder in zip(pack.manifest.embedders, pipeline.embedders, strict=True):
            found.setdefault(settings.kind, []).append(embedder.crops(pixels, faces))
        found.setdefault("stretched", []).append(crop_faces(pixels, faces, StretchedBox(160)))
        found.setdefault("aligned", []).append(crop_faces(pixels, faces, AlignedLandmarks(112)))
    # Repeated up to a number of faces, so that no batch size is left with an odd rest.
    return {kind: np.resize(np.concatenate(parts), (FACES, *parts[0].shape[1:])) for kind, parts in found.items()}


def available(folder: Path, export: Path, peers: Path, threads: int) -> Iterator[Engine]:
    """Yield the engines whose environment is there."""
    crops = str(folder / "crops.npz")
    parts = [sys.executable, "-m", "benchmarks.operations.peers_parts"]
    number = iter(range(99))

    def result() -> str:
        return str(folder / f"{next(number)}.npy")

    ours = [*parts[:2], f"{parts[2]}.ours", crops]
    yield Engine(SAME_WORK, [*ours, result(), DEFAULT_PACK, str(threads), "once"])
    yield Engine(f"{SAME_WORK}, float32", [*ours, result(), "embedded", str(threads), "once"])
    yield Engine(SHIPPED, [*ours, result(), DEFAULT_PACK, str(threads), "shipped"])
    immich = [*parts[:2], f"{parts[2]}.immich", crops]
    facenet = build_embedded(LocalSettings().home, name="embedded").embedders[0]
    yield Engine(
        "immich's way, our FaceNet in float32", [*immich, result(), str(facenet), str(threads), "stretched", "128"]
    )
    if (export / "done").exists():
        python = str(export / "bin" / "python")
        make = [python, "-m", "benchmarks.operations.peers_parts.make_networks", str(folder)]
        subprocess.run(make, check=True, env=environment())
        torch = [python, "-m", "benchmarks.lib.peers.torch_embed", crops, str(folder / "facenet.pt")]
        yield Engine(TORCH, [*torch, result(), str(threads), "0"])
        yield Engine(TORCH_SINGLE, [*torch, result(), str(threads), "1"])
        yield Engine(IMMICH, [*immich, result(), str(folder / "arcface.onnx"), str(threads), "aligned", "127.5"])
    else:
        print(f"left out: the torch library, since {export} is not there (make .venv-export/done)")
    if (peers / "ready").exists():
        yield Engine("dlib", [str(peers / "bin" / "python"), "-m", "benchmarks.lib.peers.dlib_chips", crops, result()])
    else:
        print(f"left out: dlib, since {peers} is not there (make peers)")


def in_turns(
    engines: list[Engine], folder: Path, rounds: int
) -> tuple[dict[str, dict[str, Any]], list[dict[str, dict[str, float]]]]:
    """Start every engine and let each embed the faces once per round, in another order each time.

    Returns:
        what each engine says of itself, and for each round its `seconds` and `processor` seconds by engine.
    """
    with contextlib.ExitStack() as stack:
        processes: dict[str, Process] = {}
        about: dict[str, dict[str, Any]] = {}
        for engine in engines:
            print(f"starting: {engine.name}", file=sys.stderr, flush=True)
            processes[engine.name] = stack.enter_context(Process(engine.command))
            # One after the other, because some look for their fastest batch first.
            about[engine.name] = processes[engine.name].line()
        measured = []
        for number in range(rounds):
            print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
            order = engines[number % len(engines) :] + engines[: number % len(engines)]
            measured.append({engine.name: processes[engine.name].turn() for engine in order})
    return about, measured


class Process:
    """A running engine; leaving the context ends it."""

    def __init__(self, command: list[str]) -> None:
        pipe = subprocess.PIPE
        self._running = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment(), cwd=ROOT)
        self._to, self._from = cast(IO[str], self._running.stdin), cast(IO[str], self._running.stdout)

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *reason: object) -> None:
        self._to.close()
        self._from.close()
        self._running.wait()

    def turn(self) -> dict[str, float]:
        """Let it embed the faces once; return its `seconds` and `processor` seconds."""
        self._to.write("\n")
        self._to.flush()
        return self.line()

    def line(self) -> dict[str, Any]:
        """Return the next line of JSON that it prints."""
        text = self._from.readline()
        if not text:
            sys.exit("an engine failed: see its message above")
        return dict(json.loads(text))


def agreement(folder: Path, engines: list[Engine]) -> dict[str, float]:
    """Return the least cosine of our FaceNet's embeddings with those of torch: both did the same work."""
    first = {engine.name: np.load(folder / f"{number}.npy") for number, engine in enumerate(engines)}
    if TORCH not in first:
        return {}
    expected = first[TORCH] / np.linalg.norm(first[TORCH], axis=1, keepdims=True)
    names = (SAME_WORK, f"{SAME_WORK}, float32")
    return {name: round(float((first[name] * expected).sum(axis=1).min()), 5) for name in names}


def row(name: str, rounds: list[dict[str, dict[str, float]]]) -> dict[str, Any]:
    """Return an engine's median milliseconds per face."""
    clock, processor = (median(each[name][key] for each in rounds) for key in ("seconds", "processor"))
    return {
        "engine": name,
        "milliseconds": round(1000 * clock / FACES, 2),
        "processor_milliseconds": round(1000 * processor / FACES, 2),
    }


def compared(rounds: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Return how many times as fast we are, by the clock and per processor second."""
    pairs = [
        ("same work as torch", TORCH, SAME_WORK),
        ("same work as torch, face by face", TORCH_SINGLE, SAME_WORK),
        ("as shipped, beside torch once", TORCH, SHIPPED),
        ("as shipped, beside torch face by face", TORCH_SINGLE, SHIPPED),
        ("as shipped, beside immich", IMMICH, SHIPPED),
        *((("as shipped, beside dlib", "dlib", SHIPPED),) if "dlib" in rounds[0] else ()),
    ]
    return {
        text: {
            name: round(median(each[other][key] / each[ours][key] for each in rounds), 2)
            for name, key in (("clock", "seconds"), ("processor", "processor"))
        }
        for text, other, ours in pairs
    }


def machine() -> dict[str, Any]:
    """Return the processor's name, its instructions that matter here, and the load of the machine."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    fields = [line.partition(":") for line in text.splitlines()]
    lines = {name.strip(): value.strip() for name, _, value in fields}
    known = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8")
    flags = lines.get("flags", "").split()
    return {
        "processor": lines.get("model name", ""),
        "instructions": [name for name in known if name in flags],
        "cores": os.cpu_count(),
        "load": [round(value, 1) for value in os.getloadavg()],
    }


def print_table(rows: list[dict[str, Any]], about: Mapping[str, Mapping[str, Any]], threads: int) -> None:
    """Print the figures."""
    print(f"{FACES} faces, {threads} threads, milliseconds per face")
    print(f"{'engine':38}{'clock':>10}{'processor':>12}{'batch':>8}")
    for each in rows:
        batch = about[each["engine"]].get("batch", "16")
        print(f"{each['engine']:38}{each['milliseconds']:>10}{each['processor_milliseconds']:>12}{batch:>8}")


if __name__ == "__main__":
    main()
