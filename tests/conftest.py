"""Fixtures that every level of tests shares: the real model pack and the sample photos."""

from pathlib import Path

import pytest
from hypothesis import settings

from muster.composition.settings import LocalSettings
from muster.packs.build import build_embedded
from muster.packs.load import ModelPack

SAMPLES = Path(__file__).parents[1] / "samples"

# No test may depend on the speed of the machine.
settings.register_profile("muster", deadline=None)
settings.load_profile("muster")


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of sample photos."""
    return SAMPLES


@pytest.fixture(scope="session")
def pack_home() -> Path:
    """Where the model pack is built once and kept between runs, as the command line does."""
    return LocalSettings().home


@pytest.fixture(scope="session")
def pack(pack_home: Path) -> ModelPack:
    """The embedded pack with its real weights."""
    return build_embedded(pack_home)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--write-screens` puts the pictures of the web client's screens into the docs."""
    parser.addoption("--write-screens", action="store_true", help="write docs/screens anew")
