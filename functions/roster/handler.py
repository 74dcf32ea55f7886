"""Lambda handler of the requests that need no model."""

import gc

# Imports make many objects and little garbage: without this, collections took a quarter of the cold start.
gc.disable()

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging import correlation_paths
from mangum import Mangum

from muster.api.app import create_app
from muster.api.problems import MEDIA_TYPE
from muster.api.security_headers import SUBSTITUTE_BASE
from muster.composition.aws import open_access, open_records
from muster.composition.aws_settings import AwsSettings

logger = Logger()

settings = AwsSettings.read()
access = open_access(settings)
# No lifespan: training runs elsewhere, and a frozen function has no background work.
http = Mangum(
    create_app(open_records(settings, access)),
    lifespan="off",
    api_gateway_base_path=SUBSTITUTE_BASE,
    text_mime_types=["application/json", MEDIA_TYPE],
)

gc.enable()
gc.freeze()


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Handle an API request."""
    response: dict[str, Any] = http(event, context)
    # The route, not the path, which may contain a student's id.
    logger.info("answered", route=event["routeKey"], status=response["statusCode"])
    return response
