"""Writes answers in each provider's own format: what a scripted provider says."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field

from wire import LAST_CHUNK, chunk

from .framing import aws_event
from .serving import head

ID = "msg_scripted_01"
SIGNATURE = base64.b64encode(b"a signature that only its provider can read").decode()


@dataclass
class Said:
    """What the model is to say. `calls` are (id, name, arguments as text)."""

    text: str = ""
    reasoning: str = ""
    signature: str = ""
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    cut: bool = False
    """The limit was reached."""
    prompt: int = 11
    completion: int = 7


# Three turns of a loop of tools: two calls, one more, and what comes of them.
LOOP = (
    Said(
        text="Let me see.",
        reasoning="First the weather.",
        signature=SIGNATURE,
        calls=[("toolu_1", "weather", '{"city": "Zürich"}'), ("toolu_2", "clock", '{"city": "Oslo"}')],
    ),
    Said(reasoning="Once more.", signature=SIGNATURE + "A", calls=[("toolu_3", "weather", '{"city": "Oslo"}')]),
    Said(text="Rain in Zürich, snow in Oslo at noon."),
)


def pieces(text: str, size: int = 5) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


# Anthropic


def anthropic_whole(said: Said) -> dict:
    content: list[dict] = []
    if said.reasoning:
        content.append({"type": "thinking", "thinking": said.reasoning, "signature": said.signature})
    if said.text:
        content.append({"type": "text", "text": said.text})
    for identity, name, arguments in said.calls:
        content.append({"type": "tool_use", "id": identity, "name": name, "input": json.loads(arguments or "{}")})
    return {
        "id": ID,
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": content,
        "stop_reason": "max_tokens" if said.cut else "tool_use" if said.calls else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": said.prompt, "output_tokens": said.completion},
    }


def anthropic_events(said: Said) -> list[dict]:
    whole = anthropic_whole(said)
    start = {**whole, "content": [], "stop_reason": None, "usage": {"input_tokens": said.prompt, "output_tokens": 1}}
    events: list[dict] = [{"type": "message_start", "message": start}, {"type": "ping"}]
    arguments = iter(each[2] for each in said.calls)
    for index, block in enumerate(whole["content"]):
        events += _anthropic_block(index, block, arguments)
    reason = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    events.append({"type": "message_delta", "delta": reason, "usage": {"output_tokens": said.completion}})
    return [*events, {"type": "message_stop"}]


def _anthropic_block(index: int, block: dict, arguments) -> list[dict]:
    kind = block["type"]
    if kind == "text":
        empty, name, key, values = {"type": kind, "text": ""}, "text_delta", "text", pieces(block["text"])
    elif kind == "thinking":
        empty = {"type": kind, "thinking": "", "signature": ""}
        name, key, values = "thinking_delta", "thinking", pieces(block["thinking"])
    else:
        empty, name, key, values = {**block, "input": {}}, "input_json_delta", "partial_json", pieces(next(arguments))
    deltas = [{"type": name, key: value} for value in values]
    if kind == "thinking":
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    return [
        {"type": "content_block_start", "index": index, "content_block": empty},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


# Gemini


def gemini_pieces(said: Said, *, whole: bool) -> list[dict]:
    parts: list[dict] = []
    cut = [said.reasoning] if whole else pieces(said.reasoning)
    parts += [{"text": each, "thought": True} for each in cut if each]
    cut = [said.text] if whole else pieces(said.text)
    parts += [{"text": each} for each in cut if each]
    for number, (_, name, arguments) in enumerate(said.calls):
        part: dict = {"functionCall": {"name": name, "args": json.loads(arguments or "{}")}}
        if said.signature and number == 0:
            part["thoughtSignature"] = said.signature
        parts.append(part)
    usage = {
        "promptTokenCount": said.prompt,
        "candidatesTokenCount": said.completion,
        "totalTokenCount": said.prompt + said.completion,
    }
    common = {"modelVersion": "gemini-2.5-flash", "responseId": ID, "usageMetadata": usage}
    reason = "MAX_TOKENS" if said.cut else "STOP"
    groups = [parts] if whole else [[part] for part in parts] + [[]]
    found = []
    for number, group in enumerate(groups, 1):
        candidate: dict = {"index": 0, "content": {"role": "model", "parts": group or [{"text": ""}]}}
        if number == len(groups):
            candidate["finishReason"] = reason
        found.append({"candidates": [candidate], **common})
    return found


# Bedrock


def bedrock_whole(said: Said) -> dict:
    content: list[dict] = []
    if said.reasoning:
        thought = {"text": said.reasoning, "signature": said.signature}
        content.append({"reasoningContent": {"reasoningText": thought}})
    if said.text:
        content.append({"text": said.text})
    for identity, name, arguments in said.calls:
        use = {"toolUseId": identity, "name": name, "input": json.loads(arguments or "{}")}
        content.append({"toolUse": use})
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": "max_tokens" if said.cut else "tool_use" if said.calls else "end_turn",
        "usage": {
            "inputTokens": said.prompt,
            "outputTokens": said.completion,
            "totalTokens": said.prompt + said.completion,
        },
        "metrics": {"latencyMs": 12},
    }


def bedrock_frames(said: Said) -> list[bytes]:
    found = [aws_event("messageStart", {"role": "assistant"})]
    index = 0

    def delta(value: dict) -> bytes:
        return aws_event("contentBlockDelta", {"contentBlockIndex": index, "delta": value})

    if said.reasoning:
        found += [delta({"reasoningContent": {"text": each}}) for each in pieces(said.reasoning)]
        found.append(delta({"reasoningContent": {"signature": said.signature}}))
        found.append(aws_event("contentBlockStop", {"contentBlockIndex": index}))
        index += 1
    if said.text:
        found += [delta({"text": each}) for each in pieces(said.text)]
        found.append(aws_event("contentBlockStop", {"contentBlockIndex": index}))
        index += 1
    for identity, name, arguments in said.calls:
        start = {"toolUse": {"toolUseId": identity, "name": name}}
        found.append(aws_event("contentBlockStart", {"contentBlockIndex": index, "start": start}))
        found += [delta({"toolUse": {"input": each}}) for each in pieces(arguments)]
        found.append(aws_event("contentBlockStop", {"contentBlockIndex": index}))
        index += 1
    whole = bedrock_whole(said)
    found.append(aws_event("messageStop", {"stopReason": whole["stopReason"]}))
    return [*found, aws_event("metadata", {"usage": whole["usage"], "metrics": whole["metrics"]})]


# Cohere


def _cohere_calls(said: Said) -> list[dict]:
    return [
        {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}
        for identity, name, arguments in said.calls
    ]


def _cohere_end(said: Said) -> dict:
    tokens = {"input_tokens": float(said.prompt), "output_tokens": float(said.completion)}
    reason = "MAX_TOKENS" if said.cut else "TOOL_CALL" if said.calls else "COMPLETE"
    return {"finish_reason": reason, "usage": {"billed_units": tokens, "tokens": tokens}}


def cohere_whole(said: Said) -> dict:
    message: dict = {"role": "assistant"}
    content = [{"type": "thinking", "thinking": said.reasoning}] if said.reasoning else []
    content += [{"type": "text", "text": said.text}] if said.text else []
    if content:
        message["content"] = content
    if said.calls:
        message["tool_calls"] = _cohere_calls(said)
    return {"id": ID, "message": message, **_cohere_end(said)}


def cohere_events(said: Said) -> list[dict]:
    events: list[dict] = [{"type": "message-start", "id": ID, "delta": {"message": {"role": "assistant"}}}]
    index = 0
    for kind, value in (("thinking", said.reasoning), ("text", said.text)):
        if value:
            start = {"message": {"content": {"type": kind, kind: ""}}}
            events.append({"type": "content-start", "index": index, "delta": start})
            for each in pieces(value):
                delta = {"message": {"content": {kind: each}}}
                events.append({"type": "content-delta", "index": index, "delta": delta})
            events.append({"type": "content-end", "index": index})
            index += 1
    for call in _cohere_calls(said):
        opened = {**call, "function": {**call["function"], "arguments": ""}}
        events.append({"type": "tool-call-start", "index": index, "delta": {"message": {"tool_calls": opened}}})
        for each in pieces(call["function"]["arguments"]):
            delta = {"message": {"tool_calls": {"function": {"arguments": each}}}}
            events.append({"type": "tool-call-delta", "index": index, "delta": delta})
        events.append({"type": "tool-call-end", "index": index})
        index += 1
    return [*events, {"type": "message-end", "delta": _cohere_end(said)}]


# Ollama


def ollama_lines(said: Said, *, whole: bool) -> list[dict]:
    base = {"model": "qwen3:8b", "created_at": "2026-03-01T10:00:00.123456789Z"}
    calls = [{"function": {"name": name, "arguments": json.loads(text or "{}")}} for _, name, text in said.calls]
    end = {
        "done": True,
        "done_reason": "length" if said.cut else "stop",
        "total_duration": 5,
        "prompt_eval_count": said.prompt,
        "eval_count": said.completion,
    }
    if whole:
        message = {"role": "assistant", "content": said.text, "thinking": said.reasoning, "tool_calls": calls}
        return [{**base, "message": {key: value for key, value in message.items() if value or key in ("role", "content")}, **end}]
    deltas = [{"content": "", "thinking": each} for each in pieces(said.reasoning)]
    deltas += [{"content": each} for each in pieces(said.text)]
    deltas += [{"content": "", "tool_calls": [each]} for each in calls]
    lines = [{**base, "message": {"role": "assistant", **each}, "done": False} for each in deltas]
    return [*lines, {**base, "message": {"role": "assistant", "content": ""}, **end}]


# OpenAI


def openai_whole(said: Said) -> dict:
    message: dict = {"role": "assistant", "content": said.text or None, "refusal": None}
    if said.reasoning:
        message["reasoning_content"] = said.reasoning
    if said.calls:
        message["tool_calls"] = _cohere_calls(said)
    reason = "length" if said.cut else "tool_calls" if said.calls else "stop"
    return {
        "id": ID,
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": reason}],
        "usage": {
            "prompt_tokens": said.prompt,
            "completion_tokens": said.completion,
            "total_tokens": said.prompt + said.completion,
        },
    }


def openai_chunks(said: Said) -> list[dict]:
    whole = openai_whole(said)
    deltas: list[dict] = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": each} for each in pieces(said.reasoning)]
    deltas += [{"content": each} for each in pieces(said.text)]
    for index, call in enumerate(_cohere_calls(said)):
        opened = {**call, "index": index, "function": {**call["function"], "arguments": ""}}
        deltas.append({"tool_calls": [opened]})
        for each in pieces(call["function"]["arguments"]):
            deltas.append({"tool_calls": [{"index": index, "function": {"arguments": each}}]})
    base = {**whole, "object": "chat.completion.chunk", "usage": None}
    found = [{**base, "choices": [{"index": 0, "delta": each, "finish_reason": None}]} for each in deltas]
    found.append({**base, "choices": [{"index": 0, "delta": {}, "finish_reason": whole["choices"][0]["finish_reason"]}]})
    return [*found, {**base, "choices": [], "usage": whole["usage"]}]


# All of them


def _sse(events: list[dict], *, named: bool, done: bool = False) -> list[bytes]:
    found = []
    for each in events:
        name = f"event: {each['type']}\n" if named else ""
        found.append(f"{name}data: {json.dumps(each, ensure_ascii=False)}\n\n".encode())
    return [*found, b"data: [DONE]\n\n"] if done else found


STREAMS: dict[str, tuple[str, Callable[[Said], list[bytes]]]] = {
    "anthropic": ("text/event-stream", lambda said: _sse(anthropic_events(said), named=True)),
    "gemini": ("text/event-stream", lambda said: _sse(gemini_pieces(said, whole=False), named=False)),
    "bedrock": ("application/vnd.amazon.eventstream", bedrock_frames),
    "cohere": ("text/event-stream", lambda said: _sse(cohere_events(said), named=True)),
    "ollama": (
        "application/x-ndjson",
        lambda said: [json.dumps(each).encode() + b"\n" for each in ollama_lines(said, whole=False)],
    ),
    "openai": ("text/event-stream", lambda said: _sse(openai_chunks(said), named=False, done=True)),
}
WHOLES: dict[str, Callable[[Said], dict]] = {
    "anthropic": anthropic_whole,
    "gemini": lambda said: gemini_pieces(said, whole=True)[0],
    "bedrock": bedrock_whole,
    "cohere": cohere_whole,
    "ollama": lambda said: ollama_lines(said, whole=True)[0],
    "openai": openai_whole,
}
FORMATS = {"vertex": "gemini", "vertex-claude": "anthropic"}
"""Kinds that speak another one's format; what isn't here or above speaks OpenAI's."""


def format_of(dialect: str) -> str:
    name = FORMATS.get(dialect, dialect)
    return name if name in WHOLES else "openai"


def events_of(dialect: str, said: Said) -> list[bytes]:
    """A stream's events, framed, each by itself."""
    return STREAMS[format_of(dialect)][1](said)


def stream_head(dialect: str) -> bytes:
    return head(200, {"Content-Type": STREAMS[format_of(dialect)][0]}, None)


def steps(dialect: str, said: Said, *, streamed: bool) -> list[bytes]:
    """The whole answer as steps of an upstream's script."""
    if streamed:
        return [stream_head(dialect), *map(chunk, events_of(dialect, said)), LAST_CHUNK]
    body = json.dumps(WHOLES[format_of(dialect)](said), ensure_ascii=False).encode()
    return [head(200, {"Content-Type": "application/json"}, len(body)) + body]
