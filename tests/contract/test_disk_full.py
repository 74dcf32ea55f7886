"""On a full disk, writes fail with an error and leave nothing half stored."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from muster.domain.errors import StorageFull
from muster.domain.identifiers import StudentId
from muster.storage.local import LocalStores, open_local
from muster.storage.local.database import open_database
from muster.storage.local.files import Files
from muster.storage.local.students import LocalStudents
from tests.contract.examples import (
    PACK,
    a_face,
    a_photo,
    a_session_photo,
    a_student,
    a_template,
    mark,
    open_session,
    register,
)

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]

# A limit on the size of any file is the one lack of room that needs no file system of its own.
UNDER_A_LIMIT = """
import resource, sys
from pathlib import Path
from muster.domain.errors import StorageFull
from muster.storage.local import open_local
from tests.contract.examples import a_student, a_template, register
stores = open_local(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    if sys.argv[3] == "photo":
        stores.students.add(a_student("new"), a_template("new"), b"x" * 1_000_000)
    else:
        register(stores, *(f"n{number}" for number in range(1000)))
except StorageFull as error:
    print(error)
    print(len(stores.students.find()))
else:
    print("stored")
"""


def run_under_a_limit(directory: Path, limit: int, what: str) -> list[str]:
    command = [sys.executable, "-c", UNDER_A_LIMIT, str(directory), str(limit), what]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=True)
    return child.stdout.splitlines()


def assert_everything_is_whole(stores: LocalStores, directory: Path) -> None:
    students = stores.students.find()
    for student in students:
        assert stores.students.photo(student.id) == a_photo(student.id)
        stores.students.template(student.id)
    assert len(list((directory / "files").iterdir())) == len(students)


def test_a_photo_without_room_is_not_stored(tmp_path: Path) -> None:
    stores = open_local(tmp_path)
    register(stores, "old")
    message, count = run_under_a_limit(tmp_path, 600_000, "photo")
    assert "disk is full" in message
    assert count == "1"
    assert [student.id for student in stores.students.find()] == ["old"]
    assert_everything_is_whole(stores, tmp_path)


def test_rows_without_room_take_their_photo_with_them(tmp_path: Path) -> None:
    stores = open_local(tmp_path)
    register(stores, "old")
    message, count = run_under_a_limit(tmp_path, 600_000, "rows")
    assert "disk is full" in message
    assert int(count) == len(stores.students.find()) > 1
    assert_everything_is_whole(stores, tmp_path)
    register(stores, "after")
    assert stores.students.get(StudentId("after")) == a_student("after")


@pytest.fixture
def full(tmp_path: Path) -> LocalStores:
    """Stores whose database has no room left for a template."""
    stores = open_local(tmp_path)
    register(stores, "a")
    open_session(stores, "a")
    connection = stores.students._database.read()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 1}")
    return stores


def test_a_full_database_stores_no_student(full: LocalStores, tmp_path: Path) -> None:
    with pytest.raises(StorageFull, match="disk is full"):
        register(full, "b")
    assert [student.id for student in full.students.find()] == ["a"]
    assert_everything_is_whole(full, tmp_path)
    assert full.students.roster_version() == "1"


def test_a_full_database_stores_no_photo_and_no_mark(full: LocalStores, tmp_path: Path) -> None:
    session = full.sessions.of_group(next(iter(a_student("a").groups)))[0].id
    crowd = [a_face("a", number=number) for number in range(200)]
    with pytest.raises(StorageFull):
        full.sessions.record_photo(a_session_photo(session, *crowd), b"o", [mark("a")])
    assert full.sessions.photos(session) == []
    assert [m.status.value for m in full.sessions.marks(session)] == ["absent"]
    assert_everything_is_whole(full, tmp_path)


def test_a_full_database_stores_no_head(full: LocalStores, tmp_path: Path) -> None:
    with pytest.raises(StorageFull):
        full.heads.save(PACK, b"h", {"curve": list(range(20_000))})
    assert full.heads.versions(PACK) == []
    assert_everything_is_whole(full, tmp_path)


def test_a_limit_on_files_is_told_as_a_full_disk(tmp_path: Path) -> None:
    files = Files(tmp_path / "files")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(StorageFull):
            files.write(b"x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files.names() == set()


def test_erasing_works_on_a_full_disk(tmp_path: Path) -> None:
    database, files = open_database(tmp_path / "m.sqlite3"), Files(tmp_path / "files")
    students = LocalStudents(database, files)
    for id in ("a", "b"):
        students.add(a_student(id), a_template(id), a_photo(id))
    pages = database.read().execute("PRAGMA page_count").fetchone()[0]
    database.read().execute(f"PRAGMA max_page_count = {pages}")
    students.erase(StudentId("a"))
    assert [student.id for student in students.find()] == ["b"]
