"""The objects of the training job: a copy of each template to learn from, and the job's checkpoint.

The job reads nothing else of the students. A copy is one safetensors file.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from muster.domain.identifiers import PackId, StudentId
from muster.domain.packs import comparable
from muster.domain.student import Template
from muster.storage.aws import keys
from muster.storage.aws.objects import read_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_THREADS = 16
"""Half the connections of `CLIENT_CONFIG`."""


def training_copy(template: Template) -> bytes:
    """Return a template as a file: tensor `embeddings`, float32 (V + L, D), and metadata.

    The metadata holds the student's id, the pack, the photo's digest and, as `learned`, how many of the last rows were
    learned from photos of sessions.
    """
    import numpy as np
    from safetensors.numpy import save

    metadata = {
        "learned": str(len(template.learned)),
        "student_id": str(template.student_id),
        "pack": str(template.pack),
        "photo_digest": template.photo_digest,
    }
    # safetensors writes the memory in its order, ignoring strides.
    return save({"embeddings": np.ascontiguousarray(template.embeddings)}, metadata=metadata)


def read_training_copy(content: bytes) -> Template:
    """Read a template from a file that `training_copy` returned."""
    import numpy as np
    from safetensors.numpy import load

    # A safetensors file begins with the length of a JSON header. The library's NumPy reader drops its metadata.
    length = int.from_bytes(content[:8], "little")
    metadata = json.loads(content[8 : 8 + length])["__metadata__"]
    embeddings = load(content)["embeddings"].astype(np.float32, copy=False)
    return Template(StudentId(metadata["student_id"]), PackId(metadata["pack"]), embeddings, metadata["photo_digest"])


class TrainingCopyReader:
    """Reads the copies of all templates that can be compared with those of a model pack.

    Args:
        models: name of the models bucket.
    """

    def __init__(self, client: "S3Client", models: str, pack: PackId) -> None:
        self._client = client
        self._models = models
        self._pack = pack

    def templates(self) -> list[Template]:
        """Return all templates, ordered by student id; copies that are deleted during the read are left out."""
        by_student = {
            template.student_id: template for template in self._all() if comparable(template.pack, self._pack)
        }
        return [by_student[student_id] for student_id in sorted(by_student)]

    def other_packs(self) -> list[PackId]:
        """Return the other packs that students have templates of: those that they move to."""
        return sorted({each.pack for each in self._all() if not comparable(each.pack, self._pack)})

    def _all(self) -> list[Template]:
        """Return the templates of all packs, the oldest copy first."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._models, Prefix=keys.TEMPLATES)
        listed = [item for page in pages for item in page.get("Contents", [])]
        # A killed registration may leave a second copy of a student for a while. The newer one is valid.
        listed.sort(key=lambda item: item["LastModified"])
        with ThreadPoolExecutor(_THREADS) as pool:
            contents = list(pool.map(self._read, (item["Key"] for item in listed)))
        return [read_training_copy(content) for content in contents if content is not None]

    def _read(self, name: str) -> bytes | None:
        return read_object(self._client, self._models, name)


class AwsCheckpoint:
    """The state of an interrupted training job, one object per pack. It is ignored if the inputs have changed.

    Args:
        models: name of the models bucket.
        inputs: 32-byte digest of the training inputs.
    """

    def __init__(self, client: "S3Client", models: str, pack: PackId, inputs: bytes) -> None:
        self._client = client
        self._models = models
        self._name = keys.checkpoint_object(pack)
        self._inputs = inputs

    def save(self, state: bytes) -> None:
        """Replace the stored state."""
        self._client.put_object(Bucket=self._models, Key=self._name, Body=self._inputs + state)

    def load(self) -> bytes | None:
        """Return the stored state, or None if there is none for these inputs."""
        stored = read_object(self._client, self._models, self._name)
        return None if stored is None or not stored.startswith(self._inputs) else stored.removeprefix(self._inputs)

    def delete(self) -> None:
        """Delete the stored state, which was learned from people who may ask to be erased."""
        self._client.delete_object(Bucket=self._models, Key=self._name)
