"""Synthesizes every stage once, and two variants of dev, with no Docker to call and no account to ask."""

from dataclasses import replace
from pathlib import Path

import pytest

from infra.app import ROOT, build
from infra.config import DEV, ON_PROCESSORS, STAGES, AbsenceNotices, Domain
from infra.pack_options import Pin
from infra.single_sign_on import OpenIdProvider
from muster.domain.user import Role
from tests.infra.templates import StageTemplates

CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/0a1b2c3d"
PINNED = "0123456789abcdef" * 4
WEB_ACL = "arn:aws:wafv2:us-east-1:111122223333:global/webacl/muster/0a1b2c3d"


@pytest.fixture(scope="session", params=[config.stage for config in STAGES])
def stage(assembly: Path, request: pytest.FixtureRequest) -> StageTemplates:
    return StageTemplates.load(assembly, request.param)


@pytest.fixture(scope="session")
def dev(assembly: Path) -> StageTemplates:
    return StageTemplates.load(assembly, "dev")


@pytest.fixture(scope="session")
def prod(assembly: Path) -> StageTemplates:
    return StageTemplates.load(assembly, "prod")


@pytest.fixture(scope="session")
def options(tmp_path_factory: pytest.TempPathFactory, without_docker_or_account: None) -> Path:
    """The cloud assembly of dev in a named account and region, with everything that can be turned on turned on."""
    folder = tmp_path_factory.mktemp("options")
    config = replace(
        DEV,
        account="111122223333",
        region="eu-central-1",
        alarm_email="head@example.edu",
        single_sign_on=OpenIdProvider(
            name="School",
            issuer="https://login.microsoftonline.com/0a1b2c3d/v2.0",
            client_id="5e6f7081",
            client_secret="muster/dev/single-sign-on",
            roles_claim="roles",
            roles={"Muster.Teacher": Role.TEACHER, "Muster.Admin": Role.ADMIN},
        ),
        domain=Domain(name="attendance.example.edu", certificate_arn=CERTIFICATE),
        web_acl_arn=WEB_ACL,
        countries=("DE", "AT"),
        mfa_required=True,
        threat_protection=True,
        api_tokens=True,
        notices=AbsenceNotices(
            mail_from="school@example.edu",
            office=("office@example.edu", "head@example.edu"),
            office_language="de",
            webhook_url="https://sis.example.edu/absences",
            webhook_parameter="/muster/dev/webhook",
        ),
        substitutes=True,
        training=ON_PROCESSORS,
        pack="cloud-segmented",
        pack_pins=(Pin(file="head-segmentation.ckpt", sha256=PINNED),),
    )
    build(folder, [config]).synth()
    return folder


@pytest.fixture(scope="session")
def chosen(options: Path) -> StageTemplates:
    """The templates of `options`."""
    return StageTemplates.load(options, "dev")


@pytest.fixture(scope="session")
def changed_files(tmp_path_factory: pytest.TempPathFactory, without_docker_or_account: None) -> StageTemplates:
    """Dev from a repository without the web client, whose README.md differs."""
    root = tmp_path_factory.mktemp("changed")
    for name in ("functions", "layers", "containers", "requirements"):
        (root / name).symlink_to(ROOT / name)
    (root / ".dockerignore").write_text((ROOT / ".dockerignore").read_text())
    (root / "README.md").write_text((ROOT / "README.md").read_text() + "One more line.\n")
    build(root / "cdk.out", [DEV], root=root).synth()
    return StageTemplates.load(root / "cdk.out", "dev")
