"""Regions that differ: where CloudFront cannot write its log, and where there are two zones."""

from pathlib import Path
from typing import Any

import pytest

from infra.app import build
from infra.config import DEV
from infra.regions import REGIONS, check
from tests.infra.templates import Json, StageTemplates

# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging-legacy-s3.html
WITHOUT_LOGS = {
    *("af-south-1", "ap-east-1", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ca-west-1", "eu-central-2"),
    *("eu-south-1", "eu-south-2", "il-central-1", "me-central-1", "me-south-1"),
}


def holds(expression: Any, region: str) -> bool:
    """Evaluate a condition of a template in a region."""
    match expression:
        case {"Fn::Or": parts}:
            assert 2 <= len(parts) <= 10, "CloudFormation accepts 2 to 10 conditions"
            return any(holds(part, region) for part in parts)
        case {"Fn::Equals": [{"Ref": "AWS::Region"}, value]}:
            return bool(value == region)
        case _:
            raise NotImplementedError(expression)


def in_region(template: Json, value: Any, region: str) -> Any:
    """Return a value of a template with `Fn::If` decided for a region; what has no value is left out."""
    match value:
        case {"Fn::If": [name, yes, no]}:
            return in_region(template, yes if holds(template["Conditions"][name], region) else no, region)
        case {"Ref": "AWS::NoValue"}:
            return None
        case dict():
            items = ((key, in_region(template, item, region)) for key, item in value.items())
            return {key: item for key, item in items if item is not None}
        case list():
            return [item for item in (in_region(template, item, region) for item in value) if item is not None]
        case _:
            return value


@pytest.mark.parametrize("region", REGIONS)
def test_the_distribution_logs_where_cloudfront_can_write(stage: StageTemplates, region: str) -> None:
    (distribution,) = stage.resources("AWS::CloudFront::Distribution").values()
    config = in_region(stage.stacks["web"], distribution["DistributionConfig"], region)

    assert ("Logging" in config) is (region not in WITHOUT_LOGS)
    if "Logging" in config:
        assert stage.text(config["Logging"]["Bucket"]) == "{SiteAccessLogs.RegionalDomainName}"
        assert config["Logging"]["Prefix"] == "cloudfront/"


@pytest.mark.parametrize(("region", "zones"), [("eu-central-1", 3), ("us-east-1", 3), ("us-west-1", 2)])
def test_training_uses_every_zone_that_a_region_has(stage: StageTemplates, region: str, zones: int) -> None:
    template = stage.stacks["training"]
    there = {
        name: item
        for name, item in template["Resources"].items()
        if "Condition" not in item or holds(template["Conditions"][item["Condition"]], region)
    }
    subnets = {f"{{{name}}}": item for name, item in there.items() if item["Type"] == "AWS::EC2::Subnet"}

    assert len(subnets) == zones
    assert len({str(subnet["Properties"]["AvailabilityZone"]) for subnet in subnets.values()}) == zones
    for environment in stage.resources("AWS::Batch::ComputeEnvironment").values():
        used = in_region(template, environment["ComputeResources"]["Subnets"], region)
        assert len({stage.text(subnet) for subnet in used}) == zones
    routed = {item["Properties"]["RouteTableId"]["Ref"] for item in there.values() if item["Type"] == "AWS::EC2::Route"}
    assert len(routed) == zones
    for endpoint in stage.resources("AWS::EC2::VPCEndpoint").values():
        tables = in_region(template, endpoint["RouteTableIds"], region)
        assert {table["Ref"] for table in tables} == routed


def test_a_region_that_was_not_checked_is_refused_before_anything_is_synthesized(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in (None, *REGIONS):
        check(name)
    monkeypatch.setenv("CDK_DEFAULT_REGION", "cn-north-1")
    with pytest.raises(ValueError, match=r"not checked for the region cn-north-1.*infra/regions\.py"):
        build(tmp_path, [DEV])
