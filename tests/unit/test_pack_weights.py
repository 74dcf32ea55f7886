"""Sources of weights and the verification of their hashes, over real HTTP and a simulated bucket."""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import boto3
import pytest

from muster.domain.errors import (
    ExportMissing,
    InvalidRequest,
    PackBuildFailed,
    WeightsChanged,
    WeightsNotPinned,
    WeightsUnreachable,
)
from muster.packs.bucket_weights import Bucket, open_bucket
from muster.packs.manifest import PublishedSource, shipped_spec
from muster.packs.published import Comparison, build_published
from muster.packs.weights import Folder, Pins, PublicAddress
from muster.services.packs.building import build_pack
from tests.simulated_aws import simulated_aws

CONTENT = b"weights" * 300_000


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.pt").write_bytes(CONTENT)
    return folder


def a_source(address: str = "https://nowhere.invalid/a.pt", sha256: str | None = None) -> PublishedSource:
    return PublishedSource(
        part="embedder", address=address, file="a.pt", sha256=sha256, makes="a.onnx", network="A", licence="MIT"
    )


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


class Short(Quiet):
    """Says that there is more than it sends."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:1000])


def served(handler: Any) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def host(files: Path) -> Iterator[str]:
    yield from served(partial(Quiet, directory=str(files)))


@pytest.fixture
def short_host() -> Iterator[str]:
    yield from served(Short)


def test_a_download_tells_how_far_it_is_and_arrives_whole(host: str, tmp_path: Path) -> None:
    shares: list[float] = []
    path = PublicAddress().fetch(a_source(f"{host}/a.pt"), tmp_path / "kept", shares.append)
    assert path.read_bytes() == CONTENT
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_host_that_cannot_send_the_rest_sends_the_whole_again(host: str, tmp_path: Path) -> None:
    (tmp_path / "kept.part").write_bytes(b"something else")
    path = PublicAddress().fetch(a_source(f"{host}/a.pt", digest(CONTENT)), tmp_path / "kept", lambda share: None)
    assert path.read_bytes() == CONTENT


def test_a_download_that_breaks_off_is_told_and_kept_for_the_next_try(short_host: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsUnreachable, match="the received part is kept"):
        PublicAddress().fetch(a_source(f"{short_host}/a.pt"), tmp_path / "kept", lambda share: None)
    assert (tmp_path / "kept.part").read_bytes() == CONTENT[:1000]
    assert not (tmp_path / "kept").exists()


def test_a_file_that_is_not_published_any_more_says_where_else_it_may_come_from(host: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsUnreachable, match=r"404.*--from"):
        PublicAddress().fetch(a_source(f"{host}/gone.pt"), tmp_path / "kept", lambda share: None)


def test_a_folder_without_the_file_says_its_name(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnreachable, match=r"a\.pt does not exist"):
        Folder(tmp_path).fetch(a_source(), tmp_path / "kept", lambda share: None)


@pytest.mark.aws
def test_weights_are_read_from_a_bucket(tmp_path: Path) -> None:
    with simulated_aws() as endpoint:
        client = boto3.Session("test", "test", region_name="us-east-1").client("s3", endpoint_url=endpoint)
        client.create_bucket(Bucket="weights")
        client.put_object(Bucket="weights", Key="packs/cloud/a.pt", Body=CONTENT)
        bucket = Bucket(client, "weights", "packs/cloud")
        shares: list[float] = []
        assert bucket.fetch(a_source(), tmp_path / "kept", shares.append).read_bytes() == CONTENT
        assert shares[-1] == 1.0
        with pytest.raises(WeightsUnreachable, match=r"s3://weights/a\.pt cannot be read"):
            Bucket(client, "weights", "").fetch(a_source(), tmp_path / "kept", lambda share: None)
    with pytest.raises(InvalidRequest, match="names no bucket"):
        open_bucket("s3://")


def test_a_hash_is_kept_from_the_first_use_on_and_only_the_operator_changes_it(files: Path, tmp_path: Path) -> None:
    kept, path = tmp_path / "pins.json", files / "a.pt"
    assert Pins(kept, {}).check(a_source(), path) == (digest(CONTENT), "first use")
    Pins(kept, {}).keep("a.pt", digest(CONTENT), "first use")
    assert Pins(kept, {}).check(a_source(), path) == (digest(CONTENT), "first use")
    path.write_bytes(b"other")
    with pytest.raises(WeightsChanged, match=f"--pin a.pt={digest(b'other')}"):
        Pins(kept, {}).check(a_source(), path)
    assert Pins(kept, {"a.pt": digest(b"other")}).check(a_source(), path) == (digest(b"other"), "operator")
    Pins(kept, {}).keep("a.pt", digest(b"other"), "operator")
    assert Pins(kept, {}).check(a_source(), path) == (digest(b"other"), "operator")
    assert json.loads(kept.read_text()) == {"a.pt": {"sha256": digest(b"other"), "pinned": "operator"}}


def test_a_build_may_require_that_every_hash_is_confirmed(files: Path, tmp_path: Path) -> None:
    kept, path = tmp_path / "pins.json", files / "a.pt"
    Pins(kept, {}).keep("a.pt", digest(CONTENT), "first use")
    with pytest.raises(WeightsNotPinned, match=f"--pin a.pt={digest(CONTENT)}"):
        Pins(kept, {}, required=True).check(a_source(), path)
    given = {"a.pt": digest(CONTENT)}
    assert Pins(kept, given, required=True).check(a_source(), path) == (digest(CONTENT), "operator")
    published = a_source(sha256=digest(CONTENT))
    assert Pins(kept, {}, required=True).check(published, path) == (digest(CONTENT), "published")


def test_a_published_hash_is_not_overruled(files: Path, tmp_path: Path) -> None:
    source = a_source(sha256=digest(b"published"))
    with pytest.raises(WeightsChanged, match="not the published file"):
        Pins(tmp_path / "pins.json", {}).check(source, files / "a.pt")
    with pytest.raises(PackBuildFailed, match="cannot be pinned to another"):
        Pins(tmp_path / "pins.json", {"a.pt": digest(CONTENT)}).check(source, files / "a.pt")


@pytest.mark.parametrize("text", ["", "[]", '{"a.pt": 1}', '{"a.pt": {"sha256": "x", "pinned": "first use"}}'])
def test_damaged_pins_are_told_and_pin_nothing(text: str, files: Path, tmp_path: Path) -> None:
    (tmp_path / "pins.json").write_text(text)
    with pytest.raises(PackBuildFailed, match="is damaged"):
        Pins(tmp_path / "pins.json", {}).check(a_source(), files / "a.pt")


def test_exporting_without_its_libraries_says_how_to_get_them(files: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    if find_spec("ultralytics"):
        pytest.skip("the exporters' libraries are installed here")
    import numpy as np

    shipped = shipped_spec("cloud")
    spec = shipped.model_copy(update={"sources": (a_source(sha256=digest(CONTENT)),)})
    nothing = Comparison([], np.empty((0, 160, 160, 3), np.uint8))
    with pytest.raises(ExportMissing, match=r"requirements/export\.txt"):
        build_published(spec, tmp_path, Folder(files), nothing)
    assert not (tmp_path / "packs" / "cloud").exists()


def test_what_a_pack_cannot_be_told_is_refused(tmp_path: Path) -> None:
    def build(name: str, weights_from: str | None = None, pins: Mapping[str, str] | None = None) -> None:
        build_pack(
            name, tmp_path, weights_from=weights_from, pins=pins or {}, samples=None, progress=lambda step, share: None
        )

    with pytest.raises(InvalidRequest, match="pinned packages"):
        build("embedded", str(tmp_path))
    with pytest.raises(InvalidRequest, match="is not a file of the pack"):
        build("cloud", pins={"x": "0" * 64})
    with pytest.raises(InvalidRequest, match="is not a folder"):
        build("cloud", str(tmp_path / "none"))
