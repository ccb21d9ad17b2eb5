"""JSON between the processes of the sandbox: values that the fast library refuses are still written and read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from environments.sandbox.shared.json_text import decode, encode


@pytest.mark.parametrize(
    "value", [{"a": [1, 2.5, None, True, "é"]}, 2**64, -(2**70), "half a pair: \ud800", {"\udfff": 1}, {}, ""]
)
def test_what_is_written_is_read_again(value: Any) -> None:
    text = encode(value)
    assert json.loads(text) == value
    assert b" " not in text.replace(b"half a pair: ", b"")
    if not isinstance(value, int):
        assert decode(text) == value


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b'{"a":1} x'])
def test_what_is_not_json_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        decode(text)


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        encode({"a": object()})
