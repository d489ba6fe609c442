"""Ratios of vocald's times to other programs'. See run, which makes the environment for it."""
from __future__ import annotations

import argparse
import json
import pathlib
import platform
import subprocess
import tempfile
import time

import numpy as np
import onnxruntime

import networks

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BATCHES = (1, 16)
PRECISIONS = ("float32", "bfloat16")
SAMPLE_RATE_HZ, INPUT_RATE_HZ = 22_050, 48_000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--vocald", default=str(REPOSITORY / "target" / "release" / "vocald"))
    parser.add_argument("--depths", default="14,34,50,152")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frontend", action="store_true")
    args = parser.parse_args()
    print(f"{processor()}; onnxruntime {onnxruntime.__version__}; one thread, milliseconds per window\n")
    print("depth  batch  onnxruntime  " + "".join(f"{name:>9}  ratio  " for name in PRECISIONS))
    with tempfile.TemporaryDirectory() as folder:
        for depth in map(int, args.depths.split(",")):
            forward(args.vocald, depth, pathlib.Path(folder), args.rounds)
        if args.frontend:
            frontend(args.vocald, args.rounds)


def processor() -> str:
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def forward(vocald: str, depth: int, folder: pathlib.Path, rounds: int) -> None:
    checkpoint, graph = folder / f"{depth}.safetensors", folder / f"{depth}.onnx"
    networks.write_checkpoint(depth, checkpoint)
    networks.write_onnx(depth, checkpoint, graph)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    theirs: dict[int, list[float]] = {batch: [] for batch in BATCHES}
    ours: dict[tuple[str, int], list[float]] = {}
    passes = max(10, 1400 // depth)
    for _ in range(rounds):
        for batch in BATCHES:
            windows = np.random.default_rng(0).standard_normal((batch, 1, 80, 80), np.float32)
            theirs[batch].append(median_ms(lambda: session.run(None, {"windows": windows}), passes) / batch)
        for precision in PRECISIONS:
            for batch, value in vocald_ms(vocald, checkpoint, precision, passes).items():
                ours.setdefault((precision, batch), []).append(value)
    for batch in BATCHES:
        best = min(theirs[batch])
        columns = [min(ours[precision, batch]) for precision in PRECISIONS]
        text = "".join(f"{value:9.2f}  {value / best:5.2f}  " for value in columns)
        print(f"{depth:5}  {batch:5}  {best:11.2f}  {text}", flush=True)


def median_ms(run, passes: int) -> float:
    run()
    times = []
    for _ in range(passes):
        started = time.perf_counter()
        run()
        times.append((time.perf_counter() - started) * 1000)
    return float(np.median(times))


def bench(vocald: str, *options: str) -> list[dict]:
    command = [vocald, "bench", "--json", "--device", "cpu", *options]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(output)["stages"]


def vocald_ms(vocald: str, checkpoint: pathlib.Path, precision: str, passes: int) -> dict[int, float]:
    options = ("--model", str(checkpoint), "--precision", precision, "--passes", str(passes))
    stages = bench(vocald, *options)
    return {batch: stage["median_ms"] for stage in stages for batch in BATCHES
            if stage["stage"].startswith("forward pass") and stage["stage"].endswith(f", {batch} at once")}


def frontend(vocald: str, rounds: int) -> None:
    """Resampling and log-mel of ten seconds of stereo at 48 kHz."""
    import librosa
    import torch
    import torchaudio

    torch.set_num_threads(1)
    seconds = 10
    sound = np.random.default_rng(0).standard_normal((2, seconds * INPUT_RATE_HZ)).astype(np.float32) * 0.1
    mel = {"n_fft": 1024, "hop_length": 315, "n_mels": 80, "center": False}

    def with_librosa():
        mono = librosa.resample(sound.mean(axis=0), orig_sr=INPUT_RATE_HZ, target_sr=SAMPLE_RATE_HZ)
        bands = librosa.feature.melspectrogram(
            y=mono, sr=SAMPLE_RATE_HZ, fmin=27.5, fmax=8000.0, power=1.0, **mel)
        return np.log(np.maximum(bands, 1e-5))

    resample = torchaudio.transforms.Resample(INPUT_RATE_HZ, SAMPLE_RATE_HZ)
    bands = torchaudio.transforms.MelSpectrogram(
        SAMPLE_RATE_HZ, f_min=27.5, f_max=8000.0, power=1.0, norm="slaney", mel_scale="slaney", **mel)

    def with_torchaudio():
        with torch.no_grad():
            return bands(resample(torch.from_numpy(sound).mean(dim=0))).clamp(min=1e-5).log()

    hops = seconds * SAMPLE_RATE_HZ / 1575
    best = {"librosa": np.inf, "torchaudio": np.inf, "vocald": np.inf}
    for _ in range(rounds):
        best["librosa"] = min(best["librosa"], median_ms(with_librosa, 3) / hops)
        best["torchaudio"] = min(best["torchaudio"], median_ms(with_torchaudio, 5) / hops)
        stages = {stage["stage"]: stage["median_ms"] for stage in bench(vocald)}
        own = sum(ms for name, ms in stages.items()
                  if name.startswith(("capture to ring", "resampler", "STFT")))
        best["vocald"] = min(best["vocald"], own)
    print("\nfeatures from 48 kHz stereo, milliseconds per window; vocald's include the ring")
    for name, value in best.items():
        print(f"{name:11} {value:8.3f}  {value / best['vocald']:5.1f} times vocald")


if __name__ == "__main__":
    main()
