"""User pool with its two groups, hosted sign-in pages, the web client's registration and the school's own sign-in."""

from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from infra import names
from infra.config import StageConfig
from infra.constructs.log_group import ServiceLog
from infra.constructs.provider import ROLES_ATTRIBUTE, Provider
from infra.nag import accept

IMPORT: Final = "import"
"""Context of `cdk import`, which needs a template whose imported resources refer to nothing else."""


class SignIn(Construct):
    """A user pool without self-registration, with the groups `admin` and `teacher`.

    Attributes:
        pool: the user pool.
        client: the web client, public: authorization code with PKCE, no secret, no password flow.
        issuer: the issuer in its tokens.
    """

    def __init__(self, scope: Construct, construct_id: str, *, config: StageConfig, web_origins: list[str]) -> None:
        super().__init__(scope, construct_id)
        protection = cognito.StandardThreatProtectionMode.FULL_FUNCTION if config.threat_protection else None
        self.pool = cognito.UserPool(
            self,
            "Pool",
            self_sign_up_enabled=False,
            sign_in_aliases=cognito.SignInAliases(email=True),
            sign_in_case_sensitive=False,
            auto_verify=cognito.AutoVerifiedAttrs(email=True),
            # A pool that outlived its stack is imported before the site exists whose address the mail has.
            user_invitation=None if self.node.try_get_context(IMPORT) else _invitation(web_origins[0]),
            custom_attributes={ROLES_ATTRIBUTE: cognito.StringAttribute(max_len=2048, mutable=True)},
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            password_policy=cognito.PasswordPolicy(
                min_length=12,
                require_digits=True,
                require_lowercase=True,
                require_symbols=True,
                require_uppercase=True,
                temp_password_validity=cdk.Duration.days(3),
            ),
            mfa=cognito.Mfa.REQUIRED if config.mfa_required else cognito.Mfa.OPTIONAL,
            mfa_second_factor=cognito.MfaSecondFactor(sms=False, otp=True),
            feature_plan=cognito.FeaturePlan.PLUS if config.threat_protection else cognito.FeaturePlan.LITE,
            standard_threat_protection_mode=protection,
            deletion_protection=config.retain_data,
            removal_policy=cdk.RemovalPolicy.RETAIN if config.retain_data else cdk.RemovalPolicy.DESTROY,
        )
        if not config.mfa_required:
            accept(
                self.pool,
                "AwsSolutions-COG2",
                "A development stage, signed in to by tests; prod requires the second factor.",
            )
        if not config.threat_protection:
            accept(
                self.pool,
                "AwsSolutions-COG3",
                "Threat protection bills for every user; StageConfig.threat_protection turns it on.",
            )
            accept(
                self.pool,
                "AwsSolutions-COG8",
                "The Plus plan bills for every user; StageConfig.threat_protection turns it on.",
            )
        self.pool.add_group(
            "Admins", group_name="admin", description="Manage students, groups and erasure.", precedence=0
        )
        self.pool.add_group(
            "Teachers", group_name="teacher", description="Register students and call the roll.", precedence=10
        )
        self.pool.add_domain(
            "Pages", cognito_domain=cognito.CognitoDomainOptions(domain_prefix=names.sign_in_prefix(config.stage))
        )
        provider = self._provider(config)
        pages = [f"{origin}/" for origin in web_origins]
        self.client = self.pool.add_client(
            "Web",
            generate_secret=False,
            # Explicit, because without any flow Cognito would also accept passwords by SRP from anywhere.
            auth_flows=cognito.AuthFlow(user_srp=False),
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(authorization_code_grant=True),
                # Without the scope `aws.cognito.signin.user.admin`, so that nobody changes their own address.
                scopes=[cognito.OAuthScope.OPENID, cognito.OAuthScope.EMAIL, cognito.OAuthScope.PROFILE],
                callback_urls=pages,
                logout_urls=pages,
            ),
            supported_identity_providers=[
                cognito.UserPoolClientIdentityProvider.COGNITO,
                *([cognito.UserPoolClientIdentityProvider.custom(provider.provider_name)] if provider else []),
            ],
            read_attributes=_attributes(verified=True, provider=provider is not None),
            # The pool writes what the provider states through the client.
            write_attributes=_attributes(verified=False, provider=provider is not None),
            prevent_user_existence_errors=True,
            enable_token_revocation=True,
            access_token_validity=cdk.Duration.hours(1),
            id_token_validity=cdk.Duration.hours(1),
            refresh_token_validity=cdk.Duration.days(7),
        )
        if provider is not None:
            self.client.node.add_dependency(provider)
        self.issuer = self.pool.user_pool_provider_url

    def _provider(self, config: StageConfig) -> cognito.IUserPoolIdentityProvider | None:
        """Add the school's own sign-in, if the stage has one."""
        # Always made, so that a stage without the provider keeps the log.
        log_group = ServiceLog(self, "ProviderLog", config=config)
        if config.single_sign_on is None:
            return None
        return Provider(
            self,
            "School",
            pool=self.pool,
            stage=config.stage,
            log_group=log_group,
            single_sign_on=config.single_sign_on,
        ).provider


def _invitation(origin: str) -> cognito.UserInvitationConfig:
    """Return the mail with the first password and the address of the site."""
    return cognito.UserInvitationConfig(
        email_subject="Your account for attendance",
        email_body=(
            "<p>An account was made for you, to take attendance with Muster.</p>"
            f'<p>Sign in at <a href="{origin}/">{origin}/</a></p>'
            "<p>User name: {username}<br>First password: {####}</p>"
            "<p>The first password is valid for three days. After that, ask the person who invited you for another "
            "invitation.</p>"
        ),
    )


def _attributes(*, verified: bool, provider: bool) -> cognito.ClientAttributes:
    """Return the attributes that the client reads or writes: name, and with a provider or for reading the address."""
    attributes = cognito.ClientAttributes()
    if verified:
        attributes = attributes.with_standard_attributes(email=True, email_verified=True, fullname=True)
    else:
        attributes = attributes.with_standard_attributes(email=provider, fullname=True)
    return attributes.with_custom_attributes(ROLES_ATTRIBUTE) if provider else attributes
