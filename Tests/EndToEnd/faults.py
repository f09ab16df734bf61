"""`Tests/run faults [SECONDS]`: load while everything around the proxy changes, and a count of what went wrong.

Three parts, which share the time: calm (a quarter), a storm (half): the config is swapped every second and the key
rotated every two, the old one refused at once; and an outage (a quarter): the same, and the provider is killed and
started again. 200 streams are open all the time, others are opened and abandoned. Exit 1 if anything failed that
the outage itself doesn't explain, or if swaps cost more than half of the 99th percentile of the latency.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from load import Crowd, Line, Tally, Yard, each, paced  # noqa: E402
from remora import SANITIZER, SLOWER  # noqa: E402

RATE = 1100 / SLOWER
"""Requests a second, of all clients."""
CLIENTS = 16
STREAMS = 200
WORSE = 1.5
"""The 99th percentile of the latency in a storm, at most so many times that in calm."""


async def part(crowd: Crowd, seconds: float, rate: float, *changes) -> Tally:
    """Load for so long, with `changes` beside it; what became of it."""
    crowd.chats = chats = Tally()
    until = time.monotonic() + seconds
    lines = [Line(crowd.yard.proxy.port) for _ in range(CLIENTS)]
    work = [paced(lambda line=line: crowd.chat(line), rate / CLIENTS, until) for line in lines]
    work.append(abandoning(crowd, until))
    work += [change(until) for change in changes]
    await asyncio.gather(*work)
    for line in lines:
        line.close()
    return chats


async def abandoning(crowd: Crowd, until: float) -> None:
    number = 0
    while time.monotonic() < until:
        number += 1
        await crowd.abandon(0.1 + number % 5 * 0.05, stream=number % 3 > 0, abruptly=number % 2 == 0)


async def holding(crowd: Crowd, count: int, ended: asyncio.Event) -> None:
    """Keeps `count` streams open; each lasts for some seconds and is followed by the next one."""

    async def hold(number: int) -> None:
        await asyncio.sleep(number * 4 / count)
        while not ended.is_set():
            await crowd.stream(8 + number % 8, 500)

    await asyncio.gather(*(hold(number) for number in range(count)))


async def outages(yard: Yard, until: float) -> None:
    while time.monotonic() + 3 < until:
        await asyncio.sleep(1.5)
        await asyncio.to_thread(yard.kill_provider)
        await asyncio.sleep(0.7)
        await asyncio.to_thread(yard.start_provider)


async def run(yard: Yard, seconds: float, rate: float = RATE, streams: int = STREAMS) -> bool:
    """- Returns: whether nothing failed that shouldn't."""
    crowd = Crowd(yard)
    ended = asyncio.Event()
    held = asyncio.create_task(holding(crowd, streams, ended))
    kept = crowd.streams
    # Everything is open and warm before anything is measured.
    await part(crowd, min(5.0, seconds / 8), rate / 2)
    calm, storm = Tally(), Tally()
    swaps, rotations = yard.generation, yard.keys
    # In turns, so that a neighbour on the machine disturbs both alike.
    turns = max(2, round(seconds / 20))
    ratios = []
    change = (lambda until: each(yard.swap, 1.0, until), lambda until: each(yard.rotate, 2.0, until))
    for _ in range(turns):
        quiet = await part(crowd, seconds / 4 / turns, rate)
        busy = await part(crowd, seconds / 2 / turns, rate, *change)
        add(calm, quiet)
        add(storm, busy)
        ratios.append(busy.quantile(0.99) / max(quiet.quantile(0.99), 1e-9))
    ended.set()
    await held
    swaps, rotations, abandoned = yard.generation - swaps, yard.keys - rotations, crowd.abandoned
    ratio = statistics.median(ratios)
    good = report(
        ("calm", calm, ""),
        ("storm", storm, f"{swaps} swaps of the config, {rotations} rotations of the key"),
        ("streams", kept, f"{streams} open at a time; {abandoned} more abandoned"),
    )
    print(
        f"latency: the storm's 99th percentile is {ratio:.2f} times that of the calm before it"
        f" (median of {turns} turns, {min(ratios):.2f} to {max(ratios):.2f})",
        flush=True,
    )
    ended.clear()
    crowd.streams = away_streams = Tally()
    held = asyncio.create_task(holding(crowd, streams, ended))
    away = await part(crowd, seconds / 4, rate, *change, lambda until: outages(yard, until))
    ended.set()
    await held
    explained = report(
        ("outage", away, f"{len(yard.outages)} times without a provider"),
        ("outage's streams", away_streams, ""),
    )
    # A sanitizer's own locks and tables are what takes the time.
    return good and explained and (ratio <= WORSE or SANITIZER is not None)


def report(*parts: tuple[str, Tally, str]) -> bool:
    """Prints them; whether each request has one end, and nothing failed."""
    good = True
    for name, tally, note in parts:
        show(name, tally, note)
        ends = tally.answered + tally.explained.total()
        good = good and not tally.failed and tally.sent == ends > 0
    return good


def add(total: Tally, more: Tally) -> None:
    total.sent += more.sent
    total.answered += more.answered
    total.explained += more.explained
    total.failed += more.failed
    total.seconds += more.seconds


def show(name: str, tally: Tally, note: str) -> None:
    print(f"{name}: {tally.sent} sent, {tally.answered} answered, {tally.failed.total()} failed", end="")
    if tally.explained:
        print(f", {tally.explained.total()} lost to the outage", end="")
    print(f"; {note}" if note else "")
    if tally.seconds and "streams" not in name:
        times = ", ".join(f"p{share} {tally.quantile(share / 100) * 1000:.2f} ms" for share in (50, 90, 99))
        print(f"  {times}, longest {max(tally.seconds) * 1000:.1f} ms")
    for title, causes in (("failed", tally.failed), ("lost to the outage", tally.explained)):
        for cause, count in causes.most_common():
            print(f"  {title}: {count} × {cause}")


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    with tempfile.TemporaryDirectory(prefix="remora-faults-") as directory:
        yard = Yard(Path(directory))
        try:
            # A thread that publishes must not keep the clients waiting for longer than the kernel would.
            sys.setswitchinterval(0.0002)
            gc.collect()
            gc.freeze()
            gc.disable()
            good = asyncio.run(run(yard, seconds))
        finally:
            yard.stop()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
