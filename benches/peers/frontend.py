"""Resampling and log-mel of ten seconds of stereo at 48 kHz, beside librosa and torchaudio."""
from __future__ import annotations

import numpy as np

from measure import bench, median_ms

SAMPLE_RATE_HZ, INPUT_RATE_HZ, HOP_SAMPLES = 22_050, 48_000, 1_575
SECONDS = 10
MEL = {"n_fft": 1024, "hop_length": 315, "n_mels": 80, "center": False}


def compare(vocald: str, rounds: int, with_torch: bool) -> None:
    """Prints milliseconds per window, the best of so many rounds."""
    sound = np.random.default_rng(0).standard_normal((2, SECONDS * INPUT_RATE_HZ)).astype(np.float32) * 0.1
    others = {"librosa": with_librosa(sound)}
    if with_torch:
        others["torchaudio"] = with_torchaudio(sound, filter_width=6)
        others["torchaudio, vocald's filter length"] = with_torchaudio(sound, filter_width=44)
    best = dict.fromkeys([*others, "vocald"], np.inf)
    hops = SECONDS * SAMPLE_RATE_HZ / HOP_SAMPLES
    for _ in range(rounds):
        for name, run in others.items():
            best[name] = min(best[name], median_ms(run, 5) / hops)
        own = sum(stage["median_ms"] for stage in bench(vocald)
                  if stage["stage"].startswith(("capture to ring", "channel mix", "resampler", "STFT")))
        best["vocald"] = min(best["vocald"], own)
    print("\nfeatures from 48 kHz stereo, milliseconds per window; vocald's include the ring and the watch of channels")
    for name, value in best.items():
        print(f"{name:35} {value:8.3f}  {value / best['vocald']:5.1f} times vocald")


def with_librosa(sound: np.ndarray):
    import librosa

    def run():
        mono = librosa.resample(sound.mean(axis=0), orig_sr=INPUT_RATE_HZ, target_sr=SAMPLE_RATE_HZ)
        bands = librosa.feature.melspectrogram(
            y=mono, sr=SAMPLE_RATE_HZ, fmin=27.5, fmax=8000.0, power=1.0, **MEL)
        return np.log(np.maximum(bands, 1e-5))

    return run


def with_torchaudio(sound: np.ndarray, filter_width: int):
    """`filter_width`: zero crossings of the resampler's sinc to each side; torchaudio's default is 6. vocald's filter
    of 4 ms has 44 at 22 050 Hz."""
    import torch
    import torchaudio

    torch.set_num_threads(1)
    resample = torchaudio.transforms.Resample(
        INPUT_RATE_HZ, SAMPLE_RATE_HZ, lowpass_filter_width=filter_width)
    bands = torchaudio.transforms.MelSpectrogram(
        SAMPLE_RATE_HZ, f_min=27.5, f_max=8000.0, power=1.0, norm="slaney", mel_scale="slaney", **MEL)

    def run():
        with torch.no_grad():
            return bands(resample(torch.from_numpy(sound).mean(dim=0))).clamp(min=1e-5).log()

    return run
