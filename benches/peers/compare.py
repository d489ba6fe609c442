"""Ratios of vocald's times to other programs'. See run, which makes the environment for it."""
from __future__ import annotations

import argparse
import pathlib
import platform
import sys
import tempfile

import numpy as np
import onnxruntime

import frontend
import jobs
import networks
from measure import bench, median_ms, output

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BATCHES = (1, 16)
PRECISIONS = ("float32", "bfloat16") + ("float16",) * ("avx512_fp16" in pathlib.Path("/proc/cpuinfo").read_text())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--vocald", required=True)
    parser.add_argument("--depths", default="14,34,50,152")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--torch", action="store_true")
    args = parser.parse_args()
    print(f"{version(args.vocald)}; {processor()}; onnxruntime {onnxruntime.__version__}; one thread, milliseconds per window\n")
    others = ["onnxruntime"] + ["PyTorch", "compiled"] * args.torch
    print("depth  batch  " + "".join(f"{name:>11}  " for name in others)
          + "".join(f"{name:>9}  ratio  " for name in PRECISIONS))
    with tempfile.TemporaryDirectory() as folder:
        for depth in filter(None, map(int, args.depths.split(","))):
            forward(args.vocald, depth, pathlib.Path(folder), args.rounds, args.torch)
        frontend.compare(args.vocald, args.rounds, args.torch)
        jobs.compare(args.vocald, pathlib.Path(folder), args.minutes, args.rounds)


def version(program: str) -> str:
    return output([program, "--version"]).strip()


def processor() -> str:
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def forward(vocald: str, depth: int, folder: pathlib.Path, rounds: int, with_torch: bool) -> None:
    checkpoint, graph = folder / f"{depth}.safetensors", folder / f"{depth}.onnx"
    networks.write_checkpoint(depth, checkpoint)
    networks.write_onnx(depth, checkpoint, graph)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    others = {"onnxruntime": lambda windows: session.run(None, {"windows": windows})}
    if with_torch:
        others |= pytorch(depth, checkpoint)
    theirs: dict[tuple[str, int], list[float]] = {}
    ours: dict[tuple[str, int], list[float]] = {}
    passes = max(10, 1400 // depth)
    for _ in range(rounds):
        for batch in BATCHES:
            windows = np.random.default_rng(0).standard_normal((batch, 1, 80, 80), np.float32)
            for name, run in others.items():
                value = median_ms(lambda: run(windows), passes) / batch
                theirs.setdefault((name, batch), []).append(value)
        for precision in PRECISIONS:
            for batch, value in vocald_ms(vocald, checkpoint, precision, passes).items():
                ours.setdefault((precision, batch), []).append(value)
    for batch in BATCHES:
        best = min(theirs["onnxruntime", batch])
        text = "".join(f"{min(theirs[name, batch]):11.2f}  " for name in others)
        columns = [min(ours[precision, batch]) for precision in PRECISIONS]
        text += "".join(f"{value:9.2f}  {value / best:5.2f}  " for value in columns)
        print(f"{depth:5}  {batch:5}  {text}", flush=True)


def pytorch(depth: int, checkpoint: pathlib.Path) -> dict:
    """The network of tests/reference with the same weights, as it is and compiled."""
    import torch
    from safetensors.torch import load_file

    sys.path.insert(0, str(REPOSITORY / "tests" / "reference"))
    from se_resnet import SeResNet

    torch.set_num_threads(1)
    network = SeResNet(depth, len(networks.HORIZONS)).eval()
    network.load_state_dict(load_file(checkpoint), strict=False)
    compiled = torch.compile(network)

    def run(forward):
        def pass_(windows):
            with torch.inference_mode():
                return forward(torch.from_numpy(windows[:, 0]))
        return pass_

    return {"PyTorch": run(network), "compiled": run(compiled)}


def vocald_ms(vocald: str, checkpoint: pathlib.Path, precision: str, passes: int) -> dict[int, float]:
    options = ("--model", str(checkpoint), "--precision", precision, "--passes", str(passes))
    stages = bench(vocald, *options)
    return {batch: stage["median_ms"] for stage in stages for batch in BATCHES
            if stage["stage"].startswith("forward pass") and stage["stage"].endswith(f", {batch} at once")}


if __name__ == "__main__":
    main()
