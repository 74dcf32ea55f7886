"""Writes to an item that a transaction is writing, which DynamoDB refuses and the simulation does not."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from muster.storage.aws.table import ConditionFailed, Table
from tests.aws_faults import AwsFaults, conflict
from tests.contract.places import AwsPlace
from tests.simulated_aws import simulated_aws

pytestmark = pytest.mark.aws

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEY = ("pk", "sk")
ITEM = {"pk": "pk", "sk": "sk", "count": 1}


@pytest.fixture(scope="module")
def faults() -> AwsFaults:
    """Decides which requests are refused."""
    return AwsFaults()


@pytest.fixture(scope="module")
def client_and_name(faults: AwsFaults) -> "Iterator[tuple[DynamoDBClient, str]]":
    with simulated_aws(faults.around) as endpoint:
        place = AwsPlace.new(endpoint)
        yield place.clients()[0], place.table


@pytest.fixture
def table(client_and_name: "tuple[DynamoDBClient, str]", faults: AwsFaults, monkeypatch: pytest.MonkeyPatch) -> Table:
    """A table with one item; retries do not wait."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    faults.stop()
    table = Table(*client_and_name)
    table.put(ITEM)
    return table


def conflict_times(faults: AwsFaults, times: int) -> None:
    """Refuse the next writes, as if a transaction took that long."""
    left = iter(range(times))
    faults.refuse(lambda operation, asked: conflict(operation, asked) if next(left, None) is not None else None)


def test_the_write_of_an_item_waits_for_the_end_of_a_transaction(table: Table, faults: AwsFaults) -> None:
    conflict_times(faults, 3)
    table.put({**ITEM, "count": 2})
    assert faults.refused == {("PutItem", "TransactionConflictException"): 3}
    assert table.get(KEY) == {**ITEM, "count": 2}

    conflict_times(faults, 3)
    assert table.update(KEY, "ADD tries :one", {":one": 1})["tries"] == 1
    assert faults.refused == {("UpdateItem", "TransactionConflictException"): 3}

    conflict_times(faults, 3)
    table.delete(KEY)
    assert faults.refused == {("DeleteItem", "TransactionConflictException"): 3}
    assert table.get(KEY) is None


def test_a_condition_is_judged_after_the_conflict(table: Table, faults: AwsFaults) -> None:
    conflict_times(faults, 2)
    with pytest.raises(ConditionFailed):
        table.update(KEY, "SET tries = :one", {":one": 1}, "attribute_exists(tries)")
    conflict_times(faults, 2)
    with pytest.raises(ConditionFailed):
        table.put(ITEM, "attribute_not_exists(pk)")


def test_a_conflict_without_end_is_an_error(table: Table, faults: AwsFaults) -> None:
    conflict_times(faults, 1000)
    with pytest.raises(Exception, match="TransactionConflictException"):
        table.put(ITEM)
    assert 5 <= faults.refused["PutItem", "TransactionConflictException"] <= 20
    faults.stop()
    assert table.get(KEY) == ITEM
