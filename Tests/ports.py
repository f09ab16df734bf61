"""Ports for what a test starts: no two are given the same one, however many processes look for one at once.

Asking the kernel for "any free port" and letting go of it gives the same one out twice: to another process, to the next
call, to a client's connection. So a process takes a block of ports that no client's connection comes from
(`/proc/sys/net/ipv4/ip_local_port_range` begins above), holds it by a lock for as long as it lives, and goes round in it.
"""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from itertools import cycle
from pathlib import Path

FIRST, SIZE, BLOCKS = 12000, 400, 48
"""12000 to 31199: below the kernel's own range, which begins at 32768, and above what services are known by."""

_locks: list[int] = []
_ports: dict[int, cycle[int]] = {}


def _block() -> cycle[int]:
    """This process's ports. A fork takes a block of its own."""
    directory = Path(tempfile.gettempdir()) / f"remora-ports-{os.getuid()}"
    directory.mkdir(exist_ok=True)
    for number in range(BLOCKS):
        lock = os.open(directory / str(number), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        _locks.append(lock)
        first = FIRST + number * SIZE
        return cycle(range(first, first + SIZE))
    raise OSError(f"{BLOCKS} processes hold ports already: see {directory}")


def free_port() -> int:
    """A port that is free on both loopbacks, and that nobody else gets from here before the block has gone round."""
    ports = _ports.get(os.getpid())
    if ports is None:
        ports = _ports[os.getpid()] = _block()
    for _ in range(SIZE):
        port = next(ports)
        if _free(socket.AF_INET, "127.0.0.1", port) and _free(socket.AF_INET6, "::1", port):
            return port
    raise OSError(f"none of this process's {SIZE} ports is free")


def _free(family: socket.AddressFamily, address: str, port: int) -> bool:
    with socket.socket(family) as probe:
        # As the servers that are started do: what is left of an ended connection is in nobody's way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
        return True
