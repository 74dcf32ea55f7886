"""`muster evaluate`: accuracy on labelled photos."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from muster.cli.output import JsonOption, emit, steps
from muster.composition.settings import LocalSettings

_RATES = (
    ("faces found", "detection_recall"),
    ("rank-1", "rank_1"),
    ("DIR at FPIR 0.1 %", "dir_at_fpir_0_1"),
    ("DIR at FPIR 1 %", "dir_at_fpir_1"),
    ("DIR at FPIR 10 %", "dir_at_fpir_10"),
)
_COUNTS = (
    ("correct", "correct"),
    ("wrong", "wrong"),
    ("missed", "missed"),
    ("accepted strangers", "accepted_strangers"),
    ("to review", "review"),
    ("  the right name proposed", "review_right"),
)


def evaluate(
    dataset: Annotated[
        Path,
        typer.Argument(exists=True, file_okay=False, help="gallery/, photos/ and labels.json, or a folder a person."),
    ],
    unregistered: Annotated[
        float, typer.Option(min=0, max=0.99, help="Share of the students left out, who must come out unknown.")
    ] = 0.0,
    seeds: Annotated[int | None, typer.Option(min=1, max=1000, help="Rounds, each with another draw.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML page into this folder.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure recognition on labelled photos, known people and strangers: FaceNet alone, stage 1 and two-stage."""
    from muster.composition.evaluating import shipped_recognition
    from muster.composition.local import open_vision
    from muster.evaluation.report import write_html
    from muster.evaluation.run import EvaluationSettings
    from muster.evaluation.run import evaluate as measure
    from muster.packs.load import load_pack

    settings = LocalSettings()
    pack = load_pack(settings.pack, settings.home)
    asked = EvaluationSettings(shipped_recognition(pack, settings), unregistered, seeds)
    with steps("reading photos") as progress:
        found = measure(dataset, asked, open_vision(pack, settings), progress)
    document = found.document()
    if report is not None:
        document["report"] = str(write_html(found, report))
    emit(document, as_json, lambda console: _show(console, document))


def _show(console: Console, document: dict[str, Any]) -> None:
    from muster.evaluation.run import METHODS

    rounds = "one round" if document["seeds"] == 1 else f"{document['seeds']} rounds"
    table = Table("", *METHODS.values(), title=f"{document['people']} people, {rounds}")
    for title, key in _RATES:
        table.add_row(title, *(_figure(document[method].get(key), ".3f") for method in METHODS))
    for title, key in _COUNTS:
        table.add_row(title, *(_figure(document[method].get(key), "g") for method in METHODS))
    console.print(table)
    heads = document["heads"]
    console.print(f"heads: {heads['promoted']} promoted, {heads['refused']} kept back by the gate", highlight=False)
    if "report" in document:
        console.print(f"report: {document['report']}", soft_wrap=True, highlight=False)


def _figure(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
