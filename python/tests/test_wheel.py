"""The wheel in a fresh virtual environment."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from conftest import DEMO, REPOSITORY


def test_the_wheel_works_in_a_fresh_environment(program: str, tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    build = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path)]
    subprocess.run([*pip, *build, str(REPOSITORY / "python")], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "vocald/py.typed" in names and not [name for name in names if name.endswith(".so")]

    fresh = tmp_path / "fresh"
    subprocess.run([sys.executable, "-m", "venv", str(fresh)], check=True)
    install = [str(fresh / "bin/pip"), "--disable-pip-version-check", "install", "--quiet", str(wheel)]
    installed = subprocess.run(install, capture_output=True, text=True)
    if installed.returncode != 0:
        pytest.skip(f"numpy cannot be fetched: {installed.stderr.strip().splitlines()[-1]}")
    code = "import sys, vocald; print(vocald.detect(sys.argv[1]).spans[0].start)"
    run = [str(fresh / "bin/python"), "-c", code, str(DEMO)]
    printed = subprocess.run(run, check=True, capture_output=True, text=True, env={"VOCALD": program}).stdout
    assert 0 < float(printed) < 5
