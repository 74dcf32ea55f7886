"""Records of uploads keep their result until it is fetched."""

from datetime import timedelta

import pytest

from muster.domain.identifiers import GroupId, StudentId, UploadId, UserId
from muster.domain.photo_warnings import PhotoWarning
from muster.domain.registration import RegistrationDetails
from muster.domain.upload import PhotoFile, RegistrationOutcome, Upload, UploadKind, UploadState
from muster.storage.aws.table import Table
from muster.storage.aws.uploads import AwsUploads
from tests.contract.examples import NOW
from tests.contract.places import AwsPlace

UPLOAD = UploadId("u1")


@pytest.mark.parametrize("warnings", [(), (PhotoWarning.PHOTO_TURNED,), tuple(PhotoWarning)])
def test_the_warnings_of_an_uploaded_registration_photo_are_read_back(
    aws: AwsPlace, warnings: tuple[PhotoWarning, ...]
) -> None:
    dynamodb, s3 = aws.clients()
    details = RegistrationDetails(StudentId("s1"), "Ada", frozenset({GroupId("g")}), consent=True)
    outcome = RegistrationOutcome(StudentId("s1"), 0.75, repeated=False, warnings=warnings)
    uploads = AwsUploads(s3, Table(dynamodb, aws.table), aws.photos, lambda: NOW)
    uploads.open(
        Upload(
            UPLOAD,
            UploadKind.REGISTER,
            details,
            PhotoFile("image/jpeg", 1000),
            created_at=NOW,
            expires_at=NOW + timedelta(hours=1),
            opened_by=UserId("t"),
        )
    )
    assert uploads.close(UPLOAD, outcome)
    read = AwsUploads(s3, Table(dynamodb, aws.table), aws.photos, lambda: NOW).get(UPLOAD)
    assert (read.state, read.outcome, read.details) == (UploadState.DONE, outcome, None)
