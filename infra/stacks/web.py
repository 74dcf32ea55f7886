"""Web stack: the API's address, the web client's site and sign-in. It depends on no other stack."""

import json
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigw
from constructs import Construct

from infra import names
from infra.config import StageConfig
from infra.constructs.log_group import ServiceLog, retention_days
from infra.constructs.sign_in import SignIn
from infra.constructs.site import Site
from muster.api.security_headers import SUBSTITUTE_BASE


class WebStack(cdk.Stack):
    """One host name for the client and the API, and the sign-in pages.

    The HTTP API is created here without routes, because the distribution needs its address and the sign-in needs the
    address of the distribution. The api stack adds the routes.

    Attributes:
        http_api: the HTTP API, `$default` stage, throttled, access logged.
        substitute_api: the API of substitutes, if the stage has one; the api stack adds its routes and its stage.
        site: bucket and distribution.
        sign_in: user pool, groups, client.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, config: StageConfig, files: Path | None, env: cdk.Environment
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            env=env,
            description="Muster: site, sign-in and the API's address",
            termination_protection=config.retain_data,
        )
        origins = [f"https://{config.domain.name}"] if config.domain else []
        self.http_api = apigw.HttpApi(
            self,
            "Api",
            api_name=f"muster-{config.stage}",
            create_default_stage=False,
            cors_preflight=apigw.CorsPreflightOptions(
                allow_origins=origins,
                allow_methods=[
                    apigw.CorsHttpMethod.GET,
                    apigw.CorsHttpMethod.POST,
                    apigw.CorsHttpMethod.PUT,
                    apigw.CorsHttpMethod.PATCH,
                    apigw.CorsHttpMethod.DELETE,
                ],
                allow_headers=["authorization", "content-type", "idempotency-key", "if-match", "x-request-id"],
                expose_headers=["etag", "idempotency-replayed", "location", "retry-after", "x-request-id"],
                max_age=cdk.Duration.hours(1),
            )
            if origins
            else None,
        )
        self._add_default_stage(config)
        self.substitute_api = (
            apigw.HttpApi(self, "SubstituteApi", create_default_stage=False, description="Muster: substitutes")
            if config.substitutes
            else None
        )
        self.site = Site(self, "Site", config=config, api=self.http_api, substitute_api=self.substitute_api)
        self.sign_in = SignIn(self, "SignIn", config=config, web_origins=self.site.origins)
        self.site.deploy_files(
            files,
            {
                "sign_in": names.sign_in_origin(config.stage),
                "client_id": self.sign_in.client.user_pool_client_id,
                "region": self.region,
                "stage": config.stage,
                **({"substitutes": SUBSTITUTE_BASE} if config.substitutes else {}),
            },
            retention_days(config.retention.logs),
        )
        cdk.CfnOutput(self, "Url", value=self.site.origins[0])
        cdk.CfnOutput(self, "DistributionName", value=self.site.distribution.distribution_domain_name)
        cdk.CfnOutput(self, "ApiEndpoint", value=self.http_api.api_endpoint)
        cdk.CfnOutput(self, "UserPoolId", value=self.sign_in.pool.user_pool_id)
        cdk.CfnOutput(self, "ClientId", value=self.sign_in.client.user_pool_client_id)

    def _add_default_stage(self, config: StageConfig) -> None:
        """Add the `$default` stage, throttled, with one log line per request, without query, headers and body."""
        access = ServiceLog(self, "AccessLog", config=config)
        fields = {
            "time": "$context.requestTimeEpoch",
            "request_id": "$context.requestId",
            "route": "$context.routeKey",
            "status": "$context.status",
            "latency_ms": "$context.responseLatency",
            "integration_ms": "$context.integrationLatency",
            "bytes": "$context.responseLength",
            "ip": "$context.identity.sourceIp",
            "subject": "$context.authorizer.claims.sub",
            "error": "$context.error.message",
        }
        apigw.CfnStage(
            self,
            "Stage",
            api_id=self.http_api.api_id,
            stage_name="$default",
            auto_deploy=True,
            default_route_settings=apigw.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=config.requests_per_second, throttling_burst_limit=config.burst
            ),
            access_log_settings=apigw.CfnStage.AccessLogSettingsProperty(
                destination_arn=access.log_group_arn, format=json.dumps(fields)
            ),
        )
