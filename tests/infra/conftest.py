"""Synthesizes every stage once, with no Docker to call and no account to ask."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.app import build
from infra.config import STAGES
from tests.infra.templates import StageTemplates


@pytest.fixture(scope="session")
def without_docker_or_account() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CDK_DOCKER", "/bin/false")
        patch.setenv("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "1")
        for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_REGION", "AWS_DEFAULT_REGION", "CDK_DEFAULT_ACCOUNT"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory, without_docker_or_account: None) -> Path:
    """The cloud assembly's folder; cdk-nag has passed, or this fails with its findings."""
    folder = tmp_path_factory.mktemp("cdk.out")
    build(folder).synth()
    return folder


@pytest.fixture(scope="session", params=[config.stage for config in STAGES])
def stage(assembly: Path, request: pytest.FixtureRequest) -> StageTemplates:
    return StageTemplates.load(assembly, request.param)


@pytest.fixture(scope="session")
def dev(assembly: Path) -> StageTemplates:
    return StageTemplates.load(assembly, "dev")


@pytest.fixture(scope="session")
def prod(assembly: Path) -> StageTemplates:
    return StageTemplates.load(assembly, "prod")
