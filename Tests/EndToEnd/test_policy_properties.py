"""`policies` by properties: whatever kind of value in whatever spelling, at whatever target, nothing of it leaves; and what
comes back is what was meant, to the character."""

from __future__ import annotations

import json
import random
import re

import pytest
from canaries import canary
from remora import SECRET
from wire import SSE_HEAD, event, json_answer, post_json, request, sse_data

pytestmark = pytest.mark.proxy

# One of each kind that is looked for by default, and by name; what of it must be nowhere upstream.
VALUES = {
    "email": ("jane.doe@corp-canary.example", "corp-canary"),
    "phone": ("+44 20 7946 0958", "79460958"),
    "credit_card": ("4111 1111 1111 1111", "4111111111111111"),
    "ssn": ("536-22-1845", "536221845"),
    "iban": ("DE89 3704 0044 0532 0130 00", "370400440532"),
    "ip": ("203.0.113.77", "203.0.113.77"),
    "mac": ("3c:52:82:4f:a1:9e", "3c52824fa19e"),
    "uk_nino": ("AB 12 34 56 C", "123456C"),
}
for said, _ in VALUES.values():
    canary(said)


def bare(data: bytes) -> str:
    """What an upstream got, with every escape undone, and once more without what stands between digits."""
    text = re.sub(r"\\+u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), data.decode())
    return text + " " + re.sub(r"[ .:()\\-]", "", text)


@pytest.fixture
def chain(start_remora, start_upstream, authority, tmp_path):
    """A proxy whose model has two targets, the second in another API, with everything redacted."""
    first, second = start_upstream(), start_upstream()
    (tmp_path / "key").write_text(SECRET + "\n")

    def common():
        return {"api_key": {"file": str(tmp_path / "key")}, "tls": {"ca_file": str(authority.ca_file)}}

    config = {
        "providers": {
            "one": {"kind": "openai_compatible", "base_url": first.base_url, **common()},
            "two": {"kind": "anthropic", "base_url": second.base_url.removesuffix("/v1"), **common()},
        },
        "models": {"m": ["one/a", "two/claude-b"]},
        "retry": {"attempts": 3, "backoff": "10ms"},
        "policies": {"pii": {"kind": "pii_detector", "action": "redact", "entities": list(VALUES)}},
        "policy_chain": ["pii"],
    }
    return start_remora(whole=config), first, second


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("spelled", ["plain", "escaped", "twice"])
def test_no_kind_leaves_at_any_target(chain, kind, spelled):
    proxy, first, second = chain
    value, canary = VALUES[kind]
    body = {"model": "m", "max_tokens": 9, "messages": [
        {"role": "system", "content": f"The value is {value}."},
        {"role": "user", "content": [{"type": "text", "text": f"About {value}, please"}]},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": json.dumps({"v": value})}}]},
        {"role": "tool", "tool_call_id": "c1", "content": json.dumps({"got": [value, {"again": value}]})},
    ]}  # fmt: skip
    text = json.dumps(body)
    if spelled != "plain":
        # Each digit and sign of it as an escape; in what is JSON within JSON as an escape of that, too.
        marked = "".join(f"\\u{ord(each):04x}" if each in (value[0], value[-1], "@", ":") else each for each in value)
        text = text.replace(value, marked)
        if spelled == "twice":
            inner = json.dumps(json.dumps({"v": "@@"})).replace("@@", marked.replace("\\", "\\\\"))
            text = text.replace(json.dumps(json.dumps({"v": "@@"})).replace("@@", marked), inner)
    refused = json_answer({"error": {"message": "no", "type": "server_error"}}, 500)
    first.reply(refused)
    second.reply(json_answer({"type": "error", "error": {"type": "overloaded_error", "message": "no"}}, 529))
    second.reply(json_answer({"id": "m", "type": "message", "role": "assistant", "model": "claude-b", "stop_reason": "end_turn",
                              "content": [{"type": "text", "text": "done"}], "usage": {"input_tokens": 1, "output_tokens": 1}}))  # fmt: skip
    got = proxy.ask(request("POST", "/v1/chat/completions", {"Content-Type": "application/json"}, text.encode()))
    assert first.requests and second.requests
    for asked in (*first.requests, *second.requests):
        sent = bare(asked.body)
        assert canary not in sent and value not in sent
        json.loads(asked.body)
    assert canary not in bare(got.body) and canary not in proxy.stdout + proxy.stderr


def randomly(text: str, dice: random.Random) -> str:
    """The JSON string of a text, in which any character may be an escape."""
    out = []
    for each in text:
        units = each.encode("utf-16-be")
        escape = "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
        if dice.random() < 0.5:
            escape = escape.upper().replace("\\U", "\\u")
        if dice.random() < 0.3:
            out.append(escape)
        elif each == "/" and dice.random() < 0.5:
            out.append("\\/")
        else:
            out.append(json.dumps(each, ensure_ascii=False)[1:-1])
    return '"' + "".join(out) + '"'


def echo(connection, asked):
    """Answers with the last words that it was sent: at once, or cut anywhere."""
    body = asked.json()
    words = body["messages"][-1]["content"]
    if not body.get("stream"):
        return connection.send(json_answer({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": words}}]}))  # fmt: skip
    dice = random.Random(len(words))
    parts, at = [], 0
    while at < len(words):
        size = dice.choice([1, 2, 3, 7])
        parts.append(words[at : at + size])
        at += size
    made = [event({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                   "choices": [{"index": 0, "delta": {"content": part}, "finish_reason": None}]}) for part in parts]  # fmt: skip
    made.append(event({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                       "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))  # fmt: skip
    text = b"".join(made) + b"data: [DONE]\n\n"
    connection.send(SSE_HEAD + b"%x\r\n%s\r\n0\r\n\r\n" % (len(text), text))


@pytest.mark.parametrize("seed", range(4))
def test_what_comes_back_is_what_was_meant(start_remora, upstream, seed):
    """Random texts with values between words of every alphabet, spelled with random escapes."""
    policy = {"kind": "pii_detector", "action": "redact", "entities": list(VALUES)}
    proxy = start_remora(upstream, {"policies": {"pii": policy}, "policy_chain": ["pii"]})
    dice = random.Random(seed)
    words = ["hello", "wörld", "日本", "😀", "\n", "\t", '"quoted"', "\\", "a/b", "e\u0301", "\u2028", "<b>", "EMAIL_", "1,5", "{}", "नमस्ते"]
    redacted = 0
    for turn in range(40):
        values = [dice.choice(list(VALUES.values())) for _ in range(dice.randrange(3))]
        parts = [dice.choice(words) for _ in range(dice.randrange(12))] + [value for value, _ in values]
        dice.shuffle(parts)
        text = " ".join(parts)
        stream = ', "stream" : true' if turn % 2 else ""
        body = '{"model":"gpt-4o","messages":[{"role":"user","content":%s}]%s}' % (randomly(text, dice), stream)
        upstream.reply(echo)
        got = proxy.ask(request("POST", "/v1/chat/completions", {"Content-Type": "application/json"}, body.encode()))
        assert got.status == 200, got.body
        if stream:
            chunks = [json.loads(data) for data in sse_data(got.body) if data != "[DONE]"]
            back = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
        else:
            back = got.json()["choices"][0]["message"]["content"]
        assert back == text, (turn, body)
        sent = upstream.last.body
        redacted += len(values)
        for _, canary in values:
            assert canary not in bare(sent)
    assert redacted > 20


def test_what_is_not_found_changes_no_byte_beside_it(start_remora, upstream):
    """But for the values, a body goes on byte for byte: its blanks, its escapes, the order of its members."""
    policy = {"kind": "pii_detector", "action": "redact"}
    proxy = start_remora(upstream, {"policies": {"pii": policy}, "policy_chain": ["pii"]})
    before = b'{ "x_unknown" : [1.50, -0, 1e3, "\\u00e9\\/"],\r\n "model":"gpt-4o", "messages":[{"role":"user" , "content":"\\ud83d\\ude00 to '
    behind = b' \\n\\u0041.", "name":"n"}],"n":1 }\n'
    assert proxy.ask(request("POST", "/v1/chat/completions", {"Content-Type": "application/json"}, before + b"jane.doe@corp.example" + behind)).status == 200
    sent = upstream.last.body
    assert sent.startswith(before) and sent.endswith(behind)
    name = sent[len(before) : len(sent) - len(behind)].decode()
    assert name.startswith("EMAIL_") and len(name) == 12


@pytest.mark.parametrize("text", ["@" * 200_000, "4" * 200_000, ":" * 200_000, "a@" * 100_000, "1-" * 100_000, "\u0300" * 50_000])
def test_what_is_made_to_be_slow_is_read_at_once(start_remora, upstream, text):
    chain = {"pii": {"kind": "pii_detector", "action": "redact", "entities": list(VALUES)}, "secrets": {"kind": "secrets", "action": "block"},
             "injection": {"kind": "prompt_injection", "action": "report"}}  # fmt: skip
    proxy = start_remora(upstream, {"policies": chain, "policy_chain": list(chain)})
    got = proxy.ask(post_json("/v1/chat/completions", {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}))
    assert got.status == 200
