"""Recorded native requests: what an application would have sent is derived, and must become that request again."""

from __future__ import annotations

import json

import pytest
from replay import answers, recordings, schemas
from replay.answers import Said
from replay.asked import READERS, Asked, to_openai
from replay.recordings import Recording
from test_replay_requests import forgive, inlined
from wire import post_json

pytestmark = pytest.mark.proxy

DIALECTS = ("anthropic", "gemini", "vertex", "vertex-claude", "bedrock", "cohere", "ollama")


def dialect_of(recording: Recording) -> str:
    return "vertex-claude" if recording.provider == "vertex-anthropic" else recording.kind


def understood(recording: Recording) -> Asked | None:
    """What the recorded request asks for, where OpenAI's format has words for all of it."""
    try:
        asked = READERS[dialect_of(recording)](recording.asked)
        to_openai(asked)
    except (KeyError, TypeError, AttributeError, IndexError, StopIteration, AssertionError, ValueError):
        return None
    roles = [role for role, _ in asked.turns]
    alternates = all(one != other for one, other in zip(roles, roles[1:]))
    return asked if roles and roles[0] == "user" and roles[-1] == "user" and alternates else None


def derivable() -> list[Recording]:
    seen, found = set(), []
    for recording in recordings.carried("chat"):
        dialect = dialect_of(recording)
        if dialect in DIALECTS and recording.asked and recording.status == 200:
            text = json.dumps(recording.asked, sort_keys=True)
            if text not in seen and understood(recording) is not None:
                seen.add(text)
                found.append(recording)
    return found


@pytest.mark.parametrize("recording", derivable(), ids=lambda each: each.id)
def test_request_again(replayer, recording):
    dialect = dialect_of(recording)
    replayer.needs(recording.kind)
    asked = understood(recording)
    replayer.upstream.reply(*answers.steps(dialect, Said("Fine."), streamed=False))
    body = {"model": f"{recording.kind}/{recording.model}", **to_openai(asked)}
    with replayer.proxy.connect() as client:
        answer = client.ask(post_json("/v1/chat/completions", body))
    assert answer.status == 200, answer.body
    native = json.loads(replayer.upstream.last.body)
    schemas.check(dialect, native)
    got, wanted = READERS[dialect](native).normal(), asked.normal()
    dropped = (answer.get("x-remora-dropped") or "").replace(" ", "").split(",")
    limit = got.settings.get("limit")
    forgive(dialect, got, wanted)
    wanted.settings = {key: value for key, value in wanted.settings.items() if key not in dropped}
    if "limit" in wanted.settings:
        got.settings["limit"] = limit
    for each in (got, wanted):
        if "schema" in each.settings:
            each.settings["schema"] = inlined(each.settings["schema"])
        each.tools = {name: (text.strip(), schema) for name, (text, schema) in each.tools.items()}
        each.turns = [(role, [item if item[0] != "text" else ("text", item[1].strip()) for item in items])
                      for role, items in each.turns]  # fmt: skip
    assert got == wanted


def test_most_can_be_derived():
    if not recordings.everything():
        pytest.skip(f"ABSENT {recordings.DIRECTORY}")
    assert len(derivable()) > 120
