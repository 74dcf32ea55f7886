"""Data stack: the table, the photo and model buckets, and the key that encrypts all three."""

from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra import grants, names
from infra.config import StageConfig
from infra.constructs.bucket import AccessLogs, PrivateBucket, removal
from muster.storage.aws import keys

_CHECKPOINTS_KEPT_DAYS: Final = 3
"""A successful job deletes its checkpoint. A failed one leaves it, and an attempt may wait a day for an instance."""


class DataStack(cdk.Stack):
    """All stored data; in prod it is kept when the stack is deleted.

    Photos and models are not versioned, so the objects of an erased student are gone once deleted. The table has
    point-in-time recovery; training copies and heads can be rebuilt from it.

    Attributes:
        stores: table, buckets and key.
        access_logs: the buckets' access logs.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, config: StageConfig, web_origins: list[str], env: cdk.Environment
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            env=env,
            description="Muster: table, photos, models, key",
            termination_protection=config.retain_data,
        )
        key = self._key(config)
        self.access_logs = AccessLogs(
            self, "AccessLogs", days=config.retention.logs, retain=config.retain_data, cloudfront=False
        )
        photos, models = self._photos(config, key, web_origins), self._models(config, key)
        self.stores = grants.Stores(
            key=key,
            table=self._table(config, key),
            photos=names.bucket(config.stage, "photos"),
            models=names.bucket(config.stage, "models"),
        )
        cdk.CfnOutput(self, "TableName", value=self.stores.table.table_name)
        cdk.CfnOutput(self, "PhotosBucket", value=photos.bucket_name)
        cdk.CfnOutput(self, "ModelsBucket", value=models.bucket_name)

    def _key(self, config: StageConfig) -> kms.Key:
        """Return the key. Services that publish to the encrypted topic may use it, if possible for this account only.

        EventBridge names no account when it publishes to an encrypted topic, so its permission has no condition.
        """
        key = kms.Key(
            self,
            "Key",
            alias=f"muster-{config.stage}",
            description="Faces, photos and attendance",
            enable_key_rotation=True,
            pending_window=cdk.Duration.days(30 if config.retain_data else 7),
            removal_policy=removal(retain=config.retain_data),
        )
        own_account: dict[str, object] = {"StringEquals": {"aws:SourceAccount": self.account}}
        for sid, services, conditions in (
            ("Notices", ("cloudwatch", "budgets"), own_account),
            ("EventNotices", ("events",), None),
        ):
            key.add_to_resource_policy(
                iam.PolicyStatement(
                    sid=sid,
                    principals=[iam.ServicePrincipal(f"{service}.amazonaws.com") for service in services],
                    actions=["kms:Decrypt", "kms:GenerateDataKey"],
                    resources=["*"],
                    conditions=conditions,
                )
            )
        return key

    def _table(self, config: StageConfig, key: kms.Key) -> dynamodb.Table:
        text = dynamodb.AttributeType.STRING
        return dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name=keys.PARTITION_KEY, type=text),
            sort_key=dynamodb.Attribute(name=keys.SORT_KEY, type=text),
            time_to_live_attribute=keys.EXPIRES_AT,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            max_read_request_units=config.table_max_reads,
            max_write_request_units=config.table_max_writes,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True, recovery_period_in_days=config.retention.recovery
            ),
            # Retained after a failed first deployment too, because CloudFormation cannot delete a protected table.
            deletion_protection=config.retain_data,
            removal_policy=cdk.RemovalPolicy.RETAIN if config.retain_data else cdk.RemovalPolicy.DESTROY,
        )

    def _photos(self, config: StageConfig, key: kms.Key, web_origins: list[str]) -> s3.Bucket:
        ages = (
            ("uploads", keys.UPLOADS, config.retention.uploads),
            ("registration", keys.REGISTRATION_PHOTOS, config.retention.registration_photos),
            ("sessions", keys.SESSION_PHOTOS, config.retention.session_photos),
        )
        return PrivateBucket(
            self,
            "Photos",
            name=names.bucket(config.stage, "photos"),
            key=key,
            retain=config.retain_data,
            logs=self.access_logs,
            events=True,
            lifecycle=[
                s3.LifecycleRule(id=rule, prefix=prefix, expiration=cdk.Duration.days(days))
                for rule, prefix, days in ages
                if days is not None
            ],
            cors=[
                s3.CorsRule(
                    allowed_origins=web_origins,
                    allowed_methods=[s3.HttpMethods.POST, s3.HttpMethods.GET],
                    allowed_headers=["content-type"],
                    exposed_headers=["ETag"],
                    max_age=3600,
                )
            ],
        )

    def _models(self, config: StageConfig, key: kms.Key) -> s3.Bucket:
        return PrivateBucket(
            self,
            "Models",
            name=names.bucket(config.stage, "models"),
            key=key,
            retain=config.retain_data,
            logs=self.access_logs,
            events=True,
            lifecycle=[
                s3.LifecycleRule(
                    id="checkpoints", prefix=keys.CHECKPOINTS, expiration=cdk.Duration.days(_CHECKPOINTS_KEPT_DAYS)
                )
            ],
        )
