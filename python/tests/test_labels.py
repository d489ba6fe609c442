"""`vocald.detect` gives what `vocald detect` prints."""

from __future__ import annotations

import subprocess
from pathlib import Path

import mir_eval
import numpy as np
import pytest

import vocald


@pytest.fixture(scope="module")
def detection(program: str, recording: Path) -> vocald.Detection:
    return vocald.detect(recording, program=program)


def printed(program: str, recording: Path, form: str) -> list[str]:
    command = [program, "detect", f"--format={form}", str(recording)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def test_decisions_are_those_of_the_program(program: str, recording: Path, detection: vocald.Detection) -> None:
    rows = [row.split(",") for row in printed(program, recording, "csv")[1:]]
    assert len(detection.t) > 100
    np.testing.assert_allclose(detection.t, [float(row[0]) for row in rows], atol=1e-6)
    np.testing.assert_allclose(detection.p, [float(row[1]) for row in rows], atol=1e-6)
    assert detection.voice.tolist() == [row[2] == "1" for row in rows]
    assert [str(array.dtype) for array in (detection.t, detection.p, detection.voice)] == ["float64", "float32", "bool"]


def test_spans_are_those_of_the_program(program: str, recording: Path, detection: vocald.Detection) -> None:
    rows = [row.split() for row in printed(program, recording, "lab")]
    intervals, words = detection.labelled()
    assert words == [row[2] for row in rows]
    np.testing.assert_allclose(intervals, [[float(row[0]), float(row[1])] for row in rows], atol=1e-6)
    sung = [interval for interval, word in zip(intervals.tolist(), words) if word == "sing"]
    assert [list(span) for span in detection.spans] == sung
    assert detection.intervals.tolist() == sung and sung


def test_mir_eval_takes_the_intervals(detection: vocald.Detection) -> None:
    intervals, words = detection.labelled()
    mir_eval.util.validate_intervals(intervals)
    precision, recall, f = mir_eval.segment.pairwise(intervals, words, intervals, words)
    assert (precision, recall, f) == (1.0, 1.0, 1.0)
    onsets = detection.intervals[:, 0]
    assert mir_eval.onset.f_measure(onsets, onsets)[0] == 1.0


def test_pandas_gets_a_row_for_each_decision(detection: vocald.Detection) -> None:
    table = detection.to_pandas()
    assert list(table.columns) == ["t", "p", "voice"]
    assert len(table) == len(detection.t)


def test_options_reach_the_program(program: str, recording: Path, detection: vocald.Detection) -> None:
    other = vocald.detect(recording, program=program, lookahead=0.3, threshold=0.9)
    assert other.lookahead < detection.lookahead
    live = vocald.detect(recording, program=program, live=True)
    assert live.lookahead < other.lookahead
    assert other.voice.sum() < detection.voice.sum()


def test_a_missing_file_raises_the_programs_sentence(program: str) -> None:
    with pytest.raises(vocald.ProgramError, match="nowhere.wav"):
        vocald.detect("nowhere.wav", program=program)


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch, recording: Path) -> None:
    monkeypatch.setenv("VOCALD", "/nowhere/vocald")
    with pytest.raises(vocald.ProgramNotFound, match="/nowhere/vocald"):
        vocald.detect(recording)


def test_a_recording_without_a_voice_has_empty_arrays() -> None:
    empty = np.zeros(0)
    detection = vocald.Detection("a", 1.5, "m", 0.1, (), empty, empty.astype(np.float32), empty.astype(np.bool_))
    assert detection.intervals.shape == (0, 2)
    intervals, words = detection.labelled()
    assert (intervals.tolist(), words) == ([[0.0, 1.5]], ["nosing"])
