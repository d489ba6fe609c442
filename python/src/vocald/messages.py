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
class DecisionSettings:
    """Look-ahead, thresholds and durations of a stream's decisions."""

    #: Distance of the decision's frame from the window's last frame, in frames of 14.286 ms.
    horizon_frames: int
    lookahead_s: float
    threshold: float
    enter: float
    leave: float
    confirm_n: int
    confirm_m: int
    min_voice_s: float
    min_gap_s: float
    #: The onset threshold after recent singing, and its time constant; None if there is none.
    reenter: float | None = None
    recency_s: float | None = None


@dataclass(frozen=True)
class StreamSettings:
    """What a stream is decided on with."""

    model: str
    decision: DecisionSettings
    gain_db: float = 0.0
    #: Sound below this level is no voice; None: no gate.
    gate_db: float | None = None
    muted: bool = False
    #: The settings that a request has changed.
    changed: tuple[str, ...] = ()
    #: Look-aheads that the model offers, longest first.
    lookaheads_s: tuple[float, ...] = ()


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
    #: Why: ``decision``, or ``test``.
    reason: str = "decision"
    #: Whether it is a test of the rig and not a voice.
    test: bool = False


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
    #: Whether it is a test of the rig and not a voice.
    test: bool = False


@dataclass(frozen=True)
class SpeechOnset:
    """Somebody begins to speak. Only from models with an output for speech; the fields are those of an onset."""

    type: ClassVar[str] = "speech_onset"
    stream: str
    id: int
    t: float
    wall: float
    #: Probability of speech.
    p: float
    reason: str = "decision"
    test: bool = False


@dataclass(frozen=True)
class SpeechOffset:
    """Nobody speaks any more; the fields are those of an offset."""

    type: ClassVar[str] = "speech_offset"
    stream: str
    id: int
    t: float
    wall: float
    p: float
    duration: float
    reason: str = "decision"
    test: bool = False


@dataclass(frozen=True)
class StreamStatus:
    """State of one stream at the moment."""

    stream: str
    state: str
    reason: str | None = None
    #: The onset of a voice that is present; None if there is none.
    onset: Onset | None = None
    #: What it is decided on with; None from versions that did not report it.
    settings: StreamSettings | None = None
    #: The onset of speech that is present; None if there is none.
    speech_onset: SpeechOnset | None = None
    #: What counts as its voice: ``singing``, ``speech`` or ``either``.
    counts: str = "singing"

    @property
    def voice(self) -> bool:
        """Whether a voice is present."""
        return self.onset is not None


@dataclass(frozen=True)
class SinkStatus:
    """State of one output at the moment."""

    sink: str
    state: str
    reason: str | None = None


@dataclass(frozen=True)
class Hello:
    """The detector, its model, and the state of its streams: the first message, repeated when they change."""

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
    #: Precision of the network's weights: ``float32``, ``bfloat16`` or ``float16``.
    precision: str = ""
    sinks: tuple[SinkStatus, ...] = ()
    #: Whether changes are refused.
    locked: bool = False
    #: The thresholds of speech; None if the model has no output for it.
    speech_thresholds: Thresholds | None = None


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
    #: Whether ``voice`` is a test of the rig.
    test: bool = False
    #: Probability of speech; None if the model has no output for it.
    speech_p: float | None = None
    #: Whether somebody speaks; None likewise.
    speech: bool | None = None


@dataclass(frozen=True)
class State:
    """The state of a stream changes."""

    type: ClassVar[str] = "state"
    stream: str
    state: str
    reason: str | None = None
    #: What counts as its voice: ``singing``, ``speech`` or ``either``.
    counts: str = "singing"


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
class Settings:
    """The settings of a stream have changed."""

    type: ClassVar[str] = "settings"
    stream: str
    model: str
    decision: DecisionSettings
    gain_db: float = 0.0
    gate_db: float | None = None
    muted: bool = False
    changed: tuple[str, ...] = ()
    lookaheads_s: tuple[float, ...] = ()


@dataclass(frozen=True)
class Sink:
    """The state of an output has changed."""

    type: ClassVar[str] = "sink"
    sink: str
    state: str
    reason: str | None = None


@dataclass(frozen=True)
class Reload:
    """The configuration was read again."""

    type: ClassVar[str] = "reload"
    #: Whether it is applied. If not, everything is as it was.
    ok: bool
    error: str | None = None
    #: The keys that have changed, and those of them that only a restart applies.
    changed: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lock:
    """Changes are refused from now on, or accepted again."""

    type: ClassVar[str] = "lock"
    locked: bool


@dataclass(frozen=True)
class Reply:
    """The answer to a request."""

    type: ClassVar[str] = "reply"
    ok: bool
    id: int | None = None
    error: str | None = None
    impossible: bool = False
    changed: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    streams: tuple[StreamStatus, ...] = ()
    sinks: tuple[SinkStatus, ...] = ()
    locked: bool = False


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


Message = Union[
    Hello, Decision, Onset, Offset, SpeechOnset, SpeechOffset, State, Gap, Level, Settings, Sink, Reload, Lock,
    Lagged, Reply, Refused,
]

_TYPES: dict[str, type[Message]] = {kind.type: kind for kind in Message.__args__}  # type: ignore[attr-defined]


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
    fields = dict(fields)
    for name in ("horizons", "changed", "restart", "lookaheads_s"):
        if name in fields:
            fields[name] = tuple(fields[name])
    if kind in (Hello, Reply):
        fields["streams"] = tuple(_status(status) for status in fields.get("streams", ()))
        fields["sinks"] = tuple(_known(SinkStatus, sink) for sink in fields.get("sinks", ()))
    if kind is Hello:
        for name in ("thresholds", "speech_thresholds"):
            thresholds = fields.get(name)
            fields[name] = None if thresholds is None else _known(Thresholds, thresholds)
    elif kind is Settings:
        fields["decision"] = _known(DecisionSettings, fields["decision"])
    elif kind is Level:
        fields["mel"] = tuple(fields.get("mel", ()))
    message: Message = _known(kind, fields)
    return message


def _status(fields: dict[str, Any]) -> StreamStatus:
    fields = dict(fields)
    for name, kind in (("onset", Onset), ("speech_onset", SpeechOnset)):
        onset = fields.get(name)
        fields[name] = None if onset is None else _known(kind, onset)
    settings = fields.get("settings")
    if settings is not None:
        decision = _known(DecisionSettings, settings["decision"])
        lists = {name: tuple(settings.get(name, ())) for name in ("changed", "lookaheads_s")}
        fields["settings"] = _known(StreamSettings, {**settings, **lists, "decision": decision})
    status: StreamStatus = _known(StreamStatus, fields)
    return status


def _known(kind: type[Any], fields: dict[str, Any]) -> Any:
    known = {field.name for field in dataclasses.fields(kind)}
    return kind(**{name: value for name, value in fields.items() if name in known})
