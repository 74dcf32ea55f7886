"""Rehearsals of what a stage does by itself when nobody looks: an alarm that notifies, and a training run."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from muster.domain.finding import Finding
from muster.storage.aws.stage_health import StageResources, alarms_of
from muster.storage.ports import TrainingStore

_ALARM_SECONDS: Final = 60.0
_TRAINING_SECONDS: Final = 30 * 60.0
"""An instance starts in a few minutes; where no GPU comes, the run moves to processors after some more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRehearsal:
    """Rehearses on one stage, with the operator's own permissions.

    Attributes:
        client: makes the client of an AWS service, by its name in boto3.
        clock: seconds that never go back.
        pause: waits for so many seconds.
    """

    stage: str
    resources: StageResources
    client: Callable[[str], Any]
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep

    def alarm(self) -> Iterator[Finding]:
        """Raise one alarm, and see whether its notice was published. The alarm returns to its state by itself."""
        cloudwatch = self.client("cloudwatch")
        alarms = [alarm for alarm in alarms_of(cloudwatch, self.stage) if self.resources.notify(alarm)]
        if not alarms:
            yield Finding("no_alarm", "No alarm of the stage notifies anybody, so no test alarm was sent.")
            return
        # An alarm that is raised already sends nothing.
        name = min(alarms, key=lambda alarm: alarm["StateValue"] == "ALARM")["AlarmName"]
        since = datetime.now(UTC)
        cloudwatch.set_alarm_state(
            AlarmName=name, StateValue="ALARM", StateReason="Test by muster doctor: nothing is wrong."
        )
        end = self.clock() + _ALARM_SECONDS
        while self.clock() < end:
            history = cloudwatch.describe_alarm_history(AlarmName=name, HistoryItemType="Action", StartDate=since)
            for item in history["AlarmHistoryItems"]:
                if "Successfully" not in item["HistorySummary"]:
                    yield Finding("alarm_not_sent", f"The test alarm notified nobody: {item['HistorySummary']}")
                return
            self.pause(3)
        yield Finding("alarm_not_sent", f"The test alarm {name} notified nobody within a minute.")

    def training(self, training: TrainingStore) -> Iterator[Finding]:
        """Ask for one training run, and wait for its end."""
        function = self.resources.outputs.get("RetrainFunction")
        if function is None:
            yield Finding("no_training", "The stage has no function that starts training: deploy the stack api.")
            return
        before = training.state().last_outcome
        event = {"id": f"doctor-{uuid4()}", "source": "aws.s3", "detail-type": "Object Created", "detail": {}}
        answer = self.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
        if "FunctionError" in answer:
            yield Finding("training_not_started", "The function retrain failed: see its log.")
            return
        end = self.clock() + _TRAINING_SECONDS
        while (outcome := training.state().last_outcome) == before:
            if self.clock() >= end:
                yield Finding(
                    "training_late",
                    f"No training run ended within {_TRAINING_SECONDS / 60:.0f} minutes: see the job queue in the "
                    "console of AWS Batch. The usual reason is a quota of instances.",
                )
                return
            self.pause(10)
        if outcome is not None and outcome.get("outcome") == "failed":
            yield Finding("training_failed", f"The training run failed: {outcome.get('reason', '')}")
