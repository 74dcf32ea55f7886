"""The front door: the site, its headers and the sign-in."""

from tests.infra.templates import StageTemplates


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
    (allowed,) = [one for one in statements if one.effect == "Allow"]

    assert allowed.actions == {"s3:GetObject"}
    assert list(allowed.conditions["StringEquals"].values()) == [
        "arn:{Partition}:cloudfront::{AccountId}:distribution/{SiteDistribution}"
    ]


def test_api_paths_go_to_the_api_uncached_and_over_https_only(stage: StageTemplates) -> None:
    (distribution,) = stage.resources("AWS::CloudFront::Distribution").values()
    config = distribution["DistributionConfig"]
    origins = {origin["Id"]: origin for origin in config["Origins"]}
    behaviors = {one["PathPattern"]: one for one in config["CacheBehaviors"]}

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
    assert not {flow for flow in client.get("ExplicitAuthFlows", []) if "PASSWORD" in flow}
    assert stage.texts(client["CallbackURLs"]) == {"https://{SiteDistribution.DomainName}/"}
    assert client["PreventUserExistenceErrors"] == "ENABLED"
