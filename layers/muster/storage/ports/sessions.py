"""Store of sessions."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from muster.domain.attendance import Change, Mark, RollCall, Session, SessionPhoto
from muster.domain.faces import IdentifiedFace
from muster.domain.identifiers import GroupId, PhotoId, SessionId, StudentId


class SessionStore(Protocol):
    """Sessions with their photos and marks."""

    def create(self, session: Session, roster: Sequence[StudentId], marks: Sequence[Mark] = ()) -> None:
        """Open a session in which everyone on the roster is marked absent, with source `photo`.

        Students without a record get no mark.

        Args:
            marks: stored instead of the absences, such as those of planned absences; their students need not be on the
                roster.

        Raises:
            SessionExists: the id is taken.
            RemarksTooLarge: the remarks have more than 100 kB together.
        """

    def get(self, session_id: SessionId) -> Session:
        """Return one session.

        Raises:
            SessionNotFound: no session has this id.
        """

    def of_group(
        self, group_id: GroupId, since: datetime | None = None, until: datetime | None = None
    ) -> list[Session]:
        """Return a group's sessions started from `since` and before `until`, ordered by start, then by id."""

    def roll_calls(
        self, group_id: GroupId, since: datetime | None = None, until: datetime | None = None
    ) -> list[RollCall]:
        """Return the same sessions with their marks, in a few reads."""

    def roll_calls_of_groups(
        self, group_ids: Collection[GroupId], since: datetime | None = None, until: datetime | None = None
    ) -> list[RollCall]:
        """Return the sessions of several groups with their marks, in the same order and in a few reads."""

    def roll_calls_of_student(
        self, student_id: StudentId, since: datetime | None = None, until: datetime | None = None
    ) -> list[RollCall]:
        """Return the sessions of any group in which a student has a mark, with all marks, in the same order."""

    def amend(
        self,
        session_id: SessionId,
        expected: int,
        *,
        marks: Sequence[Mark] = (),
        faces: Sequence[IdentifiedFace] = (),
        changes: Sequence[Change] = (),
        photo_removed: PhotoId | None = None,
    ) -> Session:
        """Store a person's decisions atomically: set marks, replace faces, add changes, remove a photo.

        A `RegisterChange` closes or reopens the register. A closed one is amended only together with its reopening.

        The photo is removed with its faces and files. Marks are stored with the given source, so that a mark can be set
        back to the photo's. Erased students are left out, and no face names a student who withdrew consent.

        Args:
            expected: the version that the session must have; it is raised by one.

        Returns:
            The updated session.

        Raises:
            SessionNotFound: no session has this id.
            FaceNotFound: the session has no such face.
            PhotoNotFound: the session has no such photo to remove.
            RegisterClosed: the register is closed, and none of the changes reopens it.
            RemarksTooLarge: the remarks in the session have more than 100 kB together, or the changes 300 kB.
            VersionConflict: the session has a different version.
        """

    def changes(self, session_id: SessionId) -> list[Change]:
        """Return the changes that people made in a session, oldest first.

        Raises:
            SessionNotFound: no session has this id.
        """

    def changes_of(self, session_ids: Collection[SessionId]) -> dict[SessionId, list[Change]]:
        """Return the changes of the sessions that have some, oldest first, in a few reads.

        Sessions that do not exist are left out.
        """

    def remove(self, session_id: SessionId, *, closed_too: bool = False) -> None:
        """Remove a session with its photos, marks and changes.

        Args:
            closed_too: whether a register that a person closed may be removed.

        Raises:
            SessionNotFound: no session has this id.
            RegisterClosed: the register is closed.
        """

    def drop_files(self, session_id: SessionId, before: datetime) -> int:
        """Delete the files of photos received before a time; their faces stay.

        Returns:
            The number of photos that lost their files.
        """

    def record_photo(self, photo: SessionPhoto, original: bytes, marks: Sequence[Mark]) -> SessionPhoto:
        """Store a photo that was read, with its file as sent, and apply its marks, atomically.

        A mark of source `photo` never changes one of source `manual`. Among marks of source `photo`, `present` outranks
        `review`, and `review` outranks `absent`. A mark with the stored status and source leaves the stored time.

        A photo with a stored id replaces the stored one, and its marks are applied again. Idempotent.

        Students who were erased while the photo was read are left out of its faces and marks, and students who withdrew
        consent are left out of its faces. If the photo named one of them, its file is not stored, since it shows the
        face.

        The session's version is raised by one, unless nothing changed. A closed register does not change: a photo that
        it holds is returned as it is stored.

        Returns:
            The photo as it is stored.

        Raises:
            SessionNotFound: no session has this id.
            RegisterClosed: the register is closed and does not hold the photo.
            StorageFull: nothing was stored.
        """

    def photos(self, session_id: SessionId) -> list[SessionPhoto]:
        """Return a session's photos, ordered by time received, then by id.

        Raises:
            SessionNotFound: no session has this id.
        """

    def with_photo(self, digest: str) -> list[Session]:
        """Return the sessions of all groups that hold a photo with this SHA-256 digest, oldest first.

        Photos that lost their files count.
        """

    def original(self, session_id: SessionId, photo_id: PhotoId) -> bytes:
        """Return a photo as it was sent.

        Raises:
            PhotoNotFound: no such photo, or its retention has ended.
        """

    def marks(self, session_id: SessionId) -> list[Mark]:
        """Return a session's marks, ordered by student id.

        Raises:
            SessionNotFound: no session has this id.
        """
