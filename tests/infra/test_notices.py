"""Everything that sends a notice may do so, by the policy of the topic and by the policy of its key.

Simulated services deliver without asking either policy, so this test evaluates both as AWS does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.infra.policy import Need, allows
from tests.infra.templates import StageTemplates, Statement

ACCOUNT: Final = {"aws:SourceAccount": ["{AccountId}"]}
SECURE: Final = {"aws:SecureTransport": ["true"]}
CONTEXT: Final = {
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    "cloudwatch.amazonaws.com": {**ACCOUNT, **SECURE},
    # https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-sns-policy.html
    "budgets.amazonaws.com": {**ACCOUNT, **SECURE},
    # EventBridge names neither account nor rule when it publishes to an encrypted topic:
    # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    "events.amazonaws.com": SECURE,
}
"""The condition keys that each service brings to the topic and to the key."""

TOPIC_ACTIONS: Final = ("sns:Publish",)
KEY_ACTIONS: Final = ("kms:Decrypt", "kms:GenerateDataKey")


@dataclass(frozen=True)
class Notice:
    """One service that publishes to one topic on behalf of a resource."""

    source: str
    service: str
    topic: str


def notices(stage: StageTemplates) -> Iterator[Notice]:
    for name, alarm in stage.resources("AWS::CloudWatch::Alarm").items():
        for reaction in ("AlarmActions", "OKActions", "InsufficientDataActions"):
            for topic in stage.texts(alarm.get(reaction, [])):
                yield Notice(f"{name}.{reaction}", "cloudwatch.amazonaws.com", topic)
    topics = {f"{{{name}}}" for name in stage.resources("AWS::SNS::Topic")}
    for name, rule in stage.resources("AWS::Events::Rule").items():
        for topic in stage.texts([target["Arn"] for target in rule["Targets"]]) & topics:
            yield Notice(name, "events.amazonaws.com", topic)
    for name, budget in stage.resources("AWS::Budgets::Budget").items():
        for notification in budget["NotificationsWithSubscribers"]:
            for subscriber in notification["Subscribers"]:
                assert subscriber["SubscriptionType"] == "SNS", name
                yield Notice(name, "budgets.amazonaws.com", stage.text(subscriber["Address"]))


def topic_statements(stage: StageTemplates, topic: str) -> list[Statement]:
    return [
        statement
        for policy in stage.resources("AWS::SNS::TopicPolicy").values()
        if topic in stage.texts(policy["Topics"])
        for statement in stage.statements(policy["PolicyDocument"])
    ]


def test_every_alarm_rule_and_budget_may_publish_to_its_topic_and_use_its_key(stage: StageTemplates) -> None:
    topics = {f"{{{name}}}": topic for name, topic in stage.resources("AWS::SNS::Topic").items()}
    keys = {f"{{{name}.Arn}}": key for name, key in stage.resources("AWS::KMS::Key").items()}
    found = set(notices(stage))

    assert {notice.service for notice in found} == set(CONTEXT)
    for notice in found:
        on_topic = topic_statements(stage, notice.topic)
        on_key = stage.statements(keys[stage.text(topics[notice.topic]["KmsMasterKeyId"])]["KeyPolicy"])
        context = CONTEXT[notice.service]
        for action in TOPIC_ACTIONS:
            assert allows(on_topic, Need(action, notice.topic, context, notice.service)), notice
        for action in KEY_ACTIONS:
            assert allows(on_key, Need(action, "*", context, notice.service)), notice


def test_no_service_publishes_for_another_account_if_it_can_be_told_apart(stage: StageTemplates) -> None:
    elsewhere = {"aws:SourceAccount": ["999988887777"], **SECURE}
    (topic,) = (f"{{{name}}}" for name in stage.resources("AWS::SNS::Topic"))
    for service in ("cloudwatch.amazonaws.com", "budgets.amazonaws.com"):
        assert not allows(topic_statements(stage, topic), Need("sns:Publish", topic, elsewhere, service))


def test_a_policy_without_the_alarms_does_not_pass(stage: StageTemplates) -> None:
    (topic,) = (f"{{{name}}}" for name in stage.resources("AWS::SNS::Topic"))
    without = [s for s in topic_statements(stage, topic) if "cloudwatch.amazonaws.com" not in s.principals]
    call = Need("sns:Publish", topic, CONTEXT["cloudwatch.amazonaws.com"], "cloudwatch.amazonaws.com")
    assert without
    assert not allows(without, call)


def test_the_budget_is_created_after_the_policy_that_lets_it_publish(stage: StageTemplates) -> None:
    (budget,) = stage.whole("AWS::Budgets::Budget").values()
    (policy,) = (
        logical_id
        for logical_id, resource in stage.stacks["monitoring"]["Resources"].items()
        if resource["Type"] == "AWS::SNS::TopicPolicy"
    )
    assert policy in budget["DependsOn"]
