"""What `register` and `detect` are: one application over the whole system, each given routes and uploads of its own."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.logging import correlation_paths
from mangum import Mangum

from functions.uploaded import upload_reader
from muster.api.app import create_app
from muster.api.problems import MEDIA_TYPE
from muster.composition.aws import open_access
from muster.composition.aws_recognition import open_services, open_uploaded_photos
from muster.composition.aws_settings import AwsSettings

logger = Logger()
tracer = Tracer(patch_modules=["botocore"])
metrics = Metrics()

settings = AwsSettings.read()
access = open_access(settings)
system = open_services(settings, access)
# Without its lifespan: training runs elsewhere, and a frozen function has no background.
http = Mangum(create_app(system), lifespan="off", text_mime_types=["application/json", MEDIA_TYPE])
uploads = upload_reader(open_uploaded_photos(access, system), logger, metrics)


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: Any) -> Any:
    """Answer one request, or read the photos of one batch."""
    if "Records" in event:
        return uploads(event, context)
    answer = http(event, context)
    # The route, not the path: a path may hold a student's id.
    logger.info("answered", route=event["routeKey"], status=answer["statusCode"])
    return answer
