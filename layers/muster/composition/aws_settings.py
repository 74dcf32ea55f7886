"""Settings of the functions and of the training job, read from the environment once, at the edge."""

import os
from pathlib import Path
from typing import Self

from pydantic import Field

from muster.composition.settings import CommonSettings


class AwsSettings(CommonSettings):
    """Settings that the infrastructure gives every function; each field is read from `MUSTER_<NAME>`.

    Attributes:
        stage: `dev` or `prod`.
        table: name of the DynamoDB table.
        photos_bucket, models_bucket: names of the buckets.
        home: folder of the model packs in the image; functions that read no photo have none.
        upload_limit_bytes: largest photo that is sent straight to S3.
        substitutes: whether the stage has an API for substitutes, who sign in with a code.
        user_pool_id: the stage's user pool, for `muster users`; functions need none.
        webhook_parameter: the parameter of Systems Manager that holds the secret shared with the receiver of events.
    """

    stage: str
    table: str
    photos_bucket: str
    models_bucket: str
    home: Path = Path("/opt/muster")
    upload_limit_bytes: int = Field(default=25_000_000, gt=0)
    substitutes: bool = False
    user_pool_id: str | None = None
    webhook_parameter: str = ""

    @classmethod
    def read(cls) -> Self:
        """Read the environment.

        Raises:
            pydantic.ValidationError: a variable is missing or malformed; names each.
        """
        return cls.model_validate({})


class RetrainSettings(AwsSettings):
    """Settings of the `retrain` function.

    Attributes:
        job_queue, job_definition: queue and job definition of AWS Batch.
        fallback_queue, fallback_definition: those of the processors, where a run goes on that gets no GPU; None if
            training uses no GPU.
    """

    job_queue: str
    job_definition: str
    fallback_queue: str | None = None
    fallback_definition: str | None = None


class TrainingJobSettings(AwsSettings):
    """Settings of the training job.

    Attributes:
        run_id: the run that it carries out.
        full: train from scratch.
        machine: `gpu` or `processors`, for the report of the run.
    """

    run_id: str
    full: bool = False
    machine: str | None = None


def batch_job_id() -> str:
    """Return the id that AWS Batch gave this job, the same for each attempt, or `by-hand` outside Batch."""
    return os.environ.get("AWS_BATCH_JOB_ID", "by-hand")
