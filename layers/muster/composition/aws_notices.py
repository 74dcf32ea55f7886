"""Wire the notices of a stage on AWS."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from muster.composition.aws_settings import AwsSettings
from muster.composition.lazy_client import LazyClient
from muster.composition.notices import address, office_addresses
from muster.domain.errors import InvalidSetting, NoticeNotSent
from muster.services.notices.channels import Channels
from muster.storage.aws.ses_mail import SES_CONFIG, SesMail

if TYPE_CHECKING:
    from muster.services.notices.webhook import Webhook

_SSM_CONFIG = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 4})


def open_stage_channels(settings: AwsSettings) -> Channels | None:
    """Build the channels of a stage; None while notices are switched off. Nothing is called until a notice is sent.

    Raises:
        InvalidSetting: a setting is missing or not usable.
    """
    if not settings.notices:
        return None
    mail = events = None
    sender = address("MUSTER_MAIL_FROM", settings.mail_from) if settings.mail_from else ""
    if sender:
        mail = SesMail(LazyClient(lambda: boto3.client("sesv2", config=SES_CONFIG)), sender)
    if settings.webhook_url is not None:
        events = StageEvents(settings.webhook_url, settings.webhook_parameter)
    if mail is None and events is None:
        raise InvalidSetting("MUSTER_NOTICES needs MUSTER_MAIL_FROM, MUSTER_WEBHOOK_URL or both.")
    return Channels(
        mail=mail,
        sender=sender,
        office=office_addresses(settings),
        language=settings.office_language,
        events=events,
        receiver="" if settings.webhook_url is None else urlsplit(settings.webhook_url).hostname or "",
    )


class StageEvents:
    """Posts events like `Webhook`, with a secret that is read when the first event is sent."""

    def __init__(self, url: str, parameter: str) -> None:
        self._url = url
        self._parameter = parameter
        self._webhook: Webhook | None = None

    def post(self, event: Mapping[str, Any], delivery_id: str) -> None:
        """Deliver an event; see `Events.post`."""
        if self._webhook is None:
            self._webhook = self._open()
        self._webhook.post(event, delivery_id)

    def _open(self) -> "Webhook":
        from muster.services.notices.webhook import Webhook

        client = boto3.client("ssm", config=_SSM_CONFIG)
        try:
            answer = client.get_parameter(Name=self._parameter, WithDecryption=True)
            return Webhook(self._url, answer["Parameter"]["Value"], public_only=True)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            raise NoticeNotSent(f"The secret of the webhook was not read ({code}).") from error
        except BotoCoreError as error:
            raise NoticeNotSent(f"The secret of the webhook was not read ({type(error).__name__}).") from error
        except InvalidSetting as error:
            raise NoticeNotSent(str(error)) from error
