"""The synthesized templates as files that a review can read: prod in full, and where dev differs.

`python -m tests.infra.snapshots` writes them; `make templates` does the same.
"""

import difflib
import json
import tempfile
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]

from infra.app import build
from tests.infra.normal_form import normal_form
from tests.infra.templates import STACKS

FOLDER: Final = Path(__file__).with_name("snapshots")
DIFFERENCES: Final = "dev.diff"


def snapshots(assembly: Path) -> dict[str, str]:
    """Return the text of each file, by name, from a cloud assembly of both stages."""
    prod, dev = ({stack: _text(assembly, stage, stack) for stack in STACKS} for stage in ("prod", "dev"))
    differences = [line for stack in STACKS for line in _difference(stack, prod[stack], dev[stack])]
    return {**{f"{stack}.yaml": text for stack, text in prod.items()}, DIFFERENCES: "".join(differences)}


def write(assembly: Path, folder: Path = FOLDER) -> None:
    """Write every file."""
    folder.mkdir(exist_ok=True)
    for name, text in snapshots(assembly).items():
        (folder / name).write_text(text)


def _text(assembly: Path, stage: str, stack: str) -> str:
    template = json.loads((assembly / f"muster-{stage}-{stack}.template.json").read_text())
    text: str = yaml.safe_dump(_untagged(normal_form(template)), width=100_000)
    return text


def _untagged(value: Any) -> Any:
    """Leave out the tags, which every resource has (tests/infra/test_cost_and_alarms.py)."""
    match value:
        case dict():
            return {key: _untagged(item) for key, item in value.items() if key != "Tags"}
        case list():
            return [_untagged(item) for item in value]
        case _:
            return value


def _difference(stack: str, prod: str, dev: str) -> list[str]:
    """Return a diff without context and line numbers, apart from the stage's name."""
    named = dev.replace("muster-dev", "muster-prod").replace("Muster dev", "Muster prod")
    lines = difflib.unified_diff(prod.splitlines(True), named.splitlines(True), f"prod/{stack}", f"dev/{stack}", n=2)
    return ["@@\n" if line.startswith("@@") else line for line in lines]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder)).synth()
        write(Path(folder))
