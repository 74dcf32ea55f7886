"""The tables of `benchmarks.recognition.class_photos`, as Markdown that reads well on a terminal too."""

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.lib.markdown import markdown_table

Figures = Mapping[str, Any]

_SETS = {
    "development": "LFW, development",
    "reported": "LFW, reported",
    "every_head": "LFW, reported, every head",
    "orl": "ORL",
}
_PLAIN_SETS = {"reported": "well-known people (LFW)", "orl": "people who are not famous (ORL)"}
_PACKS = {name: f"`{name}`" for name in ("embedded", "embedded-int8", "embedded-facenet")}
_KINDS = {"usual": "usual", "half_empty": "half-empty", "wrong_class": "wrong class"}
_DEFAULT = "embedded"


def tables(packs: Mapping[str, Figures]) -> str:
    """Return everything that was measured."""
    parts = []
    for name, found in packs.items():
        head = ["people", "class", "photo", "marked", "asked", "missed", "wrong", "questions a photo"]
        head += ["wrong marks", "strangers marked a photo", "wrong a 10,000 faces"]
        parts += [f"### Class photos, pack {name}", markdown_table(head, list(_class_rows(found)))]
        if "reported" in found:
            parts += ["Stated and observed, usual photos of the reported people:", _calibration(found["reported"])]
            small = [[_width(row), *_shares(row), _number(row["questions_per_photo"])] for row in found["small"]]
            parts.append(
                markdown_table(["face width", "marked", "asked", "missed", "wrong", "questions a photo"], small)
            )
        for folder, groups in found.get("groups", {}).items():
            faces = groups["faces"]
            parts.append(
                f"{folder}, photo by photo: {faces['correct']:g} marked rightly, {faces['wrong']:g} wrong, "
                f"{faces['review']:g} asked about, {faces['missed']:g} missed, {faces['accepted_strangers']:g} of "
                f"{groups['strangers']:g} strangers marked."
            )
    return "\n\n".join(parts) + "\n"


def aims(packs: Mapping[str, Figures]) -> str:
    """Return what the marking of a class has to show, beside what it showed, for each pack."""
    head = ["reported people", "aim", *packs]
    rows = [[title, aim, *(read(found) for found in packs.values())] for title, aim, read in _AIMS]
    return "### What it must show\n\n" + markdown_table(head, rows) + "\n"


def page(packs: Mapping[str, Figures]) -> str:
    """Return the tables for a reader who calls the roll."""
    head = ["photos of", "class", "networks", "marked rightly", "you are asked", "missed", "questions in a photo"]
    head += ["wrong marks", "strangers marked in a photo of 30 strangers"]
    rows = []
    for people, title in _PLAIN_SETS.items():
        for number, _ in enumerate(packs[_DEFAULT].get(people, [])):
            for name, found in packs.items():
                classes = found[people][number]
                usual, wrong_class = classes["usual"], classes["wrong_class"]
                rows.append(
                    [
                        title,
                        str(classes["registered"]),
                        _PACKS.get(name, name),
                        *_shares(usual)[:3],
                        _number(usual["questions_per_photo"]),
                        _wrong_marks(usual),
                        _strangers(wrong_class),
                    ]
                )
    parts = [markdown_table(head, rows)]
    if "small" in packs[_DEFAULT]:
        small = [
            [_width(row), _PACKS.get(name, name), *_shares(row)[:3]]
            for name, found in packs.items()
            for row in found["small"]
        ]
        parts.append("Faces of a class of 30, by their width in the photo:")
        parts.append(
            markdown_table(["width of the face", "networks", "marked rightly", "you are asked", "missed"], small)
        )
    return "\n\n".join(parts)


def _class_rows(found: Figures) -> Iterator[list[str]]:
    for people, title in _SETS.items():
        for classes in found.get(people, []):
            for kind, words in _KINDS.items():
                figures = classes[kind]
                if figures is None:
                    continue
                yield [
                    title,
                    str(classes["registered"]),
                    words,
                    *_shares(figures, with_interval=True),
                    _number(figures["questions_per_photo"]),
                    _wrong_marks(figures),
                    _number(figures["strangers_marked_per_photo"], 3),
                    _number(figures["wrong_marks_per_10000_faces"]),
                ]


def _calibration(classes: list[Figures]) -> str:
    rows = [
        [
            str(figures["registered"]),
            f"{row['from']:g} to {row['to']:g}",
            str(row["faces"]),
            f"{row['stated']:.4f}",
            f"{row['observed']:.4f}",
            f"{calibration['expected_error']:.4f}",
        ]
        for figures in classes
        if (calibration := figures["usual"]["calibration"]) is not None
        for row in calibration["table"]
    ]
    if not rows:
        return "(this rule states no probability)"
    return markdown_table(["class", "stated between", "faces", "stated", "observed", "expected error"], rows)


def _shares(figures: Figures, *, with_interval: bool = False) -> list[str]:
    def share(name: str) -> str:
        if figures[name] is None:
            return "–"
        interval = figures["intervals_95"].get(name) if with_interval else None
        half = f" ± {(interval[1] - interval[0]) / 2:.1%}" if interval else ""
        return f"{figures[name]:.1%}{half}"

    return [share(name) for name in ("marked", "asked", "missed", "wrong")]


def _wrong_marks(figures: Figures) -> str:
    return f"{figures['wrong_count'] + figures['strangers_marked_count']} in {figures['faces']:,} faces"


def _strangers(figures: Figures | None) -> str:
    """Return strangers marked in a photo of the wrong class, with the number of strangers if it is not 30."""
    if figures is None:
        return "–"
    shown = figures["strangers"] / figures["photos"]
    size = "" if round(shown) == 30 else f" (of {shown:.0f})"
    return f"{figures['strangers_marked_per_photo']:.3f}{size}"


def _width(row: Figures) -> str:
    return "as photographed" if row["face_width"] == "unchanged" else f"{row['face_width']} pixels"


def _number(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _of_class(found: Figures, size: int, kind: str = "usual") -> Figures | None:
    fitting = [classes[kind] for classes in found.get("reported", []) if classes["registered"] == size]
    return fitting[0] if fitting else None


def _marked(found: Figures, size: int) -> str:
    usual = _of_class(found, size)
    return "–" if usual is None else f"{usual['marked']:.1%}"


def _questions(found: Figures) -> str:
    usual = _of_class(found, 30)
    return "–" if usual is None else _number(usual["questions_per_photo"])


def _wrong(found: Figures) -> str:
    usual = [figures for size in (30, 100) if (figures := _of_class(found, size)) is not None]
    if not usual:
        return "–"
    wrong = sum(figures["wrong_count"] + figures["strangers_marked_count"] for figures in usual)
    return f"{wrong} in {sum(figures['faces'] for figures in usual):,}"


def _wrong_class(found: Figures) -> str:
    return _strangers(_of_class(found, 30, "wrong_class"))


def _identified(found: Figures) -> str:
    rates = found.get("identification")
    return "–" if rates is None else f"{rates['dir_at_fpir_0_1']:.3f} / {rates['dir_at_fpir_1']:.3f}"


def _groups(found: Figures) -> str:
    told = []
    for groups in found.get("groups", {}).values():
        faces = groups["faces"]
        told.append(f"{faces['correct']:g} marked, {faces['wrong'] + faces['accepted_strangers']:g} wrong")
    return "; ".join(told) or "–"


def _time(found: Figures) -> str:
    spent = found.get("milliseconds_per_face")
    return "–" if spent is None else f"{spent:.0f} ms"


_AIMS = (
    ("class photos of 30: marked rightly without a question", "97 %", lambda found: _marked(found, 30)),
    ("class photos of 100: likewise", "95 %", lambda found: _marked(found, 100)),
    ("questions in a usual photo, class of 30", "1", _questions),
    ("wrong marks in usual photos", "1 in 10,000", _wrong),
    ("strangers marked in a photo of 30 strangers", "0.02", _wrong_class),
    ("DIR at FPIR 0.1 % / 1 %, 100 registered, one view", "0.91 / 0.955", _identified),
    ("photos of groups, photo by photo", "10 of 10, 0 wrong", _groups),
    ("time of a face, one thread", "78 ms", _time),
)
