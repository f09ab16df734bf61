"""Turns a recorded answer into the bytes of an HTTP answer, cut up in every way a network may."""

from __future__ import annotations

import random
from collections.abc import Iterator

from wire import LAST_CHUNK, chunk

from .recordings import Recording

KEPT_HEADERS = ("retry-after", "retry-after-ms", "request-id", "x-request-id", "x-amzn-requestid", "x-amzn-errortype")
"""Recorded headers that mean something; those about framing and connections don't fit here."""
SINGLE_RECORDS = 2048
"""So many bytes are sent one to a TLS record; the rest of a body goes one to a chunk, many chunks to a record."""


def content_type(recording: Recording) -> str:
    if recording.kind == "bedrock" and recording.streamed:
        return "application/vnd.amazon.eventstream"
    if recording.kind == "ollama" and recording.streamed:
        return "application/x-ndjson"
    return "text/event-stream" if recording.streamed else "application/json"


def head(status: int, headers: dict[str, str], length: int | None) -> bytes:
    framing = f"Content-Length: {length}" if length is not None else "Transfer-Encoding: chunked"
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Status\r\n{fields}{framing}\r\n\r\n".encode()


def headers_of(recording: Recording) -> dict[str, str]:
    recorded = {name.lower(): value for name, value in (recording.response.get("headers") or {}).items()}
    kept = {name: recorded[name] for name in KEPT_HEADERS if name in recorded}
    kind = "application/json" if recording.status >= 400 else content_type(recording)
    if recorded.get("content-type") and not recording.is_reframed:
        kind = recorded["content-type"]
    return {"Content-Type": kind, **kept}


def steps(recording: Recording, how: str) -> list[bytes]:
    """The answer as steps of an upstream's script. `how`: whole, bytes, or random:SEED."""
    body = recording.body
    if how == "whole":
        return [head(recording.status, headers_of(recording), len(body)) + body]
    return [head(recording.status, headers_of(recording), None), *pieces(body, how)]


def pieces(body: bytes, how: str) -> Iterator[bytes]:
    """A chunked body: a step is a TLS record."""
    if how == "bytes":
        for at in range(min(len(body), SINGLE_RECORDS)):
            yield chunk(body[at : at + 1])
        for start in range(SINGLE_RECORDS, len(body), 1000):
            yield b"".join(chunk(bytes([each])) for each in body[start : start + 1000])
    else:
        chance = random.Random(how)
        at = 0
        while at < len(body):
            size = chance.choice((1, 2, 3, 7, 40, 300, 5000))
            yield chunk(body[at : at + size])
            at += size
    yield LAST_CHUNK
