"""Checks of a registration that do not need its photo."""

from collections.abc import Collection

from muster.domain.errors import ConsentRequired, InvalidRequest
from muster.domain.identifiers import GroupId
from muster.services.roster.names import checked_name


def admit(name: str, group_ids: Collection[GroupId], consent: bool) -> str:
    """Check a registration, and return the name in the form that is stored.

    Raises:
        ConsentRequired: consent is not given.
        InvalidRequest: the name is empty or too long, or no group is named.
    """
    if not consent:
        raise ConsentRequired(
            "Students are registered only with consent. Ask for it, confirm it, then send the request again."
        )
    if not group_ids:
        raise InvalidRequest("Name at least one group that the student belongs to.")
    return checked_name(name)
