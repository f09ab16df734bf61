"""How the process begins and ends, as the sidecar of a container that ends too.

Rows T-01 to T-10 of the operations' list; each test is named after its row.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import openai
import pytest
import yaml

import remora as remora_module
from openai_server import TEXT, chat_chunks
from reloading import CHAT, wait_reloads
from remora import SLOWER, environment, free_port
from upstream import Gate, STALL
from wire import LAST_CHUNK, SSE_HEAD, event, post_json, request

pytestmark = pytest.mark.proxy

CHUNKS = [event(each) for each in chat_chunks({"model": "gpt-4o"})]
STREAM = post_json("/v1/chat/completions", {**CHAT, "stream": True})
SOON = 0.2
"""Seconds in which a process that nobody needs is gone."""


def gated(upstream) -> Gate:
    """The next request gets a stream that waits behind its first event."""
    gate = Gate()
    upstream.reply(SSE_HEAD, CHUNKS[0], gate, *CHUNKS[1:], event("[DONE]"), LAST_CHUNK)
    return gate


def terminate(proxy) -> float:
    proxy.process.send_signal(signal.SIGTERM)
    return time.monotonic()


def wait_unready(proxy) -> None:
    deadline = time.monotonic() + 2 * SLOWER
    while proxy.admin("/readyz").status != 503:
        assert time.monotonic() < deadline, "still ready after SIGTERM"
    assert proxy.admin("/healthz").status == 200, "liveness is not readiness"


def wait_exit(proxy, since: float, within: float) -> float:
    """Waits for a good end; how long it took."""
    process, proxy.process = proxy.process, None
    try:
        assert process.wait(within * SLOWER + 10) == 0
    finally:
        process.kill()
    took = time.monotonic() - since
    assert took < within * SLOWER, f"it took {took:.3f} s\n{proxy.stderr}"
    return took


# Nobody needs it.


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("stop_signal", [signal.SIGTERM, signal.SIGINT])
def test_t01_idle(start_remora, upstream, stop_signal, workers):
    """T-01: gone within 200 ms, exit 0, whatever it did before."""
    proxy = start_remora(upstream, {"workers": workers})
    for _ in range(4):
        assert proxy.ask(request("GET", "/v1/echo")).status == 200
    proxy.process.send_signal(stop_signal)
    wait_exit(proxy, time.monotonic(), SOON)
    assert '"stopped"' in proxy.stderr


def test_t05_twice(start_remora, sdk, upstream):
    """T-05: a second signal ends it at once, whatever is under way."""
    proxy = start_remora(upstream)
    upstream.reply(SSE_HEAD, CHUNKS[0], STALL)
    stream = iter(sdk(proxy).chat.completions.create(**CHAT, stream=True))
    next(stream)
    terminate(proxy)
    with pytest.raises(subprocess.TimeoutExpired):
        proxy.process.wait(0.3)
    wait_exit(proxy, terminate(proxy), 0.1)


@pytest.mark.parametrize("first_process", [False, True], ids=["plain", "container"])
def test_t06_during_the_start(tmp_path, first_process):
    """T-06: it ends within 200 ms, before anything listens; as a container's first process too, which the
    kernel only tells of signals that it has asked for."""
    inside = ["unshare", "--pid", "--fork", "--kill-child"]
    if os.geteuid() != 0:
        inside += ["--user", "--map-root-user"]
    if first_process and subprocess.run([*inside, "true"], capture_output=True).returncode != 0:
        pytest.skip("this system lets nobody make a process namespace")
    models = {f"model-{number}": "mock/gpt-4o" for number in range(4000)}
    file = tmp_path / "remora.yaml"
    file.write_text(
        yaml.safe_dump(
            {
                "listen": [f"127.0.0.1:{free_port()}"],
                "admin": f"127.0.0.1:{free_port()}",
                "providers": {"mock": {"kind": "mock"}},
                "models": models,
            }
        )
    )
    command = [str(remora_module.BINARY), "serve", "--config", str(file)]
    chance = random.Random(6)
    codes = set()
    for number in range(20):
        pause = chance.random() * 0.04 * SLOWER
        # A machine that has other things to do may be late once; a program that waits for something is each time.
        for _ in range(3):
            # Every other one is at the program's own start for sure, however long the system takes to come to it.
            code, took = ended_during_start([*inside, *command] if first_process else command, tmp_path, pause, number % 2 == 0)
            codes.add(code)
            if took < SOON * SLOWER:
                break
        else:
            pytest.fail(f"it ended {took:.3f} s after the signal, which came {pause:.3f} s after its start")
    # Before `main` even a signal's default stands; a shell says 128 + 15 of it.
    assert codes <= {0, -signal.SIGTERM, 128 + signal.SIGTERM}, codes
    assert 0 in codes, "no try came to the program's own start"


def ended_during_start(command: list[str], place: Path, pause: float, waits: bool) -> tuple[int, float]:
    """Starts the program and ends it by a signal: its exit code, and the seconds from the signal to its end.

    `waits`: until it has told the kernel that it wants to hear of the signal.
    """
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment(), cwd=place)
    with process.stderr:
        try:
            if command[0] == "unshare":
                pid = inner(process.pid, 20)
            else:
                pid = process.pid
                while waits and not hears(pid):
                    time.sleep(0.001)
            time.sleep(pause)
            since = time.monotonic()
            os.kill(pid, signal.SIGTERM)
            code = process.wait(5 * SLOWER)
        except subprocess.TimeoutExpired:
            pytest.fail(f"it was not told of the signal: {process.stderr.read1()}")
        finally:
            process.kill()
            process.wait()
        return code, time.monotonic() - since


def hears(pid: int) -> bool:
    """Whether a process is the program, and has told the kernel that it wants to hear of SIGTERM."""
    with open(f"/proc/{pid}/status") as file:
        masks = dict(line.split(":\t") for line in file.read().splitlines() if line.startswith("Sig"))
    is_heard = any(int(masks[each], 16) >> (signal.SIGTERM - 1) & 1 for each in ("SigCgt", "SigBlk"))
    # `unshare` blocks it for a moment too.
    return is_heard and os.path.samefile(f"/proc/{pid}/exe", remora_module.BINARY)


def inner(pid: int, seconds: float) -> int:
    """The process that `unshare` has made, once it has told the kernel which signals it wants to hear of."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            children = file.read().split()
        if children and hears(int(children[0])):
            return int(children[0])
        time.sleep(0.001)
    raise AssertionError("the program was not started")


@pytest.mark.parametrize("ago", [0.0, 1.2], ids=["served just now", "silent for a while"])
def test_t09_silent_connection(start_remora, upstream, ago):
    """T-09: a kept connection holds the process for the quiet period of a second at most."""
    proxy = start_remora(upstream)
    with proxy.connect() as client:
        assert client.ask(request("GET", "/v1/echo")).status == 200
        time.sleep(ago)
        since = terminate(proxy)
        wait_exit(proxy, since, 1.4 if ago == 0 else SOON)


# Somebody is at work.


@pytest.mark.parametrize("workers", [1, 2])
def test_t02_streams_finish(start_remora, upstream, workers):
    """T-02: streams under way end byte-exact, whichever worker they are on; then the process ends at once."""
    proxy = start_remora(upstream, {"workers": workers, "response_metadata": "off"})
    clients, gates = [], []
    for number in range(8):
        gates.append(gated(upstream))
        clients.append(proxy.connect())
        clients[-1].send(STREAM)
        upstream.wait_requests(number + 1)
    terminate(proxy)
    wait_unready(proxy)
    for gate, client in zip(gates, clients, strict=True):
        assert proxy.process.poll() is None
        gate.open()
        body = client.response().body
        assert body.count(b"\ndata: ") + 1 == len(CHUNKS) + 1 and body.endswith(b"data: [DONE]\n\n")
        client.close()
    wait_exit(proxy, time.monotonic(), SOON)


def test_t02_with_the_sdk(start_remora, sdk, upstream):
    proxy = start_remora(upstream)
    gate = gated(upstream)
    client = sdk(proxy)
    stream = iter(client.chat.completions.create(**CHAT, stream=True))
    next(stream)
    terminate(proxy)
    wait_unready(proxy)
    gate.open()
    assert "".join(each.choices[0].delta.content or "" for each in stream) == TEXT
    client.close()
    wait_exit(proxy, time.monotonic(), SOON)


def test_t03_new_requests(start_remora, upstream):
    """T-03: the application goes on working for more than three seconds, on kept and on new connections, with
    pauses between its calls; every one is served, and the process leaves when the application has."""
    proxy = start_remora(upstream)
    with proxy.connect() as client:
        assert client.ask(request("GET", "/v1/echo")).status == 200
        since = terminate(proxy)
        wait_unready(proxy)
        while time.monotonic() < since + 3.2:
            time.sleep(0.4)
            got = client.ask(request("GET", "/v1/echo"))
            assert got.status == 200 and got.get("connection") is None
            assert proxy.ask(post_json("/v1/chat/completions", CHAT)).status == 200
    wait_exit(proxy, time.monotonic(), SOON)


def test_t03_beside_a_stream(start_remora, upstream):
    """While a stream is under way everything is served, pauses longer than the quiet period included."""
    proxy = start_remora(upstream)
    gate = gated(upstream)
    with proxy.connect() as client:
        client.send(STREAM)
        upstream.wait_requests(1)
        terminate(proxy)
        time.sleep(1.5)
        assert proxy.ask(request("GET", "/v1/echo")).status == 200
        gate.open()
        assert client.response().body.endswith(b"data: [DONE]\n\n")
    wait_exit(proxy, time.monotonic(), SOON)


def test_t03_clients_outside_the_pod(start_remora, upstream):
    """What isn't a loopback listener sends its clients away: there are other replicas."""
    port = free_port()
    proxy = start_remora(upstream, {"listen": [f"0.0.0.0:{port}"], "allowed_hosts": ["any"]})
    proxy.port = port
    gate = gated(upstream)
    with proxy.connect() as client, proxy.connect() as other:
        client.send(STREAM)
        upstream.wait_requests(1)
        terminate(proxy)
        wait_unready(proxy)
        got = other.ask(request("GET", "/v1/echo"))
        assert got.status == 200 and got.get("connection") == "close"
        gate.open()
        client.response()
        wait_exit(proxy, time.monotonic(), SOON)


def test_t04_longer_than_the_drain(start_remora, sdk, upstream):
    """T-04: the stream says that it is cut, other calls are told to come again; gone soon after the drain."""
    proxy = start_remora(upstream, {"shutdown": {"drain": "300ms"}})
    upstream.reply(SSE_HEAD, CHUNKS[0], STALL)
    stream = iter(sdk(proxy).chat.completions.create(**CHAT, stream=True))
    next(stream)
    since = terminate(proxy)
    with pytest.raises(openai.APIError) as caught:
        list(stream)
    assert caught.value.code == "draining" and caught.value.type == "overloaded_error"
    wait_exit(proxy, since, 0.3 + 0.5 + SOON)
    assert '"end":"shutdown"' in proxy.stdout


def test_t04_a_whole_answer(start_remora, upstream):
    """What has no answer yet at the drain's end gets 503, with the time to come again."""
    proxy = start_remora(upstream, {"shutdown": {"drain": "300ms"}})
    upstream.reply(STALL)
    with proxy.connect() as client:
        client.send(post_json("/v1/chat/completions", CHAT))
        upstream.wait_requests(1)
        since = terminate(proxy)
        got = client.response()
        assert (got.status, got.error["code"]) == (503, "draining")
        assert got.get("retry-after") == "1" and got.get("connection") == "close"
    wait_exit(proxy, since, 0.3 + 0.5 + SOON)


@pytest.mark.skip(reason="needs a cluster: a Job whose native sidecar kubelet ends. T-01 is what it rests on.")
def test_t07_job_with_native_sidecar():
    """T-07"""


@pytest.mark.skip(reason="needs a cluster: a Job that completes. The part without one is test_t08_quit.")
def test_t08_job_with_ordinary_sidecar():
    """T-08"""


def test_t08_quit(start_remora, upstream):
    """Who calls `/quitquitquit` has done all it wanted: streams finish, but nothing more is waited for."""
    proxy = start_remora(upstream)
    assert proxy.admin("/quitquitquit").status == 405
    gate = gated(upstream)
    with proxy.connect() as kept, proxy.connect() as client:
        client.send(STREAM)
        upstream.wait_requests(1)
        assert kept.ask(request("GET", "/v1/echo")).status == 200
        assert proxy.admin("/quitquitquit", method="POST").status == 200
        wait_unready(proxy)
        gate.open()
        assert client.response().body.endswith(b"data: [DONE]\n\n")
        wait_exit(proxy, time.monotonic(), SOON)


def test_t08_quit_after_sigterm(start_remora, upstream):
    """It shortens a drain that is under way."""
    proxy = start_remora(upstream)
    with proxy.connect() as kept:
        assert kept.ask(request("GET", "/v1/echo")).status == 200
        terminate(proxy)
        wait_unready(proxy)
        since = time.monotonic()
        assert proxy.admin("/quitquitquit", method="POST").status == 200
        wait_exit(proxy, since, SOON)


CLIENT = """
import socket, sys
client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
client.sendall(sys.stdin.buffer.read())
while data := client.recv(4096):
    print(len(data), flush=True)
"""


def test_t10_application_killed(start_remora, upstream):
    """T-10: SIGKILL in the middle of a stream: the provider's side is closed within a second."""
    proxy = start_remora(upstream)
    upstream.reply(SSE_HEAD, CHUNKS[0], STALL)
    application = subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(proxy.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    application.stdin.write(STREAM)
    application.stdin.close()
    assert application.stdout.readline()
    application.kill()
    application.wait()
    application.stdout.close()
    (asked,) = upstream.wait_requests(1)
    assert asked.connection.closed.wait(1 * SLOWER), "the provider goes on talking to nobody"
    assert proxy.access_log(1)[0]["end"] == "client_gone"


# SIGHUP.


def test_sighup_does_not_drain(start_remora, upstream):
    proxy = start_remora(upstream)
    proxy.process.send_signal(signal.SIGHUP)
    wait_reloads(proxy, unchanged=1)
    assert proxy.admin("/readyz").status == 200
