"""Recorded requests. Native ones: what an application would have sent is derived, and must become them again. Those in
OpenAI's format: they pass to their own provider, and every other one gets them translated, or a clear refusal.
"""

from __future__ import annotations

import json

import pytest
from replay import answers, recordings, schemas
from replay.answers import Said
from replay.asked import READERS, Asked, numbers_kept, of_openai, to_openai
from replay.recordings import Recording
from test_replay_recordings import provider_of
from test_replay_requests import MODELS, expressible, forgive, inlined
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


# Requests in OpenAI's format.


def asked_in_openai() -> list[Recording]:
    seen, found = set(), []
    for recording in recordings.carried("chat"):
        text = json.dumps(recording.asked, sort_keys=True)
        is_good = recording.status == 200 and recording.asked.get("messages")
        if recording.speaks_openai and is_good and text not in seen:
            seen.add(text)
            found.append(recording)
    return found


openai_requests = pytest.mark.parametrize("recording", asked_in_openai(), ids=lambda each: each.id)


def send(replayer, provider: str, dialect: str, model: str, recording: Recording):
    replayer.upstream.reset()
    streamed = recording.asked.get("stream") is True
    replayer.upstream.reply(*answers.steps(dialect, Said("Fine."), streamed=streamed))
    with replayer.proxy.connect() as client:
        answer = client.ask(post_json("/v1/chat/completions", {**recording.asked, "model": f"{provider}/{model}"}))
    return answer, (replayer.upstream.requests or [None])[0]


@openai_requests
def test_requests_pass_to_their_own_provider(replayer, recording):
    provider = provider_of(recording)
    model = recording.asked.get("model") or recording.model
    answer, request = send(replayer, provider, "openai", model, recording)
    assert answer.status == 200, answer.body
    got, wanted = numbers_kept(request.body), numbers_kept(json.dumps(recording.asked))
    if recording.asked.get("stream"):
        got.pop("stream_options", None)
        wanted.pop("stream_options", None)
    got.pop("model", None)
    wanted.pop("model", None)
    if provider in ("mistral", "together"):
        # Strict about members of null.
        got, wanted = without_nulls(got), without_nulls(wanted)
    if provider == "deepseek":
        # It refuses a turn with calls that doesn't say its reasoning.
        for turn in wanted["messages"]:
            if turn.get("tool_calls"):
                turn.setdefault("reasoning_content", "")
    assert got == wanted


def without_nulls(value):
    if isinstance(value, list):
        return [without_nulls(each) for each in value]
    if isinstance(value, dict):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    return value


@openai_requests
def test_requests_are_translated_or_refused(replayer, recording):
    for dialect in DIALECTS:
        check_translated(replayer, dialect, recording)


def check_translated(replayer, dialect: str, recording: Recording) -> None:
    provider, model = MODELS[dialect].split("/", 1)
    answer, request = send(replayer, provider, dialect, model, recording)
    if answer.status == 400:
        assert answer.error["param"] and answer.error["code"] in ("unsupported_parameter", "invalid_value")
        assert may_be_refused(dialect, recording.asked, answer.error["param"]), answer.error
        return
    assert answer.status == 200, answer.body
    native = json.loads(request.body)
    if "thinking" in recording.asked:
        # A provider's own member, said in the words of another one: that one has to tell what it thinks of it.
        native.pop("thinking", None)
    schemas.check(dialect, native)
    got = READERS[dialect](numbers_kept(request.body)).normal()
    wanted = of_openai(numbers_kept(json.dumps(recording.asked))).normal()
    forgive(dialect, got, wanted)
    if not wanted.tools and any(item[0] == "call" for _, items in wanted.turns for item in items):
        # Some providers want tools declared where the history holds calls.
        got.tools = {}
    strict = [tool["function"]["name"] for tool in recording.asked.get("tools") or [] if tool["function"].get("strict")]
    for name in strict if dialect in ("anthropic", "vertex-claude", "bedrock") else ():
        # Strictness is for objects whose members are all known.
        got.tools[name], wanted.tools[name] = opened(got.tools[name]), opened(wanted.tools[name])
    if recording.asked.get("tool_choice") == "none" and not got.tools:
        # Tools that may not be called need not be told.
        wanted.tools = {}
    assert (dialect, got.turns, got.tools) == (dialect, wanted.turns, wanted.tools)


def opened(value):
    if isinstance(value, (list, tuple)):
        return [opened(each) for each in value]
    if isinstance(value, dict):
        return {key: opened(each) for key, each in value.items() if key != "additionalProperties"}
    return value


def may_be_refused(dialect: str, body: dict, parameter: str) -> bool:
    """What OpenAI's format can say and this provider can't hear."""
    text = json.dumps(body)
    if parameter.startswith("messages"):
        kinds = ("image_url", "input_audio", '"file"', "video_url", '"function"', "document", '"thinking"')
        return any(kind in text for kind in kinds) and not (expressible(dialect, "http image") and "image_url" in text)
    return parameter.split(".")[0].split("[")[0] in (
        *("n", "modalities", "audio", "functions", "function_call", "tools", "tool_choice", "response_format"),
    )
