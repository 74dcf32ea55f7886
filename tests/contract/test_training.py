"""The contract of every store of the training state."""

from datetime import timedelta

from muster.storage.ports import TrainingState
from tests.contract.examples import NOW
from tests.contract.places import Place, Stores

STALE = 120.0


def after(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def test_nothing_runs_at_first(stores: Stores) -> None:
    assert stores.training.state() == TrainingState(None, None, None, dirty=False, last_outcome=None)


def test_a_request_is_kept_until_a_run_begins(place: Place, stores: Stores) -> None:
    stores.training.request()
    stores.training.request()
    assert place.open().training.state().dirty
    assert stores.training.begin("r1", NOW, STALE)
    assert stores.training.state() == TrainingState("r1", NOW, NOW, dirty=False, last_outcome=None)


def test_one_run_at_a_time(stores: Stores) -> None:
    assert stores.training.begin("r1", NOW, STALE)
    stores.training.request()
    assert not stores.training.begin("r2", NOW + after(119), STALE)
    state = stores.training.state()
    assert (state.running, state.dirty) == ("r1", True)


def test_a_request_during_a_run_makes_another_due(stores: Stores) -> None:
    stores.training.begin("r1", NOW, STALE)
    stores.training.request()
    assert stores.training.finish("r1", {"outcome": "promoted", "version": 3})
    state = stores.training.state()
    assert state == TrainingState(None, None, None, dirty=True, last_outcome={"outcome": "promoted", "version": 3})
    assert stores.training.begin("r2", NOW, STALE)
    assert not stores.training.finish("r2", {})


def test_a_heartbeat_keeps_a_run_from_going_stale(stores: Stores) -> None:
    stores.training.begin("r1", NOW, STALE)
    assert stores.training.heartbeat("r1", NOW + after(100))
    assert not stores.training.begin("r2", NOW + after(219), STALE)
    assert stores.training.state().heartbeat_at == NOW + after(100)
    assert stores.training.state().started_at == NOW


def test_a_silent_run_is_taken_over_and_told_to_stop(stores: Stores) -> None:
    stores.training.begin("r1", NOW, STALE)
    assert stores.training.begin("r2", NOW + after(121), STALE)
    assert not stores.training.heartbeat("r1", NOW + after(122))
    stores.training.request()
    assert stores.training.finish("r1", {"outcome": "late"})
    state = stores.training.state()
    assert (state.running, state.dirty, state.last_outcome) == ("r2", True, None)
    assert stores.training.heartbeat("r2", NOW + after(123))


def test_a_run_that_begins_again_goes_on_and_loses_no_request(stores: Stores) -> None:
    stores.training.begin("r1", NOW, STALE)
    stores.training.request()
    assert stores.training.begin("r1", NOW + after(5), STALE)
    assert stores.training.state() == TrainingState("r1", NOW, NOW + after(5), dirty=True, last_outcome=None)


def test_a_finished_run_is_no_longer_alive(stores: Stores) -> None:
    stores.training.begin("r1", NOW, STALE)
    stores.training.finish("r1", {"outcome": "kept", "loss": 0.25, "by": ["a", None]})
    assert not stores.training.heartbeat("r1", NOW)
    assert stores.training.state().last_outcome == {"outcome": "kept", "loss": 0.25, "by": ["a", None]}


def test_a_heartbeat_in_the_future_is_stale_too(stores: Stores) -> None:
    """The clock was set back: the run is dead, and training must not wait for years."""
    stores.training.begin("r1", NOW + timedelta(days=3650), STALE)
    assert stores.training.begin("r2", NOW, STALE)
    assert not stores.training.begin("r3", NOW - after(119), STALE)
    assert stores.training.begin("r3", NOW - after(121), STALE)


def test_a_run_that_was_handed_over_belongs_to_the_new_holder(place: Place, stores: Stores) -> None:
    stores.training.begin("r1", NOW, STALE)
    stores.training.request()
    for seconds in (5, 9):
        assert stores.training.hand_over("r1", "r1/job", NOW + after(seconds))
        state = TrainingState("r1/job", NOW, NOW + after(seconds), dirty=True, last_outcome=None)
        assert place.open().training.state() == state
    assert not stores.training.heartbeat("r1", NOW)
    assert stores.training.finish("r1", {"outcome": "late"})
    assert stores.training.state().running == "r1/job"


def test_a_run_is_handed_over_to_one_holder(stores: Stores) -> None:
    stores.training.begin("r1", NOW, STALE)
    assert stores.training.hand_over("r1", "r1/a", NOW)
    assert not stores.training.hand_over("r1", "r1/b", NOW)
    stores.training.finish("r1/a", {"outcome": "kept"})
    assert not stores.training.hand_over("r1", "r1/a", NOW)
    assert not stores.training.hand_over("r1/a", "r1/b", NOW)
    assert stores.training.state() == TrainingState(None, None, None, dirty=False, last_outcome={"outcome": "kept"})
