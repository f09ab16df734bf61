"""Bodies that come in pieces while nobody is ready for them: each piece is carried on, and whatever it ends in is met.

The provider sends a piece only after the client has the one before it, so the exchange sleeps when a piece comes, and
when the end does, whichever it is.
"""

from __future__ import annotations

import json
import signal
import threading
import time
from dataclasses import dataclass, field

import pytest
from openai_server import chat_chunks
from remora import PROMPT, SLOWER
from replay import answers
from replay.answers import Said
from test_replay_requests import MODELS
from upstream import CLOSE, CUT, RESET, STALL, Gate, Pause
from wire import LAST_CHUNK, SSE_HEAD, Broken, answer as http_answer, chunk, event, post_json, request

pytestmark = pytest.mark.proxy

MESSAGES = [{"role": "user", "content": PROMPT}]
WORDS = (b"One t", b"wo th", b"ree f")
"""As the providers' events have them, one each."""
DIALECTS = ("anthropic", "gemini", "bedrock", "cohere", "ollama")
CHAT = {"model": "gpt-4o", "messages": MESSAGES, "stream": True}


@dataclass
class Course:
    """One way an answer can take, as pieces of which each shows at the client."""

    question: bytes
    head: bytes
    pieces: list[bytes]
    last: list[bytes] = field(default_factory=list)
    """What ends the body; without it the body is cut short."""
    passes_as_it_is: bool = False


def chunked(kind: str) -> bytes:
    return http_answer(200, {"Content-Type": kind, "Transfer-Encoding": "chunked"}, None)


def courses() -> dict[str, Course]:
    chat = [event(each) for each in chat_chunks({"model": "gpt-4o"})]
    whole = json.dumps({"id": "one", "object": "chat.completion", "choices": [], "usage": {"total_tokens": 9}}).encode()
    other = [b"event: speech\nid: %d\ndata: {\"audio\":\"%d\"}\n\n" % (at, at) for at in range(4)]
    made = {
        "events": Course(
            post_json("/v1/chat/completions", CHAT), SSE_HEAD, chat[:-1], [chat[-1] + event("[DONE]"), LAST_CHUNK]
        ),
        "events of another API": Course(
            request("GET", "/v1/audio/any"), SSE_HEAD, [chunk(each) for each in other], [LAST_CHUNK], True
        ),
        "JSON in chunks": Course(
            post_json("/v1/chat/completions", {**CHAT, "stream": False}), chunked("application/json"),
            [chunk(whole[:20]), chunk(whole[20:40]), chunk(whole[40:])], [LAST_CHUNK], True,
        ),
        "JSON with a length": Course(
            post_json("/v1/chat/completions", {**CHAT, "stream": False}),
            http_answer(200, {"Content-Type": "application/json", "Content-Length": str(len(whole) + 1)}, None),
            [whole[:20], whole[20:40], whole[40:]], [b"\n"], True,
        ),
        "bytes in chunks": Course(
            request("GET", "/v1/files/any"), chunked("application/octet-stream"),
            [chunk(b"one"), chunk(b"two"), chunk(b"three")], [LAST_CHUNK], True,
        ),
        "bytes with a length": Course(
            request("GET", "/v1/files/any"),
            http_answer(200, {"Content-Type": "text/plain", "Content-Length": "12"}, None),
            [b"one", b"two", b"three"], [b"!"], True,
        ),
    }
    for dialect in DIALECTS:
        events = answers.events_of(dialect, Said(text="One two three four"))
        shown = [at for at, each in enumerate(events) if any(word in each for word in WORDS)]
        begun = b"".join(events[: shown[0] + 1])
        pieces = [chunk(begun), *(chunk(each) for each in events[shown[0] + 1 : shown[-1] + 1])]
        question = post_json("/v1/chat/completions", {**CHAT, "model": MODELS[dialect]})
        rest = [chunk(b"".join(events[shown[-1] + 1 :])), LAST_CHUNK]
        made[dialect] = Course(question, answers.stream_head(dialect), pieces, rest)
    return made


COURSES = courses()
every_course = pytest.mark.parametrize("name", COURSES)


class Carrying:
    """A body whose first pieces the client has had, one by one, while the exchange slept between them."""

    def __init__(self, proxy, upstream, name: str, *ending, begins: bool = True) -> None:
        self.course = course = COURSES[name]
        self.upstream = upstream
        self.proxy = proxy
        self.client = proxy.connect()
        if not begins:
            return
        gates = [Gate() for _ in course.pieces]
        steps = [step for gate, piece in zip(gates, course.pieces, strict=True) for step in (piece, gate)]
        upstream.reply(course.head, *steps, *ending)
        self.client.send(course.question)
        self.got = self.client.head()
        assert self.got.status == 200
        self.is_chunked = self.got.get("transfer-encoding") == "chunked"
        for piece, gate in zip(course.pieces, gates, strict=True):
            if self.is_chunked:
                self.got.body += self.client.chunk(self.got)
            else:
                self.got.body += self.client.exactly(len(piece))
            self.carried = len(self.got.body)
            gate.open()

    def rest(self) -> bool:
        """Reads to the end, whichever it is, and says whether it looks like one."""
        try:
            if not self.is_chunked:
                self.got.body += self.client.exactly(int(self.got.get("content-length")) - len(self.got.body))
                return True
            while (data := self.client.chunk(self.got)) is not None:
                self.got.body += data
            return True
        except (Broken, ConnectionError):
            return False


def sent_body(course: Course, pieces: list[bytes]) -> bytes:
    """The pieces without the chunks around them."""
    if b"chunked" not in course.head.lower():
        return b"".join(pieces)
    return b"".join(each.split(b"\r\n", 1)[1][:-2] for each in pieces if each != LAST_CHUNK)


@pytest.fixture
def carrying(request):
    """`carrying(name, *ending)` begins a body of that course; what waits for the client behind its pieces is `ending`."""
    made = []

    def begin(name: str, *ending, begins: bool = True) -> Carrying:
        if name in DIALECTS:
            replayer = request.getfixturevalue("replayer")
            sides = replayer.proxy, replayer.upstream
        else:
            sides = request.getfixturevalue("plain"), request.getfixturevalue("upstream")
        made.append(Carrying(*sides, name, *ending, begins=begins))
        return made[-1]

    yield begin
    for each in made:
        each.client.close()


@every_course
def test_every_piece_and_the_end(carrying, name):
    course = COURSES[name]
    body = carrying(name, *course.last)
    assert body.rest()
    if course.passes_as_it_is:
        assert body.got.body == sent_body(course, [*course.pieces, *course.last])
    else:
        assert body.got.body.endswith(b"data: [DONE]\n\n")
        assert b"error" not in body.got.body
    line = body.proxy.access_log()[-1]
    assert line["status"] == 200 and line["end"] == "complete", line


@every_course
@pytest.mark.parametrize("end", [CLOSE, CUT, RESET])
def test_a_cut(carrying, name, end):
    body = carrying(name, end)
    assert not body.rest(), "a body that was cut short looks whole"
    assert b"[DONE]" not in body.got.body
    if name == "events" or name in DIALECTS:
        assert b'"upstream_protocol"' in body.got.body[body.carried :]


@pytest.mark.parametrize("name", [each for each in COURSES if "length" not in each])
def test_a_chunk_that_is_none(carrying, name):
    """What came before it in the same packet is still the provider's word."""
    course = COURSES[name]
    body = carrying(name, course.pieces[-1] + b"zz\r\nabc\r\n", STALL)
    assert not body.rest()
    assert len(body.got.body) > body.carried
    if course.passes_as_it_is:
        assert body.got.body.startswith(sent_body(course, [*course.pieces, course.pieces[-1]]))


def test_an_event_that_is_not_json(carrying):
    good = COURSES["events"].pieces[-1]
    body = carrying("events", good + chunk(b"data: {no\n\n"), STALL)
    assert not body.rest()
    assert body.got.body.count(b"data: {") == len(COURSES["events"].pieces) + 2
    assert b"not valid JSON" in body.got.body


@pytest.mark.parametrize("name", ["events", "anthropic", "bedrock", "cohere", "ollama"])
def test_the_last_word_without_the_framings_end(carrying, name):
    """All was said: the client is not kept waiting for a last chunk that does not come."""
    body = carrying(name, COURSES[name].last[0], STALL)
    assert body.rest()
    assert body.got.body.endswith(b"data: [DONE]\n\n")


def test_a_failure_and_its_last_word_without_the_framings_end(carrying):
    """It is as much of an error as one whose body ends in good order."""
    body = carrying("events", event({"error": {"message": "Too busy.", "type": "x"}}) + event("[DONE]"), STALL)
    assert not body.rest()
    assert b"Too busy." in body.got.body and b"[DONE]" not in body.got.body
    assert body.proxy.access_log()[-1]["end"] == "error"


@pytest.mark.parametrize("name", [each for each in COURSES if "length" not in each])
def test_a_body_that_begins_with_no_chunk(carrying, name):
    """Nothing of the answer has left yet, so it can be an error of its own."""
    course = COURSES[name]
    body = carrying(name, begins=False)
    body.upstream.reply(course.head + b"zz\r\nabc\r\n", STALL)
    got = body.client.ask(course.question)
    assert (got.status, got.error["code"]) == (502, "upstream_protocol")


@every_course
@pytest.mark.parametrize("leave", ["close", "reset", "finish_sending"])
def test_the_client_leaves(carrying, name, leave):
    body = carrying(name, STALL)
    getattr(body.client, leave)()
    assert body.upstream.last.connection.closed.wait(5)
    assert body.proxy.access_log()[-1]["end"] == "client_gone"


@pytest.mark.parametrize("name", [each for each in COURSES if "length" not in each])
@pytest.mark.timeout(240 * SLOWER)
def test_a_client_that_reads_late(carrying, name):
    """More than all buffers between them hold: the provider waits, and the client gets every byte of it."""
    course = COURSES[name]
    piece = sent_body(course, course.pieces[-1:])
    more = [chunk(piece * (32_000 // len(piece)))] * 400
    sent = threading.Event()
    body = carrying(name, *more, lambda *_: sent.set(), *course.last)
    assert not sent.wait(0.3), "the provider could send it all"
    assert body.rest() and sent.is_set()
    if course.passes_as_it_is:
        assert body.got.body == sent_body(course, [*course.pieces, *more, *course.last])
    else:
        word = WORDS[-1] if name in DIALECTS else piece[piece.index(b'"content": ') :].split(b'"')[3]
        assert body.got.body.count(word) >= 400 * (32_000 // len(piece))


def test_the_idle_limit_counts_from_the_last_piece(start_remora, upstream):
    proxy = start_remora(upstream, provider={"timeouts": {"idle": "600ms"}})
    pieces = COURSES["events"].pieces[:1] * 6
    upstream.reply(SSE_HEAD, *(step for piece in pieces for step in (piece, Pause(0.2))), Pause(0.1), pieces[0], STALL)
    got = proxy.ask(COURSES["events"].question)
    assert got.body.count(b"chat.completion.chunk") == len(pieces) + 1
    assert not got.complete and b"upstream_timeout" in got.body
    assert upstream.last.connection.closed.wait(5)


def test_the_end_of_the_process(start_remora, upstream):
    """A stream that is under way goes on to its end."""
    proxy = start_remora(upstream)
    course = COURSES["events"]
    gate = Gate()
    upstream.reply(SSE_HEAD, course.pieces[0], gate, *course.pieces[1:], *course.last)
    with proxy.connect() as client:
        client.send(course.question)
        got = client.head()
        got.body += client.chunk(got)
        proxy.process.send_signal(signal.SIGTERM)
        patience = time.monotonic() + 10
        while '"draining"' not in proxy.stderr:
            assert time.monotonic() < patience and proxy.process.poll() is None
        gate.open()
        while (data := client.chunk(got)) is not None:
            got.body += data
    assert got.body.endswith(b"data: [DONE]\n\n") and got.body.count(b"data: {") >= len(course.pieces)
