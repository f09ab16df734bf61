"""Reads answers of Bedrock's Converse and ConverseStream."""

from __future__ import annotations

import json

from .framing import frames
from .reading import Call, Failure, Lost, Reading, added, count, finish_of

FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "content_filtered": "content_filter",
    "guardrail_intervened": "content_filter",
}
FAILURES = {"malformed_model_output", "malformed_tool_use"}


def whole(body: str) -> Reading:
    answer = json.loads(body)
    content = ((answer.get("output") or {}).get("message") or {}).get("content") or []
    return _read(content, answer.get("stopReason"), answer.get("usage") or {})


def stream(data: bytes) -> Reading:
    blocks: dict[int, dict] = {}
    reason, usage, started = None, {}, False
    for headers, payload in frames(data):
        event = json.loads(payload)
        if headers.get(":message-type") != "event":
            message = event.get("message") or headers.get(":error-message") or ""
            return Reading(failure=Failure(200, message), started=started)
        started = True
        kind = headers[":event-type"]
        if kind == "contentBlockStart":
            blocks[event["contentBlockIndex"]] = {"start": event["start"]}
        elif kind == "contentBlockDelta":
            _delta(blocks.setdefault(event["contentBlockIndex"], {}), event["delta"])
        elif kind == "messageStop":
            reason = event["stopReason"]
        elif kind == "metadata":
            usage = event.get("usage") or {}
    if reason is None:
        raise Lost("no messageStop")
    return _read([_closed(blocks[index]) for index in sorted(blocks)], reason, usage)


def _delta(block: dict, delta: dict) -> None:
    if "text" in delta:
        block["text"] = block.get("text", "") + delta["text"]
    elif "toolUse" in delta:
        block["input"] = block.get("input", "") + delta["toolUse"].get("input", "")
    elif "reasoningContent" in delta:
        thought = block.setdefault("thought", {})
        for key, piece in delta["reasoningContent"].items():
            thought[key] = thought.get(key, "") + piece


def _closed(block: dict) -> dict:
    """A streamed block in the form of a whole answer's."""
    if "thought" in block:
        thought = block["thought"]
        if "redactedContent" in thought:
            return {"reasoningContent": {"redactedContent": thought["redactedContent"]}}
        return {"reasoningContent": {"reasoningText": thought}}
    if "toolUse" in (block.get("start") or {}):
        return {"toolUse": {**block["start"]["toolUse"], "arguments": block.get("input", "")}}
    return {"text": block["text"]} if "text" in block else {}


def _read(content: list[dict], reason: str | None, said: dict) -> Reading:
    reading = Reading()
    choice = reading.choice()
    for block in content:
        if "text" in block:
            choice.text += block["text"]
        elif "citationsContent" in block:
            choice.text += "".join(each.get("text", "") for each in block["citationsContent"].get("content") or [])
        elif "reasoningContent" in block:
            thought = block["reasoningContent"]
            text = thought.get("reasoningText") or {}
            choice.reasoning += text.get("text") or ""
            choice.signatures += [each for each in (text.get("signature"), thought.get("redactedContent")) if each]
        elif "toolUse" in block and block["toolUse"].get("type") != "server_tool_use":
            use = block["toolUse"]
            arguments = use.get("arguments") or json.dumps(use.get("input") or {})
            choice.calls.append(Call(use["toolUseId"], use["name"], arguments))
    choice.finish = finish_of(reason, FINISH, choice.calls)
    if reason in FAILURES:
        reading.failure = Failure(502, "")
    usage = reading.usage
    usage.cached = count(said.get("cacheReadInputTokens"))
    usage.prompt = added(count(said.get("inputTokens")), usage.cached, count(said.get("cacheWriteInputTokens")))
    usage.completion = count(said.get("outputTokens"))
    return reading


def error_message(body: str) -> str:
    error = json.loads(body)
    return error.get("message") or error.get("Message") or ""
