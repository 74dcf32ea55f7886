"""Who is told of what: alarms, the dashboard and the budget."""

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

from infra import grants
from infra.config import StageConfig
from infra.constructs.alarm import FIVE_MINUTES, Notice
from infra.constructs.budget import MonthlyBudget
from infra.stacks.api import ApiStack
from infra.stacks.training import TrainingStack


class MonitoringStack(cdk.Stack):
    """Watches the other stacks; nothing depends on it.

    Attributes:
        topic: where every notice goes, encrypted with the stage's key.
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
        # By its address, so that no construct widens the key's policy: the data stack says who may publish.
        key = kms.Key.from_key_arn(self, "Key", stores.key.key_arn)
        self.topic = sns.Topic(self, "Notices", display_name=f"Muster {config.stage}", master_key=key, enforce_ssl=True)
        if config.alarm_email:
            self.topic.add_subscription(subscriptions.EmailSubscription(config.alarm_email))
        self._let_in("budgets")
        MonthlyBudget(self, "Budget", config=config, topic=self.topic)
        self._watch_functions(api)
        self._watch_lost_work(api)
        self._watch_training(training)
        self._watch_api_and_table(http_api, stores)
        self._draw(config, http_api, api, stores)
        cdk.CfnOutput(self, "NoticesTopic", value=self.topic.topic_arn)

    def _let_in(self, service: str) -> None:
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid=service.title(),
                principals=[iam.ServicePrincipal(f"{service}.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )

    def _notice(self, name: str, metric: cloudwatch.IMetric, limit: float, meaning: str, periods: int = 1) -> None:
        Notice(self, name, topic=self.topic, metric=metric, limit=limit, meaning=meaning, periods=periods)

    def _watch_functions(self, api: ApiStack) -> None:
        for function in api.functions:
            name = function.node.id
            self._notice(
                f"{name}Errors",
                function.errors(FIVE_MINUTES),
                3,
                f"{function.name} failed three times in five minutes.",
            )
            self._notice(
                f"{name}Throttles",
                function.throttles(FIVE_MINUTES),
                1,
                f"{function.name} was refused: no concurrency left.",
            )

    def _watch_lost_work(self, api: ApiStack) -> None:
        queues: dict[str, sqs.IQueue] = {f"{function.node.id}Lost": function.lost for function in api.functions}
        queues |= {f"{uploads.node.id}Lost": uploads.dead_letters for uploads in api.uploads.values()}
        for name, queue in queues.items():
            visible = queue.metric_approximate_number_of_messages_visible(
                period=FIVE_MINUTES, statistic=cloudwatch.Stats.MAXIMUM
            )
            self._notice(name, visible, 1, "Work that failed every attempt is waiting in a dead-letter queue.")
        for uploads in api.uploads.values():
            age = uploads.queue.metric_approximate_age_of_oldest_message(
                period=FIVE_MINUTES, statistic=cloudwatch.Stats.MAXIMUM
            )
            self._notice(f"{uploads.node.id}Late", age, 900, "An uploaded photo has waited for 15 minutes.")

    def _watch_training(self, training: TrainingStack) -> None:
        """Send Batch's own words about a failed run, and raise an alarm on the rule that matched it."""
        rule = events.Rule(
            self,
            "TrainingFailed",
            description="A training run failed",
            event_pattern=events.EventPattern(
                source=["aws.batch"],
                detail_type=["Batch Job State Change"],
                detail={"jobQueue": [training.queue.job_queue_arn], "status": ["FAILED"]},
            ),
            targets=[targets.SnsTopic(self.topic)],
        )
        matched = cloudwatch.Metric(
            namespace="AWS/Events",
            metric_name="TriggeredRules",
            dimensions_map={"RuleName": rule.rule_name},
            period=FIVE_MINUTES,
            statistic=cloudwatch.Stats.SUM,
        )
        self._notice("TrainingFailures", matched, 1, "A training run failed; the current head stays in use.")

    def _watch_api_and_table(self, http_api: apigw.HttpApi, stores: grants.Stores) -> None:
        self._notice(
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
        self._notice("TableThrottles", throttled, 10, "The table refused writes.", periods=2)

    def _draw(self, config: StageConfig, http_api: apigw.HttpApi, api: ApiStack, stores: grants.Stores) -> None:
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
                    graph("Duration, p95 (ms)", [one.function.metric_duration(statistic=p95) for one in api.functions]),
                    graph(
                        "Errors and throttles",
                        [
                            metric
                            for one in api.functions
                            for metric in (one.errors(FIVE_MINUTES), one.throttles(FIVE_MINUTES))
                        ],
                    ),
                ],
                [
                    graph(
                        "Photos that wait",
                        [one.queue.metric_approximate_number_of_messages_visible() for one in api.uploads.values()],
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
