"""What a training run leaves behind when the world changes while it trains."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from muster.domain.identifiers import GroupId, PackId, StudentId
from muster.domain.student import Consent, Student, Template
from muster.services.groups import Groups
from muster.services.roster import Roster
from muster.services.training_run import Abandoned, Progress, TrainerResult, TrainingRun
from muster.storage.local import LocalStores, open_local

PACK = PackId("embedded-1")


@pytest.fixture
def stores(tmp_path: Path) -> LocalStores:
    stores = open_local(tmp_path)
    for number in (1, 2, 3):
        views = np.eye(8, 512, k=8 * number, dtype=np.float32)
        now = datetime.now(UTC)
        student = StudentId(f"s{number}")
        record = Student(student, "Nobody", frozenset([GroupId("7b")]), Consent(now, "2026-1"), now)
        stores.students.add(record, Template(student, PACK, views, f"{number:064x}"), b"photo")
    return stores


def run(stores: LocalStores, meanwhile: Callable[[], object]) -> dict[str, object]:
    """Train, with something happening before the head is ready."""

    def train(templates: list[Template], current: bytes | None, full: bool, progress: Progress) -> TrainerResult:
        meanwhile()
        return TrainerResult(b"head", promote=True, report={"students": len(templates)})

    return TrainingRun(PACK, stores.students, stores.heads, stores.training, train).train(False, lambda *_: None)


def test_a_run_promotes_its_head(stores: LocalStores) -> None:
    assert run(stores, lambda: None) == {"outcome": "promoted", "students": 3, "version": 1}
    assert stores.heads.current(PACK) == 1


def test_a_run_that_finishes_after_a_newer_one_leaves_the_newer_head_current(stores: LocalStores) -> None:
    report = run(stores, lambda: run(stores, lambda: None))
    assert report["outcome"] == "kept"
    assert stores.heads.current(PACK) == 1
    assert [head.version for head in stores.heads.versions(PACK)] == [1, 2]
    assert stores.training.state().dirty is True


def test_a_student_erased_during_a_run_is_in_no_head_afterwards(stores: LocalStores) -> None:
    groups = Groups(stores.groups, stores.students, stores.sessions)
    roster = Roster(stores.students, stores.heads, groups, stores.answers, None, stores.training.request)
    assert run(stores, lambda: roster.erase(StudentId("s2")))["outcome"] == "abandoned"
    assert (stores.heads.current(PACK), stores.heads.versions(PACK)) == (None, [])
    assert stores.training.state().dirty is True


def test_a_run_that_is_told_to_stop_stores_nothing_and_is_asked_for_again(stores: LocalStores) -> None:
    def stop() -> None:
        raise Abandoned

    assert run(stores, stop)["outcome"] == "abandoned"
    assert (stores.heads.versions(PACK), stores.training.state().dirty) == ([], True)
