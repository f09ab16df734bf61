"""Bodies of requests in every size and form: what is read, what is changed, and what goes by untouched."""

from __future__ import annotations

import copy
import json

import pytest

from wire import LAST_CHUNK, chunk, json_answer, post_json, request

pytestmark = pytest.mark.proxy

CHAT = "/v1/chat/completions"
DONE = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}]}

# Around a record of TLS, of which a body's window is one, and well beyond.
SIZES = [15_000, 16_384, 17_000, 34_000, 60_000, 300_000]


def user(*parts) -> dict:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": list(parts)}]}


def assistant(**more) -> dict:
    messages = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", **more}, {"role": "user", "content": "r"}]
    return {"model": "gpt-4o", "messages": messages}


LARGE = {
    "audio": lambda text: user({"type": "input_audio", "input_audio": {"data": text, "format": "wav"}}),
    "document": lambda text: user({"type": "file", "file": {"file_data": "data:application/pdf;base64," + text}}),
    "image": lambda text: user({"type": "image_url", "image_url": {"url": "data:image/png;base64," + text}}),
    "thinking": lambda text: assistant(reasoning_content=text),
    "part": lambda text: user({"type": "text", "text": "t", "unheard_of": text}),
    "member": lambda text: {**assistant(), "unheard_of": {"of": text}},
    "own": lambda text: {**assistant(), "customer_identifier": text},
    "member of a message": lambda text: assistant(unheard_of=text),
    "turns": lambda text: {"model": "gpt-4o", "messages": [{"role": "user", "content": text}] * 2},
}


@pytest.fixture(scope="module")
def strict(_shared_upstream, authority, tmp_path_factory):
    """A proxy with a provider of each kind that changes bodies, all of them the shared upstream."""
    from remora import Remora, default_config, merged

    directory = tmp_path_factory.mktemp("strict")
    config = default_config(directory, _shared_upstream, authority.ca_file)
    gateway = config["providers"]["gateway"]
    config = merged(config, {"providers": {kind: {**copy.deepcopy(gateway), "kind": kind} for kind in KINDS}})
    proxy = Remora(directory, {**config, "response_metadata": "headers"})
    yield proxy
    proxy.stop()


KINDS = ["mistral", "groq", "perplexity"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", LARGE)
def test_an_edit_of_any_size_goes_on(strict, upstream, kind, name):
    """Where an edit takes out more than the window, what comes behind it goes on by itself."""
    with strict.connect() as client:
        for size in SIZES:
            body = LARGE[name]("QUJD" * (size // 4))
            body["model"] = f"{kind}/gpt-4o"
            upstream.reply(json_answer(DONE))
            client.send(post_json(CHAT, body))
            got = client.response()
            if got.status == 400:  # What the provider can't take is said before anything goes.
                assert got.error["code"] == "unsupported_parameter", got.body[:300]
                upstream.reset()
                continue
            assert got.status == 200, (size, got.body[:300])
            assert upstream.last.json()["model"] == "gpt-4o"


# Bodies of nothing.

EMPTY = {
    "length": ({"Content-Length": "0"}, b""),
    "chunked": ({"Transfer-Encoding": "chunked"}, LAST_CHUNK),
}
BODILESS = [
    ("POST", "/v1/batches/b/cancel"), ("POST", "/v1/responses/r/cancel"), ("POST", "/v1/uploads/u/cancel"),
    ("POST", "/v1/fine_tuning/jobs/f/pause"), ("POST", "/v1/evals/e/runs/r"), ("DELETE", "/v1/files/f"),
    ("DELETE", "/v1/chat/completions/c"), ("PUT", "/v1/anything"), ("PATCH", "/v1/anything"), ("GET", "/v1/files"),
]


@pytest.mark.parametrize("expects", [False, True])
@pytest.mark.parametrize("form", EMPTY)
@pytest.mark.parametrize(("method", "path"), BODILESS)
def test_a_call_without_a_body_says_json_all_the_same(plain, upstream, method, path, form, expects):
    fields, body = EMPTY[form]
    fields = {"Content-Type": "application/json", **fields}
    if expects:
        fields["Expect"] = "100-continue"
    upstream.reply(json_answer({"id": "x"}))
    with plain.connect() as client:
        client.send(request(method, path, fields, body))
        got = client.response(method)
        if got.status == 100:
            got = client.response(method)
    assert (got.status, got.body) == (200, b'{"id": "x"}')
    assert (upstream.last.method, upstream.last.target, upstream.last.body) == (method, path, b"")
    assert upstream.last.complete


@pytest.mark.parametrize("form", EMPTY)
def test_a_served_endpoint_says_that_the_text_is_empty(plain, upstream, form):
    fields, body = EMPTY[form]
    got = plain.ask(request("POST", CHAT, {"Content-Type": "application/json", **fields}, body))
    assert (got.status, got.error["code"]) == (400, "invalid_json")
    assert not upstream.requests


# Outside of the served endpoints.

UNREAD = {
    "lines": ("application/jsonl", b'{"model":"broken"}\n{"model":"broken"}\n'),
    "sequence": ("application/json-seq", b'\x1e{"model":"broken"}\n'),
    "relaxed": ("application/json5", b"{model: 'broken'}"),
    "patch": ("application/json-patch+json", b'[{"op":"add"}]'),
    "null": ("application/json", b'{"model":null,"input":"x"}'),
    "number": ("application/json", b'{"model":7}'),
    "empty name": ("application/json", b'{"model":""}'),
    "long name": ("application/json", b'{"model":"%s"}' % (b"m" * 2000)),
    "NaN": ("application/json", b'{"score":NaN,"model":"broken"}'),
    "late NaN": ("application/json", b'{"model":"broken","text":"%s","score":NaN}' % (b"x" * 100_000)),
    "mark": ("application/json", b'\xef\xbb\xbf{"model":"broken"}'),
    "two models": ("application/json", b'{"model":"broken","model":"gpt-4o"}'),
    "wrong bytes": ("application/json", b'{"model":"broken","x":"\xff"}'),
    "cut": ("application/json; charset=utf-8", b'{"model":"broken","x":['),
    "list": ("application/json", b"[1,2]"),
    "word": ("application/json", b"null"),
    "blank": ("application/json", b" \n"),
    "two texts": ("application/json", b"{}{}"),
}


@pytest.mark.parametrize("framing", ["length", "chunked", "bytes"])
@pytest.mark.parametrize("name", UNREAD)
def test_what_cannot_be_read_goes_on_unread(plain, upstream, name, framing):
    """`broken` leads elsewhere, where a name is read."""
    kind, body = UNREAD[name]
    size = 1 if framing == "bytes" and len(body) < 5000 else 1000
    fields, sent = {"Content-Type": kind}, body
    if framing != "length":
        fields["Transfer-Encoding"] = "chunked"
        sent = b"".join(chunk(body[at:at + size]) for at in range(0, len(body), size)) + LAST_CHUNK
    upstream.reply(json_answer({"id": "x"}))
    got = plain.ask(request("POST", "/v1/files", fields, sent))
    assert (got.status, got.body) == (200, b'{"id": "x"}'), got.body[:300]
    assert upstream.last.body == body and upstream.last.complete
    assert got.get("x-remora-provider") == "gateway"


def test_a_name_is_read_whatever_else_there_is(plain, upstream):
    """What steers at a served endpoint has another meaning elsewhere."""
    upstream.reply(json_answer({"id": "x"}))
    got = plain.ask(post_json("/v1/audio/speech", b'{"model":"alias","stream":"yes","stream_options":7}'))
    assert (got.status, upstream.last.body) == (200, b'{"model":"gpt-4o","stream":"yes","stream_options":7}')


STORED = [
    ("GET", "/v1/chat/completions", None),
    ("GET", "/v1/chat/completions?limit=2&metadata[a]=b", None),
    ("HEAD", "/v1/chat/completions", None),
    ("GET", "/v1/chat/completions/c_1", None),
    ("POST", "/v1/chat/completions/c_1", b'{"metadata":{"a":"b"}}'),
    ("DELETE", "/v1/chat/completions/c_1", None),
    ("GET", "/v1/chat/completions/c_1/messages", None),
    ("GET", "/v1/responses/r_1/input_items", None),
]


@pytest.mark.parametrize(("method", "target", "body"), STORED)
def test_stored_completions_pass(plain, upstream, method, target, body):
    upstream.reply(json_answer(b'{"object":"list"}' if method != "HEAD" else b""))
    got = plain.ask(request(method, target, {"Content-Type": "application/json"} if body else {}, body))
    assert got.status == 200
    assert (upstream.last.method, upstream.last.target, upstream.last.body) == (method, target, body or b"")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_other_methods_at_a_served_endpoint_are_refused(plain, upstream, method):
    got = plain.ask(request(method, CHAT, {"Content-Type": "application/json"}, b"{}"))
    assert (got.status, got.error["code"]) == (405, "method_not_allowed")
    assert not upstream.requests


# Text that is none.

NOT_TEXT = {
    "lone": b"\xff", "overlong": b"\xc0\xaf", "surrogate": b"\xed\xa0\x80", "beyond": b"\xf4\x90\x80\x80",
    "cut": b"\xe2\x82", "begun": b"\x82\xac", "latin": "é".encode("latin-1"),
}
PLACES = {
    "model": b'{"model":"gpt-%s","messages":[]}',
    "key": b'{"model":"gpt-4o","%s":1,"messages":[]}',
    "text": b'{"model":"gpt-4o","messages":[{"role":"user","content":"a\\n%s"}]}',
    "long": b'{"model":"gpt-4o","messages":[{"role":"user","content":"' + b"x" * 400_000 + b'%s"}]}',
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", NOT_TEXT)
def test_what_is_no_utf8_is_refused_with_its_place(plain, upstream, name, place):
    before, _, behind = PLACES[place].partition(b"%s")
    body = before + NOT_TEXT[name] + behind
    with pytest.raises(UnicodeDecodeError) as wrong:
        body.decode()
    got = plain.ask(post_json(CHAT, body))
    assert (got.status, got.error["code"]) == (400, "invalid_json")
    said = int(got.error["message"].rpartition("byte ")[2].rstrip("."))
    # Python names where the character begins.
    assert wrong.value.start <= said <= wrong.value.start + 3
    assert not any(each.complete for each in upstream.requests)


def test_text_of_any_script_passes(plain, upstream):
    sent = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "naïve 日本語 🐟 " * 40_000}]},
                      ensure_ascii=False).encode()
    upstream.reply(json_answer(DONE))
    assert plain.ask(post_json(CHAT, sent)).status == 200
    assert upstream.last.body == sent
