"""Templates of another model pack on AWS: functions of both packs read them, before the switch and after it."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest

from muster.domain.identifiers import PackId
from muster.storage.aws.training_objects import TrainingCopyReader
from tests.contract.examples import PACK, a_template, assert_same_template, learn, register
from tests.contract.places import AwsPlace
from tests.contract.test_aws import Killed, Wire, everything
from tests.contract.test_staging import NEW, A, B, a_new_template, gallery, packs_in_use, stage

pytestmark = pytest.mark.aws


def test_the_previous_pack_finds_everyone_after_the_switch(aws: AwsPlace) -> None:
    stores = aws.open()
    register(stores, "a", "b")
    learn(stores, "a", "face")
    stage(stores, "a", "b")
    stores.staging.switch(NEW, [])
    found = gallery(stores, PACK, 512)
    assert (found.student_ids, found.embeddings.shape) == ((A, B), (8, 512))


def test_students_can_move_back(aws: AwsPlace) -> None:
    stores = aws.open()
    register(stores, "a")
    stage(stores, "a")
    stores.staging.switch(NEW, [])
    assert stores.staging.staged(PACK) == {A: a_template("a").photo_digest}
    assert stores.staging.switch(PACK, []) == 1
    (template,) = stores.students.templates()
    assert_same_template(template, a_template("a"))
    assert learn(stores, "a", "face")
    assert stores.staging.staged(NEW) == {A: a_template("a").photo_digest}


def test_a_killed_switch_or_staging_leaves_both_packs_working_and_nothing_behind(aws: AwsPlace) -> None:
    wire = Wire(aws)
    register(wire.stores, "a", "b")
    until_it_ends(aws, wire, lambda: stage(wire.stores, "a", "b"), {PACK: 512})
    until_it_ends(aws, wire, lambda: wire.stores.staging.switch(NEW, []), {PACK: 512, NEW: 192})
    until_it_ends(aws, wire, lambda: wire.stores.staging.switch(PACK, []), {PACK: 512, NEW: 192})
    wire.stores.sweep(timedelta(0))
    copies = TrainingCopyReader(aws.clients()[1], aws.models, PACK)
    assert [template.student_id for template in copies.templates()] == [A, B]
    assert copies.other_packs() == []
    until_it_ends(aws, wire, wire.stores.staging.delete, {PACK: 512})
    wire.stores.sweep(timedelta(0))
    items, objects = everything(aws)
    assert len([name for name in objects if name.startswith("templates/")]) == 2
    assert NEW not in items


def test_a_throttled_table_loses_nothing(aws: AwsPlace) -> None:
    wire = Wire(aws)
    register(wire.stores, "a", "b")
    wire.overloaded_every = 3
    stage(wire.stores, "a", "b")
    assert wire.stores.staging.switch(NEW, []) == 2
    wire.overloaded_every = None
    assert packs_in_use(wire.stores) == {"a": NEW, "b": NEW}


def test_a_head_can_be_trained_for_the_new_pack_before_the_switch(aws: AwsPlace) -> None:
    stores = aws.open()
    register(stores, "a", "b")
    stage(stores, "a")
    copies = TrainingCopyReader(aws.clients()[1], aws.models, PACK)
    assert copies.other_packs() == [NEW]
    assert [template.student_id for template in copies.templates()] == [A, B]
    (copy,) = TrainingCopyReader(aws.clients()[1], aws.models, NEW).templates()
    assert_same_template(copy, a_new_template("a"))


def until_it_ends(aws: AwsPlace, wire: Wire, work: Callable[[], object], packs: dict[PackId, int]) -> None:
    """Kill the work before its first call, its second, and so on, and look at the store each time."""
    for call in count():
        try:
            with wire.killed_at(call):
                work()
            return
        except Killed:
            for pack, width in packs.items():
                assert gallery(aws.open(), pack, width).student_ids == (A, B)
