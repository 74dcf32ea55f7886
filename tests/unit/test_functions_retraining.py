"""A training job starts exactly when it is due, even if calls are lost or repeated."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from muster.recognition.policy import HeadUse
from muster.services.training.retraining import EventEffect, Retraining
from muster.storage.local import LocalStores, open_local


class Jobs:
    """Records submitted runs; the first `failures` submissions fail."""

    def __init__(self, failures: int = 0) -> None:
        self.submitted: list[str] = []
        self._failures = failures

    def submit(self, run_id: str) -> None:
        if self._failures:
            self._failures -= 1
            raise ConnectionError("no answer")
        self.submitted.append(run_id)


@pytest.fixture
def stores(tmp_path: Path) -> LocalStores:
    return open_local(tmp_path)


def test_a_job_that_could_not_be_started_is_started_by_the_next_try(stores: LocalStores) -> None:
    jobs = Jobs(failures=1)
    retraining = Retraining(stores.training, jobs)
    with pytest.raises(ConnectionError):
        retraining.templates_changed("a")
    assert (stores.training.state().running, stores.training.state().dirty) == (None, True)
    assert retraining.templates_changed("a") is EventEffect.STARTED
    assert jobs.submitted == ["a"]
    assert stores.training.state().dirty is False


def test_a_call_that_was_cut_off_before_it_submitted_is_taken_up_by_its_repetition(stores: LocalStores) -> None:
    jobs = Jobs()
    retraining = Retraining(stores.training, jobs)
    stores.training.request()
    assert stores.training.begin("a", datetime.now(UTC), 60)
    assert retraining.templates_changed("a") is EventEffect.STARTED
    assert (jobs.submitted, stores.training.state().dirty) == (["a"], False)


def test_a_hundred_changes_during_a_run_lead_to_one_more(stores: LocalStores) -> None:
    jobs = Jobs()
    retraining = Retraining(stores.training, jobs)
    assert retraining.templates_changed("a") is EventEffect.STARTED
    assert {retraining.templates_changed(f"b{number}") for number in range(100)} == {EventEffect.COALESCED}
    stores.training.finish("a", {"outcome": "kept"})
    assert retraining.run_ended("a", "c", "") is EventEffect.STARTED
    stores.training.finish("c", {"outcome": "kept"})
    assert retraining.run_ended("c", "d", "") is EventEffect.ENDED
    assert jobs.submitted == ["a", "c"]


def test_the_end_of_an_older_run_does_not_end_the_newer_one(stores: LocalStores) -> None:
    retraining = Retraining(stores.training, Jobs())
    retraining.templates_changed("a")
    stores.training.finish("a", {"outcome": "kept"})
    retraining.templates_changed("b")
    assert retraining.run_ended("a", "c", "late") is EventEffect.IGNORED
    assert stores.training.state().running == "b"


def test_no_job_is_started_where_no_head_is_used_and_the_change_is_kept(stores: LocalStores) -> None:
    jobs = Jobs()
    assert Retraining(stores.training, jobs, use=HeadUse.NEVER).templates_changed("a") is EventEffect.IGNORED
    assert (jobs.submitted, stores.training.state().dirty) == ([], True)
    assert Retraining(stores.training, jobs).templates_changed("b") is EventEffect.STARTED
