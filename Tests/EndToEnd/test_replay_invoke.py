"""Anthropic's Messages at Bedrock as they are (`messages: native`): InvokeModel, and a stream's events out of AWS's frames."""

from __future__ import annotations

import base64
import json

import anthropic
import pytest
from remora import PROMPT
from replay import answers, grammar
from replay.answers import LOOP, SIGNATURE, Said
from replay.framing import aws_event, frame
from replay.serving import head
from test_replay_messages import TOOLS, client, create  # noqa: F401
from test_replay_signing import check
from wire import LAST_CHUNK, chunk, post_json

pytestmark = pytest.mark.proxy

NAME = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
MODEL = f"bedrock-native/{NAME}"
PATH = "/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke"
ASK = {"model": MODEL, "max_tokens": 9, "messages": [{"role": "user", "content": PROMPT}]}
either = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
FRAMES = {"Content-Type": "application/vnd.amazon.eventstream"}


def framed(event: dict) -> bytes:
    return aws_event("chunk", {"bytes": base64.b64encode(json.dumps(event).encode()).decode(), "p": "abcdefgh"})


def script(said: Said, streamed: bool) -> list[bytes]:
    if not streamed:
        return answers.steps("anthropic", said, streamed=False)
    return [head(200, FRAMES, None), *(chunk(framed(each)) for each in answers.anthropic_events(said)), LAST_CHUNK]


@either
def test_a_loop_of_tools(replayer, client, streamed):  # noqa: F811
    for said in LOOP:
        replayer.upstream.reply(*script(said, streamed))
    messages: list = [{"role": "user", "content": PROMPT}]
    for _ in range(3):
        said = create(client, streamed, model=MODEL, tools=TOOLS, messages=messages, max_tokens=4096)
        assert said.usage.output_tokens == 7
        messages.append({"role": "assistant", "content": said.content})
        results = [{"type": "tool_result", "tool_use_id": each.id, "content": "sun"} for each in said.content if each.type == "tool_use"]
        if not results:
            break
        messages.append({"role": "user", "content": results})
    assert "".join(each.text for each in said.content if each.type == "text") == "Rain in Zürich, snow in Oslo at noon."
    sent = replayer.upstream.last
    assert sent.target == PATH + ("-with-response-stream" if streamed else "")
    # Signed for what went out, and nothing of the client's names or keys beside it.
    check(replayer, sent, PATH.replace("%", "%25"))
    assert sent.get("anthropic-version") is None and sent.get("x-api-key") is None
    body = json.loads(sent.body)
    assert body.pop("anthropic_version") == "bedrock-2023-05-31"
    assert set(body) == {"max_tokens", "messages", "tools"} and SIGNATURE in json.dumps(body)


def test_values_are_the_clients_bytes(replayer):
    text = (
        b'{ "stream" : false, "model":"%s","max_tokens":9, "x":[1.0e2, "\\u00e9 \\/"],"messages":[{"role":"user",'
        b'"content":[{"type":"text","text":"a" , "cache_control":{"type":"ephemeral"}}]}], "group_identifier":"g" }' % MODEL.encode()
    )
    replayer.upstream.reply(*script(Said("Hi."), False))
    got = replayer.proxy.ask(post_json("/v1/messages?beta=true", text, {"anthropic-beta": "a-1, b-2", "anthropic-version": "2023-06-01"}))
    assert got.status == 200 and got.get("x-remora-dropped") is None
    sent = replayer.upstream.last
    assert b'"x":[1.0e2, "\\u00e9 \\/"]' in sent.body and b'{"type":"text","text":"a" , "cache_control":{"type":"ephemeral"}}' in sent.body
    body = json.loads(sent.body)
    assert body["anthropic_beta"] == ["a-1", "b-2"] and not {"model", "stream", "group_identifier"} & set(body)
    said = got.json()
    assert (said["content"][0]["text"], said["x_remora"]["provider"]) == ("Hi.", "bedrock-native")
    line = replayer.proxy.log_line(got.get("x-request-id"))
    assert (line["endpoint"], line["tokens_in"], line["tokens_out"]) == ("messages", 11, 7)


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_frames_cut_anywhere(replayer, size):
    data = b"".join(framed(each) for each in answers.anthropic_events(LOOP[0]))
    replayer.upstream.reply(head(200, FRAMES, None), *(chunk(data[at : at + size]) for at in range(0, len(data), size)), LAST_CHUNK)
    got = replayer.proxy.ask(post_json("/v1/messages", {**ASK, "stream": True}))
    assert got.get("content-type").startswith("text/event-stream")
    told = [each for each in grammar.events(got.body)]
    told[0]["message"].pop("x_remora", None)
    told[0].pop("x_remora", None)
    assert told == answers.anthropic_events(LOOP[0])
    line = replayer.proxy.log_line(got.get("x-request-id"))
    assert (line["tokens_in"], line["tokens_out"]) == (11, 7)


def test_faults_in_a_stream(replayer):
    begun = [framed(each) for each in answers.anthropic_events(Said("One two three."))[:4]]
    thrown = frame(
        {":exception-type": "throttlingException", ":content-type": "application/json", ":message-type": "exception"},
        b'{"message":"Too many requests"}',
    )
    broken = begun[1][:-1] + bytes([begun[1][-1] ^ 1])
    for end, kind in ((thrown, "rate_limit_error"), (broken, "api_error"), (b"", "api_error"), (begun[0][:9], "api_error")):
        replayer.upstream.reply(head(200, FRAMES, None), chunk(b"".join(begun)), *([chunk(end)] if end else []), LAST_CHUNK)
        with replayer.proxy.connect() as peer:
            peer.send(post_json("/v1/messages", {**ASK, "stream": True}))
            while peer.fill():
                pass
            said = peer.buffer
        assert said.count(b"event: error") == 1 and b"message_stop" not in said, said
        assert b'"type":"%s"' % kind.encode() in said


def test_errors(replayer, client):  # noqa: F811
    text = b'{"message": "Too many tokens, please wait"}'
    replayer.upstream.reply(head(429, {"Content-Type": "application/json", "x-amzn-ErrorType": "ThrottlingException"}, len(text)) + text)
    with pytest.raises(anthropic.RateLimitError, match="please wait"):
        create(client, True, model=MODEL)
    text = b'{"message": "The security token included in the request is invalid."}'
    kind = "UnrecognizedClientException"
    replayer.upstream.reply(head(403, {"Content-Type": "application/json", "x-amzn-ErrorType": kind}, len(text)) + text)
    got = replayer.proxy.ask(post_json("/v1/messages", ASK))
    assert (got.status, got.get("x-remora-error-code")) == (502, "upstream_auth")


@pytest.mark.parametrize("model,path", [
    ("bedrock-native/amazon.nova-lite-v1:0", "/model/amazon.nova-lite-v1%3A0/converse"), ("bedrock/" + NAME, PATH.replace("/invoke", "/converse")),
])
def test_others_go_as_chats(replayer, model, path):
    replayer.upstream.reply(*answers.steps("bedrock", Said("Fine."), streamed=False))
    got = replayer.proxy.ask(post_json("/v1/messages", {**ASK, "model": model}))
    assert got.json()["content"][0]["text"] == "Fine." and replayer.upstream.last.target == path
