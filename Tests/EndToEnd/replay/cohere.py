"""Reads answers of Cohere's v2 chat and embed."""

from __future__ import annotations

import json

from .framing import events
from .reading import Call, Failure, Lost, Reading, count, finish_of

FINISH = {"COMPLETE": "stop", "STOP_SEQUENCE": "stop", "MAX_TOKENS": "length", "TOOL_CALL": "tool_calls"}
FAILURES = {"ERROR": 502, "TIMEOUT": 504}


def whole(body: str) -> Reading:
    answer = json.loads(body)
    return _read(answer.get("id"), answer["message"], answer.get("finish_reason"), answer.get("usage") or {})


def stream(body: str) -> Reading:
    plan, blocks, calls = "", {}, {}
    identity, end = None, None
    for _, data in events(body):
        if data == "[DONE]":
            continue
        event = json.loads(data)
        kind = event.get("type")
        message = (event.get("delta") or {}).get("message") or {}
        if kind == "message-start":
            identity = event.get("id")
        elif kind == "tool-plan-delta":
            plan += message["tool_plan"]
        elif kind == "content-start":
            blocks[event["index"]] = dict(message["content"])
        elif kind == "content-delta":
            for key in ("text", "thinking"):
                if key in message["content"]:
                    block = blocks.setdefault(event["index"], {"type": key})
                    block[key] = block.get(key, "") + message["content"][key]
        elif kind == "tool-call-start":
            calls[event["index"]] = json.loads(json.dumps(message["tool_calls"]))
        elif kind == "tool-call-delta":
            calls[event["index"]]["function"]["arguments"] += message["tool_calls"]["function"]["arguments"]
        elif kind == "message-end":
            end = event["delta"]
    if end is None:
        raise Lost("no message-end")
    whole_message = {
        "tool_plan": plan,
        "content": [blocks[index] for index in sorted(blocks)],
        "tool_calls": [calls[index] for index in sorted(calls)],
    }
    reading = _read(identity, whole_message, end.get("finish_reason"), end.get("usage") or {})
    if reading.failure:
        reading.failure.message = end.get("error") or ""
        reading.started = True
    return reading


def _read(identity, message: dict, reason: str | None, said: dict) -> Reading:
    reading = Reading(id=identity)
    choice = reading.choice()
    choice.reasoning = message.get("tool_plan") or ""
    for block in message.get("content") or []:
        choice.text += block.get("text") or ""
        choice.reasoning += block.get("thinking") or ""
    for call in message.get("tool_calls") or []:
        function = call["function"]
        choice.calls.append(Call(call["id"], function["name"], function.get("arguments") or ""))
    choice.finish = finish_of(reason, FINISH, choice.calls)
    if reason in FAILURES:
        reading.failure = Failure(FAILURES[reason], "")
    tokens = said.get("tokens") or {}
    reading.usage.prompt = count(tokens.get("input_tokens"))
    reading.usage.completion = count(tokens.get("output_tokens"))
    reading.usage.cached = count(said.get("cached_tokens"))
    return reading


def whole_embeddings(body: str) -> Reading:
    answer = json.loads(body)
    reading = Reading(vectors=answer["embeddings"]["float"])
    # Embeddings have no `tokens`: what is billed is what was read.
    billed = (answer.get("meta") or {}).get("billed_units") or {}
    reading.usage.prompt = count(billed.get("input_tokens"))
    return reading


def error_message(body: str) -> str:
    return json.loads(body).get("message") or ""
