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
from infra.config import StageConfig
from infra.constructs.log_group import ServiceLog
from infra.constructs.training_queue import TrainingQueue
from infra.nag import accept

DOCKERFILE: Final = "containers/training/Dockerfile"
VCPUS: Final = 3
MEMORY: Final = cdk.Size.gibibytes(13)
"""Available on an instance of 4 vCPU and 16 GiB, such as a g4dn.xlarge, beside the ECS agent and the system."""


class TrainingStack(cdk.Stack):
    """Batch on GPU instances, with none of them when idle.

    Attributes:
        queue: the job queue.
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
        gpu = TrainingQueue(self, "Gpu", config=config)
        self.queue = gpu.queue
        self.job_role = iam.Role(self, "JobRole", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
        grants.allow(self.job_role, stores, permissions.TRAINING_JOB)
        log = ServiceLog(self, "Log", config=config)
        image = ecr_assets.DockerImageAsset(
            self, "Image", directory=str(root), file=DOCKERFILE, platform=ecr_assets.Platform.LINUX_AMD64
        )
        gpu.grant_run(image.repository, log)
        self._job(config, stores, image, log)
        cdk.CfnOutput(self, "JobQueue", value=self.queue.job_queue_arn)

    def _job(
        self, config: StageConfig, stores: grants.Stores, image: ecr_assets.DockerImageAsset, log: ServiceLog
    ) -> None:
        container = batch.EcsEc2ContainerDefinition(
            self,
            "Container",
            image=ecs.ContainerImage.from_docker_image_asset(image),
            cpu=VCPUS,
            gpu=1 if config.training.gpu else None,
            memory=MEMORY,
            job_role=self.job_role,
            logging=ecs.LogDriver.aws_logs(stream_prefix="training", log_group=log),
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
        batch.EcsJobDefinition(
            self,
            "Job",
            job_definition_name=names.job_definition(config.stage),
            container=container,
            # A job that waits for a machine goes on with the revision that it was submitted with.
            skip_deregister_on_update=True,
            timeout=cdk.Duration.minutes(config.training.timeout_minutes),
            retry_attempts=config.training.attempts,
            retry_strategies=[
                batch.RetryStrategy.of(batch.Action.RETRY, batch.Reason.custom(on_status_reason="Host EC2*")),
                batch.RetryStrategy.of(batch.Action.EXIT, batch.Reason.custom(on_reason="*")),
            ],
            propagate_tags=True,
        )
