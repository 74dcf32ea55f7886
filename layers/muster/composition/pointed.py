"""Where the command line is pointed: this machine, or the stage of AWS that the environment names."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from muster.domain.errors import InvalidRequest
from muster.services.packs.migration import Migration
from muster.services.roster.students import Roster
from muster.services.training.queue import TrainingQueue

if TYPE_CHECKING:
    from muster.api.system import RecordServices


def open_training(data: Path | None, *, trains: bool) -> TrainingQueue:
    """Open the queue of the local store, or, where `MUSTER_TABLE` is set and no `data` is named, that of AWS.

    Args:
        trains: whether a run is wanted; on AWS it is a job's, so that only its heads can be chosen from here.

    Raises:
        InvalidRequest: a run is wanted on AWS.
        PackMissing, PackDamaged: the local model pack cannot be used.
    """
    if is_local(data):
        from muster.composition.local import open_local_system

        return open_local_system(data).training
    if trains:
        raise InvalidRequest(
            "Training runs on AWS Batch where MUSTER_TABLE is set: see docs/operations.md, or name a local store."
        )
    return _on_aws().training


def open_roster(data: Path | None) -> Roster:
    """Open the students of the local store, or, where `MUSTER_TABLE` is set and no `data` is named, those of AWS."""
    if is_local(data):
        from muster.composition import local

        return local.open_roster(data)
    return _on_aws().roster


def open_migration(name: str, data: Path | None) -> Migration:
    """Open what takes the students of the local store over to another model pack.

    Raises:
        InvalidRequest: `MUSTER_TABLE` is set and no `data` is named; students on AWS are registered again.
        PackMissing, PackDamaged: that pack cannot be used.
    """
    if not is_local(data):
        raise InvalidRequest(
            "Students of a stage on AWS are not taken over to another pack: deploy it as a new stage and register them "
            "there, or name a local store with --data."
        )
    from muster.composition import local
    from muster.vision.decoder_pool import DecoderPool

    return local.open_migration(name, data, decode=DecoderPool(1).decode)


def is_local(data: Path | None) -> bool:
    """Tell whether a command works on a local store, given its `--data`."""
    return data is not None or "MUSTER_TABLE" not in os.environ


def _on_aws() -> "RecordServices":
    # Needs the `aws` extra, which one machine has not.
    from muster.composition.aws import open_access, open_records
    from muster.composition.aws_settings import AwsSettings

    settings = AwsSettings.read()
    return open_records(settings, open_access(settings))
