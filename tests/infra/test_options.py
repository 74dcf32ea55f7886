"""The choices of a stage that are off as shipped."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from infra.app import build
from infra.config import DEV, ON_PROCESSORS, Domain
from infra.pack_options import Pin
from tests.infra.templates import StageTemplates

CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/0a1b2c3d"
PINNED = "0123456789abcdef" * 4
WEB_ACL = "arn:aws:wafv2:us-east-1:111122223333:global/webacl/muster/0a1b2c3d"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the synthesized stage."""
    return tmp_path_factory.mktemp("options")


@pytest.fixture(scope="module")
def chosen(folder: Path, without_docker_or_account: None) -> StageTemplates:
    """A stage in a named account and region, with everything that can be turned on turned on."""
    config = replace(
        DEV,
        account="111122223333",
        region="eu-central-1",
        alarm_email="head@example.edu",
        domain=Domain(name="attendance.example.edu", certificate_arn=CERTIFICATE),
        web_acl_arn=WEB_ACL,
        countries=("DE", "AT"),
        mfa_required=True,
        threat_protection=True,
        training=ON_PROCESSORS,
        pack="cloud-segmented",
        pack_pins=(Pin(file="head-segmentation.ckpt", sha256=PINNED),),
    )
    build(folder, [config]).synth()
    return StageTemplates.load(folder, "dev")


@pytest.mark.cdk
def test_the_image_is_built_with_the_stages_pack_and_pins(chosen: StageTemplates, folder: Path) -> None:
    assets = json.loads((folder / "muster-dev-api.assets.json").read_text())
    (image,) = assets["dockerImages"].values()

    assert image["source"]["dockerBuildArgs"] == {
        "PACK": "cloud-segmented",
        "PACK_OPTIONS": f"--pin head-segmentation.ckpt={PINNED}",
    }
    (training,) = chosen.resources("AWS::Batch::JobDefinition").values()
    environment = {entry["Name"]: entry["Value"] for entry in training["ContainerProperties"]["Environment"]}
    assert environment["MUSTER_PACK"] == "cloud-segmented"


@pytest.mark.cdk
def test_with_a_domain_of_its_own_the_site_answers_there_and_only_it_may_call_the_api(chosen: StageTemplates) -> None:
    (distribution,) = chosen.resources("AWS::CloudFront::Distribution").values()
    config = distribution["DistributionConfig"]
    (api,) = chosen.resources("AWS::ApiGatewayV2::Api").values()
    (client,) = chosen.resources("AWS::Cognito::UserPoolClient").values()

    assert config["Aliases"] == ["attendance.example.edu"]
    assert config["ViewerCertificate"]["AcmCertificateArn"] == CERTIFICATE
    assert config["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert api["CorsConfiguration"]["AllowOrigins"] == ["https://attendance.example.edu"]
    assert client["CallbackURLs"] == ["https://attendance.example.edu/"]
    (rule,) = chosen.resources("AWS::S3::Bucket")["Photos"]["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedOrigins"] == ["https://attendance.example.edu"]


@pytest.mark.cdk
def test_a_firewall_and_a_list_of_countries_stand_before_the_site(chosen: StageTemplates) -> None:
    (distribution,) = chosen.resources("AWS::CloudFront::Distribution").values()
    config = distribution["DistributionConfig"]

    assert config["WebACLId"] == WEB_ACL
    assert config["Restrictions"]["GeoRestriction"] == {"Locations": ["DE", "AT"], "RestrictionType": "whitelist"}


@pytest.mark.cdk
def test_sign_in_can_score_risk_and_ask_for_a_second_factor(chosen: StageTemplates) -> None:
    (pool,) = chosen.resources("AWS::Cognito::UserPool").values()

    assert pool["UserPoolTier"] == "PLUS"
    assert pool["UserPoolAddOns"] == {"AdvancedSecurityMode": "ENFORCED"}
    assert pool["MfaConfiguration"] == "ON"


@pytest.mark.cdk
def test_somebody_is_told(chosen: StageTemplates) -> None:
    (subscription,) = chosen.resources("AWS::SNS::Subscription").values()

    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "head@example.edu")


@pytest.mark.cdk
def test_training_can_do_without_a_gpu(chosen: StageTemplates) -> None:
    (environment,) = chosen.resources("AWS::Batch::ComputeEnvironment").values()
    (job,) = chosen.resources("AWS::Batch::JobDefinition").values()
    resources = environment["ComputeResources"]

    assert {name.split(".")[0] for name in resources["InstanceTypes"]} == {"m6a", "m6i", "m5"}
    assert resources["Ec2Configuration"] == [{"ImageType": "ECS_AL2023"}]
    asked = {requirement["Type"] for requirement in job["ContainerProperties"]["ResourceRequirements"]}
    assert asked == {"VCPU", "MEMORY"}
