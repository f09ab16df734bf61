"""Several targets, retries and fallback as applications meet them: who is asked, how often, and what the client gets."""

from __future__ import annotations

import concurrent.futures
import contextlib
import socket
import threading
import time

import openai
import pytest

from openai_server import failure
from remora import PROMPT, SECRET
from upstream import CLOSE, STALL
from wire import post_json

pytestmark = pytest.mark.proxy

MESSAGES = [{"role": "user", "content": PROMPT}]
ROLE = b'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n'
TEXT = b'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":null}]}\n\n'
STOP = b'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
ERROR = b'data: {"error":{"message":"Overloaded","type":"overloaded_error","param":null,"code":null}}\n\n'


def events(*parts: bytes) -> bytes:
    body = b"".join(parts)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n" % len(body)
    return head + body


@pytest.fixture
def pair(start_remora, start_upstream, authority, tmp_path):
    """A proxy whose model `m` has two targets, and the two providers; `retry` as given."""

    def start(retry=None, one=None, two=None, three=None, **entry):
        first, second = start_upstream(), start_upstream()
        (tmp_path / "key").write_text(SECRET + "\n")

        def provider(server):
            return {
                "kind": "openai_compatible",
                "base_url": server.base_url,
                "api_key": {"file": str(tmp_path / "key")},
                "tls": {"ca_file": str(authority.ca_file)},
                "timeouts": {"connect": "2s", "first_byte": "3s", "idle": "5s"},
            }

        config = {
            "providers": {"one": {**provider(first), **(one or {})}, "two": {**provider(second), **(two or {})}},
            "models": {"m": {"targets": ["one/a", "two/b"], **entry}, "lone": "one/a"},
        }
        if three is not None:
            config["providers"]["three"] = provider(three)
        if retry is not None:
            config["retry"] = retry
        return start_remora(whole=config), first, second

    return start


def ask(proxy, model="m", **more):
    return proxy.ask(post_json("/v1/chat/completions", {"model": model, "messages": MESSAGES, **more}))


def seen(server) -> int:
    return len(server.requests)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 529, 408, 429, 401, 403, 402, 404])
def test_what_a_target_can_not_do_the_next_one_does(pair, status):
    proxy, first, second = pair()
    first.reply(failure(status, "no"))
    got = ask(proxy)
    assert got.status == 200, got.body
    assert (got.get("x-remora-provider"), got.get("x-remora-model")) == ("two", "b")
    assert got.get("x-remora-attempts") == "2"
    assert (seen(first), seen(second)) == (1, 1)
    assert second.last.json()["model"] == "b"
    assert got.json()["x_remora"]["attempts"] == 2


@pytest.mark.parametrize("status", [400, 422, 413])
def test_what_the_caller_did_wrong_is_told_at_once(pair, status):
    proxy, first, second = pair()
    first.reply(failure(status, "this is wrong"))
    got = ask(proxy)
    assert got.status == status and "this is wrong" in got.json()["error"]["message"]
    assert (seen(first), seen(second)) == (1, 0)
    assert got.get("x-should-retry") == "false"


@pytest.mark.parametrize("how", ["closed", "reset", "silent"])
def test_a_target_that_is_not_there_is_passed_over(pair, how):
    proxy, first, second = pair()
    if how == "closed":
        first.stop()
    else:
        first.reply(CLOSE if how == "reset" else STALL)
    began = time.monotonic()
    got = ask(proxy)
    assert (got.status, got.get("x-remora-provider")) == (200, "two")
    assert seen(second) == 1
    if how == "silent":
        assert seen(first) == 1 and 2.5 < time.monotonic() - began < 6


def test_a_handshake_that_hangs_costs_a_second_where_there_is_another(pair):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        proxy, first, second = pair(one={"base_url": f"https://127.0.0.1:{deaf.getsockname()[1]}/v1"})
        began = time.monotonic()
        got = ask(proxy)
        assert (got.status, got.get("x-remora-provider")) == (200, "two")
        assert 0.9 < time.monotonic() - began < 1.9


def test_a_slow_connection_is_kept_while_another_target_is_dialed(pair):
    """What the first target takes is never given up for a target that is slower still."""
    with socket.create_server(("127.0.0.1", 0)) as gate, socket.create_server(("127.0.0.1", 0)) as deaf:
        def at(listener):
            return {"base_url": f"https://localhost:{listener.getsockname()[1]}/v1", "timeouts": {"connect": "20s"}}

        proxy, first, second = pair(one=at(gate), two=at(deaf))
        said = []

        def let_through():
            """Opens the way to the first target once the second one is dialed."""
            slow, _ = gate.accept()
            other, _ = deaf.accept()
            with socket.create_connection(("127.0.0.1", first.port)) as real, slow, other:
                back = threading.Thread(target=pump, args=(real, slow))
                back.start()
                pump(slow, real)
                back.join()
                with contextlib.suppress(ConnectionResetError):
                    while piece := other.recv(65536):
                        said.append(piece)

        thread = threading.Thread(target=let_through)
        thread.start()
        got = ask(proxy)
        assert (got.status, got.get("x-remora-provider"), got.get("x-remora-attempts")) == (200, "one", "1")
        proxy.stop()
        thread.join()
        assert (seen(first), seen(second)) == (1, 0)
        assert b"".join(said)[:1] == b"\x16" and len(b"".join(said)) < 2048, "a hello, and then the end"


def pump(source, sink):
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)


def test_a_target_that_refuses_is_no_rival_of_a_slow_one(pair, start_upstream):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        proxy, first, second = pair(
            one={"base_url": f"https://127.0.0.1:{deaf.getsockname()[1]}/v1", "timeouts": {"connect": "20s"}},
            three=start_upstream(),
            targets=["one/a", "two/b", "three/c"],
        )
        second.stop()
        began = time.monotonic()
        got = ask(proxy)
        assert (got.status, got.get("x-remora-provider")) == (200, "three")
        assert 0.9 < time.monotonic() - began < 3


def test_a_dead_target_is_left_alone_after_five_failures(pair):
    proxy, first, second = pair()
    first.reply(*[], when=lambda _: False)
    for _ in range(30):
        first.reply(failure(500, "dead"))
    for _ in range(30):
        assert ask(proxy).status == 200
    assert seen(first) <= 7, "five failures, and a probe or two"
    assert seen(second) == 30


def test_three_tries_and_no_more_whatever_the_sdk_does(pair, sdk):
    proxy, first, second = pair()
    for _ in range(20):
        first.reply(failure(500, "a"))
        second.reply(failure(500, "b"))
    client = sdk(proxy, max_retries=2)
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(model="m", messages=MESSAGES)
    assert seen(first) + seen(second) == 3


def test_a_lone_target_is_asked_again_after_a_pause(pair):
    proxy, first, _ = pair()
    first.reply(failure(502, "not now"))
    got = ask(proxy, "lone")
    assert got.status == 200 and got.get("x-remora-attempts") == "2"
    assert seen(first) == 2


def test_one_attempt_is_transparent(pair):
    proxy, first, _ = pair({"attempts": 1})
    first.reply(failure(503, "not now"))
    got = ask(proxy, "lone")
    assert got.status == 503 and got.get("x-should-retry") is None
    assert seen(first) == 1


def test_the_last_failure_says_that_trying_again_is_pointless(pair):
    proxy, first, _ = pair()
    for _ in range(3):
        first.reply(failure(500, "broken"))
    got = ask(proxy, "lone")
    assert (got.status, got.get("x-should-retry"), seen(first)) == (500, "false", 3)
    assert got.get("x-remora-attempts") == "3"


def test_a_limit_with_a_short_wait_is_waited_for(pair):
    proxy, first, _ = pair()
    first.reply(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}")
    began = time.monotonic()
    got = ask(proxy, "lone")
    assert got.status == 200 and time.monotonic() - began >= 1


def test_a_limit_with_a_long_wait_is_the_clients_and_holds_for_others(pair):
    proxy, first, _ = pair()
    first.reply(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 30\r\nContent-Length: 2\r\n\r\n{}")
    got = ask(proxy, "lone")
    assert (got.status, got.get("retry-after"), seen(first)) == (429, "30", 1)
    again = ask(proxy, "lone")
    assert again.status == 429 and 25 <= int(again.get("retry-after")) <= 37
    assert again.json()["error"]["code"] == "rate_limit_exceeded"
    assert seen(first) == 1, "while it cools it is not asked"
    assert ask(proxy, "m").status == 200, "the other target of another name is"


@pytest.mark.parametrize("wait", ["-1", "NaN", "1e400", "99999999999999999999", "Thu, 99 Foo 2026 00:00:00 GMT", ""])
def test_absurd_waits_are_no_waits(pair, wait):
    proxy, first, _ = pair()
    first.reply(f"HTTP/1.1 429 No\r\nRetry-After: {wait}\r\nContent-Length: 2\r\n\r\n{{}}".encode())
    began = time.monotonic()
    got = ask(proxy, "lone")
    assert time.monotonic() - began < 3
    assert got.status in (200, 429)


@pytest.mark.parametrize("opening", [ERROR, ROLE + ERROR, b": hi\n\n" + ROLE + ERROR, ROLE, b"data: [DONE]\n\n", b""])
def test_a_stream_that_fails_before_it_says_anything_is_another_targets(pair, sdk, opening):
    proxy, first, second = pair()
    first.reply(events(opening))
    client = sdk(proxy)
    stream = client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
    chunks = list(stream)
    roles = [c.choices[0].delta.role for c in chunks if c.choices and c.choices[0].delta.role]
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert roles == ["assistant"] and text
    assert (seen(first), seen(second)) == (1, 1)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 15\r\n\r\n<html>no</html>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n<html>no</html>",
        b"HTTP/1.1 302 X\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nab",
    ],
    ids=["a page", "a page without a type", "a redirect", "another coding"],
)
def test_what_is_no_answer_of_the_api_is_another_targets(pair, answer, streamed):
    proxy, first, second = pair()
    first.reply(answer)
    got = ask(proxy, stream=streamed)
    assert (got.status, got.get("x-remora-provider")) == (200, "two"), got.body
    assert (seen(first), seen(second)) == (1, 1)


def test_a_stream_that_fails_behind_its_first_word_is_never_continued(pair):
    proxy, first, second = pair()
    first.reply(events(ROLE, TEXT, ERROR))
    got = ask(proxy, stream=True)
    assert b"hi" in got.body and b"Overloaded" in got.body and b"[DONE]" not in got.body
    assert seen(second) == 0


@pytest.mark.parametrize("cut", range(0, len(ROLE) + len(TEXT) + 40, 23))
def test_an_answer_is_one_targets_wherever_the_other_breaks_off(pair, cut):
    proxy, first, second = pair()
    whole = events(ROLE, TEXT, STOP)
    head = whole.index(b"\r\n\r\n") + 4
    first.reply(whole[: head + cut], CLOSE)
    got = ask(proxy, stream=True)
    said = got.body.replace(b'": "', b'":"').count(b'"role":"assistant"')
    if cut > len(ROLE) + len(TEXT) - 1:
        assert seen(second) == 0 and b"[DONE]" not in got.body
    else:
        assert (seen(first), seen(second)) == (1, 1) and b"[DONE]" in got.body
    assert said == 1 and got.status == 200


def test_a_context_error_goes_to_larger_windows_only(pair, tmp_path):
    proxy, first, second = pair()
    first.reply(failure(400, "too long", code="context_length_exceeded"))
    got = ask(proxy)
    assert got.status == 200, "an unknown window may be larger"


def test_a_filters_word_is_the_answer_unless_it_is_not_wanted(pair):
    proxy, first, second = pair()
    first.reply(failure(400, "filtered", code="content_filter"))
    got = ask(proxy)
    assert (got.status, seen(second)) == (400, 0)
    proxy, first, second = pair({"fallback_on": ["content_filter"]})
    first.reply(failure(400, "filtered", code="content_filter"))
    assert (ask(proxy).status, seen(second)) == (200, 1)


def test_weights_share_and_keep_a_conversation(pair):
    proxy, first, second = pair(pick="weighted", targets=[{"to": "one/a", "weight": 3}, {"to": "two/b", "weight": 1}])
    for index in range(200):
        ask(proxy, prompt_cache_key=f"k{index}")
    assert 120 <= seen(first) <= 180 and seen(first) + seen(second) == 200
    before = (seen(first), seen(second))
    for _ in range(20):
        ask(proxy, prompt_cache_key="one conversation")
    moved = sorted((seen(first) - before[0], seen(second) - before[1]))
    assert moved == [0, 20]


@pytest.mark.parametrize("path, turns", [("chat/completions", "messages"), ("responses", "input"), ("messages", "messages")])
def test_a_long_conversation_stays_where_it_began(pair, path, turns):
    """By its opening, in each API that sends all turns again; what is short shares by chance."""
    proxy, first, second = pair(pick="weighted", targets=[{"to": "one/a", "weight": 1}, {"to": "two/b", "weight": 1}])
    homes = set()
    for index in range(8):
        said = [{"role": "user", "content": f"conversation {index}: " + "tell me more, please. " * 250}]
        places = set()
        for turn in range(6):
            got = proxy.ask(post_json(f"/v1/{path}", {"model": "m", "max_tokens": 9, turns: said}))
            places.add(got.get("x-remora-provider"))
            said = [*said, {"role": "assistant", "content": "more"}, {"role": "user", "content": f"and {turn}?"}]
        assert len(places) == 1, places
        homes |= places
    assert homes == {"one", "two"}


def test_a_weight_of_zero_is_the_last_resort(pair):
    proxy, first, second = pair(pick="weighted", targets=[{"to": "one/a", "weight": 1}, {"to": "two/b", "weight": 0}])
    for _ in range(20):
        ask(proxy)
    assert (seen(first), seen(second)) == (20, 0)
    first.reply(failure(500, "no"))
    assert ask(proxy).get("x-remora-provider") == "two"


def test_a_third_failing_beside_a_healthy_one_costs_nobody_an_answer(pair):
    proxy, first, second = pair()
    count = 300

    def one(index):
        if index % 3 == 0:
            first.reply(failure(503, "no"))
        return ask(proxy).status

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(one, range(count)))
    assert statuses == [200] * count
    assert seen(first) + seen(second) <= 1.35 * count


def test_the_clients_own_deadline_ends_the_tries_before_it(pair):
    proxy, first, second = pair()
    first.reply(STALL)
    began = time.monotonic()
    body = {"model": "lone", "messages": MESSAGES}
    got = proxy.ask(post_json("/v1/chat/completions", body, {"x-remora-timeout-ms": "1500"}))
    took = time.monotonic() - began
    assert (got.status, got.json()["error"]["code"], got.get("x-should-retry")) == (504, "upstream_timeout", "false")
    assert 1.0 < took < 1.5


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("opening", [b"", HEAD, HEAD + b"9\r\n: hello\n\n\r\n"], ids=["nothing", "a head", "a comment"])
def test_a_stream_without_content_in_time_is_another_targets(pair, opening):
    proxy, first, second = pair({"first_token": "1s"})
    first.reply(opening, STALL) if opening else first.reply(STALL)
    began = time.monotonic()
    got = ask(proxy, stream=True)
    assert (got.status, got.get("x-remora-provider")) == (200, "two") and b"[DONE]" in got.body
    assert 0.9 < time.monotonic() - began < 2.5
    assert (seen(first), seen(second)) == (1, 1)


def test_a_repetition_of_what_was_never_tried_is_tried(pair):
    proxy, first, _ = pair()
    for count in ("1", "2", "3", "9", "99999999999999999999", "-1", "x"):
        body = {"model": "m", "messages": [{"role": "user", "content": count}]}
        got = proxy.ask(post_json("/v1/chat/completions", body, {"x-stainless-retry-count": count}))
        assert got.status == 200, count
    assert seen(first) == 7


def test_a_probe_whose_client_leaves_is_no_probe_for_ever(pair):
    proxy, first, second = pair()
    for _ in range(5):
        first.reply(failure(500, "dead"))
    for _ in range(5):
        ask(proxy)
    first.reply(STALL)
    deadline = time.monotonic() + 20
    while seen(first) < 6:
        with proxy.connect() as client:
            client.send(post_json("/v1/chat/completions", {"model": "m", "messages": MESSAGES}))
            time.sleep(0.05)
        assert time.monotonic() < deadline
    while ask(proxy).get("x-remora-provider") != "one":
        assert time.monotonic() < deadline, "the target never came back"
        time.sleep(0.05)


def test_prices_and_the_catalogue_lead_a_bare_name(start_remora, start_upstream, authority, tmp_path):
    dear, cheap = start_upstream(), start_upstream()
    (tmp_path / "key").write_text(SECRET + "\n")
    catalogue = tmp_path / "catalogue.txt"
    catalogue.write_text("[openai]\nhouse ct 1000/100 5,5\n[groq]\nhouse ct 1000/100 1,1\n")

    def provider(kind, server):
        return {
            "kind": kind, "base_url": server.base_url, "api_key": {"file": str(tmp_path / "key")},
            "tls": {"ca_file": str(authority.ca_file)},
        }

    proxy = start_remora(whole={
        "providers": {"dear": provider("openai", dear), "cheap": provider("groq", cheap)},
        "catalogue": {"file": str(catalogue)},
    })
    assert ask(proxy, "house").get("x-remora-provider") == "cheap"
    cheap.reply(failure(500, "no"))
    assert ask(proxy, "house").get("x-remora-provider") == "dear"
    got = ask(proxy, "hose")
    assert (got.status, got.json()["error"]["code"]) == (404, "model_not_found")
    assert "did you mean 'house'?" in got.json()["error"]["message"]
    catalogue.write_text("[openai]\nhouse ct 1000/100 1,1\n[groq]\nhouse ct 1000/100 5,5\n")
    deadline = time.monotonic() + 10
    while ask(proxy, "house").get("x-remora-provider") != "dear":
        assert time.monotonic() < deadline, "the catalogue's file is not watched"
        time.sleep(0.1)


def test_an_announced_end_is_said(start_remora, upstream):
    proxy = start_remora(upstream, {"models": {"old": {"targets": "gateway/new", "deprecated": True}}})
    got = ask(proxy, "old")
    assert got.get("deprecation") == "true" and got.get("x-model-deprecated-successor") == "new"
    got = ask(proxy, "gpt-4o")
    assert got.get("deprecation") == "true" and got.get("sunset").endswith("GMT")
    assert ask(proxy, "gateway/gpt-4o").get("deprecation") is None
