"""The services of a stage on AWS for the command line of a workstation."""

from functools import cached_property

from muster.api.system import RecordServices
from muster.composition.aws import AwsAccess, open_access, open_records, open_retention
from muster.composition.aws_settings import AwsSettings
from muster.services.photos.session_pictures import SessionPictures
from muster.services.privacy.retention import Retention
from muster.vision.decoder_pool import DecoderPool


class AwsBackend:
    """A stage and the services over it, each opened on first use. Nothing is stored on this machine.

    Args:
        settings: name the stage. The SDK's own settings give region and credentials.
    """

    def __init__(self, settings: AwsSettings) -> None:
        self._settings = settings

    @cached_property
    def access(self) -> AwsAccess:
        """The clients and stores."""
        return open_access(self._settings)

    @cached_property
    def records(self) -> RecordServices:
        """The services that need no model."""
        return open_records(self._settings, self.access)

    @cached_property
    def retention(self) -> Retention:
        """The removal of old sessions; photos expire by the bucket's own rules."""
        return open_retention(self._settings, self.access)

    @cached_property
    def session_pictures(self) -> SessionPictures:
        """The pictures of sessions, for which no model is loaded."""
        # The photos came from uploads, which may cost any amount of memory or time.
        return SessionPictures(self.records.sessions, self.access.stores.sessions, DecoderPool(1).decode)
