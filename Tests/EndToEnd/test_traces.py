"""Traces, as a collector gets them: decoded by OpenTelemetry's own protobuf, and held to what was asked and answered."""

from __future__ import annotations

import json
import re
import socket
import threading
import time

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from collector import Collector, attributes
from openai_server import USAGE
from remora import PROMPT, SECRET
from upstream import CLOSE
from wire import answer, event, json_answer, post_json

pytestmark = pytest.mark.proxy

CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": PROMPT}], "max_tokens": 64}
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"
BAGGAGE = "userId=canary-baggage-77"
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "50"}


@pytest.fixture
def collect(tmp_path):
    started = []

    def start(script="200") -> Collector:
        started.append(Collector(tmp_path, script))
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.fixture
def traced(start_remora, collect):
    """`traced(upstream, {...})`: a proxy whose spans come to a collector at once."""

    def start(server, otlp=None, script="200", changes=None, env=None):
        collector = collect(script)
        settings = {"endpoint": collector.url, **(otlp or {})}
        proxy = start_remora(server, {"telemetry": {"otlp": settings}, **(changes or {})}, env={**SOON, **(env or {})})
        return proxy, collector

    return start


def chat(proxy, headers=None, path="/v1/chat/completions", **changes):
    return proxy.ask(post_json(path, {**CHAT, **changes}, headers))


def parts(spans):
    """The request's span, and those of its tries."""
    servers = [each for each in spans if each["kind"] == "SPAN_KIND_SERVER"]
    return servers[0], [each for each in spans if each["kind"] == "SPAN_KIND_CLIENT"]


def test_a_request_is_a_span_and_each_try_another(traced, upstream):
    proxy, collector = traced(upstream, {"headers": {"x-team": "payments"}})
    answer = chat(proxy, {"baggage": BAGGAGE, "x-stainless-retry-count": "2"})
    assert answer.status == 200 and answer.get("x-remora-trace-id") is None
    (export,) = collector.exports()
    assert export["headers"]["content-type"] == "application/x-protobuf"
    assert export["headers"]["content-encoding"] == "gzip"
    assert export["headers"]["x-team"] == "payments"
    assert re.fullmatch(r"OTel-OTLP-Exporter-Remora/[\d.]+", export["headers"]["user-agent"])
    server, (call,) = parts(collector.spans(2))
    assert server["name"] == "POST /v1/chat/completions" and "parentSpanId" not in server
    assert call["name"] == "chat gpt-4o" and call["parentSpanId"] == server["spanId"]
    assert call["traceId"] == server["traceId"] and call["spanId"] != server["spanId"]
    assert "status" not in server or not server["status"]
    times = [int(server["startTimeUnixNano"]), int(call["startTimeUnixNano"]), int(call["endTimeUnixNano"]),
             int(server["endTimeUnixNano"])]
    assert times[0] <= times[1] <= times[2] and abs(times[3] - time.time_ns()) < 60e9 and times[0] < times[3]
    known = server["attributes"]
    assert known["http.request.method"] == "POST" and known["http.response.status_code"] == 200
    assert known["url.path"] == known["http.route"] == "/v1/chat/completions"
    assert known["openinference.span.kind"] == "CHAIN" and known["network.protocol.version"] == "1.1"
    assert known["remora.request_id"] == answer.get("x-request-id")
    assert known["remora.attempts"] == 1 and known["remora.model_asked"] == "gpt-4o"
    assert known["remora.client_retry"] == 2
    said = call["attributes"]
    assert said["gen_ai.operation.name"] == "chat" and said["gen_ai.request.model"] == "gpt-4o"
    assert said["gen_ai.provider.name"] == said["gen_ai.system"] == "openai"
    assert said["gen_ai.request.stream"] is False and said["gen_ai.request.max_tokens"] == 64
    assert said["gen_ai.usage.input_tokens"] == USAGE["prompt_tokens"]
    assert said["gen_ai.usage.output_tokens"] == USAGE["completion_tokens"]
    assert said["gen_ai.usage.cost"] > 0
    assert said["http.response.status_code"] == 200 and said["server.port"] == upstream.port
    assert said["remora.outcome"] == "success" and said["remora.connection"] == "new"
    line = proxy.access_log()[0]
    assert (line["trace_id"], line["span_id"]) == (server["traceId"], server["spanId"])
    got = upstream.last
    assert got.get("traceparent") == f"00-{call['traceId']}-{call['spanId']}-01"
    assert got.get("baggage") == BAGGAGE  # A private provider's.
    for canary in (PROMPT, SECRET, "canary-baggage"):
        assert canary not in collector.text


def test_a_stream_says_when_its_first_token_came(traced, upstream):
    proxy, collector = traced(upstream)
    client = proxy.connect()
    client.ask(post_json("/v1/chat/completions", {**CHAT, "stream": True, "thread_identifier": "thread-7"}))
    _, (call,) = parts(collector.spans(2))
    said = call["attributes"]
    assert said["gen_ai.request.stream"] is True and said["gen_ai.conversation.id"] == "thread-7"
    assert 0 < said["gen_ai.response.time_to_first_chunk"] < 10
    assert [each["name"] for each in call["events"]] == ["first_token"]
    assert int(call["startTimeUnixNano"]) <= int(call["events"][0]["timeUnixNano"]) <= int(call["endTimeUnixNano"])
    assert re.fullmatch(r"20\d\d-.*T.*Z", said["langfuse.observation.completion_start_time"])


def test_a_callers_trace_goes_on(traced, upstream):
    proxy, collector = traced(upstream)
    chat(proxy, {"traceparent": PARENT, "tracestate": "congo=t61rcWkgMzE"})
    server, (call,) = parts(collector.spans(2))
    assert server["traceId"] == call["traceId"] == TRACE and server["parentSpanId"] == SPAN
    assert server["traceState"] == call["traceState"] == "congo=t61rcWkgMzE"
    assert server["flags"] == 0x301 and call["flags"] == 0x101
    assert upstream.last.get("traceparent") == f"00-{TRACE}-{call['spanId']}-01"
    assert upstream.last.get("tracestate") == "congo=t61rcWkgMzE"


BIG = ",".join(f"k{n}=v" for n in range(33))
NEW = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]")
# What a caller says: lines of fields, then whether its trace goes on, its flags, and what becomes of tracestate.
ROWS = [
    ([("traceparent", PARENT)], True, "01", None),
    ([("traceparent", PARENT[:-1] + "0")], True, "00", None),
    ([("TraceParent", PARENT)], True, "01", None),
    ([("traceparent", PARENT), ("tracestate", "a=1")], True, "01", "a=1"),
    ([("traceparent", PARENT), ("tracestate", "a=1,b=2")], True, "01", "a=1,b=2"),
    ([("traceparent", PARENT), ("tracestate", "a=1"), ("tracestate", "b=2")], True, "01", "a=1,b=2"),
    ([("traceparent", PARENT), ("tracestate", "A=1")], True, "01", None),
    ([("traceparent", PARENT), ("tracestate", "nonsense")], True, "01", None),
    ([("traceparent", PARENT), ("tracestate", BIG)], True, "01", None),
    ([("traceparent", PARENT), ("tracestate", "a=" + "v" * 256 + ",b=" + "v" * 256)], True, "01", None),
    ([("traceparent", PARENT), ("tracestate", "a=" + "v" * 256 + ",b=" + "v" * 200)], True, "01",
     "a=" + "v" * 256 + ",b=" + "v" * 200),
    ([("traceparent", PARENT), ("tracestate", "")], True, "01", None),
    ([("traceparent", "cc" + PARENT[2:])], True, "01", None),
    ([("traceparent", "01" + PARENT[2:] + "-more")], True, "01", None),
    ([("traceparent", PARENT[:-2] + "03")], True, "03", None),
    ([("traceparent", "ff" + PARENT[2:])], False, "01", None),
    ([("traceparent", PARENT.upper())], False, "01", None),
    ([("traceparent", f"00-{'0' * 32}-{SPAN}-01")], False, "01", None),
    ([("traceparent", f"00-{TRACE}-{'0' * 16}-01")], False, "01", None),
    ([("traceparent", PARENT + "-more")], False, "01", None),
    ([("traceparent", PARENT[:-1])], False, "01", None),
    ([("traceparent", PARENT + "0")], False, "01", None),
    ([("traceparent", "00-" + TRACE + SPAN + "-01")], False, "01", None),
    ([("traceparent", "")], False, "01", None),
    ([("traceparent", "nonsense")], False, "01", None),
    ([("traceparent", PARENT), ("traceparent", PARENT)], False, "01", None),
    ([("traceparent", PARENT), ("traceparent", "00-" + "1" * 32 + "-" + "2" * 16 + "-01")], False, "01", None),
    ([("traceparent", "nonsense"), ("tracestate", "a=1")], False, "01", None),
    ([("tracestate", "a=1")], False, "01", None),
    ([], False, "01", None),
]


def with_fields(fields) -> bytes:
    whole = post_json("/v1/chat/completions", CHAT)
    head, body = whole.split(b"\r\n\r\n", 1)
    return b"\r\n".join([head, *(f"{name}: {value}".encode() for name, value in fields)]) + b"\r\n\r\n" + body


def test_every_row_of_headers(traced, upstream):
    proxy, _ = traced(upstream)
    for fields, goes_on, flags, state in ROWS:
        assert proxy.ask(with_fields(fields)).status == 200
        got = upstream.last
        (parent,) = got.all("traceparent")
        assert NEW.fullmatch(parent) or flags == "03", fields
        assert parent.startswith(f"00-{TRACE}-") == goes_on, fields
        assert SPAN not in parent and parent[-2:] == flags, fields
        found = ",".join(each for each in got.all("tracestate") if each)
        assert found == (state or ""), fields


def test_without_a_collector_both_pass_untouched(plain, upstream):
    for fields, *_ in ROWS:
        plain.ask(with_fields(fields))
        for name in ("traceparent", "tracestate"):
            assert upstream.last.all(name) == [value for each, value in fields if each.lower() == name]


def test_errors_carry_the_trace(traced, plain, upstream):
    proxy, collector = traced(upstream)
    answer = chat(proxy, model="error-500")
    server, (call,) = parts(collector.spans(2))
    assert answer.get("x-remora-trace-id") == server["traceId"]
    assert server["status"]["code"] == call["status"]["code"] == "STATUS_CODE_ERROR"
    assert call["attributes"]["error.type"] == "500" and call["status"]["message"] == "server_error"
    # Without a collector the caller's own.
    answer = chat(plain, {"traceparent": PARENT}, model="error-500")
    assert answer.get("x-remora-trace-id") == TRACE
    assert plain.log_line(answer.get("x-request-id"))["trace_id"] == TRACE
    assert chat(plain, model="error-500").get("x-remora-trace-id") is None


def test_a_request_at_fault_is_no_error_of_the_servers(traced, upstream):
    proxy, collector = traced(upstream)
    chat(proxy, model="error-404")
    server, (call,) = parts(collector.spans(2))
    assert "status" not in server or not server["status"]
    assert call["status"]["code"] == "STATUS_CODE_ERROR" and call["attributes"]["error.type"] == "404"


def test_three_tries_are_three_spans(traced, start_upstream):
    server_ = start_upstream()
    proxy, collector = traced(server_, changes={"retry": {"attempts": 3, "backoff": "10ms"}})
    for _ in range(2):
        server_.reply(json_answer({"error": {"message": PROMPT, "code": None}}, 503))
    assert chat(proxy).status == 200
    server, calls = parts(collector.spans(4))
    assert [each["attributes"].get("http.request.resend_count", 0) for each in calls] == [0, 1, 2]
    assert [each["attributes"]["http.response.status_code"] for each in calls] == [503, 503, 200]
    assert len({each["spanId"] for each in calls}) == 3
    assert {each["parentSpanId"] for each in calls} == {server["spanId"]}
    assert server["attributes"]["remora.attempts"] == 3
    assert "remora.retry_wait_ms" in calls[1]["attributes"]
    sent = [each.get("traceparent").split("-")[2] for each in server_.wait_requests(3)]
    assert sent == [each["spanId"] for each in calls]
    assert PROMPT not in collector.text


@pytest.mark.parametrize("parent, count", [(None, 2), (PARENT[:-1] + "0", 0), (PARENT, 4)])
def test_errors_are_kept_where_the_trace_begins_here(traced, upstream, parent, count):
    proxy, collector = traced(upstream, {"sample": 0})
    headers = {"traceparent": parent} if parent else None
    chat(proxy, headers)
    chat(proxy, headers, model="error-500")
    proxy.access_log(2)
    proxy.stop()
    spans = collector.spans(count) if count else [span for export in collector.exports(0) for span in export]
    assert len(spans) == count
    if count == 2:
        assert parts(spans)[0]["attributes"]["remora.sampled_by"] == "error"


@pytest.mark.parametrize("usage, parent, name", [
    ("always", PARENT, "gen_ai"), ("root", PARENT, "remora"), ("root", None, "gen_ai"), ("never", None, "remora"),
])
def test_usage_is_told_once_where_the_application_tells_it(traced, upstream, usage, parent, name):
    proxy, collector = traced(upstream, {"usage": usage})
    chat(proxy, {"traceparent": parent} if parent else None)
    _, (call,) = parts(collector.spans(2))
    told = {key.split(".usage.")[0] for key in call["attributes"] if ".usage." in key}
    assert told == {name}


def test_a_cut_stream_is_an_error(traced, start_upstream):
    server_ = start_upstream()
    proxy, collector = traced(server_, {"sample": 0})
    server_.reply(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + event({"id": "c"})[:-2], CLOSE)
    client = proxy.connect()
    client.send(post_json("/v1/chat/completions", {**CHAT, "stream": True}))
    client.rest()
    server, (call,) = parts(collector.spans(2))
    assert server["status"]["code"] == "STATUS_CODE_ERROR"
    assert call["attributes"]["remora.outcome"] == "connection_lost"


def test_an_answer_that_is_kept_says_so(traced, upstream):
    proxy, collector = traced(upstream, changes={"cache": {"size": "1MiB"}})
    first, second = (chat(proxy, temperature=0) for _ in range(2))
    assert (first.status, second.status) == (200, 200)
    servers = [each["attributes"] for each in collector.spans(3) if each["kind"] == "SPAN_KIND_SERVER"]
    assert [each["remora.cache"] for each in servers] == ["miss", "hit"]


def test_health_metrics_and_what_is_answered_here(traced, upstream):
    proxy, collector = traced(upstream, changes={"models": {"here": "mock/x"}, "providers": {"mock": {}}})
    proxy.admin("/metrics")
    chat(proxy, model="here")
    server, calls = parts(collector.spans(1))
    assert not calls and server["attributes"]["http.response.status_code"] == 200


# What a collector may do.


def test_the_same_bytes_go_again_when_it_says_so(traced, upstream):
    proxy, collector = traced(upstream, script="503:2,200")
    chat(proxy)
    first, second = collector.exports(2)
    assert first["data"] == second["data"] and first["bytes"] == second["bytes"]
    assert second["t"] - first["t"] >= 1.9
    until(lambda: proxy.total("remora_otlp_spans_total", result="sent") == 2)
    assert proxy.total("remora_otlp_exports_total", code="503") == 1
    assert proxy.total("remora_otlp_exports_total", code="200") == 1


@pytest.mark.parametrize("script, result, exports", [
    ("partial", "rejected", 1), ("400", "dropped", 1), ("404", "dropped", 1), ("500", "dropped", 1), ("413", "dropped", 3),
])
def test_what_is_not_to_be_repeated_isnt(traced, upstream, script, result, exports):
    proxy, collector = traced(upstream, script=script)
    chat(proxy)
    until(lambda: proxy.total("remora_otlp_spans_total", result=result) >= 1)
    assert len(collector.exports(exports)) == exports
    warnings = [json.loads(line) for line in proxy.stderr.splitlines() if "telemetry can't be exported" in line]
    assert len(warnings) == 1 and warnings[0]["collector"] == collector.url + "/v1/traces"
    time.sleep(0.3)
    assert len(collector.exports(exports)) == exports


@pytest.mark.parametrize("script", ["slow:60", "503:30", "close"])
def test_a_stalling_collector_holds_up_no_end(traced, upstream, script):
    proxy, collector = traced(upstream, script=script)
    client = proxy.connect()
    client.ask(post_json("/v1/chat/completions", CHAT))
    client.close()
    collector.exports(1)
    began = time.monotonic()
    proxy.stop()
    assert time.monotonic() - began < 1.9


def test_what_waits_goes_out_at_the_end(traced, upstream):
    proxy, collector = traced(upstream, env={"OTEL_BSP_SCHEDULE_DELAY": "60000"})
    chat(proxy)
    proxy.access_log()
    assert collector.exports(0) == []
    proxy.stop()
    assert len(collector.spans(2)) == 2


@pytest.mark.parametrize("collector", ["refuses", "takes connections and is silent", "leaves"])
def test_a_dead_collector_costs_no_request(start_remora, upstream, collector):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if collector == "refuses":
            listener.close()
        if collector == "leaves":
            threading.Thread(target=hang_up, args=(listener,), daemon=True).start()
        proxy = start_remora(
            upstream, {"telemetry": {"otlp": {"endpoint": f"http://127.0.0.1:{port}"}}},
            env={**SOON, "OTEL_BSP_MAX_QUEUE_SIZE": "20", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "8"})
        for _ in range(40):
            assert chat(proxy).status == 200
        # Two of a request: what is under way and what waits is no more than the queue's full, and the rest is counted.
        until(lambda: proxy.total("remora_otlp_spans_total", result="dropped") >= 80 - 20)
        assert proxy.total("remora_otlp_queue_spans") <= 20 and not proxy.total("remora_otlp_spans_total", result="sent")
        if collector != "takes connections and is silent":
            assert proxy.total("remora_otlp_exports_total", code="none") > 0
        assert proxy.stderr.count("telemetry can't be exported") <= 1


def hang_up(listener):
    while True:
        try:
            listener.accept()[0].close()
        except OSError:
            return


# The configuration.


def test_the_environment_alone_is_enough(start_remora, collect, upstream):
    collector = collect()
    proxy = start_remora(upstream, env={
        **SOON, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_EXPORTER_OTLP_HEADERS": "X-Key=a%20b,broken",
        "OTEL_SERVICE_NAME": "payments", "OTEL_RESOURCE_ATTRIBUTES": "service.name=other,team=a%2Cb",
        "K8S_POD_NAME": "pod-1", "K8S_NAMESPACE_NAME": "shop", "OTEL_EXPORTER_OTLP_TIMEOUT": "soon",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "none"})
    chat(proxy)
    (export,) = collector.exports()
    assert export["headers"]["x-key"] == "a b" and "content-encoding" not in export["headers"]
    resource = attributes(export["data"]["resourceSpans"][0]["resource"])
    assert resource["service.name"] == "payments" and resource["team"] == "a,b"
    assert resource["service.instance.id"] == "shop.pod-1.remora" and resource["k8s.pod.name"] == "pod-1"
    assert resource["telemetry.sdk.language"] == "swift" and resource["service.namespace"] == "shop"
    problems = [line["problem"] for line in map(json.loads, proxy.stderr.splitlines()) if line["msg"] == "telemetry"]
    assert [each.split(" ")[0] for each in problems] == ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TIMEOUT"]


@pytest.mark.parametrize("env", [
    {"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}, {"OTEL_TRACES_SAMPLER": "always_off"},
    {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"},
])
def test_the_environment_can_turn_it_off(start_remora, collect, upstream, env):
    collector = collect()
    proxy = start_remora(upstream, env={**SOON, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **env})
    chat(proxy)
    proxy.stop()
    assert collector.exports(0) == []


def test_metrics_are_pushed_under_the_names_of_the_scrape(traced, upstream):
    proxy, collector = traced(upstream, {"metrics": "1s"})
    for _ in range(3):
        chat(proxy)
    proxy.access_log(3)
    seen = len(collector.exports(0, path="/v1/metrics"))
    export = collector.exports(seen + 2, path="/v1/metrics")[-1]
    scope = export["data"]["resourceMetrics"][0]["scopeMetrics"][0]
    metrics = {each["name"]: each for each in scope["metrics"]}
    requests = metrics["remora_requests_total"]["sum"]
    assert requests["isMonotonic"] and requests["aggregationTemporality"] == "AGGREGATION_TEMPORALITY_CUMULATIVE"
    points = {json.dumps(attributes(each), sort_keys=True): each for each in requests["dataPoints"]}
    wanted = json.dumps(
        {"code": "200", "endpoint": "chat_completions", "model": "gpt-4o", "provider": "gateway"}, sort_keys=True)
    assert points[wanted]["asInt"] == "3"
    histogram = metrics["remora_request_duration_seconds"]["histogram"]["dataPoints"][0]
    assert histogram["count"] == "3" and sum(map(int, histogram["bucketCounts"])) == 3
    assert len(histogram["bucketCounts"]) == len(histogram["explicitBounds"]) + 1
    assert metrics["remora_request_duration_seconds"]["unit"] == "s"
    assert metrics["process_resident_memory_bytes"]["gauge"]["dataPoints"][0]["asInt"] != "0"
    scraped = {name for name, _ in proxy.samples()}
    assert not {name for name in metrics if "gauge" in metrics[name] or "sum" in metrics[name]} - scraped


def test_traces_and_metrics_share_a_connection(start_remora, start_upstream, upstream):
    server_ = start_upstream(certificate=None)
    for _ in range(50):
        server_.reply(answer(200, {"content-type": "application/x-protobuf"}, b""))
    proxy = start_remora(
        upstream, {"telemetry": {"otlp": {"endpoint": f"http://127.0.0.1:{server_.port}", "metrics": "1s"}}}, env=SOON)
    for path in ("/v1/traces", "/v1/metrics", "/v1/traces", "/v1/metrics"):
        seen = sum(each.target == path for each in server_.requests)
        if path == "/v1/traces":
            chat(proxy)
        until(lambda: sum(each.target == path for each in server_.requests) > seen)
    assert len(server_.connections) == 1


def test_buckets_lead_to_a_trace(traced, upstream):
    proxy, collector = traced(upstream)
    chat(proxy, stream=True)
    server, _ = parts(collector.spans(2))
    proxy.access_log()
    text = proxy.admin("/metrics", {"Accept": "application/openmetrics-text; version=1.0.0"}).body.decode()
    for name in ("remora_request_duration_seconds", "remora_time_to_first_token_seconds"):
        family = next(each for each in text_string_to_metric_families(text) if each.name == name)
        found = [each for each in family.samples if each.exemplar]
        assert len(found) == 1 and found[0].exemplar.labels == {"trace_id": server["traceId"]}
        assert 0 < found[0].exemplar.value <= float(found[0].labels["le"])
        assert abs(float(found[0].exemplar.timestamp) - time.time()) < 60
    assert "trace_id" not in proxy.admin("/metrics").body.decode()


def until(holds, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.02)
