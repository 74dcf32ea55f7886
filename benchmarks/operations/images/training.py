"""The training image as Batch runs it: interrupted in the middle, run again, and to its end."""

import json
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import numpy as np

from benchmarks.operations.images.containers import Container, Image
from muster.domain.identifiers import GroupId, PackId, StudentId
from muster.domain.student import Consent, Student, Template
from muster.storage.aws.stores import CLIENT_CONFIG, AwsStores, open_aws
from tests.e2e.aws.cloud import REGION, Cloud
from tests.e2e.aws.conftest import Functions

_PACK = PackId("embedded-2.int8")
_STUDENTS = 200
_PROBE = """
import json, torch
lists = torch._C._cuda_getArchFlags() or ""
print(json.dumps({"torch": torch.__version__, "cuda": torch.version.cuda, "chips": lists.split()}))
"""


def run(image: Image, cloud: Cloud, scratch: Path) -> dict[str, Any]:
    """Train, interrupted once, then to the end, then once more without anything to do; return figures."""
    stores = _stores(cloud)
    _register(stores)
    functions = Functions(cloud, scratch)
    events = cloud.events("TemplateStored")
    decided = [functions["retrain"].invoke(event)["decision"] for event in events[:2]]
    functions["retrain"].stop()
    assert decided == ["started", "coalesced"], decided
    (job,) = cloud.jobs()
    given = {entry["name"]: entry["value"] for entry in job["container"]["environment"]}
    variables = {**cloud.environment, **given}

    first = image.start([], variables, scratch / "interrupted.log")
    _wait_for_checkpoint(cloud, first, scratch / "interrupted.log")
    first.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    ended_by_sigterm = first.poll() is not None
    # Then the host stops, whether or not the job reacted to the signal.
    first.kill()
    first.wait()
    assert stores.heads.versions(_PACK) == []
    before = _shares(scratch / "interrupted.log")

    second, seconds, peak = _to_the_end(image, variables, scratch / "resumed.log")
    after = _shares(scratch / "resumed.log")
    assert second.get("students") == _STUDENTS, second
    assert min(after) > max(before), (before, after)
    assert [head.version for head in stores.heads.versions(_PACK)] == [1]
    assert _checkpoints(cloud) == []
    third, _, _ = _to_the_end(image, variables, scratch / "again.log")
    assert third["outcome"] == "superseded", third
    assert image.run("python", "-c", _PROBE, variables={}, log=scratch / "probe.log") == 0
    return {
        **json.loads((scratch / "probe.log").read_text().splitlines()[-1]),
        "students": _STUDENTS,
        "outcome": second["outcome"],
        "interrupted_after_percent": max(before),
        "resumed_with_percent": min(after),
        "ended_by_sigterm_within_0_2_s": ended_by_sigterm,
        "resumed_run_seconds": round(seconds, 2),
        "peak_mb": round(peak / 1e6),
    }


def _to_the_end(image: Image, variables: Mapping[str, str], log: Path) -> tuple[dict[str, Any], float, int]:
    started, peak = time.monotonic(), 0
    job = image.start([], variables, log)
    while job.poll() is None:
        assert time.monotonic() - started < 300, log.read_text()
        with suppress(OSError, IndexError, ValueError):  # it may have ended just now
            peak = max(peak, job.peak_bytes())
        time.sleep(0.1)
    assert job.returncode == 0, log.read_text()
    report: dict[str, Any] = json.loads(log.read_text().strip().splitlines()[-1])
    return report, time.monotonic() - started, peak


def _shares(log: Path) -> list[int]:
    """Return the percentages of training that a log tells."""
    lines = log.read_text().splitlines()
    return [int(line.split()[1]) for line in lines if line.startswith("train: ")]


def _wait_for_checkpoint(cloud: Cloud, job: Container, log: Path) -> None:
    for _ in range(6000):
        if _checkpoints(cloud):
            return
        assert job.poll() is None, log.read_text()
        time.sleep(0.01)
    raise AssertionError("the job kept no checkpoint within a minute")


def _checkpoints(cloud: Cloud) -> list[Any]:
    models = cloud.variables("Register")["MUSTER_MODELS_BUCKET"]
    listed = cloud.client("s3").list_objects_v2(Bucket=models, Prefix=f"heads/{_PACK}/checkpoint")
    return list(listed.get("Contents", []))


def _stores(cloud: Cloud) -> AwsStores:
    session = boto3.Session("test", "test", region_name=REGION)
    variables = cloud.variables("Register")
    return open_aws(
        session.client("dynamodb", endpoint_url=cloud.endpoint, config=CLIENT_CONFIG),
        session.client("s3", endpoint_url=cloud.endpoint, config=CLIENT_CONFIG),
        table=variables["MUSTER_TABLE"],
        photos=variables["MUSTER_PHOTOS_BUCKET"],
        models=variables["MUSTER_MODELS_BUCKET"],
    )


def _register(stores: AwsStores) -> None:
    """Register simulated people with eight views each."""
    for number in range(_STUDENTS):
        random = np.random.default_rng(number)
        views = random.normal(size=(1, 704)) + 0.3 * random.normal(size=(8, 704))
        views = (views / np.linalg.norm(views, axis=1, keepdims=True)).astype(np.float32)
        now, student = datetime.now(UTC), StudentId(f"s{number}")
        record = Student(student, "Nobody", frozenset([GroupId("7b")]), Consent(now, "2026-1"), now)
        stores.students.add(record, Template(student, _PACK, views, f"{number:064x}"), b"photo")
