"""The programs of `examples/archive`: a made archive is labelled in parts, nothing lost and nothing done twice."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from conftest import REPOSITORY

ARCHIVE = REPOSITORY / "examples/archive"
SOUNDS = 24
PATIENCE_S = 240


@pytest.fixture
def archive(recording: Path, tmp_path: Path) -> Path:
    """24 sounds in two folders, some with names that need care, and their list."""
    names = [f"{'one' if n % 2 else 'two'}/{n:02} – sound.wav" for n in range(SOUNDS)]
    for name in names:
        (tmp_path / "archive" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(recording, tmp_path / "archive" / name)
    (tmp_path / "files.txt").write_text("".join(f"{tmp_path}/archive/{name}\n" for name in names))
    return tmp_path


def lines(folder: Path) -> list[dict[str, Any]]:
    """Every complete line of the manifests of parts."""
    whole = [m.read_text() for m in (folder / "labels").glob("manifest-*.jsonl")]
    return [json.loads(line) for text in whole for line in text.split("\n")[:-1]]


def done(folder: Path) -> dict[str, dict[str, Any]]:
    return {line["path"]: line for line in lines(folder) if line["state"] == "done"}


def label_files(folder: Path) -> dict[str, tuple[int, int]]:
    """Which file each label is, and when it was written: a second writing changes both."""
    found = (folder / "labels").rglob("*.lab")
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


def everything_is_labelled_once(folder: Path) -> None:
    finished = done(folder)
    expected = (folder / "files.txt").read_text().splitlines()
    assert sorted(finished) == sorted(expected), "nothing is lost"
    assert len(lines(folder)) == SOUNDS, "every sound has one line in one part"
    outputs = [output["path"] for line in finished.values() for output in line["outputs"]]
    assert len(set(outputs)) == len(label_files(folder)) == SOUNDS


def child_of_a_worker(folder: Path) -> int | None:
    """The process id of the worker of a part that is being labelled."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder / "labels").encode() in (process / "cmdline").read_bytes().split(b"\0"):
                status = (process / "stat").read_text().rpartition(")")[2].split()
                parent = Path("/proc") / status[1]
                if (parent / "comm").read_text().startswith("ray::"):
                    return int(status[1])
        except OSError:
            continue
    return None


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed (pip install ray)")
def test_ray_labels_everything_once_though_a_worker_is_killed(program: str, archive: Path) -> None:
    command = [sys.executable, str(ARCHIVE / "ray_detect.py"), "files.txt", "--out", "labels", "--shards", "6"]
    job = subprocess.Popen(
        [*command, "--workers", "2", "--device", "cpu"],
        cwd=archive,
        env=dict(os.environ, VOCALD=program, RAY_worker_niceness="0"),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + PATIENCE_S
        worker = None
        while worker is None or not done(archive):
            assert time.monotonic() < deadline and job.poll() is None
            worker = child_of_a_worker(archive)
            time.sleep(0.02)
        finished, written = done(archive), label_files(archive)
        os.kill(worker, signal.SIGKILL)
        print(f"killed the worker {worker} when {len(finished)} of {SOUNDS} sounds were done")
        printed, _ = job.communicate(timeout=PATIENCE_S)
    finally:
        if job.poll() is None:
            job.kill()
    print(printed)
    assert job.returncode == 0
    assert len(finished) < SOUNDS, "the worker was killed while there was work"
    everything_is_labelled_once(archive)
    after = done(archive)
    for path, line in finished.items():
        assert after[path]["finished"] == line["finished"], "nothing is done twice"
        for output in line["outputs"]:
            file = str(archive / "labels" / Path(output["path"]).relative_to(archive / "labels"))
            assert label_files(archive)[file] == written[file]
    # The merged manifest counts for any division into parts: there is nothing left to do.
    again = [program, "detect", "--list", "files.txt", "--out", "labels", "--skip-done", "--device", "cpu"]
    run = subprocess.run(again, cwd=archive, capture_output=True, text=True, check=True)
    assert f"{SOUNDS} " in run.stderr and label_files(archive).items() >= written.items()


def test_a_slurm_array_labels_everything_once(program: str, archive: Path) -> None:
    script = ARCHIVE / "slurm_detect.sbatch"
    bin_folder = archive / "bin"
    bin_folder.mkdir()
    (bin_folder / "vocald").symlink_to(program)
    for part in [1, 2, 3, 2]:
        environment = {"SLURM_ARRAY_TASK_ID": str(part), "SLURM_ARRAY_TASK_COUNT": "3", "SLURM_CPUS_PER_TASK": "1"}
        path = f"{bin_folder}:{os.environ['PATH']}"
        before = label_files(archive)
        subprocess.run(
            ["bash", str(script), f"{archive}/files.txt", f"{archive}/labels"],
            env=dict(os.environ, PATH=path, **environment),
            check=True,
        )
        assert label_files(archive).items() >= before.items(), "nothing is done twice"
    everything_is_labelled_once(archive)
