"""Build arguments of the vision image that select the model pack and pin its weights."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from muster.domain.errors import PackMissing
from muster.packs.manifest import PackSpec, shipped_spec

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """Hash of a weights file that its publisher states no hash of.

    Attributes:
        file: its name in `layers/muster/packs/data`, such as `head-segmentation.ckpt`.
        sha256: 64 lower-case hexadecimal digits; `muster packs build` prints it.
    """

    file: str
    sha256: str


def check_pack(pack: str, pins: Sequence[Pin]) -> None:
    """Check at synthesis what would otherwise fail in the image's build, half an hour later.

    An image is built in an empty folder, so it cannot remember the first file that it saw. Every file without a
    published hash therefore needs a pin.

    Raises:
        ValueError: there is no such pack, a pin does not fit the pack, or one is missing.
    """
    try:
        spec = shipped_spec(pack)
    except PackMissing as error:
        raise ValueError(f"pack: {error}") from error
    for pin in pins:
        _check_pin(spec, pin)
    files = [pin.file for pin in pins]
    twice = next((file for file in files if files.count(file) > 1), None)
    if twice is not None:
        raise ValueError(f"pack_pins: {twice} is pinned twice: keep one of the hashes.")
    missing = next((file for file in _without_hash(spec) if file not in files), None)
    if missing is not None:
        raise ValueError(
            f"pack_pins: no hash of {missing} is published, so the pack {pack!r} needs a pin of it: run `muster packs "
            f"build {pack}` once, compare the hash that it prints with the publisher's file, and add "
            f'Pin(file="{missing}", sha256=...) to pack_pins.'
        )


def build_arguments(pack: str, pins: Sequence[Pin]) -> Mapping[str, str]:
    """Return the arguments of containers/vision/Dockerfile; `PACK_OPTIONS` is left out if there is nothing to pin."""
    options = " ".join(f"--pin {pin.file}={pin.sha256}" for pin in pins)
    return {"PACK": pack, **({"PACK_OPTIONS": options} if options else {})}


def _without_hash(spec: PackSpec) -> list[str]:
    return [source.file for source in spec.published if source.sha256 is None]


def _check_pin(spec: PackSpec, pin: Pin) -> None:
    if not spec.published:
        raise ValueError(
            f"pack_pins: the pack {spec.name!r} is built from pinned packages: remove the pin of {pin.file}."
        )
    if pin.file in {source.file for source in spec.published if source.sha256 is not None}:
        raise ValueError(f"pack_pins: the hash of {pin.file} is published and already required: remove this pin.")
    if pin.file not in _without_hash(spec):
        names = ", ".join(_without_hash(spec))
        raise ValueError(f"pack_pins: {pin.file} is not a file of the pack {spec.name!r}: pin {names}.")
    if not _SHA256.fullmatch(pin.sha256):
        raise ValueError(f"pack_pins: the hash of {pin.file} must be 64 lower-case hexadecimal digits.")
