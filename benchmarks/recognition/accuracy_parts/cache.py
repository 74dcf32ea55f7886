"""Cache of the faces of pictures, kept in a file between runs of `benchmarks.recognition.accuracy`.

A file is used only for the same model files and number of views, and the same sources of `muster.vision`.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

import muster.vision
from muster.evaluation.embed import PictureFaces, Pictures, RegistrationTemplate
from muster.packs.load import ModelPack
from muster.progress import OnProgress
from muster.vision.pipeline import VisionPipeline


class KeptPictures(Pictures):
    """Pictures that are loaded from a file, if it fits, and written back whenever some were read.

    Args:
        file: an npz file; None keeps nothing.
    """

    def __init__(self, vision: VisionPipeline, pack: ModelPack, file: Path | None) -> None:
        super().__init__(vision)
        self._file = file
        self._fingerprint = _fingerprint(pack, vision.views)
        if file is not None and file.exists():
            self._load(file)

    def read(self, searched: Iterable[Path], registering: Iterable[Path], progress: OnProgress) -> None:
        """Read pictures ahead and keep them."""
        super().read(searched, registering, progress)
        if self._file is not None:
            self._save(self._file)

    def _save(self, file: Path) -> None:
        faces, templates = self._faces, self._templates
        none = np.empty((0, sum(self._vision.sizes)), dtype=np.float32)
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(
            file,
            fingerprint=self._fingerprint,
            face_digests=np.array(list(faces), dtype="U64"),
            face_counts=np.array([len(entry.boxes) for entry in faces.values()], dtype=np.int64),
            sizes=np.array([(entry.width, entry.height) for entry in faces.values()], dtype=np.int64).reshape(-1, 2),
            boxes=np.concatenate([none[:, :4], *(entry.boxes for entry in faces.values())]),
            qualities=np.concatenate([none[:, 0], *(entry.quality for entry in faces.values())]),
            embeddings=np.concatenate([none, *(entry.embeddings for entry in faces.values())]),
            template_digests=np.array(list(templates), dtype="U64"),
            template_counts=np.array([len(entry.embeddings) for entry in templates.values()], dtype=np.int64),
            refused=np.array([entry.refused or "" for entry in templates.values()], dtype="U40"),
            views=np.concatenate([none, *(entry.embeddings for entry in templates.values())]),
        )

    def _load(self, file: Path) -> None:
        with np.load(file) as stored:
            kept = {name: stored[name] for name in stored.files}
        if str(kept["fingerprint"]) != self._fingerprint:
            return
        ends = np.cumsum(kept["face_counts"])[:-1]
        parts = (np.split(kept[name], ends) for name in ("boxes", "embeddings", "qualities"))
        for digest, (width, height), *arrays in zip(kept["face_digests"], kept["sizes"], *parts, strict=True):
            self._faces[str(digest)] = PictureFaces(int(width), int(height), *arrays)
        views = np.split(kept["views"], np.cumsum(kept["template_counts"])[:-1])
        for digest, refused, rows in zip(kept["template_digests"], kept["refused"], views, strict=True):
            self._templates[str(digest)] = RegistrationTemplate(rows, str(digest), str(refused) or None)


def _fingerprint(pack: ModelPack, views: int) -> str:
    digest = hashlib.sha256(f"{pack.id} {views} {[file.sha256 for file in pack.manifest.files]}".encode())
    for source in sorted(Path(muster.vision.__file__ or "").parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()
