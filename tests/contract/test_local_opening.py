"""Opening a local store: twice in one process, in several processes, for the first time, and without write access."""

import os
import shutil
import signal
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from muster.domain.errors import MusterError, RecordDamaged, StoreInUse, StoreUnusable
from muster.domain.identifiers import GroupId, StudentId
from muster.storage.local import DATABASE_FILE, LocalStores, close_databases, open_local
from muster.storage.local.use_lock import claim
from tests import processes
from tests.contract.examples import (
    NOW,
    a_face,
    a_photo,
    a_session,
    a_session_photo,
    enrol,
    open_session,
    register,
)

ROOT = Path(__file__).parents[2]


def python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return processes.run(["-c", program, *arguments], cwd=ROOT)


LIST = """
import os, sys
from pathlib import Path
from muster.domain.errors import MusterError
from muster.storage.local import close_databases, open_local
try:
    if len(sys.argv) > 2:
        os.setuid(int(sys.argv[2]))
    stores = open_local(Path(sys.argv[1]))
    print(*(student.id for student in stores.students.find()))
    close_databases()
except MusterError as error:
    print(error.code, error)
"""


def listed_elsewhere(directory: Path, *user: str) -> str:
    done = python(LIST, str(directory), *user)
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout.strip()


def test_another_process_does_not_take_the_log_away_from_a_store_opened_twice(tmp_path: Path) -> None:
    stores, again = open_local(tmp_path), open_local(tmp_path)
    enrol(stores, "a")
    assert listed_elsewhere(tmp_path) == "a"
    assert (tmp_path / f"{DATABASE_FILE}-wal").exists()
    enrol(stores, "b")
    enrol(again, "c")
    assert listed_elsewhere(tmp_path) == "a b c"


def test_a_store_is_one_database_under_each_of_its_paths(tmp_path: Path) -> None:
    stores = open_local(tmp_path / "store")
    (tmp_path / "link").symlink_to(tmp_path / "store")
    again = open_local(tmp_path / "link")
    assert again.students._database is stores.students._database


def test_a_database_put_in_place_of_another_is_opened_itself(tmp_path: Path) -> None:
    stores = open_local(tmp_path / "store")
    enrol(stores, "a")
    other = open_local(tmp_path / "other")
    enrol(other, "b")
    other.upkeep.close()
    for file in (tmp_path / "store").glob(f"{DATABASE_FILE}-*"):
        file.unlink()
    (tmp_path / "other" / DATABASE_FILE).replace(tmp_path / "store" / DATABASE_FILE)
    assert [student.id for student in open_local(tmp_path / "store").students.find()] == ["b"]


def test_threads_may_open_a_new_store_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(lambda _: open_local(tmp_path / "store"), range(8)))
    assert len({id(stores.students._database) for stores in opened}) == 1
    enrol(opened[0], "a")
    assert listed_elsewhere(tmp_path / "store") == "a"


@pytest.mark.processes
def test_processes_may_open_a_new_store_at_once(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from muster.storage.local import open_local
from tests.contract.examples import register
sys.stdin.read(1)
register(open_local(Path(sys.argv[1])), sys.argv[2])
"""
    children = [
        processes.start(["-c", program, str(tmp_path / "store"), f"s{number}"], cwd=ROOT, stdin=subprocess.PIPE)
        for number in range(4)
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.close()
    assert [child.wait(120) for child in children] == [0, 0, 0, 0]
    assert listed_elsewhere(tmp_path / "store") == "s0 s1 s2 s3"
    assert len(list((tmp_path / "store" / "files").iterdir())) == 4


def test_the_database_its_log_and_its_shared_memory_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        stores = open_local(tmp_path / "store")
        register(stores, "a")
    finally:
        os.umask(before)
    files = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert {path.name.removeprefix(DATABASE_FILE) for path in files} >= {"", "-wal", "-shm"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_a_closed_store_is_whole_in_its_main_file_alone(tmp_path: Path) -> None:
    stores = open_local(tmp_path / "store")
    enrol(stores, *(f"s{number}" for number in range(20)))
    with ThreadPoolExecutor(1) as pool:
        pool.submit(stores.students.find).result()
        stores.upkeep.close()
        (tmp_path / "copy").mkdir()
        shutil.copy(tmp_path / "store" / DATABASE_FILE, tmp_path / "copy")
    assert len(open_local(tmp_path / "copy").students.find()) == 20


def test_a_process_that_ends_leaves_no_log(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from muster.storage.local import close_databases, open_local
from tests.contract.examples import enrol
enrol(open_local(Path(sys.argv[1])), "a")
close_databases()
"""
    assert python(program, str(tmp_path)).returncode == 0
    assert {path.name for path in tmp_path.glob("*.sqlite3*")} == {DATABASE_FILE}


def test_a_forked_child_leaves_the_connections_of_its_parent_alone(tmp_path: Path) -> None:
    program = """
import os, sys
from pathlib import Path
from muster.storage.local import open_local
from tests.contract.examples import enrol
stores = open_local(Path(sys.argv[1]))
enrol(stores, "a")
if os.fork() == 0:
    enrol(stores, "b")
    stores.upkeep.close()
    os._exit(0)
assert os.wait()[1] == 0
enrol(stores, "c")
print(*(student.id for student in stores.students.find()))
"""
    assert python(program, str(tmp_path)).stdout.strip() == "a b c"
    assert listed_elsewhere(tmp_path) == "a b c"


# No file may be taken for a leftover because the database does not know it.
@pytest.mark.parametrize("damage", ["missing", "empty"])
def test_a_missing_or_empty_database_beside_photos_is_refused_and_nothing_is_removed(
    tmp_path: Path, damage: str
) -> None:
    stores = open_local(tmp_path)
    register(stores, "a", "b")
    stores.upkeep.close()
    database, kept = tmp_path / DATABASE_FILE, tmp_path / "kept"
    database.rename(kept)
    if damage == "empty":
        database.touch()
    before = sorted(path.name for path in (tmp_path / "files").iterdir())
    with pytest.raises(StoreUnusable, match=r"missing or empty.*2 photos.*muster restore"):
        open_local(tmp_path)
    assert sorted(path.name for path in (tmp_path / "files").iterdir()) == before
    for file in tmp_path.glob(f"{DATABASE_FILE}*"):
        file.unlink()
    kept.rename(database)
    stores = open_local(tmp_path)
    assert stores.students.photo(StudentId("b")) == a_photo("b")


def test_an_older_database_put_back_takes_no_newer_photo_with_it(tmp_path: Path) -> None:
    stores = open_local(tmp_path)
    register(stores, "a")
    stores.upkeep.close()
    shutil.copy(tmp_path / DATABASE_FILE, tmp_path / "older")
    stores = open_local(tmp_path)
    register(stores, "b")
    stores.upkeep.close()
    (tmp_path / DATABASE_FILE).rename(tmp_path / "newer")
    (tmp_path / "older").rename(tmp_path / DATABASE_FILE)
    stores = open_local(tmp_path)
    assert [student.id for student in stores.students.find()] == ["a"]
    register(stores, "c")
    stores.students.erase(StudentId("c"))
    stores.upkeep.close()
    (tmp_path / "newer").replace(tmp_path / DATABASE_FILE)
    assert open_local(tmp_path).students.photo(StudentId("b")) == a_photo("b")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_a_store_that_others_may_only_read_is_listed_and_not_changed(tmp_path: Path) -> None:
    directory = Path(f"/tmp/muster-read-only-{os.getpid()}")  # noqa: S108 - pytest's own folders are closed to others
    try:
        stores = open_local(directory)
        register(stores, "a")
        stores.upkeep.close()
        for path in [directory, *directory.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        before = sorted(path.name for path in directory.rglob("*"))
        assert listed_elsewhere(directory, "65534") == "a"
        program = LIST.replace(
            "print(*(student.id for student in stores.students.find()))", "stores.training.request()"
        )
        refused = python(program, str(directory), "65534")
        assert "cannot be written, only read" in refused.stdout
        assert sorted(path.name for path in directory.rglob("*")) == before
    finally:
        close_databases()
        shutil.rmtree(directory, ignore_errors=True)


def test_a_folder_that_cannot_be_made_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for directory in ("/proc/nope", "/dev/null/store", str(tmp_path / "file")):
        assert listed_elsewhere(Path(directory)).startswith("store_unusable The folder"), directory


def damage_pages(directory: Path, *, after: int) -> None:
    """Overwrite all pages of a closed database except the first ones."""
    program = "import sys; f = open(sys.argv[1], 'r+b'); f.seek(int(sys.argv[2])); f.write(b'\\xa5' * 900_000)"
    assert python(program, str(directory / DATABASE_FILE), str(after)).returncode == 0


def test_damaged_pages_are_one_clear_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    stores = open_local(tmp_path)
    enrol(stores, *(f"s{number}" for number in range(300)))
    stores.upkeep.close()
    damage_pages(tmp_path, after=4096)
    with pytest.raises(StoreUnusable, match=r"cannot be read.*muster doctor"):
        open_local(tmp_path).students.find()
    assert "SQLITE_CORRUPT" in caplog.text


def damaged(tmp_path: Path) -> LocalStores:
    stores = open_local(tmp_path)
    register(stores, "a", "b")
    session = open_session(stores, "a", "b")
    stores.sessions.record_photo(a_session_photo(session, a_face("a")), b"o", [])
    with stores.students._database.write() as connection:
        connection.execute("UPDATE templates SET embeddings = x'0102' WHERE student = 1")
        connection.execute('UPDATE session_photos SET faces = \'[{"student_id":"a"\'')
    return stores


def test_a_damaged_template_or_face_list_says_whose_it_is_and_what_to_do(tmp_path: Path) -> None:
    stores = damaged(tmp_path)
    with pytest.raises(RecordDamaged, match=r"template of a .*muster students withdraw a"):
        stores.students.templates(GroupId("g"))
    with pytest.raises(RecordDamaged, match=r"photo p1 of the session monday"):
        stores.sessions.photos(a_session().id)


@pytest.mark.parametrize("end", ["withdraw", "erase"])
def test_whoever_has_a_damaged_record_can_withdraw_and_be_erased(tmp_path: Path, end: str) -> None:
    stores = damaged(tmp_path)
    if end == "erase":
        stores.students.erase(StudentId("a"))
        assert stores.students.traces(StudentId("a")) == []
    else:
        stores.students.withdraw(StudentId("a"), NOW)
    assert [template.student_id for template in stores.students.templates()] == ["b"]
    assert stores.sessions.photos(a_session().id)[0].faces == ()


def test_the_check_of_a_store_notices_what_keeps_it_from_being_written(tmp_path: Path) -> None:
    stores = open_local(tmp_path / "store")
    enrol(stores, "a")
    stores.upkeep.check_writable()
    path = tmp_path / "store" / DATABASE_FILE
    path.rename(tmp_path / "elsewhere")
    stores.upkeep._checked_at = float("-inf")
    with pytest.raises(MusterError, match="is gone"):
        stores.upkeep.check_writable()
    # Not opened here: closing it would drop SQLite's locks.
    subprocess.run(["cp", str(tmp_path / "elsewhere"), str(path)], check=True)
    stores.upkeep._checked_at = float("-inf")
    with pytest.raises(MusterError, match="was replaced"):
        stores.upkeep.check_writable()


def test_a_writer_at_work_is_no_reason_to_call_a_store_unusable(tmp_path: Path) -> None:
    stores = open_local(tmp_path)
    with stores.students._database.write(), ThreadPoolExecutor(1) as pool:
        pool.submit(stores.upkeep.check_writable).result(60)


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL])
def test_the_use_of_a_store_ends_with_its_process(tmp_path: Path, by: signal.Signals) -> None:
    program = """
import sys, time
from pathlib import Path
from muster.storage.local import open_local
stores = open_local(Path(sys.argv[1]))
print("ready", flush=True)
time.sleep(300)
"""
    child = processes.start(["-c", program, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    with pytest.raises(StoreInUse, match="muster serve"):
        claim(tmp_path)
    child.send_signal(by)
    child.wait(60)
    child.stdout.close()
    lock = claim(tmp_path)
    with pytest.raises(StoreUnusable, match="being restored"):
        open_local(tmp_path)
    lock.close()
    open_local(tmp_path)
