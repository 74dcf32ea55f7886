"""Stored data: retention, encryption and protection."""

import json
from pathlib import Path

import pytest

from infra.config import STAGES, StageConfig
from muster.domain.identifiers import PackId
from muster.storage.aws.keys import checkpoint_object
from tests.infra.policy import Need, allows
from tests.infra.tables import creation, table_definition
from tests.infra.templates import StageTemplates, Statement

TLS = {"aws:SecureTransport": ["true"], "s3:TlsVersion": ["1.3"]}
CONFIG = {str(config.stage): config for config in STAGES}


@pytest.fixture
def config(stage: StageTemplates) -> StageConfig:
    return CONFIG[stage.stage]


def test_every_bucket_is_private_and_encrypted(stage: StageTemplates) -> None:
    for name, bucket in stage.resources("AWS::S3::Bucket").items():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}, name
        assert bucket["BucketEncryption"], name


def test_photos_and_models_are_encrypted_with_our_key_and_no_other(stage: StageTemplates) -> None:
    buckets = stage.resources("AWS::S3::Bucket", "data")
    for name in ("Photos", "Models"):
        (rule,) = buckets[name]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert stage.plain(rule) == {
            "BucketKeyEnabled": True,
            "ServerSideEncryptionByDefault": {"KMSMasterKeyID": "{Key.Arn}", "SSEAlgorithm": "aws:kms"},
        }


@pytest.mark.parametrize(
    ("headers", "accepted"),
    [
        ({}, True),
        ({"": "aws:kms"}, True),
        ({"": "aws:kms", "-aws-kms-key-id": "{Key.Arn}"}, True),
        ({"": "aws:kms", "-aws-kms-key-id": "arn:aws:kms:other"}, False),
        ({"": "AES256"}, False),
    ],
)
def test_an_upload_that_asks_for_another_encryption_is_denied(
    stage: StageTemplates, headers: dict[str, str], accepted: bool
) -> None:
    context = {f"s3:x-amz-server-side-encryption{name}": [value] for name, value in headers.items()}
    for name in ("Photos", "Models"):
        policy = stage.resources("AWS::S3::BucketPolicy", "data")[f"{name}Policy"]
        allowed = Statement("", "Allow", frozenset(["s3:*"]), frozenset(["*"]), {}, frozenset(["*"]))
        statements = [allowed, *stage.statements(policy["PolicyDocument"])]
        call = Need("s3:PutObject", f"{{{name}.Arn}}/uploads/detect/a", {**TLS, **context}, "a function")
        assert allows(statements, call) is accepted, name


def test_every_bucket_queue_and_topic_refuses_a_request_without_tls(stage: StageTemplates) -> None:
    refusing: dict[str, set[str]] = {}
    for name, statement in stage.resource_policies():
        if statement.effect == "Deny" and statement.conditions.get("Bool") == {"aws:SecureTransport": "false"}:
            refusing[name.removesuffix("Policy")] = set(statement.actions)

    kinds = ("AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::SNS::Topic")
    assert set(refusing) == {name for kind in kinds for name in stage.resources(kind)}


def test_the_photo_bucket_forgets_by_prefix_as_the_stage_says(stage: StageTemplates, config: StageConfig) -> None:
    rules = stage.resources("AWS::S3::Bucket")["Photos"]["LifecycleConfiguration"]["Rules"]
    kept = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "Prefix" in rule}

    assert kept == {
        "uploads/": 1,
        "students/": config.retention.registration_photos,
        "sessions/": config.retention.session_photos,
    }
    assert all(rule["Status"] == "Enabled" for rule in rules)


def test_what_an_interrupted_job_left_expires_and_templates_and_heads_never_do(stage: StageTemplates) -> None:
    rules = stage.resources("AWS::S3::Bucket")["Models"]["LifecycleConfiguration"]["Rules"]
    kept = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "Prefix" in rule}

    assert kept == {"checkpoints/": 3}
    assert checkpoint_object(PackId("embedded-1")).startswith("checkpoints/")


def test_no_old_version_of_a_face_survives_its_erasure(stage: StageTemplates) -> None:
    buckets = stage.resources("AWS::S3::Bucket", "data")

    for name in ("Photos", "Models"):
        assert "VersioningConfiguration" not in buckets[name], name


def test_photos_and_models_tell_eventbridge_of_new_objects(stage: StageTemplates) -> None:
    buckets = stage.resources("AWS::S3::Bucket", "data")
    for name in ("Photos", "Models"):
        notices = buckets[name]["NotificationConfiguration"]
        assert notices == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}, name


def test_only_the_site_may_send_photos_from_a_browser(stage: StageTemplates) -> None:
    (rule,) = stage.resources("AWS::S3::Bucket")["Photos"]["CorsConfiguration"]["CorsRules"]

    assert stage.texts(rule["AllowedOrigins"]) == {"https://{SiteDistribution.DomainName}"}
    # A form with progress asks first, with POST and without further headers; its answer names the object's ETag.
    assert set(rule["AllowedMethods"]) == {"POST", "GET"}
    assert rule["AllowedHeaders"] == ["content-type"]
    assert rule["ExposedHeaders"] == ["ETag"]


def test_the_table_has_the_keys_and_expiry_that_the_store_uses_and_no_index(stage: StageTemplates) -> None:
    """The contract tests of the store run on a table that this definition makes (tests/infra/tables.py)."""
    (table,) = stage.resources("AWS::DynamoDB::Table").values()

    assert table["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    assert {attribute["AttributeType"] for attribute in table["AttributeDefinitions"]} == {"S"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert not {"GlobalSecondaryIndexes", "LocalSecondaryIndexes"} & set(table)
    assert creation(table) == table_definition()


def test_the_table_is_paid_by_use_under_a_ceiling_encrypted_and_recoverable(
    stage: StageTemplates, config: StageConfig
) -> None:
    (table,) = stage.resources("AWS::DynamoDB::Table").values()

    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["OnDemandThroughput"] == {
        "MaxReadRequestUnits": config.table_max_reads,
        "MaxWriteRequestUnits": config.table_max_writes,
    }
    assert stage.plain(table["SSESpecification"]) == {
        "KMSMasterKeyId": "{Key.Arn}",
        "SSEEnabled": True,
        "SSEType": "KMS",
    }
    assert table["PointInTimeRecoverySpecification"] == {
        "PointInTimeRecoveryEnabled": True,
        "RecoveryPeriodInDays": config.retention.recovery,
    }


def test_there_is_one_key_and_it_rotates(stage: StageTemplates) -> None:
    (key,) = stage.resources("AWS::KMS::Key").values()

    assert key["EnableKeyRotation"] is True


def test_production_data_outlives_its_stack(prod: StageTemplates) -> None:
    for kind in ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key", "AWS::Cognito::UserPool"):
        for name, resource in prod.whole(kind).items():
            assert resource["DeletionPolicy"] in ("Retain", "RetainExceptOnCreate"), name
            assert resource["UpdateReplacePolicy"] == "Retain", name
    (table,) = prod.resources("AWS::DynamoDB::Table").values()
    assert table["DeletionProtectionEnabled"] is True
    (pool,) = prod.resources("AWS::Cognito::UserPool").values()
    assert pool["DeletionProtection"] == "ACTIVE"


def test_a_failed_first_deployment_leaves_no_bucket_that_stops_the_next(prod: StageTemplates) -> None:
    for name, bucket in prod.whole("AWS::S3::Bucket").items():
        assert bucket["DeletionPolicy"] == "RetainExceptOnCreate", name


def test_the_stacks_that_hold_data_cannot_be_deleted_by_mistake(assembly: Path) -> None:
    artifacts = json.loads((assembly / "manifest.json").read_text())["artifacts"]
    protected = {name for name, artifact in artifacts.items() if artifact["properties"].get("terminationProtection")}

    assert protected == {"muster-prod-web", "muster-prod-data"}
