"""Students, sessions and photos to store."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from muster.domain.attendance import FaceChange, Mark, MarkChange, MarkSource, MarkStatus, Session, SessionPhoto
from muster.domain.faces import Candidate, Decision, IdentifiedFace
from muster.domain.identifiers import FaceId, GroupId, PackId, PhotoId, SessionId, StudentId, UserId
from muster.domain.learning import NewFace
from muster.domain.student import Consent, LearnedFace, Student, Template
from tests.contract.places import Stores

NOW = datetime(2026, 3, 2, 8, 15, 30, 123456, tzinfo=UTC)
PACK = PackId("embedded")
TEACHER = UserId("teacher")


def a_student(id: str, *, name: str = "Ada", groups: Iterable[str] = ("g",)) -> Student:
    return Student(
        StudentId(id), name, frozenset(GroupId(group) for group in groups), Consent(NOW, "2026-1"), NOW, version=1
    )


def an_enrolled_student(id: str, *, name: str = "Ada", groups: Iterable[str] = ("g",)) -> Student:
    return replace(a_student(id, name=name, groups=groups), consent=None, registered_at=None)


def a_template(id: str, *, views: int = 4, pack: PackId = PACK, width: int = 512) -> Template:
    """A template that is the id's own, so that mixing two up is noticed."""
    seed = int.from_bytes(hashlib.sha256(id.encode()).digest()[:8])
    rows = np.random.default_rng(seed).normal(size=(views, width)).astype(np.float32)
    return Template(
        StudentId(id),
        pack,
        (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32),
        hashlib.sha256(a_photo(id)).hexdigest(),
    )


def a_row(name: str) -> NDArray[np.float32]:
    """An embedding that is the name's own."""
    row: NDArray[np.float32] = a_template(f"row of {name}", views=1).embeddings[0]
    return row


def learn(
    stores: Stores,
    id: str,
    face: str,
    row: NDArray[np.float32] | None = None,
    *,
    session: str | None = "monday",
    days: float = 0,
    automatic: bool = False,
) -> bool:
    """Let a template learn from a face; return whether it changed."""
    learned = LearnedFace(
        FaceId(face),
        None if session is None else SessionId(session),
        GroupId("g"),
        NOW + timedelta(days=days),
        None if automatic else TEACHER,
        automatic,
    )
    return bool(stores.students.learn([NewFace(StudentId(id), learned, a_row(face) if row is None else row)]))


def a_photo(id: str) -> bytes:
    return f"photo of {id}".encode() * 50


def register(stores: Stores, *ids: str, groups: Iterable[str] = ("g",)) -> None:
    for id in ids:
        stores.students.add(a_student(id, groups=groups), a_template(id), a_photo(id))


def enrol(stores: Stores, *ids: str, groups: Iterable[str] = ("g",)) -> None:
    for id in ids:
        stores.students.enrol(an_enrolled_student(id, groups=groups))


def a_session(id: str = "monday", group: str = "g", minutes: float = 0) -> Session:
    return Session(SessionId(id), GroupId(group), NOW + timedelta(minutes=minutes))


def open_session(stores: Stores, *roster: str, id: str = "monday") -> SessionId:
    session = a_session(id)
    stores.sessions.create(session, [StudentId(student) for student in roster])
    return session.id


def a_face(student: str | None, *, candidates: Sequence[str] = (), number: int = 0) -> IdentifiedFace:
    near = list(dict.fromkeys(([student] if student else []) + list(candidates)))
    return IdentifiedFace(
        face_id=FaceId(f"face-{number}"),
        box=(10, 20, 30, 40),
        detector_score=0.93,
        quality=0.5,
        decision=Decision.PRESENT if student else Decision.UNKNOWN,
        student_id=StudentId(student) if student else None,
        similarity=0.7 if near else None,
        head_similarity=0.8 if student else None,
        candidates=tuple(Candidate(StudentId(id), 0.7 - 0.1 * rank, 6.5 - rank) for rank, id in enumerate(near)),
        log_odds=5.25 if student else None,
    )


def a_session_photo(
    session: SessionId, *faces: IdentifiedFace, id: str = "p1", minutes: float = 1, head: int | None = 3
) -> SessionPhoto:
    return SessionPhoto(
        id=PhotoId(id),
        session_id=session,
        digest="ab" * 32,
        width=1366,
        height=768,
        faces=faces,
        pack=PACK,
        head=head,
        received_at=NOW + timedelta(minutes=minutes),
        turned=90,
    )


def mark(
    student: str,
    status: MarkStatus = MarkStatus.PRESENT,
    source: MarkSource = MarkSource.PHOTO,
    minutes: float = 1,
) -> Mark:
    return Mark(StudentId(student), status, source, NOW + timedelta(minutes=minutes))


def a_mark_change(
    student: str | None, before: MarkStatus | None, after: MarkStatus | None, minutes: float = 1
) -> MarkChange:
    at = NOW + timedelta(minutes=minutes)
    return MarkChange(at, TEACHER, None if student is None else StudentId(student), before, after)


def a_face_change(before: str | None, after: str | None, number: int = 0, minutes: float = 1) -> FaceChange:
    def side(student: str | None) -> tuple[Decision, StudentId | None]:
        return (Decision.UNKNOWN, None) if student is None else (Decision.PRESENT, StudentId(student))

    at = NOW + timedelta(minutes=minutes)
    return FaceChange(at, TEACHER, FaceId(f"face-{number}"), side(before), side(after))


def assert_same_template(one: Template, other: Template) -> None:
    assert (one.student_id, one.pack, one.photo_digest) == (other.student_id, other.pack, other.photo_digest)
    assert one.learned == other.learned
    assert one.embeddings.dtype == np.float32
    np.testing.assert_array_equal(one.embeddings, other.embeddings)
