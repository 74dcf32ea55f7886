"""The start of the command line: a command imports only what it uses."""

import json
import subprocess
import sys

import pytest

from muster.cli.app import COMMANDS, load_command

LOADED = """
import json, sys
from typer.testing import CliRunner
from muster.cli.app import app
CliRunner().invoke(app, json.loads(sys.argv[1]))
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""

HEAVY = {"cv2", "fastapi", "onnxruntime", "openpyxl", "PIL", "scipy", "starlette", "torch", "uvicorn"}
"""Libraries that take tens of milliseconds or more to import."""


def loaded(*arguments: str) -> set[str]:
    """Run a command in a process of its own; return the libraries that are loaded then."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, json.dumps(arguments)], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [["--version"], ["--help"]])
def test_help_and_version_load_neither_numbers_nor_settings(arguments: list[str]) -> None:
    assert not loaded(*arguments) & (HEAVY | {"numpy", "pydantic", "pydantic_settings"})


@pytest.mark.parametrize("arguments", [["groups", "list"], ["students", "list"], ["sessions", "list"]])
def test_commands_without_a_model_load_no_model_library(arguments: list[str], tmp_path: object) -> None:
    assert not loaded(*arguments, "--data", str(tmp_path)) & HEAVY


@pytest.mark.parametrize("name", COMMANDS)
def test_help_describes_each_command_as_the_command_itself_does(name: str) -> None:
    described = (load_command(name).help or "").split("\n\n")[0].replace("\n", " ").strip()
    assert COMMANDS[name][1] == described
