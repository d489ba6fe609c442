"""Singing voice detection with the program ``vocald``.

- :func:`detect` labels a recording.
- :func:`listen` yields the events of a running detector.
- :class:`Detector` detects in chunks of samples.
- :mod:`vocald.frontend` and :mod:`vocald.network` run an exported network without the program.
"""

from vocald.addresses import Address, AddressError
from vocald.detector import Detector
from vocald.labels import Detection, Span, detect
from vocald.listening import ConnectionRefused, Disconnected, listen
from vocald.messages import (
    Decision,
    Gap,
    Hello,
    Lagged,
    Level,
    Message,
    MessageError,
    Offset,
    Onset,
    Refused,
    SpeechOffset,
    SpeechOnset,
    State,
    StreamStatus,
    Thresholds,
)
from vocald.program import ProgramError, ProgramNotFound

__all__ = [
    "Address",
    "AddressError",
    "ConnectionRefused",
    "Decision",
    "Detection",
    "Detector",
    "Disconnected",
    "Gap",
    "Hello",
    "Lagged",
    "Level",
    "Message",
    "MessageError",
    "Offset",
    "Onset",
    "ProgramError",
    "ProgramNotFound",
    "Refused",
    "Span",
    "SpeechOffset",
    "SpeechOnset",
    "State",
    "StreamStatus",
    "Thresholds",
    "detect",
    "listen",
]
