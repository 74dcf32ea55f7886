"""`muster users` against a user pool: invitations, roles, classes, refusals, and work that is interrupted."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from typer.testing import CliRunner

from muster.cli.app import app
from muster.cli.backend import STAGE_VARIABLES
from muster.composition.aws import open_access, open_records
from muster.composition.aws_settings import AwsSettings
from muster.domain.errors import (
    GroupNotFound,
    InvalidRequest,
    InvalidSetting,
    InvitationAccepted,
    InvitationNotSent,
    LastAdmin,
    LocalStoreOnly,
    MusterError,
    NotAllowed,
    SingleSignOnAccount,
    UserAmbiguous,
    UserExists,
    UserNotFound,
    UserPoolDenied,
    UserPoolNotConfigured,
    UserPoolUnavailable,
)
from muster.domain.identifiers import GroupId, UserId
from muster.domain.user import Person
from muster.services.roster.groups import Groups
from muster.services.roster.people import Directory, SignedIn
from muster.storage.aws.people import AwsPeople
from muster.storage.aws.table import Table
from tests.contract.places import AwsPlace
from tests.simulated_aws import simulated_aws
from tests.simulated_user_pool import (
    CONNECTION,
    UserPoolCalls,
    accept_invitation,
    federated_user,
    new_pool,
)

pytestmark = pytest.mark.aws

ADA = "ada@example.edu"


@dataclass
class Stage:
    """One stage, and the command line pointed at it."""

    calls: UserPoolCalls
    pool_id: str

    def run(self, *arguments: str) -> Any:
        """Run `muster users` and return its document; an error of Muster is raised unchanged."""
        result = CliRunner().invoke(app, ["users", *arguments, "--json"], catch_exceptions=False, standalone_mode=True)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def accounts(self) -> dict[str, dict[str, Any]]:
        return {account["email"]: account for account in self.run("list")}

    def add_group(self, name: str) -> None:
        settings = AwsSettings.read()
        open_records(settings, open_access(settings)).groups.create(GroupId(name), name)

    def teachers(self, name: str) -> set[str]:
        settings = AwsSettings.read()
        return set(open_records(settings, open_access(settings)).groups.get(GroupId(name)).teachers)


@pytest.fixture(scope="module")
def account() -> Iterator[tuple[UserPoolCalls, AwsPlace]]:
    calls = UserPoolCalls()
    with simulated_aws(calls.around) as endpoint:
        yield calls, AwsPlace.new(endpoint)


@pytest.fixture
def stage(account: tuple[UserPoolCalls, AwsPlace], monkeypatch: pytest.MonkeyPatch) -> Stage:
    """An empty stage with the group 7b."""
    calls, place = account
    # The waits between attempts.
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    calls.before, calls.after = (lambda operation: None), (lambda operation: False)
    table = Table(place.clients()[0], place.table)
    table.delete_many([(item["pk"], item["sk"]) for item in table.scan()])
    pool_id = new_pool(place.endpoint)
    for name, value in {
        **CONNECTION,
        "AWS_ENDPOINT_URL": place.endpoint,
        "MUSTER_STAGE": "dev",
        "MUSTER_TABLE": place.table,
        "MUSTER_PHOTOS_BUCKET": place.photos,
        "MUSTER_MODELS_BUCKET": place.models,
        "MUSTER_USER_POOL_ID": pool_id,
    }.items():
        monkeypatch.setenv(name, value)
    stage = Stage(calls, pool_id)
    stage.add_group("7b")
    calls.made.clear()
    return stage


def test_a_teacher_is_invited_with_role_and_classes_by_address(stage: Stage) -> None:
    made = stage.run("invite", "Ada@Example.edu", "--name", "Ada Lovelace", "--group", "7b")

    assert {key: made[key] for key in ("email", "name", "role", "state", "group_ids", "invited")} == {
        "email": ADA,
        "name": "Ada Lovelace",
        "role": "teacher",
        "state": "invited",
        "group_ids": ["7b"],
        "invited": True,
    }
    assert stage.teachers("7b") == {made["user_id"]}
    assert stage.accounts() == {ADA: {key: value for key, value in made.items() if key != "invited"}}
    (invitation,) = [parameters for operation, parameters in stage.calls.made if operation == "AdminCreateUser"]
    assert {"Name": "email_verified", "Value": "true"} in invitation["UserAttributes"]


def test_an_invitation_that_is_repeated_sends_no_second_mail(stage: Stage) -> None:
    first = stage.run("invite", ADA, "--group", "7b")
    again = stage.run("invite", ADA, "--group", "7b")
    accept_invitation(stage.pool_id, ADA)
    later = stage.run("invite", ADA, "--group", "7b")

    assert [answer["invited"] for answer in (first, again, later)] == [True, False, False]
    assert stage.calls.operations().count("AdminCreateUser") == 1
    with pytest.raises(UserExists, match="muster users change"):
        stage.run("invite", ADA, "--role", "admin")


@pytest.mark.parametrize("operation", ["AdminCreateUser", "AdminAddUserToGroup"])
def test_an_interrupted_invitation_is_completed_by_the_next(stage: Stage, operation: str) -> None:
    """The command is killed once the call was carried out."""

    def killed(made: str) -> bool:
        if made == operation:
            stage.calls.after = lambda _: False
            stage.calls.before = lambda _: "InternalErrorException"
        return False

    stage.calls.after = killed
    with pytest.raises(UserPoolUnavailable):
        stage.run("invite", ADA, "--role", "admin", "--group", "7b")
    stage.calls.before = lambda _: None

    made = stage.run("invite", ADA, "--role", "admin", "--group", "7b")
    assert (made["role"], made["group_ids"], made["invited"]) == ("admin", ["7b"], False)
    assert stage.calls.operations().count("AdminCreateUser") == 1


def test_an_invitation_whose_answer_was_lost_is_not_refused(stage: Stage) -> None:
    lost = iter([True])
    stage.calls.after = lambda operation: operation == "AdminCreateUser" and next(lost, False)

    made = stage.run("invite", ADA, "--group", "7b")
    assert (made["role"], made["group_ids"]) == ("teacher", ["7b"])
    assert len(stage.accounts()) == 1


def test_an_unknown_group_invites_nobody(stage: Stage) -> None:
    with pytest.raises(GroupNotFound, match="--create-group"):
        stage.run("invite", ADA, "--group", "8a")
    assert stage.accounts() == {}
    assert stage.run("invite", ADA, "--group", "8a", "--create-group")["group_ids"] == ["8a"]


@pytest.mark.parametrize(
    "address", ["ada", "ada@example", 'ada"@example.edu', "a b@example.edu", "x" * 120 + "@example.edu"]
)
def test_what_is_no_address_is_refused(stage: Stage, address: str) -> None:
    with pytest.raises(InvalidRequest):
        stage.run("invite", address)
    assert stage.calls.made == []


def test_role_name_and_classes_change(stage: Stage) -> None:
    stage.add_group("8a")
    before = stage.run("invite", ADA, "--group", "7b")
    changed = stage.run("change", ADA, "--role", "admin", "--name", "Ada", "--join", "8a", "--leave", "7b")

    assert (changed["role"], changed["name"], changed["group_ids"]) == ("admin", "Ada", ["8a"])
    assert stage.teachers("7b") == set()
    # The sessions of the old role end with it.
    assert stage.calls.operations()[-1] == "AdminUpdateUserAttributes"
    assert "AdminUserGlobalSignOut" in stage.calls.operations()
    made = len(stage.calls.made)
    assert stage.run("change", before["user_id"], "--role", "admin", "--join", "8a") == changed
    assert not {"AdminAddUserToGroup", "AdminUserGlobalSignOut"} & set(stage.calls.operations()[made:])
    with pytest.raises(GroupNotFound):
        stage.run("change", ADA, "--role", "teacher", "--join", "9c")
    assert stage.accounts()[ADA]["role"] == "admin"


def test_a_disabled_teacher_is_signed_out_and_can_come_back(stage: Stage) -> None:
    stage.run("invite", ADA, "--group", "7b")
    accept_invitation(stage.pool_id, ADA)

    assert stage.run("disable", ADA)["state"] == "disabled"
    assert stage.calls.operations()[-2:] == ["AdminDisableUser", "AdminUserGlobalSignOut"]
    assert stage.run("disable", ADA)["state"] == stage.accounts()[ADA]["state"] == "disabled"
    assert stage.run("enable", ADA)["state"] == "active"
    assert stage.accounts()[ADA]["group_ids"] == ["7b"]


def test_an_invitation_is_sent_again_until_it_is_accepted(stage: Stage) -> None:
    stage.run("invite", ADA)
    stage.run("resend", ADA)
    assert stage.calls.made[-1][1]["MessageAction"] == "RESEND"
    accept_invitation(stage.pool_id, ADA)
    with pytest.raises(InvitationAccepted):
        stage.run("resend", ADA)
    with pytest.raises(UserNotFound):
        stage.run("resend", "bob@example.edu")


def test_a_lost_authenticator_is_removed_and_every_session_ended(stage: Stage) -> None:
    stage.run("invite", ADA)
    accept_invitation(stage.pool_id, ADA)
    stage.run("reset-authenticator", ADA, "--yes")
    assert stage.calls.operations()[-2:] == ["AdminDeleteSoftwareToken", "AdminUserGlobalSignOut"]

    stage.calls.before = lambda made: "SoftwareTokenMFANotFoundException" if "SoftwareToken" in made else None
    assert stage.run("reset-authenticator", ADA, "--yes")["email"] == ADA


def test_the_last_admin_stays(stage: Stage) -> None:
    stage.run("invite", ADA, "--role", "admin")
    for command in (["disable"], ["remove", "--yes"], ["change", "--role", "teacher"]):
        with pytest.raises(LastAdmin):
            stage.run(command[0], ADA, *command[1:])
    stage.run("invite", "bob@example.edu", "--role", "admin")
    stage.run("disable", "bob@example.edu")
    with pytest.raises(LastAdmin):
        stage.run("disable", ADA)
    stage.run("enable", "bob@example.edu")
    assert stage.run("change", ADA, "--role", "teacher")["role"] == "teacher"
    assert stage.run("disable", "bob@example.edu", "--last-admin")["state"] == "disabled"


def test_who_is_removed_leaves_no_class_and_no_name(stage: Stage) -> None:
    made = stage.run("invite", ADA, "--name", "Ada", "--group", "7b")
    # The answer arrives, and the process is killed: what is left is removed by the same command.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AwsPeople, "remove", _killed)
        with pytest.raises(RuntimeError):
            stage.run("remove", ADA, "--yes")
    assert stage.run("remove", ADA, "--yes") == {"removed": ADA}
    assert stage.teachers("7b") == set()
    settings = AwsSettings.read()
    assert open_access(settings).stores.people.get(made["user_id"]) is None
    with pytest.raises(UserNotFound):
        stage.run("remove", ADA, "--yes")


def test_a_token_that_outlives_its_account_brings_nothing_back(stage: Stage) -> None:
    made = stage.run("invite", ADA, "--name", "Ada", "--group", "7b")
    people = open_access(AwsSettings.read()).stores.people
    token = SignedIn(user_id=UserId(made["user_id"]), email=ADA, email_proven=True, name="Ada")
    assert _directory().sign_in(token).name == "Ada"

    stage.run("remove", ADA, "--yes")
    stage.run("invite", ADA, "--single-sign-on", "--group", "7b")

    with pytest.raises(NotAllowed, match="removed"):
        _directory().sign_in(token)
    # A request that read the store before the removal writes after it.
    people.put(Person(token.user_id, ADA, "Ada"))
    assert people.find() == []
    assert stage.teachers("7b") == set()
    successor = SignedIn(user_id=UserId("successor"), email=ADA, email_proven=True, name="Ada B.")
    _directory().sign_in(successor)
    assert stage.teachers("7b") == {"successor"}
    assert _directory().teachers([ADA]) == ["successor"]


def _directory() -> Directory:
    """The directory of a process that has seen no caller yet."""
    stores = open_access(AwsSettings.read()).stores
    return Directory(stores.people, Groups(stores.groups, stores.students, stores.sessions))


def _killed(*_: object) -> None:
    raise RuntimeError("killed")


def test_a_large_school_is_listed_page_by_page(stage: Stage) -> None:
    for number in range(130):
        federated_user(stage.pool_id, f"t{number:03}@example.edu", f"T {number}")
    stage.run("invite", ADA, "--role", "admin")
    stage.calls.made.clear()

    found = stage.accounts()
    assert len(found) == 131
    assert found[ADA]["role"] == "admin"
    assert stage.calls.operations().count("ListUsers") == 3


def test_throttled_calls_are_repeated(stage: Stage) -> None:
    refusals = iter(["TooManyRequestsException"] * 3)
    stage.calls.before = lambda operation: next(refusals, None)
    assert stage.run("invite", ADA, "--group", "7b")["role"] == "teacher"
    stage.calls.before = lambda operation: "TooManyRequestsException"
    with pytest.raises(UserPoolUnavailable):
        stage.run("list")


@pytest.mark.parametrize(
    ("refused", "code", "error", "match"),
    [
        ("AdminCreateUser", "AccessDeniedException", UserPoolDenied, "cognito-idp:AdminCreateUser"),
        ("ListUsers", "ExpiredTokenException", UserPoolDenied, "cognito-idp:ListUsers"),
        ("ListUsers", "ResourceNotFoundException", UserPoolNotConfigured, "MUSTER_USER_POOL_ID"),
        ("AdminCreateUser", "LimitExceededException", InvitationNotSent, "50 mails"),
        ("AdminCreateUser", "CodeDeliveryFailureException", InvitationNotSent, "muster users resend"),
    ],
)
def test_a_refusal_says_what_to_do(stage: Stage, refused: str, code: str, error: type[MusterError], match: str) -> None:
    stage.calls.before = lambda operation: code if operation == refused else None
    with pytest.raises(error, match=match):
        stage.run("invite", ADA)


def test_without_a_pool_or_a_stage_the_commands_refuse(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LocalStoreOnly, match="muster users invite"):
        stage.run("add", "ada")
    with pytest.raises(LocalStoreOnly, match="sign in with their accounts"):
        stage.run("token", "ada")
    monkeypatch.delenv("MUSTER_USER_POOL_ID")
    with pytest.raises(UserPoolNotConfigured, match="UserPoolId"):
        stage.run("list")
    monkeypatch.delenv("MUSTER_TABLE")
    with pytest.raises(InvalidSetting, match="MUSTER_TABLE"):
        stage.run("invite", ADA)
    for variable in STAGE_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(InvalidRequest, match="muster users add"):
        stage.run("invite", ADA)


def test_who_comes_by_the_schools_sign_in_has_no_password_here(stage: Stage) -> None:
    federated_user(stage.pool_id, "Bob@Example.edu", "Bob")
    found = stage.accounts()["bob@example.edu"]
    assert (found["role"], found["single_sign_on"], found["state"]) == (None, True, "active")
    assert stage.run("change", "bob@example.edu", "--role", "teacher", "--join", "7b")["group_ids"] == ["7b"]
    with pytest.raises(UserExists, match="own sign-in"):
        stage.run("invite", "bob@example.edu")
    for command in (["resend"], ["reset-authenticator", "--yes"], ["change", "--name", "Robert"]):
        with pytest.raises(SingleSignOnAccount):
            stage.run(command[0], "bob@example.edu", *command[1:])


def test_of_two_accounts_with_one_address_one_is_named_by_id(stage: Stage) -> None:
    stage.run("invite", ADA)
    other = federated_user(stage.pool_id, ADA, "Ada")
    with pytest.raises(UserAmbiguous, match=other):
        stage.run("change", ADA, "--join", "7b")
    assert stage.run("change", other, "--join", "7b")["user_id"] == other


def test_groups_wait_for_who_has_not_come_yet(stage: Stage) -> None:
    waiting = stage.run("invite", "Dan@Example.edu", "--single-sign-on", "--group", "7b")
    stage.run("invite", "dan@example.edu", "--single-sign-on", "--group", "8a", "--create-group")
    assert stage.calls.operations().count("AdminCreateUser") == 0
    listed = stage.accounts()["dan@example.edu"]
    assert (waiting["group_ids"], listed["group_ids"], listed["state"]) == (["7b"], ["7b", "8a"], "expected")
    with pytest.raises(InvalidRequest, match="--group"):
        stage.run("invite", "eve@example.edu", "--single-sign-on")
    assert stage.run("remove", "dan@example.edu", "--yes") == {"removed": "dan@example.edu"}
    assert stage.accounts() == {}


def test_groups_are_given_to_teachers_by_address_and_show_their_names(stage: Stage) -> None:
    ada = stage.run("invite", ADA, "--name", "Ada Lovelace")
    result = CliRunner().invoke(app, ["groups", "change", "7b", "--teacher", ADA, "--json"], catch_exceptions=False)
    group = json.loads(result.stdout)
    assert group["teachers"] == [ada["user_id"]]
    assert group["teacher_names"] == {ada["user_id"]: "Ada Lovelace"}
    assert "Ada Lovelace" in CliRunner().invoke(app, ["groups", "list"], catch_exceptions=False).stdout
    with pytest.raises(UserNotFound):
        CliRunner().invoke(app, ["groups", "add", "9c", "--teacher", "bob@example.edu"], catch_exceptions=False)
