"""Answers kept under idempotency keys, in one directory."""

from datetime import datetime

from muster.domain.errors import IdempotencyKeyReused, RequestUnderWay
from muster.storage.documents import time_text
from muster.storage.local.database import Database, note_rewrite_due
from muster.storage.ports import CLAIM_LASTS, KeptAnswer
from muster.storage.rules import ANSWER_LASTS, MAX_ANSWER_BYTES

_OWN_CLAIM = "key = ? AND claim = ? AND status IS NULL"


class LocalAnswers:
    """`AnswerStore` on SQLite."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, key: str, digest: str, claim: str, now: datetime) -> KeptAnswer | None:
        """Claim a key, or return the answer given before; see `AnswerStore.begin`."""
        with self._database.write() as connection:
            connection.execute(
                "DELETE FROM answers WHERE begun_at <= ? OR (status IS NULL AND begun_at <= ?) OR begun_at > ?",
                (time_text(now - ANSWER_LASTS), time_text(now - CLAIM_LASTS), time_text(now + CLAIM_LASTS)),
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
            raise IdempotencyKeyReused("This Idempotency-Key came with another request: take a new one.")
        if status is None:
            raise RequestUnderWay("The same request is being answered: wait a moment, then send it again.")
        return KeptAnswer(status, media_type, body)

    def renew(self, key: str, claim: str, now: datetime) -> bool:
        """Keep a claim from lapsing; see `AnswerStore.renew`."""
        with self._database.write() as connection:
            changed = connection.execute(
                f"UPDATE answers SET begun_at = ? WHERE {_OWN_CLAIM}",  # noqa: S608 a constant
                (time_text(now), key, claim),
            )
            return changed.rowcount == 1

    def finish(self, key: str, claim: str, answer: KeptAnswer | None, now: datetime) -> None:
        """Keep the answer or give the claim up; see `AnswerStore.finish`."""
        with self._database.write() as connection:
            if answer is None or len(answer.body) > MAX_ANSWER_BYTES:
                connection.execute(f"DELETE FROM answers WHERE {_OWN_CLAIM}", (key, claim))  # noqa: S608 a constant
            else:
                connection.execute(
                    f"UPDATE answers SET status = ?, media_type = ?, body = ?, begun_at = ? WHERE {_OWN_CLAIM}",  # noqa: S608 a constant
                    (answer.status, answer.media_type, answer.body, time_text(now), key, claim),
                )

    def clear(self) -> None:
        """Forget every answer; requests under way keep their claims."""
        with self._database.write() as connection:
            if connection.execute("DELETE FROM answers WHERE status IS NOT NULL").rowcount:
                # The erasure that this belongs to rewrites the file, or the next opening does.
                note_rewrite_due(connection)
        self._database.truncate_log()
