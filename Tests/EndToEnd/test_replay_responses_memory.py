"""The Responses API goes on by ids before providers that don't have it: chains, references, looking up, forgetting."""

from __future__ import annotations

import json

import openai
import pytest
from canaries import canary
from remora import PROMPT
from replay import answers
from replay.answers import LOOP, SIGNATURE, Said
from test_replay_requests import MODELS
from test_replay_responses import TOOLS, create
from wire import request

pytestmark = pytest.mark.proxy

ALL = {**MODELS, "mistral": "mistral/mistral-large"}
dialects = pytest.mark.parametrize("dialect", ALL)
either = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
ONE = pytest.mark.parametrize("dialect", ["anthropic"])


@pytest.fixture
def client(sdk, replayer):
    return sdk(replayer.proxy)


def script(replayer, dialect: str, *turns: Said, streamed: bool = False) -> None:
    for said in turns:
        replayer.upstream.reply(*answers.steps(dialect, said, streamed=streamed))


@dialects
@either
def test_a_loop_of_tools_by_ids(replayer, client, dialect, streamed):
    script(replayer, dialect, *LOOP, streamed=streamed)
    news: object = PROMPT
    previous = None
    for _ in LOOP:
        said = create(
            client, streamed, model=ALL[dialect], tools=TOOLS, input=news, previous_response_id=previous, store=True
        )
        assert (said.store, said.previous_response_id, said.status) == (True, previous, "completed")
        previous = said.id
        calls = [each for each in said.output if each.type == "function_call"]
        news = [{"type": "function_call_output", "call_id": each.call_id, "output": "sun"} for each in reversed(calls)]
    assert said.output_text == LOOP[-1].text
    # What the last turn was shown is what a client would have sent that keeps the history itself.
    sent = replayer.upstream.requests[-1].body
    assert sent.count(b"sun") == 3 and PROMPT.encode() in sent and b"rmr1." not in sent
    if dialect in ("anthropic", "vertex-claude", "bedrock"):
        assert SIGNATURE.encode() in sent


@ONE
@either
def test_items_by_reference(replayer, client, dialect, streamed):
    """As Vercel's AI SDK writes the second turn: earlier answers are named, and calls are sent in full."""
    script(replayer, dialect, LOOP[0], LOOP[2], streamed=streamed)
    first = create(client, streamed, model=ALL[dialect], tools=TOOLS, store=True)
    history: list = [{"role": "user", "content": PROMPT}]
    for item in first.output:
        if item.type == "function_call":
            history.append(item.model_dump(exclude_none=True))
        else:
            history.append({"type": "item_reference", "id": item.id} if item.type == "message" else {"id": item.id})
    history += [
        {"type": "function_call_output", "call_id": each.call_id, "output": "sun"}
        for each in first.output
        if each.type == "function_call"
    ]
    second = create(client, streamed, model=ALL[dialect], tools=TOOLS, input=history, store=True)
    assert second.output_text == LOOP[2].text
    sent = replayer.upstream.requests[-1].body
    assert LOOP[0].text.encode() in sent and SIGNATURE.encode() in sent
    # The second one's input was kept in full: a third turn needs the first response no more.
    client.responses.delete(first.id)
    script(replayer, dialect, Said("Third."), streamed=streamed)
    create(client, streamed, model=ALL[dialect], tools=TOOLS, previous_response_id=second.id, input="And?")
    assert LOOP[0].text.encode() in replayer.upstream.requests[-1].body


@ONE
def test_a_response_is_looked_up_and_forgotten(replayer, client, dialect):
    script(replayer, dialect, Said("One."), Said("Two."))
    first = client.responses.create(model=ALL[dialect], input=PROMPT, metadata={"a": "b"})
    second = client.responses.create(model=ALL[dialect], input="Next", previous_response_id=first.id)
    found = client.responses.retrieve(first.id)
    assert (found.id, found.output_text, found.metadata) == (first.id, "One.", {"a": "b"})
    assert (found.usage, found.output) == (first.usage, first.output)
    items = client.responses.input_items.list(second.id, order="asc")
    assert [each.type for each in items.data] == ["message"] * 3
    assert [each.content[0].text for each in items.data] == [PROMPT, "One.", "Next"]
    newest = client.responses.input_items.list(second.id, limit=1)
    assert newest.data[0].content[0].text == "Next" and newest.has_more
    # The SDK turns the pages by itself.
    assert [each.content[0].text for each in newest] == ["Next", "One.", PROMPT]
    with pytest.raises(openai.BadRequestError, match="background"):
        client.responses.cancel(first.id)
    client.responses.delete(first.id)
    for call in (client.responses.retrieve, client.responses.delete, client.responses.input_items.list):
        with pytest.raises(openai.NotFoundError) as caught:
            call(first.id)
        assert caught.value.code == "response_not_found"
    # What went on with it can't any more.
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model=ALL[dialect], input="Next", previous_response_id=second.id)
    assert caught.value.code == "previous_response_not_found"


@ONE
@either
def test_what_is_not_kept(replayer, client, dialect, streamed):
    script(replayer, dialect, Said("One."), Said("Half an ans", cut=True), streamed=streamed)
    said = create(client, streamed, model=ALL[dialect], store=False)
    assert said.store is False
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(said.id)
    # One that met its limit is one.
    if not streamed:
        said = create(client, streamed, model=ALL[dialect], store=True)
        assert client.responses.retrieve(said.id).status == "incomplete"
    large = [{"role": "user", "content": [{"type": "input_text", "text": "x" * (1 << 20)}]}]
    script(replayer, dialect, Said("One."), streamed=streamed)
    assert create(client, streamed, model=ALL[dialect], input=large, store=True).store is False


@pytest.mark.parametrize("previous", ["resp_nobody", "", "msg_1", "x" * 5000])
def test_an_id_that_is_not_known(replayer, client, previous):
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model=ALL["anthropic"], input="x", previous_response_id=previous)
    assert caught.value.code == "previous_response_not_found" and not replayer.upstream.requests


def test_a_native_providers_ids_are_its_own(replayer, client):
    body = {"id": "resp_1", "object": "response", "output": [], "status": "completed", "model": "m"}
    text = json.dumps(body).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(text)
    replayer.upstream.reply(head + text)
    client.responses.create(model="openai/gpt-4o", input="x", previous_response_id="resp_0")
    assert json.loads(replayer.upstream.requests[-1].body)["previous_response_id"] == "resp_0"


def test_groups_see_their_own_only(start_remora, sdk, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text(f"key-of-{name}-0123456789")
    proxy = start_remora(
        whole={
            "providers": {"mock": {}},
            "default_provider": "mock",
            "consumers": {"groups": {name: {"key": {"file": str(tmp_path / name)}} for name in ("a", "b")}},
        }
    )
    one, other = (
        sdk(proxy, default_headers={"x-remora-key": f"key-of-{name}-0123456789"}) for name in ("a", "b")
    )
    said = one.responses.create(model="m", input="Hi")
    assert one.responses.retrieve(said.id).output_text == said.output_text
    for call in (
        lambda: other.responses.retrieve(said.id),
        lambda: other.responses.delete(said.id),
        lambda: other.responses.input_items.list(said.id),
    ):
        with pytest.raises(openai.NotFoundError):
            call()
    with pytest.raises(openai.BadRequestError):
        other.responses.create(model="m", input="x", previous_response_id=said.id)
    with pytest.raises(openai.BadRequestError):
        other.responses.create(model="m", input=[{"type": "item_reference", "id": said.output[0].id}])
    assert one.responses.retrieve(said.id).id == said.id


def test_memory_can_be_small_or_none(start_remora, sdk):
    base = {"providers": {"mock": {}}, "default_provider": "mock"}
    client = sdk(start_remora(whole={**base, "responses": {"memory": 0}}))
    said = client.responses.create(model="m", input="Hi")
    assert said.store is False
    with pytest.raises(openai.NotFoundError) as caught:
        client.responses.retrieve(said.id)
    assert caught.value.code == "response_not_found"
    client = sdk(start_remora(whole={**base, "responses": {"memory": "16KiB"}}))
    kept = [client.responses.create(model="m", input="x" * 1000).id for _ in range(20)]
    assert client.responses.retrieve(kept[-1]).id == kept[-1]
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(kept[0])


def test_values_that_policies_took_out_are_kept_as_the_client_saw_them(start_remora, sdk):
    proxy = start_remora(
        whole={
            "providers": {"mock": {}},
            "default_provider": "mock",
            "policies": {"pii": {"kind": "pii_detector", "action": "redact", "restore": True}},
            "policy_chain": ["pii"],
        }
    )
    client = sdk(proxy)
    for streamed in (False, True):
        asked = {"model": "m", "input": f"I am {canary('anna@example.org')}"}
        if streamed:
            with client.responses.stream(**asked) as events:
                said = events.get_final_response()
        else:
            said = client.responses.create(**asked)
        assert "anna@example.org" in said.output_text
        assert client.responses.retrieve(said.id).output_text == said.output_text
        again = client.responses.create(model="m", input="again", previous_response_id=said.id)
        assert again.status == "completed"


@pytest.mark.parametrize(
    ("query", "words"), [("limit=0", "limit"), ("limit=x", "limit"), ("limit=101", "limit"), ("order=up", "order")]
)
def test_pages_that_are_none(replayer, client, query, words):
    script(replayer, "anthropic", Said("One."))
    said = client.responses.create(model=ALL["anthropic"], input=PROMPT)
    answer = replayer.proxy.ask(request("GET", f"/v1/responses/{said.id}/input_items?{query}"))
    assert answer.status == 400 and words in answer.body.decode()


def test_what_only_a_native_provider_has(start_remora, sdk):
    client = sdk(start_remora(whole={"providers": {"mock": {}}, "default_provider": "mock"}))
    with pytest.raises(openai.BadRequestError, match="nothing like"):
        client.post("/responses/compact", body={"model": "m", "input": "x"}, cast_to=object)
