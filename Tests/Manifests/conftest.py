"""A tool that can't be had here is said to be absent, for each test that needs it."""

from __future__ import annotations

import pytest

from tools import BINARY, Absent, tool


def pytest_configure(config):
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is not there: build it, or name it in REMORA_BINARY", returncode=1)


def _needs(name: str):
    def fixture():
        try:
            return tool(name)
        except Absent as absent:
            pytest.skip(str(absent))

    return pytest.fixture(scope="session", name=f"needs_{name}")(fixture)


needs_kubectl = _needs("kubectl")
needs_helm = _needs("helm")
