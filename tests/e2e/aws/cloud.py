"""The system of the synthesized template on a simulated AWS: its table, buckets, rules, queues and functions."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3

from tests import processes
from tests.e2e.aws import calls
from tests.e2e.aws.batch import job_detail
from tests.e2e.aws.gateway import Route
from tests.infra.policy import allows
from tests.infra.tables import creation
from tests.infra.templates import StageTemplates, Statement
from tests.operator_policy import operator_statements

REGION, ACCOUNT = "eu-central-1", "123456789012"
OPERATOR = "Operator"
ROOT = Path(__file__).parents[3]
Event = dict[str, Any]

ACCOUNT_NAMES = {
    "{AccountId}": ACCOUNT,
    "{Region}": REGION,
    "{Partition}": "aws",
    "{URLSuffix}": "amazonaws.com",
}


@dataclass
class Cloud:
    """One stage, built from its templates on the simulated service at `endpoint`."""

    endpoint: str
    templates: StageTemplates
    pack_home: Path
    calls: Path
    names: dict[str, str] = field(default_factory=lambda: dict(ACCOUNT_NAMES))
    queues: dict[str, str] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        session = boto3.Session("test", "test", region_name=REGION)
        return session.client(service, endpoint_url=self.endpoint)  # type: ignore[call-overload]

    @property
    def environment(self) -> dict[str, str]:
        """What Lambda puts into every process, and where the simulated services are."""
        return {**self.access, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}

    @property
    def access(self) -> dict[str, str]:
        """Where the simulated services are, and the credentials of a role. Batch gives a job no more than these."""
        return {"AWS_ENDPOINT_URL": self.endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}

    def recording(self, process: str) -> dict[str, str]:
        """Return what makes a process write down the calls that it makes."""
        return {**calls.ENVIRONMENT, "MUSTER_TEST_CALLS": str(self.calls / f"{process}.jsonl")}

    def refused(self, process: str) -> set[tuple[str, str]]:
        """Return, of the calls that a process made so far, what its role in the template does not allow.

        The policy of the process `Operator` is not in the template.
        """
        if process == OPERATOR:
            statements = operator_statements(self._names_in_policy())
        else:
            statements = [
                Statement(statement.sid, statement.effect, statement.actions, *self.resolved_grant(statement))
                for statement in self.templates.grants[f"{process}Role"]
            ]
        made = calls.calls_in(self.calls / f"{process}.jsonl")
        needed = (need for call in made for need in calls.needs(call, REGION, ACCOUNT))
        return {(need.action, need.resource) for need in needed if not allows(statements, need)}

    def _names_in_policy(self) -> dict[str, str]:
        stage = self.variables("Roster")
        return {
            "REGION": REGION,
            "ACCOUNT": ACCOUNT,
            "TABLE": stage["MUSTER_TABLE"],
            "PHOTOS": stage["MUSTER_PHOTOS_BUCKET"],
            "MODELS": stage["MUSTER_MODELS_BUCKET"],
        }

    def resolved_grant(self, statement: Statement) -> tuple[frozenset[str], dict[str, Any]]:
        """Return the resources and conditions of a statement with the names that things have here."""
        return frozenset(self.resolved(sorted(statement.resources))), self.resolved(statement.conditions)

    def resolved(self, value: Any) -> Any:
        """Write out a value of the template with the names that things have here."""
        text = json.dumps(self.templates.plain(value))
        for reference, name in self.names.items():
            text = text.replace(reference, name)
        return json.loads(text)

    def build(self) -> None:
        self._table()
        self._buckets()
        self._batch()
        self._rules()

    def _table(self) -> None:
        (table,) = (self.resolved(resource) for resource in self.templates.resources("AWS::DynamoDB::Table").values())
        name = f"table-{uuid4().hex[:8]}"
        self.names |= {"{Table}": name, "{Table.Arn}": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"}
        self.client("dynamodb").create_table(TableName=name, **creation(table))

    def _buckets(self) -> None:
        s3 = self.client("s3")
        for variable in ("MUSTER_PHOTOS_BUCKET", "MUSTER_MODELS_BUCKET"):
            name = self.variables("Register")[variable]
            s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
            s3.put_bucket_notification_configuration(
                Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}}
            )

    def _batch(self) -> None:
        role = self.client("iam").create_role(RoleName="batch-role", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        batch = self.client("batch")
        environment = batch.create_compute_environment(
            computeEnvironmentName="training", type="UNMANAGED", serviceRole=role
        )["computeEnvironmentArn"]
        order = [{"order": 1, "computeEnvironment": environment}]
        for name, queue in self.templates.resources("AWS::Batch::JobQueue").items():
            self.names[f"{{{name}.JobQueueArn}}"] = batch.create_job_queue(
                jobQueueName=queue.get("JobQueueName", name),
                state="ENABLED",
                priority=1,
                computeEnvironmentOrder=order,
            )["jobQueueArn"]
        for job in map(self.resolved, self.templates.resources("AWS::Batch::JobDefinition").values()):
            variables = [{"name": v["Name"], "value": v["Value"]} for v in job["ContainerProperties"]["Environment"]]
            batch.register_job_definition(
                jobDefinitionName=job["JobDefinitionName"],
                type="container",
                containerProperties={"image": "training", "vcpus": 1, "memory": 512, "environment": variables},
            )

    def _rules(self) -> None:
        """Put each rule of the template, with a queue behind it that stands for its target."""
        events, sqs = self.client("events"), self.client("sqs")
        for name, rule in self.templates.resources("AWS::Events::Rule").items():
            self.queues[name] = sqs.create_queue(QueueName=name)["QueueUrl"]
            arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
            if "ScheduleExpression" in rule:
                events.put_rule(Name=name, ScheduleExpression=rule["ScheduleExpression"])
            else:
                events.put_rule(Name=name, EventPattern=json.dumps(self.resolved(rule["EventPattern"])))
            events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])

    def variables(self, function: str) -> dict[str, str]:
        """Return the environment of a function of the template."""
        properties = self.templates.resources("AWS::Lambda::Function")[f"{function}Function"]
        variables: dict[str, str] = self.resolved(properties["Environment"]["Variables"])
        if "MUSTER_HOME" in variables:
            variables["MUSTER_HOME"] = str(self.pack_home)
        return variables

    def routes(self) -> list[Route]:
        """Return the routes of the template."""
        integrations = self.templates.resources("AWS::ApiGatewayV2::Integration")
        found = []
        for route in map(self.templates.plain, self.templates.resources("AWS::ApiGatewayV2::Route").values()):
            integration = integrations[route["Target"].removeprefix("integrations/{").removesuffix("}")]
            uri = self.templates.text(integration["IntegrationUri"])
            function = uri.removeprefix("{").removesuffix("Live}").lower()
            found.append(Route(route["RouteKey"], function, route["AuthorizationType"] == "JWT"))
        return found

    def events(self, rule: str) -> list[Event]:
        """Take the events that a rule has sent on, oldest first."""
        return list(self._received(self.queues[rule]))

    def _received(self, queue: str) -> Iterator[Event]:
        sqs = self.client("sqs")
        while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                # The simulation gives all events of S3 one id; the real service gives each its own.
                yield {**json.loads(message["Body"]), "id": message["MessageId"]}

    def job_state_changed(self, job: Event, status: str, reason: str = "", rule: str = "TrainingEnded") -> Event:
        """Send the event that Batch sends when a job's state changes, and return it as the rule passes it on."""
        self.send_batch_event("Batch Job State Change", job, status, reason)
        (event,) = self.events(rule)
        return event

    def send_batch_event(self, kind: str, job: Event, status: str, reason: str) -> None:
        detail = job_detail(job, job["jobQueue"], status, reason)
        entry = {"Source": "aws.batch", "DetailType": kind, "Detail": json.dumps(detail), "Resources": [job["jobArn"]]}
        self.client("events").put_events(Entries=[entry])

    def jobs(self, queue: str = "GpuQueue") -> list[Event]:
        """Return the jobs submitted to a queue of the template so far, oldest first."""
        batch, arn = self.client("batch"), self.names[f"{{{queue}.JobQueueArn}}"]
        listed = batch.list_jobs(jobQueue=arn, jobStatus="SUCCEEDED")["jobSummaryList"]
        if not listed:
            return []
        found: list[Event] = batch.describe_jobs(jobs=[summary["jobId"] for summary in listed])["jobs"]
        order = [summary["jobId"] for summary in listed]
        return [{**job, "jobQueue": arn} for job in sorted(found, key=lambda job: order.index(job["jobId"]))]

    def start_job(self, job: Event) -> subprocess.Popen[str]:
        """Run a submitted job as Batch does: the container's command with the job's environment, and no other."""
        variables = {variable["name"]: variable["value"] for variable in job["container"]["environment"]}
        return processes.start(
            ["-m", "muster.entrypoints.training_job"],
            trains=True,
            env={**self.access, **self.recording("Job"), **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run_job(self, job: Event) -> dict[str, Any]:
        """Run a submitted job to its end and return its report, the last line of its log."""
        process = self.start_job(job)
        log, _ = process.communicate(timeout=840)
        assert process.returncode == 0, log
        report: dict[str, Any] = json.loads(log.strip().splitlines()[-1])
        return report

    @cached_property
    def bucket_of_photos(self) -> str:
        return self.variables("Register")["MUSTER_PHOTOS_BUCKET"]


def as_batch(*events: Event) -> Event:
    """Wrap events as the batch that SQS gives to a function."""
    records = [
        {
            "messageId": str(uuid4()),
            "receiptHandle": "handle",
            "body": json.dumps(event),
            "attributes": {"ApproximateReceiveCount": "1"},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:uploads",
            "awsRegion": REGION,
        }
        for event in events
    ]
    return {"Records": records}
