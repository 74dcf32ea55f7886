"""Build a model pack from published packages or weights."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from muster.domain.errors import InvalidRequest, PackDamaged, PackMissing
from muster.packs.build import build_embedded
from muster.packs.load import ModelPack, load_pack
from muster.packs.manifest import shipped_spec
from muster.packs.published import Comparison, build_published
from muster.packs.weights import Folder, PublicAddress, WeightStore
from muster.progress import OnProgress
from muster.vision.align import CROP_SIZE, StretchedBox, crop_faces
from muster.vision.decode import decode
from muster.vision.detector import CenterFaceDetector

_THREADS = 2
_S3 = "s3://"


def build_pack(
    name: str,
    home: Path,
    *,
    weights_from: str | None,
    pins: Mapping[str, str],
    samples: Path | None,
    progress: OnProgress,
    pinned: bool = False,
) -> ModelPack:
    """Build a pack.

    Args:
        home: folder of the model packs.
        weights_from: a folder, or `s3://bucket/prefix`, that holds the weights under the names in the manifest; None
            downloads each from where it is published.
        pins: hashes that the operator vouches for, by file name.
        samples: our sample photos, to compare exports on; None if they are not installed.
        pinned: refuse weights whose hash is neither published nor confirmed.

    Raises:
        PackMissing: no pack has this name.
        InvalidRequest: the pack is built from packages, so weights and pins do not apply; or `weights_from` is no
            folder; or a name in `pins` is no file of the pack.
        PackBuildFailed: see `build_embedded` and `build_published`.
    """
    spec = shipped_spec(name)
    if spec.packages:
        if weights_from is not None or pins:
            raise InvalidRequest(f"The pack {name!r} is built from pinned packages: leave out --from and --pin.")
        return build_embedded(home, progress, name)
    unknown = set(pins) - {source.file for source in spec.published}
    if unknown:
        names = ", ".join(source.file for source in spec.published)
        raise InvalidRequest(f"{min(unknown)} is not a file of the pack {name!r}: pin one of {names}.")
    store = _weight_store(weights_from)
    again = weights_from is not None
    return build_published(spec, home, store, comparison(home, samples), pins, progress, again=again, pinned=pinned)


def _weight_store(weights_from: str | None) -> WeightStore:
    if weights_from is None:
        return PublicAddress()
    if weights_from.startswith(_S3):
        from muster.packs.bucket_weights import open_bucket

        return open_bucket(weights_from)
    if not Path(weights_from).is_dir():
        raise InvalidRequest(f"{weights_from} is not a folder: give one that holds the weights, or s3://bucket/prefix.")
    return Folder(Path(weights_from))


def comparison(home: Path, samples: Path | None) -> Comparison:
    """Gather real pictures to compare exports on: our samples and those of ultralytics, if they are installed.

    Raises:
        InvalidRequest: there are none.
    """
    photos = [decode(path.read_bytes()).pixels for path in _sample_photos(samples)]
    if not photos:
        raise InvalidRequest("There are no pictures to compare exports on: build in an environment with ultralytics.")
    whole = [_squared(photo) for photo in photos]
    return Comparison(photos, np.concatenate([np.stack(whole), *_face_crops(photos, home)]))


def _sample_photos(samples: Path | None) -> Iterator[Path]:
    if samples is not None:
        yield from sorted(samples.glob("*/*.jpg"))
    library = find_spec("ultralytics")
    for place in library.submodule_search_locations or () if library is not None else ():
        yield from sorted((Path(place) / "assets").glob("*.jpg"))


def _squared(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows, columns = (np.linspace(0, side - 1, CROP_SIZE).astype(np.intp) for side in photo.shape[:2])
    return photo[rows][:, columns]


def _face_crops(photos: list[NDArray[np.uint8]], home: Path) -> list[NDArray[np.uint8]]:
    """Cut out the faces, if a pack that needs no export is built and can detect them."""
    detector = None
    for name in ("embedded-int8", "embedded", "embedded-facenet"):
        with suppress(PackMissing, PackDamaged):
            detector = CenterFaceDetector(load_pack(name, home).detector, _THREADS)
    if detector is None:
        return []
    return [crop_faces(photo, detector.detect(photo), StretchedBox()) for photo in photos]
