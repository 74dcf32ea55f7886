"""Check that `--data` names a store. Only some commands make one: the name of an empty folder is likely mistyped."""

from pathlib import Path
from typing import Any, Final

import typer

from muster.cli.backend import is_local
from muster.cli.console import TableConsole
from muster.composition.settings import LocalSettings
from muster.domain.errors import StoreNotFound

MAKING_A_STORE: Final = frozenset(
    {
        *("register", "serve", "restore"),
        *("students import", "students register", "groups add", "users add", "packs migrate"),
    }
)
"""Commands that make a store if there is none."""


def checked_store(context: typer.Context, data: Path | None) -> Path | None:
    """Return `data`.

    Raises:
        StoreNotFound: the folder has no store, and the command does not make one.
    """
    if context.resilient_parsing or not is_local(data):
        return data
    folder = data or LocalSettings().data
    # The store itself reports a path that is not a folder, files without a database, and an interrupted restore.
    parts = ("muster.sqlite3", "files", "restoring-*")
    if folder.is_file() or any(found for part in parts for found in folder.glob(part)):
        return data
    if _command(context) not in MAKING_A_STORE:
        raise StoreNotFound(
            f"There is no store in {folder}: check --data and MUSTER_DATA. "
            "`muster register` and `muster serve` make a new one."
        )
    message = f"There is no store in {folder} yet: this command makes one."
    TableConsole(stderr=True).print(message, soft_wrap=True, highlight=False, markup=False)
    return data


def _command(context: typer.Context) -> str:
    """Return the names of a command below `muster`, such as `students import`."""
    names = []
    node: Any = context
    while node.parent is not None:
        names.append(node.info_name or "")
        node = node.parent
    return " ".join(reversed(names))
