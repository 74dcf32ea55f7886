"""The OpenAPI document in docs/ is the one that the application serves, and it leaves no question open."""

import json
from pathlib import Path
from typing import Any

import pytest

from muster.api.app import PUBLIC_PATHS, create_app
from muster.api.examples import lacks_example
from muster.api.problems import MEDIA_TYPE
from muster.api.routes.substitutes import SECRET_PATHS
from muster.composition.local import LocalServices
from muster.entrypoints.openapi import openapi_text

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The checked-in document."""
    document: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    return document


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


def test_the_checked_in_openapi_document_is_current(system: LocalServices) -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == openapi_text(system), (
        "run: python -m muster.entrypoints.openapi > docs/openapi.json"
    )


def test_one_machine_serves_all_of_it_but_uploads(system: LocalServices, document: dict[str, Any]) -> None:
    served = create_app(system).openapi()
    for path, item in document["paths"].items():
        assert ("uploads" in path) != (item == served["paths"].get(path)), path


def test_every_operation_but_the_open_ones_asks_for_a_token(document: dict[str, Any]) -> None:
    assert document["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
    for label, operation in operations(document):
        assert ("security" in operation) == (label.split()[1] not in PUBLIC_PATHS), label
        assert ({"401", "403", "429"} <= operation["responses"].keys()) == ("security" in operation), label


def test_every_failure_is_declared_as_a_problem_document_with_an_example(document: dict[str, Any]) -> None:
    for label, operation in operations(document):
        failures = {code: one for code, one in operation["responses"].items() if code >= "400"}
        assert "500" in failures, label
        for code, response in failures.items():
            assert list(response["content"]) == [MEDIA_TYPE], (label, code)
            content = response["content"][MEDIA_TYPE]
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
            assert content["example"]["status"] == int(code)
            assert content["example"].keys() == document["components"]["schemas"]["Problem"]["properties"].keys()


def test_every_post_takes_an_idempotency_key_unless_its_answer_is_secret(document: dict[str, Any]) -> None:
    for label, operation in operations(document):
        names = {parameter["name"] for parameter in operation.get("parameters", [])}
        repeatable = label.startswith("POST") and label.split()[1] not in SECRET_PATHS
        assert ("Idempotency-Key" in names) == repeatable, label


def test_every_field_and_parameter_has_an_example(document: dict[str, Any]) -> None:
    bare = [
        f"{title}.{name}"
        for title, schema in document["components"]["schemas"].items()
        for name, field in schema.get("properties", {}).items()
        if lacks_example(field)
    ]
    bare += [
        f"{label} {parameter['name']}"
        for label, operation in operations(document)
        for parameter in operation.get("parameters", [])
        if lacks_example(parameter["schema"]) and "example" not in parameter
    ]
    assert bare == [], "name them in muster.api.examples"


def test_no_operation_is_without_a_summary_and_a_description(document: dict[str, Any]) -> None:
    for label, operation in operations(document):
        assert operation["summary"], label
        assert operation["description"], label
