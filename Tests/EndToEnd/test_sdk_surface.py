"""Every method of the `openai` SDK, through Remora: what reaches the provider is what reaches it without.

The methods are found in the SDK itself, and their arguments made by their types: once what must be given, once all that
can be. The raw variants are called, so that an answer's form is of no matter.
"""

from __future__ import annotations

import collections.abc
import datetime
import functools
import inspect
import io
import os
import re
import types
import typing

import openai
import pytest
import typing_extensions
from conftest import http, sdk_options
from openai._resource import SyncAPIResource
from openai._types import NotGiven, Omit
from wire import json_answer

pytestmark = pytest.mark.proxy

ADMIN_KEY = "sk-admin-of-the-caller"
OPTIONS = {"extra_headers", "extra_query", "extra_body", "timeout", "idempotency_key"}


def client_of(base_url: str, transport=None, verify=True) -> openai.OpenAI:
    class At:
        pass

    At.base_url = base_url
    own = openai.DefaultHttpxClient(transport=transport, verify=verify, trust_env=False)
    more = {"admin_api_key": ADMIN_KEY} if "admin_api_key" in inspect.signature(openai.OpenAI).parameters else {}
    return openai.OpenAI(**sdk_options(At, http_client=own, **more))


def resources(owner, path: str = ""):
    """The client's resources by their paths, each with those inside it."""
    for name in sorted(dir(type(owner))):
        if name.startswith("_") or name.startswith("with_"):
            continue
        if not isinstance(inspect.getattr_static(type(owner), name), (functools.cached_property, property)):
            continue
        try:
            found = getattr(owner, name)
        except Exception:
            continue
        if isinstance(found, SyncAPIResource):
            yield f"{path}{name}", found
            yield from resources(found, f"{path}{name}.")


def methods() -> dict[str, str]:
    """The paths of all methods that make one request."""
    found = []
    for path, resource in resources(client_of("http://localhost/v1")):
        raw = getattr(resource, "with_raw_response", None)
        for name in sorted(vars(raw)) if raw is not None else []:
            if not name.startswith("_") and inspect.isroutine(getattr(raw, name)):
                found.append(f"{path}.{name}")
    return found


METHODS = methods()


# Arguments by their types.


class Unmade(Exception):
    pass


def made(kind, everything: bool, depth: int = 0):
    """A value of this type."""
    if depth > 8:
        raise Unmade(kind)
    make = functools.partial(made, everything=everything, depth=depth + 1)
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Annotated, typing_extensions.Annotated, typing_extensions.Required, typing_extensions.NotRequired,
                  typing.Required, typing.NotRequired):
        return make(inner[0])
    if origin in (typing.Literal, typing_extensions.Literal):
        return inner[0]
    if origin in (typing.Union, types.UnionType):
        for each in inner:
            if each in (Omit, NotGiven, type(None)):
                continue
            try:
                return make(each)
            except Unmade:
                continue
        raise Unmade(kind)
    if typing_extensions.is_typeddict(kind):
        hints = typing_extensions.get_type_hints(kind, include_extras=True)
        value = {}
        for name, hint in hints.items():
            if name not in kind.__required_keys__ and not (everything and depth < 3):
                continue
            try:
                value[name] = make(hint)
            except Unmade:
                if name in kind.__required_keys__:
                    raise
        return value
    if origin in (list, collections.abc.Iterable, collections.abc.Sequence) or getattr(origin, "__name__", "") == "SequenceNotStr":
        return [make(inner[0])]
    if origin in (dict, collections.abc.Mapping):
        return {"key": make(inner[1])}
    if origin is tuple:
        return tuple(make(each) for each in inner if each is not Ellipsis)
    return plain_value(kind)


def plain_value(kind):
    if kind is str:
        return 'té"\\\n🐟/ x'
    if kind is bool:
        return True
    if kind is int:
        return 9007199254740993
    if kind is float:
        return 0.1
    if kind in (object, typing.Any):
        return {"any": [1, None]}
    if kind is datetime.datetime:
        return datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    if kind is bytes:
        return b"\x00\xff bytes"
    if kind is dict:
        return {"any": 1}
    if kind is io.IOBase or getattr(kind, "__name__", "") == "IO" or typing.get_origin(kind) is typing.IO:
        return b"\x00\xff bytes"
    if isinstance(kind, type) and issubclass(kind, os.PathLike):
        raise Unmade(kind)
    raise Unmade(kind)


def arguments(method, everything: bool) -> tuple[list, dict]:
    function = inspect.unwrap(method)
    hints = typing_extensions.get_type_hints(function, include_extras=True)
    positional, named = [], {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in OPTIONS or parameter.name == "self" or parameter.kind is parameter.VAR_KEYWORD:
            continue
        is_required = parameter.default is parameter.empty
        if not is_required and (not everything or parameter.name in ("stream", "stream_format")):
            continue
        if parameter.name == "stream":
            value = False
        elif parameter.name.endswith("_id") or parameter.name in ("model", "batch"):
            value = "gpt-4o"  # In a path, and where it leads somewhere.
        else:
            try:
                value = made(hints.get(parameter.name, object), everything)
            except Unmade:
                if is_required:
                    raise
                continue
        if parameter.kind is parameter.POSITIONAL_ONLY:
            positional.append(value)
        else:
            named[parameter.name] = value
    return positional, named


def call(client, path: str, everything: bool):
    *steps, name = path.split(".")
    resource = functools.reduce(getattr, steps, client)
    method = getattr(resource.with_raw_response, name)
    positional, named = arguments(method, everything)
    if name == "parse":
        named.pop("tools", None)  # Only those of the SDK's own making are taken there.
    try:
        return method(*positional, **named)
    except TypeError as missing:
        if everything or "Missing required arguments" not in str(missing):
            raise
        # What must be given is said in words there.
        return call(client, path, everything=True)


# What reaches the provider.

OURS = {"host", "authorization", "connection", "x-request-id", "accept-encoding", "content-length", "transfer-encoding"}


def told(method: str, target: str, headers, body: bytes) -> dict:
    """A request, without what is between two neighbours only, and without the chance in it."""
    fields = sorted((name.lower(), value) for name, value in headers if name.lower() not in OURS)
    text = repr(fields)
    if found := re.search(r"boundary=([0-9a-f]+)", text):
        text = text.replace(found[1], "BOUNDARY")
        body = body.replace(found[1].encode(), b"BOUNDARY")
    text = re.sub(r"stainless-python-retry-[0-9a-f-]+", "RETRY", text)
    return {"method": method, "target": target, "fields": text, "body": body}


@pytest.fixture(scope="module")
def without():
    """A client that keeps what it would have sent."""
    sent = []

    def keep(request):
        body = request.read()
        target = request.url.raw_path.decode()
        sent.append(told(request.method, target, request.headers.multi_items(), body))
        return http.Response(200, json={})

    return client_of("http://localhost/v1", http.MockTransport(keep)), sent


@pytest.fixture(scope="module")
def through(_shared_plain):
    client = client_of(_shared_plain.base_url)
    yield client
    client.close()


@pytest.mark.parametrize("everything", [False, True], ids=["needed", "all"])
@pytest.mark.parametrize("path", METHODS)
def test_a_call_reaches_the_provider_as_it_would_without(plain, upstream, without, through, path, everything):
    client, sent = without
    sent.clear()
    call(client, path, everything)
    upstream.reply(json_answer({"object": "list", "data": []}))
    answer = call(through, path, everything)
    assert answer.http_response.status_code == 200
    if path == "models.list":  # Remora's own answer, made of all providers' lists, which it keeps.
        return
    got = upstream.last
    assert [told(got.method, got.target, got.headers, got.body)] == sent
    assert got.complete and "sk-caller" not in got.head.decode("latin-1")


def test_the_surface_is_found():
    """As many as SDK's own tests of its API have, and more."""
    assert len(METHODS) > 200
    for path in ("batches.cancel", "files.create", "chat.completions.create", "chat.completions.messages.list",
                 "responses.cancel", "fine_tuning.jobs.pause", "evals.runs.cancel", "uploads.parts.create"):
        assert path in METHODS
