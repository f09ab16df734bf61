"""What goes in comes out: every byte that Remora has no business changing arrives as sent, both ways."""

from __future__ import annotations

import hashlib
import json
import threading

import pytest

from openai_server import IDENTITY
from remora import SECRET
from upstream import CLOSE, Gate, UNREAD
from wire import Broken, answer, json_answer, post_json, request

pytestmark = pytest.mark.proxy

MEBIBYTE = 1 << 20

# Bodies that a parse and a re-encoding would change: each must reach the provider as it stands.
ODD_BODIES = {
    "order": b'{ "messages":[ {"role":"user" ,"x":"y"}],\r\n\t"zeta":1,"alpha":2, "model" : "gpt-4o" }',
    "numbers": b'{"model":"gpt-4o","seed":9007199254740993,"x":1e400,"z":1.10,"w":1234567890123456789}',
    "escapes": b'{"model":"gpt-4o","a":"\\u00e9\\/\\ud83d\\ude00\\b","\\u006b":"\xc3\xa9\xf0\x9f\x90\x9f"}',
    "lone surrogate": b'{"model":"gpt-4o","a":"\\ud800","b":"\\udc00\\ud800"}',
    "unknown": b'{"model":"gpt-4o","reasoning_content":null,"cache_control":{"type":"x"},"x":[[],{},[{}]]}',
    "nested model": b'{"store":true,"metadata":{"model":"alias","stream":true},"model":"gpt-4o","x":[{"model":"alias"}]}',
    "escaped model key": b'{"mod\\u0065l":"gpt-4o","messages":[]}',
    "empty list": b'{"model":"gpt-4o","messages":[]}',
    "trailing space": b'{"model":"gpt-4o","messages":[]}  \n\n',
}


@pytest.mark.parametrize("name", ODD_BODIES)
@pytest.mark.parametrize("target", ["/v1/chat/completions", "/v1/embeddings"])
def test_request_body_is_unchanged(plain, upstream, name, target):
    upstream.reply(json_answer({"object": "list", "data": []}))
    body = ODD_BODIES[name]
    assert plain.ask(post_json(target, body)).status == 200
    assert upstream.last.body == body
    assert upstream.last.get("content-length") == str(len(body))


@pytest.mark.parametrize("name", ["order", "numbers", "escapes", "nested model", "trailing space"])
def test_rename_is_a_splice(plain, upstream, name):
    """Only the model's own bytes differ, and only at the top level."""
    upstream.reply(json_answer({}))
    body = ODD_BODIES[name]
    asked = body.replace(b'"gpt-4o"', b'"alias"')
    assert asked != body
    assert plain.ask(post_json("/v1/chat/completions", asked)).status == 200
    assert upstream.last.body == body


def test_pinned_model_loses_its_provider(plain, upstream):
    upstream.reply(json_answer({}))
    plain.ask(post_json("/v1/chat/completions", b'{"model":"gateway/org/model-x","messages":[]}'))
    assert upstream.last.body == b'{"model":"org/model-x","messages":[]}'


def test_body_split_into_single_bytes(plain, upstream):
    """The same request, one byte at a time and in chunks of one byte, is the same request."""
    body = b'{"model":"alias","n":9007199254740993,"messages":[]}'
    expected = body.replace(b'"alias"', b'"gpt-4o"')
    upstream.reply(json_answer({}))
    with plain.connect() as client:
        for byte in post_json("/v1/chat/completions", body):
            client.send(bytes([byte]))
        assert client.response().status == 200
        assert upstream.last.body == expected
        upstream.reply(json_answer({}))
        headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
        chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
        client.send(request("POST", "/v1/chat/completions", headers, chunks))
        assert client.response().status == 200
        assert upstream.last.body == expected


ODD_ANSWERS = {
    "json": b'{ "z":1, "a":9007199254740993 ,"u":"\\u00e9\\/","object":"chat.completion", "choices":[{"index":0,"message":'
            b'{"role":"assistant","content":"a"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1} }\n',
    "no usage": b'{"choices":[]}',
    "not json": b"<html>fine</html>",
    "empty": b"",
    "binary": bytes(range(256)),
}


@pytest.mark.parametrize("name", ODD_ANSWERS)
def test_response_body_is_unchanged(plain, upstream, name):
    headers = {
        "Content-Type": "application/json" if name == "json" else "application/octet-stream",
        **IDENTITY,
    }
    upstream.reply(answer(200, headers, ODD_ANSWERS[name]))
    got = plain.ask(request("GET", "/v1/files/any"))
    assert (got.status, got.body, got.complete) == (200, ODD_ANSWERS[name], True)


def test_chat_answer_is_unchanged(plain, upstream):
    upstream.reply(json_answer(ODD_ANSWERS["json"]))
    got = plain.ask(post_json("/v1/chat/completions", {"model": "gpt-4o", "messages": []}))
    assert got.body == ODD_ANSWERS["json"]


def test_chat_answer_gains_only_metadata(remora, upstream):
    """With `response_metadata: body` a member is spliced in; every other byte stays."""
    upstream.reply(json_answer(ODD_ANSWERS["json"]))
    got = remora.ask(post_json("/v1/chat/completions", {"model": "gpt-4o", "messages": []}))
    added = got.json()["x_remora"]
    assert added["provider"] == "gateway" and added["attempts"] == 1
    for piece in (b'"z":1, "a":9007199254740993 ,', b'"\\u00e9\\/"'):
        assert piece in got.body
    assert int(got.get("content-length") or len(got.body)) == len(got.body)


# Fields.


def test_request_fields(plain, upstream):
    """What ends at Remora ends there; what is the provider's gets there."""
    body = b'{"model":"gpt-4o","messages":[]}'
    upstream.reply(json_answer({}))
    head = (
        b"POST /v1/chat/completions?api-version=1&x=%20y HTTP/1.1\r\nhOsT: localhost:1\r\n"
        b"Content-Type: application/json; charset=utf-8\r\nContent-Length: 32\r\n"
        b"Authorization: Bearer caller\r\napi-key: caller\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\n"
        b"Keep-Alive: timeout=5\r\nProxy-Authorization: Basic Zm9v\r\nProxy-Connection: keep-alive\r\n"
        b"TE: trailers\r\nCookie: session=1\r\nX-Forwarded-For: 10.0.0.1\r\nVia: 1.1 pod\r\n"
        b"OpenAI-Beta: assistants=v2\r\nX-Custom: a\xe9b\r\nX-Custom: second\r\nIdempotency-Key: k\r\n"
        b"User-Agent: tests/1\r\nx-request-id: mine\r\n\r\n"
    )
    assert len(body) == 32
    assert plain.ask(head + body).status == 200
    got = upstream.last
    assert got.target == "/v1/chat/completions?api-version=1&x=%20y"
    assert got.all("host") == [f"localhost:{upstream.port}"]
    assert got.all("authorization") == [f"Bearer {SECRET}"]
    assert got.get("content-type") == "application/json; charset=utf-8"
    assert got.get("openai-beta") == "assistants=v2"
    assert got.all("x-custom") == ["a\xe9b", "second"]
    assert got.get("idempotency-key") == "k"
    assert got.get("user-agent") == "tests/1"
    gone = {
        "x-hop",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "cookie",
        "x-forwarded-for",
        "via",
    }
    assert not gone & got.names
    assert b"caller" not in got.head


def test_response_fields(plain, upstream):
    upstream.reply(
        b"HTTP/1.1 201 Made It\r\nContent-Length: 2\r\nConnection: keep-alive, X-Int\r\nX-Int: 1\r\n"
        b"Keep-Alive: timeout=5\r\nX-RateLimit-Remaining-Tokens: 9\r\nopenai-organization: org\r\n"
        b"retry-after-ms: 12\r\ntraceresponse: 00-0-0-01\r\nSet-Two: a\r\nSet-Two: b\r\nX-Bytes: \xe9\r\n"
        b"Date: Mon, 01 Jan 2024 00:00:00 GMT\r\nServer: upstream\r\nContent-Type: text/plain\r\n\r\nok"
    )
    got = plain.ask(request("GET", "/v1/batches"))
    assert (got.status, got.body) == (201, b"ok")
    names = {name.lower() for name, _ in got.headers}
    assert not {"x-int", "keep-alive", "traceresponse"} & names
    assert got.get("x-ratelimit-remaining-tokens") == "9"
    assert got.get("openai-organization") == "org"
    assert got.get("retry-after-ms") == "12"
    assert got.all("set-two") == ["a", "b"]
    assert got.get("x-bytes") == "\xe9"
    assert got.get("date") == "Mon, 01 Jan 2024 00:00:00 GMT"
    assert got.get("server") == "upstream"
    assert got.get("content-type") == "text/plain"


@pytest.mark.parametrize("target", ["/v1/files/any", "/v1/chat/completions"])
def test_accept_encoding(plain, upstream, target):
    """Where the answer must be read, no coding is asked for; elsewhere it is the client's wish."""
    upstream.reply(json_answer({}))
    if target.endswith("completions"):
        sent = post_json(target, {"model": "gpt-4o", "messages": []}, {"Accept-Encoding": "gzip, br"})
        assert plain.ask(sent).status == 200
        assert upstream.last.get("accept-encoding") in (None, "identity")
    else:
        assert plain.ask(request("GET", target, {"Accept-Encoding": "gzip, br"})).status == 200
        assert upstream.last.get("accept-encoding") == "gzip, br"


def test_own_headers_go_upstream(start_remora, upstream):
    proxy = start_remora(upstream, provider={"headers": {"x-team": "payments"}, "organization": "org-1"})
    proxy.ask(request("GET", "/v1/files/any", {"x-team": "mine"}))
    assert upstream.last.all("x-team") == ["payments"]
    assert upstream.last.get("openai-organization") == "org-1"


def test_target_keeps_its_prefix(start_remora, upstream):
    """`base_url` may hold any prefix; it takes the place of `/v1`."""
    proxy = start_remora(upstream, provider={"base_url": f"{upstream.origin}/openai/deployments/v2"})
    for target in ("/v1/chat/completions?a=1", "/chat/completions?a=1"):
        proxy.ask(post_json(target, {"model": "gpt-4o", "messages": []}))
        assert upstream.last.target == "/openai/deployments/v2/chat/completions?a=1"


# Framing.


def test_head(plain, upstream):
    with plain.connect() as client:
        got = client.ask(request("HEAD", "/v1/echo"))
        assert (got.status, got.get("content-length")) == (200, "1234")
        assert upstream.last.method == "HEAD"
        assert client.ask(request("GET", "/v1/echo")).json()["method"] == "GET"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_methods(plain, method):
    body = b"x" if method in ("POST", "PUT", "PATCH") else None
    got = plain.ask(request(method, "/v1/echo/a/b?c=d", {}, body)).json()
    assert (got["method"], got["target"], got["length"]) == (method, "/v1/echo/a/b?c=d", len(body or b""))


def test_get_with_body(plain):
    assert plain.ask(request("GET", "/v1/echo", {}, b"seven b")).json()["length"] == 7


def test_expect_continue(plain, upstream):
    with plain.connect() as client:
        head, body = post_json("/v1/echo", b"{}", {"Expect": "100-continue"}).split(b"\r\n\r\n")
        client.send(head + b"\r\n\r\n")
        assert client.head().status == 100
        client.send(body)
        assert client.response().json()["length"] == 2
    assert "expect" not in upstream.last.names


def test_http_1_0(plain):
    with plain.connect() as client:
        client.send(b"GET /v1/echo HTTP/1.0\r\n\r\n")
        got = client.response()
        assert got.status == 200 and got.json()["target"] == "/v1/echo"
        assert got.get("transfer-encoding") is None
        assert client.closed()


def test_http_1_0_gets_a_stream_without_chunks(plain):
    body = b'{"model":"gpt-4o","messages":[],"stream":true}'
    with plain.connect() as client:
        client.send(b"POST /v1/chat/completions HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        got = client.response()
    assert got.get("transfer-encoding") is None
    assert got.body.endswith(b"data: [DONE]\n\n")


def test_pipelining(plain, upstream):
    """Answers come in the order asked, though the second provider answer would be ready first."""
    gate = Gate()
    upstream.reply(gate, answer(200, {}, b"first"), when=lambda each: each.target.endswith("first"))
    with plain.connect() as client:
        second, third = request("POST", "/v1/echo", {}, b"12345"), request("GET", "/v1/echo/3")
        client.send(request("GET", "/v1/files/first") + second + third)
        upstream.wait_requests(1)
        gate.open()
        assert client.response().body == b"first"
        assert client.response().json()["length"] == 5
        assert client.response().json()["target"] == "/v1/echo/3"


def test_keep_alive_and_close(plain):
    with plain.connect() as client:
        for _ in range(3):
            assert client.ask(request("GET", "/v1/echo")).status == 200
        assert client.ask(request("GET", "/v1/echo", {"Connection": "close"})).get("connection") == "close"
        assert client.closed()


@pytest.mark.parametrize("wants", [True, False])
def test_response_trailers(plain, upstream, wants):
    upstream.reply(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n"
        b"2\r\nok\r\n0\r\nx-sum: 7\r\nContent-Length: 9\r\n\r\n"
    )
    headers = {"TE": "trailers", "Connection": "TE"} if wants else {}
    got = plain.ask(request("GET", "/v1/files/any", headers))
    assert (got.body, got.complete) == (b"ok", True)
    assert [name for name, _ in got.trailers] in ([["x-sum"], []] if wants else [[]])


def test_trailers_take_no_name_of_ours(plain, upstream):
    upstream.reply(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\nok\r\n0\r\nX-Request-Id: theirs\r\nx-remora-provider: them\r\nx-sum: 7\r\n\r\n"
    )
    got = plain.ask(request("GET", "/v1/files/any", {"TE": "trailers", "Connection": "TE"}))
    assert (got.body, got.complete) == (b"ok", True)
    assert got.trailers == [("x-remora-upstream-request-id", "theirs"), ("x-sum", "7")]


@pytest.mark.parametrize("odd", ["_", ".", "~"])
def test_names_that_a_lax_server_takes_for_others_stay_here(plain, upstream, odd):
    """CGI and what came of it reads `Content_Length` as Content-Length."""
    names = [
        "Transfer-Encoding", "Content-Length", "X-Forwarded-For", "X-Api-Key", "Api-Key", "X-Goog-Api-Key",
        "Proxy-Authorization", "Accept-Encoding", "OpenAI-Organization", "X-Request-Id", "X-Remora-Key", "Keep-Alive",
    ]
    upstream.reply(json_answer({}))
    headers = {name.replace("-", odd): "1" for name in names} | {"x_team": "a", "X.Y": "b"}
    assert plain.ask(request("GET", "/v1/files/any", headers)).status == 200
    got = {name.lower() for name, _ in upstream.last.headers}
    assert not got & {name.replace("-", odd).lower() for name in names}
    assert {"x_team", "x.y"} <= got


def test_the_operators_headers_have_no_lookalikes(start_remora, upstream):
    proxy = start_remora(upstream, {"providers": {"gateway": {"headers": {"x-team-id": "payments"}}}})
    upstream.reply(json_answer({}))
    headers = {"X_Team-Id": "admins", "x-team_id": "admins", "X-Team-Ids": "kept"}
    assert proxy.ask(request("GET", "/v1/files/any", headers)).status == 200
    teams = [(name.lower(), value) for name, value in upstream.last.headers if "team" in name.lower()]
    assert sorted(teams) == [("x-team-id", "payments"), ("x-team-ids", "kept")]


def test_request_trailers_are_dropped(plain, upstream):
    body = b"2\r\n{}\r\n0\r\nX-T: 1\r\nContent-Length: 3\r\n\r\n"
    with plain.connect() as client:
        got = client.ask(request("POST", "/v1/echo", {"Transfer-Encoding": "chunked"}, body))
        assert got.json()["length"] == 2
        assert client.ask(request("GET", "/v1/echo")).status == 200
    assert b"X-T" not in upstream.requests[0].head + upstream.requests[0].raw_body


def test_body_ended_by_close(plain, upstream):
    upstream.reply(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nall of it", CLOSE)
    got = plain.ask(request("GET", "/v1/files/any"))
    assert (got.body, got.complete) == (b"all of it", True)


# Size.


def test_large_upload(plain, upstream):
    """30 MB go through as they come, in memory that does not grow with them."""
    block = b"remora!\n" * (MEBIBYTE // 8)
    digest = hashlib.sha256(block * 30).hexdigest()
    plain.ask(request("POST", "/v1/echo", {}, block))
    before = plain.resident()
    with plain.connect(timeout=30) as client:
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(30 * MEBIBYTE)}
        client.send(request("POST", "/v1/echo", headers))
        for _ in range(30):
            client.send(block)
        got = client.response().json()
    assert (got["length"], got["sha256"]) == (30 * MEBIBYTE, digest)
    assert plain.resident() - before < 4 * MEBIBYTE


def test_large_chunked_upload(plain):
    block = b"remora!\n" * (MEBIBYTE // 8)
    with plain.connect(timeout=30) as client:
        client.send(request("POST", "/v1/echo", {"Transfer-Encoding": "chunked"}))
        for _ in range(10):
            client.send(b"%x\r\n%s\r\n" % (len(block), block))
        client.send(b"0\r\n\r\n")
        assert client.response().json()["sha256"] == hashlib.sha256(block * 10).hexdigest()


def test_large_download_to_a_slow_reader(plain):
    """A reader that stops holds the provider back, and costs no more than a window."""
    plain.ask(request("GET", "/v1/files/1/content"))
    before = plain.resident()
    with plain.connect(timeout=30) as client:
        client.send(request("GET", "/v1/files/30/content"))
        got = client.head()
        first = client.chunk(got)
        # The provider has filled every buffer between by the time another client's answers went through.
        for _ in range(20):
            plain.ask(request("GET", "/v1/echo"))
        assert plain.resident() - before < 4 * MEBIBYTE
        total, digest = len(first), hashlib.sha256(first)
        while (data := client.chunk(got)) is not None:
            total += len(data)
            digest.update(data)
    assert total == 30 * MEBIBYTE
    assert digest.hexdigest() == hashlib.sha256(b"\0remora\xff" * (30 * MEBIBYTE // 8)).hexdigest()
    assert plain.resident() - before < 4 * MEBIBYTE


def test_large_json_request(plain, upstream):
    """A prompt of 8 MB is read for its model and goes on as it is."""
    body = json.dumps(
        {"messages": [{"role": "user", "content": "x" * (8 * MEBIBYTE)}], "model": "gpt-4o"}
    ).encode()
    # The provider keeps no body of that size, so it can't answer from it.
    upstream.reply(json_answer({"object": "chat.completion", "choices": []}))
    with plain.connect(timeout=30) as client:
        assert client.ask(post_json("/v1/chat/completions", body)).status == 200
    assert (upstream.last.length, upstream.last.sha256) == (len(body), hashlib.sha256(body).hexdigest())


def test_early_answer_ends_an_upload(plain, upstream):
    """The provider refuses before it has the body: the client gets that answer, not a broken pipe."""
    refusal = json_answer({"error": {"message": "too large", "type": "x", "param": None, "code": None}}, 413)
    upstream.reply(UNREAD, refusal.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1), CLOSE)
    with plain.connect(timeout=30) as client:
        client.send(request("POST", "/v1/echo", {"Content-Length": str(64 * MEBIBYTE)}))
        sender = threading.Thread(target=client.send_quietly, args=(b"x" * (8 * MEBIBYTE),), daemon=True)
        sender.start()
        assert client.head().status == 413
        sender.join(5)


def test_concurrent_requests_keep_apart(plain):
    """Many connections at once, each with its own body: no answer goes astray."""
    failures: list[str] = []

    def one(number: int) -> None:
        try:
            with plain.connect(timeout=30) as client:
                for round in range(10):
                    body = f"{number}/{round} ".encode() * (number * 50 + 1)
                    got = client.ask(request("POST", f"/v1/echo/{number}", {}, body)).json()
                    if (
                        got["sha256"] != hashlib.sha256(body).hexdigest()
                        or got["target"] != f"/v1/echo/{number}"
                    ):
                        failures.append(f"{number}/{round}")
        except (OSError, Broken, KeyError) as error:
            failures.append(f"{number}: {error!r}")

    threads = [threading.Thread(target=one, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(40)
    assert failures == []
