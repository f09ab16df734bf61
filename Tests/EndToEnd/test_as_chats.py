"""Responses, Messages and completions that go as chats: ugly requests and answers, whole and in streams."""

from __future__ import annotations

import json
import time

import pytest
from remora import PROMPT
from wire import LAST_CHUNK, SSE_HEAD, chunk, event, json_answer, post_json, sse_data

pytestmark = pytest.mark.proxy

USER = [{"role": "user", "content": PROMPT}]
ASKS = {
    "/v1/messages": {"model": "m", "max_tokens": 9, "messages": USER},
    "/v1/responses": {"model": "m", "input": PROMPT},
    "/v1/completions": {"model": "m", "prompt": PROMPT},
}
RESPONSES = "/v1/responses"
MESSAGES = "/v1/messages"


@pytest.fixture
def begin(start_remora, upstream):
    """Remora before a server of chats alone."""

    def make(kind="openai_compatible", **provider):
        # Completions are a chat server's own as a rule; a translated kind has none.
        own = {"kind": kind, **({"responses": "translated"} if kind == "openai_compatible" else {}), **provider}
        url = upstream.base_url if kind.startswith("openai") else upstream.origin
        return start_remora(upstream, {"response_metadata": "off"}, provider={**own, "base_url": url})

    return make


@pytest.fixture
def proxy(begin):
    return begin()


def whole(content="Hi", **message) -> dict:
    choice = {"index": 0, "message": {"role": "assistant", "content": content, **message}, "finish_reason": "stop"}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}


def piece(delta, finish=None) -> dict:
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def stream(*deltas, finish="stop") -> bytes:
    return SSE_HEAD + b"".join(event(piece(each)) for each in deltas) + event(piece({}, finish)) + event("[DONE]") + LAST_CHUNK


def text_of(body: bytes) -> str:
    data = [json.loads(each) for each in sse_data(body) if each != "[DONE]"]
    said = ""
    for each in data:
        if each["type"] == "content_block_delta":
            said += each["delta"].get("text", "")
        elif each["type"] == "response.output_text.delta":
            said += each["delta"]
    return said


TWO = [MESSAGES, RESPONSES]


@pytest.mark.parametrize("path", TWO)
def test_an_event_in_several_lines_is_read(proxy, upstream, path):
    lines = json.dumps(piece({"content": "Hello"}), indent=1).split("\n")
    first = chunk(b"".join(b"data: " + each.encode() + b"\n" for each in lines) + b"\n")
    upstream.reply(SSE_HEAD + first + event(piece({}, "stop")) + event("[DONE]") + LAST_CHUNK)
    answer = proxy.ask(post_json(path, {**ASKS[path], "stream": True}))
    assert text_of(answer.body) == "Hello"


@pytest.mark.parametrize("path", TWO)
def test_an_error_beside_choices_is_an_error(proxy, upstream, path):
    upstream.reply(json_answer({**whole(), "error": {"message": "boom", "code": 500}}))
    answer = proxy.ask(post_json(path, ASKS[path]))
    assert answer.status >= 500 and "boom" in answer.json()["error"]["message"]
    assert b"event:" not in answer.body and answer.get("content-type").startswith("application/json")


@pytest.mark.parametrize("path", TWO)
@pytest.mark.parametrize("kind", ["openai", "openai_compatible"])
@pytest.mark.parametrize("body", [b'{"choices":[{"message":{"content":"a\x01b"}}]}', b'{"choices":[{"message":{"content":"ab"}}],xx', b"[]"])
def test_an_answer_that_is_no_json_is_none(begin, upstream, path, kind, body):
    if kind == "openai" and path == RESPONSES:
        pytest.skip("passes as it is")
    proxy = begin(kind)
    upstream.reply(json_answer(body))
    answer = proxy.ask(post_json(path, ASKS[path]))
    assert answer.status == 502 and answer.json()["error"]


def test_more_calls_than_can_wait_are_an_error(proxy, upstream):
    calls = [{"id": f"c{at}", "type": "function", "function": {"name": "f", "arguments": ""}} for at in range(1100)]
    upstream.reply(json_answer(whole(None, tool_calls=calls)))
    answer = proxy.ask(post_json(MESSAGES, ASKS[MESSAGES]))
    assert answer.status == 502 and b"event:" not in answer.body


def test_blocks_stay_in_order(proxy, upstream):
    def call(index, arguments, name=None):
        own = {"id": "id" + name, "type": "function"} if name else {}
        return {"tool_calls": [{"index": index, **own, "function": {"arguments": arguments, **({"name": name} if name else {})}}]}

    upstream.reply(stream(call(0, "{", "f"), {"content": "one"}, call(1, "{}", "g"), {"content": "two"}, call(0, "}"), call(2, "{}", "h"), finish="tool_calls"))
    answer = proxy.ask(post_json(MESSAGES, {**ASKS[MESSAGES], "stream": True}))
    data = [json.loads(each) for each in sse_data(answer.body)]
    starts = [each["content_block"].get("name", "text") for each in data if each["type"] == "content_block_start"]
    assert starts == ["f", "text", "g", "text", "h"]
    assert text_of(answer.body) == "onetwo"


@pytest.mark.parametrize("stream_it", [False, True])
def test_an_empty_list_of_thoughts_hides_none(proxy, upstream, stream_it):
    upstream.reply(stream({"reasoning_content": "hm", "thinking_blocks": []}, {"content": "z"}) if stream_it else json_answer(whole(reasoning_content="hm", thinking_blocks=[])))
    answer = proxy.ask(post_json(MESSAGES, {**ASKS[MESSAGES], "stream": stream_it}))
    assert b'"thinking":"hm"' in answer.body


# Requests


@pytest.mark.parametrize("path", TWO)
def test_escaped_keys_are_the_same_keys(proxy, upstream, path):
    body = json.dumps({**ASKS[path], "stream": True, "temperature": 0.5})
    for name in ("messages", "input", "model", "stream", "temperature", "max_tokens"):
        body = body.replace(f'"{name}"', f'"\\u{ord(name[0]):04x}{name[1:]}"')
    upstream.reply(stream({"content": "Hi"}))
    answer = proxy.ask(post_json(path, body.encode()))
    assert answer.status == 200 and text_of(answer.body) == "Hi" and answer.get("x-remora-dropped") is None
    assert upstream.last.json()["temperature"] == 0.5


BLOCKS = {
    "a number": 5, "a string": "a", "no text": {"type": "text"}, "a number for a text": {"type": "text", "text": 5},
    "an object for a text": {"type": "text", "text": {"a": "b"}},
}


@pytest.mark.parametrize("role", ["user", "assistant"])
@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_what_is_no_block_is_refused(proxy, upstream, role, block):
    answer = proxy.ask(post_json(MESSAGES, {**ASKS[MESSAGES], "messages": [*USER, {"role": role, "content": [block]}, *USER]}))
    assert answer.status == 400 and "messages[1].content[0]" in answer.json()["error"]["message"]
    assert not upstream.requests


CALL = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
LOST = {
    "a block alone": ({"messages": [*USER, {"role": "user", "content": [{"type": "container_upload", "file_id": "f"}]}]}, "messages[1].content[0]"),
    "a part of a result": (
        {"messages": [*USER, {"role": "assistant", "content": [CALL]}, {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": [{"type": "tool_reference", "tool_name": "t"}]}]}]},
        "messages[2].content[0].content[0]",
    ),
    "a tool's member": ({"tools": [{"type": "custom", "name": "f", "input_schema": {"type": "object"}, "input_examples": [{}]}]}, "tools[0].input_examples"),
    "a budget": ({"output_config": {"task_budget": {"total": 5}}}, "output_config.task_budget"),
    "a document's title": (
        {"messages": [{"role": "user", "content": [{"type": "document", "title": "T", "context": "C", "citations": {"enabled": True}, "source": {"type": "text", "media_type": "text/plain", "data": "b"}}]}]},
        "messages[0].content[0].title,messages[0].content[0].context,messages[0].content[0].citations",
    ),
}


@pytest.mark.parametrize("case", LOST.values(), ids=LOST)
def test_what_is_lost_is_named(proxy, upstream, case):
    changes, dropped = case
    upstream.reply(json_answer(whole()))
    answer = proxy.ask(post_json(MESSAGES, {**ASKS[MESSAGES], **changes}))
    assert answer.status == 200 and answer.get("x-remora-dropped") == dropped


def test_a_conversation_of_which_nothing_is_left_is_refused(proxy, upstream):
    upload = [{"role": "user", "content": [{"type": "container_upload", "file_id": "f"}]}]
    answer = proxy.ask(post_json(MESSAGES, {**ASKS[MESSAGES], "messages": upload}))
    assert answer.status == 400 and not upstream.requests


def test_a_text_before_a_picture_stays(proxy, upstream):
    upstream.reply(json_answer(whole()))
    picture = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}
    turns = [*USER, {"role": "assistant", "content": "hello"}, {"role": "assistant", "content": [{"type": "output_text", "text": "b"}, picture]}]
    assert proxy.ask(post_json(RESPONSES, {"model": "m", "input": turns})).status == 200
    parts = upstream.last.json()["messages"][1]["content"]
    assert [each.get("text") for each in parts] == ["hello", "b", None]


def tool(name, description, **more) -> dict:
    return {"type": "function", "name": name, "description": description, **more}


def test_tools_of_one_name(proxy, upstream):
    """A namespace's function gives way to one without, wherever it stands; each call comes back as what it was."""
    long = "n" * 59
    tools = [
        {"type": "namespace", "name": "n", "tools": [tool("x", "in n"), tool("y", "alone")]}, tool("x", "top"), tool("x", "again"),
        {"type": "namespace", "name": long + "\u00e9\"a", "tools": [tool("x", "long")]},
        {"type": "namespace", "name": long + "\u00e9\"b", "tools": [tool("x", "other")]},
    ]
    upstream.reply(json_answer(whole()))
    answer = proxy.ask(post_json(RESPONSES, {"model": "m", "input": PROMPT, "tools": tools, "tool_choice": {"type": "function", "name": "x", "namespace": "n"}}))
    assert answer.status == 200 and answer.get("x-remora-dropped") == "tools[2]"
    sent = upstream.last.json()
    names = {each["function"]["description"]: each["function"]["name"] for each in sent["tools"]}
    assert names["top"] == "x" and names["in n"] == "n__x" and names["alone"] == "y"
    assert sent["tool_choice"]["function"]["name"] == "n__x"
    assert len(set(names.values())) == 5 and all(len(each) <= 64 and each.isascii() for each in names.values())
    calls = [{"id": f"c{at}", "type": "function", "function": {"name": each, "arguments": "{}"}} for at, each in enumerate(names.values())]
    upstream.reply(json_answer(whole(None, tool_calls=calls)))
    output = proxy.ask(post_json(RESPONSES, {"model": "m", "input": PROMPT, "tools": tools})).json()["output"]
    spaces = [(each["name"], each.get("namespace")) for each in output]
    assert spaces == [("x", "n"), ("y", "n"), ("x", None), ("x", long + "\u00e9\"a"), ("x", long + "\u00e9\"b")]


def test_namespaces_in_namespaces_are_refused(proxy, upstream):
    inner = tool("f", "d" * 20_000)
    for _ in range(200):
        inner = {"type": "namespace", "name": "n", "tools": [inner]}
    began = time.monotonic()
    answer = proxy.ask(post_json(RESPONSES, {"model": "m", "input": PROMPT, "tools": [inner]}))
    assert answer.status == 400 and time.monotonic() - began < 5


def test_long_instructions_are_not_said_three_times(proxy, upstream):
    upstream.reply(stream({"content": "Hi"}))
    answer = proxy.ask(post_json(RESPONSES, {"model": "m", "input": PROMPT, "instructions": "i" * 300_000, "stream": True}))
    assert answer.status == 200 and text_of(answer.body) == "Hi" and len(answer.body) < 100_000


@pytest.mark.parametrize("reverse", [False, True])
def test_many_results_find_their_calls(proxy, upstream, reverse):
    count = 400
    calls = [{"type": "function_call", "name": "f", "call_id": f"c{at}", "arguments": "{}"} for at in range(count)]
    outputs = [{"type": "function_call_output", "call_id": f"c{at}", "output": str(at)} for at in range(count)]
    upstream.reply(json_answer(whole()))
    answer = proxy.ask(post_json(RESPONSES, {"model": "m", "input": [*calls, *(outputs[::-1] if reverse else outputs)]}))
    assert answer.status == 200
    results = [each for each in upstream.last.json()["messages"] if each["role"] == "tool"]
    assert [each["content"] for each in results] == [str(at) for at in range(count)]


def test_of_calls_with_one_id_the_last_turns_are_answered(proxy, upstream):
    def call(text):
        return {"type": "function_call", "name": "f", "call_id": "c", "arguments": json.dumps(text)}

    def result(text):
        return {"type": "function_call_output", "call_id": "c", "output": text}

    turns = [*USER, call("a"), result("1"), *USER, call("b"), call("c"), result("2"), result("3")]
    upstream.reply(json_answer(whole()))
    assert proxy.ask(post_json(RESPONSES, {"model": "m", "input": turns})).status == 200
    assert [each["content"] for each in upstream.last.json()["messages"] if each["role"] == "tool"] == ["1", "2", "3"]


# Reasoning of another model


def test_remoras_seals_stay_here(begin, upstream):
    """`invalid_encrypted_content` is what a provider of Responses says of them."""
    proxy = begin("openai")
    ours = {"type": "reasoning", "summary": [], "encrypted_content": "rmr1.t.abc"}
    theirs = {"type": "reasoning", "summary": [], "encrypted_content": "gAAA"}
    for items in ([ours, *USER], [*USER, ours, ours, theirs, *USER], [*USER, ours]):
        upstream.reply(json_answer({"id": "resp_1", "object": "response", "output": []}))
        assert proxy.ask(post_json(RESPONSES, {"model": "m", "input": items})).status == 200
        assert upstream.last.json()["input"] == [each for each in items if each is not ours]
    body = json.dumps({"model": "m", "input": "what is rmr1.t.abc?"}).encode()
    upstream.reply(json_answer({"id": "resp_1", "object": "response", "output": []}))
    assert proxy.ask(post_json(RESPONSES, body)).status == 200 and upstream.last.body == body


def test_a_seal_at_the_end_of_a_long_history_stays_here(begin, upstream):
    proxy = begin("openai")
    ours = {"type": "reasoning", "summary": [], "encrypted_content": "rmr1.t.abc"}
    items = [{"role": "user", "content": "x" * 400_000}, ours, *USER]
    upstream.reply(json_answer({"id": "resp_1", "object": "response", "output": []}))
    sent = post_json(RESPONSES, {"model": "m", "input": items})
    with proxy.connect() as peer:
        # The last part comes when what came before could have gone on.
        peer.send(sent[:350_000])
        time.sleep(0.3)
        peer.send(sent[350_000:])
        assert peer.response("POST").status == 200
    assert b"rmr1." not in upstream.last.body and len(upstream.last.json()["input"]) == 2


# Halves of surrogate pairs, which JSON can say and UTF-8 can't


@pytest.mark.parametrize("path", TWO)
@pytest.mark.parametrize("streams", [False, True])
def test_halves_of_a_pair(proxy, upstream, path, streams):
    """Two that come apart are one letter; one that stays alone is no end of the text."""
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": "\\ud83d'}}
    rest = {"index": 0, "function": {"arguments": '\\ude00 \\ud83d"}'}}
    if streams:
        pieces = [{"content": "a\ud83d"}, {"content": "\ude00b"}, {"content": "\ud83d"}, {"content": "c"}]
        upstream.reply(stream(*pieces, {"tool_calls": [call]}, {"tool_calls": [rest]}, finish="tool_calls"))
    else:
        call["function"]["arguments"] += rest["function"]["arguments"]
        upstream.reply(json_answer(whole("a\ud83d\ude00b\ud83dc", tool_calls=[call])))
    answer = proxy.ask(post_json(path, {**ASKS[path], "stream": streams}))
    assert answer.status == 200
    if not streams:
        said = answer.json()
        text, arguments = (
            (said["content"][0]["text"], said["content"][1]["input"]) if path == MESSAGES
            else (said["output"][0]["content"][0]["text"], json.loads(said["output"][1]["arguments"]))
        )
    else:
        text = text_of(answer.body)
        deltas = [json.loads(each)["delta"] for each in sse_data(answer.body) if '"delta"' in each]
        joined = "".join(each if isinstance(each, str) else each.get("partial_json", "") for each in deltas)
        arguments = json.loads(joined[joined.index("{") :])
    for each in (text, arguments["a"]):
        # As Python has it after halves were joined: none but the one that was alone.
        assert each.encode("utf-16", "surrogatepass").decode("utf-16", "replace").count("\U0001f600") == 1
    assert text.startswith("a\U0001f600b") and text.endswith("c")


@pytest.mark.parametrize("path", TWO)
@pytest.mark.parametrize("kind", ["openai_compatible", "anthropic", "gemini", "bedrock", "cohere", "ollama"])
def test_halves_of_a_pair_in_what_is_asked(begin, upstream, path, kind):
    if path == MESSAGES and kind == "anthropic":
        pytest.skip("passes as it is")
    half = "a\ud83db"
    if path == MESSAGES:
        turns = {"messages": [
            {"role": "user", "content": half}, {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {"x": half}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": half}]},
        ], "system": half, "tools": [{"name": "f", "description": half, "input_schema": {"type": "object"}}]}
    else:
        turns = {"input": [
            {"role": "user", "content": half}, {"type": "function_call", "name": "f", "call_id": "t", "arguments": json.dumps({"x": half})},
            {"type": "custom_tool_call", "name": "g", "call_id": "u", "input": half},
            {"type": "function_call_output", "call_id": "t", "output": half}, {"type": "custom_tool_call_output", "call_id": "u", "output": half},
        ], "instructions": half, "tools": [{"type": "function", "name": "f", "description": half, "parameters": {"type": "object"}}, {"type": "custom", "name": "g"}]}
    more = {"region": "eu-west-3"} if kind == "bedrock" else {}
    proxy = begin(kind, **more)
    upstream.reply(json_answer({}))
    proxy.ask(post_json(path, {**ASKS[path], **turns}))
    sent = upstream.last.body
    assert sent.isascii() or sent.decode()
    # Each is what it was, or the letter for what can't be said.
    found = [each for each in flat(json.loads(sent)) if each.startswith("a") and each.endswith("b") and len(each) == 3]
    assert len(found) >= 4 and set(found) <= {half, "a\ufffdb"}


def flat(value):
    if isinstance(value, str):
        yield value
        if value.startswith("{"):
            yield from flat(json.loads(value))
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from flat(each)
