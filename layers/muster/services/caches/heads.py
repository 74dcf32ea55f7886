"""The head in use, loaded again when another is promoted."""

import logging
from threading import Lock

from muster.domain.errors import HeadDamaged, HeadNotFound, PackMismatch
from muster.domain.identifiers import PackId
from muster.recognition.head import Head
from muster.recognition.policy import HeadUse
from muster.services.caches.head_pointer import current_head
from muster.storage.ports import HeadStore

_log = logging.getLogger(__name__)


class CurrentHead:
    """Loads the promoted head, and loads again when another is promoted.

    A head that cannot be used is ignored, with an error in the log. Faces are then compared directly, and the result
    contains no head number.

    Args:
        use: `never` ignores every head.
    """

    def __init__(self, heads: HeadStore, pack: PackId, use: HeadUse = HeadUse.GATED) -> None:
        self._heads = heads
        self._pack = pack
        self._use = use
        self._loaded: tuple[tuple[PackId, int] | None, Head | None] = (None, None)
        self._lock = Lock()

    def get(self) -> tuple[int | None, Head | None]:
        """Return the current head and its number, or (None, None) if there is none."""
        if self._use is HeadUse.NEVER:
            return None, None
        current = current_head(self._heads, self._pack)
        with self._lock:
            if self._loaded[0] != current:
                self._loaded = (current, self._load(current))
            loaded, head = self._loaded
        return (loaded[1], head) if loaded is not None and head is not None else (None, None)

    def number(self) -> int | None:
        """Return the number of the current head, or None if there is none."""
        return self.get()[0]

    def _load(self, current: tuple[PackId, int] | None) -> Head | None:
        if current is None:
            return None
        try:
            return Head.load(self._heads.load(*current), self._pack)
        except (HeadDamaged, PackMismatch, HeadNotFound) as error:
            _log.error("head %s of pack %s is not used: %s", current[1], current[0], error)
            return None
