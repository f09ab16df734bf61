"""The requests that every dialect must be able to carry: one for each thing that an application can say."""

from __future__ import annotations

from remora import PROMPT

PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PDF = "JVBERi0xLjQKMSAwIG9iago8PC9UeXBlL0NhdGFsb2c+PgplbmRvYmoKdHJhaWxlcjw8L1Jvb3QgMSAwIFI+PgolJUVPRgo="
LINK = "https://example.com/picture.png"
BIG = "12345678901234567890123"
"""Longer than any double: must arrive digit by digit."""

USER = {"role": "user", "content": PROMPT}
OBJECT = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
SCHEMA = {
    "type": "object",
    "properties": {"root": {"$ref": "#/$defs/node"}},
    "required": ["root"],
    "additionalProperties": False,
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "kind": {"enum": ["leaf", "branch"]}},
            "required": ["name", "kind"],
            "additionalProperties": False,
        }
    },
}


def tool(name: str, description: str | None = "Looks it up", parameters: dict | None = OBJECT) -> dict:
    function: dict = {"name": name}
    if description is not None:
        function["description"] = description
    if parameters is not None:
        function["parameters"] = parameters
    return {"type": "function", "function": function}


def call(identity: str, name: str, arguments: str) -> dict:
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


def result(identity: str, text: str) -> dict:
    return {"role": "tool", "tool_call_id": identity, "content": text}


def told(*messages: dict, **rest) -> dict:
    return {"messages": list(messages), **rest}


def history(calls: list[dict], results: list[dict]) -> dict:
    names = dict.fromkeys(each["function"]["name"] for each in calls)
    assistant = {"role": "assistant", "content": None, "tool_calls": calls}
    return told(USER, assistant, *results, tools=[tool(name) for name in names])


def image(url: str) -> dict:
    return {"type": "image_url", "image_url": {"url": url}}


def text(value: str) -> dict:
    return {"type": "text", "text": value}


def user(*parts: dict) -> dict:
    return {"role": "user", "content": list(parts)}


PARALLEL = history(
    [call(f"call_{name}", f"look_{name}", f'{{"city":"{name}"}}') for name in ("a", "b", "c")],
    [result("call_c", "rain in c"), result("call_a", "sun in a"), result("call_b", "fog in b")],
)

CONVERSATIONS: dict[str, dict] = {
    "one turn": told(USER),
    "system and developer": told(
        {"role": "system", "content": "Be brief."}, {"role": "developer", "content": "Be kind."}, USER
    ),
    "system as parts": told({"role": "system", "content": [text("Be "), text("brief.")]}, USER),
    "several turns": told(USER, {"role": "assistant", "content": "It does."}, {"role": "user", "content": "Why?"}),
    "two user turns in a row": told(USER, {"role": "user", "content": "And at dusk?"}),
    "several texts": told(user(text("one "), text("two"))),
    "unicode": told({"role": "user", "content": 'naïve 🐟 "quoted" \\ \u2028 \u0000\u001f\n\t 𝒳'}),
    "data image": told(user(text("What is it?"), image(f"data:image/png;base64,{PNG}"))),
    "data image, jpg": told(user(text("What is it?"), image(f"data:image/jpg;base64,{PNG}"))),
    "http image": told(user(text("What is it?"), image(LINK))),
    "pdf": told(
        user(
            text("Summarise."),
            {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}},
        )
    ),
    "a tool": told(USER, tools=[tool("look_up")]),
    "a tool without description": told(USER, tools=[tool("look_up", None)]),
    "a tool without parameters": told(USER, tools=[tool("look_up", "Looks", None)]),
    "a tool with references": told(USER, tools=[tool("look_up", "Looks", SCHEMA)]),
    "a result": history([call("call_1", "look_up", '{"city":"Paris"}')], [result("call_1", "sunny")]),
    "a result that is JSON": history([call("call_1", "look_up", '{"city":"Paris"}')], [result("call_1", '{"t": 21.5}')]),
    "three results in another order": PARALLEL,
    "no arguments": history([call("call_1", "look_up", "")], [result("call_1", "nothing")]),
    "empty arguments": history([call("call_1", "look_up", "{}")], [result("call_1", "nothing")]),
    "unicode arguments": history(
        [call("call_1", "look_up", '{"city":"Zürich 🐟 \\"q\\" \\\\ \\u00e9"}')], [result("call_1", "kühl")]
    ),
    "long numbers in arguments": history(
        [call("call_1", "look_up", f'{{"city":{BIG},"b":1e2,"c":1.0,"d":-0.10}}')], [result("call_1", "done")]
    ),
    "words after results": {
        **PARALLEL,
        "messages": [*PARALLEL["messages"], {"role": "user", "content": "Which is best?"}],
    },
    "words beside calls": told(
        USER,
        {"role": "assistant", "content": "Let me look.", "tool_calls": [call("call_1", "look_up", "{}")]},
        result("call_1", "sunny"),
        tools=[tool("look_up")],
    ),
    "two rounds of calls": told(
        USER,
        {"role": "assistant", "content": None, "tool_calls": [call("call_1", "look_up", '{"city":"a"}')]},
        result("call_1", "one"),
        {"role": "assistant", "content": None, "tool_calls": [call("call_2", "look_up", '{"city":"b"}')]},
        result("call_2", "two"),
        tools=[tool("look_up")],
    ),
    "odd ids": history(
        [call("call/1:ä b", "look_up", "{}"), call("call/2:ä b", "look_more", "{}")],
        [result("call/1:ä b", "one"), result("call/2:ä b", "two")],
    ),
}

SETTINGS: dict[str, dict] = {
    "choice auto": {"tools": [tool("one"), tool("two")], "tool_choice": "auto"},
    "choice none": {"tools": [tool("one"), tool("two")], "tool_choice": "none"},
    "choice required": {"tools": [tool("one"), tool("two")], "tool_choice": "required"},
    "choice named": {
        "tools": [tool("one"), tool("two")],
        "tool_choice": {"type": "function", "function": {"name": "two"}},
    },
    "json object": {"response_format": {"type": "json_object"}},
    "json schema": {
        "response_format": {"type": "json_schema", "json_schema": {"name": "tree", "strict": True, "schema": SCHEMA}}
    },
    "one stop": {"stop": "END"},
    "four stops": {"stop": ["A", "B", "C", "D"]},
    "limit": {"max_completion_tokens": 77},
    "old limit": {"max_tokens": 78},
    "temperature": {"temperature": 0.5},
    "top_p": {"top_p": 0.9},
    "seed": {"seed": 42},
}

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")

FIELDS: dict[str, object] = {
    "seed": 7,
    "logprobs": True,
    "logit_bias": {"50256": -100},
    "presence_penalty": 0.5,
    "frequency_penalty": 0.5,
    "user": "someone",
    "safety_identifier": "someone-else",
    "metadata": {"team": "a"},
    "store": True,
    "prediction": {"type": "content", "content": "x"},
    "verbosity": "low",
    "service_tier": "flex",
    "prompt_cache_key": "key",
    "web_search_options": {},
    "parallel_tool_calls": False,
    "n": 2,
    "audio": {"voice": "alloy", "format": "wav"},
    "modalities": ["text", "audio"],
    "a_member_nobody_knows": {"a": 1},
}
"""Each is expressed, named in `x-remora-dropped`, or refused: never lost in silence."""
MEANINGFUL = ("n", "audio", "modalities")
"""Leaving one of these out would answer another question: refused where it can't be said."""
