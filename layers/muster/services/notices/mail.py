"""E-mail through an SMTP server, encrypted."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Final
from urllib.parse import unquote, urlsplit

from muster.domain.errors import InvalidSetting, NoticeNotSent

_TIMEOUT_SECONDS: Final = 20
_PORTS: Final = {"smtps": 465, "smtp": 587}


class SmtpMail:
    """Sends messages.

    Args:
        server: `smtps://USER:PASSWORD@HOST:PORT` for TLS from the start, or `smtp://` for STARTTLS, without which
            nothing is sent. User and password are percent-encoded.
        sender: the address that messages come from.

    Raises:
        InvalidSetting: `server` is no such address.
    """

    def __init__(self, server: str, sender: str) -> None:
        try:
            parts = urlsplit(server)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise InvalidSetting("MUSTER_MAIL_SERVER must be like smtps://USER:PASSWORD@mail.example.org:465.")
        self._host, self._port = parts.hostname, port or _PORTS[parts.scheme]
        self._tls_first = parts.scheme == "smtps"
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._sender = sender

    def send(self, address: str, subject: str, text: str, message_id: str) -> None:
        """Send one message to one address.

        Args:
            message_id: unique to the message; a repeated attempt has the same.

        Raises:
            NoticeNotSent: the server refused it or was not reached.
        """
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, address, subject
        message["Message-ID"] = f"<{message_id}@{self._sender.rpartition('@')[2]}>"
        # Automatic replies, such as out-of-office messages, are not wanted (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        try:
            with self._connected() as connection:
                connection.send_message(message)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise NoticeNotSent(f"The mail server did not take a notice ({type(error).__name__}).") from error

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        context = ssl.create_default_context()
        opened = (
            smtplib.SMTP_SSL(self._host, self._port, timeout=_TIMEOUT_SECONDS, context=context)
            if self._tls_first
            else smtplib.SMTP(self._host, self._port, timeout=_TIMEOUT_SECONDS)
        )
        with opened as connection:
            if not self._tls_first:
                connection.starttls(context=context)
            if self._user:
                connection.login(self._user, self._password)
            yield connection
