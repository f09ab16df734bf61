"""What a try's span tells of a call: the request's numbers, the answer's id, model and reasons, in every format. And whether
OpenTelemetry's conventions know the names."""

from __future__ import annotations

import json
import re

import opentelemetry.semconv._incubating.attributes.gen_ai_attributes as gen_ai
import pytest
from opentelemetry.semconv.attributes import error_attributes, http_attributes, network_attributes, server_attributes, url_attributes

from remora import PROMPT, ROOT
from test_traces import CHAT, collect, parts, traced  # noqa: F401
from wire import chunk, event, json_answer, post_json

pytestmark = pytest.mark.proxy

SOURCES = [ROOT / "Sources/Proxy/Traces/ExchangeSpans.swift", ROOT / "Sources/Config/OTLPSettings.swift"]
# Names that others read, or that the conventions of generative AI have taken on since the package was made.
FOREIGN = {
    "openinference.span.kind", "langfuse.observation.completion_start_time", "gen_ai.usage.cost",
    "gen_ai.usage.cache_write.input_tokens",
}
SSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def names_of(*modules) -> set[str]:
    return {
        value for module in modules for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str)
    }


def test_the_conventions_know_every_name():
    from opentelemetry.semconv._incubating.attributes import k8s_attributes, service_attributes, telemetry_attributes

    known = names_of(
        gen_ai, error_attributes, http_attributes, network_attributes, server_attributes, url_attributes,
        k8s_attributes, service_attributes, telemetry_attributes)
    used = set()
    for path in SOURCES:
        used |= set(re.findall(r'"((?:gen_ai|http|url|server|network|error|openinference|langfuse|k8s|service|telemetry)'
                               r'\.[a-z0-9_.]+)"', path.read_text()))
    assert "gen_ai.response.finish_reasons" in used and "k8s.pod.uid" in used and "http.route" in used
    assert used - known - {"telemetry.otlp"} == FOREIGN


def test_the_providers_names_are_the_conventions():
    text = SOURCES[0].read_text()
    said = set(re.findall(r'"([a-z_.]+)"', re.search(r"var conventionalName.*?\n  }\n", text, re.S)[0])) - {"gen_ai.provider.name"}
    known = {each.value for each in gen_ai.GenAiProviderNameValues}
    assert said == {"azure.ai.openai", "gcp.gemini", "gcp.vertex_ai", "aws.bedrock", "mistral_ai", "x_ai"}
    assert said <= known
    operations = set(re.findall(r'"([a-z_]+)"', re.search(r"var operation: StaticString.*?\n  }\n", text, re.S)[0]))
    assert operations <= {each.value for each in gen_ai.GenAiOperationNameValues}


def told(collector) -> dict:
    _, (call,) = parts(collector.spans(2))
    return call["attributes"]


def named(said: dict) -> tuple:
    return tuple(said.get("gen_ai.response." + name) for name in ("id", "model", "finish_reasons"))




def choice(reason, index=0, text="Ahoy"):
    return {"index": index, "message": {"role": "assistant", "content": text}, "finish_reason": reason}


def test_the_requests_numbers(traced, upstream):  # noqa: F811
    proxy, collector = traced(upstream)
    numbers = {"temperature": 0.7, "top_p": 1, "seed": -42, "n": 1, "max_completion_tokens": 12}
    assert proxy.ask(post_json("/v1/chat/completions", {**CHAT, **numbers})).status == 200
    said = told(collector)
    assert said["gen_ai.request.temperature"] == 0.7 and said["gen_ai.request.top_p"] == 1.0
    assert said["gen_ai.request.seed"] == -42 and said["gen_ai.request.max_tokens"] == 12


def test_what_is_no_number_is_not_told(traced, upstream):  # noqa: F811
    proxy, collector = traced(upstream)
    odd = {"temperature": None, "top_p": "0.5", "seed": 1.5}
    assert proxy.ask(post_json("/v1/chat/completions", {**CHAT, **odd})).status == 200
    assert not {"gen_ai.request." + name for name in ("temperature", "top_p", "seed")} & told(collector).keys()


CALLS = [
    ("/v1/chat/completions", CHAT, "chatcmpl-upstream", "stop"),
    ("/v1/completions", {"model": "gpt-4o", "prompt": PROMPT}, "cmpl-upstream", "stop"),
    ("/v1/responses", {"model": "gpt-4o", "input": PROMPT}, "resp_upstream", "completed"),
]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("path, body, name, reason", CALLS, ids=lambda each: each if isinstance(each, str) else "")
def test_answers_that_pass(traced, upstream, path, body, name, reason, stream):  # noqa: F811
    proxy, collector = traced(upstream)
    assert proxy.ask(post_json(path, {**body, "stream": stream})).status == 200
    said = named(told(collector))
    assert said == (name, said[1], [reason]) and said[1] in ("gpt-4o", "gpt-4o-2024-08-06")


def test_embeddings_have_a_model_alone(traced, upstream):  # noqa: F811
    proxy, collector = traced(upstream)
    proxy.ask(post_json("/v1/embeddings", {"model": "text-embedding-3-small", "input": PROMPT}))
    said = told(collector)
    assert named(said) == (None, "text-embedding-3-small", None) and said["gen_ai.operation.name"] == "embeddings"


def test_each_choice_has_its_reason(traced, start_upstream):  # noqa: F811
    server = start_upstream()
    proxy, collector = traced(server)
    reasons = ["stop", "length", "tool_calls"]
    server.reply(json_answer({
        "id": "c1", "object": "chat.completion", "created": 1, "model": "gpt-4o-2026", "choices": [
            choice(each, index) for index, each in enumerate(reasons)]}))
    proxy.ask(post_json("/v1/chat/completions", {**CHAT, "n": 3}))
    said = told(collector)
    assert named(said) == ("c1", "gpt-4o-2026", reasons) and said["gen_ai.request.choice.count"] == 3
    assert said["gen_ai.request.model"] == "gpt-4o"


@pytest.mark.parametrize("length, kept", [(3_000, True), (60_000, False)])
def test_an_answer_in_pieces(traced, start_upstream, length, kept):  # noqa: F811
    """A long one that comes in pieces isn't kept for the sake of its last word."""
    server = start_upstream()
    proxy, collector = traced(server)
    # A text that would be taken for members if its quotes weren't seen.
    text = '","id":"none","finish_reason":"none"}]' + "x" * length
    whole = json.dumps({
        "id": "c1", "object": "chat.completion", "created": 1, "model": "gpt\u002d4o", "choices": [choice("length", 0, text)],
    }).encode()
    pieces = [whole[at:at + 997] for at in range(0, len(whole), 997)]
    server.reply(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
                 *[chunk(each) for each in pieces], b"0\r\n\r\n")
    assert text in proxy.ask(post_json("/v1/chat/completions", CHAT)).json()["choices"][0]["message"]["content"]
    found = named(told(collector))
    assert found[:2] == ("c1", "gpt-4o")
    assert found[2] in ([["length"]] if kept else [None, ["length"]])


@pytest.mark.parametrize("value", ["two words", "x" * 129, "", "näh", 7, None])
def test_what_is_no_name_is_not_told(traced, start_upstream, value):  # noqa: F811
    server = start_upstream()
    proxy, collector = traced(server)
    server.reply(json_answer({
        "id": value, "object": "chat.completion", "created": 1, "model": value, "choices": [choice(value)]}))
    proxy.ask(post_json("/v1/chat/completions", CHAT))
    assert named(told(collector)) == (None, None, None)


def messages_events(reason: str) -> list[bytes]:
    return [SSE] + [chunk(event(each, each["type"])) for each in [
        {"type": "message_start", "message": {
            "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-9", "content": [],
            "stop_reason": None, "usage": {"input_tokens": 3, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Ahoy"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 9}},
        {"type": "message_stop"}]] + [b"0\r\n\r\n"]


def messages_whole(reason: str) -> list[bytes]:
    return [json_answer({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-9",
        "content": [{"type": "text", "text": "Ahoy"}], "stop_reason": reason,
        "usage": {"input_tokens": 3, "output_tokens": 9}})]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("path, reason", [("/v1/messages", "max_tokens"), ("/v1/chat/completions", "length")])
def test_claude_in_either_format(traced, start_upstream, authority, path, reason, stream):  # noqa: F811
    """Passed on in its own words, and translated into OpenAI's."""
    server = start_upstream()
    claude = {"kind": "anthropic", "base_url": server.base_url.removesuffix("/v1"), "api_key": "none"}
    if server.scheme == "https":
        claude["tls"] = {"ca_file": str(authority.ca_file)}
    proxy, collector = traced(server, changes={"providers": {"claude": claude}})
    server.reply(*(messages_events if stream else messages_whole)("max_tokens"))
    body = {"model": "claude/claude-x", "max_tokens": 9, "stream": stream, "messages": CHAT["messages"]}
    reply = proxy.ask(post_json(path, body, {"anthropic-version": "2023-06-01"}))
    assert reply.status == 200, reply.body
    said = told(collector)
    assert named(said) == ("msg_1", "claude-9", [reason])
    assert said["gen_ai.provider.name"] == "anthropic" and said["gen_ai.usage.output_tokens"] == 9


def test_a_try_tells_nothing_of_the_one_before(traced, start_upstream):  # noqa: F811
    server = start_upstream()
    proxy, collector = traced(server, changes={"retry": {"attempts": 2, "backoff": "10ms"}})
    client = proxy.connect()
    server.reply(json_answer({
        "id": "c1", "object": "chat.completion", "created": 1, "model": "m1", "choices": [choice("stop")]}))
    client.ask(post_json("/v1/chat/completions", CHAT))
    server.reply(json_answer({"error": {"message": "no", "code": None}}, 503))
    server.reply(json_answer({
        "id": "c2", "object": "chat.completion", "created": 1, "choices": [choice("stop")]}))
    client.ask(post_json("/v1/chat/completions", CHAT))
    calls = [each["attributes"] for each in collector.spans(5) if each["kind"] == "SPAN_KIND_CLIENT"]
    assert [named(each) for each in calls] == [("c1", "m1", ["stop"]), (None, None, None), ("c2", None, ["stop"])]


def test_the_mock_too(traced, upstream):  # noqa: F811
    proxy, collector = traced(upstream, changes={"providers": {"mock": {}}})
    reply = proxy.ask(post_json("/v1/chat/completions", {**CHAT, "model": "mock/x"})).json()
    spans = collector.spans(1)
    calls = [each for each in spans if each["kind"] == "SPAN_KIND_CLIENT"]
    for call in calls:
        assert call["attributes"]["gen_ai.response.id"] == reply["id"]
