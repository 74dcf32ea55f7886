"""What an interrupted training job had reached."""

from typing import TYPE_CHECKING

from muster.domain.identifiers import PackId
from muster.storage import keys

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class AwsCheckpoint:
    """One object a pack, written whole or not at all; what was reached with other inputs counts as nothing.

    Args:
        models: name of the models' bucket.
        inputs: 32 bytes that tell these inputs of the training from any others.
    """

    def __init__(self, client: "S3Client", models: str, pack: PackId, inputs: bytes) -> None:
        self._client = client
        self._models = models
        self._name = keys.checkpoint_object(pack)
        self._inputs = inputs

    def save(self, state: bytes) -> None:
        """Replace the kept state."""
        self._client.put_object(Bucket=self._models, Key=self._name, Body=self._inputs + state)

    def load(self) -> bytes | None:
        """Return the kept state, or None where there is none of these inputs."""
        # Listed first: S3 refuses to say of a missing object that it is missing to who may list these keys only.
        listed = self._client.list_objects_v2(Bucket=self._models, Prefix=self._name).get("Contents", [])
        if not any(item["Key"] == self._name for item in listed):
            return None
        kept = self._client.get_object(Bucket=self._models, Key=self._name)["Body"].read()
        return kept.removeprefix(self._inputs) if kept.startswith(self._inputs) else None

    def delete(self) -> None:
        """Delete the kept state: it was learnt from people who may ask to be forgotten."""
        self._client.delete_object(Bucket=self._models, Key=self._name)
