"""The templates of the last release, which deployed stages are upgraded from.

`python -m tests.infra.released VERSION` writes them for the next one.
"""

import gzip
import json
import sys
import tempfile
from pathlib import Path
from typing import Final

from infra.app import build
from tests.infra.normal_form import Json, normal_form
from tests.infra.templates import STACKS

FOLDER: Final = Path(__file__).with_name("releases")


def write(assembly: Path, version: str) -> Path:
    """Write the templates of both stages in normal form, compressed, and return the file."""
    stages = {
        stage: {
            f"muster-{stage}-{stack}": normal_form(
                json.loads((assembly / f"muster-{stage}-{stack}.template.json").read_text())
            )
            for stack in STACKS
        }
        for stage in ("dev", "prod")
    }
    file = FOLDER / f"{version}.json.gz"
    file.parent.mkdir(exist_ok=True)
    # Without a time, so that the same templates give the same bytes.
    file.write_bytes(gzip.compress(json.dumps(stages, sort_keys=True).encode(), mtime=0))
    return file


def last_release() -> tuple[str, dict[str, dict[str, Json]]]:
    """Return the version of the last release, and its templates by stage and stack."""
    file = max(FOLDER.glob("*.json.gz"), key=lambda file: [int(part) for part in _version(file).split(".")])
    return _version(file), json.loads(gzip.decompress(file.read_bytes()))


def _version(file: Path) -> str:
    return file.name.removesuffix(".json.gz")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder)).synth()
        write(Path(folder), sys.argv[1])
