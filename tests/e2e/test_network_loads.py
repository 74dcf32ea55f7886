"""Each network is loaded once by a process, whatever it is used for."""

from collections import Counter
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from PIL import Image

from muster.api.system import Services
from muster.composition.local import LocalBackend
from muster.composition.vision import open_models
from muster.domain.actor import OPERATOR
from muster.domain.identifiers import GroupId, SessionId, StudentId, UserId
from muster.domain.registration import RegistrationDetails
from muster.packs.load import ModelPack
from muster.packs.manifest import shipped_spec
from muster.vision import levelling, pipeline
from muster.vision.decode import decode
from tests.contract.conftest import aws, aws_endpoint  # noqa: F401 fixtures
from tests.contract.places import AwsPlace
from tests.e2e.aws_services import aws_services

OBAMA, GROUP, SESSION = StudentId("barack_obama"), GroupId("7b"), SessionId("monday")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The files that ONNX Runtime opens from now on, by name."""
    files: Counter[str] = Counter()
    original = onnxruntime.InferenceSession

    def open_counted(path: str, *args: Any, **options: Any) -> onnxruntime.InferenceSession:
        files[Path(path).name] += 1
        return original(path, *args, **options)

    monkeypatch.setattr(onnxruntime, "InferenceSession", open_counted)
    return files


@pytest.fixture
def levelled(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The faces that were levelled, in their order."""
    faces: list[Any] = []
    level = levelling.level

    def level_noted(pixels: Any, face: Any, detect: Any) -> Any:
        faces.append(face)
        return level(pixels, face, detect)

    monkeypatch.setattr(pipeline, "level", level_noted)
    return faces


def tilted(photo: Path) -> bytes:
    """A portrait that is levelled before it is registered."""
    written = BytesIO()
    Image.open(photo).convert("RGB").rotate(25, fillcolor=(128, 128, 128)).save(written, "PNG")
    return written.getvalue()


def use(services: Services, samples: Path) -> None:
    """Register from a tilted photo, call the roll, and learn a face that a person names."""
    details = RegistrationDetails(OBAMA, "Ada", frozenset({GROUP}), consent=True)
    services.registration.register(details, tilted(samples / "gallery" / f"{OBAMA}.jpg"), OPERATOR)
    result = services.detection.detect(GROUP, [(samples / "photos" / "group.jpg").read_bytes()], SESSION)
    face = next(face for face in result.photos[0].faces if face.student_id == OBAMA)
    services.learning.name(SESSION, face.face_id, OBAMA, UserId("teacher"), anyway=True)


def write_segmenter(file: Path) -> None:
    """Write a network with the input and output of the cloud pack's segmenter, which calls bright pixels head."""
    shape: list[str | int | None] = ["n", 3, 256, 256]
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [1])
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["crop", "axes"], ["mean"], keepdims=0),
            helper.make_node("Sigmoid", ["mean"], ["head"]),
        ],
        "segmenter",
        [helper.make_tensor_value_info("crop", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("head", TensorProto.FLOAT, ["n", 256, 256])],
        [axes],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), file)


def test_a_server_loads_each_network_once_for_everything_it_does(
    pack: ModelPack, samples: Path, tmp_path: Path, opened: Counter[str], levelled: list[Any]
) -> None:
    use(LocalBackend(tmp_path / "store").services, samples)
    assert levelled
    assert opened == {file.name: 1 for file in (pack.detector, *pack.embedders)}


def test_a_function_loads_each_network_once_for_everything_it_does(
    aws: AwsPlace,  # noqa: F811
    pack: ModelPack,
    pack_home: Path,
    samples: Path,
    opened: Counter[str],
    levelled: list[Any],
) -> None:
    use(aws_services(aws, pack_home), samples)
    assert levelled
    assert opened == {file.name: 1 for file in (pack.detector, *pack.embedders)}


def test_registration_and_detection_share_the_cloud_packs_segmenter(
    pack: ModelPack, samples: Path, tmp_path: Path, opened: Counter[str]
) -> None:
    segmenter = tmp_path / "segmenter.onnx"
    write_segmenter(segmenter)
    enabled = shipped_spec("cloud").segmenter.model_copy(update={"enabled": True})
    manifest = pack.manifest.model_copy(update={"segmenter": enabled})
    vision = open_models(replace(pack, segmenter=segmenter, manifest=manifest), 1)
    vision.registration_views(decode((samples / "gallery" / f"{OBAMA}.jpg").read_bytes()))
    assert len(vision.probes(decode((samples / "photos" / "group.jpg").read_bytes())).faces)
    assert opened == {file.name: 1 for file in (pack.detector, *pack.embedders, segmenter)}
