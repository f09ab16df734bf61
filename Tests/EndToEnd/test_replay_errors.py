"""Errors as providers' users have quoted them, and recorded calls beside chat that pass as they are."""

from __future__ import annotations

import json

import pytest
from replay import client, framing, recordings, serving
from replay.kinds import TRANSLATED
from test_replay_recordings import PATHS, ask, request_for
from wire import LAST_CHUNK, chunk

pytestmark = pytest.mark.proxy

MODELS = {
    "anthropic": "anthropic/claude-sonnet-4-5",
    "openai": "openai/gpt-4o",
    "gemini": "gemini/gemini-2.5-flash",
    "openrouter": "openrouter/meta-llama/llama-3.2-3b-instruct",
    "bedrock": "bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
}
FIRST_CHUNK = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-4o",
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hel"}, "finish_reason": None}],
    }
)


def quoted_body(error: dict) -> bytes:
    if error.get("body_base64"):
        return framing.decoded(error["body_base64"])
    return error["body"].encode()


@pytest.mark.parametrize("error", recordings.quoted_errors(), ids=lambda each: each["name"])
def test_quoted_error(replayer, error):
    provider = error["provider"]
    body = quoted_body(error)
    if error["stream"] and provider == "openai":
        # Quoted alone; it comes after some words.
        body = f"data: {FIRST_CHUNK}\n\n".encode() + body
    head = serving.head(error["status"], error["headers"], None)
    for _ in range(4):
        replayer.upstream.reply(head, chunk(body), LAST_CHUNK)
    message = {"role": "user", "content": "Hello"}
    answer = ask(
        replayer,
        {"model": MODELS[provider], "messages": [message], "stream": error["stream"]},
        PATHS["chat"],
    )
    if error["status"] >= 400:
        # A provider's own status is kept; 529 is one that only Anthropic knows.
        assert answer.status in ((503, 529) if error["status"] == 529 else (error["status"],))
        got = client.failure(answer.json(), answer.status)
        for name in ("retry-after", "retry-after-ms"):
            if name in error["headers"]:
                assert answer.get(name) == error["headers"][name]
    elif answer.status >= 400:
        # The stream had not begun: the status can say it.
        got = client.failure(answer.json(), answer.status)
    else:
        reading = client.read(answer, "chat", True, own=provider in TRANSLATED)
        got = reading.failure
        assert got is not None and b"[DONE]" not in answer.body
    assert message_of(body) in got.message


def message_of(body: bytes) -> str:
    text = body.decode("utf-8", errors="replace")
    at = text.rindex('"message"')
    return json.JSONDecoder().raw_decode(text[text.index(":", at) + 1 :].lstrip())[0]


# What passes: nothing may change but what is added on purpose.


def of(endpoint: str, *, whole: bool = False):
    wanted = [each for each in recordings.carried(endpoint) if each.speaks_openai]
    if whole:
        wanted = [each for each in wanted if not each.streamed and each.status == 200]
    return pytest.mark.parametrize("recording", wanted, ids=lambda each: each.id)


@of("responses")
def test_responses_pass(replayer, recording):
    replayer.upstream.reply(*serving.steps(recording, "random:3"))
    answer = ask(replayer, request_for(recording, False), PATHS["responses"])
    assert answer.status == recording.status
    if recording.streamed and recording.status == 200:
        got = framing.events(answer.body.decode())
        first = json.loads(got[0][1])
        client.assert_metadata(first.pop("x_remora"))
        recorded = framing.events(recording.body.decode())
        assert got[1:] == recorded[1:] and got[0][0] == recorded[0][0] and first == json.loads(recorded[0][1])
    elif recording.status == 200:
        got = answer.json()
        client.assert_metadata(got.pop("x_remora"))
        assert got == json.loads(recording.body)
    else:
        assert answer.json() == json.loads(recording.body)


CHANGED = ("choices", "usage")
"""Brought into OpenAI's form where a provider departs from it, and compared by what they say elsewhere."""


@of("chat", whole=True)
def test_members_of_a_passed_answer_pass(replayer, recording):
    """Citations, timings, costs, filters: whatever a provider adds to a whole answer is there."""
    replayer.upstream.reply(*serving.steps(recording, "whole"))
    got = ask(replayer, request_for(recording, False), PATHS["chat"]).json()
    client.assert_metadata(got.pop("x_remora"))
    recorded = json.loads(recording.body)
    assert {key: value for key, value in got.items() if key not in CHANGED} == {
        key: value for key, value in recorded.items() if key not in CHANGED
    }
    for mine, theirs in zip(got["choices"], recorded["choices"], strict=True):
        assert_kept(mine, theirs, {"finish_reason"}, {"content", "tool_calls", "reasoning_content"})
    assert (got.get("usage") or {}).items() >= (recorded.get("usage") or {}).items()


def assert_kept(mine: dict, theirs: dict, top: set[str], inner: set[str]) -> None:
    for key, value in theirs.items():
        if key == "message":
            for name, each in value.items():
                assert name in inner or mine["message"][name] == each, name
        else:
            assert key in top or mine[key] == value, key
