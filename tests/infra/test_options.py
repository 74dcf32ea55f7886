"""The choices of a stage that are off as shipped."""

import json
import re
from pathlib import Path

import pytest

from muster.api.security_headers import SUBSTITUTE_BASE
from muster.api.substitute_routes import ROUTES
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
    api = chosen.resources("AWS::ApiGatewayV2::Api", "web")["Api"]
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
    open_routes = [route for route in routes.values() if "/v1/" in route["RouteKey"] and "AuthorizerId" not in route]
    (open_to_all,) = (route for route in open_routes if not route["RouteKey"].split()[1].startswith(SUBSTITUTE_BASE))
    assert (open_to_all["RouteKey"], chosen.text(open_to_all["ApiId"])) == ("ANY /v1/{proxy+}", "{ExchangeApi}")
    stage = chosen.resources("AWS::ApiGatewayV2::Stage", "api")["ExchangeStage"]
    assert stage["DefaultRouteSettings"] == {"ThrottlingRateLimit": 5, "ThrottlingBurstLimit": 20}
    logged = stage["AccessLogSettings"]["Format"]
    assert "path" not in logged.lower()
    assert "ExchangeRefused" in chosen.resources("AWS::CloudWatch::Alarm", "monitoring")


@pytest.mark.cdk
def test_substitutes_have_an_api_of_their_own_behind_the_same_address(
    dev: StageTemplates, chosen: StageTemplates
) -> None:
    routes = chosen.resources("AWS::ApiGatewayV2::Route", "api").values()
    keys = {route["RouteKey"] for route in routes if f" {SUBSTITUTE_BASE}/" in route["RouteKey"]}
    sign_in = f"POST {SUBSTITUTE_BASE}/v1/substitutes/sign-in"
    assert keys >= {sign_in, f"ANY {SUBSTITUTE_BASE}/v1/{{proxy+}}", f"POST {SUBSTITUTE_BASE}/mark/detect"}
    of_accounts = {route["RouteKey"] for route in routes if "AuthorizerId" in route}
    # What the functions with models answer to accounts, they answer to substitutes too, if it is open to them.
    plain = {key.replace(f"{SUBSTITUTE_BASE}/", "/") for key in keys - {sign_in}}
    shapes = {re.sub(r"{[^}]*}", "{}", route) for route in ROUTES}
    assert plain == {key for key in of_accounts if re.sub(r"{[^}]*}", "{}", key) in shapes or "proxy" in key}

    stage = chosen.resources("AWS::ApiGatewayV2::Stage", "api")["SubstitutesStage"]
    assert stage["DefaultRouteSettings"] == {"ThrottlingRateLimit": 20, "ThrottlingBurstLimit": 60}
    assert stage["RouteSettings"] == {sign_in: {"ThrottlingRateLimit": 1, "ThrottlingBurstLimit": 10}}
    assert "path" not in stage["AccessLogSettings"]["Format"].lower()
    (distribution,) = chosen.resources("AWS::CloudFront::Distribution").values()
    patterns = {each["PathPattern"] for each in distribution["DistributionConfig"]["CacheBehaviors"]}
    assert f"{SUBSTITUTE_BASE}/*" in patterns
    functions = chosen.resources("AWS::Lambda::Function", "api")
    for name in ("RosterFunction", "DetectFunction", "RegisterFunction", "SweepFunction"):
        assert functions[name]["Environment"]["Variables"]["MUSTER_SUBSTITUTES"] == "true"
    assert "SubstitutesRefused" in chosen.resources("AWS::CloudWatch::Alarm", "monitoring")
    assert not [name for name in dev.resources("AWS::ApiGatewayV2::Api") if "Substitute" in name]
