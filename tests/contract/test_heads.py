"""The contract of every store of heads."""

import pytest

from muster.domain.errors import HeadConflict, HeadNotFound
from muster.domain.identifiers import PackId
from tests.contract.examples import PACK
from tests.contract.places import Place, Stores

OTHER = PackId("cloud")


def test_heads_are_numbered_from_one_for_each_pack(stores: Stores) -> None:
    assert stores.heads.versions(PACK) == []
    assert [stores.heads.save(PACK, b"h", {}) for _ in range(3)] == [1, 2, 3]
    assert stores.heads.save(OTHER, b"h", {}) == 1


def test_a_head_comes_back_as_stored(stores: Stores) -> None:
    metrics = {"rank_1": 0.97, "classes": 12, "note": "größer als die alte", "curve": [1, 2.5, None], "gate": True}
    version = stores.heads.save(PACK, b"\x00head", metrics)
    assert stores.heads.load(PACK, version) == b"\x00head"
    (stored,) = stores.heads.versions(PACK)
    assert (stored.version, stored.pack, stored.current) == (1, PACK, False)
    assert dict(stored.metrics) == metrics
    assert stored.stored_at.utcoffset() is not None


def test_a_saved_head_is_not_current_until_promoted(place: Place, stores: Stores) -> None:
    version = stores.heads.save(PACK, b"h", {})
    assert stores.heads.current(PACK) is None
    stores.heads.promote(PACK, version, expected=None)
    assert stores.heads.current(PACK) == version
    assert place.open().heads.current(PACK) == version
    assert stores.heads.current(OTHER) is None
    assert [head.current for head in stores.heads.versions(PACK)] == [True]


def test_promotion_fails_where_another_head_became_current(stores: Stores) -> None:
    for _ in range(2):
        stores.heads.save(PACK, b"h", {})
    stores.heads.promote(PACK, 1, expected=None)
    for expected in (None, 2):
        with pytest.raises(HeadConflict):
            stores.heads.promote(PACK, 2, expected=expected)
    assert stores.heads.current(PACK) == 1
    stores.heads.promote(PACK, 2, expected=1)
    stores.heads.promote(PACK, 1, expected=2)
    assert stores.heads.current(PACK) == 1


def test_no_head_can_be_made_current(stores: Stores) -> None:
    stores.heads.promote(PACK, None, expected=None)
    stores.heads.save(PACK, b"h", {})
    stores.heads.promote(PACK, 1, expected=None)
    with pytest.raises(HeadConflict):
        stores.heads.promote(PACK, None, expected=None)
    stores.heads.promote(PACK, None, expected=1)
    assert stores.heads.current(PACK) is None
    assert stores.heads.load(PACK, 1) == b"h"


def test_a_head_that_does_not_exist_is_not_found(stores: Stores) -> None:
    stores.heads.save(PACK, b"h", {})
    with pytest.raises(HeadNotFound):
        stores.heads.load(PACK, 2)
    with pytest.raises(HeadNotFound):
        stores.heads.load(OTHER, 1)
    with pytest.raises(HeadNotFound):
        stores.heads.promote(PACK, 2, expected=None)
    with pytest.raises(HeadNotFound):
        stores.heads.promote(OTHER, 1, expected=None)
    assert stores.heads.current(PACK) is None


def test_pruning_keeps_the_newest_and_the_current(stores: Stores) -> None:
    for number in range(1, 7):
        stores.heads.save(PACK, b"%d" % number, {})
    stores.heads.save(OTHER, b"h", {})
    stores.heads.promote(PACK, 2, expected=None)
    stores.heads.prune(PACK, keep=2)
    assert [head.version for head in stores.heads.versions(PACK)] == [2, 5, 6]
    assert stores.heads.load(PACK, 2) == b"2"
    with pytest.raises(HeadNotFound):
        stores.heads.load(PACK, 4)
    stores.heads.prune(PACK, keep=0)
    assert [head.version for head in stores.heads.versions(PACK)] == [2]
    assert [head.version for head in stores.heads.versions(OTHER)] == [1]


def test_a_number_is_never_given_twice(stores: Stores) -> None:
    for _ in range(3):
        stores.heads.save(PACK, b"h", {})
    stores.heads.prune(PACK, keep=0)
    assert stores.heads.save(PACK, b"h", {}) == 4
    stores.heads.delete_all()
    assert stores.heads.save(PACK, b"h", {}) == 5


def test_deleting_all_heads_leaves_none_current(stores: Stores) -> None:
    for pack in (PACK, OTHER):
        stores.heads.save(pack, b"h", {})
        stores.heads.promote(pack, 1, expected=None)
    stores.heads.delete_all()
    for pack in (PACK, OTHER):
        assert stores.heads.current(pack) is None
        assert stores.heads.versions(pack) == []
        with pytest.raises(HeadNotFound):
            stores.heads.load(pack, 1)
    stores.heads.delete_all()


def test_a_run_that_read_a_deleted_head_cannot_promote(stores: Stores) -> None:
    stores.heads.save(PACK, b"h", {})
    stores.heads.promote(PACK, 1, expected=None)
    stores.heads.save(PACK, b"h", {})
    stores.heads.delete_all()
    with pytest.raises(HeadNotFound):
        stores.heads.promote(PACK, 2, expected=1)
    version = stores.heads.save(PACK, b"h", {})
    with pytest.raises(HeadConflict):
        stores.heads.promote(PACK, version, expected=1)
