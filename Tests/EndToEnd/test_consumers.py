"""`consumers`: who may call, what they may use, and where their keys go: nowhere."""

from __future__ import annotations

import hashlib
import os
import time

import openai
import pytest
from remora import PROMPT, Remora, merged, run
from reloading import wait_reloads, wait_watching
from wire import post_json, request

pytestmark = pytest.mark.proxy

FINANCE = "rk-canary-finance-51c2"
RESEARCH = "rk-canary-research-77e0"
CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": PROMPT}]}


def consumers(directory, **changes) -> dict:
    (directory / "finance.key").write_text(FINANCE + "\n")
    (directory / "research.key").write_text(RESEARCH)
    return merged(
        {
            "consumers": {
                "groups": {
                    "finance": {"key": {"file": str(directory / "finance.key")}, "models": ["gpt-4o", "alias", "o4-*"]},
                    "research": {"key": {"file": str(directory / "research.key")}},
                },
            }
        },
        {"consumers": changes},
    )


@pytest.fixture
def proxy(start_remora, upstream, tmp_path):
    return start_remora(upstream, consumers(tmp_path, required=True))


def chat(proxy, key=None, model="gpt-4o", header="x-remora-key", path="/v1/chat/completions"):
    return proxy.ask(post_json(path, {**CHAT, "model": model}, {header: key} if key else {}))


def rejections(proxy) -> dict[str, float]:
    return {
        reason: proxy.total("remora_consumer_rejections_total", reason=reason) for reason in ("missing", "unknown", "model")
    }


def clean(proxy) -> None:
    """Nothing that it printed holds a group's key."""
    proxy.stop()
    for key in (FINANCE, RESEARCH):
        assert key not in proxy.stdout + proxy.stderr


def test_the_sdk_shows_its_key_in_a_header(proxy, sdk, upstream):
    client = sdk(proxy, default_headers={"x-remora-key": FINANCE})
    said = client.chat.completions.with_raw_response.create(**CHAT)
    assert said.status_code == 200
    assert upstream.last.get("x-remora-key") is None
    assert proxy.log_line(said.headers["x-request-id"])["group"] == "finance"
    with pytest.raises(openai.AuthenticationError) as caught:
        sdk(proxy).chat.completions.create(**CHAT)
    assert caught.value.body["code"] == "invalid_api_key"
    assert "x-remora-key" in caught.value.body["message"]
    with pytest.raises(openai.PermissionDeniedError) as caught:
        client.chat.completions.create(**{**CHAT, "model": "gpt-5"})
    assert caught.value.body["code"] == "model_not_allowed" and caught.value.body["param"] == "model"
    assert list(client.chat.completions.create(**CHAT, stream=True))
    clean(proxy)


@pytest.mark.parametrize("key", [None, "wrong", FINANCE[:-1], FINANCE + "x", FINANCE.upper(), "", " "])
def test_keys_that_are_none(proxy, upstream, key):
    before = len(upstream.requests)
    got = proxy.ask(post_json("/v1/chat/completions", CHAT, {} if key is None else {"x-remora-key": key}))
    assert got.status == 401, got.body
    assert got.error["type"] == "authentication_error" and got.error["code"] == "invalid_api_key"
    assert got.get("x-should-retry") == "false" and got.get("x-remora-error-source") == "remora"
    assert len(upstream.requests) == before
    line = proxy.log_line(got.get("x-request-id"))
    assert "group" not in line and line["error_code"] == "invalid_api_key"
    if key:
        shown = key.strip()
        assert line["key_hint"] == hashlib.sha256(shown.encode()).hexdigest()[:8]
    assert rejections(proxy)["missing" if key is None else "unknown"] == 1
    clean(proxy)


def test_two_keys_are_none(proxy):
    got = proxy.ask(
        post_json("/v1/chat/completions", CHAT, {"x-remora-key": FINANCE}).replace(
            b"\r\n\r\n", f"\r\nX-Remora-Key: {RESEARCH}\r\n\r\n".encode(), 1
        )
    )
    assert got.status == 401 and "more than once" in got.error["message"]


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/gpt-4o", "/models", "/v1/files", "/v1/fine_tuning/jobs"])
def test_required_covers_every_path(proxy, path):
    assert proxy.ask(request("GET", path)).status == 401
    assert proxy.ask(request("GET", path, {"x-remora-key": RESEARCH})).status != 401


def test_health_needs_no_key(proxy):
    assert proxy.ask(request("GET", "/healthz")).status == 200


def test_not_required(start_remora, upstream, tmp_path):
    proxy = start_remora(upstream, consumers(tmp_path))
    got = chat(proxy)
    assert got.status == 200
    assert "group" not in proxy.log_line(got.get("x-request-id"))
    # A key that is shown and unknown is a mistake, required or not.
    assert chat(proxy, "wrong").status == 401
    assert chat(proxy, FINANCE, "gpt-5").status == 403


@pytest.mark.parametrize(
    "header, shown",
    [
        ("x-kt-api-key", "{}"),
        ("X-Team-Key", "{}"),
        ("authorization", "Bearer {}"),
        ("authorization", "{}"),
        ("api-key", "{}"),
        ("x-api-key", "{}"),
    ],
)
@pytest.mark.parametrize("passes", [False, True], ids=["own key", "passthrough"])
def test_the_header_is_free_and_stays_here(start_remora, upstream, tmp_path, header, shown, passes):
    provider = {"api_key": "passthrough"} if passes else None
    proxy = start_remora(upstream, consumers(tmp_path, header=header, required=True), provider=provider)
    got = proxy.ask(post_json("/v1/chat/completions", CHAT, {header: shown.format(FINANCE)}))
    assert got.status == 200, got.body
    assert FINANCE not in str(upstream.last.headers)
    assert chat(proxy).status == 401
    # What some server reads as the same name stays here as well.
    odd = header.replace("-", "_")
    if odd != header:
        got = proxy.ask(post_json("/v1/chat/completions", CHAT, {header: shown.format(FINANCE), odd: FINANCE}))
        assert FINANCE not in str(upstream.last.headers)
    clean(proxy)


def test_the_sdks_own_key_says_who_calls(start_remora, upstream, tmp_path, sdk):
    """`header: authorization`: an application that can set nothing but its key."""
    proxy = start_remora(upstream, consumers(tmp_path, header="Authorization", required=True))
    assert sdk(proxy, api_key=RESEARCH).chat.completions.create(**CHAT).choices
    with pytest.raises(openai.AuthenticationError):
        sdk(proxy, api_key="anything").chat.completions.create(**CHAT)


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
def test_messages_take_the_key_in_x_api_key(start_remora, upstream, tmp_path, path):
    proxy = start_remora(upstream, consumers(tmp_path, required=True), provider={"messages": "native"})
    got = chat(proxy, RESEARCH, header="x-api-key", path=path)
    assert got.status != 401, got.body
    assert proxy.log_line(got.get("x-request-id"))["group"] == "research"
    assert RESEARCH not in str(upstream.last.headers)
    assert chat(proxy, "anything", header="x-api-key", path=path).status == 401
    # On OpenAI's paths that header says nothing of a group.
    assert chat(proxy, RESEARCH, header="x-api-key").status == 401


def test_models_by_name_and_by_where_it_leads(start_remora, upstream, tmp_path):
    proxy = start_remora(upstream, merged(consumers(tmp_path), {"models": {"sly": "gateway/gpt-5"}}))
    for model, status in {
        "gpt-4o": 200,
        "alias": 200,
        "o4-mini": 200,
        "gpt-4o-mini": 403,
        "sly": 403,
        "gateway/gpt-4o": 403,
        "GPT-4o": 403,
    }.items():
        assert chat(proxy, FINANCE, model).status == status, model
        assert chat(proxy, RESEARCH, model).status == 200, model
    assert rejections(proxy)["model"] == 4


def test_a_request_that_hides_its_model(proxy, upstream):
    """Of a group that may use some models only, a body in which no model is read is refused."""
    form = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--b--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    # The provider has none of these paths.
    for key, status in ((FINANCE, 403), (RESEARCH, 404)):
        got = proxy.ask(request("POST", "/v1/audio/transcriptions", {**headers, "x-remora-key": key}, form))
        assert got.status == status, got.body
        got = proxy.ask(post_json("/v1/batches", {"input_file_id": "file-1"}, {"x-remora-key": key}))
        assert got.status == status, got.body
        assert proxy.ask(request("GET", "/v1/files", {"x-remora-key": key})).status == 404


def test_the_model_list_is_the_groups(proxy, sdk, upstream):
    def listed(key):
        return {model.id for model in sdk(proxy, default_headers={"x-remora-key": key}).models.list()}

    assert "broken" in listed(RESEARCH)
    mine = listed(FINANCE)
    assert "alias" in mine and "broken" not in mine
    assert all(name in ("alias", "gpt-4o") or name.startswith("o4-") for name in mine), mine
    assert proxy.ask(request("GET", "/v1/models/broken", {"x-remora-key": FINANCE})).status == 403
    assert proxy.ask(request("GET", "/v1/models/alias", {"x-remora-key": FINANCE})).status == 200


def test_a_key_rotates_while_it_runs(proxy, tmp_path):
    wait_watching(proxy)
    assert chat(proxy, FINANCE).status == 200
    (tmp_path / "next").write_text("rk-canary-next-9a9a\n")
    with proxy.connect() as kept:
        assert kept.ask(post_json("/v1/chat/completions", CHAT, {"x-remora-key": FINANCE})).status == 200
        os.replace(tmp_path / "next", tmp_path / "finance.key")
        wait_reloads(proxy, applied=1)
        assert kept.ask(post_json("/v1/chat/completions", CHAT, {"x-remora-key": FINANCE})).status == 401
    assert chat(proxy, "rk-canary-next-9a9a").status == 200
    assert chat(proxy, RESEARCH).status == 200
    # A key that another group has is refused, and what was in force stays.
    (tmp_path / "next").write_text(RESEARCH)
    os.replace(tmp_path / "next", tmp_path / "finance.key")
    wait_reloads(proxy, invalid=1)
    assert chat(proxy, "rk-canary-next-9a9a").status == 200
    clean(proxy)


@pytest.mark.parametrize("header", ["Host", "connection", "Content-Length", "cookie", "x-request-id", "not a token"])
def test_headers_that_mean_something_else(tmp_path, header):
    (tmp_path / "key").write_text("k")
    (tmp_path / "bad.yaml").write_text(
        f"providers: {{ mock: }}\nconsumers: {{ header: {header!r}, groups: {{ a: {{ key: {{ file: {tmp_path}/key }} }} }} }}\n"
    )
    said = run("check", str(tmp_path / "bad.yaml"))
    assert said.returncode == 1 and "bad.yaml:2:" in said.stdout + said.stderr and "consumers.header" in said.stdout + said.stderr


def test_check_finds_a_key_that_two_groups_have(tmp_path):
    (tmp_path / "key").write_text("one-key")
    (tmp_path / "bad.yaml").write_text(
        f"""providers: {{ mock: }}
consumers:
  groups:
    a: {{ key: {{ file: {tmp_path}/key }} }}
    b: {{ key: {{ env: SAME }} }}
"""
    )
    said = run("check", str(tmp_path / "bad.yaml"), env={"SAME": "one-key"})
    assert said.returncode == 1
    text = said.stdout + said.stderr
    assert "bad.yaml:5:" in text and "'a'" in text and "'b'" in text and "one-key" not in text
    assert run("serve", "--config", str(tmp_path / "bad.yaml"), env={"SAME": "one-key"}).returncode == 1


@pytest.mark.slow
def test_time_says_nothing_of_a_key(proxy):
    """Right and wrong keys take equally long, as far as medians of many tell (a wrong one stops early by design)."""
    import statistics

    near, far = FINANCE[:-1] + "?", "zzzz"
    spans: dict[str, list[float]] = {near: [], far: []}
    with proxy.connect() as peer:
        for _ in range(400):
            for key in spans:
                began = time.perf_counter()
                got = peer.ask(request("GET", "/v1/files", {"x-remora-key": key}))
                spans[key].append(time.perf_counter() - began)
                assert got.status == 401
    one, other = (statistics.median(each) for each in spans.values())
    assert abs(one - other) < 0.25 * max(one, other)
