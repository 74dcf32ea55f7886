"""Permissions of each role: its own keys and nothing else."""

from itertools import chain

from tests.infra.policy import Need, allows
from tests.infra.templates import StageTemplates, Statement

READ, WRITE, DELETE, LIST = "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"
TABLE_READS = {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"}
TABLE_WRITES = {
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:ConditionCheckItem",
}
KNOW_NO_RESOURCES = {
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "batch:DescribeJobs",
    "cloudwatch:DescribeAlarms",
    "ecr:GetAuthorizationToken",
    "ecs:DiscoverPollEndpoint",
}
FUNCTIONS = ("Register", "Detect", "Roster", "Retrain", "Sweep")


def bucket(stage: StageTemplates, kind: str) -> str:
    return f"arn:{{Partition}}:s3:::muster-{stage.stage}-{kind}-{{AccountId}}-{{Region}}"


def pairs(statements: list[Statement], service: str) -> set[tuple[str, str]]:
    """Every (action, resource) that the statements allow in one service."""
    return {
        (action, resource)
        for statement in statements
        if statement.effect == "Allow"
        for action in statement.actions
        if action.startswith(f"{service}:")
        for resource in statement.resources
    }


def on(stage: StageTemplates, kind: str, **prefixes: set[str]) -> set[tuple[str, str]]:
    return {
        (action, f"{bucket(stage, kind)}/{prefix.replace('__', '/')}/*")
        for prefix, actions in prefixes.items()
        for action in actions
    }


def test_no_role_is_given_a_wildcard_action(stage: StageTemplates) -> None:
    actions = {action for statement in chain.from_iterable(stage.grants.values()) for action in statement.actions}

    assert actions
    assert {action for action in actions if "*" in action} == set()


def test_no_resource_lets_anyone_in_by_a_wildcard_action(stage: StageTemplates) -> None:
    allowed = [
        (name, statement)
        for name, statement in stage.resource_policies()
        if statement.effect == "Allow" and any("*" in action for action in statement.actions)
    ]

    assert [(name, statement.actions) for name, statement in allowed] == [("Key", frozenset({"kms:*"}))], (
        "only the account's root may do everything, with the key, so that it can never be locked out"
    )


def test_only_actions_that_know_no_resources_are_allowed_on_all_of_them(stage: StageTemplates) -> None:
    everywhere = {
        action
        for statement in chain.from_iterable(stage.grants.values())
        if "*" in statement.resources
        for action in statement.actions
    }

    assert everywhere == KNOW_NO_RESOURCES


def test_no_role_has_a_managed_policy_or_inline_rights_that_these_tests_do_not_see(stage: StageTemplates) -> None:
    for name, role in stage.resources("AWS::IAM::Role").items():
        assert "ManagedPolicyArns" not in role, name
        assert "Policies" not in role, name
    assert not stage.types() & {"AWS::IAM::ManagedPolicy", "AWS::IAM::User", "AWS::IAM::Group"}


def test_every_role_can_be_taken_by_one_service_only(stage: StageTemplates) -> None:
    for name, role in stage.resources("AWS::IAM::Role").items():
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert list(statement["Principal"]) == ["Service"], name
        assert statement["Action"] == "sts:AssumeRole", name


def test_register_reads_its_uploads_and_statistics_and_keeps_registration_photos_and_templates(
    stage: StageTemplates,
) -> None:
    assert pairs(stage.grants["RegisterRole"], "s3") == (
        on(stage, "photos", uploads__register={READ, DELETE}, students={READ, WRITE, DELETE}, sessions={DELETE})
        | on(stage, "models", templates={WRITE, DELETE}, heads={READ})
        | {(LIST, bucket(stage, "photos")), (LIST, bucket(stage, "models"))}
    )


def test_detect_reads_its_uploads_and_heads_and_keeps_session_photos_and_learnt_templates(
    stage: StageTemplates,
) -> None:
    assert pairs(stage.grants["DetectRole"], "s3") == (
        on(stage, "photos", uploads__detect={READ, DELETE}, sessions={READ, WRITE, DELETE}, students={DELETE})
        | on(stage, "models", templates={WRITE, DELETE}, heads={READ})
        | {(LIST, bucket(stage, "photos")), (LIST, bucket(stage, "models"))}
    )


def test_roster_offers_uploads_without_reading_them_and_can_erase_every_trace(stage: StageTemplates) -> None:
    assert pairs(stage.grants["RosterRole"], "s3") == (
        on(
            stage,
            "photos",
            uploads__register={WRITE},
            uploads__detect={WRITE},
            students={READ, DELETE},
            sessions={READ, DELETE},
        )
        | on(stage, "models", templates={WRITE, DELETE}, heads={DELETE}, checkpoints={DELETE})
        | {(LIST, bucket(stage, "photos"))}
    )


def test_retrain_sees_no_object_at_all_and_starts_our_job_on_our_queue_only(stage: StageTemplates) -> None:
    assert pairs(stage.grants["RetrainRole"], "s3") == set()
    names = [f"muster-{stage.stage}-train", f"muster-{stage.stage}-train-processors"]
    batch = "arn:{Partition}:batch:{Region}:{AccountId}"
    resources = {"{GpuQueue.JobQueueArn}", f"{batch}:job-queue/{names[1]}"}
    resources |= {f"{batch}:job-definition/{name}{end}" for name in names for end in ("", ":*")}
    assert pairs(stage.grants["RetrainRole"], "batch") == {("batch:SubmitJob", resource) for resource in resources}
    assert pairs(stage.grants["DeadlineWorkflowRole"], "batch") == {
        ("batch:CancelJob", f"{batch}:job/*"),
        ("batch:DescribeJobs", "*"),
    }
    for name in set(stage.grants) - {"RetrainRole", "DeadlineWorkflowRole"}:
        assert pairs(stage.grants[name], "batch") == set(), name


def test_the_sweep_deletes_photos_and_reads_none(stage: StageTemplates) -> None:
    assert pairs(stage.grants["SweepRole"], "s3") == (
        on(stage, "photos", students={DELETE}, sessions={DELETE})
        | on(stage, "models", templates={WRITE, DELETE}, heads={DELETE}, checkpoints={DELETE})
    )


def test_the_training_job_reads_templates_and_keeps_heads_and_sees_no_photo(stage: StageTemplates) -> None:
    assert pairs(stage.grants["JobRole"], "s3") == (
        on(stage, "models", templates={READ}, heads={READ, WRITE, DELETE}, checkpoints={READ, WRITE, DELETE})
        | {(LIST, bucket(stage, "models"))}
    )


def test_whoever_may_list_a_bucket_sees_the_prefixes_of_its_own_objects_only(stage: StageTemplates) -> None:
    for name in ("RegisterRole", "DetectRole", "RosterRole", "JobRole"):
        for statement in stage.grants[name]:
            if LIST in statement.actions:
                (seen,) = statement.conditions["StringLike"].values()
                (listed,) = statement.resources
                read = {resource for action, resource in pairs(stage.grants[name], "s3") if action == READ}
                assert seen, name
                assert {f"{listed}/{prefix}" for prefix in seen} <= read, name


def test_whoever_reads_objects_may_list_them_so_that_a_missing_one_is_not_a_refused_one(stage: StageTemplates) -> None:
    allowed = {name: {action for action, _ in pairs(statements, "s3")} for name, statements in stage.grants.items()}
    readers = [name for name, actions in allowed.items() if READ in actions and name != "SiteDeliveryRole"]
    assert sorted(readers) == ["DetectRole", "JobRole", "RegisterRole", "RosterRole"]
    for name in readers:
        for action, resource in pairs(stage.grants[name], "s3"):
            if action == READ:
                listed, _, prefix = resource.partition("/")
                need = Need(LIST, listed, {"s3:prefix": [prefix.removesuffix("*") + "a"]})
                assert allows(stage.grants[name], need), (name, resource)


def test_the_web_functions_read_and_write_items_and_never_scan_the_table(stage: StageTemplates) -> None:
    for function in ("Register", "Detect", "Roster", "Sweep"):
        assert pairs(stage.grants[f"{function}Role"], "dynamodb") == {
            (action, "{Table.Arn}") for action in TABLE_READS | TABLE_WRITES
        }, function


def test_training_touches_its_own_items_only(stage: StageTemplates) -> None:
    own = {"RetrainRole": ["TRAINING"], "JobRole": ["TRAINING", "HEADS#*"]}
    for role, partitions in own.items():
        (statement,) = [
            granted for granted in stage.grants[role] if any(a.startswith("dynamodb:") for a in granted.actions)
        ]
        assert statement.resources == {"{Table.Arn}"}
        assert statement.conditions == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": partitions}}
        assert "dynamodb:Scan" not in statement.actions


def test_the_key_is_used_through_s3_and_the_table_only_and_by_those_who_read_them(stage: StageTemplates) -> None:
    users = set()
    for role, statements in stage.grants.items():
        for statement in statements:
            if any(action.startswith("kms:") for action in statement.actions):
                users.add(role)
                assert statement.resources == {"{Key.Arn}"}
                assert statement.conditions == {
                    "StringEquals": {"kms:ViaService": ["s3.{Region}.{URLSuffix}", "dynamodb.{Region}.{URLSuffix}"]}
                }
    assert users == {f"{function}Role" for function in FUNCTIONS} | {"JobRole"}


def test_each_function_writes_its_own_log_and_its_own_dead_letters_only(stage: StageTemplates) -> None:
    for function in FUNCTIONS:
        statements = stage.grants[f"{function}Role"]
        assert {resource for _, resource in pairs(statements, "logs")} == {f"{{{function}Log.Arn}}"}
        sent = {resource for action, resource in pairs(statements, "sqs") if action == "sqs:SendMessage"}
        assert sent == {f"{{{function}DeadLetters.Arn}}"}
        taken = {resource for action, resource in pairs(statements, "sqs") if action == "sqs:DeleteMessage"}
        assert taken == ({f"{{{function}UploadsQueue.Arn}}"} if function in ("Register", "Detect") else set())


def test_the_instances_that_train_touch_no_data_of_ours(stage: StageTemplates) -> None:
    services = {action.split(":")[0] for granted in stage.grants["GpuInstanceRole"] for action in granted.actions}

    assert services == {"ecs", "ecr", "logs"}


def test_no_function_can_be_called_but_by_our_api_and_our_rules(stage: StageTemplates) -> None:
    rules = {f"{{{name}.Arn}}" for name in stage.resources("AWS::Events::Rule")}
    permissions = stage.resources("AWS::Lambda::Permission")

    assert permissions
    for name, permission in permissions.items():
        source = stage.text(permission["SourceArn"])
        match permission["Principal"]:
            case "apigateway.amazonaws.com":
                assert source.startswith("arn:{Partition}:execute-api:{Region}:{AccountId}:{Api}/"), name
            case principal:
                assert principal == "events.amazonaws.com", name
                assert source in rules, name
