"""Event streams: server-sent events as text, and AWS's binary frames, read and written."""

from __future__ import annotations

import base64
import json
import struct
import zlib


def events(body: str) -> list[tuple[str | None, str]]:
    """The (name, data) of each server-sent event. A last one without its blank line counts: recorders cut it off."""
    found, name, data = [], None, []
    for line in [*body.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n"), ""]:
        if not line:
            if data:
                found.append((name, "\n".join(data)))
            name, data = None, []
        elif line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif line.startswith("event:"):
            name = line[6:].strip()
    return found


def event_text(payload: str, *, named: bool = False) -> str:
    """One event around a JSON text; `named` repeats its `type` as the event's name."""
    name = f"event: {json.loads(payload)['type']}\n" if named else ""
    return f"{name}data: {payload}\n\n"


# AWS event-stream: lengths, a check sum over them, headers, payload, a check sum over all.


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    head = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value.encode())) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    whole = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + payload
    return whole + struct.pack(">I", zlib.crc32(whole))


def aws_event(kind: str, payload) -> bytes:
    """An event of Bedrock's ConverseStream."""
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, json.dumps(payload).encode())


def aws_exception(kind: str, message: str) -> bytes:
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return frame(headers, json.dumps({"message": message}).encode())


def frames(data: bytes) -> list[tuple[dict[str, str], bytes]]:
    """The headers (those that are strings) and payload of each frame; `ValueError` where a check sum is wrong."""
    found = []
    while data:
        total, length, check = struct.unpack(">III", data[:12])
        whole, data = data[:total], data[total:]
        if zlib.crc32(whole[:8]) != check or zlib.crc32(whole[:-4]) != struct.unpack(">I", whole[-4:])[0]:
            raise ValueError("a frame's check sum is wrong")
        head, headers = whole[12 : 12 + length], {}
        while head:
            size = head[0]
            name, kind, head = head[1 : 1 + size].decode(), head[1 + size], head[2 + size :]
            if kind != 7:
                raise ValueError(f"header {name} has type {kind}, which this reader doesn't know")
            (size,) = struct.unpack(">H", head[:2])
            headers[name], head = head[2 : 2 + size].decode(), head[2 + size :]
        found.append((headers, whole[12 + length : -4]))
    return found


def decoded(text: str) -> bytes:
    return base64.b64decode(text)
