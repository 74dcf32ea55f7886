"""Settings of the functions and of the training job, read from the environment once, at the edge."""

from pathlib import Path
from typing import Self

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from muster.domain.learning import LearningMode
from muster.recognition.thresholds import Thresholds


class AwsSettings(BaseSettings):
    """What the infrastructure tells every function; each field is read from `MUSTER_<NAME>`.

    Attributes:
        stage: `dev` or `prod`.
        table: name of the DynamoDB table.
        photos_bucket, models_bucket: names of the buckets.
        pack: the model pack in use.
        home: where the image keeps model packs; functions that read no photo have none.
        threads: CPU threads of each model.
        upload_limit_bytes: largest photo that is taken straight to S3.
        target_fpir: share of strangers who may reach the threshold of `present`, 0 to 1.
        keep_sessions_days: sessions are removed after so many days; None keeps them.
        learn: what templates learn from: `automatic` (certain and confirmed faces), `confirmed` faces only, or `off`.
        time_zone: the school's, an IANA name, in which days begin and end.
    """

    model_config = SettingsConfigDict(env_prefix="MUSTER_", frozen=True)

    stage: str
    table: str
    photos_bucket: str
    models_bucket: str
    pack: str = "embedded"
    home: Path = Path("/opt/muster")
    threads: int = Field(default=2, ge=1, le=64)
    upload_limit_bytes: int = Field(default=25_000_000, gt=0)
    target_fpir: float = Field(default=Thresholds().present_fpir, gt=0, lt=1)
    keep_sessions_days: int | None = Field(default=None, ge=1)
    learn: LearningMode = LearningMode.AUTOMATIC
    time_zone: str = "UTC"

    @classmethod
    def read(cls) -> Self:
        """Read the environment.

        Raises:
            pydantic.ValidationError: a variable is missing or malformed; names each.
        """
        return cls.model_validate({})


class RetrainSettings(AwsSettings):
    """What the `retrain` function is told besides: Batch's queue and job definition."""

    job_queue: str
    job_definition: str


class TrainingJobSettings(AwsSettings):
    """What the training job is told besides: the run that it is, and whether to start afresh."""

    run_id: str
    full: bool = False
