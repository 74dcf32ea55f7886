"""The calls that a process made to AWS, and what a role must allow for each."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.infra.policy import Need

ENVIRONMENT = {"PYTHONPATH": str(Path(__file__).with_name("recording"))}


@dataclass(frozen=True)
class Call:
    """One call, as the SDK was asked to make it."""

    service: str
    operation: str
    parameters: dict[str, Any]


def calls_in(file: Path) -> list[Call]:
    """Read what a process wrote down; nothing if it made no call."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [Call(**json.loads(line)) for line in lines]


def needs(call: Call, region: str, account: str) -> list[Need]:
    """Return what the role must allow for a call, use of the key on the caller's behalf included."""
    match call.service:
        case "s3":
            return list(_of_objects(call, region))
        case "dynamodb":
            return list(_of_items(call, region, account))
        case "batch":
            parameters = call.parameters
            assert call.operation == "SubmitJob", call.operation
            # "The request ARN includes the revision" (AWS Batch User Guide, "Restrict to job definition prefix").
            definition = f"arn:aws:batch:{region}:{account}:job-definition/{parameters['jobDefinition']}:1"
            return [Need("batch:SubmitJob", resource) for resource in (parameters["jobQueue"], definition)]
        case "sesv2":
            sender = call.parameters["FromEmailAddress"]
            resource = f"arn:aws:ses:{region}:{account}:identity/{sender}"
            return [Need(f"ses:{call.operation}", resource, {"ses:FromAddress": [sender]})]
        case "ssm":
            resource = f"arn:aws:ssm:{region}:{account}:parameter{call.parameters['Name']}"
            return [Need(f"ssm:{call.operation}", resource)]
    raise AssertionError(f"an unexpected service was called: {call.service}")


def _key(action: str, service: str, region: str) -> Need:
    return Need(f"kms:{action}", "{Key.Arn}", {"kms:ViaService": [f"{service}.{region}.amazonaws.com"]})


def _of_objects(call: Call, region: str) -> Iterator[Need]:
    bucket = f"arn:aws:s3:::{call.parameters['Bucket']}"
    if call.operation == "ListObjectsV2":
        yield Need("s3:ListBucket", bucket, {"s3:prefix": [call.parameters.get("Prefix", "")]})
        return
    actions = {"GetObject": "Decrypt", "PutObject": "GenerateDataKey", "DeleteObject": None}
    key = actions[call.operation]
    yield Need(f"s3:{call.operation}", f"{bucket}/{call.parameters['Key']}")
    if key:
        yield _key(key, "s3", region)


def _of_items(call: Call, region: str, account: str) -> Iterator[Need]:
    for action, table, partitions in _item_actions(call):
        resource = f"arn:aws:dynamodb:{region}:{account}:table/{table}"
        yield Need(f"dynamodb:{action}", resource, {"dynamodb:LeadingKeys": partitions})
    yield _key("Decrypt", "dynamodb", region)


def _item_actions(call: Call) -> Iterator[tuple[str, str, list[str]]]:
    parameters = call.parameters
    match call.operation:
        case "TransactWriteItems":
            names = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem"}
            for action in parameters["TransactItems"]:
                ((kind, one),) = action.items()
                yield names.get(kind, "ConditionCheckItem"), one["TableName"], [_partition(one)]
        case "BatchGetItem":
            for table, wanted in parameters["RequestItems"].items():
                yield "BatchGetItem", table, [_text(key["pk"]) for key in wanted["Keys"]]
        case "BatchWriteItem":
            for table, requests in parameters["RequestItems"].items():
                changes = [change for request in requests for change in request.values()]
                yield "BatchWriteItem", table, [_partition(change) for change in changes]
        case "Scan":
            yield "Scan", parameters["TableName"], []
        case "Query":
            yield "Query", parameters["TableName"], [_text(parameters["ExpressionAttributeValues"][":pk"])]
        case operation:
            yield operation, parameters["TableName"], [_partition(parameters)]


def _partition(parameters: dict[str, Any]) -> str:
    return _text((parameters.get("Key") or parameters["Item"])["pk"])


def _text(value: dict[str, str]) -> str:
    return value["S"]
