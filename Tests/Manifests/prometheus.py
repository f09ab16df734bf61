"""promtool and Prometheus: the machine's own, else out of Debian's package, unpacked and not installed."""

from __future__ import annotations

import fcntl
import functools
import shutil
import subprocess
from pathlib import Path

from tools import ROOT, Absent

PLACE = ROOT / ".build/debian/prometheus"


@functools.cache
def program(name: str) -> str:
    """The program's path. Throws `Absent` where there is none, nor a package."""
    if found := shutil.which(name):
        return found
    unpacked = PLACE / "root/usr/bin" / name
    if not unpacked.exists() and shutil.which("apt-get") and shutil.which("dpkg"):
        PLACE.mkdir(parents=True, exist_ok=True)
        # Tests run side by side: what one unpacks, another may be about to start.
        with (PLACE / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not unpacked.exists():
                unpack()
    if unpacked.exists():
        return str(unpacked)
    raise Absent(f"ABSENT {name}: it is not in PATH, and Debian's package can't be had")


def unpack() -> None:
    got = subprocess.run(["apt-get", "download", "prometheus"], cwd=PLACE, capture_output=True)
    if got.returncode:
        # A fresh machine has no lists of packages.
        subprocess.run(["apt-get", "update", "-q"], capture_output=True)
        got = subprocess.run(["apt-get", "download", "prometheus"], cwd=PLACE, capture_output=True)
    packages = sorted(PLACE.glob("prometheus_*.deb"))
    if got.returncode == 0 and packages:
        subprocess.run(["dpkg", "-x", packages[-1], PLACE / "half"], check=True, capture_output=True)
        (PLACE / "half").rename(PLACE / "root")


def run(name: str, *arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess:
    return subprocess.run(
        [program(name), *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=60)
