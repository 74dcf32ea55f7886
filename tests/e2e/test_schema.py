"""Whatever is sent, nothing fails in an unforeseen way, and every answer is one that the OpenAPI document tells of."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, openapi
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.types import ASGIApp

from muster.api.app import create_app
from muster.api.system import Services
from muster.composition.local import LocalServices
from muster.domain.identifiers import UserId
from muster.domain.user import Role, User
from tests.contract.places import AwsPlace
from tests.e2e.aws_services import Gateway, aws_services
from tests.e2e.serving import serving
from tests.simulated_aws import simulated_aws

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
IDS = {
    "student_id": ["s1", "s2", "nobody"],
    "group_id": ["7b", "8a", "none"],
    "session_id": ["monday", "sunday"],
}


@dataclass(frozen=True)
class Target:
    """A system to send requests to, and how many for each operation and kind of data."""

    system: Services
    app: ASGIApp
    headers: dict[str, str]
    requests: int


@pytest.fixture(scope="module")
def aws_endpoint() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with simulated_aws() as endpoint:
        yield endpoint


@pytest.fixture
def local_target(system: LocalServices) -> Target:
    token = system.users.add(User(UserId("admin"), Role.ADMIN))
    # So many requests in so little time come from nobody else.
    unlimited = replace(system, limits=None)
    return Target(system, create_app(unlimited), {"Authorization": f"Bearer {token}"}, 20)


@pytest.fixture
def aws_target(aws_endpoint: str, pack_home: Path) -> Target:
    services = aws_services(AwsPlace.new(aws_endpoint), pack_home)
    return Target(services, Gateway(create_app(services), {"admin": Role.ADMIN}, default="admin"), {}, 6)


@pytest.fixture(params=["local", "aws"])
def target(request: pytest.FixtureRequest) -> Target:
    target: Target = request.getfixturevalue(f"{request.param}_target")
    return target


@pytest.fixture
def client(target: Target, samples: Path) -> Iterator[httpx.Client]:
    """A client of a system with a registered student, one without a photo, and a session."""
    with serving(target.app) as address, httpx.Client(base_url=address, headers=target.headers, timeout=600) as client:
        portrait = (samples / "gallery" / "barack_obama.jpg").read_bytes()
        photo = (samples / "photos" / "group.jpg").read_bytes()
        form = {"student_id": "s1", "name": "Ada", "group_id": "7b", "consent": "true"}
        enrolled = {"student_id": "s2", "name": "Bob", "group_ids": ["7b", "8a"]}
        for answer in (
            client.post("/register/register-student", data=form, files={"image": portrait}),
            client.post("/v1/students", json=enrolled),
            client.post("/mark/detect", data={"group_id": "7b", "session_id": "monday"}, files={"images": photo}),
        ):
            assert answer.status_code < 300, answer.text
        yield client


@pytest.mark.large
def test_every_answer_is_one_that_the_document_tells_of(target: Target, client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    results = list(openapi.from_dict(document).get_all_operations())
    found = [result.ok() for result in results if isinstance(result, Ok)]
    assert len(found) == len(results)
    assert len(found) > 30
    photo = client.get("/v1/sessions/monday/photos").json()[0]
    ids = {**IDS, "photo_id": [photo["photo_id"]], "face_id": [face["face_id"] for face in photo["faces"]]}
    failures: list[str] = []
    # What is deleted is missing afterwards.
    for operation in sorted(found, key=lambda one: one.method == "delete"):
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                strategy = operation.as_strategy(generation_mode=mode)
                _repeated(_fuzz(strategy, ids, target.requests, str(client.base_url), target.headers))
            except Unsatisfiable:
                # It takes nothing that could be wrong.
                assert mode is GenerationMode.NEGATIVE
            except FailureGroup as group:
                failures.extend(f"{operation.label} {mode}: {failure}" for failure in group.exceptions)
    assert not failures, "\n\n".join(failures)


def _repeated(fuzz: Callable[[], None]) -> None:
    """Run again what Hypothesis could not begin because the server, a thread of this process, imported a module.

    To describe a strategy it iterates over `sys.modules`, which may change by then.
    """
    for attempt in range(3):
        try:
            fuzz()
        except RuntimeError as error:
            if attempt == 2 or "dictionary changed size during iteration" not in str(error):
                raise
        else:
            return


def _fuzz(
    strategy: st.SearchStrategy[Case[Any]],
    ids: dict[str, list[str]],
    requests: int,
    address: str,
    headers: dict[str, str],
) -> Callable[[], None]:
    @settings(
        max_examples=requests,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy, data=st.data())
    def fuzz(case: Case[Any], data: st.DataObject) -> None:
        for place in (case.path_parameters, case.query, case.body):
            _name_known(place, ids, data)
        if data.draw(st.booleans()):
            case.headers["If-Match"] = "*"
        case.call_and_validate(base_url=address, headers=headers, checks=CHECKS)

    return fuzz


def _name_known(place: Any, ids: dict[str, list[str]], data: st.DataObject) -> None:
    """Put ids that are there in the place of generated ones, most of the time."""
    for name in place if isinstance(place, dict) else ():
        if name in ids and isinstance(place[name], str) and data.draw(st.integers(0, 3)):
            place[name] = data.draw(st.sampled_from(ids[name]))
