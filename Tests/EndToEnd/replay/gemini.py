"""Reads answers of Gemini's generateContent, from the Gemini API and from Vertex, whole and streamed."""

from __future__ import annotations

import json

from .framing import events
from .reading import Call, Failure, Reading, added, count, finish_of

FINISH = {"MAX_TOKENS": "length"} | dict.fromkeys(
    (
        "SAFETY",
        "RECITATION",
        "LANGUAGE",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
    ),
    "content_filter",
)
FAILURES = {
    "MALFORMED_FUNCTION_CALL",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "MISSING_THOUGHT_SIGNATURE",
    "MALFORMED_RESPONSE",
}


def chunks(body: str) -> list[str]:
    """The JSON texts of a stream: events with `alt=sse`, elements of one array without."""
    if body.lstrip().startswith("["):
        return [json.dumps(each) for each in json.loads(body)]
    return [data for _, data in events(body)]


def whole(body: str) -> Reading:
    return _read([json.loads(body)])


def stream(body: str) -> Reading:
    return _read([json.loads(each) for each in chunks(body)])


def _read(pieces: list[dict]) -> Reading:
    reading = Reading()
    said: dict = {}
    reasons: dict[int, str] = {}
    for piece in pieces:
        if "error" in piece:
            reading.failure = Failure(200, piece["error"].get("message") or "")
            return reading
        reading.id = reading.id or piece.get("responseId")
        reading.model = reading.model or piece.get("modelVersion")
        said = piece.get("usageMetadata") or said
        for candidate in piece.get("candidates") or []:
            index = candidate.get("index", 0)
            _parts(reading.choice(index), (candidate.get("content") or {}).get("parts") or [])
            for each in (candidate.get("logprobsResult") or {}).get("chosenCandidates") or []:
                reading.choice(index).logprobs.append((each["token"], each["logProbability"]))
            if candidate.get("finishReason"):
                reasons[index] = candidate["finishReason"]
        if (piece.get("promptFeedback") or {}).get("blockReason") and not piece.get("candidates"):
            reading.choice(0)
            reasons[0] = "SAFETY"
        reading.started = True
    for index, choice in reading.choices.items():
        choice.finish = finish_of(reasons.get(index), FINISH, choice.calls)
        if reasons.get(index) in FAILURES:
            reading.failure = Failure(502, "")
    _usage(reading, said)
    return reading


def _parts(choice, parts: list[dict]) -> None:
    for part in parts:
        if part.get("thoughtSignature"):
            choice.signatures.append(part["thoughtSignature"])
        if "functionCall" in part:
            call = part["functionCall"]
            choice.calls.append(Call(call.get("id"), call["name"], json.dumps(call.get("args") or {})))
        elif part.get("text"):
            if part.get("thought"):
                choice.reasoning += part["text"]
            else:
                choice.text += part["text"]


def _usage(reading: Reading, said: dict) -> None:
    usage = reading.usage
    usage.prompt = added(count(said.get("promptTokenCount")), count(said.get("toolUsePromptTokenCount")))
    usage.cached = count(said.get("cachedContentTokenCount"))
    usage.reasoning = count(said.get("thoughtsTokenCount"))
    usage.completion = added(count(said.get("candidatesTokenCount")), usage.reasoning)
    if usage.prompt is not None and usage.completion is None:
        # A blocked prompt: nothing was made.
        usage.completion = 0


def whole_embeddings(body: str) -> Reading:
    answer = json.loads(body)
    found = answer.get("embeddings") or [answer["embedding"]]
    reading = Reading(vectors=[each["values"] for each in found])
    reading.usage.prompt = count((answer.get("usageMetadata") or {}).get("promptTokenCount"))
    return reading


def error_message(body: str) -> str:
    error = json.loads(body)
    error = error[0] if isinstance(error, list) else error
    return error["error"].get("message") or ""


def is_bad_key(body: str) -> bool:
    """A wrong key is a 400 with this reason among its details."""
    return '"API_KEY_INVALID"' in body
