"""Web client: its bucket, the distribution in front of it and the API, and the deployment of its files."""

from pathlib import Path
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigw
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_deployment as deployment
from constructs import Construct

from infra import names
from infra.config import StageConfig
from infra.constructs.bucket import AccessLogs, PrivateBucket
from infra.nag import accept, reported
from infra.regions import REGIONS, only_where
from muster.api.security_headers import API_PATHS, HEADERS, SUBSTITUTE_BASE, content_security_policy

QUALIFIER: Final = cdk.DefaultStackSynthesizer.DEFAULT_QUALIFIER
"""Part of the name of the asset bucket that `cdk bootstrap` creates."""

LOG_PREFIX: Final = "cloudfront/"


def site_policy(stage: str) -> str:
    """Return the site's content security policy: its own files, the sign-in pages and the photo bucket."""
    photos = names.photos_origin(stage)
    return content_security_policy(images=[photos], connections=[names.sign_in_origin(stage), photos], https=True)


class Site(Construct):
    """One origin for the web client and the API, so the browser needs no CORS.

    Attributes:
        bucket: the client's files; only the distribution may read it.
        distribution: the CloudFront distribution.
        origins: the site's origins, without a trailing slash: first the one to give to people. CloudFront's own host
            name stays one of them, so a domain can be added and removed without an address that stops working.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: StageConfig,
        api: apigw.IHttpApi,
        substitute_api: apigw.IHttpApi | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        access_logs = AccessLogs(
            self, "AccessLogs", days=config.retention.logs, retain=config.retain_data, cloudfront=True
        )
        self.bucket = PrivateBucket(
            self,
            "Web",
            retain=config.retain_data,
            logs=access_logs,
            versioned=True,
            lifecycle=[s3.LifecycleRule(id="replaced", noncurrent_version_expiration=cdk.Duration.days(30))],
        )
        behaviors = dict.fromkeys(API_PATHS, self._to_api(api))
        if substitute_api is not None:
            behaviors[f"{SUBSTITUTE_BASE}/*"] = self._to_api(substitute_api)
        self.distribution = self._distribution(config, behaviors, access_logs)
        hosts = [*([config.domain.name] if config.domain else []), self.distribution.distribution_domain_name]
        self.origins = [f"https://{host}" for host in hosts]

    def _to_api(self, api: apigw.IHttpApi) -> cloudfront.BehaviorOptions:
        stack = cdk.Stack.of(self)
        api_origin = origins.HttpOrigin(
            f"{api.api_id}.execute-api.{stack.region}.{stack.url_suffix}",
            protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
            origin_ssl_protocols=[cloudfront.OriginSslPolicy.TLS_V1_2],
        )
        return cloudfront.BehaviorOptions(
            origin=api_origin,
            allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
            viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
            cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
            origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
            response_headers_policy=cloudfront.ResponseHeadersPolicy.SECURITY_HEADERS,
        )

    def _distribution(
        self, config: StageConfig, behaviors: dict[str, cloudfront.BehaviorOptions], access_logs: s3.IBucket
    ) -> cloudfront.Distribution:
        domain = config.domain
        certificate = (
            acm.Certificate.from_certificate_arn(self, "Certificate", domain.certificate_arn) if domain else None
        )
        distribution = cloudfront.Distribution(
            self,
            "Distribution",
            comment=f"Muster {config.stage}",
            default_root_object="index.html",
            default_behavior=cloudfront.BehaviorOptions(
                origin=origins.S3BucketOrigin.with_origin_access_control(self.bucket),
                viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
                response_headers_policy=self._headers(config.stage),
            ),
            additional_behaviors=behaviors,
            domain_names=[domain.name] if domain else None,
            certificate=certificate,
            minimum_protocol_version=cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            price_class=cloudfront.PriceClass.PRICE_CLASS_100,
            geo_restriction=cloudfront.GeoRestriction.allowlist(*config.countries) if config.countries else None,
            web_acl_id=config.web_acl_arn,
            log_bucket=access_logs,
            log_file_prefix=LOG_PREFIX,
        )
        self._log_where_cloudfront_can(distribution, access_logs)
        if not config.countries:
            accept(distribution, "AwsSolutions-CFR1", "Schools are anywhere; StageConfig.countries restricts a stage.")
        if not config.web_acl_arn:
            accept(
                distribution,
                "AwsSolutions-CFR2",
                "WAF bills monthly; StageConfig.web_acl_arn puts one before the site.",
            )
        if not domain:
            accept(
                distribution,
                "AwsSolutions-CFR4",
                "CloudFront's own certificate allows no choice; StageConfig.domain asks TLS 1.2.",
            )
        return distribution

    def _log_where_cloudfront_can(self, distribution: cloudfront.Distribution, access_logs: s3.IBucket) -> None:
        """Leave the access log out in regions whose buckets CloudFront refuses; there, only the API's log is kept."""
        can_log = only_where(self, "CanLog", [name for name, region in REGIONS.items() if region.cloudfront_logs])
        resource = distribution.node.default_child
        assert isinstance(resource, cloudfront.CfnDistribution)  # noqa: S101  what a Distribution is made of
        logging = {"Bucket": access_logs.bucket_regional_domain_name, "Prefix": LOG_PREFIX}
        resource.add_property_override(
            "DistributionConfig.Logging", cdk.Fn.condition_if(can_log.logical_id, logging, cdk.Aws.NO_VALUE)
        )
        accept(distribution, "AwsSolutions-CFR3", "Logged, except in the regions whose buckets CloudFront refuses.")

    def _headers(self, stage: str) -> cloudfront.ResponseHeadersPolicy:
        return cloudfront.ResponseHeadersPolicy(
            self,
            "Headers",
            security_headers_behavior=cloudfront.ResponseSecurityHeadersBehavior(
                content_security_policy=cloudfront.ResponseHeadersContentSecurityPolicy(
                    content_security_policy=site_policy(stage), override=True
                ),
                content_type_options=cloudfront.ResponseHeadersContentTypeOptions(override=True),
                frame_options=cloudfront.ResponseHeadersFrameOptions(
                    frame_option=cloudfront.HeadersFrameOption.DENY, override=True
                ),
                referrer_policy=cloudfront.ResponseHeadersReferrerPolicy(
                    referrer_policy=cloudfront.HeadersReferrerPolicy.NO_REFERRER, override=True
                ),
                strict_transport_security=cloudfront.ResponseHeadersStrictTransportSecurity(
                    access_control_max_age=cdk.Duration.days(730), include_subdomains=True, override=True
                ),
            ),
            custom_headers_behavior=cloudfront.ResponseCustomHeadersBehavior(
                custom_headers=[
                    cloudfront.ResponseCustomHeader(header=header, value=HEADERS[header], override=True)
                    for header in ("Permissions-Policy", "Cross-Origin-Opener-Policy")
                ]
            ),
        )

    def deploy_files(self, files: Path | None, settings: dict[str, str], log_days: logs.RetentionDays) -> None:
        """Copy the client's files and `config.json` into the bucket, and invalidate the cache.

        Args:
            files: folder of the static client; None deploys the settings only.
            settings: content of `config.json`, which the client reads at start.
            log_days: retention of the deployment's log.
        """
        role = iam.Role(self, "DeliveryRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group = logs.LogGroup(self, "DeliveryLog", retention=log_days, removal_policy=cdk.RemovalPolicy.DESTROY)
        self._allow_deployment(role, log_group)
        sources = [deployment.Source.asset(str(files))] if files else []
        deployment.BucketDeployment(
            self,
            "Delivery",
            sources=[*sources, deployment.Source.json_data("config.json", settings)],
            destination_bucket=self.bucket,
            distribution=self.distribution,
            distribution_paths=["/*"],
            cache_control=[deployment.CacheControl.no_cache()],
            prune=files is not None,
            role=role.without_policy_updates(),
            log_group=log_group,
        )
        for child in cdk.Stack.of(self).node.children:
            if child.node.id.startswith("Custom::CDKBucketDeployment"):
                accept(child, "AwsSolutions-L1", "The construct library chooses the runtime of its own function.")

    def _allow_deployment(self, role: iam.Role, log_group: logs.ILogGroup) -> None:
        """Allow the calls of the deployment function one by one; the construct's own grants have wildcards."""
        stack = cdk.Stack.of(self)
        assets = f"arn:{cdk.Aws.PARTITION}:s3:::cdk-{QUALIFIER}-assets-{cdk.Aws.ACCOUNT_ID}-{cdk.Aws.REGION}"
        distribution = (
            f"arn:{stack.partition}:cloudfront::{stack.account}:distribution/{self.distribution.distribution_id}"
        )
        resource = self.bucket.node.default_child
        assert isinstance(resource, s3.CfnBucket)  # noqa: S101  what an s3.Bucket is made of
        for finding, reason in (
            (f"{reported(assets)}/*", "The archive's key is the digest of the client's files."),
            (f"<{stack.get_logical_id(resource)}.Arn>/*", "The client's files are the whole bucket."),
        ):
            accept(role, f"AwsSolutions-IAM5[Resource::{finding}]", reason)
        for sid, actions, resources in (
            ("ReadFiles", ["s3:GetObject"], [f"{assets}/*"]),
            ("ListFiles", ["s3:ListBucket"], [self.bucket.bucket_arn]),
            ("WriteFiles", ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], [self.bucket.arn_for_objects("*")]),
            ("EmptyCache", ["cloudfront:CreateInvalidation", "cloudfront:GetInvalidation"], [distribution]),
            ("Log", ["logs:CreateLogStream", "logs:PutLogEvents"], [log_group.log_group_arn]),
        ):
            role.add_to_policy(iam.PolicyStatement(sid=sid, actions=actions, resources=resources))
