"""IAM's evaluation of a call, as far as the project's policies need it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from tests.infra.templates import Statement


@dataclass(frozen=True)
class Need:
    """One action on one resource, with the condition keys that the call brings.

    Attributes:
        principal: the caller, for policies of resources; policies of roles name none.
    """

    action: str
    resource: str
    context: Mapping[str, Sequence[str]] = field(default_factory=dict)
    principal: str | None = None


def allows(statements: Iterable[Statement], need: Need) -> bool:
    """Return whether some statement allows what is needed and none denies it."""
    effects = {statement.effect for statement in statements if _applies(statement, need)}
    return effects == {"Allow"}


def _applies(statement: Statement, need: Need) -> bool:
    return (
        (need.principal is None or bool({need.principal, "*"} & statement.principals))
        and any(fnmatchcase(need.action, action) for action in statement.actions)
        and any(fnmatchcase(need.resource, resource) for resource in statement.resources)
        and all(_holds(operator, wanted, need) for operator, wanted in statement.conditions.items())
    )


def _holds(operator: str, wanted: Mapping[str, Any], need: Need) -> bool:
    for key, value in wanted.items():
        patterns = value if isinstance(value, list) else [value]
        given = need.context.get(key, [])
        matched = [any(fnmatchcase(value, str(pattern)) for pattern in patterns) for value in given]
        match operator:
            case "StringEquals" | "StringLike" | "ArnLike" | "Bool":
                # A call without the key, such as reading an object where `s3:prefix` is asked for, does not match.
                holds = bool(matched) and any(matched)
            case "StringNotEquals":
                # True without the key, as for every negated operator.
                holds = not any(matched)
            case "NumericLessThan":
                holds = any(float(value) < float(pattern) for value in given for pattern in patterns)
            case "Null":
                holds = (key not in need.context) is (patterns == ["true"])
            case "ForAllValues:StringLike":
                holds = all(matched)
            case _:
                raise NotImplementedError(operator)
        if not holds:
            return False
    return True
