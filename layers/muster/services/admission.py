"""What must hold before a registration photo is even looked at."""

from collections.abc import Collection

from muster.domain.errors import ConsentRequired, InvalidRequest
from muster.domain.identifiers import GroupId

_LONGEST_NAME = 200


def admit(name: str, group_ids: Collection[GroupId], consent: bool) -> str:
    """Return the name as it is stored, its spaces made single.

    Raises:
        ConsentRequired: consent is not given.
        InvalidRequest: the name is empty or too long, or no group is named.
    """
    if not consent:
        raise ConsentRequired("A student is registered only with consent: ask for it and confirm it, then send again.")
    if not group_ids:
        raise InvalidRequest("Name at least one group that the student belongs to.")
    return checked_name(name)


def checked_name(name: str, whose: str = "student") -> str:
    """Return the name as it is stored, its spaces made single.

    Raises:
        InvalidRequest: it is empty or too long, or holds what cannot be printed.
    """
    name = " ".join(name.split())
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise InvalidRequest(f"Give the {whose}'s name, at most {_LONGEST_NAME} characters on one line.")
    return name
