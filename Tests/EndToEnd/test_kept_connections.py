"""Connections to a provider that are kept: what comes on one unasked, and how long the provider says it keeps it."""

from __future__ import annotations

import time

import pytest
from upstream import CLOSE, Gate, Pause
from wire import json_answer, post_json, request

pytestmark = pytest.mark.proxy

CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


def chat(proxy):
    return proxy.ask(post_json("/v1/chat/completions", CHAT))


@pytest.mark.parametrize("late", [LATE, LATE[:20], b"\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"\0"])
@pytest.mark.parametrize("ends", [True, False])
def test_what_comes_unasked_is_no_answer(plain, upstream, late, ends):
    gate, told = Gate(), []
    steps = [json_answer({"id": "first"}), gate, late, lambda *_: told.append(1)]
    upstream.reply(*steps, *([CLOSE] if ends else []))
    upstream.reply(json_answer({"id": "second"}))
    assert chat(plain).json()["id"] == "first"
    gate.open()
    deadline = time.monotonic() + 5
    while plain.total("remora_upstream_connections", state="idle") > 0:
        assert time.monotonic() < deadline, "the connection is still kept"
        time.sleep(0.01)
    assert chat(plain).json()["id"] == "second"
    assert upstream.requests[0].connection is not upstream.requests[1].connection


def test_a_408_on_a_kept_connection_is_its_end(plain, upstream):
    """It was on its way when the request was sent: RFC 9110 section 15.5.9 lets that go out again."""
    upstream.reply(json_answer({"id": "first"}))
    upstream.reply(LATE, CLOSE)
    upstream.reply(json_answer({"id": "second"}))
    assert chat(plain).json()["id"] == "first"
    assert chat(plain).json()["id"] == "second"
    first, second, third = (request.connection for request in upstream.requests)
    assert first is second is not third


def test_a_408_on_a_new_connection_is_an_answer(start_remora, upstream):
    proxy = start_remora(upstream)
    upstream.reply(LATE, CLOSE)
    assert chat(proxy).status == 408
    assert len(upstream.requests) == 1


def test_a_408_goes_on_where_the_request_can_not_be_sent_again(plain, upstream):
    upstream.reply(json_answer({}))
    upstream.reply(LATE, CLOSE)
    assert plain.ask(request("GET", "/v1/files")).status == 200
    assert plain.ask(request("POST", "/v1/files", {"Content-Type": "text/plain"}, b"abc")).status == 408


@pytest.mark.slow
@pytest.mark.parametrize(("promise", "silence", "isKept"), [(1, 0.8, False), (1, 0.1, True), (3, 1.2, True), (3, 2.3, False)])
def test_the_providers_own_time_is_kept(start_remora, upstream, promise, silence, isKept):
    proxy = start_remora(upstream)
    upstream.reply(json_answer({}, headers={"Keep-Alive": f"timeout={promise}, max=100"}))
    chat(proxy)
    time.sleep(silence)
    chat(proxy)
    first, second = (request.connection for request in upstream.requests)
    assert (first is second) == isKept


def test_a_provider_that_keeps_nothing(start_remora, upstream):
    proxy = start_remora(upstream)
    upstream.reply(json_answer({}, headers={"Keep-Alive": "timeout=0"}))
    chat(proxy)
    chat(proxy)
    first, second = (request.connection for request in upstream.requests)
    assert first is not second
