"""The number of the head in use, for processes that load no head."""

from muster.domain.identifiers import PackId
from muster.recognition.policy import HeadUse
from muster.storage.ports import HeadStore


class HeadPointer:
    """Returns the number of the head in use without loading it, for processes without recognition."""

    def __init__(self, heads: HeadStore, pack: PackId, use: HeadUse = HeadUse.GATED) -> None:
        self._heads = heads
        self._pack = pack
        self._use = use

    def number(self) -> int | None:
        """Return the number of the head in use, or None if there is none."""
        return None if self._use is HeadUse.NEVER else self._heads.current(self._pack)
