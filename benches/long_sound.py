"""What the whole program costs: its start, one stream in real time, and labels of an hour and of three.

usage: long_sound.py PROGRAM

Needs numpy and soundfile; benches/all runs it in the environment of benches/peers.
"""
from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import soundfile

DEMO = pathlib.Path(__file__).resolve().parents[1] / "tests" / "data" / "demo.ogg"
REALTIME_S = 60


def main() -> None:
    program = sys.argv[1]
    print("command                                  seconds  processor  times real time  per processor  peak MB")
    show("--version", cost([program, "--version"]), None)
    with tempfile.TemporaryDirectory() as folder:
        for hours in (1, 3):
            sound = pathlib.Path(folder) / f"{hours}h.flac"
            write(sound, hours)
            for options in ("--precision float32", "--precision bfloat16", "--precision auto", "--precision bfloat16 --every 2",
                            "--precision bfloat16 --every 4", "--precision bfloat16 --every 8"):
                if hours == 1 or options == "--precision bfloat16":
                    command = [program, "detect", "--device", "cpu", *options.split(), str(sound)]
                    show(f"detect {options}, {hours} h", cost(command), hours * 3600)
    # Stopped by its duration: the song is longer.
    command = [program, "run", "--device", "cpu", "--pace", "realtime", "--duration", str(REALTIME_S), str(DEMO)]
    wall, processor, peak = cost(command)
    show("run, one stream in real time", (wall, processor, peak), REALTIME_S)
    print(f"share of a core of one stream: {100 * processor / wall:.1f} %")


def cost(command: list[str]) -> tuple[float, float, float]:
    """Seconds by the clock and of the processor, and the largest resident memory in MB."""
    started = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        raise SystemExit(f"{' '.join(command)} failed")
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000


def show(name: str, costs: tuple[float, float, float], seconds: float | None) -> None:
    wall, processor, peak = costs
    ratios = f"{seconds / wall:15.0f}  {seconds / processor:13.0f}" if seconds else " " * 30
    print(f"{name:40} {wall:7.2f}  {processor:9.2f}  {ratios}  {peak:7.0f}", flush=True)


def write(path: pathlib.Path, hours: int) -> None:
    """The demo song again and again, in stereo at 44.1 kHz."""
    sound, rate_hz = soundfile.read(DEMO, dtype="int16", always_2d=True)
    sound = np.repeat(sound, 2, axis=1) if sound.shape[1] == 1 else sound
    with soundfile.SoundFile(path, "w", rate_hz, sound.shape[1]) as file:
        for _ in range(round(hours * 3600 * rate_hz / len(sound))):
            file.write(sound)


if __name__ == "__main__":
    main()
