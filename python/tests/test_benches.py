"""Scripts that measure or test the program find it, or end with one sentence before they fetch or measure anything."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import REPOSITORY

PEERS = REPOSITORY / "benches/peers/run"
SCRIPTS = ["compare-training", "fault-table", "overload", "soak", "soak-faults 1m", "soak-server", "xruns"]


def run(line: str, folder: Path, **environment: str) -> tuple[int, str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in ["CARGO_TARGET_DIR", "XDG_CACHE_HOME"]}
    command = [str(REPOSITORY / line.split()[0]), *line.split()[1:]]
    ended = subprocess.run(command, cwd=folder, env=inherited | environment, capture_output=True, text=True, timeout=300)
    return ended.returncode, ended.stdout, ended.stderr


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("line", ["benches/all out", "benches/peers/run --torch", *(f"scripts/{name}" for name in SCRIPTS)])
def test_a_program_that_was_not_built_is_named_at_once(line: str, tmp_path: Path) -> None:
    code, out, err = run(line, tmp_path, CARGO_TARGET_DIR=str(tmp_path / "built"), XDG_CACHE_HOME=str(tmp_path))
    assert (code, out) == (1, "")
    assert err == f"there is no program {tmp_path}/built/release/vocald: build it with `make build`, or name another one\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("line", ["benches/all out false", "benches/peers/run --vocald false", "scripts/overload 1 false"])
def test_a_program_that_does_not_start_is_named_at_once(line: str, tmp_path: Path) -> None:
    code, out, err = run(line, tmp_path, XDG_CACHE_HOME=str(tmp_path))
    assert (code, out) == (1, "")
    assert "false does not start" in err
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_default_is_what_make_build_builds(tmp_path: Path) -> None:
    places: list[dict[str, str]] = [{"HOME": str(tmp_path)}, {"XDG_CACHE_HOME": f"{tmp_path}/cache"}]
    places += [{"CARGO_TARGET_DIR": f"{tmp_path}/target", "XDG_CACHE_HOME": f"{tmp_path}/cache"}]
    targets = [".cache/vocald/target", "cache/vocald/target", "target"]
    for place, target in zip(places, targets, strict=True):
        program = executable(tmp_path / target / "release/vocald", f"echo vocald of {target}")
        code, out, err = run("scripts/built_program.py", tmp_path, **place)
        assert (code, out, err) == (0, f"{program}\n", f"{program}: vocald of {target}\n")


def test_an_environment_without_pip_is_made_anew(tmp_path: Path) -> None:
    program = executable(tmp_path / "vocald", "echo vocald 1")
    executable(tmp_path / "vocald-cache/vocald/peers/bin/python", "exit 1")
    executable(tmp_path / "bin/python3", f'[ "$2" = venv ] || exec {sys.executable} "$@"\necho no ensurepip\nexit 1')
    path = f"{tmp_path}/bin:{os.environ['PATH']}"
    line = f"benches/peers/run --vocald {program}"
    code, out, err = run(line, tmp_path, PATH=path, XDG_CACHE_HOME=f"{tmp_path}/vocald-cache")
    assert (code, out) == (1, "")
    environment = f"{tmp_path}/vocald-cache/vocald/peers"
    end = f"peers/run: no virtual environment could be made in {environment}: see the message above"
    assert err.splitlines() == [f"{program}: vocald 1", "no ensurepip", end]


def test_packages_that_cannot_be_installed_end_the_comparison(tmp_path: Path) -> None:
    program = executable(tmp_path / "vocald", "echo vocald 1")
    environment = tmp_path / "vocald-cache/vocald/peers"
    executable(environment / "bin/pip", 'echo "$@"\nexit 1')
    line = f"benches/peers/run --torch --vocald={program}"
    code, out, err = run(line, tmp_path, XDG_CACHE_HOME=f"{tmp_path}/vocald-cache")
    assert code == 1
    assert "requirements.txt" in out and "requirements-torch.txt" in out
    assert err.splitlines()[1].startswith("peers/run: the packages of ")
    assert str(environment) in err


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-torch.txt"])
def test_the_programs_beside_vocald_have_one_version(name: str) -> None:
    packages = (REPOSITORY / "benches/peers" / name).read_text().split()
    assert packages and all("==" in package for package in packages)
