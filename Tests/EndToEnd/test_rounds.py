"""Many connections that become ready at the same moment: what the loop leaves for the end of a round arrives all the same.

The proxy is stopped (SIGSTOP) while everything comes, and goes on (SIGCONT) when all of it is there: so one turn finds
it all.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from contextlib import contextmanager

import pytest

from remora import PROMPT
from upstream import CLOSE, RESET, Gate
from wire import RawClient, json_answer, post_json

pytestmark = [pytest.mark.proxy]

CROWD = 16


@contextmanager
def halted(proxy):
    os.kill(proxy.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(proxy.process.pid, signal.SIGCONT)


@pytest.fixture
def proxy(start_remora, upstream):
    # The crowd's handshakes come all at once, and are as slow as the machine: that is not what is looked at.
    return start_remora(upstream, {"response_metadata": "headers"}, provider={"timeouts": {"connect": "30s"}})


def question(index: int) -> bytes:
    messages = [{"role": "user", "content": f"{PROMPT} {index}"}]
    return post_json(
        "/v1/chat/completions", {"model": "gpt-4o", "messages": messages, "user": f"user-{index}"}, {"X-Question": str(index)})


def asks(index: int):
    return lambda request: request.get("x-question") == str(index)


def expect(upstream, index: int, *steps, filler: int = 0) -> bytes:
    """Has the provider answer client `index` with something of its own, after `steps`; returns the answer's body."""
    body = json.dumps({
        "id": f"answer-{index}", "object": "chat.completion", "choices": [], "filler": f"{index:04}" * (filler // 4),
    }).encode()
    upstream.reply(*steps, json_answer(body), when=asks(index))
    return body


def test_requests_that_come_together(proxy, upstream):
    """Each client gets its own answer, and each request reached the provider as it was sent; several rounds."""
    clients = [proxy.connect() for _ in range(CROWD)]
    for turn in range(4):
        numbers = [turn * CROWD + index for index in range(CROWD)]
        bodies = [expect(upstream, number) for number in numbers]
        with halted(proxy):
            for client, number in zip(clients, numbers):
                client.send(question(number))
        for client, body in zip(clients, bodies):
            answer = client.response()
            assert (answer.status, answer.body) == (200, body)
    sent = {request.json()["user"] for request in upstream.requests}
    assert sent == {f"user-{number}" for number in range(4 * CROWD)} and len(upstream.requests) == 4 * CROWD


def held_answers(proxy, upstream, connect, filler: int, fits: bool = False) -> tuple[list, list[bytes]]:
    """Clients whose answers have come together, and what they are; `fits` waits until all of each is there."""
    gates = [Gate() for _ in range(CROWD)]
    bodies = [expect(upstream, index, gates[index], filler=filler) for index in range(CROWD)]
    clients = [connect() for _ in range(CROWD)]
    for index, client in enumerate(clients):
        client.send(question(index))
    upstream.wait_requests(CROWD)
    with halted(proxy):
        for gate in gates:
            gate.open()
        if fits:
            upstream.wait_said()
    return clients, bodies


@pytest.mark.parametrize("filler", [0, 150_000])
def test_answers_that_come_together(proxy, upstream, filler):
    """Each client gets its own, whole, and an orderly end when it says that it is done."""
    clients, bodies = held_answers(proxy, upstream, proxy.connect, filler, fits=True)
    for client, body in zip(clients, bodies):
        answer = client.response()
        assert (answer.status, answer.body) == (200, body)
        client.finish_sending()
        assert client.closed()


def test_two_requests_in_one_packet(proxy, upstream):
    """The second answer comes behind the first, and then the end that the client has asked for."""
    bodies = [expect(upstream, index) for index in range(CROWD)]
    clients = [proxy.connect() for _ in range(CROWD)]
    with halted(proxy):
        for index, client in enumerate(clients):
            client.send(question(index) + question(index + 100))
    for client, body in zip(clients, bodies):
        assert client.response().body == body
        assert client.response().status == 200
        client.finish_sending()
        assert client.closed()


def slow_client(proxy) -> RawClient:
    """A client whose kernel takes next to nothing while it doesn't read."""
    client = RawClient.__new__(RawClient)
    client.socket = socket.socket()
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    client.socket.settimeout(20)
    client.socket.connect(("127.0.0.1", proxy.port))
    client.buffer, client.ended = b"", False
    return client


def nothing_is_left(proxy) -> None:
    deadline = time.monotonic() + 10
    # The one connection is that which asks.
    while proxy.total("remora_requests_in_flight") or proxy.total("remora_client_connections") > 1:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("filler", [20_000, 200_000, 3_000_000])
def test_answers_to_clients_that_do_not_read(proxy, upstream, filler):
    """What the kernel doesn't take waits, goes out as the client reads, and comes before the next answer."""
    clients, bodies = held_answers(proxy, upstream, lambda: slow_client(proxy), filler)
    for index, client in enumerate(clients):
        client.send(question(index + 1000))
    for client, body in zip(clients, bodies):
        assert client.response().body == body
        assert client.response().status == 200
        client.close()
    nothing_is_left(proxy)


def test_a_client_that_asks_much_and_reads_nothing(proxy, upstream):
    """Answers beyond what the kernel takes come in order, each whole, when the client reads at last."""
    turns = 40
    clients = [slow_client(proxy) for _ in range(CROWD)]
    bodies = []
    for client in range(CROWD):
        bodies.append([expect(upstream, client * turns + turn, filler=120_000) for turn in range(turns)])
    with halted(proxy):
        for index, client in enumerate(clients):
            client.send(b"".join(question(index * turns + turn) for turn in range(turns)))
    for client, expected in zip(clients, bodies):
        for body in expected:
            assert client.response().body == body
        client.close()
    nothing_is_left(proxy)


def test_an_answer_that_waits_is_still_under_way(proxy, upstream):
    """A process that is told to end stays until its clients have read what was answered."""
    clients, bodies = held_answers(proxy, upstream, lambda: slow_client(proxy), 3_000_000)
    process = proxy.process
    process.send_signal(signal.SIGTERM)
    for client, body in zip(clients, bodies):
        assert client.response().body == body
        client.close()
    assert process.wait(10) == 0
    proxy.process = None


def test_clients_that_leave_before_their_answer_is_sent(proxy, upstream):
    """Nothing is left of them, and the others are served."""
    clients, bodies = held_answers(proxy, upstream, lambda: slow_client(proxy), 3_000_000)
    for client in clients[::2]:
        client.reset()
    for client, body in list(zip(clients, bodies))[1::2]:
        assert client.response().body == body
        client.close()
    nothing_is_left(proxy)


@pytest.mark.parametrize("end", [CLOSE, RESET])
def test_kept_connections_that_die_before_the_request(proxy, upstream, end):
    """The requests that find their connection dead go out once more, on new ones."""
    clients = [proxy.connect() for _ in range(CROWD)]
    gates = [Gate() for _ in range(CROWD)]
    for index, client in enumerate(clients):
        # The provider ends the connection some time after its answer.
        upstream.reply(json_answer({"id": index, "choices": []}), gates[index], end, when=asks(index))
        client.send(question(index))
    for client in clients:
        assert client.response().status == 200
    with halted(proxy):
        for index, client in enumerate(clients):
            client.send(question(index + 100))
        for gate in gates:
            gate.open()
        upstream.wait_said()
    for client in clients:
        assert client.response().status == 200
    assert len(upstream.requests) == 2 * CROWD


def test_an_answer_that_was_not_asked_for(proxy, upstream):
    """What a kept connection says before the request is no answer to it, however close together they come."""
    clients = [proxy.connect() for _ in range(CROWD)]
    gates = [Gate() for _ in range(CROWD)]
    for index, client in enumerate(clients):
        upstream.reply(
            json_answer({"id": index, "choices": []}), gates[index], json_answer({"id": "poison", "choices": []}),
            when=asks(index))
        client.send(question(index))
    for client in clients:
        assert client.response().status == 200
    with halted(proxy):
        for gate in gates:
            gate.open()
        upstream.wait_said()
        for index, client in enumerate(clients):
            client.send(question(index + 100))
    for client in clients:
        answer = client.response()
        assert answer.status == 200 and b"poison" not in answer.body
