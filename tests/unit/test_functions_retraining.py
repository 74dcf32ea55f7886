"""A training job starts exactly when it is due, even if calls are lost or repeated."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from muster.recognition.policy import HeadUse
from muster.services.training.retraining import EndedJob, EventEffect, Retraining
from muster.services.training.run_ids import held_by_job
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


def succeeded(run_id: str, job_id: str = "job") -> EndedJob:
    return EndedJob(run_id=run_id, job_id=job_id, failed=False, reason="")


def failed(run_id: str, job_id: str = "job") -> EndedJob:
    return EndedJob(run_id=run_id, job_id=job_id, failed=True, reason="No machine came.")


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
    assert retraining.job_ended(succeeded("a"), "c") is EventEffect.STARTED
    stores.training.finish("c", {"outcome": "kept"})
    assert retraining.job_ended(succeeded("c"), "d") is EventEffect.ENDED
    assert jobs.submitted == ["a", "c"]


def test_the_end_of_an_older_run_does_not_end_the_newer_one(stores: LocalStores) -> None:
    retraining = Retraining(stores.training, Jobs())
    retraining.templates_changed("a")
    stores.training.finish("a", {"outcome": "kept"})
    retraining.templates_changed("b")
    assert retraining.job_ended(succeeded("a"), "c") is EventEffect.IGNORED
    assert stores.training.state().running == "b"


def test_no_job_is_started_where_no_head_is_used_and_the_change_is_kept(stores: LocalStores) -> None:
    jobs = Jobs()
    assert Retraining(stores.training, jobs, use=HeadUse.NEVER).templates_changed("a") is EventEffect.IGNORED
    assert (jobs.submitted, stores.training.state().dirty) == ([], True)
    assert Retraining(stores.training, jobs).templates_changed("b") is EventEffect.STARTED


class Fallback:
    """A system with a GPU queue and a queue of processors, and a run "a" that waits for a GPU."""

    def __init__(self, stores: LocalStores, failures: int = 0) -> None:
        self.training = stores.training
        self.gpu, self.processors = Jobs(), Jobs(failures)
        self.retraining = Retraining(stores.training, self.gpu, fallback=self.processors)
        assert self.retraining.templates_changed("a") is EventEffect.STARTED

    def job_starts(self, run_id: str, job_id: str) -> bool:
        """Return whether a job that gets a machine may train."""
        return self.training.hand_over(run_id, held_by_job(run_id, job_id), datetime.now(UTC))

    @property
    def running(self) -> str | None:
        return self.training.state().running


@pytest.fixture
def fallback(stores: LocalStores) -> Fallback:
    return Fallback(stores)


def test_a_run_that_gets_no_gpu_goes_on_on_processors(fallback: Fallback) -> None:
    assert fallback.retraining.job_ended(failed("a", "g"), "e") is EventEffect.MOVED
    assert (fallback.gpu.submitted, fallback.processors.submitted) == (["a"], ["a-processors"])
    assert fallback.job_starts("a-processors", "p")
    fallback.training.finish("a-processors/p", {"outcome": "promoted"})
    assert fallback.retraining.job_ended(succeeded("a-processors", "p"), "f") is EventEffect.ENDED
    state = fallback.training.state()
    assert (state.running, state.dirty, state.last_outcome) == (None, False, {"outcome": "promoted"})


def test_a_run_that_loses_its_gpu_goes_on_on_processors_and_one_that_fails_there_ends(fallback: Fallback) -> None:
    assert fallback.job_starts("a", "g")
    assert fallback.retraining.job_ended(failed("a", "g"), "e") is EventEffect.MOVED
    assert fallback.job_starts("a-processors", "p")
    assert fallback.retraining.job_ended(failed("a-processors", "p"), "f") is EventEffect.ENDED
    state = fallback.training.state()
    assert (state.running, state.dirty) == (None, True)
    assert state.last_outcome == {"outcome": "failed", "reason": "No machine came."}
    assert (fallback.gpu.submitted, fallback.processors.submitted) == (["a"], ["a-processors"])


def test_a_gpu_that_comes_after_the_run_moved_trains_nothing(fallback: Fallback) -> None:
    fallback.retraining.job_ended(failed("a", "g1"), "e")
    assert not fallback.job_starts("a", "g2")
    assert fallback.retraining.job_ended(succeeded("a", "g2"), "f") is EventEffect.IGNORED
    assert fallback.running == "a-processors"


def test_a_run_moves_once_however_often_its_end_is_reported(fallback: Fallback) -> None:
    fallback.retraining.job_ended(failed("a", "g"), "e")
    assert fallback.job_starts("a-processors", "p")
    for event in ("e", "late"):
        assert fallback.retraining.job_ended(failed("a", "g"), event) is EventEffect.IGNORED
    fallback.training.finish("a-processors/p", {"outcome": "kept"})
    assert fallback.retraining.job_ended(failed("a", "g"), "e") is EventEffect.ENDED
    assert fallback.processors.submitted == ["a-processors"]


def test_a_move_that_was_cut_off_before_it_submitted_is_completed_by_its_repetition(fallback: Fallback) -> None:
    fallback.training.hand_over("a", "a-processors", datetime.now(UTC))
    assert fallback.retraining.job_ended(failed("a", "g"), "e") is EventEffect.MOVED
    assert fallback.processors.submitted == ["a-processors"]


def test_of_two_jobs_that_were_submitted_for_one_run_one_trains(fallback: Fallback) -> None:
    assert fallback.job_starts("a", "g1")
    assert not fallback.job_starts("a", "g2")
    assert fallback.job_starts("a", "g1"), "another attempt of the same job"
    assert fallback.retraining.job_ended(succeeded("a", "g2"), "e") is EventEffect.IGNORED
    assert fallback.retraining.job_ended(failed("a", "g2"), "f") is EventEffect.IGNORED
    assert fallback.running == "a/g1"


def test_a_move_that_could_not_be_submitted_leaves_its_changes_to_the_next_run(stores: LocalStores) -> None:
    fallback = Fallback(stores, failures=1)
    with pytest.raises(ConnectionError):
        fallback.retraining.job_ended(failed("a"), "e")
    assert (fallback.running, stores.training.state().dirty) == (None, True)
    assert fallback.retraining.job_ended(failed("a"), "e") is EventEffect.STARTED
    assert fallback.gpu.submitted == ["a", "e"]


def test_changes_during_a_run_that_moves_lead_to_one_more_on_a_gpu(fallback: Fallback) -> None:
    assert fallback.retraining.templates_changed("b") is EventEffect.COALESCED
    fallback.retraining.job_ended(failed("a"), "e")
    assert fallback.retraining.templates_changed("c") is EventEffect.COALESCED
    fallback.job_starts("a-processors", "p")
    assert fallback.training.finish("a-processors/p", {"outcome": "kept"})
    assert fallback.retraining.job_ended(succeeded("a-processors", "p"), "f") is EventEffect.STARTED
    assert (fallback.gpu.submitted, fallback.processors.submitted) == (["a", "f"], ["a-processors"])


def test_a_change_that_is_reported_again_while_its_run_is_trained_starts_no_other(fallback: Fallback) -> None:
    for held in ("a/g", "a-processors", "a-processors/p"):
        assert fallback.training.hand_over(str(fallback.running), held, datetime.now(UTC))
        assert fallback.retraining.templates_changed("a") is EventEffect.STARTED
    assert (fallback.gpu.submitted, fallback.training.state().dirty) == (["a"], False)


def test_a_run_does_not_move_once_no_head_is_used(fallback: Fallback, stores: LocalStores) -> None:
    off = Retraining(stores.training, fallback.gpu, use=HeadUse.NEVER, fallback=fallback.processors)
    assert off.job_ended(failed("a"), "e") is EventEffect.ENDED
    assert (fallback.running, stores.training.state().dirty) == (None, True)
    assert fallback.processors.submitted == []
