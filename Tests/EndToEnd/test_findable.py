"""A failure can be found: in the metrics, the access log, the diagnostics, and what the commands show."""

from __future__ import annotations

import json
import signal
import time

import pytest

from reloading import ROTATED, diagnostics, mounted, place, wait_reloads, wait_watching  # noqa: F401
from remora import PROMPT, SECRET, run
from upstream import CLOSE, Pause
from wire import event, json_answer, post_json, request

pytestmark = pytest.mark.proxy

CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": PROMPT}]}
DELTA = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
         "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": None}]}


def chat(proxy, path="/v1/chat/completions", **changes):
    return proxy.ask(post_json(path, {**CHAT, **changes}))


def test_a_cut_stream_names_its_provider(start_remora, start_upstream):
    server = start_upstream()
    proxy = start_remora(server)
    server.reply(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + event(DELTA)[:-4], CLOSE)
    client = proxy.connect()
    client.send(post_json("/v1/chat/completions", {**CHAT, "stream": True}))
    client.rest()
    line = proxy.access_log()[0]
    assert line["end"] == "upstream_eof" and "ended before the answer did" in line["error_message"]
    assert proxy.total("remora_upstream_attempts_total", provider="gateway", outcome="connection_lost") == 1
    assert proxy.total("remora_upstream_attempts_total", provider="gateway", outcome="success") == 0
    assert proxy.total("remora_streams_ended_total", provider="gateway", reason="upstream_eof") == 1


def test_counters_are_there_before_their_first_event(start_remora, upstream):
    samples = start_remora(upstream).samples()
    for outcome in ["success", "connect_failed", "connection_lost", "server_error"]:
        assert samples["remora_upstream_attempts_total", frozenset({("provider", "gateway"), ("outcome", outcome)})] == 0


def test_the_access_log_says_where_and_why(start_remora, start_upstream):
    server = start_upstream()
    proxy = start_remora(server)
    chat(proxy, "/v1/chat/completions?key=" + SECRET)
    proxy.ask(request("POST", "/v1/completions?key=" + SECRET, body=b"{", headers={"Content-Type": "application/json"}))
    # What a provider says may repeat the prompt, which `stop` looks for in everything that was printed.
    server.reply(json_answer({"error": {"message": f"I don't like '{PROMPT}'", "code": "x"}}, 400))
    chat(proxy)
    good, refused, theirs = proxy.access_log(3)
    assert good["path"] == "/v1/chat/completions" and "error_message" not in good
    assert refused["path"] == "/v1/completions" and "not valid JSON" in refused["error_message"]
    assert theirs["error_message"] == "Provider 'gateway' answered 400 (x)."


@pytest.mark.parametrize("error, name", [
    ({"type": "invalid_request_error", "code": "context_length_exceeded"}, " (context_length_exceeded)"),
    ({"type": "invalid_request_error", "code": None}, " (invalid_request_error)"),
    ({"type": "server_error", "code": PROMPT}, " (server_error)"),
    ({"type": PROMPT, "code": "x" * 65}, ""),
    ({"type": 7, "code": {"a": PROMPT}}, ""),
])
def test_the_log_has_a_providers_name_for_its_error_and_no_word_of_it(start_remora, start_upstream, error, name):
    server = start_upstream()
    proxy = start_remora(server)
    server.reply(json_answer({"error": {"message": PROMPT, **error}}, 400))
    chat(proxy)
    (line,) = proxy.access_log(1)
    # An error without a type gets one that its status says.
    assert line["error_message"] in (
        f"Provider 'gateway' answered 400{name}.", f"Provider 'gateway' answered 400{name or ' (invalid_request_error)'}.")


def test_an_outage_is_one_warning_with_the_sentence(start_remora, start_upstream):
    server = start_upstream()
    proxy = start_remora(server)
    for _ in range(5):
        server.reply(json_answer({"error": {"message": "out of order", "code": None}}, 503))
        assert chat(proxy).status == 503
    warnings = [line for line in diagnostics(proxy, "warn") if line["msg"] == "a provider fails"]
    assert len(warnings) == 1
    assert warnings[0]["provider"] == "gateway" and warnings[0]["outcome"] == "server_error"
    assert warnings[0]["problem"] == "Provider 'gateway' answered 503." and warnings[0]["times"] == 1


def test_a_request_that_is_wrong_is_no_warning(start_remora, start_upstream):
    server = start_upstream()
    proxy = start_remora(server)
    server.reply(json_answer({"error": {"message": "no", "code": None}}, 400))
    assert chat(proxy).status == 400
    assert not [line for line in diagnostics(proxy, "warn") if line["msg"] == "a provider fails"]


@pytest.mark.parametrize("level", ["info", "debug", "trace"])
def test_talkative_levels_say_steps_and_their_times(start_remora, start_upstream, level):
    server = start_upstream()
    proxy = start_remora(server, {"telemetry": {"level": level}})
    answer = chat(proxy, stream=True)
    proxy.access_log()
    lines = [json.loads(line) for line in proxy.stderr.splitlines()]
    mine = [line for line in lines if line.get("request_id") == answer.get("x-request-id")]
    tries = [line for line in mine if line["msg"] == "try"]
    requests = [line for line in mine if line["msg"] == "request"]
    steps = [line["step"] for line in mine if line["msg"] == "step"]
    assert len(tries) == len(requests) == (level != "info")
    if level != "info":
        assert tries[0]["provider"] == "gateway" and tries[0]["outcome"] == "success"
        times = [tries[0][key] for key in ("sent_us", "first_byte_us", "first_token_us", "duration_us")]
        assert times == sorted(times) and tries[0]["connect_us"] > 0
    assert bool(steps) == (level == "trace")
    if steps:
        assert steps[0] == "head read" and steps[-1] == "answer relayed" and "request sent" in steps


def test_a_rotated_secret_is_named(mounted):  # noqa: F811
    running = mounted()
    wait_watching(running.proxy)
    running.publish(key=ROTATED)
    wait_reloads(running.proxy, applied=1)
    lines = [line for line in diagnostics(running.proxy, "info") if line["msg"] == "a file has changed and is in use"]
    assert len(lines) == 1 and lines[0]["name"] and lines[0]["file"], lines


@pytest.mark.parametrize("kind, key, shown", [
    ("vllm", "none", False), ("anthropic", "none", False), ("ollama", "none", False), ("anthropic", {"env": "KEY"}, True),
])
def test_explain_shows_a_key_where_one_is_sent(tmp_path, kind, key, shown):
    config = tmp_path / "remora.yaml"
    config.write_text(json.dumps({"providers": {"p": {"kind": kind, "base_url": "http://localhost:9", "api_key": key}}}))
    body = tmp_path / "body.json"
    body.write_text(json.dumps(CHAT))
    done = run("explain", "p/m", "--config", str(config), "--body", str(body), env={"KEY": SECRET})
    assert done.returncode == 0, done.stderr
    assert ("***" in done.stdout) == shown, done.stdout


def test_the_revision_is_told(start_remora, upstream):
    version = run("version").stdout
    build = next(dict(labels) for name, labels in start_remora(upstream).samples() if name == "remora_build_info")
    assert build["version"] in version
    assert all(each in "0123456789abcdef" for each in build["revision"])
    assert (f"(revision {build['revision'][:12]}, " in version) == bool(build["revision"])


def test_an_attempts_times_and_a_streams_speed_are_counted(start_remora, start_upstream):
    server = start_upstream()
    proxy = start_remora(server)
    chat(proxy)
    chat(proxy)
    many = [{**DELTA, "choices": [{"index": 0, "delta": {"content": "a "}, "finish_reason": None}]} for _ in range(20)]
    last = {**DELTA, "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 20, "total_tokens": 23}}
    body = b"".join(event(each) for each in [*many, last]) + event("[DONE]")
    server.reply(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n", event(DELTA), Pause(0.05),
                 body, CLOSE)
    chat(proxy, stream=True)
    proxy.access_log(3)
    assert proxy.total("remora_upstream_first_byte_seconds_count", provider="gateway") == 3
    # The tests' clients have a connection each, and Remora one to its provider.
    assert proxy.total("remora_upstream_connect_seconds_count", provider="gateway") == 1
    assert proxy.total("remora_output_tokens_per_second_count", provider="gateway") == 1
    assert 1 < proxy.total("remora_output_tokens_per_second_sum") < 20 / 0.05
    assert proxy.total("remora_draining") == 0
    assert 0 < proxy.total("remora_memory_used_bytes") < proxy.total("remora_memory_limit_bytes")
    loads = [value for (name, _), value in proxy.samples().items() if name == "remora_secret_last_load_timestamp_seconds"]
    assert loads and all(abs(each - time.time()) < 60 for each in loads)
    assert proxy.total("remora_requests_total", code="200", model="error-500") == 0


def test_a_listeners_certificate_says_when_it_ends(start_remora, upstream, good_certificate):
    proxy = start_remora(upstream, {"listen": [
        "127.0.0.1:0", {"address": "127.0.0.1:0", "tls": {
            "cert_file": str(good_certificate.cert_file), "key_file": str(good_certificate.key_file)}}]})
    ends = proxy.samples()["remora_tls_certificate_expiry_timestamp_seconds", frozenset({("name", "listen 127.0.0.1:0")})]
    assert ends > time.time()


def test_counters_of_what_is_configured_begin_at_zero(start_remora, upstream):
    """A rate can't see a first event in what wasn't there before."""
    proxy = start_remora(upstream)
    samples = proxy.samples()
    for name, labels in [
        ("remora_upstream_attempts_total", {"outcome": "rate_limited"}), ("remora_streams_ended_total", {"reason": "upstream_eof"}),
        ("remora_credential_refreshes_total", {"result": "failed"}), ("remora_dropped_fields_total", {}),
        ("remora_usage_missing_total", {}),
    ]:
        assert samples[name, frozenset({"provider": "gateway", **labels}.items())] == 0, name
    target = {"provider": "gateway", "model": "gpt-4o"}
    for name, labels in [
        ("remora_requests_total", {"endpoint": "chat_completions", "code": "200"}), ("remora_tokens_total", {"kind": "output"}),
        ("remora_cost_usd_total", {}), ("remora_unpriced_requests_total", {}),
    ]:
        assert samples[name, frozenset({**target, **labels}.items())] == 0, name


def test_a_secret_that_can_not_be_loaded_is_counted(start_remora, upstream):
    proxy = start_remora(upstream)
    key = proxy.directory / "gateway.key"
    reasons = ("missing", "denied", "unreadable", "empty", "malformed")

    def failures() -> dict[str, float]:
        return {each: proxy.total("remora_secret_load_failures_total", reason=each) for each in reasons}

    names = {dict(labels)["secret"] for name, labels in proxy.samples() if name == "remora_secret_load_failures_total"}
    loaded = {dict(labels)["secret"] for name, labels in proxy.samples() if name == "remora_secret_last_load_timestamp_seconds"}
    assert names == loaded and not any(failures().values()), "all of them from the start on, so that a rate sees the first"
    for spoil, reason in [
        (lambda: key.write_text("\n"), "empty"), (lambda: key.write_text("no key\x01\n"), "malformed"), (key.unlink, "missing"),
        (key.mkdir, "unreadable"),
    ]:
        before = failures()[reason]
        spoil()
        proxy.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 20
        while failures()[reason] == before:
            assert time.monotonic() < deadline, (reason, failures(), proxy.stderr)
            time.sleep(0.02)
    chat(proxy)
    (line,) = proxy.access_log(1)
    assert line["status"] == 200, "the one before stays in use"
