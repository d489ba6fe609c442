"""What the whole program costs: its start, one stream in real time, its memory, and labels of an hour and of three.

usage: long_sound.py PROGRAM

Needs numpy and soundfile; benches/all runs it in the environment of benches/peers.
"""
from __future__ import annotations

import collections
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time
from typing import NoReturn, TextIO

import numpy as np
import soundfile

DEMO = pathlib.Path(__file__).resolve().parents[1] / "tests" / "data" / "demo.ogg"
STARTS = 3
# A stream in real time is measured from ten seconds after its first line on, for a minute.
SETTLED_S, MEASURED_S = 10, 60
SHORT_S = 180
# The kernel's kB are kibibytes.
MB_PER_KB = 1024 / 1e6
TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")
LABELLED_HOURS = (1, 3)
OPTIONS = (
    "--precision float32", "--precision bfloat16", "--precision auto",
    "--precision bfloat16 --every 2", "--precision bfloat16 --every 4", "--precision bfloat16 --every 8",
)


def main() -> None:
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        short = pathlib.Path(folder) / "short.wav"
        write(short, SHORT_S / 3600)
        starts(program, short)
        real_time(program, short)
        print("\ncommand                                  seconds  processor  times real time  per processor  peak MB")
        show("--version", cost([program, "--version"]), None)
        for hours in LABELLED_HOURS:
            sound = pathlib.Path(folder) / f"{hours}h.flac"
            write(sound, hours)
            for options in OPTIONS:
                if hours == 1 or options == "--precision bfloat16":
                    command = [program, "detect", "--device", "cpu", *options.split(), str(sound)]
                    show(f"detect {options}, {hours} h", cost(command), hours * 3600)


def starts(program: str, sound: pathlib.Path) -> None:
    """Prints the time from the call of `run` to its first line."""
    for precision in ("auto", "float32"):
        times = []
        for _ in range(STARTS):
            child, first_line_s = start(program, sound, precision)
            stop(child)
            times.append(first_line_s)
        text = ", ".join(f"{seconds:.2f}" for seconds in times)
        print(f"run --precision {precision}, to its first line: {text} s", flush=True)


def real_time(program: str, sound: pathlib.Path) -> None:
    """Prints the share of a core of one stream, without the start, and the memory after it."""
    child, _ = start(program, sound, "auto")
    threading.Thread(target=child.stdout.read, daemon=True).start()
    time.sleep(SETTLED_S)
    began, before = time.perf_counter(), processor_s(child.pid)
    time.sleep(MEASURED_S)
    share = (processor_s(child.pid) - before) / (time.perf_counter() - began)
    status = pathlib.Path(f"/proc/{child.pid}/status").read_text()
    now, peak = (int(re.search(rf"^{key}:\s+(\d+) kB", status, re.MULTILINE)[1]) * MB_PER_KB for key in ("VmRSS", "VmHWM"))
    parts = resident_mb(child.pid, program)
    stop(child)
    print(f"share of a core of one stream, from {SETTLED_S} s after its first line on: {100 * share:.1f} %")
    print(f"memory after {SETTLED_S + MEASURED_S} s: {now:.0f} MB, at the most {peak:.0f} MB; of the former "
          + ", ".join(f"{part} {mb:.0f} MB" for part, mb in parts.most_common()), flush=True)


def start(program: str, sound: pathlib.Path, precision: str) -> tuple[subprocess.Popen, float]:
    """`run` on a sound in real time, and the seconds until its first line."""
    command = [program, "run", "--device", "cpu", "--precision", precision, "--pace", "realtime", str(sound)]
    with tempfile.TemporaryFile("w+") as errors:
        started = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)
        if not child.stdout.readline():
            child.wait()
            fail(command, errors)
        return child, time.perf_counter() - started


def fail(command: list[str], errors: TextIO) -> NoReturn:
    """Ends with what the program says about its failure."""
    errors.seek(0)
    raise SystemExit(f"{' '.join(command)} failed: {errors.read().strip()}")


def stop(child: subprocess.Popen) -> None:
    child.kill()
    child.wait()


def processor_s(pid: int) -> float:
    """Seconds of the processor that a process has used."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def resident_mb(pid: int, program: str) -> collections.Counter[str]:
    """Resident memory by what is mapped."""
    parts: collections.Counter[str] = collections.Counter()
    part = ""
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            part = kind(" ".join(line.split()[5:]), program)
        elif line.startswith("Rss:"):
            parts[part] += int(line.split()[1]) * MB_PER_KB
    return parts


def kind(mapped: str, program: str) -> str:
    if mapped == os.path.realpath(program):
        return "program"
    if "libtorch" in mapped:
        return "libtorch"
    if mapped == "[heap]":
        return "heap"
    return "other libraries" if mapped.startswith("/") else "other memory without a file"


def cost(command: list[str]) -> tuple[float, float, float]:
    """Seconds by the clock and of the processor, and the largest resident memory in MB."""
    with tempfile.TemporaryFile("w+") as errors:
        started = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        _, status, usage = os.wait4(child.pid, 0)
        took = time.perf_counter() - started
        if status != 0:
            fail(command, errors)
    return took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * MB_PER_KB


def show(name: str, costs: tuple[float, float, float], seconds: float | None) -> None:
    wall, processor, peak = costs
    ratios = f"{seconds / wall:15.0f}  {seconds / processor:13.0f}" if seconds else " " * 30
    print(f"{name:40} {wall:7.2f}  {processor:9.2f}  {ratios}  {peak:7.0f}", flush=True)


def write(path: pathlib.Path, hours: float) -> None:
    """The demo song again and again, in stereo at 44.1 kHz."""
    sound, rate_hz = soundfile.read(DEMO, dtype="int16", always_2d=True)
    sound = np.repeat(sound, 2, axis=1) if sound.shape[1] == 1 else sound
    with soundfile.SoundFile(path, "w", rate_hz, sound.shape[1]) as file:
        for _ in range(round(hours * 3600 * rate_hz / len(sound))):
            file.write(sound)


if __name__ == "__main__":
    main()
