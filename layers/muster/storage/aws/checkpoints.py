"""What an interrupted training job had reached."""

from typing import TYPE_CHECKING

from muster.domain.identifiers import PackId
from muster.storage.aws import keys
from muster.storage.aws.reading import read_object

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
        kept = read_object(self._client, self._models, self._name)
        return None if kept is None or not kept.startswith(self._inputs) else kept.removeprefix(self._inputs)

    def delete(self) -> None:
        """Delete the kept state: it was learnt from people who may ask to be forgotten."""
        self._client.delete_object(Bucket=self._models, Key=self._name)
