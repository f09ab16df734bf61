"""Live configuration: what changes in the files is in force soon, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

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
    place,
    reloads,
    successful,
    wait_reloads,
    wait_watching,
)
from remora import SECRET, SLOWER, merged
from wire import request

pytestmark = pytest.mark.proxy


# Swaps.


def test_r01_swap(mounted):
    """R-01: in force within a second and a half; the digest is that of the file."""
    pod = mounted()
    assert echo(pod.proxy)["x-generation"] == "0"
    file = pod.volume / "remora_yaml"
    assert digest_in_force(pod.proxy) == hashlib.sha256(file.read_bytes()).hexdigest()
    before = pod.proxy.total("remora_config_last_reload_success_timestamp_seconds")
    pod.publish(generation(1))
    assert wait_reloads(pod.proxy, applied=1) < 1.5 * SLOWER
    assert echo(pod.proxy)["x-generation"] == "1"
    assert digest_in_force(pod.proxy) == hashlib.sha256(file.read_bytes()).hexdigest()
    assert successful(pod.proxy)
    assert pod.proxy.total("remora_config_last_reload_success_timestamp_seconds") > before


def test_r02_two_swaps(mounted):
    """R-02: ends on the second, with no more than two reloads."""
    pod = mounted()
    pod.publish(generation(1))
    pod.publish(generation(2))
    deadline = time.monotonic() + 5
    while echo(pod.proxy)["x-generation"] != "2":
        assert time.monotonic() < deadline
    assert reloads(pod.proxy)["applied"] <= 2


def test_r03_a_hundred_swaps(mounted):
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
    # Where the machine is slow, the last event of a swap may come when the file has been read already.
    counts = reloads(pod.proxy)
    assert counts.pop("unchanged") <= 10
    assert counts == {"applied": 100, "invalid": 0, "unreadable": 0}


def test_r04_same_bytes(mounted):
    """R-04: a new directory with the old content changes nothing."""
    pod = mounted()
    wait_watching(pod.proxy)
    before = digest_in_force(pod.proxy)
    pod.publish()
    wait_reloads(pod.proxy, unchanged=1)
    assert reloads(pod.proxy)["applied"] == 0
    assert digest_in_force(pod.proxy) == before and successful(pod.proxy)


def test_r05_r06_never_a_mixed_pair(start_remora, start_upstream, authority, tmp_path):
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
    "emptied": ("", "invalid"),
    "comments": ("# providers:\n", "invalid"),
    "braces": ("{}", "invalid"),
    "only a mark": (b"\xef\xbb\xbf", "invalid"),
    "providers emptied": ("shutdown: {drain: 1s}\nproviders:\n", "invalid"),
    "missing secret": ("providers:\n  openai: {api_key: {file: /nowhere/key}}\n", "unreadable"),
}


@pytest.mark.parametrize("what", BAD)
def test_r07_r08_r09_r15_bad_config(mounted, what):
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


@pytest.mark.parametrize("text", ["", "response_metadata: headers\n"], ids=["emptied", "cut off"])
def test_a_file_that_loses_its_providers(start_remora, upstream, text):
    """What is cut off in the middle of being written never leads to providers that the file didn't name."""
    proxy = start_remora(upstream, env={"OPENAI_API_KEY": "sk-canary-of-the-environment"})
    kept = proxy.config_file.read_text()
    proxy.config_file.write_text(text)
    wait_reloads(proxy, invalid=1)
    assert "provider" in diagnostics(proxy, "error")[-1]["problem"]
    assert echo(proxy)["authorization"] == f"Bearer {SECRET}"
    proxy.config_file.write_text(kept)
    wait_reloads(proxy, unchanged=1)
    assert successful(proxy)


@pytest.mark.parametrize("what", ["bom", "crlf", "json"])
def test_r15_unusual_but_good(mounted, what):
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


def test_r07_every_problem_is_logged(mounted):
    pod = mounted()
    pod.volume.publish(gateway_key=SECRET, remora_yaml="nonsense: 1\nworkers: many\nmodels: 3\n")
    wait_reloads(pod.proxy, invalid=1)
    problems = [line["problem"] for line in diagnostics(pod.proxy, "error")]
    lines = {int(re.search(r"yaml:(\d+):", each)[1]) for each in problems}
    assert lines == {1, 2, 3}, problems


@pytest.mark.parametrize("what", ["config", "key"])
def test_r10_key_of_the_volume_is_gone(mounted, what):
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
def test_r11_r18_directory_goes_and_comes(mounted, what):
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
    assert wait_reloads(pod.proxy, applied=2) < 1.5 * SLOWER


# Plain files.


def test_r12_renamed_over(start_remora, upstream):
    """R-12: an editor's way."""
    proxy = start_remora(upstream)
    fresh = proxy.directory / "remora.yaml.swp"
    fresh.write_text(proxy.config_file.read_text().replace("alias", "other"))
    os.rename(fresh, proxy.config_file)
    wait_reloads(proxy, applied=1)
    assert proxy.ask(request("GET", "/v1/models/other")).status == 200


def test_r13_written_slowly(start_remora, upstream):
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


def test_r14_unreadable(start_remora, upstream):
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
def test_r16_no_inotify(mounted, monkeypatch, tmp_path):
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


def test_r24_sighup_storm(mounted):
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


# What a machine may do to it.

CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *time) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(clock, time);
  const char *jumped = getenv("CLOCK_JUMPED");
  if (clock == CLOCK_REALTIME && jumped && access(jumped, F_OK) == 0) time->tv_sec -= 3600;
  return result;
}
"""


@pytest.mark.build("wants to be loaded first")
def test_r23_clock_jumps_back(mounted, tmp_path):
    """R-23: an hour back, in the middle of everything: reloads, signals and streams' deadlines don't notice."""
    compiler = shutil.which("cc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler for a clock that jumps")
    source, library, jumped = tmp_path / "clock.c", tmp_path / "clock.so", tmp_path / "jumped"
    source.write_text(CLOCK)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    pod = mounted(env={"LD_PRELOAD": str(library), "CLOCK_JUMPED": str(jumped)})
    pod.publish(generation(1))
    wait_reloads(pod.proxy, applied=1)
    early = diagnostics(pod.proxy, "info")[-1]["time"]
    jumped.touch()
    pod.publish(generation(2))
    assert wait_reloads(pod.proxy, applied=2) < 1.5 * SLOWER
    assert echo(pod.proxy)["x-generation"] == "2"
    assert diagnostics(pod.proxy, "info")[-1]["time"] < early, "the clock that was meant to jump did not"
    pod.proxy.process.send_signal(signal.SIGHUP)
    wait_reloads(pod.proxy, unchanged=1)
    assert successful(pod.proxy)


def namespace(*more: str) -> list[str]:
    """A command that runs another with mounts of its own; skips where that isn't allowed."""
    command = ["unshare", "--mount", *more]
    if os.geteuid() != 0:
        command += ["--user", "--map-root-user"]
    if subprocess.run([*command, "true"], capture_output=True).returncode != 0:
        pytest.skip("this system lets nobody make a mount namespace")
    return command


def wrapped(monkeypatch, directory: Path, script: str) -> None:
    """Has the proxy started by a shell script, which ends in `exec "$BINARY" "$@"`."""
    wrapper = directory / "remora-wrapped"
    wrapper.write_text(f"#!/bin/sh\nset -e\nBINARY={remora_module.BINARY}\n{script}\n")
    wrapper.chmod(0o755)
    monkeypatch.setattr(remora_module, "BINARY", wrapper)


def test_r19_subpath(start_remora, upstream, authority, tmp_path, monkeypatch):
    """R-19: the file alone is mounted: said once at the start, and shown."""
    volume = Volume(tmp_path / "volume", remora_yaml=config(upstream, authority, tmp_path, **generation(0)))
    (tmp_path / "gateway.key").write_text(SECRET)
    place = tmp_path / "etc"
    place.mkdir()
    file = place / "remora.yaml"
    file.touch()
    command = " ".join(namespace())
    mount = f"mount --bind {(volume / 'remora_yaml').resolve()} {file}"
    wrapped(monkeypatch, tmp_path, f"exec {command} sh -c '{mount} && exec \"$0\" \"$@\"' $BINARY \"$@\"")
    proxy = start_remora(whole=None, arguments=("--config", str(file)))
    assert echo(proxy)["x-generation"] == "0"
    deadline = time.monotonic() + 5
    while proxy.total("remora_config_watch_mode", mode="static") != 1:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert b"[+]watch static" in proxy.admin("/readyz?verbose").body
    warnings = [line for line in diagnostics(proxy, "warn") if "subPath" in line["msg"]]
    assert len(warnings) == 1 and warnings[0]["file"] == str(file)
    # What is published doesn't reach it, which is the point of the warning.
    volume.publish(remora_yaml=config(upstream, authority, tmp_path, **generation(1)))
    proxy.process.send_signal(signal.SIGHUP)
    wait_reloads(proxy, unchanged=1)
    assert echo(proxy)["x-generation"] == "0"


def test_watch_mode_of_a_directory(mounted):
    pod = mounted()
    pod.publish(generation(1))
    wait_reloads(pod.proxy, applied=1)
    assert pod.proxy.total("remora_config_watch_mode", mode="inotify") == 1
    assert b"[+]watch inotify" in pod.proxy.admin("/readyz?verbose").body


def test_r25_as_a_pod_restricts_it(start_remora, upstream, authority, monkeypatch):
    """R-25: root file system read-only, a user that is nobody, files 0644, the key 0440 by group."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can become another user")
    user, group = 65532, 2000
    with tempfile.TemporaryDirectory(prefix="remora-pod-") as name:
        pod = Path(name)
        pod.chmod(0o755)
        binary, ca = pod / "remora", pod / "ca.pem"
        shutil.copy(remora_module.BINARY, binary)
        shutil.copy(authority.ca_file, ca)
        ca.chmod(0o644)
        monkeypatch.setattr(remora_module, "BINARY", binary)
        volume = Volume(pod / "volume")
        volume.modes["gateway.key"] = (0o440, group)

        def text(number: int) -> str:
            changes = merged(
                generation(number), {"providers": {"gateway": {"tls": {"ca_file": str(ca)}}}}
            )
            return config(upstream, authority, volume.path, **changes)

        volume.publish(gateway_key=SECRET, remora_yaml=text(0))
        command = " ".join(namespace())
        become = f"setpriv --reuid {user} --regid {user} --groups {group} --no-new-privs"
        script = f"mount -o remount,bind,ro / && exec {become} \"$0\" \"$@\""
        wrapped(monkeypatch, pod, f"exec {command} sh -c '{script}' $BINARY \"$@\"")
        proxy = start_remora(whole=None, arguments=("--config", str(volume / "remora_yaml")))
        proxy.secrets.append(ROTATED)
        status = Path(f"/proc/{proxy.process.pid}/status").read_text()
        assert f"Uid:\t{user}\t{user}" in status and "CapEff:\t0000000000000000" in status
        mounts = Path(f"/proc/{proxy.process.pid}/mounts").read_text().splitlines()
        assert any(line.split()[1] == "/" and line.split()[3].startswith("ro") for line in mounts)
        assert echo(proxy)["authorization"] == f"Bearer {SECRET}"
        volume.publish(gateway_key=ROTATED, remora_yaml=text(1))
        assert wait_reloads(proxy, applied=1) < 1.5 * SLOWER
        assert echo(proxy)["authorization"] == f"Bearer {ROTATED}"
        # One that the group may not read is a problem that is said, not an end.
        volume.modes["gateway.key"] = (0o400, 0)
        volume.publish(gateway_key=SECRET, remora_yaml=text(2))
        wait_reloads(proxy, unreadable=1)
        assert echo(proxy)["authorization"] == f"Bearer {ROTATED}"
        assert "EACCES" in diagnostics(proxy, "error")[-1]["problem"]
