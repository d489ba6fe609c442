"""The recipes: configurations are valid, and the radio logger logs."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import REPOSITORY

PAGE = (REPOSITORY / "docs/recipes.md").read_text()
CONFIGURATIONS = re.findall(r"```toml file=(\S+)\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("name", "text"), CONFIGURATIONS, ids=[name for name, _ in CONFIGURATIONS])
def test_a_configuration_is_valid(program: str, tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    assert any(f"--config {name}" in command for command in COMMANDS)
    checked = subprocess.run(
        [program, "config", "check", str(file)], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


def test_programs_of_the_recipes_exist() -> None:
    for name in set(re.findall(r"\b(\w+\.py)\b", PAGE)):
        assert (REPOSITORY / "examples/integrations" / name).is_file(), name


def test_the_radio_logger_logs_songs(program: str, tmp_path: Path) -> None:
    for tool in ("ffmpeg", "jq"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    (command,) = [command for command in COMMANDS if "ffmpeg" in command]
    demo = REPOSITORY / "tests/data/demo.ogg"
    command = command.replace("http://radio.example/stream.mp3", str(demo)).replace("vocald run", f"{program} run")
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
    lines = (tmp_path / "sung.csv").read_text().splitlines()
    assert lines
    for line in lines:
        assert re.fullmatch(r'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",\d+(\.\d+)?', line), line
