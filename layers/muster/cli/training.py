"""`muster train`: train recognition now, or use an earlier training again."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console

from muster.cli.backend import open_training
from muster.cli.output import DataOption, JsonOption, emit, steps


def train(
    full: Annotated[bool, typer.Option("--full", help="Train from scratch, not from the training in use.")] = False,
    rollback: Annotated[int | None, typer.Option(help="Use this earlier training again; trains nothing.")] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Use no training for now; trains nothing.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train recognition on the registered students. The result is used only if it is better than the one in use."""
    queue = open_training(data, trains=rollback is None and not withdraw)
    if withdraw:
        queue.withdraw()
        emit(
            {"outcome": "withdrawn"},
            as_json,
            lambda console: console.print("No training is in use: faces are compared directly."),
        )
        return
    if rollback is not None:
        queue.rollback(rollback)
        emit(
            {"outcome": "rolled_back", "version": rollback},
            as_json,
            lambda console: console.print(f"Training {rollback} is in use again."),
        )
        return
    with steps("training") as progress:
        report = queue.run_once(full, progress)
    emit(dict(report), as_json, lambda console: show_report(console, report))
    if report["outcome"] in ("busy", "failed"):
        raise typer.Exit(1)


def show_report(console: Console, report: Mapping[str, Any]) -> None:
    """Print the result of a training run."""
    result = {
        "promoted": f"Training {report.get('version')} is in use",
        "kept": "The new training is not used",
        "skipped": "Nothing was trained",
        "busy": "Nothing was done",
        "abandoned": "Training stopped",
        "failed": "Training failed",
    }[report["outcome"]]
    reason = report.get("reason")
    console.print(f"{result}: {reason}" if reason else f"{result}.", highlight=False)
