"""Private, encrypted buckets with access logs."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.nag import accept


def removal(*, retain: bool) -> cdk.RemovalPolicy:
    """Return the removal policy of stored data.

    Retained data outlives its stack, except for what a failed first deployment created: under its fixed name it would
    make the next attempt fail.
    """
    return cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if retain else cdk.RemovalPolicy.DESTROY


class PrivateBucket(s3.Bucket):
    """A bucket without public access or foreign object owners, for TLS 1.2 or later only.

    With a key, objects are encrypted with it through a bucket key (one KMS call for many objects), and requests for
    another key or another kind of encryption are denied. With `events`, S3 sends object events to EventBridge.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        retain: bool,
        logs: s3.IBucket,
        name: str | None = None,
        key: kms.IKey | None = None,
        versioned: bool = False,
        events: bool = False,
        lifecycle: list[s3.LifecycleRule] | None = None,
        cors: list[s3.CorsRule] | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            bucket_name=name,
            encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=key,
            bucket_key_enabled=key is not None,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            versioned=versioned,
            server_access_logs_bucket=logs,
            server_access_logs_prefix=f"{construct_id.lower()}/",
            lifecycle_rules=[
                s3.LifecycleRule(id="unfinished", abort_incomplete_multipart_upload_after=cdk.Duration.days(1)),
                *(lifecycle or []),
            ],
            cors=cors,
            removal_policy=removal(retain=retain),
        )
        if events:
            resource = self.node.default_child
            assert isinstance(resource, s3.CfnBucket)  # noqa: S101  what an s3.Bucket is made of
            resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
                event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
            )
        if key:
            self._refuse_other_encryption(key)

    def _refuse_other_encryption(self, key: kms.IKey) -> None:
        """Deny uploads that name another key or another kind of encryption; uploads that name none use the bucket's."""
        for sid, header, value in (
            ("OnlyOurKey", "s3:x-amz-server-side-encryption-aws-kms-key-id", key.key_arn),
            ("OnlyKms", "s3:x-amz-server-side-encryption", "aws:kms"),
        ):
            self.add_to_resource_policy(
                iam.PolicyStatement(
                    sid=sid,
                    effect=iam.Effect.DENY,
                    principals=[iam.AnyPrincipal()],
                    actions=["s3:PutObject"],
                    resources=[self.arn_for_objects("*")],
                    conditions={"StringNotEquals": {header: value}, "Null": {header: "false"}},
                )
            )


class AccessLogs(s3.Bucket):
    """Receives the access logs of other buckets or of CloudFront; logs expire by age."""

    def __init__(self, scope: Construct, construct_id: str, *, days: int, retain: bool, cloudfront: bool) -> None:
        ownership = (
            s3.ObjectOwnership.BUCKET_OWNER_PREFERRED if cloudfront else s3.ObjectOwnership.BUCKET_OWNER_ENFORCED
        )
        super().__init__(
            scope,
            construct_id,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=ownership,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            lifecycle_rules=[s3.LifecycleRule(id="expire", expiration=cdk.Duration.days(days))],
            removal_policy=removal(retain=retain),
        )
        accept(
            self, "AwsSolutions-S1", "This bucket receives the access logs; logging its own access would feed itself."
        )
