"""Processor time of importing the API's code as the Lambda functions do, compared with the budget.

    python -m benchmarks imports [--turns 5]

Each turn is a process of its own; the fastest counts, since other work on the machine only slows a turn down. Prints a
table and one line of JSON.
"""

import argparse
import json
import subprocess
import sys

from benchmarks.lib.photos import ROOT

BUDGETS = {"muster.composition.aws": 0.5}
"""Seconds of processor time by module; what an idle machine of 2 cores should stay under."""

IMPORT = """
import sys, time
started = time.process_time()
import {module}
print(time.process_time() - started, len(sys.modules))
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=5)
    turns = parser.parse_args().turns
    rows = []
    print("module                    processor s   budget   modules")
    for module, budget in BUDGETS.items():
        seconds, modules = min(imported(module) for _ in range(turns))
        rows.append({"module": module, "seconds": round(seconds, 3), "budget": budget, "modules": modules})
        remark = "" if seconds < budget else "   over the budget"
        print(f"{module:25} {seconds:11.3f}   {budget:6}   {modules:7}{remark}")
    print(json.dumps({"benchmark": "imports", "rows": rows}))


def imported(module: str) -> tuple[float, int]:
    """Import a module in a new process; return its processor time and the number of modules then loaded."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT.format(module=module)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, modules = done.stdout.split()
    return float(seconds), int(modules)


if __name__ == "__main__":
    main()
