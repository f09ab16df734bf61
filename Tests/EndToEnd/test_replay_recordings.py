"""Every recorded answer of a provider goes through the proxy, whole and in pieces, and comes out saying the same.

The recordings lie in ../shared/recorded beside the project and are read in place.
"""

from __future__ import annotations

import pytest
from remora import CALLER_KEY, PROMPT
from wire import RawClient, post_json

from replay import answers, client, openai_format, recordings, serving
from replay.answers import Said
from replay.kinds import TRANSLATED
from replay.reading import Lost, Reading, differences
from replay.recordings import Recording

pytestmark = pytest.mark.proxy

HOW = {"whole": "whole", "bytes": "bytes", "random 1": "random:1", "random 2": "random:2"}


def by_id(endpoint: str):
    return pytest.mark.parametrize("recording", recordings.carried(endpoint), ids=lambda each: each.id)


def provider_of(recording: Recording) -> str:
    if recording.kind == "azure" and "/deployments/" in ((recording.request or {}).get("url") or ""):
        return "azure-classic"
    return recording.kind


def request_for(recording: Recording, usage: bool) -> dict:
    """What an application asks to get such an answer."""
    body: dict = {"model": f"{provider_of(recording)}/{recording.model}"}
    if recording.endpoint == "embeddings":
        wanted = recording.wanted()
        return {**body, "input": [PROMPT] * len(wanted.vectors or [1]), "encoding_format": "float"}
    if recording.endpoint == "completions":
        body["prompt"] = PROMPT
    elif recording.endpoint == "responses":
        body["input"] = PROMPT
    else:
        body["messages"] = [{"role": "user", "content": PROMPT}]
        if any(choice.logprobs for choice in recording.wanted().choices.values()):
            body["logprobs"] = True
    if recording.streamed:
        body["stream"] = True
        if usage and recording.endpoint != "responses":
            body["stream_options"] = {"include_usage": True}
    return body


def ask(replayer, body: dict, path: str):
    with RawClient(("127.0.0.1", replayer.proxy.port), timeout=20) as peer:
        headers = {"Authorization": f"Bearer {CALLER_KEY}", "Connection": "close"}
        return peer.ask(post_json(path, body, headers))


PATHS = {
    "chat": "/v1/chat/completions",
    "completions": "/v1/completions",
    "embeddings": "/v1/embeddings",
    "responses": "/v1/responses",
}


def replayed(replayer, recording: Recording, how: str, usage: bool) -> Reading:
    replayer.upstream.reply(*serving.steps(recording, how))
    answer = ask(replayer, request_for(recording, usage), PATHS[recording.endpoint])
    own = recording.kind in TRANSLATED
    return client.read(answer, recording.endpoint, recording.streamed, usage_asked=usage, own=own)


def compare(got: Reading, wanted: Reading, usage: bool) -> list[str]:
    if wanted.failure is not None:
        if got.failure is None:
            return [f"no error, where the provider failed: {wanted.failure}"]
        status = got.failure.status
        found = [] if status in (wanted.failure.status, 200) else [f"status {status}: {wanted.failure}"]
        if wanted.failure.message not in got.failure.message:
            found.append(f"message {got.failure.message!r}, recorded {wanted.failure.message!r}")
        return found
    if got.failure is not None:
        return [f"an error that the provider didn't make: {got.failure}"]
    if not usage:
        wanted.usage = got.usage = Reading().usage
    return differences(got, wanted)


@by_id("chat")
def test_chat(replayer, recording):
    if not recording.streamed:
        for how in ("whole", "random 1"):
            assert compare(replayed(replayer, recording, HOW[how], True), recording.wanted(), True) == [], how
        return
    for how, usage in (("whole", True), ("whole", False), ("bytes", True), ("random 1", False), ("random 2", True)):
        found = compare(replayed(replayer, recording, HOW[how], usage), recording.wanted(), usage)
        assert found == [], f"{how}, usage {'asked for' if usage else 'not asked for'}"


ARRAYS = [each for each in recordings.carried("chat") if each.is_reframed]


@pytest.mark.parametrize("recording", ARRAYS, ids=lambda each: each.id)
def test_a_stream_recorded_as_an_array(replayer, recording):
    """What a Gemini says where `alt=sse` is lost on the way: one array, called JSON."""
    body = recording.response["body"].encode()
    headers = {"Content-Type": "application/json; charset=UTF-8"}
    replayer.upstream.reply(serving.head(200, headers, None), *serving.pieces(body, "random:4"))
    answer = ask(replayer, request_for(recording, True), PATHS["chat"])
    got = client.read(answer, "chat", True, usage_asked=True)
    assert compare(got, recording.wanted(), True) == []


@pytest.mark.parametrize("provider", ["anthropic", "gemini", "cohere", "ollama"])
def test_a_stream_that_is_called_json(replayer, provider):
    """Some gateways put the wrong name on it."""
    said = Said(text="One two three")
    body = b"".join(answers.events_of(provider, said))
    replayer.upstream.reply(serving.head(200, {"Content-Type": "application/json"}, len(body)) + body)
    request = {"model": f"{provider}/model-1", "messages": [{"role": "user", "content": PROMPT}], "stream": True}
    got = client.read(ask(replayer, request, PATHS["chat"]), "chat", True)
    assert got.failure is None and got.choice().text == said.text


ANSWERED = [each for each in recordings.carried("chat") if each.wanted().failure is None]


@pytest.mark.parametrize("recording", ANSWERED, ids=lambda each: each.id)
def test_usage_is_metered(replayer, recording):
    """The access log tells what the provider counted, whether or not the client asked for it."""
    wanted = recording.wanted()
    replayer.upstream.reply(*serving.steps(recording, "whole"))
    answer = ask(replayer, request_for(recording, False), PATHS["chat"])
    line = replayer.proxy.log_line(answer.get("x-request-id"))
    usage = wanted.usage
    counts = (usage.prompt, usage.completion, usage.cached, usage.reasoning)
    if recording.speaks_openai:
        counts = openai_format.counted(wanted, recording.body.decode(), streamed=recording.streamed)
    if not any(counts):
        # What the provider doesn't count is a guess, and says so.
        assert line.get("estimated") is True or not line.get("tokens_in"), line
        return
    # Of a tier whose price isn't known, the money is a guess.
    has_tier = "tier" in recording.id
    assert None in counts[:2] or has_tier or "estimated" not in line, line
    names = ("tokens_in", "tokens_out", "tokens_cached", "tokens_reasoning")
    for name, count in zip(names, counts, strict=True):
        # Details that are left out are none.
        assert line.get(name) == count or (not count and not line.get(name)), name


@by_id("completions")
def test_completions(replayer, recording):
    for how in HOW:
        assert compare(replayed(replayer, recording, HOW[how], True), recording.wanted(), True) == [], how


@by_id("embeddings")
def test_embeddings(replayer, recording):
    wanted = recording.wanted()
    for how in ("whole", "random 1"):
        assert compare(replayed(replayer, recording, HOW[how], True), wanted, True) == [], how


@pytest.mark.parametrize("recording", recordings.not_carried(), ids=lambda each: each.id)
def test_what_is_left_out_can_not_be_carried(recording):
    """An exception stands only as long as it is one: its answer must not be readable as one answer."""
    if recording.endpoint:
        with pytest.raises(Lost):
            recording.wanted()
    else:
        assert recording.operation in recordings.NOT_CARRIED, recording.why_not


def test_the_readers_agree_with_the_recordings():
    """What the recordings' collector found in them, the readers of these tests find too."""
    found = []
    for recording in recordings.carried("chat"):
        facts, wanted = recording.facts, recording.wanted()
        if not facts or wanted.failure is not None:
            continue
        choice = wanted.choice()
        if choice.text != facts["text"]:
            found.append(f"{recording.id}: text")
        # Cohere's plan counts as reasoning here.
        if (facts.get("reasoning") or "") not in ("", choice.reasoning):
            found.append(f"{recording.id}: reasoning")
        # Bedrock's facts count the tools that run at the provider.
        names = [each["name"] for each in facts.get("tool_calls") or []]
        if recording.kind != "bedrock" and [call.name for call in choice.calls] != names:
            found.append(f"{recording.id}: calls")
    assert found == []


@pytest.mark.parametrize("what", ["text", "reasoning", "finish", "calls", "arguments", "ids", "usage", "choices"])
def test_the_comparison_can_fail(what):
    """A reading in which one thing is changed isn't the same any more."""
    found = 0
    for recording in recordings.carried("chat"):
        one, other = recording.wanted(), recording.wanted()
        if one.failure is not None or not one.choices or any(not call.id for call in one.choice().calls):
            continue
        assert differences(one, other) == []
        choice = other.choice()
        if what in ("text", "reasoning", "finish"):
            setattr(choice, what, (getattr(choice, what) or "") + "x")
        elif what == "usage" and other.usage.prompt is not None:
            other.usage.prompt += 1
        elif what == "choices":
            other.choice(7)
        elif not choice.calls:
            continue
        elif what == "calls":
            choice.calls.pop()
        elif what == "arguments":
            choice.calls[-1].arguments = '{"changed": true}'
        elif what == "ids" and choice.calls[0].id:
            choice.calls[0].id += "x"
        if one != other:
            found += 1
            assert differences(one, other), recording.id
    assert found > 50 or not recordings.everything()


def test_recordings_are_there():
    if not recordings.DIRECTORY.is_dir():
        pytest.skip(f"ABSENT {recordings.DIRECTORY}")
    assert len(recordings.everything()) > 700
