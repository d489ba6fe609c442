#!/usr/bin/env python3
"""Makes the golden data that tests/audio/log_mel.rs, tests/audio/separated_mel.rs and
tests/model/golden.rs compare with.

usage: make_fixtures.py        (writes beside itself)

Needs numpy, librosa, soundfile, safetensors and torch 2.11.0; see README.md here.
"""
from __future__ import annotations

import json
import math
import pathlib

import librosa
import numpy as np
import soundfile
import torch
from safetensors.numpy import save_file

import separated_mel
from bilstm import BiLstm
from scnn import Scnn
from se_resnet import SeResNet

HERE = pathlib.Path(__file__).resolve().parent
DEMO = HERE.parent / "data" / "demo.ogg"
SAMPLE_RATE_HZ = 22_050
FRAME_SAMPLES = 1024
HOP_SAMPLES = 315
WINDOW_FRAMES = 80
SCNN_WINDOW_FRAMES = 115
BILSTM_SEQUENCE_FRAMES = 218
LOG_FLOOR = 1e-5
# Music alone, the voice's entry, and voice.
EXCERPT_S = (1.5, 5.0)
# Digital silence behind it, where the logarithm's floor holds.
SILENCE_S = 0.2
GOLDEN_DEPTHS = (14, 50)
HORIZONS = 2


def excerpt(rate_hz: int) -> np.ndarray:
    """A few seconds of the demo clip as 16-bit samples at a rate."""
    sound, rate = soundfile.read(DEMO, dtype="float64", always_2d=True)
    mono = librosa.resample(sound.mean(axis=1), orig_sr=rate, target_sr=rate_hz)
    start, end = (round(t * rate_hz) for t in EXCERPT_S)
    sound = np.concatenate([mono[start:end], np.zeros(round(SILENCE_S * rate_hz))])
    return np.clip(np.round(sound * 32768.0), -32768, 32767).astype(np.int16)


def log_mel(samples: np.ndarray) -> np.ndarray:
    """Frames × bands, in double precision throughout."""
    spectrum = librosa.stft(
        samples.astype(np.float64) / 32768.0,
        n_fft=FRAME_SAMPLES,
        hop_length=HOP_SAMPLES,
        window="hann",
        center=False,
        dtype=np.complex128,
    )
    bands = librosa.filters.mel(
        sr=SAMPLE_RATE_HZ, n_fft=FRAME_SAMPLES, n_mels=80, fmin=27.5, fmax=8000.0, dtype=np.float64
    )
    return np.log(np.maximum(bands @ np.abs(spectrum), LOG_FLOOR)).T


def fnv1a_64(text: str) -> int:
    state = 0xCBF29CE484222325
    for byte in text.encode():
        state = ((state ^ byte) * 0x100000001B3) % 2**64
    return state


def noise(name: str, count: int) -> np.ndarray:
    """Numbers in [-1, 1), the same in every language: splitmix64 started at the name's hash."""
    with np.errstate(over="ignore"):
        steps = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = np.uint64(fnv1a_64(name)) + steps
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2**23 - 1.0


def generated(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """A tensor's values by its name. The scales keep activations and logits of order one."""
    fan_in = math.prod(shape[1:])
    if name == "mean":
        centre, spread = -2.0, 1.0
    elif name == "std":
        centre, spread = 2.0, 0.5
    elif name.endswith(".running_var"):
        centre, spread = 1.5, 0.5
    elif name.endswith(".running_mean") or ".bias" in name:
        centre, spread = 0.0, 0.1
    elif len(shape) == 1:
        centre, spread = 1.0, 0.5
    else:
        centre, spread = 0.0, math.sqrt(6.0 / fan_in)
    values = centre + spread * noise(name, math.prod(shape))
    return values.astype(np.float32).reshape(shape)


def save(name: str, arrays: dict[str, np.ndarray], metadata: dict[str, str] | None = None) -> None:
    # save_file writes the bytes as they lie in memory, so they must lie row after row.
    arrays = {key: np.ascontiguousarray(array) for key, array in arrays.items()}
    path = HERE / f"{name}.safetensors"
    save_file(arrays, path, metadata)
    path.chmod(0o644)


def excerpts(frames: np.ndarray, length: int) -> np.ndarray:
    """Three windows of so many frames."""
    starts = np.linspace(0, len(frames) - length, 3).astype(int)
    return np.stack([frames[s : s + length] for s in starts]).astype(np.float32)


def golden_model(name: str, model: torch.nn.Module, windows: np.ndarray) -> None:
    model.eval()
    tensors = model.tensors()
    with torch.no_grad():
        for key, tensor in tensors.items():
            tensor.copy_(torch.from_numpy(generated(key, tuple(tensor.shape))))
        model.double()
        logits = model(torch.from_numpy(windows).double())
        voice = torch.softmax(logits, dim=2)[:, :, 1]
    print(f"{name}: logits {logits.flatten().tolist()}")
    print(f"{name}: probabilities {voice.tolist()}")
    shapes = {key: list(tensor.shape) for key, tensor in tensors.items()}
    save(
        name,
        {"windows": windows, "probabilities": voice.numpy()},
        {"shapes": json.dumps(shapes, separators=(",", ":"))},
    )


def main() -> None:
    samples = excerpt(SAMPLE_RATE_HZ)
    frames = log_mel(samples)
    save("log_mel", {"samples": samples, "log_mel": frames})
    windows = excerpts(frames, WINDOW_FRAMES)
    for depth in GOLDEN_DEPTHS:
        golden_model(f"se_resnet_{depth}", SeResNet(depth, HORIZONS), windows)
    golden_model("scnn", Scnn(HORIZONS), excerpts(frames, SCNN_WINDOW_FRAMES))
    # Any numbers of its shape will do for the network.
    golden_model("bilstm", BiLstm(), excerpts(frames, BILSTM_SEQUENCE_FRAMES))
    samples = excerpt(separated_mel.SAMPLE_RATE_HZ)
    energies = separated_mel.energies(samples.astype(np.float32) / np.float32(32768.0))
    save("separated_mel", {"samples": samples, "energies": energies.astype(np.float32)})


if __name__ == "__main__":
    main()
