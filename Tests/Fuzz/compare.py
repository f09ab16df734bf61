"""Holds what the fuzz targets made of their inputs against other people's parsers.

`compare.py PROGRAM CORPUS`: every input that fuzzing found worth keeping is judged once more, by Remora's parser and
by a second one: JSON by Python's, chunked bodies by h11, YAML by PyYAML, content codings by zlib. Remora may refuse
more, where it says so; what it takes, it must take as the other one does. Exit 1 where they differ.
"""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path

import h11
import yaml

sys.set_int_max_str_digits(0)
sys.setrecursionlimit(20_000)
SHOWN = 12
BATCH = 400


def judged(program: Path, target: str, files: list[Path]) -> list[str]:
    """Remora's verdicts, one a file."""
    verdicts: list[str] = []
    env = {**os.environ, "REMORA_FUZZ": target, "REMORA_FUZZ_JUDGE": "1", "ASAN_OPTIONS": "detect_leaks=0"}
    for start in range(0, len(files), BATCH):
        batch = files[start : start + BATCH]
        done = subprocess.run([str(program), "-detect_leaks=0", *map(str, batch)], env=env, capture_output=True, timeout=600)
        lines = done.stdout.decode().split("\n")[:-1]
        assert done.returncode == 0 and len(lines) == len(batch), done.stderr.decode(errors="replace")[-2000:]
        verdicts += lines
    return verdicts


# Each gives AGREED where both took the input for the same, UNSAID where one of them has nothing to compare, or what
# they differ in.
AGREED = ""
UNSAID = None


def _refuse_constant(name: str):
    raise ValueError(name)


def compare_json(data: bytes, verdict: str) -> str | None:
    try:
        json.loads(data.decode("utf-8"), parse_constant=_refuse_constant)
        theirs = "accepted"
    except RecursionError:
        return UNSAID
    except ValueError:
        theirs = "refused"
    if theirs == verdict:
        return AGREED
    # Remora counts levels.
    if theirs == "accepted" and data.count(b"[") + data.count(b"{") > 512:
        return UNSAID
    return f"Python has it {theirs}"


SIZE = rb'[0-9A-Fa-f]{1,16}'
TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
QUOTED = rb'"(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[^\x00-\x08\x0a-\x1f\x7f])*"'
EXTENSION = rb";[ \t]*%s(?:[ \t]*=[ \t]*(?:%s|%s))?" % (TOKEN, TOKEN, QUOTED)
FIRST_EXTENSION = re.compile(rb"(%s)((?:%s(?:[ \t]*%s)*)?)" % (SIZE, EXTENSION, EXTENSION))


def is_stricter(data: bytes) -> bool:
    """Whether a chunked body has what Remora refuses on purpose: odd blanks, extensions, sizes, trailers."""
    extensions = 0
    while True:
        line, _, data = data.partition(b"\r\n")
        found = FIRST_EXTENSION.fullmatch(line)
        if not found or len(found[2]) > 257 or int(found[1], 16) > 1 << 58:
            return True
        extensions += len(found[2])
        if extensions > 4096:
            return True
        size = int(found[1], 16)
        if size == 0:
            break
        data = data[size + 2 :]
    trailers = data.partition(b"\r\n\r\n")[0]
    lines = trailers.split(b"\r\n")
    plain = re.compile(rb"%s:[^\x00-\x08\x0a-\x1f\x7f]*" % TOKEN)
    return len(lines) > 32 or len(trailers) > 8000 or not all(plain.fullmatch(each) for each in lines if each) \
        or b"" in lines[:-1]


def compare_chunked(data: bytes, verdict: str) -> str | None:
    reader = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    reader.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    reader.send(h11.EndOfMessage())
    reader.receive_data(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + data)
    body, theirs = b"", "more"
    try:
        while (event := reader.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.Data):
                body += event.data
            if isinstance(event, h11.EndOfMessage):
                theirs = f"{body.hex()} {len(data) - len(reader.trailing_data[0])}"
                break
    except h11.RemoteProtocolError as error:
        theirs = f"refused ({error})"
        # h11 reads trailers as if they stood before the body; Remora leaves such ones out.
        if "Transfer-Encoding" in theirs or "Content-Length" in theirs:
            return AGREED
    if theirs == verdict:
        return AGREED if verdict != "more" else UNSAID
    if verdict == "refused":
        if theirs == "more" or theirs.startswith("refused"):
            return UNSAID
        return UNSAID if is_stricter(data) else f"h11 reads {theirs[:200]}"
    # A size that h11 doesn't count to.
    return UNSAID if verdict == "more" and theirs.startswith("refused") else f"h11 reads {theirs[:200]}"


# YAML 1.2's core schema (section 10.3.2), for plain scalars.
INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


def plain_value(text: str):
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text.lower() == "true"
    if INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if FLOAT.fullmatch(text):
        return float(text)
    if re.fullmatch(r"[-+]?\.(inf|Inf|INF)", text):
        return "-.inf" if text[0] == "-" else ".inf"
    return ".nan" if text in (".nan", ".NaN", ".NAN") else text


def composed(node):
    if isinstance(node, yaml.SequenceNode):
        return [composed(each) for each in node.value]
    if isinstance(node, yaml.MappingNode):
        return {key.value: composed(value) for key, value in node.value}
    return plain_value(node.value) if node.style is None else node.value


def same(one, other) -> bool:
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return one == other or math.isclose(one, other, rel_tol=1e-15)
    if isinstance(one, (int, float)) and isinstance(other, str):
        # Beyond what a number holds, Remora writes it as infinite or keeps the text.
        return other in (".inf", "-.inf") and abs(one) > 1e300 or other == str(one)
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return one == other


def compare_yaml(data: bytes, verdict: str) -> str | None:
    if verdict == "refused":
        return UNSAID
    try:
        text = data.decode()
        theirs = [composed(node) for node in yaml.compose_all(text, yaml.SafeLoader) if node is not None]
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError, OverflowError):
        return UNSAID
    ours = json.loads(verdict)
    if len(theirs) < len(ours):
        ours = [each for each in ours if each is not None]
        theirs = [each for each in theirs if each is not None]
    if same(theirs, ours):
        return AGREED
    return f"PyYAML reads {theirs!r:.300}\n    Remora reads {ours!r:.300}"


def decoded(coding: str, data: bytes) -> bytes:
    """A coded body as zlib has it, member by member; raises ValueError or zlib.error."""
    if not data:
        return b""
    if coding == "gzip":
        out = b""
        while data:
            member = zlib.decompressobj(31)
            out += member.decompress(data)
            if not member.eof:
                raise ValueError("cut")
            data = member.unused_data
        return out
    is_wrapped = len(data) > 1 and data[0] & 15 == 8 and data[0] >> 4 <= 7 and (data[0] << 8 | data[1]) % 31 == 0
    reader = zlib.decompressobj(15 if is_wrapped else -15)
    out = reader.decompress(data)
    if not reader.eof or reader.unused_data:
        raise ValueError("cut, or more behind it")
    return out


def compare_coding(data: bytes, verdict: str) -> str | None:
    if not data or verdict == "more":
        return UNSAID
    try:
        theirs = decoded("deflate" if data[0] & 1 else "gzip", data[1:]).hex()
    except (ValueError, zlib.error):
        theirs = "refused"
    return AGREED if theirs == verdict else f"zlib reads {theirs[:200]}"


COMPARISONS = {"json": compare_json, "chunked": compare_chunked, "yaml": compare_yaml, "coding": compare_coding}


def main(program: Path, corpus: Path) -> int:
    differences = 0
    for target, compare in COMPARISONS.items():
        files = sorted((corpus / target).iterdir())
        agreed = differ = 0
        for file, verdict in zip(files, judged(program, target, files), strict=True):
            difference = compare(file.read_bytes()[4:], verdict)
            if difference is UNSAID or difference is AGREED:
                agreed += difference is AGREED
                continue
            differ += 1
            if differ <= SHOWN:
                print(f"{target}: {file.read_bytes()[4:][:300]!r} is {verdict[:200]}\n    {difference}")
        differences += differ
        print(f"{target}: {len(files)} inputs, {agreed} read alike by both, {differ} not")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
