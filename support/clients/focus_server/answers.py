"""Answers of the Focus Server, and the investigation that an answer describes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NoReturn
from urllib.parse import urlsplit

from support.redaction import shortened


class ShapeError(Exception):
    """An answer whose shape differs from the contract. The message names the field."""


@dataclass(frozen=True)
class OpenedInvestigation:
    """The body of a successful ``POST /configure``.

    Types are checked, values are not: an empty ``job_id`` or an impossible port is for a scenario to judge.
    ``stream_host`` is the host of ``stream_url``; ``lines_dt`` is in seconds per line, ``frequencies_list`` in Hz;
    ``channel_to_stream_index`` maps a channel number to a stream counted from 0.
    """

    job_id: str
    stream_url: str
    stream_port: int
    stream_host: str
    view_type: int
    stream_amount: int
    channel_amount: int
    frequencies_amount: int
    frequencies_list: tuple[float, ...]
    lines_dt: float
    channel_to_stream_index: dict[int, int]
    metadata: dict[str, Any] | None
    raw: dict[str, Any]

    @classmethod
    def parse(cls, body: object) -> OpenedInvestigation:
        """Parse the JSON of the body. Raises :class:`ShapeError`."""
        if not isinstance(body, dict):
            raise ShapeError(f"the answer should be an object but is {_shown(body)}")
        stream_url = _text(body, "stream_url")
        metadata = body.get("metadata")
        if metadata is not None and not isinstance(metadata, dict):
            raise ShapeError(f"metadata should be an object but is {_shown(metadata)}")
        return cls(
            job_id=_text(body, "job_id"),
            stream_url=stream_url,
            stream_port=_whole(body, "stream_port"),
            stream_host=_host(stream_url),
            view_type=_whole(body, "view_type"),
            stream_amount=_whole(body, "stream_amount"),
            channel_amount=_whole(body, "channel_amount"),
            frequencies_amount=_whole(body, "frequencies_amount"),
            frequencies_list=_numbers(body, "frequencies_list"),
            lines_dt=_number(_present(body, "lines_dt"), "lines_dt"),
            channel_to_stream_index=_index(body, "channel_to_stream_index"),
            metadata=metadata,
            raw=body,
        )


@dataclass(frozen=True)
class Answer:
    """An HTTP answer. ``duration_s`` runs from sending the request to the last byte; ``request`` is the request's text.

    ``lost_s`` is the part of ``duration_s`` in which the suite did not get the processor (``support.processor``).
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    duration_s: float
    request: str = field(default="", repr=False)
    lost_s: float = 0.0

    @property
    def given_s(self) -> float:
        """The seconds that count for a deadline: ``duration_s`` without ``lost_s``."""
        return max(0.0, self.duration_s - self.lost_s)

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 are replaced."""
        return self.body.decode("utf-8", errors="replace")

    def json(self) -> Any:
        """The body as JSON. Raises :class:`ShapeError`; NaN and Infinity are not JSON."""
        try:
            return json.loads(self.body, parse_constant=_not_json)
        except ValueError as error:
            raise ShapeError(f"the answer {self.status} should be JSON but is {_shown(self.text)} ({error})") from error

    @property
    def message(self) -> str:
        """The human-readable text of an error, from any of the server's formats; empty for an empty body."""
        try:
            body = json.loads(self.body)
        except ValueError:
            return self.text.strip()
        return _message(body)

    @cached_property
    def announced_job_id(self) -> str | None:
        """The job id in the answer, regardless of its status and shape: an investigation may have been started."""
        try:
            job_id = json.loads(self.body)["job_id"]
        except (ValueError, KeyError, TypeError, IndexError):
            return None
        return job_id if isinstance(job_id, str) and job_id else None

    def opened(self) -> OpenedInvestigation:
        """Return the investigation that this answer opened. Raises :class:`ShapeError`, also if the server refused."""
        if self.status != 200:
            raise ShapeError(
                f"no investigation was opened: the server answered {self.status} {shortened(self.message, 300)!r}"
            )
        return OpenedInvestigation.parse(self.json())


def _message(body: object) -> str:
    if isinstance(body, str):
        return body
    if not isinstance(body, dict):
        return json.dumps(body)
    parts = [body[key] for key in ("error", "message", "details") if isinstance(body.get(key), str) and body[key]]
    detail = body.get("detail")
    if isinstance(detail, str):
        parts.append(detail)
    elif isinstance(detail, list):
        parts.append("; ".join(_validation_line(item) for item in detail))
    return ": ".join(parts) if parts else json.dumps(body)


def _validation_line(item: object) -> str:
    if not isinstance(item, dict):
        return str(item)
    location = item.get("loc")
    where = ".".join(map(str, location)) if isinstance(location, list) else str(location)
    return f"{where}: {item.get('msg', item)}"


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _present(body: Mapping[str, Any], name: str) -> Any:
    if name not in body:
        raise ShapeError(f"{name} is missing from the answer")
    return body[name]


def _text(body: Mapping[str, Any], name: str) -> str:
    value = _present(body, name)
    if not isinstance(value, str):
        raise ShapeError(f"{name} should be a string but is {_shown(value)}")
    return value


def _whole(body: Mapping[str, Any], name: str) -> int:
    value = _present(body, name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ShapeError(f"{name} should be an integer but is {_shown(value)}")
    return value


def _number(value: Any, name: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ShapeError(f"{name} should be a number but is {_shown(value)}")
    return float(value)


def _numbers(body: Mapping[str, Any], name: str) -> tuple[float, ...]:
    value = _present(body, name)
    if not isinstance(value, list):
        raise ShapeError(f"{name} should be a list of numbers but is {_shown(value)}")
    return tuple(_number(item, f"{name}[{position}]") for position, item in enumerate(value))


def _index(body: Mapping[str, Any], name: str) -> dict[int, int]:
    value = _present(body, name)
    if not isinstance(value, dict):
        raise ShapeError(f"{name} should be an object but is {_shown(value)}")
    index: dict[int, int] = {}
    for channel in value:
        if not (channel.isascii() and channel.isdigit()):
            raise ShapeError(f"{name} should have channel numbers as keys but has {channel!r}")
        index[int(channel)] = _whole(value, channel)
    return index


def _host(url: str) -> str:
    """Return the host of a URL with or without a scheme; empty if it has none."""
    try:
        return urlsplit(url if "://" in url else f"//{url}").hostname or ""
    except ValueError:
        return ""


def _shown(value: object) -> str:
    return f"{type(value).__name__} {shortened(repr(value))}"
