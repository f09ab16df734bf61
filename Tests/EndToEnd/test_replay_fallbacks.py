"""From a target of one format to one of another, whatever format the client speaks."""

from __future__ import annotations

import json

import pytest
from remora import PROMPT, Remora
from replay import answers
from replay.answers import Said
from replay.kinds import providers
from replay.serving import head
from test_replay_requests import MODELS
from wire import post_json

pytestmark = pytest.mark.proxy

ALL = {**MODELS, "openai": "openai/gpt-4o", "mistral": "mistral/mistral-large"}
SAID = Said(text="Here I am.")
BODIES = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": PROMPT}]},
    "/v1/messages": {"messages": [{"role": "user", "content": PROMPT}], "max_tokens": 64},
    "/v1/responses": {"input": PROMPT},
}


@pytest.fixture(scope="module")
def proxy(_shared_replayer, authority, tmp_path_factory):
    """A model for each pair of kinds, both at the same upstream: what is scripted first is what the first target says."""
    directory = tmp_path_factory.mktemp("pairs")
    pairs = {f"{one}-then-{two}": [ALL[one], ALL[two]] for one in ALL for two in ALL if one != two}
    config = {
        "providers": providers(directory, _shared_replayer.upstream.origin, authority.ca_file),
        "models": pairs,
        # A filter's word counts against no target, which would be left out after five of these.
        "retry": {"attempts": 2, "fallback_on": ["content_filter"]},
    }
    made = Remora(directory, config)
    yield made
    made.stop()


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("one", ALL)
def test_the_other_format_answers(replayer, proxy, one, streamed, path):
    for two in ALL:
        if one == two or answers.format_of(one) == answers.format_of(two):
            continue
        replayer.upstream.reset()
        error = json.dumps({"error": {"message": "no", "type": "content_filter", "code": "content_filter"}}).encode()
        replayer.upstream.reply(head(400, {"Content-Type": "application/json"}, len(error)) + error)
        replayer.upstream.reply(*answers.steps(two, SAID, streamed=streamed))
        body = {"model": f"{one}-then-{two}", **BODIES[path], **({"stream": True} if streamed else {})}
        got = proxy.ask(post_json(path, body))
        assert got.status == 200, (two, got.body)
        assert b"Here" in got.body and b" am." in got.body, (two, got.body)
        assert got.get("x-remora-attempts") == "2"


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("one", ALL)
def test_a_stream_that_breaks_off_before_its_first_word_is_the_others(replayer, proxy, one, path):
    two = next(each for each in ALL if answers.format_of(each) != answers.format_of(one))
    replayer.upstream.reset()
    replayer.upstream.reply(answers.steps(one, SAID, streamed=True)[0], "cut")
    replayer.upstream.reply(*answers.steps(two, SAID, streamed=True))
    got = proxy.ask(post_json(path, {"model": f"{one}-then-{two}", **BODIES[path], "stream": True}))
    assert got.status == 200 and got.get("x-remora-attempts") == "2", got.body
    assert b"Here" in got.body and b" am." in got.body, got.body
    assert b'"error":{' not in got.body and b"event: error" not in got.body, got.body


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_target_without_a_word_for_it_is_passed_over(replayer, proxy, streamed):
    """Two choices are nothing that Anthropic can be asked for; the target behind it can."""
    replayer.upstream.reset()
    replayer.upstream.reply(*answers.steps("openai", SAID, streamed=streamed))
    body = {"model": "anthropic-then-openai", "n": 2, **BODIES["/v1/chat/completions"], "stream": streamed}
    got = proxy.ask(post_json("/v1/chat/completions", body))
    assert (got.status, got.get("x-remora-provider"), got.get("x-remora-attempts")) == (200, "openai", "1")


def refused(code: str) -> bytes:
    error = json.dumps({"error": {"message": "no", "type": code, "code": code}}).encode()
    return head(400, {"Content-Type": "application/json"}, len(error)) + error


PAGE = b"<html>no</html>"


@pytest.mark.parametrize(
    ("one", "answer", "status", "code"),
    [
        ("openai", refused("content_filter"), 400, "content_filter"),
        ("openai", refused("context_length_exceeded"), 400, "context_length_exceeded"),
        ("mistral", refused("insufficient_quota"), 429, "insufficient_quota"),
        ("openai", head(200, {"Content-Type": "text/html"}, len(PAGE)) + PAGE, 503, "no_target"),
    ],
)
def test_a_fallback_without_a_word_for_it_leaves_the_first_failure(replayer, proxy, one, answer, status, code):
    replayer.upstream.reset()
    replayer.upstream.reply(answer)
    body = {"model": f"{one}-then-anthropic", "n": 2, **BODIES["/v1/chat/completions"]}
    got = proxy.ask(post_json("/v1/chat/completions", body))
    assert (got.status, got.json()["error"]["code"]) == (status, code), got.body
    message = got.json()["error"]["message"]
    assert f"'{one}' failed" in message and "'anthropic' can't be asked instead" in message and "'n'" in message
    if code == "insufficient_quota":
        # It is left alone from now on, which is no fault of the request's.
        got = proxy.ask(post_json("/v1/chat/completions", body))
        assert (got.status, got.json()["error"]["code"]) == (503, "no_target"), got.body
        assert "left alone" in got.json()["error"]["message"]
