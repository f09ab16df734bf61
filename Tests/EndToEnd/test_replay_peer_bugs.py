"""What other gateways are known to get wrong in translation: each is a test here, under its name."""

from __future__ import annotations

import json
import time

import pytest
from remora import PROMPT, SLOWER
from replay import answers, client, matrix
from replay.answers import Said, anthropic_events, anthropic_whole
from replay.framing import aws_event, aws_exception
from replay.reading import Reading
from replay.serving import head
from test_replay_requests import MODELS, send
from upstream import STALL, Gate
from wire import LAST_CHUNK, chunk, post_json

pytestmark = pytest.mark.proxy

CHAT = {"messages": [{"role": "user", "content": PROMPT}]}


def ask(replayer, model: str, *steps, **members):
    replayer.upstream.reply(*steps)
    with replayer.proxy.connect() as peer:
        return peer.ask(post_json("/v1/chat/completions", {"model": model, **CHAT, **members}))


def sse(*events: dict) -> list[bytes]:
    lines = [f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode() for each in events]
    return [answers.stream_head("anthropic"), *map(chunk, lines), LAST_CHUNK]


def json_steps(body: dict, status: int = 200) -> bytes:
    data = json.dumps(body).encode()
    return head(status, {"Content-Type": "application/json"}, len(data)) + data


def streamed(replayer, dialect: str, said: Said, usage: bool = False) -> Reading:
    options = {"stream_options": {"include_usage": True}} if usage else {}
    answer = ask(replayer, MODELS[dialect], *answers.steps(dialect, said, streamed=True), stream=True, **options)
    return client.read(answer, "chat", True, usage_asked=usage)


every_dialect = pytest.mark.parametrize("dialect", MODELS)
CLAUDE = MODELS["anthropic"]


# Thinking, texts and blocks.


@every_dialect
def test_reasoning_of_a_stream_is_not_empty(replayer, dialect):
    got = streamed(replayer, dialect, Said(text="4", reasoning="2 and 2", signature="c2ln"))
    assert got.choice().reasoning == "2 and 2"


def test_every_text_block_counts_not_only_the_first(replayer):
    body = anthropic_whole(Said("one "))
    body["content"] += [{"type": "text", "text": "two "}, {"type": "text", "text": "three"}]
    assert ask(replayer, CLAUDE, json_steps(body)).json()["choices"][0]["message"]["content"] == "one two three"


def test_every_text_of_a_message_counts_not_only_the_first(replayer):
    body = {"messages": [matrix.user(matrix.text("one "), matrix.text("two "), matrix.text("three"))]}
    _, request = send(replayer, "anthropic", body)
    assert all(word in request.body.decode() for word in ("one ", "two ", "three"))


@pytest.mark.parametrize("dialect", ["anthropic", "bedrock", "cohere"])
def test_a_block_index_is_not_a_choice_index(replayer, dialect):
    """The text is block 1 and the call block 2: the choice is 0 all the same, and the call's index 0."""
    said = Said(text="Let me look.", reasoning="Hm.", signature="c2ln", calls=[("toolu_1", "look_up", "{}")])
    got = streamed(replayer, dialect, said)
    assert list(got.choices) == [0] and got.choice().text == said.text
    assert [call.index or 0 for call in got.choice().calls] == [0]


@every_dialect
def test_streamed_calls_and_the_finish_are_there(replayer, dialect):
    calls = [("toolu_1", "look_up", '{"city":"Paris"}'), ("toolu_2", "look_up", "{}")]
    choice = streamed(replayer, dialect, Said(calls=calls)).choice()
    assert [call.value() for call in choice.calls] == [{"city": "Paris"}, {}]
    assert choice.finish == "tool_calls"


# Errors.


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "invalid_request_error"), (404, "not_found_error"), (413, "request_too_large"), (429, "rate_limit_error"),
     (500, "api_error"), (529, "overloaded_error")],
)  # fmt: skip
def test_errors_are_not_flattened_to_invalid_request(replayer, status, kind):
    steps = json_steps({"type": "error", "error": {"type": kind, "message": "So it is."}}, status)
    for _ in range(3):
        replayer.upstream.reply(steps)
    error = ask(replayer, CLAUDE, steps).error
    assert error["message"] == "So it is."
    is_request = status in (400, 413)
    assert (error["type"] == "invalid_request_error") is is_request or status == 404, error


def test_a_stream_error_is_not_swallowed(replayer):
    events = anthropic_events(Said("One two"))[:4]
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    got = client.read(ask(replayer, CLAUDE, *sse(*events, error), stream=True), "chat", True)
    assert got.failure is not None and got.failure.message == "Overloaded"


def test_a_stream_error_is_not_a_finish_reason(replayer):
    events = anthropic_events(Said("One two"))[:4]
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    answer = ask(replayer, CLAUDE, *sse(*events, error), stream=True)
    assert b'"finish_reason":"' not in answer.body and b"[DONE]" not in answer.body


def test_a_bedrock_stream_error_ends_the_stream_at_once(replayer):
    """The provider stays silent behind its exception: the client is told without waiting for more."""
    events = [aws_event("messageStart", {"role": "assistant"}), aws_exception("throttlingException", "Too many")]
    began = time.monotonic()
    answer = ask(replayer, MODELS["bedrock"], answers.stream_head("bedrock"), *map(chunk, events), STALL, stream=True)
    if answer.status == 200:
        got = client.read(answer, "chat", True)
        assert got.failure is not None and "Too many" in got.failure.message
    else:
        assert "Too many" in answer.error["message"]
    assert time.monotonic() - began < 5


@every_dialect
def test_a_truncated_stream_is_not_finished_as_clean(replayer, dialect):
    events = answers.events_of(dialect, Said("One two three"))
    # The last word stands before the last two events in every format.
    steps = (answers.stream_head(dialect), *map(chunk, events[:-3]), LAST_CHUNK)
    answer = ask(replayer, MODELS[dialect], *steps, stream=True)
    assert b"[DONE]" not in answer.body and b'"error"' in answer.body


# Usage.


CACHED = {"input_tokens": 5, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20, "output_tokens": 7}


def test_cached_tokens_count_once_in_the_prompt_and_in_the_total(replayer):
    usage = ask(replayer, CLAUDE, json_steps({**anthropic_whole(Said("x")), "usage": CACHED})).json()["usage"]
    assert usage["prompt_tokens"] == 125 and usage["total_tokens"] == 132
    assert usage["prompt_tokens_details"]["cached_tokens"] == 100


def test_usage_of_message_start_is_not_added_to_that_of_message_delta(replayer):
    events = anthropic_events(Said("x"))
    events[0]["message"]["usage"] = {**CACHED, "output_tokens": 3}
    delta = next(each for each in events if each["type"] == "message_delta")
    delta["usage"] = {**CACHED, "output_tokens": 9}
    options = {"stream_options": {"include_usage": True}}
    answer = ask(replayer, CLAUDE, *sse(*events), stream=True, **options)
    usage = client.read(answer, "chat", True, usage_asked=True).usage
    assert (usage.prompt, usage.cached, usage.completion) == (125, 100, 9)


def test_bedrock_usage_in_camel_case_is_read(replayer):
    body = answers.bedrock_whole(Said("x"))
    body["usage"] |= {"cacheReadInputTokens": 30, "cacheWriteInputTokens": 2, "totalTokens": 999}
    usage = ask(replayer, MODELS["bedrock"], json_steps(body)).json()["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (43, 7, 50)
    assert usage["prompt_tokens_details"]["cached_tokens"] == 30


def test_usage_that_only_remora_asked_for_is_removed(replayer):
    answer = ask(replayer, "openai/gpt-4o", *answers.steps("openai", Said("One two"), streamed=True), stream=True)
    assert json.loads(replayer.upstream.last.body)["stream_options"] == {"include_usage": True}
    payloads = [each for each in answer.body.decode().split("\n\n") if each and "[DONE]" not in each]
    assert payloads and not any('"usage":{' in each.replace(" ", "") for each in payloads)


@every_dialect
def test_a_cancelled_stream_is_counted(replayer, dialect):
    """Its durations and its end are in the metrics, though nobody heard the end."""
    events = answers.events_of(dialect, Said("One two three"))
    name = "remora_request_duration_seconds_count"
    before = replayer.proxy.total(name, provider=MODELS[dialect].split("/")[0])
    replayer.upstream.reply(answers.stream_head(dialect), *map(chunk, events[:-3]), Gate())
    with replayer.proxy.connect() as peer:
        peer.send(post_json("/v1/chat/completions", {"model": MODELS[dialect], **CHAT, "stream": True}))
        answer = peer.head()
        peer.body_until(answer, b"One")
    deadline = time.monotonic() + 5
    while replayer.proxy.total(name, provider=MODELS[dialect].split("/")[0]) <= before:
        assert time.monotonic() < deadline, "the cancelled stream was never counted"


# Requests.


@every_dialect
def test_no_limit_of_a_few_tokens_is_made_up(replayer, dialect):
    _, request = send(replayer, dialect, CHAT)
    native = json.loads(request.body)
    limits = [
        native.get("max_tokens"),
        (native.get("generationConfig") or {}).get("maxOutputTokens"),
        (native.get("inferenceConfig") or {}).get("maxTokens"),
        (native.get("options") or {}).get("num_predict"),
    ]
    assert all(limit is None or limit >= 4096 for limit in limits), limits


@every_dialect
def test_every_system_message_is_kept_not_only_the_last(replayer, dialect):
    system = [{"role": "system", "content": f"rule {number}"} for number in range(3)]
    _, request = send(replayer, dialect, {"messages": [*system, matrix.USER]})
    text = request.body.decode()
    assert text.index("rule 0") < text.index("rule 1") < text.index("rule 2")


@pytest.mark.parametrize("dialect", ["gemini", "vertex"])
def test_gemini_results_carry_their_functions_name_and_calls_their_arguments(replayer, dialect):
    _, request = send(replayer, dialect, matrix.PARALLEL)
    parts = [part for content in json.loads(request.body)["contents"] for part in content["parts"]]
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    results = [part["functionResponse"] for part in parts if "functionResponse" in part]
    assert [(each["name"], each["args"]) for each in calls] == [
        (f"look_{name}", {"city": name}) for name in ("a", "b", "c")
    ]
    assert [each["name"] for each in results] == ["look_a", "look_b", "look_c"]
    assert "sun in a" in json.dumps(results[0]["response"])


def test_cohere_tool_history_is_kept(replayer):
    _, request = send(replayer, "cohere", matrix.PARALLEL)
    messages = json.loads(request.body)["messages"]
    assert len(messages[1]["tool_calls"]) == 3
    results = {each["tool_call_id"]: json.dumps(each["content"]) for each in messages if each["role"] == "tool"}
    assert "sun in a" in results["call_a"] and len(results) == 3


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [("auto", None), ("required", "REQUIRED"), ("none", "NONE"),
     ({"type": "function", "function": {"name": "two"}}, "REQUIRED")],
)  # fmt: skip
def test_cohere_auto_is_not_required_and_required_is_not_dropped(replayer, choice, wanted):
    tools = [matrix.tool("one"), matrix.tool("two")]
    _, request = send(replayer, "cohere", {**CHAT, "tools": tools, "tool_choice": choice})
    native = json.loads(request.body)
    assert native.get("tool_choice") == wanted
    if isinstance(choice, dict):
        assert [each["function"]["name"] for each in native["tools"]] == ["two"]


def test_cohere_response_format_is_not_dropped(replayer):
    _, request = send(replayer, "cohere", {**CHAT, **matrix.SETTINGS["json schema"]})
    form = json.loads(request.body)["response_format"]
    assert form["type"] == "json_object" and form["json_schema"]["properties"]


def test_a_tool_without_schema_gets_one_where_the_provider_wants_it(replayer):
    _, request = send(replayer, "anthropic", {**CHAT, "tools": [matrix.tool("bare", "Bare", None)]})
    assert json.loads(request.body)["tools"][0]["input_schema"]["type"] == "object"


def test_unknown_members_reach_a_provider_of_openais_format(replayer):
    extra = {"top_k": 4, "a_new_member": {"deep": [1, 2.50, None]}, "min_p": 0.1}
    ask(replayer, "openai/gpt-4o", *answers.steps("openai", Said("x"), streamed=False), **extra)
    native = json.loads(replayer.upstream.last.body)
    assert {key: native[key] for key in extra} == extra


@every_dialect
def test_the_key_is_never_in_the_url(replayer, dialect):
    _, request = send(replayer, dialect, CHAT)
    assert "key=" not in request.target and "canary" not in request.target


@every_dialect
def test_nothing_of_remoras_own_leaks_to_the_provider(replayer, dialect):
    answer, request = send(replayer, dialect, {**CHAT, "customer_identifier": "cust-1", "x_remora": {"a": 1}})
    assert answer.status == 200
    assert "cust-1" not in request.body.decode() and "x_remora" not in request.body.decode()
    assert not [name for name in request.names if name.startswith("x-remora")]


# Time.


def test_groq_streams_and_does_not_wait_for_the_whole(replayer):
    """An event leaves before the next has come, also where tools or a schema are asked for."""
    events = answers.events_of("groq", Said("One two three"))
    gate = Gate()
    replayer.upstream.reply(
        answers.stream_head("groq"), *map(chunk, events[:3]), gate, *map(chunk, events[3:]), LAST_CHUNK
    )
    body = {"model": "groq/llama-3.3-70b", **CHAT, "stream": True, "tools": [matrix.tool("look_up")]}
    with replayer.proxy.connect() as peer:
        peer.send(post_json("/v1/chat/completions", body))
        answer = peer.head()
        peer.body_until(answer, b"One")
        gate.open()
        peer.body_until(answer, b"[DONE]")
    assert json.loads(replayer.upstream.last.body)["stream"] is True


@every_dialect
def test_no_delay_is_put_between_events(replayer, dialect):
    """Four hundred events, that all are there, take no time each."""
    said = Said("word " * 400)
    began = time.monotonic()
    got = streamed(replayer, dialect, said)
    assert got.choice().text == said.text
    assert time.monotonic() - began < 4 * SLOWER, "something waits between events"


def test_a_timeout_covers_the_body_too(start_remora, start_upstream, authority, tmp_path):
    """A provider that goes silent in the middle of its stream: the client is told."""
    server = start_upstream()
    server.reply(*sse(*anthropic_events(Said("One two"))[:4])[:-1], STALL)
    key = tmp_path / "key"
    key.write_text("a-key-for-this-test-alone")
    provider = {
        "kind": "anthropic",
        "base_url": server.origin,
        "api_key": {"file": str(key)},
        "tls": {"ca_file": str(authority.ca_file)},
        "timeouts": {"idle": "500ms"},
    }
    proxy = start_remora(server, whole={"providers": {"anthropic": provider}})
    with proxy.connect() as peer:
        answer = peer.ask(post_json("/v1/chat/completions", {"model": CLAUDE, **CHAT, "stream": True}))
    got = client.read(answer, "chat", True)
    assert got.failure is not None and got.choice().text.startswith("One")
