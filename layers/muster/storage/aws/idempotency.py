"""Idempotency records in the table, which drops them after a day."""

import hashlib
import math
from datetime import datetime

from muster.storage.aws import keys
from muster.storage.aws.table import ConditionFailed, Item, Key, Table
from muster.storage.ports import CLAIM_LIFETIME, StoredResponse
from muster.storage.shared import MAX_RESPONSE_BYTES, RESPONSE_LIFETIME, key_reused, request_in_progress

_OWN_CLAIM = "claim = :claim AND attribute_not_exists(body)"


class AwsIdempotency:
    """`IdempotencyStore` on DynamoDB.

    An item without a body is a claim; with a body it holds a response. The table may take two days to drop an expired
    item, so expired items are ignored. All items share one partition, so that an erasure finds them.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def begin(self, key: str, digest: str, claim: str, now: datetime) -> StoredResponse | None:
        """Claim a key, or return the stored response; see `IdempotencyStore.begin`."""
        item = {**_named(_key(key)), "digest": digest, "claim": claim, keys.EXPIRES_AT: _seconds(now + CLAIM_LIFETIME)}
        # An item that expires later than one written now was written before the clock was set back.
        free = (
            f"attribute_not_exists(pk) OR {keys.EXPIRES_AT} <= :now OR {keys.EXPIRES_AT} > :last_response"
            f" OR (attribute_not_exists(body) AND {keys.EXPIRES_AT} > :last_claim)"
        )
        values = {
            ":now": int(now.timestamp()),
            ":last_response": _seconds(now + RESPONSE_LIFETIME + CLAIM_LIFETIME),
            ":last_claim": _seconds(now + 2 * CLAIM_LIFETIME),
        }
        while True:
            try:
                self._table.put(item, free, values)
            except ConditionFailed:
                kept = self._table.get(_key(key))
                if kept is not None:
                    return _response(kept, digest)
            else:
                return None

    def renew(self, key: str, claim: str, now: datetime) -> bool:
        """Renew a claim; see `IdempotencyStore.renew`."""
        values = {":expires": _seconds(now + CLAIM_LIFETIME), ":claim": claim}
        try:
            self._table.update(_key(key), f"SET {keys.EXPIRES_AT} = :expires", values, _OWN_CLAIM)
        except ConditionFailed:
            return False
        return True

    def finish(self, key: str, claim: str, response: StoredResponse | None, now: datetime) -> None:
        """Store the response or release the claim; see `IdempotencyStore.finish`."""
        try:
            if response is None or len(response.body) > MAX_RESPONSE_BYTES:
                self._table.delete(_key(key), _OWN_CLAIM, {":claim": claim})
                return
            values = {
                ":status": response.status,
                ":type": response.media_type,
                ":body": response.body,
                ":expires": _seconds(now + RESPONSE_LIFETIME),
                ":claim": claim,
            }
            update = f"SET http_status = :status, media_type = :type, body = :body, {keys.EXPIRES_AT} = :expires"
            self._table.transact_write([self._table.update_action(_key(key), update, values, _OWN_CLAIM)])
        except ConditionFailed:
            # The claim expired, and another request may hold the key.
            return

    def clear(self) -> None:
        """Delete every response; see `IdempotencyStore.clear`."""
        stored = [(item["pk"], item["sk"]) for item in self._table.query(keys.IDEMPOTENCY) if "body" in item]
        self._table.delete_many(stored)


def _key(key: str) -> Key:
    # The caller's key may have any length and contains a user id.
    return keys.IDEMPOTENCY, hashlib.sha256(key.encode()).hexdigest()


def _named(key: Key) -> Item:
    return {"pk": key[0], "sk": key[1]}


def _seconds(moment: datetime) -> int:
    return math.ceil(moment.timestamp())


def _response(item: Item, digest: str) -> StoredResponse:
    if item["digest"] != digest:
        raise key_reused()
    if "body" not in item:
        raise request_in_progress()
    return StoredResponse(int(item["http_status"]), item["media_type"], item["body"])
