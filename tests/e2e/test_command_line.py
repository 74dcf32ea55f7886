"""Promises of every command: whole ids, id prefixes, no store created by a typing error, no traceback."""

import json
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.table import Table

from muster import __version__
from muster.cli.addresses import checked_address
from muster.cli.console import TableConsole
from muster.composition.settings import LocalSettings
from muster.domain.attendance import Session, SessionPhoto
from muster.domain.errors import InvalidRequest
from muster.domain.faces import Candidate, Decision, IdentifiedFace
from muster.domain.group import Group
from muster.domain.identifiers import FaceId, GroupId, PackId, PhotoId, SessionId, StudentId
from muster.storage.local import LocalStores, open_local
from tests import processes
from tests.contract.examples import a_student, a_template
from tests.e2e.test_users import muster, serving

pytestmark = pytest.mark.processes

FIRST = "d061ddc352d05d44b1e0b0a4a0f1c2d3"
SECOND = "d0a4b7c352d05d44b1e0b0a4a0f1c2d3"
ELSEWHERE = "e7" * 16
PHOTO = "8a538c23bda196919bfd8564a3f93eb1"
FACES = [f"{PHOTO}-{number}" for number in range(12)]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with three sessions in two groups; the second session has twelve faces to review."""
    folder = tmp_path / "store"
    stores: LocalStores = open_local(folder)
    now = datetime.now(UTC)
    stores.groups.add(Group(GroupId("7b"), "7b", frozenset()))
    stores.groups.add(Group(GroupId("8a"), "8a", frozenset()))
    stores.students.add(a_student("s1", groups=["7b"]), a_template("s1"), b"photo")
    for id, group, hours in ((FIRST, "7b", 3), (SECOND, "7b", 2), (ELSEWHERE, "8a", 1), ("future", "7b", -48)):
        session = Session(SessionId(id), GroupId(group), now - timedelta(hours=hours))
        stores.sessions.create(session, [StudentId("s1")] if group == "7b" else [])
    faces = tuple(
        IdentifiedFace(
            FaceId(face), (10, 10, 40, 40), 0.9, 0.5, Decision.REVIEW, StudentId("s1"), 0.5, None,
            (Candidate(StudentId("s1"), 0.5),),
        )
        for face in FACES
    )  # fmt: skip
    photo = SessionPhoto(PhotoId(PHOTO), SessionId(SECOND), "ab" * 32, 80, 60, faces, PackId("embedded"), None, now)
    stores.sessions.record_photo(photo, b"original", [])
    return folder


def test_ids_are_whole_in_a_pipe(store: Path) -> None:
    listed = muster(store, "sessions", "list")
    assert [line.split("\t")[0] for line in listed.stdout.splitlines()[:4]] == ["id", FIRST, SECOND, ELSEWHERE]
    asked = muster(store, "sessions", "questions", SECOND)
    faces = {line.split("\t")[0] for line in asked.stdout.splitlines() if line.startswith(PHOTO[:8])}
    assert faces
    assert faces <= set(FACES)
    assert "--output" in asked.stdout


def test_ids_are_whole_at_a_narrow_terminal() -> None:
    screen = StringIO()
    console = TableConsole(file=screen, force_terminal=True, width=40, color_system=None)
    table = Table("id", "name")
    table.add_row(FIRST + SECOND, "a name that is quite long, too")
    console.print(table)
    first_column = "".join(line.split("│")[1].strip() for line in screen.getvalue().splitlines() if line[0] == "│")
    assert first_column == FIRST + SECOND
    assert "…" not in screen.getvalue()


def test_markup_in_a_table_is_words_in_a_pipe() -> None:
    screen = StringIO()
    table = Table("student", "status", title="Group [b]7b[/]", caption="A absent")
    table.add_row("s1", "[red]absent[/]")
    table.add_row("s2", None)
    TableConsole(file=screen).print(table)
    assert screen.getvalue() == "Group 7b\nstudent\tstatus\ns1\tabsent\ns2\t\nA absent\n"


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("d061",), FIRST),
        (("d0", "--group", "8a"), None),
        (("e",), ELSEWHERE),
        (("last",), ELSEWHERE),
        (("last", "--group", "7b"), SECOND),  # the newest is in two days
        (("fut",), "future"),
        ((FIRST,), FIRST),
    ],
)
def test_a_session_is_found_by_the_beginning_of_its_id_or_as_the_last(
    store: Path, options: tuple[str, ...], found: str | None
) -> None:
    shown = muster(store, "sessions", "show", *options, "--json")
    answer = json.loads(shown.stdout)
    if found is None:
        assert (shown.returncode, answer["code"]) == (1, "session_not_found")
    else:
        assert (shown.returncode, answer["session_id"]) == (0, found)


def test_a_beginning_that_several_ids_have_lists_them(store: Path) -> None:
    refused = muster(store, "sessions", "show", "d0", "--json")
    assert refused.returncode == 1
    answer = json.loads(refused.stdout)
    assert answer["code"] == "invalid_request"
    assert FIRST in answer["detail"]
    assert SECOND in answer["detail"]


def test_a_face_is_named_by_the_beginning_of_its_id(store: Path) -> None:
    several = muster(store, "sessions", "name", "last", PHOTO[:6], "s1", "--group", "7b", "--json")
    assert "12 faces begin with" in json.loads(several.stdout)["detail"]
    whole = muster(store, "sessions", "name", "last", FACES[1], "s1", "--group", "7b", "--json")
    assert whole.returncode == 0, "the whole id of one face is the beginning of three others"
    assert json.loads(whole.stdout)["marks"][0]["status"] == "present"


@pytest.mark.parametrize(
    "command",
    ["students list", "groups list", "users list", "sessions list", "sessions show last", "retention",
     "attendance report --group 7b"],
)  # fmt: skip
def test_a_mistyped_folder_is_refused_and_not_made(tmp_path: Path, command: str) -> None:
    folder = tmp_path / "typo"
    refused = muster(folder, *command.split(), "--json")
    assert (refused.returncode, json.loads(refused.stdout)["code"]) == (1, "store_not_found")
    assert str(folder) in refused.stderr
    assert not folder.exists()


def test_a_command_that_begins_a_store_says_so_once(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    made = muster(folder, "groups", "add", "7b")
    assert (made.returncode, f"There is no store in {folder} yet: this command makes one." in made.stderr) == (0, True)
    assert "no store" not in muster(folder, "groups", "add", "8a").stderr
    assert muster(folder, "students", "list").returncode == 0


def test_a_busy_port_is_said_before_anything_else(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        refused = muster(tmp_path, "serve", "--port", str(port))
    assert refused.returncode == 1
    assert f"Port {port} is in use: stop the other program or choose another with --port." in refused.stderr
    assert "is running at" not in refused.stderr
    assert "Traceback" not in refused.stderr


def test_an_address_of_another_machine_is_refused(tmp_path: Path) -> None:
    muster(tmp_path, "users", "add", "ada")
    for host in ("192.0.2.1", "no-such-host.invalid"):
        refused = muster(tmp_path, "serve", "--host", host)
        assert (refused.returncode, "not an address of this machine" in refused.stderr) == (1, True), refused.stderr


@pytest.mark.parametrize(("level", "lines"), [("info", 1), ("debug", 3), ("warning", 0)])
def test_files_of_the_page_are_logged_at_debug_only(tmp_path: Path, level: str, lines: int) -> None:
    import httpx

    log = tmp_path / "log"
    with serving(tmp_path / "store", log, "--log-level", level) as address:
        for path in ("/", "/app.js", "/v1/me"):
            httpx.get(f"{address}{path}").raise_for_status()
    requests = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    assert len([line for line in requests if line["route"] != "/health"]) == lines


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    script = (
        "import sys; sys.argv = ['muster', '--json']\nfrom muster.cli.failures import exit_on_failure\n"
        f"with exit_on_failure():\n    {code}"
    )
    return processes.run(["-c", script], env={**os.environ, **environment})


def test_no_traceback_reaches_the_user_unless_it_is_asked_for() -> None:
    fault = run("{}['nothing']")
    assert (fault.returncode, json.loads(fault.stdout)["code"]) == (1, "internal_error")
    assert "KeyError" in fault.stderr
    assert "MUSTER_DEBUG=1" in fault.stderr
    assert "Traceback" not in fault.stderr
    assert "Traceback" in run("{}['nothing']", MUSTER_DEBUG="1").stderr


def test_what_the_system_refuses_is_one_sentence() -> None:
    refused = run("open('/proc/nothing/[b]', 'w')")
    assert (refused.returncode, json.loads(refused.stdout)["code"]) == (1, "system_error")
    assert "No such file or directory (/proc/nothing/[b])" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_reader_that_has_seen_enough_is_no_failure_with_a_traceback(store: Path) -> None:
    command = f"{sys.executable} -m muster sessions list --data {store} | true"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert "Traceback" not in done.stderr


def test_the_version_is_said() -> None:
    said = subprocess.run([sys.executable, "-m", "muster", "--version"], capture_output=True, text=True)
    assert (said.returncode, said.stdout) == (0, f"muster {__version__}\n")


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("127.0.0.1", "https://127.0.0.1:8443"),
        ("school.example", "https://school.example:8443"),
        ("school.example:9000", "https://school.example:9000"),
        ("::1", "https://[::1]:8443"),
        ("[::1]:9000", "https://[::1]:9000"),
        ("http://192.168.1.20:8000/", "http://192.168.1.20:8000"),
    ],
)
def test_an_address_may_be_a_host_alone(typed: str, address: str) -> None:
    assert checked_address(typed, 8443, https=True) == address


@pytest.mark.parametrize("typed", ["", "two words", "ada@school.example", "school.example/page", "school.example:x"])
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(InvalidRequest):
        checked_address(typed, 8443, https=False)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MUSTER_WRONG_MARKS", "0"),
        ("MUSTER_WRONG_MARKS", "many"),
        ("MUSTER_HEAD", "sometimes"),
        ("MUSTER_LEARN", "never"),
        ("MUSTER_TARGET_FPIR", "0.0001"),
        ("MUSTER_THREADS", "0"),
    ],
)
def test_a_setting_that_is_not_allowed_is_named(variable: str, value: str) -> None:
    done = processes.run(["-m", "muster", "packs", "list", "--json"], env={**os.environ, variable: value})
    document = json.loads(done.stdout)
    assert (done.returncode, document["code"]) == (1, "invalid_setting")
    assert variable in document["detail"]
    assert "Traceback" not in done.stderr


def test_an_empty_setting_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_WRONG_MARKS", "")
    assert LocalSettings().wrong_marks == 1
