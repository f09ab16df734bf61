"""What is measured under load: the requests, how they come, and the rows that are read off."""

import json

MIB = 1 << 20
BODY = 20 * MIB
OWN, CLAUDE = "gpt-4o-mini", "translated/claude-sonnet-4-5"
LINE = "The quick brown fox jumps over the lazy dog while nobody is looking at it closely.\n"
PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages", "responses": "/v1/responses"}
LONG = (60 * 1024, 121)
"""Bytes and turns of a long history."""


def prose(size):
    return (LINE * (size // len(LINE) + 1))[:max(size, 1)]


def asked(form, model, size, turns=1, streams=False, value=""):
    """A request's body of about `size` bytes in so many turns; `value` stands at the last one's end."""
    body = {"model": model, "messages": [], "temperature": 0.7}
    if form == "messages":
        body["max_tokens"] = 1024
    if streams:
        body["stream"] = True
    each = max((size - 100) // turns - 40, 1)
    body["messages"] = [{"role": "assistant" if turn % 2 else "user", "content": prose(each - each // 80)}
                        for turn in range(turns)]
    body["messages"][-1]["content"] += value
    if form == "responses":
        body["input"] = body.pop("messages")
    return json.dumps(body, separators=(",", ":")).encode()


class Scenario:
    """One load, and the rows that are read off it."""

    def __init__(self, mode, rows, saturates=False, bare=0, body=None, **options):
        self.mode = mode
        self.rows = rows
        # The proxy, and not the load, is to be what limits.
        self.saturates = saturates
        # So many of the last rows are measured without a proxy too.
        self.bare = bare
        # The request's own bytes, where they aren't a chat of a size.
        self.bytes = body if isinstance(body, bytes) else None
        if isinstance(body, int):
            options["body"] = body
        self.options = options

    @property
    def is_large(self):
        return self.options.get("body", 0) >= BODY


def per_request(scale):
    return lambda result: result["processor_ns"] / result["requests"] / scale if result["requests"] else None


def per_event(result):
    return result["processor_ns"] / result["events"] / 1e3 if result["events"] else None


def rate(result):
    return result["requests"] / result["elapsed_ns"] * 1e9


def busy(result):
    return 100 * result["processor_ns"] / result["elapsed_ns"]


def quantile(name):
    return lambda result: result[name] / 1e3 if result["requests"] else None


def delay(name):
    return lambda result: result[name] / 1e3 if result["events"] else None


STREAMS = {"connections": 64, "order": "stream 100 10", "warm_up_ms": 1200, "spread_ms": 1000, "window_ms": 3000}

SCENARIOS = [
    Scenario("closed", [
        ("CPU, chat request 1 KB, 32 connections", "µs", per_request(1e3)),
        ("throughput, the same", "1/s", rate),
        ("processor's share, the same", "%", busy),
    ], saturates=True, connections=32, body=1024, order="json 1024"),
    Scenario("closed", [("CPU, chat request 1 KB, 256 connections", "µs", per_request(1e3))],
             saturates=True, connections=256, body=1024, order="json 1024"),
    Scenario("closed", [("CPU, chat request 32 KB, 32 connections", "µs", per_request(1e3))],
             saturates=True, connections=32, body=32 * 1024, order="json 1024"),
    Scenario("closed", [
        ("CPU, stream chunk, 64 streams of 100/s", "µs", per_event),
        ("delay of a chunk p50, the same", "µs", delay("delay_p50_ns")),
        ("delay of a chunk p99, the same", "µs", delay("delay_p99_ns")),
    ], bare=2, **STREAMS),
    Scenario("paced", [
        ("CPU, chat request 1 KB, 1,000 requests/s", "µs", per_request(1e3)),
        ("latency p50, 1,000 requests/s", "µs", quantile("p50_ns")),
        ("latency p99, 1,000 requests/s", "µs", quantile("p99_ns")),
    ], bare=2, connections=64, rate=1000, body=1024, order="json 1024"),
    Scenario("closed", [("CPU, 20 MB answer", "ms", per_request(1e6))],
             connections=1, method="GET", path="/v1/files/file-1/content", body=0, order=f"bytes {BODY}"),
    Scenario("closed", [("CPU, 20 MB upload", "ms", per_request(1e6))],
             connections=1, path="/v1/files", kind="binary", body=BODY, order="json 1024"),
    Scenario("closed", [("CPU, 20 MB chat request", "ms", per_request(1e6))],
             connections=1, body=BODY, order="json 1024"),
    Scenario("closed", [("CPU, chat request 1 MB", "µs", per_request(1e3))],
             connections=4, body=MIB, order="json 1024"),
    Scenario("closed", [("CPU, chunk of streams of 10", "µs", per_event)],
             connections=16, order="stream 10 2", warm_up_ms=500),
    Scenario("closed", [("CPU, chunk of streams of 1,000", "µs", per_event)],
             connections=16, order="stream 1000 2", warm_up_ms=500),
]
CHAT, _, LARGE, STREAM, _, ANSWER_20, UPLOAD_20, CHAT_20 = SCENARIOS[:8]


def whole(form, model, size, turns=1):
    return Scenario("closed", [("", "", per_request(1e3))], connections=32, order="json 1024", path=PATHS[form],
                    body=asked(form, model, size, turns))


def stream(form, model):
    return Scenario("closed", [("", "", per_event)], path=PATHS[form], body=asked(form, model, 1024, streams=True),
                    **STREAMS)


def pairs():
    """What only Remora does, each with the same load passed through, which it is measured against."""
    for form, passed, translated in [("chat", OWN, CLAUDE), ("messages", CLAUDE, OWN), ("responses", OWN, CLAUDE)]:
        for size, words in [((1024, 1), "1 KB"), (LONG, "60 KB in 121 turns")]:
            yield (f"CPU, {form} request {words}, translated over passed through",
                   whole(form, translated, *size), whole(form, passed, *size))
        yield f"CPU, {form} stream chunk, translated over passed through", stream(form, translated), stream(form, passed)


TRANSLATED = list(pairs())
CALLER = {"field": "x-bench-caller: the-providers-secret"}
VALUE = " Write to jane.doe@corp.example.com."

EVERYTHING = [
    (Scenario("closed", [("CPU, all of it on, chat request 1 KB", "µs", per_request(1e3))], connections=32,
              saturates=True, order="json 1024", body=asked("chat", OWN, 1024), **CALLER), CHAT),
    (Scenario("closed", [("CPU, all of it on, chat request 32 KB", "µs", per_request(1e3))], connections=32,
              saturates=True, order="json 1024", body=asked("chat", OWN, 32 * 1024), **CALLER), LARGE),
    (Scenario("closed", [("CPU, all of it on, stream chunk with values put back", "µs", per_event)],
              body=asked("chat", OWN, 1024, streams=True, value=VALUE), **STREAMS, **CALLER), STREAM),
]
"""With callers, limits, a budget, policies, an access log and traces; and the bare load that it is measured against."""

WORKERS = [2, 4]


def manifests():
    """Five megabytes of Deployments."""
    one = ("apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web%d }\nspec:\n  selector: { matchLabels: { app: web } }\n"
           "  template:\n    metadata: { labels: { app: web } }\n    spec:\n      containers:\n      - name: app\n"
           "        image: web:1\n")
    return "---\n".join(one % number for number in range(22_000)).encode()
