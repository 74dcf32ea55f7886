"""Handler of photos uploaded to S3, for the functions that read photos."""

import json
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from muster.domain.upload import UploadState
from muster.services.uploading.arrivals import UploadedPhotos
from muster.storage.aws.uploads import read_upload_object


def upload_reader(
    photos: UploadedPhotos, logger: Logger, metrics: Metrics
) -> Callable[[dict[str, Any], LambdaContext], Any]:
    """Return a handler of SQS events. Photos that cannot be read for now are reported as failed and delivered again."""
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)

    def read(record: SQSRecord) -> None:
        event = json.loads(record.body)
        logger.set_correlation_id(event["id"])
        announced = read_upload_object(event["detail"]["object"]["key"])
        if announced is None:
            logger.warning("event for an object that is not an upload")
            return
        kind, upload_id = announced
        upload = photos.read(kind, upload_id)
        state = "unannounced" if upload is None else upload.state.value
        logger.info("upload read", upload_id=upload_id, kind=kind.value, state=state)
        name = "UploadsRead" if state == UploadState.DONE else "UploadsRefused"
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=1)

    def handle(event: dict[str, Any], context: LambdaContext) -> Any:
        return process_partial_response(event=event, record_handler=read, processor=processor, context=context)

    return handle
