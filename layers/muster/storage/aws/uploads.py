"""Uploads: photos under `uploads/` in the photos bucket, and their details in the table."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from muster.domain.errors import Category, PhotoNotFound
from muster.domain.identifiers import GroupId, PhotoId, SessionId, StudentId, UploadId
from muster.domain.photo_warnings import PhotoWarning
from muster.domain.registration import NewPhoto, RegistrationDetails
from muster.domain.upload import (
    Details,
    Failure,
    Outcome,
    PhotoFile,
    RegistrationOutcome,
    RollCallDetails,
    RollCallOutcome,
    Upload,
    UploadKind,
    UploadPermit,
    upload_not_found,
)
from muster.storage.aws.keys import EXPIRES_AT, UPLOADS, student_partition
from muster.storage.aws.objects import read_object
from muster.storage.aws.table import ConditionFailed, Item, Key, Table
from muster.storage.documents import json_text, read_time, time_text

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_RECORD = "RECORD"
_MENTION_PREFIX = "UPLOAD#"
_PERMIT_LIFETIME = timedelta(minutes=15)


def upload_object(kind: UploadKind, upload_id: UploadId) -> str:
    """Object key of an uploaded photo, without personal data."""
    return f"{UPLOADS}{kind}/{upload_id}"


def read_upload_object(name: str) -> tuple[UploadKind, UploadId] | None:
    """Read an object key that `upload_object` made; None for any other."""
    kind, _, upload_id = name.removeprefix(UPLOADS).partition("/")
    if not name.startswith(UPLOADS) or kind not in tuple(UploadKind) or not upload_id or "/" in upload_id:
        return None
    return UploadKind(kind), UploadId(upload_id)


class AwsUploads:
    """`UploadStore` on S3 and DynamoDB.

    Args:
        client: signs permits, so it must use the bucket's regional endpoint.
        photos: name of the photos bucket.
    """

    def __init__(
        self, client: "S3Client", table: Table, photos: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._client = client
        self._table = table
        self._photos = photos
        self._now = now

    def open(self, upload: Upload) -> UploadPermit:
        """Store an upload and return a permit; see `UploadStore.open`."""
        partition, sort = _key(upload.id)
        expires = int(upload.expires_at.timestamp())
        actions = [
            self._table.put_action(
                {
                    "pk": partition,
                    "sk": sort,
                    "kind": upload.kind.value,
                    "content_type": upload.file.content_type,
                    "size": upload.file.size,
                    "created_at": time_text(upload.created_at),
                    EXPIRES_AT: expires,
                    "opened_by": upload.opened_by,
                    "as_admin": upload.as_admin,
                    "details": None if upload.details is None else json_text(_details(upload.details)),
                }
            )
        ]
        if isinstance(upload.details, (RegistrationDetails, NewPhoto)):
            # An erasure finds the upload by this item.
            student, mention = _mention(upload.details.student_id, upload.id)
            actions.append(self._table.put_action({"pk": student, "sk": mention, EXPIRES_AT: expires}))
        self._table.transact_write(actions)
        size, media_type = upload.file.size, upload.file.content_type
        expires_at = self._now() + _PERMIT_LIFETIME
        form = self._client.generate_presigned_post(
            Bucket=self._photos,
            Key=upload_object(upload.kind, upload.id),
            Fields={"Content-Type": media_type},
            Conditions=[{"Content-Type": media_type}, ["content-length-range", size, size]],
            ExpiresIn=int(_PERMIT_LIFETIME.total_seconds()),
        )
        return UploadPermit(form["url"], form["fields"], expires_at)

    def send(self, upload: Upload, photo: bytes) -> None:
        """Store the photo of an upload; see `UploadStore.send`."""
        name, media_type = upload_object(upload.kind, upload.id), upload.file.content_type
        self._client.put_object(Bucket=self._photos, Key=name, Body=photo, ContentType=media_type)

    def get(self, upload_id: UploadId) -> Upload:
        """Return one upload; see `UploadStore.get`."""
        item = self._table.get(_key(upload_id))
        # The table may take two days to drop an expired item.
        if item is None or datetime.fromtimestamp(int(item[EXPIRES_AT]), UTC) <= self._now():
            raise upload_not_found(upload_id)
        return _upload(upload_id, item)

    def photo(self, kind: UploadKind, upload_id: UploadId) -> bytes:
        """Return the photo as it was sent; see `UploadStore.photo`."""
        content = read_object(self._client, self._photos, upload_object(kind, upload_id))
        if content is None:
            raise PhotoNotFound("The photo was deleted before it was read. Upload it again.")
        return content

    def close(self, upload_id: UploadId, outcome: Outcome) -> bool:
        """Store the outcome and delete the details; see `UploadStore.close`."""
        closing = self._table.update_action(
            _key(upload_id),
            "SET outcome = :outcome REMOVE details",
            {":outcome": json_text(_outcome(outcome))},
            "attribute_exists(pk) AND attribute_not_exists(outcome)",
        )
        try:
            self._table.transact_write([closing])
        except ConditionFailed:
            return False
        return True

    def forget(self, student_id: StudentId) -> None:
        """Delete the uploads that register a student; see `UploadStore.forget`."""
        for item in list(self._table.query(student_partition(student_id), _MENTION_PREFIX)):
            upload_id = UploadId(item["sk"].removeprefix(_MENTION_PREFIX))
            self._table.transact_write(
                [
                    self._table.delete_action(_key(upload_id)),
                    self._table.delete_action(_mention(student_id, upload_id)),
                ]
            )

    def discard(self, kind: UploadKind, upload_id: UploadId) -> None:
        """Delete the photo, if it exists."""
        self._client.delete_object(Bucket=self._photos, Key=upload_object(kind, upload_id))


def _key(upload_id: UploadId) -> Key:
    return f"UPLOAD#{upload_id}", _RECORD


def _mention(student_id: StudentId, upload_id: UploadId) -> Key:
    return student_partition(student_id), _MENTION_PREFIX + upload_id


def _details(details: Details) -> dict[str, Any]:
    match details:
        case RegistrationDetails():
            return {
                "student_id": details.student_id,
                "name": details.name,
                "group_ids": sorted(details.group_ids),
                "consent": details.consent,
                "renew_consent": details.renew_consent,
                "allow_lookalike": details.allow_lookalike,
            }
        case NewPhoto():
            return {
                "student_id": details.student_id,
                "version": details.version,
                "allow_lookalike": details.allow_lookalike,
            }
        case RollCallDetails():
            return {
                "group_id": details.group_id,
                "session_id": details.session_id,
                "use_anyway": details.use_anyway,
            }


def _read_details(kind: UploadKind, document: dict[str, Any]) -> Details:
    if kind is UploadKind.REGISTER and "name" not in document:
        return NewPhoto(StudentId(document["student_id"]), document["version"], document["allow_lookalike"])
    if kind is UploadKind.REGISTER:
        return RegistrationDetails(
            student_id=StudentId(document["student_id"]),
            name=document["name"],
            group_ids=frozenset(GroupId(group) for group in document["group_ids"]),
            consent=document["consent"],
            renew_consent=document.get("renew_consent", False),
            allow_lookalike=document["allow_lookalike"],
        )
    session = document["session_id"]
    return RollCallDetails(
        GroupId(document["group_id"]),
        None if session is None else SessionId(session),
        # Missing in uploads that earlier versions stored.
        document.get("use_anyway", False),
    )


def _outcome(outcome: Outcome) -> dict[str, Any]:
    match outcome:
        case RegistrationOutcome():
            return {
                "student_id": outcome.student_id,
                "quality": outcome.quality,
                "repeated": outcome.repeated,
                "warnings": [warning.value for warning in outcome.warnings],
            }
        case RollCallOutcome():
            return {
                "session_id": outcome.session_id,
                "photo_ids": list(outcome.photo_ids),
                "timings_ms": dict(outcome.timings_ms),
            }
        case Failure():
            return {"code": outcome.code, "category": outcome.category.value, "detail": outcome.detail}


def _read_outcome(kind: UploadKind, document: dict[str, Any]) -> Outcome:
    if "code" in document:
        return Failure(document["code"], Category(document["category"]), document["detail"])
    if kind is UploadKind.REGISTER:
        warnings = tuple(PhotoWarning(code) for code in document.get("warnings", ()))
        return RegistrationOutcome(
            StudentId(document["student_id"]), document["quality"], document["repeated"], warnings
        )
    photos = tuple(PhotoId(photo) for photo in document["photo_ids"])
    return RollCallOutcome(SessionId(document["session_id"]), photos, document["timings_ms"])


def _upload(upload_id: UploadId, item: Item) -> Upload:
    kind = UploadKind(item["kind"])
    details, outcome = item.get("details"), item.get("outcome")
    return Upload(
        id=upload_id,
        kind=kind,
        details=None if details is None else _read_details(kind, json.loads(details)),
        file=PhotoFile(item["content_type"], int(item["size"])),
        created_at=read_time(item["created_at"]),
        expires_at=datetime.fromtimestamp(int(item[EXPIRES_AT]), UTC),
        outcome=None if outcome is None else _read_outcome(kind, json.loads(outcome)),
        opened_by=item.get("opened_by"),
        as_admin=item.get("as_admin", False),
    )
