"""Training beside the service: picked up without a restart, killed without harm."""

import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
import pytest

from muster.composition.local import LocalBackend, LocalServices
from muster.domain.identifiers import GroupId, StudentId
from muster.domain.student import Consent, Student, Template
from muster.services.training.queue import TrainingQueue
from muster.vision.pipeline import VisionPipeline
from tests import processes


def enrol(system: LocalServices, count: int) -> None:
    """Store students whose templates are drawn at random: training needs many, their faces do not matter here."""
    random = np.random.default_rng(7)
    now = datetime.now(UTC)
    for number in range(count):
        centre = random.normal(size=704)
        views = centre + 0.3 * random.normal(size=(4, 704))
        views = (views / np.linalg.norm(views, axis=1, keepdims=True)).astype(np.float32)
        student_id = StudentId(f"drawn-{number:04}")
        student = Student(student_id, f"Drawn {number}", frozenset({GroupId("drawn")}), Consent(now, "test"), now)
        system.stores.students.add(student, Template(student_id, system.pack, views, "0" * 64), b"drawn")


@pytest.mark.train
def test_a_registration_trains_in_the_background_and_the_state_says_so(client: httpx.Client, samples: Path) -> None:
    for student_id in ("barack_obama", "joe_biden"):
        image = (samples / "gallery" / f"{student_id}.jpg").read_bytes()
        fields = {"student_id": student_id, "name": student_id, "group_id": "7b", "consent": "true"}
        answer = client.post("/register/register-student", data=fields, files={"image": image})
        assert answer.status_code == 201
    deadline = time.monotonic() + 600
    while (training := client.get("/v1/training").json())["state"] != "idle":
        assert time.monotonic() < deadline, training
        time.sleep(0.5)
    assert training["last_outcome"]["outcome"] in ("promoted", "kept")
    assert training["last_outcome"]["students"] == 2
    assert training["last_outcome"]["reason"]


@pytest.mark.train
def test_a_promoted_head_decides_the_next_photo_and_a_rollback_is_seen_as_soon(
    system: LocalServices, client: httpx.Client, samples: Path
) -> None:
    image = (samples / "gallery" / "barack_obama.jpg").read_bytes()
    fields = {"student_id": "s1", "name": "Barack", "group_id": "7b", "consent": "true"}
    assert client.post("/register/register-student", data=fields, files={"image": image}).status_code == 201
    enrol(system, 20)
    report = system.training.run_once(full=True)
    while report["outcome"] == "busy":
        time.sleep(0.5)
        report = system.training.run_once(full=True)
    version = system.stores.heads.versions(system.pack)[-1].version
    photo = (samples / "photos" / "group.jpg").read_bytes()

    def decided_by() -> int | None:
        document = client.post("/mark/detect", data={"group_id": "7b"}, files={"images": photo}).json()
        assert [mark["status"] for mark in document["marks"]] == ["present"]
        head: int | None = document["model"]["head"]
        return head

    system.stores.heads.promote(system.pack, None, system.stores.heads.current(system.pack))
    assert decided_by() is None
    system.training.rollback(version)
    assert decided_by() == version


@pytest.mark.train
def test_a_killed_training_leaves_the_old_head_and_the_next_run_starts_clean(
    tmp_path: Path, vision: VisionPipeline
) -> None:
    store = tmp_path / "store"
    system = LocalBackend(store, vision=vision).services
    enrol(system, 60)
    assert system.training.run_once(full=True)["outcome"] in ("promoted", "kept")
    before = system.stores.heads.versions(system.pack)
    current = system.stores.heads.current(system.pack)

    process = processes.start(["-m", "muster", "train", "--full", "--data", str(store)], trains=True)
    try:
        deadline = time.monotonic() + 600
        while system.training.state().running is None:
            assert process.poll() is None, "training ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    finally:
        process.wait(30)

    assert system.training.state().running is not None
    assert system.stores.heads.versions(system.pack) == before
    assert system.stores.heads.current(system.pack) == current

    later = TrainingQueue(
        pack=system.pack,
        students=system.stores.students,
        heads=system.stores.heads,
        training=system.stores.training,
        trainer=system.training._trainer,
        now=lambda: datetime.now(UTC) + timedelta(minutes=10),
    )
    later.start()
    deadline = time.monotonic() + 600
    while later.state().running is not None or later.state().dirty:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    later.stop()
    outcome = later.state().last_outcome
    assert outcome is not None
    assert outcome["outcome"] in ("promoted", "kept", "skipped")
