"""Secrets: what is taken for one, how it changes while the process runs, and that nothing ever shows it.

Rows S-01 to S-10 of the operations' list; each test is named after its row.
"""

from __future__ import annotations

import itertools
import os
import re
import resource
import signal
import threading
from pathlib import Path

import pytest
import yaml

import remora as remora_module
from kubelet import Volume
from openai_server import chat_chunks
from reloading import (  # noqa: F401
    CHAT,
    ROTATED,
    config,
    diagnostics,
    echo,
    mounted,
    place,
    reloads,
    wait_reloads,
    wait_watching,
)
from remora import CALLER_KEY, PROMPT, SECRET, assert_clean, default_config, environment, run
from upstream import CLOSE, STALL, Gate
from wire import LAST_CHUNK, SSE_HEAD, event, json_answer, post_json, request

pytestmark = pytest.mark.proxy

REFUSED = json_answer({"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}, 401)


def refreshes(proxy) -> dict[str, int]:
    """How often each result came; what never did is there at 0."""
    return {
        dict(labels)["result"]: int(value)
        for (name, labels), value in proxy.samples().items()
        if name == "remora_credential_refreshes_total" and value
    }


def keys_seen(server) -> list[str]:
    return [(each.get("authorization") or "").removeprefix("Bearer ") for each in server.requests]


# What is taken for a secret.


@pytest.mark.parametrize(
    "text",
    ["{}\n", "{}\r\n", "  {} \t\n\n", "\ufeff{}", "\ufeff\r\n{}\r\n", "{}"],
    ids=["lf", "crlf", "blanks", "bom", "all", "bare"],
)
def test_s02_what_stands_around_it(mounted, start_remora, upstream, authority, tmp_path, text):
    """S-02: at start and on rotation, the header has the key and nothing else."""
    volume = Volume(tmp_path / "first", gateway_key=text.format(SECRET))
    whole = yaml.safe_load(config(upstream, authority, tmp_path))
    whole["providers"]["gateway"]["api_key"]["file"] = str(volume / "gateway_key")
    proxy = start_remora(whole=whole)
    assert echo(proxy)["authorization"] == f"Bearer {SECRET}"
    proxy.secrets.append(ROTATED)
    volume.publish(gateway_key=text.format(ROTATED))
    wait_reloads(proxy, applied=1)
    assert echo(proxy)["authorization"] == f"Bearer {ROTATED}"


BAD = {
    "newline": (f"{ROTATED[:8]}\n{ROTATED[8:]}", "control byte 0x0a at offset 8 of 23"),
    "return": (f"{ROTATED[:8]}\r{ROTATED[8:]}", "control byte 0x0d at offset 8 of 23"),
    "nul": (f"{ROTATED[:8]}\0", "control byte 0x00 at offset 8 of 9"),
    "space": (f"{ROTATED[:8]} x", "space byte 0x20 at offset 8 of 10"),
    "accent": (f"{ROTATED[:8]}é", "non-ASCII byte 0xc3 at offset 8 of 10"),
    "long": ("x" * 8193, "8193 bytes"),
    "blank": (" \r\n\t", "empty"),
}


@pytest.mark.parametrize("what", BAD)
def test_s03_a_byte_that_breaks_headers(mounted, authority, upstream, tmp_path, what):
    """S-03: no start, and no reload; the place is shown, the content never."""
    text, words = BAD[what]
    assert len(ROTATED) == 22, "the offsets above are of another key"
    file = tmp_path / "bad.key"
    file.write_text(text)
    whole = yaml.safe_load(config(upstream, authority, tmp_path))
    whole["providers"]["gateway"]["api_key"]["file"] = str(file)
    path = tmp_path / "bad.yaml"
    path.write_text(yaml.safe_dump(whole))
    for arguments in (("check", str(path)), ("serve", "--config", str(path), "--admin", "127.0.0.1:0")):
        got = run(*arguments)
        assert got.returncode == 1, got.stderr
        assert words in got.stdout + got.stderr and str(file) in got.stdout + got.stderr
        assert ROTATED[:8] not in got.stdout + got.stderr
    pod = mounted()
    pod.proxy.secrets.append(ROTATED[:8])
    pod.publish(key=text)
    wait_reloads(pod.proxy, invalid=1)
    assert echo(pod.proxy)["authorization"] == f"Bearer {SECRET}"
    assert words in diagnostics(pod.proxy, "error")[-1]["problem"]


def test_s04_missing_at_start(upstream, authority, tmp_path):
    """S-04: one clear line that names the file and the provider, exit 1: kubelet tries again, and the pod's
    events say why. (The contract's rule for the start goes before staying up unready.)"""
    path = tmp_path / "remora.yaml"
    path.write_text(config(upstream, authority, tmp_path))
    got = run("serve", "--config", str(path), "--admin", "127.0.0.1:0")
    assert got.returncode == 1
    (line,) = got.stderr.splitlines()
    assert str(tmp_path / "gateway.key") in line and "gateway" in line and "no such file" in line


# Rotation.


def test_s05_rotation_under_streams(mounted, upstream):
    """S-05: twenty streams end byte-exact on the old key; the next request carries the new one."""
    pod = mounted()
    events = [event(each) for each in chat_chunks({"model": "gpt-4o"})]
    gates, clients = [], []
    for number in range(20):
        gates.append(Gate())
        upstream.reply(SSE_HEAD, *events[:2], gates[-1], *events[2:], event("[DONE]"), LAST_CHUNK)
        clients.append(pod.proxy.connect())
        clients[-1].send(post_json("/v1/chat/completions", {**CHAT, "stream": True}))
        upstream.wait_requests(number + 1)
    pod.publish(key=ROTATED)
    wait_reloads(pod.proxy, applied=1)
    assert echo(pod.proxy)["authorization"] == f"Bearer {ROTATED}"
    for gate in gates:
        gate.open()
    for client in clients:
        assert client.response().body.endswith(b"data: [DONE]\n\n")
        client.close()
    assert keys_seen(upstream) == [SECRET] * 20 + [ROTATED]


def test_s06_rotation_to_nothing(mounted):
    """S-06: the old key stays, the failure is counted, one line says why; the next good key heals it."""
    pod = mounted()
    # Else the reading that follows the start says it too.
    wait_watching(pod.proxy)
    pod.publish(key="")
    wait_reloads(pod.proxy, invalid=1)
    assert echo(pod.proxy)["authorization"] == f"Bearer {SECRET}"
    assert pod.proxy.total("remora_config_last_reload_successful") == 0
    problems = [line["problem"] for line in diagnostics(pod.proxy, "error")]
    assert len(problems) == 1 and "is empty" in problems[0] and "gateway.key" in problems[0], problems
    pod.publish(key=ROTATED)
    wait_reloads(pod.proxy, applied=1)
    assert echo(pod.proxy)["authorization"] == f"Bearer {ROTATED}"


# A provider that is ahead of the watch.

AGAIN = {
    "chat": post_json("/v1/chat/completions", CHAT),
    "stream": post_json("/v1/chat/completions", {**CHAT, "stream": True}),
    "responses": post_json("/v1/responses", {"model": "gpt-4o", "input": "x"}),
    "moderations": post_json("/v1/moderations", {"model": "gpt-4o", "input": "x"}),
    "get": request("GET", "/v1/echo"),
    "delete": request("DELETE", "/v1/echo"),
}


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("what", AGAIN)
def test_s07_refused_and_changed_meanwhile(mounted, upstream, what, status):
    """S-07: the file is read at once, the request goes out once more, and the client sees nothing of it."""
    pod = mounted()
    refusal = json_answer({"error": {"message": "no"}}, status)
    upstream.reply(lambda *_: pod.publish(key=ROTATED), refusal)
    with pod.proxy.connect() as client:
        got = client.ask(AGAIN[what])
        assert got.status == 200, got.body
        assert got.get("x-remora-attempts") == "2"
        assert keys_seen(upstream) == [SECRET, ROTATED]
        first, second = upstream.requests
        assert (first.body, first.target, first.method) == (second.body, second.target, second.method)
        # The next one begins with it, whether the watch has told of the change by now or not.
        assert client.ask(AGAIN[what]).status == 200
    assert keys_seen(upstream) == [SECRET, ROTATED, ROTATED]
    assert len({id(each.connection) for each in upstream.requests}) == 1, "the refusal was whole: its connection goes on"
    assert refreshes(pod.proxy) == {"changed": 1}
    assert pod.proxy.total("remora_upstream_attempts_total", outcome="auth_rejected") == 1
    # The provider's time is not Remora's own.
    assert all(line["overhead_us"] < 500_000 for line in pod.proxy.access_log(2))


def test_s07_many_at_once(mounted, upstream):
    """Thirty requests that are refused together all go out again, and the file is not read thirty times."""
    pod = mounted({"workers": 2})
    together = threading.Barrier(30)

    def refuse(*_):
        if together.wait(10) == 0:
            pod.publish({"workers": 2}, key=ROTATED)
        together.wait(10)

    for _ in range(30):
        upstream.reply(refuse, REFUSED, when=lambda request: request.get("authorization").endswith(SECRET))
    statuses = []

    def ask() -> None:
        statuses.append(pod.proxy.ask(post_json("/v1/chat/completions", CHAT)).status)

    threads = [threading.Thread(target=ask) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 30
    assert sorted(keys_seen(upstream)) == sorted([SECRET] * 30 + [ROTATED] * 30)


def test_s07_only_that_secret(mounted, upstream):
    """A broken configuration in the same volume doesn't stand in the way."""
    pod = mounted()
    pod.volume.publish(gateway_key=SECRET, remora_yaml="nonsense: [\n")
    wait_reloads(pod.proxy, invalid=1)
    upstream.reply(
        lambda *_: pod.volume.publish(gateway_key=ROTATED, remora_yaml="nonsense: [\n"),
        REFUSED,
    )
    assert pod.proxy.ask(post_json("/v1/chat/completions", CHAT)).status == 200
    assert echo(pod.proxy)["authorization"] == f"Bearer {ROTATED}"
    assert reloads(pod.proxy)["applied"] == 0


def test_s07_header_secrets(mounted, upstream, tmp_path):
    """A provider may look at a header of ours instead: that is read again too."""
    token = Volume(tmp_path / "token", token=SECRET)
    pod = mounted({"providers": {"gateway": {"headers": {"x-token": {"file": str(token / "token")}}}}})
    upstream.reply(lambda *_: token.publish(token=ROTATED), REFUSED)
    assert pod.proxy.ask(post_json("/v1/chat/completions", CHAT)).status == 200
    assert [each.get("x-token") for each in upstream.requests] == [SECRET, ROTATED]
    assert keys_seen(upstream) == [SECRET, SECRET]


def test_s07_once(mounted, upstream):
    """The second refusal is final, even if the file has changed again."""
    pod = mounted()
    upstream.reply(lambda *_: pod.publish(key=ROTATED), REFUSED)
    upstream.reply(lambda *_: pod.publish(key=ROTATED + "-2"), REFUSED)
    got = pod.proxy.ask(post_json("/v1/chat/completions", CHAT))
    assert (got.status, got.error["code"]) == (502, "upstream_auth")
    assert keys_seen(upstream) == [SECRET, ROTATED]


def test_s07_not_what_was_streamed(mounted, upstream):
    """A body that went through unread can't be sent again: the refusal stands, the next request is good."""
    pod = mounted()
    upstream.reply(lambda *_: pod.publish(key=ROTATED), REFUSED)
    upload = request(
        "POST", "/v1/files", {"Content-Type": "multipart/form-data; boundary=x"}, b"--x--\r\n" * 100
    )
    got = pod.proxy.ask(upload)
    assert (got.status, got.error["code"]) == (502, "upstream_auth")
    wait_reloads(pod.proxy, applied=1)
    assert pod.proxy.ask(upload).status == 200
    assert keys_seen(upstream) == [SECRET, ROTATED]


def test_s07_client_leaves_meanwhile(mounted, upstream):
    """Nobody asks the provider again for a client that is gone."""
    pod = mounted()
    client = pod.proxy.connect()
    gate = Gate()
    upstream.reply(gate, lambda *_: client.reset(), lambda *_: pod.publish(key=ROTATED), REFUSED)
    client.send(post_json("/v1/chat/completions", CHAT))
    upstream.wait_requests(1)
    gate.open()
    assert pod.proxy.access_log(1)[0]["status"] == 499
    wait_reloads(pod.proxy, applied=1)
    assert len(upstream.requests) == 1


def test_s08_refused_and_unchanged(mounted, upstream):
    """S-08: no second attempt. The client learns that it isn't to blame (502 upstream_auth, contract 7)."""
    pod = mounted()
    for number in (1, 2):
        upstream.reply(REFUSED)
        got = pod.proxy.ask(post_json("/v1/chat/completions", CHAT))
        assert (got.status, got.error["code"]) == (502, "upstream_auth")
        assert got.get("x-remora-attempts") == "1" and got.get("x-should-retry") == "false"
        assert len(upstream.requests) == number
        assert refreshes(pod.proxy) == {"unchanged": number}


def test_s08_unreadable_by_now(mounted, upstream):
    """A file that is gone, or holds no key, changes nothing."""
    pod = mounted()
    upstream.reply(lambda *_: pod.volume.publish(remora_yaml=pod.text(pod.volume.path)), REFUSED)
    assert pod.proxy.ask(post_json("/v1/chat/completions", CHAT)).status == 502
    assert len(upstream.requests) == 1
    assert refreshes(pod.proxy) == {"failed": 1}


@pytest.mark.parametrize("key", ["env", "passthrough", "none"])
def test_s08_what_never_changes(start_remora, upstream, key):
    """A variable, the caller's own key, and none at all are not read again."""
    source = {"env": {"env": "GATEWAY_KEY", "file": None}}.get(key, key)
    proxy = start_remora(upstream, provider={"api_key": source}, env={"GATEWAY_KEY": SECRET})
    upstream.reply(REFUSED)
    got = proxy.ask(post_json("/v1/chat/completions", CHAT))
    assert got.status == (401 if key == "passthrough" else 502)
    assert len(upstream.requests) == 1 and refreshes(proxy) == {}


def test_s09_file_and_variable(start_remora, tmp_path):
    """S-09: the file goes first, and one line says so."""
    file = tmp_path / "key"
    file.write_text(SECRET)
    proxy = start_remora(whole=None, env={"OPENAI_API_KEY": ROTATED, "OPENAI_API_KEY_FILE": str(file)})
    proxy.secrets.append(ROTATED)
    found = [line for line in diagnostics(proxy, "warn") if "OPENAI_API_KEY" in line.get("problem", "")]
    assert len(found) == 1 and "the file is used" in found[0]["problem"], found
    file.write_text("")
    # The file decides: it is watched, and the variable doesn't stand in for it.
    wait_reloads(proxy, invalid=1)


# What is left behind.


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV, signal.SIGQUIT])
def test_s10_no_core(upstream, authority, tmp_path, number):
    """S-10: a crash leaves no core file, and says nothing of registers or memory.

    The limit that the process starts with would allow a core, and the wait status tells whether one was made.
    """
    directory = tmp_path / "work"
    directory.mkdir()
    file = directory / "remora.yaml"
    whole = default_config(directory, upstream, authority.ca_file)
    file.write_text(yaml.safe_dump({**whole, "listen": ["127.0.0.1:0"], "admin": "127.0.0.1:0"}))
    output, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            _, most = resource.getrlimit(resource.RLIMIT_CORE)
            resource.setrlimit(resource.RLIMIT_CORE, (most, most))
            os.chdir(directory)
            os.dup2(told, 1)
            os.dup2(told, 2)
            command = [str(remora_module.BINARY), "serve", "--config", str(file)]
            os.execve(command[0], command, environment())
        finally:
            os._exit(127)
    os.close(told)
    text = b""
    while b'"serving"' not in text:
        assert (piece := os.read(output, 4096)), text
        text += piece
    place = Path(f"/proc/{pid}")
    assert re.search(r"Max core file size\s+0\s+0", (place / "limits").read_text())
    # What can't be dumped belongs to root: others may not read memory, environment or descriptors.
    assert (place / "environ").stat().st_uid == 0
    os.kill(pid, number)
    _, status = os.waitpid(pid, 0)
    while piece := os.read(output, 4096):
        text += piece
    os.close(output)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == number and not os.WCOREDUMP(status)
    assert not [each for each in directory.iterdir() if "core" in each.name]
    assert len(text.splitlines()) == 1, text


# Nothing leaks.


def test_s01_canaries(start_remora, start_upstream, authority, tmp_path):
    """S-01: every path that reports something is walked with canaries, at the most talkative level."""
    server = start_upstream()
    token = "sk-canary-header-5a5a"
    variable = "sk-canary-variable-6b6b"
    volume = Volume(tmp_path / "keys", token=token + "\n", spare=SECRET)
    spare = {
        "kind": "openai",
        "base_url": server.base_url,
        "api_key": {"env": "SPARE_KEY"},
        "tls": {"ca_file": str(authority.ca_file)},
    }
    proxy = start_remora(
        server,
        {"telemetry": {"level": "trace"}, "providers": {"spare": spare}},
        provider={"headers": {"x-token": {"file": str(volume / "token")}}},
        env={"SPARE_KEY": variable},
    )
    proxy.secrets += [CALLER_KEY, PROMPT, token, variable, ROTATED]
    ours = [SECRET, token, variable, ROTATED]
    keys = {"Authorization": f"Bearer {CALLER_KEY}", "api-key": CALLER_KEY}
    leak = json_answer({"error": {"message": f"Incorrect API key provided: {PROMPT}"}}, 401)
    answers = []
    for steps in (
        None,
        (leak,),
        (json_answer({"error": {"message": "no"}}, 500),),
        (CLOSE,),
        (b"nonsense " + PROMPT.encode() + b"\r\n\r\n", STALL),
        (SSE_HEAD, event({"choices": []}), CLOSE),
    ):
        for stream, model in itertools.product((False, True), ("gpt-4o", "spare/gpt-4o")):
            if steps:
                server.reply(*steps)
                server.reply(*steps)
            sent = post_json(
                f"/v1/chat/completions?key={CALLER_KEY}", {**CHAT, "model": model, "stream": stream}, keys
            )
            answers.append(proxy.ask(sent))
            for request_seen in server.requests:
                fields = [(name, value) for name, value in request_seen.headers if name.lower() in OURS]
                assert fields, "the provider saw no key at all"
                rest = [each for each in request_seen.headers if each not in fields]
                assert_clean(f"{request_seen.target} {rest}", ours, "what went to the provider beside the key")
            server.reset()
    answers.append(proxy.ask(post_json("/v1/chat/completions", b'{"model":"gpt-4o", ' + PROMPT.encode(), keys)))
    bad = b"GET /v1/nothing HTTP/1.1\r\nAuthorization: Bearer " + CALLER_KEY.encode() + b"\r\nX(: 1\r\n\r\n"
    answers.append(proxy.ask(bad))
    # A rotation that the provider's refusal tells of, a bad key, and a config that holds one itself.
    server.reply(lambda *_: volume.publish(token=ROTATED, spare=SECRET), leak)
    answers.append(proxy.ask(post_json("/v1/chat/completions", CHAT)))
    volume.publish(token=ROTATED + "\nx", spare=SECRET)
    wait_reloads(proxy, invalid=1)
    text = proxy.config_file.read_text()
    proxy.config_file.write_text(text + f"\nnonsense: {ROTATED}\ndefault_provider: {{api_key: {SECRET}}}\n")
    wait_reloads(proxy, invalid=2)
    for answer in answers:
        assert_clean(answer.head.decode("latin-1") + answer.body.decode("latin-1"), ours, "an answer")
    everything = [*ours, CALLER_KEY, PROMPT]
    for path in ("/metrics", "/readyz?verbose", "/readyz", "/healthz", "/nothing", "/quitquitquit"):
        got = proxy.admin(path)
        assert_clean(got.head.decode() + got.body.decode(), everything, path)
    place = Path(f"/proc/{proxy.process.pid}")
    assert_clean((place / "cmdline").read_text(), everything, "the command line")
    for task in (place / "task").iterdir():
        assert (task / "children").read_text() == "", "a child process would inherit the environment"
    proxy.config_file.write_text(text)
    commands = [
        ("check", str(proxy.config_file)),
        ("check", str(proxy.config_file), "--format", "json"),
        ("check", str(proxy.config_file), "--print"),
        ("explain", "gpt-4o", "--config", str(proxy.config_file)),
        ("explain", "spare/gpt-4o", "--config", str(proxy.config_file)),
        ("probe", "--admin", f"127.0.0.1:{proxy.admin_port}", "--ready"),
        ("schema",),
    ]
    for command in commands:
        done = run(*command, env={"SPARE_KEY": variable})
        assert_clean(done.stdout + done.stderr, everything, " ".join(command))
    # `stop` looks through stdout and stderr, for all of these.
    proxy.stop()
    assert proxy.stdout and proxy.stderr


OURS = {"authorization", "x-token"}


@pytest.mark.build("keeps what was freed")
def test_s01_memory(mounted, upstream):
    """After a rotation the old key is nowhere in the process: not in a buffer that carried it either."""
    if os.geteuid() != 0:
        pytest.skip("only root can look into a process that can't be dumped")
    pod = mounted()
    large = {**CHAT, "messages": [{"role": "user", "content": "x" * 200_000}]}
    for number in range(12):
        assert pod.proxy.ask(post_json("/v1/chat/completions", large if number % 4 == 0 else CHAT)).status == 200
    upload = {"Content-Type": "application/octet-stream"}
    assert pod.proxy.ask(request("POST", "/v1/files", upload, b"x" * 300_000)).status == 200
    assert found_in_memory(pod.proxy, SECRET), "the search finds nothing even where there is something"
    pod.publish(key=ROTATED)
    wait_reloads(pod.proxy, applied=1)
    for _ in range(3):
        assert echo(pod.proxy)["authorization"] == f"Bearer {ROTATED}"
    assert found_in_memory(pod.proxy, ROTATED)
    assert not (places := found_in_memory(pod.proxy, SECRET)), places


@pytest.mark.build("keeps what was freed")
def test_s01_memory_of_echoes(mounted, upstream):
    """What a provider has repeated of the key in an error, whole or in a stream, doesn't outlive it."""
    if os.geteuid() != 0:
        pytest.skip("only root can look into a process that can't be dumped")
    pod = mounted()
    repeated = {"error": {"message": f"Incorrect API key provided: {SECRET}."}}
    answers = [json_answer(repeated, status, {"x-shown": SECRET}) for status in (400, 404, 500)]
    for each in answers:
        upstream.reply(each)
        assert SECRET.encode() not in pod.proxy.ask(post_json("/v1/chat/completions", CHAT)).body
    chunks = [event(each) for each in chat_chunks({"model": "gpt-4o"})]
    upstream.reply(SSE_HEAD, *chunks[:2], event(repeated), LAST_CHUNK)
    got = pod.proxy.ask(post_json("/v1/chat/completions", {**CHAT, "stream": True}))
    assert b"[redacted]" in got.body and SECRET.encode() not in got.body
    pod.publish(key=ROTATED)
    wait_reloads(pod.proxy, applied=1)
    for _ in range(3):
        assert echo(pod.proxy)["authorization"] == f"Bearer {ROTATED}"
    assert not (places := found_in_memory(pod.proxy, SECRET)), places


def found_in_memory(proxy, secret: str) -> list[str]:
    """Where in the process's writable memory these bytes are."""
    found = []
    with open(f"/proc/{proxy.process.pid}/maps") as maps, open(f"/proc/{proxy.process.pid}/mem", "rb") as memory:
        for line in maps:
            words = line.split()
            if "w" not in words[1]:
                continue
            start, end = (int(word, 16) for word in words[0].split("-"))
            try:
                memory.seek(start)
                data = memory.read(end - start)
            except (OSError, ValueError, OverflowError):
                continue
            at = data.find(secret.encode())
            while at >= 0:
                found.append(f"{start + at:x} in {words[-1]}: {data[max(0, at - 24) : at + 40]!r}")
                at = data.find(secret.encode(), at + 1)
    return found
