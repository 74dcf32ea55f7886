"""Kill the server, commands and other writers of one store at random moments, and look for what was acknowledged.

    python -m tests.e2e.kill_rounds 200

Nothing here needs a model except that `muster serve` loads them at each start.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import httpx

from muster.domain.identifiers import SessionId
from muster.storage.local import open_local
from muster.storage.local.doctor import examine
from tests import processes
from tests.contract.examples import a_photo
from tests.e2e.test_users import muster, serving_process

ROOT = Path(__file__).parents[2]
TOKEN = "t" * 40

# A process that registers students with photos and erases every third, and says what it has done.
REGISTRAR = """
import sys
from pathlib import Path
from muster.packs.manifest import shipped_spec
from muster.storage.local import open_local
from tests.contract.examples import a_photo, a_student, a_template
# The server starts only with students of its own pack.
spec = shipped_spec("embedded")
pack, width = spec.id, sum(spec.sizes)
stores = open_local(Path(sys.argv[1]))
print("ready", flush=True)
number = 0
while True:
    id = f"{sys.argv[2]}-{number}"
    stores.students.add(a_student(id), a_template(id, pack=pack, width=width), a_photo(id))
    print("there", id, flush=True)
    if number % 3 == 0:
        print("maybe", id, flush=True)
        stores.students.erase(id)
        print("gone", id, flush=True)
    number += 1
"""


@dataclass
class Record:
    """What was acknowledged: ids of students (there, maybe or gone), users, sessions, and marks of one session."""

    students: dict[str, str] = field(default_factory=dict)
    users: set[str] = field(default_factory=set)
    sessions: set[str] = field(default_factory=set)
    marks: dict[str, str] = field(default_factory=dict)
    with_photo: set[str] = field(default_factory=set)
    answers: int = 0
    errors: list[str] = field(default_factory=list)


class HttpWriter:
    """Writes over HTTP until stopped; an answer that never came leaves what it was for unknown."""

    def __init__(self, address: str, name: str, record: Record) -> None:
        self._client = httpx.Client(base_url=address, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60)
        self._name, self._record, self._stop = name, record, Event()
        self._thread = Thread(target=self._write, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the request under way."""
        self._stop.set()
        self._thread.join(120)
        self._client.close()

    def _write(self) -> None:
        number = 0
        while not self._stop.is_set():
            id = f"{self._name}-{number}"
            number += 1
            try:
                self._one_student(id, number)
            except httpx.TransportError:
                # Killed, or starting again.
                time.sleep(0.05)

    def _one_student(self, id: str, number: int) -> None:
        record = self._record
        record.students[id] = "maybe"
        enrolment = {"student_id": id, "name": "Ada", "group_ids": ["g"]}
        if self._sent("POST", "/v1/students", 201, enrolment):
            record.students[id] = "there"
        else:
            return
        record.marks.pop(id, None)
        marks = {"marks": [{"student_id": id, "status": "late"}]}
        if self._sent("PATCH", "/v1/sessions/kept/marks", 200, marks):
            record.marks[id] = "late"
        if number % 4 == 0:
            record.students[id] = "maybe"
            record.marks.pop(id, None)
            if self._sent("DELETE", f"/v1/students/{id}", 204):
                record.students[id] = "gone"

    def _sent(self, method: str, path: str, expected: int, body: object = None) -> bool:
        answer = self._client.request(method, path, json=body, headers={"If-Match": "*"})
        if answer.status_code != expected:
            # A fast machine reaches the limit of one user's requests.
            if answer.status_code == 429:
                time.sleep(float(answer.headers["Retry-After"]))
            # A busy store may say so; anything else is a fault.
            elif answer.status_code != 503:
                self._record.errors.append(f"{method} {path} {answer.status_code} {answer.text[:200]}")
            return False
        self._record.answers += 1
        return True


@contextmanager
def registrar(data: Path, name: str, record: Record) -> Iterator[subprocess.Popen[str]]:
    """Run a registrar, and note what it says until it ends."""
    child = processes.start(["-c", REGISTRAR, str(data), name], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None

    def listen() -> None:
        assert child.stdout is not None
        for line in child.stdout:
            said, _, id = line.strip().partition(" ")
            if said != "ready":
                record.students[id] = said
                record.with_photo.add(id)
                record.answers += 1

    thread = Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        thread.join(60)
        child.stdout.close()


def command(choose: random.Random, number: int, folder: Path) -> tuple[list[str], tuple[str, list[str]]]:
    """Return a random command, and what it leaves if it ends well: a kind and ids."""
    rows = folder / f"roster-{number}.csv"
    ids = [f"cli-{number}-{row}" for row in range(20)]
    rows.write_text("student_id,name,group\n" + "".join(f"{id},Ada,g\n" for id in ids))
    return choose.choice(
        [
            (["students", "import", str(rows)], ("students", ids)),
            (["users", "add", f"user{number}", "--json"], ("users", [f"user{number}"])),
            (["sessions", "open", "--group", "g", "--id", f"s{number}"], ("sessions", [f"s{number}"])),
            (["students", "list"], ("", [])),
            (["retention"], ("", [])),
            (["doctor"], ("", [])),
            (["backup", str(folder / f"backup-{number}")], ("backup", [str(folder / f"backup-{number}")])),
            (["attendance", "report", "--group", "g"], ("", [])),
        ]
    )


def check(data: Path, record: Record) -> None:
    """Compare the store with what was acknowledged."""
    findings = [finding for finding in examine(data) if finding.problem]
    assert not findings, findings
    students = dict(record.students)
    marks = dict(record.marks)
    stores = open_local(data)
    try:
        found = {student.id for student in stores.students.find()}
        lost = [id for id, state in students.items() if state == "there" and id not in found]
        assert not lost, f"{len(lost)} acknowledged students are lost: {lost[:5]}"
        back = [id for id, state in students.items() if state == "gone" and id in found]
        assert not back, f"erased students are there: {back[:5]}"
        for id in record.with_photo & found:
            if students[id] == "there":
                assert stores.students.photo(id) == a_photo(id), id  # type: ignore[arg-type]
        assert record.users <= {user.id for user in stores.users.find()}
        sessions = {session.id for group in stores.groups.find() for session in stores.sessions.of_group(group.id)}
        assert record.sessions <= sessions
        marked = {mark.student_id: mark.status.value for mark in stores.sessions.marks(SessionId("kept"))}
        for id, status in marks.items():
            assert marked.get(id) == status, id  # type: ignore[call-overload]
    finally:
        stores.upkeep.close()


def rounds(kills: int, folder: Path, seed: int | None = None) -> dict[str, int]:
    """Kill that many processes; return what was done.

    Raises:
        AssertionError: something acknowledged is lost, or the store is damaged.
    """
    choose, record, data = random.Random(seed), Record(), folder / "data"  # noqa: S311
    os.environ["MUSTER_ADMIN_TOKEN"] = TOKEN
    began = time.monotonic()
    for arguments in (
        ["groups", "add", "g"],
        ["students", "import", str(_one_student(folder))],
        ["sessions", "open", "--group", "g", "--id", "kept"],
    ):
        done = muster(data, *arguments)
        assert done.returncode == 0, done.stderr
    # Kills must fall into the work of a command, on a slow machine as on a fast one.
    usual = (time.monotonic() - began) / 3
    counts = {"server": 0, "registrar": 0, "command": 0, "commands_done": 0}
    killed = 0
    while killed < kills:
        with serving_process(data, folder / "log") as (address, server):
            writer = HttpWriter(address, f"http{killed}", record)
            for _ in range(choose.randint(1, 6)):
                if killed >= kills:
                    break
                killed += 1
                victim = choose.choice(["registrar", "command", "command"])
                counts[victim] += 1
                if victim == "registrar":
                    with registrar(data, f"photo{killed}", record):
                        time.sleep(usual * choose.uniform(0.7, 2.5))
                else:
                    counts["commands_done"] += _kill_command(choose, killed, folder, data, record, usual)
            if killed < kills:
                killed += 1
                counts["server"] += 1
                time.sleep(choose.uniform(0, 0.5))
                server.send_signal(choose.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
                server.wait(60)
            writer.stop()
        check(data, record)
        print(f"{killed} kills, {record.answers} acknowledged", file=sys.stderr, flush=True)  # noqa: T201
    assert not record.errors, record.errors[:5]
    return {**counts, "kills": killed, "acknowledged": record.answers}


def _one_student(folder: Path) -> Path:
    path = folder / "roster.csv"
    path.write_text("student_id,name,group\nfirst,Ada,g\n")
    return path


def _kill_command(choose: random.Random, number: int, folder: Path, data: Path, record: Record, usual: float) -> bool:
    """Start a command and kill it at a random moment; return whether it was done before."""
    arguments, (kind, ids) = command(choose, number, folder)
    if kind == "students":
        record.students.update(dict.fromkeys(ids, "maybe"))
    child = processes.start(
        ["-m", "muster", *arguments, "--data", str(data)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        child.wait(usual * choose.uniform(0.5, 3.0))
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    assert child.stderr is not None
    said = child.stderr.read()
    child.stderr.close()
    if child.returncode != 0:
        assert child.returncode == -signal.SIGKILL, (arguments, said)
        return False
    record.answers += 1
    if kind == "students":
        record.students.update(dict.fromkeys(ids, "there"))
    elif kind in ("users", "sessions"):
        getattr(record, kind).update(ids)
    elif kind == "backup":
        with tempfile.TemporaryDirectory(dir=folder) as restored:
            done = muster(Path(restored) / "data", "restore", ids[0])
            assert done.returncode == 0, done.stderr
    return True


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as work:
        print(json.dumps(rounds(int(sys.argv[1]) if len(sys.argv) > 1 else 200, Path(work))))  # noqa: T201
