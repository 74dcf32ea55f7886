"""Wire the channels of notices on one machine."""

from urllib.parse import urlsplit

from muster.composition.settings import CommonSettings, LocalSettings
from muster.domain.errors import InvalidRequest, InvalidSetting
from muster.domain.user import parse_email
from muster.services.notices.channels import Channels


def open_channels(settings: LocalSettings) -> Channels | None:
    """Build the channels; None while notices are switched off.

    Raises:
        InvalidSetting: a setting is missing or not usable.
    """
    if not settings.notices:
        return None
    mail = events = None
    if settings.mail_server is not None:
        from muster.services.notices.mail import SmtpMail

        mail = SmtpMail(settings.mail_server.get_secret_value(), address("MUSTER_MAIL_FROM", settings.mail_from))
    if settings.webhook_url is not None:
        from muster.services.notices.webhook import Webhook

        secret = "" if settings.webhook_secret is None else settings.webhook_secret.get_secret_value()
        events = Webhook(settings.webhook_url, secret)
    if mail is None and events is None:
        raise InvalidSetting("MUSTER_NOTICES needs MUSTER_MAIL_SERVER, MUSTER_WEBHOOK_URL or both.")
    return Channels(
        mail=mail,
        sender="" if mail is None else address("MUSTER_MAIL_FROM", settings.mail_from),
        office=office_addresses(settings),
        language=settings.office_language,
        events=events,
        receiver="" if settings.webhook_url is None else urlsplit(settings.webhook_url).hostname or "",
    )


def office_addresses(settings: CommonSettings) -> tuple[str, ...]:
    """Return the addresses of the office.

    Raises:
        InvalidSetting: one is not an address.
    """
    return tuple(address("MUSTER_OFFICE", text) for text in settings.office.split(",") if text.strip())


def address(variable: str, text: str) -> str:
    """Return an address that a setting holds.

    Raises:
        InvalidSetting: it is not an address.
    """
    try:
        return parse_email(text)
    except InvalidRequest as error:
        raise InvalidSetting(f"{variable}: {error}") from error
