"""Untrained SE-ResNets for the comparison: as vocald checkpoints and, with the same weights, as ONNX files.

Needs numpy, onnx and safetensors.
"""
from __future__ import annotations

import json
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file, save_file

# Depth: (bottleneck blocks?, blocks of each stage).
DEPTHS = {
    14: (False, [2, 2, 2]),
    18: (False, [2, 2, 2, 2]),
    34: (False, [3, 4, 6, 3]),
    50: (True, [3, 4, 6, 3]),
    101: (True, [3, 4, 23, 3]),
    152: (True, [3, 8, 36, 3]),
    200: (True, [3, 12, 48, 3]),
}
HORIZONS = [15, 2]
WINDOW = (80, 80)


def tensor_shapes(depth: int) -> dict[str, tuple[int, ...]]:
    """Every tensor of a checkpoint but `mean` and `std`."""
    shapes: dict[str, tuple[int, ...]] = {}

    def norm(place: str, channels: int) -> None:
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{place}.{part}"] = (channels,)

    def dense(place: str, outputs: int, inputs: int) -> None:
        shapes[f"{place}.weight"] = (outputs, inputs)
        shapes[f"{place}.bias"] = (outputs,)

    shapes["stem.conv.weight"] = (64, 1, 7, 7)
    norm("stem.norm", 64)
    inputs = 64
    for place, width, outputs, _, kernels in blocks(depth):
        channels = inputs
        for number, kernel in enumerate(kernels, 1):
            out = outputs if number == len(kernels) else width
            shapes[f"{place}.conv{number}.weight"] = (out, channels, kernel, kernel)
            norm(f"{place}.norm{number}", out)
            channels = out
        dense(f"{place}.se.reduce", outputs // 16, outputs)
        dense(f"{place}.se.expand", outputs, outputs // 16)
        if changes_shape(place, inputs, outputs):
            shapes[f"{place}.down.conv.weight"] = (outputs, inputs, 1, 1)
            norm(f"{place}.down.norm", outputs)
        inputs = outputs
    dense("head", 2 * len(HORIZONS), inputs)
    return shapes


def blocks(depth: int):
    """Place, inner and outer channels, stride and kernel sizes of each block."""
    is_bottleneck, counts = DEPTHS[depth]
    for stage, count in enumerate(counts):
        width = 64 << stage
        outputs, kernels = (4 * width, (1, 3, 1)) if is_bottleneck else (width, (3, 3))
        for index in range(count):
            stride = 2 if stage > 0 and index == 0 else 1
            yield f"stages.{stage}.{index}", width, outputs, stride, kernels


def changes_shape(place: str, inputs: int, outputs: int) -> bool:
    return inputs != outputs or (place.endswith(".0") and not place.startswith("stages.0"))


def write_checkpoint(depth: int, path: pathlib.Path) -> None:
    """He's initialisation with the running statistics of a standard normal input."""
    random = np.random.default_rng(depth)
    tensors = {"mean": np.full(80, -4.0), "std": np.full(80, 2.0)}
    for name, shape in tensor_shapes(depth).items():
        if len(shape) > 1:
            deviation = np.sqrt(2.0 / (shape[0] * np.prod(shape[2:])))
            tensors[name] = random.standard_normal(shape) * deviation
        else:
            tensors[name] = np.full(shape, float(name.endswith(("norm.weight", "running_var")) or
                                                  ".norm" in name and name.endswith(".weight")))
    metadata = {
        "format_version": 1,
        "name": f"untrained-{depth}",
        "architecture": "se_resnet",
        "depth": depth,
        "frontend": {
            "sample_rate_hz": 22050, "frame_samples": 1024, "hop_samples": 315, "mel_bands": 80,
            "mel_min_hz": 27.5, "mel_max_hz": 8000.0, "log_floor": 1e-05, "window_frames": 80,
            "window_hop_frames": 5,
        },
        "horizons_frames": HORIZONS,
        "operating_points": [{"threshold": 0.5, "enter": 0.5, "leave": 0.5, "confirm_n": 1, "confirm_m": 1,
                              "min_voice_s": 0.0, "min_gap_s": 0.0}] * len(HORIZONS),
        "default_horizon_frames": HORIZONS[-1],
        "trained_on": [],
        "figures": {},
        "license": "CC0-1.0",
    }
    tensors = {name: np.ascontiguousarray(values, np.float32) for name, values in tensors.items()}
    save_file(tensors, path, {"vocald": json.dumps(metadata)})


def write_onnx(depth: int, checkpoint: pathlib.Path, path: pathlib.Path) -> None:
    """The network of a checkpoint, from normalised windows × 1 × 80 × 80 to logits; batch normalisation folded."""
    weights = load_file(checkpoint)
    nodes, constants = [], []

    def constant(name: str, values: np.ndarray) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))
        return name

    def add(kind: str, inputs: list[str], **attributes) -> str:
        output = f"{kind}_{len(nodes)}"
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def convolution(x: str, conv: str, norm: str, stride: int) -> str:
        weight = weights[f"{conv}.weight"]
        scale, shift, mean, variance = (
            weights[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var"))
        factor = scale / np.sqrt(variance + 1e-5)
        inputs = [x, constant(f"{conv}.w", weight * factor[:, None, None, None]),
                  constant(f"{conv}.b", shift - mean * factor)]
        pad = weight.shape[2] // 2
        return add("Conv", inputs, strides=[stride] * 2, pads=[pad] * 4, kernel_shape=weight.shape[2:])

    def pointwise(x: str, place: str) -> str:
        weight, bias = (weights[f"{place}.{part}"] for part in ("weight", "bias"))
        return add("Conv", [x, constant(f"{place}.w", weight[:, :, None, None]), constant(f"{place}.b", bias)],
                   kernel_shape=[1, 1])

    x = add("Relu", [convolution("windows", "stem.conv", "stem.norm", 2)])
    x = add("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    inputs = 64
    for place, _, outputs, stride, kernels in blocks(depth):
        y = x
        for number, kernel in enumerate(kernels, 1):
            if number > 1:
                y = add("Relu", [y])
            # The first 3 × 3 convolution has the stride.
            at = stride if kernel == 3 and number == kernels.index(3) + 1 else 1
            y = convolution(y, f"{place}.conv{number}", f"{place}.norm{number}", at)
        squeezed = add("Relu", [pointwise(add("GlobalAveragePool", [y]), f"{place}.se.reduce")])
        y = add("Mul", [y, add("Sigmoid", [pointwise(squeezed, f"{place}.se.expand")])])
        if changes_shape(place, inputs, outputs):
            x = convolution(x, f"{place}.down.conv", f"{place}.down.norm", stride)
        x = add("Relu", [add("Add", [y, x])])
        inputs = outputs
    features = add("Flatten", [add("GlobalAveragePool", [x])])
    head = [features, constant("head.w", weights["head.weight"]), constant("head.b", weights["head.bias"])]
    logits = add("Gemm", head, transB=1)
    graph = helper.make_graph(
        nodes, f"se_resnet_{depth}",
        [helper.make_tensor_value_info("windows", TensorProto.FLOAT, ["N", 1, *WINDOW])],
        [helper.make_tensor_value_info(logits, TensorProto.FLOAT, ["N", 2 * len(HORIZONS)])],
        constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)
