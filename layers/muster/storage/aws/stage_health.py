"""Checks of a deployed stage: what an operator forgets, and what a deployment left undone. They change nothing."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from muster.domain.finding import Finding
from muster.storage.aws.mail_health import examine_mail

STACKS: Final = ("web", "data", "training", "api", "monitoring")

_GPU_QUOTA: Final = "L-3819A6DF"
"""Code of the quota "All G and VT Spot Instance Requests" (Service Quotas, Amazon EC2), in vCPU."""

_MIN_GPU_VCPUS: Final = 4
"""Of one g4dn.xlarge, the smallest instance that trains."""

_MIN_CONCURRENCY: Final = 50
"""Functions that run at once when the teachers of a school call the roll at the same time."""

Fetch = Callable[[str], tuple[int, bytes]]
"""Gets an address without signing in; returns status and body. Raises `OSError` if there is no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageNames:
    """What should be deployed.

    Attributes:
        stage: prefix of the stacks' names, after `muster-`.
        pack: name of the model pack.
        version: of the library.
        mail_from: the address that notices of absences come from; empty if the stage sends no mail.
    """

    stage: str
    table: str
    pack: str
    version: str
    mail_from: str = ""


@dataclass(slots=True)
class StageResources:
    """What CloudFormation deployed.

    Attributes:
        statuses: of the stacks that exist, by the last part of their names.
        found: physical ids and logical ids of the resources, by type.
        outputs: of all stacks.
    """

    statuses: dict[str, str] = field(default_factory=dict)
    found: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def topic(self) -> str | None:
        """ARN of the topic that notifies the operators."""
        return self.outputs.get("NoticesTopic")

    def notify(self, alarm: Mapping[str, Any]) -> bool:
        """Return whether an alarm notifies the operators. Those that roll a deployment back do not."""
        return self.topic is not None and self.topic in alarm.get("AlarmActions", [])

    def of(self, kind: str) -> list[str]:
        """Return the physical ids of the resources of a type."""
        return [physical for physical, _ in self.found.get(kind, [])]


def read_resources(cloudformation: Any, stage: str) -> StageResources:
    """Read which stacks and resources a stage has."""
    resources = StageResources()
    for part in STACKS:
        name = f"muster-{stage}-{part}"
        try:
            (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            continue
        resources.statuses[part] = stack["StackStatus"]
        resources.outputs |= {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
        for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=name):
            for each in page["StackResourceSummaries"]:
                ids = (each.get("PhysicalResourceId", ""), each["LogicalResourceId"])
                resources.found.setdefault(each["ResourceType"], []).append(ids)
    return resources


def alarms_of(cloudwatch: Any, stage: str) -> list[dict[str, Any]]:
    """Return the alarms of a stage, ordered by name; CloudFormation begins their names with the stack's."""
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"muster-{stage}-")
    return sorted((alarm for page in pages for alarm in page["MetricAlarms"]), key=lambda alarm: alarm["AlarmName"])


@dataclass(frozen=True, slots=True)
class StageHealth:
    """Examines one stage.

    Attributes:
        client: makes the client of an AWS service, by its name in boto3.
        fetch: gets an address of the stage.
    """

    names: StageNames
    client: Callable[[str], Any]
    fetch: Fetch

    def examine(self) -> Iterator[Finding]:
        """Yield the findings, one check after another. A check that is not permitted is a finding, too."""
        try:
            resources = read_resources(self.client("cloudformation"), self.names.stage)
        except (ClientError, BotoCoreError) as error:
            resources = StageResources()
            detail = f"Not checked: the stacks, and what only their resources name ({_reason(error)})."
            yield Finding("not_checked", detail, problem=False)
        else:
            yield from self._stacks(resources)
        checks: tuple[tuple[str, Callable[[StageResources], Iterator[Finding]]], ...] = (
            ("the table", self._table),
            ("the notices", self._notices),
            ("the alarms", self._alarms),
            ("failed messages", self._dead_letters),
            ("the functions", self._functions),
            ("the accounts", self._accounts),
            ("the web client and the API", self._site),
            ("the quota of GPUs", self._gpu_quota),
            ("the quota of functions", self._function_quota),
            ("the cost tag", self._cost_tag),
            ("mail through Amazon SES", self._mail),
        )
        for title, check in checks:
            try:
                yield from check(resources)
            except (ClientError, BotoCoreError) as error:
                yield Finding("not_checked", f"Not checked: {title} ({_reason(error)}).", problem=False)

    def _stacks(self, resources: StageResources) -> Iterator[Finding]:
        for part in STACKS:
            name, status = f"muster-{self.names.stage}-{part}", resources.statuses.get(part)
            if status is None:
                yield Finding("stack_missing", f"There is no stack {name}: deploy the stage, in the right region.")
            elif "ROLLBACK" in status or "FAILED" in status:
                yield Finding(
                    "stack_failed",
                    f"The last deployment of {name} failed ({status}): see its events, then retry.",
                )
            elif not status.endswith("_COMPLETE"):
                yield Finding("stack_busy", f"The stack {name} is being changed ({status}).", problem=False)

    def _table(self, _: StageResources) -> Iterator[Finding]:
        dynamodb, name = self.client("dynamodb"), self.names.table
        table = dynamodb.describe_table(TableName=name)["Table"]
        if self.names.stage == "prod" and not table.get("DeletionProtectionEnabled"):
            yield Finding("table_unprotected", f"The table {name} can be deleted: deploy the stack data again.")
        backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        recovery = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
        if recovery != "ENABLED":
            yield Finding("no_recovery", f"The table {name} cannot be restored to a time: deploy the stack data again.")

    def _notices(self, resources: StageResources) -> Iterator[Finding]:
        topic = resources.topic
        if topic is None:
            return
        listed = self.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        if not listed:
            yield Finding("no_notices", "Nobody is notified of alarms: set alarm_email and deploy again.")
        for each in listed:
            if not each["SubscriptionArn"].startswith("arn:"):
                yield Finding(
                    "mail_unconfirmed",
                    f"{each['Endpoint']} has not confirmed the notices: open the mail from Amazon SNS, or subscribe "
                    "the address again.",
                )

    def _alarms(self, resources: StageResources) -> Iterator[Finding]:
        found = alarms_of(self.client("cloudwatch"), self.names.stage)
        if not any(map(resources.notify, found)) and "monitoring" in resources.statuses:
            yield Finding("no_alarm", "No alarm of the stage notifies anybody: deploy the stack monitoring again.")
        for alarm in found:
            if alarm["StateValue"] == "ALARM":
                yield Finding("alarm", f"{alarm['AlarmName']} is raised: {alarm.get('AlarmDescription', '')}")
            if resources.notify(alarm) and not alarm.get("ActionsEnabled", True):
                yield Finding("alarm_silent", f"{alarm['AlarmName']} notifies nobody: enable its actions.")

    def _dead_letters(self, resources: StageResources) -> Iterator[Finding]:
        sqs = self.client("sqs")
        for url, logical in resources.found.get("AWS::SQS::Queue", []):
            if "Dead" not in logical:
                continue
            attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
            number = int(attributes["Attributes"]["ApproximateNumberOfMessages"])
            if number:
                yield Finding(
                    "dead_letters", f"{number} messages failed and are kept in {url}: see docs/operations.md, alarms."
                )

    def _functions(self, resources: StageResources) -> Iterator[Finding]:
        client = self.client("lambda")
        for name in resources.of("AWS::Lambda::Function"):
            configuration = client.get_function_configuration(FunctionName=name)
            variables = configuration.get("Environment", {}).get("Variables", {})
            if configuration.get("State") == "Failed" or configuration.get("LastUpdateStatus") == "Failed":
                yield Finding("function_failed", f"{name} failed to start or to update: deploy the stack api again.")
            pack = variables.get("MUSTER_PACK", self.names.pack)
            if pack != self.names.pack:
                yield Finding(
                    "pack_differs",
                    f"{name} uses the pack {pack}, this command {self.names.pack}: set MUSTER_PACK to the stage's.",
                )

    def _mail(self, _: StageResources) -> Iterator[Finding]:
        if self.names.mail_from:
            yield from examine_mail(self.client("sesv2"), self.names.mail_from)

    def _accounts(self, resources: StageResources) -> Iterator[Finding]:
        pool = resources.outputs.get("UserPoolId")
        if pool is None:
            return
        found = self.client("cognito-idp").list_users_in_group(UserPoolId=pool, GroupName="admin", Limit=1)
        if not found["Users"]:
            yield Finding("no_admin", "No account is an admin: `muster users invite ADDRESS --role admin`.")

    def _site(self, resources: StageResources) -> Iterator[Finding]:
        address = resources.outputs.get("Url")
        if address is None:
            return
        expected = (("/", 200, "the web client"), ("/health", 200, "the API"), ("/v1/me", 401, "sign-in at the API"))
        for path, status, title in expected:
            try:
                answered, body = self.fetch(f"{address}{path}")
            except OSError as error:
                yield Finding("unreachable", f"{address}{path} does not answer ({error}).")
                return
            if answered != status:
                yield Finding("wrong_answer", f"{address}{path} answers {answered}, not {status}: check {title}.")
            elif path == "/health":
                yield from self._version(body)

    def _version(self, body: bytes) -> Iterator[Finding]:
        deployed = json.loads(body).get("version")
        if deployed != self.names.version:
            yield Finding(
                "version_differs",
                f"The stage runs Muster {deployed}, and this command is {self.names.version}: deploy the stage, or use "
                "the same version here.",
            )

    def _gpu_quota(self, _: StageResources) -> Iterator[Finding]:
        quota = self.client("service-quotas").get_service_quota(ServiceCode="ec2", QuotaCode=_GPU_QUOTA)["Quota"]
        if quota["Value"] < _MIN_GPU_VCPUS:
            yield Finding(
                "gpu_quota",
                f"The account may run {quota['Value']:.0f} vCPUs of spot instances with a GPU: training waits, then "
                'runs on processors. Request more of "All G and VT Spot Instance Requests".',
                problem=False,
            )

    def _function_quota(self, _: StageResources) -> Iterator[Finding]:
        limit = self.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
        if limit < _MIN_CONCURRENCY:
            yield Finding(
                "function_quota",
                f"The account may run {limit} functions at once, and a school needs {_MIN_CONCURRENCY}: request more "
                'of "Concurrent executions" of AWS Lambda.',
            )

    def _cost_tag(self, _: StageResources) -> Iterator[Finding]:
        found = self.client("ce").list_cost_allocation_tags(Status="Active", TagKeys=["application"])
        if not found["CostAllocationTags"]:
            yield Finding(
                "tag_inactive", "The budget counts nothing: activate the cost allocation tag `application` in Billing."
            )


def _reason(error: ClientError | BotoCoreError) -> str:
    response: Mapping[str, Any] = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code") or type(error).__name__)
