"""`muster packs migrate` asks before it deletes, and does not switch a stage whose functions run another pack."""

import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import typer
from botocore.exceptions import ClientError

from muster.cli import pack_switch, packs
from muster.cli.pack_switch import check_switch
from muster.domain.errors import ImageTooLarge, PackMismatch
from muster.domain.identifiers import PackId
from muster.services.packs.migration import Migration
from muster.storage.aws.deployed_packs import deployed_packs
from muster.storage.local import open_local
from muster.vision.decode import Photo
from tests.contract.examples import register


@pytest.fixture
def migration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Migration:
    """The migration of two students whose photos cannot be read."""
    stores = open_local(tmp_path)
    register(stores, "s1")
    register(stores, "s2")

    def decode(data: bytes) -> Photo:
        raise ImageTooLarge("The photo takes too long to read.")

    vision: Any = None
    opened = Migration(
        pack=PackId("other"),
        vision=vision,
        students=stores.students,
        staging=stores.staging,
        request_training=stores.training.request,
        decode=decode,
    )
    monkeypatch.setattr(packs, "open_migration", lambda name, data: opened)
    return opened


def answer(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO(text))


def test_students_are_left_out_only_after_a_question_that_names_them(
    migration: Migration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for text in ("", "n\n"):
        answer(monkeypatch, text)
        with pytest.raises((typer.Abort, typer.BadParameter)):
            packs.migrate("other", leave_out=True, data=tmp_path)
        asked = capsys.readouterr().err
        assert f"2 students in the store in {tmp_path}" in asked
        assert "s1, s2" in asked
        assert len(migration.students.templates()) == 2
    answer(monkeypatch, "y\n")
    packs.migrate("other", leave_out=True, data=tmp_path)
    assert migration.students.templates() == []


def test_yes_skips_the_questions(migration: Migration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "")
    packs.migrate("other", leave_out=True, finish=True, yes=True, data=tmp_path)
    assert migration.students.templates() == []


def test_a_student_nobody_was_asked_about_is_not_left_out(migration: Migration) -> None:
    (first, _) = sorted(student.id for student in migration.students.find())
    report = migration.run(lambda step, share: None, leave_out=frozenset([first]))
    assert not report.switched
    assert len(migration.students.templates()) == 2


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TABLE", "PHOTOS_BUCKET", "MODELS_BUCKET"):
        monkeypatch.setenv(f"MUSTER_{name}", name.lower())
    monkeypatch.setenv("MUSTER_STAGE", "prod")


@pytest.mark.usefixtures("stage")
@pytest.mark.parametrize("finish", [True, False])
def test_a_stage_whose_functions_run_another_pack_is_not_switched(
    finish: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack_switch, "deployed_packs", lambda: frozenset(["cloud", "embedded"]))
    with pytest.raises(PackMismatch, match="run the pack embedded"):
        check_switch("cloud", None, finish=finish, yes=True)


@pytest.mark.usefixtures("stage")
@pytest.mark.parametrize(
    ("found", "finish", "asked"),
    [
        (None, False, "could not be checked"),
        (None, True, "could not be checked"),
        (frozenset(["cloud"]), True, "delete the templates of the previous pack"),
        (frozenset(["cloud"]), False, None),
    ],
)
def test_what_was_not_checked_is_in_the_question(
    found: frozenset[str] | None,
    finish: bool,
    asked: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(pack_switch, "deployed_packs", lambda: found)
    answer(monkeypatch, "y\n")
    check_switch("cloud", None, finish=finish, yes=False)
    question = capsys.readouterr().err
    assert question == "" if asked is None else asked in question and "the stage prod (table table)" in question


class Aws:
    """CloudFormation and Lambda of a stage; `packs` has the pack of each function, None where there is no alias."""

    def __init__(self, packs: dict[str, str | None], denied: str = "") -> None:
        self.packs, self.denied = packs, denied

    def describe_stacks(self, StackName: str) -> Any:  # noqa: N803 as boto3 names it
        return {"Stacks": [{"StackStatus": "UPDATE_COMPLETE"}]}

    def get_paginator(self, _: str) -> "Aws":
        return self

    def paginate(self, StackName: str) -> Any:  # noqa: N803 as boto3 names it
        names = self.packs if StackName.endswith("-api") else ()
        kind = "AWS::Lambda::Function"
        found = [{"PhysicalResourceId": name, "LogicalResourceId": name, "ResourceType": kind} for name in names]
        return [{"StackResourceSummaries": found}]

    def get_function_configuration(self, FunctionName: str, Qualifier: str) -> Any:  # noqa: N803 as boto3 names it
        assert Qualifier == "live"
        if self.denied:
            raise ClientError({"Error": {"Code": self.denied, "Message": ""}}, "GetFunctionConfiguration")
        pack = self.packs[FunctionName]
        if pack is None:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": ""}}, "GetFunction")
        return {"Environment": {"Variables": {"MUSTER_PACK": pack}}}


@pytest.mark.parametrize(
    ("aws", "packs"),
    [
        (Aws({"register": "cloud", "detect": "cloud", "deployment": None}), {"cloud"}),
        (Aws({"register": "cloud", "detect": "embedded"}), {"cloud", "embedded"}),
        (Aws({"register": "cloud"}, "AccessDeniedException"), None),
        (Aws({}), None),
    ],
)
def test_the_packs_are_those_of_the_versions_that_answer(aws: Aws, packs: set[str] | None) -> None:
    assert deployed_packs(lambda _: aws, "prod") == packs
