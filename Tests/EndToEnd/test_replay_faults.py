"""Providers at their worst, in each format: cut streams, errors in the middle, broken frames, bodies of something else."""

from __future__ import annotations

import json

import pytest
from remora import PROMPT
from replay import answers, client
from replay.answers import Said
from replay.framing import aws_event, aws_exception, frame
from replay.serving import head, pieces
from test_replay_requests import MODELS
from upstream import CLOSE, CUT, RESET
from wire import LAST_CHUNK, chunk, post_json

pytestmark = pytest.mark.proxy

every_dialect = pytest.mark.parametrize("dialect", MODELS)
SAID = Said(text="One two three four", reasoning="Hm.")


def ask(replayer, dialect: str, *steps, streamed: bool = True):
    replayer.upstream.reply(*steps)
    body = {"model": MODELS[dialect], "messages": [{"role": "user", "content": PROMPT}], "stream": streamed}
    with replayer.proxy.connect() as peer:
        return peer.ask(post_json("/v1/chat/completions", body))


def failed(answer, *, text: str | None) -> dict:
    """The stream broke after `text`, and nobody can take it for whole."""
    reading = client.read(answer, "chat", True)
    assert reading.failure is not None, "the stream looks whole"
    assert b"[DONE]" not in answer.body
    if text is not None:
        assert reading.choice().text == text
    assert all(choice.finish is None for choice in reading.choices.values()), "a cut answer has a finish_reason"
    return json.loads(answer.body.split(b"data: ")[-1])["error"]


def before_the_end(dialect: str) -> list[bytes]:
    """The stream's events up to the last word."""
    events = answers.events_of(dialect, SAID)
    return events[: max(at for at, each in enumerate(events) if b"four" in each or b" fou" in each or b"our" in each) + 1]


ENDS = {"last chunk": (LAST_CHUNK,), "close": (CLOSE,), "cut": (CUT,), "reset": (RESET,)}


@every_dialect
@pytest.mark.parametrize("end", ENDS)
def test_a_stream_that_ends_before_its_end(replayer, dialect, end):
    events = before_the_end(dialect)
    answer = ask(replayer, dialect, answers.stream_head(dialect), *map(chunk, events), *ENDS[end])
    # After a reset the last bytes may be lost on their way.
    failed(answer, text=None if end == "reset" else SAID.text)
    assert not answer.complete, "the transfer coding says that all is well"


@every_dialect
def test_a_stream_that_ends_inside_an_event(replayer, dialect):
    whole = b"".join(answers.events_of(dialect, SAID))
    cut = whole[: whole.index(b"three") + 2] if b"three" in whole else whole[: len(whole) // 2]
    answer = ask(replayer, dialect, answers.stream_head(dialect), chunk(cut), LAST_CHUNK)
    failed(answer, text=None)


@every_dialect
def test_an_empty_stream(replayer, dialect):
    answer = ask(replayer, dialect, answers.stream_head(dialect), LAST_CHUNK)
    if answer.status == 200:
        failed(answer, text=None)
    else:
        assert answer.status == 502 and answer.error["code"]


def error_event(dialect: str, message: str) -> bytes:
    form = answers.format_of(dialect)
    if form == "anthropic":
        error = {"type": "error", "error": {"type": "overloaded_error", "message": message}}
        return f"event: error\ndata: {json.dumps(error)}\n\n".encode()
    if form == "gemini":
        error = {"error": {"code": 503, "message": message, "status": "UNAVAILABLE"}}
        return f"data: {json.dumps(error)}\n\n".encode()
    if form == "bedrock":
        return aws_exception("throttlingException", message)
    if form == "cohere":
        end = {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": message}}
        return f"event: message-end\ndata: {json.dumps(end)}\n\n".encode()
    return json.dumps({"error": message}).encode() + b"\n"


@every_dialect
def test_an_error_in_place_of_the_first_event(replayer, dialect):
    steps = (answers.stream_head(dialect), chunk(error_event(dialect, "Too busy.")), LAST_CHUNK)
    answer = ask(replayer, dialect, *steps)
    if answer.status == 200:
        assert "Too busy." in failed(answer, text=None)["message"]
    else:
        assert answer.status >= 500 or answer.status == 429
        assert "Too busy." in answer.error["message"]


@every_dialect
def test_an_error_after_some_words(replayer, dialect):
    events = before_the_end(dialect)
    steps = (answers.stream_head(dialect), *map(chunk, events), chunk(error_event(dialect, "Too busy.")), LAST_CHUNK)
    answer = ask(replayer, dialect, *steps)
    assert "Too busy." in failed(answer, text=SAID.text)["message"]


@every_dialect
def test_nothing_behind_an_error(replayer, dialect):
    """A provider that goes on after its own error isn't listened to."""
    rest = answers.events_of(dialect, SAID)
    steps = (answers.stream_head(dialect), chunk(error_event(dialect, "Too busy.")), *map(chunk, rest), LAST_CHUNK)
    answer = ask(replayer, dialect, *steps)
    if answer.status == 200:
        failed(answer, text="")


@every_dialect
def test_an_event_that_is_not_json(replayer, dialect):
    events = before_the_end(dialect)
    broken = {
        "bedrock": frame(
            {":event-type": "contentBlockDelta", ":content-type": "application/json", ":message-type": "event"}, b"{no"
        ),
        "ollama": b"{no\n",
    }.get(answers.format_of(dialect), b"data: {no\n\n")
    answer = ask(replayer, dialect, answers.stream_head(dialect), *map(chunk, events), chunk(broken), LAST_CHUNK)
    failed(answer, text=SAID.text)


@every_dialect
def test_unknown_events_are_passed_over(replayer, dialect):
    """Providers add events, blocks and members: none of them may end a stream."""
    form = answers.format_of(dialect)
    unknown = {
        "bedrock": aws_event("somethingNew", {"a": 1}),
        "ollama": b"\n",
        "gemini": b'data: {"somethingNew":{"a":[1,{}]}}\n\n',
    }.get(form, b'event: something_new\ndata: {"type":"something_new","a":[1,{}]}\n\n')
    events = answers.events_of(dialect, SAID)
    mixed = [piece for each in events[:-1] for piece in (each, unknown)] + events[-1:]
    answer = ask(replayer, dialect, answers.stream_head(dialect), *map(chunk, mixed), LAST_CHUNK)
    reading = client.read(answer, "chat", True)
    assert reading.failure is None and reading.choice().text == SAID.text


FORMS = {
    "crlf": lambda data: data.replace(b"\n", b"\r\n"),
    "cr": lambda data: data.replace(b"\n", b"\r"),
    "comments": lambda data: b": hello\n\n" + data.replace(b"data:", b": ping\ndata:"),
    "byte order mark": lambda data: b"\xef\xbb\xbf" + data,
    "ids and retry times": lambda data: b"retry: 100\n\n" + data.replace(b"data:", b"id: 7\ndata:"),
    "no space": lambda data: data.replace(b"data: ", b"data:"),
    "data over several lines": lambda data: data.replace(b'{"', b'{\ndata: "', 1).replace(b', "', b',\ndata: "'),
    "no last blank line": lambda data: data.rstrip(b"\n") + b"\n",
    "no last line end": lambda data: data.rstrip(b"\n"),
}


@pytest.mark.parametrize("dialect", [each for each in MODELS if each not in ("bedrock", "ollama")])
@pytest.mark.parametrize("form", FORMS)
def test_every_way_to_write_an_event(replayer, dialect, form):
    said = Said(text="One two", reasoning="Hm.")
    data = FORMS[form](b"".join(answers.events_of(dialect, said)))
    for how in ("random:1", "bytes"):
        answer = ask(replayer, dialect, answers.stream_head(dialect), *pieces(data, how))
        reading = client.read(answer, "chat", True)
        assert reading.failure is None, reading.failure
        assert (reading.choice().text, reading.choice().finish) == (said.text, "stop")


BODIES = {
    "html": (502, "text/html", b"<html><body><h1>502 Bad Gateway</h1></body></html>", 502),
    "html with 200": (200, "text/html", b"<html><body>Welcome</body></html>", 502),
    "nothing": (200, "application/json", b"", 502),
    "nothing with 500": (500, "application/json", b"", 500),
    "half": (200, "application/json", b'{"id": "x", "content": [', 502),
    "a list": (200, "application/json", b"[]", 502),
    "a number": (200, "application/json", b"12", 502),
    "a listed error": (400, "application/json", b'[{"error": {"code": 400, "message": "Not so", "status": "X"}}]', 400),
    "a text": (503, "text/plain", b"upstream connect error or disconnect/reset before headers", 503),
}


@every_dialect
@pytest.mark.parametrize("what", BODIES)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_body_of_something_else(replayer, dialect, what, streamed):
    status, kind, body, wanted = BODIES[what]
    steps = head(status, {"Content-Type": kind}, len(body)) + body
    for _ in range(3):
        replayer.upstream.reply(steps)
    answer = ask(replayer, dialect, steps, streamed=streamed)
    if answer.status == 200 and streamed:
        error = failed(answer, text=None)
    else:
        assert answer.status == wanted, answer.body
        client.failure(answer.json(), answer.status)
        error = answer.error
    assert "<html" not in error["message"]
    if what == "a listed error":
        assert error["message"] == "Not so"


# Binary frames.

GOOD = aws_event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "never"}})


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x40]) + data[at + 1 :]


FRAMES = {
    "prelude's check sum": flipped(GOOD, 9),
    "message's check sum": flipped(GOOD, len(GOOD) - 1),
    "a bit of the payload": flipped(GOOD, len(GOOD) - 20),
    "a bit of the headers": flipped(GOOD, 15),
    "too long": b"\x7f\xff\xff\xff" + GOOD[4:],
    "too short": b"\x00\x00\x00\x0f" + GOOD[4:],
    "headers beyond the frame": GOOD[:4] + b"\x00\xff\xff\xff" + GOOD[8:],
}


@pytest.mark.parametrize("what", FRAMES)
def test_a_broken_frame(replayer, what):
    """Nothing of a frame is believed whose check sums are wrong; what came before it was good."""
    events = before_the_end("bedrock")
    steps = (answers.stream_head("bedrock"), *map(chunk, events), chunk(FRAMES[what]), LAST_CHUNK)
    answer = ask(replayer, "bedrock", *steps)
    failed(answer, text=SAID.text)
    assert b"never" not in answer.body


def test_bedrock_without_metadata(replayer):
    """The usage is unknown then, and the answer whole."""
    events = [each for each in answers.events_of("bedrock", SAID) if b"metadata" not in each]
    answer = ask(replayer, "bedrock", answers.stream_head("bedrock"), *map(chunk, events), LAST_CHUNK)
    reading = client.read(answer, "chat", True)
    assert reading.failure is None and reading.choice().finish == "stop"


@pytest.mark.parametrize(
    "exception",
    "internalServerException modelStreamErrorException validationException throttlingException "
    "serviceUnavailableException".split(),
)
def test_each_exception_of_bedrock(replayer, exception):
    steps = (chunk(each) for each in before_the_end("bedrock"))
    raised = chunk(aws_exception(exception, "It went wrong."))
    answer = ask(replayer, "bedrock", answers.stream_head("bedrock"), *steps, raised, LAST_CHUNK)
    assert "It went wrong." in failed(answer, text=SAID.text)["message"]


@every_dialect
def test_the_proxy_serves_on(replayer, dialect):
    """After all of that, on the same process: a plain answer."""
    answer = ask(replayer, dialect, *answers.steps(dialect, SAID, streamed=False), streamed=False)
    reading = client.read(answer, "chat", False)
    assert reading.choice().text == SAID.text and reading.choice().reasoning == SAID.reasoning
