"""Stores are used by several threads and processes at once."""

import multiprocessing
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from threading import Barrier

import pytest

from muster.domain.errors import HeadConflict, SessionExists, StudentExists
from muster.domain.identifiers import GroupId, StudentId
from tests.contract.examples import (
    NOW,
    PACK,
    a_face,
    a_photo,
    a_session,
    a_session_photo,
    a_student,
    a_template,
    mark,
    open_session,
    register,
)
from tests.contract.places import Place, Stores

WORKERS = 6


def attempt_to_add(place: Place, number: int) -> str:
    id = "contested"
    try:
        place.open().students.add(
            a_student(id, name=f"Number {number}", groups=[f"g{number}"]), a_template(id), a_photo(str(number))
        )
    except StudentExists:
        return "refused"
    return f"Number {number}"


def add_many(place: Place, number: int) -> None:
    register(place.open(), *(f"w{number}-{count}" for count in range(5)))


def assert_one_won(stores: Stores, outcomes: list[str]) -> None:
    winners = [outcome for outcome in outcomes if outcome != "refused"]
    assert len(winners) == 1
    student = stores.students.get(StudentId("contested"))
    number = winners[0].removeprefix("Number ")
    assert student.name == winners[0]
    assert student.groups == {f"g{number}"}
    assert stores.students.photo(student.id) == a_photo(number)
    for other in range(WORKERS):
        expected = [student] if str(other) == number else []
        assert stores.students.find(GroupId(f"g{other}")) == expected


def test_of_several_threads_adding_one_id_one_wins(place: Place, stores: Stores) -> None:
    with ThreadPoolExecutor(WORKERS) as pool:
        outcomes = list(pool.map(lambda number: attempt_to_add(place, number), range(WORKERS)))
    assert_one_won(stores, outcomes)


@pytest.mark.processes
def test_of_several_processes_adding_one_id_one_wins(place: Place, stores: Stores) -> None:
    with ProcessPoolExecutor(3, multiprocessing.get_context("spawn")) as pool:
        outcomes = list(pool.map(attempt_to_add, [place] * WORKERS, range(WORKERS)))
    assert_one_won(stores, outcomes)


@pytest.mark.processes
def test_several_processes_add_students_at_once(place: Place, stores: Stores) -> None:
    with ProcessPoolExecutor(3, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(add_many, [place] * WORKERS, range(WORKERS)))
    expected = sorted(f"w{number}-{count}" for number in range(WORKERS) for count in range(5))
    assert [student.id for student in stores.students.find(GroupId("g"))] == expected
    assert [template.student_id for template in stores.students.templates()] == expected


def test_threads_of_one_store_add_students_at_once(stores: Stores) -> None:
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda number: register(stores, f"s{number}"), range(20)))
    assert len(stores.students.find(GroupId("g"))) == 20


def test_readers_see_students_whole_while_others_come_and_go(stores: Stores) -> None:
    register(stores, "stays")

    def come_and_go(number: int) -> None:
        for _ in range(3):
            register(stores, f"s{number}")
            stores.students.erase(StudentId(f"s{number}"))

    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(come_and_go, number) for number in range(2)]
        while not all(writer.done() for writer in writers):
            for template in stores.students.templates(GroupId("g")):
                assert template.embeddings.shape == (4, 512)
            assert "stays" in {student.id for student in stores.students.find(GroupId("g"))}
        for writer in writers:
            writer.result()
    assert [student.id for student in stores.students.find()] == ["stays"]


def test_photos_recorded_at_once_all_count(stores: Stores) -> None:
    ids = [f"s{number}" for number in range(8)]
    register(stores, *ids)
    session = open_session(stores, *ids)

    def record(id: str) -> None:
        stores.sessions.record_photo(a_session_photo(session, a_face(id), id=f"p-{id}"), b"o", [mark(id)])

    with ThreadPoolExecutor(len(ids)) as pool:
        list(pool.map(record, ids))
    assert {m.status.value for m in stores.sessions.marks(session)} == {"present"}
    assert len(stores.sessions.photos(session)) == len(ids)


def test_one_of_several_opens_a_session(stores: Stores) -> None:
    def attempt(number: int) -> str:
        try:
            stores.sessions.create(a_session(group=f"g{number}"), [])
        except SessionExists:
            return "refused"
        return "opened"

    with ThreadPoolExecutor(WORKERS) as pool:
        outcomes = Counter(pool.map(attempt, range(WORKERS)))
    assert outcomes == {"opened": 1, "refused": WORKERS - 1}


def test_one_of_several_runs_begins(stores: Stores) -> None:
    together = Barrier(WORKERS)

    def attempt(number: int) -> bool:
        together.wait(10)
        return stores.training.begin(f"r{number}", NOW, 60)

    with ThreadPoolExecutor(WORKERS) as pool:
        assert sum(pool.map(attempt, range(WORKERS))) == 1


def test_one_of_several_promotions_wins_and_numbers_are_given_once(stores: Stores) -> None:
    with ThreadPoolExecutor(WORKERS) as pool:
        numbers = list(pool.map(lambda _: stores.heads.save(PACK, b"h", {}), range(WORKERS)))
    assert sorted(numbers) == list(range(1, WORKERS + 1))

    def attempt(version: int) -> bool:
        try:
            stores.heads.promote(PACK, version, expected=None)
        except HeadConflict:
            return False
        return True

    with ThreadPoolExecutor(WORKERS) as pool:
        won = [version for version, promoted in zip(numbers, pool.map(attempt, numbers), strict=True) if promoted]
    assert won == [stores.heads.current(PACK)]


def test_an_erasure_during_a_roll_call_leaves_no_trace(stores: Stores) -> None:
    register(stores, "a", "b")
    session = open_session(stores, "a", "b")

    def record(number: int) -> None:
        photo = a_session_photo(session, a_face("a", candidates=["b"]), id=f"p{number}")
        stores.sessions.record_photo(photo, b"o", [mark("a"), mark("b")])

    with ThreadPoolExecutor(4) as pool:
        recordings = [pool.submit(record, number) for number in range(8)]
        stores.students.erase(StudentId("a"))
        for recording in recordings:
            recording.result()
    assert [m.student_id for m in stores.sessions.marks(session)] == ["b"]
    for photo in stores.sessions.photos(session):
        assert all(face.student_id != "a" for face in photo.faces)
        assert all(candidate.student_id != "a" for face in photo.faces for candidate in face.candidates)
