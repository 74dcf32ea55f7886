"""The quality of faces, and the requirements for registration photos."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from muster.domain.errors import (
    FaceCutOff,
    FaceTooSmall,
    FaceTurned,
    MusterError,
    NoFace,
    SeveralFaces,
    TooBlurred,
    TooBright,
    TooDark,
)
from muster.domain.faces import Faces

# Bounds for registration photos, measured by benchmarks/vision/quality.py. Together with RIVAL_PROMINENCE they reject
# under 1 % of LFW's pictures and no gallery picture, while blurred, darkened and bleached copies are rejected.
MIN_SIZE = 48.0
MIN_SHARPNESS = 0.01
MIN_BRIGHTNESS = 35.0
MAX_BRIGHTNESS = 230.0
MAX_OVEREXPOSED = 0.5
MIN_CONTRAST = 8.0
MAX_YAW = 58.0
MAX_PITCH = 35.0
MAX_CUT_OFF = 0.15

MAX_ROLL = 30.0
"""Degrees of tilt in the plane of the picture: at 30 the cosine to the upright face is 0.90, at 45 it is 0.73
(benchmarks/vision/turned_photos.py). A registration photo's face is levelled first."""

RIVAL_PROMINENCE = 0.65
"""Share of the main face's prominence from which a second face does not count as background (as above)."""

_MIDDLE_GREY = 128

_SIDE = 128
"""Side in pixels to which a face is resized before its sharpness is measured, so resolution does not count twice."""

_DEPTH_OF_NOSE = 0.5
"""Distance of the nose tip from the plane of eyes and mouth, in eye distances: about 3 of 6 cm in an adult."""

_NOSE_BETWEEN_EYES_AND_MOUTH = 0.56
"""Position of the nose tip between the eyes (0) and the mouth (1), seen from the front: LFW's median (as above)."""


@dataclass(frozen=True, eq=False, slots=True)
class Quality:
    """The quality of N faces, stacked; every array is float32 (N,).

    Attributes:
        score: 0 (useless) to 1 (as good as a registration photo).
        size: height of the box in pixels.
        sharpness: fine detail by the face's variance, at a normalised size: 0.005 blurred, 0.07 usual, 0.3 crisp.
        brightness: mean luma of the face's middle, 0 to 255.
        contrast: standard deviation of that luma, 0 to 128.
        underexposed, overexposed: share of the face's middle that is nearly black or nearly white, 0 to 1.
        yaw: degrees turned to the side, positive towards the right of the picture; estimated from the landmarks.
        pitch: degrees, positive looking up; estimated likewise.
        roll: degrees the eyes are tilted, positive clockwise in the picture, -180 to 180.
        cut_off: share of the box beyond the picture's edge, 0 to 1.
    """

    score: NDArray[np.float32]
    size: NDArray[np.float32]
    sharpness: NDArray[np.float32]
    brightness: NDArray[np.float32]
    contrast: NDArray[np.float32]
    underexposed: NDArray[np.float32]
    overexposed: NDArray[np.float32]
    yaw: NDArray[np.float32]
    pitch: NDArray[np.float32]
    roll: NDArray[np.float32]
    cut_off: NDArray[np.float32]

    def faults(self, index: int) -> list[MusterError]:
        """Return the errors that make one face unfit for registration, the most serious first; empty if it is fit."""
        checks: list[tuple[bool, MusterError]] = [
            (
                bool(self.cut_off[index] > MAX_CUT_OFF),
                FaceCutOff("The face is cut off: take the photo again with the whole head in the picture."),
            ),
            (
                bool(self.size[index] < MIN_SIZE),
                FaceTooSmall("The face is too small: step closer and take the photo again."),
            ),
            (
                bool(self.brightness[index] < MIN_BRIGHTNESS or self.contrast[index] < MIN_CONTRAST)
                and bool(self.brightness[index] < _MIDDLE_GREY),
                TooDark("The face is too dark: turn toward the window or a lamp and take the photo again."),
            ),
            (
                bool(self.brightness[index] > MAX_BRIGHTNESS or self.overexposed[index] > MAX_OVEREXPOSED),
                TooBright("The face is too bright: step out of the direct light and take the photo again."),
            ),
            (
                bool(self.sharpness[index] < MIN_SHARPNESS),
                TooBlurred(
                    "The face is blurred: hold the phone still, tap on the face to focus and take the photo again."
                ),
            ),
            (
                bool(abs(self.yaw[index]) > MAX_YAW or abs(self.pitch[index]) > MAX_PITCH),
                FaceTurned("The face looks away: ask the student to look into the camera and take the photo again."),
            ),
            (
                bool(abs(self.roll[index]) > MAX_ROLL),
                FaceTurned("The face lies on its side: turn the photo upright and send it again."),
            ),
        ]
        return [error for failed, error in checks if failed]


def assess(pixels: NDArray[np.uint8], faces: Faces) -> Quality:
    """Measure every face of a photo.

    Args:
        pixels: uint8 (H, W, 3), RGB, upright.
        faces: N faces found in it.

    Returns:
        The quality of each face, in the order of the faces.
    """
    light = np.array([_light(pixels, box) for box in faces.boxes], np.float32).reshape(-1, 5).T
    sharpness, brightness, contrast, underexposed, overexposed = light
    yaw, pitch, roll = estimate_pose(faces.landmarks)
    size = faces.boxes[:, 3].astype(np.float32)
    cut_off = _cut_off(faces.boxes, pixels.shape[1], pixels.shape[0])
    score = (
        _ramp(size, 16, 80)
        * _ramp(np.log(np.maximum(sharpness, 1e-6)), np.log(MIN_SHARPNESS / 4), np.log(MIN_SHARPNESS * 2))
        * _ramp(brightness, 5, 60)
        * _ramp(contrast, 2, 16)
        * _ramp(-overexposed, -0.9, -0.3)
        * _ramp(-np.hypot(yaw, pitch), -80, -30)
        * _ramp(-cut_off, -0.6, -0.1)
    )
    return Quality(score, size, sharpness, brightness, contrast, underexposed, overexposed, yaw, pitch, roll, cut_off)


def require_main_face(pixels: NDArray[np.uint8], faces: Faces) -> int:
    """Choose the one main face of a registration photo, fit or not; clearly smaller faces behind it are ignored.

    Args:
        pixels: uint8 (H, W, 3), RGB, upright.
        faces: the faces found in it.

    Returns:
        The index of the main face.

    Raises:
        NoFace: there is none.
        SeveralFaces: a second face is nearly as prominent.
    """
    if not len(faces):
        raise NoFace("No face was found: take the photo again, from the front and with the face in the middle.")
    prominence = _prominence(faces.boxes, pixels.shape[1], pixels.shape[0])
    main = int(prominence.argmax())
    if (np.delete(prominence, main) > RIVAL_PROMINENCE * prominence[main]).any():
        raise SeveralFaces("More than one person is in the picture: take the photo again with the student alone.")
    return main


def require_fit(pixels: NDArray[np.uint8], face: Faces) -> Quality:
    """Reject one face, of length 1, that is not fit to register its student; return its quality.

    Raises:
        FaceCutOff, FaceTooSmall, TooDark, TooBright, TooBlurred, FaceTurned: the face is not fit.
    """
    quality = assess(pixels, face)
    if faults := quality.faults(0):
        raise faults[0]
    return quality


def require_whole(pixels: NDArray[np.uint8], face: Faces) -> None:
    """Reject one face, of length 1, that is cut off by the edge of its photo.

    Raises:
        FaceCutOff: the face is cut off.
    """
    for fault in assess(pixels, face).faults(0):
        if isinstance(fault, FaceCutOff):
            raise fault


def _prominence(boxes: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """Return the area of each box, reduced towards the corner of the picture, where it is halved."""
    middle = np.array([width, height], np.float32) / 2
    away = np.linalg.norm(boxes[:, :2] + boxes[:, 2:] / 2 - middle, axis=1) / np.linalg.norm(middle)
    return np.asarray(boxes[:, 2:].prod(axis=1) * (1 - np.minimum(away, 1) / 2), np.float32)


def _light(pixels: NDArray[np.uint8], box: NDArray[np.float32]) -> tuple[float, float, float, float, float]:
    """Return sharpness, brightness, contrast and the under- and overexposed shares of one face."""
    # The inner part of the box is skin; background and hair would distort brightness and sharpness.
    low = np.maximum(box[:2] + box[2:] * 0.15, 0).astype(int)
    high = np.minimum(box[:2] + box[2:] * 0.85, pixels.shape[1::-1]).astype(int)
    if (high - low < 2).any():
        return 0.0, 0.0, 0.0, 1.0, 0.0
    luma = cv2.cvtColor(pixels[low[1] : high[1], low[0] : high[0]], cv2.COLOR_RGB2GRAY)
    shrinking = min(luma.shape) > _SIDE
    face = cv2.resize(luma, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR)
    # Noise is finer than any feature of a face. Smoothing keeps a grainy, blurred picture from passing as sharp.
    smooth = cv2.GaussianBlur(face.astype(np.float32), (0, 0), 1.5)
    detail = float(cv2.Laplacian(smooth, cv2.CV_32F, ksize=3).var())
    spread = float(face.std())
    return (
        detail / max(spread, 1.0) ** 2,
        float(face.mean()),
        spread,
        float((face < 20).mean()),
        float((face > 245).mean()),
    )


def estimate_pose(
    landmarks: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Estimate yaw, pitch and roll in degrees, each float32 (N,), from five landmarks (N, 5, 2)."""
    right_eye, left_eye, nose = landmarks[:, 0], landmarks[:, 1], landmarks[:, 2]
    eyes, mouth = (right_eye + left_eye) / 2, (landmarks[:, 3] + landmarks[:, 4]) / 2
    across = left_eye - right_eye
    roll = np.arctan2(across[:, 1], across[:, 0])
    down = mouth - eyes
    length = np.maximum(np.linalg.norm(down, axis=1), 1e-3)
    along = ((nose - eyes) * down).sum(axis=1) / length**2
    # The face's axis runs from eyes to mouth: turning the head shortens the eyes' distance, but keeps their middle.
    sideways = ((nose - eyes)[:, 0] * down[:, 1] - (nose - eyes)[:, 1] * down[:, 0]) / length
    breadth = np.maximum(np.linalg.norm(across, axis=1), 1e-3)
    yaw = np.arctan2(sideways, _DEPTH_OF_NOSE * breadth)
    pitch = np.arctan2(_NOSE_BETWEEN_EYES_AND_MOUTH - along, _DEPTH_OF_NOSE)
    degrees = np.degrees(np.stack([yaw, pitch, roll])).astype(np.float32)
    return degrees[0], degrees[1], degrees[2]


def _cut_off(boxes: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    edge = np.array([width, height], np.float32)
    visible = np.clip(np.minimum(boxes[:, :2] + boxes[:, 2:], edge) - np.maximum(boxes[:, :2], 0), 0, None).prod(axis=1)
    return np.asarray(1 - visible / np.maximum(boxes[:, 2:].prod(axis=1), 1e-3), np.float32)


def _ramp(values: NDArray[np.float32], worst: float, good: float) -> NDArray[np.float32]:
    """Return 0 at `worst` and below, 1 at `good` and above, straight between."""
    return np.asarray(np.clip((values - worst) / (good - worst), 0, 1), np.float32)
