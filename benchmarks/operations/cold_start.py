"""Cold start of the function `detect` up to its first answer, with the real runtime client and simulated services.

    python -m benchmarks cold_start [--starts 5] [--pack embedded-int8] [--beside ../other-checkout]

Each start is a process that has never run, with its files in the page cache. It imports the code, loads the models and
reads a photo of two people. With `--beside`, the code of another checkout starts in alternating turns. Processor time
includes the process that decodes. Prints medians and one line of JSON. Linux only.
"""

import argparse
import json
import logging
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import boto3
import httpx

from benchmarks.lib.photos import ROOT, SAMPLES
from muster.composition.settings import DEFAULT_PACK, LocalSettings
from tests.e2e.aws.gateway import Gateway, Route
from tests.e2e.aws.lambda_runtime import LambdaFunction
from tests.simulated_aws import simulated_aws

_STUDENTS = ("barack_obama", "joe_biden")
_ROUTES = [Route("POST /register/{proxy+}", "register", True), Route("POST /mark/{proxy+}", "detect", True)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--pack", default=DEFAULT_PACK)
    parser.add_argument("--beside", type=Path, action="append", default=[], help="another checkout; may be repeated")
    options = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    sources = [ROOT, *(path.resolve() for path in options.beside)]
    found: dict[str, list[dict[str, float]]] = {str(source): [] for source in sources}
    with tempfile.TemporaryDirectory() as folder, simulated_aws() as endpoint:
        variables = _account(endpoint, options.pack)
        with _Instance("register", ROOT, variables, Path(folder)) as instance:
            for student in _STUDENTS:
                instance.register(student)
        for turn in range(options.starts):
            for source in sources if turn % 2 else reversed(sources):
                found[str(source)].append(_cold(source, variables, Path(folder)))
    rows: list[dict[str, Any]] = [
        {"source": source, **{name: round(statistics.median(start[name] for start in starts), 3) for name in starts[0]}}
        for source, starts in found.items()
    ]
    print("answer s   ready s   processor s   processor s when ready   source")
    for row in rows:
        print("{answer:8.2f}   {ready:7.2f}   {processor:11.2f}   {processor_ready:22.2f}   {source}".format(**row))
    print(json.dumps({"benchmark": "cold_start", "pack": options.pack, "load": os.getloadavg()[0], "rows": rows}))


def _cold(source: Path, variables: dict[str, str], folder: Path) -> dict[str, float]:
    started = time.monotonic()
    with _Instance("detect", source, variables, folder) as instance:
        while instance.function.ready_after is None:
            time.sleep(0.01)
        processor_ready = instance.processor_seconds()
        waited = time.monotonic() - started - instance.function.ready_after
        instance.roll_call()
        return {
            # The wait for readiness is polled, and a request could have been sent before.
            "answer": time.monotonic() - started - waited,
            "ready": instance.function.ready_after,
            "processor": instance.processor_seconds(),
            "processor_ready": processor_ready,
        }


class _Instance:
    """A function in a process of its own, behind a gateway."""

    def __init__(self, name: str, source: Path, variables: dict[str, str], folder: Path) -> None:
        environment = {**variables, "PYTHONPATH": f"{source / 'layers'}{os.pathsep}{source}"}
        handler = f"functions.{name}.handler.handler"
        self.function = LambdaFunction(name, handler, source, environment, folder / f"{name}.log")
        self._gateway = Gateway(_ROUTES, {name: self.function})
        headers = {"Authorization": "Bearer token"}
        self._client = httpx.Client(base_url=self._gateway.url, timeout=300, headers=headers)

    def __enter__(self) -> "_Instance":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._gateway.stop()
        self.function.stop()

    def register(self, student: str) -> None:
        """Register a person of the samples."""
        fields = {"student_id": student, "name": student, "group_id": "7b", "consent": "true"}
        photo = (SAMPLES / "gallery" / f"{student}.jpg").read_bytes()
        self._post("/register/register-student", fields, [("image", photo)])

    def roll_call(self) -> None:
        """Read the photo of the samples."""
        photo = (SAMPLES / "photos/group.jpg").read_bytes()
        self._post("/mark/detect", {"group_id": "7b"}, [("images", photo)])

    def _post(self, path: str, fields: dict[str, str], files: list[tuple[str, bytes]]) -> None:
        self._client.post(path, data=fields, files=files).raise_for_status()

    def processor_seconds(self) -> float:
        """Return the processor time so far, with that of child processes."""
        pid = self.function.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return sum(_processor_seconds(int(each)) for each in [str(pid), *children])


def _processor_seconds(pid: int) -> float:
    # After the name of the program in brackets; fields 14 to 17 are user and system time, of itself and dead children.
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _account(endpoint: str, pack: str) -> dict[str, str]:
    """Make the table and the buckets; return the environment of a function."""
    variables = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "MUSTER_STAGE": "dev",
        "MUSTER_TABLE": "table",
        "MUSTER_PHOTOS_BUCKET": "photos",
        "MUSTER_MODELS_BUCKET": "models",
        "MUSTER_PACK": pack,
        "MUSTER_HOME": str(LocalSettings().home),
        "POWERTOOLS_SERVICE_NAME": "benchmark",
        "POWERTOOLS_METRICS_NAMESPACE": "Muster",
    }

    def client(service: str) -> Any:
        session = boto3.Session("test", "test", region_name="eu-central-1")
        return session.client(service, endpoint_url=endpoint)  # type: ignore[call-overload]

    keys = {"pk": "HASH", "sk": "RANGE"}
    client("dynamodb").create_table(
        TableName="table",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    for bucket in ("photos", "models"):
        client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return variables


if __name__ == "__main__":
    main()
