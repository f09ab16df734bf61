"""The provider inside Remora, as an application's tests meet it in each format."""

from __future__ import annotations

import json

import anthropic
import openai
import pytest
from wire import post_json, request

pytestmark = pytest.mark.proxy

SCHEMA = {"type": "object", "required": ["a"], "additionalProperties": False, "properties": {"a": {"type": "integer"}}}
ECHO = "This is Remora's mock provider. You said: "


@pytest.fixture
def proxy(start_remora):
    return start_remora(whole={"providers": {"mock": {}}, "default_provider": "mock"})


def test_responses_say_back_what_was_said(proxy, sdk):
    client = sdk(proxy)
    for said in ("Hi", [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}]):
        answer = client.responses.create(model="m", input=said)
        assert (answer.status, answer.output_text) == ("completed", ECHO + "Hi")
        assert answer.usage.input_tokens >= 1 and answer.usage.output_tokens > 1
        events = list(client.responses.create(model="m", input=said, stream=True))
        assert [each.sequence_number for each in events] == list(range(len(events)))
        assert (events[0].type, events[-1].type) == ("response.created", "response.completed")
        assert "".join(each.delta for each in events if each.type == "response.output_text.delta") == ECHO + "Hi"
        assert events[-1].response.output_text == ECHO + "Hi"


def test_responses_call_a_tool_and_answer_json(proxy, sdk):
    client = sdk(proxy)
    tools = [{"type": "function", "name": "f", "parameters": SCHEMA}]
    item = client.responses.create(model="m", input="x", tools=tools, tool_choice="required").output[0]
    assert (item.type, item.name) == ("function_call", "f") and isinstance(json.loads(item.arguments), dict)
    text = {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True}}
    assert json.loads(client.responses.create(model="m", input="x", text=text).output_text) == {"a": 0}


def test_completions_say_back_what_was_said(proxy, sdk):
    client = sdk(proxy)
    answer = client.completions.create(model="m", prompt="Hi", max_tokens=20)
    assert (answer.object, answer.choices[0].text, answer.choices[0].finish_reason) == ("text_completion", ECHO + "Hi", "stop")
    assert answer.usage.completion_tokens > 1
    events = client.completions.create(model="m", prompt=["Hi"], max_tokens=20, stream=True)
    assert "".join(each.choices[0].text for each in events if each.choices) == ECHO + "Hi"


@pytest.mark.parametrize(
    ("name", "value"), [("suffix", "x"), ("echo", True), ("best_of", 2), ("prompt", [1, 2, 3]), ("prompt", ["a", "b"])]
)
def test_completions_refuse_what_a_chat_has_no_word_for(proxy, sdk, name, value):
    with pytest.raises(openai.BadRequestError) as caught:
        sdk(proxy).completions.create(**{"model": "m", "prompt": "Hi", name: value})
    assert caught.value.param == name


def test_a_tool_runner_comes_to_its_end(proxy):
    asked = []

    @anthropic.beta_tool
    def get_weather(city: str) -> str:
        """Weather of a city."""
        asked.append(city)
        return "sunny"

    http = anthropic.DefaultHttpxClient(trust_env=False)
    with anthropic.Anthropic(base_url=proxy.origin, api_key="any", max_retries=0, http_client=http) as client:
        turns = [{"role": "user", "content": "Weather in Paris?"}]
        runner = client.beta.messages.tool_runner(model="m", max_tokens=64, tools=[get_weather], messages=turns, max_iterations=4)
        assert runner.until_done().content and len(asked) == 1


def test_messages_say_back_what_was_said(proxy):
    http = anthropic.DefaultHttpxClient(trust_env=False)
    with anthropic.Anthropic(base_url=proxy.origin, api_key="any", max_retries=0, http_client=http) as client:
        asked = {"model": "m", "max_tokens": 64, "messages": [{"role": "user", "content": "Hi"}]}
        assert client.messages.create(**asked).content[0].text == ECHO + "Hi"
        with client.messages.stream(**asked) as events:
            assert events.get_final_text() == ECHO + "Hi"


def test_sdk_tool_runners_get_what_their_tools_take(proxy):
    seen = []

    @anthropic.beta_tool
    def book(city: str, nights: int, tags: list[str]) -> str:
        """Books a room."""
        seen.append((city, nights, tags))
        return "done"

    http = anthropic.DefaultHttpxClient(trust_env=False)
    with anthropic.Anthropic(base_url=proxy.origin, api_key="any", max_retries=0, http_client=http) as client:
        asked = [{"role": "user", "content": "Please use the tool."}]
        runner = client.beta.messages.tool_runner(model="m", max_tokens=64, tools=[book], messages=asked, max_iterations=2)
        assert [each.stop_reason for each in runner] == ["tool_use", "end_turn"]
    assert seen == [("mock", 0, [])]


def test_models_are_found_by_name(proxy, sdk):
    client = sdk(proxy)
    for name in ("mock-model", "any/name"):
        assert client.models.retrieve(name).id == name
    answer = proxy.ask(request("DELETE", "/v1/models/mock-model"))
    assert (answer.status, answer.get("allow"), answer.error["code"]) == (405, "GET, HEAD", "method_not_allowed")


@pytest.mark.parametrize("path", ["/v1/images/generations", "/v1/audio/speech", "/v1/batches", "/v1/files", "/v1/moderations"])
def test_what_it_has_not_is_said(proxy, path):
    for asked in (post_json(path, {"model": "m", "input": "x", "prompt": "x"}), request("GET", path)):
        answer = proxy.ask(asked)
        assert answer.status in (400, 404) and answer.json()["error"]["message"], answer.body
    assert "The mock provider has nothing at" in proxy.ask(post_json(path, {"model": "m"})).json()["error"]["message"]


def test_a_response_of_the_foreground_is_not_streamed_again(proxy, sdk):
    """The SDK would take the object for a stream without events."""
    client = sdk(proxy)
    made = client.responses.create(model="m", input="Hi", store=True)
    with pytest.raises(openai.BadRequestError, match="background") as caught:
        client.responses.retrieve(made.id, stream=True)
    assert caught.value.param == "stream"
    assert client.responses.retrieve(made.id).id == made.id
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve("resp_none", stream=True)
