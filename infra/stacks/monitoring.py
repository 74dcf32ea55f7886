"""Monitoring stack: alarms, the dashboard and the budget."""

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigw
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import grants, names
from infra.config import StageConfig
from infra.constructs.alarm import FIVE_MINUTES, ServiceAlarm
from infra.constructs.budget import MonthlyBudget
from infra.stacks.api import ApiStack
from infra.stacks.training import TrainingStack


class MonitoringStack(cdk.Stack):
    """Watches the other stacks, which do not depend on it.

    Attributes:
        topic: receives all notifications; encrypted with the stage's key.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: StageConfig,
        stores: grants.Stores,
        http_api: apigw.HttpApi,
        api: ApiStack,
        training: TrainingStack,
        env: cdk.Environment,
    ) -> None:
        super().__init__(scope, construct_id, env=env, description="Muster: alarms, dashboard and budget")
        # Imported by ARN, so that no construct extends the key's policy: the data stack defines who may publish.
        key = kms.Key.from_key_arn(self, "Key", stores.key.key_arn)
        self.topic = sns.Topic(self, "Notices", display_name=f"Muster {config.stage}", master_key=key, enforce_ssl=True)
        if config.alarm_email:
            self.topic.add_subscription(subscriptions.EmailSubscription(config.alarm_email))
        # A policy of our own replaces the topic's default one, which would let alarms publish. The target of a rule
        # adds EventBridge itself.
        for service in ("budgets", "cloudwatch"):
            self._allow_publish(service)
        budget = MonthlyBudget(self, "Budget", config=config, topic=self.topic)
        budget.node.add_dependency(self.topic.node.find_child("Policy"))  # Budgets may check that it can publish
        self._watch_functions(api)
        if config.single_sign_on is not None and config.single_sign_on.roles:
            self._watch_role_mapping(names.role_mapping(config.stage))
        self._watch_lost_work(api)
        if api.exchange is not None:
            self._alarm(
                "ExchangeRefused", api.exchange.refused(), 300, "Other systems sent 300 requests that were refused."
            )
        if api.substitutes is not None:
            self._alarm("SubstitutesRefused", api.substitutes.refused(), 300, "Substitutes' API refused 300 requests.")
        self._watch_training(training)
        self._watch_api_and_table(http_api, stores)
        self._add_dashboard(config, http_api, api, stores)
        cdk.CfnOutput(self, "NoticesTopic", value=self.topic.topic_arn)

    def _allow_publish(self, service: str) -> None:
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid=service.title(),
                principals=[iam.ServicePrincipal(f"{service}.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )

    def _alarm(self, name: str, metric: cloudwatch.IMetric, limit: float, meaning: str, periods: int = 1) -> None:
        ServiceAlarm(self, name, topic=self.topic, metric=metric, limit=limit, meaning=meaning, periods=periods)

    def _watch_functions(self, api: ApiStack) -> None:
        for function in api.functions:
            name = function.node.id
            # Notices are sent every five minutes, and their function fails once when it gives some up.
            limit, times = (1, "") if name == "Notices" else (3, " three times in five minutes")
            self._alarm(
                f"{name}Errors",
                function.errors(FIVE_MINUTES),
                limit,
                f"{function.name} failed{times}.",
            )
            self._alarm(
                f"{name}Throttles",
                function.throttles(FIVE_MINUTES),
                1,
                f"{function.name} was throttled: no concurrency left.",
            )

    def _watch_role_mapping(self, function_name: str) -> None:
        """Raise an alarm when the function of every token fails, because then nobody can sign in."""
        for name, metric, limit, meaning in (
            ("RoleMappingErrors", "Errors", 3, "Sign-in failed three times in five minutes."),
            ("RoleMappingThrottles", "Throttles", 1, "Sign-in was throttled: no concurrency left."),
        ):
            watched = cloudwatch.Metric(
                namespace="AWS/Lambda",
                metric_name=metric,
                dimensions_map={"FunctionName": function_name},
                period=FIVE_MINUTES,
                statistic=cloudwatch.Stats.SUM,
            )
            self._alarm(name, watched, limit, meaning)

    def _watch_lost_work(self, api: ApiStack) -> None:
        queues: dict[str, sqs.IQueue] = {f"{function.node.id}Lost": function.dead_letters for function in api.functions}
        queues |= {f"{uploads.node.id}Lost": uploads.dead_letters for uploads in api.uploads.values()}
        for name, queue in queues.items():
            visible = queue.metric_approximate_number_of_messages_visible(
                period=FIVE_MINUTES, statistic=cloudwatch.Stats.MAXIMUM
            )
            self._alarm(name, visible, 1, "Work that failed every attempt is waiting in a dead-letter queue.")
        for uploads in api.uploads.values():
            age = uploads.queue.metric_approximate_age_of_oldest_message(
                period=FIVE_MINUTES, statistic=cloudwatch.Stats.MAXIMUM
            )
            self._alarm(f"{uploads.node.id}Late", age, 900, "An uploaded photo has waited for 15 minutes.")

    def _watch_training(self, training: TrainingStack) -> None:
        """Forward what Batch reports of training, and raise an alarm on the rule that matches a failed run."""
        *gpu, last_resort = training.queues
        failed = self._forward(
            "TrainingFailed", "A training run failed", "Job State Change", [last_resort], status=["FAILED"]
        )
        if gpu:
            reason = events.EventField.from_path("$.detail.statusReason")
            self._forward(
                "TrainingWithoutGpu",
                "A training run continues on processors",
                "Job State Change",
                gpu,
                status=["FAILED"],
                text=f"A training run could not use a GPU and continues on processors. Reason: {reason}",
            )
        self._forward("TrainingWaits", "A training job waits for a machine", "Job Queue Blocked", training.queues)
        matched = cloudwatch.Metric(
            namespace="AWS/Events",
            metric_name="TriggeredRules",
            dimensions_map={"RuleName": failed.rule_name},
            period=FIVE_MINUTES,
            statistic=cloudwatch.Stats.SUM,
        )
        self._alarm("TrainingFailures", matched, 1, "A training run failed; the current head stays in use.")

    def _forward(
        self, name: str, meaning: str, kind: str, queues: list[str], *, text: str | None = None, **detail: list[str]
    ) -> events.Rule:
        """Send Batch's events of a kind to the topic: as a text, or as Batch wrote them."""
        message = None if text is None else events.RuleTargetInput.from_text(text)
        return events.Rule(
            self,
            name,
            description=meaning,
            event_pattern=events.EventPattern(
                source=["aws.batch"], detail_type=[f"Batch {kind}"], detail={"jobQueue": queues, **detail}
            ),
            targets=[targets.SnsTopic(self.topic, message=message)],
        )

    def _watch_api_and_table(self, http_api: apigw.HttpApi, stores: grants.Stores) -> None:
        self._alarm(
            "ServerErrors",
            http_api.metric_server_error(period=FIVE_MINUTES),
            3,
            "The API answered 5xx three times in five minutes.",
        )
        throttled = cloudwatch.Metric(
            namespace="AWS/DynamoDB",
            metric_name="WriteThrottleEvents",
            dimensions_map={"TableName": stores.table.table_name},
            period=FIVE_MINUTES,
            statistic=cloudwatch.Stats.SUM,
        )
        self._alarm("TableThrottles", throttled, 10, "The table refused writes.", periods=2)

    def _add_dashboard(
        self, config: StageConfig, http_api: apigw.HttpApi, api: ApiStack, stores: grants.Stores
    ) -> None:
        def graph(title: str, metrics: list[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
            return cloudwatch.GraphWidget(title=title, left=metrics, width=12, height=6)

        p95 = cloudwatch.Stats.percentile(95)
        table = {"TableName": stores.table.table_name}
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=f"muster-{config.stage}",
            default_interval=cdk.Duration.days(1),
            widgets=[
                [
                    graph(
                        "Requests and errors",
                        [http_api.metric_count(), http_api.metric_client_error(), http_api.metric_server_error()],
                    ),
                    graph("Latency, p95 (ms)", [http_api.metric_latency(statistic=p95)]),
                ],
                [
                    graph(
                        "Duration, p95 (ms)",
                        [function.function.metric_duration(statistic=p95) for function in api.functions],
                    ),
                    graph(
                        "Errors and throttles",
                        [
                            metric
                            for function in api.functions
                            for metric in (function.errors(FIVE_MINUTES), function.throttles(FIVE_MINUTES))
                        ],
                    ),
                ],
                [
                    graph(
                        "Photos that wait",
                        [
                            uploads.queue.metric_approximate_number_of_messages_visible()
                            for uploads in api.uploads.values()
                        ],
                    ),
                    graph(
                        "Table, consumed units",
                        [
                            cloudwatch.Metric(
                                namespace="AWS/DynamoDB",
                                metric_name=name,
                                dimensions_map=table,
                                statistic=cloudwatch.Stats.SUM,
                            )
                            for name in ("ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits")
                        ],
                    ),
                ],
            ],
        )
