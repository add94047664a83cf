#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes vectors.json from AWS's service models: make_vectors.py FOLDER_OF_MODELS > vectors.json

Knows nothing of our models/ and shares no code with tools/generate_api.py: a constraint that is wrong there is right here.
One vector is a whole request body in which one member breaks one constraint ("violations"), or stands exactly on its
bound or on one word of its enumeration ("accepted"). `member` is the path of that member in the body.
"""
import copy
import json
import pathlib
import re
import sys

# Texts that satisfy a pattern: what stands before, what is repeated to reach a length, what stands behind.
ARN = ("arn:aws:kinesisvideo:us-west-2:123456789012:stream/", "x", "/1600000000000")
SAMPLES = {
    "ResourceARN": ARN,
    "ChannelArn": ARN,
    "HubDeviceArn": ("arn:aws:iot:us-west-2:123456789012:thing/", "x", ""),
    "MediaUriSecretArn": ("arn:aws:secretsmanager:us-west-2:123456789012:secret:", "x", ""),
    "MediaType": ("video/", "x", ""),
    "DestinationUri": ("s3://", "x", ""),
    "DestinationRegion": ("us-", "x", "-1"),
    "FragmentNumberString": ("", "1", ""),
}
# Tried in this order; the first that the pattern refuses, and the length allows, is the bad text.
BAD_TEXTS = ["!", "{bad} value", "bad\nvalue in a text", "\n", "no-colon", "~" * 20, "{not an arn at all}"]
NO_SUCH_VALUE = "NO_SUCH_VALUE"


def matches(pattern, text):
    """The whole text, as AWS's services read a pattern. Category names become what Python's re knows."""
    pattern = pattern.replace(r"\p{L}", "a-zA-Z").replace(r"\p{Z}", " ").replace(r"\p{N}", "0-9")
    return re.fullmatch(pattern, text) is not None


class Service:
    def __init__(self, model):
        self.shapes = model["shapes"]
        self.operations = model["operations"]

    def text(self, name, length=None):
        shape = self.shapes[name]
        before, fill, after = SAMPLES.get(name, ("", "x", ""))
        fixed = len(before) + len(after)
        least = max(shape.get("min", 1), fixed + 8)
        if name == "DestinationRegion":
            least = 9
        length = length or min(least, shape.get("max", least))
        value = before + fill * (length - fixed) + after
        return value if length > fixed and matches(shape.get("pattern", "(?s).*"), value) else None

    def sample(self, name, whole=False):
        """A value that satisfies every constraint; `whole`: with every optional member."""
        shape = self.shapes[name]
        kind = shape["type"]
        if "enum" in shape:
            return shape["enum"][0]
        if kind == "string":
            value = self.text(name)
            assert value, f"no text satisfies {name}"
            return value
        if kind in ("integer", "long"):
            return max(shape.get("min", 1), 1)
        if kind == "boolean":
            return True
        if kind == "timestamp":
            return 1600000000
        if kind == "list":
            return [self.sample(shape["member"]["shape"], whole)]
        if kind == "map":
            return {self.sample(shape["key"]["shape"]): self.sample(shape["value"]["shape"])}
        required = shape.get("required", [])
        return {m: self.sample(s["shape"], whole) for m, s in shape["members"].items() if whole or m in required}

    def cases(self, name):
        """(kind, bad value) and (kind, good value) of one shape, without what is inside of it."""
        shape = self.shapes[name]
        kind = shape["type"]
        low, high = shape.get("min"), shape.get("max")
        bad, good = [("type", 7 if kind in ("list", "map", "structure") else {"a": 1})], []
        if kind in ("string", "boolean"):  # the scalar that a careless reader would take for it
            bad.append(("type", 7 if kind == "string" else "true"))
        if "enum" in shape:
            bad.append(("enum", NO_SUCH_VALUE))
            good += [("enum", word) for word in shape["enum"]]
        elif kind == "string":
            if high is not None:
                bad.append(("too long", (self.text(name, high + 1) or "x" * (high + 1))))
                if edge := self.text(name, high):
                    good.append(("longest", edge))
            if low:
                bad.append(("too short", "" if low == 1 else (self.text(name, low - 1) or "x" * (low - 1))))
                if edge := self.text(name, low):
                    good.append(("shortest", edge))
            if "pattern" in shape:
                fits = [t for t in BAD_TEXTS if not matches(shape["pattern"], t) and (low or 0) <= len(t) <= (high or 9999)]
                assert fits, f"no bad text for {name}"
                bad.append(("pattern", fits[0]))
        elif kind in ("integer", "long"):
            bad.append(("type", "seven"))
            if low is not None:
                bad.append(("too small", low - 1))
                good.append(("smallest", low))
            if high is not None:
                bad.append(("too large", high + 1))
                good.append(("largest", high))
        elif kind == "list":
            one = self.sample(shape["member"]["shape"])
            if low:
                bad.append(("too few", []))
            if high is not None:
                bad.append(("too many", [one] * (high + 1)))
        elif kind == "map":
            value = self.sample(shape["value"]["shape"])
            if low:
                bad.append(("too few", {}))
            if high is not None and "enum" not in self.shapes[shape["key"]["shape"]]:
                bad.append(("too many", {f"key{i}": value for i in range(high + 1)}))
        return bad, good

    def walk(self, name, path, seen=()):
        """Every (path, shape) under a structure; lists by their first element, maps by a key and its value."""
        shape = self.shapes[name]
        if name in seen:
            return
        if shape["type"] == "structure":
            for member, at in shape["members"].items():
                yield path + [member], at["shape"], member in shape.get("required", [])
                yield from self.walk(at["shape"], path + [member], (*seen, name))
        elif shape["type"] == "list":
            yield path + [0], shape["member"]["shape"], False
            yield from self.walk(shape["member"]["shape"], path + [0], (*seen, name))

    def map_cases(self, shape):
        """Bad keys and bad values of a map, as whole maps."""
        key, value = shape["key"]["shape"], shape["value"]["shape"]
        for kind, bad in self.cases(key)[0]:
            if kind != "type":
                yield f"key {kind}", {bad: self.sample(value)}
        for kind, bad in self.cases(value)[0]:
            yield f"value {kind}", {self.sample(key): bad}

    def body(self, root, path, value, drop=False):
        """The smallest valid body in which every structure above the member is there, with the member replaced."""
        body = self.sample(root)
        at, shape = body, root
        for step in path[:-1]:
            below = self.shapes[shape]
            shape = below["member"]["shape"] if step == 0 else below["members"][step]["shape"]
            if isinstance(at, dict) and step not in at:
                at[step] = self.sample(shape)
            at = at[step]
        if drop:
            at.pop(path[-1], None)
        elif path[-1] == 0:
            at[0] = value
        else:
            at[path[-1]] = value
        return copy.deepcopy(body)

    def vectors(self, operation):
        root = operation["input"]["shape"]
        violations, accepted = [], []

        def note(to, kind, path, body):
            to.append({"kind": kind, "member": ".".join(map(str, path)), "body": body})

        for path, name, required in self.walk(root, []):
            if required:
                note(violations, "missing", path, self.body(root, path, None, drop=True))
            bad, good = self.cases(name)
            if self.shapes[name]["type"] == "map":
                bad += self.map_cases(self.shapes[name])
            for kind, value in bad:
                note(violations, kind, path, self.body(root, path, value))
            for kind, value in good:
                note(accepted, kind, path, self.body(root, path, value))
        return violations, accepted

    def output(self, name):
        """A shape as data for the test: nested lists of what may stand where."""
        shape = self.shapes[name]
        kind = shape["type"]
        if kind == "structure":
            return {"structure": {at.get("locationName", m): self.output(at["shape"]) for m, at in shape["members"].items()
                                  if at.get("location") != "header"}}
        if kind == "list":
            return {"list": self.output(shape["member"]["shape"])}
        if kind == "map":
            return {"map": self.output(shape["value"]["shape"])}
        return {"scalar": kind, **({"enum": shape["enum"]} if "enum" in shape else {})}


def main():
    services = {}
    for file in sorted(pathlib.Path(sys.argv[1]).glob("*.json")):
        service = Service(json.loads(file.read_text()))
        rows = {}
        for name, operation in sorted(service.operations.items()):
            violations, accepted = service.vectors(operation)
            out = operation.get("output")
            shape = service.shapes[out["shape"]] if out else {}
            rows[name] = {"method": operation["http"]["method"], "path": operation["http"]["requestUri"],
                          "errors": {e["shape"]: {"status": service.shapes[e["shape"]]["error"]["httpStatusCode"],
                                                  "members": sorted(service.shapes[e["shape"]]["members"])}
                                     for e in operation["errors"]},
                          "output": service.output(out["shape"]) if out and "payload" not in shape else None,
                          "violations": violations, "accepted": accepted}
        services[file.stem] = rows
    # One vector a line: a change of one constraint is a change of few lines.
    text = json.dumps(services, indent=None, ensure_ascii=True, sort_keys=True)
    print(text.replace('{"body": ', '\n{"body": ').replace('"method": ', '\n"method": '))


if __name__ == "__main__":
    main()
