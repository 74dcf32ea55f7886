"""Students of a stage move to another pack, and back, with two packs of real weights; roll calls never stop."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from muster.api.system import Services
from muster.composition.aws import open_access
from muster.composition.aws_backend import AwsBackend
from muster.composition.aws_recognition import open_services
from muster.composition.aws_settings import AwsSettings, TrainingJobSettings
from muster.domain.actor import OPERATOR
from muster.domain.errors import PackMismatch
from muster.domain.identifiers import GroupId, StudentId
from muster.domain.registration import RegistrationDetails
from muster.entrypoints.training_job import run_job
from muster.packs.build import build_embedded
from muster.packs.load import ModelPack
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
