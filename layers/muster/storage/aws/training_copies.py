"""The training copies of all templates: all that the training job may see of the students."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from safetensors.numpy import load

from muster.domain.identifiers import PackId, StudentId
from muster.domain.student import Template
from muster.storage.aws import keys
from muster.storage.aws.reading import read_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_THREADS = 16
"""Half the connections of `CLIENT_CONFIG`."""


class TrainingCopies:
    """Reads the copies under `templates/`.

    Args:
        models: name of the models' bucket.
    """

    def __init__(self, client: "S3Client", models: str) -> None:
        self._client = client
        self._models = models

    def templates(self) -> list[Template]:
        """Return all templates, ordered by student id; a copy that is deleted while this reads is left out."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._models, Prefix=keys.TEMPLATES)
        listed = [item for page in pages for item in page.get("Contents", [])]
        # A registration that was killed leaves a copy for a while: of two of one student the newer is the student's.
        listed.sort(key=lambda item: item["LastModified"])
        with ThreadPoolExecutor(_THREADS) as pool:
            contents = list(pool.map(self._read, (item["Key"] for item in listed)))
        found = (read_training_copy(content) for content in contents if content is not None)
        by_student = {template.student_id: template for template in found}
        return [by_student[student_id] for student_id in sorted(by_student)]

    def _read(self, name: str) -> bytes | None:
        return read_object(self._client, self._models, name)


def read_training_copy(content: bytes) -> Template:
    """Read a template that `training_copy` wrote."""
    # The header is JSON behind its length (safetensors format); the library's numpy reader leaves its metadata out.
    length = int.from_bytes(content[:8], "little")
    metadata = json.loads(content[8 : 8 + length])["__metadata__"]
    embeddings = load(content)["embeddings"].astype(np.float32, copy=False)
    return Template(StudentId(metadata["student_id"]), PackId(metadata["pack"]), embeddings, metadata["photo_digest"])
