"""One machine, no account: SQLite and files, and a worker thread that trains."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from muster.api.authorize import Authorize
from muster.api.middleware.rate_limit import RateLimits
from muster.api.sign_in import LocalSignIn
from muster.api.system import Services
from muster.composition.population import population_of
from muster.composition.settings import LocalSettings
from muster.composition.trainer import local_trainer
from muster.composition.vision import open_models
from muster.domain.period import parse_zone
from muster.packs.load import ModelPack, load_pack
from muster.packs.manifest import name_of
from muster.recognition.policy import Policy
from muster.recognition.scoring import Population
from muster.recognition.thresholds import DUPLICATES
from muster.services.caches.galleries import Galleries
from muster.services.caches.heads import CurrentHead
from muster.services.learning.automatic import AutomaticLearning
from muster.services.learning.named_faces import Learning
from muster.services.packs.migration import Migration, check_packs
from muster.services.photos.session_pictures import SessionPictures
from muster.services.privacy.retention import Retention, RetentionLimits
from muster.services.privacy.subject_access import SubjectAccess
from muster.services.registering.registration import Registration
from muster.services.reporting.reports import Reports
from muster.services.roll_call.corrections import Corrections
from muster.services.roll_call.detection import RollCalls
from muster.services.roll_call.photo_checks import PhotoChecks
from muster.services.roll_call.sessions import Sessions
from muster.services.roster.groups import Groups
from muster.services.roster.students import Roster
from muster.services.roster.users import Users
from muster.services.training.queue import TrainingQueue
from muster.services.training.run import Trainer
from muster.storage.local import LocalStores, open_local
from muster.vision.decode import DEFAULT, Decode, decode
from muster.vision.pipeline import VisionPipeline


@dataclass(frozen=True, slots=True)
class LocalServices(Services):
    """A system on one machine, with its stores at hand."""

    stores: LocalStores
    users: Users


def open_vision(pack: ModelPack, settings: LocalSettings) -> VisionPipeline:
    """Load the models of a pack."""
    return open_models(pack, settings.threads)


def open_stores(data: Path | None = None) -> LocalStores:
    """Open the stores of a folder; None takes the one of the settings."""
    return open_local(data or LocalSettings().data)


def open_local_system(
    data: Path | None = None,
    settings: LocalSettings | None = None,
    vision: VisionPipeline | None = None,
    stores: LocalStores | None = None,
    decode: Decode = decode,
) -> LocalServices:
    """Build the whole system.

    Args:
        data: the store's folder; None takes the one of the settings.
        vision: models that are loaded already.
        stores: the stores of that folder, if they are open already.
        decode: reads photos; the default bounds neither time nor memory and is for photos of the caller's own.

    Raises:
        PackMissing, PackDamaged: the model pack cannot be used.
        PackMismatch: the store's students were registered with another pack.
    """
    settings = settings or LocalSettings()
    pack = load_pack(settings.pack, settings.home)
    stores = stores or open_local(data or settings.data)
    check_packs(stores.staging.packs(), pack.id, name_of)
    vision = vision or open_vision(pack, settings)
    population = population_of(pack.statistics)
    galleries = Galleries(stores.students, pack.id, population)
    heads = CurrentHead(stores.heads, pack.id, settings.head)
    training = TrainingQueue(
        pack.id, stores.students, stores.heads, stores.training, _trainer(pack, population), settings.head
    )
    groups = Groups(stores.groups, stores.students, stores.sessions)
    users = users_of(stores)
    sessions = Sessions(stores.students, stores.sessions, stores.groups)
    corrections = Corrections(stores.students, stores.sessions, training.request)
    return LocalServices(
        pack=pack.id,
        access=Authorize(LocalSignIn(users), stores.groups, stores.students, stores.sessions),
        answers=stores.answers,
        limits=RateLimits(),
        users=users,
        registration=Registration(
            pack.id,
            vision,
            stores.students,
            galleries,
            DUPLICATES,
            groups,
            training.request,
            decode=decode,
        ),
        detection=RollCalls(
            pack.id,
            vision,
            stores.students,
            stores.sessions,
            galleries,
            heads,
            Policy(settings.wrong_marks, head=settings.head),
            PhotoChecks(stores.sessions, parse_zone(settings.time_zone)),
            AutomaticLearning(stores.students, stores.sessions, settings.learn, training.request),
            decode=decode,
        ),
        roster=Roster(stores.students, stores.heads, groups, stores.answers, None, training.request),
        groups=groups,
        subject_access=SubjectAccess(stores.students, stores.sessions),
        sessions=sessions,
        corrections=corrections,
        reports=Reports(stores.students, stores.sessions, stores.groups, parse_zone(settings.time_zone)),
        heads=heads,
        training=training,
        uploads=None,
        max_photo_bytes=DEFAULT.file_bytes,
        learning=Learning(
            pack.id,
            vision,
            stores.students,
            stores.sessions,
            corrections,
            galleries,
            settings.learn,
            training.request,
            decode,
        ),
        session_pictures=SessionPictures(sessions, stores.sessions, decode),
        decode=decode,
        check_store=stores.upkeep.check_writable,
        stores=stores,
    )


def open_migration(
    name: str, data: Path | None = None, settings: LocalSettings | None = None, decode: Decode = decode
) -> Migration:
    """Open what takes the students of a store over to another pack.

    Args:
        decode: reads the stored photos.

    Raises:
        PackMissing, PackDamaged: that pack cannot be used.
    """
    settings = settings or LocalSettings()
    pack = load_pack(name, settings.home)
    stores = open_local(data or settings.data)
    vision = open_vision(pack, settings)
    return Migration(pack.id, vision, stores.students, stores.staging, stores.training.request, decode)


def open_roster(data: Path | None = None) -> Roster:
    """Open the students alone, without loading a model."""
    stores = open_stores(data)
    groups = Groups(stores.groups, stores.students, stores.sessions)
    return Roster(stores.students, stores.heads, groups, stores.answers, None, stores.training.request)


def open_groups(data: Path | None = None) -> Groups:
    """Open the groups alone, without loading a model."""
    stores = open_stores(data)
    return Groups(stores.groups, stores.students, stores.sessions)


def open_users(data: Path | None = None) -> Users:
    """Open the users alone, without loading a model."""
    return users_of(open_stores(data))


def users_of(stores: LocalStores) -> Users:
    """Return the users of stores that are open."""
    return Users(stores.users, Groups(stores.groups, stores.students, stores.sessions))


def open_sessions(data: Path | None = None) -> tuple[Sessions, Corrections]:
    """Open the sessions and what corrects them, without loading a model."""
    stores = open_stores(data)
    return (
        Sessions(stores.students, stores.sessions, stores.groups),
        Corrections(stores.students, stores.sessions, stores.training.request),
    )


def open_session_pictures(data: Path | None = None) -> SessionPictures:
    """Open the pictures of sessions, without loading a model."""
    stores = open_stores(data)
    return SessionPictures(Sessions(stores.students, stores.sessions, stores.groups), stores.sessions)


def open_retention(data: Path | None = None, settings: LocalSettings | None = None) -> Retention:
    """Open what lets go of old photos and sessions, without loading a model."""
    settings = settings or LocalSettings()
    return retention_of(open_local(data or settings.data), settings)


def retention_of(stores: LocalStores, settings: LocalSettings) -> Retention:
    """Return what lets go of old photos and sessions of stores that are open."""
    limits = RetentionLimits(settings.keep_photos_days, settings.keep_sessions_days)
    return Retention(stores.groups, stores.sessions, limits, clean=stores.upkeep.rewrite)


def _trainer(pack: ModelPack, population: Population) -> Trainer | None:
    return local_trainer(pack.id, population) if find_spec("torch") is not None else None
