"""Idempotency records of one directory."""

from datetime import datetime

from muster.storage.documents import time_text
from muster.storage.local.database import Database, note_rewrite_due
from muster.storage.ports import CLAIM_LIFETIME, StoredResponse
from muster.storage.shared import MAX_RESPONSE_BYTES, RESPONSE_LIFETIME, key_reused, request_in_progress

_OWN_CLAIM = "key = ? AND claim = ? AND status IS NULL"


class LocalIdempotency:
    """`IdempotencyStore` on SQLite."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, key: str, digest: str, claim: str, now: datetime) -> StoredResponse | None:
        """Claim a key, or return the stored response; see `IdempotencyStore.begin`."""
        with self._database.write() as connection:
            connection.execute(
                "DELETE FROM answers WHERE begun_at <= ? OR (status IS NULL AND begun_at <= ?) OR begun_at > ?",
                (time_text(now - RESPONSE_LIFETIME), time_text(now - CLAIM_LIFETIME), time_text(now + CLAIM_LIFETIME)),
            )
            row = connection.execute(
                "SELECT digest, status, media_type, body FROM answers WHERE key = ?", (key,)
            ).fetchone()
            if row is None:
                connection.execute(
                    "INSERT INTO answers (key, digest, claim, begun_at) VALUES (?, ?, ?, ?)",
                    (key, digest, claim, time_text(now)),
                )
                return None
        kept_digest, status, media_type, body = row
        if kept_digest != digest:
            raise key_reused()
        if status is None:
            raise request_in_progress()
        return StoredResponse(status, media_type, body)

    def renew(self, key: str, claim: str, now: datetime) -> bool:
        """Renew a claim; see `IdempotencyStore.renew`."""
        with self._database.write() as connection:
            changed = connection.execute(
                f"UPDATE answers SET begun_at = ? WHERE {_OWN_CLAIM}",  # noqa: S608 a constant
                (time_text(now), key, claim),
            )
            return changed.rowcount == 1

    def finish(self, key: str, claim: str, response: StoredResponse | None, now: datetime) -> None:
        """Store the response or release the claim; see `IdempotencyStore.finish`."""
        with self._database.write() as connection:
            if response is None or len(response.body) > MAX_RESPONSE_BYTES:
                connection.execute(f"DELETE FROM answers WHERE {_OWN_CLAIM}", (key, claim))  # noqa: S608 a constant
            else:
                connection.execute(
                    f"UPDATE answers SET status = ?, media_type = ?, body = ?, begun_at = ? WHERE {_OWN_CLAIM}",  # noqa: S608 a constant
                    (response.status, response.media_type, response.body, time_text(now), key, claim),
                )

    def clear(self) -> None:
        """Delete every response; see `IdempotencyStore.clear`."""
        with self._database.write() as connection:
            if connection.execute("DELETE FROM answers WHERE status IS NOT NULL").rowcount:
                # The erasure that calls this rewrites the file, or the next opening does.
                note_rewrite_due(connection)
        self._database.truncate_log()
