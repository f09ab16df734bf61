"""Live configuration: what changes in the files is in force soon, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import threading
import time

import pytest
import yaml

import remora as remora_module
from kubelet import Volume
from reloading import (  # noqa: F401
    ROTATED,
    Mounted,
    config,
    descriptors,
    diagnostics,
    digest_in_force,
    echo,
    generation,
    mounted,
    reloads,
    successful,
    wait_reloads,
)
from remora import SECRET, SLOWER
from wire import request

pytestmark = pytest.mark.proxy


# Swaps.


def test_swap(mounted):
    """R-01: in force within a second and a half; the digest is that of the file."""
    pod = mounted()
    assert echo(pod.proxy)["x-generation"] == "0"
    file = pod.volume / "remora_yaml"
    assert digest_in_force(pod.proxy) == hashlib.sha256(file.read_bytes()).hexdigest()
    before = pod.proxy.total("remora_config_last_reload_success_timestamp_seconds")
    pod.publish(generation(1))
    assert wait_reloads(pod.proxy, applied=1) < 1.5
    assert echo(pod.proxy)["x-generation"] == "1"
    assert digest_in_force(pod.proxy) == hashlib.sha256(file.read_bytes()).hexdigest()
    assert successful(pod.proxy)
    assert pod.proxy.total("remora_config_last_reload_success_timestamp_seconds") > before


def test_two_swaps(mounted):
    """R-02: ends on the second, with no more than two reloads."""
    pod = mounted()
    pod.publish(generation(1))
    pod.publish(generation(2))
    deadline = time.monotonic() + 5
    while echo(pod.proxy)["x-generation"] != "2":
        assert time.monotonic() < deadline
    assert reloads(pod.proxy)["applied"] <= 2


def test_a_hundred_swaps(mounted):
    """R-03: each is seen; descriptors and memory stay as they were, and so does the connection upstream."""
    pod = mounted()

    def swap(number: int) -> None:
        pod.publish(generation(number))
        wait_reloads(pod.proxy, applied=number)
        assert echo(pod.proxy)["x-generation"] == str(number)

    for number in range(1, 21):
        swap(number)
    open_before, resident_before = descriptors(pod.proxy), pod.proxy.resident()
    for number in range(21, 101):
        swap(number)
    # A connection that a client has just closed may still be counted; a leak would be eighty.
    assert descriptors(pod.proxy) <= open_before + 3
    assert pod.proxy.resident() < resident_before + 2 * 1024 * 1024
    assert reloads(pod.proxy) == {"applied": 100, "unchanged": 0, "invalid": 0, "unreadable": 0}


def test_same_bytes(mounted):
    """R-04: a new directory with the old content changes nothing."""
    pod = mounted()
    before = digest_in_force(pod.proxy)
    pod.publish()
    wait_reloads(pod.proxy, unchanged=1)
    assert reloads(pod.proxy)["applied"] == 0
    assert digest_in_force(pod.proxy) == before and successful(pod.proxy)


def test_never_a_mixed_pair(start_remora, start_upstream, authority, tmp_path):
    """R-05, R-06: config and key always come from the same generation, however the swaps fall."""
    server = start_upstream()
    pod = Mounted(start_remora, server, authority, tmp_path / "volume", generation(0))
    pairs: set[tuple[str, str]] = set()
    done = threading.Event()

    def ask() -> None:
        with pod.proxy.connect() as client:
            while not done.is_set():
                got = client.ask(request("GET", "/v1/echo"))
                fields = {name.lower(): value for name, value in got.json()["headers"]}
                pairs.add((fields["x-generation"], fields["authorization"]))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        number = 0
        # On a slow machine several swaps are one change: until there were a few.
        while number < 60 or (number < 600 and reloads(pod.proxy)["applied"] < 3):
            number += 1
            pod.publish(generation(number), key=f"{ROTATED}-{number}")
            # Between fast and slow, so that swaps fall before, into and after a reading.
            time.sleep((number % 12) * 0.012)
        wait_reloads(pod.proxy, applied=3)
        deadline = time.monotonic() + 5 * SLOWER
        while (f"{number}", f"Bearer {ROTATED}-{number}") not in pairs:
            assert time.monotonic() < deadline, sorted(pairs)
            time.sleep(0.01)
    finally:
        done.set()
        asking.join()
    allowed = {("0", f"Bearer {SECRET}")} | {
        (str(each), f"Bearer {ROTATED}-{each}") for each in range(1, number + 1)
    }
    assert pairs <= allowed, pairs - allowed
    assert not diagnostics(pod.proxy, "error")


# Bad ones.

BAD = {
    "syntax": ("providers: {gateway: [\n", "invalid"),
    "unknown key": ("providers:\n  gateway:\n    kind: openai\n    nonsense: 1\n", "invalid"),
    "unknown provider": ("providers:\n  mock: {kind: mock}\ndefault_provider: nobody\n", "invalid"),
    "empty": ("", "invalid"),
    "too large": ("# " + "x" * (2 << 20) + "\n", "invalid"),
    "too deep": ("a: " + "[" * 5000, "invalid"),
    "duplicate key": ("default_provider: a\ndefault_provider: b\n", "invalid"),
    "not text": (b"\x00\xff\xfe" * 100, "invalid"),
    "missing secret": ("providers:\n  openai: {api_key: {file: /nowhere/key}}\n", "unreadable"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_config(mounted, what):
    """R-07, R-08, R-09, R-15: the good one stays; what is wrong is said; the good one heals it all."""
    text, result = BAD[what]
    pod = mounted()
    assert b"[+]reload ok" in pod.proxy.admin("/readyz?verbose").body
    good = digest_in_force(pod.proxy)
    stamp = pod.proxy.total("remora_config_last_reload_success_timestamp_seconds")
    pod.volume.publish(gateway_key=SECRET, remora_yaml=text)
    wait_reloads(pod.proxy, **{result: 1})
    assert echo(pod.proxy)["x-generation"] == "0"
    assert not successful(pod.proxy) and digest_in_force(pod.proxy) == good
    problems = [line["problem"] for line in diagnostics(pod.proxy, "error")]
    file = re.escape(str(pod.volume / "remora_yaml"))
    assert problems and all(re.match(rf"{file}(:\d+:\d+)?: error: .", each) for each in problems), problems
    if what not in ("too large",):
        assert any(re.match(rf"{file}:\d+:\d+: ", each) for each in problems), problems
    verbose = pod.proxy.admin("/readyz?verbose")
    assert verbose.status == 200 and problems[0].encode() in verbose.body
    pod.publish()
    wait_reloads(pod.proxy, unchanged=1)
    assert successful(pod.proxy)
    assert pod.proxy.total("remora_config_last_reload_success_timestamp_seconds") > stamp
    assert b"[+]reload ok" in pod.proxy.admin("/readyz?verbose").body


@pytest.mark.parametrize("what", ["bom", "crlf", "json"])
def test_unusual_but_good(mounted, what):
    """R-15: a byte order mark, CRLF and JSON are accepted."""
    pod = mounted()
    text = pod.text(pod.volume.path, generation(1))
    text = {
        "bom": "\ufeff" + text,
        "crlf": text.replace("\n", "\r\n"),
        "json": json.dumps(yaml.safe_load(text)),
    }[what]
    pod.volume.publish(gateway_key=SECRET, remora_yaml=text)
    wait_reloads(pod.proxy, applied=1)
    assert echo(pod.proxy)["x-generation"] == "1"


def test_every_problem_is_logged(mounted):
    pod = mounted()
    pod.volume.publish(gateway_key=SECRET, remora_yaml="nonsense: 1\nworkers: many\nmodels: 3\n")
    wait_reloads(pod.proxy, invalid=1)
    problems = [line["problem"] for line in diagnostics(pod.proxy, "error")]
    lines = {int(re.search(r"yaml:(\d+):", each)[1]) for each in problems}
    assert lines == {1, 2, 3}, problems


@pytest.mark.parametrize("what", ["config", "key"])
def test_key_of_the_volume_is_gone(mounted, what):
    """R-10: the link goes; what was read stays in force; the message names the file."""
    pod = mounted()
    text = pod.text(pod.volume.path)
    pod.volume.publish(**({"gateway_key": SECRET} if what == "config" else {"remora_yaml": text}))
    wait_reloads(pod.proxy, unreadable=1)
    assert echo(pod.proxy)["authorization"] == f"Bearer {SECRET}"
    name = "remora_yaml" if what == "config" else "gateway_key"
    problem = diagnostics(pod.proxy, "error")[-1]["problem"]
    assert str(pod.volume / name) in problem and "no such file" in problem.lower(), problem
    pod.publish(generation(1))
    wait_reloads(pod.proxy, applied=1)
    assert echo(pod.proxy)["x-generation"] == "1"


@pytest.mark.parametrize("what", ["emptied", "removed"])
def test_directory_goes_and_comes(mounted, what):
    """R-11, R-18: no restart is needed, and the kernel's events are back too."""
    pod = mounted()
    if what == "emptied":
        pod.volume.publish()
    else:
        pod.volume.remove()
    wait_reloads(pod.proxy, unreadable=1)
    assert echo(pod.proxy)["x-generation"] == "0"
    if what == "removed":
        pod.volume = Volume(pod.volume.path)
    pod.publish(generation(1))
    wait_reloads(pod.proxy, 20, applied=1)
    assert echo(pod.proxy)["x-generation"] == "1"
    pod.publish(generation(2))
    assert wait_reloads(pod.proxy, applied=2) < 1.5


# Plain files.


def test_renamed_over(start_remora, upstream):
    """R-12: an editor's way."""
    proxy = start_remora(upstream)
    fresh = proxy.directory / "remora.yaml.swp"
    fresh.write_text(proxy.config_file.read_text().replace("alias", "other"))
    os.rename(fresh, proxy.config_file)
    wait_reloads(proxy, applied=1)
    assert proxy.ask(request("GET", "/v1/models/other")).status == 200


def test_written_slowly(start_remora, upstream):
    """R-13: truncated and written in three chunks: exactly one is applied, of all of it.

    Where the machine is slow a part may be read too: it is refused, and nothing of it is ever in force.
    """
    proxy = start_remora(upstream)
    data = proxy.config_file.read_text().replace("alias", "other").encode()
    third = len(data) // 3
    with proxy.config_file.open("wb", buffering=0) as file:
        for part in (data[:third], data[third : 2 * third], data[2 * third :]):
            file.write(part)
            time.sleep(0.2)
    wait_reloads(proxy, applied=1)
    assert {**reloads(proxy), "invalid": 0} == {"applied": 1, "unchanged": 0, "invalid": 0, "unreadable": 0}
    assert proxy.ask(request("GET", "/v1/models/other")).status == 200


def test_unreadable(start_remora, upstream):
    """R-14: the system's reason is in the message."""
    proxy = start_remora(upstream)
    kept = proxy.config_file.read_bytes()
    if os.geteuid() == 0:
        # Root reads whatever the mode says: a directory in the file's place is unreadable for everybody.
        proxy.config_file.unlink()
        proxy.config_file.mkdir()
        reason = "is a directory"
    else:
        proxy.config_file.chmod(0)
        reason = "EACCES"
    wait_reloads(proxy, unreadable=1)
    assert echo(proxy)["authorization"] == f"Bearer {SECRET}"
    assert reason in diagnostics(proxy, "error")[-1]["problem"]
    if os.geteuid() == 0:
        proxy.config_file.rmdir()
        proxy.config_file.write_bytes(kept)
    else:
        proxy.config_file.chmod(0o644)
    wait_reloads(proxy, unchanged=1)
    assert successful(proxy)


def test_relative_path(start_remora, upstream, authority, tmp_path):
    file = tmp_path / "here.yaml"
    file.write_text(config(upstream, authority, tmp_path, **generation(0)))
    (tmp_path / "gateway.key").write_text(SECRET)
    proxy = start_remora(whole=None, arguments=("--config", "../here.yaml"))
    file.write_text(config(upstream, authority, tmp_path, **generation(1)))
    wait_reloads(proxy, applied=1)
    assert echo(proxy)["x-generation"] == "1"


# Without events.


@pytest.mark.slow
def test_no_inotify(mounted, monkeypatch, tmp_path):
    """R-16: one warning, and changes are found within a period of looking."""
    allowed = ["unshare", "--user", "--map-root-user"]
    if subprocess.run([*allowed, "true"], capture_output=True).returncode != 0:
        pytest.skip("this system lets nobody make a user namespace, in which instances could be taken away")
    wrapper = tmp_path / "remora-without-inotify"
    wrapper.write_text(
        "#!/bin/sh\nexec unshare --user --map-root-user sh -c "
        f"'echo 0 > /proc/sys/user/max_inotify_instances && exec {remora_module.BINARY} \"$@\"' remora \"$@\"\n"
    )
    wrapper.chmod(0o755)
    monkeypatch.setattr(remora_module, "BINARY", wrapper)
    pod = mounted()
    pod.publish(generation(1))
    wait_reloads(pod.proxy, 13, applied=1)
    assert echo(pod.proxy)["x-generation"] == "1"
    pod.publish(generation(2))
    wait_reloads(pod.proxy, 13, applied=2)
    warnings = [line for line in diagnostics(pod.proxy, "warn") if "watched" in line["msg"]]
    assert len(warnings) == 1 and "inotify_init1" in warnings[0]["reason"], warnings


# Signals.


def test_sighup(mounted):
    pod = mounted()
    pod.proxy.process.send_signal(signal.SIGHUP)
    wait_reloads(pod.proxy, unchanged=1)
    pod.publish(generation(1))
    pod.proxy.process.send_signal(signal.SIGHUP)
    wait_reloads(pod.proxy, applied=1)
    assert echo(pod.proxy)["x-generation"] == "1"


def test_sighup_storm(mounted):
    """R-24: a thousand are a few, and requests go on."""
    pod = mounted()
    for number in range(1000):
        pod.proxy.process.send_signal(signal.SIGHUP)
        if number % 100 == 0:
            assert echo(pod.proxy)
    wait_reloads(pod.proxy, unchanged=1)
    pod.publish(generation(1))
    wait_reloads(pod.proxy, applied=1)
    assert reloads(pod.proxy)["unchanged"] <= 5


def test_end_in_the_middle(mounted):
    """SIGTERM while the files are being read."""
    pod = mounted()
    for number in range(5):
        pod.publish(generation(number))
        pod.proxy.process.send_signal(signal.SIGHUP)
    pod.proxy.stop()
