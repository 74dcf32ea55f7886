"""An unused system costs close to nothing, and failures raise alarms."""

import re
from pathlib import Path

from infra.config import STAGES
from tests.infra.templates import StageTemplates

RUNBOOK = Path(__file__).parents[2] / "docs" / "operations.md"

BILLED_BY_THE_HOUR = {
    "AWS::EC2::NatGateway",
    "AWS::EC2::EIP",
    "AWS::EC2::Instance",
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "AWS::RDS::DBCluster",
    "AWS::ECS::Service",
    "AWS::WAFv2::WebACL",
    "AWS::SecretsManager::Secret",
    "AWS::Kinesis::Stream",
    "AWS::CertificateManager::Certificate",
    "AWS::Route53::HostedZone",
}


def test_nothing_bills_by_the_hour(stage: StageTemplates) -> None:
    assert stage.types() & BILLED_BY_THE_HOUR == set()
    for name, endpoint in stage.resources("AWS::EC2::VPCEndpoint").items():
        assert endpoint["VpcEndpointType"] == "Gateway", name
    for name, function in stage.resources("AWS::Lambda::Function").items():
        assert "SnapStart" not in function, name
        assert "VpcConfig" not in function, name
    assert "AWS::ApplicationAutoScaling::ScalableTarget" not in stage.types()
    for name, alias in stage.resources("AWS::Lambda::Alias").items():
        assert "ProvisionedConcurrencyConfig" not in alias, name


def test_the_network_reaches_s3_and_the_table_without_a_nat_gateway(stage: StageTemplates) -> None:
    services = {stage.text(endpoint["ServiceName"]) for endpoint in stage.resources("AWS::EC2::VPCEndpoint").values()}

    assert services == {"com.amazonaws.{Region}.s3", "com.amazonaws.{Region}.dynamodb"}


def test_what_bills_when_idle_stays_under_four_dollars_a_month(stage: StageTemplates) -> None:
    key, alarm, dashboards_free, dashboard = 1.00, 0.10, 3, 3.00
    alarms = stage.resources("AWS::CloudWatch::Alarm").values()
    metrics = sum(sum("MetricStat" in query for query in item.get("Metrics", [])) or 1 for item in alarms)
    idle = (
        key * len(stage.resources("AWS::KMS::Key"))
        + alarm * metrics
        + dashboard * max(0, len(stage.resources("AWS::CloudWatch::Dashboard")) - dashboards_free)
    )

    assert idle < 4
    assert f"| {len(alarms)} alarms on {metrics} metrics, ten free |" in RUNBOOK.read_text()


def test_every_log_ends(stage: StageTemplates) -> None:
    for name, group in stage.resources("AWS::Logs::LogGroup").items():
        assert group["RetentionInDays"] > 0, name


def test_every_alarm_tells_somebody_when_it_starts_and_when_it_ends(stage: StageTemplates) -> None:
    # The alarms of the api stack stop a deployment instead, which the operator sees fail.
    for name, alarm in stage.resources("AWS::CloudWatch::Alarm", "monitoring").items():
        assert stage.texts(alarm["AlarmActions"]) == {"{Notices}"}, name
        assert stage.texts(alarm["OKActions"]) == {"{Notices}"}, name
        assert alarm["TreatMissingData"] == "notBreaching", name


def test_errors_throttles_dead_letters_and_failed_training_all_raise_an_alarm(stage: StageTemplates) -> None:
    watched: set[tuple[str, str]] = set()
    for alarm in stage.resources("AWS::CloudWatch::Alarm", "monitoring").values():
        watched |= {(alarm["MetricName"], stage.text(dimension["Value"])) for dimension in alarm["Dimensions"]}

    for function in ("Register", "Detect", "Roster", "Retrain", "Sweep"):
        assert {("Errors", f"{{{function}Function}}"), ("Throttles", f"{{{function}Function}}")} <= watched
    queues = {name for name in stage.resources("AWS::SQS::Queue") if name.endswith("DeadLetters")}
    assert {("ApproximateNumberOfMessagesVisible", f"{{{queue}.QueueName}}") for queue in queues} <= watched
    assert ("TriggeredRules", "{TrainingFailed}") in watched
    assert ("5xx", "{Api}") in watched
    assert ("WriteThrottleEvents", "{Table}") in watched


def test_a_failed_training_run_is_reported_in_batchs_own_words(stage: StageTemplates) -> None:
    rule = stage.resources("AWS::Events::Rule", "monitoring")["TrainingFailed"]

    assert stage.plain(rule["EventPattern"])["detail"] == {"jobQueue": [fallback_queue(stage)], "status": ["FAILED"]}
    assert stage.texts([target["Arn"] for target in rule["Targets"]]) == {"{Notices}"}
    assert "InputTransformer" not in rule["Targets"][0]


def test_a_notice_says_that_a_run_got_no_gpu_or_that_a_job_waits(stage: StageTemplates) -> None:
    rules = stage.resources("AWS::Events::Rule", "monitoring")
    without_gpu, waits = rules["TrainingWithoutGpu"], rules["TrainingWaits"]

    pattern = stage.plain(without_gpu["EventPattern"])
    assert pattern["detail"] == {"jobQueue": ["{GpuQueue.JobQueueArn}"], "status": ["FAILED"]}
    (target,) = without_gpu["Targets"]
    assert stage.text(target["Arn"]) == "{Notices}"
    assert "continues on processors" in target["InputTransformer"]["InputTemplate"]
    pattern = stage.plain(waits["EventPattern"])
    assert pattern["detail-type"] == ["Batch Job Queue Blocked"]
    assert pattern["detail"] == {"jobQueue": ["{GpuQueue.JobQueueArn}", fallback_queue(stage)]}
    assert stage.texts([target["Arn"] for target in waits["Targets"]]) == {"{Notices}"}


def fallback_queue(stage: StageTemplates) -> str:
    return f"arn:{{Partition}}:batch:{{Region}}:{{AccountId}}:job-queue/muster-{stage.stage}-train-processors"


def test_notices_are_encrypted_with_the_key_of_the_stage(stage: StageTemplates) -> None:
    (topic,) = stage.resources("AWS::SNS::Topic").values()

    assert stage.text(topic["KmsMasterKeyId"]) == "{Key.Arn}"


def test_every_alarm_has_its_place_in_the_runbook(stage: StageTemplates) -> None:
    described = set(re.findall(r"`(\w+)`", RUNBOOK.read_text().split("## Alarms")[1].split("\n## ")[0]))

    assert set(stage.resources("AWS::CloudWatch::Alarm")) - described == set()


def test_the_budget_of_the_stage_speaks_up_before_and_when_it_is_spent(stage: StageTemplates) -> None:
    (budget,) = stage.resources("AWS::Budgets::Budget").values()
    wanted = {str(config.stage): config.monthly_budget_usd for config in STAGES}
    said = [
        (
            notification["Notification"]["NotificationType"],
            notification["Notification"]["Threshold"],
            stage.text(notification["Subscribers"][0]["Address"]),
        )
        for notification in budget["NotificationsWithSubscribers"]
    ]

    assert budget["Budget"]["BudgetLimit"] == {"Amount": wanted[stage.stage], "Unit": "USD"}
    assert budget["Budget"]["CostFilters"] == {"TagKeyValue": [f"user:application$muster-{stage.stage}"]}
    assert said == [("ACTUAL", 80, "{Notices}"), ("ACTUAL", 100, "{Notices}"), ("FORECASTED", 100, "{Notices}")]


def test_what_costs_money_carries_the_cost_tags(stage: StageTemplates) -> None:
    for kind in (
        "AWS::S3::Bucket",
        "AWS::Lambda::Function",
        "AWS::DynamoDB::Table",
        "AWS::KMS::Key",
        "AWS::SQS::Queue",
    ):
        for name, properties in stage.resources(kind).items():
            tags = {tag["Key"]: tag["Value"] for tag in properties["Tags"]}
            assert tags["application"] == f"muster-{stage.stage}", name
            assert {"stage", "cost-center"} <= set(tags), name
    for environment in stage.resources("AWS::Batch::ComputeEnvironment").values():
        assert environment["ComputeResources"]["Tags"]["application"] == f"muster-{stage.stage}"
