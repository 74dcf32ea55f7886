"""The raw maps of real weights are decoded as ultralytics' own head decodes them."""

import cv2
import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from ultralytics.nn.modules.head import Pose

from muster.packs.export.yolo import MAX_PIXELS, MAX_SCORE
from muster.vision.letterbox import letterbox
from muster.vision.yolo_outputs import read_outputs
from tests.shared_files import YOLO_WEIGHTS, needs_yolo_weights

CHANNELS = [64, 1, 15]


@needs_yolo_weights
def test_real_maps_of_real_photos_are_decoded_as_by_ultralytics_head(photos: list[NDArray[np.uint8]]) -> None:
    session = onnxruntime.InferenceSession(YOLO_WEIGHTS, providers=["CPUExecutionProvider"])
    head = Pose(nc=1, kpt_shape=(5, 3), reg_max=16, ch=[64, 128, 256]).eval()
    head.stride = torch.tensor([8.0, 16.0, 32.0])
    for photo in photos:
        picture, _ = letterbox(photo, 640, 640, None, scaled=True)
        maps = session.run(None, {session.get_inputs()[0].name: cv2.dnn.blobFromImage(picture, 1 / 255)})
        tensors = [torch.from_numpy(answered) for answered in maps]
        parts = [torch.split(part.flatten(2), CHANNELS, dim=1) for part in tensors]
        boxes, scores, points = (torch.cat(list(same), dim=2) for same in zip(*parts, strict=True))
        with torch.inference_mode():
            decoded = head._inference({"boxes": boxes, "scores": scores, "kpts": points, "feats": tensors})
        expected = read_outputs([decoded.numpy()[0]], 640, 640, 0.1)
        found = read_outputs([answered[0] for answered in maps], 640, 640, 0.1)
        assert len(found) == len(expected) > 3
        np.testing.assert_allclose(found.scores, expected.scores, atol=MAX_SCORE)
        np.testing.assert_allclose(found.boxes, expected.boxes, atol=MAX_PIXELS)
        np.testing.assert_allclose(found.landmarks, expected.landmarks, atol=MAX_PIXELS)
