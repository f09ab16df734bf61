"""What other gateways get wrong in responses and messages before providers that have neither: each a published bug of one."""

from __future__ import annotations

import json

import pytest
from remora import PROMPT
from replay import answers, grammar, schemas
from replay.answers import ID, LOOP, SIGNATURE, Said, steps
from replay.matrix import PNG
from replay.serving import head
from test_replay_requests import MODELS
from wire import LAST_CHUNK, chunk, post_json

pytestmark = pytest.mark.proxy

ALL = {**MODELS, "openai_compatible": "openai_compatible/m", "mistral": "mistral/mistral-large"}
MESSAGES = [name for name in ALL if name not in ("anthropic", "vertex-claude")]
"""Those that have no Messages API of their own."""
RESPONSES = [name for name in ALL if name != "openai_compatible"]
either = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
BOTH = [("messages", each) for each in MESSAGES] + [("responses", each) for each in RESPONSES]
both = pytest.mark.parametrize("format,dialect", BOTH)
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
OBJECT = {"Content-Type": "application/json"}


def tools(format: str, *names: str, **more) -> list[dict]:
    if format == "messages":
        return [{"name": name, "description": "Looks.", "input_schema": SCHEMA, **more} for name in names]
    return [{"type": "function", "name": name, "description": "Looks.", "parameters": SCHEMA, **more} for name in names]


def ask(replayer, format: str, dialect: str, streamed: bool, history=None, **rest):
    """One turn; gives the message or response, and the answer as it came."""
    asked = {"model": ALL[dialect], "stream": streamed, **rest}
    history = history or [{"role": "user", "content": PROMPT}]
    asked |= {"messages": history, "max_tokens": 4096} if format == "messages" else {"input": history, "store": False}
    asked = {name: value for name, value in asked.items() if value is not None}
    got = replayer.proxy.ask(post_json(f"/v1/{format}", asked))
    if got.status != 200 or not streamed:
        return got.json(), got
    return getattr(grammar, format)(got.body)[0], got


def said_by(replayer, dialect: str, said: Said, streamed: bool) -> None:
    replayer.upstream.reply(*steps(dialect, said, streamed=streamed))


def blocks(said: dict) -> list[tuple]:
    """What was said, in order, whatever the format."""
    found = []
    for each in said["content"] if "content" in said else said["output"]:
        kind = each["type"]
        if kind in ("text", "message"):
            found.append(("text", each.get("text") or "".join(part["text"] for part in each["content"])))
        elif kind in ("thinking", "reasoning"):
            found.append(("thought", each.get("thinking") or "".join(part["text"] for part in each["summary"])))
        elif kind in ("tool_use", "function_call"):
            found.append(("call", each["name"], each["input"] if kind == "tool_use" else json.loads(each["arguments"])))
    return [each for each in found if each != ("thought", "")]


# Grammar: items that begin before they go on, one end each, indexes without gaps, ids of the right kind.

SAYINGS = {
    "all": LOOP[0],
    "a thought and a call": LOOP[1],
    "words": LOOP[2],
    "calls alone": Said(calls=[("toolu_1", "weather", '{"city": "x"}'), ("toolu_2", "clock", "{}")]),
}


@both
@pytest.mark.parametrize("said", SAYINGS.values(), ids=SAYINGS)
def test_grammar(replayer, format, dialect, said):
    said_by(replayer, dialect, said, streamed=True)
    streamed, _ = ask(replayer, format, dialect, True, tools=tools(format, "weather", "clock"))
    said_by(replayer, dialect, said, streamed=False)
    whole, _ = ask(replayer, format, dialect, False, tools=tools(format, "weather", "clock"))
    assert blocks(streamed) == blocks(whole) and blocks(streamed)[-1][0] == ("call" if said.calls else "text")
    if format == "messages":
        # Whenever there is a call, whatever the provider says.
        assert streamed["stop_reason"] == whole["stop_reason"] == ("tool_use" if said.calls else "end_turn")
    else:
        ids = [each["id"] for each in whole["output"]]
        assert len(set(ids)) == len(ids) and whole["id"] and whole["model"]
        assert all(each["id"].startswith(grammar.PREFIXES[each["type"]]) for each in whole["output"])
        assert all(each["call_id"] != each["id"] for each in whole["output"] if each["type"] == "function_call")


# Errors: one event at the end, whatever has been said before.


@both
@pytest.mark.parametrize("events", [0, 1, -2])
def test_a_fault_is_the_last_word(replayer, format, dialect, events):
    script = steps(dialect, Said("One two three four five six."), streamed=True)
    # After the head alone, after the first event, and before the last.
    replayer.upstream.reply(*(script[: 1 + events] if events >= 0 else script[:events]), "cut")
    status, body = _cut(replayer, format, dialect)
    if status != 200:
        assert status == 502 and json.loads(body)["error"]["message"]
        return
    if format == "messages":
        said, told = grammar.messages(body)
        assert said is None and told[-1]["error"]["type"] == "api_error"
    else:
        said, _ = grammar.responses(body)
        assert said["status"] == "failed"


def _cut(replayer, format, dialect) -> tuple[int, bytes]:
    """An answer whose transfer may be cut."""
    turn = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 9} if format == "messages" else {"input": "x"}
    with replayer.proxy.connect() as peer:
        peer.send(post_json(f"/v1/{format}", {"model": ALL[dialect], "stream": True, **turn}))
        while peer.fill():
            pass
        said = peer.buffer
    fields, _, body = said.partition(b"\r\n\r\n")
    if b"chunked" in fields.lower():
        parts, rest = b"", body
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            count = int(size, 16)
            parts, rest = parts + rest[:count], rest[count + 2 :]
        body = parts
    return int(said.split(b" ", 2)[1]), body


# Lengths: what ended early says so, even where nothing but thoughts, or nothing, came.

CUTS = {"text": Said("Half", cut=True), "thoughts": Said(reasoning="Hm", signature=SIGNATURE, cut=True), "nothing": Said(cut=True)}


@both
@either
@pytest.mark.parametrize("said", CUTS.values(), ids=CUTS)
def test_what_the_limit_ended_is_incomplete(replayer, format, dialect, streamed, said):
    said_by(replayer, dialect, said, streamed)
    got, _ = ask(replayer, format, dialect, streamed)
    if format == "messages":
        assert got["stop_reason"] == "max_tokens"
    else:
        assert (got["status"], got["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert [each for each in blocks(got) if each[0] == "text"] == ([("text", "Half")] if said.text else [])
    if not said.text and not said.reasoning:
        assert got.get("content", got.get("output")) == []


# Tools


CODEX = {
    "instructions": "Be brief.", "store": False, "include": ["reasoning.encrypted_content"], "tool_choice": "auto",
    "parallel_tool_calls": False, "prompt_cache_key": "k", "reasoning": {"effort": "low", "summary": "auto"},
    "text": {"verbosity": "low"},
    "tools": [
        *tools("responses", "shell", strict=False, defer_loading=True, output_schema={"type": "string"}),
        {"type": "custom", "name": "apply_patch", "description": "Patches.", "format": {"type": "grammar", "syntax": "lark", "definition": "start: PATCH"}},
        {"type": "namespace", "name": "mcp__docs", "description": "d", "tools": tools("responses", "find")},
        {"type": "web_search", "external_web_access": True}, {"type": "image_generation", "output_format": "png"}, {"type": "tool_search"},
    ],
}


@pytest.mark.parametrize("dialect", RESPONSES)
@either
def test_a_request_like_those_of_coding_agents(replayer, dialect, streamed):
    history = [
        {"type": "additional_tools", "role": "developer", "tools": tools("responses", "later")},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": PROMPT}]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAAA-of-another-account"},
        {"type": "tomorrows_item", "id": "x_1", "content": "?"},
    ]
    arguments = json.dumps({"input": "*** Begin Patch\n+ä"})
    said_by(replayer, dialect, Said(calls=[("toolu_1", "apply_patch", arguments), ("toolu_2", "find", '{"city": "x"}')]), streamed)
    got, answer = ask(replayer, "responses", dialect, streamed, history, **CODEX)
    assert answer.status == 200, answer.body
    assert [each["type"] for each in got["output"]] == ["custom_tool_call", "function_call"]
    assert got["output"][0]["input"] == "*** Begin Patch\n+ä"
    assert (got["output"][1]["name"], got["output"][1]["namespace"]) == ("find", "mcp__docs")
    sent = replayer.upstream.last.body
    # The grammar is told in words, the tool that came later is there, hosted ones and strangers' seals are not.
    assert all(each in sent for each in (b"start: PATCH", b"later", b"shell"))
    unknown = (b"defer_loading", b"output_schema", b"external_web_access", b"image_generation", b"gAAAAA", b"tomorrows_item")
    assert not [each for each in unknown if each in sent]
    assert {"tools[3]", "tools[4]", "tools[5]"} <= set(answer.get("x-remora-dropped").split(","))


@both
def test_members_that_only_one_provider_knows_stay_here(replayer, format, dialect):
    own = {"eager_input_streaming": True, "cache_control": {"type": "ephemeral"}} if format == "messages" else {"defer_loading": True}
    said_by(replayer, dialect, Said("Fine."), False)
    got, answer = ask(replayer, format, dialect, False, tools=tools(format, "weather", tomorrow=1, **own))
    assert answer.status == 200, got
    sent = replayer.upstream.last.body
    assert not [each for each in (b"eager_input_streaming", b"defer_loading", b"tomorrow") if each in sent]
    if dialect in MODELS:
        schemas.check(dialect, json.loads(sent))


PICTURE = f"data:image/png;base64,{PNG}"


@both
def test_a_picture_in_a_result_is_a_picture(replayer, format, dialect):
    """Where the provider takes none in a result, it stands in the user's turn behind; never in a text."""
    if format == "messages":
        source = {"type": "base64", "media_type": "image/png", "data": PNG}
        history = [
            {"role": "user", "content": PROMPT},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "x"}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "look"}, {"type": "image", "source": source}]}]},
        ]
    else:
        output = [{"type": "input_text", "text": "look"}, {"type": "input_image", "image_url": PICTURE}]
        history = [
            {"role": "user", "content": PROMPT},
            {"type": "function_call", "id": "fc_1", "call_id": "toolu_1", "name": "weather", "arguments": '{"city": "x"}'},
            {"type": "function_call_output", "call_id": "toolu_1", "output": output},
        ]
    said_by(replayer, dialect, Said("Fine."), False)
    got, answer = ask(replayer, format, dialect, False, history, tools=tools(format, "weather"))
    sent = replayer.upstream.last.body if answer.status == 200 else b""
    assert answer.status == 200, got
    assert sent.count(PNG.encode()) == 1 and b"look" in sent
    assert not [each for each in texts_of(json.loads(sent)) if PNG in each and len(each) > len(PICTURE)]
    if dialect in MODELS:
        schemas.check(dialect, json.loads(sent))


def texts_of(value) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [text for each in (value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()) for text in texts_of(each)]


@pytest.mark.parametrize("dialect", RESPONSES)
def test_results_find_their_calls(replayer, dialect):
    """Swapped, with a message between, and by `call_id`, which is not the item's id."""
    history = [
        {"role": "user", "content": PROMPT},
        {"type": "function_call", "id": "fc_a", "call_id": "call_1", "name": "weather", "arguments": '{"city": "x"}'},
        {"type": "function_call", "id": "fc_b", "call_id": "call_2", "name": "clock", "arguments": ""},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Wait."}]},
        {"type": "function_call_output", "call_id": "call_2", "output": "noon"},
        {"type": "function_call_output", "call_id": "call_1", "output": "rain"},
    ]
    said_by(replayer, dialect, Said("Fine."), False)
    got, answer = ask(replayer, "responses", dialect, False, history, tools=tools("responses", "weather", "clock"))
    assert answer.status == 200, got
    body = json.loads(replayer.upstream.last.body)
    text = json.dumps(body)
    assert "fc_a" not in text and "fc_b" not in text and "Wait." in text
    if dialect in MODELS:
        schemas.check(dialect, body)
    if dialect in ("gemini", "vertex"):
        parts = [part["functionResponse"] for turn in body["contents"] for part in turn["parts"] if "functionResponse" in part]
        assert [each["name"] for each in parts] == ["weather", "clock"]
        assert "rain" in json.dumps(parts[0]) and "noon" in json.dumps(parts[1])
        assert [turn["role"] for turn in body["contents"]] == ["user", "model", "user"]


@both
def test_a_history_with_tools_and_none_declared(replayer, format, dialect):
    if format == "messages":
        history = [
            {"role": "user", "content": PROMPT},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "x"}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "sun"}]},
        ]
    else:
        history = [
            {"role": "user", "content": PROMPT},
            {"type": "function_call", "call_id": "toolu_1", "name": "weather", "arguments": '{"city": "x"}'},
            {"type": "function_call_output", "call_id": "toolu_1", "output": "sun"},
        ]
    said_by(replayer, dialect, Said("Fine."), False)
    got, answer = ask(replayer, format, dialect, False, history)
    assert answer.status == 200, got
    body = json.loads(replayer.upstream.last.body)
    assert dialect != "bedrock" or body["toolConfig"]["tools"]
    if dialect in MODELS:
        schemas.check(dialect, body)


# The order of what is said

INTERLEAVED = [
    {"type": "thinking", "thinking": "one", "signature": SIGNATURE}, {"type": "text", "text": "two"},
    {"type": "thinking", "thinking": "three", "signature": SIGNATURE + "A"},
    {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "x"}}, {"type": "text", "text": "four"},
]
ORDER = [("thought", "one"), ("text", "two"), ("thought", "three"), ("call", "weather", {"city": "x"}), ("text", "four")]


def anthropic_script(streamed: bool) -> list[bytes]:
    whole = {
        "id": ID, "type": "message", "role": "assistant", "model": "c", "content": INTERLEAVED, "stop_reason": "tool_use",
        "stop_sequence": None, "usage": {"input_tokens": 11, "output_tokens": 7},
    }
    if not streamed:
        body = json.dumps(whole).encode()
        return [head(200, OBJECT, len(body)) + body]
    events = [{"type": "message_start", "message": {**whole, "content": [], "stop_reason": None}}]
    for index, block in enumerate(INTERLEAVED):
        events += answers._anthropic_block(index, block, iter(['{"city": "x"}']))
    events += [{"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 7}}, {"type": "message_stop"}]
    data = b"".join(b"event: %s\ndata: %s\n\n" % (each["type"].encode(), json.dumps(each).encode()) for each in events)
    return [head(200, {"Content-Type": "text/event-stream"}, None), chunk(data), LAST_CHUNK]


@either
def test_thoughts_between_words_stay_where_they_were(replayer, streamed):
    replayer.upstream.reply(*anthropic_script(streamed))
    got, _ = ask(replayer, "responses", "anthropic", streamed, tools=tools("responses", "weather"))
    assert blocks(got) == ORDER
    # And go back signed, each with its own.
    said_by(replayer, "anthropic", Said("Fine."), False)
    output = [{"type": "function_call_output", "call_id": "toolu_1", "output": "sun"}]
    ask(replayer, "responses", "anthropic", False, [{"role": "user", "content": PROMPT}, *got["output"], *output], tools=tools("responses", "weather"))
    content = json.loads(replayer.upstream.last.body)["messages"][1]["content"]
    assert [(each["thinking"], each["signature"]) for each in content if each["type"] == "thinking"] == [
        ("one", SIGNATURE), ("three", SIGNATURE + "A")
    ]


# Chunks of chat servers


def chat_stream(*deltas: dict, finish="stop", done=True, usage=None) -> list[bytes]:
    base = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    chunks = [{**base, "choices": [{"index": 0, "delta": each, "finish_reason": None}]} for each in deltas]
    chunks.append({**base, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    if usage:
        chunks.append({**base, "choices": [], "usage": usage})
    data = b"".join(b"data: %s\n\n" % json.dumps(each).encode() for each in chunks) + (b"data: [DONE]\n\n" if done else b"")
    return [head(200, {"Content-Type": "text/event-stream"}, None), chunk(data), LAST_CHUNK]


ARGUMENTS = '{"city": "Zürich \\"q\\"", "n": [1, {"a": "}"}]}'
CALL = {"index": 0, "id": "call_1", "type": "function"}
PIECES = {
    "whole at the start": [{**CALL, "function": {"name": "weather", "arguments": ARGUMENTS}}],
    "whole behind it": [{**CALL, "function": {"name": "weather"}}, {"index": 0, "function": {"arguments": ARGUMENTS}}],
    "a letter at a time": [
        {**CALL, "function": {"name": "weather", "arguments": ""}}, *({"index": 0, "function": {"arguments": each}} for each in ARGUMENTS)
    ],
    "null at the start": [{**CALL, "function": {"name": "weather", "arguments": None}}, {"index": 0, "function": {"arguments": ARGUMENTS}}],
}
formats = pytest.mark.parametrize("format,dialect", [("messages", "openai_compatible"), ("responses", "mistral")])


@formats
@pytest.mark.parametrize("pieces", PIECES.values(), ids=PIECES)
def test_arguments_are_not_lost(replayer, format, dialect, pieces):
    replayer.upstream.reply(*chat_stream(*({"tool_calls": [each]} for each in pieces), finish="tool_calls"))
    got, _ = ask(replayer, format, dialect, True, tools=tools(format, "weather"))
    assert blocks(got) == [("call", "weather", json.loads(ARGUMENTS))]


NO_OBJECTS = {
    "a list": ("[1]", {"INVALID_JSON": "[1]"}),
    "an object in a text": (r'"{\"a\": 1}"', {"INVALID_JSON": r'"{\"a\": 1}"'}),
    "words": ('say "é😀"', {"INVALID_JSON": 'say "é😀"'}),
    "an object behind a blank line": ('\n {"a": 1}', {"a": 1}),
    "blanks": ("  ", {}),
}


@pytest.mark.parametrize("size", [1, 100])
@pytest.mark.parametrize("name", NO_OBJECTS)
def test_arguments_that_are_no_object(replayer, name, size):
    """An input is an object in this format: clients that look into anything else stop there."""
    said, wanted = NO_OBJECTS[name]
    pieces = [said[at : at + size] for at in range(0, len(said), size)]
    deltas = [{**CALL, "function": {"name": "weather", "arguments": ""}}, *({"index": 0, "function": {"arguments": each}} for each in pieces)]
    replayer.upstream.reply(*chat_stream(*({"tool_calls": [each]} for each in deltas), finish="tool_calls"))
    got, _ = ask(replayer, "messages", "openai_compatible", True, tools=tools("messages", "weather"))
    assert blocks(got) == [("call", "weather", wanted)]
    assert got["stop_reason"] == "tool_use"


@formats
@pytest.mark.parametrize("nothing", [[], None])
@pytest.mark.parametrize("done", [True, False])
def test_no_calls_beside_words_are_no_calls(replayer, format, dialect, nothing, done):
    empty = {"role": "assistant", "tool_calls": nothing}
    replayer.upstream.reply(*chat_stream({**empty, "content": ""}, {**empty, "content": "Hel"}, {**empty, "content": "lo"}, empty, done=done))
    got, answer = ask(replayer, format, dialect, True)
    assert blocks(got) == [("text", "Hello")] and b"[DONE]" not in answer.body
    assert got.get("stop_reason", "end_turn") == "end_turn"


@formats
def test_a_finish_that_forgets_the_calls(replayer, format, dialect):
    call = {"tool_calls": [{**CALL, "function": {"name": "weather", "arguments": "{}"}}]}
    replayer.upstream.reply(*chat_stream({"content": ""}, call, finish="stop"))
    got, _ = ask(replayer, format, dialect, True, tools=tools(format, "weather"))
    assert blocks(got) == [("call", "weather", {})] and got.get("stop_reason", "tool_use") == "tool_use"


# Usage


CACHED = {
    "anthropic": {"input_tokens": 11, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20, "output_tokens": 7},
    "bedrock": {"inputTokens": 11, "cacheReadInputTokens": 100, "cacheWriteInputTokens": 20, "outputTokens": 7, "totalTokens": 138},
    "gemini": {"promptTokenCount": 111, "cachedContentTokenCount": 100, "candidatesTokenCount": 7, "totalTokenCount": 118},
    "openai_compatible": {"prompt_tokens": 111, "completion_tokens": 7, "total_tokens": 118, "prompt_tokens_details": {"cached_tokens": 100}},
    "mistral": {"prompt_tokens": 111, "completion_tokens": 7, "total_tokens": 118, "prompt_tokens_details": {"cached_tokens": 100}},
}


@pytest.mark.parametrize("format,dialect", [each for each in BOTH if each[1] in CACHED])
def test_tokens_count_once(replayer, format, dialect):
    whole = answers.WHOLES[answers.format_of(dialect)](Said("Fine."))
    whole["usageMetadata" if dialect == "gemini" else "usage"] = CACHED[dialect]
    body = json.dumps(whole).encode()
    replayer.upstream.reply(head(200, OBJECT, len(body)) + body)
    usage = ask(replayer, format, dialect, False)[0]["usage"]
    written = 20 if dialect in ("anthropic", "bedrock") else 0
    if format == "messages":
        # Clients add up the three.
        told = [usage[each] for each in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")]
        assert told == [11, 100, written, 7]
    else:
        assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (111 + written, 7, 118 + written)
        assert usage["input_tokens_details"] == {"cached_tokens": 100, "cache_write_tokens": written}


# Conversations that change their model

SIGNED = ("anthropic", "vertex-claude", "bedrock", "gemini", "vertex")


@pytest.mark.parametrize("one,other", [(one, other) for one in ALL for other in ALL if one != other])
@pytest.mark.parametrize("format", ["messages", "responses"])
def test_a_loop_goes_on_elsewhere(replayer, format, one, other):
    """What one has signed never reaches the other, nor does it refuse the history for it; what it said does."""
    if format == "messages" and other in ("anthropic", "vertex-claude") and one in ("anthropic", "vertex-claude"):
        pytest.skip("both sign for each other")
    if format == "responses" and "openai_compatible" in (one, other):
        pytest.skip("has the Responses API itself")
    said_by(replayer, one, LOOP[0], False)
    got, answer = ask(replayer, format, one, False, tools=tools(format, "weather", "clock"))
    assert answer.status == 200, got
    history = [{"role": "user", "content": PROMPT}]
    if format == "messages":
        results = [{"type": "tool_result", "tool_use_id": each["id"], "content": "sun"} for each in got["content"] if each["type"] == "tool_use"]
        history += [{"role": "assistant", "content": got["content"]}, {"role": "user", "content": results}]
    else:
        calls = [each for each in got["output"] if each["type"] == "function_call"]
        history += [*got["output"], *({"type": "function_call_output", "call_id": each["call_id"], "output": "sun"} for each in calls)]
    said_by(replayer, other, LOOP[2], False)
    got, answer = ask(replayer, format, other, False, history, tools=tools(format, "weather", "clock"))
    assert answer.status == 200, got
    sent = replayer.upstream.last.body
    assert b"rmr1." not in sent and sent.count(b"sun") == 2 and b"Let me see." in sent
    family = {"vertex-claude": "claude", "anthropic": "claude", "bedrock": "claude", "vertex": "gemini", "gemini": "gemini"}
    if family.get(one, one) != family.get(other, other):
        assert SIGNATURE.encode() not in sent
    if other in MODELS and not (format == "messages" and other in ("anthropic", "vertex-claude")):
        schemas.check(other, json.loads(sent))


# Thinking

THINKING = {
    "a small budget": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    "a large budget": {"thinking": {"type": "enabled", "budget_tokens": 32000}},
    "an effort": {"thinking": {"type": "adaptive"}, "output_config": {"effort": "medium"}},
    "none": {"thinking": {"type": "disabled"}},
}


@pytest.mark.parametrize("dialect", MESSAGES)
@pytest.mark.parametrize("case", THINKING)
def test_how_hard_to_think_is_told_or_named(replayer, dialect, case):
    said_by(replayer, dialect, Said("Fine."), False)
    got, answer = ask(replayer, "messages", dialect, False, **THINKING[case], max_tokens=4096)
    assert answer.status == 200, got
    body = json.loads(replayer.upstream.last.body)
    if dialect in MODELS:
        schemas.check(dialect, body)
    words = {
        "gemini": lambda: body["generationConfig"].get("thinkingConfig"), "vertex": lambda: body["generationConfig"].get("thinkingConfig"),
        "bedrock": lambda: body.get("additionalModelRequestFields"), "cohere": lambda: body.get("thinking"), "ollama": lambda: body.get("think"),
    }
    told = words.get(dialect, lambda: body.get("reasoning_effort"))()
    dropped = answer.get("x-remora-dropped") or ""
    assert told is not None or case == "none" or any(each in dropped for each in ("thinking", "output_config", "reasoning_effort")), body
    if case == "none":
        assert not told or told in ({"type": "disabled"}, {"thinkingBudget": 0}, "none") or told.get("thinkingBudget") == 0 or told.get("thinking", {}).get("type") == "disabled"
