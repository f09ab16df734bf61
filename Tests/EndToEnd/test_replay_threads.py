"""Threads of the Messages API, which the `anthropic` SDK's loop of tools asks for by itself: kept by nobody but Anthropic."""

from __future__ import annotations

import json

import anthropic
import pytest
from remora import PROMPT
from replay import answers
from replay.answers import LOOP
from test_replay_messages import client  # noqa: F401
from test_replay_requests import MODELS
from wire import post_json

pytestmark = pytest.mark.proxy

ALL = {**MODELS, "mistral": "mistral/mistral-large", "openai": "openai/gpt-4o"}
del ALL["anthropic"]
HAVE = {"vertex-claude": MODELS["vertex-claude"], "bedrock-native": "bedrock-native/" + MODELS["bedrock"].split("/")[1]}
"""Those have the Messages API, but keep nothing."""
dialects = pytest.mark.parametrize("dialect", ALL)


@anthropic.beta_tool
def weather(city: str) -> str:
    """The weather.

    Args:
        city: where
    """
    return f"sun in {city}"


@anthropic.beta_tool
def clock(city: str) -> str:
    """The time.

    Args:
        city: where
    """
    return f"noon in {city}"


@dialects
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_the_sdks_loop_of_tools(replayer, client, dialect, streamed):  # noqa: F811
    """It begins a thread, hears that there are none, and goes on with all of the conversation in each request."""
    for said in LOOP:
        replayer.upstream.reply(*answers.steps(dialect, said, streamed=streamed))
    asked = {"model": ALL[dialect], "max_tokens": 4096, "tools": [weather, clock], "messages": [{"role": "user", "content": PROMPT}]}
    if streamed:
        for each in client.beta.messages.tool_runner(stream=True, **asked):
            last = each.get_final_message()
    else:
        last = client.beta.messages.tool_runner(**asked).until_done()
    assert last.content[-1].text == "Rain in Zürich, snow in Oslo at noon."
    assert len(replayer.upstream.requests) == 3
    sent = replayer.upstream.last.body.decode()
    assert all(each in sent for each in (PROMPT, "sun in Z", "noon in Oslo", "sun in Oslo")) and "thread" not in sent


@pytest.mark.parametrize("thread", [{"type": "create"}, {"type": "continue", "previous_message_id": "msg_1"}])
@pytest.mark.parametrize("dialect", {**ALL, **HAVE})
def test_a_thread_that_is_asked_for(replayer, client, dialect, thread):  # noqa: F811
    with pytest.raises(anthropic.BadRequestError) as caught:
        client.beta.messages.create(
            model={**ALL, **HAVE}[dialect], max_tokens=9, messages=[{"role": "user", "content": PROMPT}], thread=thread
        )
    error = caught.value.body["error"]
    assert error["details"] == {"error_code": "thread_unsupported_request"} and "(thread)" not in error["message"]
    assert caught.value.error_code == "thread_unsupported_request" and not replayer.upstream.requests


def test_no_thread_is_no_thread(replayer):
    replayer.upstream.reply(*answers.steps("gemini", LOOP[2], streamed=False))
    body = {"model": MODELS["gemini"], "max_tokens": 9, "messages": [{"role": "user", "content": PROMPT}], "thread": None}
    got = replayer.proxy.ask(post_json("/v1/messages", body))
    assert got.status == 200 and got.get("x-remora-dropped") is None


def test_anthropic_keeps_them(replayer):
    replayer.upstream.reply(*answers.steps("anthropic", LOOP[2], streamed=False))
    body = {
        "model": MODELS["anthropic"], "max_tokens": 9, "messages": [{"role": "user", "content": PROMPT}],
        "thread": {"type": "continue", "previous_message_id": "msg_1"},
    }
    assert replayer.proxy.ask(post_json("/v1/messages", body)).status == 200
    assert json.loads(replayer.upstream.last.body) == {**body, "model": MODELS["anthropic"].split("/")[1]}


def test_the_mock_keeps_none(start_remora):
    proxy = start_remora(whole={"providers": {"mock": {}}, "default_provider": "mock"})
    http = anthropic.DefaultHttpxClient(trust_env=False)
    with anthropic.Anthropic(base_url=proxy.origin, api_key="any", max_retries=0, http_client=http) as own:
        asked = [{"role": "user", "content": "Use the tool weather for Paris."}]
        last = own.beta.messages.tool_runner(model="m", max_tokens=99, tools=[weather], messages=asked).until_done()
    assert last.content
