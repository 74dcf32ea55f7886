"""A rehearsal of uploads on a stage, with photos that register nobody and mark nobody, so that nothing is left."""

import io
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from PIL import Image

from muster.domain.actor import OPERATOR
from muster.domain.errors import GroupNotFound, MusterError, NobodyRegistered, NoFace
from muster.domain.finding import Finding
from muster.domain.identifiers import GroupId, StudentId
from muster.domain.registration import RegistrationDetails
from muster.domain.upload import Details, Failure, PhotoFile, RollCallDetails
from muster.services.uploading.uploads import Uploads
from muster.storage.ports import UploadStore

_NOBODY: Final = StudentId("muster-doctor")
_NO_GROUP: Final = GroupId("muster-doctor")

_EXPECTED: Final[tuple[tuple[str, Details, frozenset[str]], ...]] = (
    (
        "register",
        RegistrationDetails(_NOBODY, "muster doctor", frozenset({_NO_GROUP}), consent=True),
        frozenset({NoFace.code}),
    ),
    ("detect", RollCallDetails(_NO_GROUP, None), frozenset({NobodyRegistered.code, GroupNotFound.code})),
)
"""What is sent to each function, and the answers that show that it read the photo."""

_ANSWER_SECONDS: Final = 180.0
"""A cold start, the queue and a busy function take seconds; registrations of a whole school may be waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRehearsal:
    """Sends one photo without a face to each function that reads photos, and waits for the answers.

    Attributes:
        clock: seconds that never go back.
        pause: waits for so many seconds.
    """

    uploads: Uploads
    store: UploadStore
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep

    def run(self) -> Iterator[Finding]:
        """Yield a finding for each function that gives no answer, or another than it should."""
        photo = _grey_photo()
        for function, details, expected in _EXPECTED:
            try:
                upload, _ = self.uploads.open(details, PhotoFile("image/jpeg", len(photo)), OPERATOR)
                self.store.send(upload, photo)
            except MusterError as error:
                yield Finding("upload_not_sent", f"The test photo for {function} could not be sent: {error}")
                continue
            end, answer = self.clock() + _ANSWER_SECONDS, None
            while (answer := self.uploads.get(upload.id, OPERATOR).answer) is None and self.clock() < end:
                self.pause(2)
            if answer is None:
                yield Finding(
                    "upload_unanswered",
                    f"The function {function} has not read a photo within {_ANSWER_SECONDS / 60:.0f} minutes: see the "
                    "alarms in docs/operations.md.",
                )
            elif not isinstance(answer, Failure) or answer.code not in expected:
                detail = answer.detail if isinstance(answer, Failure) else "it found a face"
                yield Finding("upload_misread", f"The function {function} misread the test photo: {detail}")


def _grey_photo() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (320, 240), (128, 128, 128)).save(file, "JPEG")
    return file.getvalue()
