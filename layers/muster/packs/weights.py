"""Sources of published weights, and verification of their hashes."""

import hashlib
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from muster.domain.errors import PackBuildFailed, WeightsChanged, WeightsNotPinned, WeightsUnreachable
from muster.packs.manifest import Pinned, PublishedSource, Sha256

OnFraction = Callable[[float], None]
"""Called with the fraction of a file that has been received, 0 to 1."""

_BLOCK = 1 << 20
_TIMEOUT_SECONDS = 60.0


class WeightStore(Protocol):
    """A source of published weights files."""

    origin: str

    def fetch(self, source: PublishedSource, kept: Path, on_fraction: OnFraction) -> Path:
        """Return the path of the complete file; downloads are written to `kept`.

        Raises:
            WeightsUnreachable: the file is missing or cannot be downloaded.
            OSError: the disk is full or cannot be written.
        """


class Folder:
    """A local folder."""

    origin = "a folder"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fetch(self, source: PublishedSource, kept: Path, on_fraction: OnFraction) -> Path:
        """Return the path of the file in the folder."""
        path = self._folder / source.file
        if not path.is_file():
            raise WeightsUnreachable(
                f"{path} does not exist: copy the weights of {source.network} there under that name; they are "
                f"published at {source.address}."
            )
        return path


class PublicAddress:
    """The address at which each source is published."""

    origin = "the published address"

    def fetch(self, source: PublishedSource, kept: Path, on_fraction: OnFraction) -> Path:
        """Download a file; if its hash is known, resume an interrupted download."""
        if kept.is_file():
            return kept
        part = kept.with_name(kept.name + ".part")
        # Resumed only with a published hash, which detects halves of two different files.
        begun = part.stat().st_size if part.exists() and source.sha256 else 0
        request = urllib.request.Request(source.address, headers={"Range": f"bytes={begun}-"} if begun else {})  # noqa: S310 the manifest's own, http or https
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
                begun = begun if answer.status == http.HTTPStatus.PARTIAL_CONTENT else 0
                total = begun + int(answer.headers.get("Content-Length") or 0)
                _receive(answer, part, begun, total, on_fraction)
        except urllib.error.HTTPError as error:
            if begun and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                part.unlink()
                return self.fetch(source, kept, on_fraction)
            raise _unreachable(source, f"the answer was {error.code}") from error
        except urllib.error.URLError as error:
            raise _unreachable(source, str(error.reason)) from error
        except (TimeoutError, ConnectionError, http.client.HTTPException) as error:
            raise _unreachable(source, "the connection was lost; the received part is kept") from error
        part.replace(kept)
        return kept


def _receive(answer: http.client.HTTPResponse, part: Path, begun: int, total: int, on_fraction: OnFraction) -> None:
    arrived = begun
    with part.open("ab" if begun else "wb") as stream:
        while block := answer.read(_BLOCK):
            stream.write(block)
            arrived += len(block)
            on_fraction(arrived / total if total else 0.0)
    if arrived < total:
        raise ConnectionError("cut short")


def _unreachable(source: PublishedSource, reason: str) -> WeightsUnreachable:
    return WeightsUnreachable(
        f"{source.address} cannot be downloaded ({reason}): check the network and try again, or get the file "
        f"elsewhere, name it {source.file}, and pass its folder, or s3://bucket/prefix, with --from."
    )


class _Pin(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: Sha256
    pinned: Pinned


class Pins:
    """Expected hashes of weights without a published hash, stored beside the packs.

    They remain when the pack is deleted, so a replaced file is detected when the pack is built again.

    Args:
        path: JSON file; created with the first pin.
        given: the operator's hashes by file name, which take precedence over the stored ones.
        required: refuse a file whose hash is neither published nor confirmed by the operator.
    """

    def __init__(self, path: Path, given: Mapping[str, str], *, required: bool = False) -> None:
        self._path = path
        self._given = dict(given)
        self._required = required

    def check(self, source: PublishedSource, path: Path) -> tuple[str, Pinned]:
        """Verify a file; return its hash and the source of the expected hash. Without an expected hash it passes.

        Raises:
            WeightsChanged: the hash does not match.
            WeightsNotPinned: a hash is required, and there is none.
            PackBuildFailed: the stored pins cannot be read, or the operator pins a file whose hash is published.
        """
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if source.sha256 is not None:
            if self._given.get(source.file, source.sha256) != source.sha256:
                raise PackBuildFailed(f"The hash of {source.file} is published and cannot be pinned to another.")
            if found != source.sha256:
                raise WeightsChanged(
                    f"{source.file} is not the published file (its SHA-256 begins {found[:12]}, not "
                    f"{source.sha256[:12]}): get it again from {source.address}."
                )
            return found, "published"
        if source.file in self._given:
            if found != self._given[source.file]:
                raise WeightsChanged(
                    f"{source.file} is not the file that you pin (its SHA-256 is {found}): get the right file, or pin "
                    f"this one with --pin {source.file}={found} if you know where it is from."
                )
            return found, "operator"
        kept = self._kept().get(source.file)
        if self._required and (kept is None or kept.pinned == "first use"):
            raise WeightsNotPinned(
                f"No hash of {source.file} is published, and none is pinned (its SHA-256 is {found}): compare it with "
                f"the publisher's file, then add --pin {source.file}={found}."
            )
        if kept is None:
            return found, "first use"
        if found != kept.sha256:
            raise WeightsChanged(
                f"{source.file} is not the file that was used first (its SHA-256 is {found}, but was "
                f"{kept.sha256}): get that file again, or pin the new one with --pin {source.file}={found} if you know "
                "why it changed."
            )
        return found, kept.pinned

    def keep(self, file: str, sha256: str, pinned: Pinned) -> None:
        """Store a hash for later builds."""
        if pinned == "published":
            return
        pins = self._kept() | {file: _Pin(sha256=sha256, pinned=pinned)}
        written = self._path.with_suffix(".new")
        document = {name: pin.model_dump() for name, pin in sorted(pins.items())}
        written.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        written.replace(self._path)

    def _kept(self) -> dict[str, _Pin]:
        if not self._path.is_file():
            return {}
        try:
            document = json.loads(self._path.read_text(encoding="utf-8"))
            return {str(name): _Pin.model_validate(pin) for name, pin in document.items()}
        except (ValueError, ValidationError, AttributeError) as error:
            raise PackBuildFailed(
                f"{self._path} is damaged: restore it, or delete it and pin the files again with --pin."
            ) from error
