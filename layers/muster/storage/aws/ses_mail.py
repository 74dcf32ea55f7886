"""E-mail through Amazon SES."""

import time
from collections.abc import Callable
from typing import Any, Final, Protocol

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from muster.domain.errors import NoticeNotSent, NoticeUnclear

SES_CONFIG = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 1})
"""SES has no token by which it recognises a repeated message, so the SDK must not repeat a request by itself: the first
one may have been carried out, although its answer was lost."""

_THROTTLED: Final = frozenset({"TooManyRequestsException", "Throttling", "ThrottlingException", "ServiceUnavailable"})
"""Refusals before anything was sent: the sending rate of the account, or SES is busy."""

_WAITS: Final = (1.0, 2.0, 4.0)
"""Seconds before the next attempts after a refusal; the sending rate counts by the second."""


class SesClient(Protocol):
    """The part of boto3's client `sesv2` that is used here."""

    def send_email(self, **parameters: Any) -> Any:
        """Send an e-mail."""


class SesMail:
    """Sends messages.

    Args:
        client: made with `SES_CONFIG`.
        sender: the address that messages come from, verified in SES.
        wait: waits for some seconds.
    """

    def __init__(self, client: SesClient, sender: str, wait: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._sender = sender
        self._wait = wait

    def send(self, address: str, subject: str, text: str, message_id: str) -> None:
        """Send one message to one address.

        Args:
            message_id: in a header of its own, because SES gives each message its `Message-ID`.

        Raises:
            NoticeNotSent: SES refused it or was not reached.
            NoticeUnclear: SES did not confirm it.
        """
        for wait in (*_WAITS, None):
            try:
                self._send(address, subject, text, message_id)
                return
            except ClientError as error:
                code = error.response["Error"]["Code"]
                status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
                if code in _THROTTLED:
                    if wait is not None:
                        self._wait(wait)
                        continue
                elif status >= 500:
                    raise NoticeUnclear(f"Amazon SES did not confirm a notice ({code}).") from error
                raise NoticeNotSent(f"Amazon SES did not take a notice ({code}).") from error
            except HTTPClientError as error:
                # The request was sent, and the connection was lost or was too slow.
                raise NoticeUnclear(f"Amazon SES did not confirm a notice ({type(error).__name__}).") from error
            except BotoCoreError as error:
                raise NoticeNotSent(f"Amazon SES was not reached ({type(error).__name__}).") from error

    def _send(self, address: str, subject: str, text: str, message_id: str) -> None:
        self._client.send_email(
            FromEmailAddress=self._sender,
            Destination={"ToAddresses": [address]},
            Content={
                "Simple": {
                    "Subject": {"Data": subject, "Charset": "UTF-8"},
                    "Body": {"Text": {"Data": text, "Charset": "UTF-8"}},
                    # Automatic replies, such as out-of-office messages, are not wanted (RFC 3834).
                    "Headers": [
                        {"Name": "Auto-Submitted", "Value": "auto-generated"},
                        {"Name": "X-Muster-Notice", "Value": message_id},
                    ],
                }
            },
        )
