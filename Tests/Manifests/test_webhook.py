"""`remora webhook`, asked as an API server asks: recorded reviews, over TLS, on kept connections."""

from __future__ import annotations

import base64
import http.client
import itertools
import json
import os
import signal
import socket
import ssl
import subprocess
import time

import jsonpatch
import pytest

import rules
import schemas
from tools import BINARY, ROOT, free_port

REVIEWS = ROOT / "../shared/kubernetes"
RECORDED = sorted(REVIEWS.glob("review-*.json")) + sorted(REVIEWS.glob("raw/*.json"))
PODS = {
    "bare": {},
    "nulls": {"volumes": None, "initContainers": None},
    "empty": {"volumes": [], "initContainers": []},
    "full": {"volumes": [{"name": "v", "emptyDir": {}}], "initContainers": [{"name": "i", "image": "i"}]},
}


def certificate(directory, name: str = "tls", days: int = 2) -> None:
    """A certificate for localhost and its key, as a Secret's files."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", str(days), "-subj", f"/CN={name}"]
        + ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        + ["-keyout", directory / "new.key", "-out", directory / "new.crt"],
        capture_output=True,
        check=True,
    )
    (directory / "new.key").rename(directory / "tls.key")
    (directory / "new.crt").rename(directory / "tls.crt")


class Webhook:
    def __init__(self, directory, *arguments: str):
        self.directory, self.port, self.admin = directory, free_port(), free_port()
        self.log = directory / "log"
        command = [BINARY, "webhook", "--tls-cert", directory / "tls.crt", "--tls-key", directory / "tls.key"]
        command += ["--listen", f"127.0.0.1:{self.port}", "--admin", f"127.0.0.1:{self.admin}", *arguments]
        self.process = subprocess.Popen([str(each) for each in command], stderr=self.log.open("wb"))
        deadline = time.monotonic() + 10
        while b'"serving"' not in self.log.read_bytes():
            assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.01)

    def connect(self) -> http.client.HTTPSConnection:
        trust = ssl.create_default_context(cafile=self.directory / "tls.crt")
        return http.client.HTTPSConnection("localhost", self.port, context=trust, timeout=60)

    def get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=10)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


@pytest.fixture(scope="module")
def webhook(tmp_path_factory):
    directory = tmp_path_factory.mktemp("webhook")
    certificate(directory)
    running = Webhook(directory, "--image", "registry.example.com/remora:0.1.0")
    yield running
    assert running.stop() == 0


def ask(connection, review: dict | bytes, path: str = "/inject?timeout=2s") -> dict:
    body = review if isinstance(review, bytes) else json.dumps(review).encode()
    connection.request("POST", path, body, {"Content-Type": "application/json", "Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status == 200, text
    response = json.loads(text)["response"]
    asked = json.loads(body)["request"]
    assert response["uid"] == asked["uid"]
    return response


def patched(review: dict, response: dict) -> dict:
    """The pod as the API server makes it: the patch applies, and touches nothing that was there."""
    pod = review["request"]["object"]
    if "patch" not in response:
        return pod
    assert response["patchType"] == "JSONPatch"
    operations = json.loads(base64.b64decode(response["patch"]))
    assert {each["op"] for each in operations} == {"add"}
    return jsonpatch.apply_patch(pod, operations)


def review_of(pod: dict, **request) -> dict:
    resource = {"group": "", "version": "v1", "resource": "pods"}
    asked = {"uid": "u", "resource": resource, "namespace": "n", "operation": "CREATE", "object": pod, **request}
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": asked}


def without_nulls(node):
    if isinstance(node, dict):
        return {key: without_nulls(value) for key, value in node.items() if value is not None}
    return [without_nulls(each) for each in node] if isinstance(node, list) else node


@pytest.mark.skipif(not RECORDED, reason=f"ABSENT {REVIEWS}")
def test_recorded_reviews_on_one_connection(webhook):
    connection = webhook.connect()
    for path in RECORDED:
        review = json.loads(path.read_bytes())
        response = ask(connection, path.read_bytes())
        if "remora-config" in [each["name"] for each in review["request"]["object"]["spec"].get("volumes", [])]:
            assert "remora-config is there already" in response["status"]["message"]
            continue
        assert response["allowed"] is True, (path, response)
        pod = patched(review, response)
        names = [each["name"] for each in pod["spec"].get("initContainers", [])]
        wanted = review["request"]["operation"] == "CREATE" and not pod["spec"].get("hostNetwork")
        assert (names[:1] == ["remora"]) == wanted, path
        assert schemas.problems({**pod, "metadata": {"name": "p", **pod["metadata"]}}) == [], path


@pytest.mark.parametrize("spec", PODS)
@pytest.mark.parametrize("env", [{}, {"env": None}, {"env": []}, {"env": [{"name": "A", "value": "b"}]}])
@pytest.mark.parametrize("metadata", [{}, {"annotations": None}, {"annotations": {}}, {"annotations": {"a/b~": "c"}}])
@pytest.mark.parametrize("mode", ["native", "classic"])
def test_every_shape_of_parent(webhook, spec, env, metadata, mode):
    """A patch that doesn't apply fails the pod whatever the failure policy: each finds its parents."""
    annotations = metadata.get("annotations")
    if mode == "classic":
        metadata = {**metadata, "annotations": {**(annotations or {}), "remora.dev/mode": "classic"}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", **metadata}}
    containers = [{"name": "app", "image": "web", **env}, {"name": "other", "image": "web"}]
    pod["spec"] = {"containers": containers, **PODS[spec]}
    review = review_of(pod)
    made = patched(review, ask(webhook.connect(), review))
    assert schemas.problems(without_nulls(made)) == []
    where = "initContainers" if mode == "native" else "containers"
    assert made["spec"][where][0]["name"] == "remora"
    assert [each["name"] for each in made["spec"]["volumes"]][:2] == ["remora-config", "remora-secrets"]
    for each in made["spec"]["containers"]:
        if each["name"] != "remora":
            assert [one["name"] for one in each["env"]][:2] == ["OPENAI_BASE_URL", "OPENAI_API_KEY"]
    kept = {key: made["metadata"]["annotations"][key] for key in annotations or {}}
    assert kept == (annotations or {})


@pytest.mark.skipif(not RECORDED, reason=f"ABSENT {REVIEWS}")
@pytest.mark.parametrize("path", sorted(REVIEWS.glob("review-*.json")), ids=lambda each: each.name)
def test_every_review_in_every_shape(webhook, path):
    """The API server's own pods, with each parent of a patch absent, null, empty and full."""
    review = json.loads(path.read_bytes())
    asked = review["request"]
    asked["operation"] = "CREATE"
    connection = webhook.connect()
    shapes = ("absent", "nulls", "empty", "full")
    for lists, env, notes in itertools.product(shapes, shapes, shapes):
        pod = json.loads(path.read_bytes())["request"]["object"]
        pod["spec"].pop("hostNetwork", None)
        for container in pod["spec"]["containers"]:
            container.get("ports", []).clear()
        # A volume that a container mounts has to stay.
        token = [each for each in pod["spec"].get("volumes", []) if not each["name"].startswith("remora-")]
        first = [{"name": "first", "image": "first:1"}]
        shape(pod["spec"], "initContainers", lists, first)
        shape(pod["spec"], "volumes", "full" if token else lists, token or [{"name": "v", "emptyDir": {}}])
        for container in pod["spec"]["containers"]:
            shape(container, "env", env, [{"name": "A", "value": "b"}])
        shape(pod["metadata"], "annotations", notes, {"example.com/~": "x"})
        asked["object"] = pod
        response = ask(connection, review)
        made = patched(review, response)
        where = (lists, env, notes, response)
        assert made["spec"]["initContainers"][0]["name"] == "remora", where
        rules.restricted(made["spec"]["initContainers"][0])
        made = without_nulls(made)
        assert schemas.problems({**made, "metadata": {"name": "p", **made["metadata"]}}) == [], where


def shape(owner: dict, key: str, how: str, full: list | dict) -> None:
    """Gives `owner` the member `key` in one of the four forms."""
    owner.pop(key, None)
    if how != "absent":
        owner[key] = {"nulls": None, "empty": type(full)(), "full": full}[how]


def test_a_pod_that_cannot_be(webhook):
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "ports": [{"containerPort": 4141}]}]}}
    response = ask(webhook.connect(), review_of(pod))
    assert response["allowed"] is False and response["status"]["code"] == 422
    assert response["status"]["message"] == "remora: the container a has port 4141, which Remora needs"


@pytest.mark.parametrize(
    ("method", "body", "headers", "status"),
    [
        ("GET", b"", {}, 405),
        ("POST", b"{}", {"Content-Type": "text/plain"}, 415),
        ("POST", b"{}", {"Content-Type": "application/json", "Content-Encoding": "gzip"}, 415),
        ("POST", b"{}", {"Content-Type": "application/json; charset=utf-8"}, 400),
        ("POST", b"{", {"Content-Type": "application/json"}, 400),
        ("POST", b"\xff\x00", {"Content-Type": "application/json"}, 400),
        ("POST", b" " * (8 << 20), {"Content-Type": "application/json"}, 400),
        ("POST", b" " * ((8 << 20) + 1), {"Content-Type": "application/json"}, 413),
    ],
)
def test_what_is_no_review(webhook, method, body, headers, status):
    connection = webhook.connect()
    try:
        connection.request(method, "/inject", body, headers)
    except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
        assert status == 413
    assert connection.getresponse().status == status


def test_chunked_body(webhook):
    review = json.dumps(review_of({"metadata": {}, "spec": {"containers": [{"name": "a"}]}})).encode()
    connection = webhook.connect()
    headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    connection.request("POST", "/inject", iter([review[:100], review[100:]]), headers, encode_chunked=True)
    assert json.loads(connection.getresponse().read())["response"]["patchType"] == "JSONPatch"


def test_silent_connections_keep_nobody_out(webhook):
    """A client that only connects has no place that another needs."""
    silent = [socket.create_connection(("127.0.0.1", webhook.port)) for _ in range(600)]
    try:
        review = review_of({"metadata": {}, "spec": {"containers": [{"name": "a"}]}})
        assert ask(webhook.connect(), review)["patchType"] == "JSONPatch"
    finally:
        for each in silent:
            each.close()


def test_metrics_and_log(webhook):
    ask(webhook.connect(), review_of({"metadata": {"generateName": "web-7f-"}, "spec": {"containers": [{"name": "a"}]}}))
    status, text = webhook.get("/metrics")
    assert status == 200
    counted = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert int(counted['remora_injections_total{result="injected"}']) >= 1
    assert float(counted["remora_certificate_expiry_timestamp_seconds"]) > time.time()
    assert any(each.get("pod") == "web-7f-" and each["result"] == "injected" for each in webhook.lines())
    assert webhook.get("/readyz") == (200, "ok\n") and webhook.get("/healthz") == (200, "ok\n")
    assert webhook.get("/inject")[0] == 404


def test_a_new_certificate_is_taken(tmp_path):
    """As kubelet or cert-manager renews it: new connections get it, and none is dropped for it."""
    certificate(tmp_path, "old")
    running = Webhook(tmp_path)
    try:
        review = review_of({"metadata": {}, "spec": {"containers": [{"name": "a"}]}})
        kept = running.connect()
        ask(kept, review)
        (tmp_path / "tls.crt").write_text("no certificate")
        deadline = time.monotonic() + 30
        while not any("can't be used" in each["msg"] for each in running.lines()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        certificate(tmp_path, "new")
        while not any(each["msg"] == "certificate read again" for each in running.lines()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        ask(kept, review)
        ask(running.connect(), review)
    finally:
        assert running.stop() == 0


def test_the_end(tmp_path):
    """At SIGTERM a kept connection gets one last answer, and the process ends with 0."""
    certificate(tmp_path)
    running = Webhook(tmp_path)
    review = review_of({"metadata": {}, "spec": {"containers": [{"name": "a"}]}})
    connection = running.connect()
    ask(connection, review)
    running.process.send_signal(signal.SIGTERM)
    while not any(each["msg"] == "draining" for each in running.lines()):
        time.sleep(0.01)
    connection.request("POST", "/inject", json.dumps(review), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 200 and answer.getheader("Connection") == "close"
    assert running.process.wait(timeout=10) == 0


def test_an_expired_certificate_is_not_ready(tmp_path):
    certificate(tmp_path)
    subprocess.run(
        ["openssl", "x509", "-in", tmp_path / "tls.crt", "-signkey", tmp_path / "tls.key", "-days", "-1"]
        + ["-out", tmp_path / "tls.crt"],
        capture_output=True,
        check=True,
    )
    running = Webhook(tmp_path)
    assert running.get("/readyz") == (503, "the certificate has expired\n")
    assert running.get("/healthz")[0] == 200
    assert running.stop() == 0


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ([], 2, "--tls-cert"),
        (["--tls-cert", "/none", "--tls-key", "/none"], 1, "/none"),
        (["--tls-cert", "a", "--tls-key", "b", "--on-error", "ignore"], 2, "--on-error"),
    ],
)
def test_wrong_start(arguments, status, words):
    done = subprocess.run([str(BINARY), "webhook", *arguments], capture_output=True, text=True, timeout=20)
    assert done.returncode == status and words in done.stderr


@pytest.mark.skipif(not RECORDED, reason=f"ABSENT {REVIEWS}")
def test_a_thousand_reviews_on_one_connection(webhook):
    body = (REVIEWS / "review-deployment.json").read_bytes()
    connection = webhook.connect()
    first = ask(connection, body)
    assert first["allowed"] and all(ask(connection, body) == first for _ in range(999))
