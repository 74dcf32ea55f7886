"""Versions as entity tags, so that nobody overwrites a change that they have not seen."""

from typing import Annotated

from fastapi import Header

from muster.domain.errors import InvalidRequest, VersionConflict, VersionNeeded

IfMatch = Annotated[
    str | None,
    Header(description="The ETag of what is to be changed, or `*` for whatever is there.", examples=['"3"']),
]


def etag(version: int) -> str:
    """Write a version as an entity tag (RFC 9110, section 8.8.3)."""
    return f'"{version}"'


def expected(if_match: str | None, current: int) -> int:
    """Return the version that a change is meant for.

    Args:
        if_match: the header `If-Match` as it came.
        current: the version that `*` stands for.

    Raises:
        VersionNeeded: there is no header.
        VersionConflict: it names no current version.
        InvalidRequest: it is no entity tag.
    """
    if if_match is None:
        raise VersionNeeded("Send the ETag that was read as If-Match, so that no other change is lost.")
    tags = [tag.strip() for tag in if_match.split(",")]
    if "*" in tags:
        return current
    if not all(len(tag) >= 2 and tag.startswith('"') and tag.endswith('"') for tag in tags):
        raise InvalidRequest("If-Match takes the ETag as it was read, quotes included, or *.")
    if etag(current) not in tags:
        raise VersionConflict("It was changed in the meantime: read it again, then change it.")
    return current


def pinned(if_match: str | None, current: int) -> int | None:
    """Return the version that a change is meant for, or None where it is meant for whatever is there.

    Args:
        if_match: the header `If-Match` as it came; `*` and its absence leave the version open.
        current: the version that is there.

    Raises:
        VersionConflict: the header names no current version.
        InvalidRequest: it is no entity tag.
    """
    if if_match is None or "*" in (tag.strip() for tag in if_match.split(",")):
        return None
    return expected(if_match, current)
