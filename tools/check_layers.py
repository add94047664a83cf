#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the dependency rule written in CMakeLists.txt.

1. A file includes only its own room and the rooms on its room's line.
2. A subfolder of another room is private (only `room/file.hpp` may be included from outside).
3. A PURE room does no I/O, reads no clock, starts no thread; its tests may.

usage: check_layers.py [ROOT]
"""
import pathlib
import re
import sys

IMPURE = re.compile(
    r"""boost/asio|boost/beast
      |<(thread|mutex|shared_mutex|condition_variable|future|fstream|filesystem|iostream|random|stop_token)>
      |<(sys/socket|sys/epoll|netinet/|arpa/|unistd|fcntl|sqlite3|libpq|pthread)
      |(steady|system|high_resolution)_clock::now\(|\bstd::(getenv|rand|time)\(|(?<![\w.>:])(getenv|rand|time|clock)\(""",
    re.X,
)


def read_rooms(text):
    """The room() lines: folder -> (pure, rooms it may include)."""
    rooms = {}
    for folder, rest in re.findall(r"^room\(\s*([\w/]+)([^)]*)\)", text, re.M):
        words = rest.split()
        depends = words[words.index("DEPENDS") + 1:] if "DEPENDS" in words else []
        if "LINKS" in depends:
            depends = depends[:depends.index("LINKS")]
        rooms[folder] = ("PURE" in words, set(depends))
    return rooms


def room_of(path, rooms):
    """The longest room folder that contains `path`."""
    candidates = [room for room in rooms if path.startswith(room + "/")]
    return max(candidates, key=len, default=None)


def line_problem(path, room, rooms, line):
    """What is wrong with this line of this file, or None."""
    pure, depends = rooms[room]
    include = re.match(r'\s*#\s*include\s+"([\w/.]+)"', line)
    if include:
        target = include.group(1)
        other = room_of(target, rooms)
        if other is None or other == room:
            return None
        if other not in depends:
            return f"{room} may not include {other}"
        if "/" in target[len(other) + 1:]:
            return f"{target} is private to {other}"
    elif pure and not path.endswith(("_test.cpp", "_fuzz.cpp")) and IMPURE.search(line.split("//")[0]):
        return f"{room} is PURE"
    return None


def problems(root):
    rooms = read_rooms((root / "CMakeLists.txt").read_text(encoding="utf-8"))
    for file in sorted((root / "src").rglob("*.[hc]pp")):
        path = file.relative_to(root / "src").as_posix()
        room = room_of(path, rooms)
        if room is None:
            yield f"src/{path}: in no room"
            continue
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            problem = line_problem(path, room, rooms, line)
            if problem:
                yield f"src/{path}:{number}: {problem}"


if __name__ == "__main__":
    found = list(problems(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent)))
    print("\n".join(found) or "layers ok")
    sys.exit(bool(found))
