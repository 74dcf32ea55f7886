"""What a cold start pays for: no function that keeps records waits for the models' libraries."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

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
import json, sys, time
started = time.process_time()
import {module}
print(json.dumps({{"seconds": time.process_time() - started, "modules": sorted(sys.modules)}}))
"""


def imported(module: str, folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT.format(module=module)],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("function", ["roster", "retrain"])
def test_a_function_on_the_layer_needs_nothing_that_the_layer_lacks(function: str) -> None:
    loaded = {name.split(".")[0] for name in imported("handler", ROOT / "functions" / function)["modules"]}
    assert not loaded & {"cv2", "onnxruntime", "PIL", "scipy", "torch", "pillow_heif", "sqlite3", "platformdirs"}


def test_the_code_of_the_api_is_imported_in_half_a_second() -> None:
    """Processor time, the best of three, since the machine may be busy with other things."""
    assert min(imported("muster.composition.aws", ROOT)["seconds"] for _ in range(3)) < 0.5
