"""More than the process can hold: it refuses, in words that say when to come again, and stays within its memory."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path

import pytest

import remora as remora_module
from load import Yard
from remora import PROMPT
from upstream import Gate
from wire import SSE_HEAD, chunk, post_json, request

pytestmark = [pytest.mark.proxy, pytest.mark.build("measures memory")]

MEBI = 1 << 20
CEILING = 48 * MEBI
CODE = 8 * MEBI
"""What is resident of the program itself while it works. More of it is for some seconds behind its start, in pages that
the kernel takes back whenever it likes."""
CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": PROMPT}]}
STREAM = post_json("/v1/chat/completions", {**CHAT, "stream": True, "user": "100000 200"})


@pytest.fixture
def small(tmp_path):
    """A proxy that may use 48 MiB, and a provider that can carry a crowd."""
    yard = Yard(tmp_path, {"max_memory": "48MiB"})
    yield yard
    yard.stop()


def refused(answer) -> bool:
    """Whether it was turned away, and as it must be."""
    if answer.status == 200:
        return False
    assert (answer.status, answer.error["code"]) == (503, "overloaded"), answer.body
    assert answer.get("retry-after") == "1" and answer.get("connection") == "close"
    assert answer.get("x-should-retry") is None and "max_memory" in answer.error["message"]
    return True


def served_again(proxy, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while (got := proxy.ask(post_json("/v1/chat/completions", CHAT))).status != 200:
        assert refused(got) and time.monotonic() < deadline
        time.sleep(0.02)


def open_streams(proxy, count: int) -> tuple[list, int]:
    """Streams that were begun, and how many were refused."""
    clients, turned_away = [], 0
    for _ in range(count):
        client = proxy.connect(timeout=30)
        client.send(STREAM)
        head = client.head()
        if head.status == 200:
            clients.append(client)
        else:
            head.body = client.exactly(int(head.get("content-length")))
            assert refused(head)
            turned_away += 1
            client.close()
    return clients, turned_away


def test_streams_beyond_the_ceiling(small):
    """Those that fit go on, those that don't are told so; probes answer; when some leave, others are served."""
    proxy = small.proxy
    clients, turned_away = open_streams(proxy, 600)
    try:
        assert turned_away > 50 and len(clients) > 150, (len(clients), turned_away)
        assert proxy.resident() < CEILING
        assert proxy.admin("/healthz").status == proxy.admin("/readyz").status == 200
        assert proxy.total("remora_refused_total", reason="overloaded") == turned_away
        # Those that were begun are as they were.
        for client in clients[::20]:
            assert b"data: " in client.until(b"\n\n")
        for client in clients[: len(clients) // 2]:
            client.close()
        served_again(proxy)
    finally:
        for client in clients:
            client.close()
    served_again(proxy)
    assert proxy.resident() < CEILING


def held(size: int) -> bytes:
    """A chat that must be held whole, because it names its model last."""
    rest = {key: value for key, value in CHAT.items() if key not in ("model", "messages")}
    messages = [{"role": "user", "content": "x" * size}]
    return json.dumps({**rest, "messages": messages, "model": CHAT["model"]}).encode()


def test_bodies_beyond_the_ceiling(small):
    """Many bodies that arrive slowly and must be held whole."""
    proxy = small.proxy
    content = held(2 * MEBI)
    clients, highest = [], 0
    for _ in range(40):
        client = proxy.connect(timeout=30)
        client.send_quietly(post_json("/v1/chat/completions", content)[:-1])
        clients.append(client)
        highest = max(highest, proxy.anonymous())
    for client in clients:
        client.send_quietly(content[-1:])
    answers = []
    for client in clients:
        with contextlib.suppress(OSError):
            answers.append(client.response())
        client.close()
        highest = max(highest, proxy.anonymous())
    turned_away = sum(refused(each) for each in answers)
    assert 0 < turned_away < len(answers), (turned_away, len(answers))
    assert highest < CEILING - CODE
    served_again(proxy)


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_that_never_fits(small, framing):
    """Coming again would not help: 413, which says what to raise. With its length known, long before it is sent."""
    proxy = small.proxy
    content = held(40 * MEBI)
    if framing == "length":
        sent = post_json("/v1/chat/completions", content)[:400_000]
    else:
        pieces = [content[at : at + 65536] for at in range(0, len(content), 65536)]
        head = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
        sent = request("POST", "/v1/chat/completions", head) + b"".join(chunk(each) for each in pieces)
    with proxy.connect(timeout=30) as client:
        client.send_quietly(sent)
        got = client.response()
    assert (got.status, got.error["code"]) == (413, "request_too_large")
    assert "max_memory" in got.error["message"] and got.get("x-should-retry") == "false"
    assert proxy.resident() < CEILING
    served_again(proxy)


def test_slow_readers(small):
    """Clients that read nothing of a large answer hold what their windows hold, and nobody else up."""
    proxy = small.proxy
    large = post_json("/v1/chat/completions", {**CHAT, "model": "large-32"})
    clients = []
    for _ in range(40):
        client = proxy.connect(timeout=30)
        client.send(large)
        clients.append(client)
    answers = [client.head() for client in clients]
    assert {each.status for each in answers} == {200}
    deadline = time.monotonic() + 10
    before = -1.0
    # Until the kernel's buffers are full.
    while (now := proxy.total("process_cpu_seconds_total")) - before > 0.02 and time.monotonic() < deadline:
        before = now
        time.sleep(0.5)
    assert proxy.resident() < CEILING
    assert proxy.ask(post_json("/v1/chat/completions", CHAT)).status == 200
    # The one that reads gets all of it.
    assert len(clients[20].exactly(int(answers[20].get("content-length")))) > 32 * MEBI
    for client in clients:
        client.close()
    served_again(proxy)


def test_events_beyond_the_ceiling(start_remora, upstream):
    """Events that are megabytes long and never end: a stream that can't be held any longer says so."""
    proxy = start_remora(upstream, {"max_memory": "48MiB"})
    gate = Gate()
    clients = []
    part = chunk(b"x" * 262144)
    for number in range(20):
        upstream.reply(SSE_HEAD, chunk(b'data: {"choices":[{"delta":{"content":"'), *[part] * 12, gate)
        clients.append(proxy.connect(timeout=30))
        clients[-1].send(post_json("/v1/chat/completions", {**CHAT, "stream": True}))
        upstream.wait_requests(number + 1)
    deadline = time.monotonic() + 30
    while proxy.total("remora_refused_total", reason="overloaded") < 5:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert proxy.resident() < CEILING
    ended = []
    while len(ended) < 5:
        assert time.monotonic() < deadline, f"{len(ended)} streams have ended"
        for client in clients:
            client.socket.settimeout(0.05)
            with contextlib.suppress(OSError):
                while client.fill():
                    pass
        ended = [client for client in clients if client.ended]
    for client in ended:
        assert b'"code":"overloaded"' in client.buffer and b"[DONE]" not in client.buffer
    for client in clients:
        client.close()
    assert len(ended) < 20


def test_idle_clients(small):
    """Connections have a ceiling too: the rest wait in the kernel's queue, and the admin port is not among them."""
    proxy = small.proxy
    clients = [proxy.connect(timeout=30) for _ in range(1800)]
    deadline = time.monotonic() + 10
    while proxy.total("remora_client_connections") < 1200:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert proxy.total("remora_client_connections") < 1450
    assert proxy.admin("/healthz").status == 200
    assert proxy.resident() < CEILING
    # The last one is served when others leave.
    clients[-1].send(post_json("/v1/chat/completions", CHAT))
    for client in clients[:1000]:
        client.close()
    assert clients[-1].response().status == 200
    for client in clients[1000:]:
        client.close()
    served_again(proxy)


def test_ceiling_of_a_container(tmp_path, monkeypatch):
    """Without `max_memory` it is four fifths of the container's limit, which the kernel never has to enforce."""
    group = make_group(64 * MEBI)
    try:
        wrapper = tmp_path / "remora-in-a-group"
        wrapper.write_text(
            f'#!/bin/sh\necho $$ > {group / "cgroup.procs"}\nexec {remora_module.BINARY} "$@"\n'
        )
        wrapper.chmod(0o755)
        monkeypatch.setattr(remora_module, "BINARY", wrapper)
        yard = Yard(tmp_path / "yard")
        try:
            serving = json.loads(yard.proxy.stderr.splitlines()[0])
            assert serving["max_memory"] == 64 * MEBI // 5 * 4
            clients, turned_away = open_streams(yard.proxy, 700)
            assert turned_away > 50 and len(clients) > 200, (len(clients), turned_away)
            for client in clients:
                client.close()
            served_again(yard.proxy)
        finally:
            yard.stop()
    finally:
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                group.rmdir()
                break
            time.sleep(0.05)


def make_group(limit: int) -> Path:
    """A group of our own below the one that this process is in, where the system lets us."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        root, file = {"memory": ("memory", "memory.limit_in_bytes"), "": ("", "memory.max")}.get(
            controllers, (None, None)
        )
        if root is None:
            continue
        group = Path("/sys/fs/cgroup", root, path.lstrip("/"), f"remora-test-{os.getpid()}")
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / file).write_text(str(limit))
            return group
        except OSError:
            group.rmdir()
    pytest.skip("this system lets nobody make a memory group")


def test_an_open_stream_costs_little(tmp_path):
    """33 kB, of which one is what its tries need, and a part of one its cost, its trace and its place in a cache. Buffers
    that OpenSSL keeps behind a handshake and its tickets, or large frames, would be 13 more."""
    yard = Yard(tmp_path)
    clients = []
    try:
        first, _ = open_streams(yard.proxy, 50)
        clients += first
        before = yard.proxy.anonymous()
        more, _ = open_streams(yard.proxy, 200)
        clients += more
        assert (len(first), len(more)) == (50, 200)
        assert (yard.proxy.anonymous() - before) / 200 < 33_000
    finally:
        # Open streams would keep the proxy from ending, and what is said of that hides what went wrong.
        for client in clients:
            client.close()
        yard.stop()


def test_the_memory_of_streams_goes_back(tmp_path):
    """What OpenSSL held for them is most of it, and free inside the heap: the kernel has it soon after the last one."""
    yard = Yard(tmp_path)
    clients = []
    try:
        first, _ = open_streams(yard.proxy, 50)
        clients += first
        before = yard.proxy.anonymous()
        more, _ = open_streams(yard.proxy, 400)
        grown = yard.proxy.anonymous() - before
        clients += more
        while clients:
            clients.pop().close()
        until = time.monotonic() + 10
        while (left := yard.proxy.anonymous() - before) > grown // 3 and time.monotonic() < until:
            time.sleep(0.05)
        assert left <= grown // 3, (left, grown)
    finally:
        for client in clients:
            client.close()
        yard.stop()
