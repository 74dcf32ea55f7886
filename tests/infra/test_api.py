"""Routes, their authorisation, and the handling of photos uploaded straight to S3."""

import json
import re
from pathlib import Path
from typing import Any

from muster.composition.aws_settings import AwsSettings
from muster.services.uploading.bulk import ANSWER_SECONDS
from tests.infra.policy import Need, allows
from tests.infra.templates import StageTemplates

NOTICES = {"notices", "mail_from", "office", "office_language", "webhook_url", "webhook_parameter"}
"""Settings of stages that send notices (tests/infra/test_absence_notices.py)."""

VISION = {"Register": "register", "Detect": "detect"}
ROUTES = {
    "POST /register/register-student": "Register",
    "POST /mark/detect": "Detect",
    "POST /register/register-students": "Register",
    "POST /v1/sessions/{id}/faces/{face}/student": "Detect",
    "POST /v1/sessions/{id}/faces/confirmed": "Detect",
    "GET /v1/sessions/{id}/faces/{face}/picture": "Detect",
    "GET /v1/sessions/{id}/photos/{photo}/annotated": "Detect",
    "GET /v1/sessions/{id}/photos/{photo}/picture": "Detect",
    "GET /v1/students/{id}/picture": "Register",
    "PUT /v1/students/{id}/photo": "Register",
    "ANY /v1/{proxy+}": "Roster",
    "GET /health": "Roster",
}


def routes(stage: StageTemplates) -> dict[str, dict[str, Any]]:
    return {route["RouteKey"]: route for route in stage.resources("AWS::ApiGatewayV2::Route").values()}


def test_each_route_goes_to_the_function_that_can_answer_it(stage: StageTemplates) -> None:
    links = stage.resources("AWS::ApiGatewayV2::Integration")
    answers = {
        key: stage.text(links[stage.text(route["Target"]).removeprefix("integrations/").strip("{}")]["IntegrationUri"])
        for key, route in routes(stage).items()
    }

    assert answers == {key: f"{{{function}Live}}" for key, function in ROUTES.items()}


def test_what_needs_the_models_goes_to_the_functions_that_have_them() -> None:
    document = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())
    needed = {
        f"{method.upper()} {_unnamed(path)}"
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if "recognition" in operation["tags"]
    }
    assert needed == {_unnamed(route) for route, function in ROUTES.items() if function != "Roster"}


def test_every_other_route_of_the_document_reaches_roster() -> None:
    document = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())
    others = [
        path
        for path, methods in document["paths"].items()
        if not any("recognition" in operation["tags"] for operation in methods.values())
    ]
    assert "/v1/me" in others
    assert [path for path in others if not path.startswith("/v1/")] == ["/health"]


def _unnamed(path: str) -> str:
    return re.sub(r"{.*?}", "{}", path)


def test_every_route_but_health_asks_for_a_token_of_our_users(stage: StageTemplates) -> None:
    (authorizer,) = stage.resources("AWS::ApiGatewayV2::Authorizer").values()
    public = {key for key, route in routes(stage).items() if route.get("AuthorizationType") != "JWT"}

    assert public == {"GET /health"}
    assert all("AuthorizerId" in route for key, route in routes(stage).items() if key not in public)
    assert authorizer["AuthorizerType"] == "JWT"
    assert authorizer["IdentitySource"] == ["$request.header.Authorization"]
    tokens = stage.plain(authorizer["JwtConfiguration"])
    assert tokens["Audience"] == ["{SignInPoolWeb}"]
    assert tokens["Issuer"] == "{SignInPool.ProviderURL}"


def test_the_api_is_throttled_and_logs_no_path_query_or_body(stage: StageTemplates) -> None:
    (api_stage,) = stage.resources("AWS::ApiGatewayV2::Stage").values()
    logged = set(json.loads(api_stage["AccessLogSettings"]["Format"]).values())

    assert api_stage["DefaultRouteSettings"]["ThrottlingRateLimit"] > 0
    assert "$context.routeKey" in logged
    assert not {field for field in logged if "path" in field.lower() or "query" in field.lower()}


def test_no_other_site_may_call_the_api_from_a_browser(stage: StageTemplates) -> None:
    (api,) = stage.resources("AWS::ApiGatewayV2::Api").values()

    assert "CorsConfiguration" not in api, "site and API share one origin; a leave for others would be for strangers"


def test_register_and_detect_are_one_image_with_two_handlers(stage: StageTemplates) -> None:
    functions = stage.resources("AWS::Lambda::Function", "api")
    images = {stage.text(functions[f"{name}Function"]["Code"]["ImageUri"]) for name in VISION}

    assert len(images) == 1
    for name, folder in VISION.items():
        assert functions[f"{name}Function"]["ImageConfig"] == {"Command": [f"functions.{folder}.handler.handler"]}


def test_roster_and_retrain_are_archives_on_the_library_layer(stage: StageTemplates) -> None:
    functions = stage.resources("AWS::Lambda::Function", "api")
    for name in ("Roster", "Retrain", "Sweep"):
        function = functions[f"{name}Function"]
        assert function["Handler"] == "handler.handler"
        assert stage.texts(function["Layers"]) == {"{Library}"}


def test_the_command_line_is_given_the_settings_of_the_functions(stage: StageTemplates) -> None:
    output = stage.text(stage.stacks["api"]["Outputs"]["CommandLine"]["Value"])
    function = stage.resources("AWS::Lambda::Function", "api")["RosterFunction"]
    variables = stage.plain(function["Environment"]["Variables"])
    expected = {name: value for name, value in variables.items() if name.startswith("MUSTER_")}
    given = dict(pair.split("=", 1) for pair in output.split(" "))
    assert given == {**expected, "MUSTER_USER_POOL_ID": "{SignInPool}"}


def test_every_function_has_its_settings_and_a_dead_letter_queue(stage: StageTemplates) -> None:
    for name in ("Register", "Detect", "Roster", "Retrain", "Sweep"):
        function = stage.resources("AWS::Lambda::Function", "api")[f"{name}Function"]
        variables = stage.plain(function["Environment"]["Variables"])
        assert variables["MUSTER_TABLE"] == "{Table}"
        assert variables["MUSTER_STAGE"] == stage.stage
        assert variables["MUSTER_PHOTOS_BUCKET"] == f"muster-{stage.stage}-photos-{{AccountId}}-{{Region}}"
        assert variables["MUSTER_MODELS_BUCKET"] == f"muster-{stage.stage}-models-{{AccountId}}-{{Region}}"
        assert variables["POWERTOOLS_SERVICE_NAME"] == name.lower()
        # Only these may be missing: images alone have packs and threads, sessions are kept, nobody gets notices and no
        # substitute has access unless a stage says so, and accounts are managed from a workstation.
        optional = {"home", "threads", "target_fpir", "keep_sessions_days", "user_pool_id", "substitutes", *NOTICES}
        required = {f"MUSTER_{field.upper()}" for field in AwsSettings.model_fields if field not in optional}
        assert {*required, "LOG_LEVEL"} <= set(variables)
        assert ("MUSTER_HOME" in variables) == (name in VISION)
        assert ("MUSTER_JOB_QUEUE" in variables) == (name == "Retrain")
        assert stage.text(function["DeadLetterConfig"]["TargetArn"]) == f"{{{name}DeadLetters.Arn}}"
        assert stage.text(function["LoggingConfig"]["LogGroup"]) == f"{{{name}Log}}"


def test_an_uploaded_photo_reaches_its_function_one_by_one_and_is_never_lost(stage: StageTemplates) -> None:
    rules, queues = stage.resources("AWS::Events::Rule", "api"), stage.resources("AWS::SQS::Queue", "api")
    functions = stage.resources("AWS::Lambda::Function", "api")
    mappings = {
        stage.text(mapping["EventSourceArn"]): mapping
        for mapping in stage.resources("AWS::Lambda::EventSourceMapping").values()
    }
    for name, folder in VISION.items():
        rule = rules[f"{name}UploadsCreated"]
        (target,) = rule["Targets"]
        queue, mapping = queues[f"{name}UploadsQueue"], mappings[f"{{{name}UploadsQueue.Arn}}"]

        assert stage.plain(rule["EventPattern"]) == {
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {
                "bucket": {"name": [f"muster-{stage.stage}-photos-{{AccountId}}-{{Region}}"]},
                "object": {"key": [{"prefix": f"uploads/{folder}/"}]},
            },
        }
        assert stage.text(target["Arn"]) == f"{{{name}UploadsQueue.Arn}}"
        assert stage.text(target["DeadLetterConfig"]["Arn"]) == f"{{{name}UploadsDeadLetters.Arn}}"
        assert stage.plain(queue["RedrivePolicy"]) == {
            "deadLetterTargetArn": f"{{{name}UploadsDeadLetters.Arn}}",
            "maxReceiveCount": 8,
        }
        assert queue["VisibilityTimeout"] >= 6 * functions[f"{name}Function"]["Timeout"]
        assert queue["VisibilityTimeout"] * 8 < ANSWER_SECONDS, (
            "the command line waits until the last attempt has ended"
        )
        assert stage.text(mapping["FunctionName"]).endswith(":live")
        assert (mapping["BatchSize"], mapping["FunctionResponseTypes"]) == (1, ["ReportBatchItemFailures"])
        at_once = mapping["ScalingConfig"]["MaximumConcurrency"]
        assert 2 <= at_once <= (5 if name == "Register" else 20), "registrations are stored one after another"


def test_a_template_that_came_or_went_and_the_end_of_our_training_run_wake_retrain(stage: StageTemplates) -> None:
    rules = stage.resources("AWS::Events::Rule", "api")
    names = ("TemplateStored", "TemplateErased", "TrainingEnded")
    stored, erased, ended = (stage.plain(rules[name]["EventPattern"]) for name in names)

    place = {
        "object": {"key": [{"prefix": "templates/"}]},
        "bucket": {"name": [f"muster-{stage.stage}-models-{{AccountId}}-{{Region}}"]},
    }
    assert (stored["detail-type"], stored["detail"]) == (["Object Created"], place)
    not_by_age = {"reason": [{"anything-but": ["Lifecycle Expiration"]}]}
    assert (erased["detail-type"], erased["detail"]) == (["Object Deleted"], {**place, **not_by_age})
    assert ended["source"] == ["aws.batch"]
    fallback = f"arn:{{Partition}}:batch:{{Region}}:{{AccountId}}:job-queue/muster-{stage.stage}-train-processors"
    queues = ["{GpuQueue.JobQueueArn}", fallback]
    assert ended["detail"] == {"jobQueue": queues, "status": ["SUCCEEDED", "FAILED"]}
    for name in names:
        (target,) = rules[name]["Targets"]
        assert stage.text(target["Arn"]) == "{RetrainLive}"
        assert stage.text(target["DeadLetterConfig"]["Arn"]) == "{RetrainDeadLetters.Arn}"


def test_training_touches_no_template_so_that_no_run_asks_for_another(stage: StageTemplates) -> None:
    templates = f"arn:{{Partition}}:s3:::muster-{stage.stage}-models-{{AccountId}}-{{Region}}/templates/a.safetensors"
    for role in ("RetrainRole", "JobRole"):
        for action in ("s3:PutObject", "s3:DeleteObject"):
            assert not allows(stage.grants[role], Need(action, templates)), (role, action)


def test_the_sweep_runs_once_a_day_for_as_long_as_lambda_allows(stage: StageTemplates) -> None:
    rule = stage.resources("AWS::Events::Rule", "api")["DailySweep"]
    (target,) = rule["Targets"]

    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 day)", "ENABLED")
    assert stage.text(target["Arn"]) == "{SweepLive}"
    assert stage.text(target["DeadLetterConfig"]["Arn"]) == "{SweepDeadLetters.Arn}"
    assert stage.resources("AWS::Lambda::Function", "api")["SweepFunction"]["Timeout"] == 15 * 60
