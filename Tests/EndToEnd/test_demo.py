"""`remora demo` and `kind: mock`: the main job with no key and no network."""

from __future__ import annotations

import re
import signal
import subprocess
import time

import openai
import pytest

from conftest import sdk_options
from remora import BINARY, PROMPT, ROOT, environment
from wire import post_json, sse_data

pytestmark = pytest.mark.proxy


def test_demo(tmp_path):
    """Says what it did, then serves what it said, until Ctrl-C."""
    log = tmp_path / "stdout.log"
    with log.open("wb") as stdout, (tmp_path / "stderr.log").open("wb") as stderr:
        process = subprocess.Popen(
            [str(BINARY), "demo"],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env=environment(),
            cwd=tmp_path,
        )
    try:
        deadline = time.monotonic() + 10
        found = None
        while time.monotonic() < deadline and process.poll() is None:
            text = log.read_text()
            found = re.search(r"OPENAI_BASE_URL=(http://\S+/v1)", text)
            if found and "remora_requests_total" in text:
                break
            time.sleep(0.02)
        said = log.read_text() + (tmp_path / "stderr.log").read_text()
        assert process.poll() is None, said
        assert found, said
        assert "remora_requests_total" in said
        with openai.OpenAI(base_url=found[1], api_key="any", max_retries=0, timeout=10) as client:
            ask = {"model": "gpt-4o", "messages": [{"role": "user", "content": PROMPT}]}
            assert client.chat.completions.create(**ask).choices[0].message.content
            chunks = list(client.chat.completions.create(**ask, stream=True))
            assert any(each.choices and each.choices[0].delta.content for each in chunks)
        process.send_signal(signal.SIGINT)
        assert process.wait(3) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    said = log.read_text()
    assert PROMPT not in said and said.count("\n") <= 45 and max(map(len, said.splitlines())) <= 130
    assert 'remora_time_to_first_token_seconds_sum{endpoint="chat_completions",provider="upstream"' in said
    shown = (ROOT / "README.md").read_text().split("```\n1. A chat")[1].split("…\n```")[0]
    missing = [line for line in ("1. A chat" + shown).splitlines() if shape(line) not in map(shape, said.splitlines())]
    assert not missing, "the README shows another output"


def shape(line: str) -> str:
    """A line without what differs from run to run."""
    return re.sub(r"(…|[0-9.]+) ms|:4\d{4}|:\d{4,5}|EMAIL_\w+|msg_\w+", "#", line).split('"content":')[0]


@pytest.fixture
def mock(start_remora):
    return start_remora(whole={"providers": {"mock": {"kind": "mock"}}, "default_provider": "mock"})


def test_mock_answers_the_sdk(mock):
    with openai.OpenAI(**sdk_options(mock)) as client:
        ask = {"model": "anything", "messages": [{"role": "user", "content": PROMPT}]}
        answer = client.chat.completions.create(**ask)
        assert answer.choices[0].message.content and answer.usage.total_tokens
        with client.chat.completions.stream(**ask) as stream:
            assert stream.get_final_completion().choices[0].message.content
        assert (
            client.embeddings.create(model="anything", input="x", encoding_format="float").data[0].embedding
        )
        assert list(client.models.list())


def test_mock_is_metered(mock):
    body = {"model": "anything", "messages": [{"role": "user", "content": PROMPT}], "stream": True}
    assert sse_data(mock.ask(post_json("/v1/chat/completions", body)).body)[-1] == "[DONE]"
    mock.access_log()
    assert mock.total("remora_requests_total", provider="mock") == 1
    assert mock.total("remora_tokens_total", provider="mock") > 0
    assert mock.total("remora_time_to_first_token_seconds_count", provider="mock") == 1
