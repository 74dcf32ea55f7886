"""Time and peak memory of adding one student to a head and of full training, by number of students.

    python -m benchmarks training_growth [--students 100 1000 10000]

Students are people who do not exist, drawn from the variation that ships with the pack: eight template rows each.
Every measurement runs in a process of its own, so that peak memory is its own.
"""

import argparse
import json
import resource
import subprocess
import sys
from time import perf_counter
from typing import Any

import numpy as np

from muster.domain.identifiers import PackId, StudentId
from muster.domain.student import Template
from muster.recognition.head import Head
from muster.recognition.scoring import Population
from muster.training.network import HeadNetwork
from muster.training.retrain import retrain
from muster.training.selection import fingerprints
from muster.training.variation import load_variation_model

_PACK = PackId("embedded-2")
_VIEWS = 8
_FULL = 1000
_REPEATS = 3


def main() -> None:
    """Print the table and the line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, nargs="+", default=[100, 1000, 10000])
    parser.add_argument("--one", nargs=2, metavar=("KIND", "COUNT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(_measure(arguments.one[0], int(arguments.one[1]))))
        return
    rows = [_in_a_process("add one", count) for count in arguments.students]
    rows.append(_in_a_process("full", _FULL))
    print("training   students   seconds   peak memory MB")
    for row in rows:
        print(f"{row['kind']:8} {row['students']:10}   {row['seconds']:7.2f}   {row['peak_mb']:14.0f}")
    seconds = {row["students"]: row["seconds"] for row in rows if row["kind"] == "add one"}
    growth = round(seconds[10000] / seconds[1000], 2) if {1000, 10000} <= set(seconds) else None
    print(json.dumps({"benchmark": "training_growth", "rows": rows, "growth_1000_to_10000": growth}))


def _in_a_process(kind: str, count: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.operations.training_growth", "--one", kind, str(count)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def _measure(kind: str, count: int) -> dict[str, Any]:
    variation = load_variation_model(_PACK)
    if variation is None:
        raise SystemExit(f"The pack {_PACK} ships no variation.")
    spread = variation.basis @ np.linalg.cholesky(variation.between + variation.within)
    population = Population.from_network(variation.mean, spread.astype(np.float32))
    faces = variation.training_sampler().sample_strangers(count + 1, _VIEWS, np.random.default_rng(0))
    templates = [Template(StudentId(f"s{i:06d}"), _PACK, face, f"{i:064x}") for i, face in enumerate(faces)]
    current = None
    if kind == "add one":
        weight, bias = HeadNetwork.from_discriminant(variation).parameters_as_arrays()
        current = Head(_PACK, weight, bias, 0.7, 0.1, 0.3, fingerprints(templates[:-1])).to_bytes()
    taken = []
    for _ in range(_REPEATS if current else 1):
        started = perf_counter()
        outcome = retrain(templates if current else templates[:-1], current, _PACK, population)
        taken.append(perf_counter() - started)
    expected = "incremental" if current else "full"
    if outcome.report["mode"] != expected:
        raise SystemExit(f"Expected a training of kind {expected}, got {outcome.report['mode']}.")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"kind": kind, "students": count, "seconds": round(min(taken), 2), "peak_mb": round(peak)}


if __name__ == "__main__":
    main()
