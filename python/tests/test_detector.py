"""`vocald.Detector` decides as the program does on the same sound."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import vocald
from conftest import RATE


def chunks(samples: NDArray[np.int16], seed: int) -> Iterator[NDArray[np.int16]]:
    """Chunks of any size, now and then empty."""
    sizes = np.random.default_rng(seed)
    at = 0
    while at < len(samples):
        size = int(sizes.integers(0, 9000))
        yield samples[at : at + size]
        at += size


def test_decisions_equal_those_of_detect(program: str, samples: NDArray[np.int16], recording: Path) -> None:
    expected = vocald.detect(recording, program=program, live=True)
    with vocald.Detector(RATE, channels=2, program=program) as detector:
        messages = list(detector.run(chunks(samples, 1)))
    decisions = [message for message in messages if isinstance(message, vocald.Decision)]
    assert [d.voice for d in decisions] == expected.voice.tolist()
    # The last digit depends on how many windows are processed together.
    np.testing.assert_allclose([d.p for d in decisions], expected.p, atol=1e-6)
    np.testing.assert_allclose([d.t for d in decisions], expected.t, atol=1e-6)
    onsets = [m.t for m in messages if isinstance(m, vocald.Onset)]
    np.testing.assert_allclose(onsets, [span.start for span in expected.spans], atol=1e-6)


def test_a_chunk_returns_the_decisions_that_it_completes(program: str, samples: NDArray[np.int16]) -> None:
    with vocald.Detector(RATE, channels=2, program=program) as detector:
        assert detector.hello.model
        fed = 0
        for start in range(0, 6 * RATE, RATE // 2):
            messages = detector.feed(samples[start : start + RATE // 2])
            fed += RATE // 2
            decisions = [m for m in messages if isinstance(m, vocald.Decision)]
            if fed / RATE > 2.5:
                # Half a second holds seven windows.
                assert len(decisions) in (6, 7, 8)
                newest = decisions[-1]
                assert 0 <= fed / RATE - (newest.t + newest.lookahead) < detector.hello.hop + 0.05
                assert detector.voice == newest.voice


def test_floats_and_integers_are_scaled_alike(program: str, samples: NDArray[np.int16]) -> None:
    mono = samples[: 3 * RATE, 0]

    def probabilities(sound: NDArray[np.generic]) -> NDArray[np.float64]:
        with vocald.Detector(RATE, program=program) as detector:
            return np.array([m.p for m in detector.run([sound]) if isinstance(m, vocald.Decision)])

    reference = probabilities(mono)
    assert len(reference) > 10
    for other in (
        (mono / 32768).astype(np.float32),
        (mono / 32768).astype(np.float64),
        mono.astype(np.int32) * 65536,
        (mono.astype(np.int32) + 32768).astype(np.uint16),
    ):
        np.testing.assert_allclose(probabilities(other), reference, atol=1e-6)


def test_a_chunk_of_another_shape_is_refused(program: str) -> None:
    with vocald.Detector(RATE, channels=2, program=program) as detector:
        with pytest.raises(ValueError, match="frames x 2"):
            detector.feed(np.zeros((10, 3), dtype=np.float32))
        with pytest.raises(ValueError, match="frames x 2"):
            detector.feed(np.zeros(11, dtype=np.float32))


def test_a_detector_that_cannot_start_raises_the_programs_sentence(program: str) -> None:
    with pytest.raises(vocald.ProgramError, match="7.*Hz"):
        vocald.Detector(7, program=program)


def test_closing_twice_is_harmless(program: str) -> None:
    with vocald.Detector(RATE, program=program) as detector:
        last = detector.close()
        assert isinstance(last[-1], vocald.State)
        assert detector.close() == []
