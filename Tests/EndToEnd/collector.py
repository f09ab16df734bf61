"""The scripted collector beside the project, as a process: what it decoded, export by export."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from remora import ROOT, free_port

RECEIVER = ROOT.parent / "shared/telemetry/receiver.py"


class Collector:
    """`script` says what it answers: `503:2,200`, `partial`, `slow:60`."""

    def __init__(self, directory: Path, script: str = "200") -> None:
        if not RECEIVER.exists():
            pytest.skip(f"ABSENT: {RECEIVER}")
        self.port = free_port()
        self.file = directory / f"exports-{self.port}.jsonl"
        self.process = subprocess.Popen(
            [sys.executable, str(RECEIVER), str(self.port), str(self.file), "--script", script],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            except OSError:
                assert time.monotonic() < deadline and self.process.poll() is None, "the collector didn't start"
                time.sleep(0.02)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def text(self) -> str:
        return self.file.read_text() if self.file.exists() else ""

    def exports(self, count: int = 1, seconds: float = 15.0, path: str = "/v1/traces") -> list[dict]:
        """What came, once there is so much of it."""
        deadline = time.monotonic() + seconds
        while True:
            lines = [line for line in self.text.split("\n")[:-1]]
            found = [each for each in map(json.loads, lines) if each["path"] == path]
            assert all("error" not in each for each in found), found
            if len(found) >= count:
                return found
            assert time.monotonic() < deadline, f"{len(found)} exports, wanted {count}"
            time.sleep(0.02)

    def spans(self, count: int, seconds: float = 15.0) -> list[dict]:
        """The spans that came, once there are so many, in their order; attributes as a dictionary."""
        deadline = time.monotonic() + seconds
        while True:
            found = [span for export in self.exports(0) for span in spans_of(export)]
            if len(found) >= count:
                return found
            assert time.monotonic() < deadline, f"{len(found)} spans, wanted {count}"
            time.sleep(0.02)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def value(any_value: dict):
    """A plain value for one of OTLP's."""
    if "arrayValue" in any_value:
        return [value(each) for each in any_value["arrayValue"].get("values", [])]
    kind, raw = next(iter(any_value.items()))
    return int(raw) if kind == "intValue" else raw


def attributes(of: dict) -> dict:
    pairs = [(each["key"], value(each["value"])) for each in of.get("attributes", [])]
    assert len(dict(pairs)) == len(pairs), f"an attribute stands twice: {pairs}"
    return dict(pairs)


def spans_of(export: dict) -> list[dict]:
    return [
        {**span, "attributes": attributes(span)}
        for resource in export["data"]["resourceSpans"] for scope in resource["scopeSpans"] for span in scope["spans"]
    ]
