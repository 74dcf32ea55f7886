"""Answers kept under idempotency keys, in the table, which drops them by itself after a day."""

import hashlib
import math
from datetime import datetime

from muster.domain.errors import IdempotencyKeyReused, RequestUnderWay
from muster.storage import keys
from muster.storage.aws.table import ConditionFailed, Item, Key, Table
from muster.storage.ports import CLAIM_LASTS, KeptAnswer
from muster.storage.rules import ANSWER_LASTS, MAX_ANSWER_BYTES

_OWN_CLAIM = "claim = :claim AND attribute_not_exists(body)"


class AwsAnswers:
    """`AnswerStore` on DynamoDB.

    An item is a claim until it has an answer; past its expiry it counts as gone, since the table drops expired items
    only within days. They lie in one partition, so that an erasure finds them.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def begin(self, key: str, digest: str, claim: str, now: datetime) -> KeptAnswer | None:
        """Claim a key, or return the answer given before; see `AnswerStore.begin`."""
        item = {**_named(_key(key)), "digest": digest, "claim": claim, keys.EXPIRES_AT: _seconds(now + CLAIM_LASTS)}
        # What expires later than it could if it were made now comes from the future.
        free = (
            f"attribute_not_exists(pk) OR {keys.EXPIRES_AT} <= :now OR {keys.EXPIRES_AT} > :last_answer"
            f" OR (attribute_not_exists(body) AND {keys.EXPIRES_AT} > :last_claim)"
        )
        values = {
            ":now": int(now.timestamp()),
            ":last_answer": _seconds(now + ANSWER_LASTS + CLAIM_LASTS),
            ":last_claim": _seconds(now + 2 * CLAIM_LASTS),
        }
        while True:
            try:
                self._table.put(item, free, values)
            except ConditionFailed:
                kept = self._table.get(_key(key))
                if kept is not None:
                    return _answer(kept, digest)
            else:
                return None

    def renew(self, key: str, claim: str, now: datetime) -> bool:
        """Keep a claim from lapsing; see `AnswerStore.renew`."""
        values = {":expires": _seconds(now + CLAIM_LASTS), ":claim": claim}
        try:
            self._table.update(_key(key), f"SET {keys.EXPIRES_AT} = :expires", values, _OWN_CLAIM)
        except ConditionFailed:
            return False
        return True

    def finish(self, key: str, claim: str, answer: KeptAnswer | None, now: datetime) -> None:
        """Keep the answer or give the claim up; see `AnswerStore.finish`.

        A longer body is not kept: the request may be repeated, as if it had come without a key.
        """
        try:
            if answer is None or len(answer.body) > MAX_ANSWER_BYTES:
                self._table.delete(_key(key), _OWN_CLAIM, {":claim": claim})
                return
            values = {
                ":status": answer.status,
                ":type": answer.media_type,
                ":body": answer.body,
                ":expires": _seconds(now + ANSWER_LASTS),
                ":claim": claim,
            }
            change = f"SET http_status = :status, media_type = :type, body = :body, {keys.EXPIRES_AT} = :expires"
            self._table.together([self._table.updating(_key(key), change, values, _OWN_CLAIM)])
        except ConditionFailed:
            # The claim lapsed, and the key may be another request's.
            return

    def clear(self) -> None:
        """Forget every answer; requests under way keep their claims."""
        answered = [(item["pk"], item["sk"]) for item in self._table.query(keys.ANSWERS) if "body" in item]
        self._table.delete_many(answered)


def _key(key: str) -> Key:
    # The caller's key is of any length and names a user.
    return keys.ANSWERS, hashlib.sha256(key.encode()).hexdigest()


def _named(key: Key) -> Item:
    return {"pk": key[0], "sk": key[1]}


def _seconds(moment: datetime) -> int:
    return math.ceil(moment.timestamp())


def _answer(item: Item, digest: str) -> KeptAnswer:
    if item["digest"] != digest:
        raise IdempotencyKeyReused(
            "This Idempotency-Key came before with another request: take a new key for a new request."
        )
    if "body" not in item:
        raise RequestUnderWay("The same request is being answered at this moment: ask again in a few seconds.")
    return KeptAnswer(int(item["http_status"]), item["media_type"], item["body"])
