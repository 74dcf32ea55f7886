"""Lambda handler that sends the notices of absences that are due, every five minutes."""

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger

from muster.composition.aws import open_access, open_records
from muster.composition.aws_settings import AwsSettings
from muster.domain.absence_notices import MAX_ATTEMPTS, NoticeState

logger = Logger()

settings = AwsSettings.read()
access = open_access(settings)

_FIRST_MINUTES = 5
"""Of each hour, in which one run also looks for corrections of the last days: it reads the sessions of a week."""


class NoticesGivenUp(Exception):
    """Notices failed for the last time, so that the alarm tells the operators."""


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> None:
    """Send what is due. A run that is cut off, repeated or beside another one sends nothing twice.

    Raises:
        NoticesGivenUp: some will not be tried again.
    """
    # Opened for each run, so a changed secret of the webhook is used from the next run on.
    notices = open_records(settings, access).notices
    sent = notices.send(
        earlier_days=datetime.now(UTC).minute < _FIRST_MINUTES,
        seconds_left=lambda: context.get_remaining_time_in_millis() / 1000,
    )
    states = [notice.state for notice in sent]
    logger.info("notices", extra={state.value: states.count(state) for state in NoticeState})
    given_up = [notice for notice in sent if notice.state is NoticeState.FAILED and notice.attempts >= MAX_ATTEMPTS]
    if given_up:
        raise NoticesGivenUp(f"{len(given_up)} notices failed {MAX_ATTEMPTS} times: see the list of notices")
