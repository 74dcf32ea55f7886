"""The copy of a template that is kept for training, as one safetensors file."""

import numpy as np
from safetensors.numpy import save

from muster.domain.student import Template


def training_copy(template: Template) -> bytes:
    """Write a template: tensor `embeddings`, float32 (V + L, D), with student id, pack and photo digest as metadata.

    `learned` says how many of the last rows were learned from photos of sessions.
    """
    metadata = {
        "learned": str(len(template.learned)),
        "student_id": str(template.student_id),
        "pack": str(template.pack),
        "photo_digest": template.photo_digest,
    }
    # safetensors writes the memory as it lies, whatever the strides say.
    return save({"embeddings": np.ascontiguousarray(template.embeddings)}, metadata=metadata)
