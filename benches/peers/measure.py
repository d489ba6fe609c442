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
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(output)["stages"]


def child_seconds(command: list[str]) -> tuple[float, float]:
    """Seconds of a program, by the clock and of the processor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def own_seconds(run: Callable[[], object]) -> tuple[float, float]:
    """The same of a function."""
    wall, processor = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - processor
