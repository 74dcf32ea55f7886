"""Batch queues for training, on instances that exist only while a job runs."""

from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_batch as batch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra import names
from infra.config import StageConfig, Training
from infra.constructs.log_group import ServiceLog
from infra.constructs.third_zone import ThirdZone
from infra.nag import accept, reported
from muster import __version__


class TrainingQueue(Construct):
    """The queue of the training job, and one on processors for runs that get no GPU.

    No instance runs when idle. A NAT gateway or interface endpoints would cost money every hour for a few minutes of
    training. The instances have public addresses instead, and a security group that allows nothing in and only HTTPS
    out. S3 and DynamoDB are reached through gateway endpoints, which are free.

    Attributes:
        queue: the job queue.
        fallback: the queue on processors; None if training uses no GPU.
        instance_role: the instances' role; `grant_run` lets it pull the job's image and write the job's log.
    """

    def __init__(self, scope: Construct, construct_id: str, *, config: StageConfig) -> None:
        super().__init__(scope, construct_id)
        self.instance_role = self._instance_role()
        self._vpc = self._network(config)
        self._group = ec2.SecurityGroup(
            self,
            "Instances",
            vpc=self._vpc,
            allow_all_outbound=False,
            description="Training instances: nothing in, HTTPS out",
        )
        self._group.add_egress_rule(
            ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "Image registry, Batch, logs, S3, DynamoDB, KMS"
        )
        self._template = self._launch_template()
        self.queue = batch.JobQueue(self, "Queue", priority=1)
        self.queue.add_compute_environment(self._environment("Environment", config.training), 1)
        self.fallback: batch.JobQueue | None = None
        if (training := config.training.fallback) is not None:
            # Named in advance, so that other stacks need no export.
            name = names.fallback_training(config.stage)
            self.fallback = batch.JobQueue(self, "ProcessorQueue", job_queue_name=name, priority=1)
            self.fallback.add_compute_environment(self._environment("ProcessorEnvironment", training), 1)
        ThirdZone(self, "ThirdZone", vpc=self._vpc)

    def _environment(self, construct_id: str, training: Training) -> batch.ManagedEc2EcsComputeEnvironment:
        environment = batch.ManagedEc2EcsComputeEnvironment(
            self,
            construct_id,
            vpc=self._vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
            security_groups=[self._group],
            spot=training.spot,
            minv_cpus=0,
            maxv_cpus=training.max_vcpus,
            use_optimal_instance_classes=False,
            instance_types=[ec2.InstanceType(name) for name in training.instance_types],
            images=[
                batch.EcsMachineImage(
                    image_type=batch.EcsMachineImageType.ECS_AL2023_NVIDIA
                    if training.gpu
                    else batch.EcsMachineImageType.ECS_AL2023
                )
            ],
            instance_role=self.instance_role,
            launch_template=self._template,
            update_timeout=cdk.Duration.minutes(training.timeout_minutes),
            terminate_on_update=False,
        )
        # An environment keeps the machine image that it began with. An update takes the newest one if this is set, and
        # a new version of the launch template causes an update. Without a version, the first one stays in use. The
        # construct library sets neither.
        resource = cast(batch.CfnComputeEnvironment, environment.node.default_child)
        resource.add_property_override("ComputeResources.UpdateToLatestImageVersion", True)
        resource.add_property_override("ComputeResources.LaunchTemplate.Version", self._template.latest_version_number)
        return environment

    def grant_run(self, repository: ecr.IRepository, log: logs.ILogGroup) -> None:
        """Allow the instances to pull a job's image and write its log; ECS does both with the instance role."""
        repository.grant_pull(self.instance_role)
        self.instance_role.add_to_policy(
            iam.PolicyStatement(
                sid="JobLog", actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[log.log_group_arn]
            )
        )

    def _network(self, config: StageConfig) -> ec2.Vpc:
        vpc = ec2.Vpc(
            self,
            "Network",
            # Written out, because the zones that the command line looks up for a named region give other subnets than a
            # template without a region, and a subnet cannot be replaced in its own range.
            availability_zones=[cdk.Fn.select(index, cdk.Fn.get_azs()) for index in (0, 1)],
            nat_gateways=0,
            subnet_configuration=[
                ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC, map_public_ip_on_launch=True)
            ],
            gateway_endpoints={
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3),
                "DynamoDb": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.DYNAMODB),
            },
            restrict_default_security_group=False,
        )
        log = ServiceLog(self, "FlowLog", config=config)
        vpc.add_flow_log(
            "Rejected",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(log),
            traffic_type=ec2.FlowLogTrafficType.REJECT,
        )
        return vpc

    def _launch_template(self) -> ec2.LaunchTemplate:
        template = ec2.LaunchTemplate(
            self,
            "Instance",
            require_imdsv2=True,
            block_devices=[
                ec2.BlockDevice(
                    device_name="/dev/xvda",
                    volume=ec2.BlockDeviceVolume.ebs(
                        60, encrypted=True, volume_type=ec2.EbsDeviceVolumeType.GP3, delete_on_termination=True
                    ),
                )
            ],
        )
        # Each release makes a new version of the template, so its instances start from the newest machine image.
        cdk.Tags.of(template).add("release", __version__)
        return template

    def _instance_role(self) -> iam.Role:
        """Return the instances' role, which may join Batch's cluster. The job has a role for its own calls.

        The permissions are those of AWS's managed policy AmazonEC2ContainerServiceforEC2Role without its wildcards,
        without the creation of clusters, which Batch does, and without `ec2:DescribeTags`, which Batch does not use.
        """
        role = iam.Role(self, "InstanceRole", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
        ecs = f"arn:{cdk.Aws.PARTITION}:ecs:{cdk.Aws.REGION}:{cdk.Aws.ACCOUNT_ID}"
        clusters, instances, tasks = (f"{ecs}:{kind}/*" for kind in ("cluster", "container-instance", "task"))
        for sid, actions, resources in (
            ("JoinCluster", ["ecs:RegisterContainerInstance", "ecs:DeregisterContainerInstance"], [clusters]),
            (
                "RunTasks",
                [
                    "ecs:Poll",
                    "ecs:StartTelemetrySession",
                    "ecs:SubmitAttachmentStateChanges",
                    "ecs:SubmitContainerStateChange",
                    "ecs:SubmitTaskStateChange",
                    "ecs:UpdateContainerInstancesState",
                ],
                [clusters, instances],
            ),
            ("ReadTags", ["ecs:ListTagsForResource"], [instances, tasks]),
            ("FindCluster", ["ecs:DiscoverPollEndpoint"], ["*"]),
        ):
            role.add_to_policy(iam.PolicyStatement(sid=sid, actions=actions, resources=resources))
        role.add_to_policy(
            iam.PolicyStatement(
                sid="TagItself",
                actions=["ecs:TagResource"],
                resources=[instances],
                conditions={"StringEquals": {"ecs:CreateAction": ["RegisterContainerInstance"]}},
            )
        )
        for resource in (clusters, instances, tasks):
            finding = f"AwsSolutions-IAM5[Resource::{reported(resource)}]"
            accept(role, finding, "Batch makes the cluster and its instances, and names them, when it needs them.")
        accept(
            role,
            "AwsSolutions-IAM5[Resource::*]",
            "ecs:DiscoverPollEndpoint and ecr:GetAuthorizationToken know no resources.",
        )
        return role
