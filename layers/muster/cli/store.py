"""Check which store a command uses: a stage, or a folder. Only some commands make a store: a name may be mistyped."""

from pathlib import Path
from typing import Final

import typer

from muster.cli.backend import named_stage, stage_settings
from muster.cli.console import TableConsole
from muster.cli.scope import LOCAL_ONLY, ON_STAGES, command_of
from muster.composition.settings import LocalSettings
from muster.domain.errors import LocalStoreOnly, StoreAmbiguous, StoreNotFound

MAKING_A_STORE: Final = frozenset(
    {
        *("register", "serve", "restore"),
        *("students import", "students register", "groups add", "users add", "packs migrate"),
    }
)
"""Commands that make a store if there is none."""


def checked_store(context: typer.Context, data: Path | None) -> Path | None:
    """Return `data`, after checking that it and the environment name one store that the command can use.

    On a stage, print which one it is.

    Raises:
        StoreAmbiguous: `--data` was given, and the environment names a stage.
        LocalStoreOnly: the environment names a stage, and the command works on a local store only.
        InvalidSetting: the environment names a stage incompletely.
        StoreNotFound: the folder has no store, and the command does not make one.
    """
    if context.resilient_parsing:
        return data
    command, stage = command_of(context), named_stage()
    if stage is not None:
        _check_stage(command, stage, data)
        return None
    folder = data or LocalSettings().data
    # The store itself reports a path that is not a folder, files without a database, and an interrupted restore.
    parts = ("muster.sqlite3", "files", "restoring-*")
    if folder.is_file() or any(found for part in parts for found in folder.glob(part)):
        return data
    if command not in MAKING_A_STORE:
        raise StoreNotFound(
            f"There is no store in {folder}: check --data and MUSTER_DATA. "
            "`muster register` and `muster serve` make a new one."
        )
    _print(f"There is no store in {folder} yet: this command makes one.")
    return data


def _check_stage(command: str, stage: str, data: Path | None) -> None:
    if data is not None:
        raise StoreAmbiguous(
            f"--data names a local store, but the environment names the stage {stage}: leave out --data, or unset "
            "MUSTER_STAGE, MUSTER_TABLE, MUSTER_PHOTOS_BUCKET and MUSTER_MODELS_BUCKET."
        )
    if command not in ON_STAGES:
        raise LocalStoreOnly(
            f"`muster {command}` works on a local store only, but the environment names the stage {stage}. "
            f"{LOCAL_ONLY[command]} For a local store, unset MUSTER_STAGE, MUSTER_TABLE, MUSTER_PHOTOS_BUCKET and "
            "MUSTER_MODELS_BUCKET."
        )
    print_stage()


def print_stage() -> None:
    """Print which stage the command works on.

    Raises:
        InvalidSetting: a variable has a value that is not allowed.
    """
    settings = stage_settings()
    _print(f"Stage {settings.stage}: table {settings.table}, pack {settings.pack}, time zone {settings.time_zone}.")


def _print(message: str) -> None:
    TableConsole(stderr=True).print(message, soft_wrap=True, highlight=False, markup=False)
