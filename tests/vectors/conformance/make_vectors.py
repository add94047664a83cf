#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the vectors of clients/conformance from the AWS service models (botocore's service-2.json, one file a service).

    make_vectors.py MODELS_DIR

It shares nothing with tools/generate_api.py and reads nothing of models/: it is the second opinion on both. A vector file
holds, for each operation, method, path, the shortest and the fullest input, `refused` (each with member, kind and input),
`taken` (inputs on the edge of what the model allows), the shape of the answer and the modelled errors.
"""

import copy
import difflib
import json
import pathlib
import sys

import samples
from shapes import Shapes

HERE = pathlib.Path(__file__).parent
WRONG_TYPES = {
    "string": [5, True, ["a"], {"a": "b"}],
    "integer": ["5", 1.5, True, [1], 1e20],
    "long": ["5", 1.5, True, [1], 1e20],
    "boolean": ["true", 1, {}],
    "timestamp": ["yesterday", True, {}],
    "list": ["a", {"a": "b"}, 5],
    "map": ["a", ["a"], 5],
    "structure": ["a", ["a"], 5],
}


class Probes:
    """Walks the input of one operation: every probe changes one place of an input that is valid otherwise."""

    def __init__(self, shapes, base):
        self.shapes = shapes
        self.base = base
        self.refused = []
        self.taken = []

    def put(self, path, value, remove=False):
        made = copy.deepcopy(self.base)
        at = made
        for step in path[:-1]:
            at = at[step]
        if remove:
            at.pop(path[-1], None)
        else:
            at[path[-1]] = value
        return made

    @staticmethod
    def text(path):
        return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")

    def refuse(self, path, kind, value=None, remove=False):
        self.refused.append({"member": self.text(path), "kind": kind, "input": self.put(path, value, remove)})

    def take(self, path, kind, value):
        self.taken.append({"member": self.text(path), "kind": kind, "input": self.put(path, value)})

    def member(self, path, shape_name, required):
        shape = self.shapes.shapes[shape_name]
        if required:
            self.refuse(path, "missing", remove=True)
            self.refuse(path, "missing", None)
        for value in WRONG_TYPES[shape["type"]]:
            self.refuse(path, "wrong_type", value)
        if "enum" in shape:
            self.enum(path, shape)
        elif shape["type"] == "string":
            self.string(path, shape_name, shape)
        elif shape["type"] in ("integer", "long"):
            self.number(path, shape)
        elif shape["type"] in ("list", "map", "structure"):
            getattr(self, shape["type"])(path, shape_name, shape)

    def enum(self, path, shape):
        own = shape["enum"]
        others = [value for value in self.shapes.enum_values if value not in own]
        near = difflib.get_close_matches(own[0], others, n=4, cutoff=0)
        for value in [own[0].lower(), own[0] + "_", "", *near]:
            self.refuse(path, "bad_enum", value)
        for value in own:
            self.take(path, "enum", value)

    def string(self, path, shape_name, shape):
        texts = self.shapes.texts(shape_name, path[-1])
        low, high = shape.get("min", 0), shape.get("max")
        if low > 0:
            short = texts.get("short") or (self.shapes.filled(shape_name, low - 1, path[-1]) if low > 1 and shape_name != "DestinationRegion" else "a" * (low - 1))
            assert len(short) == low - 1, shape_name
            self.refuse(path, "too_short", short)
        if high is not None:
            self.refuse(path, "too_long", self.shapes.filled(shape_name, high + 1, path[-1]))
            self.take(path, "longest", self.shapes.check(shape_name, self.shapes.filled(shape_name, high, path[-1]), True))
        if low == 1 and (pattern := self.shapes.pattern(shape_name)) and pattern.takes("7"):
            self.take(path, "shortest", "7")
        if low > 1 and self.shapes.pattern(shape_name).takes(shortest := self.shapes.filled(shape_name, low, path[-1])):
            self.take(path, "shortest", shortest)
        for text in texts["bad"] if "pattern" in shape else []:
            self.refuse(path, "bad_pattern", self.shapes.check(shape_name, text, False))
        for text in texts["good"]:
            self.take(path, "pattern", self.shapes.check(shape_name, text, True))

    def number(self, path, shape):
        if "min" in shape:
            self.refuse(path, "below", shape["min"] - 1)
            self.take(path, "least", shape["min"])
        if "max" in shape:
            self.refuse(path, "above", shape["max"] + 1)
            self.take(path, "most", shape["max"])

    def counts(self, path, shape, make):
        if shape.get("min", 0) > 0:
            self.refuse(path, "too_few", make(shape["min"] - 1))
        if "max" in shape:
            self.refuse(path, "too_many", make(shape["max"] + 1))
            self.take(path, "fullest", make(shape["max"]))

    def list(self, path, shape_name, shape):
        self.counts(path, shape, lambda count: self.shapes.elements(shape_name, count))
        self.inside(path, self.shapes.elements(shape_name, max(1, shape.get("min", 1))), [(0, shape["member"]["shape"], False)])

    def map(self, path, shape_name, shape):
        self.counts(path, shape, lambda count: self.shapes.entries(shape_name, count))
        value = self.shapes.entries(shape_name, 1)
        key = next(iter(value))
        self.keys(path, shape["key"]["shape"], value[key])
        self.inside(path, value, [(key, shape["value"]["shape"], False)])

    def keys(self, path, key_shape, value):
        """Keys are texts by themselves: the probes of a member of that shape, turned into a map of one entry."""
        probes = Probes(self.shapes, {"key": None})
        probes.member(("key",), key_shape, False)
        for each in probes.refused:
            if each["kind"] != "wrong_type":
                self.refuse(path, f"key_{each['kind']}", {each["input"]["key"]: value})
        for each in probes.taken:
            self.take(path, f"key_{each['kind']}", {each["input"]["key"]: value})

    def structure(self, path, shape_name, shape):
        value = self.shapes.sample(shape_name)
        required = shape.get("required", [])
        self.inside(path, value, [(name, member["shape"], name in required) for name, member in sorted(shape["members"].items())])

    def inside(self, path, value, members):
        inner = Probes(self.shapes, self.put(path, value))
        for step, shape_name, required in members:
            inner.member((*path, step), shape_name, required)
        self.refused += inner.refused
        self.taken += inner.taken


def operation(shapes, model, row):
    shape_name = row["input"]["shape"]
    shape = shapes.shapes[shape_name]
    minimal = shapes.sample(shape_name)
    arn_optional = [name for name in ("StreamARN", "ChannelARN") if name in shape["members"] and name not in shape.get("required", [])]
    for name in samples.NAMED_BY:
        if arn_optional and name in shape["members"] and name not in minimal:
            minimal[name] = shapes.sample(shape["members"][name]["shape"], name)
    probes = Probes(shapes, minimal)
    for name, member in sorted(shape["members"].items()):
        # An ARN stands alone: beside a name it would have to be that of the same thing.
        alone = {key: value for key, value in minimal.items() if key not in samples.NAMED_BY} if name in arn_optional else minimal
        own = Probes(shapes, alone)
        own.member((name,), member["shape"], name in shape.get("required", []))
        probes.refused += own.refused
        probes.taken += own.taken
    for value in WRONG_TYPES["structure"]:
        probes.refused.append({"member": "", "kind": "wrong_type", "input": value})
    errors = {}
    for each in row.get("errors", []):
        error = shapes.shapes[each["shape"]]
        errors[each["shape"]] = [error["error"]["httpStatusCode"], *error["members"]]
    return {
        "method": row["http"]["method"],
        "path": row["http"]["requestUri"],
        "minimal": minimal,
        "full": shapes.sample(shape_name, full=True),
        "errors": errors,
        "answer": shapes.answer(row["output"]["shape"]) if "output" in row else None,
        "refused": probes.refused,
        "taken": probes.taken,
    }


def line(value):
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def render(operations):
    """JSON with one probe a line, so that a change of a model shows as the lines that it changes."""
    parts = []
    for name, vector in sorted(operations.items()):
        rows = []
        for key, value in vector.items():
            if key in ("refused", "taken"):
                rows.append(f'  "{key}": [\n' + ",\n".join(f"   {line(each)}" for each in value) + "\n  ]")
            else:
                rows.append(f'  "{key}": {line(value)}')
        parts.append(f' "{name}": {{\n' + ",\n".join(rows) + "\n }")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.json")):
        model = json.loads(path.read_text())
        shapes = Shapes(path.stem, model)
        operations = {name: operation(shapes, model, row) for name, row in model["operations"].items()}
        (HERE / path.name).write_text(render(operations))
        refused = sum(len(each["refused"]) for each in operations.values())
        taken = sum(len(each["taken"]) for each in operations.values())
        print(f"{path.stem}: {len(operations)} operations, {refused} refused, {taken} taken")


if __name__ == "__main__":
    main()
