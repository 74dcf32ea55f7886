"""Wire the channels of notices on one machine."""

from muster.composition.settings import LocalSettings
from muster.domain.errors import InvalidRequest, InvalidSetting
from muster.domain.user import parse_email
from muster.services.notices.sending import Channels


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

        mail = SmtpMail(settings.mail_server.get_secret_value(), _address("MUSTER_MAIL_FROM", settings.mail_from))
    if settings.webhook_url is not None:
        from muster.services.notices.webhook import Webhook

        secret = "" if settings.webhook_secret is None else settings.webhook_secret.get_secret_value()
        events = Webhook(settings.webhook_url, secret)
    if mail is None and events is None:
        raise InvalidSetting("MUSTER_NOTICES needs MUSTER_MAIL_SERVER, MUSTER_WEBHOOK_URL or both.")
    office = tuple(_address("MUSTER_OFFICE", text) for text in settings.office.split(",") if text.strip())
    return Channels(mail=mail, office=office, language=settings.office_language, events=events)


def _address(variable: str, text: str) -> str:
    try:
        return parse_email(text)
    except InvalidRequest as error:
        raise InvalidSetting(f"{variable}: {error}") from error
