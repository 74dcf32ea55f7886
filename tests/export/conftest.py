"""Inputs of the parity tests: real photos, and networks with published or random weights."""

import os
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from muster.vision.decode import decode

LIBRARIES = ("torchvision", "ultralytics", "segmentation_models_pytorch", "facenet_pytorch")

if all(find_spec(name) for name in LIBRARIES):
    # ultralytics asks the network at its first import, and writes its settings into the user's folder.
    os.environ.setdefault("YOLO_OFFLINE", "true")
    os.environ.setdefault("YOLO_CONFIG_DIR", tempfile.mkdtemp(prefix="ultralytics-"))
else:
    # The libraries do not go together with the other tests' environment; test_environment.py says what to do.
    collect_ignore = [
        path.name for path in Path(__file__).parent.glob("test_*.py") if path.name != "test_environment.py"
    ]


@pytest.fixture(scope="session")
def photos(samples: Path) -> list[NDArray[np.uint8]]:
    """The sample photos, uint8 (H, W, 3), RGB."""
    return [decode(path.read_bytes()).pixels for path in sorted(samples.glob("*/*.jpg"))]
