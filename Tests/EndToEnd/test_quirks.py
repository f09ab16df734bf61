"""Providers of OpenAI's format that do things their own way, through the running proxy: what reaches them, and what the
SDK makes of their answers."""

from __future__ import annotations

import base64
import json
import struct

import openai
import pytest

from remora import PROMPT, SECRET
from upstream import CUT, Gate
from wire import LAST_CHUNK, SSE_HEAD, answer, chunk, event, json_answer, post_json, request

pytestmark = pytest.mark.proxy

CHAT = {"model": "m", "messages": [{"role": "user", "content": PROMPT}]}


@pytest.fixture
def proxy_for(start_remora, upstream):
    """`proxy_for(kind, …)` is a proxy whose one provider is `upstream`, as a provider of that kind."""

    def make(kind: str, changes: dict | None = None, **provider):
        return start_remora(upstream, {"response_metadata": "headers", **(changes or {})}, provider={"kind": kind, **provider})

    return make


def choice(message: dict, reason: str | None = "stop", **more) -> dict:
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 7,
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}],
        **more,
    }


def delta(value: dict, reason: str | None = None, **more) -> bytes:
    text = {"id": "c", "object": "chat.completion.chunk", "created": 7, "model": "m"}
    return event({**text, "choices": [{"index": 0, "delta": value, "finish_reason": reason}], **more})


# Mistral


def test_mistral_gets_what_it_takes(proxy_for, sdk, upstream):
    proxy = proxy_for("mistral")
    upstream.reply(json_answer(choice({"content": "a"})))
    reply = sdk(proxy).chat.completions.with_raw_response.create(
        **CHAT, seed=7, max_completion_tokens=5, user="u", logprobs=True, stop=None
    )
    sent = json.loads(upstream.last.body)
    assert sent == {**CHAT, "random_seed": 7, "max_tokens": 5}
    assert sorted(reply.headers["x-remora-dropped"].split(",")) == ["logprobs", "user"]
    assert reply.parse().choices[0].message.content == "a"


def test_nothing_dropped_says_nothing(proxy_for, sdk, upstream):
    proxy = proxy_for("mistral")
    upstream.reply(json_answer(choice({"content": "a"})))
    assert "x-remora-dropped" not in sdk(proxy).chat.completions.with_raw_response.create(**CHAT).headers


def test_what_would_change_the_meaning_is_refused(proxy_for, sdk, upstream):
    with pytest.raises(openai.BadRequestError) as caught:
        sdk(proxy_for("groq")).chat.completions.create(**CHAT, n=2)
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", "n")
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert "x-remora-dropped" not in caught.value.response.headers
    assert upstream.requests == []


THINKING = [
    {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
    {"type": "text", "text": "a"},
    {"type": "reference", "reference_ids": [1]},
    {"type": "text", "text": "b"},
]


def test_mistral_lists_are_text(proxy_for, sdk, upstream):
    proxy = proxy_for("mistral")
    calls = [{"id": "abcdefghi", "function": {"name": "f", "arguments": {"a": 1}}}]
    upstream.reply(json_answer(choice({"content": THINKING, "tool_calls": calls}, "tool_calls", usage={"prompt_tokens": 3})))
    message = sdk(proxy).chat.completions.create(**CHAT).choices[0].message
    assert message.content == "ab" and message.model_extra["reasoning_content"] == "hm"
    assert message.tool_calls[0].function.arguments == '{"a": 1}' and message.tool_calls[0].type == "function"


def test_mistral_streams_are_text(proxy_for, sdk, upstream):
    proxy = proxy_for("mistral")
    gate = Gate()
    whole = [{"function": {"name": "f", "arguments": "{}"}, "id": "abcdefghi"}, {"id": "abcdefghj", "function": {"name": "g", "arguments": "{}"}}]
    upstream.reply(
        SSE_HEAD, delta({"content": THINKING[:1]}), gate, delta({"content": THINKING[1:]}), delta({"tool_calls": whole}, "tool_calls"),
        event("[DONE]"), LAST_CHUNK,
    )  # fmt: skip
    chunks = iter(sdk(proxy).chat.completions.create(**CHAT, stream=True))
    # The first event is here before the provider sends a second.
    assert next(chunks).choices[0].delta.model_extra["reasoning_content"] == "hm"
    gate.open()
    rest = [each.choices[0] for each in chunks]
    assert "".join(each.delta.content or "" for each in rest) == "ab"
    assert [(call.index, call.function.name) for call in rest[1].delta.tool_calls] == [(0, "f"), (1, "g")]
    assert "stream_options" not in json.loads(upstream.last.body)


# Answers that are none


def test_blank_lines_before_an_answer(proxy_for, upstream):
    """A provider that keeps the connection alive with blank lines: the answer comes without them, with a length."""
    proxy = proxy_for("deepseek")
    body = json.dumps(choice({"content": "a"})).encode()
    upstream.reply(answer(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}, None), chunk(b"\n\n"), chunk(b"\n"), chunk(body), LAST_CHUNK)
    reply = proxy.ask(post_json("/v1/chat/completions", CHAT))
    assert (reply.status, reply.body, reply.get("content-length")) == (200, body, str(len(body)))


@pytest.mark.parametrize("kind", ["deepseek", "openai_compatible"])
def test_a_provider_that_gives_up(proxy_for, sdk, upstream, kind):
    upstream.reply(json_answer(choice({"content": "half"}, "insufficient_system_resource")))
    with pytest.raises(openai.InternalServerError) as caught:
        sdk(proxy_for(kind)).chat.completions.create(**CHAT)
    assert (caught.value.status_code, caught.value.code) == (502, "insufficient_system_resource")
    assert caught.value.response.headers["x-remora-error-source"] == "upstream"


def test_a_provider_that_gives_up_in_a_stream(proxy_for, sdk, upstream):
    proxy = proxy_for("deepseek")
    upstream.reply(SSE_HEAD, delta({"content": "a"}), delta({}, "insufficient_system_resource"), event("[DONE]"), LAST_CHUNK)
    seen = []
    with pytest.raises(openai.APIError, match="insufficient_system_resource"):
        for each in sdk(proxy).chat.completions.create(**CHAT, stream=True):
            seen.append(each.choices[0].delta.content)
    assert seen == ["a"]


def test_an_error_under_200(proxy_for, sdk, upstream):
    upstream.reply(json_answer({"error": {"message": "slow down", "code": 429}, "user_id": "u"}))
    with pytest.raises(openai.RateLimitError, match="slow down"):
        sdk(proxy_for("openrouter")).chat.completions.create(**CHAT)


def test_our_key_refused_under_200(proxy_for, sdk, upstream):
    upstream.reply(json_answer({"error": {"message": "no", "code": 401}}))
    with pytest.raises(openai.InternalServerError) as caught:
        sdk(proxy_for("openrouter")).chat.completions.create(**CHAT)
    assert caught.value.code == "upstream_auth"


@pytest.mark.parametrize("body", [b'{"choices":[', b"<html>", b""])
def test_an_answer_that_is_not_json(proxy_for, sdk, upstream, body):
    upstream.reply(answer(200, {"Content-Type": "application/json"}, body))
    with pytest.raises(openai.InternalServerError) as caught:
        sdk(proxy_for("vllm", api_key="none")).chat.completions.create(**CHAT)
    assert (caught.value.status_code, caught.value.code) == (502, "upstream_protocol")


def test_an_answer_that_breaks_off_is_a_clean_error(proxy_for, upstream):
    body = json.dumps(choice({"content": "a" * 1000})).encode()
    upstream.reply(answer(200, {"Content-Type": "application/json", "Content-Length": str(len(body))}, None) + body[:500], CUT)
    reply = proxy_for("groq").ask(post_json("/v1/chat/completions", CHAT))
    assert reply.status == 502 and reply.error["code"] == "upstream_protocol" and reply.complete


def test_groq_usage(proxy_for, sdk, upstream):
    proxy = proxy_for("groq")
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    upstream.reply(SSE_HEAD, delta({"content": "a"}, "stop", x_groq={"id": "r", "usage": usage}), event("[DONE]"), LAST_CHUNK)
    chunks = list(sdk(proxy).chat.completions.create(**CHAT, stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens == 4 and chunks[-1].id == "c"


def test_vectors_in_base64(proxy_for, upstream):
    proxy = proxy_for("mistral")
    upstream.reply(json_answer({"object": "list", "model": "m", "data": [{"index": 0, "embedding": [0.5, -0.25]}]}))
    body = {"model": "m", "input": "x", "encoding_format": "base64", "dimensions": 2}
    reply = proxy.ask(post_json("/v1/embeddings", body))
    assert struct.unpack("<2f", base64.b64decode(reply.json()["data"][0]["embedding"])) == (0.5, -0.25)
    assert json.loads(upstream.last.body)["output_dimension"] == 2


# Azure


AZURE = "2024-10-21"
ANSWER = json_answer(choice({"content": "a"}))


@pytest.fixture
def azure(proxy_for, upstream):
    def make(**provider):
        return proxy_for("azure", base_url=upstream.origin, **provider)

    return make


def test_azure_without_a_version(azure, sdk, upstream):
    proxy = azure(deployments={"gpt-4o": "prod"})
    upstream.reply(ANSWER)
    sdk(proxy).chat.completions.create(**{**CHAT, "model": "gpt-4o"})
    assert upstream.last.target == "/openai/v1/chat/completions"
    assert json.loads(upstream.last.body)["model"] == "prod"
    assert upstream.last.get("api-key") == SECRET and upstream.last.get("authorization") is None


def test_azure_with_a_version(azure, sdk, upstream):
    proxy = azure(api_version=AZURE, deployments={"gpt-4o": "prod"})
    client = sdk(proxy)
    upstream.reply(ANSWER)
    reply = client.chat.completions.with_raw_response.create(**{**CHAT, "model": "gpt-4o"})
    assert upstream.last.target == f"/openai/deployments/prod/chat/completions?api-version={AZURE}"
    assert reply.headers["x-remora-model"] == "gpt-4o"
    upstream.reply(ANSWER)
    client.chat.completions.create(**{**CHAT, "model": "other one"})
    assert upstream.last.target == f"/openai/deployments/other%20one/chat/completions?api-version={AZURE}"
    upstream.reply(json_answer({"object": "list", "data": [{"index": 0, "embedding": [0.5]}]}))
    client.embeddings.create(model="e", input="x")
    assert upstream.last.target == f"/openai/deployments/e/embeddings?api-version={AZURE}"


def test_azure_with_a_token(azure, sdk, upstream, tmp_path):
    file = tmp_path / "entra"
    file.write_text("entra-canary-token")
    proxy = azure(api_key=None, token={"file": str(file)})
    proxy.secrets.append("entra-canary-token")
    upstream.reply(ANSWER)
    sdk(proxy).chat.completions.create(**CHAT)
    assert upstream.last.get("authorization") == "Bearer entra-canary-token"
    assert upstream.last.get("api-key") is None


def test_azure_before_stream_options(azure, sdk, upstream):
    proxy = azure(api_version="2024-06-01")
    upstream.reply(SSE_HEAD, delta({"content": "a"}, "stop"), event("[DONE]"), LAST_CHUNK)
    list(sdk(proxy).chat.completions.create(**CHAT, stream=True))
    assert "stream_options" not in json.loads(upstream.last.body)
    upstream.reply(SSE_HEAD, delta({"content": "a"}, "stop"), event("[DONE]"), LAST_CHUNK)
    asked = {"stream": True, "stream_options": {"include_usage": True}}
    raw = sdk(proxy).chat.completions.with_raw_response.create(**CHAT, **asked)
    assert raw.headers["x-remora-dropped"] == "stream_options"
    assert "stream_options" not in json.loads(upstream.last.body)


def test_azure_needs_a_model_in_the_path(azure, upstream):
    proxy = azure(api_version=AZURE)
    form = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper\r\n--b--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    reply = proxy.ask(request("POST", "/v1/audio/transcriptions", headers, form))
    assert reply.status == 400 and reply.error["param"] == "model" and upstream.requests == []
    proxy.ask(request("POST", "/v1/deployments/w/audio/transcriptions", headers, form))
    assert upstream.last.target == f"/openai/deployments/w/audio/transcriptions?api-version={AZURE}"


def test_azure_lists_its_deployments(azure, sdk, upstream):
    proxy = azure(deployments={"gpt-4o": "prod", "mini": "m"})
    assert sorted(each.id for each in sdk(proxy).models.list()) == ["alias", "broken", "gpt-4o", "mini"]
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("status", "body", "code", "message"),
    [
        (429, {"statusCode": 429, "message": "Rate limit is exceeded. Try again in 7 seconds."}, None, "Rate limit"),
        (404, {"error": {"code": "DeploymentNotFound", "message": "The deployment does not exist."}}, "DeploymentNotFound", "deployment"),
        (400, {"error": {"message": "filtered", "type": None, "param": "prompt", "code": "content_filter", "status": 400, "innererror": {"code": "ResponsibleAIPolicyViolation"}}}, "content_filter", "filtered"),
    ],
)  # fmt: skip
def test_azure_errors(azure, sdk, upstream, status, body, code, message):
    upstream.reply(json_answer(body, status, {"Retry-After": "7"}))
    with pytest.raises(openai.APIStatusError, match=message) as caught:
        sdk(azure()).chat.completions.create(**CHAT)
    assert (caught.value.status_code, caught.value.code) == (status, code)
    assert caught.value.response.headers["retry-after"] == "7"
    if "innererror" in str(body):
        assert caught.value.body["innererror"] == {"code": "ResponsibleAIPolicyViolation"}
