"""Answers that are rare but real, written by hand from the providers' descriptions, and compared like recorded ones."""

from __future__ import annotations

import json

import pytest
from replay import anthropic, bedrock, client, cohere, gemini, ollama, serving
from replay.framing import aws_event
from replay.reading import Failure, Reading
from test_replay_recordings import PATHS, ask, compare
from test_replay_requests import MODELS
from wire import LAST_CHUNK, chunk

pytestmark = pytest.mark.proxy

# Anthropic

USAGE = {"input_tokens": 10, "output_tokens": 5}


def message(*content: dict, reason: str | None = "end_turn", **rest) -> dict:
    base = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "stop_sequence": None}
    return {**base, "content": list(content), "stop_reason": reason, "usage": USAGE, **rest}


def text(value: str, **rest) -> dict:
    return {"type": "text", "text": value, **rest}


SERVER_USE = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
SERVER_RESULT = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
USE = {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {"a": 1}}
CITATION = {"type": "char_location", "cited_text": "x", "document_index": 0, "start_char_index": 0, "end_char_index": 1}

ANTHROPIC_WHOLE = {
    "no content": message(),
    "empty text": message(text("")),
    "pause": message(text("Wait."), reason="pause_turn"),
    "window exceeded": message(text("Too"), reason="model_context_window_exceeded"),
    "stop sequence": message(text("Up to here"), reason="stop_sequence", stop_sequence="END"),
    "a reason of tomorrow": message(text("Hm"), reason="a_new_reason"),
    "redacted thinking": message({"type": "redacted_thinking", "data": "c2VjcmV0"}, text("Four.")),
    "two thoughts": message(
        {"type": "thinking", "thinking": "One. ", "signature": "YQ=="},
        {"type": "thinking", "thinking": "Two.", "signature": "Yg=="},
        text("Three."),
    ),
    "an empty thought": message({"type": "thinking", "thinking": "", "signature": "YQ=="}, text("x")),
    "searched at the provider": message(text("Let me see. "), SERVER_USE, SERVER_RESULT, text("Found.")),
    "citations": message(text("As written", citations=[CITATION]), text(".")),
    "a block of tomorrow": message({"type": "hologram", "data": [1, {"text": "no"}]}, text("Seen.")),
    "a call that ends its turn": message(USE, reason="end_turn"),
    "a cut call": message(USE, reason="max_tokens"),
    "a refusal with words": message(
        text("I"), reason="refusal", stop_details={"type": "refusal", "category": "x", "explanation": "Not this."}
    ),
    "null counts": message(
        text("x"), usage={**USAGE, "cache_read_input_tokens": None, "cache_creation_input_tokens": None}
    ),
    "all counts": message(
        text("x"),
        usage={
            **USAGE,
            "cache_read_input_tokens": 7,
            "cache_creation_input_tokens": 3,
            "cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 2},
            "output_tokens_details": {"thinking_tokens": 2},
        },
    ),
}


def started(*events: dict, usage: dict | None = None) -> list[dict]:
    begin = {**message(), "stop_reason": None, "usage": usage or {**USAGE, "output_tokens": 1}}
    return [{"type": "message_start", "message": begin}, *events]


def block(index: int, begin: dict, *deltas: dict) -> list[dict]:
    return [
        {"type": "content_block_start", "index": index, "content_block": begin},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def ended(reason: str = "end_turn", usage: dict | None = None, **rest) -> list[dict]:
    said = {} if usage is None else {"usage": usage}
    return [{"type": "message_delta", "delta": {"stop_reason": reason, **rest}, **said}, {"type": "message_stop"}]


def said(value: str) -> dict:
    return {"type": "text_delta", "text": value}


ANTHROPIC_STREAMS = {
    "nothing": [*started(), *ended(usage={"output_tokens": 1})],
    "text in the block's start": [*started(*block(0, text("Al"), said("l"))), *ended()],
    "arguments in the block's start": [*started(*block(0, USE)), *ended("tool_use")],
    "arguments in the block's start and in pieces": [
        *started(*block(0, USE, {"type": "input_json_delta", "partial_json": '{"a":'}, {"type": "input_json_delta", "partial_json": "1}"})),
        *ended("tool_use"),
    ],
    "a call's block that isn't closed": [*started(*block(0, {**USE, "input": {}})[:-1]), *ended("tool_use")],
    "no arguments": [*started(*block(0, {**USE, "input": {}})), *ended("tool_use")],
    "empty pieces": [
        *started(
            *block(
                0,
                {**USE, "input": {}},
                *({"type": "input_json_delta", "partial_json": each} for each in ("", '{"a"', "", ":1}", "")),
            )
        ),
        *ended("tool_use"),
    ],
    "blocks from another index": [*started(*block(3, text(""), said("One")), *block(7, {**USE, "input": {}})), *ended()],
    "citations": [
        *started(*block(0, text(""), said("As"), {"type": "citations_delta", "citation": CITATION}, said(" is."))),
        *ended(),
    ],
    "a delta of tomorrow": [*started(*block(0, text(""), {"type": "new_delta", "text": "no"}, said("yes"))), *ended()],
    "searched at the provider": [
        *started(
            *block(0, {**SERVER_USE, "input": {}}, {"type": "input_json_delta", "partial_json": '{"query":"x"}'}),
            *block(1, SERVER_RESULT),
            *block(2, text(""), said("Found.")),
        ),
        *ended(),
    ],
    "redacted thinking": [
        *started(*block(0, {"type": "redacted_thinking", "data": "c2VjcmV0"}), *block(1, text(""), said("Four."))),
        *ended(),
    ],
    "counts only at the start": [*started(*block(0, text(""), said("x")), usage=USAGE), *ended()],
    "counts that repeat": [
        *started(*block(0, text(""), said("x")), usage={**USAGE, "cache_read_input_tokens": 4}),
        *ended(usage={"input_tokens": 10, "cache_read_input_tokens": 4, "output_tokens": 9}),
    ],
    "counts of null": [
        *started(*block(0, text(""), said("x"))),
        *ended(usage={"input_tokens": None, "cache_read_input_tokens": None, "output_tokens": 9}),
    ],
    "a refusal": [
        *started(*block(0, text(""), said("I"))),
        *ended("refusal", stop_details={"type": "refusal", "category": "x", "explanation": "Not this."}),
    ],
}

# Gemini

COUNTS = {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}


def candidate(*parts: dict, reason: str | None = "STOP", index: int = 0, **rest) -> dict:
    made: dict = {"index": index, "content": {"role": "model", "parts": list(parts)}, **rest}
    return {**made, "finishReason": reason} if reason else made


def candidates(*made: dict, **rest) -> dict:
    return {"candidates": list(made), "usageMetadata": COUNTS, "modelVersion": "gemini-x", "responseId": "r1", **rest}


CALL = {"functionCall": {"name": "look_up", "args": {"a": 1}}}

GEMINI_WHOLE = {
    "two candidates": candidates(candidate({"text": "one"}), candidate({"text": "two"}, index=1, reason="MAX_TOKENS")),
    "no content": candidates({"index": 0, "finishReason": "STOP"}),
    "no parts": candidates({"index": 0, "content": {"role": "model"}, "finishReason": "MAX_TOKENS"}),
    "no index": candidates({"content": {"parts": [{"text": "x"}]}, "finishReason": "STOP"}),
    "a blocked prompt": {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 4}},
    **{
        reason: candidates(candidate({"text": "x"}, reason=reason))
        for reason in ("RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "OTHER")
    },
    **{
        reason: candidates(candidate(reason=reason, finishMessage="Bad call"))
        for reason in ("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS")
    },
    "a reason of tomorrow": candidates(candidate({"text": "x"}, reason="A_NEW_REASON")),
    "a call with an id": candidates(candidate({"functionCall": {**CALL["functionCall"], "id": "fc-1"}})),
    "a call without arguments": candidates(candidate({"functionCall": {"name": "look_up"}})),
    "calls with thoughts": candidates(
        candidate({"text": "Hm.", "thought": True}, {**CALL, "thoughtSignature": "c2ln"}, CALL)
    ),
    "code that ran there": candidates(
        candidate(
            {"executableCode": {"language": "PYTHON", "code": "1"}},
            {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
            {"text": "One."},
        )
    ),
    "counts of tools and thoughts": candidates(
        candidate({"text": "x"}),
        usageMetadata={
            "promptTokenCount": 10,
            "toolUsePromptTokenCount": 3,
            "cachedContentTokenCount": 4,
            "candidatesTokenCount": 5,
            "thoughtsTokenCount": 6,
            "totalTokenCount": 24,
        },
    ),
    "a part of tomorrow": candidates(candidate({"hologram": {"text": "no"}}, {"text": "yes"})),
    "an empty part": candidates(candidate({}, {"text": ""}, {"text": "x"})),
}
GEMINI_STREAMS = {
    "a reason without content": [candidates(candidate({"text": "x"}, reason=None)), candidates({"index": 0, "finishReason": "STOP"})],
    "a call, then a stop": [candidates(candidate(CALL, reason=None)), candidates(candidate({"text": ""}))],
    "two calls in two events": [candidates(candidate(CALL, reason=None)), candidates(candidate(CALL))],
    "candidates in turn": [
        candidates(candidate({"text": "a"}, reason=None)),
        candidates(candidate({"text": "b"}, index=1, reason=None)),
        candidates(candidate({"text": "c"})),
        candidates(candidate({"text": "d"}, index=1)),
    ],
    "counts that grow": [
        candidates(candidate({"text": "x"}, reason=None), usageMetadata={**COUNTS, "candidatesTokenCount": 1}),
        candidates(candidate({"text": "y"})),
    ],
    "a blocked prompt": [{"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 4}}],
    "counts behind the end": [candidates(candidate({"text": "x"}), usageMetadata=None), {"usageMetadata": COUNTS}],
    "a malformed call": [candidates(candidate({"text": "x"}, reason=None)), candidates(candidate(reason="MALFORMED_FUNCTION_CALL"))],
}

# Bedrock


def converse(*content: dict, reason: str = "end_turn", **rest) -> dict:
    usage = {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15}
    return {"output": {"message": {"role": "assistant", "content": list(content)}}, "stopReason": reason, "usage": usage, **rest}


BEDROCK_WHOLE = {
    "no content": converse(),
    "redacted": converse({"reasoningContent": {"redactedContent": "c2VjcmV0"}}, {"text": "x"}),
    "unsigned reasoning": converse({"reasoningContent": {"reasoningText": {"text": "Hm."}}}, {"text": "x"}),
    "citations": converse({"citationsContent": {"content": [{"text": "As "}, {"text": "is."}], "citations": []}}),
    "filtered": converse({"text": "x"}, reason="content_filtered"),
    "window exceeded": converse({"text": "x"}, reason="model_context_window_exceeded"),
    "malformed output": converse({"text": "x"}, reason="malformed_model_output"),
    "malformed use": converse(reason="malformed_tool_use"),
    "a reason of tomorrow": converse({"text": "x"}, reason="a_new_reason"),
    "a block of tomorrow": converse({"hologram": {"text": "no"}}, {"text": "yes"}),
    "a tool that ran there": converse(
        {"toolUse": {"toolUseId": "t1", "name": "nova_grounding", "input": {}, "type": "server_tool_use"}},
        {"toolResult": {"toolUseId": "t1", "content": [{"text": "hidden"}], "type": "nova_grounding_result"}},
        {"text": "Found."},
    ),
    "cached": converse(
        {"text": "x"},
        usage={"inputTokens": 1, "outputTokens": 2, "totalTokens": 33, "cacheReadInputTokens": 20, "cacheWriteInputTokens": 10},
    ),
}


def frames(*events: tuple[str, dict]) -> bytes:
    return b"".join(aws_event(kind, payload) for kind, payload in events)


START = ("messageStart", {"role": "assistant"})
META = ("metadata", {"usage": {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15}, "metrics": {"latencyMs": 1}})


def piece(index: int, **delta) -> tuple[str, dict]:
    return ("contentBlockDelta", {"contentBlockIndex": index, "delta": delta})


def stop(reason: str) -> tuple[str, dict]:
    return ("messageStop", {"stopReason": reason})


BEDROCK_STREAMS = {
    "nothing": frames(START, stop("end_turn"), META),
    "no arguments": frames(
        START,
        ("contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "t1", "name": "f"}}}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        stop("tool_use"),
        META,
    ),
    "redacted": frames(
        START, piece(0, reasoningContent={"redactedContent": "c2VjcmV0"}), piece(1, text="x"), stop("end_turn"), META
    ),
    "citations": frames(START, piece(0, text="As is."), piece(0, citation={"title": "x"}), stop("end_turn"), META),
    "a guardrail": frames(START, piece(0, text="Blocked."), stop("guardrail_intervened"), META),
    "malformed": frames(START, piece(0, text="x"), stop("malformed_model_output"), META),
}

# Cohere and Ollama

BILLED = {"billed_units": {"input_tokens": 1.0}, "tokens": {"input_tokens": 10.0, "output_tokens": 5.0}, "cached_tokens": 3.0}


def v2(reason: str = "COMPLETE", **message_members) -> dict:
    return {"id": "c1", "finish_reason": reason, "message": {"role": "assistant", **message_members}, "usage": BILLED}


COHERE_CALL = {"id": "look_up_1", "type": "function", "function": {"name": "look_up", "arguments": '{"a": 1}'}}
COHERE_WHOLE = {
    "no content": v2(),
    "a plan and a call": v2("TOOL_CALL", tool_plan="I will look.", tool_calls=[COHERE_CALL]),
    "thinking": v2(content=[{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "x"}]),
    "citations": v2(content=[{"type": "text", "text": "As is."}], citations=[{"start": 0, "end": 2, "text": "As"}]),
    "stop sequence": v2("STOP_SEQUENCE", content=[{"type": "text", "text": "x"}]),
    "error": v2("ERROR", content=[{"type": "text", "text": "x"}]),
    "timeout": v2("TIMEOUT"),
    "a call without arguments": v2(
        "TOOL_CALL", tool_calls=[{**COHERE_CALL, "function": {"name": "look_up", "arguments": ""}}]
    ),
}


def local(message_members: dict, **rest) -> dict:
    end = {"done": True, "done_reason": "stop", "prompt_eval_count": 10, "eval_count": 5}
    return {"model": "q", "created_at": "2026-01-02T03:04:05Z", "message": {"role": "assistant", **message_members}, **end, **rest}


LOCAL_CALL = {"function": {"name": "look_up", "arguments": {"a": 1, "deep": {"b": [1.5, None]}}}}
OLLAMA_WHOLE = {
    "no content": local({"content": ""}),
    "thinking": local({"content": "x", "thinking": "Hm."}),
    "calls": local({"content": "", "tool_calls": [LOCAL_CALL, LOCAL_CALL]}),
    "a call with an id": local({"content": "", "tool_calls": [{"id": "call_x1", **LOCAL_CALL}]}),
    "a cached prompt": {key: value for key, value in local({"content": "x"}).items() if key != "prompt_eval_count"},
    "no reason": {key: value for key, value in local({"content": "x"}).items() if key != "done_reason"},
    "length": local({"content": "x"}, done_reason="length"),
}
OLLAMA_STREAMS = {
    "a call, then a stop": [local({"content": "", "tool_calls": [LOCAL_CALL]}, done=False), local({"content": ""})],
    "thinking and words": [local({"content": "", "thinking": "Hm."}, done=False), local({"content": "x"}, done=False), local({"content": ""})],
}

WHOLES = {"anthropic": ANTHROPIC_WHOLE, "gemini": GEMINI_WHOLE, "vertex": GEMINI_WHOLE, "bedrock": BEDROCK_WHOLE,
          "cohere": COHERE_WHOLE, "ollama": OLLAMA_WHOLE}  # fmt: skip
STREAMS = {"anthropic": ANTHROPIC_STREAMS, "gemini": GEMINI_STREAMS, "vertex": GEMINI_STREAMS, "bedrock": BEDROCK_STREAMS,
           "ollama": OLLAMA_STREAMS}  # fmt: skip
READERS = {"anthropic": anthropic, "gemini": gemini, "vertex": gemini, "bedrock": bedrock, "cohere": cohere, "ollama": ollama}


def listed(table: dict[str, dict]):
    return pytest.mark.parametrize(("dialect", "name"), [(one, name) for one in table for name in table[one]])


def asked(dialect: str, **members) -> dict:
    return {"model": MODELS[dialect], "messages": [{"role": "user", "content": "Hello"}], **members}


@listed(WHOLES)
def test_whole(replayer, dialect, name):
    body = json.dumps(WHOLES[dialect][name])
    wanted = READERS[dialect].whole(body)
    replayer.upstream.reply(serving.head(200, {"Content-Type": "application/json"}, len(body)) + body.encode())
    answer = ask(replayer, asked(dialect, n=len(wanted.choices)) if len(wanted.choices) > 1 else asked(dialect), PATHS["chat"])
    check(client.read(answer, "chat", False), wanted)


@listed(STREAMS)
def test_stream(replayer, dialect, name):
    made = STREAMS[dialect][name]
    if dialect == "bedrock":
        data, wanted = made, bedrock.stream(made)
    elif dialect == "ollama":
        data = "".join(json.dumps(each) + "\n" for each in made).encode()
        wanted = ollama.stream(data.decode())
    else:
        data = "".join(f"data: {json.dumps(each)}\n\n" for each in made).encode()
        wanted = READERS[dialect].stream(data.decode())
    kind = {"bedrock": "application/vnd.amazon.eventstream", "ollama": "application/x-ndjson"}.get(dialect, "text/event-stream")
    several = {"n": len(wanted.choices)} if len(wanted.choices) > 1 else {}
    for pieces in ([chunk(data), LAST_CHUNK], serving.pieces(data, "bytes"), serving.pieces(data, "random:9")):
        replayer.upstream.reply(serving.head(200, {"Content-Type": kind}, None), *pieces)
        body = asked(dialect, stream=True, stream_options={"include_usage": True}, **several)
        check(client.read(ask(replayer, body, PATHS["chat"]), "chat", True, usage_asked=True), wanted)


def check(got: Reading, wanted: Reading) -> None:
    if wanted.failure is not None:
        assert got.failure is not None, "a failure came through as an answer"
        wanted.failure = Failure(got.failure.status if got.failure.status == 200 else wanted.failure.status, "")
    if wanted.usage.prompt is None and got.usage.prompt == 0:
        # OpenAI's format has no word for a number that isn't known.
        got.usage.prompt = None
    assert compare(got, wanted, True) == []
