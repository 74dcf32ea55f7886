"""Limits and errors that both idempotency stores share."""

from datetime import timedelta

from muster.domain.errors import IdempotencyKeyReused, RequestUnderWay

RESPONSE_LIFETIME = timedelta(days=1)
"""Longer than any phone retries."""

MAX_RESPONSE_BYTES = 256_000
"""Below the 400 kB limit of a DynamoDB item."""


def key_reused() -> IdempotencyKeyReused:
    """Return the error for a key that was used for a different request."""
    return IdempotencyKeyReused("This Idempotency-Key was used for a different request. Use a new key.")


def request_in_progress() -> RequestUnderWay:
    """Return the error for a repeated request whose first attempt is still in progress."""
    return RequestUnderWay("The same request is still in progress. Try again in a few seconds.")
