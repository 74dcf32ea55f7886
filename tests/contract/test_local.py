"""What holds of one directory besides the ports: privacy of its files, its layout, what a crash left."""

import sqlite3
import stat
from pathlib import Path

import numpy as np
import pytest

from muster.domain.errors import PhotoNotFound, StoreUnusable, StudentNotFound
from muster.domain.identifiers import GroupId, PhotoId, StudentId
from muster.storage.local import open_local
from tests.contract.examples import (
    PACK,
    a_face,
    a_session_photo,
    a_student,
    a_template,
    mark,
    open_session,
    register,
)


def raw(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file())


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
    stores.sessions.record_photo(photo, b"class photo", b"with names", [mark("erased-one")])
    pieces = [
        *(row.tobytes()[start : start + 16] for row in template.embeddings for start in range(0, 2048, 16)),
        *(b"erased-one", b"Forget Me", b"their photo", b"class photo", b"with names"),
        template.photo_digest.encode(),
    ]
    before = raw(tmp_path)
    # Else the search below would look for something that the files never hold.
    assert sum(piece in before for piece in pieces) > 0.95 * len(pieces)

    stores.students.erase(StudentId("erased-one"))

    after = raw(tmp_path)
    assert [piece for piece in pieces if piece in after] == []
    assert b"kept-one" in after


@pytest.mark.slow
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


def test_what_a_crash_left_is_removed_at_the_next_opening(tmp_path: Path) -> None:
    stores = open_local(tmp_path)
    register(stores, "a")
    orphan = tmp_path / "files" / "0123"
    orphan.write_bytes(b"half a photo")
    open_local(tmp_path)
    assert not orphan.exists()
    assert stores.students.photo(StudentId("a"))


def test_a_photo_whose_file_was_removed_is_not_found(tmp_path: Path) -> None:
    stores = open_local(tmp_path)
    register(stores, "a")
    session = open_session(stores, "a")
    stores.sessions.record_photo(a_session_photo(session), b"o", b"a", [])
    for path in (tmp_path / "files").iterdir():
        path.unlink()
    with pytest.raises(StudentNotFound, match="no longer kept"):
        stores.students.photo(StudentId("a"))
    with pytest.raises(PhotoNotFound):
        stores.sessions.annotated(session, PhotoId("p1"))
    assert stores.students.get(StudentId("a")).id == "a"


def test_a_directory_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    register(open_local(tmp_path), "a")
    with sqlite3.connect(tmp_path / "muster.sqlite3") as connection:
        connection.execute("PRAGMA user_version = 999")
    with pytest.raises(StoreUnusable, match="newer version"):
        open_local(tmp_path)
    with sqlite3.connect(tmp_path / "muster.sqlite3") as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (999,)
        connection.execute("PRAGMA user_version = 1")
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
