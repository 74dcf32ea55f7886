"""What cdk-nag finds and we accept: one finding at one construct at a time, each with its reason."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def accept(construct: IConstruct, finding: str, reason: str) -> None:
    """Accept one finding, such as `AwsSolutions-S1` or `AwsSolutions-IAM5[Resource::*]`; below the construct too."""
    Validations.of(construct).acknowledge(Acknowledgment(id=finding, reason=reason))
