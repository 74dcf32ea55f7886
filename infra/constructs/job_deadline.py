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

    A job whose host is taken away waits again, for another attempt, and each wait has a deadline of its own: the
    workflow cancels nothing if the job has had an attempt since it began. It need not ask whether the job has started.

    The workflow costs nothing when idle. A job takes six of the 4,000 transitions that are free each month.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        jobs = names.batch_arn("job", "*")
        wait = stepfunctions.Wait.jsonata(
            self, "Wait", time=stepfunctions.WaitTime.seconds("{% $states.input.seconds %}")
        )
        cancel = tasks.CallAwsService.jsonata(
            self,
            "Cancel",
            service="batch",
            action="cancelJob",
            parameters={"JobId": "{% $states.input.jobId %}", "Reason": "{% $states.input.reason %}"},
            iam_action="batch:CancelJob",
            iam_resources=[jobs],
        )
        _retry(cancel)
        same_wait = stepfunctions.Condition.jsonata("{% $attempts_after = $attempts_before %}")
        decide = (
            stepfunctions.Choice.jsonata(self, "Decide")
            .when(same_wait, cancel)
            .otherwise(stepfunctions.Succeed.jsonata(self, "Started"))
        )
        before, after = self._count("Before", "attempts_before"), self._count("After", "attempts_after")
        self._workflow = stepfunctions.StateMachine(
            self,
            "Workflow",
            definition_body=stepfunctions.DefinitionBody.from_chainable(before.next(wait).next(after).next(decide)),
        )
        accept(self._workflow.role, "AwsSolutions-IAM5[Resource::*]", "DescribeJobs knows no resources.")
        accept(
            self._workflow.role,
            f"AwsSolutions-IAM5[Resource::{reported(jobs)}]",
            "A job's id is made when it is submitted. The rules pass jobs of the stage's queues only.",
        )
        for finding in ("AwsSolutions-SF1", "AwsSolutions-SF2"):
            accept(self._workflow, finding, "A few steps, and Step Functions keeps their history for 90 days.")

    def _count(self, name: str, variable: str) -> tasks.CallAwsService:
        """Return the step that assigns the number of the job's attempts so far to a variable."""
        count = tasks.CallAwsService.jsonata(
            self,
            name,
            service="batch",
            action="describeJobs",
            parameters={"Jobs": ["{% $states.input.jobId %}"]},
            iam_action="batch:DescribeJobs",
            iam_resources=["*"],
            assign={variable: "{% $count($states.result.Jobs[0].Attempts) %}"},
            outputs="{% $states.input %}",
        )
        _retry(count)
        return count

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


def _retry(task: tasks.CallAwsService) -> None:
    task.add_retry(interval=cdk.Duration.seconds(10), max_attempts=6)
