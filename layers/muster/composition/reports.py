"""Reports of the local store, without loading a model."""

from pathlib import Path

from muster.composition.settings import LocalSettings
from muster.domain.period import parse_zone
from muster.services.reporting.reports import Reports
from muster.storage.local import open_local


def open_reports(data: Path | None = None, time_zone: str | None = None) -> Reports:
    """Open the reports.

    Args:
        data: the store's folder; None takes the one of the settings.
        time_zone: IANA name; None takes the one of the settings.

    Raises:
        InvalidRequest: there is no such time zone.
    """
    settings = LocalSettings()
    zone = parse_zone(time_zone or settings.time_zone)
    stores = open_local(data or settings.data)
    return Reports(stores.students, stores.sessions, stores.groups, zone)
