"""Reads what the proxy answered, as strictly as the strictest SDK: a stream's form is checked on the way."""

from __future__ import annotations

import json

from wire import Response

from .openai_format import texts, vector
from .reading import LEGAL_FINISH, Call, Choice, Failure, Reading, count

IDENTITY = ("id", "created", "model", "object")


def read(answer: Response, endpoint: str, streamed: bool, *, usage_asked: bool = False, own: bool = True) -> Reading:
    """What the client understands. `own` says that Remora made the form itself, so that all of it is held to."""
    assert answer.complete or answer.status == 200, "an answer ended before its end"
    if answer.status >= 400:
        return Reading(failure=failure(answer.json(), answer.status))
    assert answer.status == 200, answer.status
    if streamed:
        kind = answer.get("content-type") or ""
        assert kind.startswith("text/event-stream"), f"a stream is {kind!r}"
        return Stream(answer, endpoint, usage_asked, own).read()
    body = answer.json()
    assert_metadata(body.pop("x_remora"))
    if endpoint == "embeddings":
        return _embeddings(body)
    return _whole(body, endpoint, own)


def assert_metadata(member: dict) -> None:
    """What Remora adds, and nothing else."""
    assert set(member) == {"request_id", "provider", "model", "attempts", "cache_status", "region"}, member


def failure(body: dict, status: int) -> Failure:
    """An error in OpenAI's shape, and nothing but it."""
    error = body["error"]
    assert isinstance(error, dict), body
    assert {"message", "type", "param", "code"} <= set(error), f"an error lacks members: {error}"
    assert isinstance(error["message"], str) and error["message"], error
    assert error["param"] is None or isinstance(error["param"], str), error
    return Failure(status, error["message"])


def _whole(body: dict, endpoint: str, own: bool) -> Reading:
    assert body["object"] == ("chat.completion" if endpoint == "chat" else "text_completion"), body["object"]
    assert isinstance(body["id"], str) and isinstance(body["model"], str) and isinstance(body["created"], int)
    assert "error" not in body
    reading = Reading(id=body["id"], model=body["model"])
    indexes = [each["index"] for each in body["choices"]]
    assert indexes == sorted(set(indexes)), f"choices have the indexes {indexes}"
    for each in body["choices"]:
        choice = reading.choice(each["index"])
        choice.finish = each["finish_reason"]
        assert choice.finish in LEGAL_FINISH, f"finish_reason {choice.finish!r}"
        if endpoint == "completions":
            choice.text = each["text"]
        else:
            _message(choice, each["message"], own)
            _logprobs(choice, each)
    if body.get("usage") is not None:
        _usage(reading, body["usage"], own)
    return reading


def _logprobs(choice: Choice, each: dict) -> None:
    for token in (each.get("logprobs") or {}).get("content") or []:
        choice.logprobs.append((token["token"], token["logprob"]))


def _message(choice: Choice, message: dict, own: bool) -> None:
    assert message["role"] == "assistant", message
    content = message.get("content")
    assert content is None or isinstance(content, str), f"content is a {type(content).__name__}"
    choice.text, choice.reasoning = texts(message)
    choice.refusal = message.get("refusal") or ""
    if own:
        assert "content" in message and "refusal" in message, f"a typed SDK needs content and refusal: {message}"
        assert content != "" or not message.get("tool_calls"), "content beside calls is empty instead of null"
        assert "tool_calls" not in message or message["tool_calls"], "an empty list of calls"
    for call in message.get("tool_calls") or []:
        assert call.get("type", None if own else "function") == "function", call
        function = call["function"]
        assert isinstance(function["arguments"], str), f"arguments are a {type(function['arguments']).__name__}"
        choice.calls.append(Call(call["id"], function["name"], function["arguments"]))
        if own:
            json.loads(function["arguments"])
    legacy = message.get("function_call")
    if legacy and legacy.get("name"):
        choice.function = Call(None, legacy["name"], legacy["arguments"])


def _usage(reading: Reading, said: dict, own: bool) -> None:
    usage = reading.usage
    usage.prompt, usage.completion = count(said["prompt_tokens"]), count(said["completion_tokens"])
    usage.cached = count((said.get("prompt_tokens_details") or {}).get("cached_tokens"))
    usage.reasoning = count((said.get("completion_tokens_details") or {}).get("reasoning_tokens"))
    if own:
        values = (usage.prompt, usage.completion, usage.cached or 0, usage.reasoning or 0)
        assert min(values) >= 0 and usage.cached is None or usage.cached <= usage.prompt, said
        assert usage.reasoning is None or usage.reasoning <= usage.completion, said
        assert said["total_tokens"] == usage.prompt + usage.completion, said


def _embeddings(body: dict) -> Reading:
    assert body["object"] == "list" and [each["index"] for each in body["data"]] == list(range(len(body["data"])))
    reading = Reading(vectors=[vector(each["embedding"]) for each in body["data"]], model=body["model"])
    reading.usage.prompt = count((body.get("usage") or {}).get("prompt_tokens"))
    return reading


class Stream:
    """A stream on its way through the rules that clients rely on."""

    def __init__(self, answer: Response, endpoint: str, usage_asked: bool, own: bool) -> None:
        self.answer = answer
        self.endpoint = endpoint
        self.usage_asked = usage_asked
        self.own = own
        self.reading = Reading()
        self.identity: dict | None = None
        self.positions: dict[int, int] = {}
        """Which call stands at a number that is not its place."""
        self.has_usage = False

    def read(self) -> Reading:
        payloads = list(self._payloads())
        assert payloads, "an empty stream"
        if payloads[-1] != "[DONE]":
            return self._failed(payloads)
        assert payloads.count("[DONE]") == 1, "[DONE] more than once"
        assert self.answer.complete, "the transfer coding broke behind [DONE]"
        self._chunks(payloads[:-1])
        self._end()
        return self.reading

    def _chunks(self, payloads: list[str]) -> None:
        for number, payload in enumerate(payloads):
            chunk = json.loads(payload)
            assert ("x_remora" in chunk) == (number == 0), "x_remora stands in the first chunk, and only there"
            if number == 0:
                assert_metadata(chunk.pop("x_remora"))
            self._chunk(chunk)

    def _payloads(self):
        """The data of each event; lines that some SDK stumbles over are refused."""
        text = self.answer.body.decode()
        assert text.endswith("\n\n"), f"the stream ends in {text[-40:]!r}"
        for block in text[:-2].split("\n\n"):
            lines = [line for line in block.split("\n") if not line.startswith(":")]
            assert lines, f"a comment with a blank line behind it: {block!r}"
            for line in lines:
                assert line.startswith("data: "), f"a line that isn't data: {line[:80]!r}"
            assert len(lines) == 1, "data over several lines"
            yield lines[0][6:]

    def _failed(self, payloads: list[str]) -> Reading:
        last = json.loads(payloads[-1])
        assert "error" in last, f"the stream ends without [DONE] and without an error: {payloads[-1][:200]}"
        assert "[DONE]" not in payloads
        self._chunks(payloads[:-1])
        self.reading.failure = failure(last, 200)
        self.reading.started = len(payloads) > 1
        return self.reading

    def _chunk(self, chunk: dict) -> None:
        assert "error" not in chunk, f"a chunk has the key error: {chunk}"
        if self.own:
            wanted = "chat.completion.chunk" if self.endpoint == "chat" else "text_completion"
            assert chunk["object"] == wanted
            identity = {key: chunk[key] for key in IDENTITY}
            assert isinstance(chunk["created"], int) and chunk["id"] and chunk["model"], identity
            self.identity = self.identity or identity
            assert identity == self.identity, f"{identity} after {self.identity}"
        self.reading.id = self.reading.id or chunk.get("id")
        self.reading.model = self.reading.model or chunk.get("model")
        choices = chunk.get("choices") or []
        for each in choices:
            assert not (self.own and self.has_usage), "a choice behind the usage"
            self._choice(each)
        self._usage(chunk, choices)

    def _usage(self, chunk: dict, choices: list) -> None:
        if not self.usage_asked:
            assert not (self.own and "usage" in chunk), "usage that nobody asked for"
            assert choices or not chunk.get("usage"), "a usage chunk that nobody asked for"
        elif self.own:
            assert "usage" in chunk, "a chunk without usage: null"
            assert not (choices and chunk["usage"]), "usage on a chunk with choices"
        if chunk.get("usage"):
            assert not (self.own and self.has_usage), "usage twice"
            self.has_usage = True
            self.reading.usage = type(self.reading.usage)()
            _usage(self.reading, chunk["usage"], self.own)

    def _choice(self, each: dict) -> None:
        index = each["index"]
        assert isinstance(index, int)
        known = index in self.reading.choices
        choice = self.reading.choice(index)
        if self.endpoint == "completions":
            choice.text += each.get("text") or ""
            choice.finish = each.get("finish_reason") or choice.finish
            return
        delta = each["delta"]
        if self.own:
            assert ("role" in delta) == (not known), "the role stands on the first chunk of a choice, and only there"
            assert choice.finish is None, "something behind the finish"
        assert delta.get("role") in (None, "assistant"), delta
        self._delta(choice, delta)
        _logprobs(choice, each)
        reason = each.get("finish_reason")
        if reason is not None:
            assert reason in LEGAL_FINISH, f"finish_reason {reason!r}"
            assert not (self.own and delta), f"the finish carries {delta}"
            choice.finish = reason

    def _delta(self, choice: Choice, delta: dict) -> None:
        content = delta.get("content")
        assert content is None or isinstance(content, str), f"content is a {type(content).__name__}"
        text, reasoning = texts(delta)
        choice.text += text
        choice.reasoning += reasoning
        choice.refusal += delta.get("refusal") or ""
        for piece in delta.get("tool_calls") or []:
            self._call(choice, piece)
        if piece := delta.get("function_call"):
            if choice.function is None:
                choice.function = Call(None, piece["name"], "")
            choice.function.arguments += piece.get("arguments") or ""

    def _call(self, choice: Choice, piece: dict) -> None:
        index, function = piece["index"], piece.get("function") or {}
        assert isinstance(index, int) and not isinstance(index, bool), f"a call's index is {index!r}"
        if not self.own and self._skipped(choice, index):
            # A provider that counts the text as a block: its numbers pass as they are.
            index = self.positions[index]
        if index == len(choice.calls):
            assert piece.get("id") and function.get("name"), f"the first piece of a call lacks id or name: {piece}"
            assert piece.get("type", "function") == "function", piece
            assert not self.own or piece["type"] == "function", piece
            choice.calls.append(Call(piece["id"], function["name"], ""))
        else:
            assert index < len(choice.calls), f"call {index} comes after {len(choice.calls)} calls"
            if self.own:
                assert set(piece) == {"index", "function"}, f"a later piece of a call has {sorted(piece)}"
                assert index == len(choice.calls) - 1 or not function.get("name")
        choice.calls[index].arguments += function.get("arguments") or ""

    def _skipped(self, choice: Choice, index: int) -> bool:
        self.positions.setdefault(index, len(choice.calls))
        return self.positions[index] != index

    def _end(self) -> None:
        for index, choice in self.reading.choices.items():
            assert choice.finish is not None, f"choice {index} never finished"
            if self.own:
                for call in choice.calls:
                    json.loads(call.arguments)
