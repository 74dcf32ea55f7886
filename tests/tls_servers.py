"""Servers on loopback for tests of notices: a certificate, an SMTP server over TLS, and a receiver of events."""

import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def write_certificate(folder: Path) -> Path:
    """Write a key and a certificate for `localhost`, which vouches for itself, into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    plain = serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


def over_tls(certificate: Path) -> ssl.SSLContext:
    """Return the context of a server."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


@contextmanager
def running(server: Any) -> Iterator[Any]:
    """Serve in a thread until the block ends."""
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Smtp(socketserver.StreamRequestHandler):
    """As much of RFC 5321 and RFC 3207 as a client needs to send a message."""

    def handle(self) -> None:
        server: Any = self.server
        if server.tls_first:
            self._encrypt()
        self._say("220 localhost")
        while line := self.rfile.readline():
            verb = line.split()[0].upper() if line.split() else b""
            if verb == b"RCPT" and server.hangs_up == "refuses":
                self._say("550 no parent@example.org here")
            elif verb == b"EHLO":
                self._say("250-localhost" if server.offers_tls else "250 localhost")
                if server.offers_tls:
                    self._say("250 STARTTLS")
            elif verb == b"STARTTLS":
                self._say("220 go")
                self._encrypt()
            elif verb == b"DATA":
                if server.hangs_up == "before":
                    return
                self._say("354 go")
                server.received.append(self._data())
                if server.hangs_up == "after":
                    return
                self._say("250 taken")
            elif verb == b"QUIT" and server.hangs_up == "quit":
                return
            else:
                self._say("221 bye" if verb == b"QUIT" else "250 ok")

    def _data(self) -> bytes:
        return b"".join(iter(self.rfile.readline, b".\r\n"))

    def _encrypt(self) -> None:
        server: Any = self.server
        self.request = over_tls(server.certificate).wrap_socket(self.request, server_side=True)
        self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", 0)

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


class SmtpServer(socketserver.ThreadingTCPServer):
    """An SMTP server.

    Attributes:
        received: the messages.
        hangs_up: `before` or `after` a message, at `quit`, or `refuses` every address.
    """

    daemon_threads = True

    def __init__(self, certificate: Path, *, tls_first: bool = True, offers_tls: bool = True) -> None:
        super().__init__(("localhost", 0), _Smtp)
        self.certificate, self.tls_first, self.offers_tls = certificate, tls_first, offers_tls
        self.received: list[bytes] = []
        self.hangs_up = ""

    @property
    def address(self) -> str:
        """The address as in `MUSTER_MAIL_SERVER`."""
        return f"{'smtps' if self.tls_first else 'smtp'}://localhost:{self.server_address[1]}"

    def messages(self) -> list[EmailMessage]:
        """Return the messages, parsed."""
        return [message_from_bytes(content, policy=policy.default) for content in self.received]


class _Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        server: Any = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server.received.append((dict(self.headers), body))
        status = server.answers.pop(0) if server.answers else 200
        self.send_response(status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class EventReceiver(ThreadingHTTPServer):
    """A receiver of events.

    Attributes:
        received: headers and body of each request.
        answers: statuses of the next requests; then 200.
    """

    def __init__(self, certificate: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Receiver)
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self._scheme = "http" if certificate is None else "https"
        if certificate is not None:
            self.socket = over_tls(certificate).wrap_socket(self.socket, server_side=True)

    @property
    def url(self) -> str:
        """Where events are sent."""
        host = "127.0.0.1" if self._scheme == "http" else "localhost"
        return f"{self._scheme}://{host}:{self.server_address[1]}/events"

    def events(self) -> list[dict[str, Any]]:
        """Return the bodies, parsed."""
        return [json.loads(body) for _, body in self.received]
