"""The chart's dashboard and rules: every expression is read by Prometheus, and asks for metrics and labels that a running
Remora has. A metric that is renamed breaks a test, and not a dashboard."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
import yaml

import dashboard
import prometheus
from tools import BINARY, ROOT, Absent, free_port, helm

CHART = ROOT / "charts/remora"
RULES = CHART / "rules/remora.rules.yaml"
TESTS = Path(__file__).parent / "remora.rules.test.yaml"
# What Prometheus adds to each sample, as the chart's PodMonitor has it.
ADDED = {"namespace", "pod", "container", "instance", "job", "le"}
# What shows nothing as long as all is well, or nothing like it is configured here.
EMPTY = {
    "Share of input from the provider's cache", "Fallbacks and retries", "Keys read again because they were refused",
    "Configuration refused, telemetry lost", "Certificates, days left", "USD/h by model", "Connections made, p50 and p99",
    "First byte of an attempt, p50 and p99", "Targets that aren't well (1 half open, 2 open, 3 cooling)",
    "Requests without a price, tokens guessed", "Output tokens/s of a stream, p50", "Refused here",
    # The mock has no upstream that could be waited for.
    "First token, p50", "First token, p50 and p99",
}


@pytest.fixture(scope="session", autouse=True)
def needs_prometheus():
    try:
        prometheus.program("promtool")
        prometheus.program("prometheus")
    except Absent as absent:
        pytest.skip(str(absent))


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read()


def until(holds, seconds: float = 20.0):
    deadline = time.monotonic() + seconds
    while True:
        try:
            if result := holds():
                return result
        except OSError:
            pass
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.05)


class Running:
    """A Remora with something of everything, and its ports."""

    def __init__(self, directory: Path) -> None:
        self.port, self.admin = free_port(), free_port()
        key = directory / "key"
        key.write_text("k")
        config = {
            "listen": [f"127.0.0.1:{self.port}"], "admin": f"127.0.0.1:{self.admin}",
            "providers": {
                "mock": {}, "dead": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "api_key": {"file": str(key)}},
            },
            "default_provider": "mock", "models": {"gpt-4o": "dead/gpt-4o"}, "retry": {"attempts": 1},
            "limits": {"requests_per_minute": 1000, "budget_usd": {"amount": 5, "per": "30d"}},
            "policies": {"pii": {"kind": "pii_detector", "action": "redact"}}, "policy_chain": ["pii"],
            "prices": {"mock/m": {"input": 1, "output": 2}},
            "telemetry": {"otlp": {"endpoint": "http://127.0.0.1:9"}},
        }
        file = directory / "remora.yaml"
        file.write_text(yaml.safe_dump(config))
        self.process = subprocess.Popen(
            [str(BINARY), "serve", "--config", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: get(f"http://127.0.0.1:{self.admin}/readyz"))

    def chat(self, model: str, stream: bool = False) -> None:
        body = {"model": model, "stream": stream, "messages": [{"role": "user", "content": "write to a@example.com " * 9}]}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/v1/chat/completions", json.dumps(body).encode(),
            {"Content-Type": "application/json"})
        try:
            urllib.request.urlopen(request, timeout=10).read()
        except urllib.error.HTTPError as error:
            assert error.code >= 500, error.read()

    def traffic(self) -> None:
        for stream in (False, True):
            self.chat("m", stream)
            self.chat("gpt-4o", stream)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    remora = Running(tmp_path_factory.mktemp("remora"))
    remora.traffic()
    yield remora
    remora.stop()


@pytest.fixture(scope="module")
def scrape(running) -> tuple[set[str], dict[str, set[str]]]:
    """The names of all metrics, and the labels of those that have samples."""
    text = get(f"http://127.0.0.1:{running.admin}/metrics").decode()
    names: set[str] = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)", text, re.M):
        names |= {name + end for end in ("_bucket", "_sum", "_count")} if kind == "histogram" else {name}
    labels: dict[str, set[str]] = {}
    for name, inside in re.findall(r"^([a-zA-Z0-9_:]+)(?:\{(.*)\})? ", text, re.M):
        labels.setdefault(name, set()).update(re.findall(r'([a-zA-Z_]+)="', inside or ""))
    return names, labels


def panels() -> list[tuple[str, str]]:
    made = dashboard.dashboard()
    found = [(panel["title"], target["expr"]) for panel in made["panels"] for target in panel.get("targets", [])]
    return found + [(each["name"], each["expr"]) for each in made["annotations"]["list"]]


def rules() -> list[tuple[str, str]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [(rule.get("alert") or rule["record"], rule["expr"]) for group in groups for rule in group["rules"]]


def plain(expression: str, **variables: str) -> str:
    """Without Grafana's variables."""
    text = expression.replace("$__rate_interval", "5m").replace("$__interval", "1m")
    return re.sub(r"\$([a-z]+)", lambda found: variables.get(found[1], ".*"), text)


def test_the_file_is_what_the_script_makes():
    assert dashboard.FILE.read_text() == dashboard.text(), "run Tests/Manifests/dashboard.py"


def test_every_expression_can_be_read(tmp_path):
    file = tmp_path / "panels.yaml"
    each = [{"record": f"panel:{at}", "expr": plain(expression)} for at, (_, expression) in enumerate(panels())]
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": each}]}))
    done = prometheus.run("promtool", "check", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr
    done = prometheus.run("promtool", "check", "rules", RULES)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name, expression", panels() + rules())
def test_metrics_and_labels_are_there(scrape, name, expression):
    names, labels = scrape
    expression = re.sub(r"\{\{.*?\}\}", "", expression)
    for metric, inside in re.findall(r"\b((?:remora|process)_[a-z0-9_]+)\b(?:\{([^}]*)\})?", expression):
        # What a rule records is named by levels, and no metric of Remora's.
        if re.search(rf":{metric}|{metric}:", expression):
            continue
        assert metric in names, f"{name}: there is no metric {metric}"
        for label in re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)", inside):
            assert label in ADDED or not labels.get(metric) or label in labels[metric], f"{name}: {metric} has no {label}"


def test_variables_are_declared_and_panels_dont_overlap():
    made = dashboard.dashboard()
    known = {each["name"] for each in made["templating"]["list"]}
    for title, expression in panels():
        used = {each for each in re.findall(r"\$([a-z_]+)", expression) if not each.startswith("__")}
        assert used <= known, title
    assert len({panel["id"] for panel in made["panels"]}) == len(made["panels"])
    cells = set()
    for panel in made["panels"]:
        place = panel["gridPos"]
        mine = {
            (x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])
        }
        assert not mine & cells and place["x"] + place["w"] <= 24, panel["title"]
        cells |= mine


def test_alerts_say_what_happened(tmp_path):
    shutil.copy(RULES, tmp_path / RULES.name)
    shutil.copy(TESTS, tmp_path / TESTS.name)
    done = prometheus.run("promtool", "test", "rules", TESTS.name, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_real_prometheus_answers_every_panel(running, tmp_path):
    port = free_port()
    file = tmp_path / "prometheus.yaml"
    file.write_text(json.dumps({
        "global": {"scrape_interval": "500ms", "evaluation_interval": "1s"}, "rule_files": [str(RULES)],
        "scrape_configs": [{"job_name": "pods", "static_configs": [{
            "targets": [f"127.0.0.1:{running.admin}"],
            "labels": {"namespace": "shop", "pod": "a", "container": "remora"}}]}]}))
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [prometheus.program("prometheus"), f"--config.file={file}", f"--storage.tsdb.path={tmp_path}/data",
             f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
    origin = f"http://127.0.0.1:{port}/api/v1"

    def ask(expression: str):
        query = urllib.parse.urlencode({"query": plain(expression)})
        return json.loads(get(f"{origin}/query?{query}"))["data"]["result"]

    try:
        until(lambda: len(ask("count_over_time(remora_build_info[1m]) > 2")))
        running.traffic()
        until(lambda: len(ask("rate(remora_requests_total{code='200'}[5m]) > 0")))
        time.sleep(2)
        shown = {title for title, expression in panels() if ask(expression)}
        assert {title for title, _ in panels()} - shown <= EMPTY | {"New configuration"}
        groups = json.loads(get(f"{origin}/rules"))["data"]["groups"]
        assert [rule["name"] for group in groups for rule in group["rules"] if rule["health"] == "err"] == []
    finally:
        process.terminate()
        process.wait(10)


def test_the_chart_installs_both_where_they_are_wanted(needs_helm):
    assert not {each["kind"] for each in helm(CHART)} & {"PrometheusRule"}
    made = helm(CHART, values={"dashboard": {"enabled": True}, "rules": {"enabled": True, "labels": {"release": "p"}}})
    (rule,) = [each for each in made if each["kind"] == "PrometheusRule"]
    assert rule["spec"] == yaml.safe_load(RULES.read_text()) and rule["metadata"]["labels"]["release"] == "p"
    (found,) = [each for each in made if each["metadata"]["name"].endswith("-dashboard")]
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(found["data"]["remora-overview.json"]) == dashboard.dashboard()
