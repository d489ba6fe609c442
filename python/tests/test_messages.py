"""Lines become typed messages."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

import vocald
from conftest import REPOSITORY
from vocald import messages


SCHEMA: dict[str, Any] = json.loads((REPOSITORY / "config/events.schema.json").read_text())


def test_every_type_and_field_of_the_schema_is_known() -> None:
    names = {kind["properties"]["type"]["const"] for kind in SCHEMA["oneOf"]}
    assert names == set(messages._TYPES)
    for kind in SCHEMA["oneOf"]:
        fields = SCHEMA["$defs"][kind["$ref"].rsplit("/", 1)[-1]]["properties"]
        known = {field.name for field in dataclasses.fields(messages._TYPES[kind["properties"]["type"]["const"]])}
        # Messages about the subscription itself have no stream.
        assert set(fields) - known <= {"v", "stream"}, kind


def test_hello_holds_streams_and_open_voices() -> None:
    line = json.dumps(
        {
            "type": "hello", "v": 1, "stream": "*", "version": "1", "model": "m", "device": "cpu", "horizons": [0.5, 0.1],
            "lookahead": 0.1, "hop": 0.0714, "thresholds": {"enter": 0.8, "leave": 0.3, "new": 1},
            "streams": [
                {"stream": "a", "state": "running", "onset":
                    {"v": 1, "stream": "a", "id": 2, "t": 1.0, "wall": 5.0, "p": 0.9}},
                {"stream": "b", "state": "waiting", "reason": "not plugged in"},
            ],
        }
    )  # fmt: skip
    hello = messages.parse(line)
    assert isinstance(hello, vocald.Hello)
    assert hello.thresholds == vocald.Thresholds(enter=0.8, leave=0.3)
    first, second = hello.streams
    assert first.voice and first.onset is not None and first.onset.id == 2
    assert (second.voice, second.state, second.reason) == (False, "waiting", "not plugged in")


def test_unknown_types_and_fields_are_ignored() -> None:
    assert messages.parse('{"type": "news", "v": 1, "stream": "a"}') is None
    gap = messages.parse('{"type":"gap","v":1,"stream":"a","t":1,"lost":0.5,"reason":"device","late":3}')
    assert gap == vocald.Gap(stream="a", t=1, lost=0.5, reason="device")


@pytest.mark.parametrize(
    "line",
    ["", "x", "[]", "1", '{"v":1}', '{"type":"onset","v":1,"stream":"a"}', '{"type":"onset","v":2,"stream":"a"}', b"\xff"],
)
def test_anything_else_is_an_error(line: str | bytes) -> None:
    with pytest.raises(vocald.MessageError):
        messages.parse(line)
