"""Thirty simulated teachers use one `muster serve` for two minutes while the command line imports rosters.

`python -m benchmarks load [SECONDS] [TEACHERS]`. They register students, send photos, correct marks of shared sessions
with `If-Match`, export and look. Fails with exit status 1 on any error but 429, and where anything that was
acknowledged is missing, in the running server or after a restart. Uses photos of Labeled Faces in the Wild where
MUSTER_SHARED names the folder that has them, and the samples alone otherwise.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from benchmarks.lib.photos import SAMPLES
from benchmarks.operations.load_parts.check import missing
from benchmarks.operations.load_parts.photos import LFW
from benchmarks.operations.load_parts.server import Memory, kilobytes, serving
from benchmarks.operations.load_parts.teacher import Acknowledged, Teacher
from muster.composition.local import LocalBackend
from muster.domain.identifiers import GroupId, UserId
from muster.domain.user import Role, User

GROUPS = tuple(f"g{number}" for number in range(10))
MAX_IMPORTS, IMPORTED_ROWS = 40, 25


def make_users(data: Path, teachers: int) -> tuple[str, list[str]]:
    """Make an admin and the teachers; return the admin's token and theirs."""
    users = LocalBackend(data).users
    admin = users.add(User(UserId("admin"), Role.ADMIN), [GroupId(group) for group in GROUPS])
    return admin, [
        users.add(User(UserId(f"t{number}"), Role.TEACHER), [GroupId(GROUPS[number % len(GROUPS)])])
        for number in range(teachers)
    ]


def seed(url: str, token: str, record: Acknowledged) -> None:
    """Register the two people of the samples in every group, and two other people in each where there are photos."""
    others = sorted(LFW.glob("*/*.jpg"))[::7] if LFW.is_dir() else []
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=300) as client:

        def register(student: str, groups: list[str], image: bytes) -> bool:
            form = {"student_id": student, "name": student, "group_id": groups, "consent": "true"}
            registered = client.post("/register/register-student", data=form, files={"image": image}).is_success
            if registered:
                record.students.update({(group, student): student for group in groups})
            return registered

        for name in ("barack_obama", "joe_biden"):
            if not register(name, list(GROUPS), (SAMPLES / "gallery" / f"{name}.jpg").read_bytes()):
                raise SystemExit(f"{name} was not registered")
        remaining = iter(others)
        for number, group in enumerate(GROUPS):
            # A photo that is refused, of too small a face for example, is replaced by the next.
            for place in range(2):
                any(register(f"lfw{number}-{place}", [group], path.read_bytes()) for path in remaining)


def impatient(url: str, token: str, record: Acknowledged, deadline: float) -> None:
    """Ask without a pause until the server has answered 429 ten times."""
    refused = 0
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=300) as client:
        for _ in range(5_000):
            if refused == 10 or time.monotonic() > deadline:
                break
            answer = client.get("/v1/me")
            if answer.status_code == 429:
                refused += 1
                record.busy += 1
                if not answer.headers.get("retry-after", "").isdigit():
                    record.fail("impatient: 429 without Retry-After")
            elif not answer.is_success:
                record.fail(f"impatient: {answer.status_code}")
    print(f"one user who asked without a pause got 429 {refused} times")


def import_rosters(folder: Path, data: Path, record: Acknowledged, deadline: float) -> None:
    """Import one roster after another by the command line."""
    for number in range(MAX_IMPORTS):
        if time.monotonic() > deadline:
            return
        group = GROUPS[number % len(GROUPS)]
        rows = {f"i{number}-{row}": f"Imported {number} {row}" for row in range(IMPORTED_ROWS)}
        path = folder / f"roster{number}.csv"
        lines = [f"{student},{name},{group}\n" for student, name in rows.items()]
        path.write_text("student_id,name,group\n" + "".join(lines))
        started = time.monotonic()
        command = [sys.executable, "-m", "muster", "students", "import", str(path), "--yes", "--data", str(data)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        with record.lock:
            record.seconds["import (command)"].append(time.monotonic() - started)
            if ran.returncode == 0:
                record.students.update({(group, student): name for student, name in rows.items()})
            else:
                record.failures.append(f"import: status {ran.returncode}: {ran.stdout[-300:]}{ran.stderr[-300:]}")


def attack(url: str, folder: Path, data: Path, tokens: list[str], record: Acknowledged, seconds: float) -> None:
    """Let everyone work until the time is up."""
    deadline = time.monotonic() + seconds
    threads: list[threading.Thread] = [
        Teacher(number, url, token, GROUPS[number % len(GROUPS)], record, deadline)
        for number, token in enumerate(tokens[:-1])
    ]

    def beside(work: Callable[..., None], *args: object) -> None:
        threads.append(threading.Thread(target=work, args=args, daemon=True))

    beside(import_rosters, folder, data, record, deadline)
    beside(impatient, url, tokens[-1], record, deadline)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds + 600)
        if thread.is_alive():
            record.fail(f"{thread.name} did not end")


def report(record: Acknowledged, took: float) -> None:
    """Print the durations of each kind of request, and what was stored."""
    print(f"{'request':18} {'count':>6} {'p50 s':>8} {'p95 s':>8} {'longest s':>10}")
    for kind, seconds in sorted(record.seconds.items()):
        cuts = statistics.quantiles(seconds, n=20, method="inclusive") if len(seconds) > 1 else seconds * 19
        print(f"{kind:18} {len(seconds):6} {cuts[9]:8.2f} {cuts[18]:8.2f} {max(seconds):10.2f}")
    photos = sum(map(len, record.photos.values()))
    print(
        f"{took:.0f} s; acknowledged: {len(record.students)} students, {photos} photos, "
        f"{record.marks.total()} corrections; {record.stale} corrections repeated after 412; {record.busy} answers 429"
    )


def main() -> None:
    """Run everyone, then compare."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 120.0
    teachers = int(sys.argv[2]) if len(sys.argv) > 2 else 30
    record = Acknowledged()
    with tempfile.TemporaryDirectory() as place:
        folder, data = Path(place), Path(place) / "store"
        log = folder / "log"
        admin, tokens = make_users(data, teachers + 1)
        with serving(data, log) as (url, process), Memory(process) as memory:
            seed(url, admin, record)
            started = time.monotonic()
            attack(url, folder, data, tokens, record, seconds)
            took = time.monotonic() - started
            lost = missing(url, admin, record)
            peak = kilobytes(process, "VmHWM")
        with serving(data, log) as (url, _):
            lost += [f"after a restart: {thing}" for thing in missing(url, admin, record)]
        doctor = subprocess.run(
            [sys.executable, "-m", "muster", "doctor", "--data", str(data)],
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        tracebacks = log.read_text().count("Traceback")
    report(record, took)
    print(f"peak: server {peak / 1e6:.2f} GB, with its decoders {memory.total_kb / 1e6:.2f} GB")
    problems = [*record.failures, *lost]
    if tracebacks:
        problems.append(f"{tracebacks} tracebacks in the server's log")
    if doctor.returncode:
        problems.append(f"muster doctor: status {doctor.returncode}: {doctor.stdout[-1000:]}")
    print(json.dumps({"lost": len(lost), "failures": len(record.failures), "problems": problems[:20]}, indent=1))
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
