"""Traces in a real Phoenix: what it makes of them. `Tests/run otlp` runs it and says in REMORA_PHOENIX where the program is."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.error
import urllib.request

import pytest

from openai_server import USAGE
from remora import PROMPT, free_port
from wire import json_answer, post_json

pytestmark = [pytest.mark.proxy, pytest.mark.timeout(300)]
PROGRAM = os.environ.get("REMORA_PHOENIX", "")
CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": PROMPT}], "max_tokens": 64}
PARENT = "00-%032x-%016x-01"


class Phoenix:
    def __init__(self, directory) -> None:
        self.port = free_port()
        self.log = directory / "phoenix.log"
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(directory), "PHOENIX_WORKING_DIR": str(directory),
            "PHOENIX_HOST": "127.0.0.1", "PHOENIX_PORT": str(self.port), "PHOENIX_GRPC_PORT": str(free_port()),
            "PHOENIX_TELEMETRY_ENABLED": "false", "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([PROGRAM, "serve"], env=environment, stdout=log, stderr=log, cwd=directory)
        deadline = time.monotonic() + 200
        while True:
            try:
                return self.ask("/healthz") and None
            except (OSError, ValueError):
                assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()[-4000:]
                time.sleep(0.2)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path: str, body: dict | None = None) -> bytes:
        request = urllib.request.Request(self.url + path, headers={"Content-Type": "application/json"})
        data = json.dumps(body).encode() if body is not None else None
        with urllib.request.urlopen(request, data, timeout=20) as answer:
            return answer.read()

    def spans(self, project: str, count: int) -> list[dict]:
        """A project's spans, once there are so many."""
        deadline = time.monotonic() + 60
        while True:
            try:
                found = json.loads(self.ask(f"/v1/projects/{project}/spans?limit=100"))["data"]
            except urllib.error.HTTPError as error:
                assert error.code == 404, "the project comes with its first span"
                found = []
            if len(found) >= count:
                return found
            assert time.monotonic() < deadline, f"{len(found)} spans, wanted {count}"
            time.sleep(0.2)

    def project(self, name: str) -> dict:
        """What a project's page shows at its top."""
        query = """{ projects(first: 50) { edges { node { name traceCount
            tokenCountTotal costSummary { total { cost } } } } } }"""
        answer = json.loads(self.ask("/graphql", {"query": query}))
        assert "errors" not in answer, answer
        return next(edge["node"] for edge in answer["data"]["projects"]["edges"] if edge["node"]["name"] == name)


@pytest.fixture(scope="module")
def phoenix(tmp_path_factory):
    if not PROGRAM:
        pytest.skip("REMORA_PHOENIX names no program: run 'Tests/run otlp'")
    server = Phoenix(tmp_path_factory.mktemp("phoenix"))
    yield server
    server.process.terminate()
    server.process.wait(20)


@pytest.fixture
def traced(phoenix, start_remora, request):
    """`traced(upstream, {...})`: a proxy whose spans come into a project of the test's own, and the project's name."""

    def start(upstream, otlp=None, changes=None):
        name = request.node.name.replace("[", "-").replace("]", "")
        settings = {"endpoint": phoenix.url, **(otlp or {})}
        environment = {"OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_RESOURCE_ATTRIBUTES": f"openinference.project.name={name}"}
        return start_remora(upstream, {"telemetry": {"otlp": settings}, **(changes or {})}, env=environment), name

    return start


def parts(spans: list[dict]) -> tuple[dict, list[dict]]:
    servers = [each for each in spans if each["span_kind"] == "CHAIN"]
    calls = [each for each in spans if each["span_kind"] == "LLM"]
    assert len(servers) + len(calls) == len(spans), [(each["name"], each["span_kind"]) for each in spans]
    return servers[0], calls


def test_a_call_is_what_phoenix_takes_for_one(phoenix, traced, upstream):
    proxy, project = traced(upstream)
    body = {**CHAT, "temperature": 0.5, "thread_identifier": "thread-7"}
    assert proxy.ask(post_json("/v1/chat/completions", body)).status == 200
    server, (call,) = parts(phoenix.spans(project, 2))
    assert server["name"] == "POST /v1/chat/completions" and server["parent_id"] is None
    assert call["name"] == "chat gpt-4o" and call["parent_id"] == server["context"]["span_id"]
    assert server["status_code"] in ("OK", "UNSET") and call["status_code"] in ("OK", "UNSET")
    said = call["attributes"]
    assert said["llm.model_name"].startswith("gpt-4o")
    assert said["llm.token_count.prompt"] == USAGE["prompt_tokens"]
    assert said["llm.token_count.completion"] == USAGE["completion_tokens"]
    top = phoenix.project(project)
    assert top["traceCount"] == 1 and top["tokenCountTotal"] == USAGE["prompt_tokens"] + USAGE["completion_tokens"]
    # Its own prices, of which it has some for the model that is said to have answered.
    assert top["costSummary"]["total"]["cost"] > 0
    assert PROMPT not in json.dumps(phoenix.spans(project, 2))


def test_a_stream_has_its_first_token(phoenix, traced, upstream):
    proxy, project = traced(upstream)
    proxy.connect().ask(post_json("/v1/chat/completions", {**CHAT, "stream": True}))
    _, (call,) = parts(phoenix.spans(project, 2))
    assert [each["name"] for each in call["events"]] == ["first_token"]
    assert call["attributes"]["llm.token_count.prompt"] == USAGE["prompt_tokens"]


def test_tries_and_errors(phoenix, traced, start_upstream):
    server_ = start_upstream()
    proxy, project = traced(server_, changes={"retry": {"attempts": 2, "backoff": "10ms"}})
    server_.reply(json_answer({"error": {"message": PROMPT, "code": None}}, 503))
    assert proxy.ask(post_json("/v1/chat/completions", CHAT)).status == 200
    server, calls = parts(phoenix.spans(project, 3))
    assert sorted(each["status_code"] == "ERROR" for each in calls) == [False, True]
    assert server["status_code"] != "ERROR" and PROMPT not in json.dumps(calls)


@pytest.mark.parametrize("usage, times", [("always", 2), ("root", 1), ("never", 1)])
def test_tokens_that_the_application_tells_too(phoenix, traced, upstream, usage, times):
    """The application's own span of the call, and Remora's below it: with `usage: root` they count once."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    proxy, project = traced(upstream, {"usage": usage})
    trace, span = time.time_ns(), time.time_ns() & 0xFFFFFFFF
    headers = {"traceparent": PARENT % (trace, span)}
    assert proxy.ask(post_json("/v1/chat/completions", CHAT, headers)).status == 200
    export = ExportTraceServiceRequest()
    resource = export.resource_spans.add()
    resource.resource.attributes.add(key="openinference.project.name").value.string_value = project
    own = resource.scope_spans.add().spans.add(
        trace_id=trace.to_bytes(16, "big"), span_id=span.to_bytes(8, "big"), name="chat gpt-4o", kind=3,
        start_time_unix_nano=time.time_ns() - 10**9, end_time_unix_nano=time.time_ns())
    for key, value in {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}.items():
        own.attributes.add(key=key).value.string_value = value
    for key, value in {"input": USAGE["prompt_tokens"], "output": USAGE["completion_tokens"]}.items():
        own.attributes.add(key=f"gen_ai.usage.{key}_tokens").value.int_value = value
    request = urllib.request.Request(
        phoenix.url + "/v1/traces", export.SerializeToString(), {"Content-Type": "application/x-protobuf"})
    urllib.request.urlopen(request, timeout=20).close()
    phoenix.spans(project, 3)
    total = USAGE["prompt_tokens"] + USAGE["completion_tokens"]
    assert phoenix.project(project)["tokenCountTotal"] == (times * total if usage != "never" else total)
