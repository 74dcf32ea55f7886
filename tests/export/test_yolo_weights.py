"""A weights file of ultralytics is a pickle: what it may do when it is read, and what is said of another's."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from ultralytics.nn.tasks import DetectionModel, PoseModel, SegmentationModel, yaml_model_load

from muster.domain.errors import PackBuildFailed
from muster.packs.export.yolo import yolo
from tests.export.yolo_weights import made, published_form


class Calls:
    """Pickles as a call, which an ordinary reader of pickles makes."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


def file_of(content: Any) -> bytes:
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


@pytest.fixture(scope="module")
def published(photos: list[NDArray[np.uint8]]) -> bytes:
    return published_form(made("yolov8n", photos[:1]))


def test_a_published_network_is_read_in_full_precision_and_ready_to_answer(published: bytes) -> None:
    network = yolo(published, "face.pt")
    assert {weights.dtype for weights in network.parameters()} == {torch.float32}
    assert not network.training
    assert network(torch.zeros(1, 3, 64, 96)).shape == (1, 5, 8 * 12 + 4 * 6 + 2 * 3)


def test_a_file_that_would_write_to_the_disk_is_refused_and_does_not(published: bytes, tmp_path: Path) -> None:
    trace = tmp_path / "it was here"
    whole = torch.load(io.BytesIO(published), weights_only=False)
    content = file_of(whole | {"train_args": Calls(Path.touch, trace)})
    with pytest.raises(PackBuildFailed, match="contains more than a network"):
        yolo(content, "face.pt")
    assert not trace.exists()
    # The same file does act when it is read as pickles are: the refusal above is what kept it from acting.
    torch.load(io.BytesIO(content), weights_only=False)
    assert trace.exists()


def test_a_network_described_by_code_is_refused_and_the_code_is_not_run(tmp_path: Path) -> None:
    trace = tmp_path / "it was here"
    settings = yaml_model_load("yolov8n.yaml") | {"activation": f"open({str(trace)!r}, 'w')"}
    content = file_of({"model": Calls(DetectionModel, settings, 3, 1, False)})
    with pytest.raises(PackBuildFailed, match="contains more than a network"):
        yolo(content, "face.pt")
    assert not trace.exists()


@pytest.mark.parametrize("kept", [0, 100, 3_000_000])
def test_a_file_cut_short_is_refused(published: bytes, kept: int) -> None:
    with pytest.raises(PackBuildFailed, match="damaged"):
        yolo(published[:kept], "face.pt")


@pytest.mark.parametrize(
    ("architecture", "form", "changes"),
    [
        ("yolov8n", DetectionModel, {"nc": 80}),
        ("yolov8n-pose", PoseModel, {"nc": 1, "kpt_shape": [17, 3]}),
        ("yolov8n-seg", SegmentationModel, {"nc": 1}),
        ("yolov10n", DetectionModel, {"nc": 1}),
    ],
)
def test_a_network_that_finds_other_things_or_answers_otherwise_is_refused(
    architecture: str, form: type[DetectionModel], changes: dict[str, Any]
) -> None:
    network = form(yaml_model_load(f"{architecture}.yaml") | changes, verbose=False)
    with pytest.raises(PackBuildFailed, match="not a supported face detector"):
        yolo(file_of({"model": network}), "other.pt")


def test_a_state_dict_alone_is_refused() -> None:
    with pytest.raises(PackBuildFailed, match="not a supported face detector"):
        yolo(file_of({"weight": torch.zeros(3)}), "other.pt")
