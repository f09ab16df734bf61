"""TLS towards the provider and on listeners: every failure is told apart, and none is let through.

Ids such as L-05 name rows of one list of TLS behaviours, so that a failure can be looked up.
"""

from __future__ import annotations

import datetime
import re
import shutil
import ssl
import subprocess
import time

import openai
import pytest
from cryptography.hazmat.primitives import serialization

from certificates import Authority, Certificate
from openai_server import TEXT
from remora import PROMPT, free_port
from upstream import CLOSE
from wire import Broken, RawClient, json_answer, post_json, request

pytestmark = pytest.mark.proxy

CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": PROMPT}]}
DAY = datetime.timedelta(days=1)


def refusal(sdk, proxy, status: int = 502, code: str = "upstream_tls") -> str:
    """Asks once and returns the message of the refusal, checked for its shape."""
    with pytest.raises(openai.InternalServerError) as caught:
        sdk(proxy).chat.completions.create(**CHAT)
    error = caught.value
    assert (error.status_code, error.type, error.code) == (status, "upstream_error", code), error.body
    assert error.response.headers.get("x-remora-error-source") == "network"
    return error.body["message"]


@pytest.fixture(scope="module")
def stranger(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stranger"), "A stranger")


BAD_CERTIFICATES = {
    "L-01 wrong name": ({"names": ("elsewhere.test",)}, r"localhost"),
    "L-02 expired": ({"valid_from": -3 * DAY, "valid_until": -DAY}, r"expired"),
    "not yet valid": ({"valid_from": DAY, "valid_until": 2 * DAY}, r"not yet valid"),
    "L-06 wildcard too deep": ({"names": ("*.test", "x.localhost")}, r"localhost"),
    "client certificate on a server": ({"client": True}, r"purpose|certificate"),
}


@pytest.mark.parametrize("name", BAD_CERTIFICATES)
def test_bad_certificate(sdk, start_remora, start_upstream, authority, name):
    options, words = BAD_CERTIFICATES[name]
    server = start_upstream(authority.issue(re.sub(r"\W", "-", name), **options))
    message = refusal(sdk, start_remora(server))
    assert re.search(words, message, re.IGNORECASE), message
    assert server.requests == []


def test_wrong_name_says_both_names(sdk, start_remora, start_upstream, authority):
    server = start_upstream(authority.issue("names", ("elsewhere.test", "other.test")))
    message = refusal(sdk, start_remora(server))
    assert "localhost" in message and "elsewhere.test" in message


def test_unknown_authority(sdk, start_remora, start_upstream, stranger):
    """L-04: names the issuer, so that one knows which CA is missing."""
    server = start_upstream(stranger.issue("unknown"))
    message = refusal(sdk, start_remora(server))
    assert "A stranger" in message or re.search(r"unknown|not trusted|trust store", message), message
    assert server.requests == []


def test_system_trust_does_not_know_the_tests_authority(sdk, start_remora, start_upstream, authority):
    """Without `tls.ca_file` the system's store decides."""
    proxy = start_remora(start_upstream(), provider={"tls": None})
    refusal(sdk, proxy)
    trusted = start_remora(
        start_upstream(), provider={"tls": None}, env={"SSL_CERT_FILE": str(authority.ca_file)}
    )
    assert sdk(trusted).chat.completions.create(**CHAT).choices[0].message.content == TEXT


def test_self_signed(sdk, start_remora, start_upstream, stranger):
    """L-03: a certificate that signed itself."""
    key_file = stranger.directory / "ca.key"
    key_file.write_bytes(
        stranger.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    message = refusal(sdk, start_remora(start_upstream(Certificate(stranger.ca_file, key_file))))
    assert re.search(r"self[- ]signed|unknown|not trusted|trust store", message), message


@pytest.mark.parametrize(
    ("names", "good"), [(("127.0.0.1",), True), (("127.0.0.2",), False), (("127.0.0.1.test",), False)]
)
def test_address_as_name(sdk, start_remora, start_upstream, authority, names, good):
    """L-05: an IP literal is checked against IP SANs, and (L-19) is not sent as SNI."""
    server = start_upstream(authority.issue(f"ip-{names[0]}", names), name="127.0.0.1")
    proxy = start_remora(server)
    if good:
        assert sdk(proxy).chat.completions.create(**CHAT).choices[0].message.content == TEXT
        assert server.last.connection.server_name is None
    else:
        assert "127.0.0.1" in refusal(sdk, proxy)


def test_ipv6_provider(sdk, start_remora, start_upstream):
    server = start_upstream(address="::1", name="[::1]")
    assert sdk(start_remora(server)).chat.completions.create(**CHAT).choices[0].message.content == TEXT
    assert server.last.get("host") == f"[::1]:{server.port}"
    assert server.last.connection.server_name is None


def test_name_that_resolves_to_both(sdk, start_remora, start_upstream):
    """`localhost` is ::1 and 127.0.0.1: whichever answers is used."""
    for address in ("127.0.0.1", "::1"):
        server = start_upstream(address=address)
        assert sdk(start_remora(server)).chat.completions.create(**CHAT).choices[0].message.content == TEXT
        assert server.last.connection.server_name == "localhost"


def test_server_name(sdk, start_remora, start_upstream, authority):
    """`tls.server_name` is what is asked for and verified; Host stays the URL's."""
    server = start_upstream(authority.issue("named", ("gateway.internal",)))
    proxy = start_remora(server, provider={"tls": {"server_name": "gateway.internal"}})
    assert sdk(proxy).chat.completions.create(**CHAT).choices[0].message.content == TEXT
    assert server.last.connection.server_name == "gateway.internal"
    assert server.last.get("host") == f"localhost:{server.port}"


def test_wildcard(sdk, start_remora, start_upstream, authority):
    server = start_upstream(authority.issue("wildcard", ("*.gateway.test",)))
    good = start_remora(server, provider={"tls": {"server_name": "a.gateway.test"}})
    assert sdk(good).chat.completions.create(**CHAT).choices[0].message.content == TEXT
    refusal(sdk, start_remora(server, provider={"tls": {"server_name": "a.b.gateway.test"}}))


# Peers that are no TLS server, or stop being one.


def test_plain_text_on_the_port(sdk, start_remora, start_upstream):
    server = start_upstream(greeting=b"220 mail.test ESMTP\r\n")
    message = refusal(sdk, start_remora(server))
    assert re.search(r"plain|not TLS|http://", message), message


def test_plain_http_on_the_port(sdk, start_remora, start_upstream):
    """An HTTP server that says 400 to a ClientHello: the most common misconfiguration."""
    server = start_upstream(greeting=b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    message = refusal(sdk, start_remora(server))
    assert re.search(r"plain|not TLS|http://", message), message


def test_handshake_stalls(sdk, start_remora, start_upstream):
    """L-18: bounded by the connect timeout."""
    server = start_upstream(stall_handshake=True)
    proxy = start_remora(server, provider={"timeouts": {"connect": "400ms"}})
    with pytest.raises(openai.InternalServerError) as caught:
        sdk(proxy).chat.completions.create(**CHAT)
    assert caught.value.status_code in (502, 504)
    assert caught.value.code in ("upstream_tls", "upstream_timeout")
    assert re.search(r"handshake", caught.value.body["message"]), caught.value.body


def test_peer_closes_in_the_handshake(sdk, start_remora, start_upstream):
    """The port is open, and whoever has it hangs up at once."""
    refusal(sdk, start_remora(start_upstream(greeting=b"")))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_version(sdk, start_remora, start_upstream):
    """L-07: TLS 1.1 is refused, and the message says that it is about the version."""
    server = start_upstream(version=ssl.TLSVersion.TLSv1_1)
    message = refusal(sdk, start_remora(server))
    assert re.search(r"version|protocol|TLS 1\.2", message), message


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions(sdk, start_remora, start_upstream, version):
    server = start_upstream(version=version)
    assert sdk(start_remora(server)).chat.completions.create(**CHAT).choices[0].message.content == TEXT
    assert server.last.connection.tls_version == version.name.replace("_", ".")


# Client certificates.


def test_client_certificate_demanded(sdk, start_remora, start_upstream, authority):
    """L-08: the provider wants one and none is configured."""
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        server = start_upstream(client_ca=authority.ca_file, version=version)
        message = refusal(sdk, start_remora(server))
        assert re.search(r"client certificate", message), message


def test_client_certificate_given(sdk, start_remora, start_upstream, authority):
    mine = authority.issue("remora-client", ("remora",), client=True)
    server = start_upstream(client_ca=authority.ca_file)
    files = {"cert_file": str(mine.cert_file), "key_file": str(mine.key_file)}
    proxy = start_remora(server, provider={"tls": files})
    assert sdk(proxy).chat.completions.create(**CHAT).choices[0].message.content == TEXT
    subject = server.last.connection.client_certificate["subject"]
    assert (("commonName", "remora-client"),) in subject


def test_client_certificate_refused(sdk, start_remora, start_upstream, authority, stranger):
    mine = stranger.issue("strange-client", ("remora",), client=True)
    server = start_upstream(client_ca=authority.ca_file)
    files = {"cert_file": str(mine.cert_file), "key_file": str(mine.key_file)}
    message = refusal(sdk, start_remora(server, provider={"tls": files}))
    assert re.search(r"certificate", message), message


# Connections and sessions.


def test_session_is_resumed(start_remora, start_upstream):
    """L-16: the second connection resumes the first one's session."""
    server = start_upstream()
    proxy = start_remora(server)
    for _ in range(3):
        server.reply(json_answer({}, 200, {"Connection": "close"}), CLOSE)
        assert proxy.ask(request("GET", "/v1/files/any")).status == 200
    assert [each.resumed for each in server.connections] == [False, True, True]


def test_connections_are_reused(start_remora, start_upstream):
    server = start_upstream()
    proxy = start_remora(server)
    for _ in range(5):
        assert proxy.ask(request("GET", "/v1/echo")).status == 200
    assert len(server.connections) == 1


def test_closed_connection_is_not_reused(start_remora, start_upstream):
    """The provider closes an idle connection: the next request finds that out before it is sent."""
    server = start_upstream()
    proxy = start_remora(server)
    for _ in range(3):
        server.reply(json_answer({}), CLOSE)
        assert proxy.ask(request("GET", "/v1/files/any")).status == 200
    assert len(server.connections) == 3


def test_warm_connections(start_remora, start_upstream):
    server = start_upstream()
    proxy = start_remora(server, provider={"pool": {"warm": 1}})
    deadline = time.monotonic() + 10
    while proxy.total("remora_upstream_connections", state="idle") != 1:
        assert time.monotonic() < deadline, "no connection was opened ahead of need"
    assert proxy.ask(request("GET", "/v1/echo")).status == 200
    assert server.connections[0].opened_at < server.requests[0].at
    assert server.requests[0].connection is server.connections[0]


# Listeners.


def tls_listener(start_remora, upstream, certificate, **tls) -> tuple:
    port = free_port()
    files = {"cert_file": str(certificate.cert_file), "key_file": str(certificate.key_file), **tls}
    proxy = start_remora(upstream, {"listen": [{"address": f"127.0.0.1:{port}", "tls": files}]})
    return proxy, port


def client_context(authority, certificate=None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.ca_file)
    if certificate is not None:
        context.load_cert_chain(certificate.cert_file, certificate.key_file)
    return context


def test_tls_listener(start_remora, upstream, authority):
    proxy, port = tls_listener(start_remora, upstream, authority.issue("listener"))
    with RawClient(("127.0.0.1", port), tls=client_context(authority)) as client:
        for _ in range(2):
            assert client.ask(request("GET", "/v1/echo")).status == 200
        assert client.ask(request("POST", "/v1/echo", {}, b"x" * 200_000)).json()["length"] == 200_000
    proxy.check_alive()


def test_plain_text_to_a_tls_listener(start_remora, upstream, authority):
    """Answered in a way that a person can read, or closed; never a hang, and the listener lives on."""
    proxy, port = tls_listener(start_remora, upstream, authority.issue("listener-plain"))
    with RawClient(("127.0.0.1", port)) as client:
        client.send_quietly(request("GET", "/v1/echo"))
        client.rest()
    with RawClient(("127.0.0.1", port), tls=client_context(authority)) as client:
        assert client.ask(request("GET", "/v1/echo")).status == 200
    assert upstream.requests[0].method == "GET" and len(upstream.requests) == 1
    proxy.check_alive()


def test_mutual_tls_listener(start_remora, upstream, authority, stranger):
    mine = authority.issue("app", ("app",), client=True)
    proxy, port = tls_listener(
        start_remora, upstream, authority.issue("listener-mutual"), client_ca_file=str(authority.ca_file)
    )
    with RawClient(("127.0.0.1", port), tls=client_context(authority, mine)) as client:
        assert client.ask(request("GET", "/v1/echo")).status == 200
    for other in (None, stranger.issue("other-app", ("app",), client=True)):
        with pytest.raises((OSError, Broken)):
            with RawClient(("127.0.0.1", port), tls=client_context(authority, other)) as client:
                client.ask(request("GET", "/v1/echo"))
    assert len(upstream.requests) == 1
    proxy.check_alive()


def test_tls_to_the_plain_listener(plain, authority):
    """H1-54: a TLS alert rather than silence, and a line that says what happened."""
    with pytest.raises(ssl.SSLError):
        RawClient(("127.0.0.1", plain.port), tls=client_context(authority))
    assert re.search(r"TLS", plain.stderr)
    with RawClient(("127.0.0.1", plain.port)) as client:
        client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32))
        assert client.rest()[:1] in (b"\x15", b"")


# What a broken file does.


@pytest.mark.parametrize("what", ["missing", "empty", "not a certificate", "key of another"])
def test_bad_files_are_said_at_start(start_remora, upstream, authority, tmp_path, what):
    good = authority.issue("file-good", client=True)
    other = authority.issue("file-other", client=True)
    cert_file = tmp_path / "cert.pem"
    if what == "empty":
        cert_file.write_text("")
    elif what == "not a certificate":
        cert_file.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    elif what == "key of another":
        shutil.copy(other.cert_file, cert_file)
    with pytest.raises(AssertionError, match=re.escape(str(cert_file))):
        start_remora(
            upstream, provider={"tls": {"cert_file": str(cert_file), "key_file": str(good.key_file)}}
        )


# Renegotiation.


@pytest.mark.parametrize("command", ["r", "R"], ids=["renegotiate", "ask for a certificate"])
def test_renegotiation_is_refused_and_said(start_remora, authority, good_certificate, command):
    """A server that begins a handshake anew within the connection, as IIS does to ask for a client certificate."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("ABSENT: openssl, to renegotiate with")
    port = free_port()
    server = subprocess.Popen(
        [openssl, "s_server", "-accept", f"127.0.0.1:{port}", "-tls1_2",
         "-cert", str(good_certificate.cert_file), "-key", str(good_certificate.key_file)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    try:
        for line in server.stdout:
            if b"ACCEPT" in line:
                break
        provider = {
            "kind": "openai", "base_url": f"https://127.0.0.1:{port}/v1", "api_key": "none",
            "tls": {"ca_file": str(authority.ca_file)},
        }
        proxy = start_remora(whole={"providers": {"odd": provider}, "default_provider": "odd"})
        with proxy.connect() as client:
            client.send(post_json("/v1/chat/completions", CHAT))
            for line in server.stdout:
                if b'"messages"' in line or b"POST /v1" in line:
                    break
            server.stdin.write(command.encode() + b"\n")
            server.stdin.flush()
            got = client.response("POST")
        assert got.status == 502, got
        message = got.json()["error"]["message"]
        assert "anew within the connection" in message and "demands a client certificate" not in message, message
    finally:
        server.kill()
        server.wait()
