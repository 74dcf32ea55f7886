"""Shared by all tests: the model pack, the sample photos, and the markers."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings

from muster.composition.settings import LocalSettings
from muster.packs.build import build_embedded
from muster.packs.load import ModelPack

SAMPLES = Path(__file__).parents[1] / "samples"

# Both systems are tested with one pack. Tests of the functions use the pack of the template.
os.environ.setdefault("MUSTER_PACK", "embedded")

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


@pytest.fixture(scope="session")
def without_docker_or_account() -> Iterator[None]:
    """Nothing that a synthesis could call or ask."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CDK_DOCKER", "/bin/false")
        for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_REGION", "AWS_DEFAULT_REGION", "CDK_DEFAULT_ACCOUNT"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory, without_docker_or_account: None) -> Path:
    """The folder of the cloud assembly, synthesized once by whichever process of tests asks first.

    cdk-nag has passed, or this fails with its findings.
    """
    from infra.app import build

    folder = tmp_path_factory.getbasetemp()
    shared = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "cdk.out"
    done = shared / "synthesized"
    with FileLock(shared.with_suffix(".lock")):
        if not done.exists():
            build(shared).synth()
            done.touch()
    return shared


MARKER_OF_FIXTURE = {
    "pack": "needs_pack",
    "pack_home": "needs_pack",
    "aws_endpoint": "aws",
    "moto_endpoint": "aws",
    "playwright": "browser",
    "assembly": "cdk",
    "templates": "cdk",
    "wheels": "network",
}
"""Tests are marked by the fixtures they use, directly or not; pyproject.toml describes the markers."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by what it needs, before `-m` selects."""
    for item in items:
        for fixture in MARKER_OF_FIXTURE.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(MARKER_OF_FIXTURE[fixture])


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--write-screens`, which writes the screenshots of the web client to docs/screens."""
    parser.addoption("--write-screens", action="store_true", help="write the screenshots to docs/screens")
