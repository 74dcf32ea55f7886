"""The policy of an operator, with the names of a simulated stage."""

import json
from collections.abc import Mapping
from pathlib import Path

from tests.infra.policy import Need, allows
from tests.infra.templates import Statement

FILE = Path(__file__).parents[1] / "infra" / "operator-policy.json"


def operator_statements(names: Mapping[str, str]) -> list[Statement]:
    """Return the policy's statements, with its words in capitals replaced by `names`."""
    text = FILE.read_text(encoding="utf-8")
    for word, name in {"KEY_ARN": "{Key.Arn}", **names}.items():
        text = text.replace(word, name)
    return [
        Statement(
            sid=item["Sid"],
            effect=item["Effect"],
            actions=_set(item["Action"]),
            resources=_set(item["Resource"]),
            conditions=item.get("Condition", {}),
        )
        for item in json.loads(text)["Statement"]
    ]


def refused(needed: "list[Need]", names: Mapping[str, str]) -> set[tuple[str, str]]:
    """Return what the policy does not allow."""
    statements = operator_statements(names)
    return {(need.action, need.resource) for need in needed if not allows(statements, need)}


def _set(value: str | list[str]) -> frozenset[str]:
    return frozenset([value] if isinstance(value, str) else value)
