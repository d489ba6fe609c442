"""Detection in chunks of samples."""

from __future__ import annotations

import os
import queue
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import IO, NoReturn

import numpy as np
from numpy.typing import ArrayLike

from vocald import program as programs
from vocald.messages import Decision, Hello, Message, parse
from vocald.program import ProgramError

#: Longest window of a network: that of SCNN.
LONGEST_WINDOW_S = 1.676
#: Most sound that the resampler holds back, at 8 kHz.
RESAMPLER_S = 0.02
#: The program loads its model first.
PATIENCE_S = 120.0


class Detector:
    """Detects singing in samples at any rate from 8 to 192 kHz.

    The program ``vocald`` decides, so the decisions are those of ``vocald run`` and ``vocald detect`` on the same sound::

        with vocald.Detector(rate=48_000) as detector:
            for message in detector.run(chunks):
                print(message)

    ``model``, ``lookahead`` and ``threshold`` are those of :func:`vocald.detect`. ``hello`` describes the model.
    """

    def __init__(
        self,
        rate: int,
        *,
        channels: int = 1,
        model: str | os.PathLike[str] | None = None,
        lookahead: float | None = None,
        threshold: float | None = None,
        program: str | os.PathLike[str] | None = None,
    ) -> None:
        self.rate = rate
        self.channels = channels
        #: Whether a voice is present.
        self.voice = False
        self._fed_frames = 0
        self._due_s: float | None = None
        self._errors: IO[str] = tempfile.TemporaryFile("w+")
        command = [programs.find(program), "run", "-", "--format=f32le", f"--rate={rate}", f"--channels={channels}"]
        self._process = subprocess.Popen(
            [*command, *programs.options(model, lookahead, threshold)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        self._messages: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name="vocald-detector", daemon=True)
        self._reader.start()
        first = self._next()
        if not isinstance(first, Hello):
            self._fail()
        #: The detector and its model.
        self.hello: Hello = first

    def feed(self, samples: ArrayLike) -> list[Message]:
        """Takes samples and returns the messages that they complete.

        Floats are of full scale 1; integers are scaled by their type. Several channels are frames × channels; the
        program averages them. Raises :class:`vocald.ProgramError` if the program ends early.
        """
        chunk = _floats(samples)
        frames = chunk.size // self.channels
        if frames * self.channels != chunk.size or (chunk.ndim == 2 and chunk.shape[1] != self.channels):
            raise ValueError(f"the chunk has shape {chunk.shape}, not frames x {self.channels}")
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(chunk.tobytes())
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            self._fail()
        self._fed_frames += frames
        return self._due()

    def close(self) -> list[Message]:
        """Ends the sound and returns the last messages. An open voice ends here."""
        assert self._process.stdin is not None
        if self._process.stdin.closed:
            return []
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            pass
        rest: list[Message] = []
        while (message := self._next()) is not None:
            rest.append(message)
        if self._process.wait() != 0:
            self._fail()
        self._errors.close()
        return rest

    def run(self, chunks: Iterable[ArrayLike]) -> Iterator[Message]:
        """The messages of all chunks, and those of the end."""
        for chunk in chunks:
            yield from self.feed(chunk)
        yield from self.close()

    def __enter__(self) -> Detector:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for file in (self._process.stdin, self._process.stdout, self._errors):
            if file is not None:
                try:
                    file.close()
                except BrokenPipeError:
                    pass

    def _read(self) -> None:
        assert self._process.stdout is not None
        try:
            for line in self._process.stdout:
                message = parse(line)
                if message is not None:
                    self._messages.put(message)
        finally:
            self._messages.put(None)

    def _due(self) -> list[Message]:
        """Waits for the decisions whose sound is complete."""
        fed_s = self._fed_frames / self.rate - RESAMPLER_S
        due: list[Message] = []
        while fed_s >= (LONGEST_WINDOW_S if self._due_s is None else self._due_s):
            message = self._next()
            if message is None:
                self._fail()
            due.append(message)
        while not self._messages.empty():
            message = self._next()
            if message is None:
                self._fail()
            due.append(message)
        return due

    def _next(self) -> Message | None:
        """The next message; None once the program has ended."""
        try:
            message = self._messages.get(timeout=PATIENCE_S)
        except queue.Empty:
            raise ProgramError(f"vocald did not respond for {PATIENCE_S:.0f} s") from None
        if message is None:
            # For whoever comes next.
            self._messages.put(None)
        elif isinstance(message, Decision):
            self.voice = message.voice
            self._due_s = message.t + message.lookahead + self.hello.hop
        return message

    def _fail(self) -> NoReturn:
        self._process.kill()
        self._process.wait()
        self._errors.seek(0)
        text = programs.error_text(self._errors.read())
        raise ProgramError(text or "vocald ended before the sound did")


def _floats(samples: ArrayLike) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    array = np.asarray(samples)
    if array.dtype.kind == "u":
        half = 2.0 ** (8 * array.dtype.itemsize - 1)
        return ((array.astype(np.float64) - half) / half).astype("<f4")
    if array.dtype.kind == "i":
        return (array.astype(np.float64) / 2.0 ** (8 * array.dtype.itemsize - 1)).astype("<f4")
    return array.astype("<f4")
