"""Starts the image by the command that it is given, with the arguments that the README's compose example has, and uses it:
a check of its configuration, probes, a chat, its user, its end on SIGTERM."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from ports import free_port  # noqa: E402

USER = 64642
CONFIG = """
admin: 127.0.0.1:{admin}
providers:
  demo: {{kind: mock}}
default_provider: demo
"""


def get(address: str, body: dict | None = None) -> tuple[int, str]:
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(address, data, {"content-type": "application/json"} if body else {})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status, answer.read().decode()


def served(admin: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            if get(f"http://127.0.0.1:{admin}/readyz")[0] == 200:
                return
        except OSError:
            pass
        assert process.poll() is None, f"it ended with {process.returncode}"
        assert time.monotonic() < deadline, "it isn't ready after 20 s"
        time.sleep(0.05)


def holder(port: int) -> int:
    """The user of the socket that listens on `port` at every address of the container."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1] == f"00000000:{port:04X}" and fields[3] == "0A":
            return int(fields[7])
    raise AssertionError(f"nobody listens on {port}")


def started(process: int) -> list[int]:
    """The processes that `process` has started, by whichever of its threads, and those that they have."""
    children: list[int] = []
    for each in Path(f"/proc/{process}/task").glob("*/children"):
        # A thread may end while it is looked at.
        with contextlib.suppress(OSError):
            children += [int(child) for child in each.read_text().split()]
    return [*children, *(each for child in children for each in started(child))]


def remora(process: int) -> int:
    """The one of them that is Remora, and none of those that wait for it."""
    for each in started(process):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{each}/comm").read_text() == "remora\n":
                return each
    raise AssertionError("Remora isn't among the processes that were started")


def main() -> None:
    place, command = Path(sys.argv[1]), sys.argv[2:]
    (place / "config").mkdir(exist_ok=True)
    version = subprocess.run([*command, "version"], capture_output=True, text=True, timeout=60, check=True).stdout
    print(version.strip())
    proxy, admin = free_port(), free_port()
    (place / "config" / "remora.yaml").write_text(CONFIG.format(admin=admin))
    checked = subprocess.run([*command, "check"], capture_output=True, text=True, timeout=60)
    assert checked.stdout == "/etc/remora/remora.yaml: valid\n", checked.stdout + checked.stderr
    arguments = ["serve", "--config", "/etc/remora/remora.yaml", "--listen", f"0.0.0.0:{proxy}"]
    process = subprocess.Popen([*command, *arguments], start_new_session=True)
    try:
        served(admin, process)
        assert holder(proxy) == USER, f"it runs as user {holder(proxy)}"
        chat = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}
        status, said = get(f"http://127.0.0.1:{proxy}/v1/chat/completions", chat)
        assert status == 200 and json.loads(said)["choices"][0]["message"]["content"], said
        print(json.loads(said)["choices"][0]["message"]["content"])
        assert "remora_requests_total" in get(f"http://127.0.0.1:{admin}/metrics")[1]
        os.kill(remora(process.pid), signal.SIGTERM)
        assert process.wait(20) == 0, f"it ended with {process.returncode}"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    print("served as its own user, and ended when it was told to")


if __name__ == "__main__":
    main()
