"""Load the models of a pack."""

from collections.abc import Iterator

from muster.packs.load import ModelPack, verify_once
from muster.vision.align import AlignedLandmarks, Framing, StretchedBox
from muster.vision.detector import CenterFaceDetector
from muster.vision.embedder import Embedder, FaceNetwork
from muster.vision.pipeline import FaceDetector, HeadMasks, VisionPipeline
from muster.vision.segmenter import head_masks
from muster.vision.unet_segmenter import UnetSegmenter
from muster.vision.yolo import YoloFaceDetector


def open_models(pack: ModelPack, threads: int) -> VisionPipeline:
    """Load the models of a pack, each of the kind named in its manifest.

    Args:
        threads: CPU threads of each model.

    Raises:
        PackDamaged: a file is missing or has changed since the build.
    """
    verify_once(pack)
    return VisionPipeline(
        detector=_detector(pack, threads),
        embedders=tuple(_embedders(pack, threads)),
        head_masks=_head_masks(pack, threads) if pack.manifest.segmenter.enabled else None,
    )


def _embedders(pack: ModelPack, threads: int) -> Iterator[Embedder]:
    for settings, model in zip(pack.manifest.embedders, pack.embedders, strict=True):
        framing: Framing = (
            AlignedLandmarks(settings.side) if settings.kind == "mobilefacenet" else StretchedBox(settings.side)
        )
        yield Embedder(FaceNetwork(model, threads), framing, settings.mirrored)


def _detector(pack: ModelPack, threads: int) -> FaceDetector:
    if pack.manifest.detector.kind == "yolo":
        return YoloFaceDetector(pack.detector, threads)
    return CenterFaceDetector(pack.detector, threads)


def _head_masks(pack: ModelPack, threads: int) -> HeadMasks:
    return head_masks if pack.segmenter is None else UnetSegmenter(pack.segmenter, threads).head_masks
