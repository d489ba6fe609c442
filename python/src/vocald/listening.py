"""The events of a running detector, as an iterator that reconnects."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import ClassVar, Union

from vocald import addresses
from vocald.connections import ConnectionRefused, connect
from vocald.messages import Hello, Message, Refused, parse

FIRST_RETRY_S = 0.25
LAST_RETRY_S = 4.0
#: The token of a detector that requires one.
TOKEN_VARIABLE = "VOCALD_TOKEN"

__all__ = ["ConnectionRefused", "Disconnected", "listen"]


@dataclass(frozen=True)
class Disconnected:
    """There is no connection, or no longer: what was known is out of date until the next :class:`Hello`."""

    type: ClassVar[str] = "disconnected"
    #: Why, for people.
    reason: str
    #: Time until the next attempt, in seconds.
    retry_in: float


def listen(
    address: str | os.PathLike[str] | None = None,
    *,
    types: Iterable[str] | None = None,
    streams: Iterable[str] | None = None,
    rate: float | None = None,
    token: str | None = None,
    reconnect: bool = True,
) -> Generator[Union[Message, Disconnected], None, None]:
    """Yields the messages of a running detector, :class:`Hello` first.

    ``address`` is a path, ``unix:PATH``, ``tcp:HOST:PORT``, ``http://HOST:PORT`` or ``ws://HOST:PORT``; the default is
    the detector's own socket on this machine. ``types`` chooses message types (default: all but ``level``), ``streams``
    the streams, ``rate`` the most decisions per second of each stream. ``token`` is that of ``[publish.http]``, by
    default ``$VOCALD_TOKEN``.

    A lost connection is opened again, with :class:`Disconnected` in between; without ``reconnect`` the iterator ends
    with the connection, and a failed connection raises OSError.

    Raises :class:`ConnectionRefused` for a wrong token or an impossible subscription, and
    :class:`vocald.MessageError` if the other end is no detector.
    """
    place = addresses.parse(address)
    token = token or os.environ.get(TOKEN_VARIABLE)
    subscription = _subscription(types, streams, rate)
    retry_s = FIRST_RETRY_S
    while True:
        try:
            with connect(place, token) as connection:
                if subscription:
                    connection.send(json.dumps(subscription))
                for line in connection:
                    message = parse(line)
                    if isinstance(message, Refused):
                        raise ConnectionRefused(message.reason)
                    # A detector that closes every connection after `hello` keeps the growing wait.
                    if not isinstance(message, Hello):
                        retry_s = FIRST_RETRY_S
                    if message is not None:
                        yield message
            reason = "the detector closed the connection"
        except ConnectionRefused:
            raise
        except OSError as error:
            if not reconnect:
                raise
            reason = str(error) or type(error).__name__
        if not reconnect:
            return
        yield Disconnected(reason, retry_s)
        time.sleep(retry_s)
        retry_s = min(2 * retry_s, LAST_RETRY_S)


def _subscription(
    types: Iterable[str] | None, streams: Iterable[str] | None, rate: float | None
) -> dict[str, list[str] | float]:
    chosen: dict[str, list[str] | float] = {}
    if types is not None:
        chosen["types"] = [types] if isinstance(types, str) else list(types)
    if streams is not None:
        chosen["streams"] = [streams] if isinstance(streams, str) else list(streams)
    if rate is not None:
        chosen["rate"] = rate
    return chosen
