"""Whose request it is, in the application's own words: in the log, and nowhere else."""

from __future__ import annotations

import json

import pytest
from collector import Collector
from remora import CARD, MAIL, PROMPT, SECRET
from wire import post_json

pytestmark = pytest.mark.proxy

CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": PROMPT}]}


def logged(proxy, body=None, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    got = proxy.ask(post_json("/v1/chat/completions", {**CHAT, **(body or {})}, named))
    assert got.status == 200, got.body
    return proxy.log_line(got.get("x-request-id"))


def test_by_the_body(remora, upstream):
    said = {"customer_identifier": "c-1", "thread_identifier": "t-2", "group_identifier": "g-3"}
    line = logged(remora, said)
    assert (line["customer"], line["thread"], line["group_identifier"]) == ("c-1", "t-2", "g-3")
    assert not set(said) & set(json.loads(upstream.last.body))
    # It says nothing of a consumer group.
    assert "group" not in line


def test_by_headers(remora, upstream):
    line = logged(
        remora,
        {"customer_identifier": "body"},
        x_remora_customer_identifier="header",
        X_Remora_Thread_Identifier="t",
        x_remora_group_identifier="g",
    )
    assert (line["customer"], line["thread"], line["group_identifier"]) == ("body", "t", "g")
    assert not [name for name, _ in upstream.last.headers if name.lower().startswith("x-remora")]


@pytest.mark.parametrize(
    "value, kept",
    [
        (7, "7"),
        ("x" * 300, "x" * 128),
        ("a\nb\u0000c\u007fd\u001b[31m", "abcd[31m"),
        ("é" * 100, "é" * 64),
        ("猫" * 50, "猫" * 42),
        (None, None),
        ({"a": 1}, None),
        (["a"], None),
        ("", None),
        ('"}\n{"forged":1', '"}{"forged":1'),
    ],
)
def test_ugly_words(remora, value, kept):
    line = logged(remora, {"customer_identifier": value})
    assert line.get("customer") == kept
    assert remora.total("remora_requests_total") > 0
    assert "forged" not in line


def test_metadata(remora, upstream):
    pairs = {f"key{number}": "v" * number for number in range(16)}
    line = logged(remora, {"metadata": {**pairs, "more": "than sixteen"}})
    assert line["metadata"] == pairs
    # OpenAI refuses it where nothing is stored.
    assert "metadata" not in json.loads(upstream.last.body)
    line = logged(remora, {"metadata": {"a": "b"}, "store": True})
    assert line["metadata"] == {"a": "b"}
    assert json.loads(upstream.last.body)["metadata"] == {"a": "b"}


def test_metadata_fit_into_a_line(remora):
    line = logged(remora, {"metadata": {f"{'k' * 62}{number}": "v" * 500 for number in range(10, 26)}})
    assert 4 <= len(line["metadata"]) <= 16 and len(json.dumps(line)) <= 4096
    for value in line["metadata"].values():
        assert value == "v" * 128
    assert "metadata" not in logged(remora, {"metadata": {"a": {"b": 1}, "c": None}})


@pytest.mark.parametrize("action", ["redact", "report", "block"])
def test_what_policies_find_is_not_written_down(start_remora, upstream, tmp_path, request, action):
    audit = tmp_path / "audit.jsonl"
    policies = {"pii": {"kind": "pii_detector", "action": action}, "audit": {"kind": "audit_log", "file": str(audit)}}
    collector = Collector(tmp_path, "200")
    request.addfinalizer(collector.stop)
    telemetry = {"telemetry": {"otlp": {"endpoint": collector.url}}}
    proxy = start_remora(
        upstream, {"policies": policies, "policy_chain": ["pii", "audit"], **telemetry}, env={"OTEL_BSP_SCHEDULE_DELAY": "50"}
    )
    said = {"customer_identifier": MAIL, "thread_identifier": f"of {MAIL} and {CARD}", "group_identifier": "g",
            "metadata": {"owner": MAIL, "plan": "gold"}}  # fmt: skip
    for body in (
        {**CHAT, **said},
        {**CHAT, "user": MAIL},
        # Refused before a policy sees it.
        {**CHAT, **said, "model": "nobody/has-it"},
        {**CHAT, **said, "max_tokens": "many"},
    ):
        proxy.ask(post_json("/v1/chat/completions", body))
    header = {"x-remora-customer-identifier": MAIL}
    proxy.ask(post_json("/v1/chat/completions", CHAT, header))
    # Not JSON, so that only its head says something.
    proxy.ask(b"POST /v1/files HTTP/1.1\r\nHost: localhost\r\nx-remora-customer-identifier: " + MAIL.encode()
              + b"\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi")  # fmt: skip
    lines = proxy.access_log(6)
    first = lines[0]
    assert first["group_identifier"] == "g" and first["metadata"]["plan"] == "gold"
    shown = "EMAIL_" if action == "redact" else "[EMAIL]"
    assert first["customer"].startswith(shown) and first["metadata"]["owner"] == first["customer"]
    assert first["thread"].startswith(f"of {first['customer']} and ")
    for line in [*lines[1:], *map(json.loads, audit.read_text().splitlines())]:
        assert line.get("customer") in (None, first["customer"]), line
    assert ["customer" in line for line in lines] == [True, False, True, True, True, True]
    if action != "block":
        threads = [each["attributes"].get("gen_ai.conversation.id") for each in collector.spans(8)]
        assert first["thread"] in threads and not [each for each in threads if each and MAIL in each]


def test_keys_are_not_written_down(start_remora, upstream):
    """Remora's own are looked for by whoever looks for secrets."""
    policies = {"secrets": {"kind": "secrets", "action": "block"}}
    proxy = start_remora(upstream, {"policies": policies, "policy_chain": ["secrets"]})
    line = logged(proxy, {"customer_identifier": f"key {SECRET}, {SECRET}"})
    assert line["customer"] == "key [SECRET], [SECRET]"
