"""Statistics of a school's own students in both stores: stored with the heads, read at the start, gone on erasure."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from muster.domain.errors import InvalidRequest
from muster.domain.identifiers import PackId
from muster.domain.student import Template
from muster.packs.load import ModelPack, load_statistics
from muster.packs.manifest import PackManifest, StatisticsSource, shipped_spec
from muster.services.packs.school_statistics import measure_school, stored_statistics, with_school_statistics
from tests.contract.examples import a_template
from tests.contract.places import Stores

SPEC = shipped_spec("cloud")


class Source:
    """Students whose templates are read in turn; the last list is read from then on."""

    def __init__(self, *reads: Sequence[Template]) -> None:
        self._reads = list(reads)

    def templates(self) -> list[Template]:
        return list(self._reads.pop(0) if len(self._reads) > 1 else self._reads[0])


@pytest.fixture(scope="module")
def students() -> list[Template]:
    return [a_template(f"s{number}", views=1, pack=SPEC.id) for number in range(60)]


def built_pack(own: StatisticsSource | None = None) -> ModelPack:
    nowhere: Any = Path("nowhere")
    settings = {name: getattr(SPEC, name) for name in type(SPEC).model_fields}
    manifest = PackManifest(**settings, files=(), own_statistics=own)
    return ModelPack(SPEC.id, nowhere, nowhere, (nowhere,), nowhere, manifest, load_statistics(SPEC, nowhere))


def test_measured_statistics_are_used_from_the_next_start(stores: Stores, students: list[Template]) -> None:
    assert with_school_statistics(built_pack(), stores.heads).statistics.networks[0].mean.sum() == 0
    result = measure_school(SPEC, Source(students), stores.heads)
    assert (result.used, result.students, result.reason) == (True, 60, None)
    network = with_school_statistics(built_pack(), stores.heads).statistics.networks[0]
    assert network.mean.shape == (512,)
    assert np.abs(network.mean).sum() > 0
    # They are no head of the pack.
    assert stores.heads.current(SPEC.id) is None
    assert stores.heads.versions(SPEC.id) == []


def test_an_erasure_deletes_them_and_the_packs_own_are_used(stores: Stores, students: list[Template]) -> None:
    measure_school(SPEC, Source(students), stores.heads)
    stores.heads.delete_all()
    assert stored_statistics(SPEC, stores.heads) is None


def test_a_student_erased_during_the_measurement_is_in_no_statistics(stores: Stores, students: list[Template]) -> None:
    before = measure_school(SPEC, Source(students), stores.heads)
    assert before.used
    kept = stored_statistics(SPEC, stores.heads)
    result = measure_school(SPEC, Source(students, students[1:]), stores.heads)
    assert not result.used
    now = stored_statistics(SPEC, stores.heads)
    assert now is not None
    assert kept is not None
    assert (now.networks[0].mean == kept.networks[0].mean).all()


def test_too_few_students_change_nothing(stores: Stores, students: list[Template]) -> None:
    other = [replace(template, pack=PackId("embedded-2")) for template in students]
    result = measure_school(SPEC, Source([*students[:49], *other]), stores.heads)
    assert (result.used, result.students) == (False, 49)
    assert stored_statistics(SPEC, stores.heads) is None


def test_statistics_that_cannot_be_read_are_ignored(stores: Stores) -> None:
    name = PackId(f"{SPEC.id}.statistics")
    stores.heads.promote(name, stores.heads.save(name, b"damaged", {}), expected=None)
    assert stored_statistics(SPEC, stores.heads) is None


def test_measured_statistics_of_many_people_are_never_replaced(stores: Stores, students: list[Template]) -> None:
    with pytest.raises(InvalidRequest, match="statistics of many people"):
        measure_school(shipped_spec("embedded"), Source(students), stores.heads)
    measure_school(SPEC, Source(students), stores.heads)
    own = StatisticsSource(file="statistics.npz", source="pictures", licence="MIT")
    assert with_school_statistics(built_pack(own), stores.heads).statistics.networks[0].mean.sum() == 0
