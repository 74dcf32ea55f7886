"""Keys of uploads, and S3's answers for uploads that are gone."""

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from muster.domain.errors import PhotoNotFound
from muster.domain.identifiers import UploadId, new_upload_id
from muster.domain.upload import UploadKind
from muster.storage.aws.table import Table
from muster.storage.aws.uploads import AwsUploads, read_upload_object, upload_object


@given(st.sampled_from(UploadKind))
def test_an_object_key_says_which_upload_it_is(kind: UploadKind) -> None:
    upload_id = new_upload_id()
    assert read_upload_object(upload_object(kind, upload_id)) == (kind, upload_id)


@pytest.mark.parametrize(
    "name",
    ["uploads/register/", "uploads/register/a/b", "uploads/other/a", "register/a", "uploads/a", ""],
)
def test_any_other_key_is_no_upload(name: str) -> None:
    assert read_upload_object(name) is None


def reading(found: list[str]) -> None:
    """Read a photo as a role that may list `uploads/` only: S3 refuses instead of saying that the object is missing."""
    session = boto3.Session("test", "test", region_name="eu-central-1")
    s3, name = session.client("s3"), "uploads/register/a"
    with Stubber(s3) as stub:
        stub.add_client_error("get_object", "AccessDenied", http_status_code=403)
        stub.add_response("list_objects_v2", {"Contents": [{"Key": key} for key in found]})
        uploads = AwsUploads(s3, Table(session.client("dynamodb"), "table"), "photos")
        assert upload_object(UploadKind.REGISTER, UploadId("a")) == name
        uploads.photo(UploadKind.REGISTER, UploadId("a"))


def test_a_deleted_photo_is_told_from_one_that_may_not_be_read() -> None:
    with pytest.raises(PhotoNotFound):
        reading([])
    with pytest.raises(PhotoNotFound):
        reading(["uploads/register/ab"])
    with pytest.raises(ClientError):
        reading(["uploads/register/a"])
