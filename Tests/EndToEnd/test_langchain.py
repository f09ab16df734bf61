"""langchain-openai as the client: its own way of streaming, binding tools and asking for structure."""

from __future__ import annotations

import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

from conftest import http
from openai_server import TEXT, vector
from remora import CALLER_KEY, PROMPT


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"rain in {city}"


class Place(BaseModel):
    """A place."""

    city: str


def options(proxy) -> dict:
    verify = getattr(proxy, "verify", True)
    return {
        "base_url": proxy.base_url,
        "api_key": CALLER_KEY,
        "max_retries": 0,
        "timeout": 10,
        "http_client": http.Client(verify=verify, trust_env=False),
        "http_async_client": http.AsyncClient(verify=verify, trust_env=False),
    }


@pytest.fixture
def chat(remora):
    return ChatOpenAI(model="gpt-4o", **options(remora))


def test_invoke(chat):
    answer = chat.invoke(PROMPT)
    assert answer.content == TEXT
    assert answer.usage_metadata["total_tokens"] == 19


async def test_invoke_async(chat):
    assert (await chat.ainvoke(PROMPT)).content == TEXT


def test_stream(chat):
    parts = list(chat.stream(PROMPT))
    assert "".join(each.content for each in parts) == TEXT
    assert sum(1 for each in parts if each.content) > 1


@pytest.mark.parametrize("wants", [True, False])
def test_stream_usage(remora, upstream, wants):
    """The client gets the usage it asked for, and none that it did not ask for."""
    parts = list(ChatOpenAI(model="gpt-4o", stream_usage=wants, **options(remora)).stream(PROMPT))
    totals = [each.usage_metadata["total_tokens"] for each in parts if each.usage_metadata]
    assert totals == ([19] if wants else [])


async def test_stream_async(chat):
    assert "".join([each.content async for each in chat.astream(PROMPT)]) == TEXT


def test_batch(chat):
    assert [each.content for each in chat.batch([PROMPT] * 8)] == [TEXT] * 8


def test_tools(chat):
    bound = chat.bind_tools([weather])
    messages = [HumanMessage("rounds=1 parallel=2")]
    call = bound.invoke(messages)
    assert [each["name"] for each in call.tool_calls] == ["weather", "weather"]
    messages.append(call)
    messages += [
        ToolMessage(weather.invoke({"city": each["args"]["city"]}), tool_call_id=each["id"])
        for each in call.tool_calls
    ]
    assert bound.invoke(messages).content == "Results: rain in Zürich, rain in Zürich"


def test_tools_stream(chat):
    whole = None
    for part in chat.bind_tools([weather]).stream("rounds=1 parallel=2"):
        whole = part if whole is None else whole + part
    assert [each["args"]["index"] for each in whole.tool_calls] == [0, 1]


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_structured_output(chat, method):
    assert chat.with_structured_output(Place, method=method).invoke(PROMPT) == Place(city="Zürich")


def test_responses_api(remora):
    answer = ChatOpenAI(model="gpt-4o", use_responses_api=True, **options(remora)).invoke(PROMPT)
    assert answer.text == TEXT


def test_embeddings(remora):
    # Lengths are checked by a tokenizer table that would be fetched; the text itself is what is sent.
    embeddings = OpenAIEmbeddings(
        model="text-embedding-3-small", check_embedding_ctx_length=False, **options(remora)
    )
    assert embeddings.embed_documents(["one", "two"]) == [vector("one"), vector("two")]
