"""Tokens of a Responses request, counted ahead of its answer: OpenAI's question, passed or in other providers' words."""

from __future__ import annotations

import json

import openai
import pytest
from remora import PROMPT
from replay import schemas
from replay.serving import head
from test_replay_requests import MODELS
from wire import post_json, request

pytestmark = pytest.mark.proxy

PATH = "/v1/responses/input_tokens"
WORDS = {
    "anthropic": "input_tokens", "claude": "input_tokens", "gemini": "totalTokens", "vertex": "totalTokens",
    "bedrock": "inputTokens",
}
ALL = {**MODELS, "claude": "vertex/claude-sonnet-4-5"}
PLACE = "/v1/projects/remora-project/locations/europe-west4/publishers"
PATHS = {
    "anthropic": "/v1/messages/count_tokens",
    "claude": f"{PLACE}/anthropic/models/count-tokens:rawPredict",
    "gemini": "/v1beta/models/gemini-2.5-flash:countTokens",
    "vertex": f"{PLACE}/google/models/gemini-2.5-flash:countTokens",
    "bedrock": "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/count-tokens",
}
counting = pytest.mark.parametrize("dialect", WORDS)
TOOLS = [{"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}]
ASK = {
    "instructions": "Be brief.", "tools": TOOLS, "truncation": "disabled",
    "input": [
        {"role": "user", "content": PROMPT},
        {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": '{"city":"x"}'},
        {"type": "function_call_output", "call_id": "call_1", "output": "sun"},
    ],
}


def reply(replayer, body, status=200, **fields) -> None:
    text = json.dumps(body).encode()
    replayer.upstream.reply(head(status, {"Content-Type": "application/json", **fields}, len(text)) + text)


@counting
def test_a_count(replayer, sdk, dialect):
    before = replayer.proxy.total("remora_tokens_total")
    reply(replayer, {WORDS[dialect]: 42})
    got = sdk(replayer.proxy).responses.input_tokens.count(model=ALL[dialect], reasoning={"effort": "low"}, **ASK)
    assert (got.input_tokens, got.object) == (42, "response.input_tokens")
    sent = replayer.upstream.last
    assert (sent.method, sent.target) == ("POST", PATHS[dialect])
    text = sent.body.decode()
    assert all(each in text for each in (PROMPT, "Be brief.", "sun", "weather"))
    body = json.loads(text)
    if dialect in ("anthropic", "claude"):
        # What has no tokens is refused there.
        allowed = {"model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "anthropic_version"}
        assert set(body) <= allowed and body["model"] == ALL[dialect].split("/")[1]
    elif dialect == "bedrock":
        assert schemas.bedrock_problems(body, "CountTokens") == []
    assert replayer.proxy.total("remora_tokens_total") == before


@counting
def test_what_it_says_of_itself(replayer, dialect):
    reply(replayer, {WORDS[dialect]: 7})
    got = replayer.proxy.ask(post_json(PATH, {"model": ALL[dialect], **ASK, "stream": True}))
    assert got.json()["input_tokens"] == 7 and got.json()["x_remora"]["provider"]
    assert got.get("content-type").startswith("application/json")
    line = replayer.proxy.log_line(got.get("x-request-id"))
    assert (line["endpoint"], line["status"]) == ("input_tokens", 200)


@pytest.mark.parametrize("body", [{}, {"totalTokens": "many"}, {"input_tokens": -1}, [], "x"])
@counting
def test_an_answer_without_a_number(replayer, dialect, body):
    reply(replayer, body)
    got = replayer.proxy.ask(post_json(PATH, {"model": ALL[dialect], **ASK}))
    assert (got.status, got.error["code"]) == (502, "upstream_protocol")


@counting
def test_an_error(replayer, sdk, dialect):
    reply(replayer, {"error": {"message": "slow down"}, "message": "slow down"}, 429)
    with pytest.raises(openai.RateLimitError) as caught:
        sdk(replayer.proxy).responses.input_tokens.count(model=ALL[dialect], **ASK)
    assert "slow down" in str(caught.value)


@pytest.mark.parametrize(
    "model", ["bedrock/amazon.nova-lite-v1:0", MODELS["cohere"], MODELS["ollama"], "mistral/mistral-large"]
)
def test_nothing_is_made_up(replayer, sdk, model):
    with pytest.raises(openai.NotFoundError) as caught:
        sdk(replayer.proxy).responses.input_tokens.count(model=model, **ASK)
    assert caught.value.code == "not_found" and not replayer.upstream.requests


@pytest.mark.parametrize(
    ("changes", "place"),
    [({"input": None, "instructions": None}, "input"), ({"input": 1}, "input"), ({"tools": 1}, "tools"), ({"conversation": "c"}, "conversation")],
)
@counting
def test_what_can_not_be_said(replayer, dialect, changes, place):
    got = replayer.proxy.ask(post_json(PATH, {"model": ALL[dialect], **ASK, **changes}))
    assert (got.status, got.error["param"]) == (400, place) and not replayer.upstream.requests


@counting
def test_instructions_alone(replayer, sdk, dialect):
    """Of what OpenAI counts nothing must be there; elsewhere a conversation needs a user, if one who says little."""
    reply(replayer, {WORDS[dialect]: 42})
    got = sdk(replayer.proxy).responses.input_tokens.count(model=ALL[dialect], instructions="Be brief.")
    assert got.input_tokens == 42 and b"Be brief." in replayer.upstream.last.body


def test_what_is_remembered_is_counted(replayer, sdk):
    client = sdk(replayer.proxy)
    reply(replayer, {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "Answered first."}], "usage": {"input_tokens": 1, "output_tokens": 1},
    })
    first = client.responses.create(model=ALL["anthropic"], input="Asked first.", store=True)
    reply(replayer, {"input_tokens": 9})
    got = client.responses.input_tokens.count(model=ALL["anthropic"], input="Next.", previous_response_id=first.id)
    assert got.input_tokens == 9
    text = replayer.upstream.last.body.decode()
    assert all(each in text for each in ("Asked first.", "Answered first.", "Next."))
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.input_tokens.count(model=ALL["anthropic"], input="Next.", previous_response_id="resp_none")
    assert caught.value.code == "previous_response_not_found"


def test_only_post(replayer):
    got = replayer.proxy.ask(request("GET", PATH))
    assert (got.status, got.get("allow")) == (405, "POST")


SEALED = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "rmr1.e30"}


@pytest.mark.parametrize("kind", ["openai", "azure", "openai_compatible", "xai"])
def test_where_responses_pass(start_remora, upstream, sdk, kind):
    base = upstream.base_url if kind == "openai_compatible" else upstream.origin
    provider = {"kind": kind, "base_url": base if kind != "openai" else upstream.base_url}
    proxy = start_remora(upstream, {"models": {"mini": "gateway/gpt-4o-mini"}}, provider=provider)
    text = json.dumps({"object": "response.input_tokens", "input_tokens": 11}).encode()
    upstream.reply(head(200, {"Content-Type": "application/json"}, len(text)) + text)
    got = sdk(proxy).responses.input_tokens.count(model="mini", input=[SEALED, *ASK["input"]])
    assert (got.input_tokens, got.object) == (11, "response.input_tokens")
    assert upstream.last.target.endswith("/responses/input_tokens")
    # The name that it has there; and nothing that another provider's model had thought, which is sealed.
    assert json.loads(upstream.last.body) == {"model": "gpt-4o-mini", "input": ASK["input"]}
    assert proxy.log_line(got._request_id)["endpoint"] == "input_tokens"
    assert proxy.total("remora_tokens_total", kind="input") == 0


def test_a_server_that_counts_none(start_remora, upstream, sdk):
    """Its refusal goes on as it is, and says nothing about its Responses."""
    proxy = start_remora(upstream, provider={"kind": "openai_compatible", "base_url": upstream.base_url})
    text = b'{"error":{"message":"no such path","type":"invalid_request_error","code":null,"param":null}}'
    upstream.reply(head(404, {"Content-Type": "application/json"}, len(text)) + text)
    with pytest.raises(openai.NotFoundError):
        sdk(proxy).responses.input_tokens.count(model="gateway/m", input="x")
    answer = json.dumps({"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "output": [], "status": "completed"})
    upstream.reply(head(200, {"Content-Type": "application/json"}, len(answer)) + answer.encode())
    assert sdk(proxy).responses.create(model="gateway/m", input="x").id == "resp_1"
    assert upstream.last.target == "/v1/responses"


def test_the_mock_counts(start_remora, sdk):
    import anthropic

    proxy = start_remora(whole={"providers": {"mock": {}}, "default_provider": "mock"})
    client = sdk(proxy)
    asked = {"model": "m", "input": "How many tokens are these?", "instructions": "Count."}
    count = client.responses.input_tokens.count(**asked)
    assert (count.object, count.input_tokens) == ("response.input_tokens", client.responses.create(**asked).usage.input_tokens)
    assert count.x_remora["provider"] == "mock"
    turns = {"model": "m", "messages": [{"role": "user", "content": "How many?"}], "system": "Count."}
    http = anthropic.DefaultHttpxClient(trust_env=False)
    with anthropic.Anthropic(base_url=proxy.origin, api_key="any", max_retries=0, http_client=http) as claude:
        counted = claude.messages.count_tokens(**turns).input_tokens
        assert counted == claude.messages.create(max_tokens=9, **turns).usage.input_tokens
    with pytest.raises(openai.BadRequestError):
        client.responses.input_tokens.count(model="m")
