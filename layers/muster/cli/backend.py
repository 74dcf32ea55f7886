"""Choose the backend of the command line: the stage on AWS that the environment names, or else the local store."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from muster.composition.local import LocalBackend
from muster.composition.settings import LocalSettings
from muster.domain.errors import InvalidSetting, LocalStoreOnly

if TYPE_CHECKING:
    # Some import the model libraries, which most commands do not need.
    from muster.composition.aws_backend import AwsBackend
    from muster.composition.aws_settings import AwsSettings
    from muster.composition.record_services import Records
    from muster.services.packs.migration import Migration
    from muster.services.packs.school_statistics import SchoolMeasurement
    from muster.services.photos.session_pictures import SessionPictures
    from muster.services.privacy.retention import Retention
    from muster.services.registering.bulk import BulkRegistration
    from muster.services.roster.accounts import Accounts
    from muster.services.training.queue import TrainingQueue
    from muster.services.uploading.bulk import BulkUpload

STAGE_VARIABLES: Final = ("MUSTER_STAGE", "MUSTER_TABLE", "MUSTER_PHOTOS_BUCKET", "MUSTER_MODELS_BUCKET")
"""Together they name a stage. Setting only some of them is an error: the command must not use the other store."""


class Backend(Protocol):
    """Services that both systems have, each opened on first use."""

    @property
    def on_demand(self) -> Records:
        """The services that need no model, each built on first use."""

    @property
    def retention(self) -> Retention:
        """The removal of old photos and sessions."""

    @property
    def session_pictures(self) -> SessionPictures:
        """The pictures of sessions, for which no model is loaded."""

    def measure_pack(self, name: str) -> SchoolMeasurement:
        """Measure a pack's statistics on the registered students."""

    def migration(self, name: str) -> Migration:
        """Open the migration of the students to another pack, which is built on this machine."""


def named_stage(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the stage that the environment names, or None if commands use the local store.

    Raises:
        InvalidSetting: only some of `STAGE_VARIABLES` are set, or the table belongs to another stage.
    """
    missing = [name for name in STAGE_VARIABLES if not environment.get(name)]
    if len(missing) == len(STAGE_VARIABLES):
        return None
    if missing:
        given = ", ".join(name for name in STAGE_VARIABLES if name not in missing)
        raise InvalidSetting(
            f"The environment names a stage by {given}, but without {', '.join(missing)}: set all of them "
            "(docs/operations.md), or none of them to use the local store."
        )
    stage, table = environment["MUSTER_STAGE"], environment["MUSTER_TABLE"]
    # CloudFormation names a table after its stack. Copies of it and tables with other names are not checked.
    if re.match(r"muster-.+-data-Table", table) and not table.startswith(f"muster-{stage}-data-Table"):
        raise InvalidSetting(
            f"MUSTER_STAGE names the stage {stage}, but MUSTER_TABLE is {table}, a table of another stage: set all "
            f"variables from the output CommandLine of muster-{stage}-api."
        )
    return stage


def stage_settings() -> AwsSettings:
    """Read the settings of the stage that the environment names.

    Raises:
        InvalidSetting: a variable has a value that is not allowed.
    """
    from pydantic import ValidationError

    from muster.composition.aws_settings import AwsSettings
    from muster.composition.settings import invalid_setting

    try:
        return AwsSettings.read()
    except ValidationError as error:
        raise invalid_setting(error) from None


def store_name(data: Path | None) -> str:
    """Return the store that a command uses, in words, for questions before something is deleted."""
    stage = named_stage()
    if stage is None:
        return f"the store in {data or LocalSettings().data}"
    # Variables of two stages may be mixed, and data is deleted from the table.
    return f"the stage {stage} (table {os.environ['MUSTER_TABLE']})"


def open_backend(data: Path | None, time_zone: str | None = None) -> Backend:
    """Open the services of the stage that the environment names, or else of the local store.

    Args:
        time_zone: of the school; None takes the one in the settings.

    Raises:
        InvalidSetting: a variable has a value that is not allowed, or the AWS libraries are not installed.
    """
    if named_stage() is None:
        return LocalBackend(data, None if time_zone is None else LocalSettings(time_zone=time_zone))
    settings = stage_settings()
    return _open_stage(settings if time_zone is None else settings.model_copy(update={"time_zone": time_zone}))


def open_records(data: Path | None, time_zone: str | None = None) -> Records:
    """Open the services that need no model; see `open_backend`."""
    return open_backend(data, time_zone).on_demand


def open_bulk_registration(data: Path | None) -> BulkRegistration | BulkUpload:
    """Open the registration of many students: in this process, or through uploads to a stage.

    Raises:
        PackMissing, PackDamaged: the local model pack cannot be used.
    """
    if named_stage() is not None:
        return _open_stage(stage_settings()).bulk_registration
    from muster.services.registering.bulk import BulkRegistration
    from muster.vision.formats import DEFAULT_IMAGE_LIMITS

    system = LocalBackend(data).services
    return BulkRegistration(system.registration, system.roster, DEFAULT_IMAGE_LIMITS.file_bytes)


def open_training(data: Path | None, *, trains: bool) -> TrainingQueue:
    """Open the training of the local store or of a stage.

    Args:
        trains: whether to train now. On a stage only a job trains; a head can be chosen from here.

    Raises:
        LocalStoreOnly: `trains` is true on a stage.
        PackMissing, PackDamaged: the local model pack cannot be used.
    """
    stage = named_stage()
    if stage is None:
        return LocalBackend(data).services.training
    if trains:
        raise LocalStoreOnly(
            f"The stage {stage} trains on AWS Batch after each change: docs/operations.md describes a training run by "
            "hand. --rollback and --withdraw work from here."
        )
    return open_records(data).training


def open_migration(name: str, data: Path | None) -> Migration:
    """Open the migration of the students in the local store, or of a stage on AWS, to another model pack.

    Raises:
        PackMissing, PackDamaged: that pack cannot be used.
    """
    # The stored photos came from uploads, which may cost any amount of memory or time.
    backend = LocalBackend(data, decoders=1) if named_stage() is None else open_backend(data)
    return backend.migration(name)


def deployed_packs() -> frozenset[str] | None:
    """Return the packs that the functions of the stage run, or None if they cannot be read."""
    return _open_stage(stage_settings()).deployed_packs()


def open_accounts() -> Accounts:
    """Open the accounts of the stage's user pool.

    Raises:
        InvalidSetting: a variable has a value that is not allowed.
        UserPoolNotConfigured: the environment names no user pool.
    """
    from muster.composition.aws import open_access
    from muster.composition.aws import open_accounts as open_pool

    settings = stage_settings()
    return open_pool(settings, open_access(settings))


def _open_stage(settings: AwsSettings) -> AwsBackend:
    try:
        from muster.composition.aws_backend import AwsBackend
    except ModuleNotFoundError as error:
        raise InvalidSetting(
            "The environment names a stage on AWS, but the AWS libraries are not installed: install `muster[aws]`."
        ) from error
    return AwsBackend(settings)
