"""What differs between the stages, in one typed place. Change it here, then deploy; nothing else is to be edited."""

from dataclasses import dataclass, field
from typing import Final, Literal

from muster.domain.learning import LearningMode
from muster.recognition.policy import HeadUse, Policy

PACK_HOME: Final = "/opt/muster"
"""Where the images keep the model pack (`MUSTER_HOME` of containers/vision/Dockerfile)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """A host name of your own for the web client and the API.

    Attributes:
        name: for example `attendance.example.edu`; point its DNS record at the distribution after the first deploy.
        certificate_arn: an ACM certificate for that name, in us-east-1, where CloudFront looks for it.
    """

    name: str
    certificate_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSize:
    """Size of one Lambda function.

    Attributes:
        memory_mb: 128 to 10,240; CPU grows with it, 1,769 MB is one vCPU. A new AWS account is held to 3,008.
        timeout_seconds: a request through the gateway ends after 30 s whatever this says; queued photos use it whole.
        reserved_concurrency: instances kept for, and at most used by, this function; None shares the account's pool.
    """

    memory_mb: int
    timeout_seconds: int
    reserved_concurrency: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long things are kept, in days.

    Attributes:
        uploads: raw photos under `uploads/`, a safety net: the functions delete each one as soon as it is read.
        registration_photos: `students/`; recognition needs the template only, so this may be short.
            None keeps them until the student is erased.
        session_photos: `sessions/`, originals and annotated pictures.
        sessions: roll calls with their marks; None keeps them until somebody removes them.
        logs: application, access and job logs.
        recovery: point-in-time recovery of the table, 1 to 35; an erased student lives on in it that long.
    """

    uploads: int
    registration_photos: int | None
    session_photos: int | None
    sessions: int | None = None
    logs: int
    recovery: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """The training job.

    Attributes:
        gpu: whether the job asks for one GPU.
        instance_types: what may be started; all have one GPU where the job asks for it.
        max_vcpus: ceiling of the compute environment; 4 is one g4dn.xlarge. The floor is always 0.
        timeout_minutes: after this a run is ended and counted as failed.
        attempts: a run whose spot instance is taken away is tried this often in all, 1 to 10.
        spot: spare capacity at roughly a third of the price.
    """

    gpu: bool = True
    instance_types: tuple[str, ...] = ("g4dn.xlarge", "g4dn.2xlarge", "g5.xlarge")
    max_vcpus: int = 4
    timeout_minutes: int = 120
    attempts: int = 4
    spot: bool = True


ON_PROCESSORS: Final = Training(gpu=False, instance_types=("m6a.xlarge", "m6i.xlarge", "m5.xlarge"))
"""Training without a GPU, on cheaper instances of the same memory. The head is so small that it trains no slower
(benchmarks/operations/training_gpu.py)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageConfig:
    """One stage of the system.

    Attributes:
        stage: its name; begins every stack's name.
        account, region: where it lives; None takes what the command line's credentials say.
        retain_data: keep table, buckets, key and user pool when the stacks are deleted, and refuse to delete the table.
        alarm_email: who is told of alarms and the budget; None tells nobody (the topic can be subscribed to later).
        monthly_budget_usd: a message at 80 % and 100 % of it, and when the forecast passes it.
        cost_center: value of the cost tag of that name.
        pack: the model pack in the vision image.
        learn: what templates learn from: `automatic`, `confirmed` or `off`.
        wrong_marks: accepted wrong marks per 10,000 faces.
        head: how the trained head takes part in recognition: `gated`, `always` or `never`.
        time_zone: the school's, an IANA name such as `Europe/Berlin`: when a day begins in reports.
        upload_limit_bytes: largest photo that a presigned upload takes.
        requests_per_second, burst: throttle of the API, all callers together.
        table_most_reads, table_most_writes: request units a second that on-demand may reach, a ceiling of the bill.
        register, detect, roster, retrain: sizes of the functions.
        queued_photos_at_once: instances that work on queued uploads, each kind; at least 2 (a limit of AWS).
        mfa_required: teachers sign in with an authenticator app as well.
        threat_protection: Cognito's risk scoring; bills for every active user.
        domain: a host name of your own.
        web_acl_arn: an AWS WAF web ACL (scope CLOUDFRONT) to put before the distribution; bills monthly.
        countries: ISO codes from which the site answers; empty means everywhere.
    """

    stage: Literal["dev", "prod"]
    account: str | None = None
    region: str | None = None
    retain_data: bool
    alarm_email: str | None = None
    monthly_budget_usd: int
    cost_center: str = "attendance"
    pack: str = "embedded"
    learn: LearningMode = LearningMode.AUTOMATIC
    wrong_marks: float = Policy().wrong_marks
    head: HeadUse = HeadUse.GATED
    time_zone: str = "UTC"
    upload_limit_bytes: int = 25_000_000
    requests_per_second: int
    burst: int
    table_most_reads: int
    table_most_writes: int
    retention: Retention
    register: FunctionSize = field(default=FunctionSize(memory_mb=3008, timeout_seconds=60))
    detect: FunctionSize = field(default=FunctionSize(memory_mb=3008, timeout_seconds=60))
    roster: FunctionSize = field(default=FunctionSize(memory_mb=512, timeout_seconds=29))
    retrain: FunctionSize = field(default=FunctionSize(memory_mb=256, timeout_seconds=30))
    queued_photos_at_once: int = 2
    training: Training = field(default=Training())
    mfa_required: bool
    threat_protection: bool = False
    domain: Domain | None = None
    web_acl_arn: str | None = None
    countries: tuple[str, ...] = ()


DEV = StageConfig(
    stage="dev",
    retain_data=False,
    monthly_budget_usd=20,
    requests_per_second=20,
    burst=40,
    table_most_reads=2_000,
    table_most_writes=500,
    retention=Retention(uploads=1, registration_photos=30, session_photos=7, logs=7, recovery=1),
    mfa_required=False,
)

PROD = StageConfig(
    stage="prod",
    retain_data=True,
    monthly_budget_usd=200,
    requests_per_second=200,
    burst=400,
    table_most_reads=20_000,
    table_most_writes=4_000,
    retention=Retention(uploads=1, registration_photos=365, session_photos=30, logs=90, recovery=14),
    queued_photos_at_once=20,
    training=Training(max_vcpus=8),
    mfa_required=True,
)

STAGES: Final = (DEV, PROD)
