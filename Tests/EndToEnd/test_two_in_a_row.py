"""A Remora behind another one: where both say who answered, the nearer one's word stands, and there is one."""

from __future__ import annotations

import json

import pytest

from test_framing import BODIES, WHOLE, chunk_of, head
from wire import LAST_CHUNK, answer, chunk, event, json_answer, post_json

pytestmark = pytest.mark.proxy

CANDIDATE = {"content": {"parts": [{"text": "h"}], "role": "model"}, "finishReason": "STOP", "index": 0}
ANSWERS = {
    "gemini": {"candidates": [CANDIDATE], "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1}},
    "anthropic": {"id": "m", "type": "message", "role": "assistant", "model": "c", "stop_reason": "end_turn",
                  "content": [{"type": "text", "text": "h"}], "usage": {"input_tokens": 1, "output_tokens": 1}},
}
THEIRS = {"request_id": "theirs", "provider": "theirs", "model": "m", "attempts": 9}
FROM_REMORA = {"x-remora-provider": "theirs", "x-remora-attempts": "1"}


def members_of(text: str) -> list[str]:
    """Who answered, in each member of that name."""
    found: list[str] = []

    def note(pairs: list[tuple[str, object]]) -> dict:
        found.extend(value["provider"] for name, value in pairs if name == "x_remora")
        return dict(pairs)

    json.loads(text, object_pairs_hook=note)
    return found


def answered_by(body: bytes) -> list[str]:
    if body.lstrip().startswith(b"{"):
        return members_of(body.decode())
    lines = [line[6:] for line in body.decode().splitlines() if line.startswith("data: {")]
    return [name for line in lines for name in members_of(line)]


@pytest.mark.parametrize("kind", ["openai", "openai_compatible", "mistral", "groq", "anthropic"])
@pytest.mark.parametrize("inner", ["gemini", "anthropic", "mock"])
def test_there_is_one_member(start_remora, upstream, kind, inner):
    if inner == "mock":
        behind = start_remora(whole={"providers": {"gateway": {"kind": "mock"}}, "default_provider": "gateway"})
    else:
        behind = start_remora(upstream, provider={"kind": inner, "base_url": upstream.origin})
    base = behind.origin if kind == "anthropic" else behind.base_url
    proxy = start_remora(upstream, provider={"kind": kind, "base_url": base, "api_key": "none"})
    for path, body in BODIES.items():
        if inner == "anthropic" and path == "/v1/embeddings" or kind == "anthropic" and path != "/v1/messages":
            continue
        for streams in (False, True) if path != "/v1/embeddings" else (False,):
            vectors = {"embeddings": [{"values": [0.5]}]}
            if inner != "mock":
                upstream.reply(json_answer(vectors if path == "/v1/embeddings" else ANSWERS[inner]))
            asked = {"model": "gateway/gateway/m", **body} | ({"stream": True} if streams else {})
            got = proxy.ask(post_json(path, asked))
            assert got.status == 200, got.body
            assert answered_by(got.body) == ["gateway"], (path, streams, got.body)


@pytest.mark.parametrize("kind", ["openai", "mistral"])
@pytest.mark.parametrize("told", [
    json.dumps({**WHOLE, "x_remora": THEIRS}), json.dumps({"x_remora": THEIRS, **WHOLE}, indent=1),
    json.dumps({**WHOLE, "x_remora": THEIRS}).replace("x_remora", "x_\\u0072emora"),
    json.dumps({"x_remora": THEIRS, **WHOLE})[:-1] + ', "x_remora": ' + json.dumps(THEIRS) + "}"])
def test_theirs_goes_wherever_it_stands(start_remora, upstream, kind, told):
    proxy = start_remora(upstream, provider={"kind": kind})
    upstream.reply(answer(200, {"Content-Type": "application/json", **FROM_REMORA}, told.encode()))
    got = proxy.ask(post_json("/v1/chat/completions", {"model": "gateway/m", **BODIES["/v1/chat/completions"]}))
    assert answered_by(got.body) == ["gateway"]
    assert {name: value for name, value in got.json().items() if name != "x_remora"} == WHOLE | {
        "choices": got.json()["choices"]}
    upstream.reply(json_answer({"x_remora": THEIRS}, headers=FROM_REMORA))
    assert proxy.ask(post_json("/v1/embeddings", {"model": "gateway/m", "input": "Hi"})).json()["x_remora"]["provider"] == "gateway"


def chunks(place: int) -> list[bytes]:
    """A stream whose chunk at `place` has a member of theirs, and the ones like it behind."""
    said = [chunk_of({"role": "assistant", "content": "a"}), *[chunk_of({"content": "b"}) for _ in range(4)]]
    said[place] = chunk_of({"content": "b"}, x_remora=THEIRS)
    return [*said, chunk_of({}, "stop"), event("[DONE]")]


@pytest.mark.parametrize("kind", ["openai", "mistral"])
@pytest.mark.parametrize("place", [0, 1, 3, 4])
def test_theirs_goes_from_any_chunk(start_remora, upstream, kind, place):
    proxy = start_remora(upstream, provider={"kind": kind})
    fields = "".join(f"{name}: {value}\r\n" for name, value in FROM_REMORA.items()).encode()
    opening = head(b"text/event-stream")[:-2] + fields + b"\r\n"
    asked = {"model": "gateway/m", **BODIES["/v1/chat/completions"]}
    upstream.reply(opening, *chunks(place), LAST_CHUNK)
    got = proxy.ask(post_json("/v1/chat/completions", {**asked, "stream": True}))
    assert answered_by(got.body) == ["gateway"] and got.body.count(b'"b"') == (5 if place == 0 else 4)
    # Collected, where a whole answer was asked for.
    upstream.reply(opening, *chunks(place), LAST_CHUNK)
    assert answered_by(proxy.ask(post_json("/v1/chat/completions", asked)).body) == ["gateway"]


@pytest.mark.parametrize("path, told", [("/v1/chat/completions", WHOLE), ("/v1/responses", {
    "id": "r", "object": "response", "status": "completed", "output": []})])
def test_theirs_goes_from_a_whole_answer_that_becomes_a_stream(start_remora, upstream, path, told):
    proxy = start_remora(upstream, provider={"kind": "openai"})
    upstream.reply(head(b"application/json"), chunk(json.dumps({**told, "x_remora": THEIRS}).encode()), LAST_CHUNK)
    got = proxy.ask(post_json(path, {"model": "gateway/m", "stream": True, **BODIES[path]}))
    assert answered_by(got.body) == ["gateway"]
