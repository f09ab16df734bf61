"""Collectors as they are in the field: behind TLS of a private authority, at IPv6, restarting, with keys that change."""

from __future__ import annotations

import gzip
import json
import socket

import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from remora import free_port
from test_traces import SOON, chat, collect, traced, until  # noqa: F401
from upstream import Upstream
from wire import answer

pytestmark = pytest.mark.proxy

TAKEN = answer(200, {"content-type": "application/x-protobuf"}, b"")


def spans(request) -> list:
    """The spans that a request to a collector brings, decoded by OpenTelemetry's own protobuf."""
    body = gzip.decompress(request.body) if request.get("content-encoding") == "gzip" else request.body
    message = trace_service_pb2.ExportTraceServiceRequest.FromString(body)
    return [span for each in message.resource_spans for scope in each.scope_spans for span in scope.spans]


def complaints(proxy) -> list:
    return [line for line in map(json.loads, proxy.stderr.splitlines()) if line["msg"] == "telemetry can't be exported"]


def test_a_collector_behind_a_private_authority(start_remora, start_upstream, upstream, authority):
    server = start_upstream()
    server.reply(TAKEN)
    proxy = start_remora(upstream, {"telemetry": {"otlp": {
        "endpoint": f"https://localhost:{server.port}", "tls": {"ca_file": str(authority.ca_file)}}}}, env=SOON)
    chat(proxy)
    until(lambda: len(server.requests) == 1 and server.requests[0].complete)
    assert len(spans(server.requests[0])) == 2


def test_a_collector_nobody_vouches_for_gets_nothing(start_remora, start_upstream, upstream):
    server = start_upstream()
    proxy = start_remora(upstream, {"telemetry": {"otlp": {"endpoint": f"https://localhost:{server.port}"}}}, env={
        **SOON, "OTEL_BSP_MAX_QUEUE_SIZE": "2"})
    for _ in range(4):
        assert chat(proxy).status == 200
    until(lambda: complaints(proxy), 20)
    assert not server.requests and "certificate" in complaints(proxy)[0]["problem"]


def test_a_collector_at_ipv6(start_remora, start_upstream, upstream):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("ABSENT: no IPv6 here")
    server = start_upstream(certificate=None, address="::1")
    server.reply(TAKEN)
    proxy = start_remora(upstream, env={**SOON, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://[::1]:{server.port}"})
    chat(proxy)
    until(lambda: len(server.requests) == 1)
    assert server.requests[0].get("host") == f"[::1]:{server.port}"


def test_a_header_from_a_file_that_changes(start_remora, start_upstream, upstream, tmp_path):
    key = tmp_path / "collector-key"
    key.write_text("first-collector-key")
    server = start_upstream(certificate=None)
    for _ in range(200):
        server.reply(TAKEN)
    proxy = start_remora(upstream, {"telemetry": {"otlp": {
        "endpoint": f"http://127.0.0.1:{server.port}", "headers": {"x-api-key": {"file": str(key)}}}}}, env=SOON)
    chat(proxy)
    until(lambda: server.requests)
    assert server.requests[0].get("x-api-key") == "first-collector-key"
    key.write_text("second-collector-key")

    def is_new():
        seen = len(server.requests)
        chat(proxy)
        until(lambda: len(server.requests) > seen)
        return server.requests[-1].get("x-api-key") == "second-collector-key"

    until(is_new, 20)
    assert "collector-key" not in proxy.stderr.replace(str(key), "")


def test_a_collector_that_starts_again_gets_what_waited(start_remora, collect, upstream):  # noqa: F811
    port = free_port()
    proxy = start_remora(
        upstream, {"telemetry": {"otlp": {"endpoint": f"http://127.0.0.1:{port}"}}}, env=SOON)
    chat(proxy)
    until(lambda: proxy.total("remora_otlp_exports_total", code="none") > 0)
    server = Upstream(None, port=port)
    try:
        for _ in range(10):
            server.reply(TAKEN)
        until(lambda: proxy.total("remora_otlp_spans_total", result="sent") == 2, 20)
        assert sum(len(spans(each)) for each in server.requests) == 2
    finally:
        server.stop()
    assert not proxy.total("remora_otlp_spans_total", result="dropped")


@pytest.mark.parametrize("pause", ["0", "Wed, 21 Oct 2026 07:28:00 GMT", "soon", "-1"])
def test_a_pause_that_says_nothing_is_no_storm(start_remora, start_upstream, upstream, pause):
    server = start_upstream(certificate=None)
    for _ in range(3):
        server.reply(answer(503, {"retry-after": pause}, b""))
    server.reply(TAKEN)
    proxy = start_remora(
        upstream, {"telemetry": {"otlp": {"endpoint": f"http://127.0.0.1:{server.port}"}}}, env=SOON)
    chat(proxy)
    until(lambda: len(server.requests) == 3, 20)
    assert server.requests[2].at - server.requests[1].at > 1
    assert len({each.body for each in server.requests}) == 1
