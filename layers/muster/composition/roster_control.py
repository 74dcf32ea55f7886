"""The roster of where the command line is pointed: this machine, or the stage that the environment names."""

import os
from pathlib import Path

from muster.services.roster import Roster


def open_roster(data: Path | None) -> Roster:
    """Open the students of the local store, or, where `MUSTER_TABLE` is set and no `data` is named, those of AWS."""
    if data is not None or "MUSTER_TABLE" not in os.environ:
        from muster.composition import local

        return local.open_roster(data)
    # Needs the `aws` extra, which one machine has not.
    from muster.composition.aws import open_access, open_records
    from muster.composition.aws_settings import AwsSettings

    settings = AwsSettings.read()
    return open_records(settings, open_access(settings)).roster
