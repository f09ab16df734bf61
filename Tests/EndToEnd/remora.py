"""Runs the built binary: a config in a directory of its own, ports picked free, output kept, one clean end.

Every process is held to three promises when it is stopped: it is still alive, it exits 0 soon after SIGTERM,
and nothing that it ever printed, counted or wrote down holds a secret, a prompt or what policies find in one.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import yaml
from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests"))

from canaries import CALLER_KEY, CARD, MAIL, OTHER_CARD, OTHER_MAIL, PHONE, PROMPT, SECRET  # noqa: E402, F401
from canaries import assert_clean, everything, found  # noqa: E402
from ports import free_port  # noqa: E402
from upstream import Upstream  # noqa: E402
from wire import Broken, RawClient  # noqa: E402

BINARY = Path(os.environ.get("REMORA_BINARY", ROOT / ".build/release/remora"))
DIRECT = os.environ.get("REMORA_BASE_URL") == "upstream"
"""Leaves the proxy out: clients speak to the upstream itself, to see whether the harness is faithful."""

SANITIZER = os.environ.get("REMORA_SANITIZER")
"""The sanitizer that the binary was built with, if any: what is about the build itself says nothing of it then."""

SLOWER = 5 if SANITIZER else 1
"""How much longer than the binary that ships this one may take for what it has promised to do in time."""
STOP_SECONDS = 2.0 * SLOWER


def environment(**extra: str) -> dict[str, str]:
    """The caller's environment without what would steer Remora: its own variables and providers' keys."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("REMORA_", "OPENAI_", "ANTHROPIC_", "AWS_", "AZURE_", "GCE_", "GOOGLE_", "SSL_CERT", "OTEL_"))
        and not name.endswith("_API_KEY")
    }
    return {**kept, **extra}


def run(*arguments: str, stdin: str | None = None, env: dict[str, str] | None = None, cwd=None):
    """Runs a subcommand to its end. It may repeat its configuration, and nothing of what policies find."""
    done = subprocess.run(
        [str(BINARY), *arguments],
        input=stdin,
        env=environment(**(env or {})),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert_clean(done.stdout + done.stderr, found(), " ".join(arguments))
    return done


def merged(base: dict, changes: dict) -> dict:
    """`base` with `changes` laid over it, mapping by mapping; a value of None removes the key."""
    result = dict(base)
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


def default_config(directory: Path, upstream: Upstream, ca_file: Path | None) -> dict:
    """One provider, `gateway`, which is the default one; its key comes from a file."""
    key_file = directory / "gateway.key"
    key_file.write_text(SECRET + "\n")
    provider: dict = {
        "kind": "openai",
        "base_url": upstream.base_url,
        "api_key": {"file": str(key_file)},
        "timeouts": {"connect": f"{2 * SLOWER}s", "first_byte": "10s", "idle": "10s"},
    }
    if ca_file is not None:
        provider["tls"] = {"ca_file": str(ca_file)}
    return {
        "providers": {"gateway": provider},
        "default_provider": "gateway",
        "models": {"alias": "gateway/gpt-4o", "broken": "gateway/error-500"},
        # What a provider says is to be seen as it is; test_plans.py is about trying again.
        "retry": {"attempts": 1},
    }


class Remora:
    """A running proxy. `config` lacks `listen` and `admin`, which are chosen here unless it names them.

    `config=None` runs it without any file: everything comes from `env`.
    """

    def __init__(
        self, directory: Path, config: dict | None, *, env: dict[str, str] | None = None, arguments=()
    ):
        self.directory = directory
        self.env = env or {}
        self.arguments = arguments
        # What this one has besides what every test may have said.
        self.secrets: list[str] = []
        policies = (config or {}).get("policies") or {}
        # Where the audit log is, and what it was before.
        self.audits = [Path(each["file"]) for each in policies.values() if each.get("kind") == "audit_log" and "file" in each]
        self.process: subprocess.Popen | None = None
        self.log_mark = 0
        for attempt in range(3):
            try:
                self._start(config)
                return
            except AddressInUse:
                if attempt == 2:
                    raise

    def _start(self, config: dict) -> None:
        self.port = free_port()
        self.admin_port = free_port()
        if config is not None and "admin" in config:
            # Readiness is asked for at 127.0.0.1, which every address that stands for all hears.
            self.admin_port = int(config["admin"].rsplit(":", 1)[1])
        self.socket_path = self.directory / "remora.sock"
        self.socket_path.unlink(missing_ok=True)
        self.config_file = self.directory / "remora.yaml"
        if config is None:
            where = ["--listen", f"127.0.0.1:{self.port}", "--admin", f"127.0.0.1:{self.admin_port}"]
        else:
            listen = [f"127.0.0.1:{self.port}", f"[::1]:{self.port}", f"unix:{self.socket_path}"]
            # Models end some day, and the tests run on the day after as well: only where one asks is another taken.
            whole = {
                "listen": listen, "admin": f"127.0.0.1:{self.admin_port}", "catalogue": {"reroute": "never"}, **config
            }
            self.config_file.write_text(yaml.safe_dump(whole, sort_keys=False, allow_unicode=True))
            where = ["--config", str(self.config_file)]
        self.stdout_file = self.directory / "stdout.log"
        self.stderr_file = self.directory / "stderr.log"
        with self.stdout_file.open("wb") as stdout, self.stderr_file.open("wb") as stderr:
            self.process = subprocess.Popen(
                [str(BINARY), "serve", *where, *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env=environment(**self.env),
                cwd=self.directory,
            )
        self._wait_ready()

    def _wait_ready(self, seconds: float = 10.0 * SLOWER) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                if "in use" in self.stderr:
                    raise AddressInUse(self.stderr)
                raise AssertionError(f"remora exited {self.process.returncode} at start:\n{self.stderr}")
            try:
                if self.admin("/readyz").status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.005)
        self.process.kill()
        raise AssertionError(f"remora was not ready after {seconds} s:\n{self.stderr}")

    # Addresses and clients.

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1"

    def connect(self, *, ipv6: bool = False, unix: bool = False, timeout: float = 10.0) -> RawClient:
        if unix:
            return RawClient(str(self.socket_path), family=socket.AF_UNIX, timeout=timeout)
        if ipv6:
            return RawClient(("::1", self.port), family=socket.AF_INET6, timeout=timeout)
        return RawClient(("127.0.0.1", self.port), timeout=timeout)

    def ask(self, data: bytes):
        """One raw request on a connection of its own."""
        with self.connect() as client:
            return client.ask(data)

    def admin(self, path: str, headers: dict[str, str] | None = None, method: str = "GET"):
        with RawClient(("127.0.0.1", self.admin_port)) as client:
            fields = {"Host": "localhost", "Connection": "close", **(headers or {})}
            lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
            client.send("\r\n".join(lines).encode() + b"\r\n\r\n")
            return client.response(method)

    # What it shows of itself.

    @property
    def stdout(self) -> str:
        return self.stdout_file.read_text(errors="replace")

    @property
    def stderr(self) -> str:
        return self.stderr_file.read_text(errors="replace")

    def mark_log(self) -> None:
        """From here on `access_log` leaves earlier lines out."""
        self.log_mark = self.stdout_file.stat().st_size

    def access_log(self, count: int = 1, seconds: float = 5.0) -> list[dict]:
        """The access log's lines since the mark, once there are at least `count`."""
        deadline = time.monotonic() + seconds
        while True:
            text = self.stdout_file.read_bytes()[self.log_mark :].decode()
            lines = text.splitlines() if text.endswith("\n") or not text else text.splitlines()[:-1]
            if len(lines) >= count:
                return [json.loads(line) for line in lines]
            if time.monotonic() > deadline:
                raise AssertionError(f"{len(lines)} access log lines, wanted {count}: {lines}")
            time.sleep(0.005)

    def log_line(self, request_id: str) -> dict:
        """The access log's line of one request."""
        count = 1
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            lines = self.access_log(count)
            found = [line for line in lines if line.get("request_id") == request_id]
            if found:
                assert len(found) == 1, f"one exchange, {len(found)} lines"
                return found[0]
            count = len(lines) + 1
        raise AssertionError(f"no access log line for {request_id}")

    def samples(self) -> dict[tuple[str, frozenset], float]:
        """Every sample of /metrics by name and label set."""
        text = self.admin("/metrics").body.decode()
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def total(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that carry these labels."""
        wanted = set(labels.items())
        return sum(value for (each, have), value in self.samples().items() if each == name and wanted <= have)

    def resident(self) -> int:
        """Resident memory in bytes, as the kernel counts it; 0 under a sanitizer, whose own would be measured."""
        return self._memory("VmRSS:")

    def anonymous(self) -> int:
        """Its own memory in bytes, without the program's code, which comes and goes; as above."""
        return self._memory("RssAnon:")

    def peak_resident(self) -> int:
        """The most that was ever resident, as above."""
        return self._memory("VmHWM:")

    def page_faults(self) -> int:
        """How often the kernel had to find a page of memory for it so far (proc(5), minflt)."""
        return int(Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[7])

    def wait_asleep(self, seconds: float = 10.0) -> None:
        """Waits until it has nothing to do: each thread sleeps. One that only waits for a processor doesn't."""
        deadline = time.monotonic() + seconds
        states = {"R"}
        while states - {"S"}:
            assert time.monotonic() < deadline, f"it goes on working: {states}"
            time.sleep(0.002)
            files = Path(f"/proc/{self.process.pid}/task").glob("*/stat")
            states = {each.read_text().rpartition(")")[2].split()[0] for each in files}

    def threads(self) -> list[int]:
        """The kernel's numbers of its threads, the first one first."""
        found = sorted(int(each.name) for each in Path(f"/proc/{self.process.pid}/task").iterdir())
        if SANITIZER == "thread":
            # The sanitizer's own, which it starts before the program.
            del found[1]
        return found

    def _memory(self, name: str) -> int:
        if SANITIZER:
            return 0
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith(name))
        return int(line.split()[1]) * 1024

    # The end.

    def check_alive(self) -> None:
        code = self.process.poll()
        assert code is None, f"remora died with {code}:\n{self.stderr[-4000:]}"

    def stop(self, stop_signal: int = signal.SIGTERM) -> None:
        """Ends the process and holds it to its promises. Safe to call twice."""
        if self.process is None:
            return
        process, self.process = self.process, None
        try:
            code = process.poll()
            assert code is None, f"remora died with {code}:\n{self.stderr[-4000:]}"
            metrics = self.counted()
            process.send_signal(stop_signal)
            try:
                code = process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                raise AssertionError(f"remora was still running {STOP_SECONDS} s after SIGTERM") from None
            assert code == 0, f"remora exited {code} on SIGTERM:\n{self.stderr[-4000:]}"
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        audits = [(str(each), each.read_text(errors="replace")) for file in self.audits
                  for each in file.parent.glob(f"{file.name}*") if each.is_file()]  # fmt: skip
        for name, text in (("stdout", self.stdout), ("stderr", self.stderr), ("/metrics", metrics), *audits):
            assert_clean(text, everything() + self.secrets, name)

    def counted(self) -> str:
        """What it has counted; nothing where a test has left it no way to say so."""
        try:
            return self.admin("/metrics").body.decode(errors="replace")
        except (OSError, Broken):
            return ""


class AddressInUse(Exception):
    """Another process took the port between choosing and binding it."""
