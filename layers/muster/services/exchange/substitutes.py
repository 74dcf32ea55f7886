"""Creates, exchanges and revokes the codes of substitutes.

A code is shown once. Its first symbols find a document, and the rest is stored as a scrypt digest. It is exchanged for
a token, one per device, of which only the digest is stored.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from muster.domain.documents import Document, DocumentKind
from muster.domain.errors import (
    InvalidRequest,
    ServerBusy,
    SubstituteCodeNotValid,
    SubstituteCodeWrong,
    SubstituteNotFound,
    SubstitutesOff,
    VersionConflict,
)
from muster.domain.identifiers import GroupId, UserId
from muster.domain.period import Period
from muster.domain.substitute import MAX_DEVICES, MAX_TRIES, SUBSTITUTE_PREFIX, Substitute
from muster.services.exchange import substitute_codes as codes
from muster.services.exchange.token_text import is_same, new_token, read_token
from muster.services.roster.groups import Groups
from muster.services.roster.names import checked_name
from muster.storage.ports import DocumentStore

MAX_DAYS_AHEAD: Final = 14
MAX_NAME: Final = 60
MAX_GROUPS: Final = 50
MAX_CODES: Final = 200
"""Codes that are not expired or revoked at the same time; more would help those who guess."""

KEPT: Final = timedelta(days=7)
"""How long codes stay in the list after their day."""

UNKNOWN: Final = "unknown"
"""The document that counts tries with unknown ids, so that they take as long as tries with a wrong secret."""

_KIND: Final = DocumentKind.SUBSTITUTES
_ATTEMPTS: Final = 20


class Substitutes:
    """The codes of substitutes.

    Args:
        zone: of the school.
        enabled: whether codes can be made and used.
    """

    def __init__(
        self,
        documents: DocumentStore,
        groups: Groups,
        zone: ZoneInfo,
        *,
        enabled: bool = True,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._documents = documents
        self._groups = groups
        self._zone = zone
        self.enabled = enabled
        self._now = now

    def now(self) -> datetime:
        """Return the time at which states are asked for, in UTC."""
        return self._now()

    def find(self) -> list[Substitute]:
        """Return all codes of the last days and those to come, by day and name."""
        found = [_read(document) for document in self._stored()]
        return sorted(found, key=lambda substitute: (substitute.day, substitute.name, substitute.id))

    def add(
        self, name: str, group_ids: Collection[GroupId], by: UserId, day: date | None = None
    ) -> tuple[Substitute, str]:
        """Make a code; return it and its text.

        Args:
            name: of the substitute, for the audit.
            day: None for today in the school's time zone.

        Raises:
            SubstitutesOff: the stage has no access for substitutes.
            InvalidRequest: the name, the groups or the day are not accepted, or there are too many codes.
            GroupNotFound: a group does not exist.
        """
        self._check_enabled()
        name, now = _checked(name, group_ids), self._now()
        today = now.astimezone(self._zone).date()
        day = day or today
        if not today <= day <= today + timedelta(days=MAX_DAYS_AHEAD):
            raise InvalidRequest(f"Choose a day from today, {today}, to {MAX_DAYS_AHEAD} days ahead.")
        self._groups.check(group_ids)
        if sum(known.revoked_at is None and now < known.expires_at for known in self.find()) >= MAX_CODES:
            raise InvalidRequest(f"There are {MAX_CODES} codes: revoke those that are not needed.")
        starts_at, expires_at = Period(day, day).moments(self._zone)
        # Both ends of the period are given.
        assert starts_at is not None  # noqa: S101
        assert expires_at is not None  # noqa: S101
        secret, salt = codes.new_secret(), codes.new_salt()
        body = {
            "name": name,
            "group_ids": sorted(set(group_ids)),
            "day": day.isoformat(),
            "starts_at": starts_at.isoformat(),
            "expires_at": expires_at.isoformat(),
            "created_at": now.isoformat(),
            "created_by": by,
            "salt": salt,
            "digest": codes.secret_digest(secret, salt),
        }
        for _ in range(_ATTEMPTS):
            id = codes.new_id()
            try:
                return _read(self._documents.put(_KIND, id, 0, body)), codes.written(id, secret)
            except VersionConflict:
                # Another code has the same first symbols.
                continue
        raise ServerBusy("No free code was found. Try again.")

    def sign_in(self, code: str) -> tuple[Substitute, str]:
        """Exchange a code for the token of one device.

        A try is counted before the secret is compared, so no two processes have the tenth one. Unknown ids take the
        same steps.

        Raises:
            SubstitutesOff: the stage has no access for substitutes.
            SubstituteCodeWrong: no code is like this.
            SubstituteCodeNotValid: the code is right, but its day is another, it was revoked or locked, or too many
                devices use it.
            ServerBusy: many requests use the code at this moment.
        """
        self._check_enabled()
        id, secret = codes.read(code)
        document = self._count_try(id)
        body = document.body
        given = codes.secret_digest(secret, body.get("salt") or codes.new_salt())
        if not is_same(body.get("digest") or "", given):
            raise SubstituteCodeWrong(codes.WRONG)
        return self._admit(document)

    def revoke(self, id: str, by: UserId) -> Substitute:
        """End a code and its tokens at once. It stays in the list for some days.

        Raises:
            SubstituteNotFound: there is no such code.
        """

        def revoked(body: Mapping[str, Any]) -> dict[str, Any]:
            if body.get("revoked_at"):
                return dict(body)
            ended = {"revoked_at": self._now().isoformat(), "revoked_by": by, "tokens": []}
            return {**body, **ended, "devices": len(body.get("tokens", ()))}

        return _read(self._change(codes.parse_id(id), revoked))

    def check(self, text: str) -> Substitute | None:
        """Return the valid code whose token a text is, or None."""
        found = read_token(SUBSTITUTE_PREFIX, text)
        if found is None or not self.enabled:
            return None
        id, digest = found
        document = self._documents.get(_KIND, id)
        # Every digest is compared, so that times reveal nothing.
        if id == UNKNOWN or not sum(is_same(stored, digest) for stored in document.body.get("tokens", ())):
            return None
        substitute = _read(document)
        return substitute if substitute.is_valid(self._now()) else None

    def groups_at(self, user_id: UserId, at: datetime) -> frozenset[GroupId]:
        """Return the groups that a substitute had access to at a time; none if the code was revoked since."""
        found = [known for known in self.find() if known.user_id == user_id and known.is_valid(at)]
        return frozenset().union(*(known.groups for known in found))

    def sweep(self) -> int:
        """Remove codes whose day is past the time for which the list shows them; return their number."""
        limit, removed = self._now() - KEPT, 0
        for document in self._stored():
            if _read(document).expires_at < limit:
                try:
                    self._documents.remove(_KIND, document.id, document.version)
                except VersionConflict:
                    # The next run removes it.
                    continue
                removed += 1
        return removed

    def _stored(self) -> list[Document]:
        return [document for document in self._documents.of_kind(_KIND) if document.id != UNKNOWN]

    def _check_enabled(self) -> None:
        if not self.enabled:
            raise SubstitutesOff(
                "Access for substitutes is switched off here: set `substitutes` in the stage's configuration, or use "
                "an account."
            )

    def _count_try(self, id: str) -> Document:
        for _ in range(_ATTEMPTS):
            stored = self._documents.get_many(_KIND, [id, UNKNOWN])
            document = stored.get(id) or stored.get(UNKNOWN) or Document(UNKNOWN)
            body = {**document.body, "tries": document.body.get("tries", 0) + 1}
            try:
                return self._documents.put(_KIND, document.id, document.version, body)
            except VersionConflict:
                continue
        raise _busy()

    def _admit(self, document: Document) -> tuple[Substitute, str]:
        """Store the token of a device whose code was right, and take back the try."""
        if document.body["tries"] > MAX_TRIES:
            raise SubstituteCodeNotValid(
                "This code was locked after ten wrong tries. Ask the office of the school for another."
            )
        text, digest = new_token(SUBSTITUTE_PREFIX, document.id)
        now = self._now()

        def admitted(body: Mapping[str, Any]) -> dict[str, Any]:
            self._check_usable(_read(Document(document.id, 1, body)), now)
            used_at = body.get("used_at") or now.isoformat()
            return {**_without_try(body), "tokens": [*body.get("tokens", ()), digest], "used_at": used_at}

        try:
            return _read(self._change(document.id, admitted)), text
        except SubstituteCodeNotValid:
            # Nobody guessed: a code that is tried too early must not be locked on its day.
            self._change(document.id, _without_try)
            raise

    def _check_usable(self, substitute: Substitute, now: datetime) -> None:
        if substitute.revoked_at is not None:
            raise SubstituteCodeNotValid("This code was revoked. Ask the office of the school for another.")
        if now < substitute.starts_at:
            raise SubstituteCodeNotValid(f"This code is for {substitute.day}. Sign in on that day.")
        if now >= substitute.expires_at:
            raise SubstituteCodeNotValid(
                f"This code was for {substitute.day}. Ask the office of the school for another."
            )
        if substitute.devices >= MAX_DEVICES:
            raise SubstituteCodeNotValid(
                f"This code is used on {MAX_DEVICES} devices already. Ask the office of the school for another."
            )
        if substitute.groups.isdisjoint(group.id for group in self._groups.find()):
            raise SubstituteCodeNotValid("The groups of this code were removed. Ask the office of the school.")

    def _change(self, id: str, change: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Document:
        for _ in range(_ATTEMPTS):
            document = self._documents.get(_KIND, id)
            if not document.version:
                raise SubstituteNotFound(f"There is no code {id[:80]}. List the codes with `muster substitutes list`.")
            try:
                return self._documents.put(_KIND, id, document.version, change(document.body))
            except VersionConflict:
                # A try was counted, or another device was admitted.
                continue
        raise _busy()


def _checked(name: str, group_ids: Collection[GroupId]) -> str:
    name = checked_name(name, "substitute")
    if len(name) > MAX_NAME:
        raise InvalidRequest(f"The substitute's name has {len(name)} characters. Shorten it to {MAX_NAME}.")
    if not 1 <= len(set(group_ids)) <= MAX_GROUPS:
        raise InvalidRequest(f"Name 1 to {MAX_GROUPS} groups.")
    return name


def _without_try(body: Mapping[str, Any]) -> dict[str, Any]:
    return {**body, "tries": body["tries"] - 1}


def _busy() -> ServerBusy:
    return ServerBusy("Too many requests use codes at this moment. Try again in a minute.")


def _read(document: Document) -> Substitute:
    body: Mapping[str, Any] = document.body
    by = body.get("revoked_by")
    return Substitute(
        id=document.id,
        name=body["name"],
        groups=frozenset(map(GroupId, body["group_ids"])),
        day=date.fromisoformat(body["day"]),
        starts_at=datetime.fromisoformat(body["starts_at"]),
        expires_at=datetime.fromisoformat(body["expires_at"]),
        created_at=datetime.fromisoformat(body["created_at"]),
        created_by=UserId(body["created_by"]),
        devices=body.get("devices", len(body.get("tokens", ()))),
        tries=body.get("tries", 0),
        used_at=_optional(body.get("used_at")),
        revoked_at=_optional(body.get("revoked_at")),
        revoked_by=UserId(by) if by else None,
    )


def _optional(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
