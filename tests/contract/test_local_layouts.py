"""Stores of earlier layouts that are damaged: opened, examined, or refused in words."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from muster.domain.attendance import MarkStatus
from muster.domain.errors import RecordDamaged, StoreUnusable
from muster.domain.identifiers import FaceId, StudentId
from muster.domain.student import LearnedFace
from muster.storage.documents import time_text
from muster.storage.local import DATABASE_FILE, open_local
from muster.storage.local.doctor import examine
from muster.storage.local.schema import MIGRATIONS
from tests.contract.examples import NOW, a_session, a_template
from tests.contract.test_local import fill_first_layout

BEFORE_REVIEW = 4
IN_REVIEW = '[{"decision": "review", "student_id": "a"}]'
DAMAGED_LISTS = ("", "not JSON", '[{"student_id": "a"', '["review"]', "[1, null]", '"review"', '{"decision": "review"}')


def fill_fourth_layout(directory: Path, *faces: str) -> None:
    """Write a session with photos whose faces are these texts, as the last version before marks in review did."""
    (directory / "files").mkdir()
    now = time_text(NOW)
    with closing(sqlite3.connect(directory / DATABASE_FILE)) as connection, connection:
        for statements in MIGRATIONS[:BEFORE_REVIEW]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {BEFORE_REVIEW}")
        connection.execute("INSERT INTO sessions (id, group_id, started_at) VALUES ('monday', 'g', ?)", (now,))
        connection.execute("INSERT INTO marks VALUES ('monday', 'a', 'absent', 'photo', ?)", (now,))
        for number, text in enumerate(faces):
            connection.execute(
                "INSERT INTO session_photos VALUES ('monday', ?, 'digest', 9, 9, ?, 'embedded', NULL, ?, NULL, NULL)",
                (f"p{number}", text, now),
            )


def test_open_questions_of_an_earlier_layout_become_marks_in_review(tmp_path: Path) -> None:
    by_hand = IN_REVIEW.replace('"a"', '"by-hand"')
    fill_fourth_layout(tmp_path, IN_REVIEW, by_hand)
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as connection, connection:
        for student, source in (("away", "photo"), ("by-hand", "manual")):
            row = (student, source, time_text(NOW))
            connection.execute("INSERT INTO marks VALUES ('monday', ?, 'absent', ?, ?)", row)
    stores = open_local(tmp_path)
    marks = {mark.student_id: mark.status for mark in stores.sessions.marks(a_session().id)}
    assert marks == {"a": MarkStatus.REVIEW, "away": MarkStatus.ABSENT, "by-hand": MarkStatus.ABSENT}
    assert stores.sessions.get(a_session().id).version == 2


def test_learned_faces_of_an_earlier_layout_are_kept_without_provenance(tmp_path: Path) -> None:
    fill_fourth_layout(tmp_path)
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as connection, connection:
        for number, (id, learned) in enumerate((("a", '["f1","f2"]'), ("b", "[]"), ("c", '["f1"')), start=1):
            template = a_template(id, views=6)
            connection.execute(
                "INSERT INTO students (number, id, name, registered_at, version) VALUES (?, ?, 'Ada', ?, 1)",
                (number, id, time_text(NOW)),
            )
            connection.execute(
                "INSERT INTO templates (student, pack, photo_digest, learned, embeddings) VALUES (?, ?, ?, ?, ?)",
                (number, template.pack, template.photo_digest, learned, template.embeddings.tobytes()),
            )
    students = open_local(tmp_path).students
    template = students.template(StudentId("a"))
    assert template.learned == (LearnedFace(FaceId("f1")), LearnedFace(FaceId("f2")))
    np.testing.assert_array_equal(template.embeddings, a_template("a", views=6).embeddings)
    assert students.template(StudentId("b")).learned == ()
    with pytest.raises(RecordDamaged, match="c"):
        students.template(StudentId("c"))


def test_damaged_face_lists_do_not_keep_a_store_from_being_brought_to_the_present_layout(tmp_path: Path) -> None:
    fill_fourth_layout(tmp_path, *DAMAGED_LISTS, IN_REVIEW)
    stores = open_local(tmp_path)
    assert [mark.status for mark in stores.sessions.marks(a_session().id)] == [MarkStatus.REVIEW]
    with pytest.raises(RecordDamaged, match="p0"):
        stores.sessions.photos(a_session().id)
    assert stores.students.traces(StudentId("b")) == []


def test_the_doctor_reads_the_records_of_an_earlier_layout(tmp_path: Path) -> None:
    fill_fourth_layout(tmp_path, "not JSON")
    tmp_path.chmod(0o700)
    (tmp_path / "files").chmod(0o700)
    (tmp_path / DATABASE_FILE).chmod(0o600)
    assert [finding.code for finding in examine(tmp_path)] == ["records_damaged", "older_version"]


def test_the_doctor_finds_nothing_wrong_with_the_first_layout(tmp_path: Path) -> None:
    fill_first_layout(tmp_path)
    assert {finding.code for finding in examine(tmp_path)} - {"permissions"} == {"older_version"}


def test_a_layout_that_cannot_be_brought_up_to_date_is_refused_in_words_and_unchanged(tmp_path: Path) -> None:
    fill_fourth_layout(tmp_path, IN_REVIEW)
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as connection:
        connection.execute("ALTER TABLE students ADD COLUMN consent_stated_by TEXT")
    with pytest.raises(StoreUnusable, match=r"cannot be brought from layout 4 .*consent_stated_by.*muster doctor"):
        open_local(tmp_path)
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (BEFORE_REVIEW,)
        assert connection.execute("SELECT status FROM marks").fetchall() == [("absent",)]
