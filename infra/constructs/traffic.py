"""Gradual deployment of new versions of the functions, and instances that wait for the first lesson."""

from collections.abc import Sequence
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.config import FirstLesson, StageConfig
from infra.constructs.alarm import FIVE_MINUTES
from infra.constructs.function import LIVE, ServiceFunction
from infra.nag import accept

MIN_ERRORS: Final = 3
MAX_ERROR_PERCENT: Final = 5
"""A new version is rolled back if it fails at least so often in five minutes, and in more than so many per cent of its
invocations."""


class TrafficShift(Construct):
    """Moves the alias of each function by CodeDeploy, and back if the new version fails.

    A stage with `canary` sends 10 % of the requests to the new version for five minutes; otherwise all at once.

    Attributes:
        alarms: the share of errors of each new version, by function.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, config: StageConfig, functions: Sequence[ServiceFunction]
    ) -> None:
        super().__init__(scope, construct_id)
        configs = codedeploy.LambdaDeploymentConfig
        shift = configs.CANARY_10_PERCENT_5_MINUTES if config.canary else configs.ALL_AT_ONCE
        application = codedeploy.LambdaApplication(self, "Application")
        role = self._role(functions)
        self.alarms: dict[str, cloudwatch.Alarm] = {}
        for function in functions:
            alarm = self._alarm(function)
            group = codedeploy.LambdaDeploymentGroup(
                self,
                f"{function.node.id}Group",
                application=application,
                alias=function.live,
                deployment_config=shift,
                alarms=[alarm],
                # Immutable, because the construct would attach a managed policy for all functions of the account.
                role=role.without_policy_updates(),
            )
            group.node.add_dependency(role)
            self.alarms[function.name] = alarm

    def _role(self, functions: Sequence[ServiceFunction]) -> iam.Role:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("codedeploy.amazonaws.com"))
        arns = [function.function.function_arn for function in functions]
        role.add_to_policy(
            iam.PolicyStatement(
                sid="MoveAliases",
                actions=["lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig"],
                resources=[*arns, *(f"{arn}:*" for arn in arns)],
            )
        )
        role.add_to_policy(
            iam.PolicyStatement(sid="ReadAlarms", actions=["cloudwatch:DescribeAlarms"], resources=["*"])
        )
        stack = cdk.Stack.of(self)
        for function in functions:
            name = stack.get_logical_id(_resource(function))
            accept(role, f"AwsSolutions-IAM5[Resource::<{name}.Arn>:*]", "The versions and the alias of this function.")
        accept(role, "AwsSolutions-IAM5[Resource::*]", "DescribeAlarms reads the state of alarms and nothing else.")
        return role

    def _alarm(self, function: ServiceFunction) -> cloudwatch.Alarm:
        """Return the alarm on errors of the new version alone, so a broken live version cannot stop its repair.

        One timeout, or a photo that fails whenever it is retried, is no reason to go back. CloudWatch evaluates the
        last five minutes, the length of the canary, again each minute.
        """
        dimensions = {
            "FunctionName": function.function.function_name,
            # Not the alias itself, which depends on the deployment group and so on this alarm.
            "Resource": f"{function.function.function_name}:{LIVE}",
            "ExecutedVersion": function.function.current_version.version,
        }
        failed = cloudwatch.MathExpression(
            expression=f"IF(errors >= {MIN_ERRORS}, 100 * errors / invocations, 0)",
            using_metrics={
                "errors": function.live.metric_errors(dimensions_map=dimensions),
                "invocations": function.live.metric_invocations(dimensions_map=dimensions),
            },
            label="Failed invocations (%)",
            period=FIVE_MINUTES,
        )
        return cloudwatch.Alarm(
            self,
            f"{function.node.id}Fails",
            metric=failed,
            threshold=MAX_ERROR_PERCENT,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=f"The new version of {function.name} failed; its deployment is rolled back.",
        )


def keep_warm(function: ServiceFunction, lesson: FirstLesson, time_zone: str) -> None:
    """Keep instances of a function ready on school days, before the first lesson until its end."""
    target = function.live.add_auto_scaling(min_capacity=0, max_capacity=lesson.instances)
    zone = cdk.TimeZone.of(time_zone)
    for name, time, instances in (("Warm", lesson.start, lesson.instances), ("Cool", lesson.end, 0)):
        hour, minute = time.split(":")
        target.scale_on_schedule(
            name,
            schedule=scaling.Schedule.cron(hour=str(int(hour)), minute=str(int(minute)), week_day=lesson.days),
            time_zone=zone,
            min_capacity=instances,
            max_capacity=instances,
        )


def _resource(function: ServiceFunction) -> cdk.CfnElement:
    child = function.function.node.default_child
    if not isinstance(child, cdk.CfnElement):
        raise TypeError(f"{function.name} has no resource")
    return child
