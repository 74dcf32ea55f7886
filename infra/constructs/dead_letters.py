"""A queue for what could not be done."""

import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs
from constructs import Construct


class DeadLetters(sqs.Queue):
    """Keeps messages for 14 days, the longest SQS allows; encrypted, TLS only. It is what it should be when empty."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(
            scope,
            construct_id,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(14),
        )
