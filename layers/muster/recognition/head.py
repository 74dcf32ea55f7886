"""The head: the small network of stage 2, run with numpy. It maps embeddings of a pack to 64 numbers, unit length.

This module holds the file format and the arithmetic, so detection needs no torch; training is in `muster.training`.
Class prototypes are computed from the templates and not stored. So the head can recognise a student registered after
it was trained, and an erased student leaves nothing behind but the weights, which are then retrained.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from muster.arrays import FloatArray, unit_rows
from muster.domain.errors import HeadDamaged, PackMismatch
from muster.domain.identifiers import PackId, StudentId
from muster.domain.packs import comparable
from muster.recognition.gallery import Gallery

HEAD_SIZE = 64
"""Length of a head embedding. The population's covariance has 85 significant directions, and the first 64 hold all but
4 % of it (benchmarks/recognition/within_class_statistics.py)."""

_FORMAT = "muster-head-1"
_ENTRY = "muster"
_DAMAGED = "The head file is damaged ({}): train the head again with `muster train --full`."


@dataclass(frozen=True, eq=False, slots=True)
class Head:
    """A trained head.

    Attributes:
        pack: the model pack whose embeddings it was trained on.
        weight: float32 (64, D), and
        bias: float32 (64,), the one linear layer; its result is scaled to unit length. Because of the bias, a cosine
            reflects how far a face is from the average face, which a purely centred projection loses.
        centre: the head's mean cosine between two different people, -1 to 1, and
        deviation: its standard deviation, above 0.
        fusion: weight of the head relative to stage 1 in `fuse`, 0 (stage 1 alone) to 1.
        students: the students it was trained on, each with the fingerprint of the template used.
        parent: SHA-256 of the head file that training started from, lower-case hexadecimal; None after a full training.
        metrics: JSON-like report of the training.
    """

    pack: PackId
    weight: FloatArray
    bias: FloatArray
    centre: float
    deviation: float
    fusion: float
    students: Mapping[StudentId, str] = field(default_factory=dict)
    parent: str | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, data: bytes, pack: PackId) -> "Head":
        """Read a head file.

        Args:
            data: the bytes that `to_bytes` made.
            pack: the model pack in use.

        Raises:
            HeadDamaged: the file is truncated or changed, has another format or shape, or a weight is not a number.
            PackMismatch: the head was trained on embeddings that cannot be compared with those of `pack`.
        """
        metadata, tensors = _read(data)
        try:
            described = json.loads(metadata["head"])
            head = cls(
                pack=PackId(described["pack"]),
                weight=tensors["weight"],
                bias=tensors["bias"],
                centre=float(described["centre"]),
                deviation=float(described["deviation"]),
                fusion=float(described["fusion"]),
                students=dict(described["students"]),
                parent=described["parent"],
                metrics=dict(described["metrics"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise HeadDamaged(_DAMAGED.format("its description cannot be read")) from error
        if not (-1 <= head.centre <= 1 and 0 < head.deviation < np.inf and 0 <= head.fusion <= 1):
            raise HeadDamaged(_DAMAGED.format("a setting is out of range"))
        if not comparable(head.pack, pack):
            raise PackMismatch(
                f"The head was trained with the model pack {head.pack!r} and cannot be used with {pack!r}: "
                "train a head for this pack."
            )
        return head

    def to_bytes(self) -> bytes:
        """Return the head as a safetensors file; the same head gives the same bytes."""
        tensors = {"weight": self.weight, "bias": self.bias}
        described = json.dumps(
            {
                "pack": self.pack,
                "centre": self.centre,
                "deviation": self.deviation,
                "fusion": self.fusion,
                "students": dict(self.students),
                "parent": self.parent,
                "metrics": dict(self.metrics),
            },
            sort_keys=True,
            ensure_ascii=False,
        )
        # One entry, because safetensors writes several in an order that changes from call to call.
        entry = {"format": _FORMAT, "head": described, "checksum": _checksum(described, tensors)}
        return save_tensors(tensors, {_ENTRY: json.dumps(entry)})

    def embed(self, embeddings: FloatArray) -> FloatArray:
        """Map embeddings, float32 (N, D), unit rows, to float32 (N, 64), unit rows."""
        return unit_rows(embeddings @ self.weight.T + self.bias)

    def prototypes(self, gallery: Gallery) -> FloatArray:
        """Return each student's class prototype, float32 (S, 64), unit rows: the embedded mean of the views.

        Raises:
            PackMismatch: the gallery's templates cannot be compared with those that the head was trained on.
        """
        if not comparable(gallery.pack, self.pack):
            raise PackMismatch(
                f"The head was trained with the model pack {self.pack!r}, but the gallery with {gallery.pack!r}: "
                "train a head for this pack."
            )
        return self.embed(unit_rows(gallery.mean_views())) if gallery.size else np.empty((0, HEAD_SIZE), np.float32)

    def similarity(self, probes: FloatArray, gallery: Gallery) -> FloatArray:
        """Compare probes with every student's prototype.

        Args:
            probes: float32 (N, D), unit rows, comparable with the head's pack.
            gallery: S students.

        Returns:
            float32 (N, S), cosine in the head's space, -1 to 1.

        Raises:
            PackMismatch: the gallery's templates cannot be compared with those that the head was trained on.
        """
        return self.embed(probes) @ self.prototypes(gallery).T

    def standardise(self, similarity: FloatArray) -> FloatArray:
        """Return cosines of `similarity` in standard deviations of a random person's cosine."""
        deviations: FloatArray = (similarity - np.float32(self.centre)) / np.float32(self.deviation)
        return deviations

    def fuse(self, normalised: FloatArray, similarity: FloatArray) -> FloatArray:
        """Combine the scores of both stages, each in standard deviations of a random person's score.

        Args:
            normalised: float32 (N, S), stage 1's normalised scores (`muster.recognition.scoring`).
            similarity: float32 (N, S), from `similarity`.

        Returns:
            float32 (N, S), on the scale of `normalised`.
        """
        return (1 - self.fusion) * normalised + self.fusion * self.standardise(similarity)


def _read(data: bytes) -> tuple[dict[str, str], dict[str, FloatArray]]:
    try:
        tensors = load_tensors(data)
        length = int.from_bytes(data[:8], "little")
        metadata = json.loads(json.loads(data[8 : 8 + length])["__metadata__"][_ENTRY])
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise HeadDamaged(_DAMAGED.format("it is not a complete head file")) from error
    if metadata.get("format") != _FORMAT:
        raise HeadDamaged(_DAMAGED.format("it has another format"))
    width = tensors["weight"].shape[-1] if tensors.get("weight", np.empty(())).ndim == 2 else 0
    expected = {"weight": (HEAD_SIZE, width), "bias": (HEAD_SIZE,)}
    if not width or {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()} != {
        name: (shape, np.dtype(np.float32)) for name, shape in expected.items()
    }:
        raise HeadDamaged(_DAMAGED.format("its arrays have unexpected shapes"))
    if metadata.get("checksum") != _checksum(metadata.get("head", ""), tensors):
        raise HeadDamaged(_DAMAGED.format("its checksum differs"))
    if not all(np.isfinite(tensor).all() for tensor in tensors.values()):
        raise HeadDamaged(_DAMAGED.format("a weight is not a number"))
    return metadata, tensors


def _checksum(described: str, tensors: Mapping[str, FloatArray]) -> str:
    digest = hashlib.sha256(described.encode())
    for name in sorted(tensors):
        digest.update(np.ascontiguousarray(tensors[name]).tobytes())
    return digest.hexdigest()
