"""Training jobs on AWS Batch."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient

_NAME: Final = "muster-train-"


def run_of_job(name: str) -> str | None:
    """Return the run whose job has this name, or None where the job is not one of ours."""
    return name.removeprefix(_NAME) if name.startswith(_NAME) and name != _NAME else None


class BatchJobs:
    """`Jobs` on AWS Batch: the run's id is in the job's name, which its events carry, and in its environment."""

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
