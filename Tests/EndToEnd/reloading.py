"""A proxy whose config is in a mounted volume, and what it tells of reloads."""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path

import pytest
import yaml

from kubelet import Volume
from remora import PROMPT, SECRET, SLOWER, merged
from wire import request

CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": PROMPT}]}
ROTATED = "sk-canary-rotated-91c4"
"""The key after a rotation. As secret as the first one."""


def config(server, authority, volume: Path, **changes) -> str:
    """One provider, whose key and CA stand in the same volume as the config."""
    provider = {
        "kind": "openai",
        "base_url": server.base_url,
        "api_key": {"file": str(volume / "gateway.key")},
        "tls": {"ca_file": str(authority.ca_file)},
        "headers": {"x-generation": "0"},
    }
    whole = {
        "providers": {"gateway": provider},
        "default_provider": "gateway",
        "response_metadata": "headers",
    }
    return yaml.safe_dump(merged(whole, changes))


def generation(number) -> dict:
    return {"providers": {"gateway": {"headers": {"x-generation": str(number)}}}}


class Mounted:
    """A proxy whose config and key are in a volume, as in a pod."""

    def __init__(
        self, start_remora, server, authority, path: Path, changes=None, arguments=(), env=None
    ) -> None:
        self.server, self.authority = server, authority
        self.volume = Volume(path, gateway_key=SECRET, remora_yaml=self.text(path, changes))
        file = str(self.volume / "remora_yaml")
        self.proxy = start_remora(whole=None, arguments=("--config", file, *arguments), env=env)
        self.proxy.secrets.append(ROTATED)

    def text(self, path: Path, changes=None) -> str:
        return config(self.server, self.authority, path, **(changes or {}))

    def publish(self, changes=None, key=SECRET, **files) -> None:
        self.volume.publish(gateway_key=key, remora_yaml=self.text(self.volume.path, changes), **files)

    def echo(self) -> dict:
        return echo(self.proxy)


@pytest.fixture(params=["disk", "memory"])
def place(request, tmp_path):
    """A directory for volumes: ConfigMaps are on the node's disk, Secrets in memory."""
    if request.param == "disk":
        yield tmp_path
        return
    if "tmpfs" not in {line.split()[2] for line in open("/proc/mounts") if line.split()[1] == "/dev/shm"}:
        pytest.skip("there is no tmpfs at /dev/shm")
    with tempfile.TemporaryDirectory(prefix="remora-", dir="/dev/shm") as directory:
        yield Path(directory)


@pytest.fixture
def mounted(start_remora, upstream, authority, place):
    """`mounted(changes)` starts a proxy whose config and key are in a volume, on either kind of file system."""

    def start(changes=None, arguments=(), env=None) -> Mounted:
        return Mounted(start_remora, upstream, authority, place / "volume", changes, arguments, env)

    return start


def echo(proxy) -> dict:
    """What reached the provider: fields by name."""
    got = proxy.ask(request("GET", "/v1/echo"))
    assert got.status == 200, got.body
    return {name.lower(): value for name, value in got.json()["headers"]}


def reloads(proxy) -> dict[str, int]:
    found = {
        dict(labels)["result"]: int(value)
        for (name, labels), value in proxy.samples().items()
        if name == "remora_config_reloads_total"
    }
    assert set(found) == {"applied", "unchanged", "invalid", "unreadable"}
    return found


def wait_reloads(proxy, seconds: float = 8.0 * SLOWER, **wanted: int) -> float:
    """Waits until each result was counted so often; how long that took."""
    start = time.monotonic()
    while True:
        have = reloads(proxy)
        if all(have[result] >= count for result, count in wanted.items()):
            return time.monotonic() - start
        assert time.monotonic() < start + seconds, f"{have}, wanted {wanted}\n{proxy.stderr[-3000:]}"
        time.sleep(0.005)


def wait_watching(proxy, seconds: float = 5.0 * SLOWER) -> None:
    """Waits for the reading that follows the start: it takes what changed before it without counting it."""
    deadline = time.monotonic() + seconds
    while proxy.total("remora_config_watch_mode") != 1:
        assert time.monotonic() < deadline, "the files are not watched"
        time.sleep(0.005)


def successful(proxy) -> bool:
    return proxy.total("remora_config_last_reload_successful") == 1


def diagnostics(proxy, level: str) -> list[dict]:
    lines = [json.loads(line) for line in proxy.stderr.splitlines()]
    return [line for line in lines if line["level"] == level]


def digest_in_force(proxy) -> str:
    found = [dict(labels) for name, labels in proxy.samples() if name == "remora_config_info"]
    assert len(found) == 1, found
    return found[0]["sha256"]


def descriptors(proxy) -> int:
    return len(os.listdir(f"/proc/{proxy.process.pid}/fd"))
