# SPDX-License-Identifier: Apache-2.0
"""Regular expressions of the models -> Glushkov automata of at most 64 positions, which the aws room runs in linear time."""


import re


class PatternError(Exception):
    pass


ANY = [(0, 9), (11, 0x10FFFF)]
ESCAPES = {"d": [(0x30, 0x39)], "w": [(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)], "n": [(10, 10)]}


class PatternCompiler:
    """Matches the whole text, as AWS does. Alternation, groups, classes, * + ? {m,n}; nothing else is in the models."""

    def __init__(self, source, unicode_ranges):
        self.source = source
        self.text = source[source.startswith("^"):len(source) - (source.endswith("$") and not source.endswith("\\$"))]
        self.at = 0
        self.unicode = unicode_ranges
        self.classes = []
        self.follow = []
        self.nullable, self.first, self.last = self.alternatives()
        if self.at != len(self.text):
            raise PatternError(f"pattern {source!r}: cannot read it from {self.text[self.at:]!r}")
        if len(self.classes) > 64:
            raise PatternError(f"pattern {source!r}: needs {len(self.classes)} positions, at most 64")

    def peek(self):
        return self.text[self.at] if self.at < len(self.text) else ""

    def take(self):
        self.at += 1
        return self.text[self.at - 1]

    def alternatives(self):
        nullable, first, last = self.sequence()
        while self.peek() == "|":
            self.take()
            n, f, l = self.sequence()
            nullable, first, last = nullable or n, first | f, last | l
        return nullable, first, last

    def sequence(self):
        nullable, first, last = True, set(), set()
        while self.peek() not in ("", "|", ")"):
            n, f, l = self.quantified()
            for position in last:
                self.follow[position] |= f
            first = first | f if nullable else first
            last = last | l if n else l
            nullable = nullable and n
        return nullable, first, last

    def quantified(self):
        start = self.at
        n, f, l = self.atom()
        if self.peek() in ("*", "+", "?"):
            sign = self.take()
            if sign != "?":
                for position in l:
                    self.follow[position] |= f
            return n or sign != "+", f, l
        counted = re.match(r"\{(\d+),(\d+)\}", self.text[self.at:])
        if not counted:
            return n, f, l
        return self.counted(self.text[start:self.at], counted)

    def counted(self, atom, match):
        """atom{m,n} is written out as m atoms and n-m optional ones; the atom already read becomes unreachable."""
        low, high = int(match.group(1)), int(match.group(2))
        rest = self.text[self.at + match.end():]
        written = atom * low + "".join(f"({atom}" for _ in range(high - low)) + ")?" * (high - low)
        self.text, self.at = f"({written})" + rest, 0
        return self.quantified()

    def atom(self):
        char = self.take()
        if char == "(":
            inside = self.alternatives()
            if self.take() != ")":
                raise PatternError(f"pattern {self.source!r}: group is not closed")
            return inside
        if char == "[":
            return self.position(self.char_class())
        if char == "\\":
            return self.position(self.escape())
        return self.position(ANY if char == "." else [(ord(char), ord(char))])

    def position(self, ranges):
        self.classes.append(ranges)
        self.follow.append(set())
        here = {len(self.classes) - 1}
        return False, here, here

    def escape(self):
        char = self.take()
        if char == "p":
            name = self.text[self.at + 1]
            self.at += 3
            return self.unicode[name]
        return ESCAPES.get(char, [(ord(char), ord(char))])

    def char_class(self):
        ranges, negated = [], self.peek() == "^"
        if negated:
            self.take()
        while self.peek() != "]":
            char = self.take()
            if char == "\\":
                ranges += self.escape()
            elif self.peek() == "-" and self.text[self.at + 1] not in "]":
                self.take()
                ranges.append((ord(char), ord(self.take())))
            else:
                ranges.append((ord(char), ord(char)))
        self.take()
        return invert(ranges) if negated else normalise(ranges)


def normalise(ranges):
    merged = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def invert(ranges):
    result, at = [], 0
    for low, high in normalise(ranges):
        if low > at:
            result.append((at, low - 1))
        at = high + 1
    return result + [(at, 0x10FFFF)]


def matches(compiled, text):
    """What aws::Pattern::matches does, for the tests."""
    if not text:
        return compiled.nullable
    reachable, active = compiled.first, set()
    for char in text:
        active = {p for p in reachable if any(low <= ord(char) <= high for low, high in compiled.classes[p])}
        reachable = set().union(*(compiled.follow[p] for p in active)) if active else set()
    return bool(active & compiled.last)
