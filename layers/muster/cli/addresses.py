"""Addresses at which the server on this machine can be reached."""

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

import ifaddr

from muster.domain.errors import InvalidRequest

_OUTSIDE = ("192.0.2.1", 9)
"""An address that is reserved for documentation (RFC 5737). Nothing is sent; only the route to it is looked up."""


def network_addresses() -> list[str]:
    """Return the IPv4 addresses of this machine in its networks, likeliest first; may be empty."""
    found = (ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4)
    return likeliest_first(map(str, found), _outgoing())


def likeliest_first(addresses: Iterable[str], outgoing: str | None) -> list[str]:
    """Return the addresses that other machines can reach, first the one that packets are sent from."""
    reachable = dict.fromkeys(filter(_is_reachable, addresses))
    return sorted(reachable, key=lambda address: address != outgoing)


def _is_reachable(address: str) -> bool:
    known = ipaddress.ip_address(address)
    return not (known.is_loopback or known.is_link_local or known.is_unspecified)


def _outgoing() -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_OUTSIDE)
        except OSError:
            # No network.
            return None
        address: str = probe.getsockname()[0]
        return address


def page_address(host: str, port: int, *, https: bool) -> str:
    """Return the address of the web client at a host."""
    bracketed = f"[{host}]" if ":" in host else host
    return f"{'https' if https else 'http'}://{bracketed}:{port}"


def _host_address(text: str, port: int, *, https: bool) -> str:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        scheme = "https" if https else "http"
        has_port = ":" in text.rpartition("]")[2]
        return f"{scheme}://{text}" if has_port else f"{scheme}://{text}:{port}"
    return page_address(text, port, https=https)


def checked_address(text: str, port: int, *, https: bool) -> str:
    """Return the address that a person typed, completed and without a slash at its end.

    Args:
        port, https: used if `text` is a host, with or without a port.

    Raises:
        InvalidRequest: it is not an address, or has a path.
    """
    address = text.rstrip("/")
    if "://" not in text:
        address = _host_address(address, port, https=https)
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
        raise InvalidRequest("Give the server's address like https://192.168.1.20:8000, without a path.")
    return address
