"""The numpy frontend against librosa's values (tests/reference/README.md)."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from numpy.typing import NDArray

from conftest import REPOSITORY
from vocald.frontend import Frontend


def safetensors(name: str) -> dict[str, NDArray[np.float32]]:
    data = (REPOSITORY / "tests/reference" / name).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for key, entry in header.items():
        start, end = entry["data_offsets"]
        values = np.frombuffer(data[8 + length + start : 8 + length + end], {"F32": "<f4", "F64": "<f8", "I16": "<i2"}[entry["dtype"]])
        tensors[key] = values.reshape(entry["shape"]).astype(np.float32)
    return tensors


def test_log_mel_equals_librosa() -> None:
    reference = safetensors("log_mel.safetensors")
    log_mel = Frontend().log_mel(reference["samples"] / 32768)
    assert log_mel.shape == reference["log_mel"].shape
    np.testing.assert_allclose(log_mel, reference["log_mel"], atol=1e-4)


def test_windows_overlap_by_all_but_five_frames() -> None:
    frames = np.arange(95 * 80, dtype=np.float32).reshape(95, 80)
    windows = Frontend().windows(frames)
    assert windows.shape == (4, 80, 80)
    np.testing.assert_array_equal(windows[2], frames[10:90])
    assert Frontend().windows(frames[:79]).shape == (0, 80, 80)


def test_sound_that_is_shorter_than_a_frame_has_none() -> None:
    assert Frontend().log_mel(np.zeros(1023)).shape == (0, 80)
    assert Frontend().log_mel(np.zeros(1024)).shape == (1, 80)
    with pytest.raises(ValueError, match="mono"):
        Frontend().log_mel(np.zeros((2048, 2)))
