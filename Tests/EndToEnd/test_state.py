"""`state_dir`: what budgets have spent outlives the process, and nothing about the file ends it."""

from __future__ import annotations

import json
import signal
import time

import pytest
from remora import PROMPT, merged
from wire import post_json

pytestmark = pytest.mark.proxy

CHAT = {"model": "gpt-4o", "max_tokens": 8, "messages": [{"role": "user", "content": PROMPT}]}
COST = (8 * 2_500_000 + 3 * 1_250_000 + 8 * 10_000_000) / 1e12


def budgeted(directory, **changes) -> dict:
    return merged(
        {
            "state_dir": str(directory),
            "prices": {"gateway/gpt-4o": {"input": 2.5, "output": 10, "cached_input": 1.25}},
            "limits": {"budget_usd": {"amount": 1, "per": "30d"}},
        },
        changes,
    )


def spend(proxy) -> None:
    assert proxy.ask(post_json("/v1/chat/completions", CHAT)).status == 200
    proxy.access_log(1)
    proxy.mark_log()


def spent(proxy) -> float:
    return round(1 - proxy.total("remora_budget_remaining_usd", scope="pod"), 9)


def test_a_restart_keeps_what_is_spent(start_remora, upstream, tmp_path):
    directory = tmp_path / "state" / "of" / "remora"
    for number in range(1, 4):
        proxy = start_remora(upstream, budgeted(directory))
        spend(proxy)
        assert spent(proxy) == round(number * COST, 9)
        proxy.stop()
    kept = json.loads((directory / "limits.json").read_text())
    assert kept["v"] == 1 and kept["pod"]["budget"]["spent"] == round(3 * COST * 1e9)
    assert kept["pod"]["budget"]["reserved"] == 0
    assert (directory / "limits.json").stat().st_mode & 0o077 == 0


def test_a_crash_loses_seconds_at_most(start_remora, upstream, tmp_path):
    proxy = start_remora(upstream, budgeted(tmp_path / "state"))
    spend(proxy)
    for _ in range(100):
        if (tmp_path / "state" / "limits.json").exists():
            break
        time.sleep(0.1)
    process, proxy.process = proxy.process, None
    process.send_signal(signal.SIGKILL)
    process.wait()
    again = start_remora(upstream, budgeted(tmp_path / "state"))
    assert spent(again) == round(COST, 9)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        '{"v":1,"at":1,"groups":{},"crc":"00000000"}',
        "\x00" * 4096,
        "x" * (2 << 20),
        None,
    ],
    ids=["empty", "cut", "null", "wrong sum", "zeros", "huge", "a directory"],
)
def test_a_file_that_cannot_be_used(start_remora, upstream, tmp_path, text):
    directory = tmp_path / "state"
    directory.mkdir()
    file = directory / "limits.json"
    if text is None:
        file.mkdir()
    else:
        file.write_text(text)
    proxy = start_remora(upstream, budgeted(directory))
    assert spent(proxy) == 0
    assert proxy.total("remora_state_problems_total", kind="read") == 1
    assert "corrupt-" in proxy.stderr
    assert [each for each in directory.iterdir() if each.name.startswith("limits.json.corrupt-")]
    spend(proxy)
    proxy.stop()
    assert json.loads(file.read_text())["pod"]["budget"]["spent"] == round(COST * 1e9)


def test_a_directory_that_is_none(start_remora, upstream, tmp_path):
    (tmp_path / "file").write_text("")
    proxy = start_remora(upstream, budgeted(tmp_path / "file"))
    spend(proxy)
    assert "state_dir" in proxy.stderr
    assert proxy.total("remora_state_problems_total", kind="write") >= 1


def test_another_span_begins_anew(start_remora, upstream, tmp_path):
    proxy = start_remora(upstream, budgeted(tmp_path / "state"))
    spend(proxy)
    proxy.stop()
    again = start_remora(upstream, budgeted(tmp_path / "state", limits={"budget_usd": {"amount": 1, "per": "7d"}}))
    assert spent(again) == 0


def test_groups_have_their_own(start_remora, upstream, tmp_path):
    (tmp_path / "key").write_text("rk-canary")
    changes = {
        "limits": None,
        "consumers": {
            "groups": {"finance": {"key": {"file": str(tmp_path / "key")}, "limits": {"budget_usd": {"amount": 1, "per": "1d"}}}}
        },
    }
    proxy = start_remora(upstream, budgeted(tmp_path / "state", **changes))
    assert proxy.ask(post_json("/v1/chat/completions", CHAT, {"x-remora-key": "rk-canary"})).status == 200
    proxy.access_log(1)
    proxy.stop()
    kept = json.loads((tmp_path / "state" / "limits.json").read_text())
    assert list(kept["groups"]) == ["finance"] and "pod" not in kept
    again = start_remora(upstream, budgeted(tmp_path / "state", **changes))
    assert round(1 - again.total("remora_budget_remaining_usd", group="finance"), 9) == round(COST, 9)
