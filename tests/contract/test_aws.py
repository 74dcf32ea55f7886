"""What holds of the table and the buckets besides the ports: calls made, what is left, what a crash left."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Lock
from typing import Any

import pytest

from muster.domain.errors import StudentNotFound
from muster.domain.identifiers import GroupId, StudentId
from muster.storage.aws import AwsStores, open_aws
from muster.storage.aws.training_copies import TrainingCopies, read_training_copy
from tests.contract.examples import (
    PACK,
    a_face,
    a_photo,
    a_session_photo,
    a_student,
    a_template,
    assert_same_template,
    mark,
    open_session,
    register,
)
from tests.contract.places import AwsPlace

A = StudentId("student-a")


class Killed(BaseException):
    """Stands for the end of the process: nothing of ours catches it."""


class Wire:
    """What goes over the network: counts calls, slows them down, or ends the process before one of them."""

    def __init__(self, place: AwsPlace) -> None:
        dynamodb, s3 = place.clients()
        for client in (dynamodb, s3):
            client.meta.events.register("before-send.*", self._before_send)
        self.stores = open_aws(dynamodb, s3, table=place.table, photos=place.photos, models=place.models)
        self.calls = 0
        self.seconds_a_call = 0.0
        self.killed_before: int | None = None
        self._lock = Lock()

    def _before_send(self, **_: Any) -> None:
        with self._lock:
            if self.killed_before is not None and self.calls >= self.killed_before:
                raise Killed
            self.calls += 1
        time.sleep(self.seconds_a_call)

    @contextmanager
    def killed_at(self, call: int) -> Iterator[None]:
        self.calls, self.killed_before = 0, call
        try:
            yield
        finally:
            self.killed_before = None


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


@pytest.mark.slow
def test_a_gallery_of_two_hundred_loads_in_under_a_second_at_twenty_milliseconds_a_call(aws: AwsPlace) -> None:
    wire = Wire(aws)
    ids = [f"s{number:03}" for number in range(200)]
    for id in ids:
        wire.stores.students.add(a_student(id), a_template(id, views=16), b"x")
    wire.stores.students.templates(GroupId("g"))
    wire.calls, wire.seconds_a_call = 0, 0.02
    started = time.perf_counter()
    templates = wire.stores.students.templates(GroupId("g"))
    took = time.perf_counter() - started
    assert [template.student_id for template in templates] == ids
    assert_same_template(templates[7], a_template("s007", views=16))
    assert wire.calls <= 4
    assert took < 1


def test_registering_and_marking_take_a_handful_of_calls(aws: AwsPlace) -> None:
    wire = Wire(aws)
    register(wire.stores, A, groups=["g", "h"])
    assert wire.calls <= 6
    session = open_session(wire.stores, A)
    wire.calls = 0
    wire.stores.sessions.record_photo(a_session_photo(session, a_face(A)), b"o", b"a", [mark(A)])
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
        stores.sessions.record_photo(photo, b"class photo", b"with names", [mark(A)])
    items, objects = everything(aws)
    assert A in items
    assert {b"their photo", b"class photo", b"with names"} <= set(objects.values())

    stores.students.erase(A)

    items, objects = everything(aws)
    assert A not in items
    assert "Forget Me" not in items
    assert set(objects.values()) == {a_photo("b"), *(body for name, body in objects.items() if "templates/" in name)}
    assert [copy.student_id for copy in TrainingCopies(aws.clients()[1], aws.models).templates()] == ["b"]


def test_erasing_a_head_removes_its_files(aws: AwsPlace) -> None:
    stores = aws.open()
    stores.heads.save(PACK, b"weights", {"loss": 1})
    assert len(everything(aws)[1]) == 2
    stores.heads.delete_all()
    assert everything(aws)[1] == {}


def assert_nothing_is_left_over(aws: AwsPlace, stores: AwsStores) -> None:
    """Every object is referred to, every student whole, and training knows exactly the students."""
    stores.sweep(older_than=timedelta(0))
    items, objects = everything(aws)
    assert all(name.split("@")[0] in items for name in objects)
    assert "'OBJECTS'" not in items
    assert "'ERASURES'" not in items
    assert "'COPIES'" not in items
    students = stores.students.find()
    assert [template.student_id for template in stores.students.templates()] == [student.id for student in students]
    copies = TrainingCopies(aws.clients()[1], aws.models).templates()
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
            copies = TrainingCopies(aws.clients()[1], aws.models).templates()
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
        stores.sessions.record_photo(photo, b"o", b"a", [mark(A)])
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
                wire.stores.sessions.record_photo(photo, b"o", b"a", [mark(A)])
        except Killed:
            statuses = [m.status.value for m in stores.sessions.marks(session)]
            assert statuses == (["present"] if stores.sessions.photos(session) else ["absent"])
            assert_nothing_is_left_over(aws, stores)
        else:
            return
    pytest.fail("no roll call came to its end")
