"""Registrations on several instances take turns."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from muster.domain.errors import RegistrationsBusy
from muster.storage.aws.registration_lease import RegistrationLease
from muster.storage.aws.table import Table
from tests.contract.places import AwsPlace


def instance(aws: AwsPlace, times: Iterator[datetime] | None = None) -> RegistrationLease:
    """Return the lease as another instance of the function has it."""
    table = Table(aws.clients()[0], aws.table)
    return RegistrationLease(table) if times is None else RegistrationLease(table, lambda: next(times))


def clock(start: datetime, step: float) -> Iterator[datetime]:
    while True:
        yield start
        start += timedelta(seconds=step)


def test_no_two_instances_register_at_once(aws: AwsPlace) -> None:
    leases = [instance(aws) for _ in range(4)]
    under_way: list[int] = []
    met: list[int] = []

    def register(number: int) -> None:
        with leases[number % len(leases)]:
            met.append(len(under_way))
            under_way.append(number)
            time.sleep(0.01)
            under_way.remove(number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(register, range(8)))
    assert met == [0] * 8


def test_a_registration_that_fails_lets_the_next_one_in(aws: AwsPlace) -> None:
    with pytest.raises(ValueError, match="refused"), instance(aws):
        raise ValueError("refused")
    with instance(aws):
        pass


def test_a_killed_holder_is_in_the_way_for_a_while_only(aws: AwsPlace) -> None:
    start = datetime.now(UTC)
    instance(aws, clock(start, 0)).__enter__()
    with instance(aws, clock(start, 4)):
        pass


def test_who_waits_gives_up_where_others_hold_the_lease_all_the_time(aws: AwsPlace) -> None:
    start = datetime.now(UTC)
    instance(aws, clock(start + timedelta(seconds=8), 0)).__enter__()
    with pytest.raises(RegistrationsBusy):
        instance(aws, clock(start, 5)).__enter__()


def test_a_holder_whose_lease_lapsed_leaves_the_next_one_its_own(aws: AwsPlace) -> None:
    start = datetime.now(UTC)
    late, next_one = instance(aws, clock(start, 0)), instance(aws, clock(start + timedelta(seconds=12), 0))
    late.__enter__()
    with next_one:
        late.__exit__(None, None, None)
        with pytest.raises(RegistrationsBusy):
            instance(aws, clock(start + timedelta(seconds=6), 5)).__enter__()


def test_a_lease_from_the_future_keeps_nobody_out(aws: AwsPlace) -> None:
    """The clock of its holder was set back."""
    start = datetime.now(UTC)
    instance(aws, clock(start + timedelta(days=3650), 0)).__enter__()
    with instance(aws, clock(start, 0)):
        pass


def test_a_slow_search_leaves_the_whole_lease_for_the_transaction(aws: AwsPlace) -> None:
    start = datetime.now(UTC)
    times = iter([start, start, start + timedelta(seconds=9)])
    slow = instance(aws, times)
    slow.__enter__()
    assert len(slow.check_actions()) == 1
    with pytest.raises(RegistrationsBusy):
        instance(aws, clock(start + timedelta(seconds=3), 5)).__enter__()
