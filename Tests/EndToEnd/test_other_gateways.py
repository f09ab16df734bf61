"""What clients of other gateways send in a chat's body: done, left out, named, or refused."""

from __future__ import annotations

import time

import pytest

from openai_server import failure
from test_plans import MESSAGES, ask, pair, seen
from upstream import STALL

__all__ = ["pair"]

pytestmark = pytest.mark.proxy

SILENT = {
    "cache_enabled": True, "cache_ttl": 60, "cache_options": {"cache_by_customer": True}, "request_breakdown": True,
    "disable_log": True, "is_log_omitted": True, "mock_response": "x", "load_balance_group": {"group_id": "g"},
    "extra_headers": {"a": "b"}, "field_name": "data:", "delimiter": "\n\n", "load_balance_models": [{"model": "x", "weight": 1}],
}
NAMED = {
    "eval_params": {}, "for_eval": True, "positive_feedback": True, "posthog_integration": {}, "mem0_params": {},
    "linkup_params": {}, "moda_params": {}, "is_test": True, "environment": "prod", "note": "n", "category": "c",
}


def test_a_strict_provider_is_told_nothing_of_them(start_remora, upstream):
    proxy = start_remora(upstream)
    got = ask(proxy, "gpt-4o", **SILENT, **NAMED, temperature=0.5)
    assert got.status == 200
    assert upstream.last.json() == {"model": "gpt-4o", "messages": MESSAGES, "temperature": 0.5}
    assert set(got.get("x-remora-dropped").split(",")) == set(NAMED)


def test_another_gateway_is_told_what_is_not_done_here(pair):
    proxy, first, _ = pair()
    ask(proxy, "lone", **SILENT, **NAMED, disable_fallback=True, timeout=30)
    told = {name: value for name, value in {**SILENT, **NAMED}.items() if name != "request_breakdown"}
    assert first.last.json() == {"model": "a", "messages": MESSAGES, **told}


@pytest.mark.parametrize(
    "held",
    [
        {"credential_override": {"openai": {"api_key": "sk-canary-credential"}}},
        {"customer_credentials": {"openai": {"api_key": "sk-canary-credential"}}},
        {"load_balance_models": [{"model": "x", "credentials": {"api_key": "sk-canary-credential"}}]},
    ],
)
def test_credentials_in_a_body_are_refused_and_not_repeated(pair, held):
    proxy, first, _ = pair()
    got = ask(proxy, "lone", **held)
    assert got.status == 400 and got.json()["error"]["param"] in held and seen(first) == 0
    proxy.stop()
    assert "sk-canary" not in got.body.decode() + proxy.stdout + proxy.stderr


@pytest.mark.parametrize("held", [{"prompt_id": "p"}, {"variables": {"a": 1}}])
def test_a_prompt_that_is_kept_elsewhere_is_refused(start_remora, upstream, held):
    got = ask(start_remora(upstream), "gpt-4o", **held)
    assert got.status == 400 and got.json()["error"]["param"] in held and upstream.requests == []


def test_no_fallback_where_it_is_not_wanted(pair):
    proxy, first, second = pair({"attempts": 2, "backoff": "10ms"})
    for _ in range(2):
        first.reply(failure(500, "no"))
    assert ask(proxy, disable_fallback=True).status == 500
    assert (seen(first), seen(second)) == (2, 0)


@pytest.mark.parametrize("held", [{"exclude_providers": ["one"]}, {"exclude_models": ["a"]}, {"exclude_providers": "one"}])
def test_what_is_excluded_is_not_asked(pair, held):
    proxy, first, second = pair()
    assert ask(proxy, **held).get("x-remora-provider") == "two"
    assert seen(first) == 0 and not set(held) & set(second.last.json())
    got = ask(proxy, "lone", **held)
    assert got.status == 400 and got.json()["error"]["param"] == "exclude_providers"


def test_models_are_as_fallbacks(pair):
    proxy, first, second = pair()
    first.reply(failure(500, "no"))
    assert ask(proxy, "lone", models=["lone", "two/b"]).get("x-remora-provider") == "two"
    assert "models" not in second.last.json()


@pytest.mark.parametrize(("params", "tries"), [({"num_retries": 0}, 1), ({"num_retries": 1}, 2), ({"retry_enabled": False}, 1), ({"num_retries": 99}, 3), ({"num_retries": "x"}, 3), ({"num_retries": -9223372036854775808}, 1)])
def test_tries_can_only_become_fewer(pair, params, tries):
    proxy, first, _ = pair({"attempts": 3, "backoff": "10ms", "max_backoff": "10ms"})
    for _ in range(4):
        first.reply(failure(500, "no"))
    assert ask(proxy, "lone", retry_params=params).status == 500
    assert seen(first) == tries


def test_a_timeout_in_seconds_ends_it(pair):
    proxy, first, _ = pair()
    first.reply(STALL)
    began = time.monotonic()
    assert ask(proxy, "lone", timeout=1.2).status == 504
    assert time.monotonic() - began < 1.3


@pytest.mark.parametrize("value", ["x", -1, 0, None, 1e300, [], {}])
def test_absurd_timeouts_are_none(pair, value):
    proxy, _, _ = pair()
    assert ask(proxy, "lone", timeout=value).status == 200


def test_whose_request_it_is(pair):
    proxy, first, _ = pair()
    held = {
        "session_identifier": "s", "trace_group_identifier": "g", "custom_identifier": "c",
        "customer_params": {"customer_identifier": "k", "name": "canary name", "email": "canary@example"},
    }
    assert ask(proxy, "lone", **held).status == 200
    line = proxy.access_log()[-1]
    assert (line["customer"], line["thread"], line["group_identifier"]) == ("k", "s", "g")
    assert line["metadata"] == {"custom_identifier": "c"} and "canary" not in str(line)
    assert first.last.json() == {"model": "a", "messages": MESSAGES}
    ask(proxy, "lone", **held, thread_identifier="t")
    assert proxy.access_log(2)[-1]["thread"] == "t"
