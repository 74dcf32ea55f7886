"""Run one benchmark by name, or all of them in turn: `python -m benchmarks [NAME|all]`."""

import pkgutil
import subprocess
import sys
from pathlib import Path

NAMES = sorted(
    module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]) if module.name != "__main__"
)


def main(name: str) -> int:
    """Run the named benchmark, each in a process of its own; return the first failing exit status."""
    if name != "all" and name not in NAMES:
        print(f"there is no benchmark {name!r}: choose one of {', '.join(NAMES)}", file=sys.stderr)
        return 2
    for one in NAMES if name == "all" else [name]:
        print(f"== {one}", flush=True)
        status = subprocess.run([sys.executable, "-m", f"benchmarks.{one}"], check=False).returncode
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "all"))
