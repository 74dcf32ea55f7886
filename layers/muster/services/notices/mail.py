"""E-mail through an SMTP server, encrypted."""

import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from muster.domain.errors import InvalidSetting, NoticeNotSent, NoticeUnclear

_TIMEOUT_SECONDS: Final = 20
_PORTS: Final = {"smtps": 465, "smtp": 587}


class _NotesData:
    """Notes whether the text of a message was begun: before that, a lost connection means that nothing was sent."""

    data_begun = False

    def data(self, msg: Any) -> tuple[int, bytes]:
        """Send the text; see `smtplib.SMTP.data`."""
        self.data_begun = True
        answered: tuple[int, bytes] = super().data(msg)  # type: ignore[misc]
        return answered


class _Smtp(_NotesData, smtplib.SMTP):
    pass


class _SmtpOverTls(_NotesData, smtplib.SMTP_SSL):
    pass


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
            NoticeUnclear: the connection was lost before the server confirmed the message.
        """
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, address, subject
        message["Message-ID"] = f"<{message_id}@{self._sender.rpartition('@')[2]}>"
        # Automatic replies, such as out-of-office messages, are not wanted (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        try:
            connection = self._connect()
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise NoticeNotSent(f"The mail server was not reached ({_words(error)}).") from error
        try:
            connection.send_message(message)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            lost = isinstance(error, smtplib.SMTPServerDisconnected) or not isinstance(error, smtplib.SMTPException)
            if connection.data_begun and lost:
                raise NoticeUnclear(f"The mail server did not confirm a notice ({_words(error)}).") from error
            raise NoticeNotSent(f"The mail server did not take a notice ({_words(error)}).") from error
        else:
            # The message was taken, whatever happens to the connection now.
            with suppress(OSError, smtplib.SMTPException):
                connection.quit()
        finally:
            connection.close()

    def _connect(self) -> _Smtp | _SmtpOverTls:
        context = ssl.create_default_context()
        connection = (
            _SmtpOverTls(self._host, self._port, timeout=_TIMEOUT_SECONDS, context=context)
            if self._tls_first
            else _Smtp(self._host, self._port, timeout=_TIMEOUT_SECONDS)
        )
        try:
            if not self._tls_first:
                connection.starttls(context=context)
            if self._user:
                connection.login(self._user, self._password)
        except BaseException:
            connection.close()
            raise
        return connection


def _words(error: Exception) -> str:
    """Name an error without the server's own text, which may repeat an address."""
    codes: list[int] = []
    if isinstance(error, smtplib.SMTPResponseException):
        codes = [error.smtp_code]
    elif isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
    return " ".join([type(error).__name__, *map(str, codes)])
