"""The function that sends notices of absences exists only in stages that switch them on, and can do nothing else."""

import dataclasses

import pytest

from infra.config import AbsenceNotices
from muster.composition.aws_notices import open_stage_channels
from muster.composition.aws_settings import AwsSettings
from muster.domain.errors import InvalidRequest
from tests.infra.policy import Need, allows
from tests.infra.templates import StageTemplates
from tests.infra.test_permissions import pairs

pytestmark = pytest.mark.cdk
ACCOUNT = "{Region}:{AccountId}"
TABLE = "{Table.Arn}"


def test_a_stage_without_notices_has_nothing_of_them(stage: StageTemplates) -> None:
    for statements in stage.grants.values():
        for statement in statements:
            assert not {action for action in statement.actions if action.startswith(("ses:", "ssm:"))}
    assert not [name for name in stage.resources("AWS::Lambda::Function") if "Notice" in name]
    assert "SendNotices" not in stage.resources("AWS::Events::Rule")
    for function in stage.resources("AWS::Lambda::Function", "api").values():
        assert "MUSTER_NOTICES" not in function["Environment"]["Variables"]


def test_it_runs_every_five_minutes_and_what_fails_is_noticed(chosen: StageTemplates) -> None:
    rule = chosen.resources("AWS::Events::Rule", "api")["SendNotices"]
    (target,) = rule["Targets"]
    assert (rule["ScheduleExpression"], chosen.text(target["Arn"])) == ("cron(0/5 * * * ? *)", "{NoticesLive}")
    assert chosen.text(target["DeadLetterConfig"]["Arn"]) == "{NoticesDeadLetters.Arn}"
    function = chosen.resources("AWS::Lambda::Function", "api")["NoticesFunction"]
    assert function["Timeout"] < 5 * 60, "a run ends before the next one"
    assert chosen.text(function["DeadLetterConfig"]["TargetArn"]) == "{NoticesDeadLetters.Arn}"
    assert chosen.text(function["LoggingConfig"]["LogGroup"]) == "{NoticesLog}"
    assert chosen.resources("AWS::Logs::LogGroup", "api")["NoticesLog"]["RetentionInDays"] == 7
    alarms = chosen.resources("AWS::CloudWatch::Alarm", "monitoring")
    assert {"NoticesErrors", "NoticesThrottles", "NoticesLost"} <= set(alarms)
    assert alarms["NoticesErrors"]["Threshold"] == 1


def test_the_functions_have_the_settings_of_notices(chosen: StageTemplates) -> None:
    for name in ("NoticesFunction", "RosterFunction"):
        variables = chosen.plain(chosen.resources("AWS::Lambda::Function", "api")[name]["Environment"]["Variables"])
        given = {key.removeprefix("MUSTER_").lower(): value for key, value in variables.items()}
        settings = AwsSettings(**{key: value for key, value in given.items() if key in AwsSettings.model_fields})
        channels = open_stage_channels(settings)
        assert channels is not None
        assert (channels.sender, channels.receiver, channels.language) == (
            "school@example.edu",
            "sis.example.edu",
            "de",
        )
        assert channels.office == ("office@example.edu", "head@example.edu")
        assert settings.webhook_parameter == "/muster/dev/webhook"


def test_mail_is_sent_from_the_configured_address_only(chosen: StageTemplates) -> None:
    own = f"arn:{{Partition}}:ses:{ACCOUNT}:identity/school@example.edu"
    for role in ("NoticesRole", "RosterRole"):
        identities = {own, f"arn:{{Partition}}:ses:{ACCOUNT}:identity/example.edu"}
        assert pairs(chosen.grants[role], "ses") == {("ses:SendEmail", identity) for identity in identities}
        for sender, allowed in (("school@example.edu", True), ("head@example.edu", False)):
            need = Need("ses:SendEmail", own, {"ses:FromAddress": [sender]})
            assert allows(chosen.grants[role], need) is allowed
    assert not [role for role in chosen.grants if pairs(chosen.grants[role], "ses")][2:]


def test_only_the_function_of_notices_reads_the_secret_of_the_webhook(chosen: StageTemplates) -> None:
    parameter = f"arn:{{Partition}}:ssm:{ACCOUNT}:parameter/muster/dev/webhook"
    readers = {role: found for role in chosen.grants if (found := pairs(chosen.grants[role], "ssm"))}
    assert readers == {"NoticesRole": {("ssm:GetParameter", parameter)}}


def test_it_changes_notices_only_and_reads_no_photo(chosen: StageTemplates) -> None:
    role = chosen.grants["NoticesRole"]
    assert pairs(role, "s3") == set()
    for kind, allowed in (("notices", True), ("notice-days", True), ("contacts", False), ("codes", False)):
        for action in ("PutItem", "DeleteItem"):
            need = Need(f"dynamodb:{action}", TABLE, {"dynamodb:LeadingKeys": [f"DOCUMENT#{kind}"]})
            assert allows(role, need) is allowed
    assert not allows(role, Need("dynamodb:PutItem", TABLE, {"dynamodb:LeadingKeys": ["SESSION#monday"]}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"mail_from": None, "webhook_url": None},
        {"mail_from": "School <school@example.edu>"},
        {"mail_from": "School@example.edu"},
        {"office": ("a@example.edu\nBcc: b@example.edu",)},
        {"webhook_url": "http://sis.example.edu/"},
        {"webhook_url": "https://user@sis.example.edu/"},
        {"webhook_parameter": ""},
        {"webhook_parameter": "/muster/*"},
    ],
)
def test_a_configuration_that_cannot_work_is_refused(wrong: dict[str, object]) -> None:
    right = AbsenceNotices(
        mail_from="school@example.edu", webhook_url="https://sis.example.edu/", webhook_parameter="/muster/dev/webhook"
    )
    with pytest.raises((ValueError, InvalidRequest)):
        dataclasses.replace(right, **wrong)  # type: ignore[arg-type]
