"""Lambda handler that starts training jobs, one at a time, on changed templates and on jobs that ended."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)

from muster.composition.aws import open_access, open_retraining
from muster.composition.aws_settings import RetrainSettings
from muster.services.training.retraining import EndedJob, EventEffect
from muster.storage.aws.batch_jobs import run_of_job
from muster.storage.aws.keys import EXPIRES_AT, PARTITION_KEY, SORT_KEY, TRAINING

logger = Logger()
metrics = Metrics()

settings = RetrainSettings.read()
access = open_access(settings)
retraining = open_retraining(settings, access)
seen = DynamoDBPersistenceLayer(
    table_name=settings.table,
    key_attr=PARTITION_KEY,
    static_pk_value=TRAINING,
    sort_key_attr=SORT_KEY,
    expiry_attr=EXPIRES_AT,
    boto3_client=access.dynamodb,
)
# EventBridge retries an event for 24 hours.
once = IdempotencyConfig(expires_after_seconds=25 * 3600, event_key_jmespath="id", hash_function="sha256")


@idempotent_function(  # type: ignore[untyped-decorator]
    data_keyword_argument="event", persistence_store=seen, config=once, key_prefix="EVENT"
)
def decide(event: dict[str, Any]) -> str:
    """Handle an event exactly once and return the decision."""
    event_id, detail = str(event["id"]), event["detail"]
    if event["source"] == "aws.s3":
        return retraining.templates_changed(event_id).value
    run_id = run_of_job(str(detail["jobName"]))
    if run_id is None:
        return EventEffect.IGNORED.value
    job = EndedJob(
        run_id=run_id,
        job_id=str(detail["jobId"]),
        failed=detail["status"] == "FAILED",
        reason=str(detail.get("statusReason", "The job ended without a reason.")),
    )
    return retraining.job_ended(job, event_id).value


@logger.inject_lambda_context(correlation_id_path=correlation_paths.EVENT_BRIDGE)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    """Handle an EventBridge event."""
    once.register_lambda_context(context)
    decision = decide(event=event)
    logger.info("decided", decision=decision, source=event["source"])
    if decision == EventEffect.STARTED:
        metrics.add_metric(name="TrainingRunsStarted", unit=MetricUnit.Count, value=1)
    return {"decision": decision}
