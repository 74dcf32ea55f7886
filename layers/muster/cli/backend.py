"""Choose the backend of the command line: the local store, or AWS if `MUSTER_TABLE` is set."""

import os
from pathlib import Path

from muster.api.system import RecordServices
from muster.composition.local import LocalBackend
from muster.composition.settings import LocalSettings
from muster.domain.errors import InvalidRequest
from muster.services.packs.migration import Migration
from muster.services.roster.accounts import Accounts
from muster.services.training.queue import TrainingQueue


def is_local(data: Path | None) -> bool:
    """Return whether a command uses a local store, given its `--data`."""
    return data is not None or "MUSTER_TABLE" not in os.environ


def local_folder(data: Path | None) -> Path:
    """Return the folder of the local store.

    Raises:
        InvalidRequest: the backend is AWS.
    """
    if not is_local(data):
        raise InvalidRequest(
            "MUSTER_TABLE is set, and docs/operations.md describes backups on AWS: name a local store with --data."
        )
    return data or LocalSettings().data


def open_records(data: Path | None) -> RecordServices:
    """Open the services that need no model, of the local store or of AWS."""
    return LocalBackend(data).records if is_local(data) else _open_aws()


def open_training(data: Path | None, *, trains: bool) -> TrainingQueue:
    """Open the training of the local store or of AWS.

    Args:
        trains: whether to train now. On AWS only a job trains; a head can be chosen from here.

    Raises:
        InvalidRequest: `trains` is true on AWS.
        PackMissing, PackDamaged: the local model pack cannot be used.
    """
    if is_local(data):
        return LocalBackend(data).services.training
    if trains:
        raise InvalidRequest(
            "Training runs on AWS Batch because MUSTER_TABLE is set: see docs/operations.md, or name a local store "
            "with --data."
        )
    return _open_aws().training


def open_migration(name: str, data: Path | None) -> Migration:
    """Open the migration of the students in the local store to another model pack.

    Raises:
        InvalidRequest: the backend is AWS, where students are registered again.
        PackMissing, PackDamaged: that pack cannot be used.
    """
    if not is_local(data):
        raise InvalidRequest(
            "Students on AWS cannot be migrated to another pack: deploy it as a new stage and register them there, or "
            "name a local store with --data."
        )
    # The stored photos came from uploads, which may cost any amount of memory or time.
    return LocalBackend(data, decoders=1).migration(name)


def open_accounts() -> Accounts:
    """Open the accounts of the stage's user pool.

    Raises:
        UserPoolNotConfigured: the environment names no user pool.
    """
    from muster.composition.aws import open_access
    from muster.composition.aws import open_accounts as open_pool
    from muster.composition.aws_settings import AwsSettings

    settings = AwsSettings.read()
    return open_pool(settings, open_access(settings))


def _open_aws() -> RecordServices:
    # Needs the `aws` extra, which a local installation lacks.
    from muster.composition.aws import open_access, open_records
    from muster.composition.aws_settings import AwsSettings

    settings = AwsSettings.read()
    return open_records(settings, open_access(settings))
