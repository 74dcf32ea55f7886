"""The contract of every store of answers."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from muster.domain.errors import IdempotencyKeyReused, RequestUnderWay
from muster.storage.ports import StoredResponse
from tests.contract.examples import NOW
from tests.contract.places import Place, Stores

KEY = "u1 POST /v1/groups 5f0c"
CLAIM = "claim of this request"
OTHER = "claim of another request"
ANSWER = StoredResponse(201, "application/json", '{"name":"Zoë"}'.encode())


def test_a_first_request_has_no_answer_and_a_repeated_one_has_the_first_ones(place: Place, stores: Stores) -> None:
    assert stores.idempotency.begin(KEY, "d1", CLAIM, NOW) is None
    stores.idempotency.finish(KEY, CLAIM, ANSWER, NOW + timedelta(seconds=2))
    for _ in range(2):
        assert place.open().idempotency.begin(KEY, "d1", CLAIM, NOW + timedelta(seconds=3)) == ANSWER


@pytest.mark.parametrize("body", [b"", bytes(range(256)), b"x" * 256_000])
def test_any_body_is_kept(stores: Stores, body: bytes) -> None:
    answer = StoredResponse(204, "application/octet-stream", body)
    stores.idempotency.begin(KEY, "d1", CLAIM, NOW)
    stores.idempotency.finish(KEY, CLAIM, answer, NOW)
    assert stores.idempotency.begin(KEY, "d1", CLAIM, NOW) == answer


def test_keys_of_any_form_are_apart(stores: Stores) -> None:
    keys = ["k", "K", "k ", "k#", "ключ", "k" * 5000, "k" * 5001]
    for number, key in enumerate(keys):
        assert stores.idempotency.begin(key, "d", CLAIM, NOW) is None
        stores.idempotency.finish(key, CLAIM, StoredResponse(200, "text/plain", str(number).encode()), NOW)
    for number, key in enumerate(keys):
        answer = stores.idempotency.begin(key, "d", CLAIM, NOW)
        assert answer is not None
        assert answer.body == str(number).encode()


def test_a_key_with_another_request_is_refused_answered_or_not(stores: Stores) -> None:
    stores.idempotency.begin(KEY, "d1", CLAIM, NOW)
    with pytest.raises(IdempotencyKeyReused):
        stores.idempotency.begin(KEY, "d2", CLAIM, NOW)
    stores.idempotency.finish(KEY, CLAIM, ANSWER, NOW)
    with pytest.raises(IdempotencyKeyReused):
        stores.idempotency.begin(KEY, "d2", CLAIM, NOW)
    assert stores.idempotency.begin(KEY, "d1", CLAIM, NOW) == ANSWER


def test_a_request_under_way_is_not_begun_again_until_its_claim_lapses(stores: Stores) -> None:
    stores.idempotency.begin(KEY, "d1", CLAIM, NOW)
    with pytest.raises(RequestUnderWay):
        stores.idempotency.begin(KEY, "d1", CLAIM, NOW + timedelta(seconds=58))
    assert stores.idempotency.begin(KEY, "d1", CLAIM, NOW + timedelta(seconds=62)) is None
    with pytest.raises(RequestUnderWay):
        stores.idempotency.begin(KEY, "d1", CLAIM, NOW + timedelta(seconds=62))


def test_a_lapsed_claim_leaves_the_key_to_any_request(stores: Stores) -> None:
    stores.idempotency.begin(KEY, "d1", CLAIM, NOW)
    assert stores.idempotency.begin(KEY, "d2", CLAIM, NOW + timedelta(minutes=2)) is None
    stores.idempotency.finish(KEY, CLAIM, ANSWER, NOW + timedelta(minutes=2))
    assert stores.idempotency.begin(KEY, "d2", CLAIM, NOW + timedelta(minutes=3)) == ANSWER


def test_a_claim_given_up_lets_the_request_be_repeated(stores: Stores) -> None:
    stores.idempotency.begin(KEY, "d1", CLAIM, NOW)
    stores.idempotency.finish(KEY, CLAIM, None, NOW)
    assert stores.idempotency.begin(KEY, "d1", CLAIM, NOW) is None


def test_an_answer_too_long_to_keep_lets_the_request_be_repeated(stores: Stores) -> None:
    stores.idempotency.begin(KEY, "d1", CLAIM, NOW)
    stores.idempotency.finish(KEY, CLAIM, StoredResponse(200, "image/jpeg", b"x" * 270_000), NOW)
    assert stores.idempotency.begin(KEY, "d1", CLAIM, NOW) is None


def test_an_answer_is_kept_for_a_day(stores: Stores) -> None:
    stores.idempotency.begin(KEY, "d1", CLAIM, NOW)
    stores.idempotency.finish(KEY, CLAIM, ANSWER, NOW)
    assert stores.idempotency.begin(KEY, "d1", CLAIM, NOW + timedelta(hours=23, minutes=59)) == ANSWER
    assert stores.idempotency.begin(KEY, "d2", CLAIM, NOW + timedelta(hours=24, seconds=2)) is None


def test_finishing_what_nobody_claimed_keeps_nothing(stores: Stores) -> None:
    stores.idempotency.finish(KEY, CLAIM, ANSWER, NOW)
    stores.idempotency.finish(KEY, CLAIM, None, NOW)
    assert stores.idempotency.begin(KEY, "d1", CLAIM, NOW) is None


def test_no_answer_is_left_after_clearing_and_requests_under_way_go_on(stores: Stores) -> None:
    for number in range(30):
        stores.idempotency.begin(f"{KEY}-{number}", "d1", CLAIM, NOW)
        stores.idempotency.finish(f"{KEY}-{number}", CLAIM, ANSWER, NOW)
    stores.idempotency.begin("under way", "d1", CLAIM, NOW)
    stores.idempotency.clear()
    stores.idempotency.clear()
    for number in range(30):
        assert stores.idempotency.begin(f"{KEY}-{number}", "d1", CLAIM, NOW) is None
    with pytest.raises(RequestUnderWay):
        stores.idempotency.begin("under way", "d1", CLAIM, NOW)
    stores.idempotency.finish("under way", CLAIM, ANSWER, NOW)
    assert stores.idempotency.begin("under way", "d1", CLAIM, NOW) == ANSWER


def test_of_several_at_once_one_claims_the_key(place: Place, stores: Stores) -> None:
    together = Barrier(6)

    def attempt(_: int) -> str:
        mine = place.open()
        together.wait(10)
        try:
            return "answered" if mine.idempotency.begin(KEY, "d1", CLAIM, NOW) else "claimed"
        except RequestUnderWay:
            return "under way"

    with ThreadPoolExecutor(6) as pool:
        assert Counter(pool.map(attempt, range(6))) == {"claimed": 1, "under way": 5}


def test_a_claim_that_is_renewed_does_not_lapse(stores: Stores) -> None:
    stores.idempotency.begin(KEY, "d1", CLAIM, NOW)
    for seconds in (40, 80, 120):
        assert stores.idempotency.renew(KEY, CLAIM, NOW + timedelta(seconds=seconds))
    with pytest.raises(RequestUnderWay):
        stores.idempotency.begin(KEY, "d1", OTHER, NOW + timedelta(seconds=178))
    assert stores.idempotency.begin(KEY, "d1", OTHER, NOW + timedelta(seconds=182)) is None
    assert not stores.idempotency.renew(KEY, CLAIM, NOW + timedelta(seconds=183))


@pytest.mark.parametrize("answer", [ANSWER, None], ids=["answered", "given up"])
def test_a_request_answers_only_for_its_own_claim(stores: Stores, answer: StoredResponse | None) -> None:
    stores.idempotency.begin(KEY, "d1", CLAIM, NOW)
    later = NOW + timedelta(minutes=2)
    stores.idempotency.begin(KEY, "d1", OTHER, later)
    stores.idempotency.finish(KEY, CLAIM, answer, later)
    with pytest.raises(RequestUnderWay):
        stores.idempotency.begin(KEY, "d1", CLAIM, later)
    other = StoredResponse(200, "text/plain", b"of the other")
    stores.idempotency.finish(KEY, OTHER, other, later)
    stores.idempotency.finish(KEY, CLAIM, answer, later)
    assert stores.idempotency.begin(KEY, "d1", CLAIM, later) == other
    assert not stores.idempotency.renew(KEY, OTHER, later)


def test_what_a_clock_set_back_left_in_the_future_does_not_count(stores: Stores) -> None:
    years = timedelta(days=3650)
    stores.idempotency.begin("claimed", "d1", CLAIM, NOW + years)
    stores.idempotency.begin("answered", "d1", CLAIM, NOW + years)
    stores.idempotency.finish("answered", CLAIM, ANSWER, NOW + years)
    stores.idempotency.begin("an hour", "d1", CLAIM, NOW + timedelta(hours=1))
    for key in ("claimed", "answered", "an hour"):
        assert stores.idempotency.begin(key, "d2", OTHER, NOW) is None
