"""Build all services, those that recognise faces included."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import fields
from threading import Lock
from typing import Any, TypeVar

from muster.api.system import RecordServices, Services
from muster.composition.settings import CommonSettings
from muster.composition.stores import Stores
from muster.composition.training import population_of
from muster.domain.period import parse_zone
from muster.packs.load import ModelPack
from muster.recognition.policy import Policy
from muster.recognition.thresholds import DUPLICATE_THRESHOLDS
from muster.services.caches.galleries import Galleries
from muster.services.caches.heads import CurrentHead
from muster.services.caches.school import School
from muster.services.learning.automatic import AutomaticLearning
from muster.services.learning.named_faces import Learning
from muster.services.photos.session_pictures import SessionPictures
from muster.services.registering.registration import Registration
from muster.services.roll_call.detection import RollCalls
from muster.services.roll_call.photo_checks import PhotoChecks
from muster.vision.decode import Decode
from muster.vision.pipeline import VisionPipeline

_Extended = TypeVar("_Extended", bound=RecordServices)


def build_services(
    records: RecordServices,
    stores: Stores,
    settings: CommonSettings,
    *,
    pack: ModelPack,
    vision: VisionPipeline,
    decode: Decode,
    request_training: Callable[[], None],
    one_at_a_time: AbstractContextManager[object] | None = None,
) -> Services:
    """Build all services.

    Args:
        records: built over the same stores and settings.
        vision: the models of `pack`.
        decode: reads photos.
        request_training: called after each change to train on.
        one_at_a_time: held while a student is registered; None if only this process registers students.
    """
    population = population_of(pack.statistics)
    galleries = Galleries(stores.students, pack.id, population, stores.staging)
    heads = CurrentHead(stores.heads, pack.id, settings.head)
    registration = Registration(
        pack=pack.id,
        vision=vision,
        students=stores.students,
        school=School(stores.students, pack.id, population, stores.staging),
        duplicate_thresholds=DUPLICATE_THRESHOLDS,
        groups=records.groups,
        request_training=request_training,
        one_at_a_time=one_at_a_time or Lock(),
        decode=decode,
    )
    detection = RollCalls(
        pack=pack.id,
        vision=vision,
        students=stores.students,
        sessions=stores.sessions,
        galleries=galleries,
        heads=heads,
        policy=Policy(settings.wrong_marks, head=settings.head),
        checks=PhotoChecks(stores.sessions, parse_zone(settings.time_zone)),
        learning=AutomaticLearning(stores.students, stores.sessions, settings.learn, request_training),
        decode=decode,
        lessons=records.lesson_sessions,
        planned=records.absences.marks,
    )
    learning = Learning(
        pack=pack.id,
        vision=vision,
        students=stores.students,
        sessions=stores.sessions,
        corrections=records.corrections,
        galleries=galleries,
        mode=settings.learn,
        request_training=request_training,
        decode=decode,
    )
    return extend(
        records,
        Services,
        heads=heads,
        registration=registration,
        detection=detection,
        learning=learning,
        session_pictures=SessionPictures(records.sessions, stores.sessions, decode),
        decode=decode,
    )


def extend(services: RecordServices, kind: type[_Extended], **more: Any) -> _Extended:
    """Return services of another kind: those given, with the fields in `more` added or replaced.

    Raises:
        TypeError: `kind` has another field without a value, or `more` has one that `kind` has not.
    """
    given = {field.name: getattr(services, field.name) for field in fields(services)}
    return kind(**{**given, **more})
