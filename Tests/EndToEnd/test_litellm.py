"""litellm as the client, in an environment of its own: it needs an older OpenAI SDK."""

from __future__ import annotations

import litellm
import pytest

from conftest import DIRECT
from openai_server import TEXT, vector
from remora import CALLER_KEY, PROMPT

MESSAGES = [{"role": "user", "content": PROMPT}]
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture(autouse=True)
def _trust(request, monkeypatch):
    litellm.disable_aiohttp_transport = True
    if DIRECT:
        monkeypatch.setattr(litellm, "ssl_verify", str(request.getfixturevalue("authority").ca_file))
    yield
    litellm.in_memory_llm_clients_cache.flush_cache()


def options(proxy, model: str = "openai/gpt-4o") -> dict:
    return {
        "model": model,
        "api_base": proxy.base_url,
        "api_key": CALLER_KEY,
        "timeout": 10,
        "max_retries": 0,
    }


def test_completion(remora):
    answer = litellm.completion(messages=MESSAGES, **options(remora))
    assert answer.choices[0].message.content == TEXT
    assert answer.usage.total_tokens == 19


async def test_completion_async(remora):
    answer = await litellm.acompletion(messages=MESSAGES, **options(remora))
    assert answer.choices[0].message.content == TEXT


def test_stream(remora):
    parts = list(litellm.completion(messages=MESSAGES, stream=True, **options(remora)))
    assert "".join(each.choices[0].delta.content or "" for each in parts) == TEXT


def test_stream_usage(remora):
    asked = {"include_usage": True}
    parts = list(litellm.completion(messages=MESSAGES, stream=True, stream_options=asked, **options(remora)))
    assert [each.usage.total_tokens for each in parts if getattr(each, "usage", None)] == [19]


async def test_stream_async(remora):
    stream = await litellm.acompletion(messages=MESSAGES, stream=True, **options(remora))
    assert "".join([each.choices[0].delta.content or "" async for each in stream]) == TEXT


def test_tools(remora):
    messages = [{"role": "user", "content": "rounds=1 parallel=2"}]
    answer = litellm.completion(messages=messages, tools=[TOOL], **options(remora))
    assert [each.id for each in answer.choices[0].message.tool_calls] == ["call_0_0", "call_0_1"]


def test_embeddings(remora):
    answer = litellm.embedding(
        input=["one", "two"], encoding_format="float", **options(remora, "openai/text-embedding-3-small")
    )
    assert [each["embedding"] for each in answer.data] == [vector("one"), vector("two")]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, litellm.BadRequestError),
        (404, litellm.NotFoundError),
        (429, litellm.RateLimitError),
        (500, litellm.InternalServerError),
    ],
)
def test_errors(remora, status, kind):
    with pytest.raises(kind) as caught:
        litellm.completion(messages=MESSAGES, **options(remora, f"openai/error-{status}"))
    assert f"The provider says {status}" in str(caught.value)
