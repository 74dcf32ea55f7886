"""Reads synthesized templates: resources by name, references written out, permissions by role."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

Json = dict[str, Any]

STACKS = ("web", "data", "training", "api", "monitoring")


def short(logical_id: str) -> str:
    """Return a logical id without the eight hexadecimal digits that CDK puts behind it."""
    return re.sub(r"[0-9A-F]{8}$", "", logical_id)


@dataclass(frozen=True)
class Statement:
    """One statement of a policy, its references written out."""

    sid: str
    effect: str
    actions: frozenset[str]
    resources: frozenset[str]
    conditions: Json
    principals: frozenset[str] = frozenset()


@dataclass(frozen=True)
class StageTemplates:
    """The five templates of one stage."""

    stage: str
    stacks: dict[str, Json]

    @classmethod
    def load(cls, folder: Path, stage: str) -> "StageTemplates":
        read = {name: json.loads((folder / f"muster-{stage}-{name}.template.json").read_text()) for name in STACKS}
        return cls(stage, read)

    @cached_property
    def _exports(self) -> dict[str, Any]:
        return {
            self.text(output["Export"]["Name"]): output["Value"]
            for template in self.stacks.values()
            for output in template.get("Outputs", {}).values()
            if "Export" in output
        }

    def resources(self, resource_type: str, stack: str | None = None) -> dict[str, Json]:
        """Return the properties of all resources of a type, by short name."""
        return {name: resource.get("Properties", {}) for name, resource in self.whole(resource_type, stack).items()}

    def whole(self, resource_type: str, stack: str | None = None) -> dict[str, Json]:
        """Return all resources of a type with their policies and conditions, by short name."""
        return {
            short(logical_id): resource
            for name, template in self.stacks.items()
            if stack in (None, name)
            for logical_id, resource in template["Resources"].items()
            if resource["Type"] == resource_type
        }

    def types(self) -> set[str]:
        """Return the types of all resources."""
        return {resource["Type"] for template in self.stacks.values() for resource in template["Resources"].values()}

    def text(self, value: Any) -> str:
        """Write a value out: `{Table.Arn}` for an attribute, `{Table}` for a reference, imports followed."""
        match value:
            case str():
                return value
            case {"Ref": name}:
                return "{" + (name.removeprefix("AWS::") if name.startswith("AWS::") else short(name)) + "}"
            case {"Fn::GetAtt": [name, attribute]}:
                return "{" + f"{short(name)}.{attribute}" + "}"
            case {"Fn::ImportValue": name}:
                return self.text(self._exports[self.text(name)])
            case {"Fn::Join": [separator, parts]}:
                return str(separator).join(self.text(part) for part in parts)
            case {"Fn::Sub": template}:
                return str(template)
            case _:
                return json.dumps(value, sort_keys=True)

    def texts(self, value: Any) -> frozenset[str]:
        """Write out one value or a list of them."""
        return frozenset(self.text(item) for item in (value if isinstance(value, list) else [value]))

    def plain(self, value: Any) -> Any:
        """Write out every reference inside a structure."""
        match value:
            case {"Ref": _} | {"Fn::GetAtt": _} | {"Fn::ImportValue": _} | {"Fn::Join": _} | {"Fn::Sub": _}:
                return self.text(value)
            case dict():
                return {key: self.plain(one) for key, one in value.items()}
            case list():
                return [self.plain(item) for item in value]
            case _:
                return value

    def statements(self, document: Json) -> list[Statement]:
        """Return the statements of a policy document."""
        return [
            Statement(
                sid=item.get("Sid", ""),
                effect=item["Effect"],
                actions=self.texts(item["Action"]),
                resources=self.texts(item.get("Resource", [])),
                conditions=self.plain(item.get("Condition", {})),
                principals=self._principals(item.get("Principal", {})),
            )
            for item in document["Statement"]
        ]

    def _principals(self, principal: Json | str) -> frozenset[str]:
        if isinstance(principal, str):
            return frozenset([principal])
        return frozenset().union(*(self.texts(names) for names in principal.values()))

    @cached_property
    def grants(self) -> dict[str, list[Statement]]:
        """What each role may do, by the role's short name."""
        found: dict[str, list[Statement]] = {name: [] for name in self.resources("AWS::IAM::Role")}
        for policy in self.resources("AWS::IAM::Policy").values():
            for role in policy["Roles"]:
                found[self.text(role).strip("{}")] += self.statements(policy["PolicyDocument"])
        return found

    def resource_policies(self) -> Iterator[tuple[str, Statement]]:
        """Yield the statements of every policy that hangs on a resource."""
        for kind, key in (
            ("AWS::S3::BucketPolicy", "PolicyDocument"),
            ("AWS::SQS::QueuePolicy", "PolicyDocument"),
            ("AWS::SNS::TopicPolicy", "PolicyDocument"),
            ("AWS::KMS::Key", "KeyPolicy"),
        ):
            for name, properties in self.resources(kind).items():
                for statement in self.statements(properties[key]):
                    yield name, statement
