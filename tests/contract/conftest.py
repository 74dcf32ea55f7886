"""The same stores of every kind, empty, for each test."""

from pathlib import Path

import pytest

from tests.contract.places import LocalPlace, Place, Stores


@pytest.fixture(params=["local"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty place."""
    return LocalPlace(tmp_path / "store")


@pytest.fixture
def stores(place: Place) -> Stores:
    """The stores of an empty place."""
    return place.open()
