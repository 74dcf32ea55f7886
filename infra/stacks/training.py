"""Training stack: the Batch queue, the job and its permissions."""

from pathlib import Path
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_batch as batch
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra import grants, names, permissions
from infra.config import StageConfig, Training
from infra.constructs.job_deadline import JobDeadline
from infra.constructs.log_group import ServiceLog
from infra.constructs.training_queue import TrainingQueue
from infra.nag import accept

DOCKERFILE: Final = "containers/training/Dockerfile"
VCPUS: Final = 3
MEMORY: Final = cdk.Size.gibibytes(13)
"""Available on an instance of 4 vCPU and 16 GiB, such as a g4dn.xlarge, beside the ECS agent and the system."""


_GPU_MINUTES: Final = 10
"""An instance starts in three to five minutes. A run takes as long on processors, so nothing is gained by waiting."""

_PROCESSOR_MINUTES: Final = 60
"""The last resort may wait longer. After that the run fails, which raises the alarm."""


class TrainingStack(cdk.Stack):
    """Batch on GPU instances or, if no GPU comes, on processors; no instance when idle.

    Attributes:
        queue: the job queue.
        fallback_queue: ARN of the queue on processors; None if training uses no GPU.
        job_role: the job's role.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: StageConfig,
        root: Path,
        stores: grants.Stores,
        env: cdk.Environment,
    ) -> None:
        super().__init__(scope, construct_id, env=env, description="Muster: training of the head on spot GPUs")
        self._config, self._stores = config, stores
        queues = TrainingQueue(self, "Gpu", config=config)
        self.queue = queues.queue
        self.fallback_queue: str | None = None
        self.job_role = iam.Role(self, "JobRole", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
        grants.allow(self.job_role, stores, permissions.TRAINING_JOB)
        self._log = ServiceLog(self, "Log", config=config)
        self._image = ecr_assets.DockerImageAsset(
            self, "Image", directory=str(root), file=DOCKERFILE, platform=ecr_assets.Platform.LINUX_AMD64
        )
        queues.grant_run(self._image.repository, self._log)
        self._job("", names.training_job(config.stage), config.training)
        deadline = JobDeadline(self, "Deadline")
        if queues.fallback is None or (training := config.training.fallback) is None:
            self._watch_last_resort(deadline, queues.queue)
        else:
            name = names.fallback_training(config.stage)
            self.fallback_queue = names.batch_arn("job-queue", name)
            self._job("Processor", name, training)
            deadline.watch("WaitsForGpu", queues.queue, _GPU_MINUTES, f"No GPU within {_GPU_MINUTES} minutes.")
            self._watch_last_resort(deadline, queues.fallback)
        cdk.CfnOutput(self, "JobQueue", value=self.queue.job_queue_arn)

    @property
    def queues(self) -> list[str]:
        """ARNs of the queues, the last resort at the end."""
        return [queue for queue in (self.queue.job_queue_arn, self.fallback_queue) if queue is not None]

    def _watch_last_resort(self, deadline: JobDeadline, queue: batch.IJobQueue) -> None:
        reason = f"No machine within {_PROCESSOR_MINUTES} minutes."
        deadline.watch("WaitsForProcessors", queue, _PROCESSOR_MINUTES, reason)

    def _job(self, prefix: str, name: str, training: Training) -> None:
        batch.EcsJobDefinition(
            self,
            f"{prefix}Job",
            job_definition_name=name,
            container=self._container(prefix, training),
            # A job that waits for a machine keeps the revision that it was submitted with.
            skip_deregister_on_update=True,
            timeout=cdk.Duration.minutes(training.timeout_minutes),
            retry_attempts=training.attempts,
            retry_strategies=[
                batch.RetryStrategy.of(batch.Action.RETRY, batch.Reason.custom(on_status_reason="Host EC2*")),
                batch.RetryStrategy.of(batch.Action.EXIT, batch.Reason.custom(on_reason="*")),
            ],
            propagate_tags=True,
        )

    def _container(self, prefix: str, training: Training) -> batch.EcsEc2ContainerDefinition:
        config, stores = self._config, self._stores
        container = batch.EcsEc2ContainerDefinition(
            self,
            f"{prefix}Container",
            image=ecs.ContainerImage.from_docker_image_asset(self._image),
            cpu=VCPUS,
            gpu=1 if training.gpu else None,
            memory=MEMORY,
            job_role=self.job_role,
            logging=ecs.LogDriver.aws_logs(stream_prefix="training", log_group=self._log),
            environment={
                # Batch sets AWS_BATCH_* only, and older ECS agents set no region either; boto3 needs one.
                "AWS_DEFAULT_REGION": self.region,
                "AWS_REGION": self.region,
                "MUSTER_STAGE": config.stage,
                "MUSTER_TABLE": stores.table.table_name,
                "MUSTER_PHOTOS_BUCKET": stores.photos,
                "MUSTER_MODELS_BUCKET": stores.models,
                "MUSTER_PACK": config.pack,
                "MUSTER_WRONG_MARKS": str(config.wrong_marks),
                "MUSTER_HEAD": config.head.value,
                "MUSTER_MACHINE": "gpu" if training.gpu else "processors",
                "POWERTOOLS_SERVICE_NAME": "training",
                "POWERTOOLS_METRICS_NAMESPACE": "Muster",
                "LOG_LEVEL": "INFO",
            },
        )
        accept(
            container.execution_role,
            "AwsSolutions-IAM5[Resource::*]",
            "ecr:GetAuthorizationToken supports no resource-level permissions.",
        )
        return container
