"""Holds a native request to its provider's own, machine-readable definition, read in place from ../shared/schemas."""

from __future__ import annotations

import base64
import functools
import json
from pathlib import Path

import jsonschema
import pytest

from .recordings import ROOT

DIRECTORY = ROOT.parent / "shared/schemas"


def _load(name: str) -> dict:
    file: Path = DIRECTORY / name
    if not file.exists():
        pytest.skip(f"ABSENT {file}")
    return json.loads(file.read_text())


def check(dialect: str, body: dict) -> None:
    """Fails with the place and the reason where `body` isn't what the provider's definition allows."""
    if dialect == "bedrock":
        problems = bedrock_problems(body)
    else:
        validator = _validator("gemini" if dialect == "vertex" else dialect, bool(body.get("stream")))
        if dialect == "vertex-claude":
            assert "model" not in body and body["anthropic_version"] == "vertex-2023-10-16"
            body = {"model": "named in the path", **body}
            del body["anthropic_version"]
        problems = [
            f"{'/'.join(map(str, each.absolute_path))}: {each.message[:300]}" for each in validator.iter_errors(body)
        ]
    assert problems == [], "\n".join(problems)


@functools.cache
def _validator(dialect: str, streams: bool):
    if dialect in ("anthropic", "vertex-claude"):
        schema = _closed(_load(f"anthropic/MessageCreateParams{'' if streams else 'Non'}Streaming.schema.json"))
        # The newest models take no sampling, and the newest definition has no member for it.
        schema["properties"] |= dict.fromkeys(("temperature", "top_p"), {"type": "number", "maximum": 1})
    elif dialect == "gemini":
        schema = _gemini()
    elif dialect == "cohere":
        schema = _openapi("cohere/openapi.v2.trimmed.json", "/v2/chat")
    elif dialect == "mistral":
        schema = _openapi("mistral/openapi.trimmed.json", "/v1/chat/completions")
    else:
        schema = OLLAMA
    return jsonschema.Draft202012Validator(schema)


def _closed(schema):
    """With unknown members forbidden wherever members are listed: the providers refuse them."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if isinstance(closed.get("properties"), dict) and "type" in closed and "additionalProperties" not in closed:
        closed["additionalProperties"] = False
    return closed


def _openapi(name: str, path: str) -> dict:
    document = _load(name)
    body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return _any({**body, "components": document["components"]})


def _any(schema):
    """`oneOf` as `anyOf`: which one is meant says a `discriminator`, which JSON Schema doesn't know."""
    if isinstance(schema, list):
        return [_any(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {"anyOf" if key == "oneOf" else key: _any(value) for key, value in schema.items()}


def _gemini() -> dict:
    """GenerateContentRequest put together from the definitions of its parts (its list of members: the .proto)."""
    parts = ("Content", "Tool", "ToolConfig", "SafetySetting", "GenerationConfig")
    loaded = {name: _load(f"gemini/{name}.schema.json") for name in parts}
    definitions: dict = {}
    for name, schema in loaded.items():
        definitions |= schema.pop("$defs", {})
        definitions.setdefault(name, schema)
        if "$ref" not in schema:
            definitions[name] = schema
    reference = {name: {"$ref": f"#/$defs/{name}"} for name in parts}
    members = {
        "contents": {"type": "array", "items": reference["Content"], "minItems": 1},
        "systemInstruction": reference["Content"],
        "tools": {"type": "array", "items": reference["Tool"]},
        "toolConfig": reference["ToolConfig"],
        "safetySettings": {"type": "array", "items": reference["SafetySetting"]},
        "generationConfig": reference["GenerationConfig"],
        "cachedContent": {"type": "string"},
        "serviceTier": {"type": "string"},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    }
    return {
        "type": "object",
        "properties": members,
        "required": ["contents"],
        "additionalProperties": False,
        "$defs": definitions,
    }


OLLAMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["model", "messages", "stream"],
    "properties": {
        "model": {"type": "string"},
        "stream": {"type": "boolean"},
        "format": {"anyOf": [{"const": "json"}, {"type": "object"}]},
        "think": {"enum": [True, False, "low", "medium", "high"]},
        "keep_alive": {"type": ["string", "number"]},
        "tools": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["type", "function"],
                "properties": {
                    "type": {"const": "function"},
                    "function": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
                },
            },
        },
        "options": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                **dict.fromkeys(("num_predict", "top_k", "seed", "num_ctx"), {"type": "integer"}),
                **dict.fromkeys(
                    ("temperature", "top_p", "min_p", "repeat_penalty", "presence_penalty", "frequency_penalty"),
                    {"type": "number"},
                ),
                "stop": {"type": "array", "items": {"type": "string"}},
            },
        },
        "messages": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["role", "content"],
                "properties": {
                    "role": {"enum": ["system", "user", "assistant", "tool"]},
                    "content": {"type": "string"},
                    "thinking": {"type": "string"},
                    "tool_name": {"type": "string"},
                    "images": {"type": "array", "items": {"type": "string", "pattern": "^[A-Za-z0-9+/]+=*$"}},
                    "tool_calls": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["function"],
                            "properties": {
                                "function": {
                                    "type": "object",
                                    "required": ["name", "arguments"],
                                    "properties": {"name": {"type": "string"}, "arguments": {"type": "object"}},
                                }
                            },
                        },
                    },
                },
            },
        },
    },
}
"""Written from Ollama's description of `/api/chat`; it publishes no schema."""


@functools.cache
def _bedrock():
    from botocore.model import ServiceModel

    return ServiceModel(_load("bedrock/bedrock-runtime.service-2.json"), "bedrock-runtime")


def bedrock_problems(body: dict, operation: str = "Converse") -> list[str]:
    """What AWS's own model of its service has against a body."""
    from botocore.validate import ParamValidator

    shape = _bedrock().operation_model(operation).input_shape
    problems: list[str] = []
    typed = _typed(shape, {"modelId": "named.in-the-path", **body}, "", problems)
    report = ParamValidator().validate(typed, shape)
    return problems + ([report.generate_report()] if report.has_errors() else [])


def _typed(shape, value, where: str, problems: list[str]):
    """`value` as the SDK takes it: blobs as bytes. Enumerations are held to, which the SDK doesn't."""
    if shape.type_name == "structure" and not getattr(shape, "is_document_type", False) and isinstance(value, dict):
        return {
            key: _typed(shape.members[key], each, f"{where}.{key}", problems) if key in shape.members else each
            for key, each in value.items()
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [_typed(shape.member, each, f"{where}[{at}]", problems) for at, each in enumerate(value)]
    if shape.type_name == "blob" and isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except ValueError:
            problems.append(f"{where}: not base64")
    if shape.type_name == "string" and isinstance(value, str):
        if shape.enum and value not in shape.enum:
            problems.append(f"{where}: {value!r} is none of {shape.enum}")
        least, most = shape.metadata.get("min", 0), shape.metadata.get("max")
        if len(value) < least or (most and len(value) > most):
            problems.append(f"{where}: {len(value)} characters, allowed {least} to {most}")
    return value
