"""Reads answers of Anthropic's Messages API, whole and streamed."""

from __future__ import annotations

import json

from .framing import events
from .reading import Call, Failure, Lost, Reading, added, count, finish_of

FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def whole(body: str) -> Reading:
    return _read(json.loads(body))


def stream(body: str) -> Reading:
    """Puts the message together from its events, then reads it like a whole one."""
    message: dict = {}
    blocks: dict[int, dict] = {}
    ended = False
    for _, data in events(body):
        event = json.loads(data)
        kind = event["type"]
        if kind == "message_start":
            if message:
                raise Lost("a message begins inside another")
            message = dict(event["message"])
            message["usage"] = dict(message.get("usage") or {})
            for index, block in enumerate(message.get("content") or []):
                blocks[-1000 + index] = block
        elif kind == "content_block_start":
            blocks[event["index"]] = {**event["content_block"], "pieces": ""}
        elif kind == "content_block_delta":
            _delta(blocks[event["index"]], event["delta"])
        elif kind == "message_delta":
            message.update({key: value for key, value in event["delta"].items() if value is not None})
            said = {key: value for key, value in (event.get("usage") or {}).items() if value is not None}
            message["usage"].update(said)
        elif kind == "message_stop":
            ended = True
            break
        elif kind == "error":
            reading = Reading(failure=Failure(200, event["error"].get("message") or ""))
            reading.started = bool(message)
            return reading
    if not ended:
        raise Lost("no message_stop")
    message["content"] = [_closed(blocks[index]) for index in sorted(blocks)]
    return _read(message)


def _delta(block: dict, delta: dict) -> None:
    kind = delta["type"]
    if kind == "text_delta":
        block["text"] = block.get("text", "") + delta["text"]
    elif kind == "input_json_delta":
        block["pieces"] += delta["partial_json"]
    elif kind == "thinking_delta":
        block["thinking"] = block.get("thinking", "") + delta["thinking"]
    elif kind == "signature_delta":
        block["signature"] = block.get("signature", "") + delta["signature"]


def _closed(block: dict) -> dict:
    if block.get("pieces"):
        block["arguments"] = block["pieces"]
    return block


def _read(message: dict) -> Reading:
    reading = Reading(id=message.get("id"), model=message.get("model"))
    choice = reading.choice()
    for block in message.get("content") or []:
        kind = block["type"]
        if kind == "text":
            choice.text += block.get("text") or ""
        elif kind == "thinking":
            choice.reasoning += block.get("thinking") or ""
            choice.signatures.append(block.get("signature") or "")
        elif kind == "redacted_thinking":
            choice.signatures.append(block["data"])
        elif kind == "tool_use":
            arguments = block.get("arguments") or json.dumps(block.get("input") or {})
            choice.calls.append(Call(block["id"], block["name"], arguments))
    choice.finish = finish_of(message.get("stop_reason"), FINISH, choice.calls)
    if message.get("stop_reason") == "refusal":
        choice.refusal = (message.get("stop_details") or {}).get("explanation") or ""
    said = message.get("usage") or {}
    usage = reading.usage
    usage.cached = count(said.get("cache_read_input_tokens"))
    usage.prompt = added(
        count(said.get("input_tokens")), usage.cached, count(said.get("cache_creation_input_tokens"))
    )
    usage.completion = count(said.get("output_tokens"))
    usage.reasoning = count((said.get("output_tokens_details") or {}).get("thinking_tokens"))
    return reading


def error_message(body: str) -> str:
    return (json.loads(body).get("error") or {}).get("message") or ""
