"""API stack: the functions, the routes, and the queues of uploaded photos and training events."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigw
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra import grants, names, permissions
from infra.config import PACK_HOME, AbsenceNotices, StageConfig
from infra.constructs.exchange import Exchange
from infra.constructs.function import LIVE, ImageCode, ServiceFunction, ZipCode
from infra.constructs.notices import allow_mail, allow_secret, send_every_five_minutes, variables
from infra.constructs.sign_in import SignIn
from infra.constructs.substitutes import SubstituteApi
from infra.constructs.traffic import TrafficShift, keep_warm
from infra.constructs.upload_queue import UploadQueue, object_created, object_deleted
from infra.layer import library_layer
from infra.nag import accept, reported
from infra.pack_options import build_arguments
from infra.stacks.training import TrainingStack
from muster.storage.aws import keys

DOCKERFILE: Final = "containers/vision/Dockerfile"
GET, POST, PUT, ANY = (apigw.HttpMethod(verb) for verb in ("GET", "POST", "PUT", "ANY"))


class ApiStack(cdk.Stack):
    """Functions, routes and events.

    Attributes:
        functions: register, detect, roster, retrain, sweep, and notices if the stage sends them.
        traffic: how new versions take over.
        uploads: queues of photos that were uploaded directly to S3, by function.
        exchange: the API of other systems, if the stage has one.
        substitutes: the API of substitutes, if the stage has one.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: StageConfig,
        root: Path,
        stores: grants.Stores,
        http_api: apigw.IHttpApi,
        substitute_api: apigw.IHttpApi | None,
        sign_in: SignIn,
        training: TrainingStack,
        env: cdk.Environment,
    ) -> None:
        super().__init__(scope, construct_id, env=env, description="Muster: functions, routes and events")
        self._config, self._root, self._stores = config, root, stores
        self._training = training
        layer = library_layer(self, root)
        vision = {"MUSTER_HOME": PACK_HOME}
        training_names = {
            "MUSTER_JOB_QUEUE": training.queue.job_queue_arn,
            "MUSTER_JOB_DEFINITION": names.training_job(config.stage),
        }
        if training.fallback_queue is not None:
            training_names["MUSTER_FALLBACK_QUEUE"] = training.fallback_queue
            training_names["MUSTER_FALLBACK_DEFINITION"] = names.fallback_training(config.stage)
        self.register = self._function("Register", self._vision("register"), vision)
        self.detect = self._function("Detect", self._vision("detect"), vision)
        self.roster = self._function("Roster", ZipCode(root / "functions/roster", layer), {})
        self.retrain = self._function("Retrain", ZipCode(root / "functions/retrain", layer), training_names)
        self.sweep = self._function("Sweep", ZipCode(root / "functions/sweep", layer), {})
        self.functions: tuple[ServiceFunction, ...] = (
            self.register,
            self.detect,
            self.roster,
            self.retrain,
            self.sweep,
        )
        if config.notices is not None:
            self._send_notices(config.notices, layer)
        self._allow()
        self._route(http_api, sign_in)
        self.uploads = self._read_uploads()
        self._train_when_due()
        self._sweep_daily()
        self.traffic = TrafficShift(self, "Traffic", config=config, functions=(self.register, self.detect, self.roster))
        if config.first_lesson:
            for function in (self.detect, self.roster):
                keep_warm(function, config.first_lesson, config.time_zone)
        self.exchange = Exchange(self, "Exchange", config=config, function=self.roster) if config.api_tokens else None
        self.substitutes = None if substitute_api is None else self._admit_substitutes(substitute_api)
        cdk.CfnOutput(self, "RetrainFunction", value=f"{self.retrain.function.function_name}:{LIVE}")
        settings = {**self._settings(), "MUSTER_USER_POOL_ID": sign_in.pool.user_pool_id}
        variables = " ".join(f"{name}={value}" for name, value in settings.items())
        cdk.CfnOutput(self, "CommandLine", value=variables, description="Environment of the command line")

    def _vision(self, name: str) -> ImageCode:
        arguments = build_arguments(self._config.pack, self._config.pack_pins)
        return ImageCode(self._root, DOCKERFILE, f"functions.{name}.handler.handler", arguments)

    def _function(self, name: str, code: ImageCode | ZipCode, extra: Mapping[str, str]) -> ServiceFunction:
        config = self._config
        environment = {
            **self._settings(),
            "POWERTOOLS_METRICS_NAMESPACE": "Muster",
            "LOG_LEVEL": "INFO",
            **extra,
        }
        size = {
            "Register": config.register,
            "Detect": config.detect,
            "Roster": config.roster,
            "Retrain": config.retrain,
            "Sweep": config.sweep,
            **({} if config.notices is None else {"Notices": config.notices.size}),
        }
        return ServiceFunction(self, name, config=config, size=size[name], code=code, environment=environment)

    def _settings(self) -> dict[str, str]:
        """Return the settings of every function, and of the command line on a workstation."""
        config, stores = self._config, self._stores
        return {
            "MUSTER_STAGE": config.stage,
            "MUSTER_TABLE": stores.table.table_name,
            "MUSTER_PHOTOS_BUCKET": stores.photos,
            "MUSTER_MODELS_BUCKET": stores.models,
            "MUSTER_PACK": config.pack,
            "MUSTER_UPLOAD_LIMIT_BYTES": str(config.upload_limit_bytes),
            "MUSTER_WRONG_MARKS": str(config.wrong_marks),
            "MUSTER_HEAD": config.head.value,
            **({"MUSTER_KEEP_SESSIONS_DAYS": str(keep)} if (keep := config.retention.sessions) is not None else {}),
            "MUSTER_LEARN": config.learn.value,
            "MUSTER_TIME_ZONE": config.time_zone,
            **variables(config.notices),
            **({"MUSTER_SUBSTITUTES": "true"} if config.substitutes else {}),
        }

    def _allow(self) -> None:
        for function, granted in (
            (self.register, permissions.REGISTER),
            (self.detect, permissions.DETECT),
            (self.roster, permissions.ROSTER),
            (self.retrain, permissions.RETRAIN),
            (self.sweep, permissions.SWEEP),
        ):
            grants.allow(function.role, self._stores, granted)
        self._allow_training_jobs()

    def _allow_training_jobs(self) -> None:
        # A request by name is authorized with the ARN of the revision that it takes.
        jobs = {names.training_job(self._config.stage): self._training.queue.job_queue_arn}
        if self._training.fallback_queue is not None:
            jobs[names.fallback_training(self._config.stage)] = self._training.fallback_queue
        definitions = [names.batch_arn("job-definition", name) for name in jobs]
        revisions = [f"{definition}:*" for definition in definitions]
        self.retrain.role.add_to_policy(
            iam.PolicyStatement(
                sid="Train", actions=["batch:SubmitJob"], resources=[*jobs.values(), *definitions, *revisions]
            )
        )
        for revision in revisions:
            accept(
                self.retrain.role,
                f"AwsSolutions-IAM5[Resource::{reported(revision)}]",
                "Each deployment registers a new revision of this one definition.",
            )

    def _route(self, http_api: apigw.IHttpApi, sign_in: SignIn) -> None:
        """Connect each route to its function. Routes without an authorizer are public."""
        api = apigw.HttpApi.from_http_api_attributes(self, "Api", http_api_id=http_api.api_id)
        signed_in = authorizers.HttpJwtAuthorizer(
            "Teachers", sign_in.issuer, jwt_audience=[sign_in.client.user_pool_client_id]
        )
        routes = (
            (POST, "/register/register-student", self.register, signed_in),
            (POST, "/mark/detect", self.detect, signed_in),
            (POST, "/register/register-students", self.register, signed_in),
            (POST, "/v1/sessions/{id}/faces/{face}/student", self.detect, signed_in),
            (POST, "/v1/sessions/{id}/faces/confirmed", self.detect, signed_in),
            (GET, "/v1/sessions/{id}/faces/{face}/picture", self.detect, signed_in),
            (GET, "/v1/sessions/{id}/photos/{photo}/annotated", self.detect, signed_in),
            (GET, "/v1/sessions/{id}/photos/{photo}/picture", self.detect, signed_in),
            (GET, "/v1/students/{id}/picture", self.register, signed_in),
            (PUT, "/v1/students/{id}/photo", self.register, signed_in),
            (ANY, "/v1/{proxy+}", self.roster, signed_in),
            (GET, "/health", self.roster, None),
        )
        links = {
            function: integrations.HttpLambdaIntegration(function.node.id, function.live)
            for function in (self.register, self.detect, self.roster)
        }
        for method, path, function, authorizer in routes:
            route = apigw.HttpRoute(
                self,
                f"{method.value.title()} {path}",
                http_api=api,
                route_key=apigw.HttpRouteKey.with_(path, method),
                integration=links[function],
                authorizer=authorizer,
            )
            if authorizer is None:
                accept(route, "AwsSolutions-APIG4", "Says only that the system is up; monitors ask without an account.")

    def _admit_substitutes(self, api: apigw.IHttpApi) -> SubstituteApi:
        """Connect what a register needs; `muster.api.substitute_routes` opens no more."""
        routes = {
            "POST /mark/detect": self.detect,
            "POST /v1/sessions/{id}/faces/{face}/student": self.detect,
            "POST /v1/sessions/{id}/faces/confirmed": self.detect,
            "GET /v1/sessions/{id}/faces/{face}/picture": self.detect,
            "GET /v1/sessions/{id}/photos/{photo}/annotated": self.detect,
            "GET /v1/sessions/{id}/photos/{photo}/picture": self.detect,
            "GET /v1/students/{id}/picture": self.register,
            "ANY /v1/{proxy+}": self.roster,
        }
        return SubstituteApi(self, "Substitutes", config=self._config, api=api, routes=routes)

    def _read_uploads(self) -> dict[str, UploadQueue]:
        config = self._config
        return {
            function.name: UploadQueue(
                self,
                f"{function.node.id}Uploads",
                bucket=self._stores.photos,
                prefix=prefix,
                reader=function,
                timeout_seconds=size.timeout_seconds,
                max_at_once=max_at_once,
            )
            for function, prefix, size, max_at_once in (
                (self.register, names.UPLOADS_REGISTER, config.register, config.queued_registrations_at_once),
                (self.detect, names.UPLOADS_DETECT, config.detect, config.queued_photos_at_once),
            )
        }

    def _train_when_due(self) -> None:
        """Invoke retrain when a template is stored or deleted, and when a training run ends.

        Training writes no templates, so a run never triggers another one. Templates do not expire; deletions by a
        lifecycle rule would be ignored, because nobody requested an erasure.
        """
        models = self._stores.models
        ended = events.EventPattern(
            source=["aws.batch"],
            detail_type=["Batch Job State Change"],
            detail={"jobQueue": self._training.queues, "status": ["SUCCEEDED", "FAILED"]},
        )
        for rule, pattern in (
            ("TemplateStored", object_created(models, keys.TEMPLATES)),
            ("TemplateErased", object_deleted(models, keys.TEMPLATES)),
            ("TrainingEnded", ended),
        ):
            events.Rule(
                self,
                rule,
                event_pattern=pattern,
                targets=[targets.LambdaFunction(self.retrain.live, dead_letter_queue=self.retrain.dead_letters)],
            )

    def _send_notices(self, notices: AbsenceNotices, layer: lambda_.ILayerVersion) -> None:
        """Add the function that sends notices. Roster sends test messages only, and reads no secret."""
        sender = self._function("Notices", ZipCode(self._root / "functions/notices", layer), {})
        self.functions = (*self.functions, sender)
        grants.allow(sender.role, self._stores, permissions.NOTICES)
        allow_mail(sender.role, notices)
        allow_secret(sender.role, notices)
        allow_mail(self.roster.role, notices)
        send_every_five_minutes(self, sender)

    def _sweep_daily(self) -> None:
        """Invoke sweep daily to complete interrupted calls."""
        events.Rule(
            self,
            "DailySweep",
            schedule=events.Schedule.rate(cdk.Duration.days(1)),
            targets=[targets.LambdaFunction(self.sweep.live, dead_letter_queue=self.sweep.dead_letters)],
        )
