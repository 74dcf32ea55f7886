"""Processor time that a function without models takes to start, with bytecode, compared with the budget.

    python -m benchmarks imports [--turns 5]

Each turn is a process of its own; the fastest counts, since other work on the machine only slows a turn down. Prints a
table and one line of JSON.
"""

import argparse
import json
import os
import subprocess
import sys

from benchmarks.lib.photos import ROOT

BUDGETS = {"roster": 0.5}
"""Seconds of processor time by function; what an idle machine of 2 cores should stay under."""

ENVIRONMENT = {
    "MUSTER_STAGE": "dev",
    "MUSTER_TABLE": "table",
    "MUSTER_PHOTOS_BUCKET": "photos",
    "MUSTER_MODELS_BUCKET": "models",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}

IMPORT = """
import sys, time
started = time.process_time()
import handler
print(time.process_time() - started, len(sys.modules))
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=5)
    turns = parser.parse_args().turns
    rows = []
    print("function                  processor s   budget   modules")
    for function, budget in BUDGETS.items():
        seconds, modules = min(started(function) for _ in range(turns))
        rows.append({"function": function, "seconds": round(seconds, 3), "budget": budget, "modules": modules})
        remark = "" if seconds < budget else "   over the budget"
        print(f"{function:25} {seconds:11.3f}   {budget:6}   {modules:7}{remark}")
    print(json.dumps({"benchmark": "imports", "rows": rows}))


def started(function: str) -> tuple[float, int]:
    """Start a function in a new process; return its processor time and the number of modules then loaded."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT],
        cwd=ROOT / "functions" / function,
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, modules = done.stdout.split()
    return float(seconds), int(modules)


if __name__ == "__main__":
    main()
