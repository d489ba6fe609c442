"""Connections to a detector: JSON lines on a socket, or text frames of a WebSocket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Protocol

from vocald.addresses import Address, Tcp, Unix, WebSocket

CONNECT_S = 5.0
#: A longer message is an error.
MESSAGE_BYTES_MAX = 1 << 20
#: A WebSocket without a response for this long is lost.
PING_S = 5.0


class ConnectionRefused(ConnectionError):
    """The detector refuses this receiver, and would again: a wrong token or an impossible subscription."""


class Connection(Protocol):
    """A connection that is closed by the end of its ``with`` block."""

    def __enter__(self) -> Connection: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def send(self, line: str) -> None:
        """Sends one line of JSON."""

    def __iter__(self) -> Iterator[str | bytes]:
        """One message each, until the other end closes; raises OSError for a lost connection."""


def connect(address: Address, token: str | None) -> Connection:
    """A connection, opened here or by ``with``; raises OSError, or :class:`ConnectionRefused` for a wrong token."""
    if isinstance(address, WebSocket):
        return Frames(address, token)
    return Lines(address)


class Lines:
    """JSON lines on a Unix or TCP socket."""

    def __init__(self, address: Unix | Tcp) -> None:
        if isinstance(address, Tcp):
            self._socket = socket.create_connection((address.host, address.port), CONNECT_S)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        else:
            self._socket = socket.socket(socket.AF_UNIX)
            try:
                self._socket.settimeout(CONNECT_S)
                self._socket.connect(address.path)
            except OSError:
                self._socket.close()
                raise
        self._socket.settimeout(None)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Lines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._socket.close()

    def send(self, line: str) -> None:
        self._socket.sendall(line.encode() + b"\n")

    def __iter__(self) -> Iterator[str | bytes]:
        while line := self._file.readline(MESSAGE_BYTES_MAX):
            if not line.endswith(b"\n"):
                raise ConnectionError("a message was cut off")
            yield line


class Frames:
    """Text frames of a WebSocket, by the package ``websockets``."""

    def __init__(self, address: WebSocket, token: str | None) -> None:
        try:
            import websockets.exceptions
            import websockets.sync.client
        except ImportError as error:
            raise ImportError("a WebSocket needs the package websockets: pip install 'vocald[websocket]'") from error
        self._errors = websockets.exceptions
        self._connect = websockets.sync.client.connect
        self._url = address.url
        self._headers = {"Authorization": f"Bearer {token}"} if token else None
        self._stack = ExitStack()

    def __enter__(self) -> Frames:
        try:
            connection = self._connect(
                self._url,
                additional_headers=self._headers,
                open_timeout=CONNECT_S,
                ping_interval=PING_S,
                ping_timeout=PING_S,
                max_size=MESSAGE_BYTES_MAX,
            )
            self._socket: Any = self._stack.enter_context(connection)
        except self._errors.InvalidStatus as error:
            response = error.response
            reason = (response.body or b"").decode(errors="replace").strip() or f"HTTP {response.status_code}"
            kind = ConnectionRefused if response.status_code in (400, 401, 403, 404) else ConnectionError
            raise kind(reason) from error
        except self._errors.WebSocketException as error:
            raise ConnectionError(str(error)) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def send(self, line: str) -> None:
        self._socket.send(line)

    def __iter__(self) -> Iterator[str | bytes]:
        try:
            for frame in self._socket:
                yield frame
        except self._errors.ConnectionClosed as error:
            raise ConnectionError(str(error)) from error
