"""The front door: the site, its headers and the sign-in."""

import json
import re
from pathlib import Path

import pytest

from infra.app import ROOT
from muster.api.middleware.web_client import SETTINGS
from muster.api.security_headers import HEADERS, content_security_policy
from tests.infra.templates import StageTemplates

WEB = ROOT / "web"


def policy(stage: StageTemplates) -> dict[str, list[str]]:
    (headers,) = stage.resources("AWS::CloudFront::ResponseHeadersPolicy").values()
    security = headers["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    text = stage.text(security["ContentSecurityPolicy"]["ContentSecurityPolicy"])
    return {name: sources for name, *sources in (part.split() for part in text.split(";"))}


def test_the_site_runs_its_own_scripts_only(stage: StageTemplates) -> None:
    rules = policy(stage)

    assert rules["default-src"] == ["'none'"]
    assert rules["script-src"] == ["'self'"]
    assert rules["style-src"] == ["'self'"]
    assert rules["frame-ancestors"] == ["'none'"]
    assert not any("unsafe" in source or source in ("*", "https:") for sources in rules.values() for source in sources)


def test_the_policy_allows_the_cloud_no_more_than_the_local_server_but_three_origins(stage: StageTemplates) -> None:
    local = {name: sources for name, *sources in (part.split() for part in content_security_policy().split(";"))}
    cloud = policy(stage)

    assert cloud.pop("upgrade-insecure-requests") == []
    assert cloud.keys() == local.keys()
    assert {name for name in local if cloud[name] != local[name]} == {"connect-src", "img-src"}
    assert all(cloud[name][: len(local[name])] == local[name] for name in local)


def test_the_pages_keep_the_headers_of_the_local_server(stage: StageTemplates) -> None:
    (headers,) = stage.resources("AWS::CloudFront::ResponseHeadersPolicy").values()
    config = headers["ResponseHeadersPolicyConfig"]
    custom = {header["Header"]: header["Value"] for header in config["CustomHeadersConfig"]["Items"]}

    assert custom == {name: HEADERS[name] for name in ("Permissions-Policy", "Cross-Origin-Opener-Policy")}
    assert config["SecurityHeadersConfig"]["ContentTypeOptions"] == {"Override": True}
    assert config["SecurityHeadersConfig"]["ReferrerPolicy"]["ReferrerPolicy"] == HEADERS["Referrer-Policy"]


def test_the_clients_files_and_its_settings_are_delivered_and_asked_for_anew_each_time(
    stage: StageTemplates, assembly: Path
) -> None:
    (delivery,) = stage.resources("Custom::CDKBucketDeployment").values()
    folders = [assembly / f"asset.{stage.text(key).removesuffix('.zip')}" for key in delivery["SourceObjectKeys"]]
    files, settings = folders

    shipped = {path.relative_to(WEB) for path in WEB.rglob("*") if path.is_file()}
    assert {path.relative_to(files) for path in files.rglob("*") if path.is_file()} == shipped
    assert Path("index.html") in shipped
    # Nobody keeps the service worker or a page that a deployment has replaced: with an old one, phones would stay old.
    assert delivery["SystemMetadata"] == {"cache-control": "no-cache"}
    assert delivery["DistributionPaths"] == ["/*"]
    assert delivery["Prune"] is True
    # What only the deployment knows stands there as a mark that is not yet JSON.
    told = re.sub("<<.*?>>", "null", (settings / "config.json").read_text())
    assert json.loads(told).keys() == SETTINGS.keys()
    assert not (files / "config.json").exists(), "it would stand in the place of the stage's settings"


@pytest.mark.cdk
def test_a_site_without_files_still_has_its_settings(changed_files: StageTemplates) -> None:
    (delivery,) = changed_files.resources("Custom::CDKBucketDeployment").values()
    assert len(delivery["SourceObjectKeys"]) == 1
    assert delivery["Prune"] is False


def test_the_site_talks_to_itself_the_sign_in_and_the_photo_bucket_only(stage: StageTemplates) -> None:
    assert policy(stage)["connect-src"] == [
        "'self'",
        f"https://muster-{stage.stage}-{{AccountId}}.auth.{{Region}}.amazoncognito.com",
        f"https://muster-{stage.stage}-photos-{{AccountId}}-{{Region}}.s3.{{Region}}.{{URLSuffix}}",
    ]


def test_the_sign_in_pages_named_in_the_policy_exist(stage: StageTemplates) -> None:
    (domain,) = stage.resources("AWS::Cognito::UserPoolDomain").values()

    assert stage.text(domain["Domain"]) == f"muster-{stage.stage}-{{AccountId}}"


def test_only_the_distribution_reads_the_site_bucket(stage: StageTemplates) -> None:
    statements = stage.statements(stage.resources("AWS::S3::BucketPolicy", "web")["SiteWebPolicy"]["PolicyDocument"])
    (allowed,) = [statement for statement in statements if statement.effect == "Allow"]

    assert allowed.actions == {"s3:GetObject"}
    assert list(allowed.conditions["StringEquals"].values()) == [
        "arn:{Partition}:cloudfront::{AccountId}:distribution/{SiteDistribution}"
    ]


def test_api_paths_go_to_the_api_uncached_and_over_https_only(stage: StageTemplates) -> None:
    (distribution,) = stage.resources("AWS::CloudFront::Distribution").values()
    config = distribution["DistributionConfig"]
    origins = {origin["Id"]: origin for origin in config["Origins"]}
    behaviors = {behavior["PathPattern"]: behavior for behavior in config["CacheBehaviors"]}

    assert set(behaviors) == {"/v1/*", "/register/*", "/mark/*", "/health"}
    for behavior in behaviors.values():
        assert behavior["ViewerProtocolPolicy"] == "https-only"
        assert behavior["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "AWS's id of CachingDisabled"
        origin = origins[behavior["TargetOriginId"]]
        assert stage.text(origin["DomainName"]) == "{Api}.execute-api.{Region}.{URLSuffix}"
        assert origin["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"
    assert config["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "redirect-to-https"
    assert "CustomErrorResponses" not in config, "they would turn the API's 404 into the start page"


def test_nobody_can_sign_up_by_themselves(stage: StageTemplates) -> None:
    (pool,) = stage.resources("AWS::Cognito::UserPool").values()
    groups = {group["GroupName"] for group in stage.resources("AWS::Cognito::UserPoolGroup").values()}

    assert pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True
    assert groups == {"admin", "teacher"}


def test_production_asks_for_a_second_factor(prod: StageTemplates) -> None:
    (pool,) = prod.resources("AWS::Cognito::UserPool").values()

    assert pool["MfaConfiguration"] == "ON"
    assert pool["EnabledMfas"] == ["SOFTWARE_TOKEN_MFA"]


def test_the_web_client_holds_no_secret_and_no_password_flow_and_returns_to_the_site_only(
    stage: StageTemplates,
) -> None:
    (client,) = stage.resources("AWS::Cognito::UserPoolClient").values()

    assert client["GenerateSecret"] is False
    assert client["AllowedOAuthFlows"] == ["code"]
    assert client["ExplicitAuthFlows"] == ["ALLOW_REFRESH_TOKEN_AUTH"], "without a list Cognito allows passwords by SRP"
    for pages in ("CallbackURLs", "LogoutURLs"):
        assert stage.texts(client[pages]) == {"https://{SiteDistribution.DomainName}/"}
    assert client["PreventUserExistenceErrors"] == "ENABLED"
