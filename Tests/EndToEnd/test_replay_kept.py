"""What a cache is to keep, and calls of OpenAI's own tools, in formats that their provider doesn't speak."""

from __future__ import annotations

import json

import pytest
from replay import answers, schemas
from replay.answers import Said
from test_replay_requests import MODELS
from wire import post_json

pytestmark = pytest.mark.proxy

MARK = {"cache_control": {"type": "ephemeral"}}
POINT = {"cachePoint": {"type": "default"}}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
TOOL = {"name": "look", "input_schema": {"type": "object", "properties": {}}}


def sent(replayer, path: str, dialect: str, body: dict):
    """What reaches the provider, and what is said to be left out."""
    replayer.upstream.reply(*answers.steps(dialect, Said("Fine."), streamed=False))
    got = replayer.proxy.ask(post_json(path, {"model": MODELS[dialect], **body}))
    assert got.status == 200, got.body
    native = json.loads(replayer.upstream.last.body)
    schemas.check(dialect, native)
    return native, got.get("x-remora-dropped")


USE = {"type": "tool_use", "id": "t1", "name": "look", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t1"}
TEXT = {"type": "text", "text": "sun"}
BOOK = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Long."}}


def conversation(use: dict, result: dict) -> list:
    return [
        {"role": "user", "content": "Look."},
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [result]},
    ]


MARKED = {
    "a call": (conversation({**USE, **MARK}, {**RESULT, "content": "sun"}), 1, "messages[1].content[0]"),
    "a result": (conversation(USE, {**RESULT, "content": "sun", **MARK}), 2, "messages[2].content[0]"),
    "a result of parts": (conversation(USE, {**RESULT, "content": [TEXT], **MARK}), 2, "messages[2].content[0]"),
    "a part of a result": (conversation(USE, {**RESULT, "content": [TEXT | MARK]}), 2, "messages[2].content[0].content[0]"),
    "a document that is text": ([{"role": "user", "content": [{**BOOK, **MARK}]}], 0, "messages[0].content[0]"),
    "a text": ([{"role": "user", "content": [{**TEXT, **MARK}]}], 0, "messages[0].content[0]"),
}


@pytest.mark.parametrize("name", MARKED)
def test_a_mark_on_any_block_is_kept(replayer, name):
    """Claude Code marks the last block of the conversation, which is a result in most of its turns."""
    messages, turn, _ = MARKED[name]
    native, dropped = sent(replayer, "/v1/messages", "bedrock", {"max_tokens": 99, "messages": messages, "tools": [TOOL]})
    assert native["messages"][turn]["content"][-1] == POINT and dropped is None
    assert json.dumps(native).count("cachePoint") == 1


@pytest.mark.parametrize("dialect", ["gemini", "cohere", "ollama"])
@pytest.mark.parametrize("name", MARKED)
def test_a_mark_that_can_not_be_kept_is_named_where_it_stands(replayer, name, dialect):
    messages, _, place = MARKED[name]
    body = {"max_tokens": 99, "messages": messages, "tools": [TOOL | MARK], "system": [{**TEXT, **MARK}]}
    _, dropped = sent(replayer, "/v1/messages", dialect, body)
    assert set(dropped.split(",")) == {f"{at}.cache_control" for at in ("system[0]", place, "tools[0]")}


def test_breakpoints_of_responses(replayer):
    """OpenAI's mark for the same; a lifetime that is said is longer than the one that others have by themselves."""
    asked = [
        {"role": "user", "content": [
            {"type": "input_text", "text": "Long.", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}},
            {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}", "prompt_cache_breakpoint": {"mode": "explicit"}},
            {"type": "input_text", "text": "Short."},
        ]},
    ]
    native, dropped = sent(replayer, "/v1/responses", "anthropic", {"input": asked})
    marks = [each.get("cache_control") for each in native["messages"][0]["content"]]
    assert marks == [{"type": "ephemeral", "ttl": "1h"}, {"type": "ephemeral"}, None] and dropped is None
    native, dropped = sent(replayer, "/v1/responses", "bedrock", {"input": asked})
    assert json.dumps(native).count("cachePoint") == 2
    native, dropped = sent(replayer, "/v1/responses", "gemini", {"input": asked})
    assert "cache" not in json.dumps(native) and dropped is None


SHELL = {"type": "exec", "command": ["ls", "-l"], "env": {}}
PATCH = {"type": "create_file", "path": "a.txt", "diff": "+x"}
OUTCOME = {"stdout": "a\n", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}
OWN = {
    "local_shell_call": ({"action": SHELL}, {"id": "c1", "output": "a.txt"}, SHELL, "a.txt"),
    "shell_call": ({"action": {"commands": ["ls"]}}, {"call_id": "c1", "output": [OUTCOME]}, {"commands": ["ls"]}, OUTCOME),
    "apply_patch_call": ({"operation": PATCH}, {"call_id": "c1", "status": "completed"}, PATCH, "completed"),
    "computer_call": ({"action": {"type": "wait"}}, {"call_id": "c1", "output": "x"}, {"type": "wait"}, "x"),
}


@pytest.mark.parametrize("kind", OWN)
@pytest.mark.parametrize("dialect", ["anthropic", "gemini", "bedrock", "ollama"])
def test_calls_of_openais_own_tools(replayer, dialect, kind):
    """A conversation that moves here from OpenAI's models: what was done, and what came of it."""
    call, output, said, came = OWN[kind]
    native, dropped = sent(replayer, "/v1/responses", dialect, {"input": [
        {"role": "user", "content": "Go."},
        {"type": kind, "id": "x1", "call_id": "c1", "status": "completed", **call},
        {"type": f"{kind}_output", **output},
        {"role": "user", "content": "And now?"},
    ]})
    text = json.dumps(native)
    assert dropped is None and kind in text and json.dumps(said, separators=(",", ":"))[1:-1] in json.dumps(
        native, separators=(",", ":")
    )
    assert (came if isinstance(came, str) else "exit_code") in text


@pytest.mark.parametrize("dialect", MODELS)
def test_a_screenshot_is_a_picture(replayer, dialect):
    if dialect == "cohere":
        pytest.skip("takes no pictures with results")
    native, _ = sent(replayer, "/v1/responses", dialect, {"input": [
        {"role": "user", "content": "Look."},
        {"type": "computer_call", "id": "x1", "call_id": "c1", "status": "completed", "actions": [{"type": "screenshot"}]},
        {"type": "computer_call_output", "call_id": "c1",
         "output": {"type": "computer_screenshot", "image_url": f"data:image/png;base64,{PIXEL}"}},
    ]})
    text = json.dumps(native)
    assert text.count(PIXEL) == 1 and f"base64,{PIXEL}" not in text and '"actions"' in text


def test_an_output_of_no_call_is_named(replayer):
    _, dropped = sent(replayer, "/v1/responses", "anthropic", {"input": [
        {"role": "user", "content": "Go."}, {"type": "shell_call_output", "call_id": "zz", "output": []},
        {"type": "local_shell_call", "id": "x1", "action": SHELL},
    ]})
    assert dropped == "input[1],input[2]"


def test_a_tool_that_gives_nothing_back(replayer):
    """Mistral's turn of a tool must have a content."""
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    body = {
        "messages": [
            {"role": "user", "content": "Go."}, {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": None},
        ],
    }
    replayer.upstream.reply(*answers.steps("mistral", Said("Fine."), streamed=False))
    got = replayer.proxy.ask(post_json("/v1/chat/completions", {"model": "mistral/mistral-large", **body}))
    assert got.status == 200
    native = json.loads(replayer.upstream.last.body)
    schemas.check("mistral", native)
    assert native["messages"][2]["content"] == "" and "content" not in native["messages"][1]
