"""A change of the templates is seen in review: the snapshots are those of today's code."""

from pathlib import Path

import pytest

from tests.infra.snapshots import FOLDER, snapshots


@pytest.mark.cdk
def test_the_snapshots_are_those_of_the_templates(assembly: Path) -> None:
    written = {path.name: path.read_text() for path in FOLDER.iterdir()}

    assert written == snapshots(assembly), "run `make templates`, read the difference, and commit it"
