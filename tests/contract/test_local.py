"""The local store beyond the ports: privacy of its files, its layout, and recovery from crashes."""

import sqlite3
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from muster.domain.errors import PhotoNotFound, StoreUnusable, StudentNotFound
from muster.domain.identifiers import FaceId, GroupId, PhotoId, StudentId
from muster.domain.student import MAX_LEARNED, LearnedFace
from muster.storage.documents import time_text
from muster.storage.local import open_local
from muster.storage.local.database import note_rewrite_due
from muster.storage.local.files import UNCOMMITTED
from muster.storage.local.schema import MIGRATIONS, PAGE_SIZE
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
    enrol,
    learn,
    mark,
    open_session,
    register,
)
from tests.contract.sqlite_steps import counted_steps


def raw(directory: Path) -> bytes:
    """Return the bytes of all files; another process reads them, since closing one here would drop SQLite's locks."""
    paths = [str(path) for path in sorted(directory.rglob("*")) if path.is_file()]
    return subprocess.run(["cat", *paths], capture_output=True, check=True).stdout


def test_only_the_owner_can_read_what_is_stored(tmp_path: Path) -> None:
    directory = tmp_path / "store"
    stores = open_local(directory)
    register(stores, "a")
    stores.heads.save(PACK, b"h", {})
    paths = [directory, *directory.rglob("*")]
    assert len(paths) >= 5
    for path in paths:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_file_names_tell_nothing_and_do_not_differ_by_case_alone(tmp_path: Path) -> None:
    stores = open_local(tmp_path)
    register(stores, "ab", "AB", "Ab")
    names = [path.name for path in (tmp_path / "files").iterdir()]
    assert len({name.lower() for name in names}) == 3
    assert all(set(name) <= set("0123456789abcdef") for name in names)


def test_no_byte_of_an_erased_student_stays_in_any_file(tmp_path: Path) -> None:
    stores = open_local(tmp_path)
    register(stores, "kept-one", "kept-two")
    template = a_template("erased-one", views=16)
    stores.students.add(a_student("erased-one", name="Forget Me"), template, b"their photo")
    session = open_session(stores, "erased-one", "kept-one")
    photo = a_session_photo(session, a_face("erased-one", candidates=["kept-one"]))
    stores.sessions.record_photo(photo, b"class photo", [mark("erased-one")])
    pieces = [
        *(row.tobytes()[start : start + 16] for row in template.embeddings for start in range(0, 2048, 16)),
        *(b"erased-one", b"Forget Me", b"their photo", b"class photo"),
        template.photo_digest.encode(),
    ]
    before = raw(tmp_path)
    # Else the search below would look for something that the files never hold.
    assert sum(piece in before for piece in pieces) > 0.95 * len(pieces)

    stores.students.erase(StudentId("erased-one"))

    after = raw(tmp_path)
    assert [piece for piece in pieces if piece in after] == []
    assert b"kept-one" in after


@pytest.mark.parametrize("end", ["withdraw", "erase"])
def test_nothing_that_recognises_stays_in_any_file(tmp_path: Path, end: str) -> None:
    stores = open_local(tmp_path)
    register(stores, "ended", "kept")
    for number in range(MAX_LEARNED + 3):
        for id in ("ended", "kept"):
            learn(stores, id, f"f{number}", a_row(f"{id} {number}"))
    session = open_session(stores, "ended", "kept")
    stores.sessions.record_photo(a_session_photo(session, a_face("ended")), b"class photo", [])
    rows = [*a_template("ended").embeddings, *(a_row(f"ended {number}") for number in range(MAX_LEARNED + 3))]
    pieces = [
        *(row.tobytes()[start : start + 16] for row in rows for start in range(0, 2048, 16)),
        *(a_photo("ended"), b"class photo", a_template("ended").photo_digest.encode()),
    ]
    before = raw(tmp_path)
    assert sum(piece in before for piece in pieces) > 0.8 * len(pieces)

    if end == "withdraw":
        stores.students.withdraw(StudentId("ended"), NOW)
    else:
        stores.students.erase(StudentId("ended"))

    after = raw(tmp_path)
    assert [piece for piece in pieces if piece in after] == []
    assert a_row("kept 7").tobytes()[:16] in after


def test_no_byte_of_an_unlearned_row_stays_in_any_file(tmp_path: Path) -> None:
    stores = open_local(tmp_path)
    register(stores, "a")
    for face in ("first", "undone", "last"):
        learn(stores, "a", face)
    content = a_row("undone").tobytes()
    pieces = [content[start : start + 16] for start in range(0, len(content), 16)]
    assert sum(piece in raw(tmp_path) for piece in pieces) > 0.9 * len(pieces)
    stores.students.unlearn(StudentId("a"), FaceId("undone"))
    after = raw(tmp_path)
    assert [piece for piece in pieces if piece in after] == []
    assert all(a_row(face).tobytes()[:16] in after for face in ("first", "last"))


def test_what_an_older_version_stored_is_there_and_can_be_erased_without_a_byte_left(tmp_path: Path) -> None:
    fill_first_layout(tmp_path)
    stores = open_local(tmp_path)
    assert stores.students.find() == [a_student("a", groups=["g", "h"]), a_student("b")]
    for id in ("a", "b"):
        assert_same_template(stores.students.template(StudentId(id)), a_template(id))
        assert stores.students.photo(StudentId(id)) == a_photo(id)
    assert [student.id for student in stores.students.find(GroupId("h"))] == ["a"]
    assert stores.students.roster_version(GroupId("h")) == "5"
    assert stores.sessions.get(a_session().id) == a_session()
    assert stores.sessions.marks(a_session().id) == [mark("a"), mark("b")]
    assert stores.sessions.changes(a_session().id) == []
    assert [group.id for group in stores.groups.find()] == ["g", "h"]

    learn(stores, "b", "f")
    stores.students.erase(StudentId("a"))
    left = raw(tmp_path)
    content = a_template("a").embeddings.tobytes()
    assert not any(content[start : start + 16] in left for start in range(0, len(content), 16))
    assert a_template("b").embeddings.tobytes()[:16] in left
    assert stores.students.traces(StudentId("a")) == []
    register(stores, "a")


def test_learned_faces_of_older_records_are_read_without_their_provenance(tmp_path: Path) -> None:
    stores = open_local(tmp_path)
    register(stores, "a")
    learn(stores, "a", "f1")
    learn(stores, "a", "f2")
    with sqlite3.connect(tmp_path / "muster.sqlite3") as connection:
        connection.execute("UPDATE templates SET learned = ?", ('["f1","f2"]',))
    connection.close()
    assert stores.students.template(StudentId("a")).learned == (LearnedFace(FaceId("f1")), LearnedFace(FaceId("f2")))
    assert learn(stores, "a", "f3", automatic=True)
    assert stores.students.unlearn(StudentId("a"), FaceId("f1"))
    first, second = stores.students.template(StudentId("a")).learned
    assert first == LearnedFace(FaceId("f2"))
    assert (second.face_id, second.session_id, second.automatic) == ("f3", "monday", True)


def fill_first_layout(directory: Path) -> None:
    """Write two students and a session as the first version of the layout had them."""
    (directory / "files").mkdir()
    with sqlite3.connect(directory / "muster.sqlite3") as connection:
        connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
        for statement in MIGRATIONS[0]:
            connection.execute(statement)
        connection.execute("PRAGMA user_version = 1")
        for number, (id, groups) in enumerate([("a", "gh"), ("b", "g")], start=1):
            (directory / "files" / f"{number:032x}").write_bytes(a_photo(id))
            template, now = a_template(id), time_text(NOW)
            connection.execute(
                "INSERT INTO students VALUES (?, ?, 'Ada', ?, '2026-1', NULL, ?, 1, ?)",
                (number, id, now, now, f"{number:032x}"),
            )
            connection.execute(
                "INSERT INTO templates (student, pack, photo_digest, embeddings) VALUES (?, ?, ?, ?)",
                (number, template.pack, template.photo_digest, template.embeddings.tobytes()),
            )
            connection.executemany("INSERT INTO memberships VALUES (?, ?)", [(group, number) for group in groups])
        connection.execute("INSERT INTO rosters VALUES ('h', 5)")
        connection.execute("INSERT INTO sessions VALUES ('monday', 'g', ?)", (time_text(NOW),))
        seen = time_text(mark("a").marked_at)
        connection.executemany(
            "INSERT INTO marks VALUES ('monday', ?, 'present', 'photo', ?)", [("a", seen), ("b", seen)]
        )
    connection.close()


@pytest.mark.large
def test_a_term_of_marks_is_read_by_its_index(tmp_path: Path) -> None:
    open_local(tmp_path)
    with sqlite3.connect(tmp_path / "muster.sqlite3") as connection:
        for day in range(60):
            # Groups beside the one that is read lie between its sessions, as they do in a school.
            for group in range(20):
                session, at = f"{day * 7919 + group:08x}", time_text(NOW + timedelta(days=day, minutes=group))
                row = (session, f"g{group}", at)
                connection.execute("INSERT INTO sessions (id, group_id, started_at) VALUES (?, ?, ?)", row)
                marks = [(session, f"g{group}-{number:03}", at) for number in range(200)]
                connection.executemany(
                    "INSERT INTO marks (session_id, student_id, status, source, marked_at)"
                    " VALUES (?, ?, 'present', 'photo', ?)",
                    marks,
                )
    connection.close()
    with counted_steps() as steps:
        sessions = open_local(tmp_path).sessions
        before = steps.total
        calls = sessions.roll_calls(GroupId("g7"))
        taken = steps.total - before
    assert len(calls) == 60
    assert {len(call.marks) for call in calls} == {200}
    # For 12,000 marks; a table of 240,000 that is read whole takes millions.
    assert 12_000 < taken < 500_000


@pytest.mark.large
def test_no_embedding_survives_the_moving_of_rows_between_pages(tmp_path: Path) -> None:
    stores = open_local(tmp_path)
    choose = np.random.default_rng(15)  # with this seed, rows without padding leave a piece behind
    live: list[str] = []
    dead: list[str] = []
    for number in range(200):
        if live and choose.random() < 0.45:
            id = live.pop(int(choose.integers(len(live))))
            stores.students.erase(StudentId(id))
            dead.append(id)
        else:
            id = f"id-{choose.integers(2**60):x}"
            template = a_template(id, views=int(choose.choice([1, 1, 2, 4, 16])))
            stores.students.add(a_student(id, groups=[f"g{number % 3}"]), template, b"x")
            live.append(id)
    left = raw(tmp_path)
    assert all(a_template(id, views=1).embeddings.tobytes()[:16] in left for id in live)
    for id in dead:
        first = a_template(id, views=1).embeddings.tobytes()
        assert not any(first[start : start + 16] in left for start in range(0, len(first), 16)), id


@pytest.mark.large
@pytest.mark.parametrize("seed", range(4))
def test_no_id_survives_the_moving_of_marks_between_pages(tmp_path: Path, seed: int) -> None:
    stores = open_local(tmp_path)
    choose = np.random.default_rng(seed)
    ids = [f"S{number:03}ID{choose.integers(2**30):x}" for number in range(300)]
    enrol(stores, *ids)
    for number in range(6):
        session = open_session(stores, *choose.permutation(ids)[:200], id=f"{choose.integers(2**30):x}-{number}")
        faces = [a_face(id, number=number) for number, id in enumerate(choose.permutation(ids)[:5])]
        photo = a_session_photo(session, *faces)
        stores.sessions.record_photo(photo, b"o", [mark(str(id)) for id in choose.permutation(ids)[:100]])
    erased = [StudentId(str(id)) for id in choose.permutation(ids)[:40]]
    # As erasures are in a school: between other changes, which move rows from page to page.
    for number, id in enumerate(erased):
        stores.students.erase(id)
        if number % 8 == 0:
            open_session(stores, *choose.permutation(ids)[:150], id=f"later-{choose.integers(2**30):x}")
    left = raw(tmp_path)
    assert [id for id in erased if id.encode() in left] == []
    assert all(id.encode() in left for id in set(ids) - set(erased))
    assert stores.students.traces(erased[0]) == []


def test_the_search_finds_an_id_in_the_free_space_of_a_page(tmp_path: Path) -> None:
    stores = open_local(tmp_path)
    enrol(stores, "kept", "S5ID0263")
    stores.students.erase(StudentId("S5ID0263"))
    assert stores.students.traces(StudentId("S5ID0263")) == []
    stores.upkeep.close()
    # Behind the array of cells of the first leaf page that has room for it.
    program = """
import sys
content = bytearray(open(sys.argv[1], "rb").read())
page = next(at for at in range(4096, len(content), 4096) if content[at] == 13)
start, cells = int.from_bytes(content[page + 5 : page + 7], "big"), int.from_bytes(content[page + 3 : page + 5], "big")
assert start - cells * 2 > 200
content[page + 100 : page + 108] = b"S5ID0263"
open(sys.argv[1], "wb").write(content)
"""
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "muster.sqlite3")], check=True)
    found = open_local(tmp_path).students.traces(StudentId("S5ID0263"))
    assert found == ["raw bytes of the file muster.sqlite3"]
    assert open_local(tmp_path).students.traces(StudentId("ept")) == []


def test_an_erasure_that_could_not_rewrite_the_file_says_so_until_it_is_done(tmp_path: Path) -> None:
    stores = open_local(tmp_path)
    enrol(stores, "a", "b")
    with stores.upkeep.database.write() as connection:
        note_rewrite_due(connection)
    reader = sqlite3.connect(tmp_path / "muster.sqlite3")
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM students").fetchall()
    # The checkpoint waits as long as its connection does for other locks.
    stores.upkeep.database.read().execute("PRAGMA busy_timeout = 0")
    assert not stores.upkeep.rewrite(lock_wait=0)
    reader.close()
    assert stores.students.traces(StudentId("c")) == []
    assert not stores.upkeep.database.rewrite_due()


def test_what_a_crash_left_is_removed_at_the_next_opening(tmp_path: Path) -> None:
    stores = open_local(tmp_path)
    register(stores, "a")
    uncommitted = tmp_path / "files" / f"0123{UNCOMMITTED}"
    uncommitted.write_bytes(b"half a photo")
    open_local(tmp_path)
    assert not uncommitted.exists()
    assert stores.students.photo(StudentId("a"))


def test_a_committed_file_with_its_temporary_name_is_read_and_named_at_the_next_opening(tmp_path: Path) -> None:
    stores = open_local(tmp_path)
    register(stores, "a")
    (file,) = (tmp_path / "files").iterdir()
    file.rename(file.with_name(file.name + UNCOMMITTED))
    assert stores.students.photo(StudentId("a")) == a_photo("a")
    open_local(tmp_path)
    assert [path.name for path in (tmp_path / "files").iterdir()] == [file.name]


def test_a_file_whose_row_is_gone_is_removed_at_the_next_opening(tmp_path: Path) -> None:
    stores = open_local(tmp_path)
    register(stores, "a")
    (file,) = (tmp_path / "files").iterdir()
    content = file.read_bytes()
    stores.students.erase(StudentId("a"))
    file.write_bytes(content)  # as if the process had been killed between the commit and the removal
    open_local(tmp_path)
    assert not file.exists()


def test_a_photo_whose_file_was_removed_is_not_found(tmp_path: Path) -> None:
    stores = open_local(tmp_path)
    register(stores, "a")
    session = open_session(stores, "a")
    stores.sessions.record_photo(a_session_photo(session), b"o", [])
    for path in (tmp_path / "files").iterdir():
        path.unlink()
    with pytest.raises(StudentNotFound, match="No registration photo"):
        stores.students.photo(StudentId("a"))
    with pytest.raises(PhotoNotFound):
        stores.sessions.original(session, PhotoId("p1"))
    assert stores.students.get(StudentId("a")).id == "a"


def test_a_directory_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    register(open_local(tmp_path), "a")
    with sqlite3.connect(tmp_path / "muster.sqlite3") as connection:
        connection.execute("PRAGMA user_version = 999")
    with pytest.raises(StoreUnusable, match="newer version"):
        open_local(tmp_path)
    with sqlite3.connect(tmp_path / "muster.sqlite3") as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (999,)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    assert [s.id for s in open_local(tmp_path).students.find(GroupId("g"))] == ["a"]


def test_a_damaged_database_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "muster.sqlite3").write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreUnusable, match="cannot be read"):
        open_local(tmp_path)


def test_a_file_in_place_of_the_directory_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for directory in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StoreUnusable, match="cannot be written"):
            open_local(directory)
