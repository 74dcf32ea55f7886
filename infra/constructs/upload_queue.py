"""Queue of uploaded photos, from S3 to the function that reads them."""

from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.dead_letters import DeadLetterQueue
from infra.constructs.function import ServiceFunction

ATTEMPTS: Final = 8
"""At least five, so that throttling does not lose a message (AWS Lambda Developer Guide, "Creating and configuring an
Amazon SQS event source mapping"). With six minutes between attempts a photo survives an outage of 40 minutes, and
its 1-day retention is never reached. A photo that waits raises its alarm after 15 minutes already."""


class UploadQueue(Construct):
    """`Object Created` under one prefix -> EventBridge -> SQS -> function, one photo at a time.

    Attributes:
        queue: photos to read.
        dead_letters: photos that failed `ATTEMPTS` times, and events that could not be queued.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: str,
        prefix: str,
        reader: ServiceFunction,
        timeout_seconds: int,
        max_at_once: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self.dead_letters = DeadLetterQueue(self, "DeadLetters")
        self.queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            visibility_timeout=cdk.Duration.seconds(6 * timeout_seconds),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=ATTEMPTS),
        )
        events.Rule(
            self,
            "Created",
            description=f"New photos under {prefix}",
            event_pattern=object_created(bucket, prefix),
            targets=[targets.SqsQueue(self.queue, dead_letter_queue=self.dead_letters)],
        )
        reader.live.add_event_source(
            sources.SqsEventSource(
                self.queue, batch_size=1, report_batch_item_failures=True, max_concurrency=max_at_once
            )
        )


def object_created(bucket: str, prefix: str) -> events.EventPattern:
    """Match new objects under a prefix of a bucket."""
    return events.EventPattern(
        source=["aws.s3"],
        detail_type=["Object Created"],
        detail={"bucket": {"name": [bucket]}, "object": {"key": [{"prefix": prefix}]}},
    )


def object_deleted(bucket: str, prefix: str) -> events.EventPattern:
    """Match deleted objects under a prefix, except those that expired by a lifecycle rule."""
    return events.EventPattern(
        source=["aws.s3"],
        detail_type=["Object Deleted"],
        detail={
            "bucket": {"name": [bucket]},
            "object": {"key": [{"prefix": prefix}]},
            "reason": [{"anything-but": ["Lifecycle Expiration"]}],
        },
    )
