"""The models of a pack, loaded."""

from muster.packs.load import ModelPack
from muster.vision.detector import CenterFaceDetector
from muster.vision.embedder import FaceNetEmbedder
from muster.vision.pipeline import VisionPipeline


def open_models(pack: ModelPack, threads: int) -> VisionPipeline:
    """Load the models of a pack.

    Args:
        threads: CPU threads of each model.
    """
    return VisionPipeline(
        detector=CenterFaceDetector(pack.detector, threads),
        embedder=FaceNetEmbedder(pack.embedder, threads),
        segmented=pack.manifest.segmenter.enabled,
    )
