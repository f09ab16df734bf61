"""Limits, budgets and what a request has cost: what is let through, what answers say of it, what is booked."""

from __future__ import annotations

import json
import threading
import time

import openai
import pytest
from remora import PROMPT, merged
from reloading import wait_reloads, wait_watching
from upstream import CUT, Gate
from wire import LAST_CHUNK, SSE_HEAD, event, json_answer, post_json, request

pytestmark = pytest.mark.proxy

CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": PROMPT}]}
BOUNDED = {**CHAT, "max_tokens": 8}
# US dollars for a million tokens; of the 11 tokens of the prompt 3 were cached.
PRICES = {"prices": {"gateway/gpt-4o": {"input": 2.5, "output": 10, "cached_input": 1.25}}}
COST = (8 * 2_500_000 + 3 * 1_250_000 + 8 * 10_000_000) / 1e12


def keyed(directory, **limits) -> dict:
    (directory / "finance.key").write_text("rk-canary-finance")
    return {"consumers": {"groups": {"finance": {"key": {"file": str(directory / "finance.key")}, "limits": limits}}}}


def ask(proxy, body=BOUNDED, path="/v1/chat/completions", **headers):
    return proxy.ask(post_json(path, body, {name.replace("_", "-"): value for name, value in headers.items()}))


def counters(got) -> dict[str, str]:
    return {
        name: value
        for name, value in ((name, got.get(f"x-ratelimit-{name}")) for name in
                            ("limit-requests", "remaining-requests", "limit-tokens", "remaining-tokens", "reset", "scope"))
        if value is not None
    }  # fmt: skip


# Requests.


def test_requests_a_minute(start_remora, upstream):
    proxy = start_remora(upstream, {"limits": {"requests_per_minute": 3}})
    for left in (2, 1, 0):
        got = ask(proxy)
        assert got.status == 200
        said = counters(got)
        assert said.pop("reset") in ("60", "61")
        assert said == {"limit-requests": "3", "remaining-requests": str(left), "scope": "pod"}
        # The provider's own stay, under another name.
        assert got.get("x-remora-upstream-ratelimit-remaining-requests") == "41"
        assert len(got.all("x-ratelimit-remaining-requests")) == 1
    before = len(upstream.requests)
    got = ask(proxy)
    assert got.status == 429
    assert got.error["type"] == "rate_limit_error" and got.error["code"] == "rate_limit_exceeded"
    assert 58 <= int(got.get("retry-after")) <= 61
    assert got.get("x-should-retry") in (None, "false") and got.get("x-remora-error-source") == "remora"
    assert counters(got)["remaining-requests"] == "0"
    assert len(upstream.requests) == before
    assert proxy.total("remora_limited_total", scope="pod", limit="requests_per_minute") == 1
    assert proxy.total("remora_limit_remaining", scope="pod", limit="requests_per_minute") == 0
    # What was refused here took nothing, and another 400 takes nothing either; both say what is left.
    bad = ask(proxy, b"{")
    assert bad.status == 400 and counters(bad)["limit-requests"] == "3"
    assert proxy.ask(request("GET", "/healthz")).get("x-ratelimit-limit-requests") is None


def test_local_refusals_take_nothing(start_remora, upstream):
    proxy = start_remora(upstream, {"limits": {"requests_per_minute": 2}})
    for _ in range(5):
        assert ask(proxy, b"{").status == 400
        assert ask(proxy, {**CHAT, "model": ""}).status == 400
    assert counters(ask(proxy))["remaining-requests"] == "1"
    # What a provider refused was a request. What passes through is one too.
    assert ask(proxy, {**CHAT, "model": "broken"}).status == 500
    assert ask(proxy).status == 429


def test_passed_through_paths_count(start_remora, upstream):
    proxy = start_remora(upstream, {"limits": {"requests_per_minute": 1}})
    assert proxy.ask(request("GET", "/v1/echo")).status == 200
    assert proxy.ask(request("GET", "/v1/echo")).status == 429


def test_the_sdk_understands(start_remora, upstream, sdk):
    proxy = start_remora(upstream, {"limits": {"requests_per_minute": 1}})
    client = sdk(proxy, max_retries=0)
    assert client.chat.completions.create(**CHAT).choices
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(**CHAT)
    assert caught.value.body["code"] == "rate_limit_exceeded"
    assert "requests_per_minute" in caught.value.body["message"]


def test_pod_and_group(start_remora, upstream, tmp_path):
    proxy = start_remora(
        upstream, merged(keyed(tmp_path, requests_per_minute=2), {"limits": {"requests_per_minute": 3}})
    )
    key = {"x_remora_key": "rk-canary-finance"}
    got = ask(proxy, **key)
    assert counters(got)["limit-requests"] == "2" and counters(got)["scope"] == "group"
    assert ask(proxy, **key).status == 200
    got = ask(proxy, **key)
    assert got.status == 429 and "finance" in got.error["message"]
    # The pod has counted two.
    got = ask(proxy)
    assert got.status == 200 and counters(got)["remaining-requests"] == "0"
    assert ask(proxy).status == 429
    assert proxy.total("remora_limited_total", scope="group", limit="requests_per_minute") == 1


# Concurrency.


def test_concurrent_requests(start_remora, upstream, tmp_path):
    proxy = start_remora(upstream, keyed(tmp_path, concurrent_requests=2))
    key = {"x-remora-key": "rk-canary-finance"}
    gates = [Gate(), Gate()]
    peers = [proxy.connect(), proxy.connect()]
    for peer, gate in zip(peers, gates):
        upstream.reply(SSE_HEAD, event({"choices": [{"index": 0, "delta": {"content": "a"}}]}), gate, event("[DONE]"), LAST_CHUNK)
        peer.send(post_json("/v1/chat/completions", {**CHAT, "stream": True}, key))
        peer.head()
    got = ask(proxy, x_remora_key="rk-canary-finance")
    assert got.status == 429 and got.get("retry-after") == "1" and got.get("x-should-retry") is None
    assert ask(proxy).status == 200
    assert proxy.total("remora_limited_total", scope="group", limit="concurrent_requests") == 1
    # A client that leaves frees its place, and so does a stream that ends.
    peers[0].close()
    gates[0].open()
    gates[1].open()
    for _ in range(100):
        if ask(proxy, x_remora_key="rk-canary-finance").status == 200:
            break
        time.sleep(0.02)
    else:
        pytest.fail("no place was freed")
    peers[1].close()
    proxy.access_log(4)
    assert proxy.total("remora_limit_remaining", scope="group", limit="concurrent_requests") == 2


# Tokens.


def test_tokens_a_minute(start_remora, upstream):
    proxy = start_remora(upstream, {"limits": {"tokens_per_minute": 60}})
    got = ask(proxy)
    assert got.status == 200 and counters(got)["limit-tokens"] == "60"
    # Promised: the prompt and the 8 that it asks for. Taken: 19.
    assert 30 <= int(counters(got)["remaining-tokens"]) < 52
    proxy.access_log(1)
    assert proxy.total("remora_limit_remaining", scope="pod", limit="tokens_per_minute") == 60 - 19
    assert ask(proxy).status == 200
    got = ask(proxy, {**CHAT, "max_tokens": 50})
    assert got.status == 429 and "tokens_per_minute" in got.error["message"]
    assert 50 <= int(got.get("retry-after")) <= 61
    assert proxy.total("remora_limited_total", scope="pod", limit="tokens_per_minute") == 1


def test_a_prompt_that_never_fits(start_remora, upstream):
    proxy = start_remora(upstream, {"limits": {"tokens_per_minute": 50}})
    got = ask(proxy, {**BOUNDED, "messages": [{"role": "user", "content": "many words " * 200}]})
    assert got.status == 429 and got.get("x-should-retry") == "false" and "never fits" in got.error["message"]
    # One of which only the answer could be too long gets an empty minute.
    assert ask(proxy, CHAT).status == 200


def test_streams_are_settled_too(start_remora, upstream):
    proxy = start_remora(upstream, {"limits": {"tokens_per_minute": 1000}})
    got = ask(proxy, {**BOUNDED, "stream": True})
    assert got.status == 200 and counters(got)["limit-tokens"] == "1000"
    proxy.access_log(1)
    assert proxy.total("remora_limit_remaining", scope="pod", limit="tokens_per_minute") == 1000 - 19


# Money.


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_cost_is_exact(start_remora, upstream, stream):
    proxy = start_remora(upstream, PRICES)
    got = ask(proxy, {**CHAT, "stream": stream})
    line = proxy.log_line(got.get("x-request-id"))
    assert line["cost_usd"] == COST and "estimated" not in line
    assert proxy.total("remora_cost_usd_total", provider="gateway") == COST
    assert proxy.total("remora_unpriced_requests_total") == 0
    # No limits, no headers, and the provider's own under their own name.
    assert counters(got) == ({} if stream else {"remaining-requests": "41"})


def test_unpriced_models(start_remora, upstream):
    proxy = start_remora(upstream, {"prices": {}})
    got = ask(proxy, {**CHAT, "model": "of-our-own"})
    assert "cost_usd" not in proxy.log_line(got.get("x-request-id"))
    assert proxy.total("remora_unpriced_requests_total", provider="gateway") == 1


def test_a_budget_sees_every_model(start_remora, upstream, tmp_path):
    proxy = start_remora(upstream, merged(keyed(tmp_path, budget_usd={"amount": 1, "per": "1d"}), PRICES))
    key = {"x_remora_key": "rk-canary-finance"}
    assert ask(proxy, **key).status == 200
    got = ask(proxy, {**CHAT, "model": "of-our-own"}, **key)
    assert got.status == 403 and got.error["code"] == "model_not_allowed" and "prices:" in got.error["message"]
    assert ask(proxy, {"input_file_id": "f"}, "/v1/batches", **key).status == 403
    assert ask(proxy, {**CHAT, "model": "of-our-own"}).status == 200


def test_a_budget_ends(start_remora, upstream):
    amount = 3.2 * COST
    proxy = start_remora(upstream, merged(PRICES, {"limits": {"budget_usd": {"amount": f"{amount:.6f}", "per": "1d"}}}))
    seen = []
    for _ in range(6):
        # Their end isn't known: the rest is spent, and not a request more.
        got = ask(proxy, CHAT)
        proxy.access_log(1)
        proxy.mark_log()
        seen.append(got.status)
    assert seen == [200, 200, 200, 200, 429, 429], seen
    assert got.error["code"] == "insufficient_quota" and got.get("x-should-retry") == "false"
    assert 1 <= int(got.get("retry-after")) <= 86400
    assert got.get("x-budget-limit-usd") == f"{amount:.6f}" and got.get("x-budget-remaining-usd") == "0.000000"
    assert proxy.total("remora_budget_remaining_usd", scope="pod") == 0
    assert proxy.total("remora_limited_total", scope="pod", limit="budget_usd") == 2


def test_bounded_requests_never_go_over(start_remora, upstream):
    amount = 3.2 * COST
    proxy = start_remora(upstream, merged(PRICES, {"limits": {"budget_usd": {"amount": f"{amount:.6f}", "per": "1d"}}}))
    for _ in range(6):
        ask(proxy, BOUNDED)
        proxy.access_log(1)
        proxy.mark_log()
    assert proxy.total("remora_cost_usd_total") <= amount


def test_budget_headers_from_four_fifths(start_remora, upstream):
    proxy = start_remora(upstream, merged(PRICES, {"limits": {"budget_usd": {"amount": "0.001000", "per": "30d"}}}))
    shown = []
    for _ in range(9):
        got = ask(proxy, BOUNDED)
        proxy.access_log(1)
        proxy.mark_log()
        shown.append(got.get("x-budget-remaining-usd"))
    assert shown[0] is None and shown[-1] is not None
    first = next(each for each in shown if each)
    assert float(first) <= 0.0002 and len(first.split(".")[1]) == 6


# Every end.


def test_errors_of_a_provider_cost_nothing(start_remora, upstream):
    proxy = start_remora(upstream, merged(PRICES, {"limits": {"tokens_per_minute": 1000, "budget_usd": {"amount": 1, "per": "1d"}}}))
    for status in (400, 429, 500, 503):
        upstream.reply(json_answer({"error": {"message": "no", "type": "t"}}, status))
        assert ask(proxy).status == status
    proxy.access_log(4)
    assert proxy.total("remora_limit_remaining", limit="tokens_per_minute") == 1000
    assert proxy.total("remora_budget_remaining_usd") == 1


def test_a_provider_that_is_not_there(start_remora, upstream):
    proxy = start_remora(
        upstream, {"limits": {"requests_per_minute": 9, "tokens_per_minute": 1000}}, provider={"base_url": "http://127.0.0.1:1/v1"}
    )
    assert ask(proxy).status == 502
    proxy.access_log(1)
    assert proxy.total("remora_limit_remaining", limit="tokens_per_minute") == 1000
    assert proxy.total("remora_limit_remaining", limit="requests_per_minute") == 9


def test_a_client_that_leaves_before_the_answer(start_remora, upstream):
    proxy = start_remora(upstream, merged(PRICES, {"limits": {"tokens_per_minute": 1000, "budget_usd": {"amount": 1, "per": "1d"}}}))
    gate = Gate()
    upstream.reply(gate, json_answer({}))
    peer = proxy.connect()
    before = len(upstream.requests)
    peer.send(post_json("/v1/chat/completions", BOUNDED))
    for _ in range(200):
        if len(upstream.requests) > before:
            break
        time.sleep(0.01)
    peer.close()
    [line] = proxy.access_log(1)
    gate.open()
    assert line["end"] == "client_gone" and line["estimated"] is True and line["cost_usd"] > 0
    assert 0 < line["tokens_in"] < 50
    assert proxy.total("remora_tokens_estimated_total", kind="input") == line["tokens_in"]
    assert proxy.total("remora_limit_remaining", limit="tokens_per_minute") == 1000 - line["tokens_in"]


def test_a_stream_that_is_cut(start_remora, upstream):
    proxy = start_remora(upstream, merged(PRICES, {"limits": {"tokens_per_minute": 1000}}))
    words = [event({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o",
                    "choices": [{"index": 0, "delta": {"content": f"word{place} "}}]}) for place in range(20)]  # fmt: skip
    gate = Gate()
    upstream.reply(SSE_HEAD, *words, gate)
    peer = proxy.connect()
    peer.send(post_json("/v1/chat/completions", {**BOUNDED, "stream": True}))
    head = peer.head()
    peer.body_until(head, b"word19")
    peer.close()
    [line] = proxy.access_log(1)
    gate.open()
    assert line["estimated"] is True and line["cost_usd"] > 0
    assert 10 <= line["tokens_out"] <= 80
    assert proxy.total("remora_limit_remaining", limit="tokens_per_minute") == 1000 - line["tokens_in"] - line["tokens_out"]


def test_usage_of_nothing_is_a_count(start_remora, upstream):
    proxy = start_remora(upstream, merged(PRICES, {"limits": {"tokens_per_minute": 1000}}))
    upstream.reply(json_answer({"id": "c", "choices": [], "usage": {"prompt_tokens": 0, "completion_tokens": 0}}))
    ask(proxy)
    [line] = proxy.access_log(1)
    assert line["cost_usd"] == 0 and "estimated" not in line
    assert proxy.total("remora_limit_remaining", limit="tokens_per_minute") == 1000


# Every kind of end.


def _ends(proxy, upstream):
    """Requests that end in every way there is; each is over when the next one begins."""

    def left(body, after, *answer):
        before = len(upstream.requests)
        gate = Gate()
        upstream.reply(*answer, gate)
        peer = proxy.connect()
        peer.send(post_json("/v1/chat/completions", body))
        if after is not None:
            peer.body_until(peer.head(), after)
        for _ in range(500):
            if len(upstream.requests) > before:
                break
            time.sleep(0.01)
        peer.close()
        gate.open()

    word = event({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o",
                  "choices": [{"index": 0, "delta": {"content": "word "}}]})  # fmt: skip
    stream = {**BOUNDED, "stream": True}
    yield "whole", lambda: ask(proxy)
    yield "stream", lambda: ask(proxy, stream)
    yield "unbounded", lambda: ask(proxy, CHAT)
    yield "left before the answer", lambda: left(BOUNDED, None)
    yield "left in a stream", lambda: left(stream, b"word", SSE_HEAD, word)
    yield "cut in a stream", lambda: (upstream.reply(SSE_HEAD, word, CUT), ask(proxy, stream))
    yield "cut before an answer", lambda: (upstream.reply(CUT), upstream.reply(CUT), upstream.reply(CUT), ask(proxy))
    for status in (400, 401, 429, 500):
        answer = json_answer({"error": {"message": "no", "type": "t", "code": "c"}}, status)
        yield str(status), lambda answer=answer: ([upstream.reply(answer) for _ in range(3)], ask(proxy), upstream.reset())
    yield "an error in a stream", lambda: (upstream.reply(SSE_HEAD, word, event({"error": {"message": "no"}}), LAST_CHUNK), ask(proxy, stream))
    yield "no JSON", lambda: ([upstream.reply(json_answer(b"{")) for _ in range(3)], ask(proxy), upstream.reset())
    yield "no usage", lambda: (upstream.reply(json_answer({"id": "c", "choices": []})), ask(proxy))
    yield "usage of nothing", lambda: (
        upstream.reply(json_answer({"id": "c", "choices": [], "usage": {"prompt_tokens": 0, "completion_tokens": 0}})), ask(proxy))
    yield "not sent", lambda: ask(proxy, {**BOUNDED, "model": 7})
    yield "not JSON", lambda: proxy.ask(request("POST", "/v1/chat/completions", {"Content-Type": "application/json"}, b"{"))
    yield "no such path", lambda: proxy.ask(request("GET", "/v2/nothing"))
    yield "another method", lambda: proxy.ask(request("DELETE", "/v1/chat/completions"))


@pytest.mark.parametrize("workers", [1, 4])
def test_whatever_the_end_nothing_stays_promised(start_remora, start_upstream, workers):
    import yaml

    upstream = start_upstream()
    limits = {"requests_per_minute": 1000, "tokens_per_minute": 100_000, "concurrent_requests": 3,
              "budget_usd": {"amount": 1, "per": "365d"}}  # fmt: skip
    proxy = start_remora(upstream, merged(PRICES, {"workers": workers, "limits": limits, "retry": {"backoff": "10ms"}}))
    wait_watching(proxy)
    ends = list(_ends(proxy, upstream))
    for number, (name, end) in enumerate(ends):
        end()
        if number % 5 == 4:
            # Another configuration comes into force between them, and while what was left behind ends.
            text = yaml.safe_load(proxy.config_file.read_text())
            text["limits"]["requests_per_minute"] += 1
            proxy.config_file.write_text(yaml.safe_dump(text))
            wait_reloads(proxy, applied=number // 5 + 1)
    told = {}
    for _ in range(500):
        [told] = proxy.admin("/state").json()["limits"]
        if told["concurrent_left"] == 3:
            break
        time.sleep(0.01)
    lines = proxy.access_log(len(ends), seconds=20)
    assert told["concurrent_left"] == 3, told
    spent = sum(round(line.get("cost_usd", 0) * 1e9) for line in lines)
    # To a nano-dollar each: what is left is all that the log doesn't say was spent.
    assert abs(round((1 - told["budget_left_usd"]) * 1e9) - spent) <= len(lines)
    assert told["tokens_left"] == 100_000 - sum(line.get("tokens_in", 0) + line.get("tokens_out", 0) for line in lines)


def test_ends_that_cost_and_ends_that_cost_nothing(start_remora, start_upstream):
    """A provider that falls silent, an answer that a policy blocks, one behind a failed try: each is booked as the log says,
    and gives back the rest of what it was promised. (What the cache has is in test_cache.py.)"""
    upstream = start_upstream()
    limits = {"requests_per_minute": 1000, "tokens_per_minute": 100_000, "concurrent_requests": 3, "budget_usd": {"amount": 1, "per": "365d"}}
    policy = {"kind": "pii_detector", "action": "report", "answers": "block"}
    proxy = start_remora(
        upstream,
        merged(PRICES, {"limits": limits, "retry": {"attempts": 3, "backoff": "10ms"},
                        "policies": {"pii": policy}, "policy_chain": ["pii"]}),
        provider={"timeouts": {"first_byte": "300ms", "idle": "300ms"}},
    )  # fmt: skip
    usage = {"prompt_tokens": 11, "completion_tokens": 8, "total_tokens": 19}
    word = event({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o",
                  "choices": [{"index": 0, "delta": {"content": "word "}}]})  # fmt: skip
    said = {"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4o", "usage": usage}

    def message(text):
        return {**said, "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}]}

    counted, lines = [], []

    def end(status, body, *answers):
        for answer in answers:
            upstream.reply(*answer)
        lines.append(proxy.log_line(ask(proxy, body).get("x-request-id")))
        assert lines[-1]["status"] == status, json.dumps(lines[-1])
        upstream.reset()
        told = proxy.admin("/state").json()["limits"][0]
        counted.append((told["requests_left"], told["concurrent_left"]))

    silent, stalled = Gate(), Gate()
    end(504, BOUNDED, [silent])
    silent.open()
    assert lines[-1]["estimated"] and lines[-1]["tokens_in"] > 0
    end(200, {**BOUNDED, "stream": True}, [SSE_HEAD, word, stalled])
    stalled.open()
    assert lines[-1]["estimated"] and lines[-1]["tokens_out"] > 0
    # The provider was paid for what the policy has blocked.
    end(422, BOUNDED, [json_answer(message("call +44 20 7946 0958"))])
    assert lines[-1]["tokens_out"] == 8 and lines[-1]["cost_usd"] > 0
    # What a failed try has told it took is booked with the answer behind it.
    end(200, BOUNDED, [json_answer({"error": {"message": "no"}, "usage": usage}, 500)], [json_answer(message("hello"))])
    assert lines[-1]["attempts"] == 2
    # Nothing was sent.
    end(400, {**BOUNDED, "model": 7})
    assert counted[-1] == counted[-2]
    assert [concurrent for _, concurrent in counted] == [3] * len(counted)
    [told] = proxy.admin("/state").json()["limits"]
    spent = sum(round(line.get("cost_usd", 0) * 1e9) for line in lines)
    assert abs(round((1 - told["budget_left_usd"]) * 1e9) - spent) <= len(lines)
    taken = sum(line.get("tokens_in", 0) + line.get("tokens_out", 0) for line in lines)
    assert told["tokens_left"] == 100_000 - taken


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/embeddings", "/v1/completions"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_every_answer_says_what_is_left(start_remora, upstream, path, stream):
    """Good ones, errors of the provider and of the request, refusals: in each format."""
    proxy = start_remora(upstream, {"limits": {"requests_per_minute": 4, "tokens_per_minute": 100_000}})
    member = {"/v1/messages": "messages", "/v1/chat/completions": "messages", "/v1/completions": "prompt"}.get(path, "input")
    body = {"model": "gpt-4o", member: CHAT["messages"] if member == "messages" else PROMPT}
    if stream and path != "/v1/embeddings":
        body["stream"] = True
    if path == "/v1/messages":
        body["max_tokens"] = 8
    failure = json_answer({"error": {"message": "no", "type": "t", "code": "c"}}, 400)

    def left(data, status, count):
        got = proxy.ask(data)
        assert got.status == status, got.body
        said = counters(got)
        assert {"limit-requests", "limit-tokens", "remaining-tokens", "reset", "scope"} <= set(said)
        assert said["remaining-requests"] == str(count), (status, said)
        # Each stands there once, whatever the provider's own say.
        assert all(len(got.all(f"x-ratelimit-{name}")) == 1 for name in said)
        return got

    left(post_json(path, body), 200, 3)
    left(request("POST", path, {"Content-Type": "application/json"}, b"{"), 400, 3)
    left(post_json(path, {**body, "model": 7}), 400, 3)
    left(request("GET", path + "/"), 404, 3)
    upstream.reply(failure)
    left(post_json(path, body), 400, 2)
    left(request("GET", "/v1/nothing/../x"), 400, 2)
    left(post_json(path, body), 200, 1)
    left(post_json(path, body), 200, 0)
    got = left(post_json(path, body), 429, 0)
    assert 58 <= int(got.get("retry-after")) <= 61
    if path == "/v1/messages":
        assert got.json()["type"] == "error" and got.json()["error"]["type"] == "rate_limit_error"


# Reloads, workers, many at once.


def test_a_reload_keeps_what_was_counted(start_remora, upstream):
    import yaml

    proxy = start_remora(upstream, {"limits": {"requests_per_minute": 5}})
    wait_watching(proxy)
    for _ in range(3):
        ask(proxy)
    for number, (limit, left) in enumerate(((9, 5), (2, 0)), 1):
        text = yaml.safe_load(proxy.config_file.read_text())
        text["limits"]["requests_per_minute"] = limit
        proxy.config_file.write_text(yaml.safe_dump(text))
        wait_reloads(proxy, applied=number)
        got = ask(proxy)
        assert counters(got)["limit-requests"] == str(limit) and counters(got)["remaining-requests"] == str(left)


@pytest.mark.parametrize("workers", [1, 4])
def test_sixty_four_at_once(start_remora, start_upstream, workers):
    server = start_upstream()
    proxy = start_remora(server, merged(PRICES, {"workers": workers, "limits": {"requests_per_minute": 40, "tokens_per_minute": 800}}))
    seen: list[int] = []
    barrier = threading.Barrier(64)

    def one():
        with proxy.connect() as peer:
            barrier.wait()
            for _ in range(4):
                seen.append(peer.ask(post_json("/v1/chat/completions", BOUNDED)).status)

    threads = [threading.Thread(target=one) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 256 and set(seen) <= {200, 429}
    assert 20 <= seen.count(200) <= 40
    proxy.access_log(256, seconds=20)
    # The prompt is 11 at the provider and more here: nothing is ever more than was promised.
    assert proxy.total("remora_tokens_total", kind="input") + proxy.total("remora_tokens_total", kind="output") <= 800


def test_it_says_what_holds(start_remora, upstream):
    """Nothing is limited where nothing is said, zero too."""
    proxy = start_remora(
        upstream,
        {"limits": {"requests_per_minute": 0, "tokens_per_minute": 0, "concurrent_requests": 0, "budget_usd": {"amount": 0, "per": "30d"}}},
    )
    got = ask(proxy)
    assert got.status == 200 and counters(got) == {"remaining-requests": "41"}
