"""Photos and weights that are not ours to publish: a folder beside the checkout, where there is one."""

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("MUSTER_SHARED", Path(__file__).parents[2] / "shared"))
YOLO_WEIGHTS = FOLDER / "weights" / "yolov8-lite-t-face.onnx"
"""A small YOLOv8 face detector with five landmarks, trained on WIDER FACE: three raw maps for 640 x 640."""

NO_YOLO_WEIGHTS = "real YOLO face weights and photos are not published: set MUSTER_SHARED to the folder that holds them"

needs_yolo_weights = pytest.mark.skipif(not YOLO_WEIGHTS.exists(), reason=NO_YOLO_WEIGHTS)
