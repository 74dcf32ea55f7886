"""Schedule and permissions of the function that sends notices of absences."""

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.config import AbsenceNotices
from infra.constructs.function import ServiceFunction


def send_every_five_minutes(scope: Construct, function: ServiceFunction) -> None:
    """Invoke the function at minutes 0, 5, 10 and so on, so that one run an hour is in its first five minutes."""
    events.Rule(
        scope,
        "SendNotices",
        schedule=events.Schedule.cron(minute="0/5"),
        targets=[targets.LambdaFunction(function.live, dead_letter_queue=function.dead_letters)],
    )


def allow_mail(role: iam.Role, notices: AbsenceNotices) -> None:
    """Let a role send messages from the configured address.

    In the sandbox of SES, the address of the receiver is checked like a sender's, so there only addresses of the same
    domain can be written to.
    """
    if notices.mail_from is None:
        return
    domain = notices.mail_from.rpartition("@")[2]
    role.add_to_policy(
        iam.PolicyStatement(
            sid="SendMail",
            actions=["ses:SendEmail"],
            resources=[_arn("ses", f"identity/{name}") for name in (notices.mail_from, domain)],
            conditions={"StringEquals": {"ses:FromAddress": notices.mail_from}},
        )
    )


def allow_secret(role: iam.Role, notices: AbsenceNotices) -> None:
    """Let a role read the secret of the webhook. Its key, `aws/ssm`, may be used by everyone who may read it."""
    if notices.webhook_url is None:
        return
    role.add_to_policy(
        iam.PolicyStatement(
            sid="ReadSecret",
            actions=["ssm:GetParameter"],
            resources=[_arn("ssm", f"parameter{notices.webhook_parameter}")],
        )
    )


def variables(notices: AbsenceNotices | None) -> dict[str, str]:
    """Return the settings of notices; none while they are switched off."""
    if notices is None:
        return {}
    optional = {
        "MUSTER_MAIL_FROM": notices.mail_from,
        "MUSTER_OFFICE": ",".join(notices.office),
        "MUSTER_WEBHOOK_URL": notices.webhook_url,
        "MUSTER_WEBHOOK_PARAMETER": notices.webhook_parameter if notices.webhook_url else None,
    }
    given = {name: value for name, value in optional.items() if value}
    return {"MUSTER_NOTICES": "true", "MUSTER_OFFICE_LANGUAGE": notices.office_language, **given}


def _arn(service: str, resource: str) -> str:
    return f"arn:{cdk.Aws.PARTITION}:{service}:{cdk.Aws.REGION}:{cdk.Aws.ACCOUNT_ID}:{resource}"
