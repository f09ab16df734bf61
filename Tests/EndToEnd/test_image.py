"""The Dockerfile, as far as it can be judged without an engine: its form, and the libraries it copies."""

from __future__ import annotations

import platform
import re
import subprocess
from pathlib import Path

import pytest

from remora import BINARY, ROOT

pytestmark = pytest.mark.proxy


@pytest.fixture(scope="module")
def instructions() -> list[tuple[str, str]]:
    """Each instruction with its arguments, continuation lines joined."""
    text = (ROOT / "Dockerfile").read_text()
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(word.upper(), rest) for word, _, rest in (line.partition(" ") for line in joined.splitlines())]


def final_stage(instructions) -> list[tuple[str, str]]:
    last = max(index for index, (word, _) in enumerate(instructions) if word == "FROM")
    return instructions[last:]


def test_known_instructions_only(instructions):
    known = {
        "ARG",
        "FROM",
        "RUN",
        "COPY",
        "WORKDIR",
        "ENV",
        "USER",
        "ENTRYPOINT",
        "EXPOSE",
        "LABEL",
        "STOPSIGNAL",
    }
    assert {word for word, _ in instructions} <= known


def test_base_images_are_arguments(instructions):
    """Every stage builds on an argument with a default, on an earlier stage, or on nothing."""
    arguments = {rest.split("=")[0] for word, rest in instructions if word == "ARG" and "=" in rest}
    stages = {"scratch"}
    for word, rest in instructions:
        if word == "FROM":
            image = rest.split()[0]
            assert image in stages or re.sub(r"\W", "", image) in arguments, rest
            stages.add(rest.split()[-1])
    assert len(stages) >= 3


def test_final_stage(instructions):
    stage = final_stage(instructions)
    words = [word for word, _ in stage]
    user = next(rest for word, rest in stage if word == "USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user), "Kubernetes' runAsNonRoot needs a number"
    assert ("ENTRYPOINT", '["/usr/local/bin/remora"]') in stage
    assert "RUN" not in words, "the final stage has no shell to run anything with"


def test_labels_say_what_it_is(instructions):
    """By build arguments, which are declared in the stage that uses them."""
    stage = final_stage(instructions)
    declared = {rest.split("=")[0] for word, rest in stage if word == "ARG"}
    label = next(rest for word, rest in stage if word == "LABEL")
    assert set(re.findall(r"\$\{(\w+)\}", label)) == declared == {"VERSION", "REVISION", "CREATED"}
    for key in ("version", "revision", "created", "title"):
        assert f"org.opencontainers.image.{key}=" in label
    version = subprocess.run([str(BINARY), "version"], capture_output=True, text=True, check=True).stdout.split()[1]
    assert ("ARG", f"VERSION={version}") in stage


@pytest.mark.build("it loads the sanitizer's libraries and Swift's")
def test_every_library_is_copied():
    """What the binary loads is what the build stage picks: no more is needed, nothing is missing."""
    listed = subprocess.run(["ldd", str(BINARY)], capture_output=True, text=True, check=True).stdout
    needed = {line.split()[0].rsplit("/", 1)[-1] for line in listed.splitlines() if line.strip()}
    needed.discard("linux-vdso.so.1")
    named = set(re.findall(r"(?:lib[\w+-]+|ld-linux[\w-]*)\.so(?:\.\d+)*", (ROOT / "Dockerfile").read_text()))
    assert needed <= named, f"the Dockerfile lacks {sorted(needed - named)}"
    if any(Path("/usr/lib/gcc").glob("*/*/libstdc++.a")):
        assert needed.isdisjoint({"libstdc++.so.6", "libgcc_s.so.1"}), "what it needs of C++'s library is to be linked in"


@pytest.mark.build("it loads Swift's libraries, and offers them what it declares")
def test_the_binary_holds_what_it_needs():
    """One call of the standard library's own search in a string would link its regular expressions, 1.4 MB (Wire's
    TextSearch.swift goes before it); what nothing calls of the rest, 0.8 MB, and characters' names, 0.5 MB, are left out
    (Sources/release.lld and release.ld); and of what a linker fills in nothing stays writable that needn't."""
    program = BINARY.read_bytes()
    assert b"RegexParser" not in program
    offset, size, count = (int.from_bytes(program[at:at + width], "little") for at, width in ((32, 8), (54, 2), (56, 2)))
    heads = [program[offset + at * size:][:size] for at in range(count)]
    kinds = {int.from_bytes(head[:4], "little") for head in heads}
    assert 0x6474E552 in kinds, "PT_GNU_RELRO is missing"
    # Of each segment: kind, flags, bytes in the file.
    parts = [tuple(int.from_bytes(head[at:at + width], "little") for at, width in ((0, 4), (4, 4), (32, 8))) for head in heads]
    loaded = sum(size for kind, _, size in parts if kind == 1)
    # Other processors' code has another size.
    assert loaded <= 10_500_000 or platform.machine() != "x86_64", f"{loaded} bytes are more than the program needs"
    writable = sum(size for kind, flags, size in parts if kind == 1 and flags & 2)
    writable -= sum(size for kind, _, size in parts if kind == 0x6474E552)
    assert writable < 400_000, f"{writable} bytes stay writable: constants are among them"


def test_context_leaves_the_rest_out():
    """What is no source is not sent to the builder."""
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".git", ".build", ".venv"} <= set(ignored)
