"""Answers that are kept: which requests are given them, what they look like, and what is asked of a provider meanwhile."""

from __future__ import annotations

import json
import threading
import time

import pytest
import yaml
from canaries import canary
from remora import PROMPT, merged, run
from reloading import wait_reloads, wait_watching
from upstream import CLOSE, Gate
from wire import LAST_CHUNK, SSE_HEAD, event, json_answer, post_json

pytestmark = pytest.mark.proxy

CHAT = {"model": "gpt-4o", "temperature": 0, "messages": [{"role": "user", "content": PROMPT}]}
CACHE = {"cache": {"size": "1MiB", "ttl": "10m"}}


def ask(proxy, body=CHAT, path="/v1/chat/completions", **headers):
    return proxy.ask(post_json(path, body, {name.replace("_", "-"): value for name, value in headers.items()}))


def without(answer: dict) -> dict:
    return {name: value for name, value in answer.items() if name != "x_remora"}


def result(got) -> str | None:
    return got.get("x-remora-cache")


def test_off_by_default(start_remora, upstream):
    proxy = start_remora(upstream)
    for _ in range(2):
        got = ask(proxy)
        assert result(got) is None and got.json()["x_remora"]["cache_status"] is None
    assert len(upstream.requests) == 2 and "cache" not in proxy.access_log(2)[-1]


def test_the_same_again(start_remora, upstream):
    proxy = start_remora(upstream, CACHE)
    first, second = ask(proxy), ask(proxy)
    assert (first.status, second.status) == (200, 200) and len(upstream.requests) == 1
    assert (result(first), result(second)) == ("miss", "hit")
    assert without(first.json()) == without(second.json())
    assert second.get("content-type") == "application/json" and second.get("x-remora-provider") == "gateway"
    mine, kept = first.json()["x_remora"], second.json()["x_remora"]
    assert mine["cache_status"] == "miss" and kept["cache_status"] == "hit"
    assert kept["request_id"] == second.get("x-request-id") != mine["request_id"]
    assert kept["attempts"] == 0 and kept["model"] == mine["model"]
    lines = proxy.access_log(2)
    assert [line["cache"] for line in lines] == ["miss", "hit"]
    assert "tokens_in" not in lines[1] and "cost_usd" not in lines[1]
    assert proxy.total("remora_cache_total", result="hit") == 1 and proxy.total("remora_cache_total", result="miss") == 1
    assert proxy.total("remora_usage_missing_total") == 0


def test_streams_are_replayed(start_remora, upstream):
    proxy = start_remora(upstream, CACHE)
    asked = {**CHAT, "stream": True}
    first, second = ask(proxy, asked), ask(proxy, asked)
    assert (result(first), result(second)) == ("miss", "hit") and len(upstream.requests) == 1
    assert second.get("content-type").startswith("text/event-stream")

    def events(got):
        lines = got.body.decode().split("\n\n")[:-1]
        assert lines[-1] == "data: [DONE]"
        return [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]

    assert [without(one) for one in events(first)] == [without(one) for one in events(second)]
    assert events(second)[0]["x_remora"]["cache_status"] == "hit"
    # A whole answer to the same is another one.
    assert result(ask(proxy)) == "miss"


def test_the_sdk_reads_it(start_remora, upstream, sdk):
    client = sdk(start_remora(upstream, CACHE))
    texts = []
    for _ in range(2):
        chunks = list(client.chat.completions.create(**CHAT, stream=True))
        texts.append("".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices))
    assert texts[0] == texts[1] != "" and len(upstream.requests) == 1


def test_embeddings(start_remora, upstream):
    proxy = start_remora(upstream, CACHE)
    body = {"model": "text-embedding-3-small", "input": "a"}
    got = [result(ask(proxy, body, "/v1/embeddings")) for _ in range(2)]
    assert got == ["miss", "hit"]
    assert result(ask(proxy, {**body, "input": "b"}, "/v1/embeddings")) == "miss"


@pytest.mark.parametrize(
    "change, headers, expected",
    [
        ({"temperature": 0.0}, {}, "miss"),
        ({"temperature": 1}, {}, "bypass"),
        ({"temperature": 0.01}, {}, "bypass"),
        ({"temperature": None}, {}, "bypass"),
        ({"store": True}, {}, "bypass"),
        ({"store": False}, {}, "miss"),
        ({"request_breakdown": True}, {}, "bypass"),
        ({"cache_enabled": False}, {}, "bypass"),
        ({"cache_enabled": True}, {}, "hit"),
        ({"cache_ttl": 0}, {}, "miss"),
        ({"cache_ttl": 600}, {}, "hit"),
        ({"cache_options": {"cache_by_customer": True}, "customer_identifier": "a"}, {}, "miss"),
        # Whose request it is changes nothing of the answer.
        ({"customer_identifier": "a", "thread_identifier": "t", "metadata": {"a": "b"}}, {}, "hit"),
        ({"seed": 7}, {}, "miss"),
        ({"model": "gateway/gpt-4o"}, {}, "miss"),
        ({}, {"cache_control": "no-store"}, "bypass"),
        ({}, {"cache_control": "max-age=60, NO-CACHE"}, "miss"),
        ({}, {"cache_control": "max-age=60"}, "hit"),
        # What the provider's API reads beside the body.
        ({}, {"openai_beta": "assistants=v2"}, "miss"),
        ({}, {"user_agent": "another"}, "hit"),
    ],
)
def test_which_requests_are_alike(start_remora, upstream, change, headers, expected):
    proxy = start_remora(upstream, CACHE)
    assert result(ask(proxy)) == "miss"
    got = ask(proxy, {**CHAT, **change}, **headers)
    assert got.status == 200 and result(got) == expected


def test_no_cache_keeps_the_new_answer(start_remora, upstream):
    proxy = start_remora(upstream, CACHE)
    ask(proxy)
    body = {"id": "new", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "new"}}]}  # fmt: skip
    upstream.reply(json_answer(body))
    assert ask(proxy, cache_control="no-cache").json()["id"] == "new"
    assert ask(proxy).json()["id"] == "new" and len(upstream.requests) == 2


def test_only_good_and_whole_answers(start_remora, upstream):
    proxy = start_remora(upstream, CACHE)
    for _ in range(2):
        assert ask(proxy, {**CHAT, "model": "broken"}).status == 500
    chunk = event({"choices": [{"index": 0, "delta": {"content": "a"}}]})
    for _ in range(2):
        # It breaks off.
        upstream.reply(SSE_HEAD, chunk, CLOSE)
        assert result(ask(proxy, {**CHAT, "stream": True})) == "miss"
    assert len(upstream.requests) == 4


def test_groups_share_only_where_they_may(start_remora, upstream, tmp_path):
    groups = {}
    for name in ("one", "two"):
        (tmp_path / f"{name}.key").write_text(f"rk-canary-{name}")
        groups[name] = {"key": {"file": str(tmp_path / f"{name}.key")}}
    for share, expected in ((False, ["miss", "miss", "miss", "hit"]), (True, ["miss", "hit", "hit", "hit"])):
        proxy = start_remora(upstream, merged(CACHE, {"consumers": {"groups": groups}, "cache": {"share": share}}))
        keys = [{}, {"x_remora_key": "rk-canary-one"}, {"x_remora_key": "rk-canary-two"}, {"x_remora_key": "rk-canary-one"}]
        assert [result(ask(proxy, **key)) for key in keys] == expected


def test_a_hit_is_a_request_without_tokens(start_remora, upstream):
    proxy = start_remora(upstream, merged(CACHE, {"limits": {"requests_per_minute": 3, "tokens_per_minute": 1000}}))
    for left in ("2", "1", "0"):
        assert ask(proxy).get("x-ratelimit-remaining-requests") == left
    proxy.access_log(3)
    assert proxy.total("remora_limit_remaining", limit="tokens_per_minute") == 1000 - 19
    assert ask(proxy).status == 429


def test_old_answers_go(start_remora, upstream):
    proxy = start_remora(upstream, {"cache": {"size": "1MiB", "ttl": "1s"}})
    assert [result(ask(proxy)) for _ in range(2)] == ["miss", "hit"]
    time.sleep(1.1)
    assert result(ask(proxy)) == "miss"


def test_another_configuration_begins_anew(start_remora, upstream):
    proxy = start_remora(upstream, CACHE)
    wait_watching(proxy)
    assert [result(ask(proxy)) for _ in range(2)] == ["miss", "hit"]
    text = yaml.safe_load(proxy.config_file.read_text())
    proxy.config_file.write_text(yaml.safe_dump(merged(text, {"cache": {"ttl": "20m"}})))
    wait_reloads(proxy, applied=1)
    assert result(ask(proxy)) == "miss"


def test_policies_that_put_values_back_pass_it_by(start_remora, upstream):
    policies = {"policies": {"pii": {"kind": "pii_detector", "action": "redact"}}, "policy_chain": ["pii"]}
    proxy = start_remora(upstream, merged(CACHE, policies))
    body = {**CHAT, "messages": [{"role": "user", "content": f"write to {canary('jane.roe@example.org')}"}]}
    assert [result(ask(proxy, body)) for _ in range(2)] == ["bypass", "bypass"]
    assert [result(ask(proxy)) for _ in range(2)] == ["miss", "hit"]


# One flight.


def _together(proxy, count, body=CHAT):
    got = [None] * count

    def one(number):
        got[number] = ask(proxy, body)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    return got, threads


WHOLE = {"id": "x", "object": "chat.completion", "created": 1, "model": "m",
         "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "once"}}]}  # fmt: skip


@pytest.mark.parametrize("workers", [1, 4])
def test_who_asks_the_same_meanwhile_waits(start_remora, upstream, workers):
    proxy = start_remora(upstream, {**CACHE, "workers": workers})
    before = len(upstream.requests)
    gate = Gate()
    upstream.reply(gate, json_answer(WHOLE))
    got, threads = _together(proxy, 6)
    for _ in range(500):
        if proxy.total("remora_requests_in_flight") == 6 and len(upstream.requests) > before:
            break
        time.sleep(0.01)
    time.sleep(0.1)
    gate.open()
    for thread in threads:
        thread.join(10)
    assert [one.status for one in got] == [200] * 6 and all(one.json()["id"] == "x" for one in got)
    assert sorted(result(one) for one in got) == ["hit"] * 5 + ["miss"]
    assert len(upstream.requests) == before + 1


def test_workers_have_one_cache(start_remora, upstream):
    """Each connection is a worker's own: what one has kept all give."""
    proxy = start_remora(upstream, {**CACHE, "workers": 4})
    assert result(ask(proxy)) == "miss"
    assert [result(ask(proxy)) for _ in range(24)] == ["hit"] * 24


def test_where_the_first_one_fails_another_asks(start_remora, upstream):
    proxy = start_remora(upstream, CACHE)
    gate = Gate()
    upstream.reply(gate, json_answer({"error": {"message": "no"}}, 400))
    got, threads = _together(proxy, 3)
    for _ in range(500):
        if proxy.total("remora_requests_in_flight") == 3 and upstream.requests:
            break
        time.sleep(0.01)
    time.sleep(0.1)
    gate.open()
    for thread in threads:
        thread.join(10)
    assert sorted(one.status for one in got) == [200, 200, 400]
    assert len(upstream.requests) == 2


def test_who_leaves_takes_nobody_along(start_remora, upstream):
    proxy = start_remora(upstream, CACHE)
    gate = Gate()
    upstream.reply(gate, json_answer(WHOLE))
    with proxy.connect() as leader:
        leader.send(post_json("/v1/chat/completions", CHAT))
        for _ in range(500):
            if upstream.requests:
                break
            time.sleep(0.01)
        got, threads = _together(proxy, 2)
        with proxy.connect() as follower:
            follower.send(post_json("/v1/chat/completions", CHAT))
            time.sleep(0.2)
    # The first one has left: of the two that wait one asks.
    for thread in threads:
        thread.join(10)
    gate.open()
    assert [one.status for one in got] == [200, 200] and sorted(result(one) for one in got) == ["hit", "miss"]
    assert len(upstream.requests) == 2


def test_the_oldest_go_first(start_remora, upstream):
    proxy = start_remora(upstream, {"cache": {"size": "4KiB"}})
    for number in range(12):
        assert result(ask(proxy, {**CHAT, "seed": number})) == "miss"
    assert result(ask(proxy, {**CHAT, "seed": 11})) == "hit"
    assert result(ask(proxy, {**CHAT, "seed": 0})) == "miss"


@pytest.mark.parametrize(
    "config, is_good",
    [
        ("cache: { size: 40MiB }\nmax_memory: 64MiB", False),
        ("cache: { size: 36MiB }\nmax_memory: 64MiB", True),
        ("responses: { memory: 50MiB }\nmax_memory: 64MiB", False),
        ("cache: { size: 40MiB }\nresponses: { memory: 0 }\nmax_memory: 64MiB", True),
        ("cache: { size: 400MiB }\nmax_memory: 0", True),
        ("cache: { size: 40MiB }", True),
        ("max_memory: 24MiB", True),
    ],
)
def test_what_is_kept_is_a_part_of_the_memory(tmp_path, config, is_good):
    file = tmp_path / "remora.yaml"
    file.write_text(f"providers: {{ mock: {{}} }}\n{config}\n")
    got = run("check", "--config", str(file))
    assert got.returncode == (0 if is_good else 1)
    if not is_good:
        assert "must be 20MiB less together than max_memory (64MiB)" in got.stdout + got.stderr


def test_what_is_wrong_is_said(tmp_path):
    (tmp_path / "remora.yaml").write_text("providers: { mock: {} }\ncache: { size: much, ttl: 0s, shared: true }\n")
    got = run("check", "--config", str(tmp_path / "remora.yaml"))
    said = got.stdout + got.stderr
    assert got.returncode != 0 and "cache.size" in said and "cache.ttl" in said and "did you mean 'share'" in said
