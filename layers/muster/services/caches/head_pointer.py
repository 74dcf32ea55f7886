"""The number of the head in use, for processes that load no head."""

from muster.domain.identifiers import PackId
from muster.domain.packs import comparable_packs
from muster.recognition.policy import HeadUse
from muster.storage.ports import HeadStore


def current_head(heads: HeadStore, pack: PackId) -> tuple[PackId, int] | None:
    """Return the pack and the number of the head in use.

    If none of the pack's own heads is current, the head of a comparable pack is used, until the first training.
    """
    for trained in comparable_packs(pack):
        version = heads.current(trained)
        if version is not None:
            return trained, version
    return None


class HeadPointer:
    """Returns the number of the head in use without loading it, for processes without recognition."""

    def __init__(self, heads: HeadStore, pack: PackId, use: HeadUse = HeadUse.GATED) -> None:
        self._heads = heads
        self._pack = pack
        self._use = use

    def number(self) -> int | None:
        """Return the number of the head in use, or None if there is none."""
        current = None if self._use is HeadUse.NEVER else current_head(self._heads, self._pack)
        return None if current is None else current[1]
