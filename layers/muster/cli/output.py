"""Output of the commands: one document on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from muster.cli.console import TableConsole
from muster.cli.store import checked_store
from muster.progress import OnProgress

if TYPE_CHECKING:
    from rich.progress import Progress

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        callback=checked_store,
        help="Folder of the local store; default: MUSTER_DATA, or the user's data folder.",
    ),
]

stdout: Console = TableConsole()
stderr: Console = TableConsole(stderr=True)


def emit(document: Any, as_json: bool, show: Callable[[Console], None]) -> None:
    """Print a document as JSON, or for a person with `show`."""
    if as_json:
        json.dump(document, sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
    else:
        show(stdout)


@contextmanager
def steps(title: str) -> Iterator[OnProgress]:
    """Show a progress bar, updated with (step, fraction completed); nothing if stderr is not a terminal."""
    with _progress() as progress:
        task = progress.add_task(title, total=1.0)
        yield lambda step, share: progress.update(task, description=step, completed=share)


@contextmanager
def counter(title: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a progress bar for `total` equal pieces of work."""
    with _progress(counted=True) as progress:
        task = progress.add_task(title, total=total)
        yield lambda: progress.advance(task)


def _progress(*, counted: bool = False) -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        *([MofNCompleteColumn()] if counted else []),
        TimeElapsedColumn(),
        console=stderr,
        transient=True,
        disable=not stderr.is_terminal,
    )
