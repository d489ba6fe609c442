"""What several tests need: the program, recordings, a running detector."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

REPOSITORY = Path(__file__).parents[2]
DEMO = REPOSITORY / "tests/data/demo.ogg"
RATE = 44_100
EXCERPT_S = 12


@pytest.fixture(scope="session")
def program() -> str:
    """The program; `cargo test` names the one it built in VOCALD."""
    found = os.environ.get("VOCALD") or shutil.which("vocald")
    if not found:
        pytest.skip("VOCALD names no program, and PATH has none")
    return found


@pytest.fixture(scope="session")
def samples() -> NDArray[np.int16]:
    """The beginning of the demo clip, frames × 2."""
    read = soundfile.read(DEMO, frames=EXCERPT_S * RATE, dtype="int16", always_2d=True)
    data: NDArray[np.int16] = read[0]
    assert read[1] == RATE
    return data


@pytest.fixture(scope="session")
def recording(samples: NDArray[np.int16], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a file."""
    path = tmp_path_factory.mktemp("recording") / "-clip with spaces.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


class Daemon:
    """A detector that plays the demo clip, with every kind of address."""

    def __init__(self, program: str, folder: Path) -> None:
        self.socket = str(folder / "vocald.sock")
        self.ports = [_free_port(), _free_port()]
        self.tcp = f"tcp:127.0.0.1:{self.ports[0]}"
        self.http = f"http://127.0.0.1:{self.ports[1]}"
        self.command = [
            program,
            "run",
            str(DEMO),
            f"--unix={self.socket}",
            f"--tcp=127.0.0.1:{self.ports[0]}",
            f"--http=127.0.0.1:{self.ports[1]}",
        ]
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not (os.path.exists(self.socket) and all(map(_listens, self.ports))):
            assert time.monotonic() < deadline and self.process.poll() is None, "the detector did not start"
            time.sleep(0.05)
        return self.process

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


@pytest.fixture
def daemon(program: str, tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon(program, tmp_path)
    yield daemon
    daemon.stop()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
