"""The table and the buckets beyond the ports: calls made, data left behind, and recovery from crashes."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Lock
from typing import Any

import numpy as np
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

from muster.domain.attendance import FaceChange, MarkChange, MarkStatus
from muster.domain.errors import InvalidRequest, PhotoNotFound, SessionNotFound, StudentNotFound
from muster.domain.faces import Decision
from muster.domain.group import Group
from muster.domain.identifiers import FaceId, GroupId, PhotoId, SessionId, StudentId, UserId
from muster.domain.learning import NewFace
from muster.domain.student import LearnedFace, Student
from muster.storage.aws import keys
from muster.storage.aws.session_items import photo_key
from muster.storage.aws.stores import AwsStores, open_aws
from muster.storage.aws.student_items import template_key
from muster.storage.aws.table import Table
from muster.storage.aws.training_objects import TrainingCopyReader, read_training_copy
from muster.storage.ports import StoredResponse
from tests.contract.examples import (
    NOW,
    PACK,
    a_face,
    a_photo,
    a_row,
    a_session,
    a_session_photo,
    a_student,
    a_template,
    assert_same_template,
    learn,
    mark,
    open_session,
    register,
)
from tests.contract.places import AwsPlace

A = StudentId("student-a")


class Killed(BaseException):
    """Stands for the end of the process: nothing of ours catches it."""


class Wire:
    """What goes over the network: counts calls, refuses them, or ends the process before one of them."""

    def __init__(self, place: AwsPlace) -> None:
        dynamodb, s3 = place.clients()
        for client in (dynamodb, s3):
            # What a handler returns takes the place of the answer, which the stubs do not say.
            client.meta.events.register("before-send.*", self._before_send)  # type: ignore[arg-type]
        self.stores = open_aws(dynamodb, s3, table=place.table, photos=place.photos, models=place.models)
        self.calls = 0
        self.killed_before: int | None = None
        self.overloaded_every: int | None = None
        self._lock = Lock()

    def _before_send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        with self._lock:
            if self.killed_before is not None and self.calls >= self.killed_before:
                raise Killed
            self.calls += 1
            number = self.calls
        if self.overloaded_every is None or number % self.overloaded_every:
            return None
        return refusal(request)

    @contextmanager
    def killed_at(self, call: int) -> Iterator[None]:
        self.calls, self.killed_before = 0, call
        try:
            yield
        finally:
            self.killed_before = None


class Body:
    """The bytes of an answer, as the HTTP library hands them on."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._content = json.dumps(document).encode()

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._content


def refusal(request: AWSPreparedRequest) -> AWSResponse | None:
    """What the table answers when it is asked too much: each operation says so in its own way; S3 is never asked so."""
    operation = request.headers.get("X-Amz-Target", b"")
    name = (operation.decode() if isinstance(operation, bytes) else operation).rpartition(".")[2]
    body: Any = request.body
    asked = json.loads(body) if name else {}
    status = 400
    document: dict[str, Any] = {"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}
    match name:
        case "":
            return None
        case "BatchGetItem":
            status, document = 200, {"Responses": {}, "UnprocessedKeys": asked["RequestItems"]}
        case "BatchWriteItem":
            status, document = 200, {"UnprocessedItems": asked["RequestItems"]}
        case "TransactWriteItems":
            reasons = [{"Code": "None"} for _ in asked["TransactItems"]]
            reasons[-1] = {"Code": "ThrottlingError", "Message": "slow down"}
            document = {
                "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
                "CancellationReasons": reasons,
            }
    return AWSResponse(request.url, status, HTTPHeaders(), Body(document))


def everything(place: AwsPlace) -> tuple[str, dict[str, bytes]]:
    """All items as text, and all objects."""
    dynamodb, s3 = place.clients()
    items = [item for page in dynamodb.get_paginator("scan").paginate(TableName=place.table) for item in page["Items"]]
    objects = {}
    for bucket in (place.photos, place.models):
        for version in s3.list_object_versions(Bucket=bucket).get("Versions", []):
            body = s3.get_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])["Body"]
            objects[f"{version['Key']}@{version['VersionId']}"] = body.read()
    return repr(items), objects


@pytest.mark.large
def test_a_gallery_of_two_hundred_loads_in_four_calls(aws: AwsPlace) -> None:
    wire = Wire(aws)
    ids = [f"s{number:03}" for number in range(200)]
    for id in ids:
        wire.stores.students.add(a_student(id), a_template(id, views=16), b"x")
    wire.stores.students.templates(GroupId("g"))
    wire.calls = 0
    templates = wire.stores.students.templates(GroupId("g"))
    assert [template.student_id for template in templates] == ids
    assert_same_template(templates[7], a_template("s007", views=16))
    assert wire.calls <= 4


def test_registering_and_marking_take_a_handful_of_calls(aws: AwsPlace) -> None:
    wire = Wire(aws)
    register(wire.stores, A, groups=["g", "h"])
    assert wire.calls <= 6
    session = open_session(wire.stores, A)
    wire.calls = 0
    wire.stores.sessions.record_photo(a_session_photo(session, a_face(A)), b"o", [mark(A)])
    assert wire.calls <= 9
    wire.calls = 0
    wire.stores.sessions.marks(session)
    wire.stores.students.roster_version(GroupId("g"))
    wire.stores.students.find(GroupId("g"))
    wire.stores.heads.current(PACK)
    assert wire.calls == 4


def test_the_training_copy_is_the_template(aws: AwsPlace) -> None:
    register(aws.open(), A)
    (copy,) = [body for name, body in everything(aws)[1].items() if name.startswith("templates/")]
    assert_same_template(read_training_copy(copy), a_template(A))


@pytest.mark.parametrize("versioned", [False, True])
def test_nothing_of_an_erased_student_stays_in_table_or_buckets(aws_endpoint: str, versioned: bool) -> None:
    aws = AwsPlace.new(aws_endpoint, versioned=versioned)
    stores = aws.open()
    stores.students.add(a_student(A, name="Forget Me"), a_template(A), b"their photo")
    register(stores, "b")
    session = open_session(stores, A, "b")
    photo = a_session_photo(session, a_face(A, candidates=["b"]))
    for _ in range(2):
        stores.sessions.record_photo(photo, b"class photo", [mark(A)])
    items, objects = everything(aws)
    assert A in items
    assert {b"their photo", b"class photo"} <= set(objects.values())

    stores.students.erase(A)

    items, objects = everything(aws)
    assert A not in items
    assert "Forget Me" not in items
    assert set(objects.values()) == {a_photo("b"), *(body for name, body in objects.items() if "templates/" in name)}
    assert [copy.student_id for copy in TrainingCopyReader(aws.clients()[1], aws.models, PACK).templates()] == ["b"]


def add_annotated_object(aws: AwsPlace, session: SessionId, photo: PhotoId) -> None:
    """Give a stored photo a second object, on which the names are drawn, as earlier versions did."""
    dynamodb, s3 = aws.clients()
    s3.put_object(Bucket=aws.photos, Key="sessions/annotated", Body=b"annotated")
    dynamodb.update_item(
        TableName=aws.table,
        Key=dict(zip(("pk", "sk"), ({"S": part} for part in photo_key(session, photo)), strict=True)),
        UpdateExpression="SET annotated = :name",
        ExpressionAttributeValues={":name": {"S": "sessions/annotated"}},
    )


@pytest.mark.parametrize("ending", ["retention", "erasure", "withdrawal", "removal", "photo removal", "sent again"])
def test_annotated_objects_of_earlier_versions_go_with_the_original(aws: AwsPlace, ending: str) -> None:
    stores = aws.open()
    register(stores, A)
    session = open_session(stores, A)
    photo = a_session_photo(session, a_face(A))
    stores.sessions.record_photo(photo, b"class photo", [mark(A)])
    add_annotated_object(aws, session, photo.id)
    assert stores.sessions.photos(session) == [photo]
    assert b"annotated" in everything(aws)[1].values()

    match ending:
        case "retention":
            assert stores.sessions.drop_files(session, photo.received_at + timedelta(minutes=1)) == 1
        case "erasure":
            stores.students.erase(A)
        case "withdrawal":
            stores.students.withdraw(A, NOW)
        case "removal":
            stores.sessions.remove(session)
        case "photo removal":
            stores.sessions.amend(session, 2, photo_removed=photo.id)
        case "sent again":
            stores.sessions.record_photo(photo, b"again", [mark(A)])
            assert stores.sessions.original(session, photo.id) == b"again"

    items, objects = everything(aws)
    assert "sessions/annotated" not in items
    assert not {b"class photo", b"annotated"} & set(objects.values())
    assert_nothing_is_left_over(aws, stores)


def test_erasing_a_head_removes_its_files(aws: AwsPlace) -> None:
    stores = aws.open()
    stores.heads.save(PACK, b"weights", {"loss": 1})
    assert len(everything(aws)[1]) == 2
    stores.heads.delete_all()
    assert everything(aws)[1] == {}


def assert_nothing_is_left_over(aws: AwsPlace, stores: AwsStores) -> None:
    """Every object is referred to, every student whole, and training knows exactly the registered students."""
    stores.sweep(older_than=timedelta(0))
    items, objects = everything(aws)
    assert all(name.split("@")[0] in items for name in objects)
    for partition in ("OBJECTS", "ERASURES", "REMOVALS", "COPIES", "OUTDATED"):
        assert f"'{partition}'" not in items
    students = [student for student in stores.students.find() if student.registered_at]
    assert [template.student_id for template in stores.students.templates()] == [student.id for student in students]
    copies = TrainingCopyReader(aws.clients()[1], aws.models, PACK).templates()
    assert [copy.student_id for copy in copies] == [student.id for student in students]
    for student in students:
        assert stores.students.photo(student.id) == a_photo(student.id)


def test_a_registration_killed_before_any_call_leaves_the_student_whole_or_absent(aws: AwsPlace) -> None:
    wire, outcomes = Wire(aws), []
    for call in range(10):
        id = f"s{call}"
        try:
            with wire.killed_at(call):
                register(wire.stores, id)
        except Killed:
            outcomes.append(id in {student.id for student in aws.open().students.find()})
            copies = TrainingCopyReader(aws.clients()[1], aws.models, PACK).templates()
            assert {copy.student_id for copy in copies} <= {student.id for student in aws.open().students.find()}
        else:
            break
        assert_nothing_is_left_over(aws, aws.open())
    else:
        pytest.fail("no registration came to its end")
    assert False in outcomes
    assert True in outcomes


def test_an_erasure_killed_before_any_call_is_done_or_can_be_repeated(aws: AwsPlace) -> None:
    wire, stores = Wire(aws), aws.open()
    register(stores, "b")
    for call in range(30):
        register(stores, A)
        session = open_session(stores, A, "b", id=f"session-{call}")
        photo = a_session_photo(session, a_face(A, candidates=["b"]))
        stores.sessions.record_photo(photo, b"o", [mark(A)])
        try:
            with wire.killed_at(call):
                wire.stores.students.erase(A)
        except Killed:
            if call % 2:
                register_or_erase_again(stores)
            else:
                stores.sweep(older_than=timedelta(0))
        else:
            break
        if A in {student.id for student in stores.students.find()}:
            stores.students.erase(A)
        assert_nothing_is_left_over(aws, stores)
        assert A not in everything(aws)[0]
    else:
        pytest.fail("no erasure came to its end")
    assert A not in everything(aws)[0]


def register_or_erase_again(stores: AwsStores) -> None:
    """What a person does next: erase once more, or register somebody else under the id."""
    try:
        stores.students.erase(A)
    except StudentNotFound:
        register(stores, A)
        for session in stores.sessions.of_group(GroupId("g")):
            assert A not in {m.student_id for m in stores.sessions.marks(session.id)}


def test_a_roll_call_killed_before_any_call_is_stored_whole_or_not_at_all(aws: AwsPlace) -> None:
    wire, stores = Wire(aws), aws.open()
    register(stores, A)
    for call in range(20):
        session = open_session(stores, A, id=f"session-{call}")
        try:
            with wire.killed_at(call):
                photo = a_session_photo(session, a_face(A))
                wire.stores.sessions.record_photo(photo, b"o", [mark(A)])
        except Killed:
            statuses = [m.status.value for m in stores.sessions.marks(session)]
            assert statuses == (["present"] if stores.sessions.photos(session) else ["absent"])
            assert_nothing_is_left_over(aws, stores)
        else:
            return
    pytest.fail("no roll call came to its end")


def test_a_withdrawal_killed_before_any_call_is_done_or_not_done(aws: AwsPlace) -> None:
    wire, stores = Wire(aws), aws.open()
    outcomes = set()
    for call in range(40):
        id = StudentId(f"s{call}")
        register(stores, id)
        session = open_session(stores, id, id=f"session-{call}")
        stores.sessions.record_photo(a_session_photo(session, a_face(id)), b"o", [mark(id)])
        try:
            with wire.killed_at(call):
                wire.stores.students.withdraw(id, NOW)
        except Killed:
            student = stores.students.get(id)
            outcomes.add(student.registered_at is None)
            if student.registered_at is not None:
                assert_same_template(stores.students.template(id), a_template(id))
                assert stores.sessions.photos(session)[0].faces[0].student_id == id
            elif call % 2:
                # Registered again before the sweep: what the withdrawal had still to do must not touch the new.
                again = Student(id, "Ada", frozenset({GroupId("g")}), a_student(id).consent, NOW, student.version + 1)
                stores.students.add(again, a_template(id), a_photo(id))
                stores.sessions.record_photo(
                    a_session_photo(session, a_face(id), id="new", minutes=2), b"new", [mark(id)]
                )
                stores.sweep(older_than=timedelta(0))
                assert [photo.faces[0].student_id for photo in stores.sessions.photos(session)] == [None, id]
                assert stores.sessions.original(session, PhotoId("new")) == b"new"
            stores.students.withdraw(id, NOW)
        else:
            break
        assert_nothing_is_left_over(aws, stores)
        assert stores.students.get(id).registered_at is None
        assert {photo.faces[0].student_id for photo in stores.sessions.photos(session)} == {None}
        assert [m.student_id for m in stores.sessions.marks(session)] == [id]
    else:
        pytest.fail("no withdrawal came to its end")
    assert outcomes == {True, False}


def test_a_removal_killed_before_any_call_is_done_or_not_done(aws: AwsPlace) -> None:
    wire, stores = Wire(aws), aws.open()
    register(stores, A)
    outcomes = set()
    for call in range(30):
        session = open_session(stores, A, id=f"session-{call}")
        stores.sessions.record_photo(a_session_photo(session, a_face(A)), b"o", [mark(A)])
        change = MarkChange(NOW, UserId("u"), A, MarkStatus.PRESENT, MarkStatus.LATE)
        stores.sessions.amend(session, 2, changes=[change])
        try:
            with wire.killed_at(call):
                wire.stores.sessions.remove(session)
        except Killed:
            outcomes.add(is_removed(stores, session))
            if not is_removed(stores, session):
                stores.sessions.remove(session)
            elif call % 2:
                # The id is given again before the sweep.
                assert open_session(stores, A, id=session) == session
                assert (stores.sessions.photos(session), stores.sessions.changes(session)) == ([], [])
                stores.sweep(older_than=timedelta(0))
                assert [m.student_id for m in stores.sessions.marks(session)] == [A]
                stores.sessions.remove(session)
        else:
            break
        assert_nothing_is_left_over(aws, stores)
        assert session not in everything(aws)[0]
        assert stores.sessions.of_group(GroupId("g")) == []
    else:
        pytest.fail("no removal came to its end")
    assert outcomes == {True, False}
    assert session not in everything(aws)[0]


def is_removed(stores: AwsStores, session: SessionId) -> bool:
    """Whether a session is gone for every reader alike."""
    try:
        stores.sessions.get(session)
    except SessionNotFound:
        assert session not in {kept.id for kept in stores.sessions.of_group(GroupId("g"))}
        with pytest.raises(PhotoNotFound):
            stores.sessions.original(session, PhotoId("p1"))
        return True
    assert len(stores.sessions.changes(session)) == 1
    assert stores.sessions.original(session, PhotoId("p1")) == b"o"
    return False


@pytest.mark.parametrize("automatic", [False, True])
def test_learning_killed_before_any_call_leaves_template_and_copy_alike(aws: AwsPlace, automatic: bool) -> None:
    wire, stores = Wire(aws), aws.open()
    register(stores, A)
    row = a_template("row").embeddings[0]
    known = 0
    for call in range(20):
        try:
            with wire.killed_at(call):
                learn(wire.stores, A, f"face-{known}", row, automatic=automatic)
        except Killed:
            learned = stores.students.template(A).learned_ids
            assert learned in {(), ("face-0",)}
            stores.students.unlearn(A, FaceId("face-0"))
        else:
            break
        assert_nothing_is_left_over(aws, stores)
        (copy,) = TrainingCopyReader(aws.clients()[1], aws.models, PACK).templates()
        assert_same_template(copy, stores.students.template(A))
    else:
        pytest.fail("nothing was learned")
    stores.sweep()
    (copy,) = TrainingCopyReader(aws.clients()[1], aws.models, PACK).templates()
    np.testing.assert_array_equal(copy.embeddings, stores.students.template(A).embeddings)
    assert stores.students.template(A).learned_ids == ("face-0",)
    assert_nothing_is_left_over(aws, stores)


def test_learned_faces_of_older_items_are_read_without_their_provenance(aws: AwsPlace) -> None:
    stores = aws.open()
    register(stores, A)
    learn(stores, A, "f1")
    learn(stores, A, "f2")
    table = Table(aws.clients()[0], aws.table)
    item = table.get(template_key(A))
    assert item is not None
    table.put({**item, "learned": ["f1", "f2"]})
    assert stores.students.template(A).learned == (LearnedFace(FaceId("f1")), LearnedFace(FaceId("f2")))
    assert learn(stores, A, "f3", automatic=True)
    assert stores.students.unlearn(A, FaceId("f1"))
    first, second = stores.students.template(A).learned
    assert first == LearnedFace(FaceId("f2"))
    assert (second.face_id, second.session_id, second.automatic) == ("f3", "monday", True)


def test_a_class_that_learns_costs_few_calls(aws: AwsPlace) -> None:
    wire, stores = Wire(aws), aws.open()
    ids = [f"s{number:02}" for number in range(30)]
    register(stores, *ids)
    faces = [NewFace(StudentId(id), LearnedFace(FaceId(id), learned_at=NOW, automatic=True), a_row(id)) for id in ids]
    before = wire.calls
    assert wire.stores.students.learn(faces) == set(ids)
    # Two transactions with two reads each.
    assert wire.calls - before <= 6
    # No copy is written, so no event asks for a retrain until the daily sweep.
    copies = TrainingCopyReader(aws.clients()[1], aws.models, PACK)
    assert {len(copy.embeddings) for copy in copies.templates()} == {4}
    # One student has a new copy before, one has none any more.
    learn(stores, "s00", "confirmed")
    stores.students.erase(StudentId("s01"))
    assert stores.students.traces(StudentId("s01")) == []
    assert_nothing_is_left_over(aws, stores)
    written = {copy.student_id: copy for copy in copies.templates()}
    for template in stores.students.templates():
        np.testing.assert_array_equal(written[template.student_id].embeddings, template.embeddings)
    left = everything(aws)
    stores.sweep()
    assert everything(aws) == left


def test_a_training_copy_changes_its_name_with_its_content(aws: AwsPlace) -> None:
    stores = aws.open()
    register(stores, A)
    names = set()
    for number in range(3):
        learn(stores, A, f"f{number}", a_template("row").embeddings[number])
        (name,) = [name for name in everything(aws)[1] if name.startswith(keys.TEMPLATES)]
        names.add(name)
    assert len(names) == 3


def test_a_store_that_is_asked_too_much_does_all_the_same(aws: AwsPlace) -> None:
    wire = Wire(aws)
    stores = wire.stores
    wire.overloaded_every = 3
    register(stores, A, "b", groups=["g", "h"])
    session = open_session(stores, A, "b")
    stores.sessions.record_photo(a_session_photo(session, a_face(A)), b"o", [mark(A)])
    stores.sessions.amend(session, 2, marks=[mark("b", MarkStatus.LATE)])
    stores.groups.add(Group(GroupId("g"), "G"))
    learn(stores, A, "f", a_template("row").embeddings[0])
    stores.students.withdraw(A, NOW)
    assert [t.student_id for t in stores.students.templates(GroupId("h"))] == ["b"]
    ((opened, marks),) = [(call.session, call.marks) for call in stores.sessions.roll_calls(GroupId("g"))]
    assert [(m.student_id, m.status.value) for m in marks] == [("b", "late"), (A, "present")]
    assert opened.version > 2
    stores.students.erase(A)
    stores.sessions.remove(session)
    wire.overloaded_every = None
    assert stores.students.traces(A) == []
    assert_nothing_is_left_over(aws, stores)


def test_lists_longer_than_a_page_come_whole(aws: AwsPlace) -> None:
    wire = Wire(aws)
    teachers = frozenset(UserId(f"{number:03}".ljust(64, "x")) for number in range(100))
    for number in range(170):
        wire.stores.groups.add(Group(GroupId(f"g{number:03}"), "x" * 200, teachers))
    wire.calls = 0
    found = wire.stores.groups.find()
    # A page is 1 MB at most, else the test has not seen a second one.
    assert wire.calls > 1
    assert [group.id for group in found] == [f"g{number:03}" for number in range(170)]
    assert found[-1].teachers == teachers
    wire.calls = 0
    assert wire.stores.students.traces(StudentId("nobody")) == []
    assert wire.calls > 3


def test_all_answers_are_forgotten_however_many(aws: AwsPlace) -> None:
    wire = Wire(aws)
    for number in range(6):
        wire.stores.idempotency.begin(f"k{number}", "d", "c", NOW)
        wire.stores.idempotency.finish(f"k{number}", "c", StoredResponse(200, "text/plain", b"x" * 250_000), NOW)
    wire.calls = 0
    wire.stores.idempotency.clear()
    assert wire.calls > 2
    assert "'ANSWERS'" not in everything(aws)[0]


def test_an_answer_carries_the_time_when_the_table_may_drop_it(aws: AwsPlace) -> None:
    stores = aws.open()
    stores.idempotency.begin("k", "d", "c", NOW)
    stores.idempotency.finish("k", "c", StoredResponse(200, "text/plain", b"x"), NOW)
    dynamodb, _ = aws.clients()
    (item,) = dynamodb.scan(TableName=aws.table)["Items"]
    assert int(item[keys.EXPIRES_AT]["N"]) - NOW.timestamp() == pytest.approx(24 * 3600, abs=1)


def test_a_term_of_roll_calls_takes_two_calls(aws: AwsPlace) -> None:
    wire = Wire(aws)
    wire.stores.students.enrol(Student(A, "Ada", frozenset({GroupId("g")}), None, None))
    for number in range(60):
        wire.stores.sessions.create(a_session(f"session-{number:02}", minutes=number), [A])
    wire.calls = 0
    calls = wire.stores.sessions.roll_calls(GroupId("g"), since=NOW, until=NOW + timedelta(minutes=59))
    assert wire.calls == 2
    assert [call.session.id for call in calls] == [f"session-{number:02}" for number in range(59)]
    assert {m.student_id for call in calls for m in call.marks} == {A}


def test_a_class_is_marked_by_hand_in_one_go(aws: AwsPlace) -> None:
    wire = Wire(aws)
    ids = [StudentId(f"s{number:03}") for number in range(120)]
    for id in ids:
        wire.stores.students.enrol(Student(id, "Ada", frozenset({GroupId("g")}), None, None))
    session = open_session(wire.stores, *ids)
    changes = [MarkChange(NOW, UserId("u"), id, MarkStatus.ABSENT, MarkStatus.EXCUSED) for id in ids]
    wire.calls = 0
    wire.stores.sessions.amend(session, 1, marks=[mark(id, MarkStatus.EXCUSED) for id in ids], changes=changes)
    assert wire.calls <= 4
    assert wire.stores.sessions.changes(session) == changes
    assert {m.status for m in wire.stores.sessions.marks(session)} == {MarkStatus.EXCUSED}


def test_a_student_is_taken_out_of_more_items_than_one_transaction_takes(aws: AwsPlace) -> None:
    stores = aws.open()
    register(stores, A, "b")
    session = open_session(stores, A, "b")
    for number in range(105):
        change = FaceChange(
            NOW, UserId("u"), FaceId(f"f{number}"), (Decision.UNKNOWN, None), (Decision.PRESENT, A), learned=False
        )
        stores.sessions.amend(session, number + 1, changes=[change])
    stores.students.erase(A)
    changes = [change for change in stores.sessions.changes(session) if isinstance(change, FaceChange)]
    assert [change.after for change in changes] == [(Decision.PRESENT, None)] * 105
    assert stores.sessions.get(session).erased == {MarkStatus.ABSENT: 1}
    assert stores.students.traces(A) == []


def test_traces_name_what_is_found_and_nothing_of_others_of_that_name(aws: AwsPlace) -> None:
    stores = aws.open()
    name = StudentId("present")
    register(stores, name, "b", groups=["present"])
    stores.groups.add(Group(GroupId("present"), "present", frozenset({UserId("present")})))
    session = open_session(stores, name, "b", id="present")
    stores.sessions.record_photo(a_session_photo(session, a_face(name), a_face("b")), b"o", [mark(name)])
    stores.idempotency.begin("k", "d", "c", NOW)
    stores.idempotency.finish("k", "c", StoredResponse(200, "application/json", b'{"student_id":"present"}'), NOW)
    found = stores.students.traces(name)
    for part in ("STUDENT#present RECORD", "STUDENT#present TEMPLATE", "GROUP# STUDENT#present", "faces", "ANSWERS"):
        assert any(part in line for line in found), part
    assert any(line.startswith("SESSION#present RECORD: marks, mentioned") for line in found)

    stores.students.erase(name)

    assert stores.students.traces(name) == []
    assert stores.students.traces(StudentId("b")) != []


@pytest.mark.parametrize("partition", [keys.ERASURES, keys.COPIES, keys.OUTDATED_COPIES])
def test_traces_name_a_note_that_an_erasure_left(aws: AwsPlace, partition: str) -> None:
    Table(aws.clients()[0], aws.table).put({"pk": partition, "sk": "student-a"})
    assert aws.open().students.traces(A) == [f"{partition} student-a: sk"]
    assert aws.open().students.traces(StudentId("student")) == []


def test_who_was_erased_before_a_photo_was_stored_leaves_no_trace(aws: AwsPlace) -> None:
    stores = aws.open()
    register(stores, "b")
    session = open_session(stores, "b")
    photo = a_session_photo(session, a_face(A, candidates=["b"]), a_face("b", candidates=[A], number=1))
    stores.sessions.record_photo(photo, b"shows them", [mark(A), mark("b")])
    assert stores.students.traces(A) == []
    assert A not in everything(aws)[0]
    assert b"shows them" not in everything(aws)[1].values()
    assert_nothing_is_left_over(aws, stores)


def test_too_many_groups_changed_at_once_are_refused_whole(aws: AwsPlace) -> None:
    stores = aws.open()
    first, second = (frozenset(GroupId(f"{term}-{number}") for number in range(40)) for term in ("spring", "autumn"))
    student = Student(A, "Ada", first, None, None)
    stores.students.enrol(student)
    with pytest.raises(InvalidRequest, match="two steps"):
        stores.students.update(Student(A, "Ada", second, None, None, version=2))
    assert stores.students.find() == [student]
    assert stores.students.find(GroupId("autumn-0")) == []
