"""As many clients as there may be: the longest silent goes for the next one, on either port."""

from __future__ import annotations

import contextlib
import time

import pytest
import remora as remora_module
from remora import SLOWER
from upstream import Gate
from wire import LAST_CHUNK, SSE_HEAD, Broken, RawClient, json_answer, post_json, request

pytestmark = pytest.mark.proxy

ADMIN = 256
"""Connections to the admin port."""
EVICTED = "remora_client_connections_evicted_total"
CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


def admin_client(proxy) -> RawClient:
    return RawClient(("127.0.0.1", proxy.admin_port))


def ended(client: RawClient) -> bool:
    """Whether the proxy has closed it by now."""
    client.socket.settimeout(0.05)
    try:
        return client.socket.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_a_probe_gets_in_past_silent_connections(start_remora, upstream):
    proxy = start_remora(upstream)
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(admin_client(proxy)) for _ in range(ADMIN)]
        for number in range(1, 4):
            probe = stack.enter_context(admin_client(proxy))
            began = time.monotonic()
            probe.send(request("GET", "/readyz"))
            assert probe.response().status == 200
            assert time.monotonic() - began < 1 * SLOWER
            assert [ended(client) for client in held[:4]] == [at < number for at in range(4)]
        assert proxy.total(EVICTED, port="admin") >= 3 and proxy.total(EVICTED, port="proxy") == 0
    lines = [line for line in proxy.stderr.splitlines() if "silent longest" in line]
    assert len(lines) == 1 and '"port":"admin"' in lines[0] and '"level":"warn"' in lines[0]


def test_one_that_has_begun_a_request_goes_after_the_silent(start_remora, upstream):
    proxy = start_remora(upstream)
    with contextlib.ExitStack() as stack:
        slow = stack.enter_context(admin_client(proxy))
        slow.send(b"GET /healthz HTTP/1.1\r\n")
        # By the end of another turn it was read.
        assert proxy.admin("/healthz").status == 200
        silent = [stack.enter_context(admin_client(proxy)) for _ in range(ADMIN - 1)]
        assert proxy.admin("/healthz").status == 200
        assert ended(silent[0])
        slow.socket.settimeout(10)
        slow.send(b"Host: localhost\r\n\r\n")
        assert slow.response().status == 200


def test_a_crowd_that_only_begins_requests_keeps_no_probe_out(start_remora, upstream):
    proxy = start_remora(upstream)
    with contextlib.ExitStack() as stack:
        for _ in range(ADMIN + 20):
            client = stack.enter_context(admin_client(proxy))
            client.send_quietly(b"GET /healthz HTTP/1.1\r\n")
        assert proxy.admin("/readyz").status == 200


def test_a_kept_connection_of_a_scraper_stays_longer(start_remora, upstream):
    """What has just asked is the youngest."""
    proxy = start_remora(upstream)
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(admin_client(proxy)) for _ in range(ADMIN - 1)]
        scraper = stack.enter_context(admin_client(proxy))
        scraper.send(request("GET", "/metrics"))
        assert scraper.response().status == 200
        for _ in range(100):
            stack.enter_context(admin_client(proxy))
        assert proxy.admin("/healthz").status == 200
        scraper.send(request("GET", "/metrics"))
        assert scraper.response().status == 200
        assert ended(silent[0])


@pytest.mark.parametrize(
    "sent",
    [
        request("POST", "/quitquitquit", {"Origin": "https://x", "Content-Length": "1000"}),
        request("POST", "/nowhere", {"Content-Length": "100000"}),
        b"\x16\x03\x01\x02\x00\x01",
    ],
)
def test_a_crowd_that_owes_something_keeps_no_probe_out(start_remora, upstream, sent):
    """What was refused is listened to for a while, so that its client sees why; not where others need the place."""
    proxy = start_remora(upstream)
    with contextlib.ExitStack() as stack:
        for _ in range(ADMIN + 20):
            stack.enter_context(admin_client(proxy)).send_quietly(sent)
        for _ in range(3):
            assert proxy.admin("/readyz").status == 200


@pytest.mark.slow
def test_the_first_bytes_on_the_admin_port_have_five_seconds(remora):
    for sent in (b"", b"GET /healthz HTTP/1.1\r\n"):
        with admin_client(remora) as client:
            began = time.monotonic()
            client.send(sent)
            client.rest()
            assert 4 < time.monotonic() - began < 8


@pytest.mark.slow
def test_a_kept_admin_connection_may_be_silent_for_longer(remora):
    with admin_client(remora) as client:
        for _ in range(2):
            client.send(request("GET", "/healthz"))
            assert client.response().status == 200
            time.sleep(6)


@pytest.fixture
def crowded(start_remora, upstream):
    """A proxy for about 680 clients, and one that is as good as full: each has been served, and keeps its connection."""
    proxy = start_remora(upstream, {"max_memory": "32MiB"})
    with contextlib.ExitStack() as stack:
        clients = []
        while proxy.total(EVICTED, port="proxy") == 0 and len(clients) < 800:
            for _ in range(50):
                client = stack.enter_context(proxy.connect())
                clients.append(client)
                with contextlib.suppress(Broken, OSError, TimeoutError):
                    client.send(request("GET", "/healthz"))
                    client.socket.settimeout(3)
                    client.response()
            if len(clients) >= 650:
                break
        yield proxy, clients, stack


def test_idle_clients_make_room(crowded):
    proxy, clients, stack = crowded
    time.sleep(1.2)
    for _ in range(100):
        client = stack.enter_context(proxy.connect())
        client.send(request("GET", "/healthz"))
        assert client.response().status == 200
        clients.append(client)
    assert proxy.total("remora_client_connections") < 720
    assert proxy.total(EVICTED, port="proxy") > 10
    assert ended(clients[0]) and not ended(clients[-1])
    assert '"port":"proxy"' in proxy.stderr


def test_half_a_head_makes_room_while_others_come(start_remora, upstream):
    """Those that have just come hide none that has stopped in the middle of its head."""
    proxy = start_remora(upstream, {"max_memory": "32MiB"})
    with contextlib.ExitStack() as stack:
        for _ in range(900):
            stack.enter_context(proxy.connect()).send_quietly(b"POST /v1/ch")
        time.sleep(1.2)
        for _ in range(3):
            began = time.monotonic()
            client = stack.enter_context(proxy.connect(timeout=30))
            client.send(request("GET", "/healthz"))
            assert client.response().status == 200
            assert time.monotonic() - began < 2 * SLOWER
    assert "silent longest" in proxy.stderr


def test_those_at_work_stay(crowded, upstream):
    proxy, clients, stack = crowded
    gate = Gate()
    upstream.reply(SSE_HEAD, b"6\r\ndata: \r\n", gate, b"8\r\n[DONE]\n\n\r\n", LAST_CHUNK)
    worker = clients[0]
    worker.socket.settimeout(10)
    worker.send(post_json("/v1/chat/completions", {**CHAT, "stream": True}))
    worker.head()
    time.sleep(1.2)
    for _ in range(60):
        client = stack.enter_context(proxy.connect())
        client.send(request("GET", "/healthz"))
        assert client.response().status == 200
    gate.open()
    assert b"[DONE]" in worker.until(LAST_CHUNK)


def test_a_burst_waits_for_those_that_have_just_come(start_remora, upstream):
    """Nobody who is about to ask is sent away."""
    proxy = start_remora(upstream, {"max_memory": "32MiB"})
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(proxy.connect(timeout=30)) for _ in range(900)]
        for client in clients[:600]:
            client.send(request("GET", "/healthz"))
        for client in clients[:600]:
            assert client.response().status == 200
        upstream.reply(json_answer({}))
        clients[-1].send(request("GET", "/healthz"))
        assert clients[-1].response().status == 200


def test_most_descriptors_are_clients(start_remora, upstream, tmp_path, monkeypatch):
    """A silent client needs one descriptor and not two; where calls need the others, silent clients make room."""
    script = tmp_path / "few"
    script.write_text(f'#!/bin/sh\nulimit -n 200\nexec "{remora_module.BINARY}" "$@"\n')
    script.chmod(0o755)
    monkeypatch.setattr(remora_module, "BINARY", script)
    proxy = start_remora(upstream)
    ask = post_json("/v1/chat/completions", CHAT)
    clients = [proxy.connect() for _ in range(105)]
    try:
        for client in clients:
            assert client.ask(ask).status == 200
        # All are still there, one after the other.
        for client in clients:
            assert client.ask(ask).status == 200
        assert proxy.total(EVICTED, port="proxy") == 0
        # All at once: what finds no descriptor is told so, and the next one is served.
        for client in clients:
            client.send(ask)
        statuses = [client.response("POST").status for client in clients]
        assert set(statuses) <= {200, 503} and statuses.count(200) > 40, statuses
        with proxy.connect() as other:
            assert other.ask(ask).status == 200
    finally:
        for client in clients:
            client.close()
