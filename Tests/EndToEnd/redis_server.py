"""Debian's redis-server, started by the tests on a port of its own: plain or TLS, with passwords, stalled, killed and back.

`Tests/run e2e` fetches it into .build/redis where the machine has none; nothing is installed, and no service starts.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from remora import PROMPT, ROOT, SLOWER, free_port, merged
from wire import post_json

CHAT = {"model": "gpt-4o", "max_tokens": 8, "messages": [{"role": "user", "content": PROMPT}]}
KEY = {"x-remora-key": "rk-canary-finance"}

FETCHED = ROOT / ".build/redis/usr"


def program() -> tuple[str, dict[str, str]] | None:
    """Its path, and the environment that it needs."""
    found = shutil.which("redis-server")
    if found:
        return found, {}
    fetched = FETCHED / "bin/redis-server"
    if fetched.exists():
        return str(fetched), {"LD_LIBRARY_PATH": os.pathsep.join(str(p) for p in (FETCHED / "lib").glob("*-linux-gnu"))}
    return None


class RedisServer:
    def __init__(self, directory: Path, *, certificate=None, ca_file: Path | None = None, arguments: tuple[str, ...] = ()):
        self.directory = directory
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.certificate = certificate
        where = ["--port", str(self.port)]
        if certificate is not None:
            where = ["--port", "0", "--tls-port", str(self.port), "--tls-cert-file", str(certificate.cert_file),
                     "--tls-key-file", str(certificate.key_file), "--tls-ca-cert-file", str(ca_file),
                     "--tls-auth-clients", "no"]  # fmt: skip
        self.arguments = [*where, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(directory), *arguments]
        self.process: subprocess.Popen | None = None
        self.start()

    def start(self) -> None:
        command, environment = program()
        self.process = subprocess.Popen(
            [command, *self.arguments], env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
        )
        for _ in range(400):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        raise AssertionError("redis-server does not listen")

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None

    def stall(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def client(self, *login: tuple[str, ...]) -> Client:
        return Client(self.port, *login)


class Client:
    """As much of a client as looks at what is counted."""

    def __init__(self, port: int, *login: tuple[str, ...]):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.file = self.socket.makefile("rb")
        for command in login:
            self.ask(*command)

    def ask(self, *words):
        encoded = [str(word).encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in encoded))
        return self.reply()

    def reply(self):
        line = self.file.readline()[:-2]
        sign, rest = line[:1], line[1:]
        if sign == b"+":
            return rest.decode()
        if sign == b"-":
            raise RuntimeError(rest.decode())
        if sign == b":":
            return int(rest)
        if sign == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2].decode()
        return [self.reply() for _ in range(int(rest))]

    def window(self, group: str, kind: str = "r", prefix: str = "rl") -> int:
        """What a window holds now."""
        found = self.ask("HGETALL", f"{prefix}:{{{group}}}:{kind}")
        return sum(int(count) for count in found[1::2])

    def close(self) -> None:
        self.file.close()
        self.socket.close()


needs_redis = pytest.mark.skipif(program() is None, reason="there is no redis-server; Tests/run e2e fetches one")


@pytest.fixture
def start_redis(tmp_path):
    started = []

    def start(**options) -> RedisServer:
        started.append(RedisServer(tmp_path / f"redis{len(started)}", **options))
        return started[-1]

    yield start
    for server in started:
        server.kill()


def shared(directory, redis, limits=None, **more) -> dict:
    (directory / "finance.key").write_text("rk-canary-finance")
    url = redis if isinstance(redis, str) else f"redis://127.0.0.1:{redis.port}"
    group = {"key": {"file": str(directory / "finance.key")}, "limits": limits or {"requests_per_minute": 5}}
    return {"consumers": {"groups": {"finance": group}}, "limits": {"shared": {"redis": url, **more}}}


def ask(proxy, body=CHAT, **headers):
    return proxy.ask(post_json("/v1/chat/completions", body, {**KEY, **headers}))


def wait_until(check, seconds=5.0 * SLOWER):
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


def up(proxy) -> bool:
    return proxy.total("remora_limits_shared_up") == 1


def write(proxy, changes: dict) -> None:
    """Lays `changes` over a running proxy's configuration."""
    text = yaml.safe_load(proxy.config_file.read_text())
    proxy.config_file.write_text(yaml.safe_dump(merged(text, changes)))
