"""What the tests of strictness share: bytes as they must reach the provider and the client, and who covers which row.

Every comparison is of whole messages. What differs from run to run is written as a word: a request id that
Remora made is `ID`, the provider's port `PORT`.
"""

from __future__ import annotations

import re
from http.client import responses
from pathlib import Path

from remora import SECRET

LIST = Path(__file__).resolve().parents[2] / "../shared/operations.md"
"""The list of parsing behaviours; its rows have ids such as H1-23."""

HOST = b"Host: localhost\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
SEVEN = b"7\r\n7 bytes\r\n"
LAST = b"0\r\n\r\n"

COVERED: set[str] = set()


def covers(*ids: str):
    """Marks a test that is a row of its own; tables add their rows by `take`."""
    COVERED.update(ids)
    return lambda test: test


def take(rows: list) -> list:
    """Notes which ids `rows` cover; a title begins with its id, if it has one."""
    titles = [row[0] for row in rows]
    assert len(titles) == len(set(titles)), "two rows of one name"
    COVERED.update(title.split(" ")[0] for title in titles if title.startswith("H1-"))
    return rows


def listed() -> set[str] | None:
    """The ids in the list; none where it is absent."""
    if not LIST.exists():
        print(f"ABSENT: {LIST}: whether every row is covered can't be checked")
        return None
    return set(re.findall(r"\bH1-\d\d\b", LIST.read_text()))


# What a client sends.


def post(fields: bytes, body: bytes = b"", target: bytes = b"/v1/echo") -> bytes:
    return b"POST " + target + b" HTTP/1.1\r\n" + HOST + fields + b"\r\n" + body


def get(fields: bytes = b"", target: bytes = b"/v1/echo") -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\n" + HOST + fields + b"\r\n"


# What must come of it.


def to_provider(line: bytes, fields: bytes = b"", framing: bytes = b"", body: bytes = b"") -> bytes:
    """A request as the provider must get it: `fields` are those of the client that go on."""
    own = b"authorization: Bearer " + SECRET.encode() + b"\r\nx-request-id: ID\r\n"
    return line + b" HTTP/1.1\r\nHost: localhost:PORT\r\n" + fields + own + framing + b"\r\n" + body


def to_client(
    status: int, fields: bytes = b"", body: bytes = b"", *, framing: bytes | None = None, closes: bool = False
) -> bytes:
    """A provider's answer as the client must get it: `fields` are those of the provider that go on."""
    own = b"x-request-id: ID\r\nx-remora-provider: gateway\r\nx-remora-attempts: 1\r\n"
    if closes:
        own += b"Connection: close\r\n"
    if framing is None:
        framing = b"Content-Length: %d\r\n" % len(body)
    return _status_line(status) + fields + own + framing + b"\r\n" + body


def refusal(status: int, message: bytes, code: str, *, upstream: bool = False, closes: bool = True) -> bytes:
    """An answer of Remora's own, with this text."""
    kind = b"upstream_error" if upstream else b"invalid_request_error"
    if code == "origin_not_allowed":
        kind = b"permission_error"
    body = b'{"error":{"message":"%s","type":"%s","param":null,"code":"%s"}}' % (message, kind, code.encode())
    head = _status_line(status) + b"Content-Type: application/json\r\n"
    if status == 405:
        head += b"Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"
    if status == 426:
        head += b"Upgrade: HTTP/1.1\r\nConnection: Upgrade\r\n"
    if not upstream and status != 408:
        head += b"x-should-retry: false\r\n"
    head += b"x-remora-error-source: %s\r\nx-request-id: ID\r\n" % (b"upstream" if upstream else b"remora")
    if upstream:
        head += b"x-remora-provider: gateway\r\nx-remora-attempts: 1\r\n"
    if closes:
        head += b"Connection: close\r\n"
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def plain_text(data: bytes, upstream) -> bytes:
    """`data` with what differs from run to run written as a word."""
    data = re.sub(rb"req_[0-9a-f]{32}", b"ID", data)
    return data.replace(b"localhost:%d" % upstream.port, b"localhost:PORT")


def unchunked(body: bytes) -> bytes:
    """The data of a chunked body that a row expects, which has neither extensions nor trailers."""
    data = b""
    while body != LAST:
        size, _, rest = body.partition(b"\r\n")
        count = int(size, 16)
        data, body = data + rest[:count], rest[count + 2 :]
    return data


def message_of(answer: bytes) -> bytes:
    """The sentence in an answer of Remora's own; its wording is not what these tests are about."""
    found = re.search(rb'"message":"((?:[^"\\]|\\.)*)"', answer)
    return found[1] if found else b""


def _status_line(status: int) -> bytes:
    ours = {413: "Content Too Large", 414: "URI Too Long", 422: "Unprocessable Content"}
    return b"HTTP/1.1 %d %s\r\n" % (status, (ours.get(status) or responses[status]).encode())
