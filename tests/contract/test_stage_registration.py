"""Bulk registration on a stage: whatever happens to photos, events and the command, a repeated run completes it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from muster.composition.aws_backend import AwsBackend
from muster.composition.aws_settings import AwsSettings
from muster.domain.errors import NoFace, RegistrationsBusy, StageRefused, StageUnreachable, StudentNotFound
from muster.domain.identifiers import GroupId, StudentId, UploadId
from muster.domain.registration import RegistrationDetails
from muster.domain.student import Consent, Student, StudentState
from muster.domain.upload import Upload, UploadKind
from muster.services.registering.bulk import PhotoReport, PhotoResult, photos_of_folder
from muster.services.registering.results import RegistrationResult
from muster.services.uploading.arrivals import UploadedPhotos
from muster.services.uploading.bulk import AT_ONCE, BulkUpload
from muster.storage.aws.stores import AwsStores
from muster.storage.aws.table import Table
from muster.storage.aws.uploads import AwsUploads
from tests.contract.examples import NOW, a_template
from tests.contract.places import AwsPlace

REGISTERED, REPEATED, REFUSED, UNANSWERED = PhotoResult


@dataclass
class Readings:
    """Stands for the registration of the function: it stores the student, without a model."""

    stores: AwsStores
    done: list[StudentId] = field(default_factory=list)

    def register(self, details: RegistrationDetails, image: bytes, _: object) -> RegistrationResult:
        known, digest = self.stores.students.get(details.student_id), hashlib.sha256(image).hexdigest()
        if known.state is StudentState.REGISTERED:
            return RegistrationResult(known, None, repeated=True)
        if image.startswith(b"nobody"):
            raise NoFace("There is no face in the photo.")
        student = replace(known, consent=Consent(NOW, "2026-1"), registered_at=NOW, version=known.version + 1)
        template = replace(a_template(student.id), photo_digest=digest)
        self.stores.students.add(student, template, image, replaces=known)
        self.done.append(student.id)
        return RegistrationResult(student, 0.8, repeated=False)


class Stage:
    """A stage whose function runs while the command pauses; the clock moves only then.

    Attributes:
        deliver: called with the uploads that wait, in any order; takes those that it reads.
    """

    def __init__(self, place: AwsPlace) -> None:
        dynamodb, s3 = place.clients()
        self.place, self.s3 = place, s3
        self.stores = place.open()
        self.uploads = AwsUploads(s3, Table(dynamodb, place.table), place.photos)
        self.readings = Readings(self.stores)
        self.arrivals = UploadedPhotos(self.uploads, self.stores.groups, cast(Any, self.readings), cast(Any, None))
        self.now = 1000.0
        self.pauses: list[float] = []
        self.most_waiting = 0
        self.sent: list[StudentId] = []
        self.deliver: Callable[[list[UploadId]], None] = self.read_all

    def bulk(self) -> BulkUpload:
        """Open the command's use case, as each run does."""
        place = self.place
        settings = AwsSettings(
            stage="dev", table=place.table, photos_bucket=place.photos, models_bucket=place.models, home=Path("none")
        )
        bulk = AwsBackend(settings).bulk_registration
        return replace(bulk, store=cast(Any, self), clock=lambda: self.now, pause=self.pause)

    def send(self, upload: Upload, photo: bytes) -> None:
        assert isinstance(upload.details, RegistrationDetails)
        self.sent.append(upload.details.student_id)
        self.uploads.send(upload, photo)

    def pause(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)
        waiting = self.waiting()
        self.most_waiting = max(self.most_waiting, len(waiting))
        self.deliver(waiting)

    def waiting(self) -> list[UploadId]:
        listed = self.s3.list_objects_v2(Bucket=self.place.photos, Prefix="uploads/register/").get("Contents", [])
        return [UploadId(each["Key"].rpartition("/")[2]) for each in listed]

    def read_all(self, uploads: list[UploadId]) -> None:
        for upload_id in uploads:
            self.arrivals.read(UploadKind.REGISTER, upload_id)

    def of(self, upload_id: UploadId) -> StudentId:
        details = self.uploads.get(upload_id).details
        assert isinstance(details, RegistrationDetails)
        return details.student_id

    def run(self, folder: Path, **options: Any) -> dict[str, PhotoReport]:
        reports = list(self.bulk().run(photos_of_folder(folder), consent=True, **options))
        found = {report.name: report for report in reports}
        assert len(found) == len(reports)
        return found


@pytest.fixture
def stage(aws: AwsPlace, monkeypatch: pytest.MonkeyPatch) -> Stage:
    for name, value in aws.connection().items():
        monkeypatch.setenv(name, value)
    return Stage(aws)


def school(stage: Stage, folder: Path, number: int) -> list[str]:
    """Put students on the roster and their photos into a folder; return the photos' names."""
    folder.mkdir(exist_ok=True)
    students = [StudentId(f"s{i:02}") for i in range(number)]
    for id in students:
        groups = frozenset({GroupId("7b")})
        stage.stores.students.enrol(Student(id, f"Name of {id}", groups, consent=None, registered_at=None))
        (folder / f"{id}.jpg").write_bytes(b"photo of " + id.encode())
    return [f"{id}.jpg" for id in students]


def results(reports: dict[str, PhotoReport]) -> dict[str, PhotoResult]:
    return {name: report.result for name, report in reports.items()}


def registered(stage: Stage) -> set[StudentId]:
    return {student.id for student in stage.stores.students.find() if student.state is StudentState.REGISTERED}


def test_a_folder_is_registered_a_few_photos_at_a_time_and_only_once(stage: Stage, tmp_path: Path) -> None:
    photos = school(stage, tmp_path, 2 * AT_ONCE + 1)
    first = stage.run(tmp_path)
    assert results(first) == dict.fromkeys(photos, REGISTERED)
    assert first["s00.jpg"].quality == 0.8
    assert stage.most_waiting == AT_ONCE
    assert len(stage.readings.done) == len(registered(stage)) == len(photos)
    stage.sent.clear()
    assert results(stage.run(tmp_path)) == dict.fromkeys(photos, REPEATED)
    assert stage.sent == []
    assert stage.waiting() == []


def test_each_refused_photo_has_its_reason_and_stops_no_other(stage: Stage, tmp_path: Path) -> None:
    school(stage, tmp_path, 5)
    (tmp_path / "s01.jpg").write_bytes(b"nobody")
    (tmp_path / "s02.jpg").write_bytes(b"")
    (tmp_path / "s03.jpg").write_bytes(b"x" * 25_000_001)
    (tmp_path / "stranger.jpg").write_bytes(b"photo")
    (tmp_path / "not an id.jpg").write_bytes(b"photo")
    # The first photo of a student counts.
    (tmp_path / "s04.png").write_bytes(b"another")
    stage.stores.students.enrol(
        Student(StudentId("s9"), "Nine", frozenset({GroupId("8a")}), consent=None, registered_at=None)
    )
    (tmp_path / "s9.jpg").write_bytes(b"photo")
    reports = stage.run(tmp_path, group_ids=frozenset({GroupId("7b")}))
    assert {name: report.code for name, report in reports.items() if report.result is REFUSED} == {
        "s01.jpg": "no_face",
        "s02.jpg": "empty_upload",
        "s03.jpg": "image_too_large",
        "stranger.jpg": "student_not_found",
        "not an id.jpg": "invalid_request",
        "s04.png": "student_exists",
        "s9.jpg": "student_not_found",
    }
    assert {name for name, result in results(reports).items() if result is REGISTERED} == {"s00.jpg", "s04.jpg"}


def test_a_killed_run_is_completed_by_the_next(stage: Stage, tmp_path: Path) -> None:
    photos = school(stage, tmp_path, AT_ONCE + 4)
    run = stage.bulk().run(photos_of_folder(tmp_path), consent=True)
    early = [next(run).student_id for _ in range(3)]
    del run
    stage.sent.clear()
    again = stage.run(tmp_path)
    assert {name for name, result in results(again).items() if result is REPEATED} >= {f"{id}.jpg" for id in early}
    assert not set(stage.sent) & set(early)
    assert set(results(again).values()) <= {REPEATED, REGISTERED}
    assert sorted(stage.readings.done) == sorted(photo.removesuffix(".jpg") for photo in photos), "each one once"


def test_failing_and_duplicate_events_register_each_student_once(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = school(stage, tmp_path, 4)
    failed: set[UploadId] = set()
    register = stage.readings.register

    def fail_first(*_: object) -> RegistrationResult:
        raise RegistrationsBusy("Many students are being registered at once.")

    def deliver(uploads: list[UploadId]) -> None:
        for upload_id in uploads:
            if upload_id not in failed:
                failed.add(upload_id)
                monkeypatch.setattr(stage.readings, "register", fail_first)
                with pytest.raises(RegistrationsBusy):
                    stage.arrivals.read(UploadKind.REGISTER, upload_id)
                continue
            monkeypatch.setattr(stage.readings, "register", register)
            stage.read_all([upload_id, upload_id])

    stage.deliver = deliver
    assert results(stage.run(tmp_path)) == dict.fromkeys(photos, REGISTERED)
    assert len(stage.sent) == len(stage.readings.done) == len(photos)


def test_a_reading_whose_answer_was_not_stored_is_a_registration_of_this_run(stage: Stage, tmp_path: Path) -> None:
    """The function was killed between the registration and the answer; the event comes again."""
    photos = school(stage, tmp_path, 1)

    def deliver(uploads: list[UploadId]) -> None:
        for upload_id in uploads:
            upload = stage.uploads.get(upload_id)
            assert isinstance(upload.details, RegistrationDetails)
            stage.readings.register(upload.details, stage.uploads.photo(upload.kind, upload_id), None)
        stage.read_all(uploads)

    stage.deliver = deliver
    assert results(stage.run(tmp_path)) == dict.fromkeys(photos, REGISTERED)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a run wait for a minute at most."""
    monkeypatch.setattr("muster.services.uploading.bulk.ANSWER_SECONDS", 60)


@pytest.mark.usefixtures("impatient")
def test_a_stage_that_reads_nothing_gets_no_more_photos_and_says_so(stage: Stage, tmp_path: Path) -> None:
    photos = school(stage, tmp_path, AT_ONCE + 5)
    stage.deliver = lambda _: None
    reports = stage.run(tmp_path)
    assert results(reports) == dict.fromkeys(photos, UNANSWERED)
    assert {report.code for report in reports.values()} == {"upload_unanswered"}
    assert sum((report.detail or "").startswith("Not sent.") for report in reports.values()) == 5
    assert len(stage.sent) == AT_ONCE
    assert sum(stage.pauses) < 100
    stage.deliver = stage.read_all
    assert results(stage.run(tmp_path)) == dict.fromkeys(photos, REGISTERED)


@pytest.mark.usefixtures("impatient")
def test_a_photo_in_the_dead_letter_queue_stops_no_other(stage: Stage, tmp_path: Path) -> None:
    photos = school(stage, tmp_path, AT_ONCE + 3)
    stage.deliver = lambda uploads: stage.read_all([each for each in uploads if stage.of(each) != "s02"])
    reports = stage.run(tmp_path)
    assert {name for name, result in results(reports).items() if result is UNANSWERED} == {"s02.jpg"}
    assert registered(stage) == {StudentId(name.removesuffix(".jpg")) for name in photos} - {"s02"}
    # An operator moves the message back; the run after that has nothing to do.
    stage.read_all(stage.waiting())
    stage.sent.clear()
    assert results(stage.run(tmp_path)) == dict.fromkeys(photos, REPEATED)
    assert stage.sent == []


@pytest.mark.parametrize("lost", ["photo", "record"])
def test_a_photo_that_is_lost_on_its_way_is_sent_again(stage: Stage, tmp_path: Path, lost: str) -> None:
    photos = school(stage, tmp_path, 2)
    dynamodb, _ = stage.place.clients()

    def deliver(uploads: list[UploadId]) -> None:
        for upload_id in uploads:
            if lost == "photo":
                stage.uploads.discard(UploadKind.REGISTER, upload_id)
            else:
                Table(dynamodb, stage.place.table).delete((f"UPLOAD#{upload_id}", "RECORD"))
        stage.read_all(uploads)
        stage.deliver = stage.read_all

    stage.deliver = deliver
    assert results(stage.run(tmp_path)) == dict.fromkeys(photos, REGISTERED)
    assert len(stage.sent) == 4


def test_a_photo_that_is_always_lost_is_refused(stage: Stage, tmp_path: Path) -> None:
    school(stage, tmp_path, 1)

    def deliver(uploads: list[UploadId]) -> None:
        for upload_id in uploads:
            stage.uploads.discard(UploadKind.REGISTER, upload_id)
        stage.read_all(uploads)

    stage.deliver = deliver
    (report,) = stage.run(tmp_path).values()
    assert (report.result, report.code, len(stage.sent)) == (REFUSED, "photo_not_found", 3)


def test_a_student_who_is_erased_meanwhile_stays_erased(stage: Stage, tmp_path: Path) -> None:
    school(stage, tmp_path, 2)

    def deliver(uploads: list[UploadId]) -> None:
        if stage.readings.done == []:
            stage.bulk().roster.erase(StudentId("s00"))
        stage.read_all(uploads)

    stage.deliver = deliver
    reports = stage.run(tmp_path)
    assert (reports["s00.jpg"].result, reports["s00.jpg"].code) == (REFUSED, "student_not_found")
    assert reports["s01.jpg"].result is REGISTERED
    with pytest.raises(StudentNotFound):
        stage.stores.students.get(StudentId("s00"))


def test_a_network_that_fails_for_a_minute_is_waited_for(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = school(stage, tmp_path, 3)
    send, attempts = stage.send, iter(range(1, 100))

    def flaky(upload: Upload, photo: bytes) -> None:
        attempt = next(attempts)
        if attempt < 5:
            raise StageUnreachable("There is no network.")
        send(upload, photo)
        if attempt == 6:
            raise StageUnreachable("The answer was lost.")

    monkeypatch.setattr(stage, "send", flaky)
    assert results(stage.run(tmp_path)) == dict.fromkeys(photos, REGISTERED)
    assert [seconds for seconds in stage.pauses if seconds >= 2] == [2, 4, 8, 16, 2]
    assert len(stage.readings.done) == len(photos)


@pytest.mark.parametrize("error", [StageRefused("The credentials expired."), StageUnreachable("No network.")])
def test_a_stage_that_is_lost_in_the_middle_leaves_a_report_on_every_photo(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: StageRefused
) -> None:
    photos = school(stage, tmp_path, 5)
    send = stage.send

    def expire(upload: Upload, photo: bytes) -> None:
        if len(stage.sent) == 2:
            raise error
        send(upload, photo)

    monkeypatch.setattr(stage, "send", expire)
    reports = stage.run(tmp_path)
    assert reports.keys() == set(photos)
    lost = [report for report in reports.values() if report.result is UNANSWERED]
    assert {report.code for report in lost} == {error.code}
    monkeypatch.undo()


def test_failures_of_the_sdk_are_named(stage: Stage, tmp_path: Path) -> None:
    photos = school(stage, tmp_path, 1)
    stage.s3.delete_bucket(Bucket=stage.place.photos)
    reports = stage.run(tmp_path)
    assert {name: report.code for name, report in reports.items()} == {photos[0]: "stage_refused"}
