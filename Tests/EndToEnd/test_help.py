"""`remora help`: every command and topic, each a screen, and true."""

from __future__ import annotations

import re
import textwrap

import pytest

from remora import ROOT, run

pytestmark = pytest.mark.proxy


def topics() -> list[str]:
    text = run("help", "help").stdout
    return re.search(r"TOPIC is (.*)\.", text)[1].split(", ")


def test_overview_names_every_command():
    text = run("help").stdout
    commands = re.findall(r"^  (\w+)  ", text, re.MULTILINE)
    assert {"serve", "check", "demo", "import", "record", "replay"} <= set(commands)
    for command in commands:
        done = run("help", command)
        assert done.returncode == 0 and f"remora {command}" in done.stdout.replace("[serve]", "serve"), command
    assert all(topic in text for topic in topics())
    assert run("help", "nothing").returncode == 2
    assert run("-v").stdout == run("version").stdout == run("--version").stdout


def test_topics_are_short_and_name_their_page(tmp_path):
    for topic in topics():
        text = run("help", topic).stdout
        assert len(text.splitlines()) <= 24 and max(map(len, text.splitlines())) <= 120, topic
        assert (ROOT / re.search(r"The whole page: (\S+)", text)[1]).is_file()


def test_examples_of_topics_are_read(tmp_path):
    """Nothing but providers and secrets is missing in them."""
    for topic in topics():
        example = textwrap.dedent("\n".join(re.findall(r"^  .*$", run("help", topic).stdout, re.MULTILINE)))
        if "{" not in example:
            continue
        names = "openai anthropic vertex".split() if "providers:" not in example else []
        lines = [f"  {name}: {{ kind: mock }}" for name in names] + ["  a: { kind: mock }", "  b: { kind: mock }"]
        if names:
            example += "\nproviders:\n" + "\n".join(lines) + "\ndefault_provider: a\n"
        file = tmp_path / "remora.yaml"
        file.write_text(example)
        done = run("check", str(file))
        errors = [line for line in done.stderr.splitlines() if ": error:" in line and "no such file" not in line]
        assert not errors, (example, errors)
