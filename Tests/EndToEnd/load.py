"""Clients that ask a proxy for a long time and hold every answer against what it must be.

`Yard` is a proxy with its config and its key in a mounted volume, and a provider as a process of its own. `Crowd`
asks. Nothing here knows what a run is about: see faults.py and soak.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from certificates import Authority
from kubelet import Volume
from remora import SECRET, SLOWER, Remora

IN_FORCE = 1.5 * SLOWER
"""Seconds after which what was published must be in force."""
PATIENCE = 20.0 * SLOWER
"""Seconds after which a client gives up, which is a failure that nothing explains."""


class Yard:
    """The proxy, its volume, its provider."""

    def __init__(self, directory: Path, changes: dict | None = None) -> None:
        self.directory = directory
        directory.mkdir(exist_ok=True)
        self.lock = threading.Lock()
        self.authority = Authority(directory / "authority")
        self.certificate = self.authority.issue("provider")
        self.provider: subprocess.Popen | None = None
        self.port = 0
        self.key = SECRET
        self.keys = 0
        self.generation = 0
        self.published: list[tuple[float, int]] = [(0.0, 0)]
        self.outages: list[list[float]] = []
        self.start_provider()
        path = directory / "volume"
        provider = {
            "kind": "openai",
            "base_url": f"https://localhost:{self.port}/v1",
            "api_key": {"file": str(path / "gateway.key")},
            "headers": {"x-generation": "@GENERATION@"},
            "tls": {"ca_file": str(self.authority.ca_file)},
            # As it is without being said, but for the sanitizers.
            "timeouts": {"connect": f"{5 * SLOWER}s"},
        }
        whole = {
            "providers": {"gateway": provider},
            "default_provider": "gateway",
            "response_metadata": "headers",
            "telemetry": {"access_log": "off"},
            **(changes or {}),
        }
        self.text = yaml.safe_dump(whole)
        self.volume = Volume(path, gateway_key=self.key, remora_yaml=self._config())
        self.proxy = Remora(directory, None, arguments=("--config", str(path / "remora.yaml")))

    def _config(self) -> str:
        return self.text.replace("@GENERATION@", str(self.generation))

    # What happens to it; each may block for a few milliseconds.

    def swap(self) -> None:
        """Publishes the next generation of the config."""
        with self.lock:
            self.generation += 1
            self.volume.publish(gateway_key=self.key, remora_yaml=self._config())
            self.published.append((time.monotonic(), self.generation))

    def spoil(self) -> None:
        """Publishes what is no config, and then the good one again."""
        with self.lock:
            self.volume.publish(gateway_key=self.key, remora_yaml="providers: [nonsense\n")
            time.sleep(0.3)
        self.swap()

    def rotate(self) -> None:
        """Publishes a new key, and has the provider refuse the old one from then on."""
        with self.lock:
            self.keys += 1
            self.key = f"{SECRET}-{self.keys}"
            self.proxy.secrets.append(self.key)
            # As it is done: a new key is good before it is given out, and the old one ends when it has been.
            self._tell(f"also {self.key}\n")
            self.volume.publish(gateway_key=self.key, remora_yaml=self._config())
            self._tell(f"only {self.key}\n")

    def _tell(self, line: str) -> None:
        if self.provider is not None:
            self.provider.stdin.write(line)
            self.provider.stdin.flush()
            self.provider.stdout.readline()

    def start_provider(self) -> None:
        script = Path(__file__).with_name("load_provider.py")
        files = (str(self.certificate.cert_file), str(self.certificate.key_file))
        # Nobody tells it of a key before it has told its port.
        with self.lock:
            self.provider = subprocess.Popen(
                [sys.executable, str(script), *files, str(self.port), self.key],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            self.port = int(self.provider.stdout.readline())
        if self.outages and len(self.outages[-1]) == 1:
            self.outages[-1].append(time.monotonic())

    def kill_provider(self) -> None:
        with self.lock:
            self.outages.append([time.monotonic()])
            self.provider.kill()
            self.provider.wait()
            self.provider.stdin.close()
            self.provider.stdout.close()
            self.provider = None

    def stop(self) -> None:
        """Ends both; holds the proxy to its promises."""
        try:
            self.proxy.stop()
        finally:
            if self.provider is not None:
                self.provider.kill()
                self.provider.wait()

    # What may be seen.

    def oldest(self, start: float) -> int:
        """The oldest generation that a request begun at `start` may be served by."""
        return max(number for at, number in self.published if at + IN_FORCE <= max(start, IN_FORCE))

    def in_outage(self, start: float, end: float) -> bool:
        """Whether the provider was away for some of the time, or had just come back."""
        return any(each[0] <= end and (len(each) == 1 or start <= each[1] + 0.2) for each in self.outages)


class Wrong(Exception):
    """What came is not what must come."""


@dataclass
class Tally:
    """What became of requests of one kind."""

    sent: int = 0
    answered: int = 0
    explained: Counter = field(default_factory=Counter)
    failed: Counter = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        values = sorted(self.seconds)
        return values[min(int(len(values) * share), len(values) - 1)] if values else 0.0


class Line:
    """One client's connection, opened when it is needed."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    def close(self, abruptly: bool = False) -> None:
        if self.writer is not None:
            self.writer.transport.abort() if abruptly else self.writer.close()
        self.reader = self.writer = None

    async def send(self, body: dict) -> None:
        if self.reader is not None and self.reader.at_eof():
            self.close()
        if self.reader is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        data = json.dumps(body).encode()
        self.writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer any\r\nContent-Length: %d\r\n\r\n%s" % (len(data), data)
        )

    async def head(self) -> tuple[int, dict[bytes, bytes]]:
        lines = (await self.reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        fields = {}
        for line in lines[1:-2]:
            name, _, value = line.partition(b":")
            fields[name.lower()] = value.strip()
        return int(lines[0].split(b" ")[1]), fields

    async def chunk(self) -> bytes:
        """The next chunk; empty at the body's end."""
        size = int(await self.reader.readline(), 16)
        return (await self.reader.readexactly(size + 2))[:size]

    async def body(self, fields: dict[bytes, bytes]) -> bytes:
        if b"content-length" in fields:
            return await self.reader.readexactly(int(fields[b"content-length"]))
        parts = []
        while part := await self.chunk():
            parts.append(part)
        return b"".join(parts)


class Crowd:
    """Asks, and judges."""

    def __init__(self, yard: Yard) -> None:
        self.yard = yard
        self.chats = Tally()
        self.streams = Tally()
        self.abandoned = 0
        self.open = 0
        self.numbers = 0

    def _body(self, model: str = "gpt-4o", **more) -> tuple[str, dict]:
        self.numbers += 1
        content = f"question {self.numbers}"
        return content, {"model": model, "messages": [{"role": "user", "content": content}], **more}

    async def judge(self, tally: Tally, line: Line, work) -> None:
        """Runs one exchange and counts what came of it."""
        start = time.monotonic()
        tally.sent += 1
        try:
            async with asyncio.timeout(PATIENCE + 60):
                await work
            tally.answered += 1
            tally.seconds.append(time.monotonic() - start)
            return
        except Wrong as wrong:
            cause = str(wrong)
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            cause = f"the connection broke ({type(error).__name__})"
        except TimeoutError:
            cause = "no end in time"
        line.close()
        # An outage explains only what is said to be one.
        said = cause.startswith(
            ("502 upstream_connect", "502 upstream_tls", "502 upstream_protocol", "stream upstream_protocol")
        )
        explained = said and self.yard.in_outage(start, time.monotonic())
        (tally.explained if explained else tally.failed)[cause] += 1

    async def chat(self, line: Line) -> None:
        """One whole answer, on the connection that is open."""
        content, body = self._body()
        await self.judge(self.chats, line, self._chat(line, content, body))

    async def _chat(self, line: Line, content: str, body: dict) -> None:
        start = time.monotonic()
        await line.send(body)
        status, fields = await line.head()
        answer = json.loads(await line.body(fields))
        if fields.get(b"connection") == b"close":
            line.close()
        if status != 200:
            raise Wrong(f"{status} {answer['error']['code']}")
        if answer["choices"][0]["message"]["content"] != content:
            raise Wrong("another request's answer")
        self._check(int(answer["system_fingerprint"]), start)

    def _check(self, generation: int, start: float) -> None:
        if generation < self.yard.oldest(start):
            raise Wrong(f"a configuration that was replaced {IN_FORCE} s before")
        if generation > self.yard.generation:
            raise Wrong("a configuration that never was")

    async def stream(self, chunks: int, pause: int) -> None:
        """One stream to its end, on a connection of its own."""
        line = Line(self.yard.proxy.port)
        content, body = self._body(stream=True, user=f"{chunks} {pause}")
        self.open += 1
        try:
            await self.judge(self.streams, line, self._stream(line, content, body, chunks))
        finally:
            self.open -= 1
            line.close()
        if self.yard.provider is None:
            await asyncio.sleep(0.1)

    async def _stream(self, line: Line, content: str, body: dict, chunks: int) -> None:
        start = time.monotonic()
        await line.send(body)
        status, fields = await line.head()
        if status != 200:
            answer = json.loads(await line.body(fields))
            raise Wrong(f"{status} {answer['error']['code']}")
        text = bytearray()
        generations = set()
        seen = 0
        has_ended = False
        while part := await line.chunk():
            text += part
            while (end := text.find(b"\n\n")) >= 0:
                event = bytes(text[:end]).removeprefix(b": remora\n")
                del text[: end + 2]
                if event == b"data: [DONE]":
                    has_ended = True
                    continue
                value = json.loads(event.removeprefix(b"data: "))
                if "error" in value:
                    raise Wrong(f"stream {value['error']['code']}")
                if value["choices"][0]["delta"]["content"] != f"{content}/{seen}":
                    raise Wrong("an event that is missing, double or another stream's")
                generations.add(int(value["system_fingerprint"]))
                seen += 1
        if not has_ended or seen != chunks or text.removeprefix(b": remora\n"):
            raise Wrong("a stream that is not whole and looks as if it were")
        if len(generations) != 1:
            raise Wrong("a stream of two configurations")
        self._check(generations.pop(), start)

    async def abandon(self, after: float, *, stream: bool = True, abruptly: bool = False) -> None:
        """Leaves in the middle."""
        line = Line(self.yard.proxy.port)
        _, body = self._body(stream=stream, user="1000 20")
        self.abandoned += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await line.send(body)
            await asyncio.sleep(after)
        line.close(abruptly)

    async def fault(self, model: str, *, stream: bool = False) -> None:
        """Asks for one of the provider's faults; whatever comes must not look like a good answer."""
        line = Line(self.yard.proxy.port)
        _, body = self._body(model, stream=stream)
        self.chats.sent += 1
        try:
            async with asyncio.timeout(PATIENCE):
                await line.send(body)
                status, fields = await line.head()
                got = await line.body(fields)
                if status == 200 and b"[DONE]" in got or status == 200 and not stream:
                    self.chats.failed[f"{model} looks like a good answer"] += 1
        except (OSError, asyncio.IncompleteReadError, ValueError, TimeoutError):
            # Cut in the middle of the body: nobody takes it for whole.
            pass
        finally:
            line.close()
        self.chats.answered += 1


async def paced(action, rate: float, until: float) -> None:
    """Calls `action` at fixed instants; one that is late is made up for while there is time."""
    due = time.monotonic()
    while due < until and time.monotonic() < until:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        await action()
        due += 1 / rate


async def each(action, seconds: float, until: float) -> None:
    """Calls the blocking `action` on a thread, once in so many seconds."""
    due = time.monotonic() + seconds
    while due <= until:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        await asyncio.to_thread(action)
        due += seconds
