"""Share of the cores' float32 arithmetic that FaceNet uses, measured in a separate process.

    python -m benchmarks.operations.pipeline_parts.capacity facenet.onnx

Prints one line of JSON. The work of a crop is counted from the graph: two operations for each multiplication of its
convolutions and matrix products, nothing for the rest. What the cores can do is the best of numpy's and ONNX Runtime's
product of two 2048 x 2048 matrices. Both are timed in turns, the best of each counts.
"""

import json
import sys
import time
from collections.abc import Callable
from math import prod
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper, shape_inference

THREADS = 2
BATCH = 16
SIDE = 2048
ROUNDS = 12


def operations(model: onnx.ModelProto) -> int:
    """Return the float operations of one crop."""
    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    fixed.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    graph = shape_inference.infer_shapes(fixed, data_prop=True).graph
    shapes = {
        value.name: [size.dim_value for size in value.type.tensor_type.shape.dim]
        for value in [*graph.input, *graph.value_info, *graph.output]
    }
    weights = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    weights |= {
        node.output[0]: list(numpy_helper.to_array(node.attribute[0].t).shape)
        for node in graph.node
        if node.op_type == "Constant"
    }
    total = 0
    for node in graph.node:
        if node.op_type == "Conv":
            # Each value of the output is a sum over one filter.
            total += 2 * prod(shapes[node.output[0]][1:]) * prod(weights[node.input[1]][1:])
        elif node.op_type in ("MatMul", "Gemm"):
            total += 2 * prod(weights[node.input[1]])
    return total


def session(model: bytes) -> onnxruntime.InferenceSession:
    """Open a model with the threads of the benchmark."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that one call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main(path: Path) -> None:
    """Measure and print."""
    random = np.random.default_rng(0)
    left, right = (random.standard_normal((SIDE, SIDE), np.float32) for _ in range(2))
    matrices = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [SIDE, SIDE]) for name in "abc"]
    node = helper.make_node("MatMul", ["a", "b"], ["c"])
    graph = helper.make_graph([node], "product", matrices[:2], matrices[2:])
    product = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    runtime, network = session(product.SerializeToString()), session(path.read_bytes())
    crops = random.standard_normal((BATCH, 3, 160, 160), np.float32)
    works: dict[str, Callable[[], object]] = {
        "numpy": lambda: left @ right,
        "onnxruntime": lambda: runtime.run(None, {"a": left, "b": right}),
        "facenet": lambda: network.run(None, {"face": crops}),
    }
    best = dict.fromkeys(works, np.inf)
    for _ in range(ROUNDS):
        best = {name: min(best[name], timed(work)) for name, work in works.items()}
    of_product, of_crop = 2 * SIDE**3, operations(onnx.load(path))
    peak = {name: of_product / best[name] / 1e9 for name in ("numpy", "onnxruntime")}
    reached = BATCH * of_crop / best["facenet"] / 1e9
    print(
        json.dumps(
            {
                "operations_per_crop": of_crop,
                "milliseconds_per_crop": round(best["facenet"] / BATCH * 1000, 2),
                "gigaflops": round(reached, 1),
                "peak_gigaflops": {name: round(value, 1) for name, value in peak.items()},
                "share_of_peak": round(reached / max(peak.values()), 3),
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
