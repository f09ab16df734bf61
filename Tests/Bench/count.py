"""Counts the instructions that Remora runs for a request, or for a chunk of a stream, under callgrind.

Plain text on both sides and one exchange at a time, each step of it waited for: the same work is done in every run, and
a count is the same within half a percent, however busy the machine is. It says nothing of caches, of the kernel or of TLS.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from proxies import HERE, KEY, for_valgrind, free_port
from scenarios import CLAUDE, LONG, OWN, PATHS, VALUE, asked, prose

FIELDS = (b"Date: Mon, 01 Jan 2024 00:00:00 GMT\r\nopenai-organization: bench\r\nopenai-processing-ms: 12\r\n"
          b"openai-version: 2020-10-01\r\nx-ratelimit-limit-requests: 10000\r\nx-ratelimit-limit-tokens: 2000000\r\n"
          b"x-ratelimit-remaining-requests: 9999\r\nx-ratelimit-remaining-tokens: 1999900\r\n"
          b"x-ratelimit-reset-requests: 6ms\r\nx-ratelimit-reset-tokens: 0s\r\n"
          b"strict-transport-security: max-age=31536000; includeSubDomains; preload\r\n"
          b"x-content-type-options: nosniff\r\nServer: bench\r\n")
CLIENT_FIELDS = (b"Host: localhost\r\nAccept: application/json\r\nAccept-Encoding: gzip, deflate\r\n"
                 b"User-Agent: OpenAI/Python 1.99.0\r\nX-Stainless-Lang: python\r\nX-Stainless-Package-Version: 1.99.0\r\n"
                 b"X-Stainless-OS: Linux\r\nX-Stainless-Arch: x64\r\nX-Stainless-Runtime: CPython\r\n"
                 b"X-Stainless-Runtime-Version: 3.12.0\r\nX-Stainless-Async: false\r\nX-Stainless-Retry-Count: 0\r\n"
                 b"Authorization: Bearer sk-any\r\nx-bench-caller: " + KEY.encode() + b"\r\n"
                 b"Content-Type: application/json\r\n")
CHUNKS = 200

DATA = "  pii: { kind: pii_detector, action: redact }\n  secrets: { kind: secrets, action: block }\n"
INJECTION = "  injection: { kind: prompt_injection, action: block }\n"
ANSWERS = "  pii: { kind: pii_detector, action: redact, answers: redact }\n"
EVERYTHING = """consumers:
  header: x-bench-caller
  groups:
    bench:
      key: { file: @KEY_FILE@ }
      limits: { requests_per_minute: 100000000, tokens_per_minute: 100000000000, concurrent_requests: 10000,
                budget_usd: { amount: 1000000, per: 30d } }
limits: { requests_per_minute: 100000000, tokens_per_minute: 100000000000 }
"""
LINES = "access_log: json, level: warn"
TRACES = LINES + ', otlp: { endpoint: "http://127.0.0.1:@UPSTREAM@" }'


class Row:
    """What is counted."""

    def __init__(self, name, size, times, form="chat", model=OWN, turns=1, streams=False, value=""):
        self.name = name
        self.times = times
        self.streams = streams
        body = asked(form, model, size, turns, streams, value)
        self.request = (f"POST {PATHS[form]} HTTP/1.1\r\n".encode() + CLIENT_FIELDS
                        + b"Content-Length: %d\r\n\r\n" % len(body) + body)


class Setting:
    """A configuration, and what is counted with it."""

    def __init__(self, rows, policies="", more="", telemetry="access_log: off, level: warn"):
        self.rows = rows
        self.policies = policies
        self.more = more
        self.telemetry = telemetry

    def text(self):
        text = self.more
        if self.policies:
            names = re.findall(r"(?m)^  (\w+):", self.policies)
            text += f"policies:\n{self.policies}policy_chain: [{', '.join(names)}]\n"
        return text + f"telemetry: {{ {self.telemetry} }}\n"


def both(form, passed, translated):
    """A format passed through and translated: small, with a long history, and by the chunk."""
    for model, word in [(passed, ""), (translated, ", translated")]:
        yield Row(f"{form} request 1 KB{word}", 1024, 200, form, model)
        yield Row(f"{form} request 60 KB in 121 turns{word}", LONG[0], 40, form, model, LONG[1])
        yield Row(f"{form} stream chunk{word}", 1024, 2, form, model, streams=True)


def plans():
    """A model's name that leads to the default provider, to one target, and to one of three; small, and long enough that a
    conversation is kept at its target."""
    for model, name in [("unplanned", "no plan"), ("planned", "one target"), ("ordered", "three, ordered"),
                        ("weighted", "three, weighted"), ("cheapest", "three, cheapest"), ("fastest", "three, fastest")]:
        yield Row(f"1 KB, {name}", 1024, 200, model=model)
    for model, name in [("unplanned", "no plan"), ("weighted", "three, weighted"), ("fastest", "three, fastest")]:
        yield Row(f"60 KB in 121 turns, {name}", LONG[0], 40, model=model, turns=LONG[1])


SETTINGS = [
    Setting([Row("chat request 32 KB", 32 * 1024, 100), Row("chat request 1 MB", 1 << 20, 10), *both("chat", OWN, CLAUDE),
             *both("messages", CLAUDE, OWN), *both("responses", OWN, CLAUDE)]),
    Setting([Row("1 KB, personal data and secrets", 1024, 100), Row("32 KB, personal data and secrets", 32 * 1024, 20),
             Row("1 KB, redacted and restored", 1024, 100, value=VALUE),
             Row("stream chunk, restored", 1024, 2, streams=True, value=VALUE)], DATA),
    Setting([Row("1 KB, injection", 1024, 100), Row("32 KB, injection", 32 * 1024, 20)], INJECTION),
    Setting([Row("stream chunk, looked at", 1024, 2, streams=True)], ANSWERS),
    Setting([Row("1 KB, callers, limits and a budget", 1024, 100),
             Row("1 MB, callers, limits and a budget", 1 << 20, 10)], more=EVERYTHING),
    Setting([*plans()]),
    Setting([Row("1 KB, access log", 1024, 100)], telemetry=LINES),
    Setting([Row("1 KB, access log and traces", 1024, 100)], telemetry=TRACES),
    Setting([Row("1 KB, all of it on", 1024, 100), Row("32 KB, all of it on", 32 * 1024, 20),
             Row("stream chunk, all of it on", 1024, 2, streams=True, value=VALUE)], DATA + INJECTION, EVERYTHING, TRACES),
]


def completion():
    return json.dumps({
        "id": "chatcmpl-bench", "object": "chat.completion", "created": 1700000000, "model": OWN,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": prose(560), "refusal": None,
                                             "annotations": []}, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 200, "completion_tokens": 150, "total_tokens": 350,
                  "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
                  "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0}},
        "service_tier": "default", "system_fingerprint": "fp_bench"}, separators=(",", ":")).encode()


def message():
    return json.dumps({
        "id": "msg_bench", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5",
        "content": [{"type": "text", "text": prose(760)}], "stop_reason": "end_turn", "stop_sequence": None,
        "usage": {"input_tokens": 200, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
                  "output_tokens": 150, "service_tier": "standard"}}, separators=(",", ":")).encode()


def response(status="completed", text=None):
    content = [{"type": "output_text", "annotations": [], "logprobs": [], "text": text}]
    usage = {"input_tokens": 200, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 150,
             "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 350}
    return {
        "id": "resp_bench", "object": "response", "created_at": 1700000000, "status": status, "error": None,
        "incomplete_details": None, "instructions": None, "model": OWN,
        "output": [] if text is None else [{"id": "msg_bench", "type": "message", "status": "completed",
                                            "content": content, "role": "assistant"}],
        "parallel_tool_calls": True, "temperature": 0.7, "tool_choice": "auto", "tools": [], "top_p": 1.0,
        "service_tier": "default", "store": True, "usage": None if text is None else usage}


def event(data, name=None):
    text = (f"event: {name}\n" if name else "") + f"data: {json.dumps(data, separators=(',', ':'))}\n\n"
    return b"%x\r\n%s\r\n" % (len(text), text.encode())


def own_event(index, delta, finish=None):
    return event({
        "id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1700000000, "model": OWN,
        "service_tier": "default", "system_fingerprint": f"fp_{index:016x}",
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}], "usage": None})


def own_stream():
    yield from (own_event(index, {"content": " word"}) for index in range(CHUNKS))
    end = own_event(0, {}, "stop")
    usage = {"prompt_tokens": 200, "completion_tokens": 150, "total_tokens": 350}
    end += event({"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1700000000, "model": OWN,
                  "choices": [], "usage": usage})
    yield end + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"


def named(**data):
    return event(data, data["type"])


def response_stream():
    place = {"item_id": "msg_bench", "output_index": 0, "content_index": 0}
    delta = named(type="response.output_text.delta", **place, delta=" word", logprobs=[])
    item = {"id": "msg_bench", "type": "message", "status": "in_progress", "content": [], "role": "assistant"}
    part = {"type": "output_text", "annotations": [], "logprobs": [], "text": ""}
    yield (named(type="response.created", response=response("in_progress"))
           + named(type="response.output_item.added", output_index=0, item=item)
           + named(type="response.content_part.added", **place, part=part) + delta)
    yield from (delta for _ in range(CHUNKS - 1))
    done = response(text=" word" * CHUNKS)
    yield (named(type="response.output_text.done", **place, text=" word" * CHUNKS, logprobs=[])
           + named(type="response.content_part.done", **place, part=part | {"text": " word" * CHUNKS})
           + named(type="response.output_item.done", output_index=0, item=done["output"][0])
           + named(type="response.completed", response=done) + b"0\r\n\r\n")


def message_stream():

    start = {"id": "msg_bench", "type": "message", "role": "assistant", "content": [], "model": "claude-sonnet-4-5",
             "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 200, "output_tokens": 1}}
    delta = named(type="content_block_delta", index=0, delta={"type": "text_delta", "text": " word"})
    yield (named(type="message_start", message=start)
           + named(type="content_block_start", index=0, content_block={"type": "text", "text": ""}) + delta)
    yield from (delta for _ in range(CHUNKS - 1))
    yield (named(type="content_block_stop", index=0)
           + named(type="message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None},
                   usage={"output_tokens": 150})
           + named(type="message_stop") + b"0\r\n\r\n")


class Messages:
    """Heads and bodies off a socket, as far as both sides of this need it."""

    def __init__(self, connection):
        self.connection = connection
        self.held = b""

    def more(self):
        came = self.connection.recv(1 << 20)
        if not came:
            raise EOFError("the connection ended")
        self.held += came

    def until(self, mark):
        while mark not in self.held:
            self.more()
        found, _, self.held = self.held.partition(mark)
        return found + mark

    def message(self, on_piece=None):
        """A head and its body. A chunked body is given to `on_piece` as it comes."""
        head = self.until(b"\r\n\r\n")
        if length := re.search(rb"(?i)\r\ncontent-length: *(\d+)", head):
            count = int(length[1])
            parts = [self.held]
            have = len(self.held)
            while have < count:
                parts.append(self.connection.recv(1 << 20))
                if not parts[-1]:
                    raise EOFError("the connection ended")
                have += len(parts[-1])
            text = b"".join(parts)
            self.held = text[count:]
            return head, text[:count]
        text = b""
        while not text.endswith(b"\r\n0\r\n\r\n"):
            while not self.held:
                self.more()
            if on_piece:
                on_piece(self.held)
            text += self.held
            self.held = b""
        return head, text


class Provider:
    """Answers in the voice of the path, a stream's next chunk when the client has the one before."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.turn = threading.Semaphore(0)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            connection = self.listener.accept()[0]
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        messages = Messages(connection)
        try:
            while True:
                head, body = messages.message()
                path = head.split(b" ")[1]
                voice = 1 if path == b"/v1/messages" else 2 if path == b"/v1/responses" else 0
                if b'"stream":true' in body:
                    self._stream(connection, (own_stream, message_stream, response_stream)[voice]())
                    continue
                body = (completion(), message(), json.dumps(response(text=prose(560))).encode())[voice]
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + FIELDS
                                   + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        except (OSError, EOFError):
            pass

    def _stream(self, connection, chunks):
        head = (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n" + FIELDS
                + b"Transfer-Encoding: chunked\r\n\r\n")
        for index, chunk in enumerate(chunks):
            if index:
                self.turn.acquire()
            connection.sendall(head + chunk)
            head = b""


class Client:
    def __init__(self, port, provider):
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=120)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.messages = Messages(self.connection)
        self.provider = provider

    def ask(self, request):
        self.connection.sendall(request)
        head, _ = self.messages.message(on_piece=self._next)
        if not head.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"an answer that is no 200: {head[:200]!r}")

    def _next(self, piece):
        # A gate may have taken the words themselves out, to look at them.
        for _ in re.findall(rb'"delta":{"content":"|"text_delta","text":"|"type":"response.output_text.delta"', piece):
            self.provider.turn.release()


class Counted:
    """Remora under callgrind."""

    def __init__(self, program, directory, provider, setting):
        self.directory = directory
        port, admin = free_port(), free_port()
        (directory / "key").write_text(KEY)
        text = (HERE / "configs/counted.yaml").read_text() + setting.text()
        for name, value in {"PORT": port, "ADMIN": admin, "UPSTREAM": provider.port,
                            "KEY_FILE": directory / "key"}.items():
            text = text.replace(f"@{name}@", str(value))
        (directory / "remora.yaml").write_text(text)
        self.log = open(directory / "log", "wb")
        self.process = subprocess.Popen(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={directory}/counts", "--", program, "serve",
             "--config", directory / "remora.yaml"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True)
        self.client = self._connect(port, provider)
        self.dumps = 0

    def _connect(self, port, provider):
        until = time.monotonic() + 120
        while time.monotonic() < until and self.process.poll() is None:
            try:
                return Client(port, provider)
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("Remora does not start under valgrind: "
                           + (self.directory / "log").read_text(errors="replace")[-1000:])

    def dump(self):
        """Writes what was counted since the last time to a file, and gives its path."""
        subprocess.run(["callgrind_control", f"--dump={self.dumps}", str(self.process.pid)], check=True,
                       capture_output=True, timeout=60)
        self.dumps += 1
        return self.directory / f"counts.{self.dumps}"

    def row(self, row):
        """Instructions for one request, or one chunk; and the file with the counts."""
        for _ in range(max(2, row.times // 10)):
            self.client.ask(row.request)
        self.dump()
        for _ in range(row.times):
            self.client.ask(row.request)
        counts = self.dump()
        total = int(re.search(r"^(?:totals|summary): (\d+)", counts.read_text(), re.MULTILINE)[1])
        return total / (row.times * CHUNKS if row.streams else row.times), counts

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(5)
        self.log.close()


def count(programs, parent, keep=None):
    """Instructions by row, for each of `programs`.

    - keep: a directory for the counts by function, which `callgrind_annotate` shows.
    """
    if not shutil.which("valgrind"):
        sys.exit("valgrind is not installed (Debian package valgrind)")
    provider = Provider()
    found = []
    for place, program in enumerate(programs):
        rows = {}
        for setting in SETTINGS:
            with tempfile.TemporaryDirectory(prefix="counted-", dir=parent) as directory:
                counted = Counted(for_valgrind(program, directory), Path(directory), provider, setting)
                try:
                    for row in setting.rows:
                        rows[row.name], counts = counted.row(row)
                        if keep:
                            (Path(keep) / f"{place}-{row.name.replace(' ', '-')}.out").write_bytes(counts.read_bytes())
                finally:
                    counted.stop()
        found.append(rows)
    return found
