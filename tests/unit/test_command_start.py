"""The start of the command line: a command imports only what it uses."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import pytest

from muster.api.recognition import Recognition
from muster.api.system import Services
from muster.cli.app import COMMANDS, load_command
from muster.composition.local import LocalBackend
from muster.domain.errors import PackDamaged

LOADED = """
import json, sys
from typer.testing import CliRunner
from muster.cli.app import app
CliRunner().invoke(app, json.loads(sys.argv[1]))
print(json.dumps(sorted(sys.modules)))
"""

HEAVY = {"cv2", "fastapi", "onnxruntime", "openpyxl", "PIL", "scipy", "starlette", "torch", "uvicorn"}
"""Libraries that take tens of milliseconds or more to import."""


def loaded_modules(*arguments: str) -> set[str]:
    """Run a command in a process of its own; return the modules that are loaded then."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, json.dumps(arguments)], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def libraries(modules: set[str]) -> set[str]:
    return {name.split(".")[0] for name in modules}


@pytest.mark.parametrize("arguments", [["--version"], ["--help"]])
def test_help_and_version_load_neither_numbers_nor_settings(arguments: list[str]) -> None:
    assert not libraries(loaded_modules(*arguments)) & (HEAVY | {"numpy", "pydantic"})


@pytest.mark.parametrize(
    "arguments", [["groups", "list"], ["students", "list"], ["sessions", "list"], ["codes", "list"]], ids=" ".join
)
def test_commands_without_a_model_load_neither_its_libraries_nor_other_services(
    arguments: list[str], tmp_path: Path
) -> None:
    (tmp_path / "files").mkdir()
    LocalBackend(tmp_path).stores.upkeep.close()
    modules = loaded_modules(*arguments, "--data", str(tmp_path))
    # The services are imported by the command itself, and not by opening the store.
    assert "muster.storage.local" in modules
    assert not libraries(modules) & (HEAVY | {"numpy", "safetensors"})
    others = ("muster.services.exchange", "muster.services.notices", "muster.services.reporting", "muster.api.access")
    assert not [name for name in modules if name.startswith(others)]


def test_a_list_of_packs_loads_no_numbers() -> None:
    assert not libraries(loaded_modules("packs", "list")) & (HEAVY | {"numpy"})


@pytest.mark.parametrize("name", COMMANDS)
def test_help_describes_each_command_as_the_command_itself_does(name: str) -> None:
    described = (load_command(name).help or "").split("\n\n")[0].replace("\n", " ").strip()
    assert COMMANDS[name][1] == described


SERVER = """
import json, sys
from pathlib import Path
import muster.cli.serving
from muster.api.app import create_app
import muster.cli.server, muster.packs.load, muster.services.packs.registered_packs
from muster.api.recognition import Recognition
from muster.composition.local import LocalBackend
backend = LocalBackend(Path(sys.argv[1]))
create_app(backend.records, recognition=Recognition(lambda: backend.services))
import fastapi.openapi.models
assert not fastapi.openapi.models.OpenAPI.__pydantic_complete__, "the start builds the models of the OpenAPI document"
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""


def test_a_server_listens_before_it_loads_a_model_library(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", SERVER, str(tmp_path)], capture_output=True, text=True, check=True)
    assert not set(json.loads(done.stdout)) & (HEAVY - {"fastapi", "starlette", "uvicorn"})


def test_models_are_loaded_once_and_again_after_a_failure() -> None:
    loads: list[object] = []

    def load() -> Services:
        loads.append(object())
        if len(loads) == 1:
            raise PackDamaged("The model pack is damaged.")
        return cast(Services, loads[-1])

    recognition = Recognition(load)
    with pytest.raises(PackDamaged):
        recognition.services()
    assert not recognition.ready
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: recognition.services(), range(8)))
    assert recognition.ready
    assert len(loads) == 2
    assert set(map(id, found)) == {id(loads[1])}
