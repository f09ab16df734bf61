"""Anthropic's SDK against a scripted provider of each format: loops of tools, streamed and whole, errors, what is sent."""

from __future__ import annotations

import json
import re

import anthropic
import pytest
from remora import PROMPT
from replay import answers
from replay.answers import LOOP, SIGNATURE, Said
from replay.serving import head
from test_replay_requests import MODELS
from wire import chunk, post_json

pytestmark = pytest.mark.proxy

ALL = {**MODELS, "openai": "openai/gpt-4o", "mistral": "mistral/mistral-large", "groq": "groq/llama-3.3-70b"}
NATIVE = ("anthropic", "vertex-claude")
TRANSLATED = [name for name in ALL if name not in NATIVE]
dialects = pytest.mark.parametrize("dialect", TRANSLATED)
either = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])

TOOLS = [
    {
        "name": name,
        "description": f"The {name}.",
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
    for name in ("weather", "clock")
]


@pytest.fixture
def client(replayer):
    http = anthropic.DefaultHttpxClient(trust_env=False)
    made = anthropic.Anthropic(
        base_url=replayer.proxy.origin, api_key="any", max_retries=0, timeout=10, http_client=http
    )
    yield made
    made.close()


def create(client, streamed: bool, **asked):
    asked = {"max_tokens": 512, "messages": [{"role": "user", "content": PROMPT}], **asked}
    if not streamed:
        return client.messages.create(**asked)
    with client.messages.stream(**asked) as events:
        indexes = [each.index for each in events if each.type == "content_block_start"]
        said = events.get_final_message()
    assert indexes == list(range(len(said.content)))
    return said


@pytest.mark.parametrize("dialect", ALL)
@either
def test_a_loop_of_tools(replayer, client, dialect, streamed):
    for said in LOOP:
        replayer.upstream.reply(*answers.steps(dialect, said, streamed=streamed))
    messages: list = [{"role": "user", "content": PROMPT}]
    names = []
    for _ in range(3):
        said = create(
            client, streamed, model=ALL[dialect], tools=TOOLS, messages=messages, system="Be brief.", max_tokens=4096
        )
        assert said.usage.output_tokens == 7
        calls = [each for each in said.content if each.type == "tool_use"]
        if not calls:
            assert said.stop_reason == "end_turn"
            break
        assert said.stop_reason == "tool_use"
        names.append([(each.name, each.input) for each in calls])
        messages.append({"role": "assistant", "content": said.content})
        results = [
            {"type": "tool_result", "tool_use_id": each.id, "content": [{"type": "text", "text": "sun"}]} for each in calls
        ]
        messages.append({"role": "user", "content": results})
    assert names == [[("weather", {"city": "Zürich"}), ("clock", {"city": "Oslo"})], [("weather", {"city": "Oslo"})]]
    assert "".join(each.text for each in said.content if each.type == "text") == "Rain in Zürich, snow in Oslo at noon."
    sent = replayer.upstream.requests[-1].body
    assert sent.count(b"sun") == 3 and b"rmr1." not in sent
    # What a provider signs comes back to it, of both turns; one that signs nothing never sees any of it.
    signs = dialect in ("bedrock", "gemini", "vertex", *NATIVE)
    assert (SIGNATURE.encode() in sent, (SIGNATURE + "A").encode() in sent) == (signs, signs)
    assert signs or b"First the weather." not in sent or dialect in ("cohere", "ollama", "mistral")


@dialects
@either
def test_what_ends_an_answer(replayer, client, dialect, streamed):
    replayer.upstream.reply(*answers.steps(dialect, Said("Half an ans", cut=True), streamed=streamed))
    said = create(client, streamed, model=ALL[dialect])
    assert said.stop_reason == "max_tokens" and said.content[0].text == "Half an ans"
    assert said.usage.input_tokens == 11


@pytest.mark.parametrize("dialect", [*TRANSLATED])
def test_pictures_and_results(replayer, client, dialect):
    """What each provider gets of a turn with everything in it; the recorded schemas are checked elsewhere."""
    data = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "a"}, image, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "x"}}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "later"},
                {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": True, "content": "broken"},
            ],
        },
    ]
    replayer.upstream.reply(*answers.steps(dialect, Said("Fine."), streamed=False))
    said = create(client, False, model=ALL[dialect], messages=messages, tools=TOOLS, metadata={"user_id": "u"})
    assert said.content[0].text == "Fine."
    text = replayer.upstream.last.body.decode()
    assert data in text and "Error: broken" in text
    assert text.index("Error: broken") < text.index("later")


@dialects
@either
def test_errors(replayer, client, dialect, streamed):
    text = b'{"error": {"message": "slow down", "type": "x"}, "message": "slow down"}'
    replayer.upstream.reply(head(429, {"Content-Type": "application/json", "Retry-After": "7"}, len(text)) + text)
    with pytest.raises(anthropic.RateLimitError) as caught:
        create(client, streamed, model=ALL[dialect])
    assert caught.value.body["type"] == "error" and caught.value.body["error"]["type"] == "rate_limit_error"
    assert "slow down" in caught.value.body["error"]["message"]
    assert caught.value.response.headers["retry-after"] == "7"


@dialects
def test_a_stream_that_breaks_off(replayer, dialect):
    steps = answers.steps(dialect, Said("One two three four five six."), streamed=True)
    replayer.upstream.reply(*steps[:3], "cut")
    with replayer.proxy.connect() as peer:
        asked = {"model": ALL[dialect], "max_tokens": 5, "messages": [{"role": "user", "content": "x"}], "stream": True}
        peer.send(post_json("/v1/messages", asked))
        while peer.fill():
            pass
        said = peer.buffer
    status = int(said.split(b" ", 2)[1])
    if status == 200:
        # What came before the break has gone on, and the error is the last that is said.
        events = re.findall(rb"event: (\w+)\ndata: (.*)\n\n", said)
        assert [name for name, _ in events][0] == b"message_start" and [name for name, _ in events].count(b"error") == 1
        assert events[-1][0] == b"error" and json.loads(events[-1][1])["error"]["type"] == "api_error"
    else:
        told = json.loads(said.partition(b"\r\n\r\n")[2])
        assert status == 502 and told["type"] == "error" and told["error"]["message"]
    assert b"message_stop" not in said


@pytest.mark.parametrize(
    "changes,place",
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": "x"}, "messages"),
        ({"messages": [3]}, "messages[0]"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]}, "messages[0].content[0].tool_use_id"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}]}]},
            "messages[0].content[0].source",
        ),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "bash_20250124", "name": "bash"}]}, "tools[0].type"),
        ({"tools": [{"name": "x"}]}, "tools[0].input_schema"),
        ({"mcp_servers": [{"url": "x"}]}, "mcp_servers"),
    ],
)
def test_what_can_not_be_said(replayer, changes, place):
    asked = {"model": "openai/gpt-4o", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}], **changes}
    asked = {name: value for name, value in asked.items() if value is not None}
    got = replayer.proxy.ask(post_json("/v1/messages", asked))
    said = got.json()
    assert (got.status, said["error"]["type"]) == (400, "invalid_request_error"), got.body
    assert f"({place})" in said["error"]["message"] or f"'{place}'" in said["error"]["message"]
    assert not replayer.upstream.requests


def test_what_is_left_out_is_named(replayer):
    replayer.upstream.reply(*answers.steps("openai", Said("Fine."), streamed=False))
    asked = {
        "model": "openai/gpt-4o", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}], "top_k": 3,
        "speed": "fast", "tools": [TOOLS[0], {"type": "web_search_20250305", "name": "web_search"}],
        "metadata": {"user_id": "u" * 90},
    }
    got = replayer.proxy.ask(post_json("/v1/messages", asked, {"anthropic-beta": "b", "anthropic-version": "2023-06-01"}))
    assert set(got.get("x-remora-dropped").split(",")) == {"top_k", "speed", "tools[1]", "metadata.user_id"}
    sent = replayer.upstream.last
    assert sent.target == "/v1/chat/completions" and sent.get("anthropic-beta") is None
    assert set(json.loads(sent.body)) == {"model", "max_completion_tokens", "messages", "tools"}


def test_calls_that_interleave(replayer, client):
    """Each of two calls comes whole, although their pieces come by turns."""

    def delta(calls, finish=None):
        choice = {"index": 0, "delta": {"tool_calls": calls} if calls else {}, "finish_reason": finish}
        data = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
        return b"data: %s\n\n" % json.dumps(data).encode()

    def call(index, **function):
        own = {"id": f"call_{index}", "type": "function"} if "name" in function else {}
        return {"index": index, **own, "function": function}

    data = b"".join(
        [
            delta([call(0, name="weather", arguments="")]),
            delta([call(1, name="clock", arguments='{"ci')]),
            delta([call(0, arguments='{"city": "{\\"')]),
            delta([call(1, arguments='ty": "b"}')]),
            delta([call(0, arguments='a"}')]),
            delta(None, "tool_calls"),
            b"data: [DONE]\n\n",
        ]
    )
    fields = {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    replayer.upstream.reply(f"HTTP/1.1 200 OK\r\n{lines}\r\n".encode() + chunk(data) + b"0\r\n\r\n")
    said = create(client, True, model="openai/gpt-4o", tools=TOOLS)
    assert [(each.name, each.input) for each in said.content] == [
        ("weather", {"city": '{"a'}), ("clock", {"city": "b"})
    ]
