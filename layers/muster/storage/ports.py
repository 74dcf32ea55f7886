"""What the services need of a store, said without naming one.

`local` (SQLite and files) and `aws` (DynamoDB and S3) implement these; one contract test suite runs against both.
Every method is safe to call from several threads and processes. A method that writes either does all of what
it says or nothing, whenever the process is killed.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from muster.domain.attendance import Change, Mark, RollCall, Session, SessionPhoto
from muster.domain.faces import IdentifiedFace
from muster.domain.group import Group
from muster.domain.identifiers import FaceId, GroupId, PackId, PhotoId, SessionId, StudentId, UploadId, UserId
from muster.domain.learning import NewFace
from muster.domain.student import Consent, Student, Template
from muster.domain.upload import Outcome, Upload, UploadKind, UploadPermit
from muster.domain.user import User


class StudentStore(Protocol):
    """Students, their templates and registration photos."""

    def add(self, student: Student, template: Template, photo: bytes, replaces: Student | None = None) -> None:
        """Store a student whole: registration photo, template, record.

        The id may be that of a student without a template, whose record is replaced if its version is the one before
        this one's; the marks stay.

        Args:
            replaces: the record as the caller read it. A record that differs is not
                replaced, even one with the same version, such as that of a student enrolled after an erasure.

        Raises:
            StudentExists: the id is that of a registered student; what is stored under it is unchanged.
            VersionConflict: the record without a template changed in the meantime.
            InvalidRequest: the student is in more than 40 groups.
            StorageFull: nothing was stored.
        """

    def enrol(self, student: Student) -> None:
        """Store a record without template and photo (`registered_at` is None).

        Raises:
            StudentExists: the id is taken; what is stored under it is unchanged.
            InvalidRequest: the student is in more than 40 groups.
        """

    def update(self, student: Student) -> None:
        """Replace name and groups of a record, if its version is the one before `student.version`.

        Consent, template and photo stay as they are.

        Raises:
            StudentNotFound: nobody has this id.
            VersionConflict: the record is not of the version before.
            InvalidRequest: the student is in more than 40 groups.
        """

    def withdraw(self, student_id: StudentId, at: datetime) -> Student:
        """Note that consent was withdrawn, and remove all by which the student could be recognised.

        Template, registration photo and training copy go; faces that were the student's are unknown, and photos of
        sessions in which the student was named lose their files. The record, its marks and their changes stay. Done
        again it changes nothing.

        Returns:
            The record as it is then.

        Raises:
            StudentNotFound: nobody has this id.
        """

    def agree(self, student_id: StudentId, consent: Consent) -> Student:
        """Replace the consent of a registered student by a newer one; template, photo and groups stay.

        Returns:
            The record as it is then.

        Raises:
            StudentNotFound: nobody has this id.
            NotRegistered: the student is not registered, or withdrew consent.
        """

    def learn(self, faces: Sequence[NewFace]) -> set[StudentId]:
        """Let templates learn from faces, each as `with_learned_face` says and either whole or not at all.

        Training copies follow, and rosters change their version. Students without a template are skipped. The call may
        be repeated: a template learns from the same face once.

        Returns:
            The students whose templates changed.
        """

    def unlearn(self, student_id: StudentId, face_id: FaceId) -> bool:
        """Take a learned row out of the template; return whether it was there (an unknown student has none)."""

    def get(self, student_id: StudentId) -> Student:
        """Return one student.

        Raises:
            StudentNotFound: nobody has this id.
        """

    def find(self, group_id: GroupId | None = None) -> list[Student]:
        """Return the students of a group, or all, ordered by id; empty if there are none."""

    def erase(self, student_id: StudentId) -> None:
        """Remove the student's record, templates and registration photo, and the id from all marks and faces.

        What stays is anonymous: a face that was the student's is unknown, a mark is counted in `Session.erased`, and
        changes keep their time and user but not the id. Photos of sessions in which the student was named, if only
        until a person changed it, lose their files, since they may show the face.

        Raises:
            StudentNotFound: nobody has this id.
        """

    def template(self, student_id: StudentId) -> Template:
        """Return one student's template.

        Raises:
            StudentNotFound: nobody has this id.
            NotRegistered: the student has no template.
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

    def traces(self, student_id: StudentId) -> list[str]:
        """Search the whole store, every item and every file name, for an id; empty after `erase`.

        Returns:
            Where it was found, one line for a person each. Reads everything: for a proof, not for each request.
        """


class StagedTemplates(Protocol):
    """Templates of another model pack, kept beside those in use until all can take their place at once."""

    def packs(self) -> set[PackId]:
        """Return the packs of the templates in use; cheap enough for each start."""

    def stage(self, template: Template) -> None:
        """Keep a student's template of another pack, without learned rows; who was erased or withdrew has none."""

    def staged(self, pack: PackId) -> dict[StudentId, str]:
        """Return whose template of a pack is kept, with the digest of the photo that it was made of."""

    def switch(self, pack: PackId, leave_out: Collection[StudentId]) -> int:
        """Put the kept templates of a pack in place of those in use, all at once; rosters change their version.

        Faces that templates learned from are not in the new ones. Who is left out keeps the record and the marks, but
        neither template nor photo nor consent: the student is enrolled, and can be registered again.

        Returns:
            How many templates are of the pack now and were not before.

        Raises:
            VersionConflict: somebody else than those left out has neither a template of the pack nor a kept one of the
                present photo; nothing was changed.
        """


class GroupStore(Protocol):
    """Groups as people named them; a group id in use without a record is no error."""

    def add(self, group: Group) -> None:
        """Store a new group.

        Raises:
            GroupExists: the id is taken; what is stored under it is unchanged.
        """

    def get(self, group_id: GroupId) -> Group:
        """Return one group.

        Raises:
            GroupNotFound: no group has this id.
        """

    def find(self) -> list[Group]:
        """Return all groups, ordered by id."""

    def update(self, group: Group) -> None:
        """Replace name and teachers, if the stored version is the one before `group.version`.

        Raises:
            GroupNotFound: no group has this id.
            VersionConflict: the group is not of the version before.
        """

    def remove(self, group_id: GroupId) -> None:
        """Remove a group's record; the caller makes sure that it has neither students nor sessions.

        Raises:
            GroupNotFound: no group has this id.
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

    def of_group(
        self, group_id: GroupId, since: datetime | None = None, until: datetime | None = None
    ) -> list[Session]:
        """Return a group's sessions started from `since` and before `until`, oldest first, of one moment by id."""

    def roll_calls(
        self, group_id: GroupId, since: datetime | None = None, until: datetime | None = None
    ) -> list[RollCall]:
        """Return the same sessions with their marks, in few reads."""

    def roll_calls_of_student(
        self, student_id: StudentId, since: datetime | None = None, until: datetime | None = None
    ) -> list[RollCall]:
        """Return the sessions of any group in which a student has a mark, with everyone's marks, in the same order."""

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
        """Do what a person decided, all or nothing: set these marks as they are, replace these faces, keep the changes.

        The removed photo goes with its faces and files.

        A mark's source is stored as given, so that a mark can go back to what the photo said. Who was erased is left
        out, and who withdrew consent is named by no face.

        Args:
            expected: the version that the session must have; it has the next one afterwards.

        Returns:
            The session as it is then.

        Raises:
            SessionNotFound: no session has this id.
            FaceNotFound: a face is not of this session.
            PhotoNotFound: the photo to be removed is not of this session.
            VersionConflict: the session is of another version.
        """

    def changes(self, session_id: SessionId) -> list[Change]:
        """Return what people changed in a session, oldest first.

        Raises:
            SessionNotFound: no session has this id.
        """

    def remove(self, session_id: SessionId) -> None:
        """Remove a session with its photos, marks and changes.

        Raises:
            SessionNotFound: no session has this id.
        """

    def drop_files(self, session_id: SessionId, before: datetime) -> int:
        """Remove the files of photos received before a moment; their faces stay.

        Returns:
            How many photos lost files.
        """

    def record_photo(self, photo: SessionPhoto, original: bytes, marks: Sequence[Mark]) -> None:
        """Store a read photo (`original` as sent) and apply its marks, all or nothing.

        A mark of source `photo` never changes one of source `manual`. Among marks of source `photo`, `present`
        outweighs `review`, and `review` outweighs `absent`.
        A mark that says what is stored already leaves the stored one with its time.
        A photo whose id is stored already is replaced, its marks applied again: the call may be repeated.
        Students erased while the photo was read are left out of its faces and marks, those who withdrew consent out of
        its faces; if it named one of them its file, which shows the face, is not kept.

        The session's version counts on, unless all was stored already.

        Raises:
            SessionNotFound: no session has this id.
            StorageFull: nothing was stored.
        """

    def photos(self, session_id: SessionId) -> list[SessionPhoto]:
        """Return a session's photos in the order received, of one moment by id.

        Raises:
            SessionNotFound: no session has this id.
        """

    def with_photo(self, digest: str) -> list[Session]:
        """Return the sessions that hold a photo with this SHA-256 digest, oldest first; of all groups.

        A photo that has lost its files is still held.
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

        A heartbeat is stale once it is `stale_after_seconds` away from now, in the past or in the future.

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

    def forget(self, student_id: StudentId) -> None:
        """Forget uploads that are to register a student, or did; their photos are deleted as nobody's."""

    def discard(self, kind: UploadKind, upload_id: UploadId) -> None:
        """Delete the photo, if it is there."""


CLAIM_LIFETIME = timedelta(minutes=1)
"""Several times the interval at which a request in progress renews its claim: an expired one belongs to a dead process.
"""


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A stored HTTP response: status, media type and body."""

    status: int
    media_type: str
    body: bytes


class IdempotencyStore(Protocol):
    """Responses stored under idempotency keys for a day, so that a repeated request is executed once.

    The caller builds a key from the user, the route and the client's key; `digest` is the digest of the request's
    content.
    """

    def begin(self, key: str, digest: str, claim: str, now: datetime) -> StoredResponse | None:
        """Claim a key for a request in progress, or return the stored response to the same request.

        A claim expires a minute after it was made or last renewed, since its process must be dead. Claims and responses
        from the future, which remain when a clock is set back, are ignored.

        Args:
            claim: unique id of this request; `renew` and `finish` act on its claim only.

        Raises:
            IdempotencyKeyReused: the key was used for a different request.
            RequestUnderWay: the same request is still in progress.
        """

    def renew(self, key: str, claim: str, now: datetime) -> bool:
        """Renew the claim of a request in progress; return False if this request no longer holds it."""

    def finish(self, key: str, claim: str, response: StoredResponse | None, now: datetime) -> None:
        """Store the response; with None, release the claim so that the request can be repeated.

        A body of more than 256 kB is not stored, and the claim is released. Does nothing if the claim has expired and
        another request holds the key.
        """

    def clear(self) -> None:
        """Delete every response, since any of them may name an erased student; claims stay."""


class UserStore(Protocol):
    """People with a token of their own, on one machine; in the cloud Cognito knows them."""

    def add(self, user: User, token_digest: str) -> None:
        """Store a new user.

        Raises:
            UserExists: the id is taken.
        """

    def find(self) -> list[User]:
        """Return all users, ordered by id."""

    def token_digests(self) -> dict[UserId, str]:
        """Return the digest of each user's token."""

    def replace_token(self, user_id: UserId, token_digest: str) -> None:
        """Give a user another token; the old one ends.

        Raises:
            UserNotFound: no user has this id.
        """

    def remove(self, user_id: UserId, *, last_admin: bool = False) -> None:
        """Remove a user.

        Args:
            last_admin: remove the user even if nobody is an admin afterwards.

        Raises:
            UserNotFound: no user has this id.
            LastAdmin: nobody else is an admin.
        """
