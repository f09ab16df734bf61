"""HTTP/1.1 as bytes: a client that sends exactly what a test says and reads what came back, piece by piece.

It is deliberately not an HTTP library: a test must be able to send what no library would, and to see whether
a transfer coding ended or broke.
"""

from __future__ import annotations

import json
import socket
import ssl
from dataclasses import dataclass, field

from canaries import hear

CRLF = b"\r\n"
LAST_CHUNK = b"0\r\n\r\n"


class Broken(Exception):
    """The connection ended, or the bytes stopped being HTTP, before the message was complete."""

    def __init__(self, why: str, received: bytes) -> None:
        super().__init__(f"{why}; received {received[:300]!r}")
        self.received = received


@dataclass
class Response:
    """One answer as it stood on the wire."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    head: bytes
    body: bytes = b""
    raw_body: bytes = b""
    complete: bool = True
    trailers: list[tuple[str, str]] = field(default_factory=list)

    def get(self, name: str) -> str | None:
        values = self.all(name)
        return ", ".join(values) if values else None

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def json(self):
        return json.loads(self.body)

    @property
    def error(self) -> dict:
        return self.json()["error"]


class RawClient:
    """A plain or TLS socket with a read buffer; every wait has the same deadline."""

    def __init__(self, address, *, family=socket.AF_INET, tls: ssl.SSLContext | None = None, timeout=10.0):
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(address)
        if family != socket.AF_UNIX:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.buffer = b""
        self.ended = False

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def reset(self) -> None:
        """Closes with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send_quietly(self, data: bytes) -> None:
        """Sends what the peer may refuse to read to its end."""
        try:
            self.socket.sendall(data)
        except OSError:
            pass

    def finish_sending(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def fill(self) -> bool:
        """Reads once more; false at the end, however it came."""
        if self.ended:
            return False
        try:
            data = self.socket.recv(65536)
        except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
            data = b""
        if not data:
            self.ended = True
            return False
        self.buffer += data
        return True

    def until(self, marker: bytes) -> bytes:
        """Takes bytes up to and including `marker`."""
        while marker not in self.buffer:
            if not self.fill():
                raise Broken(f"the end came before {marker!r}", self.buffer)
        cut = self.buffer.index(marker) + len(marker)
        taken, self.buffer = self.buffer[:cut], self.buffer[cut:]
        return taken

    def exactly(self, count: int) -> bytes:
        parts, have = [self.buffer], len(self.buffer)
        self.buffer = b""
        while have < count:
            if not self.fill():
                raise Broken(f"the end came {count - have} bytes early", b"".join(parts))
            parts.append(self.buffer)
            have += len(self.buffer)
            self.buffer = b""
        data = b"".join(parts)
        self.buffer = data[count:]
        return data[:count]

    def rest(self) -> bytes:
        while self.fill():
            pass
        taken, self.buffer = self.buffer, b""
        return taken

    def closed(self) -> bool:
        """Whether the peer closes without sending anything more."""
        return not self.buffer and not self.fill()

    def head(self) -> Response:
        """Reads a status line and its fields, leaving the body."""
        raw = self.until(CRLF + CRLF)
        lines = raw[:-4].split(CRLF)
        version, _, rest = lines[0].decode("latin-1").partition(" ")
        status, _, reason = rest.partition(" ")
        if version != "HTTP/1.1" or len(status) != 3:
            raise Broken("not an HTTP/1.1 status line", raw)
        return Response(int(status), reason, [_field(line) for line in lines[1:]], raw)

    def response(self, method: str = "GET") -> Response:
        """Reads one whole answer. `complete` says whether its framing ended as it promised."""
        answer = self.head()
        try:
            self._body(answer, method)
        except Broken as broken:
            answer.complete = False
            answer.raw_body += broken.received
        hear(answer.status, answer.get("x-remora-error-source"), answer.body)
        return answer

    def _body(self, answer: Response, method: str) -> None:
        if method == "HEAD" or answer.status in (204, 304) or answer.status < 200:
            return
        coding = (answer.get("transfer-encoding") or "").lower()
        if coding == "chunked":
            while True:
                chunk = self.chunk(answer)
                if chunk is None:
                    return
                answer.body += chunk
        length = answer.get("content-length")
        if length is not None:
            answer.body = answer.raw_body = self.exactly(_number(length.encode(), 10))
        else:
            answer.body = answer.raw_body = self.rest()

    def chunk(self, answer: Response) -> bytes | None:
        """One chunk's data; none at the last, whose trailers go to `answer`."""
        line = self.until(CRLF)
        answer.raw_body += line
        size = _number(line.split(b";")[0].strip(), 16)
        if size:
            data = self.exactly(size + 2)
            answer.raw_body += data
            if data[size:] != CRLF:
                raise Broken("a chunk without its CRLF", data)
            return data[:size]
        while (line := self.until(CRLF)) != CRLF:
            answer.raw_body += line
            answer.trailers.append(_field(line[:-2]))
        answer.raw_body += CRLF
        return None

    def body_until(self, answer: Response, marker: bytes) -> bytes:
        """Reads a chunked body no further than needed for `marker` to be in it."""
        while marker not in answer.body:
            chunk = self.chunk(answer)
            if chunk is None:
                raise Broken(f"the body ended before {marker!r}", answer.body)
            answer.body += chunk
        return answer.body

    def ask(self, data: bytes) -> Response:
        """Sends one request and reads its answer."""
        self.send_quietly(data)
        return self.response(data.split(b" ", 1)[0].decode("latin-1"))


def _number(text: bytes, base: int) -> int:
    try:
        return int(text, base)
    except ValueError:
        raise Broken("not a number", text) from None


def _field(line: bytes) -> tuple[str, str]:
    name, _, value = line.partition(b":")
    return name.decode("latin-1"), value.decode("latin-1").strip()


def request(
    method: str, target: str, headers: dict[str, str] | None = None, body: bytes | None = None
) -> bytes:
    """A well-formed request; a body gets its Content-Length unless a Transfer-Encoding is among `headers`."""
    fields = {"Host": "localhost", **(headers or {})}
    if body is not None and "Transfer-Encoding" not in fields:
        fields.setdefault("Content-Length", str(len(body)))
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines).encode("latin-1") + CRLF + CRLF + (body or b"")


def post_json(target: str, value, headers: dict[str, str] | None = None) -> bytes:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return request("POST", target, {"Content-Type": "application/json", **(headers or {})}, body)


def answer(status: int = 200, headers: dict[str, str] | None = None, body: bytes | None = b"") -> bytes:
    """A well-formed answer with a Content-Length; `body=None` leaves the framing to `headers`."""
    fields = dict(headers or {})
    if body is not None:
        fields.setdefault("Content-Length", str(len(body)))
    lines = [f"HTTP/1.1 {status} Status", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines).encode("latin-1") + CRLF + CRLF + (body or b"")


def json_answer(value, status: int = 200, headers: dict[str, str] | None = None) -> bytes:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return answer(status, {"Content-Type": "application/json", **(headers or {})}, body)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(value, name: str | None = None) -> bytes:
    """One server-sent event, in a chunk of its own; a `str` or `bytes` value is sent as it is."""
    if isinstance(value, bytes):
        data = value
    else:
        data = value.encode() if isinstance(value, str) else json.dumps(value).encode()
    return chunk((b"event: %s\n" % name.encode() if name else b"") + b"data: " + data + b"\n\n")


SSE_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"x-upstream: yes\r\nTransfer-Encoding: chunked\r\n\r\n"
)


def sse_data(body: bytes) -> list[str]:
    """The `data` of each event in an event stream, comments and other fields left out."""
    found = []
    for block in body.replace(b"\r\n", b"\n").split(b"\n\n"):
        lines = [line[5:].removeprefix(b" ") for line in block.split(b"\n") if line.startswith(b"data:")]
        if lines:
            found.append(b"\n".join(lines).decode())
    return found
