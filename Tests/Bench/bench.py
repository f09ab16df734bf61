#!/usr/bin/env python3
"""Compares Remora with nginx, HAProxy, Envoy and LiteLLM: plain text in, verified and pooled TLS out, one worker each.

All traffic stays on this machine; the upstream and the clients are remora-bench's. Proxies take turns within a
round, so that what else the machine does meets all of them. See Tests/README.md.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import count
import proxies
from proxies import HERE, ROOT, Processors, pin

BENCH = ROOT / ".build/release/remora-bench"
MIB = 1 << 20
BODY = 20 * MIB


class Scenario:
    """One load, and the rows that are read off it."""

    def __init__(self, mode, rows, saturates=False, bare=0, **options):
        self.mode = mode
        self.rows = rows
        # The proxy, and not the load, is to be what limits.
        self.saturates = saturates
        # So many of the last rows are measured without a proxy too.
        self.bare = bare
        self.options = options


def per_request(scale):
    return lambda result: result["processor_ns"] / result["requests"] / scale if result["requests"] else None


def per_event(result):
    return result["processor_ns"] / result["events"] / 1e3 if result["events"] else None


def rate(result):
    return result["requests"] / result["elapsed_ns"] * 1e9


def busy(result):
    return 100 * result["processor_ns"] / result["elapsed_ns"]


def quantile(name):
    return lambda result: result[name] / 1e3 if result["requests"] else None


def delay(name):
    return lambda result: result[name] / 1e3 if result["events"] else None


SCENARIOS = [
    Scenario("closed", [
        ("CPU, chat request 1 KB, 32 connections", "µs", per_request(1e3)),
        ("throughput, the same", "1/s", rate),
        ("processor's share, the same", "%", busy),
    ], saturates=True, connections=32, body=1024, order="json 1024"),
    Scenario("closed", [("CPU, chat request 32 KB, 32 connections", "µs", per_request(1e3))],
             saturates=True, connections=32, body=32 * 1024, order="json 1024"),
    Scenario("closed", [
        ("CPU, stream chunk, 64 streams of 100/s", "µs", per_event),
        ("delay of a chunk p50, the same", "µs", delay("delay_p50_ns")),
        ("delay of a chunk p99, the same", "µs", delay("delay_p99_ns")),
    ], bare=2, connections=64, order="stream 100 10", warm_up_ms=1200, spread_ms=1000, window_ms=3000),
    Scenario("paced", [
        ("CPU, chat request 1 KB, 1,000 requests/s", "µs", per_request(1e3)),
        ("latency p50, 1,000 requests/s", "µs", quantile("p50_ns")),
        ("latency p99, 1,000 requests/s", "µs", quantile("p99_ns")),
    ], bare=2, connections=64, rate=1000, order="json 1024"),
    Scenario("closed", [("CPU, 20 MB answer", "ms", per_request(1e6))],
             connections=1, method="GET", path="/v1/files/file-1/content", body=0, order=f"bytes {BODY}"),
    Scenario("closed", [("CPU, 20 MB upload", "ms", per_request(1e6))],
             connections=1, path="/v1/files", kind="binary", body=BODY, order="json 1024"),
    Scenario("closed", [("CPU, 20 MB chat request", "ms", per_request(1e6))],
             connections=1, body=BODY, order="json 1024"),
    Scenario("closed", [("CPU, chat request 1 MB", "µs", per_request(1e3))],
             connections=4, body=MIB, order="json 1024"),
    Scenario("closed", [("CPU, chunk of streams of 10", "µs", per_event)],
             connections=16, order="stream 10 2", warm_up_ms=500),
    Scenario("closed", [("CPU, chunk of streams of 1,000", "µs", per_event)],
             connections=16, order="stream 1000 2", warm_up_ms=500),
]


CLAUDE = "translated/claude-sonnet-4-5"
TRANSLATED = [
    (Scenario("closed", [("CPU, translated chat request 1 KB, over passed through", "", per_request(1e3))],
              connections=32, body=1024, order="json 1024", model=CLAUDE), 0),
    (Scenario("closed", [("CPU, translated stream chunk, over passed through", "", per_event)],
              connections=64, order="stream 100 10", warm_up_ms=1200, spread_ms=1000, window_ms=3000, model=CLAUDE), 2),
]
"""What only Remora does, and the scenario of the same load passed through, which it is measured against."""


class Bench:
    def __init__(self, arguments, directory):
        self.quick = arguments.quick
        self.base = "before" if arguments.against else "nginx"
        self.rounds = arguments.rounds or (3 if self.quick else 7)
        self.scenarios = [each for each in SCENARIOS if not arguments.everyday or each.options.get("body", 0) < BODY]
        self.window = 1000 if self.quick else 3000
        self.directory = Path(directory)
        self.processors = Processors()
        self.measurements = []
        self.notes = []
        self.warned = set()
        self.upstream_process = subprocess.Popen(
            [BENCH, "upstream", "--directory", directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            preexec_fn=pin(self.processors.bench))
        self.upstream = json.loads(self.upstream_process.stdout.readline())

    def close(self):
        self.upstream_process.stdin.close()
        try:
            self.upstream_process.wait(5)
        except subprocess.TimeoutExpired:
            self.upstream_process.kill()

    # What is measured

    def add(self, row, unit, proxy, round_, value):
        if value is not None:
            self.measurements.append((row, unit, proxy, round_, value))

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)
            print(f"note: {text}", flush=True)

    def load(self, mode, port, processes=(), allocations=None, **options):
        words = [str(BENCH), mode, "--port", str(port)]
        options.setdefault("window_ms", self.window)
        for name, value in options.items():
            words += ["--" + name.replace("_", "-"), str(value)]
        if processes:
            words += ["--pids", ",".join(map(str, processes))]
        if allocations:
            words += ["--allocations", str(allocations)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=120,
                              preexec_fn=pin(self.processors.bench))
        lines = done.stdout.splitlines()
        if not lines:
            raise RuntimeError(f"no result of {' '.join(words)}: {done.stderr}")
        return json.loads(lines[0])

    def ballast(self):
        """Takes a half of the proxy's processor where the load has only one, for it would be the load that limits."""
        if self.processors.count > 2:
            return None
        self.note("in the saturated rows each proxy shares its processor with a busy loop: the load, which has one "
                  "processor for itself and the provider, would limit it otherwise")
        return subprocess.Popen([BENCH, "ballast"], stdin=subprocess.PIPE, preexec_fn=pin(self.processors.proxy))

    def compare(self, kinds):
        """The loads, in rounds; every proxy's turn comes at another place in each."""
        if not kinds:
            return
        running = [kind.start(self.directory, self.upstream, self.processors) for kind in kinds]
        try:
            for round_ in range(self.rounds):
                print(f"round {round_ + 1} of {self.rounds}", flush=True)
                for scenario in self.scenarios:
                    turn = round_ % len(running)
                    for proxy in running[turn:] + running[:turn]:
                        self.measure(scenario, proxy, round_)
                    for translated, other in TRANSLATED:
                        if scenario is SCENARIOS[other]:
                            self.translation(translated, scenario, running, round_)
                    if scenario.bare:
                        result = self.load(scenario.mode, self.upstream["plain_port"], **scenario.options)
                        for row, unit, value in scenario.rows[-scenario.bare:]:
                            self.add(row, unit, "none", round_, value(result))
        finally:
            for proxy in running:
                proxy.stop()

    def measure(self, scenario, proxy, round_):
        ballast = self.ballast() if scenario.saturates else None
        try:
            result = self.load(scenario.mode, proxy.port, proxy.processes(), **scenario.options)
        finally:
            if ballast:
                ballast.stdin.close()
                ballast.wait(5)
        if result["failures"] or result["refusals"]:
            self.note(f"{proxy.kind.name}, {scenario.rows[0][0]}: {result['failures']} connections broke, "
                      f"{result['refusals']} answers were not 200")
        for row, unit, value in scenario.rows:
            self.add(row, unit, proxy.kind.name, round_, value(result))

    def translation(self, translated, passed, running, round_):
        """A translated load and the same passed through, one after the other."""
        for proxy in running:
            if proxy.kind.name not in ("remora", "before"):
                continue
            found = [self.load(each.mode, proxy.port, proxy.processes(), **each.options)
                     for each in (translated, passed)]
            row, unit, value = translated.rows[0]
            if found[0]["failures"] or found[0]["refusals"]:
                self.note(f"{proxy.kind.name}, {row}: {found[0]['failures']} connections broke, "
                          f"{found[0]['refusals']} answers were not 200")
            values = [value(each) for each in found]
            if all(values):
                self.add(row, unit, proxy.kind.name, round_, values[0] / values[1])

    def at_rest(self, kind, round_):
        """Memory, start and wake-ups of a proxy that has just started."""
        name = kind.name
        proxy = kind.start(self.directory, self.upstream, self.processors)
        try:
            self.add("start to first answer", "ms", name, round_, proxy.started_in * 1e3)
            time.sleep(0.3)
            idle = proxy.memory()
            if idle is None:
                self.note("memory: /proc/PID/smaps_rollup can't be read; run as root")
                return
            self.add("memory idle, resident", "MB", name, round_, idle[0] * 1024 / 1e6)
            self.add("memory idle, private", "MB", name, round_, idle[1] * 1024 / 1e6)
            seconds = 2 if self.quick else 10
            before = proxy.wake_ups()
            time.sleep(seconds)
            self.add("wake-ups idle", "1/s", name, round_, (proxy.wake_ups() - before) / seconds)
            if name == "litellm":
                return
            self.held(proxy, idle, round_, "1,000 idle clients, private beyond idle", order="json 1024")
        finally:
            proxy.stop()
        proxy = kind.start(self.directory, self.upstream, self.processors)
        try:
            time.sleep(0.3)
            idle = proxy.memory()
            self.held(proxy, idle, round_, "1,000 open streams, private beyond idle", order="stream 1000 1000")
        finally:
            proxy.stop()
        for row, options in [
            ("20 MB answer, peak beyond idle", SCENARIOS[4].options),
            ("20 MB upload, peak beyond idle", SCENARIOS[5].options),
            ("20 MB chat request, peak beyond idle", SCENARIOS[6].options),
        ]:
            self.peak(kind, row, options, round_)

    def held(self, proxy, idle, round_, row, order):
        words = [str(BENCH), "hold", "--port", str(proxy.port), "--connections", "1000", "--order", order]
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                   preexec_fn=pin(self.processors.bench))
        try:
            line = process.stdout.readline()
            time.sleep(1.0)
            memory = proxy.memory()
            process.stdin.close()
            still = process.stdout.readline()
            process.wait(10)
        finally:
            if process.poll() is None:
                process.kill()
        ready, still = json.loads(line)["ready"], json.loads(still)["open"]
        if (ready, still) != (1000, 1000):
            self.note(f"{proxy.kind.name}, {row}: {ready} were opened, {still} stayed open")
        self.add(row, "MB", proxy.kind.name, round_, (memory[1] - idle[1]) * 1024 / 1e6)

    def peak(self, kind, row, options, round_):
        proxy = kind.start(self.directory, self.upstream, self.processors)
        try:
            # What it does is in memory before it is measured, and what the start needed has been given back.
            time.sleep(0.3)
            self.load(SCENARIOS[0].mode, proxy.port, **options | {"window_ms": 200, "warm_up_ms": 0})
            time.sleep(0.5)
            idle = proxy.memory()
            if not proxy.forget_peak():
                self.note("peak memory: /proc/PID/clear_refs can't be written; run as root")
                return
            self.load("closed", proxy.port, **(options | {"warm_up_ms": 0, "window_ms": 400}))
            self.add(row, "MB", kind.name, round_, (proxy.peak() - idle[0]) * 1024 / 1e6)
        finally:
            proxy.stop()

    def allocations(self, kinds):
        """Calls of malloc and its kin per request and per chunk, which no neighbour disturbs."""
        library = self.directory / "allocations.so"
        done = subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, HERE / "allocations.c"],
                              capture_output=True, text=True)
        if done.returncode != 0:
            return self.note(f"allocations are not counted: no C compiler ({done.stderr.strip()[:200]})")
        for kind in kinds:
            counter = self.directory / f"allocations-{kind.name}"
            proxy = kind.start(self.directory, self.upstream, self.processors, (library, counter))
            try:
                if not any(counter.read_bytes()):
                    self.note(f"{kind.name}: brings its own allocator, so its allocations are not counted")
                    continue
                options = SCENARIOS[0].options | {"window_ms": 1000}
                chat = self.load("closed", proxy.port, allocations=counter, **options)
                self.add("allocations, chat request 1 KB", "", kind.name, 0, chat["allocations"] / chat["requests"])
                options = SCENARIOS[2].options | {"order": "stream 100000 10", "window_ms": 1000}
                stream = self.load("closed", proxy.port, allocations=counter, **options)
                self.add("allocations, stream chunk", "", kind.name, 0, stream["allocations"] / stream["events"])
            finally:
                proxy.stop()

    def litellm(self, kind):
        """A few requests only: it is there for scale."""
        proxy = kind.start(self.directory, self.upstream, self.processors)
        try:
            chat = self.load("closed", proxy.port, proxy.processes(), connections=4, body=1024, order="json 1024",
                             warm_up_ms=3000, window_ms=3000)
            row, unit, value = SCENARIOS[0].rows[0]
            self.add(row, unit, kind.name, 0, value(chat))
            self.add("throughput, the same", "1/s", kind.name, 0, rate(chat))
        finally:
            proxy.stop()
        self.at_rest(kind, 0)

    def sizes(self, kinds):
        for kind in kinds:
            if kind.name != "litellm":
                size = proxies.stripped_size(kind.program, self.directory)
                self.add("executable, stripped", "MB", kind.name, 0, size / 1e6 if size else None)

    # What comes of it

    def report(self):
        results = ROOT / ".build/results"
        results.mkdir(parents=True, exist_ok=True)
        path = results / "bench.tsv"
        lines = ["\t".join(map(str, measurement)) for measurement in self.measurements]
        path.write_text("\n".join(lines + [f"# {note}" for note in self.notes]) + "\n")
        table = subprocess.run([BENCH, "report", path, self.base], capture_output=True, text=True, check=True).stdout
        (results / "bench.md").write_text(table)
        return table


def versions(kinds):
    for kind in kinds:
        flag = {"remora": "version", "before": "version", "nginx": "-v", "haproxy": "-v", "envoy": "--version"}.get(kind.name)
        if flag:
            done = subprocess.run([kind.program, flag], capture_output=True, text=True,
                                  env=dict(os.environ) | kind.environment)
            found = re.search(r"(?:/|\s)(\d+\.\d+[\w.+-]*)", done.stdout + done.stderr)
            yield f"{kind.name} {found.group(1) if found else '?'}"


def counts(programs, directory):
    """Instructions of each program, and what the first one has of the second one's."""
    found = count.count(list(programs.values()), directory)
    lines = ["| instructions | " + " | ".join([*programs, *(["ratio"] if len(programs) > 1 else [])]) + " |",
             "|---" * (len(programs) + (2 if len(programs) > 1 else 1)) + "|"]
    for name in found[0]:
        values = [rows[name] for rows in found]
        cells = [f"{value:,.0f}" for value in values] + [f"{values[0] / values[1]:.3f}"] * (len(values) > 1)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three short rounds, without LiteLLM")
    parser.add_argument("--rounds", type=int, help="how many")
    parser.add_argument("--only", help="proxies, separated by commas")
    parser.add_argument("--against", type=Path, help="another build of Remora, and nothing else, to compare with")
    parser.add_argument("--loads", action="store_true", help="only what is measured under load")
    parser.add_argument("--everyday", action="store_true", help="no load with bodies of 20 MB")
    parser.add_argument("--count", action="store_true", help="only count instructions, under valgrind")
    parser.add_argument("--environments", type=Path, default=ROOT / ".venv")
    arguments = parser.parse_args()
    kinds, missing = proxies.known(not arguments.quick, arguments.environments)
    if arguments.against:
        kinds = [kind for kind in kinds if kind.name == "remora"]
        kinds.append(proxies.Proxy("before", arguments.against, kinds[0].config, kinds[0].arguments))
        missing = []
    if arguments.count:
        programs = {kind.name: kind.program for kind in kinds if kind.name in ("remora", "before")}
        with tempfile.TemporaryDirectory(prefix="remora-count-", dir=ROOT / ".build") as directory:
            print(counts(programs, directory))
        return
    if arguments.only:
        kinds = [kind for kind in kinds if kind.name in arguments.only.split(",")]
    with tempfile.TemporaryDirectory(prefix="remora-bench-", dir=ROOT / ".build") as directory:
        bench = Bench(arguments, directory)
        try:
            for line in missing:
                bench.note(line)
            small = [kind for kind in kinds if kind.name != "litellm"]
            bench.compare(small)
            # So that what follows can't take it along where it fails.
            bench.report()
            if not arguments.loads:
                for round_ in range(1 if bench.quick else 3):
                    for kind in small:
                        bench.at_rest(kind, round_)
                bench.allocations(small)
                bench.sizes(small)
                for kind in kinds:
                    if kind.name == "litellm":
                        try:
                            bench.litellm(kind)
                        except (RuntimeError, OSError) as error:
                            # It is there for scale: what the others came to is not lost with it.
                            bench.note(str(error)[:300])
            bench.note(f"{', '.join(versions(kinds))}; {platform.machine()}, {bench.processors.count} processors, "
                       f"{bench.rounds} rounds; load at the end {os.getloadavg()[0]:.1f}")
            print("\n" + bench.report())
        finally:
            bench.close()


if __name__ == "__main__":
    sys.exit(main())
