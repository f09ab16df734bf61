"""Limits that a Redis counts for all pods together: what several proxies let through in all, and what becomes of it while
the Redis is away, slow, or says no."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis_server import CHAT, KEY, ask, needs_redis, shared, start_redis, up, wait_until, write
from remora import SLOWER, free_port, merged
from reloading import diagnostics, wait_reloads, wait_watching
from upstream import Gate
from wire import LAST_CHUNK, SSE_HEAD, event, post_json

__all__ = ["start_redis"]
pytestmark = [pytest.mark.proxy, needs_redis]

PRICES = {"prices": {"gateway/gpt-4o": {"input": 2.5, "output": 10, "cached_input": 1.25}}}


# Counted together.


def test_two_pods_have_one_limit(start_remora, upstream, tmp_path, start_redis):
    redis = start_redis()
    config = shared(tmp_path, redis)
    one, two = start_remora(upstream, config), start_remora(upstream, config)
    for left, proxy in zip((4, 3, 2, 1, 0), (one, two, one, two, one)):
        got = ask(proxy)
        assert got.status == 200
        assert got.get("x-ratelimit-limit-requests") == "5" and got.get("x-ratelimit-remaining-requests") == str(left)
        assert got.get("x-ratelimit-scope") == "group" and 60 <= int(got.get("x-ratelimit-reset")) <= 65
    before = len(upstream.requests)
    for proxy in (one, two):
        got = ask(proxy)
        assert got.status == 429 and got.error["code"] == "rate_limit_exceeded"
        assert "finance" in got.error["message"] and 55 <= int(got.get("retry-after")) <= 65
        assert got.get("x-ratelimit-remaining-requests") == "0"
        assert proxy.total("remora_limited_total", scope="group", limit="requests_per_minute") == 1
        # What is left is what is left for all.
        assert proxy.total("remora_limit_remaining", scope="group", limit="requests_per_minute") == 0
        assert up(proxy)
    assert len(upstream.requests) == before
    assert redis.client().window("finance") == 5
    # What Remora refuses itself was asked about nowhere, and says what was said last.
    assert ask(one, b"{").get("x-ratelimit-remaining-requests") == "0"
    # Callers without the key share nothing.
    assert proxy.ask(post_json("/v1/chat/completions", CHAT)).status == 200


@pytest.mark.slow
def test_four_pods_never_pass_more(start_remora, upstream, tmp_path, start_redis):
    redis = start_redis()
    config = shared(tmp_path, redis, {"requests_per_minute": 150})
    proxies = [start_remora(upstream, config) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        statuses = [got.status for got in pool.map(lambda number: ask(proxies[number % 4]), range(320))]
    assert statuses.count(200) == 150 and statuses.count(429) == 170
    assert redis.client().window("finance") == 150


@pytest.mark.parametrize("workers", [2, 4])
def test_the_workers_of_a_process_share_the_book(start_remora, upstream, tmp_path, start_redis, workers):
    redis = start_redis()
    config = {**shared(tmp_path, redis, {"requests_per_minute": 60, "tokens_per_minute": 100_000}), "workers": workers}
    proxy = start_remora(upstream, config)
    with ThreadPoolExecutor(16) as pool:
        statuses = [got.status for got in pool.map(lambda _: ask(proxy), range(150))]
    assert statuses.count(200) == 60 and statuses.count(429) == 90
    proxy.access_log(150, seconds=20)
    # What was promised is told to the Redis as what was taken, by whichever worker has its next word.
    assert redis.client().window("finance") == 60
    wait_until(lambda: redis.client().window("finance", "t") == 60 * 19)


@pytest.mark.slow
def test_several_workers_while_the_redis_is_away(start_remora, upstream, tmp_path, start_redis):
    redis = start_redis()
    config = {**shared(tmp_path, redis, {"requests_per_minute": 40}), "workers": 4}
    proxy = start_remora(upstream, config)
    assert ask(proxy).status == 200
    redis.kill()
    with ThreadPoolExecutor(16) as pool:
        statuses = [got.status for got in pool.map(lambda _: ask(proxy), range(120))]
    # The pod keeps to its part, which is all of it where it was alone, and what it has let through already counts.
    assert set(statuses) == {200, 429} and 39 <= statuses.count(200) <= 40


def test_one_question_a_request(start_remora, upstream, tmp_path, start_redis):
    redis = start_redis()
    proxy = start_remora(upstream, shared(tmp_path, redis, {"tokens_per_minute": 100_000}))
    wait_until(lambda: up(proxy))
    client = redis.client()
    before = client.ask("INFO", "commandstats")
    for _ in range(20):
        assert ask(proxy).status == 200
    calls = _calls(client.ask("INFO", "commandstats")) - _calls(before)
    # One each; and what the last one took goes alone.
    assert 20 <= calls <= 22, calls
    wait_until(lambda: client.window("finance", "t") == 20 * 19)


def _calls(stats: str) -> int:
    return sum(
        int(line.split("calls=")[1].split(",")[0])
        for line in stats.splitlines()
        if line.startswith(("cmdstat_evalsha:", "cmdstat_eval:"))
    )


def test_tokens_are_promised_and_settled(start_remora, upstream, tmp_path, start_redis):
    redis = start_redis()
    config = shared(tmp_path, redis, {"tokens_per_minute": 100})
    one, two = start_remora(upstream, config), start_remora(upstream, config)
    gate = Gate()
    upstream.reply(SSE_HEAD, event({"choices": [{"index": 0, "delta": {"content": "a"}}]}), gate, event("[DONE]"), LAST_CHUNK)
    with one.connect() as peer:
        peer.send(post_json("/v1/chat/completions", {**CHAT, "stream": True, "max_tokens": 70}, KEY))
        assert peer.head().status == 200
        # Promised to the other pod's stream.
        got = ask(two, {**CHAT, "max_tokens": 60})
        assert got.status == 429 and "tokens_per_minute" in got.error["message"]
        gate.open()
    # It took less, which is known everywhere a second later.
    wait_until(lambda: ask(two, {**CHAT, "max_tokens": 60}).status == 200)
    client = redis.client()
    wait_until(lambda: client.window("finance", "t") < 60)


def test_budgets_are_counted_together(start_remora, upstream, tmp_path, start_redis):
    redis = start_redis()
    limits = {"budget_usd": {"amount": 0.0003, "per": "30d"}}
    config = merged(shared(tmp_path, redis, limits), PRICES)
    one, two = start_remora(upstream, config), start_remora(upstream, config)
    passed = 0
    for number in range(8):
        got = ask((one, two)[number % 2])
        if got.status == 429:
            assert got.error["code"] == "insufficient_quota" and got.get("x-should-retry") == "false"
            assert int(got.get("retry-after")) > 60
            break
        passed += 1
    # 0.00010375 each; the third is refused while the promise for it is more than what is left.
    assert passed == 2 and got.status == 429
    client = redis.client()
    # 103.75 millionths each, and nothing lost to rounding.
    wait_until(lambda: sum(int(count) for count in client.ask("HGETALL", "rl:{finance}:b")[1::2]) in (207, 208))
    assert one.total("remora_budget_remaining_usd", scope="group") <= 0.0003


def test_what_was_refused_and_what_failed(start_remora, upstream, tmp_path, start_redis):
    redis = start_redis()
    proxy = start_remora(upstream, shared(tmp_path, redis, {"requests_per_minute": 50, "tokens_per_minute": 10_000}))
    client = redis.client()
    assert ask(proxy, {**CHAT, "model": "broken"}).status == 500
    # The request counts, its tokens don't.
    wait_until(lambda: (client.window("finance"), client.window("finance", "t")) == (1, 0))
    # The pod's own limits come first and take nothing there.
    strict = start_remora(upstream, merged(shared(tmp_path, redis), {"limits": {"requests_per_minute": 1}}))
    assert ask(strict).status == 200
    got = ask(strict)
    assert got.status == 429 and got.get("x-ratelimit-scope") == "pod"
    wait_until(lambda: client.window("finance") == 2)


def test_groups_prefixes_and_databases(start_remora, upstream, tmp_path, start_redis):
    redis = start_redis()
    plain = shared(tmp_path, redis, {"requests_per_minute": 1})
    elsewhere = shared(tmp_path, f"redis://127.0.0.1:{redis.port}/3", {"requests_per_minute": 1})
    staging = shared(tmp_path, redis, {"requests_per_minute": 1}, prefix="staging:rl")
    for config in (plain, elsewhere, staging):
        proxy = start_remora(upstream, config)
        assert ask(proxy).status == 200 and ask(proxy).status == 429
    client = redis.client()
    assert sorted(key for key in client.ask("KEYS", "*:r")) == ["rl:{finance}:r", "staging:rl:{finance}:r"]
    assert redis.client(("SELECT", "3")).ask("KEYS", "*:r") == ["rl:{finance}:r"]
    assert 0 < client.ask("TTL", "rl:{finance}:r") <= 130


# Away.


def test_killed_and_back(start_remora, upstream, tmp_path, start_redis):
    redis = start_redis()
    config = shared(tmp_path, redis, {"requests_per_minute": 10})
    one, two = start_remora(upstream, config), start_remora(upstream, config)
    assert ask(one).status == 200 and ask(two).status == 200 and ask(one).status == 200
    redis.kill()
    # Half of the limit for each of two, of which one has taken two already.
    statuses = [ask(one).status for _ in range(8)]
    assert statuses == [200] * 3 + [429] * 5
    got = ask(one)
    assert got.get("x-ratelimit-limit-requests") == "5" and got.get("x-ratelimit-remaining-requests") == "0"
    assert not up(one) and "[!]limits_shared" in one.admin("/readyz?verbose").body.decode()
    assert [ask(two).status for _ in range(5)] == [200] * 4 + [429]
    redis.start()
    # What was let through meanwhile is told, and the limit is one again.
    client = redis.client()
    wait_until(lambda: up(one) and up(two), 45)
    wait_until(lambda: client.window("finance") == 7, 45)
    assert [ask(one).status for _ in range(4)] == [200] * 3 + [429]


def test_not_there_at_the_start(start_remora, upstream, tmp_path, start_redis):
    port = free_port()
    proxy = start_remora(upstream, shared(tmp_path, f"redis://127.0.0.1:{port}"))
    wait_until(lambda: diagnostics(proxy, "warn"))
    assert "could not be reached" in diagnostics(proxy, "warn")[0]["reason"]
    # Nothing is known of other pods: all of it.
    assert [ask(proxy).status for _ in range(6)] == [200] * 5 + [429]


def test_a_stall_costs_fifty_milliseconds(start_remora, upstream, tmp_path, start_redis):
    redis = start_redis()
    proxy = start_remora(upstream, shared(tmp_path, redis, {"requests_per_minute": 1000}))
    assert ask(proxy).status == 200
    usual = min(_time(proxy) for _ in range(5))
    redis.stall()
    spent = [_time(proxy) for _ in range(30)]
    # Five ask in vain; then it is left alone.
    assert max(spent) < usual + 0.05 + 0.1 * SLOWER, spent
    assert sorted(spent)[len(spent) // 2] < usual + 0.03 * SLOWER, spent
    assert not up(proxy)
    redis.go_on()
    wait_until(lambda: ask(proxy).status == 200 and up(proxy), 45)
    # Nothing was asked twice, and what it heard late counts once.
    client = redis.client()
    asked = len(upstream.requests)
    wait_until(lambda: client.window("finance") == asked, 10)


def _time(proxy) -> float:
    began = time.monotonic()
    assert ask(proxy).status == 200
    return time.monotonic() - began


def test_a_lost_script_is_sent_again(start_remora, upstream, tmp_path, start_redis):
    redis = start_redis()
    proxy = start_remora(upstream, shared(tmp_path, redis))
    assert ask(proxy).status == 200
    redis.client().ask("SCRIPT", "FLUSH")
    assert ask(proxy).get("x-ratelimit-remaining-requests") == "3"
    assert up(proxy) and not diagnostics(proxy, "warn")


def test_an_idle_connection_that_was_closed(start_remora, upstream, tmp_path, start_redis):
    redis = start_redis()
    proxy = start_remora(upstream, shared(tmp_path, redis))
    assert ask(proxy).status == 200
    redis.client().ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert ask(proxy).get("x-ratelimit-remaining-requests") == "3"
    assert not diagnostics(proxy, "warn")


# The process's life.


def test_another_address_takes_effect(start_remora, upstream, tmp_path, start_redis):
    first, second = start_redis(), start_redis()
    proxy = start_remora(upstream, shared(tmp_path, first, {"tokens_per_minute": 1000}))
    wait_watching(proxy)
    gate = Gate()
    upstream.reply(SSE_HEAD, event({"choices": [{"index": 0, "delta": {"content": "a"}}]}), gate, event("[DONE]"), LAST_CHUNK)
    with proxy.connect() as peer:
        peer.send(post_json("/v1/chat/completions", {**CHAT, "stream": True, "max_tokens": 500}, KEY))
        assert peer.head().status == 200
        promised = first.client().window("finance", "t")
        assert promised > 500
        write(proxy, shared(tmp_path, second, {"tokens_per_minute": 1000}))
        wait_reloads(proxy, applied=1)
        assert ask(proxy).status == 200
        assert second.client().window("finance", "t") > 0
        gate.open()
    # What was promised in the one is settled in the one.
    wait_until(lambda: first.client().window("finance", "t") < 100)
    write(proxy, {"limits": {"shared": None}})
    wait_reloads(proxy, applied=2)
    assert proxy.total("remora_limits_shared_up") == 0


def test_the_end_of_the_process_tells_what_it_knows(start_remora, upstream, tmp_path, start_redis):
    redis = start_redis()
    proxy = start_remora(upstream, shared(tmp_path, redis, {"tokens_per_minute": 1000}))
    assert ask(proxy).status == 200
    proxy.stop()
    assert redis.client().window("finance", "t") == 19
