"""Every method of the `anthropic` SDK, through Remora before Anthropic: as `test_sdk_surface`, in the other format."""

from __future__ import annotations

import anthropic
import pytest
from anthropic._resource import SyncAPIResource
from conftest import http
from remora import default_config
from surface import call, methods, told
from wire import json_answer

pytestmark = pytest.mark.proxy


def client_of(origin: str, transport=None) -> anthropic.Anthropic:
    own = anthropic.DefaultHttpxClient(transport=transport, trust_env=False)
    return anthropic.Anthropic(base_url=origin, api_key="sk-caller", max_retries=0, timeout=10.0, http_client=own)


METHODS = methods(client_of("http://localhost"), SyncAPIResource)
CALLS = [each for each in METHODS if not each.startswith("beta.organization") and not each.endswith("batches.results")]
"""Those of organizations are there twice; results are fetched from an address that another answer says."""


@pytest.fixture(scope="module")
def without():
    """A client that keeps what it would have sent."""
    sent = []

    def keep(request):
        sent.append(told(request.method, request.url.raw_path.decode(), request.headers.multi_items(), request.read()))
        return http.Response(200, json={})

    return client_of("http://localhost", http.MockTransport(keep)), sent


@pytest.fixture(scope="module")
def proxy(_shared_upstream, authority, tmp_path_factory):
    from remora import Remora

    directory = tmp_path_factory.mktemp("anthropic")
    config = default_config(directory, _shared_upstream, authority.ca_file)
    config["providers"]["gateway"] |= {"kind": "anthropic", "base_url": _shared_upstream.origin}
    made = Remora(directory, {**config, "response_metadata": "headers"})
    yield made
    made.stop()


@pytest.fixture(scope="module")
def through(proxy):
    client = client_of(proxy.origin)
    yield client
    client.close()


@pytest.mark.parametrize("everything", [False, True], ids=["needed", "all"])
@pytest.mark.parametrize("path", CALLS)
def test_a_call_reaches_the_provider_as_it_would_without(proxy, upstream, without, through, path, everything):
    proxy.mark_log()
    client, sent = without
    sent.clear()
    call(client, path, everything)
    upstream.reply(json_answer({"data": [{"type": "model", "id": "gpt-4o", "display_name": "a", "created_at": "2026-01-01T00:00:00Z"}]}))
    answer = call(through, path, everything)
    assert answer.http_response.status_code == 200
    if "models." in path:  # Remora's own answers, made of all providers' lists, which it keeps.
        return
    got = upstream.last
    assert [told(got.method, got.target, got.headers, got.body)] == sent
    assert got.complete and "sk-caller" not in got.head.decode("latin-1")
    proxy.check_alive()


def test_the_surface_is_found():
    assert len(METHODS) > 200
    for path in ("messages.create", "messages.count_tokens", "messages.batches.results", "files.upload", "beta.skills.create",
                 "beta.messages.parse", "models.retrieve"):
        assert path in METHODS
