"""Examples for the OpenAPI document by field name, so that a field looks the same everywhere."""

from collections.abc import Mapping
from typing import Any, Final

from muster import __version__
from muster.api.problems import NO_FACE
from muster.domain.student import CONSENT_WORDING

_FACE: Final = "5f2a9c0d17e84b6fa1c3-0"
_PHOTO: Final = "5f2a9c0d17e84b6fa1c3"
_MOMENT: Final = "2026-09-01T06:30:00Z"

BY_NAME: Final[Mapping[str, Any]] = {
    "absence_id": "0b9f5d0c5d0e4f0e8a550d4f4b6f4b1e",
    "absent": 2,
    "answer_url": f"/v1/sessions/monday/faces/{_FACE}/student",
    "at": _MOMENT,
    "box": [412, 96, 88, 112],
    "by": "ada",
    "by_name": "Ada Lovelace",
    "cancelled": ["2026-10-05"],
    "candidates": [{"student_id": "s1", "similarity": 0.71}],
    "closed_at": _MOMENT,
    "closed_by": "ada",
    "code": "no_face",
    "column": "weekday",
    "columns": 5,
    "consent_given_at": _MOMENT,
    "consent_renewed_after": None,
    "consent_stated_by": "ada",
    "consent_withdrawn_at": None,
    "consent_wording": CONSENT_WORDING,
    "counted": 6,
    "counts": {"add": 28, "update": 1, "nothing": 1, "refuse": 0},
    "created_at": _MOMENT,
    "current_absence": 0,
    "cursor": "MDA0Mg",
    "date_format": "%d/%m/%Y",
    "day": "2026-09-01",
    "days": 365,
    "days_missed": 3,
    "decision": "present",
    "detail": NO_FACE,
    "detector_score": 0.93,
    "embeddings": 16,
    "encoding": "windows-1254",
    "ends": "09:30",
    "ends_at": _MOMENT,
    "every_weeks": 1,
    "excused": 1,
    "expires_at": "2026-09-01T06:45:00+00:00",
    "face_id": _FACE,
    "fields": {"key": "uploads/detect/0b9f5d0c5d0e4f0e8a550d4f4b6f4b1e", "Content-Type": "image/jpeg"},
    "first_day": "2026-09-01",
    "group_id": "7b",
    "group_ids": ["7b"],
    "guest_id": "9f1c2d3e4b5a69788796a5b4c3d2e1f0",
    "groups": ["7b"],
    "head": 3,
    "head_similarity": 0.88,
    "height": 768,
    "last_day": "2026-12-18",
    "last_outcome": {"outcome": "promoted", "version": 3, "students": 500, "machine": "gpu", "fallback": False},
    "last_seen": "2026-09-01",
    "last_used_at": _MOMENT,
    "learned_at": _MOMENT,
    "leave_group_id": "7a",
    "lesson_id": "7b-mo-1",
    "lessons": ["7b-monday-1"],
    "limit": 100,
    "longest_absence": 2,
    "made_at": _MOMENT,
    "marked_at": _MOMENT,
    "minutes_late": 12,
    "missed": 2,
    "missing_since": "2026-09-01",
    "name": "Ada Lovelace",
    "next_cursor": "MDA0Mg",
    "not_taken": 1,
    "pack": "embedded",
    "photo_id": _PHOTO,
    "photo_replaced_at": None,
    "photo_replaced_by": None,
    "photo_replaced_by_name": None,
    "picture_url": "/v1/students/s1/picture",
    "present": 25,
    "preset": "england-2024",
    "presets": ["plain", "england-2024", "moodle"],
    "probability": 0.97,
    "quality": 0.8,
    "questions": 0,
    "reason": "The parents called.",
    "registered_at": _MOMENT,
    "remark": "Bus late",
    "remarks": ["bus was late"],
    "revoked_at": None,
    "room": "12",
    "row": 2,
    "school": "greenfield",
    "session_id": "monday",
    "sessions": 20,
    "sessions_missed": 9,
    "similarity": 0.71,
    "since": "2026-09-01",
    "source": "photo",
    "started_at": _MOMENT,
    "starts": "08:45",
    "starts_at": _MOMENT,
    "state": "idle",
    "status": "present",
    "student_id": "s1",
    "subject": "Mathematics",
    "substitute_id": "K7P",
    "teacher": "Ms Byron",
    "text": "attendance",
    "time_format": "%H:%M",
    "time_zone": "Europe/Berlin",
    "timings_ms": {"decode": 9, "detect": 60, "segment": 12, "embed": 210, "match": 1},
    "title": "Unprocessable Entity",
    "turned": 0,
    "type": "about:blank",
    "until": "2026-12-18",
    "upload_id": "0b9f5d0c5d0e4f0e8a550d4f4b6f4b1e",
    "url": "https://photos.s3.eu-central-1.amazonaws.com/",
    "user_id": "ada",
    "value": "Mon",
    "values": {"present": "1", "absent": "0"},
    "version": 1,
    "warnings": [],
    "width": 1366,
    "without_register": ["8a"],
}

_OF_SCHEMA: Final[Mapping[tuple[str, str], Any]] = {
    ("BlankSheetDocument", "columns"): ["Mon 7 Sep", "Tue 8 Sep"],
    ("GroupTotalsDocument", "name"): "Class 7b",
    ("HealthDocument", "status"): "ok",
    ("HealthDocument", "version"): __version__,
    ("MarkDetailsDocument", "code"): "L",
    ("MarkDocument", "code"): "L",
    ("ImportedLessonsDocument", "columns"): {"group": "class", "weekday": "day"},
    ("Problem", "status"): 422,
    ("SubjectChange", "after"): "late",
    ("SubjectChange", "before"): "absent",
    ("SubjectMark", "code"): "L",
}


def illustrate(document: dict[str, Any]) -> None:
    """Add the example of its name to each field and parameter that has no example of its own."""
    for title, schema in document["components"]["schemas"].items():
        for name, field in schema.get("properties", {}).items():
            example = _OF_SCHEMA.get((title, name), BY_NAME.get(name))
            if (name in BY_NAME or (title, name) in _OF_SCHEMA) and lacks_example(field):
                field["examples"] = [example]
    for item in document["paths"].values():
        for operation in item.values():
            for parameter in operation.get("parameters", []):
                named = parameter["name"] in BY_NAME and not {"example", "examples"} & parameter.keys()
                if named and lacks_example(parameter["schema"]):
                    parameter["example"] = BY_NAME[parameter["name"]]


def lacks_example(schema: Mapping[str, Any]) -> bool:
    """Return whether a schema needs an example; files and flags do not."""
    if schema.keys() & {"$ref", "examples", "example", "const", "enum", "contentMediaType"}:
        return False
    if "anyOf" in schema:
        return any(lacks_example(option) for option in schema["anyOf"] if option.get("type") != "null")
    if schema.get("type") == "array" and "items" in schema:
        return lacks_example(schema["items"])
    return schema.get("type") != "boolean"
