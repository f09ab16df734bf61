"""`remora explain` beside a running proxy: how targets are doing, and what is left of limits."""

from __future__ import annotations

import json

import pytest

from openai_server import failure
from remora import PROMPT, SECRET, run
from wire import post_json

pytestmark = pytest.mark.proxy

KEY = "rk-explain-live-0001"


@pytest.fixture
def running(start_remora, start_upstream, authority, tmp_path):
    first, second = start_upstream(), start_upstream()
    (tmp_path / "key").write_text(SECRET + "\n")

    def provider(server):
        return {
            "kind": "openai_compatible",
            "base_url": server.base_url,
            "api_key": {"file": str(tmp_path / "key")},
            "tls": {"ca_file": str(authority.ca_file)},
        }

    (tmp_path / "group").write_text(KEY)
    limits = {"requests_per_minute": 60, "tokens_per_minute": 100_000, "budget_usd": {"amount": 50, "per": "30d"}}
    config = {
        "providers": {"one": provider(first), "two": provider(second)},
        "models": {"m": ["one/a", "two/b"]},
        "prices": {"one/a": {"input": 1, "output": 2}, "two/b": {"input": 1, "output": 2}},
        "limits": {"concurrent_requests": 4},
        "consumers": {"groups": {"finance": {"key": {"file": str(tmp_path / "group")}, "limits": limits}}},
    }
    proxy = start_remora(whole=config)
    file = tmp_path / "shown.json"
    file.write_text(json.dumps(config))

    def explain(model="m", *more):
        done = run("explain", model, "--config", str(file), "--admin", f"127.0.0.1:{proxy.admin_port}", *more)
        assert done.returncode == 0, done.stderr
        assert SECRET not in done.stdout and KEY not in done.stdout
        return done.stdout

    return proxy, first, second, explain


def ask(proxy, model="m"):
    body = {"model": model, "messages": [{"role": "user", "content": PROMPT}], "max_tokens": 100}
    return proxy.ask(post_json("/v1/chat/completions", body, {"x-remora-key": KEY}))


def test_what_is_well_is_in_use(running):
    proxy, _, _, explain = running
    shown = explain()
    assert shown.count("    state     in use\n") == 2
    assert "  left      of this pod: 4 requests at once left\n" in shown
    assert "  left      of group finance: 60 requests, 100000 tokens, $50 left\n" in shown
    assert f"  running   asked at 127.0.0.1:{proxy.admin_port}\n" in shown
    assert ask(proxy).status == 200
    assert "59 requests" in explain()


def test_a_target_that_cools_is_left_alone_and_for_how_long(running):
    proxy, first, _, explain = running
    first.reply(b"HTTP/1.1 429 No\r\nRetry-After: 30\r\nContent-Length: 2\r\n\r\n{}")
    assert ask(proxy).status == 200
    cooling, well = [line for line in explain().splitlines() if "state  " in line]
    assert "left alone for " in cooling and ": rate, the last one: rate" in cooling
    assert well.endswith("in use")


def test_a_target_that_fails_is_left_alone_and_why(running):
    proxy, first, _, explain = running
    for _ in range(5):
        first.reply(failure(500, "no"))
        assert ask(proxy).status == 200
    assert "after failures, 5 failed in the last 30s, the last one: overload" in explain()


def test_a_name_that_only_the_client_has_chosen_is_known_too(running):
    proxy, first, _, explain = running
    first.reply(b"HTTP/1.1 429 No\r\nRetry-After: 30\r\nContent-Length: 2\r\n\r\n{}")
    assert ask(proxy, "one/a").status == 429
    assert "left alone for " in explain("one/a")


def test_without_a_proxy_it_says_so_and_shows_the_rest(running):
    proxy, _, _, explain = running
    proxy.stop()
    shown = explain()
    assert "running   nothing is known" in shown and "state  " not in shown and "target 2" in shown


@pytest.mark.parametrize(("admin", "place"), [("0.0.0.0", "127.0.0.1"), ("[::]", "[::1]")])
def test_who_listens_everywhere_is_asked_and_named_at_loopback(running, tmp_path, admin, place):
    proxy, *_ = running
    config = json.loads((tmp_path / "shown.json").read_text())
    (tmp_path / "shown.json").write_text(json.dumps({**config, "admin": f"{admin}:{proxy.admin_port}"}))
    done = run("explain", "m", "--config", str(tmp_path / "shown.json"))
    if admin == "0.0.0.0":
        assert f"running   asked at {place}:{proxy.admin_port}" in done.stdout
    proxy.stop()
    done = run("explain", "m", "--config", str(tmp_path / "shown.json"))
    assert f"none was found at {place}:{proxy.admin_port}" in done.stdout
    probed = run("probe", "--admin", f"{admin}:{proxy.admin_port}")
    assert probed.returncode == 1 and f"{place}:{proxy.admin_port}/healthz" in probed.stderr


def test_the_state_is_for_this_pod_alone_and_holds_no_key(running):
    proxy, _, _, _ = running
    answer = proxy.admin("/state")
    assert answer.status == 200 and answer.get("content-type") == "application/json"
    told = answer.json()
    assert [(each["provider"], each["model"], each["state"]) for each in told["targets"]] == [
        ("one", "a", "closed"),
        ("two", "b", "closed"),
    ]
    assert told["limits"][1]["group"] == "finance" and KEY not in answer.body.decode()
    assert proxy.admin("/state", method="POST").status == 405
    for field in ({"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.test"}):
        assert proxy.admin("/state", field).status == 403
