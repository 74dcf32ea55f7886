"""Wire the services on AWS that recognise faces."""

from muster.api.system import Services
from muster.composition.aws import AwsAccess, open_records, request_by_event
from muster.composition.aws_settings import AwsSettings
from muster.composition.services import build_services
from muster.composition.vision import open_models
from muster.packs.load import load_pack
from muster.services.packs.school_statistics import with_school_statistics
from muster.services.uploading.arrivals import UploadedPhotos
from muster.vision.decoder_pool import DecoderPool


def open_services(settings: AwsSettings, access: AwsAccess) -> Services:
    """Load the models and build all services.

    Raises:
        PackMissing, PackDamaged: the image's model pack cannot be used.
    """
    # Its process starts while the models are loaded. A function reads one photo at a time.
    decoders = DecoderPool(1)
    pack = with_school_statistics(load_pack(settings.pack, settings.home), access.stores.heads)
    return build_services(
        open_records(settings, access),
        access.stores,
        settings,
        pack=pack,
        vision=open_models(pack, settings.threads),
        decode=decoders.decode,
        request_training=request_by_event,
        one_at_a_time=access.stores.registering,
    )


def open_uploaded_photos(access: AwsAccess, services: Services) -> UploadedPhotos:
    """Build the reading of photos that were sent straight to S3."""
    return UploadedPhotos(
        access.uploads,
        access.stores.groups,
        services.registration,
        services.detection,
        services.substitutes.groups_at,
    )
