"""`api_key: passthrough`: the caller's key goes on in the form that the provider reads, and nothing else of it."""

from __future__ import annotations

import pytest
from remora import CALLER_KEY, PROMPT, Remora
from replay import answers, kinds
from replay.answers import Said
from wire import answer, post_json

pytestmark = pytest.mark.proxy

CREDENTIALS = ("authorization", "api-key", "x-api-key", "x-goog-api-key")
SHOWN = {
    "anthropic": ("x-api-key", ""),
    "azure": ("api-key", ""),
    "gemini": ("x-goog-api-key", ""),
    "cohere": ("authorization", "Bearer "),
    "ollama": ("authorization", "Bearer "),
    "bedrock": ("authorization", "Bearer "),
    "openai": ("authorization", "Bearer "),
    "mistral": ("authorization", "Bearer "),
}
MODELS = {
    "anthropic": "claude-sonnet-4-5",
    "bedrock": "anthropic.claude-sonnet-4-5-20250929-v1:0",
    "cohere": "command-a-03-2025",
    "gemini": "gemini-2.5-flash",
    "ollama": "qwen3:8b",
}
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJhenVyZSJ9.c2lnbmVk"


@pytest.fixture(scope="module")
def passing(_shared_upstream, authority, tmp_path_factory):
    directory = tmp_path_factory.mktemp("passing")
    found = kinds.providers(directory, _shared_upstream.origin, authority.ca_file)
    providers = {name: found[name] for name in SHOWN}
    for provider in providers.values():
        provider.pop("credentials", None)
        provider["api_key"] = "passthrough"
    proxy = Remora(directory, {"providers": providers})
    yield proxy
    proxy.stop()


def ask(proxy, upstream, kind: str, headers: dict[str, str], reply: bytes | None = None):
    """The credentials that reached the provider, and the answer."""
    if reply is not None:
        upstream.reply(reply)
    elif kind in MODELS:
        upstream.reply(*answers.steps(kind, Said(text="hi"), streamed=False))
    body = {"model": f"{kind}/{MODELS.get(kind, 'gpt-4o')}", "messages": [{"role": "user", "content": PROMPT}]}
    with proxy.connect() as peer:
        got = peer.ask(post_json("/v1/chat/completions", body, headers))
    return {name: upstream.last.get(name) for name in CREDENTIALS if upstream.last.get(name)}, got


@pytest.mark.parametrize("kind", SHOWN)
@pytest.mark.parametrize(
    "written",
    [
        {"Authorization": f"Bearer {CALLER_KEY}"},
        {"authorization": f"bearer  {CALLER_KEY}"},
        {"api-key": CALLER_KEY},
        {"X-API-Key": CALLER_KEY},
        {"x-goog-api-key": CALLER_KEY},
        {"api-key": CALLER_KEY, "Authorization": f"Bearer {CALLER_KEY}"},
    ],
    ids=lambda written: "+".join(written),
)
def test_the_key_is_shown_as_the_provider_reads_it(passing, upstream, kind, written):
    shown, _ = ask(passing, upstream, kind, written)
    name, prefix = SHOWN[kind]
    assert list(shown) == [name]
    # A scheme's case means nothing (RFC 9110 section 11.1).
    assert shown[name].lower().split() == f"{prefix}{CALLER_KEY}".lower().split()


@pytest.mark.parametrize("kind", SHOWN)
def test_the_providers_own_header_is_preferred(passing, upstream, kind):
    name, prefix = SHOWN[kind]
    others = {other: "something else" for other in CREDENTIALS if other != name}
    shown, _ = ask(passing, upstream, kind, {**others, name: f"{prefix}{CALLER_KEY}"})
    assert shown == {name: f"{prefix}{CALLER_KEY}"}


@pytest.mark.parametrize("kind", SHOWN)
@pytest.mark.parametrize("token", [JWT, "ya29.a0AfH6SM", "sk-ant-oat01-abc"])
def test_a_token_is_no_key(passing, upstream, kind, token):
    """Entra's, Google's and Anthropic's OAuth tokens are read behind `Bearer` alone."""
    shown, _ = ask(passing, upstream, kind, {"Authorization": f"Bearer {token}"})
    assert shown == {"authorization": f"Bearer {token}"}


def test_another_scheme_is_left_alone(passing, upstream):
    shown, _ = ask(passing, upstream, "azure", {"Authorization": "Basic dXNlcjpwYXNz"})
    assert shown == {"authorization": "Basic dXNlcjpwYXNz"}


@pytest.mark.parametrize("kind", SHOWN)
def test_no_key_is_no_key(passing, upstream, kind):
    assert ask(passing, upstream, kind, {})[0] == {}


@pytest.mark.parametrize("kind", SHOWN)
@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_of_the_callers_key_is_the_callers(passing, upstream, kind, status):
    reply = answer(status, {"Content-Type": "application/json"}, b'{"error":{"message":"no such key"}}')
    _, got = ask(passing, upstream, kind, {"Authorization": f"Bearer {CALLER_KEY}"}, reply)
    assert got.status == status and got.error["message"] == "no such key"


@pytest.mark.parametrize("kind", ["anthropic", "gemini", "bedrock", "cohere", "ollama", "mistral", "groq"])
def test_who_the_client_is_at_openai_stays_here(replayer, kind):
    if kind in MODELS:
        replayer.upstream.reply(*answers.steps(kind, Said(text="hi"), streamed=False))
    headers = {"OpenAI-Organization": "org-1", "OpenAI-Project": "proj_1", "Cookie": "a=b", "x-remora-key": "k"}
    body = {"model": f"{kind}/{MODELS.get(kind, 'm')}", "messages": [{"role": "user", "content": PROMPT}]}
    with replayer.proxy.connect() as peer:
        peer.ask(post_json("/v1/chat/completions", body, headers))
    assert not replayer.upstream.last.names & {name.lower() for name in headers}


@pytest.mark.parametrize("kind", ["openai", "openai_compatible", "vllm"])
def test_who_the_client_is_at_openai_goes_there(replayer, kind):
    headers = {"OpenAI-Organization": "org-1", "OpenAI-Project": "proj_1"}
    body = {"model": f"{kind}/gpt-4o", "messages": [{"role": "user", "content": PROMPT}]}
    with replayer.proxy.connect() as peer:
        peer.ask(post_json("/v1/chat/completions", body, headers))
    assert replayer.upstream.last.get("openai-organization") == "org-1"
    assert replayer.upstream.last.get("openai-project") == "proj_1"


def test_a_dialects_version_is_said_once(replayer):
    """The client's, of whichever SDK, is not the one in which Remora writes."""
    replayer.upstream.reply(*answers.steps("anthropic", Said(text="hi"), streamed=False))
    body = {"model": f"anthropic/{MODELS['anthropic']}", "messages": [{"role": "user", "content": PROMPT}]}
    with replayer.proxy.connect() as peer:
        peer.ask(post_json("/v1/chat/completions", body, {"anthropic-version": "2099-01-01"}))
    assert replayer.upstream.last.all("anthropic-version") == ["2023-06-01"]


def test_connection_can_not_take_the_key_away(passing, upstream):
    """`Connection` nominates what ends at this hop; a key is not for it to say."""
    key = {"Authorization": f"Bearer {CALLER_KEY}", "Connection": "Authorization, X-Mine", "X-Mine": "1"}
    assert ask(passing, upstream, "openai", key)[0] == {"authorization": f"Bearer {CALLER_KEY}"}
    assert "x-mine" not in upstream.last.names
