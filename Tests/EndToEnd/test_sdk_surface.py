"""Every method of the `openai` SDK, through Remora: what reaches the provider is what reaches it without.

The methods are found in the SDK itself, and their arguments made by their types: once what must be given, once all that
can be. The raw variants are called, so that an answer's form is of no matter.
"""

from __future__ import annotations

import inspect

import openai
import pytest
from conftest import http, sdk_options
from openai._resource import SyncAPIResource
from surface import call, methods, told
from wire import json_answer

pytestmark = pytest.mark.proxy

ADMIN_KEY = "sk-admin-of-the-caller"


def client_of(base_url: str, transport=None, verify=True) -> openai.OpenAI:
    class At:
        pass

    At.base_url = base_url
    own = openai.DefaultHttpxClient(transport=transport, verify=verify, trust_env=False)
    more = {"admin_api_key": ADMIN_KEY} if "admin_api_key" in inspect.signature(openai.OpenAI).parameters else {}
    return openai.OpenAI(**sdk_options(At, http_client=own, **more))


METHODS = methods(client_of("http://localhost/v1"), SyncAPIResource)


@pytest.fixture(scope="module")
def without():
    """A client that keeps what it would have sent."""
    sent = []

    def keep(request):
        body = request.read()
        target = request.url.raw_path.decode()
        sent.append(told(request.method, target, request.headers.multi_items(), body))
        return http.Response(200, json={})

    return client_of("http://localhost/v1", http.MockTransport(keep)), sent


@pytest.fixture(scope="module")
def through(_shared_plain):
    client = client_of(_shared_plain.base_url)
    yield client
    client.close()


@pytest.mark.parametrize("everything", [False, True], ids=["needed", "all"])
@pytest.mark.parametrize("path", METHODS)
def test_a_call_reaches_the_provider_as_it_would_without(plain, upstream, without, through, path, everything):
    client, sent = without
    sent.clear()
    call(client, path, everything)
    upstream.reply(json_answer({"object": "list", "data": [], "choices": []}))
    answer = call(through, path, everything)
    assert answer.http_response.status_code == 200
    if path == "models.list":  # Remora's own answer, made of all providers' lists, which it keeps.
        return
    got = upstream.last
    assert [told(got.method, got.target, got.headers, got.body)] == sent
    assert got.complete and "sk-caller" not in got.head.decode("latin-1")


def test_the_surface_is_found():
    """As many as SDK's own tests of its API have, and more."""
    assert len(METHODS) > 200
    for path in ("batches.cancel", "files.create", "chat.completions.create", "chat.completions.messages.list",
                 "responses.cancel", "fine_tuning.jobs.pause", "evals.runs.cancel", "uploads.parts.create"):
        assert path in METHODS
