"""Tokens counted ahead of an answer: Anthropic's question, in the words of each provider that can say."""

from __future__ import annotations

import json

import anthropic
import pytest
from remora import PROMPT
from replay import schemas
from replay.serving import head
from test_replay_messages import TOOLS, client  # noqa: F401
from test_replay_requests import MODELS
from wire import post_json

pytestmark = pytest.mark.proxy

NOVA = "bedrock/amazon.nova-lite-v1:0"
WORDS = {"gemini": "totalTokens", "vertex": "totalTokens", "bedrock": "inputTokens"}
PATHS = {
    "gemini": "/v1beta/models/gemini-2.5-flash:countTokens",
    "vertex": "/v1/projects/remora-project/locations/europe-west4/publishers/google/models/gemini-2.5-flash:countTokens",
    # The model's own name: those of profiles are refused.
    "bedrock": "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/count-tokens",
}
counting = pytest.mark.parametrize("dialect", WORDS)
MESSAGES = [
    {"role": "user", "content": PROMPT},
    {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "x"}}]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "sun"}]},
]
ASK = {"messages": MESSAGES, "system": "Be brief.", "tools": TOOLS, "thinking": {"type": "enabled", "budget_tokens": 2048}}


def reply(replayer, body, status=200, **fields) -> None:
    text = json.dumps(body).encode()
    replayer.upstream.reply(head(status, {"Content-Type": "application/json", **fields}, len(text)) + text)


@counting
def test_a_count(replayer, client, dialect):  # noqa: F811
    reply(replayer, {WORDS[dialect]: 42})
    got = client.messages.count_tokens(model=MODELS[dialect], **ASK)
    assert got.input_tokens == 42
    sent = replayer.upstream.last
    assert (sent.method, sent.target) == ("POST", PATHS[dialect])
    body = json.loads(sent.body)
    if dialect == "bedrock":
        assert list(body) == ["input"] and set(body["input"]["converse"]) == {"messages", "system", "toolConfig"}
        assert schemas.bedrock_problems(body, "CountTokens") == []
    elif dialect == "vertex":
        assert set(body) <= {"contents", "systemInstruction", "tools", "generationConfig"} and body["systemInstruction"]
        schemas.check("vertex", body)
    else:
        assert list(body) == ["generateContentRequest"]
        asked = body["generateContentRequest"]
        assert asked.pop("model") == "models/gemini-2.5-flash"
        schemas.check("gemini", asked)
    text = sent.body.decode()
    assert all(each in text for each in (PROMPT, "Be brief.", "sun", "weather", "clock"))


@counting
def test_how_a_count_is_metered(replayer, dialect):
    """It has no tokens of its own, and says whose it is as every answer does."""
    before = replayer.proxy.total("remora_tokens_total")
    reply(replayer, {WORDS[dialect]: 7})
    got = replayer.proxy.ask(post_json("/v1/messages/count_tokens?beta=true", {"model": MODELS[dialect], **ASK}))
    assert got.json()["input_tokens"] == 7 and got.json()["x_remora"]["provider"] == dialect
    line = replayer.proxy.log_line(got.get("x-request-id"))
    assert (line["endpoint"], line["status"]) == ("count_tokens", 200)
    assert replayer.proxy.total("remora_tokens_total") == before


@pytest.mark.parametrize("body", [{}, {"totalTokens": "many"}, {"inputTokens": -1}, [], "x"])
@counting
def test_an_answer_without_a_number(replayer, dialect, body):
    reply(replayer, body)
    got = replayer.proxy.ask(post_json("/v1/messages/count_tokens", {"model": MODELS[dialect], **ASK}))
    assert (got.status, got.json()["error"]["type"]) == (502, "api_error")


@counting
def test_an_error(replayer, client, dialect):  # noqa: F811
    reply(replayer, {"error": {"message": "slow down"}, "message": "slow down"}, 429)
    with pytest.raises(anthropic.RateLimitError) as caught:
        client.messages.count_tokens(model=MODELS[dialect], **ASK)
    assert "slow down" in caught.value.body["error"]["message"]


def test_a_model_that_bedrock_does_not_count(replayer, client):  # noqa: F811
    """Bedrock calls it a fault of the request's; a client that sees 404 estimates."""
    said = {"message": "The provided model doesn't support counting tokens."}
    reply(replayer, said, 400, **{"x-amzn-ErrorType": "ValidationException:http://internal.amazon.com/"})
    model = "bedrock/arn:aws:bedrock:eu-west-3:1:application-inference-profile/abc"
    with pytest.raises(anthropic.NotFoundError) as caught:
        client.messages.count_tokens(model=model, **ASK)
    assert caught.value.body["error"]["type"] == "not_found_error"
    assert replayer.upstream.last.target.endswith("application-inference-profile%2Fabc/count-tokens")


RESPONSES = {
    "openai": ("openai/gpt-4o", "/v1/responses/input_tokens"),
    "azure": ("azure/gpt-4o", "/openai/v1/responses/input_tokens"),
    "azure-classic": ("azure-classic/gpt-4o", "/openai/responses/input_tokens?api-version=2024-10-21"),
}
responses = pytest.mark.parametrize(("model", "path"), RESPONSES.values(), ids=RESPONSES)


@responses
def test_a_count_by_the_responses_api(replayer, client, model, path):  # noqa: F811
    """OpenAI counts what its Responses API would be asked, and nothing else."""
    reply(replayer, {"object": "response.input_tokens", "input_tokens": 42})
    got = client.messages.count_tokens(model=model, **ASK)
    assert got.input_tokens == 42 and not hasattr(got, "object")
    sent = replayer.upstream.last
    assert (sent.method, sent.target) == ("POST", path)
    tools = [{"type": "function", "name": each["name"], "parameters": each["input_schema"], "strict": False} for each in TOOLS]
    for tool, each in zip(tools, TOOLS):
        if "description" in each:
            tool["description"] = each["description"]
    assert json.loads(sent.body) == {
        "model": "gpt-4o",
        "input": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": PROMPT},
            {"type": "function_call", "call_id": "toolu_1", "name": "weather", "arguments": '{"city":"x"}'},
            {"type": "function_call_output", "call_id": "toolu_1", "output": "sun"},
        ],
        "tools": tools,
    }


PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PDF = "JVBERi0xLjQKJUVPRgo="
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


def test_each_part_of_a_message_is_counted(replayer, client):  # noqa: F811
    reply(replayer, {"object": "response.input_tokens", "input_tokens": 1})
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    client.messages.count_tokens(
        model="openai/gpt-4o",
        messages=[
            {"role": "user", "content": [
                {"type": "text", "text": 'Say "é😀".', "cache_control": {"type": "ephemeral"}},
                {"type": "image", "source": source},
                {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
                {"type": "document", "title": "t.pdf", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}},
            ]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}, {"type": "text", "text": "Yes."},
                {"type": "tool_use", "id": "t1", "name": "weather", "input": {}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "see"}, {"type": "image", "source": source}]},
                {"type": "text", "text": "And now?"},
            ]},
        ],
        tools=TOOLS,
        tool_choice={"type": "tool", "name": "weather"},
        thinking={"type": "enabled", "budget_tokens": 2048},
        output_config={"format": {"type": "json_schema", "schema": SCHEMA}},
    )
    body = json.loads(replayer.upstream.last.body)
    image = {"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{PIXEL}"}
    first, second, call, result, last = body["input"]
    assert first["content"][:3] == [
        {"type": "input_text", "text": 'Say "é😀".'}, image, {**image, "image_url": "https://example.com/a.png"},
    ]
    assert first["content"][3] == {"type": "input_file", "filename": "t.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}
    assert second == {"role": "assistant", "content": "Yes."}
    assert call == {"type": "function_call", "call_id": "t1", "name": "weather", "arguments": "{}"}
    assert result["call_id"] == "t1" and result["output"] == [{"type": "input_text", "text": "see"}, image]
    assert last == {"role": "user", "content": "And now?"}
    assert body["tool_choice"] == {"type": "function", "name": "weather"}
    assert body["text"] == {"format": {"type": "json_schema", "name": "answer", "schema": SCHEMA, "strict": True}}
    assert set(body) == {"model", "input", "tools", "tool_choice", "text"}


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_of_the_same_make_that_counts_nothing(replayer, client, status):  # noqa: F811
    """A 404 has clients estimate, whatever the server calls it."""
    reply(replayer, {"error": {"message": "no such path", "type": "x", "code": None, "param": None}}, status)
    with pytest.raises(anthropic.NotFoundError) as caught:
        client.messages.count_tokens(model="openai/gpt-4o", **ASK)
    assert caught.value.body["error"] == {"type": "not_found_error", "message": "no such path"}


def test_a_provider_that_has_no_responses(start_remora, upstream):
    proxy = start_remora(upstream, provider={"kind": "openai", "base_url": upstream.base_url, "responses": "translated"})
    got = proxy.ask(post_json("/v1/messages/count_tokens", {"model": "gpt-4o", **ASK}))
    assert (got.status, got.json()["error"]["type"]) == (404, "not_found_error") and not upstream.requests


@pytest.mark.parametrize("model", [NOVA, MODELS["cohere"], MODELS["ollama"], "mistral/mistral-large", "vllm/m", "openai_compatible/m"])
def test_nothing_is_made_up(replayer, client, model):  # noqa: F811
    with pytest.raises(anthropic.NotFoundError):
        client.messages.count_tokens(model=model, **ASK)
    assert not replayer.upstream.requests


@pytest.mark.parametrize(
    "changes,place",
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"tools": [{"name": "x"}]}, "tools[0].input_schema"),
    ],
)
@pytest.mark.parametrize("model", [*(MODELS[each] for each in WORDS), "openai/gpt-4o"])
def test_what_can_not_be_said(replayer, model, changes, place):
    got = replayer.proxy.ask(post_json("/v1/messages/count_tokens", {"model": model, **ASK, **changes}))
    said = got.json()
    assert (got.status, said["error"]["type"]) == (400, "invalid_request_error"), got.body
    assert place in said["error"]["message"] and not replayer.upstream.requests
