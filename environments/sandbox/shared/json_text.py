"""JSON as the API server and its clients write and read it, all day long: with orjson, which needs a tenth of the time.

Where orjson refuses what the standard library takes (whole numbers beyond 64 bits, half of a surrogate pair), the
standard library does it.
"""

from __future__ import annotations

import json
from typing import Any

import orjson


def encode(value: Any) -> bytes:
    """Without spaces; :class:`TypeError` for what JSON cannot say."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":")).encode()


def decode(text: bytes) -> Any:
    """:class:`ValueError` for what is not JSON."""
    try:
        return orjson.loads(text)
    except ValueError:
        return json.loads(text)
