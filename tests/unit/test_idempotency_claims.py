"""The claim of a request under way does not lapse, however long the request takes."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from muster.api.access import Principal
from muster.api.middleware.idempotency import IdempotencyMiddleware
from muster.domain.errors import RequestUnderWay
from muster.domain.identifiers import UserId
from muster.domain.user import Role
from muster.storage.local import open_local
from muster.storage.local.idempotency import LocalIdempotency

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
SCOPE: dict[str, Any] = {
    "type": "http",
    "method": "POST",
    "path": "/mark/detect",
    "query_string": b"",
    "headers": [(b"idempotency-key", b"k1")],
    "muster.caller": Principal(UserId("ada"), Role.TEACHER),
}


async def no_body() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


def test_a_request_that_takes_minutes_keeps_its_claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = open_local(tmp_path).idempotency
    clock = NOW
    begun: list[tuple[str, str]] = []
    renewed: list[bool] = []
    begin, renew = LocalIdempotency.begin, LocalIdempotency.renew

    def noted_begin(self: LocalIdempotency, key: str, digest: str, claim: str, now: datetime) -> Any:
        begun.append((key, digest))
        return begin(self, key, digest, claim, now)

    def noted_renew(self: LocalIdempotency, key: str, claim: str, now: datetime) -> bool:
        renewed.append(renew(self, key, claim, now))
        return renewed[-1]

    monkeypatch.setattr(LocalIdempotency, "begin", noted_begin)
    monkeypatch.setattr(LocalIdempotency, "renew", noted_renew)

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal clock
        for _ in range(4):
            clock += timedelta(seconds=50)
            seen = len(renewed)
            # The first renewal after this may have read the clock before it moved.
            while len(renewed) < seen + 2:
                await asyncio.sleep(0.001)
        with pytest.raises(RequestUnderWay):
            begin(answers, *begun[0], "another request", clock)
        # Later ones may meet the answer.
        assert all(renewed)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    app = IdempotencyMiddleware(slow, answers, now=lambda: clock, renew_every=timedelta(milliseconds=1))
    asyncio.run(asyncio.wait_for(app(dict(SCOPE), no_body, send), 60))
    assert sent[0]["status"] == 200
    kept = begin(answers, *begun[0], "another request", clock)
    assert kept is not None
    assert kept.status == 200
