"""Security headers of the web client's pages, for the local server and the cloud's distribution alike."""

from collections.abc import Mapping, Sequence
from typing import Final

HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""Sent with each of the client's files, along with the content security policy."""

API_PATHS: Final = ("/v1/*", "/register/*", "/mark/*", "/health")
"""Paths of the API, as opposed to the client's files."""

SUBSTITUTE_BASE: Final = "/substitute"
"""In the cloud, what comes before these paths in requests of substitutes. They have an API of their own, since the
gateway of the others verifies the accounts of the user pool."""


def content_security_policy(images: Sequence[str] = (), connections: Sequence[str] = (), *, https: bool = False) -> str:
    """Return a policy that allows the client's own files and the given origins.

    Args:
        images: further origins of pictures.
        connections: further origins that the client sends requests to.
        https: whether the pages, and everything they load, are always served encrypted.
    """
    rules = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        " ".join(("img-src 'self' blob: data:", *images)),
        "media-src 'self' blob:",
        "font-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        " ".join(("connect-src 'self'", *connections)),
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        *(("upgrade-insecure-requests",) if https else ()),
    )
    return "; ".join(rules)
