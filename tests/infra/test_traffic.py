"""New versions of the functions take over their traffic gradually, and give it back if they fail."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.app import build
from infra.config import DEV, FirstLesson
from tests.infra.templates import Json, StageTemplates, short

SERVING = ("Register", "Detect", "Roster")


def referenced(value: Any) -> set[str]:
    """Return the logical ids that a part of a template refers to."""
    match value:
        case {"Ref": str(name)}:
            return {name}
        case {"Fn::GetAtt": [str(name), *_]}:
            return {name}
        case dict():
            return set().union(*map(referenced, value.values()))
        case list():
            return set().union(*map(referenced, value))
        case _:
            return set()


def test_every_caller_invokes_the_alias_and_none_a_version_or_the_function_itself(stage: StageTemplates) -> None:
    api = stage.stacks["api"]["Resources"].values()
    callers = [
        *(
            resource["Properties"]["IntegrationUri"]
            for resource in api
            if resource["Type"] == "AWS::ApiGatewayV2::Integration"
        ),
        *(
            resource["Properties"]["FunctionName"]
            for resource in api
            if resource["Type"] == "AWS::Lambda::EventSourceMapping"
        ),
        *(resource["Properties"]["FunctionName"] for resource in api if resource["Type"] == "AWS::Lambda::Permission"),
        *(
            target["Arn"]
            for resource in api
            if resource["Type"] == "AWS::Events::Rule"
            for target in resource["Properties"]["Targets"]
            if "Queue" not in str(target["Arn"])
        ),
    ]

    assert len(callers) > 20
    for caller in callers:
        assert {short(name) for name in referenced(caller)} <= {
            f"{name}Live" for name in (*SERVING, "Retrain", "Sweep")
        }
        assert referenced(caller)


def test_no_stack_shares_a_version_which_changes_with_each_deployment(stage: StageTemplates) -> None:
    for template in stage.stacks.values():
        versions = {
            name for name, resource in template["Resources"].items() if resource["Type"] == "AWS::Lambda::Version"
        }
        exported = [output for output in template.get("Outputs", {}).values() if "Export" in output]
        assert not referenced(exported) & versions


def test_a_version_that_fails_is_rolled_back_and_a_broken_live_one_cannot_stop_its_repair(
    stage: StageTemplates,
) -> None:
    groups = stage.resources("AWS::CodeDeploy::DeploymentGroup")
    alarms = stage.resources("AWS::CloudWatch::Alarm", "api")
    aliases = stage.whole("AWS::Lambda::Alias")
    wanted = {"prod": "CodeDeployDefault.LambdaCanary10Percent5Minutes", "dev": "CodeDeployDefault.LambdaAllAtOnce"}
    for name in SERVING:
        group = groups[f"Traffic{name}Group"]
        (watched,) = group["AlarmConfiguration"]["Alarms"]
        alarm = alarms[f"Traffic{name}Fails"]
        metrics = [query["MetricStat"]["Metric"] for query in alarm["Metrics"] if "MetricStat" in query]
        dimensions, same = (
            {dimension["Name"]: stage.text(dimension["Value"]) for dimension in metric["Dimensions"]}
            for metric in metrics
        )

        assert dimensions == same
        assert {metric["MetricName"] for metric in metrics} == {"Errors", "Invocations"}
        assert group["DeploymentConfigName"] == wanted[stage.stage]
        assert set(group["AutoRollbackConfiguration"]["Events"]) >= {"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"}
        assert stage.text(watched["Name"]) == f"{{Traffic{name}Fails}}"
        assert dimensions["FunctionName"] == f"{{{name}Function}}"
        assert dimensions["Resource"] == f"{{{name}Function}}:live"
        assert "CurrentVersion" in dimensions["ExecutedVersion"]
        shift = aliases[f"{name}Live"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        assert stage.text(shift["DeploymentGroupName"]) == f"{{Traffic{name}Group}}"


@pytest.mark.parametrize(
    ("errors", "invocations", "rolled_back"),
    [
        (0, 40, False),
        (1, 1, False),
        (2, 2, False),  # a photo that fails whenever it is retried, and a timeout
        (3, 3, True),
        (3, 60, False),
        (3, 59, True),
        (40, 2000, False),
        (101, 2000, True),
    ],
)
def test_a_version_is_rolled_back_for_a_share_of_errors_and_not_for_one_timeout(
    stage: StageTemplates, errors: int, invocations: int, rolled_back: bool
) -> None:
    for name in SERVING:
        alarm = stage.resources("AWS::CloudWatch::Alarm", "api")[f"Traffic{name}Fails"]
        (expression,) = (query["Expression"] for query in alarm["Metrics"] if "Expression" in query)
        counts = {query["Id"]: query["MetricStat"] for query in alarm["Metrics"] if "MetricStat" in query}
        values = {"errors": errors, "invocations": invocations, "IF": lambda test, yes, no: yes if test else no}

        assert {count["Stat"] for count in counts.values()} == {"Sum"}
        assert {count["Period"] for count in counts.values()} == {300}
        assert (alarm["ComparisonOperator"], alarm["EvaluationPeriods"]) == ("GreaterThanThreshold", 1)
        assert alarm["TreatMissingData"] == "notBreaching"
        assert (eval(expression, values) > alarm["Threshold"]) is rolled_back  # noqa: S307  our own template


def test_no_resource_waits_for_itself(stage: StageTemplates) -> None:
    """CloudFormation refuses a circle, and counts the references of an update policy; cfn-lint does not."""
    for template in stage.stacks.values():
        resources: dict[str, Json] = template["Resources"]
        needs = {
            name: (referenced(resource) | set(resource.get("DependsOn", []))) & set(resources) - {name}
            for name, resource in resources.items()
        }
        while free := {name for name, needed in needs.items() if not needed}:
            needs = {name: needed - free for name, needed in needs.items() if name not in free}
        assert needs == {}


@pytest.mark.cdk
def test_instances_wait_for_the_first_lesson_of_a_school_day_only(
    tmp_path: Path, without_docker_or_account: None
) -> None:
    lesson = FirstLesson(instances=5, start="07:30", end="09:00")
    build(tmp_path, [replace(DEV, first_lesson=lesson, time_zone="Europe/Berlin")]).synth()
    stage = StageTemplates.load(tmp_path, "dev")
    targets = stage.resources("AWS::ApplicationAutoScaling::ScalableTarget")

    assert len(targets) == 2
    for target in targets.values():
        assert (target["MinCapacity"], target["MaxCapacity"]) == (0, 5)
        assert target["ScalableDimension"] == "lambda:function:ProvisionedConcurrency"
        assert stage.text(target["ResourceId"]).endswith(":live")
        actions = {
            action["Schedule"]: (action["ScalableTargetAction"], action["Timezone"])
            for action in target["ScheduledActions"]
        }
        assert actions == {
            "cron(30 7 ? * MON-FRI *)": ({"MinCapacity": 5, "MaxCapacity": 5}, "Europe/Berlin"),
            "cron(0 9 ? * MON-FRI *)": ({"MinCapacity": 0, "MaxCapacity": 0}, "Europe/Berlin"),
        }
