"""What must hold for every answer and every request, tried on generated ones."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from replay import answers, client, schemas, serving
from replay.answers import Said
from replay.asked import READERS, numbers_kept, of_openai
from replay.reading import Call, Choice, Reading, Usage, differences
from test_replay_requests import MODELS, forgive
from wire import post_json

pytestmark = pytest.mark.proxy

bounded = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
every_dialect = pytest.mark.parametrize("dialect", MODELS)

# No lone surrogates: they aren't text, and no JSON library sends them.
TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
SOME = TEXT.filter(lambda text: text.strip() != "")
NAME = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,30}", fullmatch=True)
SCALAR = st.none() | st.booleans() | st.integers(-(10**25), 10**25) | TEXT | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=8
)
ARGUMENTS = st.dictionaries(TEXT, JSON, max_size=3).map(lambda value: json.dumps(value, ensure_ascii=False))
COUNT = st.integers(0, 2**31)


@st.composite
def said(draw) -> Said:
    names = draw(st.lists(NAME, max_size=3))
    calls = [(f"call_{number}_{name[:8]}", name, draw(ARGUMENTS)) for number, name in enumerate(names)]
    text = draw(TEXT)
    return Said(
        text=text if calls or text else "x",
        reasoning=draw(TEXT),
        signature="c2ln",
        calls=calls,
        cut=draw(st.booleans()) and not calls,
        prompt=draw(COUNT),
        completion=draw(COUNT),
    )


def wanted(dialect: str, value: Said) -> Reading:
    has_ids = answers.format_of(dialect) not in ("gemini", "ollama")
    calls = [Call(identity if has_ids else None, name, text) for identity, name, text in value.calls]
    finish = "length" if value.cut else "tool_calls" if calls else "stop"
    choice = Choice(text=value.text, reasoning=value.reasoning, calls=calls, finish=finish)
    return Reading(choices={0: choice}, usage=Usage(prompt=value.prompt, completion=value.completion))


def ask(replayer, dialect: str, body: dict):
    with replayer.proxy.connect() as peer:
        return peer.ask(post_json("/v1/chat/completions", {"model": MODELS[dialect], **body}))


@every_dialect
def test_any_answer_comes_through_whole_and_streamed(replayer, dialect):

    @bounded
    @given(value=said(), seed=st.integers(0, 1000), usage=st.booleans())
    def hold(value: Said, seed: int, usage: bool) -> None:
        expected = wanted(dialect, value)
        replayer.upstream.reset()
        replayer.upstream.reply(*answers.steps(dialect, value, streamed=False))
        body: dict = {"messages": [{"role": "user", "content": "Hello"}]}
        whole = client.read(ask(replayer, dialect, body), "chat", False)
        assert whole.failure is None and differences(whole, expected) == []
        stream = b"".join(answers.events_of(dialect, value))
        replayer.upstream.reply(answers.stream_head(dialect), *serving.pieces(stream, f"random:{seed}"))
        body |= {"stream": True, "stream_options": {"include_usage": usage}}
        streamed = client.read(ask(replayer, dialect, body), "chat", True, usage_asked=usage)
        if not usage:
            expected.usage = Usage()
        assert streamed.failure is None and differences(streamed, expected) == []
        assert streamed.choice().text == whole.choice().text

    hold()


@st.composite
def conversations(draw) -> dict:
    """A well-formed conversation of several turns, with calls and their results in any order."""
    messages: list[dict] = []
    for role in draw(st.lists(st.sampled_from(["system", "developer"]), max_size=2)):
        messages.append({"role": role, "content": draw(SOME)})
    names: set[str] = set()
    for turn in range(draw(st.integers(0, 3))):
        messages.append({"role": "user", "content": draw(SOME)})
        called = draw(st.lists(NAME, max_size=3, unique=True))
        if not called:
            messages.append({"role": "assistant", "content": draw(SOME)})
            continue
        names |= set(called)
        calls = [
            {"id": f"call_{turn}_{at}", "type": "function", "function": {"name": name, "arguments": draw(ARGUMENTS)}}
            for at, name in enumerate(called)
        ]
        messages.append({"role": "assistant", "content": draw(SOME | st.none()), "tool_calls": calls})
        for each in draw(st.permutations(calls)):
            messages.append({"role": "tool", "tool_call_id": each["id"], "content": draw(SOME)})
    messages.append({"role": "user", "content": draw(SOME)})
    body: dict = {"messages": messages}
    if names:
        body["tools"] = [
            {"type": "function", "function": {"name": name, "description": "Does it", "parameters": {"type": "object"}}}
            for name in sorted(names)
        ]
    return body


@every_dialect
def test_any_conversation_arrives(replayer, dialect):

    @bounded
    @given(body=conversations())
    def hold(body: dict) -> None:
        replayer.upstream.reset()
        replayer.upstream.reply(*answers.steps(dialect, Said("Fine."), streamed=False))
        answer = ask(replayer, dialect, body)
        assert answer.status == 200, answer.body
        native = replayer.upstream.last.body
        schemas.check(dialect, json.loads(native))
        got, expected = READERS[dialect](numbers_kept(native)).normal(), of_openai(body).normal()
        forgive(dialect, got, expected)
        assert got == expected

    hold()


# Anything at all: an answer or a clear refusal, never a hang, a crash or a 500.

ANYTHING = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from("role content type text tool_calls function name arguments id".split()), inner, max_size=4),
    max_leaves=10,
)
MEMBERS = (
    "messages tools tool_choice response_format stop stream stream_options n max_tokens temperature top_p "
    "reasoning_effort logprobs parallel_tool_calls metadata user"
).split()


@every_dialect
def test_any_request_is_answered_or_refused(replayer, dialect):

    @bounded
    @given(members=st.dictionaries(st.sampled_from(MEMBERS), ANYTHING, max_size=4))
    def hold(members: dict) -> None:
        replayer.upstream.reset()
        streamed = members.get("stream") is True
        replayer.upstream.reply(*answers.steps(dialect, Said("Fine."), streamed=streamed))
        answer = ask(replayer, dialect, {"messages": [{"role": "user", "content": "Hello"}], **members})
        assert answer.status in (200, 400), answer.body
        if answer.status == 400:
            assert answer.error["type"] == "invalid_request_error" and answer.error["message"]

    hold()


@every_dialect
def test_any_answer_at_all_is_survived(replayer, dialect):
    """A provider that answers with arbitrary JSON or arbitrary bytes: an error, not a crash and not a lie."""
    form = answers.format_of(dialect)

    @bounded
    @given(value=ANYTHING | st.binary(max_size=80), streamed=st.booleans())
    def hold(value, streamed: bool) -> None:
        replayer.upstream.reset()
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        if streamed and form not in ("bedrock", "ollama"):
            data = b"data: " + data + b"\n\n"
        kind = answers.STREAMS[form][0] if streamed else "application/json"
        replayer.upstream.reply(serving.head(200, {"Content-Type": kind}, len(data)) + data)
        body = {"messages": [{"role": "user", "content": "Hello"}], "stream": streamed}
        answer = ask(replayer, dialect, body)
        if answer.status == 200 and streamed:
            assert b'"error"' in answer.body or b"[DONE]" in answer.body
        else:
            assert answer.status in (200, 502)
            assert isinstance(answer.json(), dict)

    hold()
