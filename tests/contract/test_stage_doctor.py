"""`muster doctor` on a stage: it finds what an operator forgot, and changes nothing that lasts."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError

from muster import __version__
from muster.composition.aws_backend import AwsBackend
from muster.composition.aws_settings import AwsSettings
from muster.composition.stage_doctor import check_stage
from muster.domain.errors import NobodyRegistered, NoFace
from muster.domain.upload import UploadKind
from muster.progress import ignore_progress
from muster.services.uploading.arrivals import UploadedPhotos
from muster.services.uploading.rehearsal import UploadRehearsal
from muster.storage.aws.mail_health import is_verified
from muster.storage.aws.stage_health import STACKS, StageHealth, StageNames, StageResources, read_resources
from muster.storage.aws.stage_rehearsal import StageRehearsal
from muster.storage.aws.table import Table
from muster.storage.aws.uploads import AwsUploads
from tests.contract.places import AwsPlace

NOTHING: dict[str, Any] = {"Wait": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}
URL = "https://attendance.example.edu"


class Deployment:
    """The stacks of one stage, with the resources that the checks look at; each stage has a name of its own."""

    def __init__(self, place: AwsPlace) -> None:
        self.place = place
        self.stage = f"s{place.table[-8:]}"
        self.answers: dict[str, tuple[int, bytes]] = {
            "/": (200, b"<html>"),
            "/health": (200, json.dumps({"version": __version__}).encode()),
            "/v1/me": (401, b"{}"),
        }
        self.users = boto3.client("cognito-idp", endpoint_url=place.endpoint)
        self.pool = self.users.create_user_pool(PoolName=self.stage)["UserPool"]["Id"]
        self.users.create_group(UserPoolId=self.pool, GroupName="admin")

    def client(self, service: str) -> Any:
        return boto3.client(cast(Any, service), endpoint_url=self.place.endpoint)

    def deploy(self) -> None:
        stacks: dict[str, dict[str, Any]] = {part: {"Resources": NOTHING} for part in STACKS} | {
            "web": {
                "Resources": NOTHING,
                "Outputs": {"Url": {"Value": URL}, "UserPoolId": {"Value": self.pool}},
            },
            "api": {
                "Resources": {"RosterDeadLetters": {"Type": "AWS::SQS::Queue"}, "Uploads": {"Type": "AWS::SQS::Queue"}},
                "Outputs": {"RetrainFunction": {"Value": "retrain"}},
            },
            "monitoring": {
                "Resources": {
                    "Notices": {"Type": "AWS::SNS::Topic"},
                },
                "Outputs": {"NoticesTopic": {"Value": {"Ref": "Notices"}}},
            },
        }
        cloudformation = self.client("cloudformation")
        for part, template in stacks.items():
            cloudformation.create_stack(StackName=f"muster-{self.stage}-{part}", TemplateBody=json.dumps(template))

    def alarms(self, state: str = "OK", *, silent: bool = False) -> None:
        """Make an alarm that notifies, in a state, and the one that rolls a deployment back, which notifies nobody."""
        topic = self.resources().outputs["NoticesTopic"]
        name = f"muster-{self.stage}-monitoring-DetectErrors4A25B0C3-1XQ8Z0ZK2M3N4"
        self._alarm(f"muster-{self.stage}-api-TrafficDetectFailsE2A9C1B7-0A1B2C3D4E5F", [], enabled=False)
        self._alarm(name, [] if silent else [topic], enabled=True)
        self.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason="Errors.")

    def _alarm(self, name: str, actions: list[str], *, enabled: bool) -> None:
        # The simulation's CloudFormation knows no alarms.
        self.client("cloudwatch").put_metric_alarm(
            AlarmName=name,
            AlarmActions=actions,
            ActionsEnabled=enabled,
            ComparisonOperator="GreaterThanThreshold",
            EvaluationPeriods=1,
            MetricName="Errors",
            Namespace="AWS/Lambda",
            Period=60,
            Statistic="Sum",
            Threshold=1,
        )

    def admin(self) -> None:
        self.users.admin_create_user(UserPoolId=self.pool, Username="ada")
        self.users.admin_add_user_to_group(UserPoolId=self.pool, Username="ada", GroupName="admin")

    def subscribe(self) -> str:
        topic = self.resources().outputs["NoticesTopic"]
        arn = self.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="ops@example.edu")
        return str(arn["SubscriptionArn"])

    def resources(self) -> StageResources:
        return read_resources(self.client("cloudformation"), self.stage)

    def fetch(self, address: str) -> tuple[int, bytes]:
        return self.answers[address.removeprefix(URL)]

    def codes(self) -> list[str]:
        names = StageNames(stage=self.stage, table=self.place.table, pack="embedded", version=__version__)
        return [finding.code for finding in StageHealth(names, self.client, self.fetch).examine()]


@pytest.fixture
def deployment(aws: AwsPlace, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    for name, value in aws.connection().items():
        monkeypatch.setenv(name, value)
    return Deployment(aws)


def test_a_stage_that_was_never_deployed_misses_every_stack(deployment: Deployment) -> None:
    assert deployment.codes().count("stack_missing") == len(STACKS)


def test_what_an_operator_forgets_is_found(deployment: Deployment) -> None:
    deployment.deploy()
    (url,) = [url for url, logical in deployment.resources().found["AWS::SQS::Queue"] if "Dead" in logical]
    deployment.client("sqs").send_message(QueueUrl=url, MessageBody="{}")
    deployment.alarms("ALARM")
    deployment.answers["/v1/me"] = (200, b"{}")
    deployment.answers["/health"] = (200, b'{"version": "0.1.0"}')
    found = set(deployment.codes())
    assert {
        "no_notices",
        "no_admin",
        "dead_letters",
        "alarm",
        "no_recovery",
        "wrong_answer",
        "version_differs",
    } <= found
    assert not {"stack_missing", "stack_failed"} & found


def test_a_complete_stage_has_no_problem(deployment: Deployment) -> None:
    deployment.deploy()
    deployment.admin()
    deployment.subscribe()
    deployment.alarms()
    deployment.client("dynamodb").update_continuous_backups(
        TableName=deployment.place.table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    names = StageNames(stage=deployment.stage, table=deployment.place.table, pack="embedded", version=__version__)
    findings = list(StageHealth(names, deployment.client, deployment.fetch).examine())
    assert [finding for finding in findings if finding.problem and finding.code != "tag_inactive"] == []


def test_a_sender_that_ses_does_not_know_is_not_verified(deployment: Deployment) -> None:
    assert not is_verified(deployment.client("sesv2"), "school@example.edu")


@pytest.mark.parametrize(
    ("account", "found"),
    [
        ({"domain": "example.org"}, ["sender_unverified"]),
        ({"ProductionAccessEnabled": False, "SendingEnabled": True}, ["mail_sandbox"]),
        ({"ProductionAccessEnabled": True, "SendingEnabled": False}, ["mail_paused"]),
        ({"ProductionAccessEnabled": True, "SendingEnabled": True}, []),
    ],
)
def test_mail_that_reaches_nobody_is_found(account: dict[str, Any], found: list[str]) -> None:
    class Ses:
        def get_email_identity(self, EmailIdentity: str) -> dict[str, bool]:  # noqa: N803 as boto3 names it
            return {"VerifiedForSendingStatus": EmailIdentity == account.get("domain", "example.edu")}

        def get_account(self) -> dict[str, Any]:
            return account

    names = StageNames(stage="dev", table="t", pack="embedded", version="1", mail_from="school@example.edu")
    health = StageHealth(names, lambda service: {"sesv2": Ses()}[service], lambda address: (200, b""))
    assert [finding.code for finding in health._mail(StageResources())] == found


def test_alarms_that_only_roll_a_deployment_back_notify_nobody(deployment: Deployment) -> None:
    deployment.deploy()
    deployment.alarms(silent=True)
    codes = deployment.codes()
    assert "no_alarm" in codes
    assert "alarm_silent" not in codes


def test_without_permission_to_list_resources_the_other_checks_go_on(deployment: Deployment) -> None:
    deployment.deploy()
    deployment.alarms("ALARM")

    class Refusing:
        def describe_stacks(self, **_: Any) -> Any:
            return {"Stacks": [{"StackStatus": "CREATE_COMPLETE"}]}

        def get_paginator(self, _: str) -> "Refusing":
            return self

        def paginate(self, **_: Any) -> Any:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "ListStackResources")

    def client(service: str) -> Any:
        return Refusing() if service == "cloudformation" else deployment.client(service)

    names = StageNames(stage=deployment.stage, table=deployment.place.table, pack="embedded", version=__version__)
    found = list(StageHealth(names, client, deployment.fetch).examine())
    assert (found[0].code, found[0].problem, "AccessDenied" in found[0].detail) == ("not_checked", False, True)
    codes = [finding.code for finding in found]
    assert {"no_recovery", "alarm"} <= set(codes)
    assert not {"stack_missing", "no_alarm", "alarm_silent"} & set(codes)


def test_a_mail_that_nobody_confirmed_is_found() -> None:
    listed = {"Subscriptions": [{"SubscriptionArn": "PendingConfirmation", "Endpoint": "ops@example.edu"}]}

    class Sns:
        def list_subscriptions_by_topic(self, TopicArn: str) -> dict[str, Any]:  # noqa: N803 as boto3 names it
            assert TopicArn == "arn:topic"
            return listed

    names = StageNames(stage="dev", table="t", pack="embedded", version="1")
    health = StageHealth(names, lambda service: {"sns": Sns()}[service], lambda address: (200, b""))
    findings = list(health._notices(StageResources(outputs={"NoticesTopic": "arn:topic"})))
    assert [finding.code for finding in findings] == ["mail_unconfirmed"]
    assert "ops@example.edu" in findings[0].detail


class Reader:
    """Stands for the functions: they find no face, and nobody on the roster."""

    def register(self, *_: Any) -> Any:
        raise NoFace("There is no face in the photo.")

    def detect(self, *_: Any, **__: Any) -> Any:
        raise NobodyRegistered("Nobody is registered.")

    run = detect


@pytest.mark.parametrize("reads", [True, False])
def test_test_photos_are_answered_and_leave_nothing(deployment: Deployment, reads: bool) -> None:
    place = deployment.place
    settings = AwsSettings(
        stage="dev", table=place.table, photos_bucket=place.photos, models_bucket=place.models, home=Path("none")
    )
    dynamodb, s3 = place.clients()
    store, stores = AwsUploads(s3, Table(dynamodb, place.table), place.photos), place.open()
    arrivals = UploadedPhotos(store, stores.groups, cast(Any, Reader()), cast(Any, Reader()))
    now = [0.0]

    def pause(seconds: float) -> None:
        now[0] += seconds
        for kind in UploadKind if reads else ():
            listed = s3.list_objects_v2(Bucket=place.photos, Prefix=f"uploads/{kind}/").get("Contents", [])
            for each in listed:
                arrivals.read(kind, cast(Any, each["Key"].rpartition("/")[2]))

    uploads = AwsBackend(settings).on_demand.uploads
    assert uploads is not None
    rehearsal = UploadRehearsal(uploads=uploads, store=store, clock=lambda: now[0], pause=pause)
    assert [finding.code for finding in rehearsal.run()] == ([] if reads else ["upload_unanswered"] * 2)
    assert list(stores.students.find()) == []
    assert list(stores.groups.find()) == []


class CloudWatch:
    """The history that CloudWatch keeps of an alarm's actions, which the simulation does not."""

    def __init__(self, *summaries: str) -> None:
        self.summaries = summaries
        self.raised: list[str] = []
        self.actions = ["arn:topic"]

    def get_paginator(self, operation: str) -> "CloudWatch":
        assert operation == "describe_alarms"
        return self

    def paginate(self, **asked: str) -> list[dict[str, Any]]:
        assert asked == {"AlarmNamePrefix": "muster-dev-"}
        return [
            {
                "MetricAlarms": [
                    {"AlarmName": "muster-dev-monitoring-B", "StateValue": "OK", "AlarmActions": self.actions},
                    {"AlarmName": "muster-dev-monitoring-A", "StateValue": "ALARM", "AlarmActions": self.actions},
                ]
            },
            {"MetricAlarms": [{"AlarmName": "muster-dev-api-TrafficDetectFailsE2A9C1B7-0A1B", "StateValue": "OK"}]},
        ]

    def set_alarm_state(self, **asked: Any) -> None:
        self.raised.append(asked["AlarmName"])

    def describe_alarm_history(self, **_: Any) -> dict[str, Any]:
        return {"AlarmHistoryItems": [{"HistorySummary": summary} for summary in self.summaries]}


@pytest.mark.parametrize(
    ("summaries", "codes"),
    [
        (["Successfully executed action arn:aws:sns:eu-central-1:1:notices"], []),
        (["Failed to execute action arn:aws:sns:eu-central-1:1:notices"], ["alarm_not_sent"]),
        ([], ["alarm_not_sent"]),
    ],
)
def test_a_test_alarm_has_to_reach_the_topic(summaries: list[str], codes: list[str]) -> None:
    cloudwatch, now = CloudWatch(*summaries), [0.0]

    def pause(seconds: float) -> None:
        now[0] += seconds

    resources = StageResources(outputs={"NoticesTopic": "arn:topic"})
    rehearsal = StageRehearsal(
        stage="dev", resources=resources, client=lambda _: cloudwatch, clock=lambda: now[0], pause=pause
    )
    assert [finding.code for finding in rehearsal.alarm()] == codes
    assert cloudwatch.raised == ["muster-dev-monitoring-B"]


def test_no_test_alarm_is_raised_if_none_notifies() -> None:
    cloudwatch = CloudWatch()
    cloudwatch.actions = []
    resources = StageResources(outputs={"NoticesTopic": "arn:topic"})
    rehearsal = StageRehearsal(stage="dev", resources=resources, client=lambda _: cloudwatch)
    assert [finding.code for finding in rehearsal.alarm()] == ["no_alarm"]
    assert cloudwatch.raised == []


class Retrain:
    """The function that starts training; `ends` is called with each event."""

    def __init__(self, ends: Callable[[], None]) -> None:
        self.ends = ends
        self.events: list[dict[str, Any]] = []

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 as boto3 names it
        assert FunctionName == "retrain"
        self.events.append(json.loads(Payload))
        self.ends()
        return {"StatusCode": 200}


@pytest.mark.parametrize(
    ("outcome", "codes"),
    [
        ({"outcome": "kept", "run": "1"}, []),
        ({"outcome": "failed", "reason": "No GPU."}, ["training_failed"]),
        (None, ["training_late"]),
    ],
)
def test_one_training_run_has_to_end(aws: AwsPlace, outcome: dict[str, Any] | None, codes: list[str]) -> None:
    training, now = aws.open().training, [0.0]

    def end() -> None:
        if outcome is not None:
            training.begin("run", datetime.now(UTC), 60)
            training.finish("run", outcome)

    def pause(seconds: float) -> None:
        now[0] += seconds

    function = Retrain(end)
    rehearsal = StageRehearsal(
        stage="dev",
        resources=StageResources(outputs={"RetrainFunction": "retrain"}),
        client=lambda _: function,
        clock=lambda: now[0],
        pause=pause,
    )
    assert [finding.code for finding in rehearsal.training(training)] == codes
    assert len({event["id"] for event in function.events}) == len(function.events) == 1


def test_findings_come_with_the_settings_of_the_environment(deployment: Deployment) -> None:
    place = deployment.place
    settings = AwsSettings(
        stage=deployment.stage,
        table=place.table,
        photos_bucket=place.photos,
        models_bucket=place.models,
        home=Path("none"),
    )
    findings = check_stage(settings, ignore_progress, exercise=False, fetch=deployment.fetch)
    assert [finding.code for finding in findings].count("stack_missing") == len(STACKS)
