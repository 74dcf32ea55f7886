"""Every command works on the stage that the environment names, or refuses: none uses the local store instead."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient

from muster.cli.app import main
from muster.cli.backend import STAGE_VARIABLES, named_stage
from muster.cli.scope import LOCAL_ONLY, ON_STAGES, STAGE_ONLY, WITHOUT_STORE
from muster.cli.store import checked_store
from muster.domain.absences import PlannedAbsence
from muster.domain.api_token import Scope
from muster.domain.attendance import (
    Mark,
    MarkChange,
    MarkSource,
    MarkStatus,
    RegisterChange,
    Session,
    SessionPhoto,
)
from muster.domain.documents import DocumentKind
from muster.domain.faces import Candidate, Decision, IdentifiedFace
from muster.domain.group import Group
from muster.domain.guests import Guest, GuestBook
from muster.domain.identifiers import FaceId, GroupId, PackId, PhotoId, SessionId, StudentId, UserId
from muster.packs.manifest import shipped_spec
from muster.recognition.school_statistics import MIN_STUDENTS
from muster.services.exchange.api_tokens import ApiTokens
from muster.services.registering.bulk import PhotoReport, PhotoResult
from muster.services.roster.groups import Groups
from muster.services.uploading.bulk import BulkUpload
from muster.storage.aws.table import Table
from tests.command_tree import leaf_commands
from tests.contract.examples import a_photo, a_student, a_template, learn
from tests.contract.places import AwsPlace
from tests.e2e.aws.calls import Call, needs
from tests.operator_policy import refused
from tests.unit.oneroster_packages import archive, package

REGION, ACCOUNT = "eu-central-1", "123456789012"
PHOTO, FACE = "ab" * 16, "cd" * 16


@dataclass(frozen=True)
class Answered:
    """What a command answered."""

    status: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        return json.loads(self.stdout)


class Workstation:
    """An operator's machine, whose folders are watched."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.data = folder / "data"
        self._patch = patch
        self._capture = capture
        for name in ("MUSTER_DATA", "MUSTER_HOME", "HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
            patch.setenv(name, str(folder / name.lower() if name != "MUSTER_DATA" else self.data))
        patch.chdir(folder)

    def name_stage(self, place: AwsPlace, **changes: str | None) -> None:
        variables: dict[str, str | None] = {
            "AWS_ENDPOINT_URL": place.endpoint,
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "MUSTER_STAGE": "prod",
            "MUSTER_TABLE": place.table,
            "MUSTER_PHOTOS_BUCKET": place.photos,
            "MUSTER_MODELS_BUCKET": place.models,
            **changes,
        }
        for name, value in variables.items():
            if value is None:
                self._patch.delenv(name, raising=False)
            else:
                self._patch.setenv(name, value)

    def muster(self, *arguments: str) -> Answered:
        self._capture.readouterr()
        self._patch.setattr(sys, "argv", ["muster", *arguments])
        self._patch.setattr(sys, "stdin", StringIO())
        with pytest.raises(SystemExit) as end:
            main()
        said = self._capture.readouterr()
        status = end.value.code
        return Answered(status if isinstance(status, int) else 0, said.out, said.err)

    @property
    def files(self) -> list[Path]:
        return sorted(path for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture
def workstation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Workstation:
    return Workstation(tmp_path, monkeypatch, capsys)


COMMANDS = {" ".join(words): command for words, command in leaf_commands().items()}


def test_every_command_is_in_one_list() -> None:
    listed = [*ON_STAGES, *LOCAL_ONLY, *STAGE_ONLY, *WITHOUT_STORE]
    assert sorted(listed) == sorted(COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_with_a_store_checks_which_one(name: str) -> None:
    options = [parameter for parameter in COMMANDS[name].params if parameter.name == "data"]
    checked = [option for option in options if getattr(option.callback, "__wrapped__", None) is checked_store]
    assert len(checked) == (0 if name in WITHOUT_STORE | STAGE_ONLY else 1)


def fill(place: AwsPlace) -> None:
    """Put a class into the stage: a session yesterday with a face to confirm, and an empty group."""
    stores, pack = place.open(), shipped_spec("embedded").id
    for group in ("7b", "8a"):
        stores.groups.add(Group(GroupId(group), group, frozenset()))
    stores.students.add(a_student("s1", name="Ada", groups=["7b"]), a_template("s1", pack=pack), b"photo")
    learn(stores, "s1", "learned")
    now = datetime.now(UTC)
    session = Session(SessionId("monday"), GroupId("7b"), now - timedelta(days=1))
    stores.sessions.create(session, [StudentId("s1")])
    stores.sessions.create(Session(SessionId("long-ago"), GroupId("7b"), now - timedelta(days=400)), [])
    face = IdentifiedFace(
        FaceId(FACE), (10, 10, 40, 40), 0.9, 0.5, Decision.REVIEW, StudentId("s1"), 0.5, None,
        (Candidate(StudentId("s1"), 0.5),),
    )  # fmt: skip
    photo = SessionPhoto(PhotoId(PHOTO), SessionId("monday"), "ab" * 32, 80, 60, (face,), PackId("embedded"), None, now)
    stores.sessions.record_photo(photo, b"original", [])
    seen = Mark(StudentId("s1"), MarkStatus.PRESENT, MarkSource.MANUAL, now)
    for name, after in (("taken", False), ("finished", True)):
        register = Session(SessionId(name), GroupId("7b"), now - timedelta(days=2))
        stores.sessions.create(register, [])
        made = MarkChange(now, UserId("admin"), StudentId("s1"), None, MarkStatus.PRESENT)
        stores.sessions.amend(register.id, 1, marks=[seen], changes=[made])
        if after:
            stores.sessions.amend(register.id, 2, changes=[RegisterChange(now, UserId("admin"), closed=True)])
    planned = PlannedAbsence(
        id="a1", student_id=StudentId("s1"), first_day=now.date(), last_day=now.date(), by=UserId("admin"), at=now
    )
    stores.documents.put(DocumentKind.ABSENCES, "s1", 0, {"absences": [planned.to_json()]})
    guest = Guest(id="g1", name="Gil", by=UserId("admin"), at=now)
    stores.documents.put(DocumentKind.GUESTS, "monday", 0, GuestBook((guest,)).to_json())
    tokens = ApiTokens(stores.documents, Groups(stores.groups, stores.students, stores.sessions))
    tokens.add("school", [Scope.ROSTER_READ], None, UserId("admin"))
    day = {"day": f"{now:%Y-%m-%d}", "starts_at": now.isoformat(), "expires_at": now.isoformat()}
    code = {"name": "Jo", "group_ids": ["7b"], "created_at": now.isoformat(), "created_by": "admin"}
    stores.documents.put(DocumentKind.SUBSTITUTES, "K7P", 0, {**code, **day})
    stores.heads.promote(pack, stores.heads.save(pack, b"head", {}), None)


IN_THE_POOL = {"users list", "users remove"}
"""tests/e2e/test_user_pool.py runs these on a stage."""

WORKING = {
    "students list": (),
    "students register": ("photos", "--consent"),
    "students import": ("roster.csv", "--group", "8a", "--yes"),
    "students change": ("s1", "--name", "Ada Lovelace"),
    "students consent": ("s1", "--consent"),
    "students learned-faces": ("s1",),
    "students forget-faces": ("s1", "--yes"),
    "students withdraw": ("s1", "--yes"),
    "students erase": ("s1", "--yes", "--verify"),
    "oneroster import": ("roster.zip", "--yes"),
    "substitutes list": (),
    "substitutes add": ("Jo Park", "--group", "8a"),
    "substitutes remove": ("K7P", "--yes"),
    "tokens list": (),
    "tokens add": ("office", "--scope", "roster:read"),
    "tokens revoke": ("school", "--yes"),
    "notices list": (),
    "notices preview": (),
    "notices contacts": ("s1", "--address", "mother@example.org"),
    "groups list": (),
    "groups add": ("9c",),
    "groups change": ("8a", "--name", "Eight A"),
    "groups remove": ("8a",),
    "sessions list": (),
    "sessions show": ("monday",),
    "sessions open": ("--group", "7b"),
    "sessions questions": ("monday",),
    "sessions confirm": ("monday", "--all"),
    "sessions name": ("monday", FACE, "s1"),
    "sessions mark": ("monday", "s1=late"),
    "sessions close": ("taken",),
    "sessions reopen": ("finished", "--reason", "Late bus"),
    "absences list": ("s1",),
    "absences add": ("s1", "--from", "2030-09-02"),
    "absences remove": ("s1", "a1"),
    "guests list": ("monday",),
    "guests add": ("monday", "Mia Berg"),
    "guests remove": ("monday", "g1"),
    "codes list": (),
    "codes preset": ("england-2024",),
    "codes change": ("L", "--meaning", "Tardy", "--elsewhere"),
    "lessons list": (),
    "lessons not-taken": ("--by", "9:30"),
    "lessons import": ("lessons.csv", "--yes"),
    "sessions remove-photo": ("monday", PHOTO, "--yes"),
    "sessions remove": ("monday", "--yes"),
    "attendance report": ("--group", "7b"),
    "reports breakdown": ("--group", "7b", "--by", "weekday"),
    "reports absences": (),
    "reports low": (),
    "reports changes": ("--group", "7b"),
    "reports day": (),
    "reports evacuation": (),
    "reports moodle": ("--group", "7b", "--output", "moodle.zip"),
    "reports mapped": ("--group", "7b", "--output", "marks.csv", "--mapping", "mapping.json"),
    "reports sheet": ("--group", "7b", "--output", "sheet.html"),
    "attendance export": ("--group", "7b", "--output", "week.csv"),
    "train": ("--withdraw",),
    "retention": ("--yes",),
}
WITH_A_PACK = {"packs migrate", "packs measure"}
"""Commands that need a built model pack, or many students: tests/e2e/test_migration_on_aws.py and
tests/contract/test_school_statistics.py test their services."""

READING = {name for name in WORKING if name.split()[-1] in ("list", "learned-faces", "show", "questions", "report")}
READING |= {"attendance export", "students register"}  # registered before
READING |= {name for name in WORKING if name.startswith("reports ")} | {"notices preview", "lessons not-taken"}
FILES = {"attendance export": {"week.csv"}, "reports sheet": {"sheet.html"}}
FILES |= {"reports moodle": {"moodle.zip"}, "reports mapped": {"marks.csv"}}
"""Files that commands write."""


@pytest.mark.parametrize("name", sorted(WORKING))
def test_a_command_works_on_the_stage_and_leaves_no_local_store(
    name: str, workstation: Workstation, aws: AwsPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(aws)
    workstation.name_stage(aws)
    monkeypatch.setenv("MUSTER_KEEP_SESSIONS_DAYS", "365")
    monkeypatch.setenv("MUSTER_SUBSTITUTES", "true")
    (workstation.folder / "roster.csv").write_text("student_id,name\ns2,Bea\n")
    (workstation.folder / "lessons.csv").write_text("group,weekday,starts,ends,subject\n7b,Monday,8:00,8:45,Art\n")
    (workstation.folder / "roster.zip").write_bytes(archive(package()))
    (workstation.folder / "mapping.json").write_text('{"columns": [{"title": "id", "field": "student_id"}]}')
    (workstation.folder / "photos").mkdir()
    (workstation.folder / "photos" / "s1.jpg").write_bytes(a_photo("s1"))
    before, files = stored(aws), workstation.files
    with recorded_calls() as made:
        answered = workstation.muster(*name.split(), *WORKING[name], "--json")
    assert answered.status == 0, answered.stderr
    assert answered.document is not None
    assert f"Stage prod: table {aws.table}" in answered.stderr
    assert (stored(aws) == before) == (name in READING), "a change is on the stage"
    written = {path.name for path in set(workstation.files) - set(files)}
    assert written == FILES.get(name, set())
    assert made
    check_policy(made, aws)


def test_the_policy_allows_what_measuring_a_pack_calls(workstation: Workstation, aws: AwsPlace) -> None:
    stores = aws.open()
    for number in range(MIN_STUDENTS):
        student = a_student(f"s{number}")
        stores.students.add(student, a_template(student.id, views=1, pack=shipped_spec("cloud").id), b"photo")
    workstation.name_stage(aws)
    with recorded_calls() as made:
        answered = workstation.muster("packs", "measure", "cloud", "--json")
    assert (answered.status, answered.document["used"]) == (0, True)
    assert "PutObject" in {call.operation for call in made}
    check_policy(made, aws)


def check_policy(made: list[Call], aws: AwsPlace) -> None:
    """Check that the operators' policy allows all calls."""
    names = {"REGION": REGION, "ACCOUNT": ACCOUNT, "TABLE": aws.table, "PHOTOS": aws.photos, "MODELS": aws.models}
    assert refused([need for call in made for need in needs(call, REGION, ACCOUNT)], names) == set()


@contextmanager
def recorded_calls() -> Iterator[list[Call]]:
    """Record the calls to AWS that this process makes."""
    made, make = [], BaseClient._make_api_call  # type: ignore[attr-defined]

    def record(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        made.append(Call(client.meta.service_model.service_name, operation, parameters))
        return make(client, operation, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", record)
        yield made


def test_every_command_for_stages_is_tried() -> None:
    # test_stage_doctor.py has doctor.
    assert WORKING.keys() | IN_THE_POOL | WITH_A_PACK | {"doctor"} == ON_STAGES


@pytest.mark.parametrize("name", sorted(STAGE_ONLY))
def test_a_command_for_stages_refuses_a_local_store(name: str, workstation: Workstation) -> None:
    required = [parameter for parameter in COMMANDS[name].params if parameter.required]
    answered = workstation.muster(*name.split(), *("ada@example.edu" for _ in required), "--json")
    assert (answered.status, answered.document["code"]) == (1, "invalid_request")
    assert workstation.files == []


def stored(place: AwsPlace) -> str:
    dynamodb, _ = place.clients()
    items = list(Table(dynamodb, place.table).scan())
    return json.dumps(sorted(json.dumps(item, sort_keys=True, default=str) for item in items))


@pytest.mark.parametrize("name", sorted(LOCAL_ONLY))
def test_a_local_command_refuses_a_stage(name: str, workstation: Workstation) -> None:
    workstation.name_stage(AwsPlace("http://127.0.0.1:9", "table", "photos", "models"))
    (workstation.folder / "a").touch()
    files = workstation.files
    required = [parameter for parameter in COMMANDS[name].params if parameter.required]
    given = [
        text
        for parameter in required
        for text in ((parameter.opts[-1], "a") if parameter.param_type_name == "option" else ("a",))
    ]
    as_json = [] if name == "serve" else ["--json"]
    answered = workstation.muster(*name.split(), *given, *as_json)
    assert (answered.status, answered.stderr.split(":")[0]) == (1, "local_store_only")
    assert "the stage prod" in answered.stderr
    if as_json:
        assert answered.document["code"] == "local_store_only"
    assert workstation.files == files


@pytest.mark.parametrize("options", [("train",), ("train", "--full"), ("sessions", "name", "last", FACE, "--learn")])
def test_an_option_that_needs_models_refuses_a_stage(options: tuple[str, ...], workstation: Workstation) -> None:
    workstation.name_stage(AwsPlace("http://127.0.0.1:9", "table", "photos", "models"))
    answered = workstation.muster(*options, "--json")
    assert (answered.status, answered.document["code"]) == (1, "local_store_only")
    assert workstation.files == []


@pytest.mark.parametrize("missing", ["MUSTER_STAGE", "MUSTER_TABLE", "MUSTER_PHOTOS_BUCKET", "MUSTER_MODELS_BUCKET"])
@pytest.mark.parametrize("command", ["groups add 7b", "serve"])
def test_half_a_stage_is_refused_with_what_is_missing(missing: str, command: str, workstation: Workstation) -> None:
    workstation.name_stage(AwsPlace("http://127.0.0.1:9", "table", "photos", "models"), **{missing: None})
    answered = workstation.muster(*command.split())
    assert (answered.status, answered.stderr.split(":")[0]) == (1, "invalid_setting")
    assert f"without {missing}:" in answered.stderr
    assert workstation.files == []


def test_a_table_of_another_stage_is_refused(workstation: Workstation) -> None:
    table = "muster-prod-data-TableCD117FA1-1ABCDEF"
    workstation.name_stage(AwsPlace("http://127.0.0.1:9", table, "photos", "models"), MUSTER_STAGE="dev")
    answered = workstation.muster("groups", "list", "--json")
    assert (answered.status, answered.document["code"]) == (1, "invalid_setting")
    assert table in answered.document["detail"]
    assert named_stage(dict.fromkeys(STAGE_VARIABLES, "prod") | {"MUSTER_TABLE": f"{table}-restored"}) == "prod"


@pytest.mark.parametrize("command", ["groups add 7b", "students list", "backup copy"])
def test_a_stage_and_a_folder_at_once_are_refused(command: str, workstation: Workstation) -> None:
    workstation.name_stage(AwsPlace("http://127.0.0.1:9", "table", "photos", "models"))
    answered = workstation.muster(*command.split(), "--data", "elsewhere", "--json")
    assert (answered.status, answered.document["code"]) == (1, "store_ambiguous")
    assert workstation.files == []


def test_empty_variables_name_no_stage(workstation: Workstation) -> None:
    for name in ("MUSTER_STAGE", "MUSTER_TABLE", "MUSTER_PHOTOS_BUCKET", "MUSTER_MODELS_BUCKET"):
        workstation._patch.setenv(name, "")
    assert workstation.muster("groups", "add", "7b", "--json").status == 0
    assert (workstation.data / "muster.sqlite3").exists()


def test_a_wrong_setting_of_a_stage_is_named(workstation: Workstation, monkeypatch: pytest.MonkeyPatch) -> None:
    workstation.name_stage(AwsPlace("http://127.0.0.1:9", "table", "photos", "models"))
    monkeypatch.setenv("MUSTER_KEEP_SESSIONS_DAYS", "soon")
    answered = workstation.muster("retention", "--json")
    assert (answered.status, answered.document["code"]) == (1, "invalid_setting")
    assert "MUSTER_KEEP_SESSIONS_DAYS" in answered.document["detail"]


def test_before_something_is_erased_the_question_names_the_stage(
    workstation: Workstation, aws: AwsPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(aws)
    workstation.name_stage(aws)
    monkeypatch.setenv("MUSTER_KEEP_SESSIONS_DAYS", "30")
    erasing = ("students erase s1", "students withdraw s1", "sessions remove monday", "retention")
    for command in (*erasing, "doctor --exercise"):
        asked = workstation.muster(*command.split())
        assert asked.status == 2
        assert f"the stage prod (table {aws.table})" in asked.stderr.replace("\n", " ")
    assert {student.id for student in aws.open().students.find()} == {"s1"}


def test_a_table_that_does_not_exist_is_not_a_bug_of_muster(workstation: Workstation, aws: AwsPlace) -> None:
    workstation.name_stage(aws, MUSTER_TABLE="elsewhere")
    answered = workstation.muster("groups", "list", "--json")
    assert (answered.status, answered.document["code"]) == (1, "stage_refused")
    assert "MUSTER_TABLE" in answered.document["detail"]


def test_a_workstation_without_a_region_or_credentials_is_told_so(
    workstation: Workstation, aws: AwsPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The SDK's default session keeps region and credentials.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    workstation.name_stage(aws, AWS_DEFAULT_REGION=None)
    answered = workstation.muster("groups", "list", "--json")
    assert (answered.document["code"], "AWS_REGION" in answered.document["detail"]) == ("stage_refused", True)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    workstation.name_stage(aws, AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None, AWS_EC2_METADATA_DISABLED="true")
    answered = workstation.muster("groups", "list", "--json")
    assert (answered.document["code"], "sign in" in answered.document["detail"]) == ("stage_refused", True)


def test_an_interrupted_registration_reports_every_photo(
    workstation: Workstation, aws: AwsPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_: object) -> Iterator[PhotoReport]:
        yield PhotoReport("s1.jpg", StudentId("s1"), PhotoResult.REGISTERED, 0.8)
        raise KeyboardInterrupt

    monkeypatch.setattr(BulkUpload, "run", run)
    workstation.name_stage(aws)
    folder = workstation.folder / "photos"
    folder.mkdir()
    for name in ("s1.jpg", "s2.jpg"):
        (folder / name).touch()
    answered = workstation.muster("students", "register", "photos", "--consent", "--json")
    assert answered.status == 130
    assert {report["photo"]: (report["result"], report["code"]) for report in answered.document} == {
        "s1.jpg": ("registered", None),
        "s2.jpg": ("unanswered", "interrupted"),
    }
    assert (
        "1 registered, 0 registered before, 0 refused, 1 not answered."
        in workstation.muster("students", "register", "photos", "--consent").stdout
    )
