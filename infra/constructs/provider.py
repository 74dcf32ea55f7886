"""The school's own sign-in as an identity provider of the user pool, and the function that gives its roles."""

import json
from pathlib import Path
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra import names
from infra.constructs.function import RUNTIME
from infra.single_sign_on import OpenIdProvider, SingleSignOn

ROLES_ATTRIBUTE: Final = "school_roles"
"""Custom attribute of the pool with the roles that the provider states. Every pool has it, because an attribute cannot
be removed."""

FUNCTION_FOLDER: Final = Path(__file__).resolve().parents[2] / "functions" / "sign_in"


class Provider(Construct):
    """One provider of OpenID Connect or SAML; with a mapping of roles, also the function of every token.

    Attributes:
        provider: the identity provider; the client must depend on it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        pool: cognito.UserPool,
        stage: str,
        log_group: logs.ILogGroup,
        single_sign_on: SingleSignOn,
    ) -> None:
        super().__init__(scope, construct_id)
        self.provider = _provider(self, pool, single_sign_on)
        if single_sign_on.roles:
            pool.add_trigger(
                cognito.UserPoolOperation.PRE_TOKEN_GENERATION, self._function(stage, log_group, single_sign_on)
            )

    def _function(self, stage: str, log_group: logs.ILogGroup, single_sign_on: SingleSignOn) -> lambda_.Function:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        role.add_to_policy(
            iam.PolicyStatement(
                sid="Log",
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[log_group.log_group_arn],
            )
        )
        return lambda_.Function(
            self,
            "Function",
            # Named, because an export that another stack imports would stop the removal of the provider.
            function_name=names.role_mapping(stage),
            description=f"Muster {stage} roles of the single sign-on",
            code=lambda_.Code.from_asset(str(FUNCTION_FOLDER), exclude=["__pycache__", "*.pyc", "__init__.py"]),
            handler="handler.handler",
            runtime=RUNTIME,
            architecture=lambda_.Architecture.X86_64,
            memory_size=256,
            # Cognito waits five seconds.
            timeout=cdk.Duration.seconds(5),
            role=role,
            log_group=log_group,
            environment={
                "MUSTER_ROLES_ATTRIBUTE": f"custom:{ROLES_ATTRIBUTE}",
                "MUSTER_PROVIDER": single_sign_on.name,
                "MUSTER_PROVIDER_ROLES": json.dumps(dict(sorted(single_sign_on.roles.items()))),
            },
        )


def _provider(
    scope: Construct, pool: cognito.UserPool, single_sign_on: SingleSignOn
) -> cognito.UserPoolIdentityProviderOidc | cognito.UserPoolIdentityProviderSaml:
    other = cognito.ProviderAttribute.other
    claim = single_sign_on.roles_claim
    custom = {} if claim is None else {f"custom:{ROLES_ATTRIBUTE}": other(claim)}
    if isinstance(single_sign_on, OpenIdProvider):
        secret = cdk.SecretValue.secrets_manager(single_sign_on.client_secret)
        return cognito.UserPoolIdentityProviderOidc(
            scope,
            "OpenId",
            user_pool=pool,
            name=single_sign_on.name,
            issuer_url=single_sign_on.issuer,
            client_id=single_sign_on.client_id,
            # CloudFormation reads it; the template has a reference.
            client_secret=secret.unsafe_unwrap(),
            scopes=["openid", "email", "profile"],
            attribute_mapping=cognito.AttributeMapping(email=other("email"), fullname=other("name"), custom=custom),
        )
    return cognito.UserPoolIdentityProviderSaml(
        scope,
        "Saml",
        user_pool=pool,
        name=single_sign_on.name,
        metadata=cognito.UserPoolIdentityProviderSamlMetadata.url(single_sign_on.metadata_url),
        attribute_mapping=cognito.AttributeMapping(
            email=other(single_sign_on.email), fullname=other(single_sign_on.full_name), custom=custom
        ),
    )
