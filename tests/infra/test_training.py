"""Training: on spot GPUs, none of them when idle, ended when it takes too long."""

from infra.config import STAGES
from tests.infra.templates import StageTemplates

CONFIG = {str(config.stage): config.training for config in STAGES}


def test_no_instance_runs_while_nobody_trains_and_few_when_someone_does(stage: StageTemplates) -> None:
    (environment,) = stage.resources("AWS::Batch::ComputeEnvironment").values()
    resources = environment["ComputeResources"]

    assert resources["MinvCpus"] == 0
    assert "DesiredvCpus" not in resources
    assert resources["MaxvCpus"] == CONFIG[stage.stage].max_vcpus
    assert resources["Type"] == "SPOT"
    assert {name.split(".")[0] for name in resources["InstanceTypes"]} <= {"g4dn", "g5"}
    assert resources["Ec2Configuration"] == [{"ImageType": "ECS_AL2023_NVIDIA"}]


def test_the_job_has_a_gpu_an_end_and_another_try_when_its_host_is_taken_away(stage: StageTemplates) -> None:
    (job,) = stage.resources("AWS::Batch::JobDefinition").values()
    asked = {
        requirement["Type"]: requirement["Value"] for requirement in job["ContainerProperties"]["ResourceRequirements"]
    }

    assert asked["GPU"] == "1"
    assert job["Timeout"] == {"AttemptDurationSeconds": 60 * CONFIG[stage.stage].timeout_minutes}
    assert job["RetryStrategy"]["Attempts"] > 1
    assert job["RetryStrategy"]["EvaluateOnExit"] == [
        {"Action": "RETRY", "OnStatusReason": "Host EC2*"},
        {"Action": "EXIT", "OnReason": "*"},
    ]


def test_the_job_logs_to_its_own_group_in_its_own_role(stage: StageTemplates) -> None:
    (job,) = stage.resources("AWS::Batch::JobDefinition").values()
    container = job["ContainerProperties"]

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


def test_the_job_is_referred_to_by_a_name_that_no_deployment_changes(stage: StageTemplates) -> None:
    """A reference to the job definition is an ARN with its revision, which every deployment changes."""
    (job,) = stage.resources("AWS::Batch::JobDefinition").values()
    retrain = stage.resources("AWS::Lambda::Function")["RetrainFunction"]["Environment"]["Variables"]

    assert job["JobDefinitionName"] == f"muster-{stage.stage}-train"
    assert retrain["MUSTER_JOB_DEFINITION"] == job["JobDefinitionName"]
    assert job["ResourceRetentionPolicy"] == {"SkipDeregisterOnUpdate": True}
    exported = [output["Value"] for output in stage.stacks["training"]["Outputs"].values()]
    assert {stage.text(value) for value in exported} == {"{GpuQueue.JobQueueArn}"}


def test_the_job_is_given_its_region(stage: StageTemplates) -> None:
    (job,) = stage.resources("AWS::Batch::JobDefinition").values()
    variables = {item["Name"]: stage.text(item["Value"]) for item in job["ContainerProperties"]["Environment"]}

    assert variables["AWS_DEFAULT_REGION"] == variables["AWS_REGION"] == "{Region}"
