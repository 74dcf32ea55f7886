"""Configuration of the stages. To change a stage, edit it here and deploy."""

import re
from dataclasses import dataclass, field, replace
from typing import Final, Literal
from urllib.parse import urlsplit

from infra.pack_options import Pin, check_pack
from infra.single_sign_on import SingleSignOn
from muster.domain.learning import LearningMode
from muster.domain.user import parse_email
from muster.recognition.policy import HeadUse, Policy

PACK_HOME: Final = "/opt/muster"
"""Folder of the model pack in the images (`MUSTER_HOME` of containers/vision/Dockerfile)."""

_MAX_REGISTRATIONS_AT_ONCE: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """Custom host name of the web client and the API. It can be added, changed and removed at any time.

    Attributes:
        name: for example `attendance.example.edu`; after the deployment, point its DNS record at the host name in the
            output `DistributionName`. That name goes on working.
        certificate_arn: an ACM certificate for that name, in us-east-1, as CloudFront requires.
    """

    name: str
    certificate_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSize:
    """Size of one Lambda function.

    Attributes:
        memory_mb: 128 to 10,240; CPU grows with it, 1,769 MB is one vCPU. A new AWS account is limited to 3,008.
        timeout_seconds: for queued photos; requests through the gateway always end after 30 s.
        reserved_concurrency: instances reserved for this function, which are also its maximum; None shares the
            account's pool.
    """

    memory_mb: int
    timeout_seconds: int
    reserved_concurrency: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstLesson:
    """Instances that are kept ready for the first lesson, billed while they wait.

    Attributes:
        instances: of `detect` and of `roster`, at the same time.
        start, end: times in the stage's `time_zone`, such as "07:30" and "09:00".
        days: days of the week, as in a cron expression.
    """

    instances: int
    start: str
    end: str
    days: str = "MON-FRI"


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceNotices:
    """Notices of absences by e-mail and webhook; docs/notices.md.

    Attributes:
        mail_from: the address that messages come from. It, or its domain, is an identity that you verify in Amazon SES
            in the stage's region. None sends no e-mail.
        office: addresses of the school's office.
        office_language: `en`, `de`, `hi` or `ar`.
        webhook_url: receiver of events, `https://`; None sends no events.
        webhook_parameter: name of the SecureString parameter of Systems Manager with the secret shared with the
            receiver, at least 32 characters. You create it with its default key.
        size: of the function. It runs every five minutes.

    Raises:
        ValueError: there is neither sender nor receiver, or a value is not usable.
    """

    mail_from: str | None = None
    office: tuple[str, ...] = ()
    office_language: Literal["en", "de", "hi", "ar"] = "en"
    webhook_url: str | None = None
    webhook_parameter: str = ""
    size: FunctionSize = field(default=FunctionSize(memory_mb=512, timeout_seconds=240))

    def __post_init__(self) -> None:
        if self.mail_from is None and self.webhook_url is None:
            raise ValueError("notices need mail_from, webhook_url or both")
        if any(parse_email(each) != each for each in (*self.office, *filter(None, [self.mail_from]))):
            raise ValueError("write the addresses of notices in lower case and without spaces")
        if self.webhook_url is not None:
            parts = urlsplit(self.webhook_url)
            if parts.scheme != "https" or not parts.hostname or parts.username or re.search(r"\s", self.webhook_url):
                raise ValueError("webhook_url must begin with https:// and have no user name or space")
            if not re.fullmatch(r"(/[\w.-]+)+", self.webhook_parameter):
                raise ValueError("webhook_parameter must be the name of a parameter, such as /muster/prod/webhook")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Retention periods in days.

    Attributes:
        uploads: raw photos under `uploads/`, as a safety net; the functions delete each one after reading it.
        registration_photos: `students/`. Recognition needs only the template, so this may be short.
            None keeps them until the student is erased.
        session_photos: `sessions/`, originals and annotated pictures.
        sessions: roll calls with their marks; None keeps them until someone removes them.
        logs: application, access and job logs.
        recovery: point-in-time recovery of the table, 1 to 35; it contains erased students for this long.
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
        gpu: whether the job uses one GPU. A run that gets none continues on processors.
        instance_types: allowed instance types; with `gpu`, all have one GPU.
        max_vcpus: maximum of the compute environment; 4 is one g4dn.xlarge. The minimum is always 0.
        timeout_minutes: after this time a run is stopped and fails.
        attempts: total attempts of a run whose spot instance is reclaimed, 1 to 10.
        spot: use spare capacity at roughly a third of the price.
    """

    gpu: bool = True
    instance_types: tuple[str, ...] = ("g4dn.xlarge", "g4dn.2xlarge", "g5.xlarge")
    max_vcpus: int = 4
    timeout_minutes: int = 120
    attempts: int = 4
    spot: bool = True

    @property
    def fallback(self) -> "Training | None":
        """Training for a run that gets no GPU: on demand, because this is the last resort; None without a GPU."""
        if not self.gpu:
            return None
        return replace(ON_PROCESSORS, spot=False, timeout_minutes=self.timeout_minutes, attempts=self.attempts)


ON_PROCESSORS: Final = Training(gpu=False, instance_types=("m6a.xlarge", "m6i.xlarge", "m5.xlarge"))
"""Training without a GPU, on cheaper instances with the same memory. The head is so small that it trains as fast
(benchmarks/operations/training_gpu.py)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageConfig:
    """One stage of the system.

    Attributes:
        stage: its name, the prefix of every stack's name.
        account, region: target of the deployment; None uses those of the command line's credentials. infra/regions.py
            lists the regions that were checked.
        retain_data: keep table, buckets, key and user pool when the stacks are deleted, and protect the table.
        alarm_email: receives alarms and budget notifications; None sends none (subscribe to the topic later).
        monthly_budget_usd: notifications are sent at 80 %, at 100 %, and when the forecast exceeds it.
        cost_center: value of the cost tag of that name.
        pack: the model pack in the vision image. `embedded` and `embedded-int8` use each other's templates; to change
            to any other, migrate the stage (docs/packs.md).
        pack_pins: hashes of the pack's weights that have no published hash (docs/packs.md).
        learn: which faces templates learn from: `automatic`, `confirmed` or `off`.
        wrong_marks: accepted wrong marks per 10,000 faces.
        head: how the trained head takes part in recognition: `gated`, `always` or `never`.
        time_zone: of the school, an IANA name such as `Europe/Berlin`; reports use it.
        upload_limit_bytes: largest photo that a presigned upload accepts.
        requests_per_second, burst: throttle of the API, for all callers together.
        table_max_reads, table_max_writes: maximum request units per second on demand, which limits the cost.
        register, detect, roster, retrain, sweep: sizes of the functions. A sweep that is cut off at 15 minutes, the
            longest that Lambda allows, is continued the next day.
        canary: send 10 % of the requests to a new version for five minutes before the rest.
        first_lesson: instances kept ready on school days; None keeps none and costs nothing.
        queued_photos_at_once: instances that read queued photos, at least 2 (an AWS limit); 5 at most register.
        mfa_required: require an authenticator app at sign-in.
        threat_protection: Cognito's risk scoring, billed for every active user.
        single_sign_on: the school's own sign-in by OpenID Connect or SAML, in addition to accounts with a password.
        notices: notices of absences by e-mail and webhook; None sends none and costs nothing.
        api_tokens: an API for other systems, which anyone can call and only API tokens open; docs/integration.md.
        substitutes: an API for substitutes, who sign in with a code for one day; docs/operations.md.
        domain: custom host name.
        web_acl_arn: an AWS WAF web ACL (scope CLOUDFRONT) for the distribution, billed monthly. The API's own address
            and the sign-in pages are not behind it.
        countries: ISO codes of countries that may use the site, with the same limit; empty allows all.

    Raises:
        ValueError: the pack does not exist, or its pins do not fit it.
    """

    stage: Literal["dev", "prod"]
    account: str | None = None
    region: str | None = None
    retain_data: bool
    alarm_email: str | None = None
    monthly_budget_usd: int
    cost_center: str = "attendance"
    pack: str = "embedded-int8"
    pack_pins: tuple[Pin, ...] = ()
    learn: LearningMode = LearningMode.AUTOMATIC
    wrong_marks: float = Policy().wrong_marks
    head: HeadUse = HeadUse.GATED
    time_zone: str = "UTC"
    upload_limit_bytes: int = 25_000_000
    requests_per_second: int
    burst: int
    table_max_reads: int
    table_max_writes: int
    retention: Retention
    register: FunctionSize = field(default=FunctionSize(memory_mb=3008, timeout_seconds=60))
    detect: FunctionSize = field(default=FunctionSize(memory_mb=3008, timeout_seconds=60))
    roster: FunctionSize = field(default=FunctionSize(memory_mb=512, timeout_seconds=29))
    retrain: FunctionSize = field(default=FunctionSize(memory_mb=256, timeout_seconds=30))
    sweep: FunctionSize = field(default=FunctionSize(memory_mb=512, timeout_seconds=900))
    canary: bool = False
    first_lesson: FirstLesson | None = None
    queued_photos_at_once: int = 2
    training: Training = field(default=Training())
    mfa_required: bool
    threat_protection: bool = False
    single_sign_on: SingleSignOn | None = None
    notices: AbsenceNotices | None = None
    api_tokens: bool = False
    substitutes: bool = False
    domain: Domain | None = None
    web_acl_arn: str | None = None
    countries: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_pack(self.pack, self.pack_pins)

    @property
    def queued_registrations_at_once(self) -> int:
        """Instances that read queued registration photos.

        Registrations are stored one after another. An instance spends 3 s on the photo and a fraction of a second
        under the lock, so a few instances use the lock well, and more would wait for one another
        (benchmarks/operations/registrations.py).
        """
        return min(self.queued_photos_at_once, _MAX_REGISTRATIONS_AT_ONCE)


DEV = StageConfig(
    stage="dev",
    retain_data=False,
    monthly_budget_usd=20,
    requests_per_second=20,
    burst=40,
    table_max_reads=2_000,
    table_max_writes=500,
    retention=Retention(uploads=1, registration_photos=30, session_photos=7, logs=7, recovery=1),
    mfa_required=False,
)

PROD = StageConfig(
    stage="prod",
    retain_data=True,
    canary=True,
    monthly_budget_usd=200,
    requests_per_second=200,
    burst=400,
    table_max_reads=20_000,
    table_max_writes=4_000,
    retention=Retention(uploads=1, registration_photos=365, session_photos=30, logs=90, recovery=14),
    queued_photos_at_once=20,
    training=Training(max_vcpus=8),
    mfa_required=True,
)

STAGES: Final = (DEV, PROD)
