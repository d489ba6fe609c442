"""Labels of a recording."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vocald import program as programs
from vocald.program import ProgramError

if TYPE_CHECKING:
    import pandas


class Span(NamedTuple):
    """A voice, in seconds from the start of the recording."""

    start: float
    end: float


@dataclass(frozen=True, eq=False)
class Detection:
    """When a voice is singing in a recording. Times are in seconds from its start."""

    #: The recording.
    path: str
    #: Its length.
    duration: float
    #: Name of the model that decided.
    model: str
    #: Sound after ``t`` that a decision is based on.
    lookahead: float
    #: Every voice.
    spans: tuple[Span, ...]
    #: Time of each decision, one every 71.4 ms.
    t: NDArray[np.float64]
    #: Probability of voice.
    p: NDArray[np.float32]
    #: Whether a voice is present.
    voice: NDArray[np.bool_]
    #: What is wrong with the file, if it could be read only in part.
    damage: str | None = None
    #: Every stretch of speech; None if the model has no output for it.
    speech_spans: tuple[Span, ...] | None = None
    #: Probability of speech at each decision; None likewise.
    speech_p: NDArray[np.float32] | None = None

    @property
    def intervals(self) -> NDArray[np.float64]:
        """Start and end of every voice: voices × 2, as ``mir_eval`` takes them."""
        return np.array(self.spans, dtype=np.float64).reshape(-1, 2)

    def labelled(self) -> tuple[NDArray[np.float64], list[str]]:
        """Intervals that cover the whole recording, and ``sing`` or ``nosing`` for each: a ``.lab`` file."""
        edges = [0.0, *(edge for span in self.spans for edge in span), max(self.duration, 0.0)]
        pairs = list(zip(edges, edges[1:]))
        words = ["sing" if place % 2 else "nosing" for place in range(len(pairs))]
        kept = [(pair, word) for pair, word in zip(pairs, words) if pair[1] > pair[0]]
        return np.array([pair for pair, _ in kept]).reshape(-1, 2), [word for _, word in kept]

    def to_pandas(self) -> pandas.DataFrame:
        """The decisions as a table with the columns ``t``, ``p`` and ``voice``."""
        import pandas

        return pandas.DataFrame({"t": self.t, "p": self.p, "voice": self.voice})


def detect(
    path: str | os.PathLike[str],
    *,
    model: str | os.PathLike[str] | None = None,
    lookahead: float | None = None,
    threshold: float | None = None,
    live: bool = False,
    program: str | os.PathLike[str] | None = None,
) -> Detection:
    """Labels a recording, exactly as ``vocald detect`` does.

    ``model`` is a checkpoint (default: the built-in one), ``lookahead`` the longest look-ahead in seconds (default: that
    of the checkpoint), ``threshold`` shifts the thresholds as ``--threshold`` does, and ``live`` decides as ``vocald run``
    would.

    Raises :class:`vocald.ProgramNotFound`, and :class:`vocald.ProgramError` for a file that cannot be labelled.
    """
    command = [programs.find(program), "detect", "--format=json", *programs.options(model, lookahead, threshold)]
    if live:
        command.append("--live")
    # An absolute path cannot be taken for an option.
    done = subprocess.run([*command, os.path.abspath(path)], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise ProgramError(programs.error_text(done.stderr))
    return _detection(os.fspath(path), json.loads(done.stdout))


def _detection(path: str, found: dict[str, Any]) -> Detection:
    rows = found["decisions"]
    speech = found.get("speech_events")
    return Detection(
        path=path,
        duration=found["duration"],
        model=found["model"],
        lookahead=found["lookahead"],
        spans=_spans(found["events"]),
        t=np.array([row["t"] for row in rows], dtype=np.float64),
        p=np.array([row["p"] for row in rows], dtype=np.float32),
        voice=np.array([row["voice"] for row in rows], dtype=np.bool_),
        damage=found.get("damage"),
        speech_spans=None if speech is None else _spans(speech),
        speech_p=None if speech is None else np.array([row["speech_p"] for row in rows], dtype=np.float32),
    )


def _spans(events: list[dict[str, Any]]) -> tuple[Span, ...]:
    edges: dict[int, dict[str, float]] = {}
    for event in events:
        edges.setdefault(event["id"], {})[event["type"]] = event["t"]
    return tuple(Span(edge["onset"], edge["offset"]) for edge in edges.values())
