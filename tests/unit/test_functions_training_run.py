"""A training run leaves consistent data when students or heads change while it trains."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from muster.domain.identifiers import GroupId, PackId, StudentId
from muster.domain.student import Consent, Student, Template
from muster.progress import OnProgress
from muster.recognition.policy import HeadUse
from muster.services.caches.head_pointer import HeadPointer
from muster.services.caches.heads import CurrentHead
from muster.services.roster.groups import Groups
from muster.services.roster.students import Roster
from muster.services.training.queue import TrainingQueue
from muster.services.training.run import Abandoned, TrainerResult, TrainingRun
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


def run(stores: LocalStores, during: Callable[[], object]) -> dict[str, object]:
    """Train, with something happening before the head is ready."""

    def train(templates: list[Template], current: bytes | None, full: bool, progress: OnProgress) -> TrainerResult:
        during()
        return TrainerResult(b"head", promote=True, report={"students": len(templates)})

    return TrainingRun(
        pack=PACK, source=stores.students, heads=stores.heads, training=stores.training, trainer=train
    ).train(False, lambda *_: None)


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
    roster = Roster(
        students=stores.students,
        heads=stores.heads,
        groups=groups,
        idempotency=stores.idempotency,
        uploads=None,
        request_training=stores.training.request,
    )
    assert run(stores, lambda: roster.erase(StudentId("s2")))["outcome"] == "abandoned"
    assert (stores.heads.current(PACK), stores.heads.versions(PACK)) == (None, [])
    assert stores.training.state().dirty is True


def test_a_run_that_is_told_to_stop_stores_nothing_and_is_asked_for_again(stores: LocalStores) -> None:
    def stop() -> None:
        raise Abandoned

    assert run(stores, stop)["outcome"] == "abandoned"
    assert (stores.heads.versions(PACK), stores.training.state().dirty) == ([], True)


@pytest.mark.parametrize(
    ("use", "outcome", "current"), [(HeadUse.GATED, "kept", None), (HeadUse.ALWAYS, "promoted", 1)]
)
def test_a_head_that_fails_the_gate_is_promoted_only_where_every_head_is_used(
    stores: LocalStores, use: HeadUse, outcome: str, current: int | None
) -> None:
    def train(templates: list[Template], current: bytes | None, full: bool, progress: OnProgress) -> TrainerResult:
        return TrainerResult(b"head", promote=False, report={})

    run = TrainingRun(
        pack=PACK, source=stores.students, heads=stores.heads, training=stores.training, trainer=train, use=use
    )
    assert run.train(False, lambda *_: None)["outcome"] == outcome
    assert stores.heads.current(PACK) == current


def test_where_no_head_is_used_none_is_trained_or_loaded_and_requests_wait(stores: LocalStores) -> None:
    run(stores, lambda: None)

    def train(templates: list[Template], current: bytes | None, full: bool, progress: OnProgress) -> TrainerResult:
        raise AssertionError("trained")

    queue = TrainingQueue(
        pack=PACK,
        students=stores.students,
        heads=stores.heads,
        training=stores.training,
        trainer=train,
        use=HeadUse.NEVER,
    )
    queue.request()
    report = queue.run_once()
    assert (report["outcome"], "MUSTER_HEAD" in str(report["reason"])) == ("skipped", True)
    assert stores.training.state().dirty is True
    assert CurrentHead(stores.heads, PACK, HeadUse.NEVER).get() == (None, None)
    assert [HeadPointer(stores.heads, PACK, use).number() for use in (HeadUse.NEVER, HeadUse.GATED)] == [None, 1]
