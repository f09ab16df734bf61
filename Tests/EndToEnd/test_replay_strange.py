"""Strange but real chats, before every dialect: valid by the provider's schema, or a 400 that says where."""

from __future__ import annotations

import json

import pytest
from replay import answers, schemas
from replay.answers import Said
from test_replay_requests import MODELS
from wire import post_json

pytestmark = pytest.mark.proxy

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
JPEG = "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//"
PDF = "JVBERi0xLjQKJUVPRgo="
MARK = {"cache_control": {"type": "ephemeral"}}
TEXT = {"type": "string"}


def of(**properties) -> dict:
    return {"type": "object", "properties": properties}


def nested(levels: int) -> dict:
    schema = TEXT
    for _ in range(levels):
        schema = of(x=schema)
    return schema


SCHEMAS = {
    "deep": nested(100),
    "references": {**of(p={"$ref": "#/$defs/P"}, q={"type": "array", "items": {"$ref": "#/$defs/P"}}), "$defs": {"P": of(n=TEXT)}},
    "recursion": {**of(n={"$ref": "#/$defs/N"}), "$defs": {"N": of(c={"$ref": "#/$defs/N"})}},
    "definitions": {**of(p={"$ref": "#/definitions/P"}), "definitions": {"P": {"type": "integer"}}},
    "a map": {"type": "object", "additionalProperties": {"type": "integer"}},
    "open": {**of(a=TEXT), "additionalProperties": True},
    "nullable": of(a={"type": ["string", "null"]}, b={"anyOf": [TEXT, {"type": "null"}]}),
    "values": of(a={"enum": ["x", 1, None, True]}, b={"const": "x"}),
    "a tuple": of(a={"type": "array", "prefixItems": [TEXT, {"type": "number"}], "minItems": 2}),
    "a list of anything": of(a={"type": "array"}),
    "alternatives": {"oneOf": [of(a=TEXT), of(b=TEXT)]},
    "all of": {"type": "object", "allOf": [{"properties": {"a": TEXT}}, {"required": ["a"]}]},
    "nothing": {},
    "true": of(a=True),
    "without a type": {"properties": {"a": TEXT}},
    "narrow": of(a={**TEXT, "format": "date-time"}, c={"type": "integer", "exclusiveMinimum": 0, "multipleOf": 5}, d={**TEXT, "pattern": "^a+$"}),
    "patterns": {"type": "object", "patternProperties": {"^x": TEXT}, "propertyNames": {"pattern": "^x"}},
    "keywords for names": of(**{"$ref": TEXT, "type": TEXT, "properties": {"type": "object"}}),
    "letters": of(**{"naïve 😀": {**TEXT, "description": '\u2028 "q"'}}),
}


def tool(parameters, **more) -> dict:
    return {"type": "function", "function": {"name": "f", "parameters": parameters, **more}}


def user(content="hi", **more) -> dict:
    return {"role": "user", "content": content, **more}


def image(url) -> list:
    return [{"type": "image_url", "image_url": {"url": url}}]


def called(*calls: dict, results=None, **more) -> list:
    ids = results if results is not None else [each["id"] for each in calls]
    turn = {"role": "assistant", "content": None, "tool_calls": list(calls), **more}
    return [user(), turn, *({"role": "tool", "tool_call_id": each, "content": "x"} for each in ids)]


def call(identity="1", arguments="{}", **more) -> dict:
    return {"id": identity, "type": "function", "function": {"name": "f", "arguments": arguments}, **more}


PLAIN = tool(of(a=TEXT))
CONVERSATIONS = {
    "arguments that are a list": called(call(arguments="[1]")),
    "broken arguments": called(call(arguments='{"a": "x')),
    "no arguments": called(call(arguments="")),
    "arguments that are an object": called(call(arguments={"a": 1})),
    "a key twice": called(call(arguments='{"a":1,"a":2}')),
    "half a pair": called(call(arguments='{"a":"\\ud83d"}')),
    "great numbers": called(call(arguments='{"a":12345678901234567890123,"b":1e400}')),
    "results in another order": called(call("1"), call("2"), results=["2", "1"]),
    "one id for two": called(call("1"), call("1")),
    "long ids": called(call("call_" + "x" * 90)),
    "odd ids": called(call("functions.f:0"), call("functions.f:1")),
    "the system between": [*called(call("1"))[:2], {"role": "system", "content": "careful"}, *called(call("1"))[2:]],
    "a result without content": [*called(call("1"))[:2], {"role": "tool", "tool_call_id": "1", "content": None}],
    "a result that refers": [*called(call("1"))[:2], {"role": "tool", "tool_call_id": "1", "content": '[{"$ref":"a"}]'}],
    "thought by Gemini": called(call("1", extra_content={"google": {"thought_signature": "c2ln"}})),
    "thought by Claude": called(call("1"), thinking_blocks=[{"type": "thinking", "thinking": "hm", "signature": "c2ln"}]),
    "thought by another": [
        user(), {"role": "assistant", "content": "t", "reasoning": "hm", "reasoning_details": [{"type": "reasoning.text"}]}, user(),
    ],
    "only the system": [{"role": "system", "content": "s"}],
    "blanks": [user("  \n")],
    "no parts": [user([])],
    "the assistant first": [{"role": "assistant", "content": "hello"}, user()],
    "the assistant last": [user(), {"role": "assistant", "content": "Once upon "}],
    "a refusal": [user(), {"role": "assistant", "content": None, "refusal": "no"}, user("why")],
    "an assistant without words": [user(), {"role": "assistant", "content": None}, user("why")],
    "an empty list of calls": [user(), {"role": "assistant", "content": "a", "tool_calls": []}, user("why")],
    "one side twice": [user("a"), user("b"), {"role": "assistant", "content": "c"}, {"role": "assistant", "content": "d"}, user("e")],
    "names": [user(name="bob"), {"role": "assistant", "name": "amy", "content": "yo"}, user()],
    "JPEG as PNG": [user(image("data:image/png;base64," + JPEG))],
    "a picture of no type": [user(image("data:application/octet-stream;base64," + PNG))],
    "a picture in percent signs": [user(image("data:image/svg+xml,%3Csvg/%3E"))],
    "a picture from a file": [user(image("file:///etc/passwd"))],
    "a picture of nothing": [user(image(""))],
    "a picture by its address alone": [user([{"type": "image_url", "image_url": "data:image/png;base64," + PNG}])],
    "a picture of the assistant's": [user(), {"role": "assistant", "content": image("data:image/png;base64," + PNG)}, user()],
    "a document alone": [user([{"type": "file", "file": {"filename": "a b(1).pdf", "file_data": "data:application/pdf;base64," + PDF}}])],
    "a document without a type": [user([{"type": "file", "file": {"filename": "x.pdf", "file_data": PDF}}, {"type": "text", "text": "x"}])],
    "a document that is kept": [user([{"type": "file", "file": {"file_id": "file-1"}}])],
    "texts for parts": [user(["x", "y"])],
    "a part of no type": [user([{"text": "x"}])],
    "a part of tomorrow": [user([{"type": "hologram"}, {"type": "text", "text": "x"}])],
    "a number": [user(5)],
    "no role": [{"content": "x"}],
    "no turns": [],
    "marks": [user([{"type": "text", "text": " ", **MARK}]), user("x", **MARK), *called(call("1", **MARK), **MARK)[1:]],
    "halves of pairs": [user("a\ud83d b \ude00")],
}
SETTINGS = {
    "nulls": {"tools": None, "tool_choice": None, "parallel_tool_calls": None, "response_format": None, "stop": None},
    "no tools": {"tools": [], "tool_choice": "auto"},
    "two tools of one name": {"tools": [PLAIN, PLAIN]},
    "a tool of no schema": {"tools": [{"type": "function", "function": {"name": "f", "parameters": None, "description": None}}]},
    "two hundred tools": {"tools": [{"type": "function", "function": {"name": f"f{at}"}} for at in range(200)]},
    "a choice of what is not there": {"tools": [PLAIN], "tool_choice": {"type": "function", "function": {"name": "g"}}},
    "a choice of some": {"tools": [PLAIN], "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}},
    "one call at a time": {"tools": [PLAIN], "parallel_tool_calls": False},
    "effort beyond": {"reasoning_effort": "xhigh"},
    "no effort": {"reasoning_effort": "none"},
    "effort and heat": {"reasoning_effort": "high", "temperature": 0.2, "top_p": 0.5, "max_tokens": 50},
    "thinking": {"thinking": {}},
    "thinking without end": {"thinking": {"type": "enabled", "budget_tokens": 999999}, "max_tokens": 1000},
    "adaptive thinking": {"thinking": {"type": "adaptive"}},
    "heat": {"temperature": 2, "top_p": 1},
    "a limit beyond": {"max_tokens": 10**9},
    "no limit": {"max_tokens": 0},
    "two limits": {"max_tokens": 5, "max_completion_tokens": 7},
    "many stops": {"stop": [str(at) for at in range(9)]},
    "blank stops": {"stop": ["\n", ""]},
    "penalties": {"presence_penalty": 2, "frequency_penalty": -2},
    "what is new": {"store": True, "metadata": {"a": "b"}, "service_tier": "flex", "user": "u" * 300, "verbosity": "low", "prompt_cache_key": "k"},
    "a form and tools": {"tools": [PLAIN], "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": of(a=TEXT)}}},
}
CHATS = {
    **{f"a tool of {name}": {"tools": [tool(each)]} for name, each in SCHEMAS.items()},
    **{f"a strict tool of {name}": {"tools": [tool(each, strict=True)]} for name, each in SCHEMAS.items()},
    **{
        f"a form of {name}": {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": each, "strict": True}}}
        for name, each in SCHEMAS.items()
    },
    **SETTINGS,
    **{name: {"messages": each} for name, each in CONVERSATIONS.items()},
    **{f"{name}, no tools": {"messages": each, "tools": None} for name, each in CONVERSATIONS.items() if len(each) > 2},
}


def check(replayer, dialect: str, path: str, body: dict) -> None:
    replayer.upstream.reset()
    replayer.upstream.reply(*answers.steps(dialect, Said("Fine."), streamed=False))
    got = replayer.proxy.ask(post_json(path, {"model": MODELS[dialect], **body}))
    if got.status == 400:
        error = got.json()["error"]
        assert not replayer.upstream.requests and len(error["message"]) > 15, got.body
        assert path == "/v1/messages" or error["param"], got.body
        return
    assert got.status == 200, got.body
    schemas.check(dialect, json.loads(replayer.upstream.last.body))


@pytest.mark.parametrize("dialect", MODELS)
@pytest.mark.parametrize("name", CHATS)
def test_a_chat(replayer, dialect, name):
    asked = {"messages": [user()], "tools": [PLAIN] if "messages" in CHATS[name] else None, **CHATS[name]}
    check(replayer, dialect, "/v1/chat/completions", asked)
