"""Events of AWS Batch in their documented form, and the deadline that the template sets for waiting jobs."""

import json
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


def cancelled_after(templates: StageTemplates, rule: str, event: Event) -> tuple[int, Event]:
    """Return when and with which parameters the workflow behind a rule cancels the job of an event.

    Returns:
        Seconds, and the parameters of CancelJob.
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
    wait = definition["States"][definition["StartAt"]]
    cancel = definition["States"][wait["Next"]]
    assert (wait["Type"], cancel["Type"], cancel["End"]) == ("Wait", "Task", True)
    assert cancel["Resource"] == "arn:{Partition}:states:::aws-sdk:batch:cancelJob"
    parameters = {
        name.removesuffix(".$"): given[path.removeprefix("$.")] for name, path in cancel["Parameters"].items()
    }
    return given[wait["SecondsPath"].removeprefix("$.")], parameters
