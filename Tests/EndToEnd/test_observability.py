"""What is seen from outside: probes, metrics that a real parser accepts, a log line a request, no secret."""

from __future__ import annotations

import json
import re
import threading
import time

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as text_metrics

from openai_server import USAGE
from remora import PROMPT
from upstream import Gate
from wire import json_answer, post_json, request

pytestmark = pytest.mark.proxy

CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": PROMPT}]}
OPEN_METRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"

# The contract's names as a parser sees them: family and type.
FAMILIES = {
    "remora_build_info": "gauge",
    "remora_requests": "counter",
    "remora_request_duration_seconds": "histogram",
    "remora_time_to_first_token_seconds": "histogram",
    "remora_overhead_seconds": "histogram",
    "remora_tokens": "counter",
    "remora_requests_in_flight": "gauge",
    "remora_upstream_attempts": "counter",
    "remora_upstream_connections": "gauge",
    "process_resident_memory_bytes": "gauge",
    "process_cpu_seconds": "counter",
    "process_open_fds": "gauge",
    "process_start_time_seconds": "gauge",
}


def chat(proxy, **changes):
    return proxy.ask(post_json("/v1/chat/completions", {**CHAT, **changes}))


# Metrics.


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain", "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("nonsense", "text/plain; version=0.0.4; charset=utf-8"),
        (OPEN_METRICS, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        (
            "application/openmetrics-text; version=1.0.0",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
    ],
)
def test_metrics_are_valid(remora, accept, kind):
    chat(remora)
    chat(remora, stream=True)
    got = remora.admin("/metrics", {"Accept": accept} if accept else None)
    assert (got.status, got.get("content-type")) == (200, kind)
    text = got.body.decode()
    parse = open_metrics if kind.startswith("application/openmetrics") else text_metrics
    families = {each.name: each for each in parse(text)}
    for name, type in FAMILIES.items():
        assert name in families, f"{name} is missing"
        assert families[name].type == type, name
        assert families[name].documentation, f"{name} has no help"
    assert text.endswith("# EOF\n" if parse is open_metrics else "\n")


def test_histograms_are_whole(remora):
    chat(remora)
    for family in text_metrics(remora.admin("/metrics").body.decode()):
        if family.type != "histogram":
            continue
        series: dict[frozenset, list] = {}
        for sample in family.samples:
            labels = {key: value for key, value in sample.labels.items() if key != "le"}
            series.setdefault(frozenset(labels.items()), []).append(sample)
        for samples in series.values():
            buckets = [each for each in samples if each.name.endswith("_bucket")]
            values = [each.value for each in sorted(buckets, key=lambda each: float(each.labels["le"]))]
            assert values == sorted(values), family.name
            count = next(each.value for each in samples if each.name.endswith("_count"))
            assert values[-1] == count, family.name


def test_counters_add_up(start_remora, start_upstream):
    server = start_upstream()
    proxy = start_remora(server)
    for _ in range(3):
        assert chat(proxy).status == 200
    assert chat(proxy, stream=True).status == 200
    assert chat(proxy, model="error-429").status == 429
    proxy.access_log(5)
    found = {
        key: value
        for key, value in proxy.samples().items()
        if key[0] == "remora_requests_total" and ("provider", "gateway") in key[1]
    }
    assert sum(found.values()) == 5, found
    codes = {dict(labels)["code"]: 0.0 for _, labels in found}
    for (_, labels), value in found.items():
        assert set(dict(labels)) >= {"endpoint", "provider", "model", "code"}
        codes[dict(labels)["code"]] += value
    assert codes == {"200": 4, "429": 1}, found
    assert proxy.total("remora_request_duration_seconds_count") == 5
    assert proxy.total("remora_overhead_seconds_count") >= 5
    assert proxy.total("remora_time_to_first_token_seconds_count") == 1
    assert proxy.total("remora_tokens_total", kind="input") == 4 * USAGE["prompt_tokens"]
    assert proxy.total("remora_tokens_total", kind="output") == 4 * USAGE["completion_tokens"]
    assert proxy.total("remora_tokens_total", kind="cached_input") == 4 * 3
    assert proxy.total("remora_tokens_total", kind="reasoning") == 4 * 2
    assert proxy.total("remora_upstream_attempts_total", provider="gateway") == 5
    assert proxy.total("remora_requests_in_flight") == 0
    assert proxy.total("remora_upstream_connections") == 1


def test_overhead_is_not_the_providers_time(start_remora, start_upstream):
    """The provider's silence counts in the duration and not in Remora's own time."""
    server = start_upstream()
    proxy = start_remora(server)
    silence = 0.5
    gate = Gate()
    server.reply(gate, json_answer({}))
    client = proxy.connect()
    client.send(post_json("/v1/chat/completions", {"model": "gpt-4o", "messages": []}))
    server.wait_requests(1)
    # It has sent the request and sleeps: what comes now is the provider's, however busy the machine is.
    proxy.wait_asleep()
    time.sleep(silence)
    gate.open()
    assert client.response().status == 200
    proxy.access_log()
    duration = proxy.total("remora_request_duration_seconds_sum")
    assert duration >= silence
    assert 0 < proxy.total("remora_overhead_seconds_sum") <= duration - silence


def test_unknown_models_share_a_label(start_remora, start_upstream):
    """Names that nobody configured cannot make series without end."""
    server = start_upstream()
    proxy = start_remora(server)
    with proxy.connect() as client:
        for number in range(300):
            server.reply(json_answer({}))
            sent = post_json("/v1/chat/completions", {"model": f"made-up-{number}", "messages": []})
            assert client.ask(sent).status == 200
    names = {dict(labels).get("model") for name, labels in proxy.samples() if name == "remora_requests_total"}
    assert len(names) < 250 and "other" in names


def test_labels_are_escaped(start_remora, start_upstream):
    server = start_upstream()
    proxy = start_remora(server, {"models": {'odd"name\\': "gateway/gpt-4o"}})
    assert chat(proxy, model='odd"name\\').status == 200
    assert chat(proxy, model='new\nline"').status == 200
    list(text_metrics(proxy.admin("/metrics").body.decode()))
    list(open_metrics(proxy.admin("/metrics", {"Accept": OPEN_METRICS}).body.decode()))


def test_workers_are_merged(start_remora, start_upstream):
    """Each worker counts for itself; a scrape sees the sum."""
    server = start_upstream()
    proxy = start_remora(server, {"workers": 2})
    threads = [threading.Thread(target=chat, args=(proxy,)) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    proxy.access_log(24)
    assert proxy.total("remora_requests_total") == 24
    assert proxy.total("remora_tokens_total", kind="input") == 24 * USAGE["prompt_tokens"]


# The access log.


def test_one_line_a_request(remora):
    got = chat(remora, model="alias")
    line = remora.log_line(got.get("x-request-id"))
    text = json.dumps(line)
    assert line["status"] == 200
    assert line["endpoint"]
    assert line["provider"] == "gateway"
    assert "alias" in text and "gpt-4o" in text
    assert line["attempts"] == 1
    times = [value for value in line.values() if isinstance(value, str)]
    assert any(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", each) for each in times), text
    numbers = {value for value in flat(line) if isinstance(value, (int, float))}
    assert {USAGE["prompt_tokens"], USAGE["completion_tokens"]} <= numbers, text


def flat(value):
    """Every leaf of a JSON value."""
    if isinstance(value, dict):
        for each in value.values():
            yield from flat(each)
    elif isinstance(value, list):
        for each in value:
            yield from flat(each)
    else:
        yield value


def test_refusals_are_logged(remora):
    got = remora.ask(post_json("/v1/chat/completions", b"{", {"x-request-id": "bad-json-1"}))
    assert got.status == 400
    assert remora.log_line("bad-json-1")["status"] == 400


def test_log_injection(remora):
    """A model name or an id with a line break stays within its line and its string."""
    name = 'a"\n{"status":200,"request_id":"forged"}'
    chat(remora, model=name)
    lines = remora.access_log()
    assert len(lines) == 1 and lines[0]["request_id"] != "forged"
    got = remora.ask(request("GET", "/v1/echo", {"x-request-id": "x" * 5000}))
    assert got.status in (200, 400)
    for line in remora.access_log(2):
        assert len(json.dumps(line)) < 4096


def test_log_off(start_remora, upstream):
    proxy = start_remora(upstream, {"telemetry": {"access_log": "off"}})
    assert chat(proxy).status == 200
    proxy.stop()
    assert proxy.stdout == ""
