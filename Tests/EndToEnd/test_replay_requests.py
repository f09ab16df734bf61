"""What reaches a provider: every kind of request is held to the provider's own schema, and says what the client said."""

from __future__ import annotations

import json

import pytest
from remora import PROMPT
from replay import answers, matrix, schemas
from replay.answers import Said
from replay.asked import READERS, Asked, numbers_kept, of_openai
from wire import post_json

pytestmark = pytest.mark.proxy

MODELS = {
    "anthropic": "anthropic/claude-sonnet-4-5",
    "gemini": "gemini/gemini-2.5-flash",
    "vertex": "vertex/gemini-2.5-flash",
    "vertex-claude": "vertex/claude-sonnet-4-5@20250929",
    "bedrock": "bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "cohere": "cohere/command-a-03-2025",
    "ollama": "ollama/qwen3:8b",
}
PATHS = {
    "anthropic": ("/v1/messages", "/v1/messages"),
    "gemini": (
        "/v1beta/models/gemini-2.5-flash:generateContent",
        "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
    ),
    "vertex": tuple(
        "/v1/projects/remora-project/locations/europe-west4/publishers/google/models/gemini-2.5-flash:" + verb
        for verb in ("generateContent", "streamGenerateContent?alt=sse")
    ),
    "vertex-claude": tuple(
        "/v1/projects/remora-project/locations/europe-west4/publishers/anthropic/models/claude-sonnet-4-5@20250929:"
        + verb
        for verb in ("rawPredict", "streamRawPredict")
    ),
    "bedrock": tuple(
        f"/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/{verb}" for verb in ("converse", "converse-stream")
    ),
    "cohere": ("/v2/chat", "/v2/chat"),
    "ollama": ("/api/chat", "/api/chat"),
}
DIALECTS = tuple(MODELS)


def send(replayer, dialect: str, body: dict, *, streamed: bool = False):
    """Asks for an answer in the dialect; gives the client's answer and the request that reached the provider."""
    replayer.upstream.reset()
    replayer.upstream.reply(*answers.steps(dialect, Said("Fine."), streamed=streamed))
    asked = {"model": MODELS[dialect], **body}
    if streamed:
        asked["stream"] = True
    with replayer.proxy.connect() as client:
        answer = client.ask(post_json("/v1/chat/completions", asked))
    return answer, (replayer.upstream.requests or [None])[0]


def translated(replayer, dialect: str, body: dict) -> dict:
    answer, request = send(replayer, dialect, body)
    assert answer.status == 200, answer.body
    schemas.check(dialect, json.loads(request.body))
    return numbers_kept(request.body)


def cases(wanted: dict[str, dict]):
    return pytest.mark.parametrize("name", wanted)


every_dialect = pytest.mark.parametrize("dialect", DIALECTS)

NO_LINKS = ("bedrock", "ollama", "gemini", "vertex", "vertex-claude")
"""Those that fetch no pictures; Remora doesn't either."""
NO_FILES = ("cohere", "ollama")


def expressible(dialect: str, name: str) -> bool:
    if name == "http image":
        return dialect not in NO_LINKS
    return not (name == "pdf" and dialect in NO_FILES)


@every_dialect
@cases(matrix.CONVERSATIONS)
def test_a_conversation_arrives(replayer, dialect, name):
    body = matrix.CONVERSATIONS[name]
    if not expressible(dialect, name):
        answer, request = send(replayer, dialect, body)
        if answer.status == 400:
            assert answer.error["param"].startswith("messages[0].content[1]"), answer.error
            assert request is None
            return
        # A provider may have learnt it; then it must be there.
    native = translated(replayer, dialect, body)
    got, wanted = READERS[dialect](native).normal(), of_openai(body).normal()
    forgive(dialect, got, wanted)
    assert got == wanted


def forgive(dialect: str, got: Asked, wanted: Asked) -> None:
    """Takes out what a dialect has to add or can't say, so that all the rest can be compared."""
    got.settings.pop("limit", None)
    got.choice = None
    wanted.choice = None
    if dialect != "cohere":
        wanted.turns = [(role, [by_its_bytes(item) for item in items]) for role, items in wanted.turns]
    if not any(role == "user" for role, _ in wanted.turns):
        # A conversation needs a user, if one with next to nothing to say.
        got.turns = [turn for turn in got.turns if turn != ("user", [("text", "Begin.")])]
    if dialect == "bedrock":
        # A document needs words beside it.
        got.turns = [(role, [item for item in items if item != ("text", "See the document.")]) for role, items in got.turns]
    # A schema is said to every function, an empty one where the client gives none.
    for asked in (got, wanted):
        for name, (description, schema) in asked.tools.items():
            asked.tools[name] = (description, {} if not schema.get("properties") and "$ref" not in schema else schema)
    if dialect in ("gemini", "vertex"):
        if got.turns[:1] == [("user", [("text", "Begin.")])] and (not wanted.turns or wanted.turns[0][0] != "user"):
            # A conversation has to begin with the user.
            del got.turns[0]
        for asked in (got, wanted):
            asked.turns = [(role, [spaced(item) for item in items]) for role, items in asked.turns]
        wanted.tools = {name: (text, inlined(schema)) for name, (text, schema) in wanted.tools.items()}
        got.tools = {name: (text, inlined(schema)) for name, (text, schema) in got.tools.items()}
    if dialect == "ollama":
        for asked in (got, wanted):
            asked.turns = [(role, [unlabelled(item) for item in items]) for role, items in asked.turns]
            asked.turns = [(role, sorted(items, key=repr)) for role, items in asked.turns]
    # Blank texts are refused by several, and say nothing.
    for asked in (got, wanted):
        asked.turns = [
            (role, [item for item in items if item[0] != "text" or item[1].strip()]) for role, items in asked.turns
        ]


SIGNATURES = {"iVBORw0K": "image/png", "/9j/": "image/jpeg", "R0lGOD": "image/gif", "UklGR": "image/webp"}


def by_its_bytes(item: tuple) -> tuple:
    """Pictures are what their first bytes are, whatever they are called."""
    if item[0] == "image":
        for signature, media in SIGNATURES.items():
            if item[2].startswith(signature):
                return ("image", media, *item[2:])
    return item


def spaced(item: tuple) -> tuple:
    """A result that is JSON goes out as an object: its white space isn't kept."""
    if item[0] == "result":
        try:
            return (*item[:2], json.dumps(json.loads(item[2])))
        except ValueError:
            pass
    return item


def unlabelled(item: tuple) -> tuple:
    """Ollama's pictures have no media type, and its turns are one text: where parts meet may be a line's end."""
    if item[0] == "image":
        return (item[0], None, *item[2:])
    return ("text", item[1].replace("\n", "")) if item[0] == "text" else item


def inlined(schema):
    """Gemini's older schemas know neither references nor closed objects, and write types in capitals."""

    def walk(value, definitions):
        if isinstance(value, list):
            return [walk(each, definitions) for each in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            return walk(definitions[value["$ref"].rsplit("/", 1)[1]], definitions)
        kept = {key: each for key, each in value.items() if key not in ("$defs", "additionalProperties")}
        found = {key: walk(each, definitions) for key, each in kept.items()}
        if isinstance(found.get("type"), str):
            found["type"] = found["type"].lower()
        elif "enum" in found:
            found["type"] = "string"
        return found

    return walk(schema, schema.get("$defs", {}))


@every_dialect
@cases(matrix.SETTINGS)
def test_a_setting_arrives(replayer, dialect, name):
    body = {"messages": [matrix.USER], **matrix.SETTINGS[name]}
    answer, request = send(replayer, dialect, body)
    field = next(key for key in matrix.SETTINGS[name] if key != "tools")
    if answer.status == 400:
        assert answer.error["param"].split(".")[0] == field and answer.error["code"] == "unsupported_parameter"
        assert (dialect, name) in REFUSED, answer.error
        return
    assert answer.status == 200, answer.body
    native = json.loads(request.body)
    schemas.check(dialect, native)
    got, wanted = READERS[dialect](native).normal(), of_openai(body).normal()
    dropped = (answer.get("x-remora-dropped") or "").replace(" ", "").split(",")
    if field in dropped:
        assert (dialect, name) in DROPPED
        return
    assert (dialect, name) not in DROPPED | REFUSED, "listed as not expressible, but neither refused nor dropped"
    if wanted.choice == "none" and not got.tools:
        # Without the tools there is no choice either.
        got.choice, got.tools = "none", wanted.tools
    if wanted.choice == "two" and set(got.tools) == {"two"}:
        got.tools = wanted.tools
    assert (got.choice or "auto") == (wanted.choice or "auto")
    for key, value in wanted.settings.items():
        if key == "schema":
            assert inlined(got.settings[key]) == inlined(value)
        elif key == "json" and key not in got.settings:
            # An open schema, or an instruction.
            assert "schema" in got.settings or "JSON" in got.system
        else:
            assert got.settings.get(key) == value, key


DROPPED = {(dialect, "seed") for dialect in ("anthropic", "vertex-claude", "bedrock")}
REFUSED = {("ollama", "choice required"), ("ollama", "choice named")}


@every_dialect
@pytest.mark.parametrize("field", matrix.FIELDS)
def test_nothing_is_lost_in_silence(replayer, dialect, field):
    plain = {"messages": [matrix.USER], "tools": [matrix.tool("look_up")]}
    _, before = send(replayer, dialect, plain)
    extra = {"top_logprobs": 2} if field == "logprobs" else {}
    answer, request = send(replayer, dialect, {**plain, field: matrix.FIELDS[field], **extra})
    if answer.status == 400:
        assert field in matrix.MEANINGFUL, f"{field} is refused, though leaving it out changes nothing: {answer.error}"
        assert answer.error["param"] == field and answer.error["code"] == "unsupported_parameter", answer.error
        assert answer.error["type"] == "invalid_request_error" and request is None
        return
    assert answer.status == 200, answer.body
    native = json.loads(request.body)
    schemas.check(dialect, native)
    dropped = (answer.get("x-remora-dropped") or "").replace(" ", "").split(",")
    said = native != json.loads(before.body)
    assert said or field in dropped, f"{field} is lost without a word"
    assert not (field in dropped and field in matrix.MEANINGFUL), f"{field} is dropped, which changes the meaning"
    if field in dropped:
        assert f'"{field}": ' not in json.dumps(native), f"{field} is said to be dropped and went out nevertheless"


@every_dialect
@pytest.mark.parametrize("effort", matrix.EFFORTS)
def test_effort(replayer, dialect, effort):
    body = {"messages": [matrix.USER], "reasoning_effort": effort, "max_tokens": 20000}
    answer, request = send(replayer, dialect, body)
    assert answer.status == 200, answer.body
    schemas.check(dialect, json.loads(request.body))


@every_dialect
@pytest.mark.parametrize("streamed", [False, True])
def test_the_path_and_the_stream(replayer, dialect, streamed):
    answer, request = send(replayer, dialect, {"messages": [matrix.USER]}, streamed=streamed)
    assert answer.status == 200, answer.body
    assert request.method == "POST"
    wanted = PATHS[dialect][streamed]
    assert request.target.replace("%40", "@") == wanted
    assert request.get("content-type") == "application/json"
    native = json.loads(request.body)
    if dialect in ("anthropic", "cohere", "ollama", "vertex-claude"):
        assert native.get("stream", False) is streamed
    assert "canary" not in request.target and PROMPT not in request.head.decode()


@every_dialect
def test_remoras_own_members_stay_here(replayer, dialect):
    own = {
        "customer_identifier": "c",
        "thread_identifier": "t",
        "group_identifier": "g",
        "fallback_models": [],
    }
    answer, request = send(replayer, dialect, {"messages": [matrix.USER], **own})
    assert answer.status == 200, answer.body
    assert not any(name in request.body.decode() for name in own)
    assert answer.get("x-remora-dropped") is None


# Mistral speaks OpenAI's format, and refuses with 422 whatever its own definition doesn't have.


@cases({**matrix.CONVERSATIONS, **{name: {"messages": [matrix.USER], **each} for name, each in matrix.SETTINGS.items()}})
def test_mistral_gets_what_it_takes(replayer, name):
    known = {**matrix.CONVERSATIONS, **{key: {"messages": [matrix.USER], **each} for key, each in matrix.SETTINGS.items()}}
    check_mistral(replayer, known[name])


@pytest.mark.parametrize("field", matrix.FIELDS)
def test_mistral_gets_no_member_it_refuses(replayer, field):
    check_mistral(replayer, {"messages": [matrix.USER], field: matrix.FIELDS[field]})


def check_mistral(replayer, body: dict) -> None:
    replayer.upstream.reply(*answers.steps("mistral", Said("Fine."), streamed=False))
    with replayer.proxy.connect() as client:
        answer = client.ask(post_json("/v1/chat/completions", {"model": "mistral/mistral-small-latest", **body}))
    if answer.status == 400:
        assert answer.error["param"] in matrix.MEANINGFUL, answer.error
        return
    assert answer.status == 200, answer.body
    native = json.loads(replayer.upstream.last.body)
    schemas.check("mistral", native)
    if "seed" in body:
        assert native["random_seed"] == body["seed"]
