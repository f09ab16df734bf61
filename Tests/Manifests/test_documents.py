"""The configurations that the READMEs show: `remora check` finds nothing wrong with them."""

from __future__ import annotations

import re

import pytest
import yaml

from tools import ROOT, check

READMES = (ROOT / "README.md", ROOT / "charts/remora/README.md")


def shown() -> list[str]:
    """Every YAML block that is a configuration, whole or in part: those of templates aren't YAML."""
    found = []
    for file in READMES:
        for block in re.findall(r"^```yaml\n(.*?)^```$", file.read_text(), re.DOTALL | re.MULTILINE):
            tree = None if "{{" in block else yaml.safe_load(block)
            if isinstance(tree, dict) and not {"kind", "remora", "dependencies", "services"} & set(tree):
                found.append(block)
    return found


def test_there_are_some():
    assert len(shown()) >= 3


@pytest.mark.parametrize("text", shown(), ids=lambda text: text.split()[0].rstrip(":"))
def test_valid(text, tmp_path):
    tree = yaml.safe_load(text)
    if "providers" not in tree:
        # A part of one: what it leaves out and refers to is added below, so that its lines stay.
        text += "providers: { local: { kind: mock } }\ndefault_provider: local\n"
    checked = check(text, tmp_path)
    assert (checked.returncode, checked.stderr) == (0, ""), checked.stdout + checked.stderr
