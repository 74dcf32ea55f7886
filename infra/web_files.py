"""Generate the service worker's list of files, and a version that changes with any of them."""

import hashlib
import json
import re
from pathlib import Path
from typing import Final

WEB: Final = Path(__file__).parents[1] / "web"
WORKER: Final = "sw.js"

_FILES = re.compile(r"^const FILES = \[.*?\];$", re.MULTILINE | re.DOTALL)
_VERSION = re.compile(r'^const VERSION = "\w*";$', re.MULTILINE)
_KEPT_ENDINGS: Final = frozenset({".html", ".js", ".css", ".svg", ".png", ".webmanifest"})


def kept_files(folder: Path = WEB) -> list[Path]:
    """Return the files that the page needs to start offline, sorted by path."""
    return sorted(path for path in folder.rglob("*") if path.suffix in _KEPT_ENDINGS and path.name != WORKER)


def stamped(worker: str, folder: Path = WEB) -> str:
    """Return the worker's text with the current list of files and version."""
    files = kept_files(folder)
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(folder).as_posix()}\0{file.stat().st_size}\0".encode() + file.read_bytes())
    # A change of the worker itself changes the version too.
    digest.update(_VERSION.sub("", _FILES.sub("", worker)).encode())
    addresses = ["/" if file.name == "index.html" else f"/{file.relative_to(folder).as_posix()}" for file in files]
    listed = json.dumps(addresses, indent=2).replace('"\n]', '",\n]')
    worker = _FILES.sub(f"const FILES = {listed};", worker)
    return _VERSION.sub(f'const VERSION = "{digest.hexdigest()[:16]}";', worker)


def main() -> None:
    """Update the worker."""
    worker = WEB / WORKER
    worker.write_text(stamped(worker.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
