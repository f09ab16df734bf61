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

from proxies import HERE, KEY, free_port

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
                 b"Authorization: Bearer sk-any\r\nContent-Type: application/json\r\n")
LINE = "The quick brown fox jumps over the lazy dog while nobody is looking at it closely.\n"
OWN, TRANSLATED = "gpt-4o-mini", "translated/claude-sonnet-4-5"
CHUNKS = 200

DATA = "  pii: { kind: pii_detector, action: redact }\n  secrets: { kind: secrets, action: block }\n"
INJECTION = "  injection: { kind: prompt_injection, action: block }\n"
ANSWERS = "  pii: { kind: pii_detector, action: redact, answers: redact }\n"

# Policies, and what is counted with them: name, model, bytes of the request, whether a stream, how often, and whether the
# request has a value that a placeholder takes the place of.
WITH_POLICIES = [
    (DATA, [("1 KB, personal data and secrets", OWN, 1024, False, 100, False),
            ("32 KB, personal data and secrets", OWN, 32 * 1024, False, 20, False),
            ("1 KB, redacted and restored", OWN, 1024, False, 100, True),
            ("stream chunk, restored", OWN, 1024, True, 2, True)]),
    (INJECTION, [("1 KB, injection", OWN, 1024, False, 100, False),
                 ("32 KB, injection", OWN, 32 * 1024, False, 20, False)]),
    (ANSWERS, [("stream chunk, looked at", OWN, 1024, True, 2, False)]),
]

# Name, model, bytes of the request, whether a stream, how often.
ROWS = [
    ("chat request 1 KB", OWN, 1024, False, 300),
    ("chat request 32 KB", OWN, 32 * 1024, False, 100),
    ("chat request 1 MB", OWN, 1 << 20, False, 10),
    ("stream chunk", OWN, 1024, True, 2),
    ("translated chat request 1 KB", TRANSLATED, 1024, False, 200),
    ("translated stream chunk", TRANSLATED, 1024, True, 2),
]


def prose(size):
    return (LINE * (size // len(LINE) + 1))[:size]


def asked(model, size, streams, has_value=False):
    body = {"model": model, "messages": [{"role": "user", "content": ""}], "temperature": 0.7}
    if streams:
        body["stream"] = True
    body["messages"][0]["content"] = prose(max(size - len(json.dumps(body)) - size // 80, 1))
    if has_value:
        body["messages"][0]["content"] += " to jane.doe@corp.example.com"
    text = json.dumps(body, separators=(",", ":")).encode()
    return b"POST /v1/chat/completions HTTP/1.1\r\n" + CLIENT_FIELDS + b"Content-Length: %d\r\n\r\n" % len(text) + text


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


def translated_stream():
    def named(**data):
        return event(data, data["type"])

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
                is_own = b"/chat/completions" in head.partition(b"\r\n")[0]
                if re.search(rb'"stream":\s*true', body[-200:]):
                    self._stream(connection, own_stream() if is_own else translated_stream())
                    continue
                body = completion() if is_own else message()
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
        for _ in range(piece.count(b'"content":" word"')):
            self.provider.turn.release()


class Counted:
    """Remora under callgrind."""

    def __init__(self, program, directory, provider, policies=""):
        self.directory = directory
        port, admin = free_port(), free_port()
        (directory / "key").write_text(KEY)
        text = (HERE / "configs/counted.yaml").read_text()
        for name, value in {"PORT": port, "ADMIN": admin, "UPSTREAM": provider.port,
                            "KEY_FILE": directory / "key"}.items():
            text = text.replace(f"@{name}@", str(value))
        if policies:
            names = re.findall(r"(?m)^  (\w+):", policies)
            text += f"policies:\n{policies}policy_chain: [{', '.join(names)}]\n"
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

    def row(self, model, size, streams, times, has_value=False):
        """Instructions for one request, or one chunk; and the file with the counts."""
        request = asked(model, size, streams, has_value)
        for _ in range(max(2, times // 10)):
            self.client.ask(request)
        self.dump()
        for _ in range(times):
            self.client.ask(request)
        counts = self.dump()
        total = int(re.search(r"^(?:totals|summary): (\d+)", counts.read_text(), re.MULTILINE)[1])
        return total / (times * CHUNKS if streams else times), counts

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
        for policies, wanted in [("", ROWS), *WITH_POLICIES]:
            with tempfile.TemporaryDirectory(prefix="counted-", dir=parent) as directory:
                counted = Counted(program, Path(directory), provider, policies)
                try:
                    for name, *how in wanted:
                        rows[name], counts = counted.row(*how)
                        if keep:
                            (Path(keep) / f"{place}-{name.replace(' ', '-')}.out").write_bytes(counts.read_bytes())
                finally:
                    counted.stop()
        found.append(rows)
    return found
