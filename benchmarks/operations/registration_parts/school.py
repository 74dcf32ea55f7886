"""A school on the simulated account, and instances of `register` that read photos of made-up people."""

import hashlib
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from muster.arrays import FloatArray, unit_rows
from muster.domain.identifiers import GroupId, PackId, StudentId, UploadId
from muster.domain.registration import RegistrationDetails
from muster.domain.student import MeanView
from muster.domain.upload import PhotoFile, Upload, UploadKind
from muster.recognition.scoring import Population
from muster.recognition.thresholds import DUPLICATE_THRESHOLDS
from muster.services.caches.school import School
from muster.services.registering.registration import Registration
from muster.services.roll_call.detection import RollCalls
from muster.services.roster.groups import Groups
from muster.services.uploading.arrivals import UploadedPhotos
from muster.storage.aws.school_index import index_item, part_of
from muster.storage.aws.table import Table
from muster.storage.aws.uploads import AwsUploads, upload_object
from muster.vision.decode import Photo
from muster.vision.pipeline import VisionPipeline
from tests.contract.places import AwsPlace

PACK = PackId("embedded-2")
_GROUP_SIZE = 25


def person(population: Population, number: int, photo: int = 0) -> FloatArray:
    """Return the four views of one person's photo, float32 (4, D), with embeddings spread as those of the pack."""
    views = []
    for network in population.networks:
        rows = network.factor.shape[1]
        identity = np.random.default_rng(number).normal(size=rows)
        noise = np.random.default_rng([number, photo]).normal(size=(4, rows))
        views.append(unit_rows(network.mean + (identity + 0.2 * noise) @ network.factor.T))
    return unit_rows(np.concatenate(views, axis=1)).astype(np.float32)


def fill(place: AwsPlace, population: Population, students: int) -> None:
    """Store the index of a school, with its versions: all that a registration reads of other students."""
    dynamodb, _ = place.clients()
    table = Table(dynamodb, place.table)
    ids = [StudentId(f"old{number}") for number in range(students)]
    views = (MeanView(id, PACK, person(population, number).mean(axis=0)) for number, id in enumerate(ids))
    table.put_many([index_item(view) for view in views])
    parts = {f"part{part_of(id)}": "0" for id in ids}
    table.put({"pk": "GROUP#", "sk": "ROSTER", "version": students, "index_version": students, **parts})


@dataclass(frozen=True)
class Announced:
    """A photo in the queue: the student it registers and the person it shows."""

    student_id: StudentId
    person: int
    photo: int = 0

    @property
    def upload_id(self) -> UploadId:
        """The id of its upload."""
        return UploadId(f"upload-{self.student_id}")


def announce(place: AwsPlace, photos: Sequence[Announced]) -> None:
    """Open an upload for each photo, and put the photo where the client sends it."""
    dynamodb, s3 = place.clients()
    uploads = AwsUploads(s3, Table(dynamodb, place.table), place.photos)
    now = datetime.now(UTC)
    for number, photo in enumerate(photos):
        group = GroupId(f"group{number // _GROUP_SIZE}")
        details = RegistrationDetails(photo.student_id, "Name", frozenset({group}), consent=True)
        file = PhotoFile("image/jpeg", 20)
        uploads.open(
            Upload(photo.upload_id, UploadKind.REGISTER, details, file, now, now + timedelta(days=1), as_admin=True)
        )
        content = f"{photo.person} {photo.photo}".encode()
        s3.put_object(Bucket=place.photos, Key=upload_object(UploadKind.REGISTER, photo.upload_id), Body=content)


@dataclass
class Instance:
    """One instance of `register`, with its own clients and its own memory of the school.

    Attributes:
        photo_seconds: time that reading a photo takes.
        seconds: of each registration, without reading the photo.
    """

    place: AwsPlace
    population: Population
    photo_seconds: float
    seconds: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Open the stores and services."""
        stores = self.place.open()
        dynamodb, s3 = self.place.clients()
        registration = Registration(
            pack=PACK,
            vision=cast(VisionPipeline, SimpleNamespace(registration_views=self._views)),
            students=stores.students,
            school=School(stores.students, PACK, self.population),
            duplicate_thresholds=DUPLICATE_THRESHOLDS,
            groups=Groups(stores.groups, stores.students, stores.sessions),
            request_training=lambda: None,
            one_at_a_time=cast(AbstractContextManager[object], stores.registering),
            decode=_decode,
        )
        uploads = AwsUploads(s3, Table(dynamodb, self.place.table), self.place.photos)
        self._uploads = UploadedPhotos(uploads, stores.groups, registration, cast(RollCalls, None))

    def read(self, upload_id: str) -> None:
        """Read an uploaded photo, as the function does with an event."""
        started = time.perf_counter()
        self._uploads.read(UploadKind.REGISTER, UploadId(upload_id))
        self.seconds.append(time.perf_counter() - started - self.photo_seconds)

    def _views(self, photo: Photo) -> Any:
        time.sleep(self.photo_seconds)
        number, variant = (int(part) for part in bytes(photo.pixels.tobytes()).split())
        embeddings = person(self.population, number, variant)
        return SimpleNamespace(embeddings=embeddings, quality=0.9, turned=0, covering=None)


def _decode(content: bytes) -> Photo:
    """Stand for the decoding: the photo's bytes are its pixels."""
    return Photo(np.frombuffer(content, np.uint8)[None, :, None], hashlib.sha256(content).hexdigest())
