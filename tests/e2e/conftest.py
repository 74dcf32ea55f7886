"""A whole local system in a temporary folder, behind a real HTTP server on loopback."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from muster.api.app import create_app
from muster.composition.local import LocalBackend, LocalServices
from muster.composition.settings import LocalSettings
from muster.composition.vision import open_models
from muster.packs.load import ModelPack
from muster.vision.pipeline import VisionPipeline
from tests.e2e.remembered import RememberingPipeline
from tests.e2e.serving import serving


@pytest.fixture(scope="session")
def vision(pack: ModelPack) -> VisionPipeline:
    """The real models, loaded once for all tests; each photo is read once."""
    return RememberingPipeline.around(open_models(pack, LocalSettings().threads))


@pytest.fixture
def system(tmp_path: Path, vision: VisionPipeline) -> LocalServices:
    """A system with an empty store."""
    return LocalBackend(tmp_path / "store", vision=vision).services


@pytest.fixture
def client(system: LocalServices) -> Iterator[httpx.Client]:
    """A client of a server that runs this system."""
    with serving(create_app(system)) as url, httpx.Client(base_url=url, timeout=600) as client:
        yield client
