"""What a chat's answer says beside its text, told in the other formats: probabilities, tiers, names in pieces, choices."""

from __future__ import annotations

import json

import openai
import pytest
from collector import Collector
from remora import PROMPT
from test_as_chats import ASKS, MESSAGES, RESPONSES, begin, piece, proxy, stream, whole  # noqa: F401
from upstream import CLOSE
from wire import LAST_CHUNK, SSE_HEAD, event, json_answer, post_json, sse_data

pytestmark = pytest.mark.proxy

either = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])


def events(body: bytes) -> list[dict]:
    return [json.loads(each) for each in sse_data(body) if each != "[DONE]"]


def token(text: str, *others: str) -> dict:
    def said(each):
        return {"token": each, "logprob": -0.5, "bytes": list(each.encode())}

    return {**said(text), "top_logprobs": [said(each) for each in (text, *others)]}


# Probabilities

TOKENS = [token("Hé", "Hi"), token('"'), token("llo")]


def with_logprobs(streamed: bool) -> bytes:
    if not streamed:
        said = whole('Hé"llo')
        said["choices"][0]["logprobs"] = {"content": TOKENS, "refusal": None}
        return json_answer(said)
    chunks = []
    for each in TOKENS:
        chunk = piece({"content": each["token"]})
        chunk["choices"][0]["logprobs"] = {"content": [each], "refusal": None}
        chunks.append(event(chunk))
    return SSE_HEAD + b"".join(chunks) + event(piece({}, "stop")) + event("[DONE]") + LAST_CHUNK


@either
@pytest.mark.parametrize("asked", [{"top_logprobs": 2}, {"include": ["message.output_text.logprobs"], "top_logprobs": 2}])
def test_probabilities_of_a_responses_tokens(proxy, upstream, streamed, asked):
    upstream.reply(with_logprobs(streamed))
    answer = proxy.ask(post_json(RESPONSES, {**ASKS[RESPONSES], **asked, "stream": streamed}))
    assert answer.status == 200 and answer.get("x-remora-dropped") is None
    sent = upstream.last.json()
    assert (sent["logprobs"], sent["top_logprobs"]) == (True, 2)
    said = answer.json() if not streamed else events(answer.body)[-1]["response"]
    part = said["output"][0]["content"][0]
    assert (part["text"], part["logprobs"], said["top_logprobs"]) == ('Hé"llo', TOKENS, 2)
    if streamed:
        told = events(answer.body)
        assert [each["logprobs"] for each in told if each["type"] == "response.output_text.delta"] == [[each] for each in TOKENS]
        assert next(each for each in told if each["type"] == "response.output_text.done")["logprobs"] == TOKENS
        assert next(each for each in told if each["type"] == "response.content_part.done")["part"]["logprobs"] == TOKENS


def test_probabilities_that_nobody_asked_for(proxy, upstream):
    upstream.reply(json_answer(whole()))
    assert proxy.ask(post_json(RESPONSES, {**ASKS[RESPONSES], "top_logprobs": 0, "include": []})).status == 200
    assert not {"logprobs", "top_logprobs"} & set(upstream.last.json())
    for wrong in (21, -1, "a", 1.5):
        got = proxy.ask(post_json(RESPONSES, {**ASKS[RESPONSES], "top_logprobs": wrong}))
        assert (got.status, got.error["param"]) == (400, "top_logprobs")


def test_probabilities_that_a_provider_has_no_word_for(begin, upstream):
    proxy = begin("anthropic")
    upstream.reply(json_answer({"type": "message", "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 1}}))
    got = proxy.ask(post_json(RESPONSES, {**ASKS[RESPONSES], "top_logprobs": 2}))
    assert got.status == 200 and "top_logprobs" in got.get("x-remora-dropped")


@either
def test_probabilities_of_a_completions_tokens(start_remora, upstream, streamed, sdk):
    """The mock gives what it is asked for, in a chat's form; a completion has lists."""
    proxy = start_remora(whole={"providers": {"mock": {}}, "default_provider": "mock"})
    said = sdk(proxy).completions.create(model="m", prompt=PROMPT, logprobs=1, stream=streamed)
    chunks = [each.choices[0] for each in said] if streamed else [said.choices[0]]
    lists = [each.logprobs for each in chunks if each.logprobs]
    text = "".join(each.text for each in chunks)
    tokens = [each for some in lists for each in some.tokens]
    assert text and "".join(tokens) == text
    assert [each for some in lists for each in some.token_logprobs] == [-0.25] * len(tokens)
    assert [each for some in lists for each in some.top_logprobs] == [{each: -0.25} for each in tokens]
    offsets = [each for some in lists for each in some.text_offset]
    assert [text[at:].startswith(each) for at, each in zip(offsets, tokens)] == [True] * len(tokens)


# Several answers


@either
@pytest.mark.parametrize("best", [{}, {"best_of": 2}])
def test_two_completions(start_remora, sdk, streamed, best):
    proxy = start_remora(whole={"providers": {"mock": {}}, "default_provider": "mock"})
    said = sdk(proxy).completions.create(model="m", prompt=PROMPT, n=2, stream=streamed, **best)
    texts, reasons = {}, {}
    for each in said if streamed else [said]:
        for choice in each.choices:
            texts[choice.index] = texts.get(choice.index, "") + choice.text
            reasons[choice.index] = choice.finish_reason or reasons.get(choice.index)
    assert PROMPT in texts[0] and texts[0] == texts[1] and reasons == {0: "stop", 1: "stop"}


def test_choices_that_a_provider_has_not(begin, upstream):
    got = begin("anthropic").ask(post_json("/v1/completions", {**ASKS["/v1/completions"], "n": 2}))
    assert (got.status, got.error["param"]) == (400, "n") and not upstream.requests


# How urgently


@either
def test_the_tier_is_the_providers(proxy, upstream, streamed):
    chunks = [{**each, "service_tier": "flex"} for each in (piece({"content": "a"}), piece({}, "stop"))]
    answer = SSE_HEAD + b"".join(map(event, chunks)) + event("[DONE]") + LAST_CHUNK
    upstream.reply(answer if streamed else json_answer({**whole(), "service_tier": "flex"}))
    got = proxy.ask(post_json(RESPONSES, {**ASKS[RESPONSES], "stream": streamed}))
    said = got.json() if not streamed else events(got.body)[-1]["response"]
    assert said["service_tier"] == "flex"


def test_the_tier_of_a_dialect(begin, upstream):
    proxy = begin("anthropic")
    for theirs, ours in (("priority", "priority"), ("standard", "default")):
        usage = {"input_tokens": 1, "output_tokens": 1, "service_tier": theirs}
        upstream.reply(json_answer({"type": "message", "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn", "usage": usage}))
        assert proxy.ask(post_json(RESPONSES, ASKS[RESPONSES])).json()["service_tier"] == ours


# Names in pieces


def test_a_name_without_an_end_is_cut(proxy, upstream):
    """What is held of one has a ceiling, whatever a provider sends."""
    names = ["a" * 600, "b" * 400, "c" * 600, "d" * 600]
    calls = [{"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": each}}]} for each in names]
    rest = {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}
    upstream.reply(stream(*calls, rest, finish="tool_calls"))
    told = events(proxy.ask(post_json(MESSAGES, {**ASKS[MESSAGES], "stream": True})).body)
    (name,) = [each["content_block"]["name"] for each in told if each["type"] == "content_block_start"]
    assert name == "a" * 600 + "b" * 400


@pytest.mark.parametrize("path", [MESSAGES, RESPONSES])
@pytest.mark.parametrize("kind", ["openai", "openai_compatible"])
def test_a_name_in_pieces_is_one(begin, upstream, path, kind):
    def call(name, arguments="", **more):
        return {"tool_calls": [{"index": 0, **more, "function": {"name": name, "arguments": arguments}}]}

    first = call("read_", id="c", type="function")
    rest = {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}
    second = {"tool_calls": [{"index": 1, "id": "d", "type": "function", "function": {"name": "list", "arguments": "{}"}}]}
    upstream.reply(stream(first, call("file"), rest, second, finish="tool_calls"))
    got = begin(kind, responses="translated").ask(post_json(path, {**ASKS[path], "stream": True}))
    told = events(got.body)
    if path == MESSAGES:
        names = [each["content_block"]["name"] for each in told if each["type"] == "content_block_start"]
    else:
        names = [each["name"] for each in told[-1]["response"]["output"]]
    assert names == ["read_file", "list"]


# Each of an answer's ways


@pytest.mark.parametrize("path", [MESSAGES, RESPONSES])
@pytest.mark.parametrize("kind", ["openai", "openai_compatible"])
def test_the_other_way_than_was_asked(begin, upstream, path, kind):
    """A stream where a whole answer was asked for, and a whole answer where a stream was; usage is told of both."""
    proxy = begin(kind, responses="translated")
    upstream.reply(json_answer(whole("Hello")))
    got = proxy.ask(post_json(path, {**ASKS[path], "stream": True}))
    assert got.status == 200 and got.get("content-type").startswith("text/event-stream")
    told = events(got.body)
    end = told[-1]["response"]["usage"] if path == RESPONSES else told[-2]["usage"]
    assert end["output_tokens"] == 1 and b"Hello" in got.body
    upstream.reply(stream({"content": "Hel"}, {"content": "lo"}))
    got = proxy.ask(post_json(path, ASKS[path]))
    assert got.status == 200 and b"Hello" in got.body and got.json()


@pytest.mark.parametrize("path", [MESSAGES, RESPONSES])
@pytest.mark.parametrize("kind", ["openai", "openai_compatible"])
def test_an_error_in_a_stream(begin, upstream, path, kind):
    error = {"error": {"message": "It broke.", "type": "server_error", "param": None, "code": None}}
    upstream.reply(SSE_HEAD + event(piece({"content": "Hel"})) + event(error) + LAST_CHUNK)
    got = begin(kind, responses="translated").ask(post_json(path, {**ASKS[path], "stream": True}))
    told = events(got.body)
    assert "It broke." in json.dumps(told) and b"Hel" in got.body
    assert told[-1]["type"] == ("error" if path == MESSAGES else "response.failed")


def test_the_sdk_reads_all_of_it(proxy, upstream, sdk):
    upstream.reply(with_logprobs(True))
    client: openai.OpenAI = sdk(proxy)
    with client.responses.stream(model="m", input=PROMPT, include=["message.output_text.logprobs"], top_logprobs=2) as told:
        text = "".join(each.delta for each in told if each.type == "response.output_text.delta")
        said = told.get_final_response()
    assert text == said.output_text == 'Hé"llo'
    assert [each.token for each in said.output[0].content[0].logprobs] == ["Hé", '"', "llo"]


@pytest.mark.parametrize("kind, dropped", [("openai_compatible", None), ("gemini", None), ("cohere", "service_tier")])
def test_a_tier_that_is_asked_for(begin, upstream, kind, dropped):
    proxy = begin(kind)
    upstream.reply(json_answer({}))
    got = proxy.ask(post_json(RESPONSES, {**ASKS[RESPONSES], "service_tier": "flex"}))
    sent = upstream.last.body.decode().lower()
    assert ("flex" in sent) == (dropped is None) and got.status == 502


# What was counted of another answer


@pytest.mark.parametrize("path", [MESSAGES, RESPONSES])
@pytest.mark.parametrize("second", ["cut", "error"])
def test_an_answer_that_fails_has_no_tokens_of_the_one_before(proxy, upstream, path, second):
    said = {**whole("Hi"), "usage": {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}}
    upstream.reply(json_answer(said))
    assert proxy.ask(post_json(path, ASKS[path])).status == 200
    if second == "cut":
        upstream.reply(json_answer(said)[:-40], CLOSE)
    else:
        upstream.reply(json_answer({"error": {"message": "no", "type": "server_error"}}))
    assert proxy.ask(post_json(path, ASKS[path])).status >= 400
    first, line = proxy.access_log(2)
    # What its own prompt may have taken is a guess.
    assert first["tokens_in"] == 1000 and line.get("tokens_in", 0) < 100 and line.get("tokens_out", 0) < 100, line


# What a trace says of an answer that is told to blocks


def test_a_trace_names_the_answer_of_another_format(start_remora, upstream, tmp_path, request):
    collector = Collector(tmp_path, "200")
    request.addfinalizer(collector.stop)
    changes = {"telemetry": {"otlp": {"endpoint": collector.url}}}
    proxy = start_remora(
        upstream, changes, provider={"kind": "anthropic", "base_url": upstream.origin}, env={"OTEL_BSP_SCHEDULE_DELAY": "50"}
    )
    said = {"id": "msg_told", "type": "message", "role": "assistant", "model": "claude-told", "stop_reason": "end_turn",
            "content": [{"type": "text", "text": "Hi"}], "usage": {"input_tokens": 1, "output_tokens": 1}}  # fmt: skip
    upstream.reply(json_answer(said))
    assert proxy.ask(post_json(RESPONSES, {"model": "claude-sonnet-5", "input": PROMPT})).status == 200
    (call,) = [each for each in collector.spans(2) if each["kind"] == "SPAN_KIND_CLIENT"]
    named = call["attributes"]
    assert (named["gen_ai.response.id"], named["gen_ai.response.model"]) == ("msg_told", "claude-told")
