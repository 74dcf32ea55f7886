"""Writes whose answer is lost on the way: the client repeats them, and what they did the first time counts once."""

import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from muster.domain.attendance import MarkStatus
from muster.domain.errors import Category, GroupExists, GroupNotFound, RequestUnderWay, VersionConflict
from muster.domain.group import Group
from muster.domain.identifiers import GroupId, StudentId, UploadId, UserId
from muster.domain.upload import Failure, PhotoFile, Upload, UploadKind
from muster.storage.aws import keys
from muster.storage.aws.registration_lease import RegistrationLease
from muster.storage.aws.stores import AwsStores
from muster.storage.aws.table import Table
from muster.storage.aws.uploads import AwsUploads
from muster.storage.ports import StoredResponse
from tests.contract.examples import (
    NOW,
    PACK,
    a_face,
    a_session_photo,
    a_student,
    a_template,
    assert_same_template,
    mark,
    open_session,
    register,
)
from tests.contract.places import AwsPlace
from tests.lost_answers import LostAnswers
from tests.simulated_aws import simulated_aws

pytestmark = pytest.mark.aws

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

A = StudentId("a")
G = GroupId("g")


@pytest.fixture(scope="module")
def answers() -> LostAnswers:
    """Decides which answers are lost."""
    return LostAnswers()


@pytest.fixture(scope="module")
def endpoint(answers: LostAnswers) -> Iterator[str]:
    """A simulated account behind a network that loses answers."""
    with simulated_aws(answers.around) as address:
        yield address


@pytest.fixture(params=[False, True], ids=["every answer arrives", "every first answer is lost"])
def place(
    request: pytest.FixtureRequest, endpoint: str, answers: LostAnswers, monkeypatch: pytest.MonkeyPatch
) -> Iterator[AwsPlace]:
    """An empty table and buckets; the client repeats at once."""
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    place = AwsPlace.new(endpoint)
    answers.lose((lambda number: number % 2 == 0) if request.param else (lambda number: False))
    yield place
    sent = answers.written
    answers.lose(lambda number: False)
    assert sent
    if request.param:
        assert sent[::2] == sent[1::2]


@pytest.fixture
def stores(place: AwsPlace) -> AwsStores:
    return place.open()


def test_a_group_is_made_changed_and_removed(stores: AwsStores) -> None:
    group = Group(G, "7b", frozenset(), version=1)
    stores.groups.add(group)
    with pytest.raises(GroupExists):
        stores.groups.add(group)
    changed = replace(group, teachers=frozenset({UserId("ada")}), version=2)
    stores.groups.update(changed)
    with pytest.raises(VersionConflict):
        stores.groups.update(replace(changed, name="8b"))
    assert stores.groups.get(G) == changed
    stores.groups.remove(G)
    with pytest.raises(GroupNotFound):
        stores.groups.remove(G)


def test_an_idempotency_key_is_claimed_and_answered(stores: AwsStores) -> None:
    assert stores.idempotency.begin("k", "d", "c", NOW) is None
    with pytest.raises(RequestUnderWay):
        stores.idempotency.begin("k", "d", "c", NOW)
    answer = StoredResponse(201, "application/json", b"{}")
    stores.idempotency.finish("k", "c", answer, NOW)
    assert stores.idempotency.begin("k", "d", "c", NOW) == answer


def test_a_claim_that_is_given_up_can_be_made_again(stores: AwsStores) -> None:
    assert stores.idempotency.begin("k", "d", "c", NOW) is None
    stores.idempotency.finish("k", "c", None, NOW)
    assert stores.idempotency.begin("k", "d", "c", NOW) is None


def test_the_lease_for_registrations_is_taken_and_given_back(place: AwsPlace) -> None:
    table, asked = Table(place.clients()[0], place.table), []

    def now() -> datetime:
        asked.append(NOW)
        return NOW

    for _ in range(2):
        with RegistrationLease(table, now):
            assert "holder" in (table.get((keys.REGISTERING, keys.RECORD)) or {})
    # Taken at the first attempt, which asks for the time when it begins to wait and when it tries.
    assert len(asked) == 4


def test_a_training_run_begins_and_finishes_once(stores: AwsStores) -> None:
    stores.training.request()
    assert stores.training.begin("run", NOW, 60)
    assert not stores.training.begin("other", NOW, 60)
    assert not stores.training.state().dirty
    assert stores.training.heartbeat("run", NOW + timedelta(seconds=30))
    stores.training.request()
    assert stores.training.finish("run", {"promoted": True})
    state = stores.training.state()
    assert (state.running, state.dirty, state.last_outcome) == (None, True, {"promoted": True})


def test_a_head_is_stored_promoted_pruned_and_deleted(stores: AwsStores) -> None:
    first, second = (stores.heads.save(PACK, body, {}) for body in (b"first", b"second"))
    assert [stores.heads.load(PACK, version) for version in (first, second)] == [b"first", b"second"]
    stores.heads.promote(PACK, second, None)
    assert stores.heads.current(PACK) == second
    stores.heads.prune(PACK, 1)
    assert [head.version for head in stores.heads.versions(PACK)] == [second]
    stores.heads.delete_all()
    assert stores.heads.versions(PACK) == []


def test_an_upload_is_opened_and_closed_once(place: AwsPlace) -> None:
    dynamodb, s3 = place.clients()
    uploads = AwsUploads(s3, Table(dynamodb, place.table), place.photos, lambda: NOW)
    upload_id = UploadId("u")
    file, later = PhotoFile("image/jpeg", 3), NOW + timedelta(days=1)
    uploads.open(Upload(upload_id, UploadKind.DETECT, None, file, NOW, later))
    outcome = Failure("no_face", Category.INVALID, "Nobody is in the photo.")
    assert uploads.close(upload_id, outcome)
    assert not uploads.close(upload_id, outcome)
    assert uploads.get(upload_id).outcome == outcome


def test_a_student_is_registered_marked_and_erased(stores: AwsStores) -> None:
    register(stores, A, "b")
    assert_same_template(stores.students.template(A), a_template(A))
    stores.students.update(replace(a_student(A, name="Ada Lovelace"), version=2))
    assert (stores.students.get(A).name, stores.students.get(A).version) == ("Ada Lovelace", 2)
    session = open_session(stores, A, "b")
    stores.sessions.record_photo(a_session_photo(session, a_face(A)), b"o", [mark(A)])
    assert {m.student_id: m.status for m in stores.sessions.marks(session)} == {
        A: MarkStatus.PRESENT,
        "b": MarkStatus.ABSENT,
    }
    assert stores.sessions.get(session).version == 2
    stores.students.erase(A)
    assert stores.sessions.get(session).erased == {MarkStatus.PRESENT: 1}
    assert [student.id for student in stores.students.find()] == ["b"]
    stores.students.withdraw(StudentId("b"), NOW)
    assert stores.students.find()[0].registered_at is None
    stores.sessions.remove(session)
    assert stores.sessions.of_group(G) == []


class Clock:
    """Stands still until it is moved."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def a_transaction(table: str, value: str) -> dict[str, Any]:
    item = {"pk": {"S": "p"}, "sk": {"S": "s"}, "value": {"S": value}}
    put = {"TableName": table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
    return {"TransactItems": [{"Put": put}]}


def test_the_simulation_knows_request_tokens_as_dynamodb_does() -> None:
    clock = Clock()
    with simulated_aws(clock=clock) as endpoint:
        place = AwsPlace.new(endpoint)
        dynamodb = place.clients()[0]
        first = a_transaction(place.table, "first")
        dynamodb.transact_write_items(**first, ClientRequestToken="one")
        dynamodb.transact_write_items(**first, ClientRequestToken="one")
        with pytest.raises(dynamodb.exceptions.IdempotentParameterMismatchException):
            dynamodb.transact_write_items(**a_transaction(place.table, "second"), ClientRequestToken="one")
        with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
            dynamodb.transact_write_items(**first, ClientRequestToken="another")
        clock.seconds = 599
        dynamodb.transact_write_items(**first, ClientRequestToken="one")
        clock.seconds = 600
        with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
            dynamodb.transact_write_items(**first, ClientRequestToken="one")


def test_a_transaction_repeated_since_its_answer_stalls_is_carried_out_once() -> None:
    """The client gives up waiting and asks again, and the first answer is held back until then."""
    repeated, calls = threading.Event(), []

    def stalling(app: "WSGIApplication") -> "WSGIApplication":
        def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
            body = app(environ, start_response)
            if environ.get("HTTP_X_AMZ_TARGET", "").endswith(".TransactWriteItems"):
                calls.append(body)
                if len(calls) == 1:
                    repeated.wait(60)
                repeated.set()
            return body

        return answer

    with simulated_aws(stalling) as endpoint:
        place = AwsPlace.new(endpoint)
        config = Config(read_timeout=1, retries={"mode": "standard", "total_max_attempts": 6})
        session = boto3.Session("test", "test", region_name="eu-central-1")
        dynamodb = session.client("dynamodb", endpoint_url=endpoint, config=config)
        Table(dynamodb, place.table).put({"pk": "p", "sk": "s"}, "attribute_not_exists(pk)")
    assert len(calls) >= 2
