"""Events to another system by signed HTTP requests."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from muster.domain.errors import InvalidSetting, NoticeNotSent

MIN_SECRET_LENGTH: Final = 32
_TIMEOUT_SECONDS: Final = 10
_WAITS: Final = (1.0, 4.0)
"""Seconds before the second and the third attempt of one run."""

_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class Webhook:
    """Posts events to one address. Redirects are not followed.

    Args:
        url: HTTPS, or HTTP on this machine.
        secret: shared with the receiver, for signatures.
        wait: waits for some seconds.
        public_only: nothing is sent to addresses of this machine and of private networks.

    Raises:
        InvalidSetting: the address is not HTTPS, or the secret is too short.
    """

    def __init__(
        self, url: str, secret: str, wait: Callable[[float], None] = time.sleep, *, public_only: bool = False
    ) -> None:
        parts = urlsplit(url)
        local = not public_only and parts.scheme == "http" and parts.hostname in _LOOPBACK
        if not parts.hostname or not (parts.scheme == "https" or local):
            raise InvalidSetting("MUSTER_WEBHOOK_URL must be an address that begins with https://.")
        if parts.username is not None or _has_control(url):
            raise InvalidSetting("MUSTER_WEBHOOK_URL must have no user name, space or line break.")
        if len(secret) < MIN_SECRET_LENGTH:
            raise InvalidSetting(f"MUSTER_WEBHOOK_SECRET needs {MIN_SECRET_LENGTH} random characters.")
        self._parts = parts
        self._secret = secret.encode()
        self._wait = wait
        self._public_only = public_only

    def post(self, event: Mapping[str, Any], delivery_id: str) -> None:
        """Deliver an event, in up to three attempts with the same delivery id.

        Raises:
            NoticeNotSent: the receiver answered with another status than 2xx, or not at all.
        """
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        for wait in (*_WAITS, None):
            status = self._attempt(body, delivery_id)
            if 200 <= status < 300:
                return
            # Except for 408 and 429, a status 4xx will not change by itself.
            if wait is None or (400 <= status < 500 and status not in (408, 429)):
                break
            self._wait(wait)
        raise NoticeNotSent(f"The receiver of events did not accept a notice ({status or 'no answer'}).")

    def _check_peer(self, connection: HTTPConnection) -> None:
        """Refuse an address that is not public before anything is sent to it, whatever its name resolved to.

        Raises:
            NoticeNotSent: the address is not public.
        """
        if self._public_only and not ip_address(connection.sock.getpeername()[0]).is_global:
            raise NoticeNotSent("The receiver of events has no public address: MUSTER_WEBHOOK_URL must have one.")

    def _attempt(self, body: bytes, delivery_id: str) -> int:
        """Return the status of one attempt, or 0 without an answer."""
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "Muster-Delivery": delivery_id,
            "Muster-Timestamp": timestamp,
            "Muster-Signature": f"v1={signature(self._secret, timestamp, body)}",
        }
        kind = HTTPSConnection if self._parts.scheme == "https" else HTTPConnection
        connection = kind(str(self._parts.hostname), self._parts.port, timeout=_TIMEOUT_SECONDS)
        path = (self._parts.path or "/") + (f"?{self._parts.query}" if self._parts.query else "")
        try:
            connection.connect()
            self._check_peer(connection)
            connection.request("POST", path, body, headers)
            return connection.getresponse().status
        except (OSError, HTTPException):
            return 0
        finally:
            connection.close()


def _has_control(url: str) -> bool:
    return any(character.isspace() or not character.isprintable() for character in url)


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """Return the HMAC-SHA-256 of time and body, in hexadecimal."""
    return hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
