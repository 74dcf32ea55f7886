"""The report's section on class photos, written for teachers."""

from collections.abc import Mapping
from html import escape
from typing import Any

from muster.evaluation.charts import Stack, stacked
from muster.evaluation.class_draws import PhotoKind

_KINDS = {
    PhotoKind.USUAL: "Usual photo",
    PhotoKind.HALF_EMPTY: "Half-empty photo",
    PhotoKind.WRONG_CLASS: "Wrong class",
}
_MEANINGS = {
    PhotoKind.USUAL: "most of the class is present, with at most a few strangers",
    PhotoKind.HALF_EMPTY: "half of the class is present, among strangers",
    PhotoKind.WRONG_CLASS: "nobody of the class is present",
}
_PARTS = {
    "marked": "marked present correctly",
    "asked": "proposed with the right name, for you to confirm",
    "missed": "missed: you mark them by hand",
    "wrong": "marked with another student's name",
}
_ROWS = {
    "marked": ("Students marked correctly", "share of the students in the photo, without a question"),
    "asked": ("Students to confirm", "the right name is proposed, and you confirm it"),
    "missed": ("Students missed", "not recognised: you mark them by hand"),
    "wrong": ("Students marked with another name", "another student is marked present by mistake"),
    "questions_per_photo": ("Questions per photo", "each about one student, including questions about strangers"),
    "strangers_marked_per_photo": ("Strangers marked per photo", "a stranger is marked as a student by mistake"),
    "strangers_marked_per_10000_faces": ("Strangers marked per 10,000 faces", ""),
    "wrong_marks_per_10000_faces": ("Wrong marks per 10,000 faces", "wrong names and marked strangers"),
}
_SHARES = frozenset(_PARTS)


def class_photo_section(document: Mapping[str, Any]) -> str:
    """Return the section for a document's `class_photos`; empty if no class photo was drawn."""
    found = document["class_photos"]
    if not found["classes"]:
        return ""
    classes = "".join(_of_class(figures) for figures in found["classes"])
    return (
        "<h2>Class photos</h2><p>All faces of a photo are recognised together. Each student is registered with "
        f"one photo.</p>{classes}{_by_width(found['by_face_width'])}"
    )


def class_summary(figures: Mapping[str, Any]) -> str:
    """Summarise in two sentences what a teacher can expect from a usual photo of this class."""
    usual = figures[PhotoKind.USUAL.value]
    if usual is None or usual["marked"] is None:
        return ""
    mistakes = usual["wrong_count"] + usual["strangers_marked_count"]
    wrong = "No mark was wrong" if not mistakes else f"{mistakes} marks were wrong"
    return (
        f"In a class of {figures['registered']}, {usual['marked']:.0%} of the students in a photo are marked present "
        f"without a question, and a photo raises {usual['questions_per_photo']:.1f} questions. "
        f"{wrong} in {usual['faces']:,} faces."
    )


def _of_class(figures: Mapping[str, Any]) -> str:
    kinds = {kind: figures[kind.value] for kind in PhotoKind if figures[kind.value] is not None}
    stacks = [
        Stack(_KINDS[kind], {part: found[part] or 0.0 for part in _PARTS})
        for kind, found in kinds.items()
        if found["marked"] is not None
    ]
    title = f"Students of a class of {figures['registered']}, by kind of photo"
    head = "".join(f"<th>{_KINDS[kind]}<small>{_MEANINGS[kind]}</small></th>" for kind in kinds)
    rows = "".join(_row(kinds, name, words) for name, words in _ROWS.items())
    photos = "".join(f"<td>{found['photos']:,} / {found['faces']:,}</td>" for found in kinds.values())
    calibration = kinds.get(PhotoKind.USUAL, {}).get("calibration")
    return (
        f"<h3>A class of {figures['registered']}</h3>"
        f'<p class="summary">{escape(class_summary(figures))}</p>'
        f"<figure>{stacked(title, stacks)}<figcaption>{_legend()}</figcaption></figure>"
        f'<div class="scroll"><table><tr><th></th>{head}</tr>{rows}'
        f"<tr><td>Photos / faces</td>{photos}</tr></table></div>{_calibration(calibration)}"
    )


def _row(kinds: Mapping[PhotoKind, Mapping[str, Any]], name: str, words: tuple[str, str]) -> str:
    title, meaning = words
    cells = "".join(_cell(found, name) for found in kinds.values())
    return f"<tr><td>{title}<small>{escape(meaning)}</small></td>{cells}</tr>"


def _cell(found: Mapping[str, Any], name: str) -> str:
    def figure(value: float | None) -> str:
        if value is None:
            return "–"
        return f"{value:.1%}" if name in _SHARES else f"{value:.3g}"

    interval = found["intervals_95"].get(name)
    between = f"<small>{figure(interval[0])} to {figure(interval[1])}</small>" if interval else ""
    return f"<td>{figure(found[name])}{between}</td>"


def _legend() -> str:
    return "".join(
        f'<span class="legend"><span class="key {part}"></span>{escape(words)}</span> '
        for part, words in _PARTS.items()
    )


def _calibration(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    rows = "".join(
        f"<tr><td>{row['from']:.2%} to {row['to']:.2%}</td><td>{row['faces']:,}</td><td>{row['stated']:.2%}</td>"
        f"<td>{row['observed']:.2%}</td></tr>"
        for row in found["table"]
    )
    return (
        "<h4>Calibration</h4><p>The stated certainty of every name that is given or proposed, and how often it is "
        "right. The two should agree; on average they differ by "
        f"{found['expected_error']:.2%}.</p>"
        '<div class="scroll"><table><tr><th>Certainty</th><th>Faces</th><th>Stated on average</th><th>Right</th></tr>'
        f"{rows}</table></div>"
    )


def _by_width(rows: list[Mapping[str, Any]]) -> str:
    if not rows:
        return ""
    stacks = [
        Stack(_width_words(row["face_width"]), {part: row[part] or 0.0 for part in _PARTS})
        for row in rows
        if row["marked"] is not None
    ]
    return (
        "<h3>Small faces</h3><p>The same figures by the width of the faces in the photo. "
        f"Faces in the back row are the smallest.</p><figure>{stacked('Students by the width of their faces', stacks)}"
        f"<figcaption>{_legend()}</figcaption></figure>"
    )


def _width_words(label: str) -> str:
    return "As photographed" if label == "unchanged" else f"{label} pixels"
