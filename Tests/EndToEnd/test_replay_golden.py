"""Native requests written out by hand, for what each provider says in words of its own."""

from __future__ import annotations

import json

import pytest
from replay import answers, matrix, schemas
from replay.answers import Said
from wire import post_json

pytestmark = pytest.mark.proxy

USER = {"messages": [matrix.USER]}
TOOLS = {"tools": [matrix.tool("a"), matrix.tool("b")]}
ONLY_B = {
    "tool_choice": {
        "type": "allowed_tools",
        "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "b"}}]},
    }
}
CACHED = {
    "messages": [
        {"role": "system", "content": [{**matrix.text("Long."), "cache_control": {"type": "ephemeral"}}]},
        matrix.USER,
    ]
}
PREFILL = {"messages": [matrix.USER, {"role": "assistant", "content": "The answer is "}]}
STOPS = {"stop": ["a", " ", "b", "c", "d", "e"]}
LATE = {"messages": [matrix.USER, {"role": "assistant", "content": "ok"}, {"role": "system", "content": "Be terse."}, matrix.USER]}

SONNET = "anthropic/claude-sonnet-4-5"
OPUS = "anthropic/claude-opus-4-6"
CLAUDE = "bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "bedrock/amazon.nova-2-lite-v1:0"
FLASH = "gemini/gemini-2.5-flash"
THREE = "gemini/gemini-3-pro-preview"
COMMAND = "cohere/command-a-03-2025"
LOCAL = "ollama/gpt-oss:20b"

MISSING = object()
"""Stands for a member that must not be there."""


def effort(value: str, limit: int | None = 30000) -> dict:
    return {**USER, "reasoning_effort": value, **({"max_tokens": limit} if limit else {})}


GOLDEN: list[tuple[str, str, dict, dict]] = [
    # Anthropic: budgets for older models, adaptive thinking with an effort for newer ones.
    *(
        (f"effort {name}", SONNET, effort(name), {"thinking": {"type": "enabled", "budget_tokens": budget}})
        for name, budget in (("minimal", 1024), ("low", 1024), ("medium", 2048), ("high", 4096), ("xhigh", 8192), ("max", 16384))
    ),
    ("effort none", SONNET, effort("none"), {"thinking": {"type": "disabled"}}),
    *(
        (f"effort {name}", OPUS, effort(name), {"thinking": {"type": "adaptive"}, "output_config": {"effort": said}})
        for name, said in (("minimal", "low"), ("low", "low"), ("medium", "medium"), ("high", "high"), ("max", "max"))
    ),
    ("a budget beyond the limit", SONNET, effort("high", 2000), {"max_tokens": 6096}),
    ("no sampling while thinking", SONNET, {**effort("low"), "temperature": 0.2}, {"temperature": MISSING}),
    ("temperature beyond 1", SONNET, {**USER, "temperature": 1.7}, {"temperature": 1}),
    ("one of two samplings", SONNET, {**USER, "temperature": 0.5, "top_p": 0.5}, {"temperature": 0.5, "top_p": MISSING}),
    ("blank stops", SONNET, {**USER, **STOPS}, {"stop_sequences": ["a", "b", "c", "d", "e"]}),
    ("a prefill", SONNET, PREFILL, {"messages": [..., {"content": [{"type": "text", "text": "The answer is"}]}]}),
    ("one call at a time", SONNET, {**USER, **TOOLS, "parallel_tool_calls": False},
     {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}),
    ("no tools, no choice", SONNET, {**USER, "parallel_tool_calls": False}, {"tool_choice": MISSING}),
    ("allowed tools", SONNET, {**USER, **TOOLS, **ONLY_B}, {"tools": [{"name": "b"}], "tool_choice": {"type": "any"}}),
    ("a cache point", SONNET, CACHED, {"system": [{"text": "Long.", "cache_control": {"type": "ephemeral"}}]}),
    ("who asks", SONNET, {**USER, "user": "u1"}, {"metadata": {"user_id": "u1"}}),
    ("system later on", SONNET, LATE, {"system": [{"text": "Be terse."}], "messages": [..., ..., {"role": "user"}]}),
    # Gemini: budgets for 2.5, levels for 3.
    *(
        (f"effort {name}", THREE, effort(name), {"generationConfig": {"thinkingConfig": {"thinkingLevel": level, "thinkingBudget": MISSING}}})
        for name, level in (("low", "LOW"), ("high", "HIGH"))
    ),
    ("effort none", FLASH, effort("none"), {"generationConfig": {"thinkingConfig": {"thinkingBudget": 0, "thinkingLevel": MISSING}}}),
    ("effort low", FLASH, effort("low"), {"generationConfig": {"thinkingConfig": {"includeThoughts": True, "thinkingLevel": MISSING}}}),
    ("allowed tools", FLASH, {**USER, **TOOLS, **ONLY_B},
     {"toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["b"]}}}),
    ("tools in one entry", FLASH, {**USER, **TOOLS}, {"tools": [{"functionDeclarations": [{"name": "a"}, {"name": "b"}]}]}),
    ("candidates", FLASH, {**USER, "n": 2}, {"generationConfig": {"candidateCount": 2}}),
    ("penalties", "gemini/gemini-2.0-flash", {**USER, "presence_penalty": 0.5, "frequency_penalty": -0.5},
     {"generationConfig": {"presencePenalty": 0.5, "frequencyPenalty": -0.5}}),
    ("logprobs", FLASH, {**USER, "logprobs": True, "top_logprobs": 3}, {"generationConfig": {"responseLogprobs": True, "logprobs": 3}}),
    # Bedrock: Claude's own fields go beside Converse's.
    ("effort low", CLAUDE, effort("low"), {"additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1024}}}),
    ("allowed tools", CLAUDE, {**USER, **TOOLS, **ONLY_B}, {"toolConfig": {"toolChoice": {"any": {}}}}),
    ("no choice of none", CLAUDE, {**USER, **TOOLS, "tool_choice": "none"}, {"toolConfig": MISSING}),
    ("a cache point", CLAUDE, CACHED, {"system": [{"text": "Long."}, {"cachePoint": {"type": "default"}}]}),
    ("a limit", NOVA, {**USER, "max_tokens": 50, "stop": "x"}, {"inferenceConfig": {"maxTokens": 50, "stopSequences": ["x"]}}),
    # Cohere
    ("a limit and sampling", COMMAND, {**USER, "max_tokens": 50, "top_p": 0.5, "seed": 3}, {"max_tokens": 50, "p": 0.5, "seed": 3}),
    ("a developer", COMMAND, {"messages": [{"role": "developer", "content": "Be kind."}, matrix.USER]}, {"messages": [{"role": "system"}, ...]}),
    ("effort none", COMMAND, effort("none"), {"thinking": {"type": "disabled"}}),
    # Ollama
    *((f"effort {name}", LOCAL, effort(name), {"think": said})
      for name, said in (("none", False), ("minimal", "low"), ("low", "low"), ("medium", "medium"), ("high", "high"), ("max", "high"))),
    ("a limit", LOCAL, {**USER, "max_tokens": 50}, {"options": {"num_predict": 50}, "stream": False}),
    ("a picture", LOCAL, matrix.CONVERSATIONS["data image"], {"messages": [{"content": "What is it?", "images": [matrix.PNG]}]}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "model", "body", "wanted"), GOLDEN, ids=lambda each: each if isinstance(each, str) else "")
def test_golden(replayer, name, model, body, wanted):
    dialect = model.split("/")[0]
    replayer.upstream.reply(*answers.steps(dialect, Said("Fine."), streamed=False))
    with replayer.proxy.connect() as client:
        answer = client.ask(post_json("/v1/chat/completions", {**body, "model": model}))
    assert answer.status == 200, answer.body
    native = json.loads(replayer.upstream.last.body)
    schemas.check(dialect, native)
    assert_holds(native, wanted, "")


def assert_holds(got, wanted, where: str) -> None:
    """Every member that is written out is there with that value; what isn't written out is free."""
    if wanted is ...:
        return
    if isinstance(wanted, dict):
        assert isinstance(got, dict), where
        for key, value in wanted.items():
            if value is MISSING:
                assert key not in got, f"{where}.{key} is {got[key]!r}"
            else:
                assert key in got, f"{where}.{key} is missing in {got}"
                assert_holds(got[key], value, f"{where}.{key}")
    elif isinstance(wanted, list):
        assert isinstance(got, list) and len(got) == len(wanted), f"{where}: {got}"
        for at, value in enumerate(wanted):
            assert_holds(got[at], value, f"{where}[{at}]")
    else:
        assert got == wanted, f"{where}: {got!r}, wanted {wanted!r}"
