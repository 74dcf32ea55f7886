"""Under which addresses this machine's server is reached."""

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

import ifaddr

from muster.domain.errors import InvalidRequest

_OUTSIDE = ("192.0.2.1", 9)
"""An address that nobody has (RFC 5737): what is asked is only by which of its own this machine would send there."""


def network_addresses() -> list[str]:
    """Return the IPv4 addresses by which others in the network reach this machine, likeliest first; may be empty."""
    found = (ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4)
    return likeliest_first((str(one) for one in found), _outgoing())


def likeliest_first(addresses: Iterable[str], outgoing: str | None) -> list[str]:
    """Leave out what nobody else reaches, and put the address before the others by which packets leave."""
    reached = [one for one in addresses if _is_reached(one)]
    return sorted(dict.fromkeys(reached), key=lambda one: one != outgoing)


def _is_reached(address: str) -> bool:
    known = ipaddress.ip_address(address)
    return not (known.is_loopback or known.is_link_local or known.is_unspecified)


def _outgoing() -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nothing_is_sent:
        try:
            nothing_is_sent.connect(_OUTSIDE)
        except OSError:
            # No network.
            return None
        address: str = nothing_is_sent.getsockname()[0]
        return address


def page_address(host: str, port: int, *, https: bool) -> str:
    """Return the address of the web client at a host."""
    named = f"[{host}]" if ":" in host else host
    return f"{'https' if https else 'http'}://{named}:{port}"


def _of_host(text: str, port: int, *, https: bool) -> str:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        scheme = "https" if https else "http"
        has_port = ":" in text.rpartition("]")[2]
        return f"{scheme}://{text}" if has_port else f"{scheme}://{text}:{port}"
    return page_address(text, port, https=https)


def checked_address(text: str, port: int, *, https: bool) -> str:
    """Return an address that a person typed, without a slash at its end.

    Args:
        port, https: of the server, for an address that is a host alone, or a host with a port.

    Raises:
        InvalidRequest: it is none, or names more than a server.
    """
    address = text.rstrip("/")
    if "://" not in text:
        address = _of_host(address, port, https=https)
    try:
        parts = urlsplit(address)
        whole = (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
            and not set(address) & set(" \t")
        )
    except ValueError:
        whole = False
    if not whole or parts.path or parts.query or parts.fragment or parts.username is not None:
        raise InvalidRequest("Give the server's address as https://192.168.1.20:8000, and nothing behind it.")
    return address
