"""What a browser may do on the web client's pages: one policy for the local server and for the cloud's distribution."""

from collections.abc import Mapping, Sequence
from typing import Final

HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""Sent with each of the client's files, beside the content security policy."""

API_PATHS: Final = ("/v1/*", "/register/*", "/mark/*", "/health")
"""Where the API answers and not the client, on one machine and behind the distribution alike."""


def content_security_policy(images: Sequence[str] = (), connections: Sequence[str] = (), *, https: bool = False) -> str:
    """Return the policy: the client's own files, and nothing else but what is named.

    Args:
        images: further origins that pictures come from.
        connections: further origins that the client talks to.
        https: whether the pages are only ever served encrypted, and whatever they load is too.
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
