"""Every row of the operations' lists has a test that carries its number."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
ROWS = TESTS.parents[1] / "shared" / "operations.md"


@pytest.mark.parametrize("letter", ["R", "S", "P", "T"])
def test_every_row_is_a_test(letter):
    if not ROWS.exists():
        pytest.skip(f"ABSENT: {ROWS}")
    wanted = set(re.findall(rf"\b{letter}-\d\d\b", ROWS.read_text()))
    assert wanted, "the file has no such row any more"
    found = set()
    for file in TESTS.glob("EndToEnd/test_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found |= {f"{letter}-{number}" for number in re.findall(rf"(?<=_){letter.lower()}(\d\d)(?=_)", node.name)}
    for file in TESTS.glob("*/*.swift"):
        found |= set(re.findall(rf'@Test\("({letter}-\d\d): ', file.read_text()))
    assert found == wanted, (sorted(wanted - found), sorted(found - wanted))
