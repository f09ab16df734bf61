"""How a faithful OpenAI server answers: deterministic, and steered by what the request says.

`model: error-429` answers that status. A user message saying `rounds=3 parallel=2` makes the model call the
first tool twice in each of three turns before it speaks. Every answer is a script of byte strings for
`upstream.py`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
from collections.abc import Iterator

from wire import LAST_CHUNK, SSE_HEAD, answer as http_answer, chunk, event, json_answer

CREATED = 1_700_000_000
MODELS = ("gpt-4o", "gpt-4o-mini", "text-embedding-3-small")
WORDS = ("Remoras ", "travel ", "with ", "bigger ", "fish ", "– ", "naïve ", "🐟.")
TEXT = "".join(WORDS)
USAGE = {
    "prompt_tokens": 11,
    "completion_tokens": 8,
    "total_tokens": 19,
    "prompt_tokens_details": {"cached_tokens": 3, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 2, "audio_tokens": 0},
}
SPEECH = bytes(range(256)) * 1024
IDENTITY = {
    "x-request-id": "req_upstream",
    "openai-processing-ms": "7",
    "x-ratelimit-remaining-requests": "41",
}


def answer(request) -> Iterator[bytes]:
    """The answer to one complete request, as byte strings to send in order."""
    path = request.target.split("?")[0]
    sections = path.removeprefix("/v1/").split("/")
    if not path.startswith("/v1/"):
        return iter([failure(404, "There is no such path")])
    if sections[0] == "echo":
        return iter([_echo(request)])
    if sections[0] == "models" and request.method in ("GET", "HEAD"):
        return iter([_models(sections[1:], request.method)])
    if path == "/v1/files" and request.method == "POST":
        return iter([_file(request)])
    if sections[0] == "files" and sections[-1] == "content":
        return _download(request)
    routes = {
        "/v1/chat/completions": _chat,
        "/v1/completions": _completion,
        "/v1/embeddings": _embeddings,
        "/v1/responses": _responses,
        "/v1/audio/speech": _speech,
        "/v1/moderations": _moderation,
    }
    route = routes.get(path)
    if route is None or request.method != "POST":
        return iter([failure(404, f"Unknown request URL: {request.method} {path}")])
    try:
        body = json.loads(request.body)
    except ValueError:
        return iter([failure(400, "We could not parse the JSON body of your request.")])
    if found := re.fullmatch(r"error-(\d{3})", str(body.get("model"))):
        return iter([failure(int(found[1]), f"The provider says {found[1]}", code=f"provider_{found[1]}")])
    return route(body)


def failure(status: int, message: str, *, type: str = "provider_error", code: str | None = None) -> bytes:
    headers = {**IDENTITY, "retry-after": "7"} if status in (429, 503) else IDENTITY
    error = {"message": message, "type": type, "param": None, "code": code}
    return json_answer({"error": error}, status, headers)


def stream(chunks, *, done: bool = True) -> Iterator[bytes]:
    yield SSE_HEAD
    for each in chunks:
        yield event(each)
    yield (event("[DONE]") if done else b"") + LAST_CHUNK


# Chat completions.


def _chat(body: dict) -> Iterator[bytes]:
    message, finish = _message(body)
    if not body.get("stream"):
        choices = [
            {"index": index, "message": message, "logprobs": None, "finish_reason": finish}
            for index in range(body.get("n") or 1)
        ]
        return iter([json_answer({**_identity(body), "choices": choices, "usage": USAGE}, 200, IDENTITY)])
    return stream(chat_chunks(body, message, finish))


def chat_chunks(body: dict, message: dict | None = None, finish: str = "stop") -> Iterator[dict]:
    """The chunks of a streamed answer; the usage chunk stands last where the request asked for it."""
    if message is None:
        message, finish = _message(body)
    wants_usage = bool((body.get("stream_options") or {}).get("include_usage"))
    extra = {"usage": None} if wants_usage else {}
    identity = {**_identity(body), "object": "chat.completion.chunk"}

    def chunk_of(delta: dict, reason: str | None = None) -> dict:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return {**identity, "choices": [choice], **extra}

    yield chunk_of({"role": "assistant", "content": "" if message["content"] else None, "refusal": None})
    for word in re.findall(r"\S+\s*", message["content"] or ""):
        yield chunk_of({"content": word})
    for index, call in enumerate(message.get("tool_calls", ())):
        function = {"name": call["function"]["name"], "arguments": ""}
        yield chunk_of({"tool_calls": [{**call, "index": index, "function": function}]})
        arguments = call["function"]["arguments"]
        for start in range(0, len(arguments), 5):
            piece = {"arguments": arguments[start : start + 5]}
            yield chunk_of({"tool_calls": [{"index": index, "function": piece}]})
    yield chunk_of({}, finish)
    if wants_usage:
        yield {**identity, "choices": [], "usage": USAGE}


def _identity(body: dict) -> dict:
    return {
        "id": "chatcmpl-upstream",
        "object": "chat.completion",
        "created": CREATED,
        "model": f"{body.get('model')}-2024-08-06",
        "service_tier": "default",
        "system_fingerprint": "fp_upstream",
    }


def _message(body: dict) -> tuple[dict, str]:
    plain = {"role": "assistant", "content": TEXT, "refusal": None, "annotations": []}
    messages = body.get("messages") or []
    if body.get("tools"):
        wish = " ".join(str(each.get("content")) for each in messages if each.get("role") == "user")
        rounds = int((re.search(r"rounds=(\d+)", wish) or ["", "1"])[1])
        parallel = int((re.search(r"parallel=(\d+)", wish) or ["", "1"])[1])
        turn = sum(1 for each in messages if each.get("tool_calls"))
        if turn < rounds:
            return {
                **plain,
                "content": None,
                "tool_calls": _calls(body["tools"][0], turn, parallel),
            }, "tool_calls"
        results = [str(each["content"]) for each in messages if each.get("role") == "tool"]
        return {**plain, "content": "Results: " + ", ".join(results)}, "stop"
    form = body.get("response_format") or {}
    if form.get("type") == "json_schema":
        schema = form["json_schema"]["schema"]
        return {**plain, "content": json.dumps(_example(schema, schema.get("$defs", {})))}, "stop"
    return plain, "stop"


def _calls(tool: dict, turn: int, parallel: int) -> list[dict]:
    function = tool["function"]
    schema = function.get("parameters") or {}
    return [
        {
            "id": f"call_{turn}_{index}",
            "type": "function",
            "function": {
                "name": function["name"],
                "arguments": json.dumps(
                    {**_example(schema, schema.get("$defs", {})), "turn": turn, "index": index}
                ),
            },
        }
        for index in range(parallel)
    ]


def _example(schema: dict, definitions: dict):
    """The smallest value that a JSON Schema accepts."""
    if "$ref" in schema:
        return _example(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return _example(schema["anyOf"][0], definitions)
    kind = schema.get("type", "object")
    if kind == "object":
        return {name: _example(each, definitions) for name, each in schema.get("properties", {}).items()}
    if kind == "array":
        return [_example(schema.get("items", {"type": "string"}), definitions)]
    return {"string": "Zürich", "integer": 9007199254740993, "number": 1.5, "boolean": True, "null": None}[
        kind
    ]


# The other endpoints.


def _completion(body: dict) -> Iterator[bytes]:
    base = {"id": "cmpl-upstream", "object": "text_completion", "created": CREATED, "model": body["model"]}

    def choice(text: str, reason: str | None) -> dict:
        return {"text": text, "index": 0, "logprobs": None, "finish_reason": reason}

    if not body.get("stream"):
        return iter([json_answer({**base, "choices": [choice(TEXT, "stop")], "usage": USAGE}, 200, IDENTITY)])
    chunks = [{**base, "choices": [choice(word, None)]} for word in WORDS]
    chunks.append({**base, "choices": [choice("", "stop")]})
    if (body.get("stream_options") or {}).get("include_usage"):
        chunks.append({**base, "choices": [], "usage": USAGE})
    return stream(chunks)


def vector(text: str) -> list[float]:
    """Eight numbers that a 32-bit float holds exactly, so that both encodings give the same."""
    return [byte / 256 - 0.5 for byte in hashlib.sha256(text.encode()).digest()[:8]]


def _embeddings(body: dict) -> Iterator[bytes]:
    inputs = [body["input"]] if isinstance(body["input"], str) else body["input"]
    data = []
    for index, text in enumerate(inputs):
        numbers = vector(str(text))
        if body.get("encoding_format") == "base64":
            encoded = base64.b64encode(struct.pack("<8f", *numbers)).decode()
            data.append({"object": "embedding", "index": index, "embedding": encoded})
        else:
            data.append({"object": "embedding", "index": index, "embedding": numbers})
    usage = {"prompt_tokens": 5 * len(inputs), "total_tokens": 5 * len(inputs)}
    return iter(
        [json_answer({"object": "list", "data": data, "model": body["model"], "usage": usage}, 200, IDENTITY)]
    )


def _models(rest: list[str], method: str) -> bytes:
    models = [{"id": name, "object": "model", "created": CREATED, "owned_by": "upstream"} for name in MODELS]
    if rest and rest[0]:
        found = [each for each in models if each["id"] == "/".join(rest)]
        if not found:
            return failure(404, f"The model '{rest[0]}' does not exist", code="model_not_found")
        whole = json_answer(found[0], 200, IDENTITY)
    else:
        whole = json_answer({"object": "list", "data": models}, 200, IDENTITY)
    return whole.split(b"\r\n\r\n")[0] + b"\r\n\r\n" if method == "HEAD" else whole


def _responses(body: dict) -> Iterator[bytes]:
    item = {
        "id": "msg_1",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [{"type": "output_text", "text": TEXT, "annotations": []}],
    }
    usage = {
        "input_tokens": 11,
        "input_tokens_details": {"cached_tokens": 3},
        "output_tokens": 8,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 19,
    }
    whole = {
        "id": "resp_upstream",
        "object": "response",
        "created_at": CREATED,
        "status": "completed",
        "model": body["model"],
        "output": [item],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "error": None,
        "usage": usage,
    }
    if not body.get("stream"):
        return iter([json_answer(whole, 200, IDENTITY)])
    return _response_events(whole, item)


def _response_events(whole: dict, item: dict) -> Iterator[bytes]:
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": "", "annotations": []}
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    events = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {**item, "status": "in_progress", "content": []},
        },
        {"type": "response.content_part.added", **place, "part": part},
        *({"type": "response.output_text.delta", **place, "delta": word, "logprobs": []} for word in WORDS),
        {"type": "response.output_text.done", **place, "text": TEXT, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": {**part, "text": TEXT}},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": whole},
    ]
    yield SSE_HEAD
    for number, each in enumerate(events):
        yield event({**each, "sequence_number": number}, each["type"])
    yield LAST_CHUNK


def _file(request) -> bytes:
    """Says what arrived: the length and digest of the whole multipart body."""
    value = {
        "id": "file-upstream",
        "object": "file",
        "bytes": request.length,
        "created_at": CREATED,
        "filename": "upload.bin",
        "purpose": "assistants",
        "status": "processed",
        "sha256": request.sha256,
    }
    return json_answer(value, 200, IDENTITY)


def _download(request) -> Iterator[bytes]:
    """`GET /v1/files/N/content` sends N mebibytes, chunk by chunk."""
    count = int(request.target.split("/")[3]) * 16
    block = chunk(b"\0remora\xff" * 8192)
    yield b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    for _ in range(count):
        yield block
    yield LAST_CHUNK


def _speech(body: dict) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nTransfer-Encoding: chunked\r\n\r\n"
    for start in range(0, len(SPEECH), 10_000):
        yield chunk(SPEECH[start : start + 10_000])
    yield LAST_CHUNK


def _moderation(body: dict) -> Iterator[bytes]:
    value = {"id": "modr-upstream", "model": body.get("model") or "omni", "results": [{"flagged": False}]}
    return iter([json_answer(value, 200, IDENTITY)])


def _echo(request) -> bytes:
    if request.method == "HEAD":
        return http_answer(200, {"Content-Type": "application/json", "Content-Length": "1234"}, None)
    value = {
        "method": request.method,
        "target": request.target,
        "length": request.length,
        "sha256": request.sha256,
        "headers": request.headers,
    }
    return json_answer(value, 200, IDENTITY)
