"""Check a stage from a workstation: what is deployed, and, on request, whether it works."""

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from muster import __version__
from muster.composition.aws_backend import AwsBackend
from muster.composition.aws_settings import AwsSettings
from muster.domain.finding import Finding
from muster.progress import OnProgress
from muster.services.uploading.rehearsal import UploadRehearsal
from muster.storage.aws.stage_health import Fetch, StageHealth, StageNames, read_resources
from muster.storage.aws.stage_rehearsal import StageRehearsal
from muster.storage.aws.stores import CLIENT_CONFIG
from muster.storage.aws.table import Table
from muster.storage.aws.uploads import AwsUploads


def fetch(address: str) -> tuple[int, bytes]:
    """Get an address of the stage; see `Fetch`."""
    try:
        with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310 the stage's own output, https
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def check_stage(
    settings: AwsSettings,
    on_progress: OnProgress,
    *,
    exercise: bool,
    fetch: Fetch = fetch,
    pause: Callable[[float], None] | None = None,
) -> list[Finding]:
    """Return the findings about a stage.

    Args:
        exercise: also send test photos and a test alarm, and run one training job.
        pause: waits for so many seconds; None sleeps.
    """
    client = cache(partial(boto3.client, config=CLIENT_CONFIG))
    names = StageNames(
        stage=settings.stage,
        table=settings.table,
        pack=settings.pack,
        version=__version__,
        mail_from=settings.mail_from if settings.notices else "",
    )
    on_progress("checking what is deployed", 0.0)
    findings = list(StageHealth(names, client, fetch).examine())
    if exercise:
        waits: dict[str, Any] = {} if pause is None else {"pause": pause}
        findings += _exercise(settings, client, on_progress, waits)
    return findings


def _exercise(
    settings: AwsSettings,
    client: Callable[[str], Any],
    on_progress: OnProgress,
    waits: dict[str, Any],
) -> list[Finding]:
    backend = AwsBackend(settings)
    access, uploads = backend.access, backend.on_demand.uploads

    @cache
    def rehearsal() -> StageRehearsal:
        resources = read_resources(client("cloudformation"), settings.stage)
        return StageRehearsal(stage=settings.stage, resources=resources, client=client, **waits)

    store = AwsUploads(access.s3, Table(access.dynamodb, settings.table), settings.photos_bucket)
    steps: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        ("sending a test alarm", lambda: rehearsal().alarm()),
        ("sending test photos", UploadRehearsal(uploads=uploads, store=store, **waits).run),
        ("running a training job", lambda: rehearsal().training(access.stores.training)),
    )
    findings: list[Finding] = []
    for number, (title, step) in enumerate(steps, 1):
        on_progress(title, number / (len(steps) + 1))
        try:
            findings += step()
        except (ClientError, BotoCoreError) as error:
            findings.append(Finding("not_checked", f"Not done: {title} ({error})."))
    return findings
