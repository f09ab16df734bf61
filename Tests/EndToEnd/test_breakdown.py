"""What answers say of themselves: where the model runs, and, where `request_breakdown` asks, what it took and cost."""

from __future__ import annotations

import json

import pytest
from remora import PROMPT, run
from wire import json_answer, post_json

pytestmark = pytest.mark.proxy

CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": PROMPT}], "request_breakdown": True}
PRICES = {"prices": {"gateway/gpt-4o": {"input": 2.5, "output": 10, "cached_input": 1.25}}}
COST = (8 * 2_500_000 + 3 * 1_250_000 + 8 * 10_000_000) / 1e12


def ask(proxy, body=CHAT):
    return proxy.ask(post_json("/v1/chat/completions", body))


def events(got) -> list[dict]:
    lines = [line for line in got.body.decode().split("\n\n") if line]
    assert lines.pop() == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def check(said: dict, cost: float | None) -> None:
    assert said["provider"] == "gateway" and said["model"] == "gpt-4o" and said["attempts"] == 1
    timings = said.pop("timings")
    assert 0 <= timings["duration_ms"] < 10_000
    assert said["usage"] == {
        "input_tokens": 11, "output_tokens": 8, "cached_input_tokens": 3, "reasoning_tokens": said["usage"]["reasoning_tokens"],
        "cost_usd": cost,
    }  # fmt: skip


@pytest.mark.parametrize("prices, cost", [(PRICES, COST), ({"models": {"free": "gateway/free"}}, None)], ids=["priced", "not"])
def test_whole(start_remora, upstream, prices, cost):
    proxy = start_remora(upstream, prices)
    model = "gpt-4o" if cost else "free"
    got = ask(proxy, {**CHAT, "model": model})
    said = got.json()
    assert got.status == 200 and list(said).count("x_remora") == 1 and said["choices"]
    said["x_remora"]["model"] = "gpt-4o"
    check(said["x_remora"], cost)
    # The provider isn't told of it, and who doesn't ask isn't either.
    assert "request_breakdown" not in upstream.requests[-1].json()
    assert "usage" not in ask(proxy, {**CHAT, "request_breakdown": False}).json()["x_remora"]


def test_stream(start_remora, upstream):
    proxy = start_remora(upstream, PRICES)
    chunks = events(ask(proxy, {**CHAT, "stream": True}))
    assert "usage" not in chunks[0]["x_remora"] and not any("x_remora" in chunk for chunk in chunks[1:-1])
    last = chunks[-1]
    assert last["choices"] == [] and last["object"] == "chat.completion.chunk" and last["id"] and last["model"] == "gpt-4o"
    assert last["x_remora"]["timings"]["first_token_ms"] is not None
    check(last["x_remora"], COST)
    assert not any("usage" in chunk["x_remora"] for chunk in events(ask(proxy, {**CHAT, "stream": True, "request_breakdown": None}))[:1])


def test_the_sdk_reads_it(start_remora, upstream, sdk):
    proxy = start_remora(upstream, PRICES)
    client = sdk(proxy)
    extra = {"extra_body": {"request_breakdown": True}}
    plain = {key: value for key, value in CHAT.items() if key != "request_breakdown"}
    got = client.chat.completions.create(**plain, **extra)
    assert got.model_extra["x_remora"]["usage"]["cost_usd"] == COST
    text, last = "", None
    for chunk in client.chat.completions.create(**plain, **extra, stream=True):
        text += "".join(choice.delta.content or "" for choice in chunk.choices)
        last = chunk
    assert text and last.model_extra["x_remora"]["usage"]["cost_usd"] == COST


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_translated(start_remora, upstream, stream):
    proxy = start_remora(
        upstream,
        {"prices": {"gateway/claude-x": {"input": 3, "output": 15, "cached_input": 0.3, "cache_write": 3.75, "cache_write_1h": 6}}},
        provider={"kind": "anthropic", "base_url": upstream.base_url.removesuffix("/v1")},
    )
    usage = {"input_tokens": 10, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 50, "output_tokens": 7,
             "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 30}}  # fmt: skip
    message = {"id": "m", "type": "message", "role": "assistant", "model": "claude-x", "content": [{"type": "text", "text": "hi"}],
               "stop_reason": "end_turn", "usage": usage}  # fmt: skip
    # A stream may be asked for and a whole answer come.
    upstream.reply(json_answer(message))
    got = ask(proxy, {**CHAT, "model": "claude-x", "stream": stream})
    assert got.status == 200
    said = (events(got)[-1] if stream else got.json())["x_remora"]
    # What a cache keeps for an hour has a price of its own.
    cost = (10 * 3 + 100 * 0.3 + 20 * 3.75 + 30 * 6 + 7 * 15) / 1e6
    assert said["usage"]["input_tokens"] == 160 and said["usage"]["cost_usd"] == pytest.approx(cost, rel=1e-12)
    assert proxy.log_line(got.get("x-request-id"))["cost_usd"] == said["usage"]["cost_usd"]


MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": [{"type": "text", "text": "hi"}],
           "stop_reason": "end_turn", "stop_sequence": None, "usage": {"input_tokens": 10, "output_tokens": 7}}  # fmt: skip


def _message_events() -> bytes:
    start = {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None, "usage": {"input_tokens": 10, "output_tokens": 1}}}
    parts = [
        start,
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "message_stop \n\n"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 7}},
    ]
    text = "".join(f"event: {part['type']}\ndata: {json.dumps(part)}\n\n" for part in parts)
    # As Anthropic writes it, with blanks before the last bracket.
    return (text + 'event: message_stop\ndata: {"type":"message_stop"          }\n\n').encode()


def _told(got, stream) -> list[dict]:
    """The `x_remora` of each object of an answer."""
    if not stream:
        return [got.json()["x_remora"]]
    objects = [json.loads(line[6:]) for line in got.body.decode().split("\n") if line.startswith("data: {")]
    assert objects[-1]["type"] in ("message_stop", "response.completed")
    return [each["x_remora"] for each in objects if "x_remora" in each]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    "path, kind, responses",
    [
        ("/v1/messages", "anthropic", None),
        ("/v1/messages", "openai_compatible", None),
        ("/v1/responses", "anthropic", None),
        ("/v1/responses", "openai_compatible", "translated"),
        ("/v1/responses", "openai_compatible", "native"),
    ],
)
def test_other_apis(start_remora, upstream, path, kind, responses, stream):
    prices = {"prices": {"gateway/claude-x": {"input": 3, "output": 15}}}
    base = upstream.base_url.removesuffix("/v1") if kind == "anthropic" else upstream.base_url
    proxy = start_remora(upstream, prices, provider={"kind": kind, "base_url": base, **({"responses": responses} if responses else {})})
    if kind == "anthropic":
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n"
        events = _message_events()
        upstream.reply((head % len(events) + events) if stream else json_answer(MESSAGE))
    body = {"model": "claude-x", "stream": stream, "request_breakdown": True, "max_tokens": 10}
    body |= {"messages": CHAT["messages"]} if path == "/v1/messages" else {"input": PROMPT}
    body = {name: value for name, value in body.items() if path == "/v1/messages" or name != "max_tokens"}
    got = proxy.ask(post_json(path, body, {"anthropic-version": "2023-06-01"} if path == "/v1/messages" else {}))
    assert got.status == 200 and got.get("x-remora-dropped") is None
    assert "request_breakdown" not in upstream.last.json()
    said = _told(got, stream)[-1]
    line = proxy.log_line(got.get("x-request-id"))
    assert said["usage"]["output_tokens"] == line["tokens_out"] and said["usage"]["input_tokens"] == line["tokens_in"]
    assert said["usage"]["cost_usd"] == line["cost_usd"] > 0
    assert said["timings"]["duration_ms"] >= 0
    plain = {**body, "request_breakdown": False}
    if kind == "anthropic":
        upstream.reply((head % len(events) + events) if stream else json_answer(MESSAGE))
    assert not any("usage" in said for said in _told(proxy.ask(post_json(path, plain)), stream))


@pytest.mark.parametrize("kind", ["openai_compatible", "anthropic", "mock"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_completions(start_remora, upstream, sdk, kind, stream):
    prices = {"prices": {"gateway/claude-x": {"input": 3, "output": 15}}}
    base = upstream.base_url.removesuffix("/v1") if kind == "anthropic" else upstream.base_url
    provider = {"kind": kind} if kind == "mock" else {"kind": kind, "base_url": base}
    proxy = start_remora(upstream, prices, **({} if kind == "mock" else {"provider": provider}),
                         **({"whole": {"providers": {"gateway": {"kind": "mock"}}, "default_provider": "gateway"}} if kind == "mock" else {}))  # fmt: skip
    if kind == "anthropic":
        events = _message_events()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n" % len(events)
        upstream.reply(head + events if stream else json_answer(MESSAGE))
    asked = sdk(proxy).completions.with_raw_response.create(
        model="claude-x", prompt=PROMPT, max_tokens=10, stream=stream, extra_body={"request_breakdown": True})
    answer = asked.parse()
    last = list(answer)[-1] if stream else answer
    assert last.object == "text_completion"
    said = last.x_remora
    line = proxy.log_line(asked.headers["x-request-id"])
    assert said["usage"]["output_tokens"] == line["tokens_out"] > 0 and said["usage"]["input_tokens"] == line["tokens_in"] > 0
    assert said["usage"]["cost_usd"] == line.get("cost_usd")
    assert kind == "mock" or "request_breakdown" not in upstream.last.json()


def test_embeddings(start_remora, upstream):
    proxy = start_remora(upstream, {"prices": {"gateway/e": {"input": 0.1, "output": 0}}})
    body = {"model": "e", "input": PROMPT, "request_breakdown": True}
    got = proxy.ask(post_json("/v1/embeddings", body))
    said = got.json()["x_remora"]
    assert said["usage"]["cost_usd"] == proxy.log_line(got.get("x-request-id"))["cost_usd"] > 0
    assert "request_breakdown" not in upstream.last.json()


@pytest.mark.parametrize("where", ["headers", "off"])
def test_not_where_bodies_say_nothing(start_remora, upstream, where):
    proxy = start_remora(upstream, {**PRICES, "response_metadata": where})
    assert "x_remora" not in ask(proxy).json()
    assert not any("x_remora" in chunk for chunk in events(ask(proxy, {**CHAT, "stream": True})))


# Where it runs.


def test_azure_says_its_region(start_remora, upstream):
    proxy = start_remora(
        upstream, provider={"kind": "azure", "base_url": upstream.base_url.removesuffix("/v1"), "api_version": "2024-10-21"}
    )
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4o",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}]}  # fmt: skip
    upstream.reply(json_answer(body, headers={"x-ms-region": "East US 2"}))
    assert ask(proxy).json()["x_remora"]["region"] == "East US 2"
    upstream.reply(json_answer(body))
    assert ask(proxy).json()["x_remora"]["region"] is None


# Service tiers.


@pytest.mark.parametrize("tier, share, estimated", [("flex", 0.5, False), ("default", 1, False), ("priority", 1, True)])
def test_what_is_served_at_another_pace(start_remora, upstream, tmp_path, tier, share, estimated):
    (tmp_path / "catalogue.txt").write_text("[openai]\nhouse-model c 128000/16384 2.5,10,1.25 f:50\n")
    proxy = start_remora(upstream, {"catalogue": {"file": str(tmp_path / "catalogue.txt")}})
    got = ask(proxy, {**CHAT, "model": "gateway/house-model", "service_tier": tier})
    line = proxy.log_line(got.get("x-request-id"))
    assert line["cost_usd"] == pytest.approx(COST * share, rel=1e-12)
    assert line.get("estimated", False) == estimated
    assert got.json()["x_remora"]["usage"]["cost_usd"] == line["cost_usd"]


# explain.


def test_explain_shows_limits_and_what_a_budget_cant_see(tmp_path):
    (tmp_path / "remora.yaml").write_text(
        """
providers: { gateway: { kind: openai_compatible, base_url: "http://gateway.test/v1", api_key: none } }
default_provider: gateway
consumers: { groups: { finance: { key: { env: KEY }, limits: { requests_per_minute: 60, budget_usd: { amount: 50, per: 30d } } } } }
limits: { tokens_per_minute: 1000, concurrent_requests: 4, shared: { redis: "redis://cache:6379" } }
prices: { "gateway/known": { input: 1, output: 2 } }
"""
    )
    shown = run("explain", "known", "--config", str(tmp_path / "remora.yaml"), env={"KEY": "rk-explain-0001"}).stdout
    assert "limits    of this pod: 1000 tokens a minute, 4 requests at once\n" in shown
    assert "of group finance: 60 requests a minute, $50 in 30d, with other pods at redis://cache:6379" in shown
    assert "price     $1 in, $2 out" in shown
    shown = run("explain", "other", "--config", str(tmp_path / "remora.yaml"), env={"KEY": "rk-explain-0001"}).stdout
    assert "the budget of group finance refuses it" in shown


@pytest.mark.parametrize("path, kind", [("/v1/messages/count_tokens", "anthropic"), ("/v1/responses/input_tokens", "openai")])
def test_counts_ahead_don_t_hand_it_on(start_remora, upstream, path, kind):
    base = upstream.base_url.removesuffix("/v1") if kind == "anthropic" else upstream.base_url
    proxy = start_remora(upstream, provider={"kind": kind, "base_url": base})
    upstream.reply(json_answer({"input_tokens": 3}))
    prompt = {"messages": CHAT["messages"]} if kind == "anthropic" else {"input": PROMPT}
    got = proxy.ask(post_json(path, {"model": "claude-x", "request_breakdown": True, **prompt}))
    assert got.json()["input_tokens"] == 3 and "request_breakdown" not in upstream.last.json()
