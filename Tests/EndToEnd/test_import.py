"""`remora import`: other gateways' configurations, read in place, and what is made of them."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from random import Random

import pytest
import yaml

from remora import run

pytestmark = pytest.mark.proxy

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "import"
GOLDEN = Path(__file__).resolve().parents[1] / "Fixtures" / "import"
FILES = sorted(FOLDER.glob("*/*.yaml"))
if not FILES:
    pytest.skip("there are no configurations of other gateways beside the project", allow_module_level=True)


def name(file: Path) -> str:
    return f"{file.parent.name}-{file.stem}"


@pytest.fixture(params=FILES, ids=name)
def file(request) -> Path:
    return request.param


def imported(file: Path, *options: str) -> str:
    done = run("import", *options, str(file))
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


def test_golden(file):
    """The output is what it was: `REMORA_REGENERATE=1` writes it anew."""
    text = imported(file)
    golden = GOLDEN / f"{name(file)}.yaml"
    if os.environ.get("REMORA_REGENERATE"):
        golden.write_text(text)
    assert sure(text) == sure(golden.read_text())


def sure(text: str) -> list[str]:
    """Without what is written only where a build has the keys for it."""
    return [line for line in text.splitlines() if not re.match("(telemetry|cache):", line)]


def problems(checked: str) -> list[str]:
    """Those that aren't of a file or a variable that is missing."""
    missing = "no such file or directory", "is not set; set it"
    lines = [line for line in checked.splitlines() if ": error: " in line]
    return [line for line in lines if not any(each in line for each in missing)]


def test_output_is_valid_but_for_its_secrets(file, tmp_path):
    output = tmp_path / "remora.yaml"
    output.write_text(imported(file))
    done = run("check", str(output))
    assert problems(done.stderr) == []


def names(file: Path) -> list[str]:
    """What applications ask for, without names that stand for others."""
    tree = yaml.safe_load(file.read_text())
    entries = [entry.get("model_name") for entry in tree.get("model_list", [])]
    entries += [entry["name"] for entry in tree.get("llm", {}).get("models", [])]
    return [entry for entry in dict.fromkeys(entries) if "*" not in entry]


def test_every_name_leads_somewhere(file, tmp_path):
    output = tmp_path / "remora.yaml"
    report = json.loads(imported(file, "--report", "json"))
    output.write_text(report["configuration"])
    lost = {note["line"] for note in report["notes"] if note["path"].endswith("]") and note["grade"] == "unsupported"}
    lines = file.read_text().splitlines()
    asked = names(file)
    for model in asked[:12] + asked[-4:]:
        places = [at + 1 for at, line in enumerate(lines) if re.search(rf"name: [\"']?{re.escape(model)}[\"']?\s*(#|$)", line)]
        if places and all(place in lost for place in places):
            continue
        done = run("explain", model, "--config", str(output))
        assert done.returncode == 0, (model, done.stdout, done.stderr)


def leaves(node: yaml.Node, path: str = ""):
    """Every value of a file: its line, and its path where all keys of it are plain."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from leaves(value, f"{path}.{key.value}" if path else key.value)
    elif isinstance(node, yaml.SequenceNode):
        for at, value in enumerate(node.value):
            yield from leaves(value, f"{path}[{at}]")
    elif node.tag != "tag:yaml.org,2002:null":
        yield node.start_mark.line + 1, path


def test_every_value_is_spoken_of(file):
    """As it was, or with a reason: nothing goes away without a word."""
    notes = json.loads(imported(file, "--report", "json"))["notes"]
    paths = {note["path"] for note in notes}
    assert all(note["reason"] or note["grade"] == "exact" for note in notes)

    def is_said(path: str) -> bool:
        parts = re.split(r"(?=[.\[])", path)
        return any("".join(parts[:count]) in paths for count in range(1, len(parts) + 1))

    silent = [
        (line, path)
        for line, path in leaves(yaml.compose(file.read_text()))
        if re.fullmatch(r"[\w.\[\]-]+", path) and not is_said(path)
    ]
    assert not silent


def test_no_literal_key(file):
    text = imported(file) + imported(file, "--report", "json")
    for key in re.findall(r"(?:api_key|apiKey|key|master_key): [\"']?(?!os\.environ|\$)([\w-]{6,})", file.read_text()):
        assert not re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])", text), key


def test_strict_fails_where_something_is_lost(tmp_path):
    whole = tmp_path / "whole.yaml"
    whole.write_text("model_list: [{model_name: a, litellm_params: {model: openai/a, api_key: os.environ/K}}]\n")
    assert run("import", "--strict", str(whole)).returncode == 0
    lossy = tmp_path / "lossy.yaml"
    lossy.write_text("model_list: [{model_name: a, litellm_params: {model: sagemaker/a}}]\n")
    done = run("import", "--strict", str(lossy))
    assert done.returncode == 1 and "lossy.yaml:1: unsupported: model_list[0]" in done.stderr
    assert run("import", str(lossy)).returncode == 0


def test_a_password_with_a_dollar_sign_is_no_variable(tmp_path):
    file = tmp_path / "litellm.yaml"
    file.write_text("model_list: [{model_name: a, litellm_params: {model: openai/a, api_key: $upperCased1}}]\n")
    text = imported(file)
    assert "upperCased1" not in text and "/run/secrets/remora/openai" in text


def test_what_is_no_such_file_is_said(tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text("providers: { openai: {} }\n")
    done = run("import", str(other))
    assert done.returncode == 1 and "other.yaml:1:1: error: " in done.stderr and "--from" in done.stderr
    other.write_text("model_list: &a []\n")
    assert ":1:13: error: anchors" in run("import", str(other)).stderr
    assert run("import", str(tmp_path / "none.yaml")).returncode == 1
    assert run("import").returncode == 2 and run("import", "--from", "kong", "x").returncode == 2


CANARY = "Zx9-canary-Qw7Lp2"
"""A secret as no rule knows it."""
ODD = ["~", "-1", "1e999", "{}", "[]", "true", '""', "os.environ/", "$", "2024-01-01", "a b", "'*'", "http://", "${X}", '""', "näh",
       "https://", "https://h:99999/v1", "a/b/c", "ftp://h", "0x10", "|", "'" + "a" * 300 + "'", '"a\\tb"', "http://[::1", "-"]


def mutated(lines: list[str], random: Random) -> str:
    """The file with one to three lines changed, and a secret in it."""
    lines = list(lines)
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(lines))
        indent, key = re.match(r"([ -]*)([^:]*)", lines[at]).groups()
        match random.randrange(7):
            case 0: lines[at] = f"{indent}api_key: {CANARY}"
            case 1: lines[at] = f"{indent}{key}: [1, {{password: {CANARY}}}]"
            case 2: del lines[at]
            case 3: lines.insert(random.randrange(len(lines)), lines[at])
            case 4: lines[at] = f"{indent}{key}: {random.choice(ODD)}"
            case 5: lines[at] = f"{indent}{key}: {{secret: {CANARY}, a: [{random.choice(ODD)}]}}"
            case 6: lines[at] = lines[at][::-1]
    return "\n".join(lines)


def test_a_file_that_is_changed_anywhere(file, tmp_path):
    """Ends in a configuration that is taken or in a message, without the secrets in it."""
    random = Random(file.name + os.environ.get("REMORA_SEED", ""))
    lines = [line for line in file.read_text().splitlines() if not line.lstrip().startswith("#")][:150]
    for number in range(int(os.environ.get("REMORA_MUTATIONS", "6"))):
        text = mutated(lines, random)
        done = run("import", "--from", file.parent.name, "-", stdin=text)
        assert done.returncode in (0, 1), (number, text, done.stderr)
        assert CANARY not in done.stdout + done.stderr, text
        if done.returncode:
            assert re.match(r"<stdin>:\d+:\d+: error: ", done.stderr), (text, done.stderr)
        else:
            output = tmp_path / "remora.yaml"
            output.write_text(done.stdout)
            assert problems(run("check", str(output)).stderr) == [], (text, done.stdout)


def both(tmp_path, text: str) -> tuple[dict, str]:
    """What is made of a file, and all that is said of it; `check` takes it but for its secrets."""
    file = tmp_path / "there.yaml"
    file.write_text(text)
    report = json.loads(imported(file, "--report", "json"))
    output = tmp_path / "remora.yaml"
    output.write_text(report["configuration"])
    assert problems(run("check", str(output)).stderr) == []
    return yaml.safe_load(report["configuration"]), json.dumps(report)


LITELLM = "model_list: [{model_name: a, litellm_params: {model: openai/a, api_key: os.environ/K}}]\n"


def test_traces_go_on_to_where_they_went(tmp_path):
    made, said = both(tmp_path, f"""
config:
  tracing:
    otlpEndpoint: http://collector:4317
    randomSampling: "0.25"
    headers: {{x-team: payments, authorization: $OTLP_AUTH, api-key: {CANARY}}}
llm: {{port: 4000, models: [{{name: m, provider: openAI, params: {{apiKey: $K}}}}]}}
""")
    assert made["telemetry"]["otlp"] == {
        "endpoint": "http://collector:4318", "sample": 0.25,
        "headers": {"x-team": "payments", "authorization": {"env": "OTLP_AUTH"}, "api-key": {"file": "/run/secrets/remora/otlp-api-key"}}}
    assert CANARY not in said


@pytest.mark.parametrize("sampling, sample", [("true", None), ("false", 0), ("1.0", None), ("0.5", 0.5)])
def test_a_share_of_traces(tmp_path, sampling, sample):
    made, _ = both(tmp_path, f"config: {{tracing: {{otlpEndpoint: 'http://c:4318', randomSampling: {sampling}}}}}\nllm: {{port: 4000}}\n")
    assert made["telemetry"]["otlp"].get("sample") == sample


@pytest.mark.parametrize("sampling", ["7", "-1", "'request.headers[\"x\"] == \"1\"'"])
def test_a_share_that_is_none_is_said(tmp_path, sampling):
    made, said = both(tmp_path, f"config: {{tracing: {{otlpEndpoint: 'http://c:4318', randomSampling: {sampling}}}}}\nllm: {{port: 4000}}\n")
    assert "sample" not in made["telemetry"]["otlp"] and "is no share from 0 to 1" in said


@pytest.mark.parametrize("callback, variables, otlp", [
    ("otel", {"OTEL_ENDPOINT": "http://c:4317/", "OTEL_HEADERS": f"x-key={CANARY},broken"},
     {"endpoint": "http://c:4318", "headers": {"x-key": {"file": "/run/secrets/remora/otlp-x-key"}}}),
    ("otel", {"OTEL_EXPORTER_OTLP_ENDPOINT": "os.environ/HERE"}, {"endpoint": "${OTEL_EXPORTER_OTLP_ENDPOINT:-http://localhost:4318}"}),
    ("otel", {}, {"endpoint": "${OTEL_EXPORTER_OTLP_ENDPOINT:-http://localhost:4318}"}),
    ("langfuse_otel", {"LANGFUSE_HOST": "https://lf.example.com/", "LANGFUSE_SECRET_KEY": CANARY},
     {"endpoint": "https://lf.example.com/api/public/otel", "headers": {"authorization": {"file": "/run/secrets/remora/otlp-authorization"}}}),
    ("langfuse", {}, {"endpoint": "https://cloud.langfuse.com/api/public/otel",
                      "headers": {"authorization": {"file": "/run/secrets/remora/otlp-authorization"}}}),
    ("langsmith", {}, {"endpoint": "https://api.smith.langchain.com/otel", "headers": {"x-api-key": {"env": "LANGSMITH_API_KEY"}}}),
    ("arize_phoenix", {"PHOENIX_COLLECTOR_HTTP_ENDPOINT": "http://phoenix:6006"}, {"endpoint": "http://phoenix:6006"}),
])
def test_callbacks_say_where_traces_go(tmp_path, callback, variables, otlp):
    more = {"litellm_settings": {"callbacks": [callback, "otel"]}, "environment_variables": variables}
    made, said = both(tmp_path, LITELLM + yaml.safe_dump(more))
    assert made["telemetry"]["otlp"] == otlp and CANARY not in said
    assert "traces go to one place" in said


@pytest.mark.parametrize("settings, shared", [
    ({"redis_host": "redis.platform.svc", "redis_port": 6380, "redis_ssl": True, "redis_password": CANARY},
     {"redis": "rediss://redis.platform.svc:6380", "password": {"file": "/run/secrets/remora/redis"}}),
    ({"redis_host": "os.environ/H", "redis_password": "os.environ/P"},
     {"redis": "${REDIS_URL:-redis://redis.invalid:6379}", "password": {"env": "P"}}),
    ({"redis_url": f"redis://me:{CANARY}@r:6379/2"}, {"redis": "redis://r:6379/2", "password": {"file": "/run/secrets/remora/redis"}}),
    ({"redis_url": "os.environ/REDIS_URL"}, {"redis": "${REDIS_URL:-redis://redis.invalid:6379}"}),
    ({"redis_host": "not a host"}, None),
    ({"redis_url": f"redis+sentinel://{CANARY}@a,b"}, None),
    ({}, None),
])
def test_a_redis_counts_limits_where_there_are_some(tmp_path, settings, shared):
    made, said = both(tmp_path, LITELLM + yaml.safe_dump({"router_settings": settings, "litellm_settings": {"max_budget": 5}}))
    assert made["limits"].get("shared") == shared and CANARY not in said
    made, said = both(tmp_path, LITELLM + yaml.safe_dump({"router_settings": settings}))
    assert "limits" not in made and CANARY not in said


def test_targets_of_one_priority_share_the_load(tmp_path):
    models = [{"name": name, "provider": "openAI", "params": {"apiKey": "$K", "baseUrl": f"http://{name}.svc/v1", "model": "m"}} for name in "abc"]
    targets = [{"model": "c", "priority": 5}, {"model": "a", "priority": 1}, {"model": "b", "priority": 1}]
    llm = {"port": 4000, "models": models, "virtualModels": [
        {"name": "tiers", "routing": {"failover": {"targets": targets}}},
        {"name": "order", "routing": {"failover": {"targets": [{"model": "b"}, {"model": "a"}]}}}]}
    made, _ = both(tmp_path, yaml.safe_dump({"llm": llm}))
    whose = {name: provider["base_url"] for name, provider in made["providers"].items()}
    tiers = [(whose[each["to"].split("/")[0]], each["weight"]) for each in made["models"]["tiers"]["targets"]]
    assert tiers == [("http://a.svc/v1", 1), ("http://b.svc/v1", 1), ("http://c.svc/v1", 0)]
    assert [whose[each.split("/")[0]] for each in made["models"]["order"]] == ["http://b.svc/v1", "http://a.svc/v1"]


def test_a_manifest_around_a_configuration_is_told(tmp_path):
    file = tmp_path / "map.yaml"
    file.write_text("apiVersion: v1\nkind: ConfigMap\ndata:\n  config.yaml: |\n    model_list: []\n")
    done = run("import", str(file))
    assert done.returncode == 1 and "Kubernetes manifest" in done.stderr


@pytest.mark.parametrize("product, text", [
    ("agentgateway", "llm: {port: 4000, models: [{name: m, provider: azure, params: {apiVersion: '', azureResourceName: r, apiKey: $K}}]}\n"),
    ("keeptrusts", "pack: {name: p}\nproviders: {targets: [{id: a, provider: openai, model: m, base_url: no-address}]}\n"),
    ("keeptrusts", "pack: {name: p}\nproviders: {targets: []}\npolicies: {chain: [pii-detector, audit-logger, pii-detector, audit-logger]}\n"),
    ("litellm", "model_list: [{model_name: a, litellm_params: {model: bedrock/m, aws_bedrock_runtime_endpoint: no-address}}]\n"),
    ("litellm", "model_list: [{model_name: a, litellm_params: {model: azure/m, api_version: '', api_base: 'https://h', api_key: os.environ/K}}]\n"),
    ("litellm", "model_list: [{model_name: a, litellm_params: {model: openai/m, organization: näh, api_key: os.environ/K}}]\n"),
    ("litellm", "model_list: [{model_name: a, litellm_params: {model: vertex_ai/m, vertex_location: 'a b', vertex_project: ''}}]\n"),
    ("litellm", "model_list: [{model_name: a, litellm_params: {model: azure/m, api_base: 'https://h', azure_ad_token: []}}]\n"),
    ("litellm", "model_list: [{model_name: a, litellm_params: {model: bedrock/m, aws_access_key_id: [], aws_secret_access_key: os.environ/K}}]\n"),
    ("agentgateway", "llm: {port: 4000, models: [{name: m, provider: vertex, params: {vertexProject: p, apiKey: []}}]}\n"),
    ("agentgateway", "llm: {port: 4000, models: [{name: m, provider: azure, params: {apiVersion: " + "a" * 300 + ", azureResourceName: r, apiKey: $K}}]}\n"),
    ("litellm", "model_list: [{model_name: a, litellm_params: {model: azure/m, api_version: " + "1" * 70 + ", api_base: 'https://h', api_key: os.environ/K}}]\n"),
    ("keeptrusts", "pack: {name: p}\nproviders: {targets: [{id: a, provider: bedrock, model: m}]}\n"),
])
def test_what_can_not_stand_here_is_left_out(tmp_path, product, text):
    both(tmp_path, text)


def test_a_key_that_is_a_word_takes_nothing_else_out(tmp_path):
    """Servers without keys are given any word as one, and mostly their own name."""
    report, _ = both(tmp_path, """model_list:
  - {model_name: local, litellm_params: {model: ollama/llama3, api_base: http://localhost:11434, api_key: ollama}}
  - {model_name: lm, litellm_params: {model: lm_studio/x, api_base: http://localhost:1234/v1, api_key: lm-studio}}
  - {model_name: a, litellm_params: {model: openai/gpt-4o, api_key: openai}}
  - {model_name: b, litellm_params: {model: azure/gpt-4o, api_base: 'https://eu.openai.azure.com', api_key: model}}
""")
    assert report["providers"]["ollama"] == {"api_key": "none"}
    assert report["models"] == {"local": "ollama/llama3", "lm": "local/x", "a": "openai/gpt-4o", "b": "azure/gpt-4o"}


def test_a_secret_that_is_a_name_is_refused(tmp_path):
    """Taken out, it would leave a name that leads nowhere; left in, it would be printed."""
    file = tmp_path / "there.yaml"
    file.write_text("model_list: [{model_name: a, litellm_params: {model: openai/gpt-4o, api_key: openai/gpt-4o}}]\n")
    done = run("import", str(file))
    assert done.returncode == 1 and not done.stdout and "os.environ/NAME" in done.stderr


def test_entries_with_secrets_of_their_own(tmp_path):
    """As many providers as a configuration may have; the time that they took grew with their cube."""
    def entries(count: int) -> str:
        lines = [f"  - {{model_name: m{at}, litellm_params: {{model: openai/m, api_key: Zx9k{at:05d}QwAb}}}}\n" for at in range(count)]
        return "model_list:\n" + "".join(lines)

    report, text = both(tmp_path, entries(256))
    assert "openai-256" in report["providers"] and "QwAb" not in text
    done = run("import", "-", stdin=entries(300))
    assert done.returncode == 1 and "at most 256" in done.stderr and "QwAb" not in done.stdout + done.stderr
