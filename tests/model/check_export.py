"""Compares exported networks with the program: `check_export.py FOLDER`.

The folder has `sound.f32` (samples at 22 050 Hz), `log_mel.f32` (the program's frames) and `cases.json`: for each
case a file, the number of its first window and the program's probabilities.
"""

import json
import sys
from pathlib import Path

import numpy as np

from vocald.network import Network

TOLERANCE = 1e-4

folder = Path(sys.argv[1])
sound = np.fromfile(folder / "sound.f32", "<f4")
reference = np.fromfile(folder / "log_mel.f32", "<f4").reshape(-1, 80)
for case in json.loads((folder / "cases.json").read_text()):
    network = Network(folder / case["file"])
    log_mel = network.frontend.log_mel(sound)[: len(reference)]
    difference = float(np.abs(log_mel - reference).max())
    assert log_mel.shape == reference.shape and difference < TOLERANCE, f"log-mel differs by {difference}"
    windows = network.frontend.windows(network.frontend.log_mel(sound))
    expected = np.array(case["p"], dtype=np.float32)
    first = case["first"]
    chosen = windows[first : first + len(expected)]

    def probabilities(windows, number, network=network):
        p = network.probabilities(windows, number)
        if "speech_output" not in network.description:
            return p
        return np.concatenate([p, network.speech_probabilities(windows, number)], axis=1)

    together = probabilities(chosen, first)
    # One by one: the number of windows is free.
    alone = np.concatenate([probabilities(chosen[i : i + 1], first + i) for i in range(len(chosen))])
    for name, p in (("together", together), ("alone", alone)):
        assert p.shape == expected.shape, (case["file"], p.shape, expected.shape)
        difference = float(np.abs(p - expected).max())
        assert difference < TOLERANCE, f"{case['file']} {name} differs by {difference}"
    assert float(np.ptp(expected)) > 10 * TOLERANCE, f"{case['file']} hardly moves"
    description = network.description
    assert len(description["operating_points"]) == len(network.horizons_frames)
    assert len(description["normalisation"]["mean"]) == 80
    assert description["spectrum"]["window"] == "hann, periodic"
    assert description["frontend"]["window_frames"] == windows.shape[1]
    print(case["file"], "differs by", difference)
