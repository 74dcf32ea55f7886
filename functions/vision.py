"""Shared Lambda handler of `register` and `detect`.

Both run the full API. Routes and upload queues decide which requests each one gets.
"""

import gc

# Imports make many objects and little garbage: without this, collections took a quarter of the cold start.
gc.disable()

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.logging import correlation_paths
from mangum import Mangum

from functions.uploaded import upload_reader
from muster.api.app import create_app
from muster.api.problems import MEDIA_TYPE
from muster.api.security_headers import SUBSTITUTE_BASE
from muster.composition.aws import open_access
from muster.composition.aws_recognition import open_services, open_uploaded_photos
from muster.composition.aws_settings import AwsSettings

logger = Logger()
metrics = Metrics()

settings = AwsSettings.read()
access = open_access(settings)
# Every photo is stored, so the client is created now rather than during the first request.
access.s3.meta  # noqa: B018
services = open_services(settings, access)
# No lifespan: training runs elsewhere, and a frozen function has no background work.
http = Mangum(
    create_app(services),
    lifespan="off",
    api_gateway_base_path=SUBSTITUTE_BASE,
    text_mime_types=["application/json", MEDIA_TYPE],
)
uploads = upload_reader(open_uploaded_photos(access, services), logger, metrics)

gc.enable()
gc.freeze()


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: Any) -> Any:
    """Handle an API request, or read the photos of one SQS batch."""
    if "Records" in event:
        return uploads(event, context)
    response = http(event, context)
    # The route, not the path, which may contain a student's id.
    logger.info("answered", route=event["routeKey"], status=response["statusCode"])
    return response
