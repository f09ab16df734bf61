"""Requests to Bedrock are signed as AWS's own library signs them."""

from __future__ import annotations

import datetime
import hashlib

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from replay import matrix
from replay.kinds import AWS_KEY_ID, AWS_SECRET, AWS_TOKEN, REGION
from test_replay_requests import send
from wire import post_json

pytestmark = pytest.mark.proxy


def signature_of(replayer, request, model_path: str) -> str:
    """What botocore makes of the same request."""
    signed = request.get("authorization").split("SignedHeaders=")[1].split(",")[0].split(";")
    headers = {name: request.get(name) for name in signed}
    again = AWSRequest("POST", replayer.upstream.origin + request.target, headers=headers, data=request.body)
    again.context["timestamp"] = request.get("x-amz-date")
    again.context["payload_signing_enabled"] = True
    auth = SigV4Auth(Credentials(AWS_KEY_ID, AWS_SECRET, AWS_TOKEN), "bedrock", REGION)
    canonical = auth.canonical_request(again)
    assert model_path in canonical, canonical
    return auth.signature(auth.string_to_sign(again, canonical), again)


@pytest.mark.parametrize("streamed", [False, True])
def test_signature(replayer, streamed):
    answer, request = send(replayer, "bedrock", {"messages": [matrix.USER]}, streamed=streamed)
    assert answer.status == 200, answer.body
    check(replayer, request, "/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%253A0/converse")


def check(replayer, request, path: str) -> None:
    authorization = request.get("authorization")
    stamp = request.get("x-amz-date")
    scope = f"{AWS_KEY_ID}/{stamp[:8]}/{REGION}/bedrock/aws4_request"
    assert authorization.startswith(f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders="), authorization
    signed = authorization.split("SignedHeaders=")[1].split(",")[0].split(";")
    assert signed == sorted(signed) and {"host", "x-amz-date", "x-amz-security-token"} <= set(signed)
    assert not {"connection", "content-length", "transfer-encoding", "x-request-id"} & set(signed)
    assert request.get("x-amz-security-token") == AWS_TOKEN
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    assert abs(now - datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ")) < datetime.timedelta(minutes=1)
    if (said := request.get("x-amz-content-sha256")) is not None:
        assert said == hashlib.sha256(request.body).hexdigest()
    assert authorization.rsplit("Signature=", 1)[1] == signature_of(replayer, request, path)


@pytest.mark.parametrize(
    ("model", "path"),
    [
        (
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-3-haiku-20240307-v1:0",
            "/model/arn%253Aaws%253Abedrock%253Aus-east-1%253A123456789012%253Ainference-profile%252Fus.anthropic",
        ),
        ("amazon.nova-2-lite-v1:0", "/model/amazon.nova-2-lite-v1%253A0/converse"),
        ("with space+plus~tilde_é", "/model/with%2520space%252Bplus~tilde_%25C3%25A9/converse"),
    ],
)
def test_signature_of_odd_names(replayer, model, path):
    replayer.upstream.reply(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    body = {"model": f"bedrock/{model}", "messages": [matrix.USER]}
    with replayer.proxy.connect() as client:
        client.ask(post_json("/v1/chat/completions", body))
    check(replayer, replayer.upstream.last, path)
