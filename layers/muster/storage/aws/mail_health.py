"""Checks of a stage's mail: whether Amazon SES may send the notices of absences. They change nothing."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from muster.domain.finding import Finding


def examine_mail(ses: Any, sender: str) -> Iterator[Finding]:
    """Yield the findings about the sender of notices and the account's mail.

    Args:
        ses: boto3's client `sesv2`.

    Raises:
        ClientError: a check is not permitted.
    """
    domain = sender.rpartition("@")[2]
    if not any(is_verified(ses, identity) for identity in (sender, domain)):
        yield Finding(
            "sender_unverified",
            f"Amazon SES does not send from {sender}: verify the address or the domain {domain} (docs/notices.md).",
        )
    account = ses.get_account()
    if not account.get("ProductionAccessEnabled", True):
        yield Finding(
            "mail_sandbox",
            "Amazon SES is in its sandbox and sends to verified addresses only: request production access.",
        )
    if not account.get("SendingEnabled", True):
        yield Finding("mail_paused", "Amazon SES has paused the account's mail: see its console for the reason.")


def is_verified(ses: Any, identity: str) -> bool:
    """Return whether Amazon SES may send from an address or a domain."""
    try:
        return bool(ses.get_email_identity(EmailIdentity=identity).get("VerifiedForSendingStatus"))
    except ClientError as error:
        if error.response["Error"]["Code"] == "NotFoundException":
            return False
        raise
