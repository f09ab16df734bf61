"""A provider under the tests' control: a TLS server on raw sockets, one thread a connection.

Unless told otherwise it behaves as a faithful OpenAI server (`openai_server.py`). A test can say instead
exactly which bytes the next request gets, with gates and pauses between them, and how the connection ends.
What reached it is kept byte for byte: every head, every body, every connection and when its peer closed it.
"""

from __future__ import annotations

import hashlib
import json
import os
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import openai_server
from certificates import Certificate

PATIENCE = 30.0
"""Seconds after which a wait inside the upstream gives up, so that a lost test ends."""
KEPT_BODY = 4 << 20
"""Bodies longer than this are only counted and hashed; no more of a connection's bytes is kept either."""


# Steps of a script, beside plain `bytes`.


class Gate:
    """Holds a script until the test opens it: `next event only after the last was seen` without a clock."""

    def __init__(self) -> None:
        self.descriptor = os.eventfd(0)

    def __del__(self) -> None:
        os.close(self.descriptor)

    def open(self) -> None:
        os.eventfd_write(self.descriptor, 1)


@dataclass(frozen=True)
class Pause:
    """Silence for some seconds: only for what is about time, such as an idle timeout."""

    seconds: float


CLOSE = "close"
"""close_notify, then FIN: a TLS connection's proper end."""
CUT = "cut"
"""FIN without close_notify: truncation, as far as TLS can tell."""
RESET = "reset"
"""RST."""
STALL = "stall"
"""Says nothing more until the peer goes away."""
UNREAD = "unread"
"""As the first step: answers without reading the request's body."""

Step = bytes | Gate | Pause | str | Callable
Script = Iterable[Step]


@dataclass
class Request:
    """A request as it arrived."""

    head: bytes
    method: str
    target: str
    version: str
    headers: list[tuple[str, str]]
    connection: "Connection"
    at: float
    body: bytes = b""
    """The body with its transfer coding removed; empty when it was longer than KEPT_BODY."""
    raw_body: bytes = b""
    """The body as framed on the wire, under the same limit."""
    length: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    complete: bool = False

    def get(self, name: str) -> str | None:
        values = self.all(name)
        return ", ".join(values) if values else None

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def names(self) -> set[str]:
        return {key.lower() for key, _ in self.headers}

    @property
    def sha256(self) -> str:
        return self.digest.hexdigest()

    def json(self):
        return json.loads(self.body)

    def take(self, data: bytes) -> None:
        self.length += len(data)
        self.digest.update(data)
        if self.length <= KEPT_BODY:
            self.body += data


class Gone(Exception):
    """The peer closed."""


class Connection:
    """One accepted connection, read and written by its own thread only."""

    def __init__(self, sock: socket.socket, number: int) -> None:
        self.socket = sock
        self.number = number
        self.buffer = b""
        self.raw = bytearray()
        """Every byte since the last reset, whatever it meant."""
        self.requests = 0
        self.opened_at = time.monotonic()
        self.closed_at: float | None = None
        self.closed = threading.Event()
        self.busy = False
        self.handshake_error: str | None = None
        self.resumed = False
        self.server_name: str | None = None
        self.client_certificate: dict | None = None
        self.tls_version: str | None = None

    def fill(self) -> None:
        try:
            data = self.socket.recv(262144)
        except (OSError, ValueError):
            data = b""
        if not data:
            self._note_closed()
            raise Gone
        self.buffer += data
        if len(self.raw) < KEPT_BODY:
            self.raw += data

    def take(self, count: int) -> bytes:
        while len(self.buffer) < count:
            self.fill()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def until(self, marker: bytes) -> bytes:
        while marker not in self.buffer:
            self.fill()
        return self.take(self.buffer.index(marker) + len(marker))

    def send(self, data: bytes) -> None:
        try:
            self.socket.sendall(data)
        except (OSError, ValueError) as error:
            self._note_closed()
            raise Gone from error

    def wait(self, descriptor: int | None, seconds: float) -> bool:
        """Waits for `descriptor`, or for time to pass; raises `Gone` the moment the peer closes."""
        deadline = time.monotonic() + seconds
        watched = [self.socket] + ([] if descriptor is None else [descriptor])
        while (left := deadline - time.monotonic()) > 0:
            ready, _, _ = select.select(watched, [], [], left)
            if self.socket in ready:
                self.fill()
            elif ready:
                return True
        return False

    def end(self, how: str) -> None:
        if how == CLOSE and isinstance(self.socket, ssl.SSLSocket):
            self.socket.settimeout(0)
            try:
                self.socket.unwrap()
            except (OSError, ValueError):
                pass
        if how == RESET:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def _note_closed(self) -> None:
        if self.closed_at is None:
            self.closed_at = time.monotonic()
        self.closed.set()


class Upstream:
    """The listening side. Construct, use `base_url`, `stop()`."""

    def __init__(
        self,
        certificate: Certificate | None,
        *,
        client_ca: os.PathLike | None = None,
        version: ssl.TLSVersion | None = None,
        stall_handshake: bool = False,
        greeting: bytes | None = None,
        address: str = "127.0.0.1",
        port: int = 0,
        name: str = "localhost",
    ) -> None:
        """`certificate=None` speaks plain HTTP.

        `greeting` is sent at once, in place of TLS and HTTP; an empty one is a hang-up.
        """
        self.scheme = "https" if certificate or stall_handshake or greeting is not None else "http"
        self.name = name
        self.stall_handshake = stall_handshake
        self.greeting = greeting
        self.context = _context(certificate, client_ca, version) if certificate else None
        self.lock = threading.Lock()
        self.requests: list[Request] = []
        self.connections: list[Connection] = []
        self._scripts: list[tuple[Callable[[Request], bool], Script]] = []
        self._arrived = threading.Condition(self.lock)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.socket(family, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((address, port))
        self._listener.listen(128)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.name}:{self.port}"

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1"

    # What a test says.

    def reply(self, *steps: Step, when: Callable[[Request], bool] = lambda _: True) -> None:
        """Answers the next request for which `when` holds with exactly these steps.

        After the last step the connection stays open for the next request, unless a step ended it.
        """
        with self.lock:
            self._scripts.append((when, steps))

    def reset(self) -> None:
        """Forgets scripts and requests, and ends exchanges that a test left behind."""
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline and any(each.busy for each in self.connections):
            time.sleep(0.002)
        with self.lock:
            self._scripts.clear()
            self.requests.clear()
            self.connections = [each for each in self.connections if each.closed_at is None]
            left = [each for each in self.connections if each.busy]
            for connection in self.connections:
                connection.raw.clear()
        for connection in left:
            _shut(connection.socket)

    def stop(self) -> None:
        _shut(self._listener)
        self._listener.close()
        for connection in self.connections:
            _shut(connection.socket)
        self._thread.join(2)

    # What a test asks.

    def wait_requests(self, count: int, seconds: float = 10.0) -> list[Request]:
        """The first `count` requests, complete or not, once there are so many."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self.requests) >= count, seconds):
                raise AssertionError(f"{len(self.requests)} requests reached the upstream, wanted {count}")
            return self.requests[:count]

    @property
    def raw(self) -> bytes:
        """All bytes that reached it since the last reset, connection by connection."""
        return b"".join(bytes(each.raw) for each in self.connections)

    def wait_closed(self, seconds: float = 5.0) -> None:
        """Waits until a connection has closed since the last reset: then all its bytes are in `raw`."""
        deadline = time.monotonic() + seconds
        while not any(each.closed.is_set() for each in self.connections):
            assert time.monotonic() < deadline, "no connection to the upstream was closed"
            time.sleep(0.002)

    def wait_said(self, seconds: float = 5.0) -> None:
        """Waits until it has said all that it was told to: what is asked next is in no race with that."""
        deadline = time.monotonic() + seconds
        while any(each.busy for each in self.connections):
            assert time.monotonic() < deadline, "the upstream is still speaking"
            time.sleep(0.002)

    @property
    def last(self) -> Request:
        assert self.requests, "no request reached the upstream"
        return self.requests[-1]

    # The server.

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(sock, len(self.connections))
            with self.lock:
                self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        try:
            if self.greeting is not None:
                connection.send(self.greeting)
                if self.greeting:
                    connection.wait(None, PATIENCE)
                return
            if self.stall_handshake:
                while True:
                    connection.fill()
            if self.context is None or self._handshake(connection):
                while self._exchange(connection):
                    pass
        except Gone:
            pass
        finally:
            connection.busy = False
            connection.end(CUT)

    def _handshake(self, connection: Connection) -> bool:
        assert self.context is not None
        try:
            connection.socket.settimeout(PATIENCE)
            wrapped = self.context.wrap_socket(connection.socket, server_side=True)
        except (OSError, ValueError) as error:
            connection.handshake_error = str(error)
            connection._note_closed()
            return False
        wrapped.settimeout(None)
        connection.socket = wrapped
        connection.resumed = bool(wrapped.session_reused)
        connection.tls_version = wrapped.version()
        connection.client_certificate = wrapped.getpeercert()
        connection.server_name = getattr(wrapped, "asked_name", None)
        return True

    def _exchange(self, connection: Connection) -> bool:
        """One request and its answer; false when the connection is over."""
        head = connection.until(b"\r\n\r\n")
        connection.busy = True
        request = _parse(head, connection)
        connection.requests += 1
        script = None
        with self._arrived:
            for index, (when, steps) in enumerate(self._scripts):
                if when(request):
                    script = steps
                    del self._scripts[index]
                    break
            self.requests.append(request)
            self._arrived.notify_all()
        if isinstance(script, tuple) and script[:1] == (UNREAD,):
            return self._play(connection, request, script[1:])
        if (request.get("expect") or "").lower() == "100-continue":
            connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        _read_body(connection, request)
        if script is None:
            script = openai_server.answer(request)
        kept = self._play(connection, request, script)
        connection.busy = False
        return kept and (request.get("connection") or "").lower() != "close"

    def _play(self, connection: Connection, request: Request, script: Script) -> bool:
        for step in script:
            if isinstance(step, bytes):
                connection.send(step)
            elif isinstance(step, Gate):
                if not connection.wait(step.descriptor, PATIENCE):
                    return False
                os.eventfd_read(step.descriptor)
            elif isinstance(step, Pause):
                connection.wait(None, step.seconds)
            elif step == STALL:
                connection.wait(None, PATIENCE)
                return False
            elif isinstance(step, str):
                connection.end(step)
                return False
            else:
                step(connection, request)
        return True


def _context(certificate: Certificate, client_ca, version: ssl.TLSVersion | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if version is not None:
        # Versions that a library of today refuses by default are what such a test is about.
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
    context.load_cert_chain(certificate.cert_file, certificate.key_file)
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)

    def note(wrapped: ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
        wrapped.asked_name = name

    context.sni_callback = note
    return context


def _shut(sock: socket.socket) -> None:
    try:
        # On the descriptor, past a TLS wrapper whose thread may be using it.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        pass


def _parse(head: bytes, connection: Connection) -> Request:
    lines = head[:-4].split(b"\r\n")
    method, target, version = lines[0].decode("latin-1").split(" ")
    headers = []
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        headers.append((name.decode("latin-1"), value.decode("latin-1").strip()))
    return Request(head, method, target, version, headers, connection, time.monotonic())


def _read_body(connection: Connection, request: Request) -> None:
    coding = (request.get("transfer-encoding") or "").lower()
    if coding == "chunked":
        while True:
            line = connection.until(b"\r\n")
            size = int(line, 16)
            data = connection.take(size + 2) if size else connection.until(b"\r\n")
            if request.length <= KEPT_BODY:
                request.raw_body += line + data
            if size == 0:
                while data != b"\r\n":
                    request.raw_body += (data := connection.until(b"\r\n"))
                break
            request.take(data[:-2])
    else:
        left = int(request.get("content-length") or 0)
        while left:
            if not connection.buffer:
                connection.fill()
            data = connection.take(min(left, len(connection.buffer)))
            request.take(data)
            left -= len(data)
        request.raw_body = request.body
    request.complete = True
