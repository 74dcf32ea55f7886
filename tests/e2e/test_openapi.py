"""The OpenAPI document in docs/ is the one that the application serves."""

from pathlib import Path

from muster.composition.local import LocalSystem
from muster.composition.openapi import openapi_text

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"


def test_the_checked_in_openapi_document_is_current(system: LocalSystem) -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == openapi_text(system), (
        "run: python -m muster.composition.openapi > docs/openapi.json"
    )
