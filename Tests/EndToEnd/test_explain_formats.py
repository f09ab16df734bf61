"""`remora explain --body` for every format that is served: what would go upstream, and what can't."""

from __future__ import annotations

import json

import pytest
from remora import SECRET, run
from test_config import ANY_TEXT, strings

KINDS = ["openai", "mistral", "openai_compatible", "anthropic", "gemini", "cohere", "ollama", "bedrock"]
TOOL = {"type": "object", "properties": {"city": {"type": "string"}}}
MESSAGE = {
    "model": "any", "max_tokens": 64, "system": "Be brief.", "top_k": 3, "stream": True,
    "messages": [{"role": "user", "content": "hi"}],
    "tools": [{"name": "weather", "input_schema": TOOL}, {"type": "web_search_20250305", "name": "web_search"}],
}
RESPONSE = {
    "model": "any", "instructions": "Be brief.", "input": "hi", "max_output_tokens": 64, "truncation": "auto", "stream": True,
    "tools": [{"type": "function", "name": "weather", "parameters": TOOL}, {"type": "web_search"}],
}
COMPLETION = {"model": "any", "prompt": "hi", "max_tokens": 64, "stop": ["\n"]}


@pytest.fixture
def explain(tmp_path):
    def ask(kind, body, *words, fails=False, model="m", **provider):
        own = {"api_key": {"env": "KEY"}, **provider}
        if kind == "openai_compatible":
            own = {"base_url": "http://localhost:9/v1", **own}
        if kind == "bedrock":
            own = {"region": "eu-west-3", **own}
        config = tmp_path / "remora.yaml"
        config.write_text(json.dumps({"providers": {kind: own}}))
        file = tmp_path / "body.json"
        file.write_text(body if isinstance(body, str) else json.dumps(body))
        done = run("explain", f"{kind}/{model}", "--config", str(config), "--body", str(file), *words, env={"KEY": SECRET})
        assert SECRET not in done.stdout + done.stderr
        assert done.returncode == (1 if fails else 0), done.stderr
        if fails:
            return done.stderr
        lines = [each.strip() for each in done.stdout.splitlines()]
        shown = [each.partition(" ")[2].strip() for each in lines if each.startswith("body ")]
        assert len(shown) == 1
        words = {each.split()[0]: each.partition(" ")[2].strip() for each in lines if each}
        return words["request"], json.loads(shown[0]), set(words.get("dropped", "").split(",")) - {""}, lines

    return ask


CHATS = {
    "openai": "POST /v1/chat/completions", "mistral": "POST /v1/chat/completions", "openai_compatible": "POST /v1/chat/completions",
    "anthropic": "POST /v1/messages", "gemini": "POST /v1beta/models/m:streamGenerateContent?alt=sse", "cohere": "POST /v2/chat",
    "ollama": "POST /api/chat", "bedrock": "POST /model/m/converse-stream",
}


@pytest.mark.parametrize("kind", KINDS)
def test_messages(explain, kind):
    target, body, dropped, lines = explain(kind, MESSAGE)
    assert target == CHATS[kind]
    text = json.dumps(body)
    assert "Be brief." in text and "weather" in text
    if kind == "anthropic":
        # As it is, but for the model.
        assert body == {**MESSAGE, "model": "m"} and not dropped
        assert "header    anthropic-version: 2023-06-01" in lines and "header    x-api-key: ***" in lines
    else:
        assert "web_search" not in text and "tools[1]" in dropped
        assert ("top_k" in dropped) == (kind not in ("gemini", "cohere", "ollama", "bedrock"))


@pytest.mark.parametrize("kind", KINDS)
def test_responses(explain, kind):
    target, body, dropped, _ = explain(kind, RESPONSE)
    if kind in ("openai", "openai_compatible"):
        assert target == "POST /v1/responses" and body == {**RESPONSE, "model": "m"} and not dropped
    else:
        assert target == CHATS[kind]
        assert "web_search" not in json.dumps(body) and {"tools[1]", "truncation"} <= dropped


@pytest.mark.parametrize("kind", KINDS)
def test_completions(explain, kind):
    target, body, _, _ = explain(kind, COMPLETION)
    if kind in ("openai", "mistral", "openai_compatible"):
        assert target == "POST /v1/completions" and body["prompt"] == "hi"
    else:
        assert target == CHATS[kind].replace("streamGenerateContent?alt=sse", "generateContent").replace("-stream", "")
        assert "prompt" not in body and "hi" in json.dumps(body)


COUNTS = {
    "anthropic": "/v1/messages/count_tokens", "gemini": "/v1beta/models/m:countTokens", "bedrock": "/model/m/count-tokens",
    "openai": "/v1/responses/input_tokens",
}


@pytest.mark.parametrize("kind", KINDS)
def test_counts(explain, kind):
    asked = {name: value for name, value in MESSAGE.items() if name not in ("max_tokens", "stream")}
    if kind in COUNTS:
        target, body, _, _ = explain(kind, asked, "--endpoint", "count_tokens")
        assert target == "POST " + COUNTS[kind] and "Be brief." in json.dumps(body)
    else:
        assert f"{kind}: 404" in explain(kind, asked, "--endpoint", "count_tokens", fails=True)


@pytest.mark.parametrize("kind", KINDS)
def test_counts_of_responses(explain, kind):
    asked = {"model": "any", "input": "hi", "instructions": "Be brief."}
    if kind in ("openai", "openai_compatible"):
        target, body, _, _ = explain(kind, asked, "--endpoint", "input_tokens")
        assert target == "POST /v1/responses/input_tokens" and body == {**asked, "model": "m"}
    elif kind in COUNTS:
        target, body, _, _ = explain(kind, asked, "--endpoint", "input_tokens")
        assert target == "POST " + COUNTS[kind] and "Be brief." in json.dumps(body) and "max_tokens" not in body
    else:
        assert f"{kind}: 404" in explain(kind, asked, "--endpoint", "input_tokens", fails=True)


def test_providers_that_have_the_format(explain):
    target, body, dropped, _ = explain("openai_compatible", MESSAGE, messages="native")
    assert target == "POST /v1/messages" and body == {**MESSAGE, "model": "m"} and not dropped
    target, body, _, _ = explain("ollama", MESSAGE, messages="native")
    assert target == "POST /v1/messages" and body == {**MESSAGE, "model": "m"}
    target, body, _, _ = explain("bedrock", MESSAGE, model="anthropic.claude-x", messages="native")
    assert target == "POST /model/anthropic.claude-x/invoke-with-response-stream"
    wanted = {name: value for name, value in MESSAGE.items() if name not in ("model", "stream")}
    assert body == {"anthropic_version": "bedrock-2023-05-31", **wanted}
    target, body, _, _ = explain("openai", RESPONSE, responses="translated")
    assert target == "POST /v1/chat/completions" and body["messages"][0]["content"] == "Be brief."


ALIKE = {"model": "any", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize("body,words,kind,target", [
    # What a chat and a message can both be is a chat, unless it is said.
    (ALIKE, [], "anthropic", "/v1/messages"),
    (ALIKE, ["--endpoint", "messages"], "openai", "/v1/chat/completions"),
    ({**ALIKE, "messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x", "content": "y"}]}]}, [],
     "openai", "/v1/chat/completions"),
    ({**ALIKE, "tool_choice": {"type": "any"}}, [], "openai", "/v1/chat/completions"),
    ({"input": "hi"}, [], "openai", "/v1/responses"),
    ({"input": [{"role": "user", "content": "hi"}]}, [], "openai", "/v1/responses"),
    ({"previous_response_id": "resp_1", "input": "hi"}, [], "openai", "/v1/responses"),
    ({"prompt": {"id": "pmpt_1"}}, [], "openai", "/v1/responses"),
    ({"input": ["a", "b"]}, [], "openai", "/v1/embeddings"),
    ({"input": [[1, 2]]}, [], "openai", "/v1/embeddings"),
    ({"input": "hi", "encoding_format": "base64"}, [], "openai", "/v1/embeddings"),
    ({"input": "hi"}, ["--endpoint", "embeddings"], "openai", "/v1/embeddings"),
])
def test_where_a_body_goes(explain, body, words, kind, target):
    assert explain(kind, body, *words)[0] == "POST " + target


def test_a_text_for_a_model_that_embeds(explain):
    assert explain("openai", {"input": "hi"}, model="text-embedding-3-small")[0] == "POST /v1/embeddings"
    assert "embedContent" in explain("gemini", {"input": "hi"}, model="gemini-embedding-001")[0].replace("batchEmbedContents", "embedContent")


@pytest.mark.parametrize("body,why", [
    ({"messages": [{"role": "robot", "content": "x"}], "system": "s", "max_tokens": 3}, "400 messages[0].role"),
    ({"messages": [{"role": "user", "content": "x"}], "system": "s"}, "400 max_tokens"),
    ({"messages": [{"role": "user", "content": "x"}], "mcp_servers": [{"url": "x"}], "max_tokens": 3}, "400 mcp_servers"),
    ({"input": "x", "conversation": "c"}, "400 conversation"),
    ({"input": "x", "tools": [{"type": "file_search"}]}, "400 tools[0].type"),
    ({"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}, "400 input[0]"),
    ({"input": "x", "previous_response_id": "resp_x"}, "400 previous_response_id"),
    ({"prompt": ["a", "b"]}, "400 prompt"),
    ('{"input": "x', "not valid JSON"),
])
def test_what_can_not_be_sent(explain, body, why):
    assert why in explain("anthropic" if "prompt" in body or "input" in body else "gemini", body, fails=True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("escaped", [True, False])
def test_json_whatever_a_text_says(explain, kind, escaped):
    texts = [text for text in ANY_TEXT if escaped or not any("\ud800" <= each < "\ue000" for each in text)]
    message = {"model": "m", "max_tokens": 9, "system": "s", "messages": [{"role": "user", "content": text} for text in texts]}
    response = {"model": "m", "input": [{"role": "user", "content": text} for text in texts]}
    for body in (message, response):
        shown = explain(kind, json.dumps(body, ensure_ascii=escaped, indent=2))[1]
        assert set(texts) <= set(strings(shown))


@pytest.mark.parametrize("kind, key, shown", [("openai_compatible", "none", False), ("anthropic", "none", False), ("anthropic", {"env": "KEY"}, True)])
@pytest.mark.parametrize("body", [MESSAGE, RESPONSE, COMPLETION])
def test_a_key_where_one_is_sent(explain, kind, key, shown, body):
    assert any("***" in each for each in explain(kind, body, api_key=key)[3]) == shown


def test_wrong_usage(tmp_path):
    for words in (["--endpoint", "messages"], ["--body", "x", "--endpoint", "letters"]):
        done = run("explain", "m", *words)
        assert done.returncode == 2 and "--endpoint" in done.stderr
