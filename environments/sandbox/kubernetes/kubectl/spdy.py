"""The part of SPDY/3.1 that a port forward uses: frames, compressed headers and streams opened by the client."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

SYN_STREAM, SYN_REPLY, RST_STREAM, PING, GOAWAY, HEADERS = 1, 2, 3, 6, 7, 8
DATA = 0
FIN = 1
_CONTROL = 0x8003
_HEAD_BYTES = 8
_LARGEST_FRAME_BYTES = 1 << 20

_WORDS = (
    "options", "head", "post", "put", "delete", "trace", "accept", "accept-charset", "accept-encoding",
    "accept-language", "accept-ranges", "age", "allow", "authorization", "cache-control", "connection", "content-base",
    "content-encoding", "content-language", "content-length", "content-location", "content-md5", "content-range",
    "content-type", "date", "etag", "expect", "expires", "from", "host", "if-match", "if-modified-since",
    "if-none-match", "if-range", "if-unmodified-since", "last-modified", "location", "max-forwards", "pragma",
    "proxy-authenticate", "proxy-authorization", "range", "referer", "retry-after", "server", "te", "trailer",
    "transfer-encoding", "upgrade", "user-agent", "vary", "via", "warning", "www-authenticate", "method", "get",
    "status", "200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin",
)  # fmt: skip
_TEXT = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden"
    "404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,"
    "publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)
DICTIONARY = b"".join(struct.pack("!I", len(word)) + word.encode() for word in _WORDS) + _TEXT.encode()
"""The initial dictionary of the header compression. It is part of the protocol and must match byte for byte."""


class SpdyError(Exception):
    """The other side does not speak SPDY/3.1."""


@dataclass(frozen=True)
class Frame:
    """One frame. ``kind`` is DATA or the type of a control frame; ``headers`` are those of a frame that has any."""

    kind: int
    stream: int
    flags: int
    payload: bytes
    headers: dict[str, str]


class Spdy:
    """The state of both directions of one connection."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)
        self._deflate = zlib.compressobj(zdict=DICTIONARY)

    def received(self, data: bytes) -> Iterator[Frame]:
        """Add received bytes and yield the frames that are now complete."""
        self._buffer += data
        while len(self._buffer) >= _HEAD_BYTES:
            first, second = struct.unpack("!II", self._buffer[:_HEAD_BYTES])
            flags, length = second >> 24, second & 0xFFFFFF
            if length > _LARGEST_FRAME_BYTES:
                raise SpdyError(f"a frame of {length} bytes")
            if len(self._buffer) < _HEAD_BYTES + length:
                return
            payload = bytes(self._buffer[_HEAD_BYTES : _HEAD_BYTES + length])
            del self._buffer[: _HEAD_BYTES + length]
            if first >> 31:
                if first >> 16 != _CONTROL:
                    raise SpdyError("a frame of another version")
                yield self._control(first & 0xFFFF, flags, payload)
            else:
                yield Frame(DATA, first, flags, payload, {})

    def _control(self, kind: int, flags: int, payload: bytes) -> Frame:
        if len(payload) < 4:
            raise SpdyError("a control frame without content")
        stream = struct.unpack("!I", payload[:4])[0] & 0x7FFFFFFF
        headers: dict[str, str] = {}
        if kind in (SYN_STREAM, SYN_REPLY, HEADERS):
            # each header block advances the compression state, even if its headers are not used
            headers = self._headers(payload[10 if kind == SYN_STREAM else 4 :])
        return Frame(kind, stream, flags, payload, headers)

    def _headers(self, block: bytes) -> dict[str, str]:
        try:
            plain = self._inflate.decompress(block)
            (count,) = struct.unpack_from("!I", plain)
            texts, at = [], 4
            for _ in range(2 * count):
                (length,) = struct.unpack_from("!I", plain, at)
                texts.append(plain[at + 4 : at + 4 + length].decode())
                at += 4 + length
        except (zlib.error, struct.error, UnicodeDecodeError) as error:
            raise SpdyError(f"headers that cannot be read: {error}") from None
        return dict(zip((name.lower() for name in texts[::2]), texts[1::2], strict=True))

    def reply(self, stream: int) -> bytes:
        """Return the SYN_REPLY that accepts a stream opened by the client."""
        block = self._deflate.compress(struct.pack("!I", 0)) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        return control(SYN_REPLY, struct.pack("!I", stream) + block)


def control(kind: int, payload: bytes) -> bytes:
    return struct.pack("!II", _CONTROL << 16 | kind, len(payload)) + payload


def data(stream: int, payload: bytes, flags: int = 0) -> bytes:
    return struct.pack("!II", stream, flags << 24 | len(payload)) + payload
