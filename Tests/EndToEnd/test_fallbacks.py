"""Other targets at the client's own word, and what metrics, log and limits say of tries that failed."""

from __future__ import annotations

import openai
import pytest

from openai_server import failure
from test_plans import ERROR, MESSAGES, ROLE, ask, events, pair, seen
from upstream import STALL
from wire import post_json

__all__ = ["pair"]

pytestmark = pytest.mark.proxy

USAGE = b'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":0,"total_tokens":1000}}\n\n'


def test_the_clients_fallback_models_follow_the_targets(pair, sdk):
    proxy, first, second = pair()
    first.reply(failure(500, "no"))
    answer = sdk(proxy).chat.completions.with_raw_response.create(
        model="one/x", messages=MESSAGES, extra_body={"fallback_models": ["one/x", "two/y"]}
    )
    assert answer.headers["x-remora-provider"] == "two"
    assert second.last.json()["model"] == "y" and "fallback_models" not in second.last.json()
    assert (seen(first), seen(second)) == (1, 1)


def test_a_header_names_fallbacks_too(pair):
    proxy, first, second = pair()
    first.reply(failure(500, "no"))
    body = {"model": "lone", "messages": MESSAGES}
    got = proxy.ask(post_json("/v1/chat/completions", body, {"x-remora-fallback-models": " m , two/y"}))
    assert (got.status, got.get("x-remora-provider"), got.get("x-remora-model")) == (200, "two", "b")


def test_a_pin_has_no_other_target_than_the_clients_own(pair):
    proxy, first, second = pair()
    for _ in range(3):
        first.reply(failure(500, "no"))
    assert ask(proxy, "one/a").status == 500
    assert seen(second) == 0


@pytest.mark.parametrize(
    ("value", "status", "words"),
    [
        ("two/b", 400, "must be a list"),
        ([7], 400, "fallback_models[0]"),
        ([""], 400, "1 to 256 bytes"),
        (["x" * 257], 400, "1 to 256 bytes"),
        (["two/b"] * 6, 400, "more than 5 names"),
        (["nowhere"], 400, "'nowhere' in fallback_models"),
        (None, 200, ""),
        ([], 200, ""),
        (["m", "m", "lone"], 200, ""),
    ],
)
def test_fallbacks_that_are_none(pair, value, status, words):
    proxy, _, _ = pair()
    got = ask(proxy, fallback_models=value)
    assert got.status == status
    if status != 200:
        assert got.json()["error"]["param"] == "fallback_models" and words in got.json()["error"]["message"]


def test_a_client_that_wants_no_fallback_has_none(pair):
    proxy, first, second = pair({"attempts": 1})
    first.reply(failure(500, "no"))
    body = {"model": "m", "messages": MESSAGES, "fallback_models": ["two/b"]}
    got = proxy.ask(post_json("/v1/chat/completions", body, {"x-remora-disable-fallback": "true"}))
    assert (got.status, seen(second)) == (500, 0)


def test_a_groups_models_hold_for_fallbacks(start_remora, start_upstream, authority, tmp_path):
    first, second = start_upstream(), start_upstream()
    (tmp_path / "key").write_text("the-groups-own-key\n")

    def provider(server):
        return {
            "kind": "openai_compatible", "base_url": server.base_url, "api_key": "none",
            "tls": {"ca_file": str(authority.ca_file)},
        }

    proxy = start_remora(whole={
        "providers": {"one": provider(first), "two": provider(second)},
        "consumers": {"groups": {"team": {"key": {"file": str(tmp_path / "key")}, "models": ["one/*"]}}},
    })

    def said(model, *fallbacks):
        body = {"model": model, "messages": MESSAGES, "fallback_models": list(fallbacks)}
        return proxy.ask(post_json("/v1/chat/completions", body, {"x-remora-key": "the-groups-own-key"}))

    for _ in range(3):
        first.reply(failure(500, "no"))
    assert said("one/a", "two/b").status == 500, "what the group may not use is passed over"
    assert seen(second) == 0
    assert said("two/b", "one/a").get("x-remora-provider") == "one"
    assert said("two/b", "two/c").json()["error"]["code"] == "model_not_allowed"


@pytest.mark.parametrize(
    "held",
    [
        {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}]},
        {"messages": [*MESSAGES, {"role": "assistant", "content": "x", "extra_content": {"google": {"thought_signature": "s"}}}]},
    ],
)
def test_what_one_provider_made_goes_to_no_other(pair, held):
    proxy, first, second = pair()
    for _ in range(3):
        first.reply(failure(500, "no"))
    assert ask(proxy, **held).status == 500
    assert seen(second) == 0
    text = {"messages": [{"role": "user", "content": 'what is "file_id"?'}]}
    first.reply(failure(500, "no"))
    assert ask(proxy, **text).get("x-remora-provider") == "two", "words about it are none of it"


def test_metrics_say_where_requests_went_and_how_targets_are(pair):
    proxy, first, second = pair()
    first.reply(failure(500, "no"))
    assert ask(proxy).status == 200
    first.reply(failure(500, "no"))
    assert ask(proxy, "lone").status == 200
    assert proxy.total("remora_fallbacks_total", **{"from": "one/a", "to": "two/b"}) == 1
    assert proxy.total("remora_retries_total", provider="one", **{"class": "overload"}) == 1
    assert proxy.total("remora_target_state", provider="one", model="a") == 0
    for _ in range(5):
        first.reply(failure(500, "no"))
    for _ in range(5):
        assert ask(proxy).status == 200
    assert proxy.total("remora_target_state", provider="one", model="a") in (1, 2)
    assert proxy.total("remora_target_transitions_total", provider="one", model="a", to="open") == 1
    line = proxy.access_log()[0]
    assert line["attempts"] == 2 and line["provider"] == "two"


def test_a_cooling_target_is_seen(pair):
    proxy, first, _ = pair()
    first.reply(b"HTTP/1.1 429 No\r\nRetry-After: 30\r\nContent-Length: 2\r\n\r\n{}")
    assert ask(proxy).status == 200
    assert proxy.total("remora_target_state", provider="one", model="a") == 3


def test_the_faster_target_is_asked(pair):
    proxy, first, second = pair(pick="fastest")
    body = b'{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}'
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    for server in (first, second):
        server.reply(head + body)
    for _ in range(60):
        assert ask(proxy).status == 200
    first.reply(failure(500, "no"))
    before = (seen(first), seen(second))
    for _ in range(40):
        assert ask(proxy).status == 200
    assert seen(second) - before[1] >= 35, "a target that failed counts as slow"


def test_a_conversation_stays_where_it_was_though_speed_decides(pair):
    proxy, first, second = pair(pick="fastest")
    for _ in range(40):
        assert ask(proxy, prompt_cache_key="one").status == 200
    counts = sorted((seen(first), seen(second)))
    assert counts == [0, 40], "its provider has the prompt in a cache"
    # It moves where that target can't, and stays there then.
    home, other = (first, second) if seen(first) else (second, first)
    home.reply(b"HTTP/1.1 429 No\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}")
    for _ in range(10):
        assert ask(proxy, prompt_cache_key="one").status == 200
    assert (seen(home), seen(other)) == (41, 10)


def test_tokens_of_a_try_that_failed_are_booked_on_its_target(pair):
    proxy, first, second = pair()
    first.reply(events(ROLE, USAGE, ERROR))
    got = ask(proxy, stream=True)
    assert got.status == 200 and got.get("x-remora-provider") == "two"
    assert proxy.total("remora_tokens_total", provider="one", kind="input") == 1000
    assert proxy.total("remora_tokens_total", provider="two", kind="input") > 0


def test_waiting_for_a_silent_target_is_upstreams_time(pair):
    proxy, first, _ = pair()
    first.reply(STALL)
    assert ask(proxy).status == 200
    line = proxy.access_log()[-1]
    assert line["upstream_ms"] >= 2900 and line["estimated"] is True
    assert proxy.total("remora_tokens_total", provider="one", kind="input") > 0


def test_a_fallback_must_fit_the_budget(start_remora, start_upstream, authority):
    first, second = start_upstream(), start_upstream()

    def provider(server):
        return {
            "kind": "openai_compatible", "base_url": server.base_url, "api_key": "none",
            "tls": {"ca_file": str(authority.ca_file)},
        }

    proxy = start_remora(whole={
        "providers": {"cheap": provider(first), "dear": provider(second)},
        "models": {"m": ["cheap/a", "dear/b"]},
        "prices": {"cheap/a": {"input": 0.01, "output": 0.01}, "dear/b": {"input": 1000, "output": 1000}},
        "limits": {"budget_usd": {"amount": 0.1, "per": "30d"}},
        "retry": {"attempts": 2},
    })
    assert ask(proxy, max_tokens=1000).status == 200, "it is begun, and not all of it is left"
    first.reply(failure(500, "no"))
    got = ask(proxy, max_tokens=1000)
    assert (got.status, seen(second)) == (500, 0)


def test_sdk_gets_the_last_error_with_its_own_class(pair, sdk):
    proxy, first, second = pair()
    first.reply(failure(401, "bad key"))
    for _ in range(3):
        second.reply(failure(429, "slow down"))
    with pytest.raises(openai.RateLimitError):
        sdk(proxy, max_retries=0).chat.completions.create(model="m", messages=MESSAGES)
