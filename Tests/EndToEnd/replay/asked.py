"""What a request asks for, whatever its format: the value in which the client's words and the provider's must agree."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal

Item = tuple
"""("text", text) · ("image", media type, base64) · ("link", URL) · ("file", media type, base64) ·
("call", number, name, arguments) · ("result", number, text) · ("thinking", text, signature).

Calls are numbered through the conversation, because not every provider has ids."""


@dataclass
class Asked:
    system: str = ""
    turns: list[tuple[str, list[Item]]] = field(default_factory=list)
    tools: dict[str, tuple[str, dict]] = field(default_factory=dict)
    """Description and schema by name."""
    choice: str | None = None
    """auto, none, required, or a function's name."""
    settings: dict = field(default_factory=dict)
    """limit, temperature, top_p, stop, seed, json, schema: as far as they are said."""

    def say(self, role: str, items: list[Item]) -> None:
        """Adds to the conversation; what one side says in several turns is one turn."""
        if not items:
            return
        if self.turns and self.turns[-1][0] == role:
            self.turns[-1][1].extend(items)
        else:
            self.turns.append((role, list(items)))

    def normal(self) -> "Asked":
        """With the freedoms that translation has taken out: the order of results, and how texts are cut."""
        turns = []
        for role, items in self.turns:
            results = sorted((each for each in items if each[0] == "result"), key=lambda each: each[1])
            rest = [each for each in items if each[0] != "result"]
            joined: list[Item] = []
            for each in rest:
                if each[0] == "text" and joined and joined[-1][0] == "text":
                    joined[-1] = ("text", joined[-1][1] + each[1])
                else:
                    joined.append(each)
            turns.append((role, results + joined))
        return Asked(self.system.replace("\n", ""), turns, self.tools, self.choice, self.settings)


def numbers_kept(text: str | bytes):
    """JSON with its numbers as they are: what is longer than a double must come through whole."""
    return json.loads(text, parse_float=Decimal) if text.strip() else {}


class Calls:
    """Numbers the calls of a conversation, and finds a result's call by id or, where there is none, by name."""

    def __init__(self) -> None:
        self.ids: list[str | None] = []
        self.names: list[str] = []
        self.answered: set[int] = set()

    def made(self, identity: str | None, name: str) -> int:
        self.ids.append(identity)
        self.names.append(name)
        return len(self.ids) - 1

    def answer(self, identity: str | None, name: str | None = None) -> int:
        for number in range(len(self.ids)):
            known = self.ids[number] == identity if identity is not None else self.names[number] == name
            if known and number not in self.answered:
                self.answered.add(number)
                return number
        raise AssertionError(f"a result of no call: id {identity!r}, name {name!r}")


def of_openai(body: dict) -> Asked:
    """What the client asks for, read from its own request."""
    asked, calls, system = Asked(), Calls(), []
    for message in body["messages"]:
        role, content = message["role"], message.get("content")
        if role in ("system", "developer"):
            system.append("".join(item[1] for item in _parts(content)))
        elif role == "user":
            asked.say("user", _parts(content))
        elif role == "assistant":
            asked.say("assistant", [*_thoughts(message), *_parts(content), *_made(message, calls)])
        elif role == "tool":
            text = "".join(item[1] for item in _parts(content))
            asked.say("user", [("result", calls.answer(message["tool_call_id"]), text)])
    asked.system = "\n\n".join(system)
    for tool in body.get("tools") or []:
        function = tool["function"]
        asked.tools[function["name"]] = (function.get("description") or "", function.get("parameters") or {})
    asked.choice = _choice(body)
    _settings(asked.settings, body)
    return asked


def _thoughts(message: dict) -> list[Item]:
    return [
        ("thinking", block["thinking"], block["signature"])
        for block in message.get("thinking_blocks") or []
        if block["type"] == "thinking"
    ]


def _made(message: dict, calls: Calls) -> list[Item]:
    return [
        ("call", calls.made(call["id"], call["function"]["name"]), call["function"]["name"],
         numbers_kept(call["function"]["arguments"]))
        for call in message.get("tool_calls") or []
    ]  # fmt: skip


def _parts(content) -> list[Item]:
    if content is None or content == "":
        return []
    if isinstance(content, str):
        return [("text", content)]
    items: list[Item] = []
    for part in content:
        if part["type"] == "text":
            items.append(("text", part["text"]))
        elif part["type"] == "image_url":
            items.append(link_or_data("image", part["image_url"]["url"]))
        elif part["type"] == "file":
            items.append(link_or_data("file", part["file"]["file_data"]))
        elif part["type"] == "input_audio":
            sound = part["input_audio"]
            media = {"mp3": "audio/mpeg"}.get(sound["format"], f"audio/{sound['format']}")
            items.append(("file", media, sound["data"]))
    return items


def link_or_data(kind: str, url: str) -> Item:
    if not url.startswith("data:"):
        return ("link", url)
    head, _, data = url[5:].partition(",")
    media = head.split(";")[0]
    return (kind, "image/jpeg" if media == "image/jpg" else media, data)


def _choice(body: dict) -> str | None:
    choice = body.get("tool_choice")
    return choice["function"]["name"] if isinstance(choice, dict) else choice


def _settings(settings: dict, body: dict) -> None:
    limit = body.get("max_completion_tokens", body.get("max_tokens"))
    stop = body.get("stop")
    said = {
        "limit": limit,
        "temperature": body.get("temperature"),
        "top_p": body.get("top_p"),
        "seed": body.get("seed"),
        "stop": [stop] if isinstance(stop, str) else stop,
    }
    settings.update({key: value for key, value in said.items() if value is not None})
    form = body.get("response_format") or {}
    if form.get("type") == "json_object":
        settings["json"] = True
    elif form.get("type") == "json_schema":
        settings["schema"] = form["json_schema"]["schema"]


# The providers' own requests.


def of_anthropic(body: dict) -> Asked:
    asked, calls = Asked(), Calls()
    system = body.get("system") or ""
    asked.system = system if isinstance(system, str) else "\n\n".join(block["text"] for block in system)
    for message in body["messages"]:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        asked.say(message["role"], [_anthropic_block(block, calls) for block in blocks])
    for tool in body.get("tools") or []:
        asked.tools[tool["name"]] = (tool.get("description") or "", tool["input_schema"])
    choice = body.get("tool_choice")
    if choice:
        asked.choice = {"any": "required"}.get(choice["type"], choice.get("name") or choice["type"])
    settings = {
        "limit": body.get("max_tokens"),
        "temperature": body.get("temperature"),
        "top_p": body.get("top_p"),
        "stop": body.get("stop_sequences"),
    }
    form = (body.get("output_config") or {}).get("format")
    if form:
        settings["schema"] = form["schema"]
    asked.settings = {key: value for key, value in settings.items() if value is not None}
    return asked


def _anthropic_block(block: dict, calls: Calls) -> Item:
    kind = block["type"]
    if kind == "text":
        return ("text", block["text"])
    if kind in ("image", "document"):
        source = block["source"]
        if source["type"] == "url":
            return ("link", source["url"])
        return ("image" if kind == "image" else "file", source["media_type"], source["data"])
    if kind == "tool_use":
        return ("call", calls.made(block["id"], block["name"]), block["name"], block["input"])
    if kind == "tool_result":
        content = block.get("content") or ""
        text = content if isinstance(content, str) else "".join(each["text"] for each in content)
        return ("result", calls.answer(block["tool_use_id"]), text)
    return ("thinking", block["thinking"], block["signature"])


def of_gemini(body: dict) -> Asked:
    asked, calls = Asked(), Calls()
    parts = (body.get("systemInstruction") or {}).get("parts") or []
    asked.system = "\n\n".join(part["text"] for part in parts)
    for content in body["contents"]:
        role = {"model": "assistant"}.get(content["role"], content["role"])
        asked.say(role, [_gemini_part(part, calls) for part in content["parts"]])
    for tool in body.get("tools") or []:
        for function in tool.get("functionDeclarations") or []:
            schema = function.get("parametersJsonSchema") or function.get("parameters") or {}
            asked.tools[function["name"]] = (function.get("description") or "", schema)
    config = (body.get("toolConfig") or {}).get("functionCallingConfig")
    if config:
        names = config.get("allowedFunctionNames") or []
        asked.choice = names[0] if len(names) == 1 else {"ANY": "required"}.get(config["mode"], config["mode"].lower())
    generation = body.get("generationConfig") or {}
    settings = {
        "limit": generation.get("maxOutputTokens"),
        "temperature": generation.get("temperature"),
        "top_p": generation.get("topP"),
        "stop": generation.get("stopSequences"),
        "seed": generation.get("seed"),
        "schema": generation.get("responseJsonSchema") or generation.get("responseSchema"),
        "json": generation.get("responseMimeType") == "application/json" or None,
    }
    asked.settings = {key: value for key, value in settings.items() if value is not None}
    if "schema" in asked.settings:
        assert asked.settings.pop("json"), "a schema without JSON's media type"
    return asked


def _gemini_part(part: dict, calls: Calls) -> Item:
    if "text" in part:
        return ("text", part["text"])
    if "inlineData" in part:
        media = part["inlineData"]["mimeType"]
        return ("image" if media.startswith("image/") else "file", media, part["inlineData"]["data"])
    if "fileData" in part:
        return ("link", part["fileData"]["fileUri"])
    if "functionCall" in part:
        call = part["functionCall"]
        return ("call", calls.made(None, call["name"]), call["name"], call.get("args") or {})
    answer = part["functionResponse"]
    return ("result", calls.answer(None, answer["name"]), _result_text(answer["response"]))


def _result_text(response: dict) -> str:
    """A plain text has to be wrapped into an object: under which key is the writer's choice."""
    assert isinstance(response, dict)
    if len(response) == 1 and isinstance(text := next(iter(response.values())), str):
        return text
    return json.dumps(response, default=float)


def of_bedrock(body: dict) -> Asked:
    asked, calls = Asked(), Calls()
    asked.system = "\n\n".join(block["text"] for block in body.get("system") or [] if "text" in block)
    for message in body["messages"]:
        blocks = [block for block in message["content"] if "cachePoint" not in block]
        asked.say(message["role"], [_bedrock_block(block, calls) for block in blocks])
    config = body.get("toolConfig") or {}
    for tool in config.get("tools") or []:
        if "cachePoint" in tool:
            continue
        spec = tool["toolSpec"]
        asked.tools[spec["name"]] = (spec.get("description") or "", spec["inputSchema"]["json"])
    if choice := config.get("toolChoice"):
        kind = next(iter(choice))
        asked.choice = choice[kind].get("name") or {"any": "required"}.get(kind, kind)
    inference = body.get("inferenceConfig") or {}
    names = {"maxTokens": "limit", "temperature": "temperature", "topP": "top_p", "stopSequences": "stop"}
    asked.settings = {names[key]: value for key, value in inference.items()}
    form = (body.get("outputConfig") or {}).get("textFormat")
    if form:
        asked.settings["schema"] = json.loads(form["structure"]["jsonSchema"]["schema"])
    return asked


def _bedrock_block(block: dict, calls: Calls) -> Item:
    if "text" in block:
        return ("text", block["text"])
    if "image" in block:
        return ("image", f"image/{block['image']['format']}", block["image"]["source"]["bytes"])
    if "document" in block:
        return ("file", f"application/{block['document']['format']}", block["document"]["source"]["bytes"])
    if "audio" in block:
        media = {"mp3": "audio/mpeg"}.get(block["audio"]["format"], f"audio/{block['audio']['format']}")
        return ("file", media, block["audio"]["source"]["bytes"])
    if "toolUse" in block:
        use = block["toolUse"]
        return ("call", calls.made(use["toolUseId"], use["name"]), use["name"], use["input"])
    if "toolResult" in block:
        result = block["toolResult"]
        text = "".join(each.get("text") or json.dumps(each.get("json")) for each in result["content"])
        return ("result", calls.answer(result["toolUseId"]), text)
    text = block["reasoningContent"]["reasoningText"]
    return ("thinking", text["text"], text["signature"])


def of_cohere(body: dict) -> Asked:
    renamed = dict(body)
    for ours, theirs in (("stop_sequences", "stop"), ("p", "top_p")):
        if ours in renamed:
            renamed[theirs] = renamed.pop(ours)
    choice = renamed.pop("tool_choice", None)
    form = renamed.pop("response_format", None)
    asked = of_openai(renamed)
    if choice:
        only = next(iter(asked.tools)) if len(asked.tools) == 1 else None
        asked.choice = {"REQUIRED": only or "required", "NONE": "none"}[choice]
    if form:
        asked.settings |= {"schema": form["json_schema"]} if form.get("json_schema") else {"json": True}
    return asked


def of_ollama(body: dict) -> Asked:
    asked, calls, system = Asked(), Calls(), []
    for message in body["messages"]:
        role, text = message["role"], message.get("content") or ""
        items: list[Item] = [("text", text)] if text else []
        if role == "system":
            system.append(text)
        elif role == "tool":
            asked.say("user", [("result", calls.answer(None, message["tool_name"]), text)])
        else:
            items += [("image", None, data) for data in message.get("images") or []]
            for call in message.get("tool_calls") or []:
                function = call["function"]
                number = calls.made(None, function["name"])
                items.append(("call", number, function["name"], function.get("arguments") or {}))
            asked.say(role, items)
    asked.system = "\n\n".join(system)
    for tool in body.get("tools") or []:
        function = tool["function"]
        asked.tools[function["name"]] = (function.get("description") or "", function.get("parameters") or {})
    options = body.get("options") or {}
    names = {"num_predict": "limit", "temperature": "temperature", "top_p": "top_p", "stop": "stop", "seed": "seed"}
    asked.settings = {names[key]: value for key, value in options.items() if key in names}
    if body.get("format") == "json":
        asked.settings["json"] = True
    elif body.get("format"):
        asked.settings["schema"] = body["format"]
    return asked


READERS = {
    "anthropic": of_anthropic,
    "vertex-claude": of_anthropic,
    "gemini": of_gemini,
    "vertex": of_gemini,
    "bedrock": of_bedrock,
    "cohere": of_cohere,
    "ollama": of_ollama,
}


# Back into the client's words.


def to_openai(asked: Asked) -> dict:
    """The request that an application sends to ask for just this. `KeyError` where it has no words for it."""
    messages: list[dict] = [{"role": "system", "content": asked.system}] if asked.system else []
    for role, items in asked.turns:
        if role == "assistant":
            messages.append(_assistant(items))
            continue
        for item in items:
            if item[0] == "result":
                messages.append({"role": "tool", "tool_call_id": f"call_{item[1]}", "content": item[2]})
        parts = [_part(item) for item in items if item[0] != "result"]
        if parts:
            messages.append({"role": "user", "content": parts})
    body: dict = {"messages": messages}
    if asked.tools:
        body["tools"] = [
            {"type": "function", "function": {"name": name, "description": text, "parameters": schema}}
            for name, (text, schema) in asked.tools.items()
        ]
    if asked.choice in ("auto", "none", "required"):
        body["tool_choice"] = asked.choice
    elif asked.choice:
        if asked.choice not in asked.tools:
            raise KeyError(asked.choice)
        body["tool_choice"] = {"type": "function", "function": {"name": asked.choice}}
    names = {"limit": "max_completion_tokens", "json": None, "schema": None}
    body |= {names.get(key, key): value for key, value in asked.settings.items() if names.get(key, key)}
    if "schema" in asked.settings:
        form = {"name": "answer", "schema": asked.settings["schema"]}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    elif "json" in asked.settings:
        body["response_format"] = {"type": "json_object"}
    return body


def _assistant(items: list[Item]) -> dict:
    message: dict = {"role": "assistant", "content": "".join(item[1] for item in items if item[0] == "text") or None}
    calls = [
        {
            "id": f"call_{item[1]}",
            "type": "function",
            "function": {"name": item[2], "arguments": json.dumps(item[3], default=float)},
        }
        for item in items
        if item[0] == "call"
    ]
    if calls:
        message["tool_calls"] = calls
    thoughts = [item for item in items if item[0] == "thinking"]
    if thoughts:
        message["thinking_blocks"] = [
            {"type": "thinking", "thinking": text, "signature": signature} for _, text, signature in thoughts
        ]
    return message


def _part(item: Item) -> dict:
    kind = item[0]
    if kind == "text":
        return {"type": "text", "text": item[1]}
    if kind == "link":
        return {"type": "image_url", "image_url": {"url": item[1]}}
    if kind == "image":
        return {"type": "image_url", "image_url": {"url": f"data:{item[1] or 'image/png'};base64,{item[2]}"}}
    if kind == "file" and item[1] == "application/pdf":
        return {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:{item[1]};base64,{item[2]}"}}
    raise KeyError(kind)
