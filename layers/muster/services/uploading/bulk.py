"""Registration of many students on a stage: their photos are uploaded, and the stage's function reads them.

Nothing is kept about a run. What the roster says decides which photos are sent, so a run that is repeated, or that
follows a killed one, sends only the photos of students who are not registered yet.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Final, TypeVar

from muster.domain.actor import OPERATOR, Actor
from muster.domain.errors import (
    Category,
    MusterError,
    NotRegistered,
    PhotoNotFound,
    StageUnreachable,
    StudentExists,
    StudentNotFound,
    UploadNotFound,
    UploadUnanswered,
)
from muster.domain.identifiers import GroupId, StudentId
from muster.domain.registration import RegistrationDetails
from muster.domain.student import StudentState
from muster.domain.upload import Failure, PhotoFile, Upload
from muster.services.registering.bulk import (
    NamedPhoto,
    PhotoReport,
    PhotoResult,
    check_consent,
    details_from_roster,
    named_student,
    photo_report,
    refusal,
)
from muster.services.registering.results import RegistrationResult
from muster.services.roster.students import Roster
from muster.services.uploading.uploads import Uploads
from muster.storage.ports import StudentStore, UploadStore
from muster.vision.formats import MEDIA_TYPES

AT_ONCE: Final = 8
"""Photos sent and not yet read. A stage registers one after another, so more would only wait in its queue, where a
photo that waits too long fails. Fewer would leave the function idle for the seconds between S3 and the queue."""

_POLL_SECONDS: Final = (1.5, 15.0)
"""Shortest and longest time between two looks at the photos that were sent: as the web client, and while nothing has
been answered for minutes."""

ANSWER_SECONDS: Final = 55 * 60.0
"""How long to wait for a photo: longer than the queue takes for eight attempts (6 minutes each), after which the photo
is in the dead-letter queue. Its alarms are raised long before."""

_ATTEMPTS: Final = 3
"""How often a photo is sent that was lost on its way: the upload expired, or the photo was deleted unread."""

_WAITS: Final = (2.0, 4.0, 8.0, 16.0, 30.0, 60.0, 60.0)
"""Seconds before each further attempt while AWS is unreachable, after the SDK's own: three minutes, for a workstation
that changes its network."""

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A photo to send, for the n-th time."""

    photo: NamedPhoto
    attempt: int = 1

    @property
    def student_id(self) -> StudentId | None:
        return named_student(self.photo.name)


@dataclass(frozen=True, slots=True)
class _Sent:
    """A photo that was sent, in seconds of the clock."""

    waiting: _Waiting
    upload: Upload
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkUpload:
    """Registers many students who are on the roster, through uploads.

    Attributes:
        calls: entered around calls of the store; raises failures of AWS as `StageRefused` or `StageUnreachable`.
        clock: seconds that never go back.
        pause: waits for so many seconds.
    """

    roster: Roster
    students: StudentStore
    uploads: Uploads
    store: UploadStore
    calls: Callable[[], AbstractContextManager[object]] = nullcontext
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep

    def run(
        self,
        photos: Iterable[NamedPhoto],
        consent: bool,
        group_ids: frozenset[GroupId] = frozenset(),
        actor: Actor = OPERATOR,
    ) -> Iterator[PhotoReport]:
        """Register the photos, and yield one report on each. A refused photo does not stop the others.

        Names, groups and consent as in `BulkRegistration.run`. If the stage cannot be used, or reads no photo for
        `ANSWER_SECONDS`, all photos without an answer are reported as unanswered.

        Raises:
            ConsentRequired: consent is not given.
        """
        check_consent(consent)
        return _Run(self, deque(map(_Waiting, photos)), group_ids, actor).reports()


@dataclass(slots=True)
class _Run:
    """The state of one run."""

    bulk: BulkUpload
    queue: deque[_Waiting]
    group_ids: frozenset[GroupId]
    actor: Actor
    sent: list[_Sent] = field(default_factory=list)
    tried: set[NamedPhoto] = field(default_factory=set)
    answered_at: float = 0.0

    def reports(self) -> Iterator[PhotoReport]:
        polled_at = self.bulk.clock()
        try:
            while self.queue or self.sent:
                if (waiting := self._next()) is not None:
                    yield from self._send(waiting)
                elif (rest := polled_at + self._poll_seconds() - self.bulk.clock()) > 0:
                    self.bulk.pause(rest)
                if self.bulk.clock() >= polled_at + _POLL_SECONDS[0]:
                    yield from self._answers()
                    polled_at = self.bulk.clock()
        except MusterError as error:
            # One photo is refused by an error of another category, which is caught where the photo is known.
            yield from self._unanswered(error)

    def _poll_seconds(self) -> float:
        shortest, longest = _POLL_SECONDS
        last = max([self.answered_at, *(each.at for each in self.sent)])
        return min(max(shortest, (self.bulk.clock() - last) / 10), longest)

    def _next(self) -> _Waiting | None:
        """Take the next photo to send, whose student has no photo under way: the first photo of a student counts."""
        if len(self.sent) >= AT_ONCE:
            return None
        busy = {each.waiting.student_id for each in self.sent}
        for position, waiting in enumerate(self.queue):
            if waiting.student_id not in busy:
                del self.queue[position]
                return waiting
        return None

    def _send(self, waiting: _Waiting) -> Iterator[PhotoReport]:
        photo = waiting.photo
        try:
            upload = self._patiently(lambda: self._upload(photo))
        except MusterError as error:
            if error.category is Category.UNAVAILABLE:
                self.queue.appendleft(waiting)
                raise
            yield refusal(photo.name, error)
            return
        if isinstance(upload, Upload):
            self.sent.append(_Sent(waiting, upload, self.bulk.clock()))
        else:
            # If this run tried to send the photo, it arrived, and only the answer was lost.
            yield photo_report(photo.name, upload, repeated=photo not in self.tried)

    def _upload(self, photo: NamedPhoto) -> Upload | RegistrationResult:
        """Send a photo, or return the student who is registered with it."""
        details = details_from_roster(self.bulk.roster, photo.name, self.group_ids)
        image = photo.read(self.bulk.uploads.max_bytes)
        if (registered := self._registered(details, image)) is not None:
            return registered
        file = PhotoFile(MEDIA_TYPES[PurePosixPath(photo.name).suffix.lower()], len(image))
        upload, _ = self.bulk.uploads.open(details, file, self.actor)
        self.tried.add(photo)
        self.bulk.store.send(upload, image)
        return upload

    def _registered(self, details: RegistrationDetails, image: bytes) -> RegistrationResult | None:
        student = self.bulk.roster.get(details.student_id)
        if student.state is not StudentState.REGISTERED:
            return None
        try:
            template = self.bulk.students.template(student.id)
        except (StudentNotFound, NotRegistered):
            return None
        if template.photo_digest != sha256(image).hexdigest():
            raise StudentExists(
                f"{student.id} is registered with another photo. Erase that student before registering them again."
            )
        return RegistrationResult(student, None, repeated=True)

    def _answers(self) -> Iterator[PhotoReport]:
        for each in tuple(self.sent):
            report = self._patiently(lambda each=each: self._answer(each))  # type: ignore[misc]
            now = self.bulk.clock()
            if report is not None:
                self.answered_at = now
                yield report
            elif each in self.sent and now - each.at > ANSWER_SECONDS:
                if self.answered_at < each.at:
                    raise _unread()
                self.sent.remove(each)
                yield _unanswered(each.waiting, _unread())

    def _answer(self, each: _Sent) -> PhotoReport | None:
        """Return the report on a photo once it is read; queue a photo again that was lost on its way."""
        name = each.waiting.photo.name
        try:
            answer = self.bulk.uploads.get(each.upload.id, self.actor).answer
        except (UploadNotFound, StudentNotFound) as error:
            # The upload expired, or the student was erased, which the next attempt finds out.
            return self._again(each, error)
        match answer:
            case None:
                return None
            case RegistrationResult():
                self.sent.remove(each)
                # The student was not registered before, so an event was repeated, not a run.
                return photo_report(name, answer, repeated=False)
            case Failure(code, _, detail):
                if code == PhotoNotFound.code:
                    return self._again(each, PhotoNotFound(detail))
                self.sent.remove(each)
                return PhotoReport(name, each.waiting.student_id, PhotoResult.REFUSED, code=code, detail=detail)
        raise AssertionError("a registration is answered by a registration")

    def _again(self, each: _Sent, error: MusterError) -> PhotoReport | None:
        self.sent.remove(each)
        if each.waiting.attempt == _ATTEMPTS:
            return refusal(each.waiting.photo.name, error)
        self.queue.appendleft(_Waiting(each.waiting.photo, each.waiting.attempt + 1))
        return None

    def _patiently(self, step: Callable[[], _Result]) -> _Result:
        """Return the result of a step, repeated while AWS is unreachable."""
        for wait in _WAITS:
            try:
                with self.bulk.calls():
                    return step()
            except StageUnreachable:
                self.bulk.pause(wait)
        with self.bulk.calls():
            return step()

    def _unanswered(self, error: MusterError) -> Iterator[PhotoReport]:
        for each in self.sent:
            yield _unanswered(each.waiting, _unread() if isinstance(error, UploadUnanswered) else error)
        for waiting in self.queue:
            yield _unanswered(waiting, error, "Not sent. ")


def _unanswered(waiting: _Waiting, error: MusterError, more: str = "") -> PhotoReport:
    detail = f"{more}{error}"
    return PhotoReport(waiting.photo.name, waiting.student_id, PhotoResult.UNANSWERED, code=error.code, detail=detail)


def _unread() -> UploadUnanswered:
    return UploadUnanswered(
        f"The stage has not read a photo for {ANSWER_SECONDS / 60:.0f} minutes. See the alarms RegisterErrors, "
        "RegisterUploadsLate and RegisterUploadsLost in docs/operations.md, then run the command again."
    )
