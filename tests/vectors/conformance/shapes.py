# SPDX-License-Identifier: Apache-2.0
"""The shapes of one AWS service model, and values that they allow."""

import re
import sys
import unicodedata

import samples


def category_class(letter):
    """The characters of a Unicode category as the inside of a character class."""
    points = [point for point in range(0x110000) if unicodedata.category(chr(point))[0] == letter]
    runs = []
    for point in points:
        if runs and runs[-1][1] == point - 1:
            runs[-1][1] = point
        else:
            runs.append([point, point])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in runs)


class Pattern:
    """The whole text must match; \\w and \\d are ASCII."""

    def __init__(self, source):
        named = re.sub(r"\\p\{([LZN])\}", lambda found: category_class(found[1]), source)
        self.compiled = re.compile(named, re.ASCII)

    def takes(self, text):
        return self.compiled.fullmatch(text) is not None


class Shapes:
    def __init__(self, name, model):
        self.name = name
        self.shapes = model["shapes"]
        self.patterns = {}
        self.enum_values = sorted({value for shape in self.shapes.values() for value in shape.get("enum", [])})

    def pattern(self, shape_name):
        if shape_name not in self.patterns:
            source = self.shapes[shape_name].get("pattern")
            self.patterns[shape_name] = Pattern(source) if source else None
        return self.patterns[shape_name]

    def texts(self, shape_name, member=""):
        entry = samples.OWN.get((self.name, shape_name)) or samples.TEXTS.get(shape_name)
        if entry is None:
            sys.exit(f"{self.name}: samples.py has no texts for {shape_name}: add an entry to TEXTS")
        return samples.of_channel(entry) if member in samples.MEMBERS else entry

    def filled(self, shape_name, length, member=""):
        front, unit, end = self.texts(shape_name, member)["fill"]
        return front + unit * (length - len(front) - len(end)) + end

    def check(self, shape_name, text, taken):
        shape = self.shapes[shape_name]
        pattern = self.pattern(shape_name)
        fits = pattern is None or pattern.takes(text)
        within = shape.get("min", 0) <= len(text) <= shape.get("max", len(text))
        if (taken and not (fits and within)) or (not taken and fits):
            sys.exit(f"{self.name}: samples.py: {text!r} of {shape_name}: pattern {fits}, bounds {within}, meant to be taken: {taken}")
        return text

    def sample(self, shape_name, member="", full=False):
        """A value that the model allows: of structures the required members only, or all of them."""
        shape = self.shapes[shape_name]
        kind = shape["type"]
        if member in samples.FITTING:
            return samples.FITTING[member]
        if "enum" in shape:
            return shape["enum"][0]
        if kind == "string":
            return self.check(shape_name, samples.MEMBERS.get(member, self.texts(shape_name)["good"][0]), True)
        if kind in ("integer", "long", "timestamp"):
            return samples.NUMBERS.get(shape_name, shape.get("min", 1))
        if kind == "boolean":
            return True
        if kind == "list":
            return self.elements(shape_name, max(1, shape.get("min", 1)), full)
        if kind == "map":
            return self.entries(shape_name, max(1, shape.get("min", 1)))
        if kind == "structure":
            members = shape["members"] if full else shape.get("required", [])
            return {name: self.sample(shape["members"][name]["shape"], name, full) for name in sorted(members)}
        sys.exit(f"{self.name}: {shape_name} has the type {kind}, which this program does not know")

    def elements(self, shape_name, count, full=False):
        """A list whose elements differ where their shape allows it."""
        element = self.shapes[shape_name]["member"]["shape"]
        return [self.numbered(element, index, full) for index in range(count)]

    def numbered(self, shape_name, index, full=False):
        shape = self.shapes[shape_name]
        if "enum" in shape:
            return shape["enum"][index % len(shape["enum"])]
        if shape["type"] == "structure":
            value = self.sample(shape_name, full=full)
            if index and "Key" in value:
                value["Key"] = f"key{index}"
            return value
        value = self.sample(shape_name)
        return self.check(shape_name, value[: -len(str(index))] + str(index) if value.isdigit() else f"{value}{index}", True) if index else value

    def entries(self, shape_name, count):
        shape = self.shapes[shape_name]
        key, value = shape["key"]["shape"], shape["value"]["shape"]
        names = [self.shapes[key]["enum"][0] if index == 0 else f"other{index}" for index in range(count)] if "enum" in self.shapes[key] \
            else [f"key{index}" for index in range(count)]
        return {name: self.sample(value) for name in names}

    def answer(self, shape_name, inside=()):
        """The shape of an answer: leaves are type names or lists of enum values."""
        shape = self.shapes[shape_name]
        kind = shape["type"]
        if kind == "structure":
            return {"structure": {name: self.answer(member["shape"]) | ({"header": member["locationName"]} if member.get("location") == "header" else {})
                                  for name, member in sorted(shape["members"].items())},
                    **({"payload": shape["payload"]} if "payload" in shape else {})}
        if kind == "list":
            return {"list": self.answer(shape["member"]["shape"])}
        if kind == "map":
            return {"map": self.answer(shape["value"]["shape"])}
        return {"type": kind, **({"enum": shape["enum"]} if "enum" in shape else {})}
