"""Creates, checks and revokes API tokens. A token is shown once; only its digest is stored."""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from muster.domain.api_token import TOKEN_PREFIX, ApiToken, Scope
from muster.domain.documents import Document, DocumentKind
from muster.domain.errors import ApiTokenExists, ApiTokenNotFound, InvalidRequest, MusterError, VersionConflict
from muster.domain.identifiers import GroupId, UserId, parse_group_id
from muster.services.exchange.token_text import is_same, new_token, read_token
from muster.services.roster.groups import Groups
from muster.storage.ports import DocumentStore

DEFAULT_DAYS: Final = 365
MAX_DAYS: Final = 1_095
MAX_TOKENS: Final = 100
"""Tokens that are valid at the same time."""

_USE_NOTED_EVERY: Final = timedelta(hours=1)


class ApiTokens:
    """The tokens of other systems."""

    def __init__(
        self, documents: DocumentStore, groups: Groups, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._documents = documents
        self._groups = groups
        self._now = now

    def find(self) -> list[ApiToken]:
        """Return all tokens, revoked and expired ones too, ordered by name."""
        return [_read(document) for document in self._documents.of_kind(DocumentKind.TOKENS)]

    def add(
        self,
        name: str,
        scopes: Collection[Scope],
        group_ids: Collection[GroupId] | None,
        by: UserId,
        days: int = DEFAULT_DAYS,
    ) -> tuple[ApiToken, str]:
        """Create a token; return it and its text.

        Args:
            group_ids: the groups that it may be used for; None for all.
            days: after which it expires.

        Raises:
            InvalidRequest: the name is not an id, there are no scopes or groups, or the days are out of range.
            GroupNotFound: a group does not exist.
            ApiTokenExists: the name is taken, or was.
        """
        name = parse_token_name(name)
        if not scopes or (group_ids is not None and not group_ids):
            raise InvalidRequest("Name at least one scope, and at least one group unless the token is for all groups.")
        if not 1 <= days <= MAX_DAYS:
            raise InvalidRequest(f"A token can be valid for 1 to {MAX_DAYS} days, not {days}.")
        if sum(token.is_valid(self._now()) for token in self.find()) >= MAX_TOKENS:
            raise InvalidRequest(f"There are {MAX_TOKENS} valid tokens: revoke those that are no longer used.")
        self._groups.check(group_ids or ())
        now, (text, digest) = self._now(), new_token(TOKEN_PREFIX, name)
        token = ApiToken(
            name=name,
            scopes=frozenset(scopes),
            groups=None if group_ids is None else frozenset(group_ids),
            created_at=now,
            created_by=by,
            expires_at=now + timedelta(days=days),
        )
        try:
            self._documents.put(DocumentKind.TOKENS, name, 0, _body(token) | {"digest": digest})
        except VersionConflict as error:
            raise ApiTokenExists(
                f"There is a token {name}, or there was one: choose another name, so that the audit stays clear."
            ) from error
        return token, text

    def revoke(self, name: str) -> ApiToken:
        """Make a token invalid from now on; its name stays, for the audit.

        Raises:
            ApiTokenNotFound: there is no such token.
        """
        while True:
            document = self._documents.get(DocumentKind.TOKENS, parse_token_name(name))
            if not document.version:
                raise ApiTokenNotFound(f"There is no token {name}. List the tokens with `muster tokens list`.")
            if document.body.get("revoked_at"):
                return _read(document)
            body = {**document.body, "revoked_at": self._now().isoformat(), "digest": ""}
            try:
                return _read(self._documents.put(DocumentKind.TOKENS, document.id, document.version, body))
            except VersionConflict:
                # Its use was noted in the meantime.
                continue

    def check(self, text: str) -> ApiToken | None:
        """Return the valid token that a text is, or None; note its use."""
        found = read_token(TOKEN_PREFIX, text)
        if found is None:
            return None
        name, digest = found
        document = self._documents.get(DocumentKind.TOKENS, name)
        if not document.version or not is_same(document.body.get("digest"), digest):
            return None
        token, now = _read(document), self._now()
        if not token.is_valid(now):
            return None
        if token.last_used_at is None or now - token.last_used_at >= _USE_NOTED_EVERY:
            self._note_use(document, now)
        return token

    def _note_use(self, document: Document, now: datetime) -> None:
        body = {**document.body, "last_used_at": now.isoformat()}
        try:
            self._documents.put(DocumentKind.TOKENS, document.id, document.version, body)
        except MusterError:
            # Another request noted it, or the disk is full. The request itself must not fail for that.
            return


def parse_token_name(text: str) -> str:
    """Read the name of a token, which has the format of a group id.

    Raises:
        InvalidRequest: the text is no such name.
    """
    try:
        return parse_group_id(text)
    except InvalidRequest as error:
        raise InvalidRequest(str(error).replace("group id", "token's name")) from error


def _body(token: ApiToken) -> dict[str, Any]:
    return {
        "scopes": sorted(token.scopes),
        "group_ids": None if token.groups is None else sorted(token.groups),
        "created_at": token.created_at.isoformat(),
        "created_by": token.created_by,
        "expires_at": token.expires_at.isoformat(),
    }


def _read(document: Document) -> ApiToken:
    body: Mapping[str, Any] = document.body
    groups = body["group_ids"]
    return ApiToken(
        name=document.id,
        scopes=frozenset(map(Scope, body["scopes"])),
        groups=None if groups is None else frozenset(map(GroupId, groups)),
        created_at=datetime.fromisoformat(body["created_at"]),
        created_by=UserId(body["created_by"]),
        expires_at=datetime.fromisoformat(body["expires_at"]),
        revoked_at=_optional(body.get("revoked_at")),
        last_used_at=_optional(body.get("last_used_at")),
    )


def _optional(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
