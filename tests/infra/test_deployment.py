"""The rules of CloudFormation that the upgrade tests rely on, each with an example that breaks it."""

from typing import Any

import pytest

from tests.infra.deployment import Account, Fault, revised_exports
from tests.infra.normal_form import Json, normal_form

BUCKET: Json = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "photos"}}
JOB: Json = {"Type": "AWS::Batch::JobDefinition", "Properties": {"Type": "container"}}


def stack(resources: Json, exported: dict[str, Any] | None = None) -> Json:
    outputs = {name: {"Value": value, "Export": {"Name": name}} for name, value in (exported or {}).items()}
    return normal_form({"Resources": resources, "Outputs": outputs})


def importing(*names: str) -> Json:
    values = [{"Fn::ImportValue": name} for name in names]
    return stack({"Function": {"Type": "AWS::Lambda::Function", "Properties": {"Layers": values}}})


def reasons(before: Json, after: Json) -> list[tuple[str, str]]:
    return [(fault.subject, fault.reason) for fault in Account({"one": before}).deploy("one", after)]


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        (stack({}, {"a": "x"}), stack({}), "is in use and would vanish"),
        (stack({}, {"a": "x"}), stack({}, {"a": "y"}), "is in use and would change"),
        (stack({"Job": JOB}, {"a": {"Ref": "Job"}}), stack({"Job": JOB}, {"a": {"Ref": "Job"}}), "is in use and"),
        (
            stack({"Q": {"Type": "AWS::Batch::JobQueue", "Properties": {}}}, {"a": {"Ref": "Q"}}),
            stack({"Q": {"Type": "AWS::Batch::JobQueue", "Properties": {"JobQueueName": "n"}}}, {"a": {"Ref": "Q"}}),
            "is in use and would change",
        ),
    ],
)
def test_an_export_in_use_stays_and_keeps_its_value(before: Json, after: Json, fault: str) -> None:
    (found,) = Account({"one": before, "two": importing("a")}).deploy("one", after)
    assert (found.stack, found.subject) == ("one", "a")
    assert found.reason.startswith(fault)
    assert Account({"one": before}).deploy("one", after) == [], "nobody uses it"


def test_the_importing_stack_can_be_moved_away_first() -> None:
    account = Account({"one": stack({}, {"a": "x"}), "two": importing("a")})
    assert account.deploy("two", importing()) == []
    assert account.deploy("one", stack({})) == []


def test_what_is_imported_must_be_exported_before() -> None:
    account = Account({"one": stack({}), "two": importing()})
    assert account.deploy("two", importing("a")) == [Fault("two", "a", "is imported, but no deployed stack exports it")]


@pytest.mark.parametrize(
    ("after", "fault"),
    [
        ({}, "would be deleted"),
        ({"Photos": {**BUCKET, "Properties": {"BucketName": "pictures"}}}, "would be replaced"),
        ({"Photos": {"Type": "AWS::S3Express::DirectoryBucket"}}, "would change its type"),
    ],
)
def test_stored_data_is_neither_deleted_nor_replaced(after: Json, fault: str) -> None:
    assert reasons(stack({"Photos": BUCKET}), stack(after)) == [("Photos", fault)]


def test_another_logical_id_cannot_take_a_name_that_is_still_in_use() -> None:
    found = dict(reasons(stack({"Photos": BUCKET}), stack({"Pictures": BUCKET})))
    assert found["Pictures"] == "has the name of Photos, which still exists when it is created"


@pytest.mark.parametrize(
    ("name", "fault"),
    [("daily", "cannot be replaced under the same name"), ("monthly", "would be renamed")],
)
def test_a_resource_with_a_fixed_name_is_neither_replaced_nor_renamed(name: str, fault: str) -> None:
    def budget(name: str, percent: int) -> Json:
        properties = {"Budget": {"BudgetName": name}, "NotificationsWithSubscribers": [percent]}
        return {"Budget": {"Type": "AWS::Budgets::Budget", "Properties": properties}}

    assert reasons(stack(budget("daily", 80)), stack(budget(name, 90))) == [("Budget", fault)]


def test_a_subnet_cannot_be_replaced_in_its_own_range() -> None:
    def network(*blocks: tuple[str, str]) -> Json:
        return stack(
            {
                f"Public{number}": {
                    "Type": "AWS::EC2::Subnet",
                    "Properties": {"AvailabilityZone": zone, "CidrBlock": block},
                }
                for number, (zone, block) in enumerate(blocks)
            }
        )

    halves = network(("a", "10.0.0.0/17"), ("b", "10.0.128.0/17"))
    thirds = network(("a", "10.0.0.0/18"), ("b", "10.0.64.0/18"), ("c", "10.0.128.0/18"))
    assert [name for name, _ in reasons(halves, thirds)] == ["Public0", "Public1", "Public2"]
    assert reasons(halves, network(("a", "10.0.0.0/17"), ("b", "10.0.128.0/17"), ("c", "10.1.0.0/17"))) == []


def test_exports_of_revisions_are_found_before_they_fail() -> None:
    exporting = stack({"Job": JOB}, {"a": {"Ref": "Job"}, "b": {"Ref": "Job"}})
    assert revised_exports({"one": exporting, "two": importing("a")}) == {"a"}


def test_digests_of_assets_are_no_difference() -> None:
    one, two = (stack({"F": {"Type": "AWS::Lambda::Function", "Properties": {"S3Key": c * 64 + ".zip"}}}) for c in "ab")
    assert one == two
