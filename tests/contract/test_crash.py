"""A process killed at any moment leaves every student whole or absent, and nothing else behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from muster.domain.attendance import FaceChange, MarkStatus
from muster.domain.identifiers import GroupId, StudentId
from muster.domain.student import StudentState
from muster.storage.local import open_local
from tests.contract.examples import a_photo, a_row, a_template, assert_same_template

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
KILLS = 40
MOMENTS = np.random.default_rng()

REGISTER_FOREVER = """
import sys, time
from pathlib import Path
from muster.storage.local import open_local
from tests.contract.examples import register
stores = open_local(Path(sys.argv[1]))
print("ready", flush=True)
number = 0
while True:
    register(stores, f"{sys.argv[2]}-{number}")
    number += 1
    time.sleep(float(sys.argv[3]))
"""

ERASE_AND_RECORD_FOREVER = """
import sys
from pathlib import Path
from muster.storage.local import open_local
from tests.contract.examples import a_face, a_session_photo, mark, open_session, register
stores = open_local(Path(sys.argv[1]))
session = open_session(stores, id=sys.argv[2])
print("ready", flush=True)
number = 0
while True:
    id = f"{sys.argv[2]}-{number}"
    register(stores, id)
    stores.sessions.record_photo(a_session_photo(session, a_face(id), id=id), b"o" * 9999, id.encode(), [mark(id)])
    if number % 2:
        stores.students.erase(id)
    number += 1
"""

CORRECT_AND_WITHDRAW_FOREVER = """
import sys
from dataclasses import replace
from pathlib import Path
from muster.domain.attendance import MarkStatus
from muster.domain.identifiers import FaceId
from muster.storage.local import open_local
from tests.contract.examples import (
    NOW, a_face, a_face_change, a_photo, a_row, a_session_photo, a_student, a_template, enrol, mark, open_session
)
stores = open_local(Path(sys.argv[1]))
session = open_session(stores, id=sys.argv[2])
print("ready", flush=True)
number = 0
while True:
    id = f"{sys.argv[2]}-{number}"
    enrol(stores, id)
    stores.students.add(replace(a_student(id), version=2), a_template(id), a_photo(id))
    photo = a_session_photo(session, a_face(None, number=number), id=id)
    stores.sessions.record_photo(photo, b"o" * 9999, id.encode(), [])
    version = stores.sessions.get(session).version
    late = mark(id, MarkStatus.LATE)
    stores.sessions.amend(
        session, version, marks=[late], faces=[a_face(id, number=number)], changes=[a_face_change(None, id, number)]
    )
    stores.students.learn(id, FaceId(f"face-{number}"), a_row(id))
    if number % 2:
        stores.students.withdraw(id, NOW)
    number += 1
"""

RECORD_AND_REMOVE_FOREVER = """
import sys
from pathlib import Path
from muster.services.corrections import Corrections
from muster.storage.local import open_local
from tests.contract.examples import TEACHER, a_face, a_session_photo, mark, open_session, register
stores = open_local(Path(sys.argv[1]))
corrections = Corrections(stores.students, stores.sessions, lambda: None)
id = sys.argv[2]
register(stores, id)
session = open_session(stores, id, id=id)
print("ready", flush=True)
while True:
    photo = a_session_photo(session, a_face(id), id=id)
    stores.sessions.record_photo(photo, b"o" * 9999, id.encode(), [mark(id)])
    corrections.remove_photo(session, photo.id, TEACHER)
"""


def start(program: str, directory: Path, name: str, pause: float = 0) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(directory), name, str(pause)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def kill(child: subprocess.Popen[str]) -> None:
    assert child.poll() is None, "the child ended by itself"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert child.stdout is not None
    child.stdout.close()


def files_of(directory: Path) -> int:
    return len(list((directory / "files").iterdir()))


def test_a_killed_registration_leaves_the_student_whole_or_absent(tmp_path: Path) -> None:
    left_by_kills = 0
    for number in range(KILLS):
        child = start(REGISTER_FOREVER, tmp_path, f"run{number}")
        time.sleep(MOMENTS.uniform(0, 0.15))
        kill(child)
        before = files_of(tmp_path)

        stores = open_local(tmp_path)
        students = stores.students.find(GroupId("g"))
        templates = stores.students.templates(GroupId("g"))
        assert [template.student_id for template in templates] == [student.id for student in students]
        for student in students:
            if student.id.startswith(f"run{number}-"):
                assert stores.students.photo(student.id) == a_photo(student.id)
                assert_same_template(stores.students.template(student.id), a_template(student.id))
        assert files_of(tmp_path) == len(students)
        left_by_kills += before - files_of(tmp_path)
        numbers = sorted(int(s.id.split("-")[1]) for s in students if s.id.startswith(f"run{number}-"))
        assert numbers == list(range(len(numbers)))
    # Else no kill fell between a photo and its row, and the test has not seen the moment that matters.
    assert left_by_kills > 0


def test_a_kill_beside_another_writer_harms_neither(tmp_path: Path) -> None:
    steady = start(REGISTER_FOREVER, tmp_path, "steady", pause=0.01)
    try:
        for number in range(10):
            child = start(REGISTER_FOREVER, tmp_path, f"run{number}")
            time.sleep(MOMENTS.uniform(0.02, 0.2))
            kill(child)
            open_local(tmp_path)
        assert steady.poll() is None
    finally:
        kill(steady)
    stores = open_local(tmp_path)
    for student in stores.students.find():
        assert stores.students.photo(student.id) == a_photo(student.id)
        assert_same_template(stores.students.template(student.id), a_template(student.id))
    assert files_of(tmp_path) == len(stores.students.find())


def test_a_killed_erasure_or_roll_call_is_done_or_not_done(tmp_path: Path) -> None:
    for number in range(15):
        child = start(ERASE_AND_RECORD_FOREVER, tmp_path, f"run{number}")
        time.sleep(MOMENTS.uniform(0, 0.4))
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
                    assert stores.sessions.annotated(session.id, photo.id) == photo.id.encode()
                    kept += 2
        for student in registered:
            assert stores.students.photo(student) == a_photo(student)
        assert files_of(tmp_path) == kept


def test_a_killed_correction_or_withdrawal_is_done_or_not_done(tmp_path: Path) -> None:
    corrected = withdrawn = 0
    for number in range(15):
        child = start(CORRECT_AND_WITHDRAW_FOREVER, tmp_path, f"run{number}")
        time.sleep(MOMENTS.uniform(0, 0.4))
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
            kept += 2 * sum(states[StudentId(photo.id)] is not StudentState.WITHDRAWN for photo in photos)
            corrected += len(changes)
        assert files_of(tmp_path) == kept
        withdrawn = list(states.values()).count(StudentState.WITHDRAWN)
    # Else nothing was under way when the kills came.
    assert corrected
    assert withdrawn


def test_a_killed_removal_of_a_photo_is_done_or_not_done(tmp_path: Path) -> None:
    removed = 0
    for number in range(10):
        id = f"run{number}"
        child = start(RECORD_AND_REMOVE_FOREVER, tmp_path, id)
        time.sleep(MOMENTS.uniform(0, 0.4))
        kill(child)

        stores = open_local(tmp_path)
        kept = len(stores.students.find())
        for session in stores.sessions.of_group(GroupId("g")):
            photos = stores.sessions.photos(session.id)
            (mark,) = stores.sessions.marks(session.id)
            assert mark.status is (MarkStatus.PRESENT if photos else MarkStatus.ABSENT)
            for photo in photos:
                assert stores.sessions.annotated(session.id, photo.id) == photo.id.encode()
            kept += 2 * len(photos)
            # Each removal keeps what it changed: the photo, and the mark.
            removed += len(stores.sessions.changes(session.id)) // 2
        assert files_of(tmp_path) == kept
    # Else no photo was removed, and the test has seen nothing.
    assert removed
