"""Run one benchmark with its options, or all of them in turn: `python -m benchmarks [NAME [OPTION...]|all]`."""

import subprocess
import sys
from pathlib import Path

GROUPS = ("recognition", "vision", "operations")
"""The folders that hold benchmarks; benchmarks/README.md describes each script."""

_HERE = Path(__file__).parent
MODULES = {
    path.name.removesuffix(".py"): f"benchmarks.{group}.{path.name.removesuffix('.py')}"
    for group in GROUPS
    for path in sorted((_HERE / group).iterdir())
    if path.suffix == ".py" or (path / "__main__.py").is_file()
}
"""Modules by the name of the benchmark."""


def main(name: str, options: list[str]) -> int:
    """Run the named benchmark, each in its own process; return the first failing exit status."""
    if name != "all" and name not in MODULES:
        print(f"There is no benchmark {name!r}: choose one of {', '.join(sorted(MODULES))}.", file=sys.stderr)
        return 2
    for chosen in MODULES if name == "all" else [name]:
        print(f"== {chosen}", flush=True)
        status = subprocess.run([sys.executable, "-m", MODULES[chosen], *options], check=False).returncode
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "all", sys.argv[2:]))
