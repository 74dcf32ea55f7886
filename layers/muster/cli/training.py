"""`muster train`: train the head now, or go back to an older one."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console

from muster.cli.output import DataOption, JsonOption, emit, steps
from muster.composition.pointed import open_training


def train(
    full: Annotated[bool, typer.Option("--full", help="From the start, not from the current head.")] = False,
    rollback: Annotated[int | None, typer.Option(help="Make this older head current again; trains nothing.")] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Use no head for now; trains nothing.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train the head on everyone registered; it is used only if it beats what is in use."""
    queue = open_training(data, trains=rollback is None and not withdraw)
    if withdraw:
        queue.withdraw()
        emit({"outcome": "withdrawn"}, as_json, lambda console: console.print("No head is used any more."))
        return
    if rollback is not None:
        queue.rollback(rollback)
        emit(
            {"outcome": "rolled_back", "version": rollback},
            as_json,
            lambda console: console.print(f"Head {rollback} is current again."),
        )
        return
    with steps("training") as progress:
        report = queue.run_once(full, progress)
    emit(dict(report), as_json, lambda console: show_report(console, report))
    if report["outcome"] in ("busy", "failed"):
        raise typer.Exit(1)


def show_report(console: Console, report: Mapping[str, Any]) -> None:
    """Say in a sentence what a training run did."""
    sentence = {
        "promoted": f"Head {report.get('version')} is current",
        "kept": "The new head is not used",
        "skipped": "No head was trained",
        "busy": "Nothing was done",
        "abandoned": "Training stopped",
        "failed": "Training failed",
    }[report["outcome"]]
    reason = report.get("reason")
    console.print(f"{sentence}: {reason}" if reason else f"{sentence}.", highlight=False)
