"""The Redis that counts limits together: logging in, TLS, what it may say instead, and what is wrong in its configuration."""

from __future__ import annotations

import socket
import threading

import pytest
import yaml
from redis_server import ask, needs_redis, shared, start_redis, up, wait_until
from reloading import diagnostics
from remora import run

__all__ = ["start_redis"]
pytestmark = [pytest.mark.proxy, needs_redis]


# Login and TLS.


def test_password_and_user(start_remora, upstream, tmp_path, start_redis):
    secret = "p%40ss w:rd/#?é"[:-1]  # What a URL would have to escape is sent as it is.
    redis = start_redis(arguments=("--requirepass", secret))
    redis.client(("AUTH", secret)).ask(
        "ACL", "SETUSER", "remora", "on", ">other-secret-77", "~rl:*", "+eval", "+evalsha", "+time", "+expire",
        "+@hash", "+@sortedset",
    )  # fmt: skip
    (tmp_path / "redis.pw").write_text(secret + "\n")
    file = {"password": {"file": str(tmp_path / "redis.pw")}}
    user = {"user": "remora", "password": {"env": "REDIS_PASSWORD"}}
    for more in (file, user):
        proxy = start_remora(upstream, shared(tmp_path, redis, **more), env={"REDIS_PASSWORD": "other-secret-77"})
        proxy.secrets += [secret, "other-secret-77"]
        wait_until(lambda: up(proxy))
        assert ask(proxy).status == 200
    assert redis.client(("AUTH", secret)).window("finance") == 2


@pytest.mark.parametrize(
    "more, says",
    [
        ({}, "wants a password"),
        ({"password": {"env": "WRONG"}}, "refused limits.shared.user and limits.shared.password"),
        ({"user": "nobody", "password": {"env": "WRONG"}}, "refused limits.shared.user and limits.shared.password"),
        ({"user": "weak", "password": {"env": "RIGHT"}}, "doesn't let the user do that"),
    ],
    ids=["none", "wrong", "unknown user", "too weak a user"],
)
def test_refused_logins(start_remora, upstream, tmp_path, start_redis, more, says):
    redis = start_redis(arguments=("--requirepass", "right-secret-1"))
    redis.client(("AUTH", "right-secret-1")).ask("ACL", "SETUSER", "weak", "on", ">right-secret-1", "~rl:*", "+get")
    proxy = start_remora(
        upstream, shared(tmp_path, redis, **more), env={"WRONG": "wrong-secret-2", "RIGHT": "right-secret-1"}
    )
    proxy.secrets += ["wrong-secret-2", "right-secret-1"]
    wait_until(lambda: diagnostics(proxy, "warn"))
    line = diagnostics(proxy, "warn")[0]
    assert says in line["reason"] and line["redis"] == f"redis://127.0.0.1:{redis.port}"
    # One line, however often it is found again; and requests pass by the pod's own part.
    assert [ask(proxy).status for _ in range(6)] == [200] * 5 + [429]
    assert len([line for line in diagnostics(proxy, "warn") if "redis" in line]) == 1
    assert not up(proxy)


def test_tls_with_an_authority_of_its_own(start_remora, upstream, tmp_path, start_redis, authority):
    redis = start_redis(certificate=authority.issue("redis"), ca_file=authority.ca_file)
    url = f"rediss://localhost:{redis.port}"
    proxy = start_remora(upstream, shared(tmp_path, url, tls={"ca_file": str(authority.ca_file)}))
    wait_until(lambda: up(proxy))
    assert ask(proxy).get("x-ratelimit-remaining-requests") == "4"
    assert "[+]limits_shared ok" in proxy.admin("/readyz?verbose").body.decode()
    # Without the authority it isn't trusted, and without TLS not understood.
    stranger = start_remora(upstream, shared(tmp_path, url))
    wait_until(lambda: diagnostics(stranger, "warn"))
    assert "certificate" in diagnostics(stranger, "warn")[0]["reason"]
    plain = start_remora(upstream, shared(tmp_path, f"redis://localhost:{redis.port}"))
    wait_until(lambda: diagnostics(plain, "warn"))
    assert ask(plain).status == 200


# What it may say.


@pytest.mark.parametrize(
    "reply, says",
    [
        ("-LOADING Redis is loading the dataset in memory", "is loading its data"),
        ("-MOVED 1234 10.0.0.7:6379", "cluster"),
        ("-CLUSTERDOWN The cluster is down", "cluster"),
        ("-READONLY You can't write against a read only replica.", "replica"),
        ("-ERR Error running script (call to f_1): @user_script:3: -READONLY You can't write against a read only replica.", "replica"),
        ("-NOAUTH Authentication required.", "wants a password"),
        ("-DENIED Redis is running in protected mode", "protected-mode"),
        ("-ERR unknown command 'EVALSHA', with args beginning with: 'canary-args'", "no Sentinel"),
        ("-ERR max number of clients reached", "all the clients"),
        ("-OOM command not allowed when used memory > 'maxmemory'.", "no memory"),
        ("HTTP/1.1 400 Bad Request", "doesn't speak Redis's protocol"),
        ("*2\r\n:1\r\n:2", "doesn't speak Redis's protocol"),
        (None, "closed the connection"),
    ],
)  # fmt: skip
def test_what_else_it_may_say(start_remora, upstream, tmp_path, reply, says):
    with Refusing(reply) as server:
        proxy = start_remora(upstream, shared(tmp_path, f"redis://127.0.0.1:{server.port}"))
        proxy.secrets.append("canary-args")
        wait_until(lambda: diagnostics(proxy, "warn"))
        assert says in diagnostics(proxy, "warn")[0]["reason"]
        assert [ask(proxy).status for _ in range(6)] == [200] * 5 + [429]
        assert not up(proxy)


class Refusing:
    """Answers each command with one line; None closes instead."""

    def __init__(self, reply: str | None):
        self.reply = reply
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(peer,), daemon=True).start()

    def _answer(self, peer):
        with peer:
            while data := peer.recv(65536):
                if self.reply is None:
                    return
                for _ in range(max(data.count(b"EVAL"), 1)):
                    peer.sendall(self.reply.encode() + b"\r\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


# Configuration.


@pytest.mark.parametrize(
    "shared, says",
    [
        ({}, "limits.shared needs the key 'redis'"),
        ({"redis": "localhost:6379"}, "the scheme is missing"),
        ({"redis": "https://localhost:6379"}, "the scheme must be redis, or rediss for TLS"),
        ({"redis": "redis://:s3cret-canary@localhost"}, "limits.shared.password"),
        ({"redis": "redis://app:s3cret/canary@localhost"}, "limits.shared.password"),
        ({"redis": "redis://localhost/x"}, "the number of a database"),
        ({"redis": "redis://localhost:99999"}, "the port must be from 1 to 65535"),
        ({"redis": "redis://localhost?ssl_cert_reqs=none"}, "it has no query"),
        ({"redis": "redis://a:1,b:2"}, "several hosts"),
        ({"redis": "redis-sentinel://a/mymaster"}, "Sentinel"),
        ({"redis": "unix:///run/redis.sock"}, "Unix socket"),
        ({"redis": "redis://localhost", "user": "app"}, "limits.shared.user needs limits.shared.password"),
        ({"redis": "redis://localhost", "password": "s3cret-canary"}, "{ file: PATH } or { env: NAME }"),
        ({"redis": "redis://localhost", "tls": {"server_name": "x"}}, "has no effect with redis://"),
        ({"redis": "redis://localhost", "prefix": "a b"}, "limits.shared.prefix must be"),
        ({"redis": "redis://localhost", "pasword": {"env": "X"}}, "did you mean 'password'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path, shared, says):
    config = {"providers": {"mock": {}}, "default_provider": "mock", "limits": {"shared": shared}}
    (tmp_path / "remora.yaml").write_text(yaml.safe_dump(config))
    got = run("check", "--config", str(tmp_path / "remora.yaml"))
    said = got.stdout + got.stderr
    assert got.returncode != 0 and says in said, said
    assert "s3cret" not in said and "canary" not in said


def test_what_does_nothing_is_said(tmp_path):
    config = {"providers": {"mock": {}}, "default_provider": "mock", "limits": {"shared": {"redis": "redis://cache"}}}
    (tmp_path / "remora.yaml").write_text(yaml.safe_dump(config))
    got = run("check", "--config", str(tmp_path / "remora.yaml"))
    assert "no group has such a limit" in got.stdout + got.stderr
