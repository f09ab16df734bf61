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
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import count
import proxies
import scenarios
from proxies import HERE, ROOT, Processors, pin
from scenarios import CHAT, EVERYTHING, SCENARIOS, STREAM, TRANSLATED, WORKERS, rate

BENCH = ROOT / ".build/release/remora-bench"


class Bench:
    def __init__(self, arguments, directory):
        self.quick = arguments.quick
        self.base = "before" if arguments.against else "nginx"
        self.rounds = arguments.rounds or (3 if self.quick else 7)
        self.scenarios = [each for each in SCENARIOS if not (arguments.everyday and each.is_large)]
        self.window = 1000 if self.quick else 3000
        self.directory = Path(directory)
        self.processors = Processors()
        self.measurements = []
        self.notes = []
        self.files = {}
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

    def load(self, scenario, port, processes=(), allocations=None, **changes):
        words = [str(BENCH), scenario.mode, "--port", str(port)]
        options = {"window_ms": self.window} | scenario.options | changes
        if scenario.bytes:
            options["body-file"] = self.file(scenario.bytes)
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

    def file(self, content):
        """A file that holds it; one for each content."""
        if content not in self.files:
            self.files[content] = self.directory / f"body-{len(self.files)}"
            self.files[content].write_bytes(content)
        return self.files[content]

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
        running = []
        try:
            for kind in kinds:
                running.append(kind.start(self.directory, self.upstream, self.processors))
        except RuntimeError:
            # None of the others is left behind.
            for proxy in running:
                proxy.stop()
            raise
        ours = [kind for kind in kinds if kind.name in ("remora", "before")]
        busy = [kind.variant("everything.yaml").start(self.directory, self.upstream, self.processors) for kind in ours]
        more = [(kind.variant("everything.yaml", WORKERS=count).start(self.directory, self.upstream, self.processors), count)
                for kind in ours for count in WORKERS]
        try:
            for round_ in range(self.rounds):
                print(f"round {round_ + 1} of {self.rounds}", flush=True)
                for scenario in self.scenarios:
                    turn = round_ % len(running)
                    for proxy in running[turn:] + running[:turn]:
                        self.measure(scenario, proxy, round_)
                    if scenario.bare:
                        result = self.load(scenario, self.upstream["plain_port"])
                        for row, unit, value in scenario.rows[-scenario.bare:]:
                            self.add(row, unit, "none", round_, value(result))
                for row, *pair in TRANSLATED:
                    for proxy in running:
                        if proxy.kind in ours:
                            self.ratio(row, pair, [proxy, proxy], round_)
                self.everything(busy, more, round_)
        finally:
            for proxy in running + busy + [proxy for proxy, _ in more]:
                proxy.stop()

    def result(self, scenario, proxy, row):
        """One load through one proxy, with a busy loop beside it where it says so."""
        ballast = self.ballast() if scenario.saturates else None
        try:
            result = self.load(scenario, proxy.port, proxy.processes())
        finally:
            if ballast:
                ballast.stdin.close()
                ballast.wait(5)
        if result["failures"] or result["refusals"]:
            self.note(f"{proxy.kind.name}, {row}: {result['failures']} connections broke, "
                      f"{result['refusals']} answers were not 200")
        return result

    def measure(self, scenario, proxy, round_):
        result = self.result(scenario, proxy, scenario.rows[0][0])
        for row, unit, value in scenario.rows:
            self.add(row, unit, proxy.kind.name, round_, value(result))

    def ratio(self, row, scenarios, proxies, round_):
        """Two loads, one after the other, and what the first one costs of the second."""
        values = [scenario.rows[0][2](self.result(scenario, proxy, row)) for scenario, proxy in zip(scenarios, proxies)]
        if all(values):
            self.add(row, "", proxies[0].kind.name, round_, values[0] / values[1])

    def everything(self, busy, more, round_):
        """All that a gateway does, beside the others' bare forwarding of the same round; and by several workers."""
        for scenario, bare in EVERYTHING:
            for proxy in busy:
                self.measure(scenario, proxy, round_)
            for row, unit, proxy, at, value in list(self.measurements):
                if row == bare.rows[0][0] and at == round_ and proxy not in ("remora", "before"):
                    self.add(scenario.rows[0][0], unit, proxy, round_, value)
        for proxy, workers in more:
            one = next(each for each in busy if each.kind.name == proxy.kind.name)
            self.ratio(f"CPU, all of it on, {workers} workers over one", [EVERYTHING[0][0]] * 2, [proxy, one], round_)

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
            self.held(proxy, idle, round_, 1000, "idle clients", order="json 1024")
        finally:
            proxy.stop()
        crowds = [(1000, "open streams", "stream 1000 1000")]
        if not self.quick and round_ == 0:
            crowds += [(10_000, "idle clients", "json 1024"), (5000, "open streams", "stream 1000 5000")]
        for count, what, order in crowds:
            proxy = kind.start(self.directory, self.upstream, self.processors)
            try:
                time.sleep(0.3)
                self.held(proxy, proxy.memory(), round_, count, what, order)
            finally:
                proxy.stop()
        for row, scenario in [
            ("20 MB answer, peak beyond idle", scenarios.ANSWER_20),
            ("20 MB upload, peak beyond idle", scenarios.UPLOAD_20),
            ("20 MB chat request, peak beyond idle", scenarios.CHAT_20),
        ]:
            self.peak(kind, row, scenario, round_)

    def held(self, proxy, idle, round_, count, what, order):
        row = f"{count:,} {what}, private beyond idle"
        words = [str(BENCH), "hold", "--port", str(proxy.port), "--connections", str(count), "--order", order]
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
        if (ready, still) != (count, count):
            self.note(f"{proxy.kind.name}, {row}: {ready} were opened, {still} stayed open")
        self.add(row, "MB", proxy.kind.name, round_, (memory[1] - idle[1]) * 1024 / 1e6)

    def peak(self, kind, row, scenario, round_):
        proxy = kind.start(self.directory, self.upstream, self.processors)
        try:
            # What it does is in memory before it is measured, and what the start needed has been given back.
            time.sleep(0.3)
            self.load(scenario, proxy.port, window_ms=200, warm_up_ms=0)
            time.sleep(0.5)
            idle = proxy.memory()
            if not proxy.forget_peak():
                self.note("peak memory: /proc/PID/clear_refs can't be written; run as root")
                return
            self.load(scenario, proxy.port, warm_up_ms=0, window_ms=400)
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
                chat = self.load(CHAT, proxy.port, allocations=counter, window_ms=1000)
                self.add("allocations, chat request 1 KB", "", kind.name, 0, chat["allocations"] / chat["requests"])
                stream = self.load(STREAM, proxy.port, allocations=counter, order="stream 100000 10", window_ms=1000)
                self.add("allocations, stream chunk", "", kind.name, 0, stream["allocations"] / stream["events"])
            finally:
                proxy.stop()

    def litellm(self, kind):
        """A few requests only: it is there for scale."""
        proxy = kind.start(self.directory, self.upstream, self.processors)
        try:
            chat = self.load(CHAT, proxy.port, proxy.processes(), connections=4, warm_up_ms=3000, window_ms=3000)
            row, unit, value = CHAT.rows[0]
            self.add(row, unit, kind.name, 0, value(chat))
            self.add("throughput, the same", "1/s", kind.name, 0, rate(chat))
        finally:
            proxy.stop()
        self.at_rest(kind, 0)

    def manifests(self, kinds):
        """What putting the sidecar into five megabytes of manifests takes."""
        text = self.file(scenarios.manifests())
        for kind in kinds:
            if kind.name not in ("remora", "before"):
                continue
            for round_ in range(self.rounds):
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                with open(text) as stream:
                    subprocess.run([kind.program, "inject"], stdin=stream, capture_output=True, check=True)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
                self.add("CPU, inject into 22,000 workloads", "s", kind.name, round_, spent)

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
                bench.manifests(small)
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
