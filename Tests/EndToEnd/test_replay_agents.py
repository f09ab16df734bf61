"""OpenAI's SDK for agents: loops of tools before each provider, by responses and by chats, whole and streamed."""

from __future__ import annotations

import asyncio
import json

import agents
import openai
import pytest
from conftest import sdk_options
from pydantic import BaseModel
from remora import PROMPT
from replay import answers
from replay.answers import LOOP, SIGNATURE, Said
from test_replay_requests import MODELS

pytestmark = pytest.mark.proxy

ALL = {**MODELS, "mistral": "mistral/mistral-large"}
dialects = pytest.mark.parametrize("dialect", ALL)
either = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
SPEAKERS = {"responses": agents.OpenAIResponsesModel, "chats": agents.OpenAIChatCompletionsModel}
speakers = pytest.mark.parametrize("speaker", SPEAKERS)
agents.set_tracing_disabled(True)


class Weather:
    """Two tools, and what they were asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    @property
    def tools(self) -> list:
        def weather(city: str) -> str:
            """The weather of a city."""
            self.asked.append(("weather", city))
            return "sun"

        def clock(city: str) -> str:
            """The time in a city."""
            self.asked.append(("clock", city))
            return "noon"

        return [agents.function_tool(weather), agents.function_tool(clock)]


def work(proxy, speaker: str, model: str, said, streamed: bool, **agent):
    """Has an agent work until it has an answer; gives its result, and the names of what it told on the way."""

    async def go():
        http = openai.DefaultAsyncHttpxClient(verify=getattr(proxy, "verify", True), trust_env=False)
        async with openai.AsyncOpenAI(**sdk_options(proxy, http_client=http)) as client:
            settings = agents.ModelSettings(include_usage=True)
            speaks = SPEAKERS[speaker](model=model, openai_client=client)
            own = agents.Agent(name="a", instructions="Be brief.", model=speaks, model_settings=settings, **agent)
            if not streamed:
                return await agents.Runner.run(own, said, max_turns=5), []
            result = agents.Runner.run_streamed(own, said, max_turns=5)
            told = [each.name async for each in result.stream_events() if each.type == "run_item_stream_event"]
            return result, told

    return asyncio.run(go())


@dialects
@speakers
@either
def test_a_loop_of_tools(replayer, dialect, speaker, streamed):
    for said in LOOP:
        replayer.upstream.reply(*answers.steps(dialect, said, streamed=streamed))
    weather = Weather()
    result, told = work(replayer.proxy, speaker, ALL[dialect], PROMPT, streamed, tools=weather.tools)
    assert result.final_output == "Rain in Zürich, snow in Oslo at noon."
    assert sorted(weather.asked) == [("clock", "Oslo"), ("weather", "Oslo"), ("weather", "Zürich")]
    assert not streamed or (told.count("tool_called"), told.count("tool_output")) == (3, 3)
    usage = result.context_wrapper.usage
    assert (usage.requests, usage.input_tokens, usage.output_tokens) == (3, 33, 21)
    sent = replayer.upstream.requests[-1].body
    assert sent.count(b"sun") == 2 and sent.count(b"noon") == 1 and b"rmr1." not in sent
    if speaker == "responses" and dialect in ("anthropic", "vertex-claude", "bedrock"):
        # What was signed comes back as it was.
        assert SIGNATURE.encode() in sent


class Answer(BaseModel):
    city: str
    degrees: int


@pytest.mark.parametrize("dialect", ["anthropic", "gemini", "mistral"])
@speakers
@either
def test_an_answer_with_a_form(replayer, dialect, speaker, streamed):
    replayer.upstream.reply(*answers.steps(dialect, Said(json.dumps({"city": "Zürich", "degrees": 7})), streamed=streamed))
    result, _ = work(replayer.proxy, speaker, ALL[dialect], PROMPT, streamed, output_type=Answer)
    assert result.final_output == Answer(city="Zürich", degrees=7)


@pytest.mark.parametrize("dialect", ["anthropic", "gemini", "bedrock"])
@either
def test_a_conversation_that_goes_on(replayer, dialect, streamed):
    """The items of one run, with their ids and seals, are the beginning of the next."""
    for said in (*LOOP, Said("Still rain.")):
        replayer.upstream.reply(*answers.steps(dialect, said, streamed=streamed))
    weather = Weather()
    first, _ = work(replayer.proxy, "responses", ALL[dialect], PROMPT, streamed, tools=weather.tools)
    turns = [*first.to_input_list(), {"role": "user", "content": "And now?"}]
    second, _ = work(replayer.proxy, "responses", ALL[dialect], turns, streamed, tools=weather.tools)
    assert second.final_output == "Still rain." and b"And now?" in replayer.upstream.last.body


@speakers
@either
def test_the_mock(start_remora, speaker, streamed):
    proxy = start_remora(whole={"providers": {"mock": {}}, "default_provider": "mock"})
    weather = Weather()
    result, told = work(proxy, speaker, "m", "Use the tool weather for Paris.", streamed, tools=weather.tools[:1])
    assert weather.asked and result.final_output
    assert not streamed or "tool_called" in told
