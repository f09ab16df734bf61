"""A reload drops nothing: streams, connections, secrets and listeners go over to what is new."""

from __future__ import annotations

import json
import os
import ssl
import time

import pytest
import yaml

from certificates import Authority
from kubelet import Volume
from openai_server import chat_chunks
from reloading import (  # noqa: F401
    CHAT,
    ROTATED,
    Mounted,
    config,
    diagnostics,
    echo,
    generation,
    mounted,
    place,
    wait_reloads,
    wait_watching,
)
from remora import SECRET, free_port, merged
from upstream import Gate
from wire import LAST_CHUNK, RawClient, SSE_HEAD, event, post_json, request

pytestmark = pytest.mark.proxy


# Nothing is dropped.


def test_r20_streams_outlive_swaps(start_remora, start_upstream, authority, tmp_path):
    """R-20, S-05: fifty streams end byte-exact on what they began with; new requests use what is new."""
    old, new = start_upstream(), start_upstream()
    pod = Mounted(start_remora, old, authority, tmp_path / "volume")
    events = [event(each) for each in chat_chunks({"model": "gpt-4o"})]
    whole = b"".join(events) + event("[DONE]") + LAST_CHUNK
    gates = []
    clients = []
    for number in range(50):
        gate = Gate()
        gates.append(gate)
        old.reply(SSE_HEAD, *events[:3], gate, *events[3:], event("[DONE]"), LAST_CHUNK)
        client = pod.proxy.connect(timeout=30)
        clients.append(client)
        client.send(post_json("/v1/chat/completions", {**CHAT, "stream": True}))
        old.wait_requests(number + 1)
    answers = [client.head() for client in clients]
    pod.server = new
    pod.publish(generation(1), key=ROTATED)
    wait_reloads(pod.proxy, applied=1)
    for number in (2, 3):
        pod.publish(generation(number), key=ROTATED)
        wait_reloads(pod.proxy, applied=number)
    assert echo(pod.proxy)["authorization"] == f"Bearer {ROTATED}"
    assert len(new.requests) == 1 and len(old.requests) == 50
    assert all(each.get("authorization") == f"Bearer {SECRET}" for each in old.requests)
    for gate in gates:
        gate.open()
    for client, answer in zip(clients, answers, strict=True):
        while (data := client.chunk(answer)) is not None:
            answer.body += data
        assert answer.body == unchunked(whole)
        # The connection goes on, on what is in force now.
        client.send(request("GET", "/v1/echo"))
        assert client.response().status == 200
        client.close()
    assert len(old.requests) == 50
    for connection in old.connections:
        assert connection.closed.wait(5), "a removed upstream's connection stays open"


def unchunked(data: bytes) -> bytes:
    """The body behind a chunked coding."""
    body = b""
    while data:
        size, _, rest = data.partition(b"\r\n")
        body += rest[: int(size, 16)]
        data = rest[int(size, 16) + 2 :]
    return body


def test_unchanged_upstreams_keep_their_connections(start_remora, start_upstream, authority, tmp_path):
    """A new route and a new key need no new connection; a changed CA file does."""
    server, other = start_upstream(), start_upstream()
    path = tmp_path / "volume"
    ca = authority.ca_file.read_text()
    tls = {"ca_file": str(path / "ca.pem")}
    named = {"providers": {"gateway": {"tls": tls}}}
    second = {"kind": "openai", "base_url": other.base_url, "api_key": "none", "tls": tls}
    both = merged(named, {"providers": {"second": second}})
    volume = Volume(path, gateway_key=SECRET, ca_pem=ca, remora_yaml=config(server, authority, path, **both))
    proxy = start_remora(whole=None, arguments=("--config", str(volume / "remora_yaml")))
    proxy.secrets.append(ROTATED)
    assert echo(proxy)
    assert proxy.ask(post_json("/v1/chat/completions", {**CHAT, "model": "second/gpt-4o"})).status == 200
    changed = merged(named, generation(1))
    volume.publish(gateway_key=ROTATED, ca_pem=ca, remora_yaml=config(server, authority, path, **changed))
    wait_reloads(proxy, applied=1)
    assert echo(proxy)["authorization"] == f"Bearer {ROTATED}"
    assert len(server.connections) == 1
    assert other.connections[0].closed.wait(5), "a removed upstream's idle connection stays open"
    text = config(server, authority, path, **changed)
    volume.publish(gateway_key=ROTATED, ca_pem="# the same authority\n" + ca, remora_yaml=text)
    wait_reloads(proxy, applied=2)
    assert echo(proxy)["x-generation"] == "1"
    assert len(server.connections) == 2


def test_r22_swap_in_a_handshake(start_remora, start_upstream, authority, tmp_path):
    """R-22: the upstream goes while a connection to it is being made; the request ends by itself."""
    silent, good = start_upstream(stall_handshake=True), start_upstream()
    short = {"providers": {"gateway": {"timeouts": {"connect": "700ms"}}}}
    pod = Mounted(start_remora, silent, authority, tmp_path / "volume", short)
    with pod.proxy.connect() as client:
        client.send(post_json("/v1/chat/completions", CHAT))
        deadline = time.monotonic() + 5
        while not silent.connections:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        pod.server = good
        pod.publish()
        wait_reloads(pod.proxy, applied=1)
        assert client.response().status in (502, 504)
    assert echo(pod.proxy)
    pod.proxy.check_alive()


def test_every_worker_adopts(mounted):
    pod = mounted({"workers": 2})
    pod.publish({**generation(1), "workers": 2})
    wait_reloads(pod.proxy, applied=1)
    assert {echo(pod.proxy)["x-generation"] for _ in range(24)} == {"1"}


# Secrets and certificates.


def test_secret_without_a_config(start_remora, tmp_path):
    """What the environment alone names is watched too."""
    volume = Volume(tmp_path / "volume", key=SECRET)
    proxy = start_remora(whole=None, env={"OPENAI_API_KEY_FILE": str(volume / "key")})
    volume.publish(key=ROTATED)
    wait_reloads(proxy, applied=1)
    volume.publish(key="")
    wait_reloads(proxy, invalid=1)


def test_listener_certificate_rotates(start_remora, upstream, authority, tmp_path):
    """New connections see the new certificate; those that are open go on."""
    first, second = authority.issue("first"), authority.issue("second")
    volume = Volume(
        tmp_path / "volume", cert_pem=first.cert_file.read_text(), key_pem=first.key_file.read_text()
    )
    port = free_port()
    files = {"cert_file": str(volume / "cert_pem"), "key_file": str(volume / "key_pem")}
    proxy = start_remora(upstream, {"listen": [{"address": f"127.0.0.1:{port}", "tls": files}]})

    def connect() -> RawClient:
        return RawClient(("127.0.0.1", port), tls=ssl.create_default_context(cafile=authority.ca_file))

    def name(client: RawClient) -> str:
        return dict(field[0] for field in client.socket.getpeercert()["subject"])["commonName"]

    with connect() as early:
        assert name(early) == "first"
        assert early.ask(request("GET", "/v1/echo")).status == 200
        volume.publish(cert_pem=second.cert_file.read_text(), key_pem=second.key_file.read_text())
        wait_reloads(proxy, applied=1)
        assert early.ask(request("GET", "/v1/echo")).status == 200
        with connect() as late:
            assert name(late) == "second"
            assert late.ask(request("GET", "/v1/echo")).status == 200
    volume.publish(cert_pem=second.cert_file.read_text(), key_pem=first.key_file.read_text())
    wait_reloads(proxy, invalid=1)
    with connect() as later:
        assert name(later) == "second"


# What waits for a restart, and what doesn't.


def rewrite(proxy, **changes) -> None:
    """Replaces the config file as an editor does."""
    text = yaml.safe_dump(merged(yaml.safe_load(proxy.config_file.read_text()), changes))
    fresh = proxy.directory / "remora.yaml.new"
    fresh.write_text(text)
    os.rename(fresh, proxy.config_file)


def test_r21_what_needs_a_restart(start_remora, upstream):
    """R-21: said in one line; everything else is in force; the listeners are those that were."""
    proxy = start_remora(upstream)
    rewrite(
        proxy,
        listen=[f"127.0.0.1:{free_port()}", f"127.0.0.1:{proxy.port}"],
        admin=f"127.0.0.1:{free_port()}",
        workers=3,
        models={"other": "gateway/gpt-4o"},
    )
    wait_reloads(proxy, applied=1)
    lines = [line for line in diagnostics(proxy, "warn") if "restart" in line["msg"]]
    assert len(lines) == 1 and lines[0]["keys"] == "listen, admin, workers", lines
    assert proxy.ask(request("GET", "/v1/models/other")).status == 200
    for options in ({}, {"ipv6": True}, {"unix": True}):
        with proxy.connect(**options) as client:
            assert client.ask(request("GET", "/v1/models/other")).status == 200


def test_listen_entries_change_beside_their_address(start_remora, start_upstream, authority):
    """An entry keeps its own rules when others come, go or change places."""
    server, other = start_upstream(), start_upstream()
    one, two = free_port(), free_port()
    second = {
        "kind": "openai",
        "base_url": other.base_url,
        "api_key": "none",
        "tls": {"ca_file": str(authority.ca_file)},
    }
    to_second = {"address": f"127.0.0.1:{two}", "default_provider": "second"}
    listen = [f"127.0.0.1:{one}", to_second]
    proxy = start_remora(server, {"listen": listen, "providers": {"second": second}})

    def provider(port: int) -> str:
        with RawClient(("127.0.0.1", port)) as client:
            return client.ask(request("GET", "/v1/echo")).get("x-remora-provider")

    assert (provider(one), provider(two)) == ("gateway", "second")
    rewrite(proxy, listen=[to_second, f"127.0.0.1:{one}"])
    wait_reloads(proxy, applied=1)
    assert (provider(one), provider(two)) == ("gateway", "second")
    rewrite(proxy, listen=[{"address": f"127.0.0.1:{one}", "default_provider": "second"}])
    wait_reloads(proxy, applied=2)
    assert (provider(one), provider(two)) == ("second", "second")
    rewrite(proxy, listen=[f"127.0.0.1:{two}", f"127.0.0.1:{one}"])
    wait_reloads(proxy, applied=3)
    assert (provider(one), provider(two)) == ("gateway", "gateway")


def test_command_line_goes_first(mounted):
    """What the command line says stays said."""
    pod = mounted({"telemetry": {"level": "warn"}}, arguments=("--log-level", "debug"))
    pod.publish({**generation(1), "telemetry": {"level": "error"}})
    wait_reloads(pod.proxy, applied=1)
    assert echo(pod.proxy)["x-generation"] == "1"
    assert any(line["msg"] == "configuration applied" for line in diagnostics(pod.proxy, "info"))
    assert not [line for line in diagnostics(pod.proxy, "warn") if "restart" in line["msg"]]


def test_telemetry_changes_live(mounted):
    pod = mounted()
    assert echo(pod.proxy)
    pod.proxy.access_log(1)
    pod.publish({"telemetry": {"access_log": "off", "level": "error"}})
    wait_reloads(pod.proxy, applied=1)
    echo(pod.proxy)
    pod.publish({"telemetry": {"access_log": "json", "level": "info"}})
    wait_reloads(pod.proxy, applied=2)
    echo(pod.proxy)
    assert len(pod.proxy.access_log(2)) == 2
    applied = [line for line in diagnostics(pod.proxy, "info") if line["msg"] == "configuration applied"]
    assert len(applied) == 1


def test_the_systems_authorities(mounted, authority, tmp_path):
    """What `SSL_CERT_FILE` names is read again with each reload: refused by name where it is broken, else in force."""
    trust = tmp_path / "authorities.pem"
    trust.write_bytes(authority.ca_file.read_bytes())

    def system(number: int) -> dict:
        return {"providers": {"gateway": {**generation(number)["providers"]["gateway"], "tls": None}}}

    pod = mounted(system(0), env={"SSL_CERT_FILE": str(trust)})
    assert pod.echo()["x-generation"] == "0"
    wait_watching(pod.proxy)
    trust.write_text("no certificate\n")
    pod.publish(system(1))
    wait_reloads(pod.proxy, invalid=1)
    assert any(str(trust) in json.dumps(line) for line in diagnostics(pod.proxy, "error"))
    assert pod.echo()["x-generation"] == "0"
    # What was refused is no part of what comes next.
    trust.write_bytes(Authority(tmp_path / "stranger", "A stranger").ca_file.read_bytes())
    pod.publish(system(2))
    wait_reloads(pod.proxy, applied=1)
    refused = pod.proxy.ask(request("GET", "/v1/echo"))
    assert (refused.status, refused.json()["error"]["code"]) == (502, "upstream_tls")
    trust.write_bytes(authority.ca_file.read_bytes())
    pod.publish(system(3))
    wait_reloads(pod.proxy, applied=2)
    assert pod.echo()["x-generation"] == "3"
