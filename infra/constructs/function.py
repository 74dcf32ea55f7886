"""Lambda function with its own role, log group, tracing and dead-letter queue."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.config import FunctionSize, StageConfig
from infra.constructs.dead_letters import DeadLetterQueue
from infra.constructs.log_group import ServiceLog
from infra.nag import accept

RUNTIME: Final = lambda_.Runtime.PYTHON_3_14

LIVE: Final = "live"
"""Name of the alias that callers invoke. Stacks share it and the function's name, never a version, which changes."""


@dataclass(frozen=True, slots=True)
class ImageCode:
    """A handler in a container image.

    Attributes:
        root: build context, the repository's root.
        dockerfile: path relative to the root.
        handler: `package.module.function`, the command of the image.
        arguments: build arguments of the image.
    """

    root: Path
    dockerfile: str
    handler: str
    arguments: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ZipCode:
    """A handler in a folder, on the library's layer.

    Attributes:
        folder: holds `handler.py`.
        layer: the library and its dependencies.
    """

    folder: Path
    layer: lambda_.ILayerVersion


class ServiceFunction(Construct):
    """A function that may write its own log and traces, and nothing else until `infra.grants.allow` adds to it.

    Attributes:
        function: the Lambda function.
        live: the alias that every caller invokes; a deployment moves it to the new version.
        role: its role.
        log_group: its log.
        dead_letters: queue of asynchronous events that failed every attempt.
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
        self.dead_letters = DeadLetterQueue(self, "DeadLetters")
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
        common: dict[str, Any] = {
            "architecture": lambda_.Architecture.X86_64,
            "description": f"Muster {config.stage} {self.name}",
            "environment": {**environment, "POWERTOOLS_SERVICE_NAME": self.name},
            "memory_size": size.memory_mb,
            "timeout": cdk.Duration.seconds(size.timeout_seconds),
            "reserved_concurrent_executions": size.reserved_concurrency,
            "role": self.role,
            "log_group": self.log_group,
            "logging_format": lambda_.LoggingFormat.JSON,
            "tracing": lambda_.Tracing.ACTIVE,
            "dead_letter_queue": self.dead_letters,
        }
        if isinstance(code, ImageCode):
            image = lambda_.DockerImageCode.from_image_asset(
                str(code.root),
                file=code.dockerfile,
                cmd=[code.handler],
                platform=ecr_assets.Platform.LINUX_AMD64,
                build_args=dict(code.arguments),
            )
            self.function: lambda_.Function = lambda_.DockerImageFunction(self, "Function", code=image, **common)
        else:
            self.function = lambda_.Function(
                self,
                "Function",
                code=lambda_.Code.from_asset(str(code.folder), exclude=["__pycache__", "*.pyc"]),
                handler="handler.handler",
                runtime=RUNTIME,
                layers=[code.layer],
                **common,
            )

        self.live = lambda_.Alias(self, "Live", alias_name=LIVE, version=self.function.current_version)

    def errors(self, period: cdk.Duration) -> cloudwatch.Metric:
        """Return the number of failed invocations."""
        return self.function.metric_errors(period=period)

    def throttles(self, period: cdk.Duration) -> cloudwatch.Metric:
        """Return the number of invocations throttled because no concurrency was left."""
        return self.function.metric_throttles(period=period)
