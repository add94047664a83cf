# SPDX-License-Identifier: Apache-2.0
"""From every constraint of the models, requests that break it: proof that the server checks all of them.

A case is (operation, request, kind of failure, the member that the message must name first).
"""
import json

from api_patterns import matches

RULE, FORM = "rule", "form"
WRONG = {"string": 7, "enum": 7, "integer": "7", "long": "7", "boolean": "true", "timestamp": "now", "list": {}, "map": [],
         "structure": "text"}
ODD_TEXTS = ["!", "\n", "*", " ", "\u0007", "=", "arn", "_", "-"]


class Cases:
    def __init__(self, service):
        self.service = service
        self.patterns = service.patterns()

    def all(self):
        for name in self.service.operations:
            top = self.service.types[name + "Input"]
            whole = self.structure(top)
            yield name, whole, None, ""
            for path, broken, kind in self.broken_members(top):
                yield name, {**whole, **broken}, kind, path

    # ---- values that are right ------------------------------------------------------------------------------------

    def type_of(self, text):
        return self.service.types.get(text)

    def good(self, text):
        type_ = self.type_of(text)
        kind = type_.kind if type_ else text
        if kind == "structure":
            return self.structure(type_)
        if kind == "enum":
            return type_.words[0]
        if kind == "list":
            return [self.good(type_.words[0])] * max(type_.low or 0, 1)
        if kind == "map":
            return {self.good_text(type_.words[0]): self.good(type_.words[1])}
        if kind == "string":
            return self.good_text(text)
        return {"boolean": True, "timestamp": 1795389019.5}.get(kind, (type_.low if type_ else None) or 1)

    def structure(self, type_):
        return {name.rstrip("!"): self.good(text) for name, text in type_.members.items() if name.endswith("!")}

    def good_text(self, text):
        type_ = self.type_of(text)
        low = (type_.low if type_ else None) or 0
        compiled = self.patterns.get(text)
        return shortest_match(compiled, max(low, 1)) if compiled else "a" * max(low, 1)

    # ---- values that break one rule -------------------------------------------------------------------------------

    def broken_members(self, type_, prefix=""):
        for wire, text in type_.members.items():
            name, path = wire.rstrip("!"), prefix + wire.rstrip("!")
            if wire.endswith("!"):
                yield path, {name: None}, RULE
            for inner, value, kind in self.broken_values(text, path):
                yield inner, {name: value}, kind

    def broken_values(self, text, path):
        type_ = self.type_of(text)
        kind = type_.kind if type_ else text
        yield path, WRONG[kind], FORM
        if kind == "structure":
            whole = self.structure(type_)
            for inner, broken, why in self.broken_members(type_, path + "."):
                yield inner, {**whole, **broken}, why
        elif kind == "enum":
            yield path, type_.words[0] + "X", RULE
        elif kind == "string" and type_:
            for value in self.broken_texts(text):
                yield path, value, RULE
        elif kind in ("integer", "long") and type_:
            yield from ((path, value, RULE) for value in beyond(type_))
        elif kind == "list":
            element = self.good(type_.words[0])
            yield from ((path, [element] * count, RULE) for count in beyond(type_) if count >= 0)
            for inner, value, why in self.broken_values(type_.words[0], path + "[0]"):
                yield inner, [value] + [element] * ((type_.low or 1) - 1), why
        elif kind == "map":
            yield from self.broken_maps(type_, path)

    def broken_maps(self, type_, path):
        key, value = type_.words
        good_key, good_value = self.good_text(key), self.good(value)
        for count in beyond(type_):
            if count >= 0 and (count <= 1 or self.type_of(key).kind != "enum"):
                yield path, {good_key + str(i): good_value for i in range(count)}, RULE
        for text in (self.broken_texts(key) if self.type_of(key) else []):
            yield path + " key", {text: good_value}, RULE
        for inner, broken, why in self.broken_values(value, path + " value"):
            yield inner, {good_key: broken}, why

    def broken_texts(self, text):
        type_, compiled = self.type_of(text), self.patterns.get(text)
        yield from ("a" * count for count in beyond(type_) if count >= 0)
        if compiled:
            low = max(type_.low or 0, 1)
            odd = [(t * low)[:max(type_.high or 64, 1)] for t in ODD_TEXTS]
            yield next(t for t in odd if not matches(compiled, t))


def beyond(type_):
    return [bound for bound in ((type_.low - 1) if type_.low is not None else None,
                                (type_.high + 1) if type_.high is not None else None) if bound is not None]


def shortest_match(compiled, low):
    """A text of at least `low` characters that the automaton accepts."""
    paths = {p: [p] for p in sorted(compiled.first)}
    for length in range(1, low + 64):
        ends = sorted(p for p in paths if p in compiled.last)
        if length >= low and ends:
            return "".join(printable(compiled.classes[p]) for p in paths[ends[0]])
        paths = {q: path + [q] for p, path in sorted(paths.items()) for q in sorted(compiled.follow[p])}
    raise AssertionError(f"no text of {low} characters matches {compiled.source}")


def printable(ranges):
    candidates = [char for char in "a1/-" if any(low <= ord(char) <= high for low, high in ranges)]
    return candidates[0] if candidates else chr(ranges[0][0])


def emit_cases(services, licence):
    out = [licence, "#pragma once\n", "#include <optional>\n#include <string_view>\n", '#include "aws/json.hpp"',
           *(f'#include "aws/{service.name}.hpp"' for service in services), "\nnamespace aws {\n",
           "struct ConstraintCase {", "  const char* operation;", "  const char* body;",
           "  const char* kind;    // \"\": decodes; \"rule\" or \"form\"", "  const char* member;  // named first in the message",
           "  std::optional<Error> (*decode)(std::string_view);", "};\n",
           "template <class T>\nstd::optional<Error> decode_for_error(std::string_view body) {\n  auto outcome = decode<T>(body);",
           "  if (outcome) return std::nullopt;\n  return std::move(outcome).error();\n}\n",
           "inline const ConstraintCase kConstraintCases[] = {"]
    for service in services:
        for name, body, kind, member in Cases(service).all():
            text = json.dumps(json.dumps(body, separators=(",", ":")))
            out.append(f'    {{"{name}", {text}, "{kind or ""}", "{member}", &decode_for_error<{service.name}::{name}Input>}},')
    return "\n".join([*out, "};\n", "}  // namespace aws\n"])
