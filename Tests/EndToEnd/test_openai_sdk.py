"""The official OpenAI SDK, as applications use it: all it can do must work through Remora unchanged."""

from __future__ import annotations

import asyncio
import json
import time

import openai
import pytest
from pydantic import BaseModel

import openai_server
from conftest import http, sdk_options
from openai_server import TEXT, USAGE, chat_chunks, vector
from remora import CALLER_KEY, PROMPT, SECRET, SLOWER
from upstream import Gate, STALL
from wire import LAST_CHUNK, SSE_HEAD, event

CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": PROMPT}]}


class Place(BaseModel):
    city: str
    population: int


class Atlas(BaseModel):
    places: list[Place]
    complete: bool


WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


def text_of(chunks) -> str:
    return "".join(each.choices[0].delta.content or "" for each in chunks if each.choices)


# Chat completions.


def test_chat(client):
    answer = client.chat.completions.create(**CHAT)
    assert answer.choices[0].message.content == TEXT
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == USAGE["total_tokens"]
    assert answer.usage.prompt_tokens_details.cached_tokens == 3
    assert answer.model == "gpt-4o-2024-08-06"


async def test_chat_async(async_client):
    answers = await asyncio.gather(*(async_client.chat.completions.create(**CHAT) for _ in range(20)))
    assert [each.choices[0].message.content for each in answers] == [TEXT] * 20


def test_chat_many_choices(client):
    answer = client.chat.completions.create(**CHAT, n=3)
    assert [each.index for each in answer.choices] == [0, 1, 2]


def test_stream(client):
    chunks = list(client.chat.completions.create(**CHAT, stream=True))
    assert text_of(chunks) == TEXT
    assert [each.choices[0].finish_reason for each in chunks if each.choices][-1] == "stop"
    assert {each.id for each in chunks} == {"chatcmpl-upstream"}


async def test_stream_async(async_client):
    async def one() -> str:
        stream = await async_client.chat.completions.create(**CHAT, stream=True)
        return text_of([each async for each in stream])

    assert await asyncio.gather(*(one() for _ in range(20))) == [TEXT] * 20


def test_stream_helper(client):
    with client.chat.completions.stream(**CHAT) as stream:
        kinds = [each.type for each in stream]
        final = stream.get_final_completion()
    assert "content.delta" in kinds and kinds.count("content.done") == 1
    assert final.choices[0].message.content == TEXT


async def test_stream_helper_async(async_client):
    async with async_client.chat.completions.stream(**CHAT) as stream:
        final = await stream.get_final_completion()
    assert final.choices[0].message.content == TEXT


def test_parse_helper(client):
    answer = client.chat.completions.parse(**CHAT, response_format=Atlas)
    assert answer.choices[0].message.parsed == Atlas(
        places=[Place(city="Zürich", population=9007199254740993)], complete=True
    )


def test_stream_helper_parses(client):
    with client.chat.completions.stream(**CHAT, response_format=Atlas) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.parsed.places[0].population == 9007199254740993


# Tools.


@pytest.mark.parametrize("parallel", [1, 3])
def test_tools_loop(client, upstream, parallel):
    """Three turns: the model calls, the application answers, each id finds its way back."""
    messages = [{"role": "user", "content": f"rounds=3 parallel={parallel}"}]
    for turn in range(3):
        answer = client.chat.completions.create(model="gpt-4o", messages=messages, tools=[WEATHER])
        message = answer.choices[0].message
        assert answer.choices[0].finish_reason == "tool_calls"
        assert [call.id for call in message.tool_calls] == [f"call_{turn}_{i}" for i in range(parallel)]
        messages.append(message.model_dump(exclude_none=True))
        for call in message.tool_calls:
            arguments = json.loads(call.function.arguments)
            assert arguments["city"] == "Zürich" and arguments["turn"] == turn
            messages.append(
                {"role": "tool", "tool_call_id": call.id, "content": f"{turn}/{arguments['index']}"}
            )
    final = client.chat.completions.create(model="gpt-4o", messages=messages, tools=[WEATHER])
    expected = ", ".join(f"{turn}/{index}" for turn in range(3) for index in range(parallel))
    assert final.choices[0].message.content == f"Results: {expected}"
    assert upstream.last.json()["messages"] == messages


@pytest.mark.parametrize("parallel", [1, 3])
def test_tools_stream(client, parallel):
    calls: dict[int, dict] = {}
    messages = [{"role": "user", "content": f"rounds=1 parallel={parallel}"}]
    for each in client.chat.completions.create(
        model="gpt-4o", messages=messages, tools=[WEATHER], stream=True
    ):
        for call in (each.choices[0].delta.tool_calls or []) if each.choices else []:
            entry = calls.setdefault(call.index, {"id": call.id, "arguments": ""})
            entry["arguments"] += call.function.arguments
    assert [calls[index]["id"] for index in range(parallel)] == [
        f"call_0_{index}" for index in range(parallel)
    ]
    assert [json.loads(calls[index]["arguments"])["index"] for index in range(parallel)] == list(
        range(parallel)
    )


# Other endpoints.


def test_completions(client):
    answer = client.completions.create(model="gpt-3.5-turbo-instruct", prompt=PROMPT)
    assert answer.choices[0].text == TEXT
    chunks = list(client.completions.create(model="gpt-3.5-turbo-instruct", prompt=PROMPT, stream=True))
    assert "".join(each.choices[0].text for each in chunks if each.choices) == TEXT


@pytest.mark.parametrize("encoding", ["float", "base64", None])
def test_embeddings(client, encoding):
    options = {"encoding_format": encoding} if encoding else {}
    inputs = ["one", "two", "Zürich"]
    answer = client.embeddings.create(model="text-embedding-3-small", input=inputs, **options)
    assert [each.index for each in answer.data] == [0, 1, 2]
    for text, each in zip(inputs, answer.data, strict=True):
        if encoding == "base64":
            # Asked for by name, the SDK hands the text over undecoded.
            assert isinstance(each.embedding, str)
        else:
            assert each.embedding == vector(text)
    assert answer.usage.total_tokens == 15


def test_models(sdk, start_remora, upstream):
    client = sdk(start_remora(upstream))
    listed = {each.id for each in client.models.list()}
    assert set(openai_server.MODELS) <= listed
    assert client.models.retrieve("gpt-4o").id == "gpt-4o"


@pytest.mark.proxy
def test_models_lists_configured_names(client):
    assert {"alias", "broken"} <= {each.id for each in client.models.list()}
    assert client.models.retrieve("alias").id == "alias"


def test_responses(client):
    answer = client.responses.create(model="gpt-4o", input=PROMPT)
    assert answer.output_text == TEXT
    assert answer.usage.total_tokens == 19


def test_responses_stream(client):
    events = list(client.responses.create(model="gpt-4o", input=PROMPT, stream=True))
    assert "".join(each.delta for each in events if each.type == "response.output_text.delta") == TEXT
    assert [each.sequence_number for each in events] == list(range(len(events)))
    assert events[-1].type == "response.completed"
    with client.responses.stream(model="gpt-4o", input=PROMPT) as stream:
        assert stream.get_final_response().output_text == TEXT


def test_file_upload(client, upstream):
    content = bytes(range(256)) * 40_000
    answer = client.files.create(file=("upload.bin", content), purpose="assistants")
    assert answer.bytes == upstream.last.length > len(content)
    assert answer.sha256 == upstream.last.sha256
    assert upstream.last.get("content-type").startswith("multipart/form-data; boundary=")


def test_audio_download(client, tmp_path):
    request = {"model": "tts-1", "voice": "alloy", "input": PROMPT}
    assert client.audio.speech.create(**request).content == openai_server.SPEECH
    with client.audio.speech.with_streaming_response.create(**request) as answer:
        answer.stream_to_file(tmp_path / "speech.mp3")
    assert (tmp_path / "speech.mp3").read_bytes() == openai_server.SPEECH


def test_moderations(client):
    assert client.moderations.create(input=PROMPT).results[0].flagged is False


# What is around an answer.


def test_raw_response(client):
    raw = client.chat.completions.with_raw_response.create(**CHAT)
    assert raw.status_code == 200
    assert raw.headers["openai-processing-ms"] == "7"
    assert raw.headers["x-ratelimit-remaining-requests"] == "41"
    assert raw.parse().choices[0].message.content == TEXT


@pytest.mark.proxy
@pytest.mark.parametrize("stream", [False, True])
def test_raw_response_headers(client, stream):
    asked = {"x-request-id": "caller-17"}
    raw = client.chat.completions.with_raw_response.create(
        model="alias", messages=CHAT["messages"], stream=stream, extra_headers=asked
    )
    assert raw.headers.get("x-request-id") == "caller-17"
    assert raw.headers.get("x-remora-provider") == "gateway"
    assert raw.headers.get("x-remora-model") == "gpt-4o"
    assert raw.headers.get("x-remora-attempts") == "1"
    parsed = raw.parse()
    metadata = (next(iter(parsed)) if stream else parsed).model_extra["x_remora"]
    assert metadata["request_id"] == "caller-17"
    assert (metadata["provider"], metadata["model"], metadata["attempts"]) == ("gateway", "gpt-4o", 1)
    if stream:
        assert all("x_remora" not in (each.model_extra or {}) for each in parsed)


@pytest.mark.proxy
def test_request_ids_are_made_and_differ(client):
    ids = {client.chat.completions.with_raw_response.create(**CHAT).headers["x-request-id"] for _ in range(5)}
    assert len(ids) == 5 and all(ids)


@pytest.mark.proxy
def test_key_is_replaced(client, upstream):
    client.chat.completions.create(**CHAT)
    assert upstream.last.all("authorization") == [f"Bearer {SECRET}"]
    assert CALLER_KEY.encode() not in upstream.last.head


@pytest.mark.proxy
def test_without_v1(sdk, remora, upstream):
    short = sdk(remora).with_options(base_url=remora.origin)
    assert short.chat.completions.create(**CHAT).choices[0].message.content == TEXT
    assert upstream.last.target == "/v1/chat/completions"
    assert "alias" in {each.id for each in short.models.list()}


@pytest.mark.proxy
def test_unix_socket(sdk, remora):
    client = sdk(remora, transport=http.HTTPTransport(uds=str(remora.socket_path)))
    assert client.chat.completions.create(**CHAT).choices[0].message.content == TEXT
    assert text_of(client.chat.completions.create(**CHAT, stream=True)) == TEXT


@pytest.mark.proxy
@pytest.mark.parametrize("host", ["[::1]", "localhost"])
def test_addresses(sdk, remora, host):
    client = sdk(remora).with_options(base_url=f"http://{host}:{remora.port}/v1")
    assert client.chat.completions.create(**CHAT).choices[0].message.content == TEXT


# Leaving.


def close_delay(upstream, leave) -> float:
    """Seconds from `leave()` to the moment the provider saw its connection close."""
    connection = upstream.last.connection
    left = time.monotonic()
    leave()
    assert connection.closed.wait(5), "the provider was not told that the client left"
    return connection.closed_at - left


def test_cancel_stream(client, upstream, record_property):
    chunks = list(chat_chunks({"model": "gpt-4o"}))
    upstream.reply(SSE_HEAD, event(chunks[0]), event(chunks[1]), STALL)
    stream = client.chat.completions.create(**CHAT, stream=True)
    assert next(iter(stream)).choices[0].delta.role == "assistant"
    delay = close_delay(upstream, stream.close)
    record_property("seconds_to_close", delay)
    assert delay < 0.5 * SLOWER


@pytest.mark.parametrize("steps", [(STALL,), (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", STALL)])
def test_cancel_while_waiting(sdk, remora, upstream, record_property, steps):
    """The client gives up before an answer, or in the middle of one that is no stream."""
    upstream.reply(*steps)
    impatient = sdk(remora, timeout=0.3)
    started = time.monotonic()
    with pytest.raises(openai.APITimeoutError):
        # Where the SDK says how long it waits, it is told before (test_plans.py).
        impatient.chat.completions.create(**CHAT, extra_headers={"x-stainless-read-timeout": "600"})
    gave_up = time.monotonic()
    assert upstream.last.connection.closed.wait(5), "the provider was not told that the client left"
    record_property("seconds_to_close", upstream.last.connection.closed_at - gave_up)
    assert 0.2 < upstream.last.connection.closed_at - started
    assert upstream.last.connection.closed_at - gave_up < 0.5 * SLOWER


async def test_cancel_async_task(remora, upstream):
    upstream.reply(STALL)
    verify = getattr(remora, "verify", True)
    own = openai.DefaultAsyncHttpxClient(verify=verify, trust_env=False)
    async with openai.AsyncOpenAI(**sdk_options(remora, http_client=own)) as client:
        task = asyncio.create_task(client.chat.completions.create(**CHAT))
        await asyncio.to_thread(upstream.wait_requests, 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await asyncio.to_thread(upstream.last.connection.closed.wait, 5)


def test_retry_by_the_sdk_is_answered(sdk, remora, upstream):
    """A 500 with the SDK's own retries on: the second try is a new request and succeeds."""
    upstream.reply(openai_server.failure(500, "once"))
    patient = sdk(remora, max_retries=2)
    assert patient.chat.completions.create(**CHAT).choices[0].message.content == TEXT
    assert len(upstream.requests) == 2


def test_slow_stream_survives(client, upstream):
    """A stream pauses for as long as the provider likes, within the idle limit."""
    chunks = [*chat_chunks({"model": "gpt-4o"})]
    gates = [Gate() for _ in chunks]
    steps = [step for gate, each in zip(gates, chunks, strict=True) for step in (gate, event(each))]
    upstream.reply(SSE_HEAD, *steps, event("[DONE]"), LAST_CHUNK)
    stream = iter(client.chat.completions.create(**CHAT, stream=True))
    for gate, each in zip(gates, chunks, strict=True):
        gate.open()
        assert next(stream).choices[0].delta.content == each["choices"][0]["delta"].get("content")
    assert list(stream) == []
