"""Errors as an application meets them: the SDK's exception classes, with a message that says what to do.

One row of the contract's error table after the other, then what providers answer.
"""

from __future__ import annotations

import json
import socket
import time

import openai
import pytest

from openai_server import failure
from remora import CALLER_KEY, PROMPT, SECRET, SLOWER, free_port
from upstream import CLOSE, CUT, RESET, STALL
from wire import answer, json_answer, post_json, request

CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": PROMPT}]}
proxy_only = pytest.mark.proxy


def raised(
    call, kind: type[openai.APIError], status: int, type: str, code: str | None
) -> openai.APIStatusError:
    """Runs `call`, which must fail in exactly this way; the message names no secret."""
    with pytest.raises(kind) as caught:
        call()
    error = caught.value
    assert isinstance(error, openai.APIStatusError)
    assert (error.status_code, error.type, error.code) == (status, type, code), error.response.text
    assert set(error.body) >= {"message", "type", "param", "code"}
    assert SECRET not in error.response.text and CALLER_KEY not in error.response.text
    assert len(error.body["message"]) > 10
    return error


def attempts(upstream, call) -> int:
    """How many requests the SDK, left to its own retries, makes the provider see."""
    with pytest.raises(openai.APIError):
        call()
    return len(upstream.requests)


# 400


BAD_JSON = {
    "cut short": (b'{"model":"gpt-4o","messages":[', 30),
    "trailing comma": (b'{"model":"gpt-4o",}', 18),
    "not JSON": (b"hello", 0),
    "empty": (b"", 0),
    "two values": (b'{"model":"gpt-4o"} {}', 19),
    "bare control byte": (b'{"model":"gpt\n4o"}', 13),
    "bad escape": (b'{"model":"\\x"}', 11),
    "leading zero": (b'{"model":"gpt-4o","n":01}', 23),
}


@proxy_only
@pytest.mark.parametrize("name", BAD_JSON)
def test_invalid_json(sdk, plain, upstream, name):
    """The byte offset is in the message, and nothing reaches the provider."""
    body, offset = BAD_JSON[name]
    client = sdk(plain)

    def call():
        headers = {"Content-Type": "application/json"}
        client.post("/chat/completions", cast_to=object, content=body, options={"headers": headers})

    error = raised(call, openai.BadRequestError, 400, "invalid_request_error", "invalid_json")
    digits = [int(word) for word in "".join(c if c.isdigit() else " " for c in error.body["message"]).split()]
    assert any(abs(each - offset) <= 1 for each in digits), f"{error.body['message']} lacks offset {offset}"
    assert error.response.headers.get("x-remora-error-source") == "remora"
    assert error.response.headers.get("x-should-retry") == "false"
    assert upstream.requests == []


@proxy_only
@pytest.mark.parametrize(
    "body",
    [
        {"model": 7, "messages": []},
        {"model": None, "messages": []},
        {"model": "gpt-4o", "stream": "yes", "messages": []},
        {"model": "gpt-4o", "stream": True, "stream_options": 3, "messages": []},
        [],
        "text",
        {"model": "", "messages": []},
    ],
    ids=json.dumps,
)
def test_wrong_types(plain, upstream, body):
    got = plain.ask(post_json("/v1/chat/completions", body))
    assert got.status == 400
    assert got.error["type"] == "invalid_request_error"
    assert got.error["code"] in ("invalid_value", "invalid_json")
    assert upstream.requests == []


@proxy_only
def test_model_name_of_a_page(plain, upstream):
    """A name goes into headers and logs: what can't be one is refused, not cut."""
    got = plain.ask(post_json("/v1/chat/completions", {"model": "x" * 2000, "messages": []}))
    assert (got.status, got.error["param"], got.error["code"]) == (400, "model", "invalid_value")
    assert upstream.requests == []


@proxy_only
@pytest.mark.parametrize("depth", [1000, 100_000])
def test_deep_json(plain, depth):
    """Depth has a ceiling, far above what an application sends; whichever way, the process lives."""
    body = b'{"model":"gpt-4o","messages":' + b"[" * depth + b"]" * depth + b"}"
    got = plain.ask(post_json("/v1/chat/completions", body))
    assert got.status in (200, 400)
    if depth == 100_000:
        assert got.status == 400
    plain.check_alive()


# 404


@proxy_only
def test_model_not_found(sdk, start_remora, upstream):
    proxy = start_remora(upstream, {"default_provider": None})
    client = sdk(proxy)
    error = raised(
        lambda: client.chat.completions.create(model="nobody-has-this", messages=CHAT["messages"]),
        openai.NotFoundError,
        404,
        "invalid_request_error",
        "model_not_found",
    )
    assert error.param == "model"
    assert "nobody-has-this" in error.body["message"]
    assert error.response.headers.get("x-should-retry") == "false"
    assert upstream.requests == []


@proxy_only
def test_path_not_found(start_remora, upstream):
    """A path that names no model, and no default provider to take it."""
    proxy = start_remora(upstream, {"default_provider": None})
    got = proxy.ask(request("GET", "/v1/batches"))
    assert got.status == 404
    assert got.error["type"] == "invalid_request_error"
    assert got.error["code"] in ("not_found", "model_not_found")
    assert upstream.requests == []


@proxy_only
def test_metrics_are_not_on_the_proxy_listener(plain, upstream):
    for path in ("/metrics", "/readyz", "/quitquitquit"):
        upstream.requests.clear()
        got = plain.ask(request("GET", path))
        assert got.status == 404, path
        assert b"remora_" not in got.body
    assert plain.ask(request("GET", "/healthz")).body.strip() == b"ok"
    assert plain.admin("/v1/models").status == 404


# 413 and its like: test_http1.py holds the other limits of the head.


@proxy_only
def test_body_over_the_limit(sdk, start_remora, upstream):
    proxy = start_remora(upstream, {"max_body": "64KiB"})
    client = sdk(proxy)
    messages = [{"role": "user", "content": "x" * 100_000}]
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="gpt-4o", messages=messages)
    assert caught.value.status_code == 413
    assert caught.value.type == "invalid_request_error"
    assert "max_body" in caught.value.body["message"] or "65536" in caught.value.body["message"]
    chunked = b"8000\r\n%s\r\n" % (b" " * 0x8000)
    head = {"Transfer-Encoding": "chunked", "Content-Type": "application/json"}
    with proxy.connect() as raw:
        raw.send_quietly(request("POST", "/v1/chat/completions", head, chunked * 3))
        assert raw.response().status == 413
    # What need not be read whole has no limit.
    assert proxy.ask(request("POST", "/v1/echo", {}, b"x" * 1_000_000)).status == 200
    assert len(upstream.requests) == 1


# 502: the provider cannot be reached, or what answers is no provider.


@proxy_only
def test_connection_refused(sdk, start_remora, upstream):
    port = free_port()
    proxy = start_remora(upstream, provider={"base_url": f"https://localhost:{port}/v1"})
    error = raised(
        lambda: sdk(proxy).chat.completions.create(**CHAT),
        openai.InternalServerError,
        502,
        "upstream_error",
        "upstream_connect",
    )
    assert f"localhost:{port}" in error.body["message"]
    assert error.response.headers.get("x-remora-error-source") == "network"


@proxy_only
def test_name_that_does_not_resolve(sdk, start_remora, upstream):
    proxy = start_remora(upstream, provider={"base_url": "https://no-such-host.invalid/v1"})
    error = raised(
        lambda: sdk(proxy).chat.completions.create(**CHAT),
        openai.InternalServerError,
        502,
        "upstream_error",
        "upstream_connect",
    )
    assert "no-such-host.invalid" in error.body["message"]


@proxy_only
def test_connect_timeout(sdk, start_remora, upstream):
    """A listener whose backlog is full leaves connection attempts unanswered, as a black hole does."""
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        port = hole.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        changes = {"base_url": f"https://127.0.0.1:{port}/v1", "timeouts": {"connect": "300ms"}}
        proxy = start_remora(upstream, provider=changes)
        started = time.monotonic()
        with pytest.raises(openai.InternalServerError) as caught:
            sdk(proxy).chat.completions.create(**CHAT)
        assert (caught.value.status_code, caught.value.code) in (
            (504, "upstream_timeout"),
            (502, "upstream_connect"),
        )
        assert 0.25 < time.monotonic() - started < 2 * SLOWER
        for filler in fillers:
            filler.close()


NOT_HTTP = {
    "closes": (CLOSE,),
    "closes without notify": (CUT,),
    "resets": (RESET,),
    "not HTTP": (b"+OK POP3 ready\r\n\r\n", STALL),
    "status of two digits": (b"HTTP/1.1 20 OK\r\n\r\n", STALL),
    "status out of range": (b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",),
    "two lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",),
    "bad length": (b"HTTP/1.1 200 OK\r\nContent-Length: 3x\r\n\r\nabc", STALL),
    "NUL in a field": (b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",),
    "endless head": (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000, STALL),
    "long field": (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\nContent-Length: 0\r\n\r\n",),
    "unasked upgrade": (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        STALL,
    ),
    "HTTP/2": (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", STALL),
    "short JSON": (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{",
        CLOSE,
    ),
}


@proxy_only
@pytest.mark.parametrize("name", NOT_HTTP)
def test_provider_breaks_the_protocol(sdk, plain, upstream, name):
    """On a fresh connection nothing is sent twice, and no half answer passes for a whole one."""
    # A pooled connection that breaks may be replaced once: every copy of the request meets the same end.
    for _ in range(2):
        upstream.reply(*NOT_HTTP[name])
    with pytest.raises((openai.InternalServerError, openai.APIConnectionError)) as caught:
        sdk(plain).chat.completions.create(**CHAT)
    if isinstance(caught.value, openai.InternalServerError):
        assert caught.value.status_code == 502
        assert caught.value.code in ("upstream_protocol", "upstream_connect")
        assert caught.value.type == "upstream_error"
    else:
        assert name == "short JSON", "the answer was not begun, so the refusal could have been sent"
    upstream.reset()
    assert plain.ask(request("GET", "/v1/echo")).status == 200


@proxy_only
def test_fresh_connection_is_not_retried(start_remora, start_upstream):
    """A POST that reached the provider is not sent again."""
    server = start_upstream()
    proxy = start_remora(server)
    server.reply(CLOSE)
    got = proxy.ask(post_json("/v1/chat/completions", CHAT))
    assert (got.status, got.error["code"]) in ((502, "upstream_protocol"), (502, "upstream_connect"))
    assert len(server.requests) == 1


# 502 upstream_auth: the provider refuses Remora's key, and the application cannot mend that.


@proxy_only
@pytest.mark.parametrize("status", [401, 403])
def test_provider_refuses_the_key(sdk, plain, upstream, status):
    """The provider's text may quote a part of the key, so it is not passed on."""
    leak = json_answer(
        {"error": {"message": f"Incorrect API key provided: {SECRET}", "type": "x", "code": "y"}}, status
    )
    upstream.reply(leak)
    upstream.reply(leak)
    error = raised(
        lambda: sdk(plain).chat.completions.create(**CHAT),
        openai.InternalServerError,
        502,
        "upstream_error",
        "upstream_auth",
    )
    assert "gateway" in error.body["message"]
    assert error.response.headers.get("x-remora-error-source") == "upstream"
    assert error.response.headers.get("x-should-retry") == "false"


@proxy_only
def test_refused_key_is_not_tried_again_by_the_sdk(sdk, plain, upstream):
    patient = sdk(plain, max_retries=2)
    assert attempts(upstream, lambda: patient.chat.completions.create(**{**CHAT, "model": "error-401"})) == 1


@proxy_only
@pytest.mark.parametrize(
    ("status", "kind"), [(401, openai.AuthenticationError), (403, openai.PermissionDeniedError)]
)
def test_own_key_refused(sdk, start_remora, upstream, status, kind):
    """With `passthrough` the key is the caller's, and so is the refusal."""
    proxy = start_remora(upstream, provider={"api_key": "passthrough"})
    with pytest.raises(kind) as caught:
        sdk(proxy).chat.completions.create(**{**CHAT, "model": f"error-{status}"})
    assert caught.value.body["message"] == f"The provider says {status}"
    assert upstream.last.all("authorization") == [f"Bearer {CALLER_KEY}"]


# 504


@proxy_only
@pytest.mark.parametrize("stream", [False, True])
def test_first_byte_timeout(sdk, start_remora, upstream, stream):
    proxy = start_remora(upstream, provider={"timeouts": {"first_byte": "300ms"}})
    upstream.reply(STALL)
    error = raised(
        lambda: sdk(proxy).chat.completions.create(**CHAT, stream=stream),
        openai.InternalServerError,
        504,
        "upstream_error",
        "upstream_timeout",
    )
    assert "first_byte" in error.body["message"] or "300" in error.body["message"]
    assert upstream.last.connection.closed.wait(2)


@proxy_only
def test_idle_in_the_middle_of_an_answer(start_remora, upstream):
    proxy = start_remora(upstream, provider={"timeouts": {"idle": "300ms"}})
    upstream.reply(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nabc", STALL)
    got = proxy.ask(request("GET", "/v1/files/any"))
    assert not got.complete or got.status == 504


# What providers say.


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, openai.BadRequestError),
        (404, openai.NotFoundError),
        (409, openai.ConflictError),
        (413, openai.APIStatusError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (502, openai.InternalServerError),
        (503, openai.InternalServerError),
        (529, openai.InternalServerError),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_provider_error_passes(client, status, kind, stream):
    """Status, message and code are the provider's own."""
    error = raised(
        lambda: client.chat.completions.create(**{**CHAT, "model": f"error-{status}"}, stream=stream),
        kind,
        status,
        "provider_error",
        f"provider_{status}",
    )
    assert error.body["message"] == f"The provider says {status}"
    if status in (429, 503):
        assert error.response.headers["retry-after"] == "7"


@proxy_only
def test_provider_error_says_whose_it_is(client):
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(**{**CHAT, "model": "error-429"})
    headers = caught.value.response.headers
    assert headers.get("x-remora-provider") == "gateway"
    assert headers.get("x-request-id")


FOREIGN_SHAPES = {
    "plain text": (answer(500, {"Content-Type": "text/plain"}, b"it broke"), "it broke"),
    "HTML": (answer(503, {"Content-Type": "text/html"}, b"<html><h1>503</h1></html>"), None),
    "empty": (answer(500, {}, b""), None),
    "message": (json_answer({"message": "it broke"}, 400), "it broke"),
    "detail": (json_answer({"detail": "it broke"}, 422), "it broke"),
    "error text": (json_answer({"error": "it broke"}, 400), "it broke"),
    "list": (json_answer([{"error": {"message": "it broke", "code": 400}}], 400), "it broke"),
    "number as code": (json_answer({"error": {"message": "it broke", "code": 7}}, 400), "it broke"),
    "bad JSON": (answer(500, {"Content-Type": "application/json"}, b'{"error": {"mess'), None),
}


@proxy_only
@pytest.mark.parametrize("name", FOREIGN_SHAPES)
def test_other_shapes_of_error(sdk, plain, upstream, name):
    """Whatever the provider's shape, the SDK finds message, type, param and code."""
    reply, message = FOREIGN_SHAPES[name]
    upstream.reply(reply)
    with pytest.raises(openai.APIStatusError) as caught:
        sdk(plain).chat.completions.create(**CHAT)
    error = caught.value
    assert error.status_code == int(reply.split(b" ")[1])
    assert isinstance(error.body, dict) and set(error.body) >= {"message", "type", "param", "code"}
    assert isinstance(error.body["message"], str) and error.body["message"]
    if message is not None:
        assert message in error.body["message"]
    assert "<html>" not in error.body["message"]


@proxy_only
def test_redirect_is_not_followed(plain, upstream, start_upstream):
    """A key never goes to a host that is not the configured one."""
    elsewhere = start_upstream()
    upstream.reply(answer(307, {"Location": f"{elsewhere.base_url}/chat/completions"}))
    got = plain.ask(post_json("/v1/chat/completions", CHAT))
    assert got.status == 502 and got.get("location") is None
    assert elsewhere.connections == []


@proxy_only
def test_error_carries_the_callers_request_id(plain):
    got = plain.ask(post_json("/v1/chat/completions", b"{", {"x-request-id": "mine-1"}))
    assert (got.status, got.get("x-request-id")) == (400, "mine-1")


def test_failure_is_shaped_as_the_provider_would(client, upstream):
    """The SDK reads the provider's own error object, `param` included."""
    upstream.reply(
        failure(400, "Too long for this model", type="invalid_request_error", code="context_length_exceeded")
    )
    raised(
        lambda: client.chat.completions.create(**CHAT),
        openai.BadRequestError,
        400,
        "invalid_request_error",
        "context_length_exceeded",
    )
