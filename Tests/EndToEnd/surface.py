"""What a vendor's SDK can ask: its methods, found in the SDK itself, and arguments made by their types."""

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

import typing_extensions

OPTIONS = {"extra_headers", "extra_query", "extra_body", "timeout", "idempotency_key"}


def resources(owner, kind: type, path: str = ""):
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
        if isinstance(found, kind):
            yield f"{path}{name}", found
            yield from resources(found, kind, f"{path}{name}.")


def methods(client, kind: type) -> list[str]:
    """The paths of all methods that make one request."""
    found = []
    for path, resource in resources(client, kind):
        raw = getattr(resource, "with_raw_response", None)
        for name in sorted(vars(raw)) if raw is not None else []:
            if not name.startswith("_") and inspect.isroutine(getattr(raw, name)):
                found.append(f"{path}.{name}")
    return found


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
            if each is type(None) or getattr(each, "__name__", "") in ("Omit", "NotGiven"):
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
        elif parameter.name == "betas":
            value = ["a-beta-2026-01-01", "other-beta"]  # In a header, which takes no more than ASCII.
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

OURS = {"host", "authorization", "connection", "x-api-key", "x-request-id", "accept-encoding", "content-length", "transfer-encoding"}


def told(method: str, target: str, headers, body: bytes) -> dict:
    """A request, without what is between two neighbours only, and without the chance in it."""
    fields = sorted((name.lower(), value) for name, value in headers if name.lower() not in OURS)
    text = repr(fields)
    if found := re.search(r"boundary=([0-9a-f]+)", text):
        text = text.replace(found[1], "BOUNDARY")
        body = body.replace(found[1].encode(), b"BOUNDARY")
    text = re.sub(r"stainless-python-retry-[0-9a-f-]+", "RETRY", text)
    return {"method": method, "target": target, "fields": text, "body": body}
