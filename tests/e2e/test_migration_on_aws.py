"""Students of a stage move to another pack, and back, with two packs of real weights; roll calls never stop."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from infra.config import DEV
from muster.api.system import Services
from muster.composition.aws import open_access
from muster.composition.aws_backend import AwsBackend
from muster.composition.aws_recognition import open_services
from muster.composition.aws_settings import AwsSettings, TrainingJobSettings
from muster.domain.actor import OPERATOR
from muster.domain.errors import PackMismatch
from muster.domain.identifiers import GroupId, PackId, StudentId, UserId
from muster.domain.registration import RegistrationDetails
from muster.entrypoints.training_job import run_job
from muster.packs.build import build_embedded
from muster.packs.load import ModelPack
from muster.packs.manifest import name_of, shipped_spec
from muster.recognition.head import HEAD_SIZE, Head
from muster.services.caches.head_pointer import current_head
from muster.storage.aws.stores import AwsStores
from tests.contract.conftest import aws, aws_endpoint  # noqa: F401 fixtures
from tests.contract.places import AwsPlace

NEW = "embedded-facenet"
GROUP = GroupId("g")
STUDENTS = ["barack_obama", "joe_biden"]


def silent(step: str, share: float) -> None:
    pass


@pytest.fixture
def settings(aws: AwsPlace, pack: ModelPack, pack_home: Path, monkeypatch: pytest.MonkeyPatch) -> AwsSettings:  # noqa: F811
    """A stage with the default pack; the other one is built on the workstation."""
    build_embedded(pack_home, name=NEW)
    monkeypatch.setenv("MUSTER_HOME", str(pack_home))
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
    for name, value in (("ACCESS_KEY_ID", "test"), ("SECRET_ACCESS_KEY", "test"), ("DEFAULT_REGION", "eu-central-1")):
        monkeypatch.setenv(f"AWS_{name}", value)
    return AwsSettings(stage="dev", table=aws.table, photos_bucket=aws.photos, models_bucket=aws.models, home=pack_home)


def deployed(settings: AwsSettings, pack: str) -> Services:
    """The functions as a deployment with this pack starts them."""
    configured = settings.model_copy(update={"pack": pack})
    return open_services(configured, open_access(configured))


def register(system: Services, samples: Path, student: str) -> None:
    details = RegistrationDetails(StudentId(student), student, frozenset({GROUP}), consent=True)
    system.registration.register(details, (samples / "gallery" / f"{student}.jpg").read_bytes(), OPERATOR)


def found(system: Services, samples: Path, stores: AwsStores) -> set[str]:
    """Call the roll from a sample photo, in a session of its own; return who is marked or asked about."""
    result = system.detection.detect(GROUP, [(samples / "photos" / "group.jpg").read_bytes()])
    named = {face.student_id for photo in result.photos for face in photo.faces if face.student_id is not None}
    stores.sessions.remove(result.session.id)
    return set(named)


def trained(stage: AwsBackend, pack: PackId) -> int | None:
    """Store a head of a pack, as a training run with enough students does, and return its number."""
    width = sum(shipped_spec(name_of(pack)).sizes)
    weight = np.eye(HEAD_SIZE, width, dtype=np.float32)
    heads = stage.access.stores.heads
    number = heads.save(pack, Head(pack, weight, np.zeros(HEAD_SIZE, np.float32), 0.0, 0.1, 0.1).to_bytes(), {})
    heads.promote(pack, number, expected=None)
    return heads.current(pack)


def test_students_move_to_another_pack_and_back_while_roll_calls_go_on(settings: AwsSettings, samples: Path) -> None:
    old = deployed(settings, "embedded")
    for student in STUDENTS:
        register(old, samples, student)
    new = deployed(settings, NEW)
    stage = AwsBackend(settings)
    stores = stage.access.stores
    with pytest.raises(PackMismatch):
        found(new, samples, stores)

    report = stage.migration(NEW).run(silent, prepare=True)
    assert (report.switched, report.staged, report.again) == (False, 2, ())
    assert found(old, samples, stores) == found(new, samples, stores) == {"barack_obama"}

    job = TrainingJobSettings(**settings.model_dump(), run_id="run")
    stores.training.begin("run", datetime.now(UTC), 60)
    trained = run_job(job, stage.access, "job")
    assert set(trained["other_packs"]) == {new.pack}
    assert stores.training.state().last_outcome == trained

    report = stage.migration(NEW).run(silent)
    assert (report.switched, report.migrated, report.again) == (True, 2, ())
    assert found(old, samples, stores) == found(new, samples, stores) == {"barack_obama"}

    report = stage.migration("embedded").run(silent)
    assert (report.switched, report.migrated) == (True, 2)
    stores.staging.delete()
    assert found(old, samples, stores) == {"barack_obama"}
    with pytest.raises(PackMismatch):
        found(new, samples, stores)


def test_an_upgraded_stage_goes_on_with_the_students_of_the_former_default(
    settings: AwsSettings, samples: Path, pack_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stage whose configuration names no pack gets the functions of the new default, and may go back."""
    monkeypatch.delenv("MUSTER_PACK", raising=False)
    build_embedded(pack_home, name=DEV.pack)
    before = deployed(settings, "embedded")
    register(before, samples, STUDENTS[0])
    stage = AwsBackend(settings)
    stores = stage.access.stores
    head = trained(stage, before.pack)
    assert head is not None

    after = deployed(settings, DEV.pack)
    assert after.pack != before.pack
    # The head of the former pack is in use until the next training.
    assert (after.heads.number(), current_head(stores.heads, after.pack)) == (head, (before.pack, head))
    register(after, samples, STUDENTS[1])
    assert {template.pack for template in stores.students.templates()} == {before.pack, after.pack}
    result = after.detection.detect(GROUP, [(samples / "photos" / "group.jpg").read_bytes()])
    (face,) = [face for photo in result.photos for face in photo.faces if face.student_id == STUDENTS[0]]
    after.learning.name(result.session.id, face.face_id, StudentId(STUDENTS[0]), UserId("teacher"))
    assert stores.students.template(StudentId(STUDENTS[0])).learned_ids == (face.face_id,)

    job = TrainingJobSettings(**settings.model_copy(update={"pack": DEV.pack}).model_dump(), run_id="run")
    stores.training.begin("run", datetime.now(UTC), 60)
    report = run_job(job, stage.access, "job")
    assert (report["students"], "other_packs" in report) == (2, False)
    assert found(before, samples, stores) == found(after, samples, stores) == {"barack_obama"}
    assert stage.migration(DEV.pack).run(silent).migrated == 0
