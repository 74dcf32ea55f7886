"""A Lambda function as all of ours are: its own role and log group, traced, its lost events kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.config import FunctionSize, StageConfig
from infra.constructs.dead_letters import DeadLetters
from infra.constructs.log_group import ServiceLog
from infra.review import accept

RUNTIME: Final = lambda_.Runtime.PYTHON_3_14


@dataclass(frozen=True, slots=True)
class ImageCode:
    """A handler in a container image.

    Attributes:
        root: build context, the repository's root.
        dockerfile: relative to the root.
        handler: `package.module.function`, given to the image as its command.
        arguments: of the image's build.
    """

    root: Path
    dockerfile: str
    handler: str
    arguments: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ZipCode:
    """A handler in a folder of its own, on the library's layer.

    Attributes:
        folder: holds `handler.py`.
        layer: the library and its dependencies.
    """

    folder: Path
    layer: lambda_.ILayerVersion


class ServiceFunction(Construct):
    """One function, with least privileges to begin with: it may write its own log and its traces.

    Attributes:
        function: the Lambda function.
        role: its role, to be given what it needs by `infra.grants`.
        log_group: its log.
        dead_letters: asynchronous events that failed every attempt.
        name: the short name, such as `detect`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: StageConfig,
        size: FunctionSize,
        code: ImageCode | ZipCode,
        environment: Mapping[str, str],
    ) -> None:
        super().__init__(scope, construct_id)
        self.name = construct_id.lower()
        self.log_group = ServiceLog(self, "Log", config=config)
        self.dead_letters = DeadLetters(self, "DeadLetters")
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.role.add_to_policy(
            iam.PolicyStatement(
                sid="Log",
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[self.log_group.log_group_arn],
            )
        )
        accept(
            self.role,
            "AwsSolutions-IAM5[Resource::*]",
            "xray:PutTraceSegments and xray:PutTelemetryRecords know no resources.",
        )
        variables = {**environment, "POWERTOOLS_SERVICE_NAME": self.name}
        self.function = (
            self._image(code, config, size, variables)
            if isinstance(code, ImageCode)
            else self._zip(code, config, size, variables)
        )

    def _image(
        self, code: ImageCode, config: StageConfig, size: FunctionSize, variables: dict[str, str]
    ) -> lambda_.Function:
        return lambda_.DockerImageFunction(
            self,
            "Function",
            code=lambda_.DockerImageCode.from_image_asset(
                str(code.root),
                file=code.dockerfile,
                cmd=[code.handler],
                platform=ecr_assets.Platform.LINUX_AMD64,
                build_args=dict(code.arguments),
            ),
            architecture=lambda_.Architecture.X86_64,
            description=f"Muster {config.stage} {self.name}",
            environment=variables,
            memory_size=size.memory_mb,
            timeout=cdk.Duration.seconds(size.timeout_seconds),
            reserved_concurrent_executions=size.reserved_concurrency,
            role=self.role,
            log_group=self.log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            tracing=lambda_.Tracing.ACTIVE,
            dead_letter_queue=self.dead_letters,
        )

    def _zip(
        self, code: ZipCode, config: StageConfig, size: FunctionSize, variables: dict[str, str]
    ) -> lambda_.Function:
        return lambda_.Function(
            self,
            "Function",
            code=lambda_.Code.from_asset(str(code.folder), exclude=["__pycache__", "*.pyc"]),
            handler="handler.handler",
            runtime=RUNTIME,
            layers=[code.layer],
            architecture=lambda_.Architecture.X86_64,
            description=f"Muster {config.stage} {self.name}",
            environment=variables,
            memory_size=size.memory_mb,
            timeout=cdk.Duration.seconds(size.timeout_seconds),
            reserved_concurrent_executions=size.reserved_concurrency,
            role=self.role,
            log_group=self.log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            tracing=lambda_.Tracing.ACTIVE,
            dead_letter_queue=self.dead_letters,
        )

    def errors(self, period: cdk.Duration) -> cloudwatch.Metric:
        """Return the number of failed invocations."""
        return self.function.metric_errors(period=period)

    def throttles(self, period: cdk.Duration) -> cloudwatch.Metric:
        """Return the number of invocations refused for want of concurrency."""
        return self.function.metric_throttles(period=period)

    @property
    def lost(self) -> sqs.IQueue:
        """The queue of asynchronous events that failed every attempt."""
        return self.dead_letters
