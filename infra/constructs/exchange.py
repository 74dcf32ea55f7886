"""HTTP API of other systems, whose API tokens the application checks."""

import json
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigw
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.config import StageConfig
from infra.constructs.alarm import FIVE_MINUTES
from infra.constructs.function import ServiceFunction
from infra.constructs.log_group import ServiceLog
from infra.nag import accept

REQUESTS_PER_SECOND: Final = 5
BURST: Final = 20
"""For all systems together. Anyone can call this API, so the throttle bounds what strangers cost: 13 million requests
a month. It leaves the web client's API alone, which has a throttle of its own."""


class Exchange(Construct):
    """An API without an authorizer, because the user pool cannot issue API tokens. It leads to one function.

    Attributes:
        api: the API.
    """

    def __init__(self, scope: Construct, construct_id: str, *, config: StageConfig, function: ServiceFunction) -> None:
        super().__init__(scope, construct_id)
        self.api = apigw.HttpApi(self, "Api", create_default_stage=False, description="Muster: other systems")
        route = apigw.HttpRoute(
            self,
            "Any",
            http_api=self.api,
            route_key=apigw.HttpRouteKey.with_("/v1/{proxy+}", apigw.HttpMethod.ANY),
            integration=integrations.HttpLambdaIntegration("Exchange", function.live),
        )
        accept(route, "AwsSolutions-APIG4", "The application checks an API token of 256 random bits.")
        access = ServiceLog(self, "AccessLog", config=config)
        fields = {
            "time": "$context.requestTimeEpoch",
            "request_id": "$context.requestId",
            "route": "$context.routeKey",
            "status": "$context.status",
            "ip": "$context.identity.sourceIp",
        }
        apigw.CfnStage(
            self,
            "Stage",
            api_id=self.api.api_id,
            stage_name="$default",
            auto_deploy=True,
            default_route_settings=apigw.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=REQUESTS_PER_SECOND, throttling_burst_limit=BURST
            ),
            access_log_settings=apigw.CfnStage.AccessLogSettingsProperty(
                destination_arn=access.log_group_arn, format=json.dumps(fields)
            ),
        )
        cdk.CfnOutput(
            cdk.Stack.of(self), "ExchangeUrl", value=self.api.api_endpoint, description="API of other systems"
        )

    def refused(self) -> cloudwatch.IMetric:
        """Return the number of requests that were refused, by the throttle or by the application."""
        return self.api.metric_client_error(period=FIVE_MINUTES, statistic=cloudwatch.Stats.SUM)
