"""Optimistic locking with entity tags: a change based on an outdated version is refused."""

import re
from typing import Annotated, Final

from fastapi import Header

from muster.domain.errors import InvalidRequest, VersionConflict, VersionNeeded

IfMatch = Annotated[
    str | None,
    Header(description="The ETag of the version to change, or `*` for any version.", examples=['"3"']),
]


VERSION_MISSING: Final = "Send the ETag that you read as `If-Match`, so that no other change is overwritten."
VERSION_CHANGED: Final = "This was changed since you read it. Read it again, then repeat your change."


def etag(version: int) -> str:
    """Write a version as an entity tag (RFC 9110, section 8.8.3)."""
    return f'"{version}"'


def expected(if_match: str | None, current: int) -> int:
    """Return the version that a change applies to; a version is required.

    Args:
        if_match: the header `If-Match`.
        current: the stored version, which `*` means.

    Raises:
        VersionNeeded: there is no header.
        VersionConflict: it does not contain the current version.
        InvalidRequest: it is not an entity tag.
    """
    if if_match is None:
        raise VersionNeeded(VERSION_MISSING)
    tags = [tag.strip() for tag in if_match.split(",")]
    if "*" in tags:
        return current
    if not all(len(tag) >= 2 and tag.startswith('"') and tag.endswith('"') for tag in tags):
        raise InvalidRequest("Send If-Match with the ETag that you read, quotes included, or with *.")
    if etag(current) not in tags:
        raise VersionConflict(VERSION_CHANGED)
    return current


def version_in(if_match: str | None) -> int | None:
    """Return the version that a header names, for a service that compares it; None for any version.

    Args:
        if_match: the header `If-Match`, with one entity tag or `*`.

    Raises:
        VersionNeeded: there is no header.
        InvalidRequest: it is neither the entity tag of a version nor `*`.
    """
    if if_match is None:
        raise VersionNeeded(VERSION_MISSING)
    text = if_match.strip()
    if text == "*":
        return None
    if not re.fullmatch(r'"[0-9]{1,9}"', text):
        raise InvalidRequest("Send If-Match with the ETag that you read, quotes included, or with *.")
    return int(text.strip('"'))


def pinned(if_match: str | None, current: int) -> int | None:
    """Return the version that a change applies to, or None for any version.

    Args:
        if_match: the header `If-Match`; `*` and its absence allow any version.
        current: the stored version.

    Raises:
        VersionConflict: it does not contain the current version.
        InvalidRequest: it is not an entity tag.
    """
    if if_match is None or "*" in (tag.strip() for tag in if_match.split(",")):
        return None
    return expected(if_match, current)
