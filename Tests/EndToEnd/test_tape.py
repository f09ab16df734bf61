"""`remora record` and `remora replay`: an application's tests once against the provider, then without network or key."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import yaml

from remora import BINARY, PROMPT, SECRET, default_config, environment, free_port
from upstream import STALL
from wire import RawClient, SSE_HEAD, event, json_answer, post_json

pytestmark = pytest.mark.proxy

SUITE = '''
import json, sys
import anthropic, openai

client = openai.OpenAI(max_retries=2)
out = []

def say(*what):
    out.append(what)

ask = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}
whole = client.chat.completions.create(**ask)
say(whole.choices[0].message.content, whole.usage.total_tokens)
say([(c.id, c.choices[0].delta.content) for c in client.chat.completions.create(**ask, stream=True) if c.choices])
tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}}}]
messages = [{"role": "user", "content": "use the tool"}]
for turn in range(3):
    answer = client.chat.completions.create(model="gpt-4o", messages=messages, tools=tools, tool_choice="required" if turn < 2 else "none")
    message = answer.choices[0].message
    messages.append(message.model_dump(exclude_none=True))
    for call in message.tool_calls or []:
        messages.append({"role": "tool", "tool_call_id": call.id, "content": "seen"})
    say(message.content, [(c.id, c.function.name, c.function.arguments) for c in message.tool_calls or []])
say(len(client.embeddings.create(model="e", input="x", encoding_format="float").data[0].embedding))
say(client.chat.completions.create(**ask, user="someone else").choices[0].message.content == whole.choices[0].message.content)
claude = anthropic.Anthropic()
say(claude.messages.create(model="claude", max_tokens=64, messages=[{"role": "user", "content": "Hi"}]).content[0].text)
with claude.messages.stream(model="claude", max_tokens=64, messages=[{"role": "user", "content": "Hi"}]) as stream:
    say(stream.get_final_message().content[0].text)
print(json.dumps(out))
'''
MOCK = {"providers": {"mock": {}}, "default_provider": "mock"}


@pytest.fixture
def tape(tmp_path):
    """`tape(command, directory, ...options, suite)` runs a suite under `record` or `replay`."""
    config = tmp_path / "remora.yaml"
    config.write_text(yaml.safe_dump(MOCK))

    def run(command: str, *options: str, suite: str = SUITE, prefix=(), env=None) -> subprocess.CompletedProcess:
        file = tmp_path / "suite.py"
        file.write_text(suite)
        given = ("--config", str(config)) if command == "record" and "--config" not in options else ()
        words = [*prefix, str(BINARY), command, str(tmp_path / "tape"), *given, *options, "--", sys.executable, str(file)]
        return subprocess.run(words, env=environment(**(env or {})), capture_output=True, text=True, timeout=120)

    run.directory = tmp_path / "tape"
    run.config = config
    return run


def files(directory: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in directory.iterdir()}


@pytest.mark.timeout(240)
def test_a_suite_runs_again_without_network(tape):
    recorded = tape("record")
    assert recorded.returncode == 0, recorded.stderr
    names = files(tape.directory)
    assert any(re.fullmatch(r"chat_completions-[0-9a-f]{12}\.json", name) for name in names), names
    assert any(name.startswith("embeddings-") for name in names) and any(name.startswith("messages-") for name in names)
    replayed = tape("replay", prefix=("unshare", "-rn", "sh", "-c", 'ip link set lo up 2>/dev/null; exec "$@"', "sh"))
    if replayed.returncode and "unshare" in replayed.stderr:
        replayed = tape("replay")
    assert replayed.returncode == 0, replayed.stderr
    assert json.loads(replayed.stdout) == json.loads(recorded.stdout)
    assert "0 missed, 0 recordings unused" in replayed.stderr


def test_what_is_there_is_not_asked_again(tape):
    suite = "import openai\nprint(openai.OpenAI().chat.completions.create(model='m', messages=[{'role': 'user', 'content': '%s'}]).id)\n"
    first = tape("record", suite=suite % "one")
    before = files(tape.directory)
    again = tape("record", "--missing", suite=suite % "one")
    assert again.returncode == 0 and again.stdout == first.stdout and files(tape.directory) == before, again.stderr
    assert tape("record", "--missing", suite=suite % "two").returncode == 0
    assert len(files(tape.directory)) == 2 and before.items() <= files(tape.directory).items()
    # One more of what is there comes behind it.
    assert tape("record", "--missing", suite=suite % "one" + suite % "one").returncode == 0
    assert len(files(tape.directory)) == 3 and before.items() <= files(tape.directory).items()


@pytest.mark.timeout(240)
def test_the_same_suite_again_changes_no_file(tape, upstream, authority, tmp_path):
    """Where the provider answers the same: the times between events are those of the first run."""
    config = tmp_path / "gateway.yaml"
    config.write_text(yaml.safe_dump(default_config(tmp_path, upstream, authority.ca_file)))
    suite = """
import openai
client = openai.OpenAI(max_retries=0)
ask = {"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}]}
for stream in (False, True, True):
    made = client.chat.completions.create(**ask, stream=stream)
    list(made) if stream else made
client.embeddings.create(model="e", input="x", encoding_format="float")
client.responses.create(model="gpt-4o", input="x")
"""
    assert tape("record", "--config", str(config), suite=suite).returncode == 0
    before = {each.name: (each.read_bytes(), each.stat().st_mtime_ns) for each in tape.directory.iterdir()}
    assert len(before) == 5
    again = tape("record", "--config", str(config), suite=suite)
    assert "record: 0 written, 5 as they were" in again.stderr
    assert {each.name: (each.read_bytes(), each.stat().st_mtime_ns) for each in tape.directory.iterdir()} == before


def test_a_killed_recorder_leaves_whole_files(tape):
    """However it ends, what has a recording's name is one."""
    suite = """
import itertools, openai
client = openai.OpenAI(max_retries=0)
for n in itertools.count():
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": f"{n} " + "x" * 20000}])
"""
    file = tape.directory.parent / "endless.py"
    file.write_text(suite)
    for wanted in (3, 9, 20):
        process = subprocess.Popen(
            [str(BINARY), "record", str(tape.directory), "--config", str(tape.config), "--", sys.executable, str(file)],
            env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            deadline = time.monotonic() + 60
            while len(list(tape.directory.glob("*.json"))) < wanted:
                assert time.monotonic() < deadline and process.poll() is None
                time.sleep(0.005)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for each in tape.directory.glob("*.json"):
            assert json.loads(each.read_text())["response"]["status"] == 200, each


def test_recordings_are_for_people(tape):
    tape("record")
    for name, text in files(tape.directory).items():
        recording = json.loads(text)
        assert recording["remora"] == 1 and name.split("-")[1][:12] == recording["key"][:12]
        assert set(recording["request"]) <= {"method", "path", "headers", "body"}
        assert set(recording["request"].get("headers", {})) <= {"anthropic-version", "anthropic-beta", "openai-beta"}
        assert b"x_remora\": {" not in text and b"remora-" not in text.split(b'"headers"')[-1][:80]
        events = recording["response"].get("events", [])
        assert all(isinstance(event[0], int) for event in events)
        if events:
            assert text.count(b"\n") >= len(events)


def test_what_differs_is_said(tape):
    ask = 'import openai\nopenai.OpenAI(max_retries=3).chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Today is 2026-11-27."}])\n'
    assert tape("record", suite=ask).returncode == 0
    missed = tape("replay", suite=ask.replace("11-27", "11-28"))
    assert missed.returncode == 1
    # Once, and not three times more.
    assert missed.stderr.count("no recording of POST /v1/chat/completions") == 2, missed.stderr
    assert '/messages/0/content' in missed.stderr and "11-27" in missed.stderr and "11-28" in missed.stderr
    assert "--normalize time" in missed.stderr and "1 of this path was looked at" in missed.stderr
    for file in tape.directory.iterdir():
        file.unlink()
    assert tape("record", "--normalize", "time", suite=ask).returncode == 0
    assert tape("replay", suite=ask.replace("11-27", "11-28")).returncode == 0


def test_a_miss_that_was_swallowed_fails_the_run(tape):
    suite = "import openai\ntry: openai.OpenAI().models.retrieve('x')\nexcept openai.APIStatusError as e: assert e.status_code == 501\n"
    done = tape("replay", suite=suite)
    assert done.returncode == 1 and "1 missed" in done.stderr, done.stderr
    assert tape("replay", suite="raise SystemExit(7)").returncode == 7


def test_a_member_that_tells_nothing_apart_is_ignored(tape):
    suite = "import openai, sys\nopenai.OpenAI().chat.completions.create(model='m', messages=[{'role': 'user', 'content': 'x'}], seed=%d)\n"
    assert tape("record", "--ignore", "/seed", suite=suite % 1).returncode == 0
    assert json.loads((tape.directory / "remora-recording.json").read_text())["ignore"] == ["/seed"]
    assert tape("replay", suite=suite % 2).returncode == 0


def test_the_same_request_is_answered_in_order(tape):
    suite = "import openai\nc = openai.OpenAI()\nprint([c.chat.completions.create(model='m', messages=[{'role': 'user', 'content': 'x'}]).id for _ in range(%d)])\n"
    recorded = tape("record", suite=suite % 2)
    assert recorded.returncode == 0 and len(files(tape.directory)) == 2
    assert tape("replay", suite=suite % 2).stdout == recorded.stdout
    three = tape("replay", suite=suite % 3)
    first, second, third = json.loads(three.stdout.replace("'", '"'))
    assert three.returncode == 0 and second == third != first
    assert tape("replay", "--exhausted", "fail", suite=suite % 3).returncode != 0
    one = tape("replay", "--unused", "fail", suite=suite % 1)
    assert one.returncode == 1 and "1 recordings unused" in one.stderr


def test_an_upload(tape, upstream, authority, tmp_path):
    config = tmp_path / "gateway.yaml"
    config.write_text(yaml.safe_dump(default_config(tmp_path, upstream, authority.ca_file)))
    suite = "import openai\nprint(openai.OpenAI(max_retries=0).files.create(file=('a.jsonl', b'{}\\n' * %d), purpose='batch'))\n"
    assert tape("record", "--config", str(config), suite=suite % 2).returncode == 0
    (file,) = tape.directory.iterdir()
    parts = json.loads(file.read_text())["request"]["parts"]
    assert [part["name"] for part in parts] == ["purpose", "file"] or {part["name"] for part in parts} == {"purpose", "file"}
    # The boundary is another one each time.
    assert tape("replay", suite=suite % 2).returncode == 0
    assert tape("replay", suite=suite % 3).returncode == 1


def test_no_secret_is_written(tape, upstream, authority, tmp_path):
    config = tmp_path / "gateway.yaml"
    config.write_text(yaml.safe_dump(default_config(tmp_path, upstream, authority.ca_file)))
    suite = """
import os, openai
assert "canary" not in str(os.environ), os.environ
c = openai.OpenAI(api_key="sk-caller-canary-1234567", organization="org-canary", default_headers={"cookie": "a=canary"})
print(c.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Hello"}]).id)
"""
    done = tape("record", "--config", str(config), suite=suite)
    assert done.returncode == 0, done.stderr
    text = b"".join(files(tape.directory).values())
    assert text and b"canary" not in text and SECRET.encode() not in text
    leaked = tape("record", "--config", str(config), suite=suite.replace("Hello", f"my key is {SECRET}"))
    assert leaked.returncode == 1 and "not written: request.body.messages[0].content holds a secret" in leaked.stderr
    assert SECRET not in leaked.stderr and files(tape.directory).keys() == {name for name in files(tape.directory)}
    assert SECRET.encode() not in b"".join(files(tape.directory).values())


def test_what_the_disk_does_not_take_fails_the_run(tape):
    suite = "import openai\nfor text in 'ab': openai.OpenAI().chat.completions.create(model='m', messages=[{'role': 'user', 'content': text}])\n"
    assert tape("record", suite=suite).returncode == 0
    lost, kept = sorted(tape.directory.iterdir())
    lost.unlink()
    lost.mkdir()
    kept.unlink()
    done = tape("record", suite=suite)
    assert done.returncode == 1 and kept.is_file(), done.stderr
    line = next(line for line in done.stderr.splitlines() if "not written" in line)
    assert line.startswith(f"record: POST /v1/chat/completions: not written: {lost}: "), line
    assert "record: 1 written, 0 as they were, 1 not stored" in done.stderr


BETA = """
import anthropic, sys
client = anthropic.Anthropic(max_retries=0)
ask = {"model": "claude", "max_tokens": 64, "messages": [{"role": "user", "content": "Hi"}]}
try:
    for betas in %s: print(client.beta.messages.create(**ask, betas=betas).id)
except anthropic.APIStatusError as e: print(e.body["error"]["message"])
"""


def test_features_that_are_turned_on_tell_requests_apart(tape):
    recorded = tape("record", suite=BETA % "(['b-2', 'a-1'], ['a-1'])")
    assert recorded.returncode == 0 and len(set(recorded.stdout.split())) == 2, recorded.stderr
    headers = [json.loads(each)["request"]["headers"] for each in files(tape.directory).values()]
    assert sorted(each["anthropic-beta"] for each in headers) == ["a-1", "a-1,b-2"]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", each["anthropic-version"]) for each in headers)
    # In any order.
    replayed = tape("replay", "--unused", "fail", suite=BETA % "(['a-1', 'b-2'], ['a-1'])")
    assert replayed.returncode == 0 and replayed.stdout == recorded.stdout, replayed.stderr
    missed = tape("replay", suite=BETA % "(['a-2'],)")
    assert missed.returncode == 1 and 'the header anthropic-beta: "a-1" became "a-2"' in missed.stdout, missed.stdout
    assert "--normalize" not in missed.stdout, "no normaliser would take them for the same"
    ignored = tape("record", "--ignore", "anthropic-beta", suite=BETA % "(['a-1'],)")
    assert ignored.returncode == 0
    assert tape("replay", suite=BETA % "(['a-2'],)").returncode == 0


def test_a_refusal_is_stored_with_the_errors(tape):
    suite = """
import openai
try: openai.OpenAI(max_retries=0).chat.completions.create(model="m", messages=[])
except openai.APIStatusError as e: print(e.status_code, e.body)
"""
    done = tape("record", suite=suite)
    assert done.returncode == 0 and "400, refused by Remora itself; --errors stores it" in done.stderr, done.stderr
    assert not list(tape.directory.iterdir())
    done = tape("record", "--errors", suite=suite)
    replayed = tape("replay", suite=suite)
    assert replayed.returncode == 0 and replayed.stdout == done.stdout and "400" in done.stdout


def test_errors_are_stored_on_request(tape, upstream, authority, tmp_path):
    config = tmp_path / "gateway.yaml"
    config.write_text(yaml.safe_dump(default_config(tmp_path, upstream, authority.ca_file)))
    suite = """
import openai
try: openai.OpenAI(max_retries=0).chat.completions.create(model="error-500", messages=[{"role": "user", "content": "x"}])
except openai.APIStatusError as e: print(e.status_code)
"""
    done = tape("record", "--config", str(config), suite=suite)
    assert done.returncode == 0 and "--errors stores it" in done.stderr and not list(tape.directory.iterdir())
    done = tape("record", "--errors", "--config", str(config), suite=suite)
    replayed = tape("replay", suite=suite)
    assert replayed.returncode == 0 and replayed.stdout == done.stdout


def test_replay_as_a_service(tape, tmp_path):
    tape("record")
    port, admin = free_port(), free_port()
    process = subprocess.Popen(
        [str(BINARY), "replay", str(tape.directory), "--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{admin}"],
        env=environment(), stderr=subprocess.PIPE, text=True,
    )
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                assert urllib.request.urlopen(f"http://127.0.0.1:{admin}/readyz").read() == b"ok\n"
                break
            except OSError:
                assert time.monotonic() < deadline and process.poll() is None
                time.sleep(0.02)
        body = json.dumps({"messages": [{"content": "Hello", "role": "user"}], "model": "gpt-4o"}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{port}/chat/completions", body, {"content-type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            assert answer.headers["x-remora-replay"].startswith("chat_completions-")
            assert json.loads(answer.read())["x_remora"]["attempts"] == 1
        reset = urllib.request.Request(f"http://127.0.0.1:{admin}/replay/reset", b"")
        assert urllib.request.urlopen(reset).status == 200
        assert 'result="served"} 1' in urllib.request.urlopen(f"http://127.0.0.1:{admin}/metrics").read().decode()
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        assert "replay: 1 served, 0 missed" in process.stderr.read()
    finally:
        process.kill()
        process.wait()


def test_events_keep_their_pauses_on_request(tape):
    suite = """
import openai, time
start = time.monotonic()
list(openai.OpenAI().chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}], stream=True))
print(time.monotonic() - start)
"""
    assert tape("record", suite=suite).returncode == 0
    (file,) = tape.directory.iterdir()
    recording = json.loads(file.read_text())
    for event in recording["response"]["events"]:
        event[0] = 200
    file.write_text(json.dumps(recording))
    wanted = 0.2 * len(recording["response"]["events"])
    assert float(tape("replay", "--timing", "recorded", suite=suite).stdout) >= wanted
    assert float(tape("replay", suite=suite).stdout) < wanted


def test_a_pause_below_zero_is_none(tape):
    suite = """
import openai
list(openai.OpenAI().chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}], stream=True))
"""
    assert tape("record", suite=suite).returncode == 0
    (file,) = tape.directory.iterdir()
    recording = json.loads(file.read_text())
    for event in recording["response"]["events"]:
        event[0] = -(2**63)
    file.write_text(json.dumps(recording))
    done = tape("replay", "--timing", "recorded", suite=suite)
    assert done.returncode == 0, done.stderr


def test_wrong_usage(tape):
    run = lambda *words: subprocess.run([str(BINARY), *words], env=environment(), capture_output=True, text=True, timeout=20)
    assert run("replay").returncode == 2 and run("record").returncode == 2
    assert run("replay", "x", "--timing", "slow").returncode == 2
    assert tape("record", "--normalize", "moon", suite="").returncode == 1
    assert tape("record", "--ignore", "x-team", suite="").returncode == 1
    damaged = tape.directory / "chat_completions-0123456789ab.json"
    tape.directory.mkdir(exist_ok=True)
    damaged.write_text("{")
    done = tape("replay", suite="")
    assert done.returncode == 1 and "was damaged" in done.stderr


SAME = '''
import json, os, random, urllib.request, urllib.error
base = os.environ["OPENAI_BASE_URL"]
random.seed(7)
body = {"model": "m", "messages": [{"role": "user", "content": "h\\u00e9llo <b> /x \\U0001f600"}], "temperature": 0.5, "tools": [], "stop": None,
        "extra": {"a": {}, "b": [1, 2.0, 1e3], "c": ""}}

def ask(text):
    request = urllib.request.Request(base + "/chat/completions", text.encode(), {"content-type": "application/json"})
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code

def shuffled(value):
    if isinstance(value, dict):
        items = list(value.items()); random.shuffle(items)
        return {key: shuffled(each) for key, each in items}
    return [shuffled(each) for each in value] if isinstance(value, list) else value

assert ask(json.dumps(body)) == 200
if os.environ.get("REPLAYS"):
    for number in range(200):
        text = json.dumps(shuffled({**body, "user": str(number), "metadata": {"run": number}}), ensure_ascii=random.random() < 0.5,
                          indent=random.choice([None, 1, 4]))
        assert ask(text.replace("/", "\\\\/") if random.random() < 0.5 else text) == 200, text
    other = [{"temperature": 0.50}, {"temperature": 0.51}, {"tools": {}}, {"stop": ""}, {"model": "M"}, {"stream": False}, {"n": None}]
    assert [ask(json.dumps({**body, **each})) for each in other] == [200] + [501] * 6
    assert ask(json.dumps({key: each for key, each in body.items() if key != "stop"})) == 501
    raise SystemExit(3)
'''


def test_the_same_request_in_other_letters(tape):
    """Members in any order, texts in any escapes, blanks: the same key; another value: another one."""
    assert tape("record", suite=SAME).returncode == 0
    done = tape("replay", suite=SAME, env={"REPLAYS": "1"})
    assert done.returncode == 3, done.stderr[-2000:]


def test_a_miss_has_the_shape_of_its_endpoint(tape):
    suite = """
import anthropic, openai
try: anthropic.Anthropic(max_retries=3).messages.create(model="c", max_tokens=9, messages=[{"role": "user", "content": "x"}])
except anthropic.APIStatusError as e: assert e.status_code == 501 and e.body["error"]["type"] == "api_error", e.body
try: openai.OpenAI(max_retries=3).responses.create(model="c", input="x")
except openai.APIStatusError as e: assert e.status_code == 501 and e.code == "no_recording", e.body
"""
    done = tape("replay", suite=suite)
    assert done.returncode == 1 and "2 missed" in done.stderr, done.stderr
    assert done.stderr.count("none of this path is there") == 2


def test_a_thousand_events_are_given_at_once(tape):
    suite = """
import http.client, json, os, time
host = os.environ["OPENAI_BASE_URL"].split("/")[2]
body = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]})
connection = http.client.HTTPConnection(host)
for _ in range(2):
    start = time.monotonic()
    connection.request("POST", "/v1/chat/completions", body, {"content-type": "application/json"})
    text = connection.getresponse().read()
print(text.count(b"data: "), time.monotonic() - start)
"""
    tape("record", suite=suite)
    for file in tape.directory.iterdir():
        recording = json.loads(file.read_text())
        recording["response"]["events"][2:2] = [recording["response"]["events"][1]] * 1000
        file.write_text(json.dumps(recording))
    count, took = tape("replay", suite=suite).stdout.split()
    assert int(count) > 1000 and float(took) < 1


def test_a_name_sets_tests_apart(tape):
    suite = """
import openai
ask = dict(model="m", messages=[{"role": "user", "content": "x"}])
print([openai.OpenAI(default_headers={"x-remora-recording": name}).chat.completions.create(**ask).id for name in ("one", "two")])
try: openai.OpenAI(default_headers={"x-remora-recording": "../up"}, max_retries=0).chat.completions.create(**ask)
except openai.APIStatusError: pass
"""
    recorded = tape("record", suite=suite)
    assert {each.name for each in tape.directory.iterdir()} == {"one", "two"} and not (tape.directory.parent / "up").exists()
    assert tape("replay", suite=suite).stdout == recorded.stdout


def test_an_application_that_leaves_in_good_order_ends_its_exchange(tape, upstream, authority, tmp_path):
    """It would go on to its end otherwise, and cost what it costs."""
    config, port = tmp_path / "gateway.yaml", free_port()
    listen = {"listen": [f"127.0.0.1:{port}"], "admin": "127.0.0.1:0"}
    config.write_text(yaml.safe_dump(default_config(tmp_path, upstream, authority.ca_file) | listen))
    upstream.reply(SSE_HEAD, event({"choices": []}), STALL)
    process = subprocess.Popen(
        [str(BINARY), "record", str(tape.directory), "--config", str(config)], env=environment(), stderr=subprocess.PIPE, text=True)
    try:
        while "record: into" not in (line := process.stderr.readline()):
            assert line, "it has ended"
        with RawClient(("127.0.0.1", port)) as client:
            client.send(post_json("/v1/chat/completions", {"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]}))
            client.head()
        assert upstream.wait_requests(1)[0].connection.closed.wait(8)
        process.send_signal(signal.SIGTERM)
        assert "POST /v1/chat/completions: the answer was cut" in process.communicate(timeout=20)[1]
    finally:
        process.kill()
        process.wait()


# Whether the providers still answer so.


def verify(tape, config: dict) -> subprocess.CompletedProcess:
    tape.config.write_text(yaml.safe_dump(config))
    return subprocess.run(
        [str(BINARY), "replay", str(tape.directory), "--verify", "--config", str(tape.config)], env=environment(),
        capture_output=True, text=True, timeout=120)


def changed(tape, prefix: str, change) -> str:
    """Changes what a recording says of an answer, as if the provider had answered otherwise then."""
    (path,) = [each for each in tape.directory.iterdir() if each.name.startswith(prefix)]
    recording = json.loads(path.read_text())
    change(recording["response"])
    path.write_text(json.dumps(recording))
    return path.name


@pytest.mark.timeout(240)
def test_what_is_recorded_is_asked_again(tape):
    assert tape("record").returncode == 0
    before = files(tape.directory)
    same = verify(tape, MOCK)
    assert same.returncode == 0, same.stderr
    assert same.stderr.strip() == f"replay: {len(before)} asked again, 0 answered otherwise"
    assert files(tape.directory) == before, "nothing is written"

    def drift(response):
        body = response["body"]
        body["usage"]["carbon"] = {"grams": 1}
        body["model"] = 7
        del body["object"]
        body["data"][0]["embedding"] = "AAAA"

    name = changed(tape, "embeddings-", drift)
    done = verify(tape, MOCK)
    assert done.returncode == 1
    said = next(line for line in done.stderr.splitlines() if name in line and " new: " not in line)
    assert set(said.removeprefix(f"replay: {name}: ").split("; ")) == {
        "/data/*/embedding: text became list", "/model: number became text", "/usage/carbon isn't there any more"}
    assert re.search(rf"replay: {name}: new: .*/object", done.stderr)


ONE = 'import openai\nopenai.OpenAI(max_retries=0).chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}])\n'
STREAM = ONE.replace("model=", "stream=True, model=").replace("openai.OpenAI", "list(openai.OpenAI").replace("}])\n", "}]))\n")


def test_another_status_is_no_answer_of_another_form(tape, start_upstream, authority):
    assert tape("record", suite=ONE).returncode == 0
    server = start_upstream()
    server.reply(json_answer({"error": {"message": PROMPT, "type": "x", "code": "model_gone"}}, 404))
    done = verify(tape, {
        "providers": {"gateway": {
            "kind": "openai", "base_url": server.base_url, "api_key": "none", "tls": {"ca_file": str(authority.ca_file)}}},
        "default_provider": "gateway"})
    assert done.returncode == 1 and PROMPT not in done.stderr
    assert re.search(r"replay: chat_completions-\w+\.json: status 200 became 404 \(model_gone\)\n", done.stderr), done.stderr


def test_events_are_compared_by_their_kinds(tape):
    assert tape("record", suite=STREAM).returncode == 0

    def drift(response):
        response["events"][0][1]["thought"] = "deep"
        response["events"].insert(1, [0, {"object": "chat.completion.note", "n": 1}])

    name = changed(tape, "chat_completions-", drift)
    done = verify(tape, MOCK)
    assert done.returncode == 1, done.stderr
    assert f"replay: {name}: event chat.completion.chunk/thought isn't there any more; event chat.completion.note isn't there any more" in done.stderr


def test_what_can_not_be_asked_again_is_told(tape):
    assert tape("record", suite=ONE).returncode == 0
    changed(tape, "chat_completions-", lambda response: response.update(status=503))
    done = verify(tape, MOCK)
    assert done.returncode == 0 and "not asked: its answer was 503" in done.stderr
    assert "replay: 0 asked again, 0 answered otherwise, 1 not asked" in done.stderr


@pytest.mark.parametrize("options", [
    ["--verify", "--timing", "none"], ["--verify", "--listen", "127.0.0.1:0"], ["--verify", "--", "true"], ["--config", "x"],
])
def test_verifying_takes_a_configuration_alone(tmp_path, options):
    done = subprocess.run([str(BINARY), "replay", str(tmp_path), *options], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "configuration" in done.stderr or "--verify" in done.stderr
