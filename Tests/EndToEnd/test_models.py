"""`GET /v1/models` and `GET /v1/models/NAME`: what is answered here, and what a provider is asked."""

from __future__ import annotations

import concurrent.futures
import gzip
import json
import time

import pytest
from remora import SECRET, default_config, merged
from upstream import CLOSE, STALL, Gate
from wire import json_answer

pytestmark = pytest.mark.proxy


def get(proxy, path: str, method: str = "GET"):
    with proxy.connect() as peer:
        peer.send(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        return peer.response(method)


LENGTHS = ["o1", "abc", "fast", "a" * 9, "b" * 11, "org/model", "meta/llama-3"]
"""Names with which the path is as long as another endpoint's, among others."""


@pytest.mark.parametrize("prefix", ["/v1", ""])
@pytest.mark.parametrize("name", LENGTHS)
def test_a_configured_name_is_answered_whatever_its_length(start_remora, upstream, name, prefix):
    proxy = start_remora(upstream, {"models": {name: "gateway/gpt-4o"}})
    for written in (name, name.replace("/", "%2F")):
        got = get(proxy, f"{prefix}/models/{written}")
        assert (got.status, got.json()["id"]) == (200, name)
    assert upstream.requests == []
    assert {line["endpoint"] for line in proxy.access_log(2)} == {"models"}


@pytest.mark.parametrize("name", LENGTHS)
def test_any_other_name_is_the_providers_to_know(remora, upstream, name):
    upstream.reply(json_answer({"id": name, "object": "model"}))
    got = get(remora, f"/v1/models/{name}")
    assert (got.status, got.json()["id"]) == (200, name)
    assert upstream.last.target == f"/v1/models/{name}"


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("gateway/gpt-4o", "gpt-4o"),
        ("gateway%2Fgpt-4o", "gpt-4o"),
        ("gateway/meta-llama/Llama-3", "meta-llama/Llama-3"),
        ("gateway%2Fmeta-llama%2FLlama-3", "meta-llama%2FLlama-3"),
    ],
)
def test_a_pinned_provider_is_asked_for_its_own_name(remora, upstream, asked, sent):
    upstream.reply(json_answer({"id": "it", "object": "model"}))
    got = get(remora, f"/v1/models/{asked}?x=1")
    assert (got.status, got.get("x-remora-provider")) == (200, "gateway")
    assert upstream.last.target == f"/v1/models/{sent}?x=1"


def test_head_of_a_merged_list_is_that_of_the_list(start_remora, upstream):
    """Providers are asked for the list itself: its length depends on what they say."""
    proxy = start_remora(upstream, {"models": {"mine": "gateway/gpt-4o"}})
    head, whole = get(proxy, "/v1/models", "HEAD"), get(proxy, "/v1/models")
    assert [request.method for request in upstream.requests] == ["GET"]
    assert head.status == 200 and head.body == b""
    assert head.get("content-length") == whole.get("content-length")


@pytest.mark.parametrize("written", ["anthropic/claude-x", "anthropic%2Fclaude-x"])
def test_a_name_that_a_translated_provider_lacks(replayer, written):
    replayer.upstream.reply(json_answer({"data": [{"type": "model", "id": "claude-y"}], "has_more": False}))
    got = get(replayer.proxy, f"/v1/models/{written}")
    assert (got.status, got.error["code"]) == (404, "model_not_found")
    assert "'anthropic'" in got.error["message"] and "'claude-x'" in got.error["message"]
    assert got.get("x-remora-model") == "claude-x"


def test_the_root_of_the_api_is_the_providers(remora, upstream):
    get(remora, "/v1/")
    assert upstream.last.target == "/v1/"


def test_a_provider_that_fails_is_left_out(start_remora, start_upstream, upstream, tmp_path, authority):
    other = start_upstream()
    config = default_config(tmp_path, upstream, authority.ca_file)
    second = {"second": {**config["providers"]["gateway"], "base_url": other.base_url}}
    proxy = start_remora(whole=json.loads(json.dumps(merged(config, {"providers": second}))))
    other.reply(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")
    got = get(proxy, "/v1/models")
    names = [model["id"] for model in got.json()["data"]]
    assert got.status == 200 and names[:2] == ["alias", "broken"] and "gpt-4o" in names


@pytest.mark.slow
def test_a_provider_that_stalls_is_left_out_after_five_seconds(start_remora, start_upstream, upstream, tmp_path, authority):
    """Whatever its own patience for answers is: the list is not one of them."""
    other = start_upstream()
    config = default_config(tmp_path, upstream, authority.ca_file)
    second = {"second": {**config["providers"]["gateway"], "base_url": other.base_url}}
    second["second"]["timeouts"] = {"first_byte": "10m"}
    proxy = start_remora(whole=json.loads(json.dumps(merged(config, {"providers": second}))))
    other.reply(STALL)
    began = time.monotonic()
    got = get(proxy, "/v1/models")
    assert got.status == 200 and "gpt-4o" in [model["id"] for model in got.json()["data"]]
    assert 4 < time.monotonic() - began < 8


# Several providers: side by side, kept, refreshed behind.


def listed(*names: str) -> bytes:
    return json_answer({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})


def names(got) -> list[str]:
    assert got.status == 200
    return [model["id"] for model in got.json()["data"]]


@pytest.fixture
def three(start_remora, start_upstream, upstream, tmp_path, authority):
    """A proxy before three providers, each with a key of its own."""
    others = [start_upstream(), start_upstream()]
    config = default_config(tmp_path, upstream, authority.ca_file)
    gateway = config["providers"]["gateway"]
    more = {f"p{at}": {**gateway, "base_url": other.base_url, "timeouts": {"first_byte": "10m"},
                       "headers": {"x-team": f"team-{at}"}} for at, other in enumerate(others)}

    def start(**changes):
        return start_remora(whole=json.loads(json.dumps(merged(merged(config, {"models": {}, "providers": more}), changes))))

    return start, [upstream, *others]


def test_providers_are_asked_side_by_side(three):
    start, upstreams = three
    gates = [Gate() for _ in upstreams]
    for at, (each, gate) in enumerate(zip(upstreams, gates)):
        each.reply(gate, listed(f"m{at}", f"n{at}"))
    proxy = start()
    with proxy.connect() as peer:
        peer.send(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for each in upstreams:
            each.wait_requests(1)
        for gate in reversed(gates):
            gate.open()
        found = names(peer.response())
    assert [name for name in found if name[0] in "mn"] == ["m0", "n0", "m1", "n1", "m2", "n2"]
    for at, each in enumerate(upstreams[1:]):
        (request,) = each.requests
        assert (request.method, request.target, request.body) == ("GET", "/v1/models", b"")
        assert request.get("x-team") == f"team-{at}" and request.get("authorization") == f"Bearer {SECRET}"
        assert request.get("accept-encoding") == "identity"


@pytest.mark.slow
def test_those_that_hang_cost_five_seconds_in_all_and_then_nothing(three):
    start, upstreams = three
    upstreams[0].reply(listed("mine"))
    for each in upstreams[1:]:
        each.reply(STALL)
    proxy = start()
    began = time.monotonic()
    assert "mine" in names(get(proxy, "/v1/models"))
    assert 4 < time.monotonic() - began < 8
    began = time.monotonic()
    assert "mine" in names(get(proxy, "/v1/models"))
    assert time.monotonic() - began < 2


def test_a_list_is_kept(three):
    start, upstreams = three
    for at, each in enumerate(upstreams):
        each.reply(listed(f"m{at}"))
    proxy = start()
    first = names(get(proxy, "/v1/models"))
    with concurrent.futures.ThreadPoolExecutor(8) as crowd:
        assert all(found == first for found in crowd.map(lambda _: names(get(proxy, "/v1/models")), range(16)))
    assert [len(each.requests) for each in upstreams] == [1, 1, 1]


def test_many_who_ask_at_once_make_one_question(three):
    start, upstreams = three
    gate = Gate()
    upstreams[0].reply(gate, listed("slow"))
    proxy = start()
    peers = [proxy.connect() for _ in range(8)]
    for peer in peers:
        peer.send(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")
    upstreams[0].wait_requests(1)
    gate.open()
    for peer in peers:
        assert "slow" in names(peer.response())
        peer.close()
    assert [len(each.requests) for each in upstreams] == [1, 1, 1]


BROKEN = {
    "an error": b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
    "a refused key": json_answer({"error": {"message": "no"}}, 401),
    "a web page": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>",
    "no list": json_answer({"data": {"id": "x"}}),
    "odd elements": json_answer({"data": [1, "x", None, [], {"id": "good", "object": "model"}]}),
    "a part": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"data\":[",
    "too much": b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n" + b" " * 5_000_000,
    "another coding": json_answer({"data": []}, headers={"Content-Encoding": "br"}),
    "nonsense": b"SSH-2.0-x\r\n\r\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_list_is_left_out(three, name):
    start, upstreams = three
    upstreams[0].reply(listed("mine"))
    upstreams[1].reply(BROKEN[name], CLOSE)
    upstreams[2].reply(listed("theirs"))
    proxy = start()
    found = [each for each in names(get(proxy, "/v1/models")) if each in ("mine", "theirs", "good", "x")]
    assert found == (["mine", "good", "theirs"] if name == "odd elements" else ["mine", "theirs"])


def test_the_callers_key_gets_the_callers_list(three):
    start, upstreams = three
    for name in ("of-a", "of-b"):
        upstreams[1].reply(listed(name), when=lambda request, name=name: name[-1] in request.get("authorization")[-1:])
    proxy = start(providers={"p0": {"api_key": "passthrough"}})
    for caller in "ab":
        with proxy.connect() as peer:
            peer.send(f"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer key-{caller}\r\n\r\n".encode())
            assert f"of-{caller}" in names(peer.response())
    assert [request.get("authorization") for request in upstreams[1].requests] == ["Bearer key-a", "Bearer key-b"]


def test_the_client_that_leaves_meanwhile_takes_nothing_with_it(three):
    start, upstreams = three
    gate = Gate()
    upstreams[0].reply(gate, listed("late"))
    proxy = start()
    with proxy.connect() as peer:
        peer.send(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")
        upstreams[0].wait_requests(1)
    gate.open()
    assert "late" in names(get(proxy, "/v1/models"))
    assert len(upstreams[0].requests) == 1


def test_a_list_in_a_coding_that_was_not_asked_for(three):
    start, upstreams = three
    packed = gzip.compress(b'{"data":[{"id":"packed","object":"model"}]}')
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    upstreams[1].reply(head.encode() + packed)
    assert "packed" in names(get(start(), "/v1/models"))
