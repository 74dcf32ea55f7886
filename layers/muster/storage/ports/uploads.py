"""Store of uploads."""

from typing import Protocol

from muster.domain.identifiers import StudentId, UploadId
from muster.domain.upload import Outcome, Upload, UploadKind, UploadPermit


class UploadStore(Protocol):
    """Uploads of photos: announced, sent to the store with a permit, read once, then deleted."""

    def open(self, upload: Upload) -> UploadPermit:
        """Store an upload's details, and return a permit to send one photo of this size and media type to one place."""

    def send(self, upload: Upload, photo: bytes) -> None:
        """Store the photo of an upload with the caller's own permissions, instead of with a permit."""

    def get(self, upload_id: UploadId) -> Upload:
        """Return one upload.

        Raises:
            UploadNotFound: there is none, or it expired.
        """

    def photo(self, kind: UploadKind, upload_id: UploadId) -> bytes:
        """Return the photo as it was sent.

        Raises:
            PhotoNotFound: it was not sent, or has been deleted.
        """

    def close(self, upload_id: UploadId, outcome: Outcome) -> bool:
        """Store the outcome and delete the details, unless there is an outcome already.

        Returns:
            Whether this outcome was stored.
        """

    def forget(self, student_id: StudentId) -> None:
        """Delete the uploads that register a student; their photos are deleted like any photo without an upload."""

    def discard(self, kind: UploadKind, upload_id: UploadId) -> None:
        """Delete the photo, if it exists."""
