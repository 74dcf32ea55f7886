"""Answers to the same photo, compared."""

from typing import Any

MEASURED = ("similarity", "candidates")


def decided(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer without its times, and without similarities, since a photo teaches the templates."""
    faces = [
        [{name: value for name, value in face.items() if name not in MEASURED} for face in photo["faces"]]
        for photo in answer["photos"]
    ]
    return {name: value for name, value in answer.items() if name not in ("photos", "timings_ms")} | {"faces": faces}
