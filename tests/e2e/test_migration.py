"""Another model pack under a store with students: refused, then taken over, with two packs of real weights."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from muster.api.system import Services
from muster.composition.local import LocalBackend
from muster.composition.settings import LocalSettings
from muster.composition.upkeep import check_system
from muster.domain.actor import OPERATOR
from muster.domain.attendance import Session
from muster.domain.errors import DuplicatePerson, PackMismatch
from muster.domain.faces import Decision
from muster.domain.identifiers import FaceId, GroupId, StudentId, UserId
from muster.domain.registration import RegistrationDetails
from muster.domain.student import StudentState
from muster.packs.build import build_embedded
from muster.packs.load import ModelPack
from muster.storage.local import LocalStores, open_local
from muster.storage.local.students import LocalStudents
from muster.vision.pipeline import VisionPipeline
from tests import processes

pytestmark = pytest.mark.kill

OTHER = "embedded-facenet"
GROUP = GroupId("g")

MIGRATE = """
import sys
from pathlib import Path
from muster.api.system import Services
from muster.composition.local import LocalBackend
LocalBackend(Path(sys.argv[1])).migration("embedded-facenet").run(lambda step, share: print(step, flush=True))
"""


@pytest.fixture(scope="module", autouse=True)
def other(pack: ModelPack, pack_home: Path) -> ModelPack:
    """A pack whose embeddings cannot be compared with those of the default pack."""
    return build_embedded(pack_home, name=OTHER)


@pytest.fixture
def stores(tmp_path: Path, samples: Path, vision: VisionPipeline) -> LocalStores:
    """Two students registered with the pack that is the default."""
    system = LocalBackend(tmp_path, vision=vision).services
    for path in sorted((samples / "gallery").glob("*.jpg")):
        student = StudentId(path.stem)
        details = RegistrationDetails(student, path.stem, frozenset({GROUP}), consent=True)
        system.registration.register(details, path.read_bytes(), OPERATOR)
    return system.stores


def silent(step: str, share: float) -> None:
    pass


def settings(pack: str) -> LocalSettings:
    return LocalSettings(pack=pack)


def test_a_store_of_another_pack_is_refused_with_both_ways_out(stores: LocalStores, tmp_path: Path) -> None:
    with pytest.raises(PackMismatch, match=f"MUSTER_PACK=embedded,.*muster packs migrate {OTHER}"):
        _ = LocalBackend(tmp_path, settings(OTHER)).services


def test_everyone_is_taken_over_and_recognised_with_the_new_pack(
    stores: LocalStores, tmp_path: Path, samples: Path, other: ModelPack
) -> None:
    before = {template.student_id: template for template in stores.students.templates()}
    report = LocalBackend(tmp_path).migration(OTHER).run(silent)
    assert (report.switched, report.migrated, report.again) == (True, len(before), ())
    assert stores.staging.packs() == {other.id}
    for template in stores.students.templates():
        old = before[template.student_id]
        assert template.photo_digest == old.photo_digest
        assert template.embeddings.shape[1] == sum(other.manifest.sizes) != old.embeddings.shape[1]
    assert stores.training.state().dirty

    system = LocalBackend(tmp_path, settings(OTHER)).services
    image = (samples / "photos" / "dim.jpg").read_bytes()
    found = system.detection.detect(GROUP, [image])
    assert found.photos[0].pack == other.id
    assert Decision.PRESENT in {face.decision for face in found.photos[0].faces}
    with pytest.raises(PackMismatch):
        _ = LocalBackend(tmp_path, settings("embedded")).services


def test_a_store_goes_on_with_eight_bit_networks_and_back(
    stores: LocalStores, tmp_path: Path, samples: Path, pack: ModelPack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Templates of both packs are in the store, and nobody is embedded again."""
    int8 = build_embedded(LocalSettings().home, name="embedded-int8")
    monkeypatch.delenv("MUSTER_PACK")
    assert LocalBackend(tmp_path).settings.pack == "embedded"
    image = (samples / "photos" / "dim.jpg").read_bytes()

    def present(name: str) -> tuple[Services, Session, dict[StudentId, FaceId]]:
        system = LocalBackend(tmp_path, settings(name)).services
        found = system.detection.detect(GROUP, [image])
        marked = {
            face.student_id: face.face_id
            for face in found.photos[0].faces
            if face.student_id is not None and face.decision is Decision.PRESENT
        }
        return system, found.session, marked

    _, _, before = present("embedded")
    system, session, marked = present("embedded-int8")
    assert marked.keys() == before.keys() != set()
    student, face = next(iter(marked.items()))
    system.learning.name(session.id, face, student, UserId("teacher"))
    assert stores.students.template(student).learned_ids == (face,)
    assert stores.students.template(student).pack == pack.id
    last = max(each.id for each in stores.students.find() if each.id != student)
    stores.students.erase(last)
    details = RegistrationDetails(last, last, frozenset({GROUP}), consent=True)
    twice = (samples / "gallery" / f"{student}.jpg").read_bytes()
    with pytest.raises(DuplicatePerson):
        system.registration.register(details, twice, OPERATOR)
    system.registration.register(details, (samples / "gallery" / f"{last}.jpg").read_bytes(), OPERATOR)
    assert stores.staging.packs() == {pack.id, int8.id}

    assert LocalBackend(tmp_path).settings.pack == "embedded-int8"
    assert check_system(tmp_path) == []
    assert LocalBackend(tmp_path).migration("embedded-int8").run(silent).migrated == 0
    _, _, after = present("embedded")
    assert after.keys() >= before.keys() - {last}
    with pytest.raises(PackMismatch):
        _ = LocalBackend(tmp_path, settings(OTHER)).services


def test_whoever_has_no_photo_is_listed_and_nothing_is_switched_until_they_are_left_out(
    stores: LocalStores, tmp_path: Path, pack: ModelPack, other: ModelPack
) -> None:
    gone = stores.students.find()[0].id
    with stores.students._database.write() as connection:
        connection.execute("UPDATE students SET photo_file = NULL WHERE id = ?", (gone,))
    report = LocalBackend(tmp_path).migration(OTHER).run(silent)
    assert not report.switched
    assert [(failure.student_id, failure.code) for failure in report.again] == [(gone, "student_not_found")]
    assert stores.staging.packs() == {pack.id}

    report = LocalBackend(tmp_path).migration(OTHER).run(silent, leave_out=True)
    assert report.switched
    assert stores.staging.packs() == {other.id}
    assert stores.students.get(gone).state is StudentState.ENROLLED


def test_a_killed_migration_leaves_the_old_pack_working_and_the_next_goes_on(
    stores: LocalStores, tmp_path: Path, pack: ModelPack, other: ModelPack, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = len(stores.students.templates())
    child = processes.start(["-c", MIGRATE, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    begun = 0
    for line in child.stdout:
        begun += line.startswith("embedding")
        if begun == 2:
            break
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert stores.staging.packs() == {pack.id}
    _ = LocalBackend(tmp_path).services
    kept = stores.staging.staged(other.id)
    assert len(kept) >= 1

    read: list[str] = []
    photo = LocalStudents.photo

    def noted(students: LocalStudents, student_id: StudentId) -> bytes:
        read.append(student_id)
        return photo(students, student_id)

    monkeypatch.setattr(LocalStudents, "photo", noted)
    assert LocalBackend(tmp_path).migration(OTHER).run(silent).migrated == count
    assert set(read) == {student.id for student in stores.students.find()} - set(kept)


def test_what_is_kept_beside_goes_with_the_student_who_withdraws_or_is_erased(
    stores: LocalStores, tmp_path: Path, other: ModelPack
) -> None:
    first, second = (student.id for student in stores.students.find()[:2])
    for student in (first, second):
        template = stores.students.template(student)
        stores.staging.stage(type(template)(student, other.id, template.embeddings, template.photo_digest))
    raw = stores.students.template(first).embeddings.tobytes(), stores.students.template(second).embeddings.tobytes()
    stores.students.withdraw(first, stores.students.get(first).registered_at)  # type: ignore[arg-type]
    stores.students.erase(second)
    assert stores.staging.staged(other.id) == {}
    for file in (tmp_path).glob("muster.sqlite3*"):
        content = file.read_bytes()
        assert not any(photo[:4000] in content for photo in raw)
    assert open_local(tmp_path).staging.staged(other.id) == {}
