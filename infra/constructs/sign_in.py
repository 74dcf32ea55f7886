"""User pool with its two groups, hosted sign-in pages and the web client's registration."""

import aws_cdk as cdk
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from infra import names
from infra.config import StageConfig
from infra.nag import accept


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
        pages = [f"{origin}/" for origin in web_origins]
        self.client = self.pool.add_client(
            "Web",
            generate_secret=False,
            # Explicit, because without any flow Cognito would also accept passwords by SRP from anywhere.
            auth_flows=cognito.AuthFlow(user_srp=False),
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(authorization_code_grant=True),
                scopes=[cognito.OAuthScope.OPENID, cognito.OAuthScope.EMAIL],
                callback_urls=pages,
                logout_urls=pages,
            ),
            supported_identity_providers=[cognito.UserPoolClientIdentityProvider.COGNITO],
            prevent_user_existence_errors=True,
            enable_token_revocation=True,
            access_token_validity=cdk.Duration.hours(1),
            id_token_validity=cdk.Duration.hours(1),
            refresh_token_validity=cdk.Duration.days(7),
        )
        self.issuer = self.pool.user_pool_provider_url
