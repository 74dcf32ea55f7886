"""Registration of many students at once, from photos named by student id."""

import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from muster.domain.actor import OPERATOR, Actor
from muster.domain.errors import (
    Category,
    ConsentRequired,
    DamagedImage,
    EmptyUpload,
    ImageTooLarge,
    InvalidRequest,
    MusterError,
    StudentNotFound,
    UnsupportedArchive,
)
from muster.domain.identifiers import GroupId, StudentId, parse_student_id
from muster.domain.registration import RegistrationDetails
from muster.services.registering.results import RegistrationResult
from muster.services.roster.students import Roster
from muster.vision.formats import PHOTO_SUFFIXES

if TYPE_CHECKING:
    # It imports the model libraries, which uploading many photos to a stage does not need.
    from muster.services.registering.registration import Registration

MAX_PHOTOS = 1_000
"""Photos per archive; each takes about a quarter of a second."""

_READ_BYTES = 4_096
"""Compressed bytes read from an entry at once. `zipfile` limits the output of deflated entries only; 4 kB of LZMA or
BZIP2 expand to 100 MB at most."""

_BROKEN_ARCHIVE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    IndexError,
    OverflowError,
    MemoryError,
)
"""Raised by `zipfile` and the decompressors for damaged input, as in tests/unit/test_mutated_archives.py. A damaged
LZMA header may request a dictionary that does not fit into memory."""


@dataclass(frozen=True, slots=True)
class NamedPhoto:
    """A photo whose file name, without its suffix, is a student id."""

    name: str
    source: "Path | _Entry"

    def read(self, max_bytes: int) -> bytes:
        """Return the photo's bytes.

        Raises:
            ImageTooLarge: there are more than `max_bytes`.
            DamagedImage: the entry is damaged or encrypted, or the file cannot be read.
        """
        if isinstance(self.source, Path):
            try:
                if self.source.stat().st_size > max_bytes:
                    raise _too_large(max_bytes)
                return self.source.read_bytes()
            except OSError as error:
                raise DamagedImage(f"The photo cannot be read ({error.strerror}).") from error
        return self.source.read(max_bytes)


@dataclass(frozen=True, slots=True)
class _Entry:
    archive: zipfile.ZipFile
    info: zipfile.ZipInfo

    def read(self, max_bytes: int) -> bytes:
        if self.info.flag_bits & 0x1:
            raise DamagedImage("The photo is encrypted. Create the archive without a password.")
        try:
            with self.archive.open(self.info) as stream:
                content = bytearray()
                # The sizes in the archive's directory may be wrong.
                while len(content) <= max_bytes and (read := stream.read(_READ_BYTES)):
                    content += read
        except _BROKEN_ARCHIVE as error:
            raise DamagedImage(
                "The photo cannot be extracted. Create the archive again with the default compression."
            ) from error
        if len(content) > max_bytes:
            raise _too_large(max_bytes)
        return bytes(content)


class PhotoResult(StrEnum):
    """The result for one photo; `UNANSWERED` only for photos that are sent to a stage."""

    REGISTERED = "registered"
    REPEATED = "repeated"
    REFUSED = "refused"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class PhotoReport:
    """The result for one photo; `code` and `detail` contain the reason for a refusal, or advice."""

    name: str
    student_id: StudentId | None
    result: PhotoResult
    quality: float | None = None
    code: str | None = None
    detail: str | None = None


def photos_of_folder(folder: Path) -> list[NamedPhoto]:
    """Return the photos in a folder, ordered by name; hidden files are skipped.

    Raises:
        InvalidRequest: it contains no photos.
    """
    paths = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    photos = [NamedPhoto(path.name, path) for path in paths if path.suffix.lower() in PHOTO_SUFFIXES]
    _check_any(photos)
    return photos


def photos_of_archive(stream: BinaryIO | bytes) -> list[NamedPhoto]:
    """Return the photos in a ZIP archive, in any folders; files that operating systems add are skipped.

    Raises:
        EmptyUpload: there are no bytes.
        UnsupportedArchive: it is not a ZIP archive, or is damaged.
        InvalidRequest: it contains no photos, or more than `MAX_PHOTOS`.
    """
    if stream == b"":
        raise EmptyUpload("The archive is empty. Choose it again.")
    try:
        archive = zipfile.ZipFile(BytesIO(stream) if isinstance(stream, bytes) else stream)
        entries = archive.infolist()
    except _BROKEN_ARCHIVE as error:
        raise UnsupportedArchive("Send the photos as one ZIP archive.") from error
    photos = []
    for info in entries:
        # Some programs write backslashes; a name may also be empty.
        path = PurePosixPath(info.filename.replace("\\", "/"))
        if info.filename.endswith("/") or "__MACOSX" in path.parts[:1] or path.name.startswith("."):
            continue
        if path.suffix.lower() in PHOTO_SUFFIXES:
            photos.append(NamedPhoto(path.name, _Entry(archive, info)))
    _check_any(photos)
    if len(photos) > MAX_PHOTOS:
        raise InvalidRequest(f"There are {len(photos)} photos. Send at most {MAX_PHOTOS} at once.")
    return sorted(photos, key=lambda photo: photo.name)


def _check_any(photos: list[NamedPhoto]) -> None:
    if not photos:
        raise InvalidRequest("There are no photos. Name each photo by its student's id, such as 0042.jpg.")


def details_from_roster(roster: Roster, photo: str, group_ids: frozenset[GroupId]) -> RegistrationDetails:
    """Return the registration that a photo's name stands for, with name and groups from the roster.

    Args:
        photo: name of the file; without its suffix, a student id.
        group_ids: if not empty, only students in these groups may be registered.

    Raises:
        InvalidRequest: the name is not a student id.
        StudentNotFound: nobody on the roster of these groups has the id.
    """
    student_id = parse_student_id(PurePosixPath(photo).stem)
    try:
        student = roster.get(student_id)
    except StudentNotFound:
        student = None
    if student is None or (group_ids and group_ids.isdisjoint(student.groups)):
        # Whether another group has such a student is not revealed.
        where = f"the roster of {', '.join(sorted(group_ids))}" if group_ids else "a roster"
        raise StudentNotFound(f"Nobody on {where} has the id {student_id}. Correct the file name or the roster.")
    return RegistrationDetails(student_id, student.name, group_ids & student.groups or student.groups, consent=True)


def check_consent(consent: bool) -> None:
    """Check that everyone in the photos agreed.

    Raises:
        ConsentRequired: consent is not given.
    """
    if not consent:
        raise ConsentRequired("Students are registered only with consent. Ask all of them, then confirm it.")


def photo_report(photo: str, registered: RegistrationResult, *, repeated: bool) -> PhotoReport:
    """Return the report on a photo of a registered student."""
    # There is one code, but the detail contains all warnings.
    code = next((warning.value for warning in registered.warnings), None)
    detail = " ".join(warning.detail for warning in registered.warnings) or None
    result = PhotoResult.REPEATED if repeated else PhotoResult.REGISTERED
    return PhotoReport(photo, registered.student.id, result, registered.quality, code, detail)


class BulkRegistration:
    """Registers many students who are on the roster.

    Args:
        max_bytes: size of the largest photo.
    """

    def __init__(self, registration: "Registration", roster: Roster, max_bytes: int) -> None:
        self._registration = registration
        self._roster = roster
        self._max_bytes = max_bytes

    def run(
        self,
        photos: Iterable[NamedPhoto],
        consent: bool,
        group_ids: frozenset[GroupId] = frozenset(),
        actor: Actor = OPERATOR,
    ) -> Iterator[PhotoReport]:
        """Register the photos one by one, and yield a report on each. A refused photo does not stop the others.

        Names and groups come from the roster. Students who are not on it are refused, and so are students who
        withdrew consent, since one statement for a whole archive does not renew it. Repeating an interrupted run
        registers the remaining students.

        Args:
            consent: all students in the photos agreed.
            group_ids: if not empty, only students in these groups are registered.
            actor: the user who registers them.

        Raises:
            ConsentRequired: consent is not given.
            MusterError: with category `unavailable`, such as a full disk; the photos reported so far are registered.
        """
        check_consent(consent)
        return (self._registered(photo, group_ids, actor) for photo in photos)

    def _registered(self, photo: NamedPhoto, group_ids: frozenset[GroupId], actor: Actor) -> PhotoReport:
        try:
            details = details_from_roster(self._roster, photo.name, group_ids)
            registered = self._registration.register(details, photo.read(self._max_bytes), actor)
        except MusterError as error:
            if error.category is Category.UNAVAILABLE:
                raise
            return refusal(photo.name, error)
        return photo_report(photo.name, registered, repeated=registered.repeated)


def refusal(photo: str, error: MusterError) -> PhotoReport:
    """Return the report on a photo that was refused."""
    return PhotoReport(photo, named_student(photo), PhotoResult.REFUSED, code=error.code, detail=str(error))


def named_student(photo: str) -> StudentId | None:
    """Return the student id in a photo's name, or None if the name is not an id."""
    try:
        return parse_student_id(PurePosixPath(photo).stem)
    except InvalidRequest:
        return None


def _too_large(max_bytes: int) -> ImageTooLarge:
    return ImageTooLarge(f"The photo is larger than {max_bytes // 1_000_000} MB. Send a smaller one.")
