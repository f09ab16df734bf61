"""What an answer says, whatever its format: the value in which two readers must agree."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

LEGAL_FINISH = {"stop", "length", "tool_calls", "content_filter", "function_call"}


class Lost(Exception):
    """A body that its format's reader can't make sense of."""


@dataclass
class Call:
    id: str | None
    """None where the provider gives none, and one has to be made up."""
    name: str
    arguments: str
    """As text, so that long numbers can be compared."""
    index: int | None = field(default=None, compare=False)

    def value(self):
        """The arguments with numbers as they are written; no text at all is an empty object."""
        return json.loads(self.arguments, parse_float=_Number, parse_int=_Number) if self.arguments else {}


class _Number(str):
    """A number's text: 12345678901234567890 and 1e2 must not become something nearby."""


@dataclass
class Choice:
    text: str = ""
    reasoning: str = ""
    calls: list[Call] = field(default_factory=list)
    finish: str | None = None
    refusal: str = ""
    function: Call | None = None
    """The deprecated `function_call`."""
    signatures: list[str] = field(default_factory=list)
    """Signatures of thoughts: what the client must get, to be able to hand it back."""
    logprobs: list[tuple[str, float]] = field(default_factory=list)
    """Each token and the logarithm of its probability."""


@dataclass
class Usage:
    """None where the provider doesn't say."""

    prompt: int | None = None
    completion: int | None = None
    cached: int | None = None
    reasoning: int | None = None
    cached_elsewhere: int | None = None
    """Said in a member of the provider's own: it may pass as it is, or be moved to OpenAI's place."""


@dataclass
class Failure:
    status: int
    """The status that the client must get; in a stream that has begun there is none."""
    message: str
    """Words that the client's error must hold; empty where the provider has none."""


@dataclass
class Reading:
    choices: dict[int, Choice] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    id: str | None = None
    model: str | None = None
    failure: Failure | None = None
    vectors: list[list[float]] | None = None
    started: bool = False
    """Something came before the failure."""

    def choice(self, index: int = 0) -> Choice:
        return self.choices.setdefault(index, Choice())


def finish_of(provider_says: str | None, table: dict[str, str], calls: list[Call]) -> str:
    """OpenAI's reason; an unknown one is a stop, and a stop with calls is `tool_calls`."""
    reason = table.get(provider_says or "", "stop")
    return "tool_calls" if calls and reason == "stop" else reason


def count(value) -> int | None:
    """A number of tokens; some providers write 12.0."""
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def added(*values: int | None) -> int | None:
    said = [value for value in values if value is not None]
    return sum(said) if said else None


def differences(got: Reading, wanted: Reading) -> list[str]:
    """What `got` lost or changed, a line each; empty where the two say the same."""
    found: list[str] = []

    def check(what: str, have, want) -> None:
        if have != want:
            found.append(f"{what}: {_short(have)}, recorded {_short(want)}")

    check("choices", sorted(got.choices), sorted(wanted.choices))
    for index in sorted(set(got.choices) & set(wanted.choices)):
        have, want = got.choices[index], wanted.choices[index]
        where = f"choice {index} "
        check(where + "text", have.text, want.text)
        check(where + "reasoning", have.reasoning, want.reasoning)
        check(where + "finish", have.finish, want.finish)
        check(where + "names of calls", [call.name for call in have.calls], [call.name for call in want.calls])
        for at, (mine, theirs) in enumerate(zip(have.calls, want.calls)):
            try:
                check(f"{where}arguments of call {at}", mine.value(), theirs.value())
            except ValueError:
                # What the model wrote isn't JSON: then the client gets the same text.
                check(f"{where}arguments of call {at}", mine.arguments, theirs.arguments)
            if theirs.id:
                check(f"{where}id of call {at}", mine.id, theirs.id)
            elif not mine.id:
                found.append(f"{where}call {at} has no id")
        check(where + "function_call", have.function, want.function)
        if want.logprobs:
            check(where + "logprobs", have.logprobs, want.logprobs)
        if want.refusal:
            check(where + "refusal", have.refusal, want.refusal)
        ids = [call.id for call in have.calls]
        check(where + "number of different ids", len(set(ids)), len(ids))
    found += _usage_differences(got.usage, wanted.usage)
    check("vectors", got.vectors, wanted.vectors)
    return found


def _usage_differences(got: Usage, wanted: Usage) -> list[str]:
    found = []
    for name in ("prompt", "completion", "cached", "reasoning"):
        have, want = getattr(got, name), getattr(wanted, name)
        # A count of details that is left out says zero.
        if want is not None and have != want and not (want == 0 and have is None):
            found.append(f"usage {name}: {have}, recorded {want}")
        if want is None and have not in (None, 0, wanted.cached_elsewhere if name == "cached" else 0):
            found.append(f"usage {name}: {have}, where nothing is recorded")
    return found


def _short(value) -> str:
    text = repr(value)
    return text if len(text) <= 240 else f"{text[:140]} … {text[-90:]} ({len(text)})"
