"""`vocald.listen` on a running detector, and on servers that fail."""

from __future__ import annotations

import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import websockets.sync.server

import vocald
from conftest import Daemon

HELLO = (
    '{"type":"hello","v":1,"stream":"*","version":"0","model":"m","device":"cpu","horizons":[],'
    '"lookahead":0.1,"hop":0.07,"streams":[]}\n'
)
ONSET = '{"type":"onset","v":1,"stream":"a","id":1,"t":1.0,"wall":2.0,"p":0.9}\n'


@contextmanager
def server(path: Path, handle: Callable[[socket.socket], None]) -> Iterator[None]:
    """A Unix socket whose connections are handled one after the other."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                handle(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.mark.parametrize("kind", ["socket", "tcp", "http"])
def test_a_running_detector_is_heard_on_every_kind_of_address(daemon: Daemon, kind: str) -> None:
    events = vocald.listen(getattr(daemon, kind), types=["decision", "state"], rate=5)
    first = next(events)
    assert isinstance(first, vocald.Hello)
    assert first.streams[0].stream.endswith("demo.ogg")
    assert first.thresholds is not None and 0 < first.thresholds.leave < first.thresholds.enter < 1
    kinds = {type(event) for event in itertools.islice(events, 3)}
    assert kinds <= {vocald.Decision, vocald.State} and vocald.Decision in kinds
    events.close()


def test_a_detector_that_is_restarted_is_heard_again(daemon: Daemon) -> None:
    events = vocald.listen(daemon.socket)
    assert isinstance(next(events), vocald.Hello)
    daemon.stop()
    lost = next(event for event in events if isinstance(event, vocald.Disconnected))
    assert lost.reason and lost.retry_in > 0
    daemon.start()
    assert isinstance(next(event for event in events if not isinstance(event, vocald.Disconnected)), vocald.Hello)


def test_a_subscription_is_one_line_of_json(tmp_path: Path) -> None:
    received: list[bytes] = []

    def handle(connection: socket.socket) -> None:
        received.append(connection.makefile("rb").readline())
        connection.sendall((HELLO + ONSET).encode())

    path = tmp_path / "s"
    with server(path, handle):
        events = list(vocald.listen(path, types="onset", streams=["a"], rate=2.5, reconnect=False))
    assert json.loads(received[0]) == {"types": ["onset"], "streams": ["a"], "rate": 2.5}
    assert [type(event) for event in events] == [vocald.Hello, vocald.Onset]


def test_the_wait_grows_until_messages_come(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with server(path, lambda connection: connection.sendall(HELLO.encode())):
        events = vocald.listen(path)
        waits = [event.retry_in for event in itertools.islice(events, 4) if isinstance(event, vocald.Disconnected)]
    assert waits == [0.25, 0.5]


def test_an_absent_detector_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "s"
    events = vocald.listen(path)
    assert isinstance(next(events), vocald.Disconnected)
    with server(path, lambda connection: connection.sendall(HELLO.encode())):
        assert isinstance(next(events), vocald.Hello)
        events.close()


def test_without_reconnection_a_failure_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        next(vocald.listen(tmp_path / "s", reconnect=False))


def test_a_refusal_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "s"
    refused = '{"type":"refused","v":1,"stream":"*","reason":"no such type"}\n'
    with server(path, lambda connection: connection.sendall(refused.encode())):
        with pytest.raises(vocald.ConnectionRefused, match="no such type"):
            next(vocald.listen(path))


def test_another_program_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with server(path, lambda connection: connection.sendall(b"220 smtp\r\n")):
        with pytest.raises(vocald.MessageError, match="220 smtp"):
            next(vocald.listen(path))


def test_a_message_that_is_cut_off_is_a_lost_connection(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with server(path, lambda connection: connection.sendall((HELLO + ONSET[:20]).encode())):
        events = vocald.listen(path)
        assert isinstance(next(events), vocald.Hello)
        lost = next(events)
        assert isinstance(lost, vocald.Disconnected) and "cut off" in lost.reason


def test_a_websocket_sends_its_token() -> None:
    tokens: list[str | None] = []

    def handle(connection: websockets.sync.server.ServerConnection) -> None:
        assert connection.request is not None
        tokens.append(connection.request.headers.get("Authorization"))
        connection.send(HELLO.strip())

    with websockets.sync.server.serve(handle, "127.0.0.1", 0) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        port = running.socket.getsockname()[1]
        events = list(vocald.listen(f"http://127.0.0.1:{port}", token="secret", reconnect=False))
        running.shutdown()
        thread.join()
    assert tokens == ["Bearer secret"]
    assert len(events) == 1


def test_a_wrong_token_is_an_error(program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOCALD_TOKEN", "right")
    daemon = Daemon(program, tmp_path)
    try:
        with pytest.raises(vocald.ConnectionRefused, match="(?i)token"):
            next(vocald.listen(daemon.http, token="wrong"))
        assert isinstance(next(vocald.listen(daemon.http, token="right")), vocald.Hello)
    finally:
        daemon.stop()
