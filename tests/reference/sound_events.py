#!/usr/bin/env python3
"""Makes sound_events.json: figures of made labels and detections by sed_eval, for tests/training/sound_events.rs.

usage: sound_events.py        (writes beside itself)

Needs sed_eval 0.2.1 and numpy. The decisions outside the collar are counted here, independently of the Rust code: a
change of the labels removes those less than 0.25 s away.
"""
from __future__ import annotations

import json
import pathlib
import random

import sed_eval

HERE = pathlib.Path(__file__).resolve().parent
# vocald decides on every fifth frame; at a horizon of 7 frames, from frame 72 on.
HOP_FRAMES = 5
FIRST_DECIDED_FRAME = 72
HORIZON_FRAMES = 7
COLLAR_S = 0.25


def spans(rng: random.Random, length_s: float) -> list[list[float]]:
    """Voices of 0.1 to 6 s with pauses of 0.1 to 4 s."""
    found, t = [], rng.uniform(0.0, 3.0)
    while True:
        end = t + rng.choice([rng.uniform(0.1, 0.6), rng.uniform(0.5, 6.0)])
        if end > length_s:
            return found
        found.append([round(t, 4), round(end, 4)])
        t = end + rng.choice([rng.uniform(0.1, 0.5), rng.uniform(0.5, 4.0)])


def detected(rng: random.Random, labelled: list[list[float]]) -> list[list[float]]:
    """Labels moved, merged, dropped and split, and false ones in between."""
    found = []
    for start, end in labelled:
        if rng.random() < 0.15:
            continue
        found.append([start + rng.gauss(0.05, 0.15), end + rng.gauss(0.1, 0.4)])
        if end - start > 2 and rng.random() < 0.3:
            middle = (start + end) / 2
            found[-1] = [found[-1][0], middle - 0.2]
            found.append([middle + 0.2, end])
    for (_, end), (start, _) in zip(labelled, labelled[1:]):
        if start - end > 2 and rng.random() < 0.4:
            found.append([end + 0.7, start - 0.7])
    found.sort()
    apart = []
    for start, end in found:
        start = max(start, 0.0, apart[-1][1] + 0.02 if apart else 0.0)
        if end > start + 0.03:
            apart.append([round(start, 4), round(end, 4)])
    return apart


def events(voices):
    return [{"event_label": "voice", "event_onset": a, "event_offset": b, "file": "x", "scene_label": "x"} for a, b in voices]


def sed(tracks):
    def event_based(offsets):
        measure = sed_eval.sound_event.EventBasedMetrics(
            ["voice"], t_collar=0.2, percentage_of_length=0.5, evaluate_onset=True, evaluate_offset=offsets
        )
        for track in tracks:
            measure.evaluate(events(track["labelled"]), events(track["detected"]))
        return measure.results_overall_metrics()["f_measure"]["f_measure"]

    segments = sed_eval.sound_event.SegmentBasedMetrics(["voice"], time_resolution=1.0)
    for track in tracks:
        segments.evaluate(events(track["labelled"]), events(track["detected"]), evaluated_length_seconds=track["length_s"])
    by_segment = segments.results_overall_metrics()
    return {
        "onset_f1": event_based(False),
        "onset_offset_f1": event_based(True),
        "segment_error_rate": by_segment["error_rate"]["error_rate"],
        "segment_f1": by_segment["f_measure"]["f_measure"],
    }


def collar(track):
    """The voices on vocald's frames and decisions, and the decisions outside the collar, counted: all, right, voice by
    the labels, and right among these."""
    frame_s = lambda frame: (frame * 315 + 512) / 22050
    is_voice = lambda voices, t: any(a <= t < b for a, b in voices)
    frames = int(track["length_s"] * 70) - 4
    labels = [is_voice(track["labelled"], frame_s(f)) for f in range(frames)]
    changes = [(frame_s(f - 1) + frame_s(f)) / 2 for f in range(1, frames) if labels[f] != labels[f - 1]]
    decided_frames = range(FIRST_DECIDED_FRAME, frames - HORIZON_FRAMES, HOP_FRAMES)
    decided = [is_voice(track["detected"], frame_s(f)) for f in decided_frames]
    counts = [0, 0, 0, 0]
    for frame, voice in zip(decided_frames, decided):
        if all(abs(frame_s(frame) - change) >= COLLAR_S for change in changes):
            right = labels[frame] == voice
            counts = [n + x for n, x in zip(counts, [1, right, labels[frame], labels[frame] and right])]
    word = lambda flags: "".join("V" if flag else "." for flag in flags)
    return {"frames": word(labels), "decisions": word(decided), "counts": counts}


def main():
    rng = random.Random(20261128)
    tracks = []
    for length_s in (30.0, 45.0, 61.5, 90.0):
        labelled = spans(rng, length_s)
        found = [[a, min(b, length_s)] for a, b in detected(rng, labelled) if a < length_s]
        tracks.append({"length_s": length_s, "labelled": labelled, "detected": found})
    for track in tracks:
        track["collar"] = collar(track)
        track["sed_eval"] = sed([track])
    fixture = {"tracks": tracks, "all": sed(tracks)}
    (HERE / "sound_events.json").write_text(json.dumps(fixture, indent=1) + "\n")


if __name__ == "__main__":
    main()
