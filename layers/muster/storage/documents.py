"""Serialisation of faces, changes, times and embeddings, shared by both stores."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from muster.domain.attendance import (
    NO_DETAILS,
    Change,
    Closing,
    FaceChange,
    LessonDetails,
    Mark,
    MarkChange,
    MarkDetails,
    MarkStatus,
    PhotoChange,
    RegisterChange,
)
from muster.domain.documents import Document
from muster.domain.errors import DocumentTooLarge, RecordDamaged, RemarksTooLarge
from muster.domain.faces import Candidate, Decision, IdentifiedFace
from muster.domain.identifiers import FaceId, GroupId, PhotoId, SessionId, StudentId, UserId
from muster.domain.student import LearnedFace, Template

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_Value = TypeVar("_Value")


def undamaged(what: str, remedy: str, read: Callable[[], _Value]) -> _Value:
    """Return the result of `read`, and report a failure as a damaged record.

    A damaged record is not skipped: a student who is missing from a roll call would be marked absent.

    Args:
        what: the record, such as "The template of s1".
        remedy: advice that continues the message.

    Raises:
        RecordDamaged: the record cannot be read.
    """
    try:
        return read()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordDamaged(f"{what} is damaged: {remedy}, or restore a backup. `muster doctor` lists more.") from error


def time_text(moment: datetime) -> str:
    """Write a time as ISO 8601 in UTC with microseconds; the strings sort by time.

    Raises:
        ValueError: the time has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def read_time(text: str) -> datetime:
    """Read a time that `time_text` wrote."""
    return datetime.fromisoformat(text)


def read_optional_time(text: str | None) -> datetime | None:
    """Read a time, or None."""
    return None if text is None else read_time(text)


_WIDTH_FOLLOWS = b"\xff\xff\xff\xff"
"""Prefix of serialised embeddings, followed by their width in 4 bytes.

As a float32 it is NaN, so embeddings written before it was introduced, which are all 512 wide, cannot begin with it.
"""

_EARLIER_WIDTH = 512

MAX_DOCUMENT_BYTES = 300_000
"""Of a document's body, below the 400 kB limit of a DynamoDB item."""

MAX_REMARKS_BYTES = 100_000
"""Of all remarks in one session: 80 remarks of the longest kind in any script. All marks of a session are one item."""

MAX_CHANGES_BYTES = 300_000
"""Of the changes that are made at once, which are one item."""


def embeddings_bytes(template: Template) -> bytes:
    """Write a template's embeddings as their width, then little-endian float32, row by row.

    Raises:
        ValueError: they are not float32 (V, D), V and D at least 1.
    """
    embeddings = template.embeddings
    if embeddings.ndim != 2 or not embeddings.size or embeddings.dtype != "float32":
        raise ValueError(f"a template is float32 (V, D), not {embeddings.dtype} {embeddings.shape}")
    width = embeddings.shape[1].to_bytes(4, "little")
    return b"".join([_WIDTH_FOLLOWS, width, embeddings.astype("<f4").tobytes()])


def read_embeddings(content: bytes) -> NDArray[np.float32]:
    """Read embeddings that `embeddings_bytes` wrote: float32 (V, D), read-only.

    Raises:
        ValueError: they are truncated or empty, or a value is not finite.
    """
    # Only templates need it, and it takes a fifth of the start of a command.
    import numpy as np

    width, start = _EARLIER_WIDTH, 0
    if content[:4] == _WIDTH_FOLLOWS:
        width, start = int.from_bytes(content[4:8], "little"), 8
    if not width:
        raise ValueError("embeddings have no width")
    embeddings = np.frombuffer(content, "<f4", offset=start).reshape(-1, width)
    if not len(embeddings) or not np.isfinite(embeddings).all():
        raise ValueError("embeddings are empty or not numbers")
    return embeddings


def learned_documents(learned: Sequence[LearnedFace]) -> list[dict[str, Any]]:
    """Write the provenance of learned faces as JSON-like objects."""
    return [
        {
            "face_id": face.face_id,
            "session_id": face.session_id,
            "group_id": face.group_id,
            "learned_at": None if face.learned_at is None else time_text(face.learned_at),
            "by": face.by,
            "automatic": face.automatic,
        }
        for face in learned
    ]


def read_learned(documents: Sequence[str | Mapping[str, Any]]) -> tuple[LearnedFace, ...]:
    """Read the objects that `learned_documents` wrote, or the bare face ids of older records."""
    return tuple(
        LearnedFace(FaceId(document))
        if isinstance(document, str)
        else LearnedFace(
            FaceId(document["face_id"]),
            _optional_id(SessionId, document.get("session_id")),
            _optional_id(GroupId, document.get("group_id")),
            read_optional_time(document.get("learned_at")),
            _optional_id(UserId, document.get("by")),
            document["automatic"],
        )
        for document in documents
    )


def json_text(value: Mapping[str, Any] | Sequence[Any]) -> str:
    """Write a JSON-like value in compact form, with non-ASCII characters unescaped."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def faces_text(faces: Sequence[IdentifiedFace]) -> str:
    """Write the faces of one photo as a JSON list."""
    return json_text(
        [
            {
                "face_id": face.face_id,
                "box": list(face.box),
                "detector_score": float(face.detector_score),
                "quality": float(face.quality),
                "decision": face.decision.value,
                "student_id": face.student_id,
                "similarity": _number(face.similarity),
                "head_similarity": _number(face.head_similarity),
                "candidates": [_candidate(candidate) for candidate in face.candidates],
                "log_odds": _number(face.log_odds),
            }
            for face in faces
        ]
    )


def read_faces(text: str) -> tuple[IdentifiedFace, ...]:
    """Read the faces that `faces_text` wrote."""
    return tuple(
        IdentifiedFace(
            face_id=FaceId(face["face_id"]),
            box=tuple(face["box"]),
            detector_score=face["detector_score"],
            quality=face["quality"],
            decision=Decision(face["decision"]),
            student_id=None if face["student_id"] is None else StudentId(face["student_id"]),
            similarity=face["similarity"],
            head_similarity=face["head_similarity"],
            candidates=tuple(Candidate(StudentId(id), *numbers) for id, *numbers in face["candidates"]),
            log_odds=face.get("log_odds"),
        )
        for face in json.loads(text)
    )


def change_text(change: Change) -> str:
    """Write a person's change as a JSON object."""
    document: dict[str, Any] = {"at": time_text(change.at), "by": change.by}
    if isinstance(change, MarkChange):
        document |= {"student_id": change.student_id, "before": change.before, "after": change.after}
        for name, details in (("details_before", change.details_before), ("details_after", change.details_after)):
            if details != NO_DETAILS:
                document[name] = details_document(details)
        if change.reason:
            document["reason"] = change.reason
    elif isinstance(change, RegisterChange):
        document |= {"register_closed": change.closed, "reason": change.reason}
        if change.removal:
            document["removal"] = True
    elif isinstance(change, PhotoChange):
        document |= {"photo_removed": change.photo_id}
    else:
        document |= {
            "face_id": change.face_id,
            "before": list(change.before),
            "after": list(change.after),
            "learned": change.learned,
        }
    return json_text(document)


def check_texts(marks: Iterable[Mark], new: Iterable[Mark], changes: Iterable[Change] = ()) -> None:
    """Refuse more text than one item of DynamoDB holds, before anything is written.

    Args:
        marks: all of the session as they would be.
        new: those of them that are about to be stored.
        changes: made at once.

    Raises:
        RemarksTooLarge: the remarks have more than `MAX_REMARKS_BYTES`, or the changes more than `MAX_CHANGES_BYTES`.
    """
    has_new = any(mark.remark for mark in new)
    if has_new and sum(len(mark.remark.encode()) for mark in marks) > MAX_REMARKS_BYTES:
        raise RemarksTooLarge(
            f"The remarks in this register would have more than {MAX_REMARKS_BYTES // 1000} kB together: shorten some "
            "of them first."
        )
    if sum(len(change_text(change).encode()) for change in changes) > MAX_CHANGES_BYTES:
        raise RemarksTooLarge("These are too many long remarks and reasons at once: change fewer students at a time.")


def read_change(text: str) -> Change:
    """Read a change that `change_text` wrote."""
    document = json.loads(text)
    at, by = read_time(document["at"]), UserId(document["by"])
    if "register_closed" in document:
        return RegisterChange(at, by, document["register_closed"], document["reason"], document.get("removal", False))
    if "photo_removed" in document:
        return PhotoChange(at, by, PhotoId(document["photo_removed"]))
    if "face_id" in document:
        before, after = (
            (Decision(decision), None if student is None else StudentId(student))
            for decision, student in (document["before"], document["after"])
        )
        return FaceChange(at, by, FaceId(document["face_id"]), before, after, document["learned"])
    student = document["student_id"]
    return MarkChange(
        at,
        by,
        None if student is None else StudentId(student),
        _optional_status(document["before"]),
        _optional_status(document["after"]),
        read_details(document.get("details_before", {})),
        read_details(document.get("details_after", {})),
        document.get("reason", ""),
    )


def document_text(kind: str, id: str, body: Mapping[str, Any]) -> str:
    """Write the body of a document.

    Raises:
        DocumentTooLarge: it has more than `MAX_DOCUMENT_BYTES`.
    """
    text = json_text(body)
    if len(text.encode()) > MAX_DOCUMENT_BYTES:
        raise DocumentTooLarge(
            f"The document {kind} {id} would have more than {MAX_DOCUMENT_BYTES // 1000} kB: remove entries that are "
            "no longer needed, then try again."
        )
    return text


def read_document(kind: str, id: str, version: int, text: str) -> Document:
    """Read a document whose body `document_text` wrote.

    Raises:
        RecordDamaged: it cannot be read.
    """
    body = undamaged(f"The document {kind} {id}", "enter it again", lambda: read_document_body(text))
    return Document(id, version, body)


def read_document_body(text: str) -> dict[str, Any]:
    """Read the body of a document.

    Raises:
        ValueError, TypeError: it is not a JSON object.
    """
    body = json.loads(text)
    if not isinstance(body, dict):
        raise TypeError("the body of a document is a JSON object")
    return body


def details_document(details: MarkDetails) -> dict[str, Any]:
    """Write the details of a mark as a JSON-like object, without those that it does not have."""
    document = {"code": details.code, "minutes_late": details.minutes_late, "remark": details.remark or None}
    return {name: value for name, value in document.items() if value is not None}


def read_details(document: Mapping[str, Any]) -> MarkDetails:
    """Read details that `details_document` wrote."""
    minutes = document.get("minutes_late")
    return MarkDetails(document.get("code"), None if minutes is None else int(minutes), document.get("remark", ""))


def lesson_text(lesson: LessonDetails | None) -> str | None:
    """Write the lesson of a session."""
    if lesson is None:
        return None
    starts_at, ends_at = (
        None if moment is None else time_text(moment) for moment in (lesson.starts_at, lesson.ends_at)
    )
    return json_text(
        {
            "lesson_id": lesson.lesson_id,
            "subject": lesson.subject,
            "room": lesson.room,
            "teacher": lesson.teacher,
            "ends_at": ends_at,
            "starts_at": starts_at,
        }
    )


def read_lesson(text: str | None) -> LessonDetails | None:
    """Read a lesson that `lesson_text` wrote."""
    if text is None:
        return None
    document = json.loads(text)
    ends_at = read_optional_time(document.pop("ends_at"))
    starts_at = read_optional_time(document.pop("starts_at", None))
    return LessonDetails(**document, ends_at=ends_at, starts_at=starts_at)


def closing_text(closing: Closing | None) -> str | None:
    """Write the closing of a register."""
    if closing is None:
        return None
    document = {"at": time_text(closing.at), "by": closing.by}
    return json_text({**document, "removal": True} if closing.removal else document)


def read_closing(text: str | None) -> Closing | None:
    """Read a closing that `closing_text` wrote."""
    if text is None:
        return None
    document = json.loads(text)
    return Closing(read_time(document["at"]), UserId(document["by"]), document.get("removal", False))


def counts_text(counts: Mapping[MarkStatus, int]) -> str:
    """Write the number of marks with each status."""
    return json_text({status.value: number for status, number in counts.items()})


def read_counts(text: str) -> dict[MarkStatus, int]:
    """Read counts that `counts_text` wrote."""
    return {MarkStatus(status): number for status, number in json.loads(text).items()}


def _optional_id(kind: Callable[[str], _Value], text: str | None) -> _Value | None:
    return None if text is None else kind(text)


def _candidate(candidate: Candidate) -> list[Any]:
    return [candidate.student_id, float(candidate.similarity), _number(candidate.log_likelihood_ratio)]


def _optional_status(text: str | None) -> MarkStatus | None:
    return None if text is None else MarkStatus(text)


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)
