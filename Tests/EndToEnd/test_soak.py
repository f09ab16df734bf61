"""A few seconds of the long runs, in every run of the tests. `Tests/run soak` and `Tests/run faults` are the rest."""

from __future__ import annotations

import asyncio

import pytest

import faults
import soak
from load import Yard

pytestmark = [pytest.mark.proxy, pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def yard(tmp_path):
    made = Yard(tmp_path)
    yield made
    made.stop()


def test_soak(yard, capsys):
    """Nothing is lost, and nothing is left: memory and descriptors are those of the second round."""
    good = asyncio.run(soak.run(yard, 12, rounds=4))
    assert good, capsys.readouterr().out


def test_faults(yard, capsys):
    """Nothing fails that the outage doesn't explain. How long things take is a matter for a quiet machine."""
    asyncio.run(faults.run(yard, 12, rate=200, streams=40))
    text = capsys.readouterr().out
    assert "  failed: " not in text, text
    counts = [line for line in text.splitlines() if " sent, " in line]
    assert len(counts) == 5 and all(" 0 failed" in line for line in counts), text
