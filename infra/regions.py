"""Regions that were checked, and what differs between them.

Sources: "Choose an S3 bucket for your standard logs" in the CloudFront Developer Guide; "AWS Regions and Availability
Zones"; for the regions that refuse CloudFront's logs also aws-samples/bedrock-chat, issues 366 and 367.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import aws_cdk as cdk
from constructs import Construct

_CONDITIONS_PER_FUNCTION: Final = 10
"""Limit of CloudFormation's `Fn::Or`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """What the templates need to know about a region.

    Attributes:
        cloudfront_logs: whether CloudFront writes its access logs to a bucket there. The newer regions, which an
            account has to enable first, refuse them.
        zones: availability zones that every account has.
    """

    cloudfront_logs: bool = True
    zones: int = 3


_ENABLED_FIRST: Final = Region(cloudfront_logs=False)

REGIONS: Final[dict[str, Region]] = {
    "af-south-1": _ENABLED_FIRST,
    "ap-east-1": _ENABLED_FIRST,
    "ap-northeast-1": Region(),
    "ap-northeast-2": Region(),
    "ap-northeast-3": Region(),
    "ap-south-1": Region(),
    "ap-south-2": _ENABLED_FIRST,
    "ap-southeast-1": Region(),
    "ap-southeast-2": Region(),
    "ap-southeast-3": _ENABLED_FIRST,
    "ap-southeast-4": _ENABLED_FIRST,
    "ca-central-1": Region(),
    "ca-west-1": _ENABLED_FIRST,
    "eu-central-1": Region(),
    "eu-central-2": _ENABLED_FIRST,
    "eu-north-1": Region(),
    "eu-south-1": _ENABLED_FIRST,
    "eu-south-2": _ENABLED_FIRST,
    "eu-west-1": Region(),
    "eu-west-2": Region(),
    "eu-west-3": Region(),
    "il-central-1": _ENABLED_FIRST,
    "me-central-1": _ENABLED_FIRST,
    "me-south-1": _ENABLED_FIRST,
    "sa-east-1": Region(),
    "us-east-1": Region(),
    "us-east-2": Region(),
    "us-west-1": Region(zones=2),
    "us-west-2": Region(),
}


def check(region: str | None) -> None:
    """Refuse a region that was not checked; None is a region that is not known yet.

    Raises:
        ValueError: the region is not in the table.
    """
    if region is not None and region not in REGIONS:
        raise ValueError(
            f"Muster was not checked for the region {region}. Choose one of {', '.join(REGIONS)}, or check this one "
            "and add it to infra/regions.py."
        )


def only_where(scope: Construct, construct_id: str, regions: Iterable[str]) -> cdk.CfnCondition:
    """Return a condition that holds in the given regions, whichever one a template is deployed to."""
    here = [cdk.Fn.condition_equals(cdk.Aws.REGION, region) for region in sorted(regions)]
    parts = [
        cdk.Fn.condition_or(*here[start : start + _CONDITIONS_PER_FUNCTION])
        for start in range(0, len(here), _CONDITIONS_PER_FUNCTION)
    ]
    return cdk.CfnCondition(scope, construct_id, expression=cdk.Fn.condition_or(*parts))
