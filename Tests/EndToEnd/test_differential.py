"""Second opinions, on random cases that are the same in every run: Python on JSON, h11 on chunks, zlib on content codings,
PyYAML on YAML.

What Remora takes it must take as the others do, and it may refuse more only where it says so. `Tests/run fuzz` asks
the same of every input that fuzzing finds worth keeping.
"""

from __future__ import annotations

import json
import random
import sys
import zlib

import pytest
import yaml

from remora import ROOT, run
from strict import CHUNKED, get, post
from wire import Broken

sys.path.insert(0, str(ROOT / "Tests/Fuzz"))
from compare import compare_chunked, compare_json, decoded  # noqa: E402

pytestmark = pytest.mark.proxy

CASES = 500


def value(source: random.Random, depth: int = 0):
    kinds = [0, 1, 2, 3] if depth > 3 else [0, 1, 2, 3, 4, 4, 5, 5]
    kind = source.choice(kinds)
    if kind == 0:
        return source.choice([None, True, False])
    if kind == 1:
        return source.choice([0, -1, 10**30, 0.5, -1.25e-7, 1e300, source.random()])
    if kind in (2, 3):
        return "".join(source.choice(["a", "é", "\u0000", '"', "\\", "/", "😀", "\ud800", "\n", "{"]) for _ in range(4))
    if kind == 4:
        return [value(source, depth + 1) for _ in range(source.randrange(4))]
    return {f"k{index}": value(source, depth + 1) for index in range(source.randrange(4))}


def mutated(source: random.Random, data: bytes, alphabet: bytes) -> bytes:
    for _ in range(source.randrange(3)):
        at = source.randrange(len(data) + 1)
        byte = bytes([source.choice(alphabet) if source.random() < 0.8 else source.randrange(256)])
        data = source.choice([data[:at] + byte + data[at:], data[:at] + byte + data[at + 1 :], data[:at] + data[at + 1 :]])
    return data


def test_json_is_judged_as_python_does(plain):
    source = random.Random(8259)
    counts = {"accepted": 0, "refused": 0}
    client = plain.connect()
    for _ in range(CASES):
        indent, ascii_only = source.choice([None, 1]), source.random() < 0.7
        text = json.dumps({"model": "gpt-4o", "messages": [value(source)]}, indent=indent, ensure_ascii=ascii_only)
        data = mutated(source, text.encode("utf-8", "surrogatepass"), b'{}[]",:\\ue+-.0 1tn\n\x00')
        if not data:
            continue
        client.send_quietly(post(b"Content-Length: %d\r\n" % len(data), data, b"/v1/chat/completions"))
        got = client.response()
        is_refused = got.status == 400 and got.error["code"] == "invalid_json"
        if is_refused and "more than once" in got.error["message"]:
            continue
        verdict = "refused" if is_refused else "accepted"
        assert compare_json(data, verdict) in ("", None), data
        counts[verdict] += 1
        if got.get("connection") == "close":
            client.close()
            client = plain.connect()
    client.close()
    assert min(counts.values()) > CASES / 10, counts


def coded(source: random.Random, coding: str, data: bytes) -> bytes:
    """`data` as one of the senders there may be has it, flushed at random, and sometimes damaged."""
    window = 31 if coding == "gzip" else source.choice([15, 9, -15, -9])
    packer = zlib.compressobj(source.choice([0, 1, 6, 9]), 8, window, source.choice([1, 9]), source.randrange(5))
    out = b""
    while data:
        count = source.randrange(1, len(data) + 1)
        out += packer.compress(data[:count])
        if source.random() < 0.3:
            out += packer.flush(source.choice([zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH]))
        data = data[count:]
    return mutated(source, out + packer.flush(), b"\x00\x01\x1f\x78\xff") if source.random() < 0.6 else out + packer.flush()


def test_codings_are_read_as_zlib_does(plain, upstream):
    source = random.Random(1951)
    counts = {"taken": 0, "refused": 0}
    client = plain.connect()
    for _ in range(CASES):
        text = "".join(source.choice(["the ", "quick ", "naïve ", str(source.random())]) for _ in range(source.randrange(400)))
        said = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}).encode()
        coding = source.choice(["gzip", "deflate"])
        data = coded(source, coding, said)
        fields = b"Content-Encoding: %s\r\nContent-Length: %d\r\n" % (coding.encode(), len(data))
        client.send_quietly(post(fields, data, b"/v1/chat/completions"))
        got = client.response()
        try:
            theirs = decoded(coding, data)
        except (ValueError, zlib.error):
            theirs = None
        # Bare data has no sum: damaged, it may say something else.
        if got.status == 200:
            assert upstream.last.body == theirs, data
            counts["taken"] += 1
        else:
            assert theirs != said, data
            assert (got.error["code"] == "invalid_content_encoding") == (theirs is None), data
            counts["refused"] += 1
        if got.get("connection") == "close":
            client.close()
            client = plain.connect()
    client.close()
    assert min(counts.values()) > CASES / 10, counts


def test_chunks_are_read_as_h11_does(plain, upstream):
    source = random.Random(9112)
    counts = {"taken": 0, "refused": 0, "unfinished": 0}
    for number in range(CASES):
        data = b""
        for _ in range(source.randrange(1, 4)):
            piece = bytes(source.choice(b"\r\n0;a") for _ in range(source.randrange(1, 18)))
            size = source.choice([b"%x", b"%X", b"00%x"]) % len(piece)
            data += size + source.choice([b"", b"", b";a", b";a=b", b';a="b;c"']) + b"\r\n" + piece + b"\r\n"
        data += b"0\r\n" + source.choice([b"", b"", b"X: y\r\n", b"Y:z\r\nX: y\r\n"]) + b"\r\n"
        data = mutated(source, data, b"0123456789abcdefF;:\r\n \t=\"")
        theirs = compare_chunked(data, "?")
        is_whole = theirs is not None and theirs.startswith("h11 reads ") and "refused" not in theirs
        is_whole = is_whole and "more" not in theirs
        upstream.requests.clear()
        with plain.connect() as client:
            mark = b"Connection: close\r\nX-Case: %d\r\n" % number
            client.send_quietly(post(mark + CHUNKED, data))
            if not is_whole:
                client.finish_sending()
            try:
                got = client.response()
            except Broken:
                got = None
        # An earlier request that broke off may be noted late: only those with this mark count.
        reached = [each for each in list(upstream.requests) if each.get("x-case") == str(number)]
        if got is None:
            counts["unfinished"] += 1
            assert not is_whole, data
        elif got.status == 200:
            counts["taken"] += 1
            body = reached[-1].body
            assert theirs.startswith(f"h11 reads {body.hex()} "), data
        else:
            counts["refused"] += 1
            assert got.error["code"] == "invalid_chunked_body", got.body
            assert compare_chunked(data, "refused") in ("", None), data
        if got is None or got.status != 200:
            assert not any(each.complete for each in reached), data
    assert min(counts.values()) > CASES / 50, counts
    assert plain.ask(get()).status == 200


def test_yaml_is_read_as_pyyaml_writes_it(tmp_path):
    """Texts that are awkward in YAML, in every style that PyYAML has for them; a header's value is printable ASCII."""
    source = random.Random(12)
    parts = ["a", "b c", "#", " #", ": ", ":", "- ", "-", "?", "'", '"', "\\", "{", "}", "[", "]", ",", "&", "*"]
    parts += ["!", "|", ">", "%", "@", "`", "~", "null", "true", "0x1F", "1e3", ".inf", "=", "<<", "...", "---", "word " * 9]
    file = tmp_path / "remora.yaml"
    for _ in range(40):
        headers = {}
        for number in range(12):
            text = "".join(source.choice(parts) for _ in range(source.randrange(1, 6))).strip()
            headers[f"x-{number}"] = text or "-"
        config = {
            "providers": {"gateway": {"kind": "openai", "base_url": "https://localhost:1/v1", "api_key": "none",
                                      "headers": headers}},
            "default_provider": "gateway",
        }  # fmt: skip
        file.write_text(yaml.safe_dump(
            config, default_flow_style=source.choice([True, False, None]),
            default_style=source.choice([None, None, '"', "'", "|", ">"]), width=source.choice([20, 40, 80, 1000]),
            indent=source.choice([2, 3, 4, 8]), allow_unicode=source.choice([True, False]), sort_keys=False,
        ))  # fmt: skip
        done = run("check", "--print", str(file))
        assert done.returncode == 0, (done.stderr, file.read_text())
        assert json.loads(done.stdout)["providers"]["gateway"]["headers"] == headers, file.read_text()
