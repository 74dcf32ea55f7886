"""What the services need of a store, said without naming one.

`local` (SQLite and files) and `aws` (DynamoDB and S3) implement these; one contract test suite runs against both.
Every method is safe to call from several threads and processes. A method that writes either does all of what
it says or nothing, whenever the process is killed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from muster.domain.attendance import Mark, Session, SessionPhoto
from muster.domain.identifiers import GroupId, PackId, PhotoId, SessionId, StudentId, UploadId
from muster.domain.student import Student, Template
from muster.domain.upload import Outcome, Upload, UploadKind, UploadPermit


class StudentStore(Protocol):
    """Students, their templates and registration photos."""

    def add(self, student: Student, template: Template, photo: bytes) -> None:
        """Store a new student whole: registration photo, template, record.

        Raises:
            StudentExists: the id is taken; what is stored under it is unchanged.
            InvalidRequest: the student is in more than 40 groups.
            StorageFull: nothing was stored.
        """

    def get(self, student_id: StudentId) -> Student:
        """Return one student.

        Raises:
            StudentNotFound: nobody has this id.
        """

    def find(self, group_id: GroupId | None = None) -> list[Student]:
        """Return the students of a group, or all, ordered by id; empty if there are none."""

    def erase(self, student_id: StudentId) -> None:
        """Remove the student's record, templates and registration photo, and the id from all marks and faces.

        What stays is anonymous: a face that was the student's is unknown. Photos of sessions in which the student
        was named lose their files, since they show the face and, annotated, the name.

        Raises:
            StudentNotFound: nobody has this id.
        """

    def template(self, student_id: StudentId) -> Template:
        """Return one student's template.

        Raises:
            StudentNotFound: nobody has this id.
        """

    def templates(self, group_id: GroupId | None = None) -> list[Template]:
        """Return the templates of a group, or all, ordered by student id, in a few reads."""

    def roster_version(self, group_id: GroupId | None = None) -> str:
        """Return an opaque text that changes whenever the members of the group, or their templates, change."""

    def photo(self, student_id: StudentId) -> bytes:
        """Return the registration photo as it was sent.

        Raises:
            StudentNotFound: nobody has this id, or the photo's retention has ended.
        """


class SessionStore(Protocol):
    """Sessions with their photos and marks."""

    def create(self, session: Session, roster: Sequence[StudentId]) -> None:
        """Open a session in which everyone on the roster is marked absent, by photo, until seen.

        Who is not registered, or no longer, gets no mark.

        Raises:
            SessionExists: the id is taken.
        """

    def get(self, session_id: SessionId) -> Session:
        """Return one session.

        Raises:
            SessionNotFound: no session has this id.
        """

    def of_group(self, group_id: GroupId) -> list[Session]:
        """Return a group's sessions, oldest first, of one moment by id."""

    def record_photo(self, photo: SessionPhoto, original: bytes, annotated: bytes, marks: Sequence[Mark]) -> None:
        """Store a read photo (`original` as sent, `annotated` JPEG) and apply its marks, all or nothing.

        A mark of source `photo` never changes one of source `manual`, and never turns `present` into `absent`.
        A mark that says what is stored already leaves the stored one with its time.
        A photo whose id is stored already is replaced, its marks applied again: the call may be repeated.
        Students erased while the photo was read are left out of its faces and marks.

        Raises:
            SessionNotFound: no session has this id.
            StorageFull: nothing was stored.
        """

    def photos(self, session_id: SessionId) -> list[SessionPhoto]:
        """Return a session's photos in the order received, of one moment by id.

        Raises:
            SessionNotFound: no session has this id.
        """

    def annotated(self, session_id: SessionId, photo_id: PhotoId) -> bytes:
        """Return the annotated JPEG of a photo.

        Raises:
            PhotoNotFound: no such photo, or its retention has ended.
        """

    def marks(self, session_id: SessionId) -> list[Mark]:
        """Return a session's marks, ordered by student id.

        Raises:
            SessionNotFound: no session has this id.
        """


@dataclass(frozen=True, slots=True)
class HeadVersion:
    """One stored head: its number, when it was stored (UTC), its pack, its metrics and whether it is current."""

    version: int
    stored_at: datetime
    pack: PackId
    metrics: Mapping[str, Any]
    current: bool


class HeadStore(Protocol):
    """Versioned heads and the pointer to the current one, for each model pack."""

    def save(self, pack: PackId, head: bytes, metrics: Mapping[str, Any]) -> int:
        """Store a head file with its metrics, not yet current; return its number, from 1, never given twice."""

    def load(self, pack: PackId, version: int) -> bytes:
        """Return a head file.

        Raises:
            HeadNotFound: no head has this number.
        """

    def versions(self, pack: PackId) -> list[HeadVersion]:
        """Return all stored heads, oldest first."""

    def current(self, pack: PackId) -> int | None:
        """Return the number of the current head, or None where none is promoted; cheap enough for every request."""

    def promote(self, pack: PackId, version: int | None, expected: int | None) -> None:
        """Make a head current (None: no head), if the current one is still `expected`.

        Raises:
            HeadConflict: another head became current in the meantime.
            HeadNotFound: no head has this number.
        """

    def prune(self, pack: PackId, keep: int) -> None:
        """Delete all but the newest `keep` (0 or more) heads and the current one."""

    def delete_all(self) -> None:
        """Delete every head of every pack, the current too (needed when students are erased)."""


@dataclass(frozen=True, slots=True)
class TrainingState:
    """Where training stands.

    Attributes:
        running: the id of the run under way, or None.
        started_at, heartbeat_at: UTC, of the run under way.
        dirty: something changed since the run under way, or the last one, read the templates.
        last_outcome: JSON-like report of the last finished run, or None.
    """

    running: str | None
    started_at: datetime | None
    heartbeat_at: datetime | None
    dirty: bool
    last_outcome: Mapping[str, Any] | None


class TrainingStore(Protocol):
    """Single flight for training: one run at a time, further requests coalesce into a dirty flag."""

    def request(self) -> None:
        """Note that the templates changed."""

    def begin(self, run_id: str, now: datetime, stale_after_seconds: float) -> bool:
        """Start a run and clear the dirty flag, unless another run is under way with a heartbeat not yet stale.

        The run under way may begin again: that counts as a heartbeat, and the dirty flag stays.

        Returns:
            Whether the run may go on.
        """

    def heartbeat(self, run_id: str, now: datetime) -> bool:
        """Say that the run is alive; False if it is no longer the one under way and must stop."""

    def finish(self, run_id: str, outcome: Mapping[str, Any]) -> bool:
        """End the run and keep its outcome, if it is the one under way.

        Returns:
            Whether the dirty flag is set, so that another run is due.
        """

    def state(self) -> TrainingState:
        """Return where training stands."""


class UploadStore(Protocol):
    """Photos on their way: announced, sent to the store by whoever holds the permit, read once, then gone."""

    def open(self, upload: Upload) -> UploadPermit:
        """Keep what the photo is for, and return leave to send it: this size, this media type, this place, no other."""

    def get(self, upload_id: UploadId) -> Upload:
        """Return one upload.

        Raises:
            UploadNotFound: there is none, or it expired.
        """

    def photo(self, kind: UploadKind, upload_id: UploadId) -> bytes:
        """Return the photo as it was sent.

        Raises:
            PhotoNotFound: it was not sent, or is deleted.
        """

    def close(self, upload_id: UploadId, outcome: Outcome) -> bool:
        """Keep the outcome and forget the details, if there is no outcome yet.

        Returns:
            Whether this outcome is the one that is kept.
        """

    def discard(self, kind: UploadKind, upload_id: UploadId) -> None:
        """Delete the photo, if it is there."""
