"""The Responses API, and the older completions, before providers that have neither: loops of tools, ends, refusals."""

from __future__ import annotations

import json

import openai
import pytest
from remora import PROMPT
from replay import answers
from replay.answers import LOOP, SIGNATURE, Said
from replay.serving import head
from test_replay_requests import MODELS
from wire import LAST_CHUNK, chunk, post_json

pytestmark = pytest.mark.proxy

ALL = {**MODELS, "mistral": "mistral/mistral-large"}
dialects = pytest.mark.parametrize("dialect", ALL)
either = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])

TOOLS = [
    {
        "type": "function",
        "name": name,
        "description": f"The {name}.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
    for name in ("weather", "clock")
]


@pytest.fixture
def client(sdk, replayer):
    return sdk(replayer.proxy)


def create(client, streamed: bool, **asked):
    asked = {"input": PROMPT, "store": False, **asked}
    if not streamed:
        return client.responses.create(**asked)
    with client.responses.stream(**asked) as events:
        numbers = []
        for each in events:
            numbers.append(each.sequence_number)
        # The helper's own last answer is one that came to its end.
        said = each.response
    assert numbers == list(range(len(numbers)))
    return said


@dialects
@either
def test_a_loop_of_tools(replayer, client, dialect, streamed):
    for said in LOOP:
        replayer.upstream.reply(*answers.steps(dialect, said, streamed=streamed))
    history: list = [{"role": "user", "content": PROMPT}]
    names = []
    for _ in range(3):
        said = create(client, streamed, model=ALL[dialect], tools=TOOLS, input=history, instructions="Be brief.")
        assert (said.status, said.usage.output_tokens, said.store) == ("completed", 7, False)
        calls = [each for each in said.output if each.type == "function_call"]
        if not calls:
            break
        names.append([(each.name, json.loads(each.arguments)) for each in calls])
        # As agents do it: the items go back as they came, the outputs in another order.
        history += [each.model_dump(exclude_none=True) for each in said.output]
        history += [{"type": "function_call_output", "call_id": each.call_id, "output": "sun"} for each in reversed(calls)]
    assert names == [[("weather", {"city": "Zürich"}), ("clock", {"city": "Oslo"})], [("weather", {"city": "Oslo"})]]
    assert said.output_text == "Rain in Zürich, snow in Oslo at noon."
    sent = replayer.upstream.requests[-1].body
    assert sent.count(b"sun") == 3 and b"rmr1." not in sent
    if dialect in ("anthropic", "vertex-claude", "bedrock"):
        assert SIGNATURE.encode() in sent


# A provider that has the Responses API itself.


def native_items(said: Said) -> list[dict]:
    items: list[dict] = []
    if said.reasoning:
        summary = [{"type": "summary_text", "text": said.reasoning}]
        items.append({"id": "rs_1", "type": "reasoning", "summary": summary, "encrypted_content": SIGNATURE})
    if said.text:
        part = {"type": "output_text", "text": said.text, "annotations": [], "logprobs": []}
        items.append({"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [part]})
    for identity, name, arguments in said.calls:
        call = {"id": "fc_" + identity, "type": "function_call", "status": "completed", "call_id": identity}
        items.append({**call, "name": name, "arguments": arguments})
    return items


def native(said: Said, streamed: bool) -> list[bytes]:
    tokens = {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}
    details = {"input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    whole = {
        "id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "error": None, "incomplete_details": None,
        "instructions": None, "metadata": {}, "model": "gpt-4o", "output": native_items(said), "parallel_tool_calls": True,
        "store": False, "temperature": 1.0, "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [], "top_p": 1.0,
        "usage": {**tokens, **details},
    }
    if not streamed:
        body = json.dumps(whole).encode()
        return [head(200, {"Content-Type": "application/json"}, len(body)) + body]
    begun = {"response": {**whole, "status": "in_progress", "output": [], "usage": None}}
    events: list[dict] = [{"type": "response.created", **begun}, {"type": "response.in_progress", **begun}]
    for index, item in enumerate(whole["output"]):
        events += native_events(index, item)
    events.append({"type": "response.completed", "response": whole})
    data = b"".join(
        b"event: %s\ndata: %s\n\n" % (each["type"].encode(), json.dumps({**each, "sequence_number": number}).encode())
        for number, each in enumerate(events)
    )
    return [head(200, {"Content-Type": "text/event-stream"}, None), chunk(data), LAST_CHUNK]


def native_events(index: int, item: dict) -> list[dict]:
    place = {"output_index": index, "item_id": item["id"]}
    empty = {"message": {"content": []}, "reasoning": {"summary": []}, "function_call": {"arguments": ""}}[item["type"]]
    told: list[dict] = [{"type": "response.output_item.added", "output_index": index, "item": {**item, **empty}}]
    if item["type"] == "message":
        part, place = item["content"][0], {**place, "content_index": 0}
        told.append({"type": "response.content_part.added", **place, "part": {**part, "text": ""}})
        deltas = answers.pieces(part["text"])
        told += [{"type": "response.output_text.delta", **place, "delta": each, "logprobs": []} for each in deltas]
        told.append({"type": "response.output_text.done", **place, "text": part["text"], "logprobs": []})
        told.append({"type": "response.content_part.done", **place, "part": part})
    elif item["type"] == "function_call":
        deltas = answers.pieces(item["arguments"])
        told += [{"type": "response.function_call_arguments.delta", **place, "delta": each} for each in deltas]
        told.append({"type": "response.function_call_arguments.done", **place, "arguments": item["arguments"], "name": item["name"]})
    return [*told, {"type": "response.output_item.done", "output_index": index, "item": item}]


@pytest.mark.parametrize("dialect", ["openai", "azure", "xai", "vllm"])
@either
def test_a_loop_of_tools_at_its_home(replayer, client, dialect, streamed):
    for said in LOOP:
        replayer.upstream.reply(*native(said, streamed))
    history: list = [{"role": "user", "content": PROMPT}]
    for number in range(3):
        said = create(client, streamed, model=f"{dialect}/m", tools=TOOLS, input=history)
        # But for what the SDK's helper adds: None.
        assert [each.model_dump(exclude_none=True) for each in said.output] == native_items(LOOP[number])
        assert said.usage.output_tokens == 7
        calls = [each for each in said.output if each.type == "function_call"]
        history += [each.model_dump(exclude_none=True) for each in said.output]
        history += [{"type": "function_call_output", "call_id": each.call_id, "output": "sun"} for each in calls]
    assert said.output_text == "Rain in Zürich, snow in Oslo at noon."
    sent = [json.loads(each.body) for each in replayer.upstream.requests]
    assert all(each.target.endswith("/responses") for each in replayer.upstream.requests)
    # What the provider has sealed goes back to it.
    assert sent[-1]["input"] == history[: len(sent[-1]["input"])] and SIGNATURE in json.dumps(sent[-1])


@dialects
@either
def test_what_ends_an_answer(replayer, client, dialect, streamed):
    replayer.upstream.reply(*answers.steps(dialect, Said("Half an ans", cut=True), streamed=streamed))
    said = create(client, streamed, model=ALL[dialect], metadata={"a": "b"})
    assert (said.status, said.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert said.output_text == "Half an ans" and said.output[0].status == "incomplete"
    assert said.usage.input_tokens == 11 and said.metadata == {"a": "b"}


@dialects
@either
def test_errors(replayer, client, dialect, streamed):
    text = b'{"error": {"message": "slow down", "type": "x"}, "message": "slow down"}'
    replayer.upstream.reply(head(429, {"Content-Type": "application/json"}, len(text)) + text)
    with pytest.raises(openai.RateLimitError, match="slow down"):
        create(client, streamed, model=ALL[dialect])


@dialects
def test_a_stream_that_breaks_off(replayer, client, dialect):
    steps = answers.steps(dialect, Said("One two three four five six."), streamed=True)
    replayer.upstream.reply(*steps[:3], "cut")
    with pytest.raises((openai.APIError, openai.APIConnectionError, RuntimeError)):
        for each in client.responses.create(model=ALL[dialect], input="x", stream=True):
            assert each.type != "response.completed"
            if each.type in ("error", "response.failed"):
                raise RuntimeError


@either
def test_a_tool_that_takes_any_text(replayer, client, streamed):
    arguments = json.dumps({"input": 'print("ä")\n'})
    replayer.upstream.reply(*answers.steps("mistral", Said(calls=[("abcdefghi", "code", arguments)]), streamed=streamed))
    tool = {"type": "custom", "name": "code", "format": {"type": "grammar", "syntax": "lark", "definition": "start: ANY"}}
    said = create(client, streamed, model=ALL["mistral"], tools=[tool])
    assert [(each.type, each.name, each.input) for each in said.output] == [("custom_tool_call", "code", 'print("ä")\n')]
    assert b"start: ANY" in replayer.upstream.last.body
    replayer.upstream.reply(*answers.steps("mistral", Said("Done."), streamed=streamed))
    history = [
        {"role": "user", "content": "x"},
        said.output[0].model_dump(exclude_none=True),
        {"type": "custom_tool_call_output", "call_id": said.output[0].call_id, "output": "ok"},
    ]
    assert create(client, streamed, model=ALL["mistral"], tools=[tool], input=history).output_text == "Done."
    sent = json.loads(replayer.upstream.last.body)["messages"]
    assert json.loads(sent[1]["tool_calls"][0]["function"]["arguments"]) == {"input": 'print("ä")\n'}


@pytest.mark.parametrize(
    "changes,place,code",
    [
        ({"input": None}, "input", "invalid_value"),
        ({"input": 3}, "input", "invalid_value"),
        ({"input": []}, "input", "invalid_value"),
        ({"input": [3]}, "input[0]", "invalid_value"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role", "invalid_value"),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}, "input[0].call_id", "invalid_value"),
        ({"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}]}, "input", "invalid_value"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0]", "invalid_value"),
        ({"previous_response_id": "resp_1"}, "previous_response_id", "previous_response_not_found"),
        ({"conversation": "conv_1"}, "conversation", "unsupported_parameter"),
        ({"background": True}, "background", "unsupported_parameter"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type", "unsupported_parameter"),
        ({"tools": [{"type": "mcp", "server_label": "x"}]}, "tools[0].type", "unsupported_parameter"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]},
            "input[0].content[0].file_id", "unsupported_parameter",
        ),
    ],
)
def test_what_can_not_be_said(replayer, changes, place, code):
    asked = {"model": ALL["mistral"], "input": "x", **changes}
    got = replayer.proxy.ask(post_json("/v1/responses", {name: value for name, value in asked.items() if value is not None}))
    assert (got.status, got.error["param"], got.error["code"]) == (400, place, code), got.body
    assert not replayer.upstream.requests


@pytest.mark.parametrize("dialect", MODELS)
@either
def test_the_older_completions(replayer, client, dialect, streamed):
    replayer.upstream.reply(*answers.steps(dialect, Said("Once upon a time."), streamed=streamed))
    said = client.completions.create(model=ALL[dialect], prompt="Tell", max_tokens=40, stream=streamed)
    if streamed:
        chunks = list(said)
        assert "".join(each.choices[0].text for each in chunks) == "Once upon a time."
        assert chunks[-1].choices[0].finish_reason == "stop"
    else:
        assert (said.choices[0].text, said.choices[0].finish_reason) == ("Once upon a time.", "stop")
        assert said.usage.prompt_tokens == 11
    for changes in ({"suffix": "x"}, {"echo": True}, {"best_of": 3}, {"prompt": ["a", "b"]}, {"prompt": [1, 2]}):
        with pytest.raises(openai.BadRequestError):
            client.completions.create(**{"model": ALL[dialect], "prompt": "x", **changes})


def test_a_provider_that_is_asked_first(start_remora, upstream):
    """`responses: auto`: what it hasn't is asked once; a model that it doesn't know is no missing path."""
    proxy = start_remora(upstream, provider={"kind": "openai_compatible", "responses": "auto"})

    def refuse(status: int, text: bytes) -> None:
        upstream.reply(head(status, {"Content-Type": "application/json"}, len(text)) + text)

    refuse(404, b'{"error": {"message": "no such model", "type": "x", "param": null, "code": "model_not_found"}}')
    assert proxy.ask(post_json("/v1/responses", {"model": "m", "input": "x"})).status == 404
    refuse(404, b'{"detail": "Not Found"}')
    for paths in (["/v1/responses"] * 2 + ["/v1/chat/completions"], ["/v1/chat/completions"]):
        got = proxy.ask(post_json("/v1/responses", {"model": "gpt-4o", "input": "x"}))
        assert (got.status, got.json()["object"]) == (200, "response")
        assert [each.target for each in upstream.requests][-len(paths):] == paths
