"""Pagination of lists by cursor."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from fastapi import Query

from muster.domain.errors import InvalidRequest

Limit = Annotated[int, Query(ge=1, le=500, description="Maximum number of items per page.")]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the previous page.", max_length=400)]

_Item = TypeVar("_Item")


def page(
    items: Sequence[_Item], key: Callable[[_Item], str], limit: int, cursor: str | None
) -> tuple[list[_Item], str | None]:
    """Cut one page out of items that are ordered by a unique key.

    A cursor contains the key of the last item returned, so items that are added or removed between two requests do not
    shift the others.

    Returns:
        The items after the cursor, at most `limit`, and the cursor of the next page or None.

    Raises:
        InvalidRequest: the cursor is invalid.
    """
    after = None if cursor is None else read_cursor(cursor)
    following = [item for item in items if after is None or key(item) > after]
    shown = list(following[:limit])
    return shown, write_cursor(key(shown[-1])) if len(following) > limit else None


def write_cursor(key: str) -> str:
    """Return the cursor that contains a key."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> str:
    """Return the key in a cursor.

    Raises:
        InvalidRequest: the cursor is invalid.
    """
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest("Invalid cursor for this list. Start again without one.") from error
