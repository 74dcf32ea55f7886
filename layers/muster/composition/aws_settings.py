"""Settings of the functions and of the training job, read from the environment once, at the edge."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from muster.composition.replaced_settings import refuse_target_fpir
from muster.domain.learning import LearningMode
from muster.recognition.policy import MAX_WRONG_MARKS, HeadUse, Policy


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
        wrong_marks: accepted wrong marks per 10,000 faces, above 0: strangers or students marked as somebody else.
        head: how the trained head takes part in recognition: `gated`, `always` or `never`.
        target_fpir: no longer a setting; refused with a sentence that names what took its place.
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
    wrong_marks: float = Field(default=Policy().wrong_marks, gt=0, le=MAX_WRONG_MARKS)
    head: HeadUse = HeadUse.GATED
    target_fpir: Annotated[None, BeforeValidator(refuse_target_fpir)] = None
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
