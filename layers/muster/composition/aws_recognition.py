"""On AWS, with the models: what registers students and reads photos."""

from dataclasses import dataclass

from muster.api.system import Services
from muster.composition.aws import AwsAccess, asked_by_event, open_records
from muster.composition.aws_settings import AwsSettings
from muster.composition.population import population_of
from muster.composition.vision import open_models
from muster.domain.period import parse_zone
from muster.packs.load import load_pack
from muster.recognition.policy import Policy
from muster.recognition.thresholds import DUPLICATES
from muster.services.caches.galleries import Galleries
from muster.services.caches.heads import CurrentHead
from muster.services.learning.automatic import AutomaticLearning
from muster.services.learning.named_faces import Learning
from muster.services.photos.session_pictures import SessionPictures
from muster.services.registering.registration import Registration
from muster.services.roll_call.detection import RollCalls
from muster.services.roll_call.photo_checks import PhotoChecks
from muster.services.uploading.arrivals import UploadedPhotos
from muster.vision.decoder_pool import DecoderPool


@dataclass(frozen=True, slots=True)
class AwsServices(Services):
    """A system on AWS, with what reads photos that came straight to S3."""

    uploaded_photos: UploadedPhotos


def open_aws_system(settings: AwsSettings, access: AwsAccess) -> AwsServices:
    """Load the models and build the whole system.

    Raises:
        PackMissing, PackDamaged: the image's model pack cannot be used.
    """
    pack = load_pack(settings.pack, settings.home)
    # A function reads one photo at a time.
    decode = DecoderPool(1).decode
    vision = open_models(pack, settings.threads)
    stores = access.stores
    galleries = Galleries(stores.students, pack.id, population_of(pack.statistics))
    heads = CurrentHead(stores.heads, pack.id, settings.head)
    policy = Policy(settings.wrong_marks, head=settings.head)
    records = open_records(settings, access)
    registration = Registration(
        pack.id,
        vision,
        stores.students,
        galleries,
        DUPLICATES,
        records.groups,
        asked_by_event,
        one_at_a_time=access.registering,
        decode=decode,
    )
    checks = PhotoChecks(stores.sessions, parse_zone(settings.time_zone))
    learning = AutomaticLearning(stores.students, stores.sessions, settings.learn, asked_by_event)
    detection = RollCalls(
        pack.id, vision, stores.students, stores.sessions, galleries, heads, policy, checks, learning, decode=decode
    )
    return AwsServices(
        pack=pack.id,
        access=records.access,
        answers=records.answers,
        limits=records.limits,
        roster=records.roster,
        groups=records.groups,
        subject_access=records.subject_access,
        sessions=records.sessions,
        corrections=records.corrections,
        reports=records.reports,
        heads=heads,
        training=records.training,
        uploads=records.uploads,
        max_photo_bytes=records.max_photo_bytes,
        registration=registration,
        detection=detection,
        learning=Learning(
            pack.id,
            vision,
            stores.students,
            stores.sessions,
            records.corrections,
            galleries,
            settings.learn,
            asked_by_event,
            decode,
        ),
        session_pictures=SessionPictures(records.sessions, stores.sessions, decode),
        decode=decode,
        uploaded_photos=UploadedPhotos(access.uploads, stores.groups, registration, detection),
    )
