"""Population statistics that an operator's photos give a pack."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from muster.composition.training import population_of
from muster.composition.vision import open_models
from muster.domain.errors import InvalidRequest
from muster.packs.load import ModelPack, load_pack, load_statistics, verify_pack
from muster.packs.manifest import shipped_spec
from muster.packs.statistics import neutral_statistics
from muster.recognition.population import estimate_population, strangers_above
from muster.recognition.scoring import Population
from muster.services.packs import statistics as measuring
from muster.services.packs.statistics import measure_statistics
from muster.training.variation import load_variation_model


def silent(step: str, share: float) -> None:
    pass


def people(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Draw people who do not exist from what ships with the pack of FaceNet alone."""
    variation = load_variation_model(shipped_spec("embedded-facenet").id)
    assert variation is not None
    return variation.judging_sampler().sample_strangers(count, 1, np.random.default_rng(3))[:, 0]


def test_neutral_statistics_score_the_cosine_in_deviations() -> None:
    projected = population_of(neutral_statistics(0.18, (512,))).project(people(20))
    rows = people(20)
    np.testing.assert_allclose(projected @ projected.T, rows @ rows.T / 0.18, rtol=1e-4, atol=1e-4)


def test_the_bars_fit_statistics_that_were_measured_on_such_faces_and_no_others() -> None:
    rows = people(600)
    assert strangers_above(rows, (512,)) < 0.003
    factor = estimate_population(rows, (512,)).networks[0].factor
    projected = Population.from_network(np.zeros(512, np.float32), factor).project(rows)
    foreign = (projected @ projected.T)[np.triu_indices(len(rows), 1)]
    assert (foreign > 3.27).mean() > 5 * strangers_above(rows, (512,))


def test_statistics_are_measured_with_the_pack_and_kept_in_it(
    pack: ModelPack, samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(pack.directory, tmp_path / "packs" / "embedded")
    copy = load_pack("embedded", tmp_path)
    vision = open_models(copy, 1)
    photos = tmp_path / "photos"
    photos.mkdir()
    for path in samples.glob("*/*.jpg"):
        shutil.copy(path, photos)
    with pytest.raises(InvalidRequest, match="need 200 or more"):
        measure_statistics(copy, vision, tmp_path, photos, licence="public domain", progress=silent)
    monkeypatch.setattr(measuring, "MIN_PEOPLE", 4)
    measured = measure_statistics(
        copy, open_models(copy, 1), tmp_path, photos, licence="public domain", progress=silent
    )
    verify_pack(measured)
    assert measured.id == pack.id
    assert measured.manifest.files[:-1] == pack.manifest.files
    assert measured.manifest.own_statistics is not None
    assert measured.manifest.own_statistics.measured["people"] >= 4
    found = load_statistics(shipped_spec("embedded"), tmp_path)
    assert [len(network.mean) for network in found.networks] == [512, 192]
    for ours, shipped, read in zip(measured.statistics.networks, pack.statistics.networks, found.networks, strict=True):
        assert not np.array_equal(ours.mean, shipped.mean)
        np.testing.assert_array_equal(read.mean, ours.mean)
