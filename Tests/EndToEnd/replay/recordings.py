"""The recorded answers beside the project, what kind of call each one answers, and which can't be carried and why."""

from __future__ import annotations

import functools
import json
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path

from . import anthropic, bedrock, cohere, gemini, ollama, openai_format
from .framing import aws_event, decoded, event_text
from .reading import Failure, Reading

ROOT = Path(__file__).resolve().parents[3]
DIRECTORY = ROOT.parent / "shared/recorded"

OPENAI_KINDS = "azure deepseek fireworks groq mistral openai openrouter perplexity together vllm xai".split()
"""Providers of OpenAI's format that are kinds of their own; every other one is `openai_compatible`."""

OPERATIONS = {
    "chat": ("chat", False),
    "chat-stream": ("chat", True),
    "messages": ("chat", False),
    "messages-stream": ("chat", True),
    "rawPredict": ("chat", False),
    "streamRawPredict": ("chat", True),
    "generateContent": ("chat", False),
    "streamGenerateContent": ("chat", True),
    "converse": ("chat", False),
    "converse-stream": ("chat", True),
    "completions": ("completions", False),
    "completions-stream": ("completions", True),
    "embeddings": ("embeddings", False),
    "batchEmbedContents": ("embeddings", False),
    "embedContent": ("embeddings", False),
    "responses": ("responses", False),
    "responses-stream": ("responses", True),
}
NOT_CARRIED = {
    "count_tokens": "OpenAI's format has no call that counts tokens",
    "countTokens": "OpenAI's format has no call that counts tokens",
}
"""Operations of which there is no counterpart."""

LAST_EVENTS = ("message_stop", "response.completed")
"""Behind one of these the next answer begins, where a recording holds several."""
SPLICED = "an answer begins inside another: made up for a test, and no provider's own"


@dataclass
class Recording:
    id: str
    provider: str
    operation: str
    tags: list[str]
    request: dict | None
    response: dict
    facts: dict | None
    kind: str = ""
    endpoint: str = ""
    streamed: bool = False
    why_not: str | None = None
    """Why this one can't be replayed; nothing where it can."""
    _model: str | None = field(default=None, repr=False)

    @property
    def status(self) -> int:
        return self.response.get("status") or 200

    @property
    def speaks_openai(self) -> bool:
        return self.kind in OPENAI_KINDS or self.kind == "openai_compatible"

    @property
    def asked(self) -> dict:
        """The native request's body, as far as it was recorded."""
        body = (self.request or {}).get("json")
        return body if isinstance(body, dict) else {}

    @property
    def model(self) -> str:
        """The model that was asked for, as its provider calls it."""
        url = urllib.parse.urlsplit((self.request or {}).get("url") or "")
        for mark in ("/models/", "/model/", "/deployments/"):
            if mark in url.path:
                rest = url.path.split(mark, 1)[1]
                name = rest.rsplit("/converse", 1)[0] if mark == "/model/" else rest.split("/")[0].rsplit(":", 1)[0]
                if name != "chat":
                    return urllib.parse.unquote(name)
        return self.asked.get("model") or self.wanted().model or "model-1"

    @property
    def is_reframed(self) -> bool:
        """Recorded without `alt=sse`, which Remora always asks for: its objects are served as events."""
        return self.dialect is gemini and self.streamed and (self.response.get("body") or "").startswith("[")

    @property
    def body(self) -> bytes:
        """The answer's bytes, framed as its provider frames them."""
        response = self.response
        if response.get("body_base64") is not None:
            return decoded(response["body_base64"])
        if response.get("events") is not None:
            return self._framed(response["events"])
        text = response.get("body") or ""
        if self.is_reframed:
            return "".join(f"data: {each}\r\n\r\n" for each in gemini.chunks(text)).encode()
        return text.encode()

    def _framed(self, payloads: list) -> bytes:
        texts = [each if isinstance(each, str) else json.dumps(each) for each in payloads]
        if self.kind == "bedrock":
            named = [json.loads(each) for each in texts]
            return b"".join(aws_event(*next(iter(each.items()))) for each in named)
        if self.kind == "ollama":
            return "".join(f"{each}\n" for each in texts).encode()
        named = self.dialect in (anthropic, cohere) or self.endpoint == "responses"
        body = "".join(event_text(each, named=named) for each in texts if each != "[DONE]")
        ends = self.dialect is openai_format and self.endpoint != "responses"
        return (body + ("data: [DONE]\n\n" if ends else "")).encode()

    @property
    def dialect(self):
        """The module that reads this provider's own format."""
        if self.provider == "vertex-anthropic":
            return anthropic
        named = {"anthropic": anthropic, "gemini": gemini, "vertex": gemini, "bedrock": bedrock, "cohere": cohere}
        return ollama if self.kind == "ollama" else named.get(self.kind, openai_format)

    def wanted(self) -> Reading:
        """What a client must get, as this provider's own reader understands the answer."""
        if self.status >= 400:
            return Reading(failure=self._failure())
        if self.dialect is bedrock and self.streamed:
            return bedrock.stream(self.body)
        text = self.body.decode()
        if self.endpoint == "embeddings":
            return self.dialect.whole_embeddings(text)
        if self.endpoint == "completions" and not self.streamed:
            return openai_format.completion(text)
        return self.dialect.stream(text) if self.streamed else self.dialect.whole(text)

    def _failure(self) -> Failure:
        text = self.body.decode()
        try:
            message = self.dialect.error_message(text)
        except (ValueError, KeyError, TypeError, AttributeError):
            message = ""
        if self.status in (401, 403) or (self.dialect is gemini and gemini.is_bad_key(text)):
            # The key is the operator's, so that the application can do nothing about it.
            return Failure(502, "")
        return Failure(self.status, message)


def kind_of(provider: str, url: str) -> str:
    """The kind of provider that an operator would configure for this recording."""
    if provider == "vertex-anthropic":
        return "vertex"
    if provider == "ollama":
        return "ollama" if "/api/" in url or not url else "openai_compatible"
    if provider in ("anthropic", "bedrock", "cohere", "gemini", "vertex"):
        return provider
    return provider if provider in OPENAI_KINDS else "openai_compatible"


def classified(data: dict) -> list[Recording]:
    """The recording; several where its maker put several answers one after another into it."""
    keys = ("id", "provider", "operation", "tags", "request", "response", "facts")
    kept = {key: data.get(key) for key in keys}
    answers: list[list[str]] = []
    for payload in data["response"].get("events") or []:
        if not answers or _type(answers[-1][-1]) in LAST_EVENTS:
            answers.append([])
        answers[-1].append(payload if isinstance(payload, str) else json.dumps(payload))
    if len(answers) < 2:
        return [_classified(Recording(**kept))]
    parts = [
        {**kept, "id": f"{data['id']}#{number}", "response": {**data["response"], "events": answer}}
        for number, answer in enumerate(answers, 1)
    ]
    return [_classified(Recording(**part)) for part in parts]


def _type(payload: str) -> str | None:
    return None if payload == "[DONE]" else json.loads(payload).get("type")


def _classified(recording: Recording) -> Recording:
    url = (recording.request or {}).get("url") or ""
    recording.kind = kind_of(recording.provider, url)
    if recording.operation not in OPERATIONS:
        recording.why_not = NOT_CARRIED.get(recording.operation, f"operation {recording.operation} is unknown")
        return recording
    recording.endpoint, recording.streamed = OPERATIONS[recording.operation]
    if recording.dialect is anthropic and recording.response.get("events"):
        if sum(_type(payload) == "message_start" for payload in recording.response["events"]) > 1:
            recording.why_not = SPLICED
    return recording


@functools.cache
def everything() -> list[Recording]:
    """Every recording, in a fixed order; none where the directory is absent."""
    files = sorted(DIRECTORY.glob("[!_]*/*.json"))
    return [each for file in files for each in classified(json.loads(file.read_text()))]


@functools.cache
def quoted_errors() -> list[dict]:
    file = DIRECTORY / "_errors_quoted/errors.json"
    return json.loads(file.read_text()) if file.exists() else []


def carried(*endpoints: str) -> list[Recording]:
    return [each for each in everything() if each.why_not is None and each.endpoint in endpoints]


def not_carried() -> list[Recording]:
    return [each for each in everything() if each.why_not is not None]

