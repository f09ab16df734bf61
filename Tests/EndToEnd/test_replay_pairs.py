"""Conversations that change their provider: what one has answered, thoughts and calls and all, another one goes on with.

Each pair of kinds runs an agent's loop of three turns, whole and streamed: the first turn is answered by one kind, the
second by the other, and the third by the first again. What reached each of them is held to its own schema, and says
what was said.
"""

from __future__ import annotations

import itertools
import json

import pytest
from replay import answers, schemas
from replay.answers import LOOP, SIGNATURE
from replay.asked import READERS
from test_replay_sdk import ALL, CHAT, TOOLS

pytestmark = pytest.mark.proxy

KINDS = ("openai", "anthropic", "vertex-claude", "bedrock", "gemini", "vertex", "cohere", "ollama", "mistral", "groq")
FOREIGN = ("extra_content", "thinking_blocks", "reasoning_content", "images", "thought_signature")
"""Members of an answer's message that OpenAI doesn't have, and that strict kinds refuse."""


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("one", "other"), itertools.product(KINDS, KINDS))
def test_a_loop_goes_on_elsewhere(replayer, sdk, one, other, streamed):
    client = sdk(replayer.proxy)
    replayer.upstream.reset()
    messages: list = [*CHAT["messages"]]
    for turn, kind in enumerate((one, other, one)):
        replayer.upstream.reply(*answers.steps(kind, LOOP[turn], streamed=streamed))
        message = ask(client, ALL[kind], messages, streamed)
        check(kind, json.loads(replayer.upstream.requests[turn].body), turn)
        assert (message.content or "") == LOOP[turn].text
        messages.append(as_sent(message))
        for call in reversed(message.tool_calls or []):
            messages.append({"role": "tool", "tool_call_id": call.id, "content": f"result of {call.function.name}"})


def as_sent(message) -> dict:
    """The message without what the SDK's own helper for streams adds to it."""
    sent = message.to_dict()
    sent.pop("parsed", None)
    for call in sent.get("tool_calls") or []:
        call.pop("index", None)
        call["function"].pop("parsed_arguments", None)
    return sent


def ask(client, model: str, messages: list, streamed: bool):
    options = {"model": model, "messages": messages, "tools": TOOLS, "max_tokens": 4096}
    # Groq's model of these tests doesn't think.
    if not model.startswith("groq"):
        options["reasoning_effort"] = "low"
    if not streamed:
        return client.chat.completions.create(**options).choices[0].message
    with client.chat.completions.stream(**options) as stream:
        for _ in stream:
            pass
        return stream.get_final_completion().choices[0].message


def check(kind: str, native: dict, turn: int) -> None:
    if kind in READERS:
        schemas.check(kind, native)
        asked = READERS[kind](native).normal()
        items = [item for _, turns in asked.turns for item in turns]
        made = [item[2] for item in items if item[0] == "call"]
        results = [item[1:] for item in items if item[0] == "result"]
    else:
        if kind == "mistral":
            schemas.check(kind, native)
        if kind in ("mistral", "groq"):
            for message in native["messages"]:
                unknown = [name for name in FOREIGN if name in message and kind + name != "groqreasoning_content"]
                assert not unknown, f"{kind} refuses {unknown}"
                for call in message.get("tool_calls") or []:
                    assert set(call) <= {"id", "type", "function"} and set(call["function"]) == {"name", "arguments"}
        made = [call["function"]["name"] for each in native["messages"] for call in each.get("tool_calls") or []]
        ids = [call["id"] for each in native["messages"] for call in each.get("tool_calls") or []]
        results = [
            (ids.index(each["tool_call_id"]), each["content"]) for each in native["messages"] if each["role"] == "tool"
        ]
    names = [name for said in LOOP[:turn] for _, name, _ in said.calls]
    assert made == names
    assert sorted(results) == [(at, f"result of {name}") for at, name in enumerate(names)]
    if turn == 2 and kind in ("anthropic", "vertex-claude", "bedrock", "gemini", "vertex"):
        assert SIGNATURE in json.dumps(native), "its own thoughts are lost on the way through the other"
