"""`Tests/run soak [SECONDS]`: everything at once for a long time, and what is left of it: nothing.

In rounds: chats, streams, clients that leave in the middle, every fault of the provider, swaps of the config, bad
configs, rotations of the key, the provider killed and started again. After each round nothing is under way, and
memory and descriptors are read. From the second round on they may not grow. Exit 1 if they do, or if anything was
lost that nobody caused.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from faults import show  # noqa: E402
from load import Crowd, Line, Yard, each  # noqa: E402

CLIENTS = 24
ROUNDS = 6
MORE_MEMORY = 2 << 20
"""Bytes by which a later round may end above the second one: the allocator's own ups and downs."""
MORE_DESCRIPTORS = 4
FAULTS = ("fail-500", "fail-429", "fail-cut", "fail-reset")


async def round_of(crowd: Crowd, seconds: float) -> None:
    yard = crowd.yard
    until = time.monotonic() + seconds
    lines = [Line(yard.proxy.port) for _ in range(CLIENTS)]

    async def chats(line: Line) -> None:
        while time.monotonic() < until:
            await crowd.chat(line)
            if yard.provider is None:
                await asyncio.sleep(0.02)

    async def streams() -> None:
        while time.monotonic() < until:
            await crowd.stream(20, 20)

    async def leavers(number: int) -> None:
        while time.monotonic() < until:
            number += 1
            await crowd.abandon(number % 7 * 0.01, stream=number % 3 > 0, abruptly=number % 2 == 0)

    async def faults(number: int) -> None:
        while time.monotonic() < until:
            number += 1
            await crowd.fault(FAULTS[number % 4], stream=number % 8 > 3)
            await asyncio.sleep(0.01)

    async def outage() -> None:
        await asyncio.sleep(seconds / 2)
        await asyncio.to_thread(yard.kill_provider)
        await asyncio.sleep(0.3)
        await asyncio.to_thread(yard.start_provider)

    work = [chats(line) for line in lines]
    work += [streams() for _ in range(16)] + [leavers(number) for number in range(6)]
    work += [faults(number) for number in range(3)] + [outage()]
    work += [each(yard.swap, 1.0, until), each(yard.rotate, 2.0, until), each(yard.spoil, 3.5, until)]
    await asyncio.gather(*work)
    for line in lines:
        line.close()


async def settled(yard: Yard) -> tuple[int, int]:
    """Memory and descriptors once nothing is under way."""
    deadline = time.monotonic() + 15
    while True:
        samples = yard.proxy.samples()
        busy = sum(samples[name, frozenset()] for name in ("remora_requests_in_flight",))
        clients = samples["remora_client_connections", frozenset()]
        if busy == 0 and clients <= 1 or time.monotonic() > deadline:
            break
        await asyncio.sleep(0.05)
    # What is kept warm for the provider is not a leak, but closes when it has been idle: it is counted out.
    idle = sum(value for (name, _), value in samples.items() if name == "remora_upstream_connections")
    descriptors = len(os.listdir(f"/proc/{yard.proxy.process.pid}/fd")) - int(idle)
    return yard.proxy.resident(), descriptors


async def run(yard: Yard, seconds: float, rounds: int = ROUNDS) -> bool:
    """- Returns: whether nothing was lost and nothing is left."""
    crowd = Crowd(yard)
    ends: list[tuple[int, int]] = []
    for number in range(rounds):
        await round_of(crowd, seconds / rounds)
        ends.append(await settled(yard))
        memory, descriptors = ends[-1]
        total = crowd.chats.sent + crowd.streams.sent + crowd.abandoned
        print(
            f"round {number + 1}: {total} requests so far, {memory / (1 << 20):.1f} MiB resident, "
            f"{descriptors} descriptors",
            flush=True,
        )
    show("chats", crowd.chats, f"{yard.generation} swaps, {yard.keys} rotations, {len(yard.outages)} outages")
    show("streams", crowd.streams, f"{crowd.abandoned} more abandoned")
    base = ends[min(1, rounds - 1)]
    growth = max(memory for memory, _ in ends[1:] or ends) - base[0]
    more = max(count for _, count in ends[1:] or ends) - base[1]
    print(f"since the second round: {growth / (1 << 20):+.1f} MiB, {more:+d} descriptors at most")
    lost = crowd.chats.failed.total() + crowd.streams.failed.total()
    return lost == 0 and growth <= MORE_MEMORY and more <= MORE_DESCRIPTORS


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 180.0
    with tempfile.TemporaryDirectory(prefix="remora-soak-") as directory:
        yard = Yard(Path(directory))
        try:
            sys.setswitchinterval(0.0002)
            gc.freeze()
            good = asyncio.run(run(yard, seconds))
        finally:
            yard.stop()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
