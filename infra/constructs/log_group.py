"""Log group with a retention period."""

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.config import StageConfig

_PERIODS = {
    1: logs.RetentionDays.ONE_DAY,
    7: logs.RetentionDays.ONE_WEEK,
    14: logs.RetentionDays.TWO_WEEKS,
    30: logs.RetentionDays.ONE_MONTH,
    90: logs.RetentionDays.THREE_MONTHS,
    180: logs.RetentionDays.SIX_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
}


def retention_days(days: int) -> logs.RetentionDays:
    """Return CloudWatch's retention period for a number of days.

    Raises:
        ValueError: it is not one of the supported periods.
    """
    if days not in _PERIODS:
        raise ValueError(f"logs can be kept for {sorted(_PERIODS)} days, not {days}")
    return _PERIODS[days]


class ServiceLog(logs.LogGroup):
    """A log group with the retention of its stage, deleted with its stack."""

    def __init__(self, scope: Construct, construct_id: str, *, config: StageConfig) -> None:
        super().__init__(
            scope,
            construct_id,
            retention=retention_days(config.retention.logs),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
