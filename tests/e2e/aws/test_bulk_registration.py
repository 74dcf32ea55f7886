"""`muster students register` against a stage: the command is killed, and events fail and repeat."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.e2e.aws.cloud import OPERATOR, REGION, Event, as_batch
from tests.e2e.aws.conftest import Deployed
from tests.e2e.aws.photos import NAMES, waiting_photos

COMMAND = [sys.executable, "-m", "muster", "students", "register"]


def start(deployed: Deployed, folder: Path) -> subprocess.Popen[str]:
    """Start the command with an operator's environment; each of its calls is checked against the operator's policy."""
    cloud = deployed.cloud
    stage = {name: value for name, value in cloud.variables("Roster").items() if name.startswith("MUSTER_")}
    environment = {**os.environ, **cloud.environment, **cloud.recording(OPERATOR), **stage}
    return subprocess.Popen(
        [*COMMAND, str(folder), "--consent", "--json"],
        env={**environment, "AWS_REGION": REGION, "MUSTER_DATA": str(folder.parent / "data")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def events(deployed: Deployed, process: subprocess.Popen[str]) -> list[Event]:
    """Wait for the events of photos that the command sent; nothing if it ended."""
    while True:
        ended = process.poll() is not None
        if (found := deployed.cloud.events("RegisterUploadsCreated")) or ended:
            return found
        time.sleep(0.1)


def outcome(process: subprocess.Popen[str]) -> dict[str, Any]:
    output, errors = process.communicate()
    assert output, errors
    return {report["photo"]: (report["result"], report["code"]) for report in json.loads(output)}


def test_a_folder_is_registered_once_whatever_the_command_and_the_events_do(
    deployed: Deployed, samples: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for student, name in {**NAMES, "class": "Not one person"}.items():
        body = {"student_id": student, "name": name, "group_ids": ["7b"]}
        assert deployed.client.post("/v1/students", json=body).status_code == 201
    for student in NAMES:
        (folder / f"{student}.jpg").write_bytes((samples / "gallery" / f"{student}.jpg").read_bytes())
    (folder / "class.jpg").write_bytes((samples / "photos" / "group.jpg").read_bytes())
    function = deployed.functions["register"]

    killed = start(deployed, folder)
    sent = events(deployed, killed)
    killed.kill()
    killed.communicate()
    for event in sent:
        assert function.invoke(as_batch(event)) == {"batchItemFailures": []}

    repeated = start(deployed, folder)
    while found := events(deployed, repeated):
        for event in found:
            failed = function.invoke(as_batch({**event, "detail": {"object": {}}}))
            assert len(failed["batchItemFailures"]) == 1
            assert function.invoke(as_batch(event, event)) == {"batchItemFailures": []}
    reports = outcome(repeated)
    assert repeated.returncode == 1
    assert reports.pop("class.jpg") == ("refused", "several_faces")
    assert {result for result, _ in reports.values()} <= {"registered", "repeated"}
    assert reports.keys() == {f"{student}.jpg" for student in NAMES}
    registered = {each["student_id"]: each["state"] for each in deployed.client.get("/v1/students").json()["items"]}
    assert registered == {**dict.fromkeys(NAMES, "registered"), "class": "enrolled"}
    assert len(deployed.cloud.events("TemplateStored")) == len(NAMES)

    (folder / "class.jpg").unlink()
    again = start(deployed, folder)
    assert outcome(again) == {f"{student}.jpg": ("repeated", None) for student in NAMES}
    assert events(deployed, again) == []
    assert waiting_photos(deployed) == []
    assert not (tmp_path / "data").exists()
