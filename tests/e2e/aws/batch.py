"""Events of AWS Batch in their documented form, and the deadline that the template sets for waiting jobs."""

import json
import re
import time
from typing import Any

from tests.infra.templates import StageTemplates

Event = dict[str, Any]

_RUNNABLE = "RUNNABLE"


def job_detail(job: Event, queue: str, status: str, reason: str) -> Event:
    """Return the detail of an event of a job.

    The fields are those of "Job state change events" and "Job queue blocked events" (AWS Batch User Guide). A job that
    did not start has no attempt and no `startedAt`.
    """
    milliseconds = int(1000 * time.time())
    started = status != _RUNNABLE and not reason.startswith("No ")
    attempts = [{"startedAt": milliseconds, "statusReason": reason, "container": {}}] if started else []
    return {
        "jobArn": job["jobArn"],
        "jobName": job["jobName"],
        "jobId": job["jobId"],
        "jobQueue": queue,
        "status": status,
        **({"statusReason": reason} if reason else {}),
        "attempts": attempts,
        "createdAt": milliseconds,
        **({"startedAt": milliseconds} if started else {}),
        "retryStrategy": {"attempts": 4, "evaluateOnExit": []},
        "dependsOn": [],
        "jobDefinition": f"{job['jobDefinition']}:1",
        "parameters": {},
        "container": {"environment": job["container"]["environment"], "resourceRequirements": []},
        "propagateTags": True,
    }


def cancelled_after(
    templates: StageTemplates, rule: str, event: Event, *, attempts: tuple[int, int] = (0, 0)
) -> tuple[int, Event | None]:
    """Return when and with which parameters the workflow behind a rule cancels the job of an event.

    Args:
        attempts: number of the job's attempts when it begins to wait, and at the deadline.

    Returns:
        Seconds, and the parameters of CancelJob; None if it is not called.
    """
    (target,) = templates.resources("AWS::Events::Rule")[rule]["Targets"]
    transformer = target["InputTransformer"]
    text = transformer["InputTemplate"]
    for name, path in transformer["InputPathsMap"].items():
        assert path.startswith("$.detail.")
        text = text.replace(f"<{name}>", json.dumps(event["detail"][path.removeprefix("$.detail.")]))
    given = json.loads(text)
    (workflow,) = templates.resources("AWS::StepFunctions::StateMachine").values()
    definition = json.loads(templates.text(workflow["DefinitionString"]))
    described, seconds = iter(attempts), 0
    variables: dict[str, int] = {}
    state = definition["States"][definition["StartAt"]]
    while True:
        assert state["QueryLanguage"] == "JSONata"
        following = state.get("Next")
        match state["Type"], state.get("Resource", "").rpartition(":")[2]:
            case "Wait", _:
                seconds += given[_field(state["Seconds"])]
            case "Task", "describeJobs":
                assert [given[_field(job)] for job in state["Arguments"]["Jobs"]] == [event["detail"]["jobId"]]
                assert state["Output"] == "{% $states.input %}"
                ((name, value),) = state["Assign"].items()
                assert value == "{% $count($states.result.Jobs[0].Attempts) %}"
                variables[name] = next(described)
            case "Choice", _:
                (choice,) = state["Choices"]
                compared = re.fullmatch(r"{% \$(\w+) = \$(\w+) %}", choice["Condition"])
                assert compared is not None
                left, right = compared.groups()
                following = choice["Next"] if variables[left] == variables[right] else state["Default"]
            case "Task", "cancelJob":
                assert state["End"]
                return seconds, {name: given[_field(value)] for name, value in state["Arguments"].items()}
            case "Succeed", _:
                return seconds, None
            case unknown:
                raise AssertionError(f"a state that this reading does not know: {unknown}")
        state = definition["States"][following]


def _field(expression: str) -> str:
    """Return the name of the field of the input that a JSONata expression of the template names."""
    return expression.removeprefix("{% $states.input.").removesuffix(" %}")
