#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What review should not have to look for.

--quick: names, licence lines, sizes, links, generated files, format (seconds; part of every ./dev test)
otherwise also clang-tidy, on files that differ from the branch's origin, or with --all on every file.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BANNED = {"manager", "helper", "helpers", "utils", "util", "common", "misc", "data", "info", "impl2"}
SOURCE = (".cpp", ".hpp", ".py", ".sh", ".mjs", ".ts", ".tsx")
FILE_LINES, FILE_LINES_HARD = 250, 400


def tracked(*patterns):
    listing = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns], cwd=ROOT,
                             capture_output=True, check=True)
    names = sorted(name.decode() for name in listing.stdout.split(b"\0") if name)
    return [pathlib.Path(name) for name in names if (ROOT / name).is_file()]


def text_of(path):
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def check_names(files):
    for path in files:
        words = set(re.split(r"[_\W]+", path.stem.lower()))
        if path.suffix in SOURCE and words & BANNED:
            yield f"{path}: '{(words & BANNED).pop()}' says nothing about what is in it"
        if path.suffix in (".cpp", ".hpp") and not re.fullmatch(r"[a-z0-9_]+", path.stem):
            yield f"{path}: file names are snake_case"
    for path in files:
        if path.suffix not in (".cpp", ".hpp") or path.parts[0] != "src":
            continue
        for number, line in enumerate(text_of(path).splitlines(), 1):
            named = re.match(r"\s*(?:class|struct|enum class|namespace)\s+(\w+)", line)
            tail = named and re.findall(r"[A-Z]?[a-z0-9]+", named.group(1))
            if tail and tail[-1].lower() in BANNED and "::" not in line.split("{")[0]:
                yield f"{path}:{number}: '{named.group(1)}': name what it does"


def check_licence(files):
    for path in files:
        if path.suffix in SOURCE and "SPDX-License-Identifier: Apache-2.0" not in text_of(path)[:200]:
            yield f"{path}: no SPDX line"
        if path.suffix == ".hpp" and "#pragma once" not in text_of(path)[:400]:
            yield f"{path}: no #pragma once"


def check_todos(files):
    for path in files:
        for number, line in enumerate(text_of(path).splitlines() if path.parts[0] == "src" else [], 1):
            if re.search(r"\b(TODO|FIXME|XXX)\b", line) and not re.search(r"TODO\(issue-\d+\)", line):
                yield f"{path}:{number}: a TODO names its issue: TODO(issue-123)"


def check_sizes(files):
    for path in files:
        is_source = path.suffix in (".cpp", ".hpp") and path.parts[0] == "src" and not path.stem.endswith("_test")
        if is_source and len(text_of(path).splitlines()) > FILE_LINES_HARD:
            yield f"{path}: {len(text_of(path).splitlines())} lines; split it (the good ones have 60 to {FILE_LINES})"
    architecture = ROOT / "ARCHITECTURE.md"
    if architecture.exists() and len(architecture.read_text(encoding="utf-8").splitlines()) > 300:
        yield "ARCHITECTURE.md: more than 300 lines"


def report_sizes(files):
    sizes = [(len(text_of(path).splitlines()), path) for path in files
             if path.suffix in (".cpp", ".hpp") and path.parts[0] == "src" and not path.stem.endswith("_test")]
    for lines, path in sorted(sizes, reverse=True)[:15]:
        if lines > FILE_LINES:
            print(f"  {lines} lines: {path}")


def anchors(path):
    titles = re.findall(r"^#+\s+(.*)$", text_of(path), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def check_links(files):
    for path in files:
        if path.suffix != ".md":
            continue
        text = re.sub(r"```.*?```", "", text_of(path), flags=re.S)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            file = (path.parent / name) if name else path
            if not (ROOT / file).exists():
                yield f"{path}: link to {target}: no such file"
            elif anchor and file.suffix == ".md" and anchor not in anchors(file):
                yield f"{path}: link to {target}: no such heading"


def check_generated(_files):
    generator = ROOT / "tools" / "generate_api.py"
    if not generator.exists() or "--check" not in generator.read_text(encoding="utf-8"):
        return
    result = subprocess.run([sys.executable, str(generator), "--check"], cwd=ROOT, capture_output=True, text=True)
    if result.returncode != 0:
        yield "generated files are out of date: " + (result.stdout + result.stderr).strip()


def check_format(files):
    program = shutil.which("clang-format-19")
    sources = [str(path) for path in files if path.suffix in (".cpp", ".hpp")]
    if program is None or not sources:
        return
    result = subprocess.run([program, "--dry-run", "--Werror", *sources], cwd=ROOT, capture_output=True, text=True)
    for name in sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", result.stderr, re.M))):
        yield f"{name}: not formatted (./dev format)"


def changed_files():
    base = subprocess.run(["git", "merge-base", "HEAD", "@{upstream}"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    diff = subprocess.run(["git", "diff", "--name-only", base or "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    return set(diff.split())


def tidy_one(path, preset):
    result = subprocess.run(["clang-tidy-19", "--quiet", "-p", f"build/{preset}", str(path)], cwd=ROOT, capture_output=True, text=True)
    return (result.stdout.strip() or result.stderr.strip()) if result.returncode != 0 else ""


def check_tidy(files, preset, jobs, everything):
    """Tests are built as unity units and judged by their results; the tidied files are the product's."""
    wanted = [path for path in files if path.suffix == ".cpp" and path.parts[0] == "src" and not path.stem.endswith(("_test", "_fuzz"))]
    if not everything:
        changed = changed_files()
        wanted = [path for path in wanted if str(path) in changed]
    with concurrent.futures.ThreadPoolExecutor(max_workers=jobs) as pool:
        for path, problem in zip(wanted, pool.map(lambda each: tidy_one(each, preset), wanted)):
            if problem:
                yield problem
    print(f"clang-tidy: {len(wanted)} files")


def check_types():
    """The console's TypeScript; a fresh clone has no compiler for it before the first build."""
    compiler = ROOT / "console" / "node_modules" / "typescript" / "bin" / "tsc"
    if not compiler.exists():
        return ["console/: not type-checked, ./dev build first"]
    result = subprocess.run(["node", str(compiler), "--noEmit", "-p", "console"], cwd=ROOT, capture_output=True, text=True)
    return result.stdout.splitlines()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--preset", default="release")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    files = tracked()
    found = []
    for check in (check_names, check_licence, check_todos, check_sizes, check_links, check_generated):
        found += check(files)
    if not options.quick:
        report_sizes(files)
        found += check_format(files)
        found += [line for line in subprocess.run([sys.executable, "tools/check_layers.py"], cwd=ROOT, capture_output=True,
                                                  text=True).stdout.splitlines() if line != "layers ok"]
        found += check_types()
        found += check_tidy(files, options.preset, options.jobs, options.all)
    print("\n".join(found) or "lint ok")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
