"""Training: on spot GPUs or else on processors, none of them when idle, ended when it takes too long."""

import pytest

from infra.config import ON_PROCESSORS, STAGES
from tests.e2e.aws.batch import cancelled_after
from tests.infra.templates import Json, StageTemplates

CONFIG = {str(config.stage): config.training for config in STAGES}


def jobs(stage: StageTemplates) -> dict[str, Json]:
    """Return the job definitions: on a GPU, on processors."""
    found = stage.resources("AWS::Batch::JobDefinition")
    return {"gpu": found["Job"], "processors": found["ProcessorJob"]}


def machines(stage: StageTemplates) -> dict[str, Json]:
    """Return the compute resources of both queues."""
    found = stage.resources("AWS::Batch::ComputeEnvironment")
    names = {"gpu": "GpuEnvironment", "processors": "GpuProcessorEnvironment"}
    return {machine: found[name]["ComputeResources"] for machine, name in names.items()}


def test_no_instance_runs_while_nobody_trains_and_few_when_someone_does(stage: StageTemplates) -> None:
    gpu, processors = machines(stage).values()

    for resources in (gpu, processors):
        assert resources["MinvCpus"] == 0
        assert "DesiredvCpus" not in resources
    assert gpu["MaxvCpus"] == CONFIG[stage.stage].max_vcpus
    assert gpu["Type"] == "SPOT"
    assert {name.split(".")[0] for name in gpu["InstanceTypes"]} <= {"g4dn", "g5"}
    assert gpu["Ec2Configuration"] == [{"ImageType": "ECS_AL2023_NVIDIA"}]
    assert (processors["MaxvCpus"], processors["Type"]) == (ON_PROCESSORS.max_vcpus, "EC2")
    assert processors["InstanceTypes"] == list(ON_PROCESSORS.instance_types)
    assert processors["Ec2Configuration"] == [{"ImageType": "ECS_AL2023"}]


def test_each_release_starts_its_instances_from_the_newest_machine_image(stage: StageTemplates) -> None:
    (template,) = stage.resources("AWS::EC2::LaunchTemplate").values()
    tags = {tag["Key"] for item in template["LaunchTemplateData"]["TagSpecifications"] for tag in item["Tags"]}

    assert "release" in tags
    for name, environment in stage.resources("AWS::Batch::ComputeEnvironment").items():
        resources = environment["ComputeResources"]
        assert resources["UpdateToLatestImageVersion"] is True, name
        assert stage.text(resources["LaunchTemplate"]["Version"]) == "{GpuInstance.LatestVersionNumber}"
        # Only an environment with one of these strategies and Batch's own role can be updated in place.
        assert resources["AllocationStrategy"] in {"SPOT_PRICE_CAPACITY_OPTIMIZED", "BEST_FIT_PROGRESSIVE"}
        assert "ServiceRole" not in environment
        assert environment["ReplaceComputeEnvironment"] is False
        assert environment["UpdatePolicy"] == {
            "JobExecutionTimeoutMinutes": CONFIG[stage.stage].timeout_minutes,
            "TerminateJobsOnUpdate": False,
        }


def test_the_job_has_an_end_and_another_try_when_its_host_is_taken_away(stage: StageTemplates) -> None:
    for machine, job in jobs(stage).items():
        requirements = job["ContainerProperties"]["ResourceRequirements"]
        asked = {requirement["Type"]: requirement["Value"] for requirement in requirements}
        assert asked.get("GPU") == ("1" if machine == "gpu" else None)
        assert job["Timeout"] == {"AttemptDurationSeconds": 60 * CONFIG[stage.stage].timeout_minutes}
        assert job["RetryStrategy"]["Attempts"] > 1
        assert job["RetryStrategy"]["EvaluateOnExit"] == [
            {"Action": "RETRY", "OnStatusReason": "Host EC2*"},
            {"Action": "EXIT", "OnReason": "*"},
        ]


def test_both_jobs_run_the_same_image_in_the_jobs_role_and_log(stage: StageTemplates) -> None:
    gpu, processors = (job["ContainerProperties"] for job in jobs(stage).values())

    assert gpu["Image"] == processors["Image"]
    for container in (gpu, processors):
        assert stage.text(container["JobRoleArn"]) == "{JobRole.Arn}"
        assert stage.text(container["LogConfiguration"]["Options"]["awslogs-group"]) == "{Log}"
        assert not container.get("Privileged", False)


def test_nothing_can_reach_the_instances_and_they_speak_https_only(stage: StageTemplates) -> None:
    (group,) = stage.resources("AWS::EC2::SecurityGroup").values()

    assert "SecurityGroupIngress" not in group
    assert "AWS::EC2::SecurityGroupIngress" not in stage.types()
    (out,) = group["SecurityGroupEgress"]
    assert (out["IpProtocol"], out["FromPort"], out["ToPort"]) == ("tcp", 443, 443)


def test_the_instances_disks_are_encrypted_and_their_metadata_asks_for_a_token(stage: StageTemplates) -> None:
    (template,) = stage.resources("AWS::EC2::LaunchTemplate").values()
    data = template["LaunchTemplateData"]

    assert data["MetadataOptions"]["HttpTokens"] == "required"
    assert all(disk["Ebs"]["Encrypted"] for disk in data["BlockDeviceMappings"])


def test_an_instance_may_tag_itself_only_when_it_joins_its_cluster(stage: StageTemplates) -> None:
    (tagging,) = (item for item in stage.grants["GpuInstanceRole"] if "ecs:TagResource" in item.actions)

    assert tagging.conditions == {"StringEquals": {"ecs:CreateAction": ["RegisterContainerInstance"]}}
    assert tagging.resources == {"arn:{Partition}:ecs:{Region}:{AccountId}:container-instance/*"}


def test_the_job_is_referred_to_by_a_name_that_no_deployment_changes(stage: StageTemplates) -> None:
    """A reference to the job definition is an ARN with its revision, which every deployment changes."""
    gpu, processors = jobs(stage).values()
    retrain = stage.resources("AWS::Lambda::Function")["RetrainFunction"]["Environment"]["Variables"]

    assert gpu["JobDefinitionName"] == retrain["MUSTER_JOB_DEFINITION"] == f"muster-{stage.stage}-train"
    assert processors["JobDefinitionName"] == retrain["MUSTER_FALLBACK_DEFINITION"]
    for job in (gpu, processors):
        assert job["ResourceRetentionPolicy"] == {"SkipDeregisterOnUpdate": True}
    exported = [output["Value"] for output in stage.stacks["training"]["Outputs"].values()]
    assert {stage.text(value) for value in exported} == {"{GpuQueue.JobQueueArn}"}


def test_the_fallback_queue_has_the_name_that_other_stacks_use(stage: StageTemplates) -> None:
    queue = stage.resources("AWS::Batch::JobQueue")["GpuProcessorQueue"]
    retrain = stage.resources("AWS::Lambda::Function")["RetrainFunction"]["Environment"]["Variables"]

    (order,) = queue["ComputeEnvironmentOrder"]
    assert stage.text(order["ComputeEnvironment"]) == "{GpuProcessorEnvironment.ComputeEnvironmentArn}"
    assert stage.text(retrain["MUSTER_FALLBACK_QUEUE"]).endswith(f":job-queue/{queue['JobQueueName']}")


def test_each_job_is_given_its_region_and_the_name_of_its_machine(stage: StageTemplates) -> None:
    for machine, job in jobs(stage).items():
        environment = job["ContainerProperties"]["Environment"]
        variables = {item["Name"]: stage.text(item["Value"]) for item in environment}
        assert variables["AWS_DEFAULT_REGION"] == variables["AWS_REGION"] == "{Region}"
        assert variables["MUSTER_MACHINE"] == machine


@pytest.mark.parametrize("attempts", [(0, 0), (1, 1)])
def test_a_job_that_has_waited_too_long_is_cancelled(stage: StageTemplates, attempts: tuple[int, int]) -> None:
    runnable = {"detail": {"jobId": "job-1"}}

    assert cancelled_after(stage, "DeadlineWaitsForGpu", runnable, attempts=attempts) == (
        600,
        {"JobId": "job-1", "Reason": "No GPU within 10 minutes."},
    )


@pytest.mark.parametrize("attempts", [(0, 1), (1, 2)])
def test_a_job_that_lost_its_host_and_waits_again_is_left_to_the_deadline_of_that_wait(
    stage: StageTemplates, attempts: tuple[int, int]
) -> None:
    runnable = {"detail": {"jobId": "job-1"}}

    assert cancelled_after(stage, "DeadlineWaitsForGpu", runnable, attempts=attempts) == (600, None)
