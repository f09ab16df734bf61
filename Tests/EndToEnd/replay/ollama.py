"""Reads answers of Ollama's own `/api/chat` and `/api/embed`."""

from __future__ import annotations

import json

from .reading import Call, Failure, Lost, Reading, count, finish_of

FINISH = {"stop": "stop", "unload": "stop", "load": "stop", "length": "length"}


def whole(body: str) -> Reading:
    return _read([json.loads(body)])


def stream(body: str) -> Reading:
    return _read([json.loads(line) for line in body.splitlines() if line.strip()])


def _read(lines: list[dict]) -> Reading:
    reading = Reading()
    choice = reading.choice()
    for line in lines:
        if "error" in line:
            return Reading(failure=Failure(200, line["error"]), started=reading.started)
        reading.started = True
        reading.model = line.get("model")
        message = line.get("message") or {}
        choice.text += message.get("content") or ""
        choice.reasoning += message.get("thinking") or ""
        for call in message.get("tool_calls") or []:
            function = call["function"]
            choice.calls.append(Call(call.get("id"), function["name"], json.dumps(function.get("arguments") or {})))
        if line.get("done"):
            choice.finish = finish_of(line.get("done_reason"), FINISH, choice.calls)
            reading.usage.prompt = count(line.get("prompt_eval_count"))
            reading.usage.completion = count(line.get("eval_count"))
            return reading
    raise Lost("no line with done")


def whole_embeddings(body: str) -> Reading:
    answer = json.loads(body)
    reading = Reading(vectors=answer.get("embeddings") or [answer["embedding"]])
    reading.usage.prompt = count(answer.get("prompt_eval_count"))
    return reading


def error_message(body: str) -> str:
    error = json.loads(body).get("error")
    return error if isinstance(error, str) else (error or {}).get("message") or ""
