"""The model pack of a stage and the pins of its weights, checked before anything is synthesized."""

from dataclasses import replace

import pytest

from infra.config import DEV
from infra.pack_options import Pin, build_arguments

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
    assert build_arguments(DEV.pack, DEV.pack_pins) == {"PACK": "embedded"}
    faster = replace(DEV, pack="embedded-int8")
    assert build_arguments(faster.pack, faster.pack_pins) == {"PACK": "embedded-int8"}


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
