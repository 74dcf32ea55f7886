"""HTTP API of substitutes, whose tokens the application checks."""

import json
from typing import Final

from aws_cdk import aws_apigatewayv2 as apigw
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.config import StageConfig
from infra.constructs.alarm import FIVE_MINUTES
from infra.constructs.function import ServiceFunction
from infra.constructs.log_group import ServiceLog
from infra.nag import accept
from muster.api.security_headers import SUBSTITUTE_BASE

REQUESTS_PER_SECOND: Final = 20
BURST: Final = 60
"""For all substitutes together: a phone opens a class with some 40 requests. Anyone can call this API, so the throttle
bounds what strangers cost. It leaves the API of the accounts alone."""

SIGN_IN_PATH: Final = "/v1/substitutes/sign-in"
SIGN_INS_PER_SECOND: Final = 1
SIGN_IN_BURST: Final = 10
"""Codes that can be tried. At this rate, trying every id ten times takes three days, and a code is valid for one."""


class SubstituteApi(Construct):
    """Routes and stage of an API without an authorizer, because the user pool cannot issue tokens for codes.

    Attributes:
        api: the API, which the web stack makes.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: StageConfig,
        api: apigw.IHttpApi,
        routes: dict[str, ServiceFunction],
    ) -> None:
        """Add the routes, by key such as `GET /v1/{proxy+}`, and the stage."""
        super().__init__(scope, construct_id)
        self.api = apigw.HttpApi.from_http_api_attributes(self, "Api", http_api_id=api.api_id)
        functions = set(routes.values())
        links = {
            function: integrations.HttpLambdaIntegration(f"Substitutes{function.node.id}", function.live)
            for function in sorted(functions, key=lambda function: function.node.id)
        }
        made = [self._route(key, links[function]) for key, function in routes.items()]
        made.append(self._route(f"POST {SIGN_IN_PATH}", links[routes["ANY /v1/{proxy+}"]]))
        stage = self._stage(config)
        for route in made:
            # The stage names the route of the sign-in.
            stage.node.add_dependency(route)

    def _route(self, key: str, link: integrations.HttpLambdaIntegration) -> apigw.HttpRoute:
        method, path = key.split()
        route = apigw.HttpRoute(
            self,
            f"{method.title()} {path}",
            http_api=self.api,
            route_key=apigw.HttpRouteKey.with_(f"{SUBSTITUTE_BASE}{path}", apigw.HttpMethod(method)),
            integration=link,
        )
        accept(route, "AwsSolutions-APIG4", "The application checks a token of 256 random bits, or a code that locks.")
        return route

    def _stage(self, config: StageConfig) -> apigw.CfnStage:
        access = ServiceLog(self, "AccessLog", config=config)
        fields = {
            "time": "$context.requestTimeEpoch",
            "request_id": "$context.requestId",
            "route": "$context.routeKey",
            "status": "$context.status",
            "ip": "$context.identity.sourceIp",
        }
        return apigw.CfnStage(
            self,
            "Stage",
            api_id=self.api.api_id,
            stage_name="$default",
            auto_deploy=True,
            default_route_settings=apigw.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=REQUESTS_PER_SECOND, throttling_burst_limit=BURST
            ),
            route_settings={
                f"POST {SUBSTITUTE_BASE}{SIGN_IN_PATH}": {
                    "ThrottlingRateLimit": SIGN_INS_PER_SECOND,
                    "ThrottlingBurstLimit": SIGN_IN_BURST,
                }
            },
            access_log_settings=apigw.CfnStage.AccessLogSettingsProperty(
                destination_arn=access.log_group_arn, format=json.dumps(fields)
            ),
        )

    def refused(self) -> cloudwatch.IMetric:
        """Return the number of requests that were refused, by the throttle or by the application."""
        return cloudwatch.Metric(
            namespace="AWS/ApiGateway",
            metric_name="4xx",
            dimensions_map={"ApiId": self.api.api_id},
            period=FIVE_MINUTES,
            statistic=cloudwatch.Stats.SUM,
        )
