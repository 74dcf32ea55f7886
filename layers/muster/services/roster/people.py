"""Names of users, on one machine and in the cloud, and the users that an e-mail address stands for."""

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from muster.domain.errors import GroupNotFound, InvalidRequest, NotAllowed, UserAmbiguous, UserNotFound
from muster.domain.identifiers import UserId, parse_user_id
from muster.domain.user import Person, is_email, parse_email
from muster.services.roster.groups import Groups
from muster.storage.ports import PersonStore, UserStore

_RECHECK_SECONDS: Final = 300.0
"""A process reads what the store knows about a caller at most this often."""

_MAX_CHECKED: Final = 10_000
"""Callers that a process remembers; a school has fewer."""


class People(Protocol):
    """Names of users."""

    def names(self, user_ids: Collection[UserId]) -> dict[UserId, str]:
        """Return the names of those users who have one; in the cloud, the address stands for a missing name."""

    def teachers(self, texts: Iterable[str]) -> list[UserId]:
        """Read the users that ids, and in the cloud e-mail addresses, stand for.

        Raises:
            InvalidRequest: a text is neither.
            UserNotFound: nobody has the address.
            UserAmbiguous: several users have the address.
        """

    def known(self, texts: Collection[str]) -> UserId | None:
        """Return the one user who has one of these ids or, in the cloud, e-mail addresses; None if there is no such."""


class LocalPeople:
    """`People` of one machine, whose users have ids that people choose."""

    def __init__(self, users: UserStore) -> None:
        self._users = users

    def names(self, user_ids: Collection[UserId]) -> dict[UserId, str]:
        """Return the names of those users who have one."""
        return {user.id: user.name for user in self._users.find() if user.name and user.id in user_ids}

    def teachers(self, texts: Iterable[str]) -> list[UserId]:
        """Read user ids; see `People.teachers`."""
        return [parse_user_id(text) for text in texts]

    def known(self, texts: Collection[str]) -> UserId | None:
        """Return the one user who has one of these ids; see `People.known`."""
        return _only(user.id for user in self._users.find() if user.id in texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """What a verified token says about its user.

    Attributes:
        email: None if the token has none, as an access token.
        email_proven: the pool verified the address, or the school's single sign-on stated it. Only then do the groups
            that wait for the address become theirs.
        name: None if the token has none.
    """

    user_id: UserId
    email: str | None = None
    email_proven: bool = False
    name: str | None = None


class Directory:
    """`People` of the cloud. An address names a user once, when it is entered; access is always by id.

    So nobody gains or loses a group by a change of address.
    """

    def __init__(self, people: PersonStore, groups: Groups, clock: Callable[[], float] = time.monotonic) -> None:
        self._people = people
        self._groups = groups
        self._clock = clock
        self._checked: dict[SignedIn, tuple[float, Person]] = {}

    def names(self, user_ids: Collection[UserId]) -> dict[UserId, str]:
        """Return the names, or else the addresses, of those users who are known."""
        found = self._people.get_many(user_ids) if user_ids else {}
        return {user_id: person.label for user_id, person in found.items() if person.label}

    def teachers(self, texts: Iterable[str]) -> list[UserId]:
        """Read the users that ids and e-mail addresses stand for; see `People.teachers`."""
        texts = list(texts)
        known = self._people.find() if any(map(is_email, texts)) else []
        return [_holder(known, parse_email(text)) if is_email(text) else parse_user_id(text) for text in texts]

    def known(self, texts: Collection[str]) -> UserId | None:
        """Return the one user who has one of these ids or addresses; see `People.known`."""
        wanted = {text.strip().lower() if is_email(text) else text for text in texts}
        return _only(person.id for person in self._people.find() if {person.id, person.email} & wanted)

    def sign_in(self, signed_in: SignedIn) -> Person:
        """Note who a caller is, and give them the groups that wait for their address; return what is known.

        Repeated calls read the store once every five minutes in each process.

        Raises:
            NotAllowed: the account was removed, although its token is still valid.
        """
        now = self._clock()
        checked = self._checked.get(signed_in)
        if checked is not None and now - checked[0] < _RECHECK_SECONDS:
            return checked[1]
        if len(self._checked) >= _MAX_CHECKED:
            self._checked.clear()
        person = self._noted(signed_in)
        self._checked[signed_in] = (now, person)
        return person

    def _noted(self, signed_in: SignedIn) -> Person:
        # Otherwise the rest of the token's hour would bring back the name, and take groups that wait for a successor.
        if self._people.is_removed(signed_in.user_id):
            raise NotAllowed("Your account was removed. Ask an admin for a new one.")
        before = self._people.get(signed_in.user_id)
        known = before or Person(signed_in.user_id)
        email = (signed_in.email or "").lower() if signed_in.email_proven else ""
        person = Person(known.id, email or known.email, signed_in.name or known.name)
        # An access token says nothing, so nothing is stored.
        if person != before and person.label:
            self._people.put(person)
        if email:
            self._give_expected_groups(person)
        return person

    def _give_expected_groups(self, person: Person) -> None:
        expected = self._people.expected_groups(person.email)
        for group_id in sorted(expected):
            try:
                self._groups.teach(group_id, person.id, True)
            except (GroupNotFound, InvalidRequest):
                # The group was removed since, or is full. The sign-in must not fail for it.
                continue
        if expected:
            # Last: an interrupted call is completed by the next.
            self._people.expect(person.email, ())


def _only(found: Iterable[UserId]) -> UserId | None:
    several = list(found)
    return several[0] if len(several) == 1 else None


def _holder(known: Collection[Person], email: str) -> UserId:
    holders = [person.id for person in known if person.email == email]
    if not holders:
        raise UserNotFound(
            f"Nobody with the address {email} was invited or has signed in. Invite them with `muster users invite`."
        )
    if len(holders) > 1:
        raise UserAmbiguous(f"Several users have the address {email}: name one by id, {' or '.join(holders)}.")
    return holders[0]
