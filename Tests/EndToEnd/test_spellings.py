"""Other spellings of the paths that are served here: refused, so that nothing goes around what is done for them."""

from __future__ import annotations

import pytest
from wire import json_answer, post_json, request

pytestmark = pytest.mark.proxy

CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
SERVED = [
    "/chat/completions", "/completions", "/embeddings", "/responses", "/messages", "/messages/count_tokens",
    "/responses/input_tokens",
]


def spellings(path: str) -> list[str]:
    escaped = f"/%{ord(path[1]):02X}{path[2:]}"
    return [
        f"/v1{path}/", f"{path}/", f"/v1{path}//", f"//v1{path}", f"/v1/{path}", f"/{path}", f"/v1%2F{path[1:]}",
        f"/v1{path}%2f", f"/v1{escaped}", f"/v1{path};x=1", f"/v1;x{path}", f"/v1{path.upper()}", f"/V1{path}",
        f"/v1/v1{path}", f"/v1{path}%20", f"/v1{path}.", f"/v1{path}%3F", f"/v1{path}%252F", f"/v1{path}/?a=b",
        f"/v1{path}%5C", f"http://localhost/v1/{path}", f"http://localhost{path}/",
    ]


@pytest.mark.parametrize("path", SERVED)
def test_other_spellings_are_refused_with_a_hint(plain, upstream, path):
    for target in spellings(path):
        got = plain.ask(post_json(target, CHAT))
        told = (got.status, got.error["type"], got.error.get("code"))
        # Where it begins as Anthropic's API does, the error is one of theirs, which has no code.
        assert told in [(404, "invalid_request_error", "not_found"), (404, "not_found_error", None)], target
        assert told[2] == "not_found" or "/messages" in path
        assert f"/v1{path}" in got.error["message"], target
        assert got.get("x-should-retry") == "false" and got.get("x-request-id")
    assert upstream.requests == []


@pytest.mark.parametrize("target", ["/v1/./chat/completions", "/v1/x/../chat/completions", "/v1/%2E/chat/completions"])
def test_dot_segments_stay_refused(plain, upstream, target):
    got = plain.ask(post_json(target, CHAT))
    assert (got.status, got.error["code"]) == (400, "bad_request_target")
    assert upstream.requests == []


def test_the_list_of_models_has_one_spelling(plain, upstream):
    for target in ("/v1/models/", "/v1//models", "/v1/%6Dodels", "/v1/models%2F"):
        assert plain.ask(request("GET", target)).status == 404, target
    assert upstream.requests == []


@pytest.mark.parametrize(
    "target",
    [
        "/v1/files/a%2Fb/content", "/v1/files/", "/v1//files", "/v1/models/org%2Fname", "/v1/models/org/name",
        "/v1/chat/completions/chatcmpl-1", "/v1/responses/resp_1", "/v1/threads/t/messages",
        "/v1/files/chat%252Fcompletions",
    ],
)
def test_other_paths_keep_theirs(plain, upstream, target):
    upstream.reply(json_answer({}))
    assert plain.ask(request("GET", target)).status == 200
    assert upstream.last.target == target
