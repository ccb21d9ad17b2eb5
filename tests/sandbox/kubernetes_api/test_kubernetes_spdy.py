from __future__ import annotations

import struct
import zlib

import pytest

from environments.sandbox.kubernetes.kubectl import spdy

DICTIONARY_CHECKSUM = 0xE3C6A7C2
"""Checksum by which SPDY/3 streams of compressed headers name their dictionary."""


def _block(compressor: zlib._Compress, **headers: str) -> bytes:
    texts = [text.encode() for item in headers.items() for text in item]
    plain = struct.pack("!I", len(headers)) + b"".join(struct.pack("!I", len(text)) + text for text in texts)
    return compressor.compress(plain) + compressor.flush(zlib.Z_SYNC_FLUSH)


def _opened(stream: int, block: bytes) -> bytes:
    return spdy.control(spdy.SYN_STREAM, struct.pack("!IIH", stream, 0, 0) + block)


def test_the_dictionary_is_the_protocols() -> None:
    assert zlib.adler32(spdy.DICTIONARY) == DICTIONARY_CHECKSUM


def test_frames_arrive_however_they_are_cut() -> None:
    compressor = zlib.compressobj(zdict=spdy.DICTIONARY)
    sent = _opened(1, _block(compressor, streamType="error", port="5000"))
    sent += _opened(3, _block(compressor, streamType="data", port="5000"))
    sent += spdy.data(3, b"hello", spdy.FIN)
    connection = spdy.Spdy()
    frames = [frame for byte in sent for frame in connection.received(bytes([byte]))]
    assert [(frame.kind, frame.stream) for frame in frames] == [(1, 1), (1, 3), (0, 3)]
    assert [frame.headers.get("streamtype") for frame in frames] == ["error", "data", None]
    assert (frames[2].payload, frames[2].flags) == (b"hello", spdy.FIN)


def test_replies_are_readable_one_after_the_other() -> None:
    server, client = spdy.Spdy(), spdy.Spdy()
    frames = list(client.received(server.reply(1) + server.reply(3)))
    assert [(frame.kind, frame.stream, frame.headers) for frame in frames] == [(2, 1, {}), (2, 3, {})]


@pytest.mark.parametrize(
    "sent",
    [
        struct.pack("!II", 0x8002 << 16 | spdy.PING, 4) + b"\0\0\0\1",
        spdy.control(spdy.PING, b""),
        struct.pack("!II", 1, 0xFFFFFF),
        _opened(1, b"no zlib"),
        _opened(1, zlib.compress(struct.pack("!I", 1))),
    ],
    ids=["version", "empty", "huge", "headers", "cut-headers"],
)
def test_what_is_not_spdy_is_refused(sent: bytes) -> None:
    with pytest.raises(spdy.SpdyError):
        list(spdy.Spdy().received(sent))
