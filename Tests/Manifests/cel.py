"""As much of the Common Expression Language as the policies use: enough to run them over a pod without an API server.

`evaluate(text, names)`: values are JSON's; `Object.spec…{…}` and `JSONPatch{…}` are mappings. Types aren't checked: a real
API server has done that, and says so in a policy's status.
"""

from __future__ import annotations

import re

TOKEN = re.compile(r"\s*(?:(\d+)|'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|([A-Za-z_]\w*)|(\|\||&&|==|!=|\?\.|.))", re.S)
NOTHING = object()
"""What `optional.none()` is."""


class Wrong(Exception):
    """An expression that fails: the API server would refuse the request, or the policy."""


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    text = text.strip()
    while at < len(text):
        match = TOKEN.match(text, at)
        number, single, double, name, sign = match.groups()
        at = match.end()
        if number is not None:
            found.append(("number", number))
        elif single is not None or double is not None:
            found.append(("text", re.sub(r"\\(.)", r"\1", single if single is not None else double)))
        elif name is not None:
            found.append(("name", name))
        else:
            found.append(("sign", sign))
    return [*found, ("end", "")]


class _Parser:
    """Makes a function of the names out of each expression."""

    def __init__(self, text: str):
        self.tokens, self.at = _tokens(text), 0

    def peek(self, *signs: str) -> bool:
        return self.tokens[self.at][0] == "sign" and self.tokens[self.at][1] in signs

    def take(self, *signs: str) -> str | None:
        if self.peek(*signs):
            self.at += 1
            return self.tokens[self.at - 1][1]
        return None

    def need(self, sign: str) -> None:
        if not self.take(sign):
            raise Wrong(f"expected {sign}, found {self.tokens[self.at]}")

    def name(self) -> str:
        kind, text = self.tokens[self.at]
        if kind != "name":
            raise Wrong(f"expected a name, found {text}")
        self.at += 1
        return text

    def ternary(self):
        condition = self.either()
        if not self.take("?"):
            return condition
        yes = self.ternary()
        self.need(":")
        no = self.ternary()
        return lambda names: yes(names) if condition(names) is True else no(names)

    def either(self):
        left = self.both()
        while self.take("||"):
            left = (lambda one, other: lambda names: one(names) or other(names))(left, self.both())
        return left

    def both(self):
        left = self.relation()
        while self.take("&&"):
            left = (lambda one, other: lambda names: one(names) and other(names))(left, self.relation())
        return left

    def relation(self):
        left = self.sum()
        if sign := self.take("==", "!="):
            right = self.sum()
            return lambda names: (left(names) == right(names)) == (sign == "==")
        if self.take("<"):
            right = self.sum()
            return lambda names: left(names) < right(names)
        if self.tokens[self.at] == ("name", "in"):
            self.at += 1
            right = self.sum()
            return lambda names: left(names) in right(names)
        return left

    def sum(self):
        left = self.unary()
        while self.take("+"):
            left = (lambda one, other: lambda names: one(names) + other(names))(left, self.unary())
        return left

    def unary(self):
        if self.take("!"):
            operand = self.unary()
            return lambda names: not operand(names)
        return self.postfix()

    def postfix(self):
        value = self.primary()
        while True:
            if self.take("."):
                optional = bool(self.take("?"))
                name = self.name()
                if not optional and self.take("("):
                    value = self.call(value, name)
                else:
                    value = self.member(value, lambda names, name=name: name, optional)
            elif self.take("["):
                optional = bool(self.take("?"))
                key = self.ternary()
                self.need("]")
                value = self.member(value, key, optional)
            else:
                return value

    @staticmethod
    def member(value, key, optional: bool):
        class Optional:
            pass

        def read(names):
            owner, wanted = value(names), key(names)
            if isinstance(owner, tuple):  # Of an optional value's member there may be none either.
                return (owner[0].get(wanted, NOTHING),) if owner[0] is not NOTHING else owner
            if optional:
                return (owner.get(wanted, NOTHING),)
            if isinstance(owner, list):
                return owner[wanted]
            if wanted not in owner:
                raise Wrong(f"no such key: {wanted}")
            return owner[wanted]

        return read

    def call(self, value, name: str):
        if name in ("exists", "map", "all", "filter"):
            variable = self.name()
            self.need(",")
            body = self.ternary()
            self.need(")")

            def walk(names):
                items = value(names)
                results = [body({**names, variable: each}) for each in items]
                if name == "map":
                    return results
                if name == "filter":
                    return [each for each, keep in zip(items, results) if keep]
                return any(results) if name == "exists" else all(results)  # Of a mapping: of its keys.

            return walk
        arguments = []
        while not self.peek(")"):
            arguments.append(self.ternary())
            self.take(",")
        self.need(")")
        functions = {
            "orValue": lambda owner, other: other if owner[0] is NOTHING else owner[0],
            "hasValue": lambda owner: owner[0] is not NOTHING,
            "split": lambda owner, sign: owner.split(sign),
            "trim": lambda owner: owner.strip(),
            "size": len,
            "startsWith": lambda owner, text: owner.startswith(text),
            "substring": lambda owner, start: owner[start:],
            "lastIndexOf": lambda owner, item: max((n for n, each in enumerate(owner) if each == item), default=-1),
        }
        function = functions[name]
        return lambda names: function(value(names), *(each(names) for each in arguments))

    def primary(self):
        kind, text = self.tokens[self.at]
        if self.take("("):
            inner = self.ternary()
            self.need(")")
            return inner
        if self.take("["):
            items = []
            while not self.take("]"):
                items.append(self.ternary())
                self.take(",")
            return lambda names: [each(names) for each in items]
        if self.take("{"):
            return self.mapping(lambda: self.ternary())
        self.at += 1
        if kind == "number":
            return lambda names: int(text)
        if kind == "text":
            return lambda names: text
        if kind != "name":
            raise Wrong(f"unexpected {text}")
        if text in ("true", "false"):
            return lambda names: text == "true"
        if text in ("int", "string"):
            self.need("(")
            operand = self.ternary()
            self.need(")")
            return lambda names: {"int": int, "string": str}[text](operand(names))
        if text == "has":
            self.need("(")
            inner = self.postfix()
            self.need(")")

            def has(names):
                try:
                    inner(names)
                except Wrong:
                    return False
                return True

            return has
        if text in ("Object", "JSONPatch"):
            while self.take("."):
                self.name()
            self.need("{")
            return self.mapping(lambda: (lambda name: lambda names: name)(self.name()))
        return lambda names: names[text]

    def mapping(self, key):
        entries = []
        while not self.take("}"):
            one = key()
            self.need(":")
            entries.append((one, self.ternary()))
            self.take(",")
        return lambda names: {one(names): value(names) for one, value in entries}


def evaluate(text: str, names: dict) -> object:
    parser = _Parser(text)
    expression = parser.ternary()
    if parser.tokens[parser.at][0] != "end":
        raise Wrong(f"unexpected {parser.tokens[parser.at][1]}")
    return expression(names)


def merged(old: object, new: object) -> object:
    """Server-side apply of a pod's parts: mappings are merged, and lists of what has names by these."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: merged(old.get(key), value) for key, value in new.items()}}
    if isinstance(new, list) and all(isinstance(each, dict) and "name" in each for each in new):
        result = list(old or [])
        for each in new:
            place = next((n for n, other in enumerate(result) if other["name"] == each["name"]), None)
            if place is None:
                result.append(each)
            else:
                result[place] = merged(result[place], each)
        return result
    return new


def admit(policy: dict, pod: dict, params: dict | None) -> dict:
    """The pod as a MutatingAdmissionPolicy leaves it."""
    import jsonpatch

    spec = policy["spec"]
    wanted = spec["matchConstraints"]["objectSelector"]["matchLabels"]
    labels = pod["metadata"].get("labels") or {}
    if params is None or any(labels.get(key) != value for key, value in wanted.items()):
        return pod
    names: dict = {"object": pod, "params": params, "variables": {}}
    if not all(evaluate(each["expression"], names) for each in spec["matchConditions"]):
        return pod
    for mutation in spec["mutations"]:
        names = {"object": pod, "params": params, "variables": {}}
        for each in spec["variables"]:
            names["variables"][each["name"]] = evaluate(each["expression"], names)
        if mutation["patchType"] == "JSONPatch":
            operations = evaluate(mutation["jsonPatch"]["expression"], names)
            pod = jsonpatch.apply_patch(pod, operations)
        else:
            pod = merged(pod, evaluate(mutation["applyConfiguration"]["expression"], names))
    return pod
