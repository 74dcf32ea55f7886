"""Model packs whose embeddings may be compared with each other."""

import re
from typing import Final

from muster.domain.identifiers import PackId

PRECISIONS: Final = ("int8", "float16")
"""Variants of a pack that mix with it: cosines of the same crop are at least 0.998, and faces of one are decided as
surely with templates of the other (`benchmarks/recognition/mixed_packs.py`)."""

_VARIANT = re.compile(rf"(?P<pack>.+-\d+)\.(?:{'|'.join(PRECISIONS)})")


def embedding_space(pack: PackId) -> PackId:
    """Return the pack in float32 that this one is a variant of, or the pack itself.

    Another number is another space, and so is a revision of a variant (`embedded-1.int8.2`): embeddings changed.
    """
    variant = _VARIANT.fullmatch(pack)
    return PackId(variant["pack"]) if variant else pack


def comparable(one: PackId, other: PackId) -> bool:
    """Return whether embeddings of two packs may be compared: templates, faces, heads and statistics of either."""
    return one == other or embedding_space(one) == embedding_space(other)


def comparable_packs(pack: PackId) -> tuple[PackId, ...]:
    """Return the packs of the same space, this one first."""
    space = embedding_space(pack)
    packs = space, *(PackId(f"{space}.{precision}") for precision in PRECISIONS)
    return tuple(dict.fromkeys((pack, *packs)))
