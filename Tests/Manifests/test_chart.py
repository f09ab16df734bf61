"""charts/remora: by itself, and inside the chart of an application, built from what the chart's README shows."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest
import yaml

import schemas
import values_schema
from rules import hold, restricted
from tools import BINARY, ROOT, code_blocks, config_maps, helm, pod_template, run, sidecar

pytestmark = pytest.mark.usefixtures("needs_helm")

CHART = ROOT / "charts/remora"
README = CHART / "README.md"
SECRETS = frozenset({"remora", "llm-keys"})
MONITOR = {"podMonitor": {"enabled": True}}
MOCK = {"config": {"providers": {"mock": {}}, "default_provider": "mock", "shutdown": {"drain": "20s"}}}

EVERYTHING = {
    "image": {"repository": "mirror.example/remora", "digest": "sha256:" + "0" * 64, "pullPolicy": "Always"},
    "config": {
        "providers": {
            "openai": {
                "api_key": {"file": "/var/run/secrets/remora/openai"},
                "tls": {"ca_file": "/etc/remora/ca.pem"},
            },
            "mock": {},
        },
        "default_provider": "openai",
        # As a number from a file it passes through Helm's hands as a fraction.
        "max_body": 16777216,
        "shutdown": {"drain": "20s"},
    },
    "files": {"ca.pem": "  -----BEGIN CERTIFICATE-----\nnot one\n\n# no comment\n"},
    "existingSecrets": [
        {"name": "llm-keys", "items": [{"key": "OPENAI", "path": "openai"}], "optional": False}
    ],
    "application": {"baseURL": "http://127.0.0.1:4141/v1", "apiKey": "nobody"},
    "extraArgs": ["--log-level", "debug"],
    "extraEnv": [{"name": "WHO", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
    "extraVolumeMounts": [{"name": "audit", "mountPath": "/var/log/remora"}],
    "extraVolumes": [{"name": "audit", "emptyDir": {"sizeLimit": "1Gi"}}],
    "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"memory": "64Mi"}},
    "startupProbe": {"periodSeconds": 1, "timeoutSeconds": 1, "failureThreshold": 30},
    "livenessProbe": {"periodSeconds": 20, "timeoutSeconds": 1, "failureThreshold": 2},
    "readinessProbe": {
        "initialDelaySeconds": 1,
        "periodSeconds": 3,
        "timeoutSeconds": 1,
        "failureThreshold": 1,
    },
    "podMonitor": {
        "enabled": True,
        "labels": {"release": "prometheus"},
        "interval": "30s",
        "scrapeTimeout": "5s",
        "selector": {"matchLabels": {"team": "payments"}},
        "namespaceSelector": {"any": True},
        "relabelings": [{"action": "labeldrop", "regex": "pod"}],
        "metricRelabelings": [{"action": "drop", "sourceLabels": ["__name__"], "regex": "process_.*"}],
    },
    "nameOverride": "proxy",
    "fullnameOverride": "llm-proxy",
    "commonLabels": {"team": "payments"},
    "imagePullSecrets": [{"name": "pull"}],
    "enabled": True,
    "runAs": 64642,
}


@pytest.fixture(scope="session")
def application(tmp_path_factory):
    """An application's chart, in the README's words: its dependency, its values, its pod's template."""
    charts = tmp_path_factory.mktemp("charts")
    chart = charts / "shop"
    (chart / "templates").mkdir(parents=True)
    shutil.copytree(CHART, charts / "remora")
    dependencies, values, pod = code_blocks(README, "# Remora's chart", "yaml")
    (chart / "Chart.yaml").write_text(f"apiVersion: v2\nname: shop\nversion: 1.0.0\n{dependencies}")
    (chart / "values.yaml").write_text(values)
    (chart / "templates/deployment.yaml").write_text(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: shop }\nspec:\n"
        "  selector: { matchLabels: { app: shop } }\n  template:\n    metadata: { labels: { app: shop } }\n"
        + pod
    )
    run("helm", "dependency", "build", chart)
    return chart


def deployment(objects: list[dict]) -> dict:
    return next(pod for each in objects if each["kind"] == "Deployment" and (pod := pod_template(each)))


def refused(values: dict, *arguments: str) -> str:
    """What Helm says against these values."""
    stdin = yaml.safe_dump(values)
    done = run("helm", "template", "shop", CHART, "--values", "-", *arguments, ok=False, input=stdin)
    assert done.returncode != 0, done.stdout
    return done.stderr


# By itself.


def test_lint():
    run("helm", "lint", "--strict", CHART)


@pytest.mark.parametrize(
    "values", [{}, MONITOR, MOCK, EVERYTHING], ids=["defaults", "monitor", "mock", "everything"]
)
def test_holds(values, tmp_path):
    objects = helm(CHART, values=values)
    wanted = {"ConfigMap", "Pod"} | ({"PodMonitor"} if "podMonitor" in values else set())
    assert {each["kind"] for each in objects} == wanted
    hold(objects, tmp_path, SECRETS)


def test_every_value_is_tried():
    """What `everything` leaves out would be rendered by no test."""
    known = set(yaml.safe_load((CHART / "values.yaml").read_text()))
    # The last two: test_dashboard.py.
    apart = {"existingConfigMap", "securityContext", "policy", "webhook", "dashboard", "rules"}
    assert known == set(EVERYTHING) | apart
    assert known | {"global"} == set(json.loads(values_schema.FILE.read_text())["properties"])


@pytest.mark.parametrize("policy", ["", "Always", "IfNotPresent", "Never"])
def test_pull_policy(policy, tmp_path):
    objects = helm(CHART, values={"image": {"pullPolicy": policy}})
    hold(objects, tmp_path)
    assert policy in json.dumps(objects)


def test_configuration_as_text(tmp_path):
    """Comments and blank lines stay, and what looks like YAML of the outer file doesn't leak."""
    text = "# why\nproviders:\n  mock: {}\n\ndefault_provider: mock # {{ not a template }}\n"
    objects = helm(CHART, values={"config": text})
    hold(objects, tmp_path)
    assert config_maps(objects)[0]["data"] == {"remora.yaml": text}


def test_configuration_as_mapping():
    objects = helm(CHART, values=EVERYTHING)
    data = config_maps(objects)[0]["data"]
    assert yaml.safe_load(data["remora.yaml"]) == EVERYTHING["config"]
    assert data["ca.pem"] == EVERYTHING["files"]["ca.pem"]
    assert "max_body: 16777216\n" in data["remora.yaml"], "Remora reads no 1.6777216e+07"


def test_existing_config_map():
    objects = helm(CHART, values={"existingConfigMap": "mine"})
    assert not config_maps(objects)
    assert objects[0]["spec"]["volumes"][0]["configMap"]["name"] == "mine"


def test_check_runs_once():
    """`helm test` judges the configuration with the sidecar's own eyes, and ends."""
    pod = next(each for each in helm(CHART) if each["kind"] == "Pod")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert pod["spec"]["restartPolicy"] == "Never"
    [container] = pod["spec"]["containers"]
    assert container["args"] == ["check", "/etc/remora/remora.yaml"]
    restricted(container)
    sidecars = sidecar(
        pod_template(yaml.safe_load((ROOT / "k8s/components/sidecar/workload.yaml").read_text()))
    )
    assert container["volumeMounts"] == sidecars["volumeMounts"]


def test_two_renders_are_equal():
    assert helm(CHART, values=EVERYTHING) == helm(CHART, values=EVERYTHING)


def test_versions_agree():
    """The chart's version of the application is the program's, in its images and in the example too."""
    program = subprocess.run(
        [str(BINARY), "version"], capture_output=True, text=True, check=True
    ).stdout.split()[1]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == program
    example = yaml.safe_load((ROOT / "k8s/examples/openai-app/with-remora/kustomization.yaml").read_text())
    assert [each["newTag"] for each in example["images"]] == [program]
    images = yaml.safe_load(chart["annotations"]["artifacthub.io/images"])
    assert [each["image"].split(":")[1] for each in images] == [program]
    assert f"version: {chart['version']}" in README.read_text()


def test_annotations():
    """Those that hold lists hold them as YAML."""
    annotations = yaml.safe_load((CHART / "Chart.yaml").read_text())["annotations"]
    assert all(isinstance(value, str) for value in annotations.values())
    kinds = {each["kind"] for each in yaml.safe_load(annotations["artifacthub.io/changes"])}
    assert kinds <= {"added", "changed", "deprecated", "removed", "fixed", "security"}


def test_old_kubernetes_is_refused():
    assert "1.29" in refused({}, "--kube-version", "1.28.15")
    helm(CHART, "--kube-version", "1.29.0")


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"imagee": {}}, "imagee"),
        ({"image": {"tagg": "1"}}, "tagg"),
        ({"image": {"digest": "latest"}}, "digest"),
        ({"config": {"provders": {}}}, "provders"),
        ({"config": {"providers": {"openai": {"api_kye": {"env": "A"}}}}}, "api_kye"),
        ({"config": 5}, "config"),
        ({"existingSecrets": ["remora"]}, "existingSecrets"),
        ({"existingSecrets": [{"name": "remora", "stringData": {"openai": "sk-1"}}]}, "stringData"),
        ({"secrets": {"openai": "sk-1"}}, "secrets"),
        ({"files": {"remora.yaml": "x"}}, "remora.yaml"),
        ({"podMonitor": {"interval": "often"}}, "interval"),
        ({"startupProbe": {"httpGet": {"host": "127.0.0.1"}}}, "httpGet"),
        ({"commonLabels": {"a b": "c"}}, "pattern"),
        ({"commonLabels": {"a": "c/d"}}, "commonLabels"),
        ({"podMonitor": {"labels": {"a": "x" * 64}}}, "labels"),
        ({"fullnameOverride": "Remora"}, "fullnameOverride"),
        ({"existingConfigMap": "a..b"}, "existingConfigMap"),
        ({"existingSecrets": [{"name": "a..b"}]}, "existingSecrets"),
        ({"existingSecrets": [{"name": "a"}, {"name": "a"}]}, "existingSecrets"),
        ({"existingSecrets": [{"name": "a", "items": [{"key": "k", "path": "../k"}]}]}, "path"),
        ({"existingSecrets": [{"name": "a", "items": [{"key": "k", "path": "/k"}]}]}, "path"),
        ({"files": {"..": "x"}}, "propertyName '..'"),
        ({"resources": {"limits": {"memory": "256MB"}}}, "memory"),
        ({"extraVolumes": [{"emptyDir": {}}]}, "extraVolumes"),
        ({"extraVolumes": [{"name": "remora-config", "emptyDir": {}}]}, "remora-config is there twice"),
        ({"extraVolumes": [{"name": "a", "emptyDir": {}}, {"name": "a", "hostPath": {"path": "/"}}]}, "a is there twice"),
        ({"extraVolumeMounts": [{"name": "a", "mountPath": "/etc/remora/"}]}, "mounted at /etc/remora already"),
        ({"commonLabels": {"app.kubernetes.io/name": "web"}}, "app.kubernetes.io/name"),
        ({"webhook": {"secret": "A"}}, "secret"),
        ({"runAs": "root"}, "runAs"),
        ({"runAs": 0}, "runAs"),
        ({"webhook": {"enabled": True}}, "certManager.enabled"),
        ({"webhook": {"enabled": True, "certificate": {"secretName": "tls"}}}, "caBundle"),
    ],
)
def test_bad_values_are_refused(values, word):
    assert word in refused(values)


@pytest.mark.parametrize("key", [{"value": "sk-canary"}, "sk-canary", "$sk-canary"])
def test_secret_in_the_configuration_is_refused(key):
    """Not even a message repeats it: Helm's own end up in logs."""
    message = refused({"config": {"providers": {"openai": {"api_key": key}}}})
    assert "api_key" in message and "sk-canary" not in message


@pytest.mark.parametrize("key", ["${OPENAI_KEY}", "passthrough", "none", {"env": "OPENAI_KEY"}])
def test_secret_that_is_none_is_accepted(key):
    helm(CHART, values={"config": {"providers": {"openai": {"api_key": key}}}})


def test_schema_of_the_configuration_is_the_programs():
    file = values_schema.FILE
    whole = json.loads(file.read_text())
    command = f"{ROOT.name}$ .venv/manifests/bin/python Tests/Manifests/values_schema.py"
    assert whole["properties"]["config"]["anyOf"][1] == values_schema.programs(), (
        f"brought up to date by: {command}"
    )
    assert file.read_text() == values_schema.text(whole), f"laid out by: {command}"


def notes(values: dict) -> str:
    stdin = yaml.safe_dump(values)
    done = run("helm", "install", "shop", CHART, "--dry-run=client", "-n", "web", "--values", "-", input=stdin)
    return done.stdout.partition("NOTES:\n")[2]


def test_notes():
    default = notes({})
    assert "kubectl -n web get secret remora" in default and "ConfigMap shop-remora" in default
    assert "podMonitor.enabled is false" in default
    other = notes({**MONITOR, "existingSecrets": [], "existingConfigMap": "mine"})
    assert "no Secret is mounted" in other and "ConfigMap mine" in other and "podMonitor" not in other
    # For a whole cluster it is other namespaces that need something.
    cluster = notes({**WEBHOOK, "policy": {"enabled": True}})
    assert "kubectl -n NAMESPACE create configmap remora --from-file=remora.yaml" in cluster
    assert "remora.dev/cpu-limit" in cluster and "restricted profile" in cluster
    assert "create configmap remora-injection" in cluster and "kubectl -n web" not in cluster


LATER = ["enabled", "files", "runAs", "podMonitor", "dashboard", "rules", "policy", "webhook"]
LESS = ["securityContext", "startupProbe", "livenessProbe", "readinessProbe", "resources"]


@pytest.mark.parametrize("key", LATER)
def test_values_of_an_earlier_chart(key):
    """`helm upgrade --reuse-values` brings what was installed, and no key that has come since: null takes one out."""
    assert helm(CHART, values={key: None}) == helm(CHART)
    assert notes({key: None}) == notes({})


def test_values_of_an_earlier_chart_in_an_application(application, tmp_path):
    """There a null has no effect, so that the keys must not be in the chart."""
    shutil.copytree(application.parent, tmp_path, dirs_exist_ok=True)
    file = tmp_path / "remora/values.yaml"
    values = {key: each for key, each in yaml.safe_load(file.read_text()).items() if key not in LATER + LESS}
    file.write_text(yaml.safe_dump(values))
    run("helm", "dependency", "build", tmp_path / "shop")
    container = sidecar(deployment(helm(tmp_path / "shop")))
    assert container["securityContext"] == {"runAsUser": 64642, "runAsGroup": 64642}
    assert container["startupProbe"] == {"httpGet": {"path": "/readyz", "port": "remora-admin"}}


def test_an_empty_configuration_is_the_default():
    assert helm(CHART, values={"config": ""}) == helm(CHART) == helm(CHART, values={"config": " \n"})


# For the whole cluster.

WEBHOOK = {"webhook": {"enabled": True, "certManager": {"enabled": True}}}
GIVEN = {"webhook": {"enabled": True, "certificate": {"secretName": "tls", "caBundle": "-----BEGIN"}}}


@pytest.mark.parametrize("values", [WEBHOOK, GIVEN], ids=["cert-manager", "given"])
def test_webhook(values, tmp_path):
    objects = helm(CHART, "-n", "remora", values=values)
    hold(objects, tmp_path)
    by = {each["kind"]: each for each in objects}
    assert ("Certificate" in by) == (values is WEBHOOK)
    pod = by["Deployment"]["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    restricted(container)
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    service = by["Service"]["spec"]
    assert ports[service["ports"][0]["targetPort"]] == 8443
    labels = pod["metadata"]["labels"].items()
    for selector in (
        service["selector"],
        by["Deployment"]["spec"]["selector"]["matchLabels"],
        by["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
    ):
        assert selector.items() <= labels
    asking, namespaces = by["MutatingWebhookConfiguration"]["webhooks"]
    assert (asking["failurePolicy"], namespaces["failurePolicy"]) == ("Fail", "Ignore")
    for each in (asking, namespaces):
        client = each["clientConfig"]
        assert client["service"]["name"] == by["Service"]["metadata"]["name"]
        assert client["service"]["namespace"] == by["Service"]["metadata"]["namespace"] == "remora"
        # An empty one would be a drift, and with cert-manager it is written later.
        assert ("caBundle" in client) == (values is GIVEN)
        assert each["sideEffects"] == "None" and each["timeoutSeconds"] == 2
        excluded = each["namespaceSelector"]["matchExpressions"][0]["values"]
        assert {"kube-system", "remora"} <= set(excluded), "it would wait for itself"
    arguments = container["args"]
    assert subprocess.run([str(BINARY), *arguments], capture_output=True, timeout=20).returncode == 1, (
        "the arguments are known, and only the certificate is missing"
    )
    mounted = {each["mountPath"] for each in container["volumeMounts"]}
    assert arguments[arguments.index("--tls-cert") + 1].rpartition("/")[0] in mounted
    if values is WEBHOOK:
        names = by["Certificate"]["spec"]["dnsNames"]
        assert f"{by['Service']['metadata']['name']}.remora.svc" in names


def test_policy():
    values = {"policy": {"enabled": True, "without": "Deny"}, "image": {"repository": "mirror.example/remora"}}
    stdin = yaml.safe_dump(values)
    text = run("helm", "template", "shop", CHART, "--kube-version", "1.36.0", "--values", "-", input=stdin).stdout
    objects = [each for each in yaml.safe_load_all(text) if each and "Policy" in each["kind"]]
    assert [each["metadata"]["name"] for each in objects] == ["shop-remora-inject"] * 2 + ["shop-remora-injected"] * 2
    assert {each["spec"].get("policyName", each["metadata"]["name"]) for each in objects} == {
        "shop-remora-inject",
        "shop-remora-injected",
    }
    assert objects[3]["spec"]["validationActions"] == ["Deny", "Audit"]
    assert objects[1]["spec"]["paramRef"]["name"] == "remora-injection"
    assert "mirror.example/remora:0.1.0" in text and "registry.example.com" not in yaml.safe_dump(objects)
    assert not [problem for each in objects for problem in schemas.problems(each)]
    assert "1.36" in refused({"policy": {"enabled": True}}, "--kube-version", "1.35.0")


# In an application's chart.


def test_application(application, tmp_path):
    objects = helm(application)
    hold(objects, tmp_path, SECRETS)
    pod = deployment(objects)
    assert sidecar(pod)["image"].startswith("registry.example.com/remora:")
    env = {each["name"]: each["value"] for each in pod["spec"]["containers"][0]["env"]}
    assert env["OPENAI_BASE_URL"] == "http://localhost:4141/v1" and env["OPENAI_API_KEY"]
    assert {each["metadata"]["name"] for each in config_maps(objects)} == {"shop-remora"}


def test_application_with_everything(application, tmp_path):
    objects = helm(application, values={"remora": EVERYTHING})
    hold(objects, tmp_path, SECRETS)
    container = sidecar(deployment(objects))
    assert container["image"] == f"mirror.example/remora@sha256:{'0' * 64}"
    assert container["args"][-2:] == ["--log-level", "debug"]
    assert container["env"][-1:] == EVERYTHING["extraEnv"] and container["env"][1]["name"] == "K8S_POD_NAME"
    assert container["resources"] == EVERYTHING["resources"]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert EVERYTHING[probe].items() <= container[probe].items()


def test_a_variable_that_the_values_name_is_theirs(application, tmp_path):
    """Twice the same name would be refused, or the wrong one taken."""
    own = [
        {"name": "K8S_CONTAINER_NAME", "value": "gateway"},
        {"name": "OTEL_RESOURCE_ATTRIBUTES", "value": "host.name=$(K8S_NODE_NAME)"},
    ]
    objects = helm(application, values={"remora": {**EVERYTHING, "extraEnv": own}})
    hold(objects, tmp_path, SECRETS)
    names = [each["name"] for each in sidecar(deployment(objects))["env"]]
    assert names == ["K8S_NAMESPACE_NAME", "K8S_POD_NAME", "K8S_POD_UID", "K8S_NODE_NAME", "K8S_APP_NAME",
                     "K8S_CONTAINER_NAME", "OTEL_RESOURCE_ATTRIBUTES"]


def test_application_whose_cluster_chooses_the_user(application):
    """OpenShift's. A null of a parent's values would have no effect."""
    container = sidecar(deployment(helm(application, values={"remora": {"runAs": "none"}})))
    assert not {"runAsUser", "runAsGroup"} & container["securityContext"].keys()
    assert container["securityContext"]["runAsNonRoot"] is True


def test_application_with_several_secrets(application, tmp_path):
    secrets = [{"name": "remora"}, {"name": "llm-keys", "optional": True}]
    objects = helm(application, values={"remora": {"existingSecrets": secrets}})
    hold(objects, tmp_path, SECRETS)
    volumes = {each["name"]: each for each in deployment(objects)["spec"]["volumes"]}
    assert [each["secret"] for each in volumes["remora-secrets"]["projected"]["sources"]] == secrets


def test_application_with_a_condition(application, tmp_path):
    """`condition: remora.enabled` in the parent's Chart.yaml takes the whole of Remora out."""
    chart = tmp_path / "shop"
    shutil.copytree(application, chart)
    file = chart / "Chart.yaml"
    file.write_text(file.read_text() + "    condition: remora.enabled\n")
    template = chart / "templates/deployment.yaml"
    text = re.sub(r"^( *)(\{\{- include .*)$", r"\1{{- if .Values.remora.enabled }}\n\1\2\n\1{{- end }}", template.read_text(), flags=re.M)
    template.write_text(text)
    assert sidecar(deployment(helm(chart)))
    without = helm(chart, values={"remora": {"enabled": False}})
    assert [each["kind"] for each in without] == ["Deployment"] and not sidecar(deployment(without))


def test_application_without_secrets(application, tmp_path):
    objects = helm(
        application,
        values={
            "remora": {
                "existingSecrets": [],
                "config": "providers: { mock: {} }\ndefault_provider: mock\nshutdown: { drain: 5s }\n",
            }
        },
    )
    hold(objects, tmp_path, frozenset())
    assert [each["name"] for each in deployment(objects)["spec"]["volumes"]] == ["remora-config"]


def test_global_values_pass(application):
    helm(application, values={"global": {"anything": 1}})


def test_edit_changes_only_the_config_map(application):
    """Neither a name nor an annotation follows the content: nothing restarts."""
    before = helm(application)
    after = helm(application, values={"remora": {"config": {"max_body": "8MiB"}}})
    changed = [old["kind"] for old, new in zip(before, after, strict=True) if old != new]
    assert changed == ["ConfigMap"]
    assert not re.search(
        "sha256sum|checksum",
        "".join(file.read_text() for file in (CHART / "templates").glob("*") if file.is_file()),
    )


def test_same_sidecar_as_kustomize(application):
    """Both ways put the same container into a pod, by their defaults."""
    component = yaml.safe_load((ROOT / "k8s/components/sidecar/workload.yaml").read_text())
    ours, other = sidecar(deployment(helm(application))), sidecar(pod_template(component))
    for container in (ours, other):
        container.pop("imagePullPolicy", None)
        container.pop("image")
    assert ours == other
