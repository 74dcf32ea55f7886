"""Stores of earlier layouts, whole or damaged: opened, examined, backed up, or refused in words."""

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from muster.domain.attendance import MarkStatus
from muster.domain.errors import RecordDamaged, StoreUnusable
from muster.domain.identifiers import FaceId, PhotoId, StudentId
from muster.domain.student import LearnedFace
from muster.storage.documents import time_text
from muster.storage.local import DATABASE_FILE, open_local
from muster.storage.local.backup import back_up, count_rows
from muster.storage.local.connection import connect
from muster.storage.local.doctor import examine
from muster.storage.local.restore import restore
from muster.storage.local.schema import MIGRATIONS
from tests.contract.examples import NOW, a_session, a_template
from tests.contract.test_local import fill_first_layout

BEFORE_REVIEW = 4
WITH_ANNOTATED_FILES = 10
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


ORIGINAL, ANNOTATED = "0" * 32, "1" * 32


def fill_layout_with_annotated_files(directory: Path) -> None:
    """Write a photo with a second file, on which the names are drawn, as versions before this one did."""
    (directory / "files").mkdir(mode=0o700, parents=True)
    directory.chmod(0o700)
    with closing(sqlite3.connect(directory / DATABASE_FILE)) as connection, connection:
        for statements in MIGRATIONS[:WITH_ANNOTATED_FILES]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {WITH_ANNOTATED_FILES}")
        connection.execute(
            "INSERT INTO sessions (id, group_id, started_at) VALUES ('monday', 'g', ?)", (time_text(NOW),)
        )
        connection.execute(
            "INSERT INTO session_photos VALUES ('monday', 'p1', 'digest', 9, 9, '[]', 'embedded', NULL, ?, ?, ?, 0)",
            (time_text(NOW), ORIGINAL, ANNOTATED),
        )
    for name, content in ((ORIGINAL, b"original"), (ANNOTATED, b"annotated")):
        (directory / "files" / name).write_bytes(content)
    for path in (directory / DATABASE_FILE, *(directory / "files").iterdir()):
        path.chmod(0o600)


def assert_only_the_original_is_left(directory: Path) -> None:
    """The files of a store, what its rows refer to, and what the doctor finds, agree."""
    assert [path.name for path in (directory / "files").iterdir()] == [ORIGINAL]
    assert open_local(directory).sessions.original(a_session().id, PhotoId("p1")) == b"original"
    assert [finding for finding in examine(directory) if finding.problem] == []


def test_opening_an_earlier_layout_removes_annotated_files(tmp_path: Path) -> None:
    fill_layout_with_annotated_files(tmp_path / "data")
    assert [finding.code for finding in examine(tmp_path / "data") if finding.problem] == []
    open_local(tmp_path / "data")
    assert_only_the_original_is_left(tmp_path / "data")
    back_up(tmp_path / "data", tmp_path / "backup", lambda step, share: None)
    assert [path.name for path in (tmp_path / "backup" / "files").iterdir()] == [ORIGINAL]


def test_a_backup_of_an_earlier_layout_is_restored_without_annotated_files(tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    fill_layout_with_annotated_files(backup)
    with closing(connect(backup / DATABASE_FILE)) as connection:
        manifest = {
            "format": 1,
            "layout": WITH_ANNOTATED_FILES,
            "made_at": time_text(NOW),
            "counts": count_rows(connection),
            "files": {
                path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (backup / "files").iterdir()
            },
            "missing": [],
        }
    (backup / "backup.json").write_text(json.dumps(manifest))
    restore(backup, tmp_path / "data", lambda step, share: None)
    assert_only_the_original_is_left(tmp_path / "data")
