"""The command line and the config: every problem at once, each with its place and what would be right."""

from __future__ import annotations

import json
import re
import socket

import jsonschema
import pytest
import yaml

from remora import SECRET, free_port, run
from wire import request

pytestmark = pytest.mark.proxy

GOOD = """\
# A comment, and both styles of collection.
listen: ["127.0.0.1:4141", "[::1]:4141"]
providers:
  gateway:
    kind: openai
    base_url: 'https://gateway.test/v1'   # a comment
    api_key: { env: GATEWAY_KEY }
    headers: { x-team: "payments" }
    timeouts: {connect: 5s, first_byte: 1m, idle: 120s}
default_provider: gateway
models:
  alias: gateway/gpt-4o
max_body: 64MiB
"""


@pytest.fixture
def check(tmp_path):
    """`check(text, ...)` writes a config and runs `remora check` on it."""

    def run_check(text: str, *options: str, name: str = "remora.yaml", env: dict[str, str] | None = None):
        file = tmp_path / name
        file.write_text(text)
        return run("check", str(file), *options, env={"GATEWAY_KEY": SECRET, **(env or {})})

    return run_check


def problems(text: str) -> list[tuple[int, int, str]]:
    """(line, column, message) of each `FILE:LINE:COL: error: …`."""
    found = re.findall(r"^[^\n]*?:(\d+):(\d+): error: (.+)$", text, re.MULTILINE)
    return [(int(line), int(column), message) for line, column, message in found]


def test_good(check):
    done = check(GOOD)
    assert (done.returncode, problems(done.stdout + done.stderr)) == (0, []), done.stderr


def test_good_json(check):
    done = check(json.dumps(yaml.safe_load(GOOD), indent=2), name="remora.json")
    assert done.returncode == 0, done.stdout + done.stderr


# What is put in place of a piece of GOOD, and: line, words of the message.
BAD = {
    "misspelt key": ("max_body:", "max_bdoy:", 13, ["max_bdoy", "max_body"]),
    "misspelt nested key": ("base_url:", "base_ulr:", 6, ["base_ulr", "base_url"]),
    "unknown kind": ("kind: openai", "kind: opnai", 5, ["opnai", "openai"]),
    "bad duration": ("connect: 5s", "connect: 5 parsecs", 9, ["connect", "5s"]),
    "bad size": ("64MiB", "64 potatoes", 13, ["max_body", "MiB"]),
    "bad address": ('"127.0.0.1:4141"', '"127.0.0.1:99999"', 2, ["99999"]),
    "bad URL": ("'https://gateway.test/v1'", "gateway", 6, ["base_url", "https://"]),
    "unknown default": ("default_provider: gateway", "default_provider: gatway", 10, ["gatway", "gateway"]),
    "unknown target": ("gateway/gpt-4o", "gatway/gpt-4o", 12, ["gatway"]),
    "wrong type": ("max_body: 64MiB", "max_body: [1]", 13, ["max_body"]),
    "missing variable": ("GATEWAY_KEY", "NOT_SET_KEY", 7, ["NOT_SET_KEY"]),
    "missing file": ("{ env: GATEWAY_KEY }", "{ file: /no/such/file }", 7, ["/no/such/file"]),
    "both sources": ("{ env: GATEWAY_KEY }", "{ env: GATEWAY_KEY, file: /x }", 7, ["file", "env"]),
    "duplicate key": ("max_body: 64MiB", "max_body: 64MiB\nmax_body: 1MiB", 14, ["max_body"]),
    "anchor": ("kind: openai", "kind: &a openai", 5, ["anchor"]),
    "alias": ("kind: openai", "kind: *a", 5, ["alias"]),
    "tag": ("kind: openai", "kind: !!str openai", 5, ["tag"]),
    "merge key": ("    kind: openai", "    <<: {}\n    kind: openai", 5, ["merge"]),
    "tab": ("    kind: openai", "\tkind: openai", 5, ["tab"]),
    "open quote": ("'https://gateway.test/v1'   # a comment", "'https://gateway.test/v1", 6, []),
    "secret itself": ("{ env: GATEWAY_KEY }", SECRET, 7, ["api_key", "must not hold"]),
    "open bracket": ('["127.0.0.1:4141", "[::1]:4141"]', '["127.0.0.1:4141"', 2, []),
}


@pytest.mark.parametrize("name", BAD)
def test_bad(check, name):
    old, new, line, words = BAD[name]
    assert old in GOOD
    done = check(GOOD.replace(old, new))
    output = done.stdout + done.stderr
    assert done.returncode == 1, output
    found = problems(output)
    assert found, output
    assert any(abs(each[0] - line) <= (1 if not words else 0) for each in found), output
    assert all(any(word in message for _, _, message in found) for word in words), output
    assert "remora.yaml:" in output and SECRET not in output


def test_column_points_at_the_fault(check):
    done = check(GOOD.replace("kind: openai", "kind: opnai"))
    (line, column, _), *_ = problems(done.stdout + done.stderr)
    assert (line, column) == (5, 11)


def test_every_problem_at_once(check):
    text = GOOD
    for name in ("misspelt key", "unknown kind", "bad duration", "bad address", "unknown default"):
        text = text.replace(BAD[name][0], BAD[name][1])
    done = check(text)
    found = problems(done.stdout + done.stderr)
    assert {2, 5, 9, 10, 13} <= {line for line, _, _ in found}, found


def test_problems_as_json(check):
    done = check(GOOD.replace("max_body:", "max_bdoy:"), "--format", "json")
    assert done.returncode == 1
    assert "max_bdoy" in json.dumps(json.loads(done.stdout))


NOT_AVAILABLE = {
    "answers": "policies:\n  pii: { kind: pii_detector, answers: redact }\n",
}


@pytest.mark.parametrize("name", NOT_AVAILABLE)
def test_what_does_nothing_is_not_accepted(check, name):
    """A key whose work is not done yet is refused rather than ignored."""
    done = check(GOOD + NOT_AVAILABLE[name])
    output = done.stdout + done.stderr
    if done.returncode != 0:
        assert any("not available yet" in message for _, _, message in problems(output)), output
    else:
        assert problems(output) == []


@pytest.mark.parametrize("kind", ["anthropic", "bedrock"])
def test_dialects_are_known_by_name(check, kind):
    done = check(
        GOOD.replace("kind: openai", f"kind: {kind}").replace(
            "https://gateway.test/v1", "https://gateway.test"
        )
    )
    assert done.returncode == 0 or "not available yet" in done.stdout + done.stderr


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0",
        "\xff\xfe",
        "{",
        "[" * 10_000,
        "a: " * 5000,
        "- " * 5000,
        "a:\n" + " b:\n" * 10,
        "%YAML 9.9\n---\n",
    ],
    ids=["empty", "NUL", "marks", "brace", "deep flow", "deep inline", "deep list", "twice", "directive"],
)
def test_odd_texts(check, text):
    """Anything is either valid or a problem with a place; nothing is a crash."""
    done = check(text)
    assert done.returncode in (0, 1), done
    if done.returncode == 1:
        assert problems(done.stdout + done.stderr), done.stderr


def test_environment_in_strings(check):
    text = GOOD.replace("gateway.test", "${GATEWAY_HOST}").replace("payments", "${TEAM:-none}")
    assert check(text).returncode == 1
    done = check(text, "--print", env={"GATEWAY_HOST": "here.test"})
    assert done.returncode == 0, done.stderr
    assert "https://here.test/v1" in done.stdout and "none" in done.stdout


def test_print_masks_secrets(check):
    done = check(GOOD, "--print")
    assert done.returncode == 0, done.stderr
    effective = json.loads(done.stdout)
    assert effective["providers"]["gateway"]["base_url"] == "https://gateway.test/v1"
    assert effective["default_provider"] == "gateway"
    assert SECRET not in done.stdout + done.stderr


SECRET_FILES = {
    "newline": (b"%s\n", None),
    "CRLF": (b"%s\r\n", None),
    "spaces and mark": (b"\xef\xbb\xbf \t%s  ", None),
    "empty": (b"", "empty"),
    "only a newline": (b"\n", "empty"),
    "newline within": (b"%s\nsecond", "0x0a"),
    "NUL within": (b"%s\0", "0x00"),
    "high byte within": (b"%s\xc3\xa9", "0xc3"),
    "too long": (b"%s" + b"x" * 9000, ""),
}


@pytest.mark.parametrize("name", SECRET_FILES)
def test_secret_files(check, tmp_path, name):
    """What a secret file may hold around the secret, and what within it is refused, without showing it."""
    form, words = SECRET_FILES[name]
    file = tmp_path / "key"
    file.write_bytes(form.replace(b"%s", SECRET.encode()))
    done = check(GOOD.replace("{ env: GATEWAY_KEY }", f"{{ file: {file} }}"))
    output = done.stdout + done.stderr
    assert done.returncode == (0 if words is None else 1), output
    assert SECRET not in output
    if words is not None:
        assert str(file) in output and words in output


# Usage.


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "--nonsense"),
        ("nonsense",),
        ("--nonsense",),
        ("serve", "--listen"),
        ("check", "--format", "xml"),
    ],
    ids=" ".join,
)
def test_wrong_usage(arguments):
    done = run(*arguments)
    assert done.returncode == 2, done
    assert done.stderr.strip() and "help" in done.stderr


def test_check_of_a_missing_file(tmp_path):
    done = run("check", str(tmp_path / "none.yaml"))
    assert done.returncode in (1, 2) and "none.yaml" in done.stdout + done.stderr


@pytest.mark.parametrize(
    "arguments", [("help",), ("--help",), ("version",), ("help", "check"), ("help", "serve")]
)
def test_help_and_version(arguments):
    done = run(*arguments)
    assert done.returncode == 0 and done.stdout.strip() and not done.stderr


# The schema.


@pytest.fixture(scope="module")
def schema():
    done = run("schema")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_schema_is_one(schema):
    jsonschema.validators.validator_for(schema).check_schema(schema)


def test_schema_accepts_what_check_accepts(schema, check):
    assert check(GOOD).returncode == 0
    jsonschema.validate(yaml.safe_load(GOOD), schema)


@pytest.mark.parametrize(
    "name",
    ["misspelt key", "misspelt nested key", "unknown kind", "wrong type", "bad duration", "secret itself"],
)
def test_schema_refuses_what_check_refuses(schema, name):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(GOOD.replace(BAD[name][0], BAD[name][1])), schema)


@pytest.mark.parametrize("text", ["${GATEWAY_KEY}", "passthrough", "none"])
def test_schema_accepts_what_is_no_secret(schema, text):
    jsonschema.validate(yaml.safe_load(GOOD.replace("{ env: GATEWAY_KEY }", text)), schema)


def test_schema_knows_the_whole_contract(schema):
    """Every top-level key that a user may write."""
    keys = {
        "listen",
        "admin",
        "workers",
        "providers",
        "default_provider",
        "models",
        "retry",
        "consumers",
        "limits",
        "policies",
        "policy_chain",
        "prices",
        "max_body",
        "allowed_hosts",
        "allowed_origins",
        "response_metadata",
        "telemetry",
        "shutdown",
    }
    assert keys <= set(schema["properties"])


# explain.


def test_explain(tmp_path):
    file = tmp_path / "remora.yaml"
    file.write_text(GOOD)
    env = {"GATEWAY_KEY": SECRET}
    for model, words in {
        "alias": ["gateway", "gpt-4o", "https://gateway.test/v1"],
        "gateway/x": ["gateway", "x"],
    }.items():
        done = run("explain", model, "--config", str(file), env=env)
        assert done.returncode == 0, done.stderr
        assert all(word in done.stdout for word in words), done.stdout
        assert SECRET not in done.stdout


EXPLAINED = {
    "openai": ("POST /v1/chat/completions", '"stream_options":{"include_usage":true}'),
    "anthropic": ("POST /v1/messages", '"max_tokens":'),
    "cohere": ("POST /v2/chat", '"stream":true'),
    "ollama": ("POST /api/chat", '"options":{"seed":7'),
    "mistral": ("POST /v1/chat/completions", '"random_seed":7'),
}


@pytest.mark.parametrize("kind", EXPLAINED)
def test_explain_shows_what_a_provider_would_get(tmp_path, kind):
    """The translated request, with the key masked, and nothing sent: no such key would be taken."""
    config = tmp_path / "remora.yaml"
    config.write_text(f"providers: {{ {kind}: {{ api_key: {{ env: KEY }}, headers: {{ x-s: {{ env: KEY }} }} }} }}")
    body = tmp_path / "body.json"
    wanted = {"model": "any", "messages": [{"role": "user", "content": "hi"}], "stream": True, "seed": 7}
    body.write_text(json.dumps(wanted) + "\n")
    done = run("explain", f"{kind}/m", "--config", str(config), "--body", str(body), env={"KEY": SECRET})
    assert done.returncode == 0, done.stderr
    line, member = EXPLAINED[kind]
    lines = [each.strip() for each in done.stdout.splitlines()]
    assert f"request   {line}" in lines
    shown = next(each for each in lines if each.startswith("body"))
    assert member.replace(" ", "") in json.dumps(json.loads(shown.removeprefix("body"))).replace(" ", "")
    assert "header    x-s: ***" in lines
    assert ("dropped   seed" in lines) == (kind == "anthropic")
    assert SECRET not in done.stdout + done.stderr


@pytest.mark.parametrize("text, why", [
    ("{", "not valid JSON"), ("[]", "must be a JSON object"), ('{"messages": []}', "messages"),
    ('{"messages": [{"role": "user", "content": "hi"}], "n": 2}', "400 n:"),
])
def test_explain_says_why_a_body_cant_be_sent(tmp_path, text, why):
    config = tmp_path / "remora.yaml"
    config.write_text("providers: { anthropic: { api_key: { env: KEY } } }")
    body = tmp_path / "body.json"
    body.write_text(text)
    done = run("explain", "anthropic/m", "--config", str(config), "--body", str(body), env={"KEY": SECRET})
    assert done.returncode == 1 and why in done.stderr, done


# What would steer a terminal, end the line or look like an end of JSON, and halves of pairs that only an escape can say.
ANY_TEXT = [
    "a\x00\x1b[31mb\r\n\t", "\x7f\x80\x9b\x85", "\u2028\u2029\u202e\u2066\ufeff", "\"}]}\\", "\\u0041\\", "😀é日本",
    "\ud83d", "\udc00x", "body      {}", "</script>",
]


@pytest.mark.parametrize("kind", [*EXPLAINED, "gemini"])
@pytest.mark.parametrize("escaped", [True, False])
def test_explain_shows_json_whatever_a_text_says(tmp_path, kind, escaped):
    config = tmp_path / "remora.yaml"
    config.write_text(f"providers: {{ {kind}: {{ api_key: {{ env: KEY }} }} }}")
    texts = [text for text in ANY_TEXT if escaped or not any("\ud800" <= each < "\ue000" for each in text)]
    wanted = {"model": "m", "messages": [{"role": "user", "content": text} for text in texts]}
    body = tmp_path / "body.json"
    body.write_text(json.dumps(wanted, ensure_ascii=escaped, indent=2), encoding="utf-8")
    done = run("explain", f"{kind}/m", "--config", str(config), "--body", str(body), env={"KEY": SECRET})
    assert done.returncode == 0, done.stderr
    shown = [line for line in done.stdout.split("\n") if line.startswith("    body      ")]
    assert len(shown) == 1
    assert all(each.isprintable() for each in shown[0])
    assert set(texts) <= set(strings(json.loads(shown[0].removeprefix("    body"))))


def strings(value):
    """All texts of a JSON value."""
    if isinstance(value, str):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from strings(item)


# Start and stop.


def start_failure(tmp_path, config: dict | str, **options) -> str:
    """Starts `serve`, which must fail; returns its one clear line."""
    file = tmp_path / "bad.yaml"
    file.write_text(config if isinstance(config, str) else yaml.safe_dump(config))
    done = run("serve", "--config", str(file), **options)
    assert done.returncode == 1, done
    return done.stderr


def minimal(**changes) -> dict:
    return {
        "listen": [f"127.0.0.1:{free_port()}"],
        "admin": f"127.0.0.1:{free_port()}",
        "providers": {"mock": {"kind": "mock"}},
        "default_provider": "mock",
        **changes,
    }


@pytest.mark.parametrize("which", ["listen", "admin"])
def test_address_in_use(tmp_path, which):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        message = start_failure(tmp_path, minimal(**{which: [address] if which == "listen" else address}))
    assert address in message and "in use" in message
    assert len(message.strip().splitlines()) <= 3, message


def test_unreadable_config(tmp_path):
    done = run("serve", "--config", str(tmp_path / "none.yaml"))
    assert done.returncode == 1 and "none.yaml" in done.stderr
    done = run("serve", "--config", str(tmp_path))
    assert done.returncode == 1 and str(tmp_path) in done.stderr


def test_bad_config_at_start(tmp_path):
    message = start_failure(
        tmp_path, GOOD.replace("kind: openai", "kind: opnai"), env={"GATEWAY_KEY": SECRET}
    )
    assert [each[:2] for each in problems(message)] == [(5, 11)]


def test_socket_left_behind_is_replaced(start_remora, upstream, tmp_path):
    """A `unix:` path that a killed process left is taken over; a live one is not."""
    path = tmp_path / "left.sock"
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(str(path))
    proxy = start_remora(upstream, {"listen": [f"unix:{path}"]})
    proxy.socket_path = path
    with proxy.connect(unix=True) as client:
        assert client.ask(request("GET", "/v1/echo")).status == 200
    message = start_failure(tmp_path, minimal(listen=[f"unix:{path}"]))
    assert str(path) in message
    with proxy.connect(unix=True) as client:
        assert client.ask(request("GET", "/v1/echo")).status == 200


def test_options_win_over_the_file(start_remora, upstream):
    port = free_port()
    proxy = start_remora(upstream, arguments=("--listen", f"127.0.0.1:{port}"))
    proxy.port = port
    assert proxy.ask(request("GET", "/v1/echo")).status == 200


# Without a config.


@pytest.mark.parametrize("source", ["variable", "file", "both"])
def test_no_config(start_remora, tmp_path, source):
    """With only OPENAI_API_KEY or OPENAI_API_KEY_FILE it serves; of the two the file rotates, so it wins.

    What it would ask is the real provider, so no request is sent: `explain` says where it would go.
    """
    file = tmp_path / "openai.key"
    file.write_text(SECRET + "\n")
    env = {}
    if source != "file":
        env["OPENAI_API_KEY"] = SECRET if source == "variable" else "sk-canary-of-the-variable"
    if source != "variable":
        env["OPENAI_API_KEY_FILE"] = str(file)
    proxy = start_remora(whole=None, env=env)
    assert proxy.ask(request("GET", "/healthz")).status == 200
    done = run("explain", "gpt-4o", env=env)
    assert done.returncode == 0 and "https://api.openai.com/v1" in done.stdout, done
    assert "sk-canary" not in done.stdout + done.stderr + proxy.stderr
    if source == "both":
        assert "OPENAI_API_KEY_FILE" in proxy.stderr


def test_no_config_and_no_key(tmp_path):
    """Nothing to serve with: said in one line that names what would help."""
    done = run(
        "serve", "--listen", f"127.0.0.1:{free_port()}", "--admin", f"127.0.0.1:{free_port()}", cwd=tmp_path
    )
    assert done.returncode == 1
    assert "OPENAI_API_KEY" in done.stderr


# Files that say nothing, and names that say too much.


@pytest.mark.parametrize("command", ["check", "serve", "explain"])
@pytest.mark.parametrize("text", ["", "# nothing\n", "{}", "---\n", "null", " \n\t\n", "\ufeff", "providers:\n"])
def test_an_empty_file_is_no_absence(tmp_path, command, text):
    """It would lead to every public provider whose key happens to be in the environment."""
    file = tmp_path / "remora.yaml"
    file.write_text(text)
    words = {"check": ["check", str(file)], "serve": ["serve", "--config", str(file)]}
    words["explain"] = ["explain", "gpt-4o", "--config", str(file)]
    for env in ({"OPENAI_API_KEY": SECRET}, {"OPENAI_API_KEY": SECRET, "REMORA_CONFIG": str(file)}):
        arguments = words[command] if "REMORA_CONFIG" not in env else [each for each in words[command] if each not in ("--config", str(file))]
        done = run(*arguments, env=env)
        assert done.returncode == 1 and "providers" in done.stderr and f"{file}:" in done.stderr, done


@pytest.mark.parametrize("name", ["a\nb.yaml", "a\x1b[31m.yaml", "a\u2028b.yaml", "b\u202e.yaml"])
def test_a_files_name_makes_no_second_line(tmp_path, name):
    file = tmp_path / name
    for text, code in {"providers: { mock: {} }\n": 0, "nonsense: 1\n": 1, "": 1}.items():
        file.write_text(text)
        done = run("check", str(file))
        assert done.returncode == code
        lines = (done.stdout + done.stderr).splitlines()
        assert lines and all("remora" in line or "yaml" in line for line in lines), lines
        assert "\\" in lines[0] and "\x1b" not in lines[0]
    done = run("check", str(tmp_path / ("none" + name)))
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1, done


@pytest.mark.parametrize("name", ["a\nb", "x\x1b[2J", "y\u2028z", "w\u202ev", "spa ce", "sla/sh", "ümlaut", "n" * 65, ""])
@pytest.mark.parametrize("format", ["text", "json"])
def test_names_are_plain(tmp_path, name, format):
    """A provider's name is refused by its place, in one line, also where it is offered as a hint."""
    file = tmp_path / "remora.json"
    whole = {"providers": {name: {"kind": "mock"}, "good": {"kind": "mock"}}, "default_provider": "nobody"}
    file.write_text(json.dumps(whole))
    done = run("check", str(file), "--format", format)
    assert done.returncode == 1
    if format == "json":
        messages = [each["message"] for each in json.loads(done.stdout)]
    else:
        messages = [message for _, _, message in problems(done.stderr)]
        assert len(messages) == len(done.stderr.splitlines()), done.stderr
    assert len(messages) == 2 and any("letters, digits" in each for each in messages), messages
    assert not any(each in message for each in "\n\x1b\u2028\u202e" for message in messages), messages


def test_arguments_make_no_second_line():
    for words in (["a\nb"], ["serve", "--listen", "x\ny"], ["check", "--for\u2028mat"], ["explain", "a\nb", "c\nd"]):
        done = run(*words)
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done


def test_header_values_may_hold_blanks(start_remora, upstream, tmp_path):
    """From a file or a variable as from the text itself."""
    file = tmp_path / "value"
    file.write_text("Basic one two\n")
    headers = {"x-file": {"file": str(file)}, "x-variable": {"env": "VALUE"}, "x-text": "Basic one two"}
    proxy = start_remora(upstream, {"providers": {"gateway": {"headers": headers}}}, env={"VALUE": " Basic one two "})
    got = dict(proxy.ask(request("GET", "/v1/echo")).json()["headers"])
    sent = {name.lower(): value for name, value in got.items()}
    assert [sent[name] for name in headers] == ["Basic one two"] * 3


SCHEMA_AGREES = {
    "workers: many": False,
    "workers: '2'": False,
    "workers: 2": True,
    "workers: auto": True,
    "workers: ${CORES:-2}": True,
    "max_body: large": False,
    "max_memory: some": False,
    "max_memory: auto": True,
    "response_metadata: ${WHERE:-body}": True,
    "response_metadata: heads": False,
    "telemetry: { level: '${LEVEL:-info}' }": True,
    "telemetry: { level: loud }": False,
    "shutdown: { drain: '${DRAIN:-3s}' }": True,
    "shutdown: { drain: long }": False,
    "models: { m: { targets: gateway/m, deprecated: maybe } }": False,
    "models: { m: { targets: gateway/m, deprecated: '${OLD:-false}' } }": True,
}


@pytest.mark.parametrize("text", SCHEMA_AGREES)
def test_schema_says_what_check_says(schema, check, text):
    """Words where numbers belong are refused by both, variables taken by both."""
    whole = yaml.safe_load(GOOD)
    changes = yaml.safe_load(text)
    assert (check(yaml.safe_dump({**whole, **changes})).returncode == 0) == SCHEMA_AGREES[text]
    try:
        jsonschema.validate({**whole, **changes}, schema)
        accepted = True
    except jsonschema.ValidationError:
        accepted = False
    assert accepted == SCHEMA_AGREES[text]


def test_a_key_without_a_value_says_what_no_key_says(schema, check):
    """`workers:` with nothing behind it is how a person leaves a key to its default."""
    validator, properties = jsonschema.validators.validator_for(schema)(schema), schema["properties"]
    places = [(key,) for key in properties]
    for section in ["shutdown", "telemetry", "retry"]:
        places += [(section, key) for key in properties[section]["properties"]]
    places += [("providers", "gateway", key) for key in properties["providers"]["additionalProperties"]["properties"]]

    def changed(place, change):
        whole = yaml.safe_load(GOOD)
        node = whole
        for name in place[:-1]:
            node = node.setdefault(name, {})
        change(node, place[-1])
        return check(yaml.safe_dump(whole)).returncode == 0, validator.is_valid(whole)

    differ = [place for place in places
              if changed(place, lambda node, key: node.update({key: None}))
              != changed(place, lambda node, key: node.pop(key, None))]
    assert len(places) > 40 and not differ


@pytest.mark.parametrize("what, words", [("file", "no socket"), ("directory", "directory"), ("link", "symbolic link")])
@pytest.mark.parametrize("which", ["listen", "admin"])
def test_something_else_at_a_sockets_path(tmp_path, which, what, words):
    """It is said what is there and what to do; nothing of it is touched."""
    path = tmp_path / "it.sock"
    if what == "file":
        path.write_text("precious")
    elif what == "directory":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "nowhere")
    address = f"unix:{path}"
    message = start_failure(tmp_path, minimal(**{which: [address] if which == "listen" else address}))
    assert str(path) in message and words in message and "in use" not in message
    assert len(message.strip().splitlines()) == 1, message
    assert what != "file" or path.read_text() == "precious"
