"""The programs of `examples/integrations` between a made-up detector and a stand-in for the other program."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import websockets.sync.server

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

    def accept(self, singing: str | None = None) -> None:
        self._listener.settimeout(PATIENCE_S)
        self._connection, _ = self._listener.accept()
        onset = {"v": 1, "stream": "lead", "id": 1, "t": 0, "wall": 0, "p": 0.9}
        streams = [
            {"stream": name, "state": "running", **({"onset": onset} if name == singing else {})}
            for name in ("lead", "backing")
        ]
        hello = {"type": "hello", "version": "0", "model": "m", "device": "cpu", "lookahead": 0.1, "hop": 0.07}
        self.send({**hello, "horizons": [], "streams": streams})

    def send(self, message: dict[str, Any]) -> None:
        assert self._connection is not None
        self._connection.sendall(json.dumps({"v": 1, **message}).encode() + b"\n")

    def onset(self, stream: str) -> None:
        self.send({"type": "onset", "stream": stream, "id": 1, "t": 1.0, "wall": 1.0, "p": 0.9})

    def offset(self, stream: str) -> None:
        self.send({"type": "offset", "stream": stream, "id": 1, "t": 2.0, "wall": 2.0, "p": 0.1, "duration": 1.0})

    def hang_up(self) -> None:
        assert self._connection is not None
        self._connection.close()


@contextmanager
def running(name: str, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, str(PROGRAMS / name), *arguments],
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path), **environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def lines(connection: socket.socket) -> Iterator[dict[str, Any]]:
    connection.settimeout(PATIENCE_S)
    for line in connection.makefile():
        yield json.loads(line)


def test_os2l_presses_a_button_for_each_stream(tmp_path: Path) -> None:
    detector = Script(tmp_path / "s")
    with socket.create_server(("127.0.0.1", 0)) as lights:
        lights.settimeout(PATIENCE_S)
        address = f"127.0.0.1:{lights.getsockname()[1]}"
        with running("os2l.py", address, "--vocald", str(detector.path)):
            detector.accept(singing="lead")
            events = lines(lights.accept()[0])
            assert next(events) == {"evt": "btn", "name": "lead", "state": "on"}
            detector.onset("backing")
            assert next(events) == {"evt": "btn", "name": "backing", "state": "on"}
            detector.offset("backing")
            assert next(events) == {"evt": "btn", "name": "backing", "state": "off"}
            # Without a detector nobody is known to sing.
            detector.hang_up()
            assert next(events) == {"evt": "btn", "name": "lead", "state": "off"}


def test_os2l_presses_one_button_for_whoever_sings(tmp_path: Path) -> None:
    detector = Script(tmp_path / "s")
    with socket.create_server(("127.0.0.1", 0)) as lights:
        lights.settimeout(PATIENCE_S)
        address = f"127.0.0.1:{lights.getsockname()[1]}"
        with running("os2l.py", address, "--button", "Voice", "--vocald", str(detector.path)):
            detector.accept()
            detector.onset("lead")
            events = lines(lights.accept()[0])
            detector.onset("backing")
            detector.offset("lead")
            detector.offset("backing")
            assert [next(events)["state"] for _ in range(2)] == ["on", "off"]


@contextmanager
def obs(received: list[dict[str, Any]]) -> Iterator[str]:
    """OBS with the password "open", as its protocol documents it."""

    def handle(connection: websockets.sync.server.ServerConnection) -> None:
        challenge = {"authentication": {"challenge": "c", "salt": "s"}, "rpcVersion": 1}
        connection.send(json.dumps({"op": 0, "d": challenge}))
        received.append(json.loads(connection.recv()))
        connection.send(json.dumps({"op": 2, "d": {"negotiatedRpcVersion": 1}}))
        for text in connection:
            request = json.loads(text)["d"]
            received.append(request)
            response = {"requestId": request["requestId"], "requestStatus": {"result": True, "code": 100}}
            if request["requestType"] == "GetSceneItemId":
                response["responseData"] = {"sceneItemId": 7}
            connection.send(json.dumps({"op": 7, "d": response}))

    with websockets.sync.server.serve(handle, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()


def until(received: list[dict[str, Any]], count: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while len(received) < count:
        assert time.monotonic() < deadline, received
        time.sleep(0.02)


def test_obs_mutes_a_source_while_someone_sings(tmp_path: Path) -> None:
    detector = Script(tmp_path / "s")
    received: list[dict[str, Any]] = []
    with obs(received) as url:
        arguments = ["--obs", url, "--vocald", str(detector.path), "--mute", "Mic"]
        with running("obs.py", *arguments, OBS_PASSWORD="open"):
            detector.accept()
            until(received, 2)
            detector.onset("lead")
            until(received, 3)
            detector.offset("lead")
            until(received, 4)
    # base64(sha256(base64(sha256("open" + "s")) + "c")), by another implementation (openssl).
    assert received[0]["d"]["authentication"] == "mwmhxUrKoyKzY2+V4y5MNECverEysGPiJhRq9GO2ATo="
    assert [request["requestType"] for request in received[1:]] == ["SetInputMute"] * 3
    assert [request["requestData"]["inputMuted"] for request in received[1:]] == [False, True, False]
    assert received[1]["requestData"]["inputName"] == "Mic"


def test_obs_shows_an_item_of_a_scene(tmp_path: Path) -> None:
    detector = Script(tmp_path / "s")
    received: list[dict[str, Any]] = []
    with obs(received) as url:
        arguments = ["--obs", url, "--vocald", str(detector.path), "--show", "Stage/Lyrics", "--stream", "backing"]
        with running("obs.py", *arguments, OBS_PASSWORD="open"):
            detector.accept(singing="lead")
            detector.onset("backing")
            until(received, 4)
    assert received[1]["requestData"] == {"sceneName": "Stage", "sourceName": "Lyrics"}
    shown = [(r["requestData"]["sceneItemId"], r["requestData"]["sceneItemEnabled"]) for r in received[2:]]
    assert shown == [(7, False), (7, True)]


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
