"""`muster evaluate`: accuracy on labelled photos."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from muster.cli.output import JsonOption, emit, steps
from muster.composition.settings import LocalSettings

_KINDS = (("usual", "usual photo"), ("half_empty", "half-empty photo"), ("wrong_class", "wrong class"))
_CLASS_ROWS = (
    ("students marked correctly", "marked", ".1%"),
    ("students to confirm", "asked", ".1%"),
    ("students missed", "missed", ".1%"),
    ("students marked as somebody else", "wrong", ".1%"),
    ("questions per photo", "questions_per_photo", ".2f"),
    ("strangers marked per photo", "strangers_marked_per_photo", ".3f"),
    ("wrong marks per 10,000 faces", "wrong_marks_per_10000_faces", ".2f"),
    ("photos", "photos", "d"),
    ("faces", "faces", "d"),
)
_RATES = (
    ("faces found", "detection_recall"),
    ("right student first (rank-1)", "rank_1"),
    ("named, 0.1 % of strangers named (DIR)", "dir_at_fpir_0_1"),
    ("named, 1 % of strangers named", "dir_at_fpir_1"),
    ("named, 10 % of strangers named", "dir_at_fpir_10"),
)
_COUNTS = (
    ("correct", "correct"),
    ("wrong", "wrong"),
    ("missed", "missed"),
    ("accepted strangers", "accepted_strangers"),
    ("to review", "review"),
    ("  with the right name", "review_right"),
)


def evaluate(
    dataset: Annotated[
        Path,
        typer.Argument(
            exists=True,
            file_okay=False,
            help="Folder with gallery/, photos/ and labels.json, or one folder per person.",
        ),
    ],
    unregistered: Annotated[
        float, typer.Option(min=0, max=0.99, help="Fraction of the students left unregistered, who must be unknown.")
    ] = 0.0,
    seeds: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Number of rounds, each with a different draw.")
    ] = None,
    class_sizes: Annotated[
        list[int] | None,
        typer.Option("--class-size", min=1, help="Students in a drawn class; may be repeated; default: 30 and 100."),
    ] = None,
    class_photos: Annotated[
        int, typer.Option(min=0, max=1000, help="Class photos of each kind drawn per round; 0 draws none.")
    ] = 20,
    report: Annotated[Path | None, typer.Option(help="Write an HTML page into this folder.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure recognition on labelled photos: whole class photos, and every face by itself."""
    from muster.composition.evaluation import shipped_recognition
    from muster.composition.vision import open_models
    from muster.evaluation.class_draws import ClassPhotoSettings
    from muster.evaluation.report import write_html
    from muster.evaluation.run import EvaluationSettings
    from muster.evaluation.run import evaluate as measure
    from muster.packs.load import load_pack

    settings = LocalSettings()
    pack = load_pack(settings.pack, settings.home)
    drawn = ClassPhotoSettings(photos=class_photos)
    if class_sizes:
        drawn = replace(drawn, sizes=tuple(class_sizes))
    asked = EvaluationSettings(shipped_recognition(pack, settings), unregistered, seeds, drawn)
    with steps("reading photos") as progress:
        found = measure(dataset, asked, open_models(pack, settings.threads), progress)
    document = found.document()
    if report is not None:
        document["report"] = str(write_html(found, report))
    emit(document, as_json, lambda console: _show(console, document))


def _show(console: Console, document: dict[str, Any]) -> None:
    from muster.evaluation.run import METHODS, NO_STRANGERS

    _show_classes(console, document["class_photos"])
    rounds = "one round" if document["seeds"] == 1 else f"{document['seeds']} rounds"
    table = Table("", *METHODS.values(), title=f"{document['people']} people, {rounds}")
    for title, key in _RATES:
        missing = NO_STRANGERS if key.startswith("dir_") and not document["strangers"] else ""
        table.add_row(title, *(_figure(document[method].get(key), ".3f", missing) for method in METHODS))
    for title, key in _COUNTS:
        table.add_row(title, *(_figure(document[method].get(key), "g") for method in METHODS))
    console.print(table)
    heads = document["heads"]
    console.print(
        f"Training on the students was used in {heads['promoted']} of {document['seeds']} rounds.",
        highlight=False,
    )
    if "report" in document:
        console.print(f"report: {document['report']}", soft_wrap=True, highlight=False)


def _show_classes(console: Console, found: dict[str, Any]) -> None:
    for school_class in found["classes"]:
        kinds = [(school_class[kind], words) for kind, words in _KINDS if school_class[kind] is not None]
        table = Table("", *(words for _, words in kinds), title=f"Photos of a class of {school_class['registered']}")
        for title, key, form in _CLASS_ROWS:
            table.add_row(title, *(_figure(figures[key], form) for figures, _ in kinds))
        console.print(table)
    widths = found["by_face_width"]
    if widths:
        table = Table("", *(_width(row["face_width"]) for row in widths), title="Usual photos, by width of the faces")
        for title, key, form in _CLASS_ROWS[:4]:
            table.add_row(title, *(_figure(row[key], form) for row in widths))
        console.print(table)


def _width(label: str) -> str:
    return label if label == "unchanged" else f"{label} px"


def _figure(value: float | None, form: str, missing: str = "") -> str:
    return missing if value is None else format(value, form)
