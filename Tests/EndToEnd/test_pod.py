"""The example of k8s as a pod of its own: inside_pod.py, in new namespaces of mounts and network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pod import NAMESPACES

sys.path.insert(0, str(Path(__file__).parents[1] / "Manifests"))

from tools import Absent, tool  # noqa: E402

pytestmark = pytest.mark.proxy


@pytest.mark.build("its libraries are none of the image's")
@pytest.mark.timeout(180)
def test_pod():
    if os.geteuid() != 0 or subprocess.run([*NAMESPACES, "true"], capture_output=True).returncode != 0:
        pytest.skip("ABSENT the right to make namespaces and change users: run as root")
    try:
        tool("kubectl")
    except Absent as absent:
        pytest.skip(str(absent))
    # Without xdist: the file is one story, and its steps share a process.
    command = [*NAMESPACES, sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:xdist", "inside_pod.py"]
    inside = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=150)
    assert inside.returncode == 0 and " passed" in inside.stdout, (
        inside.stdout[-8000:] + inside.stderr[-2000:]
    )
