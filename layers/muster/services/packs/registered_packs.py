"""The model pack that a store's students were registered with."""

from collections.abc import Callable, Collection

from muster.domain.errors import PackMismatch
from muster.domain.identifiers import PackId
from muster.domain.packs import comparable


def check_packs(found: Collection[PackId], pack: PackId, names: Callable[[PackId], str]) -> None:
    """Refuse to open a store whose students were registered with a pack that cannot be compared with the one in use.

    Args:
        found: packs of the templates in use.
        names: returns the name of a pack; an old version has none, and its id is returned.

    Raises:
        PackMismatch: there is such a pack.
    """
    others = sorted(each for each in set(found) if not comparable(each, pack))
    if others:
        old = others[0]
        go_on = f"go on with MUSTER_PACK={names(old)}, or take" if names(old) != old else "take"
        raise PackMismatch(
            f"The students of this store are registered with the model pack {old!r}, which cannot be compared with "
            f"{pack!r}: {go_on} them over with `muster packs migrate {names(pack)}`."
        )
