"""The rules of a stream of responses, and of one of messages, as strict as the strictest client that reads them."""

from __future__ import annotations

import json

PREFIXES = {"message": "msg_", "function_call": "fc_", "custom_tool_call": "ctc_", "reasoning": "rs_"}
EMPTY = {
    "message": ("content", []), "function_call": ("arguments", ""), "custom_tool_call": ("input", ""), "reasoning": ("summary", []),
}
ENDS = {"response.completed": "completed", "response.incomplete": "incomplete", "response.failed": "failed"}


def events(body: bytes) -> list[dict]:
    """Each event's data; its name stands before it and in it, and nothing but comments is between events."""
    found = []
    for block in body.decode().split("\n\n"):
        lines = [each for each in block.split("\n") if each and not each.startswith(":")]
        if not lines:
            continue
        assert len(lines) == 2 and lines[0].startswith("event: ") and lines[1].startswith("data: "), block
        data = json.loads(lines[1].removeprefix("data: "))
        assert data["type"] == lines[0].removeprefix("event: ")
        found.append(data)
    return found


class _Item:
    """One item of a response while it is being said."""

    def __init__(self, item: dict) -> None:
        self.item, self.parts, self.text, self.open = item, [], "", None
        name, empty = EMPTY[item["type"]]
        assert item[name] == empty and item["id"].startswith(PREFIXES[item["type"]]) and len(item["id"]) <= 64
        assert item["type"] == "reasoning" or item["status"] == "in_progress"
        assert item.get("call_id", "other") != item["id"]

    def take(self, event: dict) -> None:
        assert event["item_id"] == self.item["id"]
        name = event["type"].removeprefix("response.")
        index = event.get("content_index", event.get("summary_index"))
        if name in ("content_part.added", "reasoning_summary_part.added"):
            assert self.open is None and index == len(self.parts)
            self.open, self.text = event["part"]["type"], ""
            assert event["part"].get("text", event["part"].get("refusal")) == ""
        elif name.endswith(".delta"):
            assert name.startswith(("function_call", "custom")) or self.open is not None and index == len(self.parts)
            assert not name.startswith("output_text") or event["logprobs"] == []
            self.text += event["delta"]
        elif name in ("content_part.done", "reasoning_summary_part.done"):
            assert event["part"]["type"] == self.open
            self.parts.append(event["part"].get("text", event["part"].get("refusal")))
            assert self.parts[-1] == self.text
            self.open = None
        else:
            assert name.endswith(".done"), name
            assert self.text == next(event[each] for each in ("text", "refusal", "arguments", "input") if each in event)

    def close(self, item: dict) -> None:
        assert self.open is None
        assert [item[each] for each in ("type", "id")] == [self.item[each] for each in ("type", "id")]
        assert item.get("call_id") == self.item.get("call_id")
        if item["type"] == "message":
            assert [each.get("text", each.get("refusal")) for each in item["content"]] == self.parts
        elif item["type"] == "reasoning":
            assert [each["text"] for each in item["summary"]] == self.parts
        else:
            assert item["arguments" if item["type"] == "function_call" else "input"] == self.text


def responses(body: bytes) -> tuple[dict, list[dict]]:
    """The last word of a stream of a response, and its events."""
    told = events(body)
    assert [each["sequence_number"] for each in told] == list(range(len(told)))
    assert [each["type"] for each in told[:2]] == ["response.created", "response.in_progress"]
    identity = told[0]["response"]["id"]
    assert identity.startswith("resp_") and told[0]["response"]["output"] == [] and told[0]["response"]["usage"] is None
    current, done = None, []
    for event in told[2:]:
        kind = event["type"]
        if kind == "response.output_item.added":
            assert current is None and event["output_index"] == len(done)
            current = _Item(event["item"])
        elif kind == "response.output_item.done":
            assert event["output_index"] == len(done)
            current.close(event["item"])
            done.append(event["item"])
            current = None
        elif kind in ENDS:
            assert event is told[-1]
            end = event["response"]
            assert (end["id"], end["status"]) == (identity, ENDS[kind])
            if kind != "response.failed":
                assert current is None and end["output"] == done
                usage = end["usage"]
                assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
                assert usage["input_tokens_details"].keys() == {"cached_tokens", "cache_write_tokens"}
                assert isinstance(usage["output_tokens_details"]["reasoning_tokens"], int)
            else:
                assert end["error"]["message"] and end["error"]["code"] and told[-2]["type"] == "error"
        elif kind == "error":
            assert event is told[-2] and event["message"] == event["error"]["message"]
        else:
            assert event["output_index"] == len(done)
            current.take(event)
    assert told[-1]["type"] in ENDS
    return told[-1]["response"], told


DELTAS = {"text_delta": ("text", "text"), "thinking_delta": ("thinking", "thinking"), "input_json_delta": ("tool_use", "partial_json")}
COUNTS = {"input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens"}


def messages(body: bytes) -> tuple[dict | None, list[dict]]:
    """The message that a stream comes to, nil where it ends with an error, and its events."""
    told = [each for each in events(body) if each["type"] != "ping"]
    start = told[0]
    if start["type"] == "error":
        assert len(told) == 1 and start["error"]["type"] and start["error"]["message"]
        return None, told
    assert start["type"] == "message_start"
    message = start["message"]
    assert message["id"].startswith("msg_") and (message["content"], message["stop_reason"], message["stop_sequence"]) == ([], None, None)
    # Claude Code wants all four, at once.
    assert set(message["usage"]) >= COUNTS
    block, text, end = None, "", None
    for event in told[1:]:
        kind = event["type"]
        if kind == "error":
            assert event is told[-1] and event["error"]["type"] and event["error"]["message"]
            return None, told
        if kind == "content_block_start":
            assert block is None and end is None and event["index"] == len(message["content"])
            block, text = event["content_block"], ""
            assert block["type"] in ("text", "thinking", "tool_use", "redacted_thinking")
            assert block.get("text", "") == block.get("thinking", "") == "" and not block.get("input")
        elif kind == "content_block_delta":
            assert event["index"] == len(message["content"])
            delta = event["delta"]
            if delta["type"] == "signature_delta":
                assert block["type"] == "thinking" and not block["signature"]
                block["signature"] = delta["signature"]
            else:
                owner, name = DELTAS[delta["type"]]
                assert block["type"] == owner and not block.get("signature")
                text += delta[name]
        elif kind == "content_block_stop":
            assert event["index"] == len(message["content"])
            if block["type"] == "tool_use":
                block["input"] = json.loads(text or "{}")
                assert isinstance(block["input"], dict)
            elif block["type"] != "redacted_thinking":
                # A block without anything in it is none.
                assert text or block["type"] == "thinking" and block["signature"]
                block[block["type"]] = text
            message["content"].append(block)
            block = None
        elif kind == "message_delta":
            assert block is None and end is None and "stop_sequence" in event["delta"]
            end = event
            message |= event["delta"]
            message["usage"] |= event["usage"]
        else:
            assert kind == "message_stop" and event is told[-1] and end is not None
    assert told[-1]["type"] == "message_stop"
    if any(each["type"] == "tool_use" for each in message["content"]):
        assert message["stop_reason"] in ("tool_use", "max_tokens")
    return message, told
