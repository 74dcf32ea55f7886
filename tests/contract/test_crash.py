"""A process killed at any moment leaves every student whole or absent, and nothing else behind."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from muster.domain.attendance import FaceChange, MarkStatus
from muster.domain.identifiers import GroupId, StudentId
from muster.domain.student import StudentState
from muster.services.roll_call.corrections import Corrections
from muster.storage.local import open_local
from tests.contract.examples import (
    NOW,
    TEACHER,
    a_face,
    a_face_change,
    a_photo,
    a_row,
    a_session_photo,
    a_student,
    a_template,
    assert_same_template,
    enrol,
    learn,
    mark,
    open_session,
    register,
)

pytestmark = pytest.mark.kill

KILLS = 40


@pytest.fixture
def moments() -> np.random.Generator:
    """Moments that differ from run to run; the seed is in the output of a test that fails."""
    seed = int(np.random.SeedSequence().generate_state(1)[0])
    print(f"moments: seed {seed}")  # noqa: T201
    return np.random.default_rng(seed)


def register_forever(directory: Path, name: str, ready: Event, pause: float = 0) -> None:
    stores = open_local(directory)
    ready.set()
    for number in count():
        register(stores, f"{name}-{number}")
        time.sleep(pause)


def record_and_remove_forever(directory: Path, name: str, ready: Event) -> None:
    stores = open_local(directory)
    corrections = Corrections(stores.students, stores.sessions, lambda: None)
    register(stores, name)
    session = open_session(stores, name, id=name)
    for number in count():
        if number == 1:
            # One photo is removed by now.
            ready.set()
        photo = a_session_photo(session, a_face(name), id=name)
        stores.sessions.record_photo(photo, name.encode(), [mark(name)])
        corrections.remove_photo(session, photo.id, TEACHER)


def erase_and_record_forever(directory: Path, name: str, ready: Event) -> None:
    stores = open_local(directory)
    session = open_session(stores, id=name)
    ready.set()
    for number in count():
        id = f"{name}-{number}"
        register(stores, id)
        stores.sessions.record_photo(a_session_photo(session, a_face(id), id=id), id.encode(), [mark(id)])
        if number % 2:
            stores.students.erase(StudentId(id))


def correct_and_withdraw_forever(directory: Path, name: str, ready: Event) -> None:
    stores = open_local(directory)
    session = open_session(stores, id=name)
    for number in count():
        if number == 2:
            # One student is corrected by now, and another is withdrawn too.
            ready.set()
        id = f"{name}-{number}"
        enrol(stores, id)
        stores.students.add(replace(a_student(id), version=2), a_template(id), a_photo(id))
        photo = a_session_photo(session, a_face(None, number=number), id=id)
        stores.sessions.record_photo(photo, id.encode(), [])
        version = stores.sessions.get(session).version
        late = mark(id, MarkStatus.LATE)
        stores.sessions.amend(
            session, version, marks=[late], faces=[a_face(id, number=number)], changes=[a_face_change(None, id, number)]
        )
        learn(stores, id, f"face-{number}", a_row(id))
        if number % 2:
            stores.students.withdraw(StudentId(id), NOW)


def die_between_photo_and_row(directory: Path, name: str, ready: Event) -> None:
    stores = open_local(directory)
    flush = os.fsync

    def last(fd: Any) -> None:
        flush(fd)
        os.kill(os.getpid(), signal.SIGKILL)

    os.fsync = last
    ready.set()
    register(stores, name)


def start(work: Callable[..., None], directory: Path, name: str, **options: float) -> BaseProcess:
    """Begin to work in a process of its own, forked from one that has imported everything."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([__name__])
    ready = processes.Event()
    child = processes.Process(target=work, args=(directory, name, ready), kwargs=options)
    child.start()
    assert ready.wait(300)
    return child


def kill(child: BaseProcess) -> None:
    assert child.is_alive(), "the child ended by itself"
    child.kill()
    child.join()


def files_of(directory: Path) -> int:
    return len(list((directory / "files").iterdir()))


def test_a_killed_registration_leaves_the_student_whole_or_absent(tmp_path: Path, moments: np.random.Generator) -> None:
    for number in range(KILLS):
        child = start(register_forever, tmp_path, f"run{number}")
        time.sleep(moments.uniform(0, 0.15))
        kill(child)

        stores = open_local(tmp_path)
        students = stores.students.find(GroupId("g"))
        templates = stores.students.templates(GroupId("g"))
        assert [template.student_id for template in templates] == [student.id for student in students]
        for student in students:
            if student.id.startswith(f"run{number}-"):
                assert stores.students.photo(student.id) == a_photo(student.id)
                assert_same_template(stores.students.template(student.id), a_template(student.id))
        assert files_of(tmp_path) == len(students)
        numbers = sorted(int(s.id.split("-")[1]) for s in students if s.id.startswith(f"run{number}-"))
        assert numbers == list(range(len(numbers)))


def test_a_photo_whose_row_was_not_written_is_swept(tmp_path: Path) -> None:
    register(open_local(tmp_path), "before")
    start(die_between_photo_and_row, tmp_path, "killed").join()
    assert files_of(tmp_path) == 2
    stores = open_local(tmp_path)
    assert [student.id for student in stores.students.find()] == ["before"]
    assert files_of(tmp_path) == 1


def test_a_kill_beside_another_writer_harms_neither(tmp_path: Path, moments: np.random.Generator) -> None:
    steady = start(register_forever, tmp_path, "steady", pause=0.01)
    try:
        for number in range(10):
            child = start(register_forever, tmp_path, f"run{number}")
            time.sleep(moments.uniform(0.02, 0.2))
            kill(child)
            open_local(tmp_path)
        assert steady.is_alive()
    finally:
        kill(steady)
    stores = open_local(tmp_path)
    for student in stores.students.find():
        assert stores.students.photo(student.id) == a_photo(student.id)
        assert_same_template(stores.students.template(student.id), a_template(student.id))
    assert files_of(tmp_path) == len(stores.students.find())


def test_a_killed_erasure_or_roll_call_is_done_or_not_done(tmp_path: Path, moments: np.random.Generator) -> None:
    for number in range(15):
        child = start(erase_and_record_forever, tmp_path, f"run{number}")
        time.sleep(moments.uniform(0, 0.4))
        kill(child)

        stores = open_local(tmp_path)
        registered = {student.id for student in stores.students.find()}
        kept = len(registered)
        for session in stores.sessions.of_group(GroupId("g")):
            marked = {mark.student_id for mark in stores.sessions.marks(session.id)}
            photos = stores.sessions.photos(session.id)
            named = {face.student_id for photo in photos for face in photo.faces if face.student_id}
            assert marked == named <= registered
            for photo in photos:
                if photo.faces[0].student_id:
                    assert stores.sessions.original(session.id, photo.id) == photo.id.encode()
                    kept += 1
        for student in registered:
            assert stores.students.photo(student) == a_photo(student)
        assert files_of(tmp_path) == kept


def test_a_killed_correction_or_withdrawal_is_done_or_not_done(tmp_path: Path, moments: np.random.Generator) -> None:
    corrected = withdrawn = 0
    for number in range(15):
        child = start(correct_and_withdraw_forever, tmp_path, f"run{number}")
        time.sleep(moments.uniform(0, 0.4))
        kill(child)

        stores = open_local(tmp_path)
        states = {student.id: student.state for student in stores.students.find()}
        templates = {template.student_id: template for template in stores.students.templates()}
        assert set(templates) == {id for id, state in states.items() if state is StudentState.REGISTERED}
        kept = len(templates)
        for template in templates.values():
            assert stores.students.photo(template.student_id) == a_photo(template.student_id)
            learned = [a_row(template.student_id)] * len(template.learned)
            rows = np.stack([*a_template(template.student_id).embeddings, *learned])
            np.testing.assert_array_equal(template.embeddings, rows)
        for session in stores.sessions.of_group(GroupId("g")):
            photos = stores.sessions.photos(session.id)
            changes = stores.sessions.changes(session.id)
            marked = {mark.student_id for mark in stores.sessions.marks(session.id)}
            assert marked == {change.after[1] for change in changes if isinstance(change, FaceChange)}
            named = {face.student_id for photo in photos for face in photo.faces if face.student_id}
            assert named == {id for id in marked if states[id] is not StudentState.WITHDRAWN}
            kept += sum(states[StudentId(photo.id)] is not StudentState.WITHDRAWN for photo in photos)
            corrected += len(changes)
        assert files_of(tmp_path) == kept
        withdrawn = list(states.values()).count(StudentState.WITHDRAWN)
    assert corrected
    assert withdrawn


def test_a_killed_removal_of_a_photo_is_done_or_not_done(tmp_path: Path, moments: np.random.Generator) -> None:
    removed = 0
    for number in range(10):
        id = f"run{number}"
        child = start(record_and_remove_forever, tmp_path, id)
        time.sleep(moments.uniform(0, 0.4))
        kill(child)

        stores = open_local(tmp_path)
        kept = len(stores.students.find())
        for session in stores.sessions.of_group(GroupId("g")):
            photos = stores.sessions.photos(session.id)
            (mark,) = stores.sessions.marks(session.id)
            assert mark.status is (MarkStatus.PRESENT if photos else MarkStatus.ABSENT)
            for photo in photos:
                assert stores.sessions.original(session.id, photo.id) == photo.id.encode()
            kept += len(photos)
            # Each removal keeps what it changed: the photo, and the mark.
            removed += len(stores.sessions.changes(session.id)) // 2
        assert files_of(tmp_path) == kept
    # Else no photo was removed, and the test has seen nothing.
    assert removed
