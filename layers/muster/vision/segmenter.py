"""Segmentation of the human head in a crop, from the face's landmarks and the photo's colours, without weights.

A prior of ellipses, placed by the landmarks, labels certain head and certain background; GrabCut decides the rest.
`benchmarks/vision/crops.py` measures its effect on recognition; the pack's manifest decides whether it is used.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from muster.domain.faces import Faces
from muster.vision.align import CROP_SIZE, box_to_crop, warp

FRAME_MARGIN = 1.0
"""The box is doubled, so that it includes hair and some background on every side."""

_SIDE = 80
"""Side in pixels at which GrabCut runs; a head's outline needs no more, and its time grows with the area."""

_ITERATIONS = 2
_SOFTNESS = 0.02
"""Deviation of the blur along the outline, as a part of the frame's side."""

BACKGROUND_GREY = 127
"""Grey of the replaced background: zero after the embedder's scaling."""

# Half axes of ellipses, and their centre on the way from the eyes to the mouth. The unit is the distance between the
# middle of the eyes and that of the mouth, which does not change when the head turns to the side. Set on the sample
# portraits, whose heads are outlined by hand in the unit test.
_OUTER = ((1.75, 2.15), -0.05)
_LIKELY = ((1.35, 1.75), 0.0)
_FACE = ((0.72, 1.0), 0.45)
# A seed where the hair begins: without one, hair that differs from the skin is taken for background.
_HAIR = ((0.5, 0.2), -1.1)


def head_masks(pixels: NDArray[np.uint8], faces: Faces, margin: float) -> NDArray[np.float32]:
    """Find the head (face and hair, no neck) in each face's crop.

    Args:
        pixels: uint8 (H, W, 3), RGB, upright.
        faces: N faces of that photo.
        margin: the crop's margin, as in `align.box_to_crop`.

    Returns:
        float32 (N, 160, 160), 0 (background) to 1 (head), in the frame of the crops with that margin.
    """
    masks = np.empty((len(faces), CROP_SIZE, CROP_SIZE), dtype=np.float32)
    for index, (box, landmarks) in enumerate(zip(faces.boxes, faces.landmarks, strict=True)):
        to_frame = box_to_crop(box, FRAME_MARGIN)
        labels = _prior(cv2.transform(landmarks[None].astype(np.float64), to_frame)[0] * (_SIDE / CROP_SIZE))
        frame = cv2.resize(warp(pixels, to_frame), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        mask = _refine(frame.astype(np.uint8, copy=False), labels)
        softened = np.asarray(cv2.GaussianBlur(mask, (0, 0), _SOFTNESS * _SIDE), np.float32)
        masks[index] = frame_to_crop(softened, margin)
    return masks


def frame_to_crop(mask: NDArray[np.float32], margin: float) -> NDArray[np.float32]:
    """Map the mask of a frame, (side, side), to the concentric crop with a smaller margin."""
    side = len(mask)
    scale = (CROP_SIZE / side) * (1 + FRAME_MARGIN) / (1 + margin)
    shift = (CROP_SIZE - scale * side) / 2 + 0.5 * scale - 0.5
    to_crop = np.array([[scale, 0, shift], [0, scale, shift]])
    crop = cv2.warpAffine(mask, to_crop, (CROP_SIZE, CROP_SIZE), borderMode=cv2.BORDER_REPLICATE)
    return crop.astype(np.float32, copy=False)


def grey_out_background(
    crops: NDArray[np.uint8], masks: NDArray[np.float32], strength: float = 1.0
) -> NDArray[np.uint8]:
    """Fade the background of heads to grey.

    Args:
        crops: uint8 (N, 160, 160, 3).
        masks: float32 (N, 160, 160) of those crops.
        strength: 0 leaves the background unchanged, 1 replaces it.

    Returns:
        uint8 (N, 160, 160, 3).
    """
    keep = (1 - strength * (1 - masks))[..., None]
    faded: NDArray[np.float32] = crops * keep + BACKGROUND_GREY * (1 - keep)
    return np.rint(faded).astype(np.uint8)


def _prior(landmarks: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Label a frame for GrabCut from five landmarks, float64 (5, 2), in its pixels."""
    eyes, mouth = landmarks[:2].mean(axis=0), landmarks[3:].mean(axis=0)
    down = mouth - eyes
    # In a stretched frame a profile's eyes nearly meet; the height of the face does not shrink with the turn.
    unit = max(float(np.hypot(*down)), 1.0)
    tilt = float(np.degrees(np.arctan2(down[1], down[0]))) - 90
    labels = np.full((_SIDE, _SIDE), cv2.GC_BGD, dtype=np.uint8)
    for (axes, centre), label in (
        (_OUTER, cv2.GC_PR_BGD),
        (_LIKELY, cv2.GC_PR_FGD),
        (_FACE, cv2.GC_FGD),
        (_HAIR, cv2.GC_FGD),
    ):
        x, y = eyes + centre * down
        cv2.ellipse(labels, ((x, y), (2 * unit * axes[0], 2 * unit * axes[1]), tilt), int(label), thickness=-1)
    return labels


def _refine(frame: NDArray[np.uint8], labels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Let GrabCut decide the uncertain ring; return one connected head, float32 (side, side), 0 or 1."""
    sure = (labels == cv2.GC_FGD).astype(np.uint8)
    # GrabCut seeds its colour models at random; the same photo must give the same mask.
    cv2.setRNGSeed(0)
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    nowhere = (0, 0, 0, 0)
    decided, _, _ = cv2.grabCut(
        frame, labels.copy(), nowhere, background, foreground, _ITERATIONS, cv2.GC_INIT_WITH_MASK
    )
    head = np.isin(decided, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    whole = np.asarray(cv2.morphologyEx(cv2.morphologyEx(head, cv2.MORPH_OPEN, kernel), cv2.MORPH_CLOSE, kernel))
    _, found = cv2.connectedComponents(whole | sure)
    parts = np.asarray(found)
    mask: NDArray[np.bool_] = parts == np.bincount(parts[sure > 0]).argmax()
    return mask.astype(np.float32)
