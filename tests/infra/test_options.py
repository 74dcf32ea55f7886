"""The choices of a stage that are off as shipped."""

import json
from pathlib import Path

import pytest

from tests.infra.conftest import CERTIFICATE, PINNED, WEB_ACL
from tests.infra.templates import StageTemplates


@pytest.mark.cdk
def test_the_image_is_built_with_the_stages_pack_and_pins(chosen: StageTemplates, options: Path) -> None:
    assets = json.loads((options / "muster-dev-api.assets.json").read_text())
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
    (api,) = chosen.resources("AWS::ApiGatewayV2::Api", "web").values()
    (client,) = chosen.resources("AWS::Cognito::UserPoolClient").values()

    assert config["Aliases"] == ["attendance.example.edu"]
    assert config["ViewerCertificate"]["AcmCertificateArn"] == CERTIFICATE
    assert config["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert api["CorsConfiguration"]["AllowOrigins"] == ["https://attendance.example.edu"]
    origins = ["https://attendance.example.edu", "https://{SiteDistribution.DomainName}"]
    for pages in ("CallbackURLs", "LogoutURLs"):
        assert [chosen.text(page) for page in client[pages]] == [f"{origin}/" for origin in origins]
    (rule,) = chosen.resources("AWS::S3::Bucket")["Photos"]["CorsConfiguration"]["CorsRules"]
    assert [chosen.text(origin) for origin in rule["AllowedOrigins"]] == origins


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
    retrain = chosen.resources("AWS::Lambda::Function")["RetrainFunction"]["Environment"]["Variables"]
    assert "MUSTER_FALLBACK_QUEUE" not in retrain
    rules = chosen.resources("AWS::Events::Rule")
    assert {"TrainingFailed", "TrainingWaits", "DeadlineWaitsForProcessors"} <= set(rules)
    assert not {"TrainingWithoutGpu", "DeadlineWaitsForGpu"} & set(rules)


@pytest.mark.cdk
def test_other_systems_have_an_api_of_their_own_with_a_low_throttle(
    dev: StageTemplates, chosen: StageTemplates
) -> None:
    assert len(dev.resources("AWS::ApiGatewayV2::Api")) == 1
    routes = chosen.resources("AWS::ApiGatewayV2::Route", "api")
    (open_to_all,) = (route for route in routes.values() if "/v1/" in route["RouteKey"] and "AuthorizerId" not in route)
    assert (open_to_all["RouteKey"], chosen.text(open_to_all["ApiId"])) == ("ANY /v1/{proxy+}", "{ExchangeApi}")
    (stage,) = chosen.resources("AWS::ApiGatewayV2::Stage", "api").values()
    assert stage["DefaultRouteSettings"] == {"ThrottlingRateLimit": 5, "ThrottlingBurstLimit": 20}
    logged = stage["AccessLogSettings"]["Format"]
    assert "path" not in logged.lower()
    assert "ExchangeRefused" in chosen.resources("AWS::CloudWatch::Alarm", "monitoring")
