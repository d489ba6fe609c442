"""Addresses are those of `vocald watch`."""

from __future__ import annotations

from pathlib import Path

import pytest

from vocald.addresses import AddressError, Tcp, Unix, WebSocket, parse


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("/run/vocald.sock", Unix("/run/vocald.sock")),
        ("unix:here.sock", Unix("here.sock")),
        (Path("/a/b"), Unix("/a/b")),
        ("tcp:127.0.0.1:8771", Tcp("127.0.0.1", 8771)),
        ("tcp://[::1]:8771", Tcp("::1", 8771)),
        ("http://stage:8770", WebSocket("ws://stage:8770/ws")),
        ("http://stage:8770/", WebSocket("ws://stage:8770/ws")),
        ("ws://stage:8770/ws?token=a", WebSocket("ws://stage:8770/ws?token=a")),
        ("https://stage/vocald/ws", WebSocket("wss://stage/vocald/ws")),
    ],
)
def test_addresses_are_read(text: str, address: object) -> None:
    assert parse(text) == address


@pytest.mark.parametrize("text", ["", "unix:", "tcp:host", "tcp:host:0x", "stage:8770", "ftp://a", "http://"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(AddressError):
        parse(text)


def test_the_default_is_the_users_socket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "vocald.sock").touch()
    assert parse(None) == Unix(str(tmp_path / "vocald.sock"))
