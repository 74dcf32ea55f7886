"""The user pool: its invitation, what a user may change, and the school's own sign-in."""

import json
from dataclasses import replace
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from infra.config import DEV
from infra.constructs.sign_in import SignIn
from infra.single_sign_on import OpenIdProvider, SamlProvider, SingleSignOn
from muster.domain.user import Role
from tests.infra.templates import StageTemplates
from tests.infra.test_cost_and_alarms import RUNBOOK

pytestmark = pytest.mark.cdk


def client_of(stage: StageTemplates) -> dict[str, Any]:
    (client,) = stage.resources("AWS::Cognito::UserPoolClient").values()
    return dict(client)


def test_the_invitation_has_the_address_of_the_site(stage: StageTemplates) -> None:
    (pool,) = stage.resources("AWS::Cognito::UserPool").values()
    invitation = pool["AdminCreateUserConfig"]["InviteMessageTemplate"]
    body = stage.text(invitation["EmailMessage"])

    assert '<a href="https://{SiteDistribution.DomainName}/">' in body
    assert "{username}" in body, "Cognito refuses a template without it"
    assert "{####}" in body, "the first password"
    assert invitation["EmailSubject"]


def test_nobody_changes_their_own_address(stage: StageTemplates) -> None:
    client = client_of(stage)

    assert "aws.cognito.signin.user.admin" not in client["AllowedOAuthScopes"]
    assert set(client["AllowedOAuthScopes"]) == {"openid", "email", "profile"}
    assert client["WriteAttributes"] == ["name"]
    assert set(client["ReadAttributes"]) == {"email", "email_verified", "name"}
    assert client["SupportedIdentityProviders"] == ["COGNITO"]
    assert stage.resources("AWS::Cognito::UserPoolIdentityProvider") == {}


def test_every_pool_has_the_attribute_of_a_provider_because_none_can_be_removed(stage: StageTemplates) -> None:
    (pool,) = stage.resources("AWS::Cognito::UserPool").values()

    (attribute,) = pool["Schema"]
    assert (attribute["Name"], attribute["Mutable"]) == ("school_roles", True)
    assert attribute["StringAttributeConstraints"] == {"MaxLength": "2048"}
    assert "LambdaConfig" not in pool


def test_the_schools_sign_in_is_offered_and_its_secret_is_a_reference(chosen: StageTemplates) -> None:
    (provider,) = chosen.resources("AWS::Cognito::UserPoolIdentityProvider").values()
    details, client = provider["ProviderDetails"], client_of(chosen)

    assert (provider["ProviderType"], provider["ProviderName"]) == ("OIDC", "School")
    assert details["client_secret"] == "{{resolve:secretsmanager:muster/dev/single-sign-on:SecretString:::}}"
    assert details["authorize_scopes"] == "openid email profile"
    assert provider["AttributeMapping"] == {"email": "email", "name": "name", "custom:school_roles": "roles"}
    assert client["SupportedIdentityProviders"][0] == "COGNITO"
    assert len(client["SupportedIdentityProviders"]) == 2
    # Whatever the provider states is written through the client: without the permission nobody signs in.
    assert set(client["WriteAttributes"]) == {"email", "name", "custom:school_roles"}
    assert "aws.cognito.signin.user.admin" not in client["AllowedOAuthScopes"]


def test_the_roles_of_the_schools_sign_in_are_given_by_a_function_that_can_do_nothing_else(
    chosen: StageTemplates,
) -> None:
    (pool,) = chosen.resources("AWS::Cognito::UserPool").values()
    functions = chosen.resources("AWS::Lambda::Function", "web")
    name = chosen.text(pool["LambdaConfig"]["PreTokenGeneration"]).strip("{}").removesuffix(".Arn")
    variables = functions[name]["Environment"]["Variables"]

    assert json.loads(variables["MUSTER_PROVIDER_ROLES"]) == {"Muster.Admin": "admin", "Muster.Teacher": "teacher"}
    assert variables["MUSTER_PROVIDER"] == "School"
    assert variables["MUSTER_ROLES_ATTRIBUTE"] == "custom:school_roles"
    assert functions[name]["Timeout"] <= 5, "Cognito does not wait longer"
    role = chosen.text(functions[name]["Role"]).strip("{}").removesuffix(".Arn")
    assert {action for grant in chosen.grants[role] for action in grant.actions} == {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    }
    (permission,) = [
        permission
        for permission in chosen.resources("AWS::Lambda::Permission", "web").values()
        if permission["Principal"] == "cognito-idp.amazonaws.com"
    ]
    assert chosen.text(permission["SourceArn"]).endswith("Pool.Arn}")


def synthesized(single_sign_on: SingleSignOn) -> Template:
    """Return the template of the sign-in alone."""
    stack = cdk.Stack(cdk.App(), "web")
    config = replace(DEV, single_sign_on=single_sign_on)
    SignIn(stack, "SignIn", config=config, web_origins=["https://muster.example.edu"])
    return Template.from_stack(stack)


def test_saml_without_a_mapping_of_roles_needs_no_function() -> None:
    google = SamlProvider(name="Workspace", metadata_url="https://accounts.google.com/o/saml2/idp?idpid=C0")
    template = synthesized(google)

    template.has_resource_properties(
        "AWS::Cognito::UserPoolIdentityProvider",
        {
            "ProviderType": "SAML",
            "ProviderDetails": {"MetadataURL": google.metadata_url},
            "AttributeMapping": {"email": "email", "name": "name"},
        },
    )
    template.resource_count_is("AWS::Lambda::Function", 0)
    (pool,) = template.find_resources("AWS::Cognito::UserPool").values()
    assert "LambdaConfig" not in pool["Properties"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "My School"},
        {"name": "Google"},
        {"issuer": "http://login.example"},
        {"roles_claim": "roles"},
        {"roles": {"teachers": Role.TEACHER}},
    ],
    ids=str,
)
def test_a_provider_that_cannot_work_is_refused_at_synthesis(wrong: dict[str, Any]) -> None:
    right: dict[str, Any] = {
        "name": "School",
        "issuer": "https://login.example",
        "client_id": "1",
        "client_secret": "secret",
    }
    OpenIdProvider(**right)
    with pytest.raises(ValueError, match="single_sign_on"):
        OpenIdProvider(**{**right, **wrong})


def test_the_function_of_every_token_is_watched_where_there_is_one(chosen: StageTemplates, dev: StageTemplates) -> None:
    (function,) = (
        properties["FunctionName"]
        for properties in chosen.resources("AWS::Lambda::Function", "web").values()
        if "MUSTER_PROVIDER_ROLES" in properties.get("Environment", {}).get("Variables", {})
    )
    alarms = chosen.resources("AWS::CloudWatch::Alarm", "monitoring")
    watched = {
        name: (alarm["MetricName"], alarm["Statistic"], alarm["Dimensions"])
        for name, alarm in alarms.items()
        if name.startswith("RoleMapping")
    }

    dimensions = [{"Name": "FunctionName", "Value": function}]
    assert watched == {
        "RoleMappingErrors": ("Errors", "Sum", dimensions),
        "RoleMappingThrottles": ("Throttles", "Sum", dimensions),
    }
    described = RUNBOOK.read_text().split("## Alarms")[1]
    assert [name for name in alarms if f"`{name}`" not in described] == []
    assert not any(name.startswith("RoleMapping") for name in dev.resources("AWS::CloudWatch::Alarm"))
