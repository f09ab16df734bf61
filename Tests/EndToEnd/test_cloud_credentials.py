"""Credentials that are more than a key: fetched from the clouds' own services, renewed, signed with, never shown."""

from __future__ import annotations

import base64
import json
import os
import threading
import time
import urllib.parse
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from remora import PROMPT, run
from test_secrets import found_in_memory
from upstream import Gate, Pause
from wire import post_json

pytestmark = pytest.mark.proxy

KEY_ID = "ASIACANARYCANARY0042"
SECRET = "fetched-canary-5c3e/plus+slash"
SESSION = "fetched-session-canary-91bd"
POD_TOKEN = "eyJhbGciOi.pod-token-canary.c2ln"
MODEL = "bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
CHAT = {"model": MODEL, "messages": [{"role": "user", "content": PROMPT}]}


def answer(body: dict | str, status: int = 200, **fields: str) -> bytes:
    text = body if isinstance(body, str) else json.dumps(body)
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(text.encode())}", "Content-Type: application/json"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return ("\r\n".join(lines) + "\r\n\r\n" + text).encode()


CONVERSE = answer(
    {
        "output": {"message": {"role": "assistant", "content": [{"text": "Fine."}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5},
        "metrics": {"latencyMs": 1},
    }
)


def keys(**changes) -> dict:
    return {"AccessKeyId": KEY_ID, "SecretAccessKey": SECRET, **changes}


def assumed(lifetime: float = 3600) -> dict:
    given = keys(SessionToken=SESSION, Expiration=time.time() + lifetime)
    return {"AssumeRoleWithWebIdentityResponse": {"AssumeRoleWithWebIdentityResult": {"Credentials": given}}}


def is_model(request) -> bool:
    return request.target.startswith("/model/")


def is_sts(request) -> bool:
    return request.target == "/" and request.method == "POST"


class Pod:
    """A provider and the token services beside it, on one TLS port; and what a pod's environment says of them."""

    def __init__(self, start_upstream, authority, tmp_path) -> None:
        self.server = start_upstream()
        self.ca_file = authority.ca_file
        self.token_file = tmp_path / "token"
        self.token_file.write_text(POD_TOKEN + "\n")

    @property
    def irsa(self) -> dict[str, str]:
        return {
            "AWS_REGION": "eu-west-3",
            "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/remora",
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(self.token_file),
            "AWS_ENDPOINT_URL_STS": self.server.origin,
            "SSL_CERT_FILE": str(self.ca_file),
        }

    def config(self, kind: str = "bedrock", **settings) -> dict:
        provider = {"base_url": self.server.origin, "tls": {"ca_file": str(self.ca_file)}, **settings}
        return {"providers": {kind: provider}}

    def start(self, start_remora, env: dict[str, str], kind: str = "bedrock", **settings):
        proxy = start_remora(whole=self.config(kind, **settings), env=env)
        proxy.secrets += [SECRET, SESSION, POD_TOKEN]
        return proxy

    def asked(self, wanted) -> list:
        return [each for each in self.server.requests if wanted(each)]


@pytest.fixture
def pod(start_upstream, authority, tmp_path) -> Pod:
    return Pod(start_upstream, authority, tmp_path)


def ask(proxy, body: dict = CHAT, **headers: str):
    with proxy.connect() as client:
        return client.ask(post_json("/v1/chat/completions", body, headers=headers))


# AWS


def test_a_web_identity_becomes_a_signature(pod, start_remora):
    pod.server.reply(answer(assumed()), when=is_sts)
    proxy = pod.start(start_remora, pod.irsa)
    for _ in range(3):
        pod.server.reply(CONVERSE, when=is_model)
        got = ask(proxy)
        assert got.status == 200, got.body
        assert got.json()["choices"][0]["message"]["content"] == "Fine."
    (sts,) = pod.asked(is_sts)
    form = dict(urllib.parse.parse_qsl(sts.body.decode()))
    assert form == {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": "arn:aws:iam::123456789012:role/remora",
        "RoleSessionName": "remora",
        "WebIdentityToken": POD_TOKEN,
    }
    assert sts.get("authorization") is None and sts.get("accept") == "application/json"
    for request in pod.asked(is_model):
        assert request.get("authorization").startswith(f"AWS4-HMAC-SHA256 Credential={KEY_ID}/")
        assert "/eu-west-3/bedrock/aws4_request" in request.get("authorization")
        assert request.all("x-amz-security-token") == [SESSION]
        assert SECRET not in request.head.decode() and POD_TOKEN not in request.head.decode()


def test_requests_that_come_first_wait_for_one_question(pod, start_remora):
    gate = Gate()
    pod.server.reply(gate, answer(assumed()), when=is_sts)
    for _ in range(8):
        pod.server.reply(CONVERSE, when=is_model)
    proxy = pod.start(start_remora, pod.irsa)
    pod.server.wait_requests(1)
    got: list[int] = []
    threads = [threading.Thread(target=lambda: got.append(ask(proxy).status)) for _ in range(8)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 10
    while proxy.total("remora_requests_in_flight") < 8:
        assert time.monotonic() < deadline
    gate.open()
    for thread in threads:
        thread.join(10)
    assert got == [200] * 8
    assert len(pod.asked(is_sts)) == 1


def test_a_refusal_says_who_and_what_to_do(pod, start_remora):
    said = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
    for _ in range(20):
        pod.server.reply(
            answer({"Error": {"Code": "AccessDenied", "Message": f"{said} {SESSION * 5}"}}, 403), when=is_sts
        )
    proxy = pod.start(start_remora, pod.irsa)
    got = ask(proxy)
    assert got.status == 502 and got.error["code"] == "upstream_auth"
    message = got.error["message"]
    assert f"{pod.server.origin} refused (403: AccessDenied: {said} …)" in message, message
    assert "AWS_ROLE_ARN" in message and SESSION not in message
    assert got.get("x-should-retry") == "false" and got.get("x-remora-error-source") == "network"
    assert "no credentials for a provider" in proxy.stderr
    # The next one is told so at once: nobody is asked again within the second.
    before = len(pod.asked(is_sts))
    assert ask(proxy).status == 502
    assert len(pod.asked(is_sts)) - before <= 1
    assert not pod.asked(is_model)


@pytest.mark.parametrize(
    "body",
    ["", "<html>", "{}", json.dumps(assumed(-5)), json.dumps(keys(Expiration="soon"))],
    ids=["nothing", "a page", "an empty object", "expired", "another shape"],
)
def test_an_answer_that_is_none(pod, start_remora, body):
    for _ in range(5):
        pod.server.reply(answer(body), when=is_sts)
    proxy = pod.start(start_remora, pod.irsa)
    got = ask(proxy)
    assert got.status == 502 and got.error["code"] == "upstream_auth"
    assert f"the answer of {pod.server.origin} can't be used" in got.error["message"]


def test_a_token_file_that_is_missing_is_named(pod, start_remora, tmp_path):
    env = {**pod.irsa, "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "nowhere")}
    got = ask(pod.start(start_remora, env))
    assert got.status == 502
    assert f"AWS_WEB_IDENTITY_TOKEN_FILE ({tmp_path / 'nowhere'}): can't be read" in got.error["message"]


def test_a_service_with_a_strange_certificate_is_not_asked(pod, start_remora):
    env = {**pod.irsa, "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt"}
    got = ask(pod.start(start_remora, env))
    assert got.status == 502 and "certificate" in got.error["message"], got.error
    assert not pod.server.requests


def test_a_container_endpoint_is_asked_with_its_token(pod, start_upstream, start_remora):
    agent = start_upstream(None, name="127.0.0.1")
    expiration = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    agent.reply(answer(keys(Token=SESSION, Expiration=expiration, AccountId="1")))
    pod.server.reply(CONVERSE, when=is_model)
    env = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{agent.origin}/v1/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(pod.token_file),
    }
    got = ask(pod.start(start_remora, env, region="eu-west-3"))
    assert got.status == 200, got.body
    assert agent.last.target == "/v1/credentials" and agent.last.get("authorization") == POD_TOKEN
    assert pod.server.last.get("x-amz-security-token") == SESSION


def test_a_key_of_bedrocks_own_is_no_signature(pod, start_remora, tmp_path):
    key = tmp_path / "bedrock.key"
    key.write_text(SECRET)
    pod.server.reply(CONVERSE, when=is_model)
    got = ask(pod.start(start_remora, {}, region="eu-west-3", api_key={"file": str(key)}))
    assert got.status == 200, got.body
    assert pod.server.last.get("authorization") == f"Bearer {SECRET}"
    assert not any(name.startswith("x-amz-") for name in pod.server.last.names)


STATIC = {"AWS_REGION": "eu-west-3", "AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}


def test_the_providers_clock_is_believed_once(pod, start_remora):
    """A signature of a wrong time is refused with the right one beside it."""
    ahead = datetime.now(UTC) + timedelta(hours=2)
    pod.server.reply(
        answer(
            {"message": "Signature expired"},
            403,
            x_amzn_errortype="InvalidSignatureException",
            date=format_datetime(ahead, usegmt=True),
        ),
        when=is_model,
    )
    pod.server.reply(CONVERSE, when=is_model)
    got = ask(pod.start(start_remora, STATIC))
    assert got.status == 200, got.body
    first, second = (
        datetime.strptime(each.get("x-amz-date"), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        for each in pod.asked(is_model)
    )
    assert abs(second - ahead) < timedelta(minutes=1) < ahead - first
    assert first.date() == second.date() or pod.asked(is_model)[1].get("authorization").count(f"{second:%Y%m%d}")


def test_keys_that_were_rotated_in_this_moment_are_read_again(pod, start_remora, tmp_path):
    files = {}
    for name, text in {"access_key_id": "AKIAOLDOLDOLD", "secret_access_key": "old-canary-secret-77"}.items():
        files[name] = tmp_path / name
        files[name].write_text(text)

    def rotate(connection, request) -> None:
        files["access_key_id"].write_text(KEY_ID)
        files["secret_access_key"].write_text(SECRET)

    refused = answer({"message": "invalid"}, 403, x_amzn_errortype="UnrecognizedClientException")
    pod.server.reply(rotate, refused, when=is_model)
    pod.server.reply(CONVERSE, when=is_model)
    pod.server.reply(CONVERSE, when=is_model)
    named = {name: {"file": str(file)} for name, file in files.items()}
    proxy = pod.start(start_remora, {"AWS_REGION": "eu-west-3"}, credentials=named)
    proxy.secrets.append("old-canary-secret-77")
    assert [ask(proxy).status for _ in range(2)] == [200, 200]
    shown = [each.get("authorization").split("Credential=")[1].split("/")[0] for each in pod.asked(is_model)]
    assert shown == ["AKIAOLDOLDOLD", KEY_ID, KEY_ID]


def test_what_a_role_may_not_is_not_tried_again(pod, start_remora):
    pod.server.reply(
        answer({"Message": "not authorized to perform: bedrock:InvokeModel"}, 403, x_amzn_errortype="AccessDeniedException"),
        when=is_model,
    )
    got = ask(pod.start(start_remora, STATIC))
    assert got.status == 502 and got.error["code"] == "upstream_auth"
    assert len(pod.asked(is_model)) == 1


def test_a_clients_own_signature_stays_here(pod, start_remora):
    pod.server.reply(CONVERSE, when=is_model)
    mine = {"x-amz-date": "20000101T000000Z", "X-Amz-Security-Token": "mine", "authorization": "AWS4-HMAC-SHA256 x"}
    got = ask(pod.start(start_remora, STATIC), CHAT, **mine)
    assert got.status == 200, got.body
    assert len(pod.server.last.all("x-amz-date")) == len(pod.server.last.all("authorization")) == 1
    assert pod.server.last.get("x-amz-security-token") is None and "mine" not in pod.server.last.head.decode()


@pytest.mark.parametrize(
    ("provider", "env", "complaint"),
    [
        ({"region": "eu-west-3"}, {}, "has no credentials; write credentials"),
        ({}, {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}, "needs the region of its models"),
        ({"region": "eu/west"}, STATIC, "must be a region such as eu-west-1"),
        ({"region": "eu-west-3", "api_key": "none"}, {}, "has no credentials; write credentials"),
    ],
)
def test_what_is_missing_is_said_before_anything_starts(tmp_path, provider, env, complaint):
    file = tmp_path / "remora.yaml"
    file.write_text(json.dumps({"providers": {"bedrock": provider}}))
    done = run("check", str(file), env=env)
    assert done.returncode == 1 and complaint in done.stdout + done.stderr, done.stdout + done.stderr
    assert SECRET not in done.stdout + done.stderr


def test_a_key_and_a_region_in_the_environment_are_enough(tmp_path):
    env = {"AWS_BEARER_TOKEN_BEDROCK": SECRET, "AWS_DEFAULT_REGION": "eu-west-3"}
    done = run("explain", MODEL, env=env, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "https://bedrock-runtime.eu-west-3.amazonaws.com" in done.stdout and SECRET not in done.stdout


def test_what_would_be_signed_is_said_so(pod, tmp_path):
    file, body = tmp_path / "remora.yaml", tmp_path / "body.json"
    file.write_text(json.dumps({"providers": {"bedrock": {}}}))
    body.write_text(json.dumps(CHAT))
    done = run("explain", MODEL, "--config", str(file), "--body", str(body), env=STATIC)
    assert "authorization: AWS4-HMAC-SHA256 ***" in done.stdout, done.stdout + done.stderr
    assert SECRET not in done.stdout + done.stderr


# Google


@pytest.fixture(scope="module")
def service_account_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


GENERATED = answer(
    {"candidates": [{"content": {"role": "model", "parts": [{"text": "Fine."}]}, "finishReason": "STOP"}]}
)
VERTEX = {"project": "p", "location": "europe-west4"}


def vertex(pod, start_remora, env, **settings):
    file = pod.token_file.with_name("asked.yaml")
    file.write_text(json.dumps(pod.config("vertex", **VERTEX, **settings)))
    done = run("check", str(file), env=env)
    if "not available yet" in done.stdout + done.stderr:
        pytest.skip("kind vertex is not available yet")
    assert done.returncode == 0, done.stdout + done.stderr
    return pod.start(start_remora, env, "vertex", **VERTEX, **settings)


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize("named_by", ["the configuration", "the environment"])
def test_a_service_account_signs_for_a_token(pod, start_remora, service_account_key, tmp_path, named_by):
    account = tmp_path / "account.json"
    account.write_text(
        json.dumps(
            {
                "type": "service_account",
                "client_email": "remora@p.iam.gserviceaccount.com",
                "private_key_id": "kid-1",
                "private_key": pem(service_account_key),
                "token_uri": f"{pod.server.origin}/token",
            },
            indent=2,
        )
    )
    token = answer({"access_token": SESSION, "expires_in": 3599, "token_type": "Bearer"})
    pod.server.reply(token, when=lambda request: request.target == "/token")
    pod.server.reply(GENERATED, when=lambda request: request.target.startswith("/v1/projects/"))
    env = {"SSL_CERT_FILE": str(pod.ca_file)}
    if named_by == "the environment":
        proxy = vertex(pod, start_remora, {**env, "GOOGLE_APPLICATION_CREDENTIALS": str(account)})
    else:
        proxy = vertex(pod, start_remora, env, credentials={"file": str(account)})
    proxy.secrets.append(pem(service_account_key).splitlines()[5])
    got = ask(proxy, {**CHAT, "model": "vertex/gemini-2.5-flash"})
    assert got.status == 200, got.body
    assert pod.server.last.get("authorization") == f"Bearer {SESSION}"
    form = dict(urllib.parse.parse_qsl(pod.server.requests[0].body.decode()))
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    head, claims, signature = form["assertion"].split(".")
    service_account_key.public_key().verify(
        decoded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256()
    )
    assert json.loads(decoded(head)) == {"alg": "RS256", "typ": "JWT", "kid": "kid-1"}
    claimed = json.loads(decoded(claims))
    assert claimed["iss"] == "remora@p.iam.gserviceaccount.com"
    assert claimed["aud"] == f"{pod.server.origin}/token"
    assert claimed["scope"] == "https://www.googleapis.com/auth/cloud-platform"
    assert claimed["exp"] - claimed["iat"] == 3600 and abs(claimed["iat"] - time.time()) < 60


def test_the_metadata_server_gives_a_token(pod, start_upstream, start_remora):
    server = start_upstream(None, name="127.0.0.1")
    server.reply(answer({"access_token": SESSION, "expires_in": 3599, "token_type": "Bearer"}))
    pod.server.reply(GENERATED)
    proxy = vertex(pod, start_remora, {"GCE_METADATA_HOST": f"127.0.0.1:{server.port}"})
    got = ask(proxy, {**CHAT, "model": "vertex/gemini-2.5-flash"})
    assert got.status == 200, got.body
    assert server.last.target == "/computeMetadata/v1/instance/service-accounts/default/token"
    assert server.last.get("metadata-flavor") == "Google"
    assert pod.server.last.get("authorization") == f"Bearer {SESSION}"


# Entra


def test_a_workload_identity_becomes_an_entra_token(pod, start_remora):
    def is_entra(request) -> bool:
        return request.target == "/tenant-1/oauth2/v2.0/token"

    pod.server.reply(answer({"token_type": "Bearer", "expires_in": 3599, "access_token": SESSION}), when=is_entra)
    env = {
        "AZURE_FEDERATED_TOKEN_FILE": str(pod.token_file),
        "AZURE_CLIENT_ID": "client-1",
        "AZURE_TENANT_ID": "tenant-1",
        "AZURE_AUTHORITY_HOST": f"{pod.server.origin}/",
        "SSL_CERT_FILE": str(pod.ca_file),
    }
    said = {"index": 0, "message": {"role": "assistant", "content": "Fine."}, "finish_reason": "stop"}
    pod.server.reply(
        answer({"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4o", "choices": [said]}),
        when=lambda request: request.target.startswith("/openai/"),
    )
    proxy = pod.start(start_remora, env, "azure")
    got = ask(proxy, {**CHAT, "model": "azure/gpt-4o"})
    assert got.status == 200, got.body
    assert pod.server.last.target.startswith("/openai/v1/chat/completions")
    assert pod.server.last.get("authorization") == f"Bearer {SESSION}"
    assert pod.server.last.get("api-key") is None
    form = dict(urllib.parse.parse_qsl(pod.asked(is_entra)[0].body.decode()))
    assert form["client_assertion"] == POD_TOKEN and form["client_id"] == "client-1"
    assert form["scope"] == "https://cognitiveservices.azure.com/.default"


# Memory


@pytest.mark.build("keeps what was freed")
@pytest.mark.parametrize("which", ["AWS", "Google", "Entra"])
@pytest.mark.parametrize("cut", [False, True], ids=["at once", "in parts"])
def test_tokens_are_nowhere_but_where_they_are_kept(pod, start_remora, service_account_key, tmp_path, which, cut):
    """A token that was fetched and shown is once in the process: in memory that is wiped when it goes."""
    if os.geteuid() != 0:
        pytest.skip("only root can look into a process that can't be dumped")

    def steps(token: bytes):
        """Such that what is read grows, or comes after a read that brought nothing."""
        return (Pause(0.02), token[:-2], Pause(0.02), token[-2:]) if cut else (token,)

    if which == "AWS":
        pod.server.reply(*steps(answer(assumed())), when=is_sts)
        proxy = pod.start(start_remora, pod.irsa)
        body, said = CHAT, CONVERSE
    elif which == "Google":
        account = tmp_path / "account.json"
        account.write_text(json.dumps({"type": "service_account", "client_email": "a@b", "private_key_id": "k",
                                       "private_key": pem(service_account_key), "token_uri": f"{pod.server.origin}/token"}))
        token = answer({"access_token": SESSION, "expires_in": 3599})
        pod.server.reply(*steps(token), when=lambda request: request.target == "/token")
        proxy = vertex(pod, start_remora, {"SSL_CERT_FILE": str(pod.ca_file)}, credentials={"file": str(account)})
        body, said = {**CHAT, "model": "vertex/gemini-2.5-flash"}, GENERATED
    else:
        token = answer({"access_token": SESSION, "expires_in": 3599})
        pod.server.reply(*steps(token), when=lambda request: request.target.startswith("/tenant-1/"))
        env = {"AZURE_FEDERATED_TOKEN_FILE": str(pod.token_file), "AZURE_CLIENT_ID": "c", "AZURE_TENANT_ID": "tenant-1",
               "AZURE_AUTHORITY_HOST": f"{pod.server.origin}/", "SSL_CERT_FILE": str(pod.ca_file)}
        proxy = pod.start(start_remora, env, "azure")
        body = {**CHAT, "model": "azure/gpt-4o"}
        choice = {"index": 0, "message": {"role": "assistant", "content": "Fine."}, "finish_reason": "stop"}
        said = answer({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]})
    for size in (1, 1, 30_000, 200_000, 1):
        pod.server.reply(said)
        assert ask(proxy, {**body, "messages": [{"role": "user", "content": "x" * size}]}).status == 200
    (asked,) = pod.asked(lambda request: is_sts(request) or "token" in request.target)
    for secret in (SESSION, POD_TOKEN, asked.body.decode()[-60:]):
        found = found_in_memory(proxy, secret)
        assert len(found) <= (1 if secret == SESSION else 0), (secret, found)
