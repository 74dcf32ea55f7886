"""A whole local system in a temporary folder, behind a real HTTP server on loopback."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn

from muster.api.app import create_app
from muster.composition.local import LocalSystem, open_local_system, open_vision
from muster.composition.settings import LocalSettings
from muster.packs.load import ModelPack
from muster.vision.pipeline import VisionPipeline


@pytest.fixture(scope="session")
def vision(pack: ModelPack) -> VisionPipeline:
    """The real models, loaded once for all tests."""
    return open_vision(pack, LocalSettings())


@pytest.fixture
def system(tmp_path: Path, vision: VisionPipeline) -> LocalSystem:
    """A system with an empty store."""
    return open_local_system(tmp_path / "store", vision=vision)


@pytest.fixture
def client(system: LocalSystem) -> Iterator[httpx.Client]:
    """A client of a server that runs this system."""
    config = uvicorn.Config(create_app(system), host="127.0.0.1", port=0, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:
        yield client
    server.should_exit = True
    thread.join(20)
