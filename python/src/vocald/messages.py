"""The messages of a detector, as ``config/events.schema.json`` describes them.

Times are in seconds: ``t`` is stream time, ``wall`` Unix time. Unknown fields and unknown types are ignored.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, ClassVar, Union

#: The version of the schema.
VERSION = 1


class MessageError(ValueError):
    """A line that is no message of a detector."""


@dataclass(frozen=True)
class Thresholds:
    """Probabilities at which the state may change."""

    enter: float
    leave: float
    #: The onset threshold after recent singing; None if there is none.
    reenter: float | None = None


@dataclass(frozen=True)
class Onset:
    """A voice begins."""

    type: ClassVar[str] = "onset"
    stream: str
    #: Number of the voice in its stream, from 1.
    id: int
    t: float
    wall: float
    #: Probability of voice in the window that confirmed the change.
    p: float
    #: Why: ``decision``.
    reason: str = "decision"


@dataclass(frozen=True)
class Offset:
    """A voice ends."""

    type: ClassVar[str] = "offset"
    stream: str
    #: That of the onset.
    id: int
    t: float
    wall: float
    p: float
    duration: float
    #: Why: ``decision``, or what made further decisions impossible.
    reason: str = "decision"


@dataclass(frozen=True)
class StreamStatus:
    """State of one stream at the moment."""

    stream: str
    state: str
    reason: str | None = None
    #: The onset of a voice that is present; None if there is none.
    onset: Onset | None = None

    @property
    def voice(self) -> bool:
        """Whether a voice is present."""
        return self.onset is not None


@dataclass(frozen=True)
class Hello:
    """The first message: the detector, its model, and the state of its streams."""

    type: ClassVar[str] = "hello"
    version: str
    model: str
    device: str
    #: Sound after ``t`` that a decision is based on.
    lookahead: float
    #: Time from one decision to the next.
    hop: float
    streams: tuple[StreamStatus, ...]
    #: Look-aheads that the model offers.
    horizons: tuple[float, ...] = ()
    thresholds: Thresholds | None = None
    #: Precision of the network's weights: ``float32`` or ``bfloat16``.
    precision: str = ""


@dataclass(frozen=True)
class Decision:
    """Probability and state of one window."""

    type: ClassVar[str] = "decision"
    stream: str
    #: Number of the window in its stream, from 0, skipped windows included.
    seq: int
    t: float
    wall: float
    #: Probability of voice.
    p: float
    #: Whether a voice is present.
    voice: bool
    lookahead: float
    #: Time from the capture of the window's last sample to publication.
    latency: float
    #: Whether it comes later than the detector's configuration allows.
    late: bool = False


@dataclass(frozen=True)
class State:
    """The state of a stream changes."""

    type: ClassVar[str] = "state"
    stream: str
    state: str
    reason: str | None = None


@dataclass(frozen=True)
class Gap:
    """Sound or windows were lost."""

    type: ClassVar[str] = "gap"
    stream: str
    t: float
    lost: float
    reason: str


@dataclass(frozen=True)
class Level:
    """Level of the newest sound."""

    type: ClassVar[str] = "level"
    stream: str
    t: float
    wall: float
    rms_db: float
    peak_db: float
    #: Natural logarithms of the newest frame's mel magnitudes, lowest band first.
    mel: tuple[float, ...] = ()


@dataclass(frozen=True)
class Lagged:
    """This receiver was too slow and lost messages."""

    type: ClassVar[str] = "lagged"
    lost: int


@dataclass(frozen=True)
class Refused:
    """The detector refuses the subscription; the last message of the connection."""

    type: ClassVar[str] = "refused"
    reason: str


Message = Union[Hello, Decision, Onset, Offset, State, Gap, Level, Lagged, Refused]

_TYPES: dict[str, type[Message]] = {
    kind.type: kind for kind in (Hello, Decision, Onset, Offset, State, Gap, Level, Lagged, Refused)
}


def parse(line: str | bytes) -> Message | None:
    """The message in a line of JSON; None for a type that this version does not know.

    Raises :class:`MessageError` for anything else.
    """
    try:
        fields = json.loads(line)
        if not isinstance(fields, dict) or "type" not in fields:
            raise MessageError("it has no type")
        if fields.get("v") != VERSION:
            raise MessageError(f"its schema has version {fields.get('v')}, and this package knows {VERSION}")
        kind = _TYPES.get(fields["type"])
        return None if kind is None else _message(kind, fields)
    except (ValueError, TypeError, KeyError) as error:
        shown = line if isinstance(line, str) else line.decode(errors="replace")
        raise MessageError(f"not a message of vocald ({error}): {shown[:200]}") from error


def _message(kind: type[Message], fields: dict[str, Any]) -> Message:
    if kind is Hello:
        fields = dict(fields)
        fields["streams"] = tuple(_status(status) for status in fields["streams"])
        fields["horizons"] = tuple(fields.get("horizons", ()))
        thresholds = fields.get("thresholds")
        fields["thresholds"] = None if thresholds is None else _known(Thresholds, thresholds)
    elif kind is Level:
        fields = dict(fields)
        fields["mel"] = tuple(fields.get("mel", ()))
    message: Message = _known(kind, fields)
    return message


def _status(fields: dict[str, Any]) -> StreamStatus:
    fields = dict(fields)
    onset = fields.get("onset")
    fields["onset"] = None if onset is None else _known(Onset, onset)
    status: StreamStatus = _known(StreamStatus, fields)
    return status


def _known(kind: type[Any], fields: dict[str, Any]) -> Any:
    known = {field.name for field in dataclasses.fields(kind)}
    return kind(**{name: value for name, value in fields.items() if name in known})
