"""A change of the templates is seen in review: the snapshots are those of today's code."""

from pathlib import Path

import pytest

from tests.infra.normal_form import normal_form
from tests.infra.snapshots import FOLDER, snapshots
from tests.infra.templates import StageTemplates


@pytest.mark.cdk
def test_the_snapshots_are_those_of_the_templates(assembly: Path) -> None:
    written = {path.name: path.read_text() for path in FOLDER.iterdir()}

    assert written == snapshots(assembly), "run `make templates`, read the difference, and commit it"


@pytest.mark.cdk
@pytest.mark.parametrize("stack", ["data", "training", "api", "monitoring"])
def test_a_changed_file_changes_no_snapshot(dev: StageTemplates, changed_files: StageTemplates, stack: str) -> None:
    assert normal_form(dev.stacks[stack]) == normal_form(changed_files.stacks[stack])
