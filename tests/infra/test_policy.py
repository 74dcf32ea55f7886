"""The evaluator that the end-to-end tests judge every call by."""

import pytest

from tests.infra.policy import Need, allows
from tests.infra.templates import StageTemplates, Statement

OBJECTS = "arn:aws:s3:::photos"


def statement(effect: str, action: str, resource: str, **conditions: dict[str, list[str]]) -> Statement:
    written = {operator.replace("__", ":"): wanted for operator, wanted in conditions.items()}
    return Statement("", effect, frozenset([action]), frozenset([resource]), written)


READ = statement("Allow", "s3:GetObject", f"{OBJECTS}/uploads/*")
LIST = statement("Allow", "s3:ListBucket", OBJECTS, StringLike={"s3:prefix": ["uploads/*"]})
OWN = statement(
    "Allow", "dynamodb:PutItem", "table", ForAllValues__StringLike={"dynamodb:LeadingKeys": ["TRAINING", "HEADS#*"]}
)


@pytest.mark.parametrize(
    ("need", "allowed"),
    [
        (Need("s3:GetObject", f"{OBJECTS}/uploads/a"), True),
        (Need("s3:PutObject", f"{OBJECTS}/uploads/a"), False),
        (Need("s3:GetObject", f"{OBJECTS}/students/a"), False),
        (Need("s3:ListBucket", OBJECTS, {"s3:prefix": ["uploads/detect/a"]}), True),
        (Need("s3:ListBucket", OBJECTS, {"s3:prefix": ["students/"]}), False),
        (Need("s3:ListBucket", OBJECTS), False),
        (Need("dynamodb:PutItem", "table", {"dynamodb:LeadingKeys": ["TRAINING", "HEADS#p"]}), True),
        (Need("dynamodb:PutItem", "table", {"dynamodb:LeadingKeys": ["TRAINING", "STUDENT#a"]}), False),
    ],
)
def test_a_call_is_allowed_by_action_resource_and_condition_together(need: Need, allowed: bool) -> None:
    assert allows([READ, LIST, OWN], need) is allowed


def test_a_denial_outweighs_every_leave() -> None:
    need = Need("s3:GetObject", f"{OBJECTS}/uploads/a")
    assert not allows([READ, statement("Deny", "s3:*", f"{OBJECTS}/*")], need)


def test_a_condition_that_the_evaluator_does_not_know_is_no_leave() -> None:
    odd = statement("Allow", "s3:GetObject", "*", DateLessThan={"aws:CurrentTime": ["2020"]})
    with pytest.raises(NotImplementedError):
        allows([odd], Need("s3:GetObject", OBJECTS))


def test_no_function_but_roster_and_sweep_may_erase_a_head(stage: StageTemplates) -> None:
    heads = f"arn:{{Partition}}:s3:::muster-{stage.stage}-models-{{AccountId}}-{{Region}}/heads/p/1/head.safetensors"
    may = {role for role, statements in stage.grants.items() if allows(statements, Need("s3:DeleteObject", heads))}
    assert may == {"RosterRole", "SweepRole", "JobRole"}
