#!/usr/bin/env python3
"""Writes the functions that requests go through in the order in which they are called, for the linker to lay out.

The release binary is run under callgrind with the benchmark's loads, TLS included, the most usual one first. A function
comes before those that it calls, and those in the order of their calls; so a request reads its code mostly forwards.
Behind them come the functions that only the start, a handshake or the beginning of a stream went through: the kernel
maps code by sixteen pages, and where such functions lie far apart, each brings in sixteen pages for itself.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from bench import Bench
from proxies import ROOT, Proxy, for_valgrind
from scenarios import CHAT, EVERYTHING, LARGE, STREAM, TRANSLATED

SHARE = 0.3
"""Of the requests, or the chunks, that have to come to a function."""


class Calls:
    """Who calls whom, and where, of what callgrind has written with `--dump-instr=yes`."""

    def __init__(self, path, times):
        self.names = {}
        self.calls = defaultdict(Counter)
        self.called = Counter()
        caller = callee = None
        address = 0
        is_call = False
        for line in path.open():
            if line.startswith(("fn=", "cfn=")):
                kind, _, name = line.rstrip().partition("=")
                if kind == "fn":
                    caller = self.name(name)
                else:
                    callee = self.name(name)
            elif line.startswith("calls="):
                count = int(line[6:].split()[0])
                is_call = True
            elif place := re.match(r"(0x[0-9a-f]+|\+\d+|-\d+|\*) ", line):
                # Addresses are relative to the line before, unless they are whole.
                word = place[1]
                if word[0] in "+-":
                    address += int(word)
                elif word != "*":
                    address = int(word, 16)
                if is_call:
                    self.calls[caller][address, callee] += count
                    self.called[callee] += count
                    is_call = False
        self.least = times * SHARE

    def name(self, text):
        number, _, name = text.partition(" ")
        if name:
            # Behind an apostrophe it says how deep in itself a function is.
            self.names[number] = name.split("'")[0]
        return self.names[number]

    def order(self):
        """Every function that enough requests come to."""
        found = {}
        # First those that nobody calls: threads, and tasks where they go on.
        rest = [name for name in self.calls if not self.called[name]] + list(self.calls)
        rest.reverse()
        while rest:
            name = rest.pop()
            if name in found:
                continue
            calls = [(place, callee) for (place, callee), count in self.calls[name].items() if count >= self.least]
            if self.called[name] < self.least and not calls:
                continue
            found[name] = True
            rest += [callee for _, callee in sorted(calls, reverse=True) if callee not in found]
        return list(found)


def measured(bench, program, directory, config, loads):
    """The functions of each load, in order: those that most of it comes to, and all that its beginning came to."""
    counts = directory / f"counts-{config}"
    kind = Proxy("remora", "valgrind", config, [
        "--tool=callgrind", "--demangle=no", "--dump-instr=yes", f"--callgrind-out-file={counts}", "--",
        for_valgrind(program, directory), "serve", "--config", "@CONFIG@"], patience=120)
    proxy = kind.start(bench.directory, bench.upstream, bench.processors)
    try:
        for number, scenario in enumerate(loads):
            # One to warm up, and with it whatever is done once.
            for part in (1, 2):
                result = bench.load(scenario, proxy.port, connections=8, warm_up_ms=0, window_ms=2000)
                subprocess.run(["callgrind_control", f"--dump={number}", str(proxy.process.pid)], check=True,
                               capture_output=True, timeout=60)
            times = result["events"] or result["requests"]
            if not times or result["failures"] or result["refusals"]:
                sys.exit(f"a load went wrong, so what it calls is not what requests call: {result}")
            yield (Calls(Path(f"{counts}.{2 * number + 2}"), times).order(),
                   Calls(Path(f"{counts}.{2 * number + 1}"), 0).order())
    finally:
        proxy.stop()


def symbols(program):
    """The functions of the program itself, and not of its libraries."""
    listed = subprocess.run(["nm", "--defined-only", program], capture_output=True, text=True, check=True).stdout
    return {line.split()[2] for line in listed.splitlines() if line.split()[1] in "tTwW"}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--program", type=Path, default=ROOT / ".build/release/remora")
    arguments = parser.parse_args()
    pairs = [each for _, *pair in TRANSLATED for each in reversed(pair)]
    found, seldom = {}, {}
    with tempfile.TemporaryDirectory(prefix="order-") as directory:
        bench = Bench(argparse.Namespace(quick=True, against=None, rounds=1, everyday=True), directory)
        try:
            for config, loads in [("remora.yaml", [CHAT, STREAM, *pairs, LARGE]),
                                  ("everything.yaml", [scenario for scenario, _ in EVERYTHING])]:
                for often, ever in measured(bench, arguments.program, Path(directory), config, loads):
                    found |= dict.fromkeys(often)
                    seldom |= dict.fromkeys(ever)
        finally:
            bench.close()
    own = symbols(arguments.program)
    names = [name for name in found if name in own]
    behind = [name for name in seldom if name in own and name not in found]
    if len(names) < 100:
        sys.exit(f"only {len(names)} functions were found: has the binary no symbols?")
    arguments.output.write_text("".join(f"{name}\n" for name in names + behind))
    print(f"{len(names)} functions and {len(behind)} that are called seldom in {arguments.output}")


if __name__ == "__main__":
    main()
