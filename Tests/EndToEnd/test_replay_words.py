"""Faults and losses of what went as a chat, told in the words of the format that the client speaks."""

from __future__ import annotations

import json

import pytest
from replay import answers
from replay.answers import Said
from test_replay_requests import MODELS
from wire import post_json

pytestmark = pytest.mark.proxy

PDF = "JVBERi0xLjQKJUVPRgo="
FILE = {"type": "base64", "media_type": "application/pdf", "data": PDF}
USER = {"role": "user", "content": "a"}
KEYS = {"type": "object", "additionalProperties": {"type": "string"}}
NOVA = "bedrock/amazon.nova-lite-v1:0"


def ask(replayer, path: str, model: str, body: dict):
    name = model.split("/")[0]
    replayer.upstream.reply(*answers.steps(name, Said("Fine."), streamed=False))
    return replayer.proxy.ask(post_json(path, {"model": model, **body}))


def use(given) -> dict:
    return {"type": "tool_use", "id": "1", "name": "f", "input": given}


def tool(**more) -> dict:
    return {"name": "f", "input_schema": {"type": "object", "properties": {}}, **more}


def result(content, call="1") -> dict:
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call, "content": content}]}


MESSAGES = {
    "a document's address": (
        "bedrock", {"system": "s", "messages": [USER, {"role": "user", "content": [
            {"type": "text", "text": "x"}, {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
        ]}]},
        "messages[1].content[1].source",
    ),
    "a document in a result": (
        "ollama", {"messages": [USER, {"role": "assistant", "content": [use({})]}, result([{"type": "document", "source": FILE}])]},
        "messages[2].content[0].content[0]",
    ),
    "a result of no call": ("gemini", {"messages": [USER, result("x", "9")]}, "messages[1].content[0].tool_use_id"),
    "a schema": (
        "bedrock", {"messages": [USER], "output_config": {"format": {"type": "json_schema", "schema": KEYS}}},
        "output_config.format.schema",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_fault_of_a_message(replayer, name):
    dialect, body, place = MESSAGES[name]
    got = ask(replayer, "/v1/messages", MODELS[dialect], {"max_tokens": 9, **body})
    assert got.status == 400 and got.json()["error"]["message"].endswith(f"({place})"), got.body
    assert not replayer.upstream.requests


FETCHED = {"type": "input_file", "file_url": "https://example.com/a.pdf"}
LINK = {"type": "input_image", "image_url": "https://example.com/a.png"}
CALL = {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "1", "output": [{"type": "input_file", "file_data": PDF}]}
RESPONSES = {
    "a file's address": ("bedrock", {"input": [USER, {"role": "user", "content": [FETCHED]}]}, "input[1].content[0]"),
    "a picture's address": (
        "bedrock", {"instructions": "i", "input": [USER, {"role": "user", "content": [{"type": "input_text", "text": "x"}, LINK]}]},
        "input[1].content[1].image_url",
    ),
    "a file in an output": ("cohere", {"input": [USER, CALL, OUTPUT]}, "input[2].output[0]"),
    "a schema": (
        "bedrock", {"input": "x", "text": {"format": {"type": "json_schema", "name": "a", "schema": KEYS}}}, "text.format.schema",
    ),
}


@pytest.mark.parametrize("name", RESPONSES)
def test_a_fault_of_a_response(replayer, name):
    dialect, body, place = RESPONSES[name]
    got = ask(replayer, "/v1/responses", MODELS[dialect], body)
    assert (got.status, got.error["param"]) == (400, place) and not replayer.upstream.requests


LOST = {
    "messages": (
        "/v1/messages", MODELS["gemini"],
        {
            "max_tokens": 9, "system": "s",
            "messages": [
                USER, {"role": "assistant", "content": [{"type": "text", "text": "x"}, use("{")]}, result("y"),
                {"role": "system", "content": "late"}, USER,
            ],
            "tools": [{"type": "web_search_20250305", "name": "web_search"}, tool(strict=True)],
            "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
        },
        "tools[0],tool_choice.disable_parallel_tool_use,messages[1].content[1].input,messages[3],tools[1].strict",
    ),
    "thinking": ("/v1/messages", NOVA, {"max_tokens": 9, "messages": [USER], "thinking": {"type": "enabled", "budget_tokens": 2000}}, "thinking"),
    "effort": ("/v1/messages", NOVA, {"max_tokens": 9, "messages": [USER], "output_config": {"effort": "high"}}, "output_config.effort"),
    "responses": (
        "/v1/responses", MODELS["gemini"],
        {
            "input": [
                USER, {"type": "reasoning", "id": "rs_1", "summary": []}, {**CALL, "arguments": "{"},
                {**OUTPUT, "output": "x"}, {"role": "developer", "content": "late"}, USER,
            ],
            "tools": [
                {"type": "web_search"}, {"type": "function", "name": "f", "parameters": {}, "strict": True},
                {"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "g", "parameters": {}, "strict": True}]},
            ],
        },
        "tools[0],input[2].arguments,input[4],tools[1].strict,tools[2].strict",
    ),
    "reasoning": ("/v1/responses", NOVA, {"input": "x", "reasoning": {"effort": "high"}}, "reasoning.effort"),
}


@pytest.mark.parametrize("name", LOST)
def test_what_is_lost(replayer, name):
    path, model, body, places = LOST[name]
    got = ask(replayer, path, model, body)
    assert got.status == 200, got.body
    assert set(got.get("x-remora-dropped").split(",")) == set(places.split(","))


def test_a_member_that_a_provider_of_openais_format_refuses(replayer):
    """What is left out of the chat on its way to such a provider is named as well."""
    body = {"input": [{"role": "user", "content": [{"type": "input_text", "text": "x"}]}], "reasoning": {"effort": "minimal"}, "top_logprobs": 2}
    got = ask(replayer, "/v1/responses", "mistral/mistral-large", body)
    assert got.status == 200 and "max_tokens" not in json.loads(replayer.upstream.last.body)
    assert "top_logprobs" in got.get("x-remora-dropped").split(",")
