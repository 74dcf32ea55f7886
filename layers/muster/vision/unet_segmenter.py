"""Segmentation of the human head in a crop with a network: the Unet of `head-segmentation`."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from muster.domain.faces import Faces
from muster.vision.align import CROP_SIZE, box_to_crop, warp
from muster.vision.inference import open_session
from muster.vision.segmenter import FRAME_MARGIN, frame_to_crop


class UnetSegmenter:
    """A head segmentation network ready to outline heads; safe to share between threads.

    Args:
        model: ONNX file with input `crop` float32 (N, 3, side, side), RGB 0 to 255, and output `head` (N, side, side),
            the probability of head.
        threads: CPU threads of one run.
    """

    def __init__(self, model: Path, threads: int) -> None:
        self._session = open_session(model, threads)
        self._side = int(self._session.get_inputs()[0].shape[-1])

    def head_masks(self, pixels: NDArray[np.uint8], faces: Faces, margin: float) -> NDArray[np.float32]:
        """Find the head in each face's crop.

        Args:
            pixels: uint8 (H, W, 3), RGB, upright.
            faces: N faces of that photo.
            margin: the crop's margin, as in `align.box_to_crop`.

        Returns:
            float32 (N, 160, 160), 0 (background) to 1 (head), in the frame of the crops with that margin.
        """
        masks = np.empty((len(faces), CROP_SIZE, CROP_SIZE), np.float32)
        for index, box in enumerate(faces.boxes):
            to_frame = box_to_crop(box, FRAME_MARGIN) * (self._side / CROP_SIZE)
            masks[index] = frame_to_crop(self.probability(warp(pixels, to_frame, self._side)[None])[0], margin)
        return masks

    def probability(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the probability of head, float32 (N, side, side), of pictures uint8 (N, side, side, 3), RGB."""
        pictures = np.ascontiguousarray(frames.transpose(0, 3, 1, 2), np.float32)
        head: NDArray[np.float32] = self._session.run(["head"], {"crop": pictures})[0]
        return head
