"""The same stores of every kind, empty, for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.places import AwsPlace, LocalPlace, Place, Stores
from tests.contract.retraining import Asked
from tests.simulated_aws import simulated_aws


@pytest.fixture(scope="session")
def aws_endpoint() -> Iterator[str]:
    """A simulated AWS account that is called over HTTP."""
    with simulated_aws() as endpoint:
        yield endpoint


@pytest.fixture
def asked() -> Asked:
    """Counts the requests for training of a test."""
    return Asked()


@pytest.fixture
def aws(aws_endpoint: str) -> AwsPlace:
    """An empty table and two empty buckets."""
    return AwsPlace.new(aws_endpoint)


@pytest.fixture(params=["local", pytest.param("aws", marks=pytest.mark.aws)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty place of each kind."""
    if request.param == "local":
        return LocalPlace(tmp_path / "store")
    place: AwsPlace = request.getfixturevalue("aws")
    return place


@pytest.fixture
def stores(place: Place) -> Stores:
    """The stores of an empty place."""
    return place.open()
