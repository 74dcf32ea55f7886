"""The trigger that gives the roles of the school's own sign-in to tokens, with events as Cognito sends them."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HANDLER = Path(__file__).parents[2] / "functions" / "sign_in" / "handler.py"
AUTOMATIC_GROUP = "eu-central-1_Ab12Cd34E_School"
IDENTITIES = [{"userId": "00u1", "providerName": "School", "providerType": "OIDC", "primary": "true"}]


@pytest.fixture
def trigger(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setenv("MUSTER_ROLES_ATTRIBUTE", "custom:school_roles")
    monkeypatch.setenv("MUSTER_PROVIDER", "School")
    monkeypatch.setenv("MUSTER_PROVIDER_ROLES", json.dumps({"Staff & Co": "teacher", "it": "admin"}))
    specification = importlib.util.spec_from_file_location("sign_in_handler", HANDLER)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def event(roles: str | None, identities: Any = IDENTITIES, groups: Any = (AUTOMATIC_GROUP,)) -> dict[str, Any]:
    attributes = {"sub": "1b9d", "email": "ada@example.edu", "cognito:user_status": "EXTERNAL_PROVIDER"}
    if identities is not None:
        attributes["identities"] = identities if isinstance(identities, str) else json.dumps(identities)
    if roles is not None:
        attributes["custom:school_roles"] = roles
    return {
        "version": "1",
        "triggerSource": "TokenGeneration_HostedAuth",
        "userName": "School_00u1",
        "request": {
            "userAttributes": attributes,
            "groupConfiguration": {"groupsToOverride": groups and list(groups), "iamRolesToOverride": []},
        },
        "response": {"claimsOverrideDetails": None},
    }


def groups_of(answer: dict[str, Any]) -> set[str]:
    return set(answer["response"]["claimsOverrideDetails"]["groupOverrideDetails"]["groupsToOverride"])


@pytest.mark.parametrize(
    ("stated", "roles"),
    [
        ("it", ["admin"]),
        ("Staff & Co", ["teacher"]),
        ("Staff+%26+Co", ["teacher"]),
        ("[Staff+%26+Co, it]", ["admin", "teacher"]),
        ('["Staff & Co","it"]', ["admin", "teacher"]),
        ("[it]", ["admin"]),
        ("[Staff %5B1%5D, it]", ["admin"]),
        ("[a],it,[b]", []),
        ("[a],it]", []),
        ("[[it]]", []),
        ("[parents]", []),
        ("admin", []),
        ("[admin, teacher]", []),
        ("IT", []),
        ("it,parents", []),
        ("", []),
        (None, []),
    ],
    ids=str,
)
def test_values_that_the_stage_maps_give_roles_and_no_others(
    trigger: ModuleType, stated: str | None, roles: list[str]
) -> None:
    answer = trigger.handler(event(stated), None)
    assert groups_of(answer) == {AUTOMATIC_GROUP, *roles}
    assert answer["response"]["claimsOverrideDetails"]["claimsToSuppress"] == ["custom:school_roles"]


@pytest.mark.parametrize(
    "identities",
    [None, "", "[]", "no JSON", "[1]", "{}", [{"providerName": "Other", "providerType": "OIDC"}]],
    ids=str,
)
def test_only_the_schools_provider_gives_roles(trigger: ModuleType, identities: Any) -> None:
    assert groups_of(trigger.handler(event("it", identities), None)) == {AUTOMATIC_GROUP}


def test_groups_that_an_operator_gave_stay(trigger: ModuleType) -> None:
    assert groups_of(trigger.handler(event("it", groups=("teacher",)), None)) == {"teacher", "admin"}
    assert groups_of(trigger.handler(event(None, None, ("admin",)), None)) == {"admin"}
    assert groups_of(trigger.handler(event(None, None, None), None)) == set()
