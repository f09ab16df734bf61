"""Values that nothing of Remora's may hold, however long the suite runs: not its output, its counters, its audit logs, nor
the errors that it makes.

What tests say to it as personal data, as secrets or as denied words, they name here. So each test of the suite looks for
what all of its worker's tests have said.
"""

from __future__ import annotations

import base64
import json
import re
import urllib.parse

SECRET = "sk-canary-3b1f9c7e5a"
"""The provider's key in every config. It may reach the upstream and nothing else."""
CALLER_KEY = "sk-caller-8d2e6f4a1c"
"""What applications pass as their key: any string, replaced on the way."""
PROMPT = "the canary sings at dawn"
"""The prompt of every chat. It may reach the upstream and nothing else."""

_said = [SECRET, CALLER_KEY, PROMPT]
_found: list[str] = []


def canary(value: str) -> str:
    """`value`, from now on looked for wherever Remora shows something of itself.

    It may reach the client that said it, and the upstream where no policy is asked.
    """
    assert len(value) >= 8, f"{value!r} may stand somewhere by chance"
    if value not in _found:
        _found.append(value)
    return value


def found() -> list[str]:
    """What policies find in the tests so far."""
    return list(_found)


def everything() -> list[str]:
    """All that is looked for in what Remora prints, counts and writes down."""
    return [*_said, *_found]


MAIL = canary("jane.doe@corp-canary.example")
CARD = canary("4111 1111 1111 1111")
PHONE = canary("+44 20 7946 0958")
OTHER_MAIL = canary("john.roe@other-canary.example")
OTHER_CARD = canary("5555 5555 5555 4444")


def forms(value: str) -> set[str]:
    """How a value usually leaks: plainly, escaped, encoded, and a number without its signs."""
    data = value.encode()
    made = {
        value,
        json.dumps(value)[1:-1],
        base64.b64encode(data).decode().rstrip("="),
        urllib.parse.quote(value),
        urllib.parse.quote_plus(value),
        data.hex(),
    }
    digits = re.sub(r"\D", "", value)
    if len(digits) >= 9 and not re.search("[A-Za-z]", value):
        made.add(digits)
    return made


def assert_clean(text: str, values: list[str], where: str) -> None:
    """None of the values stands in `text` in a form in which they usually leak."""
    for value in values:
        for form in forms(value):
            assert form not in text, f"{where} holds {form!r}"


def hear(status: int, source: str | None, body: bytes) -> None:
    """An answer's body: where it is Remora's own error, or ends in one, what was found isn't in it."""
    text = body.decode(errors="replace")
    if status < 400 or source != "remora":
        text = "\n".join(line for line in text.splitlines() if '"policy_violation"' in line and line.startswith("data:"))
    if text:
        assert_clean(text, found(), f"an error ({status})")
