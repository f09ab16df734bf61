"""What kubelet, Prometheus and Jobs ask, and from where.

Rows P-01 to P-08 of the operations' list; each test is named after its row.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import socket
import statistics
import threading
import time
from pathlib import Path

import pytest

from load import Yard
from reloading import CHAT
from remora import SLOWER, free_port, run
from upstream import STALL
from wire import Broken, RawClient, json_answer, post_json, request

pytestmark = pytest.mark.proxy


def pod_address(family: socket.AddressFamily) -> str:
    """An address of this machine that isn't loopback, as a pod has one; skips where there is none."""
    target = ("192.0.2.1", 9) if family == socket.AF_INET else ("2001:db8::1", 9)
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: the kernel only says which address it would use.
            probe.connect(target)
            address = probe.getsockname()[0]
        except OSError:
            address = ""
    if address in ("", "127.0.0.1", "::1"):
        pytest.skip(f"this machine has no {family.name} address beside loopback")
    return address


def ask(address: str, port: int, path: str, method: str = "GET"):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with RawClient((address, port), family=family) as client:
        client.send(request(method, path, {"Connection": "close"}))
        return client.response(method)


ADMIN = {"0.0.0.0": [socket.AF_INET], "[::]": [socket.AF_INET, socket.AF_INET6]}


@pytest.fixture
def start_open(start_remora, upstream):
    """A proxy whose admin port is as open as in a pod."""

    def start(host: str, **changes):
        port = free_port()
        proxy = start_remora(upstream, {"admin": f"{host}:{port}", **changes})
        return proxy, port

    return start


@pytest.mark.parametrize("host", ADMIN)
def test_p01_probe_by_the_pods_address(start_open, host):
    """P-01: by every family that the admin address stands for."""
    _, port = start_open(host)
    for family in ADMIN[host]:
        address = pod_address(family)
        for path in ("/healthz", "/readyz", "/metrics"):
            assert ask(address, port, path).status == 200, (address, path)


def test_p02_quit_from_elsewhere(start_open):
    """P-02: only a process in the pod may ask for the end; `[::]` hears 127.0.0.1 as ::ffff:127.0.0.1."""
    for address in (pod_address(socket.AF_INET), "127.0.0.1", "::1"):
        proxy, port = start_open("[::]")
        got = ask(address, port, "/quitquitquit", "POST")
        if address in ("127.0.0.1", "::1"):
            assert (got.status, got.body) == (200, b"draining\n")
            assert proxy.process.wait(5) == 0
            proxy.process = None
        else:
            assert (got.status, got.error["code"]) == (403, "loopback_only")
            assert ask(address, port, "/readyz").status == 200


FROM_A_PAGE = [
    {"Origin": "http://attacker.test"},
    {"Origin": "null"},
    {"Origin": "http://localhost:3000"},
    {"Host": "attacker.test:4142"},
    {"Host": "localhost.attacker.test"},
    {"Host": "10.0.0.7"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("headers", FROM_A_PAGE, ids=str)
def test_a_web_page_can_not_end_it(remora, headers):
    """A browser in the pod, or on a developer's machine, comes from loopback too."""
    with RawClient(("127.0.0.1", remora.admin_port)) as client:
        client.send(request("POST", "/quitquitquit", headers))
        got = client.response()
    assert (got.status, got.error["type"], got.error["code"]) == (403, "permission_error", "origin_not_allowed")
    assert remora.admin("/readyz").status == 200


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:{port}", "[::1]:{port}", None])
def test_a_process_in_the_pod_can(start_remora, upstream, host):
    proxy = start_remora(upstream)
    head = "POST /quitquitquit HTTP/1.0\r\n\r\n"
    if host:
        head = f"POST /quitquitquit HTTP/1.1\r\nHost: {host.format(port=proxy.admin_port)}\r\n\r\n"
    with RawClient(("127.0.0.1", proxy.admin_port)) as client:
        client.send(head.encode())
        assert client.response().status == 200
    assert proxy.process.wait(5) == 0
    proxy.process = None


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_p03_traffic_from_elsewhere(start_open, family):
    """P-03: the traffic port isn't there for other pods."""
    proxy, _ = start_open("0.0.0.0")
    with pytest.raises(ConnectionRefusedError):
        ask(pod_address(family), proxy.port, "/healthz")


def test_p04_every_loopback(start_open):
    """P-04: 127.0.0.1, ::1, and whatever `localhost` is."""
    proxy, _ = start_open("0.0.0.0")
    addresses = {each[4][0] for each in socket.getaddrinfo("localhost", proxy.port, type=socket.SOCK_STREAM)}
    for address in {"127.0.0.1", "::1"} | addresses:
        assert ask(address, proxy.port, "/v1/echo").status == 200, address
        assert ask(address, proxy.port, "/healthz").status == 200, address


def test_p05_provider_is_down(start_remora, start_upstream):
    """P-05: neither its absence, nor its errors, nor its silence is in a probe."""
    server = start_upstream()
    proxy = start_remora(server)
    chat = post_json("/v1/chat/completions", CHAT)
    server.reply(json_answer({"error": {"message": "no"}}, 500))
    assert proxy.ask(chat).status == 500
    server.reply(STALL)
    with proxy.connect() as client:
        client.send(chat)
        server.wait_requests(2)
        assert proxy.admin("/readyz").status == proxy.admin("/healthz").status == 200
    server.stop()
    for _ in range(20):
        assert proxy.ask(chat).status == 502
    for path in ("/readyz", "/readyz?verbose", "/healthz"):
        assert proxy.admin(path).status == 200
    assert ask("127.0.0.1", proxy.port, "/healthz").status == 200


def test_p06_no_config_at_start(tmp_path):
    """P-06: one line that names the file and the reason, exit 1 (the contract's rule for the start goes before
    answering probes without a configuration)."""
    got = run("serve", "--config", str(tmp_path / "remora.yaml"), "--admin", "127.0.0.1:0")
    assert got.returncode == 1
    (line,) = got.stderr.splitlines()
    assert str(tmp_path / "remora.yaml") in line and "no such file" in line


def test_p07_under_load(tmp_path):
    """P-07: the admin port answers within 50 ms while a thousand streams run."""
    yard = Yard(tmp_path)
    clients = []
    try:
        stream = post_json("/v1/chat/completions", {**CHAT, "stream": True, "user": "100000 1000"})
        while len(clients) < 1000:
            # A few at a time: the provider is a Python program, and each begins with a TLS handshake.
            batch = [yard.proxy.connect(timeout=30) for _ in range(20)]
            clients += batch
            for client in batch:
                client.send(stream)
            for client in batch:
                got = client.head()
                assert got.status == 200, client.exactly(int(got.get("content-length")))
        assert yard.proxy.total("remora_requests_in_flight") == 1000
        times = {path: [] for path in ("/healthz", "/readyz", "/metrics")}
        for _ in range(20):
            for path, seconds in times.items():
                start = time.monotonic()
                assert yard.proxy.admin(path).status == 200
                seconds.append(time.monotonic() - start)
        for path, seconds in times.items():
            assert statistics.median(seconds) < 0.05 * SLOWER, (path, sorted(seconds))
    finally:
        for client in clients:
            client.close()
        yard.stop()


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/readyz?verbose", "/metrics"])
def test_p08_methods(remora, path):
    """P-08: HEAD is GET without a body; others get 405 with what is allowed; other paths don't exist."""
    head, whole = remora.admin(path, method="HEAD"), remora.admin(path)
    assert (head.status, head.get("content-type")) == (whole.status, whole.get("content-type"))
    assert whole.status == 200 and whole.body and not head.body
    for method in ("PUT", "POST", "DELETE", "OPTIONS"):
        refused = remora.admin(path, method=method)
        assert refused.status == 405 and refused.get("allow") == "GET, HEAD", method
    for other in (path.replace("z", "zz"), "/", "/v1/chat/completions", "/metrics/"):
        assert remora.admin(other if other != path else "/nothing").status == 404


def test_readyz_says_each_check(remora):
    verbose = remora.admin("/readyz?verbose").body.decode()
    assert verbose.endswith("readyz check passed\n")
    for line in ("[+]config ok", "[+]listeners ok", "[+]shutdown ok", "[+]reload ok"):
        assert line in verbose.splitlines()


def test_both_ports_say_healthz(remora):
    for answer in (remora.admin("/healthz"), remora.ask(request("GET", "/healthz"))):
        assert (answer.status, answer.body) == (200, b"ok\n")


def test_probe_command(start_remora, upstream):
    """`remora probe` says what the port says, and nothing where nobody answers in time."""
    proxy = start_remora(upstream)
    address = f"127.0.0.1:{proxy.admin_port}"
    done = run("probe", "--admin", address)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")
    done = run("probe", "--admin", f"0.0.0.0:{proxy.admin_port}", "--ready")
    assert (done.returncode, done.stdout) == (0, "ok\n")
    with proxy.connect() as client:
        upstream.reply(STALL)
        client.send(post_json("/v1/chat/completions", CHAT))
        upstream.wait_requests(1)
        proxy.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 2 * SLOWER
        while run("probe", "--admin", address, "--ready").returncode == 0:
            assert time.monotonic() < deadline
        done = run("probe", "--admin", address, "--ready")
        assert done.returncode == 1 and "503" in done.stderr and "draining" in done.stderr
        assert run("probe", "--admin", address).returncode == 0
    proxy.process.wait(5)
    proxy.process = None
    done = run("probe", "--admin", address)
    assert done.returncode == 1 and address in done.stderr
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        start = time.monotonic()
        assert run("probe", "--admin", f"127.0.0.1:{silent.getsockname()[1]}").returncode == 1
        assert 0.9 < time.monotonic() - start < 2 * SLOWER


# The watchdog.

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17


class Frozen:
    """One thread of another process, stopped while the others run (ptrace(2), PTRACE_SEIZE)."""

    def __init__(self, thread: int) -> None:
        self.thread = thread
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        self.libc.ptrace.restype = ctypes.c_long
        if self._call(SEIZE) != 0:
            pytest.skip(f"this user may not stop a thread: {os.strerror(ctypes.get_errno())}")
        assert self._call(INTERRUPT) == 0
        os.waitpid(thread, 0x40000000)  # __WALL

    def _call(self, what: int) -> int:
        return self.libc.ptrace(what, self.thread, None, None)

    def release(self) -> None:
        self._call(DETACH)


@pytest.mark.slow
def test_watchdog(start_remora, upstream):
    """A worker that stops turning shows in `/healthz`, on either port, after five seconds; one that only waits
    doesn't. The thread is really stopped, and goes on afterwards as if nothing had been."""
    proxy = start_remora(upstream, {"workers": 2})
    deadline = time.monotonic() + 5
    # Readers of files and names come and go at the start.
    while len(threads := proxy.threads()) > 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    main, thread = threads
    assert main == proxy.process.pid
    assert proxy.admin("/healthz").status == 200
    frozen = Frozen(thread)
    try:
        since = time.monotonic()
        while (got := proxy.admin("/healthz")).status == 200:
            assert time.monotonic() < since + 8, "nobody notices"
            time.sleep(0.1)
        took = time.monotonic() - since
        assert got.status == 503 and re.fullmatch(rb"worker 1 has not turned for \d+ s\n", got.body)
        assert took > 4.9, "a turn that takes long is not a worker that is stuck"
        # A scrape would wait for the worker's counters; readiness is another question.
        assert proxy.admin("/metrics").status == 503
        assert proxy.admin("/readyz").status == 200
        assert run("probe", "--admin", f"127.0.0.1:{proxy.admin_port}").returncode == 1
    finally:
        frozen.release()
    deadline = time.monotonic() + 5
    while proxy.admin("/healthz").status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert proxy.admin("/metrics").status == 200
    for _ in range(8):
        assert proxy.ask(request("GET", "/v1/echo")).status == 200


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_idle_wakes_rarely(start_remora, upstream, workers):
    """Nothing to do costs nothing: at most one wake-up a second and worker, probes aside."""
    proxy = start_remora(upstream, {"workers": workers})
    for _ in range(4):
        assert proxy.ask(request("GET", "/v1/echo")).status == 200
    time.sleep(1)

    def switches() -> int:
        count = 0
        for thread in proxy.threads():
            with contextlib.suppress(FileNotFoundError):
                status = Path(f"/proc/{proxy.process.pid}/task/{thread}/status").read_text()
                count += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status, re.MULTILINE)[1])
        return count

    before, seconds = switches(), 6
    time.sleep(seconds)
    assert switches() - before <= seconds * workers


def test_admin_clients_have_a_ceiling(remora):
    """Connections that ask for nothing don't keep kubelet out for good, and don't pile up."""
    held = []
    try:
        for _ in range(300):
            with contextlib.suppress(OSError):
                held.append(RawClient(("127.0.0.1", remora.admin_port)))
        assert remora.total("remora_client_connections") if len(held) < 250 else True
        for client in held[:100]:
            client.close()
        deadline = time.monotonic() + 5
        while True:
            with contextlib.suppress(OSError, Broken):
                if remora.admin("/healthz").status == 200:
                    break
            assert time.monotonic() < deadline
    finally:
        for client in held:
            client.close()
    assert threading.active_count() < 1000
