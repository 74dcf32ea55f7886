"""Check that a server still has everything that it acknowledged."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx

from benchmarks.operations.load_parts.teacher import Acknowledged


def missing(url: str, token: str, record: Acknowledged) -> list[str]:
    """Compare what was acknowledged with what the API answers; return a sentence for each thing that is not there."""
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=300) as client:
        return [*_students(client, record), *_photos(client, record), *_marks(client, record)]


def _pages(client: httpx.Client, path: str) -> Iterator[dict[str, Any]]:
    cursor: dict[str, str] = {}
    while True:
        answer = client.get(path, params={"limit": 500, **cursor}).raise_for_status().json()
        yield from answer["items"]
        if answer["next_cursor"] is None:
            return
        cursor = {"cursor": answer["next_cursor"]}


def _students(client: httpx.Client, record: Acknowledged) -> Iterator[str]:
    groups = sorted({group for group, _ in record.students})
    stored = {
        (group, student["student_id"]): student["name"]
        for group in groups
        for student in _pages(client, f"/v1/groups/{group}/students")
    }
    for key, name in record.students.items():
        if stored.get(key) != name:
            yield f"student {key}: {name!r} was acknowledged, {stored.get(key)!r} is stored"


def _photos(client: httpx.Client, record: Acknowledged) -> Iterator[str]:
    for session, photos in record.photos.items():
        stored = {photo["photo_id"] for photo in client.get(f"/v1/sessions/{session}/photos").raise_for_status().json()}
        for photo in photos - stored:
            yield f"photo {photo} of {session}"
        for photo in photos & stored:
            picture = client.get(f"/v1/sessions/{session}/photos/{photo}/picture")
            if picture.status_code != 200:
                yield f"picture of photo {photo} of {session}: {picture.status_code}"


def _marks(client: httpx.Client, record: Acknowledged) -> Iterator[str]:
    stored: Counter[tuple[str, str, str, str]] = Counter()
    for session in {session for session, *_ in record.marks}:
        for change in _pages(client, f"/v1/sessions/{session}/changes"):
            if change["kind"] == "mark":
                stored[session, change["student_id"], change["by"], change["after"]] += 1
        shown = {
            mark["student_id"]: mark["status"]
            for mark in client.get(f"/v1/sessions/{session}").raise_for_status().json()["marks"]
        }
        for (where, student), (version, status) in record.last.items():
            if where == session and shown.get(student) != status:
                yield f"mark of {student} in {session}: {status} at version {version}, {shown.get(student)} is shown"
    for correction, times in (record.marks - stored).items():
        yield f"correction {correction}, {times} times"
