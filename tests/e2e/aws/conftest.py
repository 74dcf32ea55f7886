"""The whole AWS system on this machine: simulated services, real runtime client, real models."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from infra.config import DEV
from muster.packs.build import build_embedded
from muster.packs.load import ModelPack
from tests.aws_faults import AwsFaults
from tests.e2e.aws.cloud import ROOT, Cloud
from tests.e2e.aws.gateway import Gateway
from tests.e2e.aws.lambda_runtime import LambdaFunction
from tests.infra.templates import StageTemplates
from tests.simulated_aws import simulated_aws


@pytest.fixture(scope="session")
def templates(assembly: Path) -> StageTemplates:
    return StageTemplates.load(assembly, "dev")


@pytest.fixture(scope="session")
def faults() -> AwsFaults:
    """Decides which requests the account refuses; none unless a test says so."""
    return AwsFaults()


@pytest.fixture(scope="session")
def moto_endpoint(faults: AwsFaults) -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with simulated_aws(faults.around) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def stage_pack(pack_home: Path) -> ModelPack:
    """The pack of the stage's configuration, with its real weights."""
    return build_embedded(pack_home, name=DEV.pack)


@pytest.fixture
def cloud(
    moto_endpoint: str, templates: StageTemplates, stage_pack: ModelPack, pack_home: Path, tmp_path: Path
) -> Iterator[Cloud]:
    """An account with nothing in it but what the templates make; no process may call what its role does not allow."""
    httpx.post(f"{moto_endpoint}/moto-api/reset").raise_for_status()
    httpx.post(f"{moto_endpoint}/moto-api/config", json={"batch": {"use_docker": False}}).raise_for_status()
    calls = tmp_path / "calls"
    calls.mkdir()
    cloud = Cloud(moto_endpoint, templates, pack_home, calls)
    cloud.build()
    yield cloud
    refused = {file.stem: found for file in calls.iterdir() if (found := cloud.refused(file.stem))}
    assert refused == {}


HANDLERS = {
    "register": ("functions.register.handler.handler", ROOT),
    "detect": ("functions.detect.handler.handler", ROOT),
    "roster": ("handler.handler", ROOT / "functions/roster"),
    "retrain": ("handler.handler", ROOT / "functions/retrain"),
    "sweep": ("handler.handler", ROOT / "functions/sweep"),
    "notices": ("handler.handler", ROOT / "functions/notices"),
}
"""The zip functions run from their own folders, as they are shipped."""


class Functions(dict[str, LambdaFunction]):
    """The functions of a deployment, each started when it is first called."""

    def __init__(self, cloud: Cloud, logs: Path) -> None:
        super().__init__()
        self._cloud = cloud
        self._logs = logs

    def __missing__(self, name: str) -> LambdaFunction:
        handler, folder = HANDLERS[name]
        cloud, title = self._cloud, name.title()
        environment = {**cloud.environment, **cloud.recording(title), **cloud.variables(title)}
        self[name] = LambdaFunction(name, handler, folder, environment, self._logs / f"{name}.log")
        return self[name]


@dataclass
class Deployed:
    """A running system."""

    cloud: Cloud
    functions: Functions
    client: httpx.Client


@pytest.fixture
def deployed(cloud: Cloud, tmp_path: Path) -> Iterator[Deployed]:
    """All functions, behind the gateway, the queues and the rules."""
    functions = Functions(cloud, tmp_path)
    gateway = Gateway(cloud.routes(), functions)
    with httpx.Client(base_url=gateway.url, timeout=600, headers={"Authorization": "Bearer token"}) as client:
        yield Deployed(cloud, functions, client)
    gateway.stop()
    for function in functions.values():
        function.stop()
