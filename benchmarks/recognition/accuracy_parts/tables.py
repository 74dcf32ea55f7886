"""The tables of `benchmarks.recognition.accuracy`, as Markdown that reads well on a terminal too."""

from collections.abc import Mapping
from typing import Any

from benchmarks.lib.markdown import markdown_table

_WORDS = {
    "facenet_alone": "cosine of FaceNet",
    "stage1": "stage 1",
    "two_stage": "two-stage",
    "dlib": "dlib `face_recognition`",
    "muster": "ours (CenterFace)",
}
_RATES = {
    "detection_recall": "faces found",
    "rank_1": "rank-1",
    "dir_at_fpir_0_1": "DIR at FPIR 0.1 %",
    "dir_at_fpir_1": "at 1 %",
    "dir_at_fpir_10": "at 10 %",
}
_CLASS_SHARES = ("marked", "asked", "missed", "wrong")
_COUNTS = ("correct", "wrong", "missed", "review", "accepted_strangers", "rejected_strangers")


def tables(measured: Mapping[str, Any]) -> str:
    """Return all tables of one run."""
    parts = []
    if "lfw" in measured:
        parts += [_heading("LFW people, one registration picture each", measured["lfw"]), *_methods(measured["lfw"])]
    if "groups" in measured:
        parts += [_heading("Photos of groups", measured["groups"]), *_methods(measured["groups"])]
    if "detection" in measured:
        found = measured["detection"]
        rows = [
            [_WORDS[name], f"{one['found']} of {one['faces']}", str(one["false_alarms"])]
            for name, one in found["methods"].items()
        ]
        parts += [
            f"### Faces found in {found['photos']} photos with labelled noses",
            markdown_table(["detector", "faces found", "detections without a nose"], rows),
        ]
    return "\n\n".join(parts)


def _heading(title: str, found: Mapping[str, Any]) -> str:
    rounds = "one round" if found["seeds"] == 1 else f"means of {found['seeds']} seeds with 95 % intervals"
    heads = found["heads"]
    refused = sum(found["refused_registrations"].values())
    return (
        f"### {title}\n\n"
        f"{found['people']} people, {found['registered']} registered; {found['probes']} faces searched for, "
        f"{found['strangers']} of them strangers; {rounds}. Heads promoted in {heads['promoted']} of "
        f"{heads['promoted'] + heads['refused']} rounds. {refused} registration pictures would be turned away for "
        "their quality and are used all the same."
    )


def _methods(found: Mapping[str, Any]) -> list[str]:
    methods = found["methods"]
    rates = [[_WORDS[name], *(_rate(one, rate) for rate in _RATES)] for name, one in methods.items()]
    counts = [
        [_WORDS[name], *(f"{one[count]:g}" for count in _COUNTS)] for name, one in methods.items() if "correct" in one
    ]
    words = [count.replace("_", " ") for count in _COUNTS]
    return [
        markdown_table(["method", *_RATES.values()], rates),
        "Each face decided by itself, as each method ships:",
        markdown_table(["method", *words], counts),
        *_class_photos(found),
    ]


def _class_photos(found: Mapping[str, Any]) -> list[str]:
    rows = [
        [
            str(of_class["registered"]),
            kind.replace("_", " "),
            *(_share(of_class[kind][name]) for name in _CLASS_SHARES),
            f"{of_class[kind]['questions_per_photo']:.2f}",
            f"{of_class[kind]['wrong_marks_per_10000_faces']:.2f}",
        ]
        for of_class in found["class_photos"]["classes"]
        for kind in ("usual", "half_empty", "wrong_class")
        if of_class[kind] is not None
    ]
    if not rows:
        return []
    head = ["class", "photo", *_CLASS_SHARES, "questions in a photo", "wrong marks in 10,000 faces"]
    return ["Class photos, decided as shipped:", markdown_table(head, rows)]


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _rate(figures: Mapping[str, Any], name: str) -> str:
    if figures[name] is None:
        return "–"
    interval = figures["intervals_95"].get(name)
    half = f" ± {(interval[1] - interval[0]) / 2:.3f}" if interval else ""
    return f"{figures[name]:.3f}{half}"
