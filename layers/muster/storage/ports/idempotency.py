"""Store of idempotency records."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

CLAIM_LIFETIME = timedelta(minutes=1)
"""Several times the interval at which a request in progress renews its claim: an expired one belongs to a dead process.
"""


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A stored HTTP response: status, media type and body."""

    status: int
    media_type: str
    body: bytes


class IdempotencyStore(Protocol):
    """Responses stored under idempotency keys for a day, so that a repeated request is executed once.

    The caller builds a key from the user, the route and the client's key; `digest` is the digest of the request's
    content.
    """

    def begin(self, key: str, digest: str, claim: str, now: datetime) -> StoredResponse | None:
        """Claim a key for a request in progress, or return the stored response to the same request.

        A claim expires a minute after it was made or last renewed, since its process must be dead. Claims and responses
        from the future, which remain when a clock is set back, are ignored.

        Args:
            claim: unique id of this request; `renew` and `finish` act on its claim only.

        Raises:
            IdempotencyKeyReused: the key was used for a different request.
            RequestUnderWay: the same request is still in progress.
        """

    def renew(self, key: str, claim: str, now: datetime) -> bool:
        """Renew the claim of a request in progress; return False if this request no longer holds it."""

    def finish(self, key: str, claim: str, response: StoredResponse | None, now: datetime) -> None:
        """Store the response; with None, release the claim so that the request can be repeated.

        A body of more than 256 kB is not stored, and the claim is released. Does nothing if the claim has expired and
        another request holds the key.
        """

    def clear(self) -> None:
        """Delete every response, since any of them may name an erased student; claims stay."""
