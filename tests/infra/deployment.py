"""The rules by which CloudFormation accepts an update of a stack, as far as an upgrade can break them.

Which properties cannot change without a replacement comes from the resource providers' own schemas, which cfn-lint
ships.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_network
from typing import Any, Final

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]

from tests.infra.normal_form import Json, exports, imports, references

REGION: Final = "eu-central-1"

KEPT: Final = frozenset(
    {
        "AWS::ApiGatewayV2::Api",
        "AWS::CloudFront::Distribution",
        "AWS::Cognito::UserPool",
        "AWS::Cognito::UserPoolClient",
        "AWS::Cognito::UserPoolDomain",
        "AWS::DynamoDB::Table",
        "AWS::KMS::Key",
        "AWS::Logs::LogGroup",
        "AWS::S3::Bucket",
        "AWS::SNS::Topic",
        "AWS::SQS::Queue",
    }
)
"""Types whose replacement loses data, messages, logs, or an address that people and devices know."""

REVISED: Final = frozenset(
    {
        "AWS::ApiGatewayV2::Deployment",
        "AWS::Batch::JobDefinition",
        "AWS::ECS::TaskDefinition",
        "AWS::Lambda::LayerVersion",
        "AWS::Lambda::Version",
    }
)
"""Types whose identifier changes with every update, so that an export of it blocks the update."""

NAMED_BY_AWS: Final = frozenset({"AWS::Lambda::Permission", "AWS::Lambda::Version"})
"""Types whose own name AWS chooses; the name among their properties is that of the function."""

NOT_IN_SCHEMA: Final[Mapping[str, frozenset[str]]] = {
    # https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-limits.html
    "AWS::Cognito::UserPool": frozenset({"AliasAttributes", "Schema", "UsernameAttributes", "UsernameConfiguration"}),
}
"""Properties that a service refuses to change although its schema does not say so."""


@dataclass(frozen=True, order=True)
class Fault:
    """What CloudFormation refuses, or what an operator would lose."""

    stack: str
    subject: str
    reason: str


class Account:
    """The stacks that are deployed in an account, by name; templates are in normal form."""

    def __init__(self, deployed: Mapping[str, Json]) -> None:
        self._deployed = dict(deployed)

    def deploy(self, stack: str, template: Json) -> list[Fault]:
        """Update one stack and return what is wrong with that."""
        before = self._deployed[stack]
        reasons = [
            *self._missing_imports(stack, template),
            *self._changed_exports(stack, before, template),
            *_changed_resources(before["Resources"], template["Resources"]),
            *_overlapping_subnets(before["Resources"], template["Resources"]),
        ]
        self._deployed[stack] = template
        return [Fault(stack, subject, reason) for subject, reason in sorted(reasons)]

    def _missing_imports(self, stack: str, template: Json) -> Iterator[tuple[str, str]]:
        others = [exports(other) for name, other in self._deployed.items() if name != stack]
        for name in imports(template) - {name for exported in others for name in exported}:
            yield name, "is imported, but no deployed stack exports it"

    def _changed_exports(self, stack: str, before: Json, after: Json) -> Iterator[tuple[str, str]]:
        in_use = {name for other, template in self._deployed.items() if other != stack for name in imports(template)}
        new = exports(after)
        for name, value in exports(before).items():
            if name not in in_use:
                continue
            if name not in new:
                yield name, "is in use and would vanish"
            elif new[name] != value or any(
                _changes_identity(before["Resources"][logical_id], after["Resources"][logical_id])
                for logical_id, _ in references(value)
                if logical_id in before["Resources"]
            ):
                yield name, "is in use and would change"


def revised_exports(stacks: Mapping[str, Json]) -> set[str]:
    """Return the exports in use whose value changes with every update of a resource."""
    in_use = {name for template in stacks.values() for name in imports(template)}
    return {
        name
        for template in stacks.values()
        for name, value in exports(template).items()
        for logical_id, _ in references(value)
        if name in in_use and template["Resources"].get(logical_id, {}).get("Type") in REVISED
    }


def _changed_resources(before: Json, after: Json) -> Iterator[tuple[str, str]]:
    names = {_physical_name(resource): logical_id for logical_id, resource in before.items()}
    for logical_id, resource in before.items():
        if logical_id not in after:
            if resource["Type"] in KEPT:
                yield logical_id, "would be deleted"
        elif resource["Type"] != after[logical_id]["Type"]:
            yield logical_id, "would change its type"
        elif _is_replaced(resource, after[logical_id]):
            named = _physical_name(resource)
            if resource["Type"] in KEPT:
                yield logical_id, "would be replaced"
            elif named and named == _physical_name(after[logical_id]):
                yield logical_id, "cannot be replaced under the same name"
            elif named:
                yield logical_id, "would be renamed"
    for logical_id, resource in after.items():
        named = _physical_name(resource)
        if logical_id not in before and named and names.get(named) not in (None, logical_id):
            yield logical_id, f"has the name of {names[named]}, which still exists when it is created"


def _overlapping_subnets(before: Json, after: Json) -> Iterator[tuple[str, str]]:
    """Find new subnets in the range of old ones, which are deleted only when the update is complete."""

    def ranges(resources: Json) -> dict[str, str]:
        subnets = {name: item for name, item in resources.items() if item["Type"] == "AWS::EC2::Subnet"}
        return {name: subnet["Properties"]["CidrBlock"] for name, subnet in subnets.items()}

    old = ranges(before)
    for name, block in ranges(after).items():
        if name in old and not _is_replaced(before[name], after[name]):
            continue
        for other, taken in old.items():
            if ip_network(block).overlaps(ip_network(taken)):
                yield name, f"is created in the range of {other}, which still exists"
                break


def _changes_identity(before: Json, after: Json | None) -> bool:
    return after is None or before["Type"] in REVISED or _is_replaced(before, after)


def _is_replaced(before: Json, after: Json) -> bool:
    kind, old, new = before["Type"], before.get("Properties", {}), after.get("Properties", {})
    return any(
        _at(old, path) != _at(new, path)
        for path in _replacing(kind)
        if not _updates_in_place(new, path) and not _only_adds_attributes(old, new, path)
    )


def _updates_in_place(properties: Json, path: tuple[str, ...]) -> bool:
    # Batch replaces an environment for a new instance type only if the template asks for that.
    return path[0] == "ComputeResources" and properties.get("ReplaceComputeEnvironment") is False


def _only_adds_attributes(old: Json, new: Json, path: tuple[str, ...]) -> bool:
    # A user pool takes new attributes, and never loses or changes one (AWS::Cognito::UserPool, `Schema`).
    return path == ("Schema",) and all(attribute in new.get("Schema", []) for attribute in old.get("Schema", []))


@cache
def _replacing(kind: str) -> tuple[tuple[str, ...], ...]:
    """Return the paths of the properties that a replacement changes."""
    if kind.startswith(("Custom::", "AWS::CloudFormation::CustomResource")):
        return (("ServiceToken",),)
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema
    paths = (*schema.get("createOnlyProperties", ()), *schema.get("conditionalCreateOnlyProperties", ()))
    own = NOT_IN_SCHEMA.get(kind, frozenset())
    return (*(tuple(path.removeprefix("/properties/").split("/")) for path in paths), *((name,) for name in own))


def _physical_name(resource: Json) -> tuple[str, ...] | None:
    """Return type and name of a resource whose name the template fixes, or None."""
    if resource["Type"] in NAMED_BY_AWS:
        return None
    properties = resource.get("Properties", {})
    names = [
        str(value)
        for path in _replacing(resource["Type"])
        if path[-1].endswith("Name") or path == ("Domain",) or path == ("Name",)
        if (value := _at(properties, path)) is not None
    ]
    return (resource["Type"], *names) if names else None


def _at(properties: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if not isinstance(properties, dict):
            return None
        properties = properties.get(name)
    return properties
