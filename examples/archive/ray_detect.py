"""Labels an archive on a Ray cluster: one task for each of N parts, each a run of `vocald detect`.

    pip install ray
    python ray_detect.py files.txt --out labels --shards 100

Every node needs the program `vocald` (or VOCALD, its path) and the same paths for sounds and labels. A part whose
worker dies is run again elsewhere; `--skip-done` makes it go on after the last finished sound. The same command goes
on with a job that was ended. At its end the manifests of the parts are merged into OUT/manifest.jsonl.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import ray

# A part is tried this often more if its worker dies or the manifest is still in use.
RETRIES = 5
PR_SET_PDEATHSIG = 1


def die_with_the_worker() -> None:
    """Runs in vocald before it starts. A vocald that outlived its worker would label what the next one labels too."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@ray.remote(num_cpus=1, max_retries=RETRIES)
def detect(names: str, out: str, part: str, options: list[str]) -> tuple[int, str]:
    """Labels one part; returns the exit code of vocald and its last line."""
    command = [os.environ.get("VOCALD", "vocald"), "detect", "--list", names, "--out", out, "--shard", part]
    command += ["--skip-done", "--jobs", "1", *options]
    for attempt in range(RETRIES + 1):
        run = subprocess.run(command, stderr=subprocess.PIPE, text=True, preexec_fn=die_with_the_worker)
        if "in use by another vocald" not in run.stderr:
            break
        time.sleep(2**attempt)
    return run.returncode, run.stderr.strip().rpartition("\n")[2]


def merge(out: Path) -> dict[str, dict[str, Any]]:
    """The latest line of each sound in the manifests of all parts, written to `manifest.jsonl`."""
    latest: dict[str, dict[str, Any]] = {}
    for manifest in sorted(out.glob("manifest*.jsonl")):
        for line in manifest.read_text().splitlines():
            record = json.loads(line)
            if record["finished"] >= latest.get(record["path"], record)["finished"]:
                latest[record["path"]] = record
    whole = out / "manifest.jsonl.part"
    whole.write_text("".join(json.dumps(record) + "\n" for record in latest.values()))
    whole.rename(out / "manifest.jsonl")
    return latest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list", help="file with one sound or folder a line, absolute paths")
    parser.add_argument("--out", required=True, help="folder for labels and manifests, absolute or below this one")
    parser.add_argument("--shards", type=int, default=100, help="parts; several for each worker [default: 100]")
    parser.add_argument("--workers", type=int, help="without a cluster, parts at the same time [default: all cores]")
    arguments, options = parser.parse_known_args()
    # RAY_ADDRESS names a cluster; otherwise one is started on this machine.
    alone = {} if "RAY_ADDRESS" in os.environ else {"num_cpus": arguments.workers, "include_dashboard": False}
    ray.init(log_to_driver=False, **alone)
    names, out = str(Path(arguments.list).resolve()), Path(arguments.out).resolve()
    parts = [f"{number}/{arguments.shards}" for number in range(1, arguments.shards + 1)]
    waiting = {detect.remote(names, str(out), part, options): part for part in parts}
    failed = []
    while waiting:
        (ready,), _ = ray.wait(list(waiting))
        part = waiting.pop(ready)
        try:
            code, last_line = ray.get(ready)
        except ray.exceptions.RayError as error:
            code, last_line = 1, str(error).splitlines()[0]
        print(f"{part}: {last_line}", flush=True)
        failed += [part] if code != 0 else []
    states = [record["state"] for record in merge(out).values()]
    print(f"{states.count('done')} of {len(states)} sounds are labelled; parts with failures: {failed or 'none'}")
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
