"""`muster packs` as a person and as a program meet it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests import processes

pytestmark = pytest.mark.processes


def muster(home: Path, *arguments: str) -> tuple[int, Any, str]:
    """Run a command; return its status, its document and what it said beside."""
    environment = {**os.environ, "MUSTER_HOME": str(home), "MUSTER_DATA": str(home / "data")}
    done = processes.run(["-m", "muster", *arguments, "--json"], env=environment)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["build", "cloud", "--from", "."], "weights_unreachable"),
        (["build", "cloud", "--pin", "x=1"], "invalid_request"),
        (["build", "embedded", "--from", "."], "invalid_request"),
        (["build", "embedded", "--precision", "int4"], "pack_missing"),
        (["verify", "cloud"], "pack_missing"),
        (["migrate", "cloud"], "pack_missing"),
    ],
)
def test_what_cannot_be_done_has_a_code(arguments: list[str], code: str, tmp_path: Path) -> None:
    status, document, said = muster(tmp_path, "packs", *arguments)
    assert (status, document["code"]) == (1, code)
    assert document["detail"] in said.replace("\n", " ")
    assert not (tmp_path / "packs" / "cloud").exists()
