"""`muster serve`."""

import errno
import gc
import ipaddress
import logging
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from muster.cli.addresses import network_addresses, page_address
from muster.cli.garbage import paused_collection
from muster.cli.output import DataOption, stderr
from muster.composition.local import LocalBackend
from muster.composition.settings import LocalSettings, installed_folder
from muster.domain.errors import AddressUnavailable
from muster.services.notices.timer import sending
from muster.services.privacy.retention import daily

_ALL_ADDRESSES = "0.0.0.0"  # noqa: S104 - asked for by --network, with a user and a warning
_DECODERS = 2
"""Photos decoded at once."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1")

_CLOSING_SECONDS = 5.0
"""How long a stopping server waits for other processes that read the store."""


class LogLevel(StrEnum):
    """Minimum levels of log messages."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def serve(
    host: Annotated[str, typer.Option(envvar="MUSTER_HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="MUSTER_PORT", min=1, max=65535, help="Port to listen on.")] = 8000,
    network: Annotated[
        bool, typer.Option("--network", help="Accept requests from phones in the same network, with a user's token.")
    ] = False,
    tls_certificate: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Certificate chain, PEM, to serve HTTPS; for example from mkcert."
        ),
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="The certificate's private key, PEM.")
    ] = None,
    data: DataOption = None,
    log_level: Annotated[
        LogLevel, typer.Option(help="Minimum log level: `info` logs requests, `debug` also static files.")
    ] = LogLevel.INFO,
    behind_proxy: Annotated[
        str,
        typer.Option(
            envvar="MUSTER_BEHIND_PROXY",
            metavar="ADDRESS",
            help="Trust X-Forwarded-For and X-Forwarded-Proto from a reverse proxy at this IP address or network.",
        ),
    ] = "",
) -> None:
    """Serve the web client and the HTTP API, which is documented at /docs."""
    with paused_collection():
        from muster.api.app import create_app
        from muster.api.recognition import Recognition
        from muster.cli.server import listen

    https = _checked_tls(tls_certificate, tls_key)
    proxy = _checked_proxy(behind_proxy)
    settings = LocalSettings()
    backend = LocalBackend(data, settings, decoders=_DECODERS)
    users = backend.users
    if settings.admin_token is not None:
        users.set_admin(settings.admin_token.get_secret_value())
    listens = _ALL_ADDRESSES if network else host
    if listens not in _LOOPBACK and not users.find():
        stderr.print(
            "[bold red]Add a user first[/]; otherwise anyone on this network could see student data. Run `muster users "
            "add`, or set MUSTER_ADMIN_TOKEN.",
            soft_wrap=True,
        )
        raise typer.Exit(2)
    check_free(listens, port)
    site = installed_folder("web")
    recognition = Recognition(lambda: backend.services)
    with paused_collection():
        app = create_app(backend.training_records, site=site, recognition=recognition)
        # What is imported stays: later collections need not look at it.
        gc.freeze()
    _print_addresses("127.0.0.1" if network else host, port, https=https, network=network, page=site is not None)
    with (
        _closed_at_the_end(backend),
        _requests_logged(log_level),
        daily(backend.retention),
        sending(backend.training_records.notices),
    ):
        listen(
            app,
            recognition,
            host=listens,
            port=port,
            ssl_certfile=tls_certificate,
            ssl_keyfile=tls_key,
            log_level="warning",
            access_log=False,
            server_header=False,
            # Any other client could choose its address and so evade the limit of failed sign-ins.
            proxy_headers=proxy is not None,
            forwarded_allow_ips=proxy,
        )


def check_free(host: str, port: int) -> None:
    """Check that the server can listen at an address, before the address is printed.

    Raises:
        AddressUnavailable: the port is in use or reserved, or the address does not belong to this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            trial.listen()
    except socket.gaierror as error:
        raise AddressUnavailable(f"{host} is not an address of this machine: choose another --host.") from error
    except OSError as error:
        match error.errno:
            case errno.EADDRINUSE:
                remedy = f"Port {port} is in use: stop the other program or choose another with --port."
            case errno.EACCES:
                remedy = f"Port {port} is reserved for the system: choose 1024 or higher with --port."
            case _:
                remedy = f"{host} is not an address of this machine: choose another --host."
        raise AddressUnavailable(remedy) from error


def _checked_proxy(text: str) -> str | None:
    """Return the address of the reverse proxy, or None; end with exit status 2 if it is not an address."""
    if not text:
        return None
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        network = None
    if network is None or network.prefixlen == 0:
        raise typer.BadParameter(
            f"{text[:80]!r} is not an IP address or network: write it like 127.0.0.1 or 172.18.0.0/16.",
            param_hint="--behind-proxy",
        )
    return str(network)


def _checked_tls(certificate: Path | None, key: Path | None) -> bool:
    """Return whether to serve HTTPS; end with exit status 2 if the certificate and key cannot be used."""
    if certificate is None and key is None:
        return False
    if certificate is None or key is None:
        raise typer.BadParameter("HTTPS needs both --tls-certificate and --tls-key.")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, OSError) as error:
        raise typer.BadParameter(
            f"The certificate {certificate} and the key {key} cannot be used together ({error.strerror or error}): "
            "give both as PEM, the key without a password."
        ) from error
    return True


def _print_addresses(host: str, port: int, *, https: bool, network: bool, page: bool) -> None:
    """Print the server's addresses and what a person needs to use them."""
    here = page_address(host, port, https=https)
    stderr.print(f"Muster is running at {here}" if page else f"Muster's API is running at {here}", soft_wrap=True)
    if network:
        for address in network_addresses():
            stderr.print(f"On the network at {page_address(address, port, https=https)}", soft_wrap=True)
        stderr.print(
            "Phones sign in with the QR code of `muster users token ID --qr" + (" --https`." if https else "`."),
            soft_wrap=True,
        )
    stderr.print(f"The API's documentation is at {here}/docs", soft_wrap=True)
    if not page:
        stderr.print("[yellow]The web client is not installed; only the API is served.[/]")
    if not https and (network or host not in _LOOPBACK):
        stderr.print(
            "[yellow]Without HTTPS, anyone on this network can read faces, names and tokens, and phone browsers block "
            "camera access, offline start and installation. Serve HTTPS with --tls-certificate FILE --tls-key FILE, "
            "for example from mkcert, or behind a proxy with TLS.[/]",
            soft_wrap=True,
        )


@contextmanager
def _closed_at_the_end(backend: LocalBackend) -> Iterator[None]:
    """Checkpoint and close the store when the server stops, also by SIGTERM."""

    def stop(*_: object) -> None:
        # uvicorn ends all requests first, then raises the signal again for the previous handler.
        sys.exit(0)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        backend.stores.upkeep.close(wait=_CLOSING_SECONDS)


@contextmanager
def _requests_logged(level: LogLevel) -> Iterator[None]:
    """Write one JSON line per request to stderr while the server runs."""
    from muster.api.middleware.request_log import LOGGER

    logger, handler = logging.getLogger(LOGGER), logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)
    logger.setLevel(level.upper())
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
