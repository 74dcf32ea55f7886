"""Lambda handler of the daily sweep, which may take longer than a request."""

from typing import Any

from aws_lambda_powertools import Logger

from muster.composition.aws import open_access, open_retention
from muster.composition.aws_settings import AwsSettings

logger = Logger()

settings = AwsSettings.read()
access = open_access(settings)
retention = open_retention(settings, access)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> None:
    """Complete interrupted work and remove old sessions. A sweep that is cut off is continued by the next one."""
    access.stores.sweep()
    retention.run()
    logger.info("swept")
