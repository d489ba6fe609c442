#!/usr/bin/env python3
"""Draws the decisions of vocald on a song: probability and voice over the log-mel spectrogram.

usage: plot_demo.py SONG LABELS.csv REFERENCE.lab OUT.png

LABELS.csv is what `vocald detect SONG --format csv` writes. Needs librosa and matplotlib (`pip install librosa
matplotlib`).
"""
import csv
import sys

import librosa
import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (after the backend is chosen)

INK, VOICE, REFERENCE = "#1c2733", "#d1495b", "#2e7f86"


def spans(lab: str) -> list[tuple[float, float]]:
    rows = [line.split() for line in open(lab) if line.strip()]
    return [(float(start), float(end)) for start, end, label in rows if label == "sing"]


def main() -> None:
    song, labels, reference, out = sys.argv[1:5]
    rows = list(csv.DictReader(open(labels)))
    t = np.array([float(r["t"]) for r in rows])
    p = np.array([float(r["p"]) for r in rows])
    voice = np.array([r["voice"] in ("1", "true") for r in rows])

    y, _ = librosa.load(song, sr=22050, mono=True)
    mel = librosa.feature.melspectrogram(
        y=y, sr=22050, n_fft=1024, hop_length=315, center=False, power=1.0, n_mels=80, fmin=27.5, fmax=8000
    )
    plt.rcParams.update({"font.size": 10, "text.color": INK, "axes.edgecolor": "#9aa5b1"})
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(11, 4.6), sharex=True, height_ratios=[3, 2])
    log_mel = np.log(np.maximum(mel, 1e-5))
    end_s = (512 + 315 * mel.shape[1]) / 22050
    top.imshow(log_mel, origin="lower", aspect="auto", cmap="magma", extent=(0, end_s, 0, 80),
               vmin=np.percentile(log_mel, 5))
    top.set_ylabel("mel band")
    for start, end in spans(reference):
        bottom.axvspan(start, end, 1.03 / 1.32, 1.1 / 1.32, color=REFERENCE, lw=0)
    bottom.fill_between(t, 0, 1.0, where=voice, color=VOICE, alpha=0.22, lw=0, step="mid", label="voice, as published")
    bottom.plot(t, p, color=INK, lw=0.9, label="probability")
    bottom.plot([], [], color=REFERENCE, lw=5, label="machine-made reference")
    bottom.set(ylim=(0, 1.32), xlim=(0, end_s), xlabel="seconds", ylabel="voice")
    bottom.legend(loc="upper center", ncols=3, frameon=False, fontsize=8)
    figure.tight_layout()
    figure.savefig(out, dpi=90)


if __name__ == "__main__":
    main()
