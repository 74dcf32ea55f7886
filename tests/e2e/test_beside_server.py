"""Every command runs beside a busy server, and nothing that either of them acknowledged is lost."""

import json
import shutil
import signal
import time
from pathlib import Path

import httpx
import pytest
from PIL import Image

from muster.packs.load import ModelPack
from muster.storage.local import DATABASE_FILE, open_local
from tests.command_tree import leaf_commands
from tests.e2e.kill_rounds import TOKEN, HttpWriter, Record, check, rounds
from tests.e2e.test_users import document, muster, serving_process
from tests.unit.oneroster_packages import archive, package

pytestmark = [pytest.mark.processes, pytest.mark.timeout(1200)]

# In this order. `{data}`, `{work}` and `{samples}` stand for folders.
COMMANDS: dict[str, str] = {
    "groups add": "g2",
    "groups change": "g2 --name Second",
    "groups list": "",
    "students import": "{work}/roster.csv",
    "students change": "cli1 --name Augusta",
    "students list": "",
    "register": "{samples}/gallery/barack_obama.jpg --id obama --name Barack --group g --consent",
    "students photo": "obama {work}/again.jpg",
    "students register": "{work}/portraits --consent",
    "detect": "{samples}/photos/group.jpg --group g --session photographed",
    "train": "",
    "packs migrate": "embedded",
    "sessions open": "--group g --id opened",
    "sessions mark": "opened cli1=late",
    "sessions close": "opened",
    "sessions reopen": "opened --reason late-bus",
    "codes list": "",
    "codes preset": "plain",
    "codes change": "P --meaning Here --in-building",
    "absences add": "cli1 --from 2030-09-02",
    "absences list": "cli1",
    "absences remove": "cli1 ABSENCE",
    "guests add": "opened Mia",
    "guests list": "opened",
    "guests remove": "opened GUEST",
    "lessons import": "{work}/lessons.csv --yes",
    "lessons list": "",
    "lessons not-taken": "--by 9:30",
    "oneroster import": "{work}/roster.zip --yes",
    "tokens add": "office --scope roster:read",
    "tokens list": "",
    "substitutes add": "Jo --group g",
    "substitutes list": "",
    "substitutes remove": "SUBSTITUTE --yes",
    "tokens revoke": "office --yes",
    "notices contacts": "cli1 --address parent@example.org",
    "notices list": "",
    "notices preview": "",
    "sessions list": "--group g",
    "sessions show": "photographed",
    "sessions questions": "photographed --output {work}/questions",
    "sessions name": "photographed FACE obama",
    "sessions confirm": "photographed FACE",
    "sessions remove-photo": "photographed PHOTO --yes",
    "sessions remove": "removed --yes",
    "attendance report": "--group g",
    "reports breakdown": "--group g --by weekday",
    "reports absences": "",
    "reports low": "",
    "reports changes": "--group g",
    "reports day": "",
    "reports evacuation": "",
    "reports moodle": "--group g --output {work}/moodle.zip",
    "reports mapped": "--group g --output {work}/marks.csv --mapping {work}/mapping.json",
    "reports sheet": "--group g --output {work}/sheet.html",
    "attendance export": "--group g --output {work}/report.xlsx",
    "users add": "ada --group g",
    "users list": "",
    "users token": "ada",
    "users remove": "grace --yes",
    "students consent": "obama --consent",
    "students learned-faces": "obama",
    "students forget-faces": "obama --yes",
    "students withdraw": "obama --yes",
    "students erase": "cli2 --yes --verify",
    "groups remove": "g3",
    "retention": "",
    "doctor": "",
    "backup": "{work}/backup",
    "restore": "{work}/backup --replace",
}

NO_STORE = {
    "serve": "it is the server",
    "demo": "has a store of its own",
    "evaluate": "reads a data set",
    "packs build": "makes a pack",
    "packs list": "reads packs",
    "packs verify": "reads a pack",
    "notices send": "needs a mail server",
    "packs measure": "needs a pack that has no statistics yet",
    "users change": "changes accounts of an AWS stage",
    "users disable": "changes accounts of an AWS stage",
    "users enable": "changes accounts of an AWS stage",
    "users invite": "changes accounts of an AWS stage",
    "users resend": "changes accounts of an AWS stage",
    "users reset-authenticator": "changes accounts of an AWS stage",
}


def test_no_command_is_left_out_here() -> None:
    assert set(map(" ".join, leaf_commands())) == COMMANDS.keys() | NO_STORE.keys()
    assert not COMMANDS.keys() & NO_STORE.keys()


def prepare(data: Path, work: Path, samples: Path) -> None:
    (work / "portraits").mkdir(parents=True)
    shutil.copy(samples / "gallery" / "joe_biden.jpg", work / "portraits" / "biden.jpg")
    Image.open(samples / "gallery" / "barack_obama.jpg").convert("RGB").save(work / "again.jpg", quality=90)
    (work / "mapping.json").write_text('{"columns": [{"title": "id", "field": "student_id"}]}')
    (work / "lessons.csv").write_text("group,weekday,starts,ends,subject\ng,Monday,8:00,8:45,Art\n")
    (work / "roster.zip").write_bytes(archive(package()))
    (work / "roster.csv").write_text("student_id,name,group\ncli1,Ada,g\ncli2,Alan,g\nbiden,Joe,g\n")
    for arguments in (
        ["groups", "add", "g"],
        ["groups", "add", "g3"],
        ["users", "add", "grace"],
        ["sessions", "open", "--group", "g", "--id", "kept"],
        ["sessions", "open", "--group", "g", "--id", "removed"],
    ):
        done = muster(data, *arguments)
        assert done.returncode == 0, done.stderr


def run_all(data: Path, work: Path, samples: Path) -> None:
    face = photo = absence = guest = substitute = ""
    for name, template in COMMANDS.items():
        text = template.format(data=data, work=work, samples=samples)
        for word, found in (
            ("FACE", face),
            ("PHOTO", photo),
            ("ABSENCE", absence),
            ("GUEST", guest),
            ("SUBSTITUTE", substitute),
        ):
            text = text.replace(word, found)
        done = muster(data, *name.split(), *text.split(), "--json")
        assert "Traceback" not in done.stderr, (name, done.stderr)
        if name == "restore":
            assert json.loads(done.stdout)["code"] == "store_in_use"
        elif name == "train" and done.returncode == 1:
            # The server trains already.
            assert json.loads(done.stdout)["outcome"] == "busy"
        else:
            assert done.returncode == 0, (name, done.stdout, done.stderr)
        if name == "detect":
            (read,) = json.loads(done.stdout)["photos"]
            face, photo = read["faces"][0]["face_id"], read["photo_id"]
        if name == "absences add":
            absence = json.loads(done.stdout)["absence_id"]
        if name == "guests add":
            guest = json.loads(done.stdout)["guest_id"]
        if name == "substitutes add":
            substitute = json.loads(done.stdout)["substitute_id"]


def status_of(url: str) -> int:
    """Read something beside the writer, who may have used up what one user may ask in a second."""
    while True:
        answer = httpx.get(url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60)
        if answer.status_code != 429:
            return answer.status_code
        time.sleep(0.2)


def test_nothing_is_lost_beside_any_command(
    tmp_path: Path, samples: Path, pack: ModelPack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSTER_ADMIN_TOKEN", TOKEN)
    data, work, record = tmp_path / "data", tmp_path / "work", Record()
    prepare(data, work, samples)
    with serving_process(data, tmp_path / "log", trains=True) as (address, server):
        writer = HttpWriter(address, "first", record)
        run_all(data, work, samples)
        assert record.answers > 20
        # What the commands stored is seen by the server, too.
        assert status_of(f"{address}/v1/students/cli1") == 200
        assert status_of(f"{address}/v1/students/cli2") == 404
        server.send_signal(signal.SIGKILL)
        server.wait(60)
        writer.stop()
    record.students |= {"cli1": "there", "cli2": "gone", "biden": "there", "obama": "there"}
    record.users |= {"ada", "admin"}
    record.sessions |= {"opened", "photographed", "kept"}
    assert not record.errors
    check(data, record)

    with serving_process(data, tmp_path / "log", trains=True) as (address, server):
        writer = HttpWriter(address, "second", record)
        for name in ("students list", "users list", "attendance report"):
            document(muster(data, *name.split(), *COMMANDS[name].split(), "--json"))
        before = record.answers
        while record.answers < before + 10:
            document(muster(data, "groups", "list", "--json"))
        writer.stop()
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0
    # A server that was asked to stop leaves everything in the main file.
    (tmp_path / "alone").mkdir()
    shutil.copy(data / DATABASE_FILE, tmp_path / "alone")
    found = {student.id for student in open_local(tmp_path / "alone").students.find()}
    assert {id for id, state in record.students.items() if state == "there"} <= found
    assert not record.errors
    check(data, record)


def test_processes_killed_at_random_lose_nothing(
    tmp_path: Path, pack: ModelPack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSTER_ADMIN_TOKEN", TOKEN)
    assert rounds(8, tmp_path)["acknowledged"] > 0
