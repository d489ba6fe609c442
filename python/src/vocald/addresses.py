"""Addresses of a running detector, in the same notation as ``vocald watch``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Union
from urllib.parse import urlsplit

SOCKET_NAME = "vocald.sock"
SERVICE_FOLDER = "/run/vocald"


class AddressError(ValueError):
    """A text that is no address of a detector."""


@dataclass(frozen=True)
class Unix:
    """JSON lines on a Unix socket."""

    path: str


@dataclass(frozen=True)
class Tcp:
    """JSON lines on TCP."""

    host: str
    port: int


@dataclass(frozen=True)
class WebSocket:
    """The WebSocket beside the detector's page."""

    url: str


Address = Union[Unix, Tcp, WebSocket]


def default_socket() -> str:
    """The detector's usual socket: the user's own, else that of the system service if it runs."""
    service_folder = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    folder = service_folder or os.environ.get("XDG_RUNTIME_DIR")
    own = os.path.join(folder or "/run", SOCKET_NAME)
    if not os.path.exists(own) and os.path.isdir(SERVICE_FOLDER):
        return os.path.join(SERVICE_FOLDER, SOCKET_NAME)
    return own


def parse(text: str | os.PathLike[str] | None) -> Address:
    """``unix:PATH`` or a path, ``tcp:HOST:PORT``, ``http://HOST:PORT`` or ``ws://HOST:PORT``; None is the default socket.

    Raises :class:`AddressError`.
    """
    if text is None:
        return Unix(default_socket())
    text = os.fspath(text)
    if text.startswith("unix:"):
        if text == "unix:":
            raise AddressError("unix: needs a path")
        return Unix(text.removeprefix("unix:"))
    if text.startswith("tcp:"):
        return _tcp(text)
    if "://" in text:
        return _websocket(text)
    if not text:
        raise AddressError("an empty text is no address")
    if "/" not in text and ":" in text:
        raise AddressError(f"write http:// or tcp: before {text}")
    return Unix(text)


def _tcp(text: str) -> Tcp:
    parts = urlsplit("//" + text.removeprefix("tcp:").removeprefix("//"))
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port:
        raise AddressError(f"{text}: write tcp:HOST:PORT, as tcp:127.0.0.1:8771")
    return Tcp(host, port)


def _websocket(text: str) -> WebSocket:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https", "ws", "wss") or not parts.hostname:
        raise AddressError(f"{text}: the kinds are unix:, tcp:, http:// and ws://")
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    path = parts.path.rstrip("/")
    path = path if path.endswith("/ws") else path + "/ws"
    return WebSocket(parts._replace(scheme=scheme, path=path, fragment="").geturl())
