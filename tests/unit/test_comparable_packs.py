"""Packs of one embedding space are used together; any other pack is refused as before."""

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from muster.composition.settings import DEFAULT_PACK, LocalSettings
from muster.domain.errors import PackMismatch
from muster.domain.identifiers import PackId, StudentId
from muster.domain.packs import comparable, comparable_packs, embedding_space
from muster.domain.student import Template
from muster.packs.manifest import name_of, shipped_names, shipped_spec
from muster.recognition.gallery import Gallery
from muster.recognition.head import Head
from muster.services.caches.head_pointer import HeadPointer, current_head
from muster.services.caches.heads import CurrentHead
from muster.services.packs.registered_packs import check_packs
from muster.services.training.queue import TrainingQueue
from muster.services.training.run import TrainerResult, TrainingRun
from muster.storage.local import open_local

EXACT, INT8, FLOAT16 = PackId("embedded-2"), PackId("embedded-2.int8"), PackId("embedded-2.float16")
OTHERS = [
    PackId(pack)
    for pack in (
        "embedded-1",
        "embedded-1.int8",
        "embedded-3.int8",
        "embedded-2.int4",
        # A revision exists because embeddings changed.
        "embedded-2.int8.2",
        "embedded-22",
        "embedded-facenet-1",
        "cloud-2",
        "xembedded-2",
        "embedded-2 ",
        "embedded-2.int8\n",
        "",
    )
]


def test_variants_of_a_pack_share_a_space_and_another_number_is_another_space() -> None:
    assert {embedding_space(pack) for pack in (EXACT, INT8, FLOAT16)} == {EXACT}
    assert comparable_packs(INT8) == (INT8, EXACT, FLOAT16)
    assert comparable_packs(EXACT)[0] == EXACT
    for pack in OTHERS:
        assert comparable(pack, pack)
        assert pack in comparable_packs(pack)
        assert not any(comparable(pack, known) or comparable(known, pack) for known in (EXACT, INT8, FLOAT16))


def test_only_packs_that_were_measured_together_mix() -> None:
    """A new variant mixes only after `benchmarks/recognition/mixed_packs.py` has shown that nothing is lost."""
    ids = {name: shipped_spec(name).id for name in shipped_names()}
    mixing = {frozenset(pair) for pair in combinations(ids, 2) if comparable(ids[pair[0]], ids[pair[1]])}
    measured = ("embedded", "embedded-float16", "embedded-int8")
    assert mixing == {frozenset(pair) for pair in combinations(measured, 2)}


def test_a_pack_has_the_networks_of_the_packs_that_it_mixes_with() -> None:
    for name in ("embedded-int8", "embedded-float16"):
        spec, exact = shipped_spec(name), shipped_spec("embedded")
        assert spec.sizes == exact.sizes
        assert [each.kind for each in spec.embedders] == [each.kind for each in exact.embedders]


@pytest.mark.parametrize("running", [EXACT, INT8])
def test_a_store_of_packs_that_mix_opens_with_either(running: PackId) -> None:
    check_packs([EXACT, INT8], running, name_of)
    with pytest.raises(PackMismatch, match="'cloud-2'"):
        check_packs([EXACT, INT8, PackId("cloud-2")], running, name_of)


def test_a_mixed_store_uses_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MUSTER_PACK", raising=False)
    assert LocalSettings().with_pack_of([EXACT, INT8]).pack == DEFAULT_PACK == name_of(INT8)
    assert LocalSettings().with_pack_of([EXACT, FLOAT16]).pack == DEFAULT_PACK
    assert LocalSettings(pack="embedded").with_pack_of([EXACT, INT8]).pack == "embedded"


def a_template(number: int, pack: PackId, width: int = 704) -> Template:
    rows = np.random.default_rng(number).normal(size=(4, width)).astype(np.float32)
    return Template(StudentId(f"s{number}"), pack, rows / np.linalg.norm(rows, axis=1, keepdims=True), f"{number:064x}")


def a_head(pack: PackId) -> Head:
    random = np.random.default_rng(1)
    weight = random.normal(size=(64, 704)).astype(np.float32)
    return Head(pack, weight, np.zeros(64, np.float32), 0.0, 1.0, 0.5)


def test_a_gallery_and_a_head_may_come_from_packs_that_mix() -> None:
    gallery = Gallery.from_templates([a_template(1, EXACT), a_template(2, INT8)], INT8)
    head = Head.load(a_head(EXACT).to_bytes(), INT8)
    assert head.pack == EXACT
    assert head.prototypes(gallery).shape == (2, 64)
    with pytest.raises(PackMismatch):
        Head.load(a_head(EXACT).to_bytes(), PackId("embedded-3.int8"))
    with pytest.raises(PackMismatch):
        head.prototypes(replace(gallery, pack=PackId("cloud-2")))


def test_the_head_of_the_former_pack_is_used_until_one_is_trained(tmp_path: Path) -> None:
    stores = open_local(tmp_path)
    use = CurrentHead(stores.heads, INT8)
    assert use.get() == (None, None)
    for number in (1, 2):
        assert stores.heads.save(EXACT, a_head(EXACT).to_bytes(), {}) == number
    stores.heads.promote(EXACT, 2, expected=None)
    assert current_head(stores.heads, INT8) == (EXACT, 2)
    used, head = use.get()
    assert (used, head and head.pack) == (2, EXACT)
    assert HeadPointer(stores.heads, INT8).number() == 2
    assert HeadPointer(stores.heads, PackId("cloud-2")).number() is None

    # The same number from the pack itself is another head.
    for number in (1, 2):
        assert stores.heads.save(INT8, a_head(INT8).to_bytes(), {}) == number
    stores.heads.promote(INT8, 2, expected=None)
    used, head = use.get()
    assert (used, head and head.pack) == (2, INT8)
    assert current_head(stores.heads, EXACT) == (EXACT, 2)
    stores.heads.delete_all()
    assert use.get() == (None, None)


def test_training_goes_on_from_the_former_packs_head_and_withdrawal_leaves_none(tmp_path: Path) -> None:
    stores = open_local(tmp_path)
    stores.heads.save(EXACT, b"former", {})
    stores.heads.promote(EXACT, 1, expected=None)
    seen: list[bytes | None] = []

    def train(templates: list[Template], current: bytes | None, full: bool, progress: Callable) -> TrainerResult:  # type: ignore[type-arg]
        seen.append(current)
        return TrainerResult(b"new", promote=True, report={})

    run = TrainingRun(pack=INT8, source=stores.students, heads=stores.heads, training=stores.training, trainer=train)
    for _ in range(2):
        assert run.train(False, lambda *_: None)["outcome"] == "promoted"
    assert seen == [b"former", b"new"]
    assert current_head(stores.heads, INT8) == (INT8, 2)

    queue = TrainingQueue(
        pack=INT8, students=stores.students, heads=stores.heads, training=stores.training, trainer=None
    )
    queue.withdraw()
    assert current_head(stores.heads, INT8) is current_head(stores.heads, EXACT) is None
    queue.rollback(1)
    assert current_head(stores.heads, INT8) == (INT8, 1)


def test_an_earlier_head_of_the_former_pack_can_be_used_again(tmp_path: Path) -> None:
    stores = open_local(tmp_path)
    for number in (1, 2):
        stores.heads.save(EXACT, b"head", {})
        stores.heads.promote(EXACT, number, expected=stores.heads.current(EXACT))
    queue = TrainingQueue(
        pack=INT8, students=stores.students, heads=stores.heads, training=stores.training, trainer=None
    )
    assert [head.version for head in queue.versions()] == [1, 2]
    queue.rollback(1)
    assert current_head(stores.heads, INT8) == (EXACT, 1)
    queue.withdraw()
    assert current_head(stores.heads, INT8) is None
    queue.rollback(2)
    assert current_head(stores.heads, INT8) == (EXACT, 2)


def test_training_learns_from_the_templates_of_every_pack_that_mixes() -> None:
    from muster.composition.training import population_of
    from muster.packs.load import load_statistics
    from muster.training.retrain import retrain
    from muster.training.settings import TrainingSettings

    spec = shipped_spec("embedded-int8")
    population = population_of(load_statistics(spec, Path("none")))
    templates = [a_template(1, EXACT), a_template(2, INT8), a_template(3, PackId("cloud-2"), 512)]
    settings = TrainingSettings(steps=2, incremental_steps=2)
    first = retrain(templates, None, INT8, population, settings=settings)
    assert first.head is not None
    assert set(Head.load(first.head, EXACT).students) == {"s1", "s2"}
    # Nobody is new to the head because the pack in use changed.
    assert retrain(templates, first.head, EXACT, population, settings=settings).report["mode"] == "skipped"
