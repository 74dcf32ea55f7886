"""Cold starts: functions that only keep records do not import the models' libraries."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {
    "MUSTER_STAGE": "dev",
    "MUSTER_TABLE": "table",
    "MUSTER_PHOTOS_BUCKET": "photos",
    "MUSTER_MODELS_BUCKET": "models",
    "MUSTER_JOB_QUEUE": "queue",
    "MUSTER_JOB_DEFINITION": "job",
    "POWERTOOLS_SERVICE_NAME": "test",
    "POWERTOOLS_METRICS_NAMESPACE": "Muster",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}

IMPORT = """
import gc, json, sys
import {module}
print(json.dumps(sorted([*sys.modules, *["gc.isenabled"] * gc.isenabled()])))
"""


def imported(module: str, folder: Path) -> list[str]:
    """Import a module in a process of its own; return the names of all modules that are loaded then."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT.format(module=module)],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    names: list[str] = json.loads(done.stdout)
    return names


HEAVY = {
    *("PIL", "cryptography", "cv2", "defusedxml", "httpx", "jinja2", "numpy", "onnx", "onnxruntime", "openpyxl"),
    *(
        "aws_xray_sdk",
        "pandas",
        "pillow_heif",
        "platformdirs",
        "rich",
        "safetensors",
        "scipy",
        "sqlite3",
        "tensorboard",
        "torch",
        "typer",
    ),
    *("uvicorn", "wrapt"),
}
"""Libraries that take tens of milliseconds or more to import, and that no start needs."""


@pytest.mark.parametrize("function", ["roster", "retrain", "sweep", "notices"])
def test_a_function_on_the_layer_needs_nothing_that_the_layer_lacks(function: str) -> None:
    loaded = imported("handler", ROOT / "functions" / function)
    assert not HEAVY & {name.split(".")[0] for name in loaded}
    assert not [name for name in loaded if name.startswith(("muster.cli", "muster.storage.local", "muster.training"))]
    # Which the handler of roster pauses while it imports.
    assert "gc.isenabled" in loaded


MAX_MODULES = 700
"""About 620 are loaded, half of them by boto3, FastAPI and pydantic; one more library adds a hundred."""


def test_the_code_of_the_api_waits_for_no_heavy_library_when_it_starts() -> None:
    """benchmarks/operations/imports.py takes the time, against the budget of half a second."""
    modules = imported("muster.composition.aws", ROOT)
    assert not HEAVY & {name.split(".")[0] for name in modules}
    assert len(modules) < MAX_MODULES
