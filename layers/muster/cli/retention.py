"""`muster retention`: let go of old photos and sessions."""

from muster.cli.output import DataOption, JsonOption, emit
from muster.composition.local import open_retention


def retention(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Remove session photos and sessions past their limits, as `muster serve` does each day.

    The limits are MUSTER_KEEP_PHOTOS_DAYS (30) and MUSTER_KEEP_SESSIONS_DAYS (none: sessions are kept).
    """
    expired = open_retention(data).run()
    emit(
        {"photos": expired.photos, "sessions": expired.sessions},
        as_json,
        lambda console: console.print(f"{expired.photos} photos and {expired.sessions} sessions were removed."),
    )
