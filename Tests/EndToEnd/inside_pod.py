"""The example application's pod, in namespaces of its own: test_pod.py runs this file, top to bottom.

The manifests are those in k8s, unchanged; the provider at api.openai.com is the tests' own.
"""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import openai
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "Manifests"))

from openai_server import TEXT  # noqa: E402
from pod import POD_IP, Image, Pod, names, set_up_network  # noqa: E402
from remora import PROMPT, ROOT, SECRET, assert_clean  # noqa: E402
from tools import kustomize, pod_template  # noqa: E402
from upstream import Upstream  # noqa: E402

ROTATED = "sk-canary-rotated-5d07"
CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": PROMPT}]}


@pytest.fixture(scope="module")
def objects():
    return kustomize(ROOT / "k8s/examples/openai-app/with-remora")


@pytest.fixture(scope="module")
def provider(authority):
    set_up_network()
    certificate = authority.issue("openai", ("api.openai.com",))
    server = Upstream(certificate, port=443, name="api.openai.com")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def pod(objects, provider, authority, tmp_path_factory):
    directory = tmp_path_factory.mktemp("pod")
    config_maps = {each["metadata"]["name"]: each["data"] for each in objects if each["kind"] == "ConfigMap"}
    secrets = {"remora": {"openai": f"{SECRET}\n"}}
    template = next(found for each in objects if (found := pod_template(each)))
    image = Image(directory / "image", authority.ca_file, "127.0.0.1 api.openai.com")
    made = Pod(directory, template, image, config_maps, secrets)
    yield made
    if made.process and made.process.poll() is None:
        made.process.kill()
        made.process.wait()


@pytest.fixture
def client():
    own = openai.DefaultHttpxClient(trust_env=False)
    with openai.OpenAI(
        base_url="http://localhost:4141/v1", api_key="any", max_retries=0, http_client=own
    ) as made:
        yield made


def until(condition, seconds: float = 5.0):
    """What `condition` returns, once that is true."""
    deadline = time.monotonic() + seconds
    while not (got := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
    return got


def test_starts(pod):
    """As the manifest's user, without privileges, and ready for kubelet within its patience."""
    pod.start()
    startup = pod.container["startupProbe"]
    until(
        lambda: pod.process.poll() is not None or pod.probe("startupProbe"),
        startup["periodSeconds"] * startup["failureThreshold"] / 10,
    )
    assert pod.process.poll() is None, pod.output()
    assert pod.probe("livenessProbe") and pod.probe("readinessProbe")
    status = Path(f"/proc/{pod.process.pid}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["Uid"].split() == ["64642"] * 4 and fields["Groups"].split() == []
    assert int(fields["CapEff"], 16) == 0 and fields["NoNewPrivs"] == "1"
    assert int(fields["VmRSS"].split()[0]) < 24 * 1024, "more than the manifest requests"


def test_serves_the_application(pod, provider):
    """Its program and its variables are the manifest's; the provider sees the Secret's key and nobody else does."""
    container = pod.template["spec"]["containers"][0]
    variables = {each["name"]: each["value"] for each in container["env"] if each["name"] != "PYTHONPATH"}
    application = subprocess.Popen(
        [sys.executable, pod.volumes["app"] / "app_py"],
        env={"PATH": os.environ["PATH"], **variables},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert application.stdout.readline() == TEXT + "\n"
        [request] = provider.requests
        assert request.get("authorization") == f"Bearer {SECRET}"
        assert variables["OPENAI_API_KEY"] not in str(request.headers)
    finally:
        application.send_signal(signal.SIGTERM)
        assert application.wait(10) == 0


def test_addresses(pod, client):
    """Both loopbacks serve; from outside the pod there are probes and metrics, and nothing else."""
    for host in ("127.0.0.1", "[::1]"):
        assert client.with_options(base_url=f"http://{host}:4141/v1").chat.completions.create(**CHAT)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((POD_IP, 4141), timeout=2)
    with urllib.request.urlopen(f"http://{POD_IP}:4142/metrics", timeout=2) as got:
        metrics = got.read().decode()
    # As `kubectl get configmap remora` would show it.
    text = (pod.volumes["remora-config"] / "remora_yaml").read_bytes()
    assert f'remora_config_info{{sha256="{hashlib.sha256(text).hexdigest()}"}} 1' in metrics
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"http://{POD_IP}:4142/quitquitquit", data=b"", timeout=2)
    assert refused.value.code == 403


def test_edit(pod, provider, client):
    """The ConfigMap changes under the running process, and what it says is in force; a broken one is not."""
    process = pod.process.pid
    volume = pod.volumes["remora-config"]
    text = (volume / "remora_yaml").read_text()

    def answered_by() -> str:
        return client.chat.completions.with_raw_response.create(**CHAT).headers["x-remora-provider"]

    assert answered_by() == "openai"
    volume.publish(**names({"remora.yaml": text.replace("small: mock", "gpt-4o-mini: mock")}))
    until(lambda: answered_by() == "mock")
    volume.publish(**names({"remora.yaml": "providers: ["}))
    until(lambda: '"level":"error"' in pod.output())
    assert answered_by() == "mock" and pod.probe("readinessProbe")
    volume.publish(**names({"remora.yaml": text}))
    until(lambda: answered_by() == "openai")
    assert pod.process.pid == process and pod.process.poll() is None


def test_rotation(pod, provider, client):
    """The Secret changes, and the next request carries the new key."""
    pod.volumes["remora-secrets"].publish(openai=f"{ROTATED}\n")

    def key() -> str:
        client.chat.completions.create(**CHAT)
        return provider.requests[-1].get("authorization")

    until(lambda: key() == f"Bearer {ROTATED}")


def test_ends(pod):
    """The application is gone, kubelet says SIGTERM: the process leaves at once, and said no secret."""
    began = time.monotonic()
    pod.process.send_signal(signal.SIGTERM)
    assert pod.process.wait(5) == 0
    assert time.monotonic() - began < 1
    assert_clean(pod.output(), [SECRET, ROTATED, PROMPT], "the log")
