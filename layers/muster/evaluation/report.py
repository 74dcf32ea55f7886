"""The evaluation report as one self-contained HTML page."""

from collections.abc import Mapping
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from muster.evaluation.charts import Series, det, histogram
from muster.evaluation.class_report import class_photo_section
from muster.evaluation.datasets import Form
from muster.evaluation.metrics import FPIR_POINTS, det_curve, pool
from muster.evaluation.mistakes import Mistake, MistakeKind, probe_thumbnail, registration_thumbnail, worst_mistakes
from muster.evaluation.run import METHODS, NO_STRANGERS, EvaluationReport

MAX_MISTAKES = 12
"""Most mistakes of each kind on the page."""

_RATES = {
    "detection_recall": ("Faces found", "labelled faces that the detector found"),
    "rank_1": (
        "Right student first (rank-1)",
        "registered students' faces whose most similar student is the right one",
    ),
    "dir_at_fpir_10": (
        "Named correctly, 10 % of strangers named (DIR at FPIR 10 %)",
        "with a threshold at which 1 stranger in 10 would be named",
    ),
    "dir_at_fpir_1": (
        "Named correctly, 1 % of strangers named",
        "with a threshold at which 1 stranger in 100 would be named",
    ),
    "dir_at_fpir_0_1": (
        "Named correctly, 0.1 % of strangers named",
        "with a threshold at which 1 stranger in 1,000 would be named; with fewer strangers, none",
    ),
}
_COUNTS = {
    "correct": ("Marked present correctly", "a registered student's face with the right name"),
    "wrong": ("Wrong name", "a registered student's face marked with another student's name"),
    "missed": ("Missed", "a registered student's face that was not found or not recognised"),
    "review": ("Questions to the teacher", "faces of students and strangers that the teacher is asked about"),
    "review_right": ("&nbsp;&nbsp;with the right name proposed", "the teacher only has to confirm"),
    "accepted_strangers": ("Strangers marked present", "a stranger's face marked with a student's name"),
    "rejected_strangers": ("Strangers not named", "the correct result"),
    "present_without_label": (
        "Unlabelled faces marked present",
        "bystanders, or pictures on a wall, that the labels leave out",
    ),
}
_KINDS = {
    MistakeKind.WRONG: ("Wrong names", "Highest score first."),
    MistakeKind.ACCEPTED_STRANGER: ("Strangers marked present", "Highest score first."),
    MistakeKind.MISSED: (
        "Missed students",
        "Lowest score of the right student first. The second picture is the student with the best score.",
    ),
}

_STYLE = resources.files("muster.evaluation").joinpath("report.css").read_text(encoding="utf-8")


def write_html(report: EvaluationReport, directory: Path) -> Path:
    """Write the page as `index.html` into a folder, which is created if missing, and return its path.

    The page contains faces from the dataset, so anyone who receives the page receives these pictures.

    Raises:
        OSError: the folder cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    page = directory / "index.html"
    page.write_text(render(report), encoding="utf-8")
    return page


def render(report: EvaluationReport) -> str:
    """Return the page."""
    document = report.document()
    name = escape(report.source.resolve().name)
    sections = [
        f"<h1>Recognition accuracy: {name}</h1>",
        f'<p class="quiet">{_setting(report, document)}</p>',
        class_photo_section(document),
        f'<h2>Face by face</h2><p class="summary">{_summary(document)}</p>',
        *_notes(document),
        _tables(document),
        _scores(report),
        _trade_off(report),
        *_mistakes(report),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Evaluation: {name}</title><style>{_STYLE}</style></head>"
        f"<body>{''.join(sections)}</body></html>\n"
    )


def _setting(report: EvaluationReport, document: Mapping[str, Any]) -> str:
    rounds = document["seeds"]
    form = "photos of groups" if report.dataset.form is Form.PHOTOS else "one person per picture"
    shown = "one round" if rounds == 1 else f"means of {rounds} rounds with different registration photos or strangers"
    return (
        f"{document['people']} people ({form}), {document['registered']} of them registered with one photo each; "
        f"{document['probes']} other faces searched, {document['strangers']} of them strangers; {shown}. "
        f"Model pack {escape(document['pack'])}."
    )


def _summary(document: Mapping[str, Any]) -> str:
    two = document["two_stage"]
    students = document["probes"] - document["strangers"]
    sentences = []
    if students:
        sentences.append(
            f"Of {students:g} faces of registered students, {two['correct']:g} were marked present with the right "
            f"name and {two['wrong']:g} with a wrong name."
        )
    if document["strangers"]:
        sentences.append(
            f"Of {document['strangers']:g} faces of strangers, {two['accepted_strangers']:g} were marked as a student."
        )
    sentences.append(f"Faces that the teacher would be asked about: {two['review']:g}.")
    return " ".join(sentences)


def _notes(document: Mapping[str, Any]) -> list[str]:
    heads = document["heads"]
    notes = [escape(note) for note in document["left_out"]]
    if heads["refused"]:
        why = "; ".join(escape(reason.rstrip(".")) for reason in heads["reasons"])
        where = f" in {heads['refused']} of {document['seeds']} rounds" if document["seeds"] > 1 else ""
        notes.append(f"Training on the students was not used{where} ({why}); both recognition columns are then equal.")
    if document["not_registered"]:
        notes.append(
            f"No face in the registration photo of {_names(document['not_registered'])}: their faces count as missed."
        )
    if document["refused_registrations"]:
        some = [f"{path} ({code})" for path, code in document["refused_registrations"].items()]
        notes.append(
            f"{len(some)} registration photos would be rejected for their quality, but are used here: {_names(some)}."
        )
    return [f'<p class="quiet">{note}</p>' for note in notes]


def _names(names: list[str]) -> str:
    shown = escape(", ".join(names[:8]))
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"


def _tables(document: Mapping[str, Any]) -> str:
    head = "".join(f"<th>{escape(words)}</th>" for words in METHODS.values())
    rates = "".join(_row(document, name, words, as_share=True) for name, words in _RATES.items())
    counts = "".join(_row(document, name, words, as_share=False) for name, words in _COUNTS.items())
    between = (
        "<p class=quiet>Small type: 95 % interval of the mean over the rounds, which share people and pictures.</p>"
    )
    return (
        "<h2>How often the right student is found</h2>"
        f'<div class="scroll"><table><tr><th></th>{head}</tr>{rates}</table></div>'
        "<h2>What is decided about each face</h2>"
        f'<div class="scroll"><table><tr><th>Faces</th>{head}</tr>{counts}</table></div>'
        f"{between if document['seeds'] > 1 else ''}"
    )


def _row(document: Mapping[str, Any], name: str, words: tuple[str, str], *, as_share: bool) -> str:
    def figure(value: float | None) -> str:
        return missing if value is None else f"{value:.1%}" if as_share else f"{value:g}"

    missing = NO_STRANGERS if name in FPIR_POINTS and not document["strangers"] else "–"
    cells = []
    for method in METHODS:
        interval = document[method]["intervals_95"].get(name)
        between = f"<small>{figure(interval[0])} to {figure(interval[1])}</small>" if interval else ""
        cells.append(f"<td>{figure(document[method].get(name))}{between}</td>")
    title, meaning = words
    return f"<tr><td>{title}<small>{escape(meaning)}</small></td>{''.join(cells)}</tr>"


def _scores(report: EvaluationReport) -> str:
    charts = []
    differ = any(result.two_stage is not result.stage1 for result in report.rounds)
    for method in ("stage1", "two_stage") if differ else ("stage1",):
        words = METHODS[method]
        found = pool(report.outcomes(method))
        series = [
            Series("registered face, its own student", "genuine", found.genuine),
            Series("registered face, the best other student", "impostor", found.impostors),
            Series("stranger's face, the best student", "stranger", found.strangers),
        ]
        keys = "".join(_key(kind.style, f"{kind.name} ({len(kind.scores)})") for kind in series)
        title = f"Scores, {words}"
        charts.append(
            f"<figure><h3>{escape(title)}</h3>{histogram(title, series)}<figcaption>{keys}</figcaption></figure>"
        )
    return (
        "<h2>Separation of students and strangers</h2><p>Scores are in standard deviations of the score of a random "
        "person. The less the first colour overlaps with the others, the better.</p>" + "".join(charts)
    )


def _key(style: str, words: str) -> str:
    # The space allows a line break between two keys, but not within one.
    return f'<span class="legend"><span class="key {style}"></span>{escape(words)}</span> '


def _trade_off(report: EvaluationReport) -> str:
    styles = {"facenet_alone": "plain", "stage1": "one", "two_stage": "two"}
    curves = [(words, styles[method], det_curve(pool(report.outcomes(method)))) for method, words in METHODS.items()]
    keys = "".join(_key(styles[method], words) for method, words in METHODS.items())
    return (
        "<h2>Misses against false alarms (DET curve)</h2><p>Each point is one threshold: the higher the threshold, "
        "the fewer strangers are named and the more students are missed. Lower is better.</p>"
        f"<figure>{det('Detection error trade-off', curves)}<figcaption>{keys}</figcaption></figure>"
    )


def _mistakes(report: EvaluationReport) -> list[str]:
    mistakes = worst_mistakes(report, "two_stage", MAX_MISTAKES)
    sections = ["<h2>The worst mistakes</h2><p>Mistakes of recognition with its shipped settings, face by face.</p>"]
    for kind, (title, order) in _KINDS.items():
        cards = [_card(report, mistake) for mistake in mistakes if mistake.kind is kind]
        body = f'<p class="quiet">{order}</p><div class="cards">{"".join(cards)}</div>' if cards else "<p>None.</p>"
        sections.append(f"<h3>{title}</h3>{body}")
    return sections


def _card(report: EvaluationReport, mistake: Mistake) -> str:
    path = report.dataset.pictures[report.dataset.face_pictures[mistake.face]].relative_to(report.source)
    person = "nobody registered" if mistake.person is None else mistake.person
    pictures = _picture(probe_thumbnail(report, mistake), f"{path}: {person}")
    if mistake.named is not None and mistake.registered_by is not None:
        taken = "came first" if mistake.kind is MistakeKind.MISSED else "taken for"
        pictures += _picture(registration_thumbnail(report, mistake.registered_by), f"{taken}: {mistake.named}")
    score = f"score {mistake.score:.2f}" if np.isfinite(mistake.score) else "ruled out"
    rounds = f", in {mistake.rounds} of {len(report.rounds)} rounds" if len(report.rounds) > 1 else ""
    return f'<div class="card"><div class="pair">{pictures}</div><small>{score}{rounds}</small></div>'


def _picture(uri: str, words: str) -> str:
    text = escape(words, quote=True)
    return f'<figure><img alt="{text}" src="{uri}"><figcaption>{text}</figcaption></figure>'
