"""Reads OpenAI-format answers as providers really send them: with lists for texts, missing indexes, odd reasons.

This is the recorded side. What reaches the client is read, strictly, by `client`.
"""

from __future__ import annotations

import base64
import json
import struct

from .framing import events
from .reading import Call, Choice, Failure, Lost, Reading, count

FINISH = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "function_call": "function_call",
    "model_length": "length",
    "max_tokens": "length",
    "eos": "stop",
}
FAILURES = {"error", "insufficient_system_resource"}


def whole(body: str) -> Reading:
    answer = json.loads(body)
    reading = Reading(id=answer.get("id"), model=answer.get("model"))
    for position, each in enumerate(answer.get("choices") or []):
        choice = reading.choice(each.get("index", position))
        message = each.get("message") or {}
        choice.text, choice.reasoning = texts(message)
        choice.refusal = message.get("refusal") or ""
        _logprobs(choice, each)
        for call in message.get("tool_calls") or []:
            function = call["function"]
            choice.calls.append(Call(call.get("id"), function["name"], arguments_text(function.get("arguments"))))
        choice.function = _legacy(message.get("function_call"))
        _finish(reading, choice, each.get("finish_reason"))
    _usage(reading, answer)
    return reading


def completion(body: str) -> Reading:
    """A whole legacy completion."""
    answer = json.loads(body)
    reading = Reading(id=answer.get("id"), model=answer.get("model"))
    for each in answer["choices"]:
        choice = reading.choice(each["index"])
        choice.text = each["text"]
        _finish(reading, choice, each.get("finish_reason"))
    _usage(reading, answer)
    return reading


def stream(body: str) -> Reading:
    reading = Reading()
    reasons: dict[int, str] = {}
    done = False
    for _, data in events(body):
        if data == "[DONE]":
            done = True
            break
        chunk = json.loads(data)
        if chunk.get("error"):
            error = chunk["error"]
            message = error.get("message") or "" if isinstance(error, dict) else str(error)
            reading.failure = Failure(200, message)
            return reading
        reading.started = True
        reading.id = reading.id or chunk.get("id")
        reading.model = reading.model or chunk.get("model")
        for each in chunk.get("choices") or []:
            index = each.get("index") or 0
            choice = reading.choice(index)
            _delta(choice, each.get("delta") or {})
            _logprobs(choice, each)
            if "delta" not in each:
                choice.text += each.get("text") or ""
            if each.get("finish_reason"):
                reasons[index] = each["finish_reason"]
        _usage(reading, chunk)
    if not done and set(reasons) != set(reading.choices):
        raise Lost("neither [DONE] nor a reason for every choice")
    for index, choice in reading.choices.items():
        _finish(reading, choice, reasons.get(index))
    return reading


def _logprobs(choice: Choice, each: dict) -> None:
    """Older servers have lists beside each other here, which pass as they are."""
    content = (each.get("logprobs") or {}).get("content")
    for token in content if isinstance(content, list) else []:
        choice.logprobs.append((token["token"], token["logprob"]))


def _delta(choice: Choice, delta: dict) -> None:
    text, reasoning = texts(delta)
    choice.text += text
    choice.reasoning += reasoning
    choice.refusal += delta.get("refusal") or ""
    for piece in delta.get("tool_calls") or []:
        function = piece.get("function") or {}
        known = _known(choice, piece)
        if known is None:
            choice.calls.append(Call(piece.get("id"), function.get("name") or "", ""))
            known = choice.calls[-1]
            known.index = piece.get("index")
        known.arguments += arguments_text(function.get("arguments"))
    if piece := delta.get("function_call"):
        if choice.function is None:
            choice.function = Call(None, piece.get("name") or "", "")
        choice.function.arguments += piece.get("arguments") or ""


def _known(choice: Choice, piece: dict) -> Call | None:
    """The call that a piece continues. A new id always begins a new one: some providers leave every index 0."""
    identity, index = piece.get("id"), piece.get("index")
    for call in reversed(choice.calls):
        if identity and call.id == identity:
            return call
        if not identity and (index is None or call.index == index):
            return call
    return None


def texts(message: dict) -> tuple[str, str]:
    """The text and the reasoning of a message or a delta, whose content may be a list."""
    content = message.get("content")
    reasoning = message.get("reasoning_content") or message.get("reasoning") or ""
    if isinstance(content, str) or content is None:
        return content or "", reasoning
    text = ""
    for part in content:
        if part["type"] == "text":
            text += part["text"]
        elif part["type"] == "thinking":
            inner = part["thinking"]
            reasoning += inner if isinstance(inner, str) else "".join(each.get("text", "") for each in inner)
    return text, reasoning


def arguments_text(value) -> str:
    """Mistral may send an object where everyone sends its text."""
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def _legacy(call: dict | None) -> Call | None:
    """Some servers fill in an empty one."""
    return Call(None, call["name"], call["arguments"]) if call and call.get("name") else None


def _finish(reading: Reading, choice: Choice, reason: str | None) -> None:
    choice.finish = FINISH.get(reason or "", "stop")
    if reason in FAILURES:
        reading.failure = Failure(502, "")


def _usage(reading: Reading, answer: dict) -> None:
    said = answer.get("usage") or (answer.get("x_groq") or {}).get("usage")
    if not said:
        return
    usage = reading.usage
    usage.prompt = count(said.get("prompt_tokens"))
    usage.completion = count(said.get("completion_tokens"))
    usage.cached = count((said.get("prompt_tokens_details") or {}).get("cached_tokens"))
    usage.reasoning = count((said.get("completion_tokens_details") or {}).get("reasoning_tokens"))
    elsewhere = (
        said.get("num_cached_tokens"),
        said.get("cached_tokens"),
        said.get("prompt_cache_hit_tokens"),
        (said.get("prompt_token_details") or {}).get("cached_tokens"),
    )
    usage.cached_elsewhere = next((count(each) for each in elsewhere if each is not None), None)


def whole_embeddings(body: str) -> Reading:
    answer = json.loads(body)
    ordered = sorted(answer["data"], key=lambda each: each.get("index") or 0)
    reading = Reading(vectors=[vector(each["embedding"]) for each in ordered], model=answer.get("model"))
    reading.usage.prompt = count((answer.get("usage") or {}).get("prompt_tokens"))
    return reading


def vector(value) -> list[float]:
    """Numbers, or base64 of little-endian float32."""
    if isinstance(value, str):
        data = base64.b64decode(value)
        return list(struct.unpack(f"<{len(data) // 4}f", data))
    return [float(each) for each in value]


def error_message(body: str) -> str:
    answer = json.loads(body)
    error = answer.get("error", answer) if isinstance(answer, dict) else answer[0]["error"]
    if isinstance(error, str):
        return error
    message = error.get("message") or error.get("detail") or ""
    return message if isinstance(message, str) else ""


def counted(reading: Reading, body: str, *, streamed: bool) -> tuple[int | None, ...]:
    """Input, output, cached and reasoning tokens as they are to be metered: the last two parts of the first two."""
    said: dict = {}
    for each in (data for _, data in events(body)) if streamed else (body,):
        if each != "[DONE]":
            answer = json.loads(each)
            said = answer.get("usage") or (answer.get("x_groq") or {}).get("usage") or said
    usage = reading.usage
    completion, total = usage.completion, count(said.get("total_tokens"))
    if None not in (total, usage.prompt, completion) and usage.reasoning:
        # xAI leaves reasoning out of the completion, which only the total shows.
        if total == usage.prompt + completion + usage.reasoning:
            completion += usage.reasoning
    cached = usage.cached if usage.cached is not None else usage.cached_elsewhere
    prompt = usage.prompt
    if cached is not None and prompt is not None and cached > prompt:
        # xAI counts what its cache had beside the prompt.
        prompt += cached
    return prompt, completion, cached, usage.reasoning
