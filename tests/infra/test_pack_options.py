"""The model pack of a stage and the pins of its weights, checked before anything is synthesized."""

from dataclasses import replace
from pathlib import Path

import pytest

from infra.config import DEV, STAGES
from infra.pack_options import Pin, build_arguments
from muster.composition.aws_settings import AwsSettings
from muster.composition.settings import DEFAULT_PACK

DIGEST = "0123456789abcdef" * 4
SEGMENTER = Pin(file="head-segmentation.ckpt", sha256=DIGEST)


@pytest.mark.parametrize("pack", ["cloud", "cloud-segmented"])
def test_a_pack_of_published_weights_is_built_with_its_pins(pack: str) -> None:
    config = replace(DEV, pack=pack, pack_pins=(SEGMENTER,))
    assert build_arguments(config.pack, config.pack_pins) == {
        "PACK": pack,
        "PACK_OPTIONS": f"--pin head-segmentation.ckpt={DIGEST}",
    }


def test_a_pack_of_packages_needs_no_options() -> None:
    assert build_arguments(DEV.pack, DEV.pack_pins) == {"PACK": "embedded-int8"}
    exact = replace(DEV, pack="embedded")
    assert build_arguments(exact.pack, exact.pack_pins) == {"PACK": "embedded"}


def test_stages_commands_and_images_have_one_default() -> None:
    dockerfile = (Path(__file__).parents[2] / "containers" / "vision" / "Dockerfile").read_text()
    assert f"\nARG PACK={DEFAULT_PACK}\n" in dockerfile
    assert {stage.pack for stage in STAGES} == {AwsSettings.model_fields["pack"].default} == {DEFAULT_PACK}


@pytest.mark.parametrize(
    ("pack", "pins", "message"),
    [
        ("clouds", (), "There is no model pack 'clouds': use one of cloud, cloud-segmented"),
        ("cloud", (), r"run `muster packs build cloud` once.*Pin\(file=\"head-segmentation.ckpt\""),
        ("embedded", (SEGMENTER,), "'embedded' is built from pinned packages: remove the pin of head-seg"),
        ("cloud", (Pin(file="x.pt", sha256=DIGEST),), "x.pt is not a file of the pack 'cloud': pin head-seg"),
        ("cloud", (SEGMENTER, SEGMENTER), "head-segmentation.ckpt is pinned twice"),
        ("cloud", (Pin(file="yolov11s-face.pt", sha256=DIGEST),), "yolov11s-face.pt is published and already required"),
        ("cloud", (replace(SEGMENTER, sha256=DIGEST.upper()),), "64 lower-case hexadecimal digits"),
        ("cloud", (replace(SEGMENTER, sha256="$(id)"),), "64 lower-case hexadecimal digits"),
    ],
)
def test_a_wrong_choice_is_refused_at_once(pack: str, pins: tuple[Pin, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(DEV, pack=pack, pack_pins=pins)
