"""The programs of `examples/integrations` between a made-up detector and a stand-in for the other program."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from conftest import REPOSITORY

PROGRAMS = REPOSITORY / "examples/integrations"
PATIENCE_S = 30


class Script:
    """A detector that sends lines when the test says so."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._connection: socket.socket | None = None

    def accept(self) -> None:
        self._listener.settimeout(PATIENCE_S)
        self._connection, _ = self._listener.accept()
        streams = [{"stream": name, "state": "running"} for name in ("lead", "backing")]
        hello = {"type": "hello", "version": "0", "model": "m", "device": "cpu", "lookahead": 0.1, "hop": 0.07}
        self.send({**hello, "horizons": [], "streams": streams})

    def send(self, message: dict[str, Any]) -> None:
        assert self._connection is not None
        self._connection.sendall(json.dumps({"v": 1, **message}).encode() + b"\n")

    def onset(self, stream: str) -> None:
        self.send({"type": "onset", "stream": stream, "id": 1, "t": 1.0, "wall": 1.0, "p": 0.9})

    def offset(self, stream: str) -> None:
        self.send({"type": "offset", "stream": stream, "id": 1, "t": 2.0, "wall": 2.0, "p": 0.1, "duration": 1.0})


@contextmanager
def running(name: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, str(PROGRAMS / name), *arguments],
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_captions_pause_during_singing(tmp_path: Path) -> None:
    detector = Script(tmp_path / "s")
    with running("pause_captions.py", "--vocald", str(detector.path)) as captions:
        assert captions.stdin is not None and captions.stdout is not None
        detector.accept()
        assert passed(captions.stdin, captions.stdout, "good evening") == "good evening"
        detector.onset("lead")
        deadline = time.monotonic() + PATIENCE_S
        while passed(captions.stdin, captions.stdout, "la la") != "♪":
            assert time.monotonic() < deadline
        detector.offset("lead")
        time.sleep(1.5)
        assert passed(captions.stdin, captions.stdout, "thank you") == "thank you"


def passed(stdin: IO[str], stdout: IO[str], line: str) -> str:
    stdin.write(line + "\n")
    stdin.flush()
    return stdout.readline().strip()
