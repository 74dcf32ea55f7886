"""`muster backup`, `muster restore` and `muster doctor` at the command line, over stores filled without models."""

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from muster.domain.identifiers import StudentId
from muster.packs.manifest import shipped_spec
from muster.storage.local import DATABASE_FILE, open_local
from tests import processes
from tests.contract.examples import NOW, a_face, a_photo, a_session_photo, enrol, mark, open_session, register
from tests.e2e.test_users import document, muster

pytestmark = pytest.mark.processes


def run(data: Path, *arguments: str | Path) -> Any:
    return document(muster(data, *map(str, arguments), "--json"))


def refused(data: Path, *arguments: str | Path) -> Any:
    done = muster(data, *map(str, arguments), "--json")
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout)


def codes(report: Any) -> list[str]:
    return [finding["code"] for finding in report["findings"]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A store with three students, one roll call and a head."""
    stores = open_local(tmp_path / "data")
    register(stores, "a", "b")
    enrol(stores, "c")
    session = open_session(stores, "a", "b", "c")
    stores.sessions.record_photo(a_session_photo(session, a_face("a")), b"original", [mark("a")])
    with stores.upkeep.database.write() as connection:
        connection.execute("UPDATE templates SET pack = ?", (shipped_spec("embedded").id,))
    stores.upkeep.close()
    return tmp_path / "data"


def students(data: Path) -> list[str]:
    return [student["student_id"] for student in run(data, "students", "list")]


def test_a_backup_holds_everything_is_private_and_is_restored_elsewhere(data: Path, tmp_path: Path) -> None:
    made = run(data, "backup", tmp_path / "backup")
    assert made["verified"]
    assert made["counts"]["students"] == 3
    assert made["counts"]["marks"] == 3
    assert made["files"] == 3
    for path in [tmp_path / "backup", *(tmp_path / "backup").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert run(tmp_path / "new" / "data", "restore", tmp_path / "backup")["erased_again"] == 0
    stores = open_local(tmp_path / "new" / "data")
    assert stores.students.find() == open_local(data).students.find()
    assert stores.students.photo(StudentId("b")) == a_photo("b")
    session = open_local(data).sessions.of_group(next(iter(stores.students.find()[0].groups)))[0].id
    assert stores.sessions.marks(session) == open_local(data).sessions.marks(session)
    assert stores.sessions.original(session, stores.sessions.photos(session)[0].id) == b"original"
    for path in [tmp_path / "new" / "data", *(tmp_path / "new" / "data").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_nothing_is_overwritten_by_a_backup(data: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    assert refused(data, "backup", tmp_path / "there")["code"] == "output_exists"
    assert refused(data, "backup", tmp_path / "no" / "folder")["code"] == "output_not_written"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "there"]


def test_a_backup_made_while_others_write_is_consistent(data: Path, tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from muster.storage.local import open_local
from tests.contract.examples import register
stores = open_local(Path(sys.argv[1]))
print("ready", flush=True)
number = 0
while True:
    register(stores, f"n{number}")
    if number % 3:
        stores.students.erase(f"n{number}")
    number += 1
"""
    writer = processes.start(
        ["-c", program, str(data)], cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True
    )
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        made = [run(data, "backup", tmp_path / f"backup{number}") for number in range(2)]
        assert writer.poll() is None
    finally:
        writer.kill()
        writer.wait()
        if writer.stdout is not None:
            writer.stdout.close()
    assert all(backup["verified"] and not backup["missing"] for backup in made)
    run(tmp_path / "restored", "restore", tmp_path / "backup1")
    stores = open_local(tmp_path / "restored")
    for student in stores.students.find():
        if student.id != "c":
            assert stores.students.photo(student.id) == a_photo(student.id)
    assert "files_unknown" not in codes(json.loads(muster(tmp_path / "restored", "doctor", "--json").stdout))


def test_who_was_erased_or_withdrew_since_the_backup_is_forgotten_again(data: Path, tmp_path: Path) -> None:
    stores = open_local(data)
    register(stores, "d", "before")
    stores.students.erase(StudentId("before"))
    stores.upkeep.close()
    run(data, "backup", tmp_path / "backup")
    stores = open_local(data)
    stores.students.erase(StudentId("a"))
    stores.students.withdraw(StudentId("b"), NOW)
    stores.upkeep.close()
    assert b'"a"' not in (data / "erasures.json").read_bytes()

    assert refused(data, "restore", tmp_path / "backup")["code"] == "output_exists"
    done = run(data, "restore", tmp_path / "backup", "--replace")
    assert (done["erased_again"], done["withdrawn_again"], done["erasures_known"]) == (1, 1, True)
    states = {student["student_id"]: student["state"] for student in run(data, "students", "list")}
    assert states == {"b": "withdrawn", "c": "enrolled", "d": "registered"}
    assert run(data, "students", "erase", "a", "--verify", "--yes")["traces"] == []
    assert open_local(Path(done["replaced"])).students.find()


def test_a_lost_store_is_restored_with_the_list_of_a_newer_backup(data: Path, tmp_path: Path) -> None:
    run(data, "backup", tmp_path / "older")
    stores = open_local(data)
    stores.students.erase(StudentId("a"))
    stores.upkeep.close()
    run(data, "backup", tmp_path / "newer")
    shutil.rmtree(data)
    assert not run(data, "restore", tmp_path / "older")["erasures_known"]
    shutil.rmtree(data)
    done = run(data, "restore", tmp_path / "older", "--erasures", tmp_path / "newer" / "erasures.json")
    assert done["erased_again"] == 1
    assert students(data) == ["b", "c"]
    # The restored store knows of the erasure, too.
    run(data, "backup", tmp_path / "newest")
    shutil.rmtree(data)
    run(data, "restore", tmp_path / "older", "--erasures", tmp_path / "newest" / "erasures.json")
    assert students(data) == ["b", "c"]


def test_a_restore_says_what_was_re_applied_and_which_users_came_from_the_backup(data: Path, tmp_path: Path) -> None:
    run(data, "users", "add", "ada")
    run(data, "backup", tmp_path / "backup")
    run(data, "students", "erase", "a", "--yes")
    elsewhere = ["restore", str(tmp_path / "backup"), "--erasures", str(data / "erasures.json")]
    output = " ".join(muster(tmp_path / "new", *elsewhere).stdout.split())
    assert "Applied again since the backup: 1 erasure, 0 withdrawals." in output
    assert "Users and their tokens came from the backup: ada." in output
    assert run(data, "restore", tmp_path / "backup", "--replace")["users_from_backup"] == []


def test_a_damaged_database_is_replaced_and_its_list_of_erasures_is_obeyed(data: Path, tmp_path: Path) -> None:
    run(data, "backup", tmp_path / "backup")
    run(data, "students", "erase", "a", "--yes")
    (data / DATABASE_FILE).write_bytes(b"damaged" * 9999)
    assert refused(data, "students", "list")["code"] == "store_unusable"
    assert "database_damaged" in codes(refused(data, "doctor"))
    assert run(data, "restore", tmp_path / "backup", "--replace")["erased_again"] == 1
    assert students(data) == ["b", "c"]


@pytest.mark.parametrize("damage", ["file", "lost file", "database", "manifest", "erasures"])
def test_a_damaged_backup_is_refused_and_the_store_stays(data: Path, tmp_path: Path, damage: str) -> None:
    backup = tmp_path / "backup"
    run(data, "backup", backup)
    file = next((backup / "files").iterdir())
    if damage == "file":
        file.write_bytes(b"other")
    elif damage == "lost file":
        file.unlink()
    elif damage == "database":
        content = (backup / DATABASE_FILE).read_bytes()
        (backup / DATABASE_FILE).write_bytes(content[:4096] + os.urandom(len(content) - 4096))
    elif damage == "manifest":
        (backup / "backup.json").write_text("{}")
    options = ["--erasures", str(file)] if damage == "erasures" else []
    assert refused(data, "restore", backup, "--replace", *options)["code"] == "backup_unusable"
    assert students(data) == ["a", "b", "c"]
    assert not list(data.glob("re*-*"))


def test_a_store_in_use_is_not_replaced(data: Path, tmp_path: Path) -> None:
    run(data, "backup", tmp_path / "backup")
    stores = open_local(data)
    assert refused(data, "restore", tmp_path / "backup", "--replace")["code"] == "store_in_use"
    stores.upkeep.close()
    run(data, "restore", tmp_path / "backup", "--replace")


def test_a_healthy_store_has_no_finding(data: Path) -> None:
    assert run(data, "doctor") == {"healthy": True, "moved": 0, "findings": []}


def test_the_doctor_says_what_is_wrong_and_what_to_do(data: Path) -> None:
    (data / "files" / "0123").write_bytes(b"x")
    (data / "files").chmod(0o755)
    stores = open_local(data)
    with stores.upkeep.database.write() as connection:
        connection.execute("UPDATE templates SET embeddings = x'0102' WHERE student = 1")
        (lost,) = connection.execute("SELECT photo_file FROM students WHERE id = 'b'").fetchone()
    (data / "files" / lost).unlink()
    stores.upkeep.close()
    report = refused(data, "doctor")
    assert {"permissions", "files_unknown", "files_missing", "records_damaged"} == set(codes(report))
    assert "the template of a" in str(report)
    run(data, "students", "list")
    assert (data / "files" / "0123").exists()
    assert refused(data, "doctor", "--set-aside")["moved"] == 1
    assert not (data / "files" / "0123").exists()
    assert len(list(data.glob("set-aside-*/0123"))) == 1


def test_the_doctor_notices_a_missing_database_and_an_empty_folder(data: Path, tmp_path: Path) -> None:
    assert refused(tmp_path, "doctor")["code"] == "store_not_found"
    assert refused(tmp_path / "none", "doctor")["code"] == "store_not_found"
    (data / DATABASE_FILE).rename(tmp_path / "kept")
    assert codes(refused(data, "doctor")) == ["database_missing"]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks into /proc")
def test_the_doctor_finds_a_process_that_writes_into_deleted_files(data: Path) -> None:
    program = "import sys; f = open(sys.argv[1], 'a'); print('ready', flush=True); sys.stdin.read()"
    log = data / f"{DATABASE_FILE}-wal"
    child = processes.start(["-c", program, str(log)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdin is not None
    child.stdout.readline()
    log.unlink()
    report = refused(data, "doctor")
    assert codes(report) == ["deleted_files"]
    assert str(child.pid) in report["findings"][0]["detail"]
    child.stdin.close()
    child.wait(60)
    child.stdout.close()
