"""Switches of the pack's manifest that change the pipeline."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from muster.composition.vision import open_models
from muster.packs.load import ModelPack
from muster.vision.decode import decode
from muster.vision.segmenter import head_masks
from tests.e2e.pictures import without_face


def test_segmentation_changes_probes_and_templates_and_still_knows_the_person(pack: ModelPack, samples: Path) -> None:
    plain = open_models(pack, 1)
    segmented = replace(plain, head_masks=head_masks)
    portrait = decode((samples / "gallery" / "barack_obama.jpg").read_bytes())
    other = decode((samples / "gallery" / "joe_biden.jpg").read_bytes())
    probe = decode((samples / "photos" / "dim.jpg").read_bytes())

    template = segmented.registration_views(portrait).embeddings
    found = segmented.probes(probe).embeddings
    assert template.shape == plain.registration_views(portrait).embeddings.shape
    assert not np.allclose(found, plain.probes(probe).embeddings, atol=0.01)
    own = float((found @ template.T).max())
    foreign = float((found @ segmented.registration_views(other).embeddings.T).max())
    assert own > foreign + 0.2


def test_a_photo_without_a_face_gives_no_probe_with_segmentation_either(pack: ModelPack) -> None:
    pipeline = replace(open_models(pack, 1), head_masks=head_masks)
    assert pipeline.probes(decode(without_face())).embeddings.shape == (0, 512 + 192)
