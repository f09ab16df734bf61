"""The real openai SDK against a scripted provider of each format: loops of tools, helpers, errors, cancelling."""

from __future__ import annotations

import asyncio
import json

import openai
import pytest
from conftest import sdk_options
from pydantic import BaseModel
from remora import PROMPT
from replay import answers, matrix
from replay.answers import LOOP, SIGNATURE, Said
from replay.asked import READERS
from replay.openai_format import vector
from replay.serving import head
from test_replay_requests import MODELS
from upstream import Gate
from wire import chunk

pytestmark = pytest.mark.proxy

ALL = {**MODELS, "openai": "openai/gpt-4o", "mistral": "mistral/mistral-large", "groq": "groq/llama-3.3-70b"}
ALL["azure"] = "azure/gpt-4o"
dialects = pytest.mark.parametrize("dialect", ALL)
translated = pytest.mark.parametrize("dialect", MODELS)

TOOLS = [matrix.tool("weather"), matrix.tool("clock")]
CHAT = {"messages": [{"role": "user", "content": PROMPT}]}
THINKS = ("anthropic", "vertex-claude", "bedrock", "gemini", "vertex")
"""Sign their thoughts, and want the signatures back."""


@pytest.fixture
def client(sdk, replayer):
    return sdk(replayer.proxy)


def script(replayer, dialect: str, *turns: Said, streamed: bool) -> None:
    for said in turns:
        replayer.upstream.reply(*answers.steps(dialect, said, streamed=streamed))


def run_loop(client, model: str, ask) -> list:
    """An agent's loop as applications write it: the answer's message goes back as it came."""
    messages: list = [*CHAT["messages"]]
    for turn in range(3):
        choice = ask(model=model, messages=messages, tools=TOOLS, reasoning_effort="low", max_tokens=4096)
        message = choice.message
        messages.append(message)
        wanted = LOOP[turn]
        assert (message.content or "") == wanted.text
        calls = message.tool_calls or []
        assert choice.finish_reason == ("tool_calls" if wanted.calls else "stop")
        assert [(each.function.name, json.loads(each.function.arguments)) for each in calls] == [
            (name, json.loads(text)) for _, name, text in wanted.calls
        ]
        # The results come back in another order than the calls.
        for each in reversed(calls):
            messages.append({"role": "tool", "tool_call_id": each.id, "content": f"result of {each.function.name}"})
    return messages


def check_loop(replayer, dialect: str) -> None:
    requests = replayer.upstream.requests
    assert len(requests) == 3
    last = json.loads(requests[2].body)
    if dialect not in READERS:
        assert [each["role"] for each in last["messages"]] == [
            *("user", "assistant", "tool", "tool"),
            *("assistant", "tool"),
        ]
        return
    asked = READERS[dialect](last).normal()
    items = [item for _, turn in asked.turns for item in turn]
    made = [(item[2], item[3]["city"]) for item in items if item[0] == "call"]
    assert made == [("weather", "Zürich"), ("clock", "Oslo"), ("weather", "Oslo")]
    results = [item[1:] for item in items if item[0] == "result"]
    assert results == [(0, "result of weather"), (1, "result of clock"), (2, "result of weather")]
    assert ("text", "Let me see.") in items
    if dialect in THINKS:
        text = requests[2].body.decode()
        assert SIGNATURE in text, "the first turn's signature is lost"
        assert SIGNATURE + "A" in text, "the second turn's signature is lost"


@dialects
def test_loop_of_tools(replayer, client, dialect):
    script(replayer, dialect, *LOOP, streamed=False)
    run_loop(client, ALL[dialect], lambda **options: client.chat.completions.create(**options).choices[0])
    check_loop(replayer, dialect)


@dialects
def test_loop_of_tools_streamed(replayer, client, dialect):
    script(replayer, dialect, *LOOP, streamed=True)

    def ask(**options):
        with client.chat.completions.stream(**options, stream_options={"include_usage": True}) as stream:
            for _ in stream:
                pass
            final = stream.get_final_completion()
        assert (final.usage.prompt_tokens, final.usage.completion_tokens, final.usage.total_tokens) == (11, 7, 18)
        return final.choices[0]

    run_loop(client, ALL[dialect], ask)
    check_loop(replayer, dialect)


@translated
def test_thoughts_come_through(replayer, client, dialect):
    """As text for people, and signed for the provider."""
    said = Said(text="Four.", reasoning="Two and two, naïvely 🐟.", signature=SIGNATURE)
    script(replayer, dialect, said, streamed=False)
    message = client.chat.completions.create(model=ALL[dialect], **CHAT).choices[0].message
    assert message.reasoning_content == said.reasoning and message.content == said.text
    script(replayer, dialect, said, streamed=True)
    chunks = list(client.chat.completions.create(model=ALL[dialect], **CHAT, stream=True))
    deltas = [each.choices[0].delta for each in chunks if each.choices]
    assert "".join(getattr(each, "reasoning_content", None) or "" for each in deltas) == said.reasoning
    assert "".join(each.content or "" for each in deltas) == said.text


@translated
def test_the_limit_is_told(replayer, client, dialect):
    said = Said(text="Half a sen", cut=True)
    script(replayer, dialect, said, said, streamed=False)
    assert client.chat.completions.create(model=ALL[dialect], **CHAT).choices[0].finish_reason == "length"
    replayer.upstream.reset()
    script(replayer, dialect, said, streamed=True)
    chunks = list(client.chat.completions.create(model=ALL[dialect], **CHAT, stream=True))
    assert [each.choices[0].finish_reason for each in chunks if each.choices][-1] == "length"


class Tree(BaseModel):
    name: str
    children: list[str]


@dialects
def test_parsed_answer(replayer, client, dialect):
    said = Said(text='{"name": "oak", "children": ["acorn", "eichhörnchen"]}')
    script(replayer, dialect, said, streamed=False)
    answer = client.chat.completions.parse(model=ALL[dialect], **CHAT, response_format=Tree)
    assert answer.choices[0].message.parsed == Tree(name="oak", children=["acorn", "eichhörnchen"])
    if dialect in READERS:
        asked = READERS[dialect](json.loads(replayer.upstream.last.body))
        assert set(asked.settings["schema"]["properties"]) == {"name", "children"}


def tool_answer(arguments: str) -> dict:
    """What an older Claude says whose answer's form is that of a tool it must call."""
    return {**answers.anthropic_whole(Said()), "content": [
        {"type": "tool_use", "id": "toolu_9", "name": "", "input": json.loads(arguments)}
    ], "stop_reason": "tool_use"}  # fmt: skip


def test_parsed_answer_of_a_model_without_schemas(replayer, client):
    """An older Claude is made to call a tool whose arguments are the answer."""
    made = tool_answer('{"name": "oak", "children": []}')

    def answer(connection, request) -> None:
        tools = json.loads(request.body).get("tools")
        assert tools, "no schema at all reached the provider"
        made["content"][0]["name"] = tools[-1]["name"]
        body = json.dumps(made).encode()
        connection.send(head(200, {"Content-Type": "application/json"}, len(body)) + body)

    replayer.upstream.reply(answer)
    got = client.chat.completions.parse(model="anthropic/claude-3-5-haiku-20241022", **CHAT, response_format=Tree)
    assert got.choices[0].message.parsed == Tree(name="oak", children=[])
    assert got.choices[0].finish_reason == "stop" and not got.choices[0].message.tool_calls


# Embeddings: the SDK asks for base64 where numpy is there, and takes it apart itself.

VECTORS = [[0.25, -1.5, 3.0], [0.5, 0.125, -2.0]]


def embedded(format: str) -> dict:
    if format == "gemini":
        return {"embeddings": [{"values": each} for each in VECTORS]}
    if format == "vertex":
        return {"predictions": [{"embeddings": {"values": each, "statistics": {"token_count": 2}}} for each in VECTORS]}
    if format == "cohere":
        meta = {"billed_units": {"input_tokens": 4}}
        return {"id": "e", "embeddings": {"float": VECTORS}, "texts": ["a", "b"], "meta": meta}
    if format == "ollama":
        return {"model": "nomic-embed-text", "embeddings": VECTORS, "prompt_eval_count": 4}
    return {
        "object": "list",
        "model": "e",
        "data": [{"object": "embedding", "index": at, "embedding": each} for at, each in enumerate(VECTORS)],
        "usage": {"prompt_tokens": 4, "total_tokens": 4},
    }


EMBEDDERS = {
    "gemini": "gemini/gemini-embedding-001",
    "vertex": "vertex/text-embedding-005",
    "cohere": "cohere/embed-v4.0",
    "ollama": "ollama/nomic-embed-text",
    "mistral": "mistral/mistral-embed",
    "azure": "azure/text-embedding-3-small",
}


@pytest.mark.parametrize("dialect", EMBEDDERS)
@pytest.mark.parametrize("asked", ["float", "base64", None])
def test_embeddings(replayer, client, dialect, asked):
    body = json.dumps(embedded(dialect)).encode()
    replayer.upstream.reply(head(200, {"Content-Type": "application/json"}, len(body)) + body)
    options = {} if asked is None else {"encoding_format": asked}
    answer = client.embeddings.create(model=EMBEDDERS[dialect], input=["one", "two"], **options)
    got = [each.embedding for each in answer.data]
    if dialect in MODELS and asked == "base64":
        assert [vector(each) for each in got] == VECTORS
    elif asked != "base64":
        assert got == VECTORS
    assert [each.index for each in answer.data] == [0, 1]
    sent = replayer.upstream.last
    assert "one" in sent.body.decode() and "two" in sent.body.decode()
    if dialect not in ("gemini", "cohere"):
        # Cohere counts what it bills, Gemini nothing.
        assert answer.usage.prompt_tokens == 4


# Failures.


ERRORS = {
    "anthropic": lambda message: {"type": "error", "error": {"type": "rate_limit_error", "message": message}},
    "gemini": lambda message: {"error": {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED"}},
    "bedrock": lambda message: {"message": message},
    "cohere": lambda message: {"message": message},
    "ollama": lambda message: {"error": message},
    "openai": lambda message: {"error": {"message": message, "type": "requests", "param": None, "code": "rate"}},
}
STATUSES = {
    400: openai.BadRequestError,
    404: openai.NotFoundError,
    413: openai.APIStatusError,
    422: openai.UnprocessableEntityError,
    429: openai.RateLimitError,
    500: openai.InternalServerError,
    503: openai.InternalServerError,
}


@dialects
@pytest.mark.parametrize("status", STATUSES)
def test_errors(replayer, client, dialect, status):
    body = json.dumps(ERRORS[answers.format_of(dialect)]("Slow down, please.")).encode()
    fields = {"Content-Type": "application/json", "retry-after": "7"}
    # Remora may try again.
    for _ in range(4):
        replayer.upstream.reply(head(status, fields, len(body)) + body)
    with pytest.raises(STATUSES[status]) as caught:
        client.chat.completions.create(model=ALL[dialect], **CHAT)
    assert caught.value.status_code == status
    assert "Slow down, please." in caught.value.message
    if status in (429, 503):
        assert caught.value.response.headers["retry-after"] == "7"


@dialects
@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_not_the_callers_fault(replayer, client, dialect, status):
    body = json.dumps(ERRORS[answers.format_of(dialect)]("No such key")).encode()
    for _ in range(4):
        replayer.upstream.reply(head(status, {"Content-Type": "application/json"}, len(body)) + body)
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model=ALL[dialect], **CHAT)
    assert caught.value.status_code == 502 and caught.value.code == "upstream_auth"
    assert caught.value.response.headers["x-should-retry"] == "false"


@dialects
def test_promptness(replayer, client, dialect):
    """The first word leaves when its event is complete: the provider sends no more until the client has it."""
    events = answers.events_of(dialect, Said(text="One two three"))
    needle = b"One t"
    until = next(at for at, each in enumerate(events) if needle in each) + 1
    gate = Gate()
    rest = b"".join(chunk(each) for each in events[until:]) + b"0\r\n\r\n"
    replayer.upstream.reply(answers.stream_head(dialect), *map(chunk, events[:until]), gate, rest)
    with client.chat.completions.create(model=ALL[dialect], **CHAT, stream=True) as stream:
        text = ""
        for each in stream:
            text += each.choices[0].delta.content or "" if each.choices else ""
            if text == "One t":
                gate.open()
        assert text == "One two three"


@dialects
async def test_cancelling_reaches_the_provider(replayer, dialect):
    """A client that goes away in mid-stream: the provider's connection closes, so that it stops working."""
    events = answers.events_of(dialect, Said(text="One two three"))
    gate = Gate()
    # Everything but the end, which never comes.
    replayer.upstream.reply(answers.stream_head(dialect), *map(chunk, events[:-2]), gate)
    own = openai.DefaultAsyncHttpxClient(trust_env=False)
    async with openai.AsyncOpenAI(**sdk_options(replayer.proxy, http_client=own)) as client:
        stream = await client.chat.completions.create(model=ALL[dialect], **CHAT, stream=True)
        async for each in stream:
            if each.choices and each.choices[0].delta.content:
                break
        await stream.close()
    connection = replayer.upstream.last.connection
    assert await asyncio.to_thread(connection.closed.wait, 5), "the provider goes on for nobody"
