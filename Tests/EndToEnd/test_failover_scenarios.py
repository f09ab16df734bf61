"""The sixteen scenarios of Failover Bench (methodology 0.1, 2026-09), each as a stream that the SDK reads: the whole answer
or a clear error, never a part that looks whole, never a hang, and few requests at a provider that is in trouble."""

from __future__ import annotations

import json
import time

import openai
import pytest

from openai_server import failure
from test_plans import MESSAGES, ROLE, STOP, TEXT, events, pair, seen
from upstream import CLOSE, RESET, STALL

__all__ = ["pair"]

pytestmark = pytest.mark.proxy

ANSWER = "hi" * 3
USAGE = b'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"a","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":3,"total_tokens":6}}\n\n'
END = b"data: [DONE]\n\n"
STOPPED = STOP.removesuffix(END)
WHOLE = (ROLE, TEXT, TEXT, TEXT, STOPPED, USAGE, END)
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


class Told:
    """What one call came to."""

    text = ""
    model = ""
    usage = None
    finish = None
    error: Exception | None = None
    seconds = 0.0


def call(sdk, proxy, model="m", **options) -> Told:
    told = Told()
    client = sdk(proxy, **options)
    began = time.monotonic()
    try:
        asked = {"model": model, "messages": MESSAGES, "stream": True, "stream_options": {"include_usage": True}}
        for each in client.chat.completions.create(**asked):
            told.model = each.model or told.model
            told.usage = each.usage or told.usage
            for choice in each.choices:
                told.text += choice.delta.content or ""
                told.finish = choice.finish_reason or told.finish
    except openai.APIError as error:
        told.error = error
    told.seconds = time.monotonic() - began
    return told


def check_whole(told: Told) -> None:
    assert (told.error, told.text, told.finish) == (None, ANSWER, "stop")


def limited(after: str | None) -> bytes:
    body = json.dumps({"error": {"message": "slow down", "type": "rate_limit_error", "code": None}}).encode()
    field = f"Retry-After: {after}\r\n" if after else ""
    head = f"HTTP/1.1 429 X\r\nContent-Type: application/json\r\n{field}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize("model", ["m", "lone"])
def test_scenario_01_a_limit_that_says_for_how_long(pair, sdk, model):
    proxy, first, second = pair()
    first.reply(limited("2"))
    first.reply(events(*WHOLE))
    second.reply(events(*WHOLE))
    told = call(sdk, proxy, model)
    check_whole(told)
    # Another target answers at once; without one, the wait is kept.
    assert told.seconds < 1.5 if model == "m" else 1.9 < told.seconds < 5
    assert seen(first) == (1 if model == "m" else 2)


@pytest.mark.parametrize("model", ["m", "lone"])
def test_scenario_02_a_limit_that_lasts(pair, sdk, model):
    proxy, first, second = pair()
    for _ in range(20):
        first.reply(limited(None))
    second.reply(events(*WHOLE))
    told = call(sdk, proxy, model, max_retries=2)
    assert seen(first) <= 3 and told.seconds < 10
    if model == "m":
        check_whole(told)
    else:
        assert isinstance(told.error, openai.RateLimitError) and not told.text


@pytest.mark.parametrize("model", ["m", "lone"])
def test_scenario_03_a_failure_that_passes(pair, sdk, model):
    proxy, first, second = pair()
    first.reply(failure(500, "no"))
    for each in (first, second):
        each.reply(events(*WHOLE))
    check_whole(call(sdk, proxy, model))
    assert (seen(first), seen(second)) == ((1, 1) if model == "m" else (2, 0))


@pytest.mark.parametrize("model", ["m", "lone"])
def test_scenario_04_a_failure_that_lasts(pair, sdk, model):
    proxy, first, second = pair()
    for _ in range(20):
        first.reply(failure(503, "overloaded"))
    second.reply(events(*WHOLE))
    told = call(sdk, proxy, model, max_retries=2)
    assert seen(first) <= 3
    if model == "m":
        check_whole(told)
    else:
        assert told.error.status_code == 503 and "overloaded" in str(told.error)


@pytest.mark.parametrize("model", ["m", "lone"])
def test_scenario_05_a_connection_that_is_reset(pair, sdk, model):
    proxy, first, second = pair()
    first.reply(RESET)
    for each in (first, second):
        each.reply(events(*WHOLE))
    check_whole(call(sdk, proxy, model))


@pytest.mark.parametrize("model", ["m", "lone"])
def test_scenario_06_a_provider_that_never_answers(pair, sdk, model):
    proxy, first, second = pair(one={"timeouts": {"connect": "2s", "first_byte": "1s", "idle": "1s"}})
    for _ in range(3):
        first.reply(STALL)
    second.reply(events(*WHOLE))
    told = call(sdk, proxy, model, max_retries=2)
    # A silent provider is not asked again for the same request: that only multiplies the wait. The SDK may ask again.
    if model == "m":
        check_whole(told)
        assert seen(first) == 1 and told.seconds < 4
    else:
        assert told.error.status_code == 504 and seen(first) == 3 and told.seconds < 10


def test_scenario_07_a_first_word_that_takes_long(pair, sdk):
    proxy, first, second = pair({"first_token": "1s"})
    first.reply(CHUNKED, STALL)
    second.reply(events(*WHOLE))
    told = call(sdk, proxy)
    check_whole(told)
    assert told.seconds < 4 and seen(second) == 1


@pytest.mark.parametrize("model", ["m", "lone"])
def test_scenario_08_a_stream_that_is_cut(pair, sdk, model):
    proxy, first, second = pair()
    first.reply(CHUNKED + b"%x\r\n%s\r\n" % (len(ROLE + TEXT * 2), ROLE + TEXT * 2), CLOSE)
    told = call(sdk, proxy, model)
    assert told.error is not None and told.finish is None and told.text == "hihi"
    assert seen(second) == 0


@pytest.mark.parametrize("model", ["m", "lone"])
def test_scenario_09_a_stream_that_stalls(pair, sdk, model):
    proxy, first, second = pair(one={"timeouts": {"connect": "2s", "first_byte": "2s", "idle": "1s"}})
    first.reply(CHUNKED + b"%x\r\n%s\r\n" % (len(ROLE + TEXT), ROLE + TEXT), STALL)
    told = call(sdk, proxy, model)
    assert told.error is not None and told.finish is None and told.seconds < 4
    for each in (first, second):
        each.reply(events(*WHOLE))
    check_whole(call(sdk, proxy, model))


@pytest.mark.parametrize("model", ["m", "lone"])
def test_scenario_10_an_event_that_is_no_json(pair, sdk, model):
    proxy, first, second = pair()
    first.reply(events(ROLE, TEXT, b'data: {"choices":[{"delta":{"content":"h\n\n', TEXT, TEXT, STOPPED, USAGE, END))
    second.reply(events(*WHOLE))
    told = call(sdk, proxy, model)
    if model == "m" and told.error is None:
        # It came before anything of the answer had gone to the client.
        check_whole(told)
    else:
        assert told.error is not None and told.finish is None
    for each in (first, second):
        each.reply(events(*WHOLE))
    check_whole(call(sdk, proxy, model))


@pytest.mark.parametrize("model", ["m", "lone"])
def test_scenario_11_a_stream_without_its_last_word(pair, sdk, model):
    proxy, first, _ = pair()
    first.reply(events(ROLE, TEXT, TEXT, TEXT, STOPPED, USAGE))
    told = call(sdk, proxy, model)
    check_whole(told)
    assert told.seconds < 2 and told.usage.total_tokens == 6


@pytest.mark.parametrize("model", ["m", "lone"])
def test_scenario_12_a_window_that_is_too_small(pair, sdk, model):
    proxy, first, second = pair()
    for _ in range(3):
        first.reply(failure(400, "too long", code="context_length_exceeded"))
    second.reply(events(*WHOLE))
    told = call(sdk, proxy, model, max_retries=2)
    assert seen(first) == 1
    if model == "m":
        check_whole(told)
    else:
        assert told.error.code == "context_length_exceeded"


@pytest.mark.parametrize("model", ["m", "lone"])
def test_scenario_13_a_filter_that_says_no(pair, sdk, model):
    proxy, first, second = pair()
    for _ in range(3):
        first.reply(failure(400, "not this", code="content_policy_violation"))
    told = call(sdk, proxy, model, max_retries=2)
    assert (seen(first), seen(second)) == (1, 0)
    assert told.error.code == "content_policy_violation" and "not this" in str(told.error)


def test_scenario_14_a_cut_answer_is_not_given_to_another_to_go_on_with(pair, sdk):
    proxy, first, second = pair()
    first.reply(CHUNKED + b"%x\r\n%s\r\n" % (len(ROLE + TEXT), ROLE + TEXT), CLOSE)
    second.reply(failure(400, "a turn of the assistant's can't be last"))
    told = call(sdk, proxy, max_retries=2)
    assert told.error is not None and told.finish is None and "assistant" not in str(told.error)
    assert seen(second) == 0


def test_scenario_15_a_provider_that_is_down_and_comes_back(pair, sdk):
    proxy, first, second = pair()
    for _ in range(5):
        first.reply(failure(503, "down"))
    deadline = time.monotonic() + 40
    while True:
        for each in (first, second):
            each.reply(events(*WHOLE))
        asked = seen(first)
        told = call(sdk, proxy)
        check_whole(told)
        if asked >= 5 and seen(first) > asked:
            break
        # While it is down, it is left alone behind five failures in a row.
        assert seen(first) <= 6 and time.monotonic() < deadline, "the target never came back"
        time.sleep(0.05)


def test_scenario_16_who_answered_and_what_it_took(pair, sdk):
    proxy, first, second = pair()
    first.reply(failure(503, "down"))
    second.reply(events(*[part.replace(b'"model":"m"', b'"model":"b"') for part in WHOLE]).replace(b'"model":"a"', b'"model":"b"'))
    proxy.mark_log()
    told = call(sdk, proxy)
    check_whole(told)
    assert (told.model, told.usage.total_tokens) == ("b", 6)
    line = proxy.access_log()[0]
    assert (line["provider"], line["attempts"], line["tokens_in"], line["tokens_out"]) == ("two", 2, 3, 3)
    assert proxy.total("remora_tokens_total", provider="one") == 0
