"""Deadline for jobs that wait for a machine."""

import aws_cdk as cdk
from aws_cdk import aws_batch as batch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_stepfunctions as stepfunctions
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra import names
from infra.nag import accept, reported


class JobDeadline(Construct):
    """Cancels jobs that have waited too long for a machine; they end as failed.

    Batch can do this itself (`jobStateTimeLimitActions`), but only for causes that it recognises. It takes no action if
    the cause is undetermined (AWS Batch User Guide, "Jobs stuck in a RUNNABLE status"), and names none for a quota of
    zero. `CancelJob` has no effect on a job that has started.

    The workflow costs nothing when idle. A job takes three of the 4,000 transitions that are free each month.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        jobs = names.batch_arn("job", "*")
        wait = stepfunctions.Wait(self, "Wait", time=stepfunctions.WaitTime.seconds_path("$.seconds"))
        cancel = tasks.CallAwsService(
            self,
            "Cancel",
            service="batch",
            action="cancelJob",
            parameters={
                "JobId": stepfunctions.JsonPath.string_at("$.jobId"),
                "Reason": stepfunctions.JsonPath.string_at("$.reason"),
            },
            iam_action="batch:CancelJob",
            iam_resources=[jobs],
        )
        cancel.add_retry(interval=cdk.Duration.seconds(10), max_attempts=6)
        self._workflow = stepfunctions.StateMachine(
            self, "Workflow", definition_body=stepfunctions.DefinitionBody.from_chainable(wait.next(cancel))
        )
        accept(
            self._workflow.role,
            f"AwsSolutions-IAM5[Resource::{reported(jobs)}]",
            "A job's id is made when it is submitted. The rules pass jobs of the stage's queues only.",
        )
        for finding in ("AwsSolutions-SF1", "AwsSolutions-SF2"):
            accept(self._workflow, finding, "Two steps, and Step Functions keeps their history for 90 days.")

    def watch(self, construct_id: str, queue: batch.IJobQueue, minutes: int, reason: str) -> None:
        """Cancel jobs of a queue that have waited for this long.

        Args:
            reason: Batch gives it as the reason of the failure.
        """
        events.Rule(
            self,
            construct_id,
            event_pattern=events.EventPattern(
                source=["aws.batch"],
                detail_type=["Batch Job State Change"],
                detail={"jobQueue": [queue.job_queue_arn], "status": ["RUNNABLE"]},
            ),
            targets=[
                targets.SfnStateMachine(
                    self._workflow,
                    input=events.RuleTargetInput.from_object(
                        {
                            "jobId": events.EventField.from_path("$.detail.jobId"),
                            "seconds": 60 * minutes,
                            "reason": reason,
                        }
                    ),
                )
            ],
        )
