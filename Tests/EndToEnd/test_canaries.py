"""What policies find stands nowhere: each test of the suite looks for it, and here it is seen that a leak would show."""

from __future__ import annotations

import json
import socket

import pytest
from canaries import CARD, MAIL, assert_clean, canary, forms, found, hear
from conftest import http
from remora import run
from wire import RawClient, json_answer, post_json

pytestmark = pytest.mark.proxy

POLICIES = {"pii": {"kind": "pii_detector", "action": "redact"}}


def chat(text: str) -> dict:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}


@pytest.mark.parametrize("place", ["stdout", "stderr", "audit", "metrics"])
@pytest.mark.parametrize("form", [CARD, CARD.replace(" ", ""), MAIL, MAIL.encode().hex()])
def test_a_value_in_what_a_process_shows_fails_the_test_that_ran_it(start_remora, upstream, tmp_path, monkeypatch, place, form):
    audit = tmp_path / "audit.jsonl"
    policies = {**POLICIES, "audit": {"kind": "audit_log", "file": str(audit)}}
    proxy = start_remora(upstream, {"policies": policies, "policy_chain": ["pii", "audit"]})
    assert proxy.ask(post_json("/v1/chat/completions", chat(f"{MAIL} {CARD}"))).status == 200
    if place == "metrics":
        counted = proxy.counted
        monkeypatch.setattr(proxy, "counted", lambda: f'{counted()}leaked{{value="{form}"}} 1\n')
    else:
        file = {"stdout": proxy.stdout_file, "stderr": proxy.stderr_file, "audit": audit}[place]
        with file.open("r+b") as leak:
            # Behind all that the process may write yet.
            leak.seek(1 << 20)
            leak.write(json.dumps({"said": form}).encode() + b"\n")
    with pytest.raises(AssertionError, match=f"{place}.* holds"):
        proxy.stop()


def refusal(text: str) -> bytes:
    return json_answer({"error": {"message": text, "type": "policy_violation"}}, 422, {"x-remora-error-source": "remora"})


def test_a_value_in_an_error_of_remoras_fails_the_test_that_reads_it(sdk):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        client = RawClient.__new__(RawClient)
        client.socket, client.buffer, client.ended = ours, b"", False
        theirs.sendall(refusal("fine") + refusal(f"not {MAIL}"))
        assert client.response().status == 422
        with pytest.raises(AssertionError, match="holds"):
            client.response()


def test_a_value_in_an_error_fails_the_test_of_an_sdk(sdk, remora):
    head = {"x-remora-error-source": "remora"}
    answer = http.MockTransport(lambda _: http.Response(422, headers=head, json={"error": {"message": f"not {MAIL}"}}))
    with pytest.raises(AssertionError, match="holds"):
        sdk(remora, transport=answer).models.list()


def test_a_streams_last_error_is_looked_at_and_a_providers_is_not():
    error = f'data: {{"error": {{"type":"policy_violation", "message": "not {MAIL}"}}}}'
    hear(200, None, f"data: {MAIL}\n\n".encode())
    hear(400, "upstream", MAIL.encode())
    with pytest.raises(AssertionError, match="holds"):
        hear(200, None, f"data: {MAIL}\n\n{error}\n\n".encode())


def test_a_value_that_a_test_names_is_looked_for_from_then_on():
    value = canary("one canary more 8b1c")
    assert found().count(canary(value)) == 1
    for form in forms(value):
        with pytest.raises(AssertionError, match="holds"):
            assert_clean(f"x{form}y", found(), "a text")


def test_a_command_that_repeats_a_value_fails_the_test_that_runs_it():
    with pytest.raises(AssertionError, match="holds"):
        run(canary("no-such-command-5d0e"))
