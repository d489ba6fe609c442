"""Times of functions, of vocald's stages and of whole programs."""
from __future__ import annotations

import json
import resource
import subprocess
import time
from typing import Callable

import numpy as np


def median_ms(run: Callable[[], object], passes: int) -> float:
    """The median time of a call, after one that is not counted."""
    run()
    times = []
    for _ in range(passes):
        started = time.perf_counter()
        run()
        times.append((time.perf_counter() - started) * 1000)
    return float(np.median(times))


def bench(vocald: str, *options: str) -> list[dict]:
    """The stages of `vocald bench`."""
    command = [vocald, "bench", "--json", "--device", "cpu", *options]
    return json.loads(output(command))["stages"]


def output(command: list[str]) -> str:
    """What a program prints. Ends with what it says about a failure."""
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode:
        raise SystemExit(f"{' '.join(command)} failed: {ended.stderr.strip()}")
    return ended.stdout


def child_seconds(command: list[str]) -> tuple[float, float]:
    """Seconds of a program, by the clock and of the processor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    output(command)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def own_seconds(run: Callable[[], object]) -> tuple[float, float]:
    """The same of a function."""
    wall, processor = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - processor
