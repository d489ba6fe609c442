"""The examples of `docs/python.md` run as they stand there and print what the page shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import soundfile

from conftest import DEMO, REPOSITORY, _free_port

PAGE = (REPOSITORY / "docs/python.md").read_text()
EXAMPLES = re.findall(r"```python[^\n]*\n(.*?)```\s*```text\n(.*?)```", PAGE, re.DOTALL)
PATIENCE_S = 90
MOST_LINES = 9
SONG_S = 16


def shape(line: str) -> str:
    """A line without its numbers and states, which depend on the machine and the moment."""
    return re.sub(r"\d[\d.]*|True|False", "#", line)


def test_every_use_is_short_and_shows_its_output() -> None:
    assert len(EXAMPLES) == PAGE.count("```python")
    for code, _ in EXAMPLES:
        assert len([line for line in code.splitlines() if line.strip()]) <= MOST_LINES, code


@pytest.fixture(scope="module")
def folder(program: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording with labels, the same at the frontend's rate, and an exported network."""
    folder = tmp_path_factory.mktemp("docs")
    samples, rate = soundfile.read(DEMO)
    samples = samples[: SONG_S * rate]
    soundfile.write(folder / "song.ogg", samples, rate)
    labels = [line.split() for line in DEMO.with_suffix(".lab").read_text().splitlines()]
    kept = [(start, min(float(end), SONG_S), word) for start, end, word in labels if float(start) < SONG_S]
    (folder / "song.lab").write_text("".join(f"{start} {end} {word}\n" for start, end, word in kept))
    subprocess.run([program, "export", "--out", "live-wide.onnx"], cwd=folder, check=True)
    soundfile.write(folder / "song-22050.wav", samples.mean(axis=1)[:: rate // 22_050], 22_050)
    return folder


@pytest.mark.parametrize(("code", "shown"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_prints_what_the_page_shows(program: str, folder: Path, code: str, shown: str) -> None:
    port = _free_port()
    environment = dict(os.environ, VOCALD=program, XDG_RUNTIME_DIR=str(folder), PYTHONPATH=os.pathsep.join(sys.path))
    code = code.replace("127.0.0.1:8770", f"127.0.0.1:{port}")
    config = folder / "hall.toml"
    config.write_text(
        f'[[source]]\nname = "hall"\ninput = "{DEMO}"\npace = "realtime"\n'
        f'[publish.unix]\nenabled = true\n[publish.http]\nenabled = true\nlisten = "127.0.0.1:{port}"\n'
    )
    with (folder / "printed").open("w") as printed:
        example = subprocess.Popen([sys.executable, "-c", code], cwd=folder, env=environment, stdout=printed)
        command = [program, "run", "--config", str(config)]
        detector = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) if "listen" in code else None
        try:
            deadline = time.monotonic() + PATIENCE_S
            expected = {shape(line) for line in shown.splitlines()}
            while not expected <= {shape(line) for line in (folder / "printed").read_text().splitlines()}:
                assert time.monotonic() < deadline and example.poll() in (None, 0), (folder / "printed").read_text()
                time.sleep(0.1)
        finally:
            for process in (example, detector):
                if process is not None:
                    process.terminate()
                    process.wait()
