"""Training jobs on AWS Batch."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient

_NAME: Final = "muster-train-"


def run_of_job(name: str) -> str | None:
    """Return the run whose job has this name, or None if the job is not a training job."""
    return name.removeprefix(_NAME) if name.startswith(_NAME) and name != _NAME else None


class BatchJobs:
    """`Jobs` on one queue of AWS Batch.

    The job's name, which its events contain, and its environment hold the run's id.
    """

    def __init__(self, client: "BatchClient", queue: str, definition: str) -> None:
        self._client = client
        self._queue = queue
        self._definition = definition

    def submit(self, run_id: str) -> None:
        """Start the job of one run; see `Jobs.submit`."""
        self._client.submit_job(
            jobName=f"{_NAME}{run_id}",
            jobQueue=self._queue,
            jobDefinition=self._definition,
            containerOverrides={"environment": [{"name": "MUSTER_RUN_ID", "value": run_id}]},
        )
