"""The chart's Grafana dashboard, a line a panel, so that a change can be read.

Run by itself, it writes `charts/remora/dashboards/remora-overview.json` anew.
"""

from __future__ import annotations

import json

from tools import ROOT

FILE = ROOT / "charts/remora/dashboards/remora-overview.json"

# Only labels that Prometheus adds or the metric has: a variable over a label that isn't there empties every panel.
POD = 'namespace=~"$namespace",pod=~"$pod"'
BY = POD + ',provider=~"$provider",model=~"$model"'
PROVIDER = POD + ',provider=~"$provider"'
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def rate(metric: str, labels: str = POD, by: str = "") -> str:
    return f"sum{f' by ({by})' if by else ''} (rate({metric}{{{labels}}}[$__rate_interval]))"


def grown(metric: str, labels: str = POD, by: str = "") -> str:
    return f"sum{f' by ({by})' if by else ''} (increase({metric}{{{labels}}}[$__rate_interval]))"


def quantile(share: float, metric: str, by: str = "", labels: str = BY) -> str:
    return f"histogram_quantile({share}, {rate(metric + '_bucket', labels, f'le, {by}' if by else 'le')})"


def share(part: str, whole: str) -> str:
    """Of what may have no series of the part yet, 0 and not nothing."""
    return f"({part} or 0 * {whole}) / {whole}"


def both(metric: str, by: str = "provider, model", labels: str = BY) -> list:
    name = "/".join("{{" + each + "}}" for each in by.split(", "))
    return [(quantile(0.5, metric, by, labels), f"p50 {name}"), (quantile(0.99, metric, by, labels), f"p99 {name}")]


TARGET = "{{provider}}/{{model}}"
FAILED = BY + ',code=~"5.."'

# Kind, title, unit, expressions with their legends, width of 24.
ROWS = [
    ("At a glance", [
        ("stat", "Requests/s", "reqps", [(rate("remora_requests_total", BY), "")], 4),
        ("stat", "Failures (5xx)", "percentunit", [
            (share(rate("remora_requests_total", FAILED), rate("remora_requests_total", BY)), "")], 4),
        ("stat", "First token, p50", "s", [(quantile(0.5, "remora_time_to_first_token_seconds"), "")], 4),
        ("stat", "Tokens/min", "short", [(f"""60 * {rate("remora_tokens_total", BY + ',kind=~"input|output"')}""", "")], 4),
        ("stat", "Cost/h", "currencyUSD", [(f"3600 * {rate('remora_cost_usd_total', BY)} or vector(0)", "")], 4),
        ("stat", "Configurations in force", "short", [
            (f"count(count by (sha256) (remora_config_info{{{POD}}}))", "")], 4),
    ]),
    ("What the application sees", [
        ("timeseries", "Requests by status", "reqps", [(rate("remora_requests_total", BY, "code"), "{{code}}")], 8),
        ("timeseries", "Failure share by provider and model", "percentunit", [
            (share(rate("remora_requests_total", FAILED, "provider, model"),
                   rate("remora_requests_total", BY, "provider, model")), TARGET)], 8),
        ("timeseries", "Refused here", "reqps", [
            (rate("remora_limited_total", POD, "scope, limit"), "{{scope}} {{limit}}"),
            (rate("remora_policy_actions_total", POD, "policy, action"), "{{policy}} {{action}}"),
            (rate("remora_consumer_rejections_total", POD, "reason"), "caller {{reason}}"),
            (rate("remora_refused_total", POD, "reason"), "{{reason}}")], 8),
        ("timeseries", "First token, p50 and p99", "s", both("remora_time_to_first_token_seconds"), 8),
        ("timeseries", "Duration, p50 and p99", "s", both("remora_request_duration_seconds"), 8),
        ("timeseries", "Streams that ended otherwise", "reqps", [
            (rate("remora_streams_ended_total", PROVIDER + ',reason!="complete"', "provider, reason"),
             "{{provider}} {{reason}}")], 8),
        ("timeseries", "Output tokens/s of a stream, p50", "short", [
            (quantile(0.5, "remora_output_tokens_per_second", "provider, model"), TARGET)], 8),
    ]),
    ("Providers", [
        ("timeseries", "Attempts by outcome", "reqps", [
            (rate("remora_upstream_attempts_total", PROVIDER, "provider, outcome"), "{{provider}} {{outcome}}")], 8),
        ("timeseries", "Attempts per request", "short", [
            (f"{rate('remora_upstream_attempts_total', PROVIDER, 'provider')} / "
             f"{rate('remora_requests_total', PROVIDER, 'provider')}", "{{provider}}")], 8),
        ("timeseries", "Targets that aren't well (1 half open, 2 open, 3 cooling)", "short", [
            (f"max by (provider, model) (remora_target_state{{{BY}}})", TARGET)], 8),
        ("timeseries", "Fallbacks and retries", "reqps", [
            (rate("remora_fallbacks_total", POD, "from, to"), "{{from}} to {{to}}"),
            (rate("remora_retries_total", PROVIDER, "provider, class"), "{{provider}} again, {{class}}")], 8),
        ("timeseries", "First byte of an attempt, p50 and p99", "s",
         both("remora_upstream_first_byte_seconds", "provider", PROVIDER), 8),
        ("timeseries", "Connections made, p50 and p99", "s",
         both("remora_upstream_connect_seconds", "provider", PROVIDER), 8),
        ("timeseries", "Keys read again because they were refused", "short", [
            (grown("remora_credential_refreshes_total", PROVIDER, "provider, result"), "{{provider}} {{result}}")], 8),
    ]),
    ("Tokens and money", [
        ("timeseries", "Tokens/min by kind", "short", [
            (f"60 * {rate('remora_tokens_total', BY, 'kind')}", "{{kind}}")], 8),
        ("timeseries", "Share of input from the provider's cache", "percentunit", [
            (f"""{rate("remora_tokens_total", BY + ',kind="cached_input"', "provider, model")} / """
             f"""{rate("remora_tokens_total", BY + ',kind="input"', "provider, model")}""", TARGET)], 8),
        ("timeseries", "USD/h by model", "currencyUSD", [
            (f"3600 * {rate('remora_cost_usd_total', BY, 'provider, model')}", TARGET)], 8),
        ("timeseries", "Budget left", "percentunit", [
            (f"min by (scope, group) (remora_budget_remaining_usd{{{POD}}} / remora_budget_limit_usd{{{POD}}})",
             "{{scope}} {{group}}")], 8),
        ("timeseries", "Requests without a price, tokens guessed", "short", [
            (grown("remora_unpriced_requests_total", BY, "provider, model"), TARGET),
            (grown("remora_tokens_estimated_total", POD, "kind"), "{{kind}} tokens guessed")], 8),
    ]),
    ("Remora itself", [
        ("timeseries", "Overhead, p99", "s", [
            (quantile(0.99, "remora_overhead_seconds", "endpoint", POD), "{{endpoint}}")], 6),
        ("timeseries", "Resident memory", "bytes", [
            (f"max by (pod) (process_resident_memory_bytes{{{POD}}} and on (pod, instance) remora_build_info)", "{{pod}}"),
        ], 6),
        ("timeseries", "Memory held, of what may be", "percentunit", [
            (f"max by (pod) (remora_memory_used_bytes{{{POD}}} / (remora_memory_limit_bytes{{{POD}}} > 0))", "{{pod}}")], 6),
        ("timeseries", "CPU", "short", [
            (f"sum by (pod) (rate(process_cpu_seconds_total{{{POD}}}[$__rate_interval]) and on (pod, instance) "
             "remora_build_info)", "{{pod}}")], 6),
        ("timeseries", "Configuration refused, telemetry lost", "short", [
            (f"min by (pod) (remora_config_last_reload_successful{{{POD}}}) == 0", "refused {{pod}}"),
            (grown("remora_log_lines_dropped_total", POD, "pod"), "log lines lost {{pod}}")], 6),
        ("timeseries", "Certificates, days left", "d", [
            (f"min by (pod, name) (remora_tls_certificate_expiry_timestamp_seconds{{{POD}}} - time()) / 86400",
             "{{pod}} {{name}}")], 6),
    ]),
]


def panel(number: int, kind: str, title: str, unit: str, targets: list, place: dict) -> dict:
    options = {"reduceOptions": {"calcs": ["lastNotNull"]}}
    if kind == "timeseries":
        options = {
            "legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"},
        }
    return {
        "id": number, "type": kind, "title": title, "datasource": SOURCE, "gridPos": place,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0, "noValue": "none"}, "overrides": []},
        "options": options,
        "targets": [
            {"refId": chr(65 + at), "expr": expression, "legendFormat": legend or "__auto", "datasource": SOURCE}
            for at, (expression, legend) in enumerate(targets)
        ],
    }


def panels() -> list:
    found: list = []
    y = 0
    for title, entries in ROWS:
        found.append({
            "id": len(found) + 1, "type": "row", "title": title, "collapsed": False, "panels": [],
            "gridPos": {"h": 1, "w": 24, "x": 0, "y": y},
        })
        y += 1
        x, height = 0, 4 if entries[0][0] == "stat" else 8
        for kind, name, unit, targets, width in entries:
            if x + width > 24:
                x, y = 0, y + height
            place = {"h": height, "w": width, "x": x, "y": y}
            found.append(panel(len(found) + 1, kind, name, unit, targets, place))
            x += width
        y += height
    return found


def variable(name: str, label: str, query: str) -> dict:
    return {
        "name": name, "label": label, "type": "query", "datasource": SOURCE, "query": {"query": query, "refId": "v"},
        "definition": query, "refresh": 2, "multi": True, "includeAll": True, "allValue": ".*", "sort": 1,
        "current": {"text": "All", "value": "$__all"},
    }


def dashboard() -> dict:
    reloads = "remora_config_last_reload_success_timestamp_seconds"
    return {
        "uid": "remora-overview", "title": "Remora", "tags": ["remora", "llm"], "schemaVersion": 39, "version": 1,
        "editable": True, "graphTooltip": 1, "refresh": "30s", "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": [{
            "name": "New configuration", "enable": True, "datasource": SOURCE, "iconColor": "blue",
            "expr": f'changes({reloads}{{{POD}}}[$__interval]) > 0',
        }]},
        "templating": {"list": [
            {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1,
             "current": {}},
            variable("namespace", "Namespace", "label_values(remora_build_info, namespace)"),
            variable("pod", "Pod", 'label_values(remora_build_info{namespace=~"$namespace"}, pod)'),
            variable("provider", "Provider", 'label_values(remora_requests_total{namespace=~"$namespace"}, provider)'),
            variable("model", "Model",
                     'label_values(remora_requests_total{namespace=~"$namespace",provider=~"$provider"}, model)'),
        ]},
        "panels": panels(),
    }


def text() -> str:
    return json.dumps(dashboard(), indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
    print(f"{FILE}: written")
