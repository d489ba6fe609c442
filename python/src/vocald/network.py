"""An exported network (``vocald export --format onnx``) in onnxruntime, without the program.

The probabilities are those of the network, before overlap averaging and before the thresholds:
:func:`vocald.detect` and :class:`vocald.Detector` have the program's decisions.
"""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vocald.frontend import Frontend

_BATCH = 16


class Prediction(NamedTuple):
    """Probabilities of voice: windows × horizons."""

    #: Stream time of the frame that is predicted, in seconds.
    t: NDArray[np.float64]
    #: Probability of voice.
    p: NDArray[np.float32]


class Network:
    """An exported network and its description."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise ImportError("a network needs the package onnxruntime: pip install 'vocald[onnx]'") from error
        self._session: Any = onnxruntime.InferenceSession(os.fspath(path), providers=["CPUExecutionProvider"])
        text = self._session.get_modelmeta().custom_metadata_map.get("vocald")
        if text is None:
            raise ValueError(f"{os.fspath(path)} was not exported by vocald")
        #: Everything that the file states: frontend, normalisation, horizons, operating points, licence.
        self.description: dict[str, Any] = json.loads(text)
        #: The frontend that the network expects.
        self.frontend = Frontend.of(self.description)
        #: Distance of each predicted frame from the window's last, in frames.
        self.horizons_frames: list[int] = self.description["horizons_frames"]

    def probabilities(self, windows: NDArray[np.float32], first: int = 0) -> NDArray[np.float32]:
        """Probabilities of voice, windows × horizons, of log-mel windows (windows × frames × bands).

        ``first`` is the number of the first window in its stream; alternating members take turns by it.
        """
        return self._output("probability", windows, first)

    def speech_probabilities(self, windows: NDArray[np.float32], first: int = 0) -> NDArray[np.float32]:
        """The same for speech. Raises :class:`ValueError` for a network without that output."""
        output = self.description.get("speech_output")
        if output is None:
            raise ValueError(f"the network {self.description['name']} has no output for speech")
        return self._output(output, windows, first)

    def _output(self, output: str, windows: NDArray[np.float32], first: int) -> NDArray[np.float32]:
        batches = [np.zeros((0, len(self.horizons_frames)), dtype=np.float32)]
        for start in range(0, len(windows), _BATCH):
            batch = windows[start : start + _BATCH]
            inputs: dict[str, Any] = {"log_mel": batch}
            if "number" in self.description["inputs"]:
                inputs["number"] = np.arange(first + start, first + start + len(batch), dtype=np.int64)
            batches.append(self._session.run([output], inputs)[0])
        return np.concatenate(batches)

    def predict(self, samples: ArrayLike) -> Prediction:
        """Times and probabilities of every window of mono samples at the frontend's rate."""
        windows = self.frontend.windows(self.frontend.log_mel(samples))
        numbers = np.arange(len(windows), dtype=np.int64)[:, None]
        t = self.frontend.time_s(numbers, np.array([self.horizons_frames], dtype=np.int64))
        return Prediction(t, self.probabilities(windows))
