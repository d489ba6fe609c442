"""The frontend of the networks in numpy: samples at 22 050 Hz in, log-mel windows out.

The values are those of the program to 1e-4. Other rates must be converted first, for example by ``soxr`` or
``scipy.signal.resample_poly``; the program's own filter differs a little from theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

_LINEAR_BELOW_HZ = 1000.0
_HZ_PER_LINEAR_MEL = 200.0 / 3.0
_MELS_PER_NEPER = 27.0 / np.log(6.4)


@dataclass(frozen=True)
class Frontend:
    """Parameters of the frontend, as an exported network states them."""

    sample_rate_hz: int = 22_050
    frame_samples: int = 1024
    hop_samples: int = 315
    mel_bands: int = 80
    mel_min_hz: float = 27.5
    mel_max_hz: float = 8000.0
    log_floor: float = 1e-5
    window_frames: int = 80
    window_hop_frames: int = 5

    @classmethod
    def of(cls, description: dict[str, Any]) -> Frontend:
        """The frontend in the description of an exported network."""
        return cls(**{name: value for name, value in description["frontend"].items() if name != "separation"})

    def log_mel(self, samples: ArrayLike) -> NDArray[np.float32]:
        """Natural logarithms of mel magnitudes, frames × bands, of mono samples at ``sample_rate_hz``.

        Frame k is samples ``[k * hop_samples, k * hop_samples + frame_samples)`` without padding.
        """
        sound = np.asarray(samples, dtype=np.float32)
        if sound.ndim != 1:
            raise ValueError(f"samples have shape {sound.shape}; mix them to mono first")
        if len(sound) < self.frame_samples:
            return np.zeros((0, self.mel_bands), dtype=np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(sound, self.frame_samples)[:: self.hop_samples]
        n = np.arange(self.frame_samples)
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * n / self.frame_samples)
        magnitude = np.abs(np.fft.rfft(frames * hann.astype(np.float32), axis=1))
        mel = magnitude @ self.mel_filters().T
        return np.log(np.maximum(mel, self.log_floor)).astype(np.float32)

    def windows(self, log_mel: NDArray[np.float32]) -> NDArray[np.float32]:
        """The windows of a network: windows × frames × bands, a new one every ``window_hop_frames``."""
        if len(log_mel) < self.window_frames:
            return np.zeros((0, self.window_frames, self.mel_bands), dtype=np.float32)
        view = np.lib.stride_tricks.sliding_window_view(log_mel, self.window_frames, axis=0)
        return np.ascontiguousarray(view[:: self.window_hop_frames].transpose(0, 2, 1))

    def time_s(self, window: NDArray[np.int64], horizon_frames: NDArray[np.int64]) -> NDArray[np.float64]:
        """Stream time of the frame that each horizon predicts, in seconds."""
        frame = window * self.window_hop_frames + self.window_frames - 1 - horizon_frames
        return (frame * self.hop_samples + self.frame_samples / 2) / self.sample_rate_hz

    def mel_filters(self) -> NDArray[np.float64]:
        """Triangular filters of Slaney's scale and norm, bands × bins."""
        mel = np.linspace(_mel(self.mel_min_hz), _mel(self.mel_max_hz), self.mel_bands + 2)
        left, centre, right = (edges[:, None] for edges in np.array([_hz(mel)[i : i - 2 or None] for i in range(3)]))
        hz = np.arange(self.frame_samples // 2 + 1) * self.sample_rate_hz / self.frame_samples
        rising, falling = (hz - left) / (centre - left), (right - hz) / (right - centre)
        weights = np.maximum(0.0, np.minimum(rising, falling)) * 2.0 / (right - left)
        filters: NDArray[np.float64] = weights.astype(np.float32).astype(np.float64)
        return filters


def _mel(hz: float) -> float:
    if hz < _LINEAR_BELOW_HZ:
        return hz / _HZ_PER_LINEAR_MEL
    return float(_LINEAR_BELOW_HZ / _HZ_PER_LINEAR_MEL + np.log(hz / _LINEAR_BELOW_HZ) * _MELS_PER_NEPER)


def _hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = _LINEAR_BELOW_HZ / _HZ_PER_LINEAR_MEL
    above: NDArray[np.float64] = _LINEAR_BELOW_HZ * np.exp((mel - linear) / _MELS_PER_NEPER)
    return np.where(mel < linear, mel * _HZ_PER_LINEAR_MEL, above)
