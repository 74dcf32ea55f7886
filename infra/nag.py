"""Acceptance of single cdk-nag findings, each with its reason."""

import aws_cdk as cdk
from constructs import IConstruct


def accept(construct: IConstruct, finding: str, reason: str) -> None:
    """Accept a finding, such as `AwsSolutions-S1` or `AwsSolutions-IAM5[Resource::*]`, at a construct and below."""
    cdk.Validations.of(construct).acknowledge(cdk.Acknowledgment(id=finding, reason=reason))


def reported(text: str) -> str:
    """Return a text with the account's properties in the form of cdk-nag's findings: `<AWS::AccountId>`."""
    for token, written in (
        (cdk.Aws.PARTITION, "<AWS::Partition>"),
        (cdk.Aws.ACCOUNT_ID, "<AWS::AccountId>"),
        (cdk.Aws.REGION, "<AWS::Region>"),
    ):
        text = text.replace(token, written)
    return text
