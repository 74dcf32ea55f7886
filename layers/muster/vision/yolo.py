"""YOLO face detectors as `ultralytics` trains and exports them, without ultralytics or torch."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from muster.arrays import FloatArray
from muster.domain.faces import Faces
from muster.vision.inference import open_variable_size_session
from muster.vision.letterbox import Frame, letterbox
from muster.vision.scan import CONTAINED_SHARE, SAME_FACE_IOU, concatenate_faces, detect_at_scales, non_max_suppression
from muster.vision.tiles import MAX_TILE_SIDE, MIN_SCALE_RATIO, choose_scales
from muster.vision.yolo_outputs import read_outputs

SIDE_MULTIPLE = 32
"""Sides of the input are multiples of the deepest layer's stride (YOLOv8 and YOLO11)."""

INPUT_SIDE = 640
"""Longest side, in pixels, of the input that the published face weights were trained at."""

SCORE_THRESHOLD = 0.6
"""Minimum score of a face, midway between the lowest of a true face (0.72) and the highest of a false one (0.48).
Measured with a small YOLOv8 face detector on 18 photos with 46 labelled noses, all of which it finds
(tests/unit/test_yolo.py); not measured with the published weights."""

ULTRALYTICS_IOU = 0.7
"""Intersection over union above which ultralytics' predictor takes two boxes for one object (its default `iou`)."""


class YoloFaceDetector:
    """A YOLO face detector ready to read photos; safe to share between threads.

    A photo is read whole, as ultralytics reads it. A large photo is also read at finer scales in tiles, so that small
    faces are found and memory stays bounded.
    """

    def __init__(
        self,
        model: Path,
        threads: int,
        sides: tuple[int, ...] = (INPUT_SIDE, 1280, 2560),
        threshold: float = SCORE_THRESHOLD,
    ) -> None:
        """Load the model.

        Args:
            model: ONNX file for pictures of one fixed size or of any, in a layout that `read_outputs` names.
            threads: of the inference engine, for one photo.
            sides: longest side, in pixels, at each scale, ascending; the first reads the photo whole.
            threshold: minimum score of a face, 0 to 1.
        """
        self._session = open_variable_size_session(model, threads)
        entry = self._session.get_inputs()[0]
        self._input = entry.name
        self._fixed = tuple(entry.shape[2:]) if all(isinstance(side, int) for side in entry.shape[2:]) else None
        self._sides = sides
        self._threshold = threshold

    def detect(self, pixels: NDArray[np.uint8]) -> Faces:
        """Find the faces of a photo.

        Args:
            pixels: uint8 (H, W, 3), RGB, upright, of any size.

        Returns:
            N faces by descending score, in pixels of the photo; empty arrays if there are none. The same photo gives
            the same faces. For a model without landmarks, those of a frontal face are fitted into the box.

        Raises:
            PackDamaged: the layout of the model's outputs is not supported.
        """
        longest = max(pixels.shape[:2])
        finer = [
            scale for scale in choose_scales(longest, self._sides) if scale * longest > self._sides[0] * MIN_SCALE_RATIO
        ]
        max_side = min(self._fixed) if self._fixed else MAX_TILE_SIDE
        tiled = detect_at_scales(pixels, finer, self._read_unscaled, max_side)
        return non_max_suppression(
            concatenate_faces([self._read_whole(pixels), *tiled]), SAME_FACE_IOU, CONTAINED_SHARE
        )

    def detect_whole(self, pixels: NDArray[np.uint8], same: float = ULTRALYTICS_IOU) -> Faces:
        """Find the faces of a photo as ultralytics' predictor does: read once, fitted into the input.

        Args:
            pixels: as for `detect`.
            same: intersection over union above which two boxes are one face.

        Returns, Raises: as `detect`.
        """
        # A share above 1 is never reached, so a box inside another stays, as in the predictor.
        return non_max_suppression(self._read_whole(pixels), same, inside=2.0)

    def _read_whole(self, pixels: NDArray[np.uint8]) -> Faces:
        height, width = self._fixed or (self._sides[0], self._sides[0])
        return self._read(*letterbox(pixels, height, width, None if self._fixed else SIDE_MULTIPLE, scaled=True))

    def _read_unscaled(self, picture: NDArray[np.uint8]) -> Faces:
        height, width = self._fixed or picture.shape[:2]
        return self._read(*letterbox(picture, height, width, None if self._fixed else SIDE_MULTIPLE, scaled=False))

    def _read(self, picture: NDArray[np.uint8], frame: Frame) -> Faces:
        blob = cv2.dnn.blobFromImage(picture, 1 / 255)
        outputs: list[FloatArray] = self._session.run(None, {self._input: blob})
        faces = read_outputs([output[0] for output in outputs], picture.shape[0], picture.shape[1], self._threshold)
        corner = frame.to_picture(faces.boxes[:, :2])
        opposite = frame.to_picture(faces.boxes[:, :2] + faces.boxes[:, 2:])
        boxes = np.concatenate([corner, opposite - corner], axis=1)
        return Faces(boxes, frame.to_picture(faces.landmarks), faces.scores)
