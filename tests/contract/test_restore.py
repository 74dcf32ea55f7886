"""Restores that are interrupted, fed with forged backups, or meet a store that others changed since."""

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from muster.domain.errors import BackupUnusable, OutputNotWritten, StoreUnusable
from muster.domain.group import Group
from muster.domain.identifiers import GroupId, StudentId, UserId
from muster.domain.user import Role, User
from muster.storage.local import DATABASE_FILE, LocalStores, open_local
from muster.storage.local.backup import MANIFEST, back_up
from muster.storage.local.doctor import examine
from muster.storage.local.restore import Restored, restore
from tests import processes
from tests.contract.examples import NOW, enrol, register

ROOT = Path(__file__).parents[2]


def ignore(step: str, share: float) -> None:
    pass


def change(directory: Path, action: Callable[[LocalStores], object]) -> None:
    stores = open_local(directory)
    action(stores)
    stores.upkeep.close()


def make_backup(directory: Path, destination: Path) -> Path:
    back_up(directory, destination, ignore)
    open_local(directory).upkeep.close()
    return destination


def restored(backup: Path, directory: Path, *lists: Path) -> Restored:
    return restore(backup, directory, ignore, replace=True, lists=lists)


def students(directory: Path) -> dict[str, str]:
    stores = open_local(directory)
    found: dict[str, str] = {student.id: student.state for student in stores.students.find()}
    stores.upkeep.close()
    return found


def tokens(directory: Path) -> dict[UserId, str]:
    stores = open_local(directory)
    found = stores.users.token_digests()
    stores.upkeep.close()
    return found


def fill(stores: LocalStores) -> None:
    register(stores, "s1", "s2", "s3")
    stores.users.add(User(UserId("old"), Role.ADMIN), "digest of old")
    stores.users.add(User(UserId("ada"), Role.TEACHER), "first digest of ada")


def forget(stores: LocalStores) -> None:
    stores.students.erase(StudentId("s2"))
    stores.students.withdraw(StudentId("s3"), NOW)
    stores.users.remove(UserId("old"), last_admin=True)
    stores.users.replace_token(UserId("ada"), "second digest of ada")


KILLED = """
import os, signal, sys
from pathlib import Path
from muster.storage.local.restore import restore
left, rename = int(sys.argv[3]), Path.rename
def counted(self, target):
    global left
    if self.name in ("muster.sqlite3", "files", "erasures.json"):
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
    return rename(self, target)
Path.rename = counted
restore(Path(sys.argv[1]), Path(sys.argv[2]), lambda step, share: None, replace=True)
"""


@pytest.mark.parametrize("renames", range(6))
def test_a_restore_killed_between_any_two_renames_is_run_again_without_bringing_anybody_back(
    tmp_path: Path, renames: int
) -> None:
    data = tmp_path / "data"
    change(data, fill)
    backup = make_backup(data, tmp_path / "backup")
    change(data, forget)
    command = ["-c", KILLED, str(backup), str(data), str(renames)]
    assert processes.run(command, cwd=ROOT).returncode == -signal.SIGKILL
    if renames:
        with pytest.raises(StoreUnusable, match="muster restore"):
            open_local(data)
    assert "interrupted_restore" in [finding.code for finding in examine(data)]
    done = restored(backup, data)
    assert (done.erased, done.withdrawn, done.users_from_backup) == (1, 1, ())
    assert students(data) == {"s1": "registered", "s3": "withdrawn"}
    assert tokens(data) == {"ada": "second digest of ada"}


@pytest.mark.parametrize("renames", range(1, 6))
def test_a_restore_that_fails_puts_the_old_store_back(
    tmp_path: Path, renames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    change(data, fill)
    backup = make_backup(data, tmp_path / "backup")
    change(data, forget)
    left, rename = renames, Path.rename

    def failing(self: Path, target: Path) -> Path:
        nonlocal left
        if self.name in (DATABASE_FILE, "files", "erasures.json"):
            left -= 1
            if left == -1:
                raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OutputNotWritten, match="Input/output error"):
        restored(backup, data)
    monkeypatch.undo()
    assert not list(data.glob("re*-*"))
    assert students(data) == {"s1": "registered", "s3": "withdrawn"}
    assert {finding.code for finding in examine(data) if finding.problem} == set()


def test_the_list_of_another_store_is_kept_by_the_restored_one_and_its_backups(tmp_path: Path) -> None:
    data, other = tmp_path / "data", tmp_path / "other"
    change(data, lambda stores: enrol(stores, "s1"))
    without_s2 = make_backup(data, tmp_path / "without s2")
    change(data, lambda stores: register(stores, "s2"))
    with_s2 = make_backup(data, tmp_path / "with s2")
    change(other, lambda stores: register(stores, "s2"))
    change(other, lambda stores: stores.students.erase(StudentId("s2")))
    assert restored(without_s2, data, other / "erasures.json").erased == 0
    newest = make_backup(data, tmp_path / "newest")
    assert restored(with_s2, data).erased == 1
    assert list(students(data)) == ["s1"]
    assert restored(with_s2, tmp_path / "elsewhere", newest / "erasures.json").erased == 1


def test_users_and_tokens_of_the_replaced_store_are_kept_and_removed_users_teach_no_group(tmp_path: Path) -> None:
    data = tmp_path / "data"
    change(data, fill)
    change(data, lambda stores: stores.groups.add(Group(GroupId("7b"), "7b", frozenset({UserId("old")}), 1)))
    backup = make_backup(data, tmp_path / "backup")
    change(data, forget)
    assert restored(backup, data).users_from_backup == ()
    assert tokens(data) == {"ada": "second digest of ada"}
    assert open_local(data).groups.get(GroupId("7b")).teachers == frozenset()


def test_users_of_the_backup_are_reported_where_no_others_are_known(tmp_path: Path) -> None:
    data = tmp_path / "data"
    change(data, fill)
    backup = make_backup(data, tmp_path / "backup")
    assert restored(backup, tmp_path / "new folder").users_from_backup == ("ada", "old")
    change(tmp_path / "new store", lambda stores: stores.students.find())
    assert restored(backup, tmp_path / "new store").users_from_backup == ("ada", "old")
    (data / DATABASE_FILE).write_bytes(b"damaged" * 9999)
    assert restored(backup, data).users_from_backup == ("ada", "old")
    change(data, forget)
    change(data, lambda stores: stores.users.remove(UserId("ada")))
    assert restored(backup, data).users_from_backup == ()
    assert tokens(data) == {}


def forge(backup: Path, name: str) -> None:
    """Name a photo of a backup otherwise, in its database and in its manifest."""
    manifest = json.loads((backup / MANIFEST).read_text())
    old = min(manifest["files"])
    manifest["files"][name] = manifest["files"].pop(old)
    (backup / MANIFEST).write_text(json.dumps(manifest))
    with closing(sqlite3.connect(backup / DATABASE_FILE, isolation_level=None)) as connection:
        connection.execute("UPDATE students SET photo_file = ? WHERE photo_file = ?", (name, old))
    (backup / "files" / old).rename(backup / "files" / name)


@pytest.mark.parametrize("forgery", ["name", "missing", "row", "link", "folder", "pipe", "manifest"])
def test_a_forged_backup_is_refused_and_writes_nothing(tmp_path: Path, forgery: str) -> None:
    data, target = tmp_path / "data", tmp_path / "deeper" / "target" / "data"
    change(data, fill)
    backup = make_backup(data, tmp_path / "backup")
    file = min((backup / "files").iterdir())
    if forgery == "name":
        forge(backup, "../../outside")
    elif forgery == "missing":
        manifest = json.loads((backup / MANIFEST).read_text())
        manifest["missing"] = ["../../outside"]
        (backup / MANIFEST).write_text(json.dumps(manifest))
    elif forgery == "row":
        with closing(sqlite3.connect(backup / DATABASE_FILE, isolation_level=None)) as connection:
            connection.execute("UPDATE students SET photo_file = '../../outside' WHERE id = 's1'")
    elif forgery == "link":
        file.rename(tmp_path / "secret")
        file.symlink_to(tmp_path / "secret")
    elif forgery == "folder":
        (backup / "files").rename(tmp_path / "secrets")
        (backup / "files").symlink_to(tmp_path / "secrets")
    else:
        path = file if forgery == "pipe" else backup / MANIFEST
        path.unlink()
        os.mkfifo(path)
    before = sorted(path for path in tmp_path.rglob("*") if data not in path.parents)
    with pytest.raises(BackupUnusable, match=r"not the name|regular file|is a link"):
        restored(backup, target)
    assert sorted(path for path in tmp_path.rglob("*") if data not in path.parents) == before


def test_a_log_beside_a_backup_is_not_verified_in_the_place_of_what_is_copied(tmp_path: Path) -> None:
    data = tmp_path / "data"
    change(data, fill)
    backup = make_backup(data, tmp_path / "backup")
    program = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("DELETE FROM users")
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", program, str(backup / DATABASE_FILE)], check=True, timeout=120)
    assert (backup / f"{DATABASE_FILE}-wal").stat().st_size
    assert restored(backup, tmp_path / "new").users_from_backup == ("ada", "old")


def test_a_backup_into_the_data_folder_or_a_missing_folder_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    change(data, fill)
    (tmp_path / "link").symlink_to(data)
    before = sorted(data.rglob("*"))
    for destination in (data / "files" / "backup", data / "backup", tmp_path / "link" / "backup"):
        with pytest.raises(OutputNotWritten, match="inside the data folder"):
            back_up(data, destination, ignore)
    with pytest.raises(OutputNotWritten, match="does not exist: create it first"):
        back_up(data, tmp_path / "no" / "backup", ignore)
    assert sorted(data.rglob("*")) == before


def test_a_folder_that_others_can_read_is_private_once_a_store_is_restored_into_it(tmp_path: Path) -> None:
    change(tmp_path / "data", fill)
    backup = make_backup(tmp_path / "data", tmp_path / "backup")
    (tmp_path / "new").mkdir(mode=0o755)
    restored(backup, tmp_path / "new")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_a_store_whose_photos_lie_elsewhere_is_not_replaced(tmp_path: Path) -> None:
    data = tmp_path / "data"
    change(data, fill)
    backup = make_backup(data, tmp_path / "backup")
    (data / "files").rename(tmp_path / "other disk")
    (data / "files").symlink_to(tmp_path / "other disk")
    with pytest.raises(OutputNotWritten, match=r"files is a link or a mount point"):
        restored(backup, data)
    assert not list(data.glob("re*-*"))
    assert len(students(data)) == 3
