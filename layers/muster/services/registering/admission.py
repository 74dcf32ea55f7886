"""What must hold before a registration photo is even looked at."""

from collections.abc import Collection

from muster.domain.errors import ConsentRequired, InvalidRequest
from muster.domain.identifiers import GroupId
from muster.services.roster.names import checked_name


def admit(name: str, group_ids: Collection[GroupId], consent: bool) -> str:
    """Return the name as it is stored.

    Raises:
        ConsentRequired: consent is not given.
        InvalidRequest: the name is empty or too long, or no group is named.
    """
    if not consent:
        raise ConsentRequired("A student is registered only with consent: ask for it and confirm it, then send again.")
    if not group_ids:
        raise InvalidRequest("Name at least one group that the student belongs to.")
    return checked_name(name)
