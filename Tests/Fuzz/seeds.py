"""Makes the seeds of each fuzz target from the fixtures and, where they are, the published vectors.

`seeds.py DIRECTORY`: a folder a target. The first four bytes of a seed say how it is cut; zeros are byte by byte.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "Tests/Fixtures"
VECTORS = ROOT / "../shared/vectors"
LONGEST = 1 << 16


def unescaped(text: str) -> bytes:
    """The bytes that a row of `Fixtures/http1` writes (see its first lines)."""

    def repeated(found: re.Match) -> str:
        return found[2] * min(int(found[1]), 40)

    text = re.sub(r"\{(\d+)\*([^{}]*)\}", repeated, text)
    plain = {"r": "\r", "n": "\n", "t": "\t", "\\": "\\"}
    text = re.sub(
        r"\\(x..|.)", lambda found: chr(int(found[1][1:], 16)) if found[1][0] == "x" else plain[found[1]], text
    )
    return text.encode("latin-1")


def rows(name: str) -> list[bytes]:
    lines = (FIXTURES / "http1" / name).read_text().split("\n")
    parts = [line.split(" | ", 2) for line in lines if line and not line.startswith("#")]
    return [unescaped(part[2]) for part in parts if len(part) == 3]


def vectors(name: str) -> list[bytes]:
    path = VECTORS / name
    if not path.exists():
        print(f"ABSENT: {path}: fuzzing starts without its cases")
        return []
    return [base64.b64decode(case["bytes_b64"]) for case in json.loads(path.read_text())["cases"] if "bytes_b64" in case]


def snippets(name: str, folder: str = "WireTests") -> list[bytes]:
    """The texts in a Swift test's source: its cases are written there."""
    source = (ROOT / "Tests" / folder / name).read_text()
    found = re.findall(r'"((?:[^"\\\n]|\\.)*)"', source)
    return [re.sub(r'\\([nt"\\])', lambda each: {"n": "\n", "t": "\t"}.get(each[1], each[1]), text).encode() for text in found]


def coded() -> list[bytes]:
    lines = (FIXTURES / "coding/cases.txt").read_text().split("\n")
    parts = [line.split(" | ") for line in lines if line and not line.startswith("#")]
    return [bytes([part[1].startswith("deflate")]) + bytes.fromhex(part[2]) for part in parts]


def manifests() -> list[bytes]:
    """Other people's manifests and this project's own, and the cases of the tests of inject."""
    folders = (ROOT / "../shared/kubernetes/manifests", ROOT / "k8s")
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix in (".yaml", ".json")]
    head = b"kind: Pod\nmetadata: {name: p}\nspec:\n"
    cases = [head + text for text in snippets("LayoutTests.swift", "KubernetesTests") if text.startswith(b"      ")]
    return cases + [path.read_bytes() for path in files if path.stat().st_size < 8192]


CHAT = b"""{"model":"gpt-4o","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user",
"content":"h\\u00e9 \\ud83d\\ude00"}],"user":"u","metadata":{},"max_tokens":1e2,"id":null,"usage":{"a":[1,-2.5E+3]}}"""


def seeds() -> dict[str, list[bytes]]:
    configs = [path.read_bytes() for path in sorted((FIXTURES / "config").rglob("*")) if path.suffix in (".yaml", ".json")]
    json_texts = [CHAT, *vectors("JSONTestSuite.json")]
    return {
        "request": rows("requests.txt"),
        "response": rows("responses.txt"),
        "chunked": rows("chunked.txt"),
        "sse": vectors("sse.json") + snippets("SSE/EventDecoderTests.swift"),
        "json": json_texts,
        "splice": [CHAT] + [b'{"model":%s,"id":1, "x": %s}' % (text, text) for text in json_texts if len(text) < 40],
        "eventstream": vectors("eventstream.json"),
        "yaml": configs + snippets("YAML/YAMLParserTests.swift") + snippets("YAML/YAMLFaultTests.swift"),
        "config": configs,
        "coding": coded(),
        "inject": manifests(),
        "resp": [b"+OK\r\n", b"-ERR no\r\n", b":-12\r\n", b"$3\r\nabc\r\n", b"$-1\r\n", b"*-1\r\n", b"*3\r\n:1\r\n$1\r\nx\r\n*1\r\n+a\r\n"],
    }


def main(directory: Path) -> None:
    for target, texts in seeds().items():
        folder = directory / target
        folder.mkdir(parents=True, exist_ok=True)
        for text in texts:
            for cut in (b"\0\0\0\0", hashlib.sha256(text).digest()[:4]):
                data = cut + text[:LONGEST]
                (folder / hashlib.sha256(data).hexdigest()[:20]).write_bytes(data)
        print(f"{target}: {len(list(folder.iterdir()))} inputs")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
