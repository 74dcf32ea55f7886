"""Alarm with its meaning and a link to the instructions."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct


class ServiceAlarm(cloudwatch.Alarm):
    """Notifies the topic when a metric reaches its limit and when it recovers. Missing data is not an alarm."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        topic: sns.ITopic,
        metric: cloudwatch.IMetric,
        limit: float,
        meaning: str,
        periods: int = 1,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            metric=metric,
            threshold=limit,
            evaluation_periods=periods,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=f"{meaning} What to do: docs/operations.md, alarm {construct_id}.",
        )
        self.add_alarm_action(actions.SnsAction(topic))
        self.add_ok_action(actions.SnsAction(topic))


FIVE_MINUTES = cdk.Duration.minutes(5)
